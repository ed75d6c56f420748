//! The certificate of a plan: for every bad pair of revisions, the chain of steps that keeps it
//! apart.

use std::collections::BTreeSet;

use super::document::{Action, Plan, Verdict};
use super::shape::{Act, Rigour, Shape, tied};
use super::words::ABSENT;
use crate::by_name::ByName;
use crate::graph::{Derivation, Link, Revision, Strength};
use tidegate_spec::{Edge, ServiceName};

/// Why one bad pair is never live together. All names are borrowed from the system and the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Certificate<'a> {
    /// On which edge.
    pub link: Link<'a>,
    /// The caller's revision.
    pub caller_revision: &'a str,
    /// The callee's revision, `absent` where nothing runs.
    pub callee_revision: &'a str,
    /// The step that is done, all of it, before `then` starts.
    pub first: &'a str,
    /// The step that starts only then.
    pub then: &'a str,
    /// Their waves, from 0: the first is smaller.
    pub waves: (usize, usize),
}

/// One certificate for each pair of revisions that would break a call and that an order keeps
/// apart. Pairs of undeclared calls have none, as nothing is proved of them, nor have those of optional ones whose order was
/// given up.
///
/// In: what was derived from the system, and its plan.
pub fn prove<'a>(derived: &Derivation<'a>, plan: &'a Plan) -> Vec<Certificate<'a>> {
    if plan.verdict == Verdict::Refused {
        return Vec::new();
    }
    let moves = moves(plan, derived);
    let kept = kept(derived, plan);
    let mut certificates = Vec::with_capacity(derived.precedences.len());
    let name = |revision: Option<&'a Revision>| revision.map_or(ABSENT, |one| one.name.as_str());
    for precedence in &derived.precedences {
        let is_kept = match precedence.strength {
            Strength::Hard => true,
            Strength::Soft => {
                let ends = derived.nodes.get(precedence.first);
                let ends = ends.zip(precedence.pairs.first());
                ends.is_some_and(|(first, pair)| kept.contains(&(first.name, pair.link)))
            }
            Strength::Assumed | Strength::Together => false,
        };
        if !is_kept {
            continue;
        }
        let ends = moves.get(precedence.first).zip(moves.get(precedence.then));
        certificates.extend(precedence.pairs.iter().filter_map(|pair| {
            let (done, starts) = tied(precedence.kind, Rigour::of(pair.clash))?;
            let (first, then) = ends?;
            let (first, then) = (first.step(done)?, then.step(starts)?);
            Some(Certificate {
                link: pair.link,
                caller_revision: name(pair.caller),
                callee_revision: name(pair.callee),
                first: first.id,
                then: then.id,
                waves: (first.wave, then.wave),
            })
        }));
    }
    certificates
}

/// Who goes first on which edge, where the plan keeps an order that is declared; none where all orders are kept anyway.
fn kept<'a>(derived: &Derivation<'a>, plan: &'a Plan) -> BTreeSet<(&'a ServiceName, Link<'a>)> {
    let mut strengths = derived.precedences.iter().map(|one| one.strength);
    if !strengths.any(|strength| strength == Strength::Soft) {
        return BTreeSet::new();
    }
    let declared = plan.precedences.iter().filter(|one| !one.assumed);
    let kept = declared.filter_map(|precedence| {
        let Edge {
            caller,
            callee,
            contract,
        } = precedence.edge.as_ref()?;
        let link = Link {
            caller,
            callee,
            contract,
        };
        Some((&precedence.first, link))
    });
    kept.collect()
}

/// A step with which a service moves.
struct Move<'p> {
    id: &'p str,
    action: Action,
    wave: usize,
}

/// The steps with which one service moves, in the order of the waves.
#[derive(Default)]
struct MovesOf<'p>(Vec<Move<'p>>);

/// How each node of a derivation moves.
fn moves<'p>(plan: &'p Plan, derived: &Derivation<'_>) -> Vec<MovesOf<'p>> {
    let waves = plan.waves.iter().enumerate();
    let waves = waves.flat_map(|(wave, ids)| ids.iter().map(move |id| (id.as_str(), wave)));
    let wave_of: ByName<&str, usize> = waves.collect();
    let nodes = derived.nodes.iter().enumerate();
    // A service comes before a caller from outside of its name, which has no step.
    let number: ByName<&ServiceName, usize> = nodes.rev().map(|(at, one)| (one.name, at)).collect();
    let mut moves: Vec<MovesOf<'_>> = Vec::new();
    moves.resize_with(derived.nodes.len(), MovesOf::default);
    let steps = plan
        .steps
        .iter()
        .filter(|step| step.action != Action::Drain);
    for step in steps {
        let wave = wave_of.get(step.id.as_str());
        let of_node = number.get(&step.service).and_then(|at| moves.get_mut(*at));
        if let Some((MovesOf(all), wave)) = of_node.zip(wave) {
            all.push(Move {
                id: &step.id,
                action: step.action,
                wave: *wave,
            });
        }
    }
    moves
}

impl<'p> MovesOf<'p> {
    /// The step that does an act.
    fn step(&self, act: Act) -> Option<&Move<'p>> {
        let shape = match self.0.as_slice() {
            [_, flip] if flip.action == Action::Flip => Shape::Switched,
            [_, _] => Shape::Beside,
            [] | [_] | [_, _, _, ..] => Shape::Whole,
        };
        self.0.get(shape.step_of(act))
    }
}

/// The shortest chain of steps from one to another, each named in `after` of the next; `None` if
/// the plan does not order them.
pub fn path(plan: &Plan, first: &str, then: &str) -> Option<Vec<String>> {
    Paths::new(plan).path(first, then)
}

/// The chains of a plan. Those that end in the same step are looked for together.
pub(super) struct Paths<'p> {
    number: ByName<&'p str, &'p [String]>,
    /// Where the chains end that were looked for last.
    then: Option<usize>,
    /// What comes before it, in the order in which it was found.
    found: Vec<usize>,
    /// Of each that was found, the one that waits for it.
    next: Vec<Option<usize>>,
    /// How many of those found were looked behind.
    seen: usize,
}

impl<'p> Paths<'p> {
    pub(super) fn new(plan: &'p Plan) -> Self {
        let steps = plan.steps.iter();
        let number: ByName<_, _> = steps
            .map(|one| (one.id.as_str(), one.after.as_slice()))
            .collect();
        Self {
            next: vec![None; number.len()],
            number,
            then: None,
            found: Vec::new(),
            seen: 0,
        }
    }

    /// As [`path`].
    pub(super) fn path(&mut self, first: &str, then: &str) -> Option<Vec<String>> {
        let first = self.number.get_index_of(first)?;
        let then = self.number.get_index_of(then)?;
        if self.then != Some(then) {
            for step in self.found.drain(..) {
                *self.next.get_mut(step)? = None;
            }
            self.then = Some(then);
            self.found.push(then);
            self.seen = 0;
        }
        while first != then && self.next.get(first)?.is_none() {
            let step = *self.found.get(self.seen)?;
            self.seen += 1;
            let (_, after) = self.number.get_index(step)?;
            for before in after
                .iter()
                .filter_map(|id| self.number.get_index_of(id.as_str()))
            {
                let slot = self.next.get_mut(before)?;
                if before != then && slot.is_none() {
                    *slot = Some(step);
                    self.found.push(before);
                }
            }
        }
        let mut chain = Vec::new();
        let mut at = Some(first);
        while let Some(step) = at {
            let (id, _) = self.number.get_index(step)?;
            chain.push((*id).to_owned());
            at = *self.next.get(step)?;
        }
        Some(chain)
    }
}
