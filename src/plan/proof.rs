//! The certificate of a plan: for every bad pair of revisions, the chain of steps that keeps it
//! apart.

use std::collections::{BTreeMap, VecDeque};

use super::document::{Action, Plan, Step, Verdict};
use super::shape::{Act, Rigour, Shape, tied};
use super::words::ABSENT;
use crate::graph::{Kind, Strength, System, derive};
use crate::spec::{Edge, ServiceName};

/// Why one bad pair is never live together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// On which edge.
    pub edge: Edge,
    /// The caller's revision.
    pub caller_revision: String,
    /// The callee's revision, `absent` where nothing runs.
    pub callee_revision: String,
    /// The step that is done, all of it, before `then` starts.
    pub first: String,
    /// The step that starts only then.
    pub then: String,
    /// Their waves, from 0: the first is smaller.
    pub waves: (usize, usize),
}

/// One certificate for each pair of revisions that would break a call and that an order keeps
/// apart. Pairs of optional and undeclared calls have none: nothing is proved of them.
pub fn prove(system: &System, plan: &Plan) -> Vec<Certificate> {
    if plan.verdict == Verdict::Refused {
        return Vec::new();
    }
    let mut wave_of: BTreeMap<&str, usize> = BTreeMap::new();
    for (wave, ids) in plan.waves.iter().enumerate() {
        wave_of.extend(ids.iter().map(|id| (id.as_str(), wave)));
    }
    let steps = moves(plan);
    let derived = derive(system);
    let hard = derived
        .precedences
        .iter()
        .filter(|precedence| precedence.strength == Strength::Hard);
    let mut certificates = Vec::new();
    for pair in hard.flat_map(|precedence| {
        precedence
            .pairs
            .iter()
            .map(move |pair| (precedence.kind, pair))
    }) {
        let (kind, pair) = pair;
        let (caller, callee) = (pair.link.caller, pair.link.callee);
        let Some((done, starts)) = tied(kind, Rigour::of(pair.clash)) else {
            continue;
        };
        let (first, then) = match kind {
            Kind::ServerFirst => (callee, caller),
            Kind::ClientFirst | Kind::Manual => (caller, callee),
        };
        let ends = step(&steps, first, done).zip(step(&steps, then, starts));
        let Some((first, then)) = ends else { continue };
        let waves = wave_of.get(first).zip(wave_of.get(then));
        let name = |revision: Option<&crate::graph::Revision>| {
            revision.map_or_else(|| ABSENT.to_owned(), |revision| revision.name.clone())
        };
        certificates.extend(waves.map(|(before, after)| Certificate {
            edge: Edge {
                caller: caller.clone(),
                callee: callee.clone(),
                contract: pair.link.contract.clone(),
            },
            caller_revision: name(pair.caller),
            callee_revision: name(pair.callee),
            first: first.to_owned(),
            then: then.to_owned(),
            waves: (*before, *after),
        }));
    }
    certificates
}

/// The steps with which each service moves, in the order of the waves.
fn moves(plan: &Plan) -> BTreeMap<&ServiceName, Vec<&Step>> {
    let mut moves: BTreeMap<&ServiceName, Vec<&Step>> = BTreeMap::new();
    for step in plan
        .steps
        .iter()
        .filter(|step| step.action != Action::Drain)
    {
        moves.entry(&step.service).or_default().push(step);
    }
    moves
}

/// The step of a service that does an act.
fn step<'p>(
    moves: &BTreeMap<&ServiceName, Vec<&'p Step>>,
    service: &ServiceName,
    act: Act,
) -> Option<&'p str> {
    let steps = moves.get(service)?;
    let shape = match steps.as_slice() {
        [_, flip] if flip.action == Action::Flip => Shape::Switched,
        [_, _] => Shape::Beside,
        [] | [_] | [_, _, _, ..] => Shape::Whole,
    };
    steps.get(shape.step_of(act)).map(|step| step.id.as_str())
}

/// The shortest chain of steps from one to another, each named in `after` of the next; `None` if
/// the plan does not order them.
pub fn path(plan: &Plan, first: &str, then: &str) -> Option<Vec<String>> {
    let steps: BTreeMap<&str, &[String]> = plan
        .steps
        .iter()
        .map(|step| (step.id.as_str(), step.after.as_slice()))
        .collect();
    let mut next: BTreeMap<&str, &str> = BTreeMap::new();
    let mut open = VecDeque::from([then]);
    while let Some(step) = open.pop_front() {
        if step == first {
            let mut chain = vec![step.to_owned()];
            let mut at = step;
            while let Some(following) = next.get(at) {
                chain.push((*following).to_owned());
                at = following;
            }
            return Some(chain);
        }
        for before in steps.get(step).copied().unwrap_or_default() {
            if before != then && !next.contains_key(before.as_str()) {
                next.insert(before, step);
                open.push_back(before);
            }
        }
    }
    None
}
