//! Who is live of one service, from wave to wave, as the checker sees it.

use std::ops::Range;

use crate::graph::{Moves, Revision};

/// A live revision; `None` stands for "nothing runs".
pub(super) type Live<'a> = Option<&'a Revision>;

/// Revisions that stand side by side.
pub(super) type Several = Range<usize>;

/// One move of a service.
#[derive(Debug, Clone)]
pub(super) struct Leg {
    pub wave: usize,
    /// The number of its step in the plan.
    pub number: usize,
    /// Who is live once it is done.
    pub to: Several,
}

/// Where a service stands on its way.
#[derive(Debug, Clone)]
pub(super) struct Position {
    /// Everything that may be live.
    pub live: Several,
    /// What callers can count on: one of these, and they do not know which.
    pub answers: [Option<Several>; 2],
}

/// Who is live of one service, from wave to wave. Its revisions are numbered in the order in which they come, and go in
/// the same order: so those that are live at the same time always stand side by side.
#[derive(Debug, Clone, Default)]
pub(super) struct Journey<'a> {
    /// First those that are gone before anything moves and may have left something durable.
    pub revisions: Vec<Live<'a>>,
    pub start: Several,
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

impl Passage {
    pub(super) fn of(moves: Moves) -> Self {
        match moves {
            Moves::Create => Self::Comes,
            Moves::Delete => Self::Goes,
            Moves::Roll | Moves::Job | Moves::Stays | Moves::Kept => Self::Stays,
        }
    }
}

impl<'a> Journey<'a> {
    /// A service that does not move yet; `None` stands for "nothing runs".
    ///
    /// In: who is gone and may have left something, and who is live.
    pub(super) fn new(retained: &[Live<'a>], live: &[Live<'a>], is_versioned: bool) -> Self {
        let revisions = [retained, live].concat();
        Self {
            start: retained.len()..revisions.len(),
            revisions,
            is_versioned,
            ..Self::default()
        }
    }

    /// In a wave, one revision replaces all others, or comes beside them.
    pub(super) fn leg(&mut self, (wave, number): (usize, usize), to: Live<'a>, beside: bool) {
        let new = self.revisions.len();
        self.revisions.push(to);
        let first = if beside {
            self.settled(self.legs.len()).start
        } else {
            new
        };
        let to = first..new + 1;
        self.legs.push(Leg { wave, number, to });
    }

    /// In a wave, those that are not of the newest revision go.
    pub(super) fn leave(&mut self, (wave, number): (usize, usize)) {
        let all = self.revisions.len();
        let to = all.saturating_sub(1)..all;
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
    fn settled(&self, legs: usize) -> &Several {
        let leg = legs.checked_sub(1).and_then(|leg| self.legs.get(leg));
        leg.map_or(&self.start, |leg| &leg.to)
    }

    /// Where it stands in a wave: 0 before the first leg, 1 within it, 2 after it, and so on.
    pub(super) fn position_in(&self, wave: usize) -> usize {
        let done = self.legs.iter().filter(|leg| leg.wave < wave).count();
        let is_moving = self.legs.get(done).is_some_and(|leg| leg.wave == wave);
        2 * done + usize::from(is_moving)
    }

    /// How many positions it has.
    pub(super) fn positions(&self) -> usize {
        2 * self.legs.len() + 1
    }

    /// Who is live, and who answers. Of a blind service any of its pods may answer. Of a versioned one the right pod does,
    /// of those that stay through a leg or are ready after it.
    pub(super) fn at_position(&self, position: usize) -> Position {
        let before = self.settled(position / 2);
        let after = self.settled(position.div_ceil(2));
        let live = before.start..after.end;
        let answers = if self.is_versioned && position % 2 == 1 {
            [Some(before.clone()), Some(after.clone())]
        } else {
            [Some(live.clone()), None]
        };
        Position { live, answers }
    }

    /// Whether a revision is gone before anything moves.
    pub(super) fn is_retained(&self, revision: usize) -> bool {
        revision < self.start.start
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
        if self.is_retained(revision) {
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
