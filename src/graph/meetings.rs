//! The clashes of one edge, by when its two revisions would be live together.

use std::collections::BTreeSet;

use super::compat::{answer, unsettled};
use super::{Clash, Compat, Link, Node, Pair, Revision};
use crate::spec::{ContractName, Need, Negotiate, Retention, ServiceName};

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
            key,
            is_versioned: callee.is_versioned(),
            is_mixed: callee.before.len() > 1,
        };
        let pairs = |callers: &Live<'a>, callees: &Live<'a>, mixed: [&Live<'a>; 2]| {
            edge.clashes((callers, callees), mixed)
        };
        // What is gone matters only where what it wrote stays.
        let is_durable = !caller.retained.is_empty() && !retentions(caller, key).is_empty();
        let gone: &Live<'a> = if is_durable { &caller.retained } else { &[] };
        let left = |callees: &Live<'a>| edge.clashes((gone, callees), [callees, &[]]);
        let mut now = pairs(&caller.before, &callee.before, [&callee.before, &[]]);
        now.extend(left(&callee.before));
        if !caller.is_moving() && !callee.is_moving() && caller.before == caller.at_end {
            return Self {
                now,
                ..Self::default()
            };
        }
        let mixed: [&Live<'a>; 2] = [&callee.before, &callee.at_end];
        // Of a server that is mixed already nobody knows whether the part that suits a new caller
        // suffices for it.
        let blind = EdgeOf {
            is_versioned: edge.is_versioned && !(edge.is_mixed && callee.is_moving()),
            ..edge
        };
        Self {
            now,
            at_end: pairs(&caller.at_end, &callee.at_end, [&callee.at_end, &[]]),
            early: blind.clashes((&caller.at_end, &callee.before), mixed),
            late: pairs(&caller.before, &callee.at_end, mixed),
            left: left(&callee.at_end),
        }
    }
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
struct EdgeOf<'k, 'a> {
    link: Link<'a>,
    key: &'k Key,
    /// Whether a call finds a pod that speaks its version, if there is one.
    is_versioned: bool,
    is_mixed: bool,
}

impl<'a> EdgeOf<'_, 'a> {
    /// Every pair that clashes, and every caller that would break between two of the `mixed`
    /// callees.
    fn clashes(
        self,
        (callers, callees): (&Live<'a>, &Live<'a>),
        mixed: [&Live<'a>; 2],
    ) -> Vec<Pair<'a>> {
        let link = self.link;
        let mut found = Vec::new();
        // A pod that calls its own service is there itself, so the service is never absent for it.
        let is_self = link.caller == link.callee;
        for &caller in callers {
            let Some(revision) = caller else { continue };
            let requirement = match &revision.interface {
                None => None,
                Some(interface) => match interface.calls.get(self.key) {
                    None => continue,
                    requirement @ Some(_) => requirement,
                },
            };
            let need = requirement.map(|requirement| &requirement.need);
            let pair = |callee, clash| Pair {
                link,
                caller,
                callee,
                requirement,
                clash,
            };
            let first = found.len();
            let mut is_answered = false;
            for &callee in callees.iter().filter(|callee| !is_self || callee.is_some()) {
                let answer =
                    need.map_or(Compat::Unknown, |need| answer(need, link.contract, callee));
                match answer {
                    Compat::Yes => is_answered = true,
                    Compat::No(clash) => found.push(pair(callee, clash)),
                    Compat::Unknown => found.push(pair(callee, Clash::Undeclared)),
                }
            }
            // One that remembers may have agreed on what it does not find any more.
            let remembers = matches!(need, Some(Need::Any(_, Negotiate::Cached)));
            if self.is_versioned && is_answered && !remembers {
                found.truncate(first);
            }
            if let Some(callee) = need.and_then(|need| unsettled(need, link.contract, mixed)) {
                found.push(pair(Some(callee), Clash::Unsettled));
            }
        }
        found
    }
}
