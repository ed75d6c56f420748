//! The clashes of one edge, by when its two revisions would be live together.

use std::collections::BTreeSet;

use super::compat::{Served, judged, unsettled};
use super::{Clash, Compat, Link, Node, Pair, Revision};
use tidegate_spec::{ContractName, Need, Negotiate, Requirement, Retention, ServiceName};

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
    pub(super) fn of(
        link: Link<'a>,
        callers: &Callers<'a>,
        caller: &Node<'a>,
        callee: &Node<'a>,
    ) -> Self {
        let edge = EdgeOf {
            link,
            is_versioned: callee.is_versioned(),
        };
        let [old, new, gone] = callers.sides(caller);
        let from = callees(&callee.before, link);
        let (before, at_end): (&Live<'a>, &Live<'a>) = (&callee.before, &callee.at_end);
        let now_only = ([before, &[]], before);
        let mut now = edge.clashes((old, &from), now_only);
        // What is gone matters only where what it wrote stays.
        let is_durable = !gone.is_empty() && !callers.retentions().is_empty();
        let gone = if is_durable { gone } else { &[] };
        let unread = edge.clashes((gone, &from), now_only);
        // Of a caller that has ended, what somebody live cannot read was waited out before that one came.
        let is_unread = |pair: &Pair<'_>| unread.iter().any(|one| one.caller == pair.caller);
        if !caller.is_outside() {
            now.extend(&unread);
        }
        if !caller.is_moving() && !callee.is_moving() && caller.before == caller.at_end {
            return Self {
                now,
                ..Self::default()
            };
        }
        let to = callees(at_end, link);
        let (mixed, end_only) = ([before, at_end], ([at_end, &[]], at_end));
        // Of a server that is mixed already nobody knows whether the part that suits a new caller
        // suffices for it. One that calls itself cannot be finished first.
        let is_self = link.caller == link.callee;
        let is_mixed = callee.before.len() > 1 && callee.is_moving() && !is_self;
        let blind = EdgeOf {
            is_versioned: edge.is_versioned && !is_mixed,
            ..edge
        };
        let mut left = edge.clashes((gone, &to), end_only);
        left.retain(|pair| !(caller.is_outside() && is_unread(pair)));
        Self {
            now,
            at_end: edge.clashes((new, &to), end_only),
            early: blind.clashes((new, &from), (mixed, at_end)),
            late: edge.clashes((old, &to), (mixed, before)),
            left,
        }
    }
}

/// A revision that calls, or of which nobody knows whether it does, with what it requires.
#[derive(Clone, Copy)]
struct Caller<'a> {
    revision: &'a Revision,
    requirement: Option<&'a Requirement>,
}

/// Which revisions of a node call one contract of one callee.
pub(super) struct Callers<'a> {
    pub key: &'a Key,
    /// For each revision before, at the end and retained, in this order; none where it does not call.
    each: Vec<Option<Caller<'a>>>,
}

impl<'a> Callers<'a> {
    /// Who calls before, at the end, and who did and is gone.
    fn sides(&self, node: &Node<'a>) -> [&[Option<Caller<'a>>]; 3] {
        let (old, rest) = parted(&self.each, node.before.len());
        let (new, gone) = parted(rest, node.at_end.len());
        [old, new, gone]
    }

    /// How long what a caller writes stays. That is so of the channel, whichever of its revisions says
    /// it.
    pub(super) fn retentions(&self) -> BTreeSet<&'a Retention> {
        let requirements = self.each.iter().flatten().filter_map(|one| one.requirement);
        requirements
            .filter_map(|one| one.durable.as_ref())
            .collect()
    }
}

fn parted<T>(list: &[T], at: usize) -> (&[T], &[T]) {
    list.split_at_checked(at).unwrap_or((list, &[]))
}

/// Whom any revision of a node calls, by name. The lists of its revisions are sorted, so they are read side by side.
pub(super) fn calls<'a>(node: &Node<'a>) -> impl Iterator<Item = Callers<'a>> + use<'a> {
    let revisions = node.before.iter().chain(&node.at_end).chain(&node.retained);
    let revisions: Vec<Option<&'a Revision>> = revisions.copied().collect();
    let mut lists: Vec<_> = revisions
        .iter()
        .map(|revision| Some(revision.as_ref()?.interface.as_ref()?.calls.iter()))
        .map(|list| list.into_iter().flatten().peekable())
        .collect();
    std::iter::from_fn(move || {
        let next = lists.iter_mut().filter_map(|list| list.peek());
        let key = next.map(|(key, _)| *key).min()?;
        let each = revisions.iter().zip(&mut lists).map(|(revision, list)| {
            let requirement = list.next_if(|(next, _)| *next == key);
            let requirement = requirement.map(|(_, requirement)| requirement);
            let revision = (*revision)?;
            let may_call = requirement.is_some() || revision.interface.is_none();
            may_call.then_some(Caller {
                revision,
                requirement,
            })
        });
        let each = each.collect();
        Some(Callers { key, each })
    })
}

/// A revision that may be called, and what it serves of the contract.
type Callee<'a> = (Option<&'a Revision>, Served<'a>);

fn callees<'a>(live: &Live<'a>, link: Link<'a>) -> Vec<Callee<'a>> {
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

#[derive(Clone, Copy)]
struct EdgeOf<'a> {
    link: Link<'a>,
    /// Whether a call finds a pod that speaks its version, if there is one.
    is_versioned: bool,
}

impl<'a> EdgeOf<'a> {
    /// Every pair that clashes, and every caller that would break between two of the callees that may be live together,
    /// of which it runs beside the second ones anyway.
    fn clashes(
        self,
        (callers, callees): (&[Option<Caller<'a>>], &[Callee<'a>]),
        together: ([&Live<'a>; 2], &Live<'a>),
    ) -> Vec<Pair<'a>> {
        let link = self.link;
        let mut found = Vec::new();
        for Caller {
            revision,
            requirement,
        } in callers.iter().copied().flatten()
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
            let unsettled = need.and_then(|need| unsettled(need, link.contract, together));
            found.extend(
                unsettled.map(|(callee, between)| pair(Some(callee), Clash::Unsettled(between))),
            );
        }
        found
    }
}
