//! The clashes of one edge, by when its two revisions would be live together.

use std::collections::BTreeSet;

use super::compat::{Served, judged, unsettled};
use super::{Clash, Compat, Link, Node, Pair, Revision};
use crate::spec::{ContractName, Need, Negotiate, Requirement, Retention, ServiceName};

pub(super) type Key = (ServiceName, ContractName);
type Live<'a> = [Option<&'a Revision>];

/// The pairs that clash.
#[derive(Default)]
pub(super) struct Meetings<'a> {
    /// Live together already; with what callers that are gone have left for the callee.
    pub now: Vec<Pair<'a>>,
    /// Live together when all is done.
    pub at_end: Vec<Pair<'a>>,
    /// New callers and old callees.
    pub early: Vec<Pair<'a>>,
    /// Old callers and new callees.
    pub late: Vec<Pair<'a>>,
    /// Callers that are gone and have left something, and new callees.
    pub left: Vec<Pair<'a>>,
}

impl<'a> Meetings<'a> {
    pub(super) fn of(link: Link<'a>, key: &Key, caller: &Node<'a>, callee: &Node<'a>) -> Self {
        let edge = EdgeOf {
            link,
            is_versioned: callee.is_versioned(),
        };
        let (old, new) = (callers(&caller.before, key), callers(&caller.at_end, key));
        let from = callees(&callee.before, link);
        let mut now = edge.clashes((&old, &from), [&callee.before, &[]]);
        // What is gone matters only where what it wrote stays.
        let is_durable = !caller.retained.is_empty() && !retentions(caller, key).is_empty();
        let gone = if is_durable {
            callers(&caller.retained, key)
        } else {
            Vec::new()
        };
        now.extend(edge.clashes((&gone, &from), [&callee.before, &[]]));
        if !caller.is_moving() && !callee.is_moving() && caller.before == caller.at_end {
            return Self {
                now,
                ..Self::default()
            };
        }
        let to = callees(&callee.at_end, link);
        let mixed: [&Live<'a>; 2] = [&callee.before, &callee.at_end];
        // Of a server that is mixed already nobody knows whether the part that suits a new caller
        // suffices for it.
        let is_mixed = callee.before.len() > 1 && callee.is_moving();
        let blind = EdgeOf {
            is_versioned: edge.is_versioned && !is_mixed,
            ..edge
        };
        Self {
            now,
            at_end: edge.clashes((&new, &to), [&callee.at_end, &[]]),
            early: blind.clashes((&new, &from), mixed),
            late: edge.clashes((&old, &to), mixed),
            left: edge.clashes((&gone, &to), [&callee.at_end, &[]]),
        }
    }
}

/// A revision that calls, or of which nobody knows whether it does, with what it requires.
#[derive(Clone, Copy)]
struct Caller<'a> {
    revision: &'a Revision,
    requirement: Option<&'a Requirement>,
}

fn callers<'a>(live: &Live<'a>, key: &Key) -> Vec<Caller<'a>> {
    let callers = live.iter().copied().flatten().filter_map(|revision| {
        let requirement = match &revision.interface {
            None => None,
            Some(interface) => Some(interface.calls.get(key)?),
        };
        Some(Caller {
            revision,
            requirement,
        })
    });
    callers.collect()
}

fn callees<'a>(live: &Live<'a>, link: Link<'a>) -> Vec<(Option<&'a Revision>, Served<'a>)> {
    // A pod that calls its own service is there itself, so the service is never absent for it.
    let is_self = link.caller == link.callee;
    let there = live
        .iter()
        .copied()
        .filter(|callee| !is_self || callee.is_some());
    there
        .map(|callee| (callee, Served::by(callee, link.contract)))
        .collect()
}

/// How long what a caller writes stays. That is so of the channel, whichever of its revisions says
/// it.
pub(super) fn retentions<'a>(caller: &Node<'a>, key: &Key) -> BTreeSet<&'a Retention> {
    let Node {
        before,
        at_end,
        retained,
        ..
    } = caller;
    let all = before
        .iter()
        .chain(at_end)
        .chain(retained)
        .copied()
        .flatten();
    let known = all.filter_map(|revision| revision.interface.as_ref());
    let requirements = known.filter_map(|interface| interface.calls.get(key));
    requirements
        .filter_map(|one| one.durable.as_ref())
        .collect()
}

#[derive(Clone, Copy)]
struct EdgeOf<'a> {
    link: Link<'a>,
    /// Whether a call finds a pod that speaks its version, if there is one.
    is_versioned: bool,
}

impl<'a> EdgeOf<'a> {
    /// Every pair that clashes, and every caller that would break between two of the `mixed`
    /// callees.
    fn clashes(
        self,
        (callers, callees): (&[Caller<'a>], &[(Option<&'a Revision>, Served<'a>)]),
        mixed: [&Live<'a>; 2],
    ) -> Vec<Pair<'a>> {
        let link = self.link;
        let mut found = Vec::new();
        for Caller {
            revision,
            requirement,
        } in callers.iter().copied()
        {
            let need = requirement.map(|requirement| &requirement.need);
            let pair = |callee, clash| Pair {
                link,
                caller: Some(revision),
                callee,
                requirement,
                clash,
            };
            let first = found.len();
            let mut is_answered = false;
            for (callee, served) in callees.iter().copied() {
                match judged(revision, need, link.callee, (callee, served)) {
                    Compat::Yes => is_answered = true,
                    Compat::No(clash) => found.push(pair(callee, clash)),
                    Compat::Unknown => found.push(pair(callee, Clash::Undeclared)),
                }
            }
            // One that remembers may have agreed on what it does not find any more.
            let remembers = matches!(need, Some(Need::Any(_, Negotiate::Cached)));
            if self.is_versioned && is_answered && !remembers {
                // Its calls find a pod of its version also where they were seen to fail.
                let rest = found.split_off(first);
                found.extend(rest.into_iter().filter(|pair| pair.clash == Clash::Refuted));
            }
            if let Some(callee) = need.and_then(|need| unsettled(need, link.contract, mixed)) {
                found.push(pair(Some(callee), Clash::Unsettled));
            }
        }
        found
    }
}
