//! Who is live of one service, from wave to wave, as the checker sees it.

use std::collections::BTreeSet;

use crate::graph::Revision;

/// A live revision; `None` stands for "nothing runs".
pub(super) type Live<'a> = Option<&'a Revision>;

/// One move of a service.
#[derive(Debug, Clone)]
pub(super) struct Leg {
    pub wave: usize,
    /// The number of its step in the plan.
    pub number: usize,
    /// Who is live once it is done.
    pub to: BTreeSet<usize>,
}

/// Where a service stands on its way.
#[derive(Debug, Clone)]
pub(super) struct Position {
    /// Everything that may be live.
    pub live: BTreeSet<usize>,
    /// What callers can count on: one of these sets, and they do not know which.
    pub answers: Vec<BTreeSet<usize>>,
}

/// Who is live of one service, from wave to wave. Its revisions are numbered.
#[derive(Debug, Clone, Default)]
pub(super) struct Journey<'a> {
    pub revisions: Vec<Live<'a>>,
    pub start: BTreeSet<usize>,
    /// Who is gone before anything moves and may have left something durable.
    pub retained: BTreeSet<usize>,
    pub legs: Vec<Leg>,
    /// The wave and number of the step that waits out what was left for it.
    pub drain: Option<(usize, usize)>,
    pub is_versioned: bool,
    pub passage: Passage,
}

/// Whether a service is there all the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Passage {
    /// It is, or it is a Job.
    #[default]
    Stays,
    /// Nothing of it runs before.
    Comes,
    /// Nothing of it runs afterwards.
    Goes,
}

impl<'a> Journey<'a> {
    /// A service that does not move yet; `None` stands for "nothing runs".
    pub(super) fn new(live: &[Live<'a>], is_versioned: bool) -> Self {
        Self {
            revisions: live.to_vec(),
            start: (0..live.len()).collect(),
            is_versioned,
            ..Self::default()
        }
    }

    /// Revisions that are gone and may have left something.
    pub(super) fn left(&mut self, retained: &[Live<'a>]) {
        let first = self.revisions.len();
        self.revisions.extend(retained);
        self.retained = (first..self.revisions.len()).collect();
    }

    /// In a wave, one revision replaces all others, or comes beside them.
    pub(super) fn leg(&mut self, (wave, number): (usize, usize), to: Live<'a>, beside: bool) {
        let new = self.revisions.len();
        self.revisions.push(to);
        let old = if beside {
            self.settled(self.legs.len()).clone()
        } else {
            BTreeSet::new()
        };
        let to = old.into_iter().chain([new]).collect();
        self.legs.push(Leg { wave, number, to });
    }

    /// In a wave, those that are not of the newest revision go.
    pub(super) fn leave(&mut self, (wave, number): (usize, usize)) {
        let newest = self.revisions.len().checked_sub(1);
        let to = newest.into_iter().collect();
        self.legs.push(Leg { wave, number, to });
    }

    /// In a wave, what was left for it is waited out.
    pub(super) fn drain(&mut self, at: (usize, usize)) {
        self.drain = Some(at);
    }

    /// How often it moves.
    pub(super) fn legs(&self) -> usize {
        self.legs.len()
    }

    /// Whether it moves at all.
    pub(super) fn is_moving(&self) -> bool {
        !self.legs.is_empty()
    }

    /// Who is live after so many legs.
    pub(super) fn settled(&self, legs: usize) -> &BTreeSet<usize> {
        let leg = legs.checked_sub(1).and_then(|leg| self.legs.get(leg));
        leg.map_or(&self.start, |leg| &leg.to)
    }

    /// Where it stands in a wave: 0 before the first leg, 1 within it, 2 after it, and so on.
    pub(super) fn position_in(&self, wave: usize) -> usize {
        let done = self.legs.iter().filter(|leg| leg.wave < wave).count();
        let is_moving = self.legs.get(done).is_some_and(|leg| leg.wave == wave);
        2 * done + usize::from(is_moving)
    }

    /// Who is live, and who answers, at each position.
    pub(super) fn at_positions(&self) -> Vec<Position> {
        let positions = 0..=2 * self.legs.len();
        positions
            .map(|position| self.at_position(position))
            .collect()
    }

    /// Of a blind service any of its pods may answer. Of a versioned one the right pod does, of
    /// those that stay through a leg or are ready after it.
    fn at_position(&self, position: usize) -> Position {
        let before = self.settled(position / 2);
        let after = self.settled(position.div_ceil(2));
        let live = before | after;
        let answers = if self.is_versioned && position % 2 == 1 {
            vec![before.clone(), after.clone()]
        } else {
            vec![live.clone()]
        };
        Position { live, answers }
    }

    /// The leg, from 0, with which a revision goes, if it ever does.
    pub(super) fn leaves_with(&self, revision: usize) -> Option<usize> {
        let is_without = |leg: &usize| {
            self.settled(*leg).contains(&revision) && !self.settled(leg + 1).contains(&revision)
        };
        (0..self.legs.len()).find(is_without)
    }

    /// Whether a revision is gone in a wave and what it left for `reader` is not.
    pub(super) fn has_left(&self, revision: usize, wave: usize, reader: &Self) -> bool {
        let drained = reader
            .drain
            .map(|(drained, _)| drained)
            .filter(|drained| *drained < wave);
        if self.retained.contains(&revision) {
            return drained.is_none();
        }
        let leg = self
            .leaves_with(revision)
            .and_then(|leg| self.legs.get(leg));
        leg.is_some_and(|leg| leg.wave < wave && drained.is_none_or(|drained| drained <= leg.wave))
    }

    /// The step with which a position is left.
    pub(super) fn out_of(&self, position: usize) -> Option<usize> {
        self.legs.get(position / 2).map(|leg| leg.number)
    }

    /// The step with which a position is reached.
    pub(super) fn into(&self, position: usize) -> Option<usize> {
        let leg = position.div_ceil(2).checked_sub(1)?;
        self.legs.get(leg).map(|leg| leg.number)
    }
}
