//! From precedences to waves: the plan, or the refusal.

use std::collections::BTreeSet;

use super::document::{Action, EdgeCounts, Ordering, Plan, Precedence, Step, Verdict};
use super::refuse::{refuse_cycle, refuse_unsafe};
use super::settle::{Arc, Order, REDUCED_NODES_MAX, Settled};
use super::settle::{is_within, numbered, reduce, settle};
use super::words::because;
use crate::graph::{self, Derivation, Kind, Link, Moves, Node, Strength, System, derive};
use crate::spec::{Code, Edge, ServiceName};

/// So many names are listed in one warning.
const LISTED_MAX: usize = 10;

/// Finds the smallest safe order of a release, or says why there is none.
///
/// Takes time in proportion to the services and edges, but for the reduction of `after`.
pub fn plan(system: &System) -> Plan {
    let derived = derive(system);
    let arcs: Vec<Arc> = derived.precedences.iter().map(arc).collect();
    let plan = if let Some(refusal) = refuse_unsafe(&derived) {
        Plan {
            refusal: Some(refusal),
            ..Plan::empty(Verdict::Refused)
        }
    } else {
        match settle(derived.nodes.len(), &arcs) {
            Settled::Ordered(order) => ordered(&derived, &arcs, &order),
            Settled::Cyclic(cycles) => {
                let component = numbered(derived.nodes.len(), &cycles);
                let on_cycle = |precedence: &&graph::Precedence<'_>| {
                    is_within(&component, precedence.first, precedence.then)
                };
                let kept = derived.precedences.iter().filter(on_cycle);
                Plan {
                    precedences: kept
                        .filter_map(|precedence| told(precedence, &derived))
                        .collect(),
                    refusal: Some(refuse_cycle(system, &derived, &cycles)),
                    ..Plan::empty(Verdict::Refused)
                }
            }
        }
    };
    let counted = EdgeCounts {
        proved: derived.edges.proved,
        assumed: derived.edges.assumed,
        free: derived.edges.free,
    };
    let edges = if plan.verdict == Verdict::Refused {
        counted
    } else {
        plan.edges
    };
    Plan { edges, ..plan }.sealed(system)
}

pub(super) fn arc(precedence: &graph::Precedence<'_>) -> Arc {
    let graph::Precedence {
        first,
        then,
        strength,
        kind: _,
        assumed: _,
        pairs: _,
    } = precedence;
    Arc {
        first: *first,
        then: *then,
        strength: *strength,
    }
}

fn ordered(derived: &Derivation<'_>, arcs: &[Arc], order: &Order) -> Plan {
    let before = reduce(order, arcs);
    let moving = |node: &usize| derived.nodes.get(*node).is_some_and(Node::is_moving);
    let depth = order
        .level
        .iter()
        .enumerate()
        .filter(|(node, _)| moving(node));
    let mut waves: Vec<Vec<String>> =
        vec![Vec::new(); depth.map(|(_, level)| level + 1).max().unwrap_or(0)];
    let mut steps: Vec<(usize, Step)> = Vec::new();
    for (at, node) in derived
        .nodes
        .iter()
        .enumerate()
        .filter(|(at, _)| moving(at))
    {
        let level = order.level.get(at).copied().unwrap_or_default();
        if let Some(wave) = waves.get_mut(level) {
            wave.push(node.name.as_str().to_owned());
        }
        let firsts = before.get(at).map(Vec::as_slice).unwrap_or_default();
        steps.push((level, step(node, firsts, derived)));
    }
    steps.sort_by_key(|(level, _)| *level);
    let all = derived.precedences.iter().zip(&order.kept);
    let mut kept: Vec<_> = all
        .filter(|(_, kept)| **kept)
        .map(|(precedence, _)| precedence)
        .collect();
    let level = |node: usize| order.level.get(node).copied().unwrap_or_default();
    kept.sort_by_key(|precedence| (level(precedence.then), precedence.then, precedence.first));
    Plan {
        waves,
        steps: steps.into_iter().map(|(_, step)| step).collect(),
        precedences: kept
            .into_iter()
            .filter_map(|precedence| told(precedence, derived))
            .collect(),
        edges: edge_counts(derived, order),
        critical_path: critical_path(derived, order, &before),
        warnings: warnings(derived, order),
        ..Plan::empty(Verdict::Ordered)
    }
}

fn step(node: &Node<'_>, firsts: &[usize], derived: &Derivation<'_>) -> Step {
    let action = match node.moves {
        Moves::Create => Action::Create,
        Moves::Job => Action::Job,
        Moves::Delete => Action::Delete,
        Moves::Roll | Moves::Stays => Action::Roll,
    };
    let name = |at: &usize| {
        derived
            .nodes
            .get(*at)
            .map(|first| first.name.as_str().to_owned())
    };
    Step {
        id: node.name.as_str().to_owned(),
        service: node.name.clone(),
        action,
        after: firsts.iter().filter_map(name).collect(),
    }
}

/// A precedence in the words of the document.
pub(super) fn told(
    precedence: &graph::Precedence<'_>,
    derived: &Derivation<'_>,
) -> Option<Precedence> {
    let first = derived.nodes.get(precedence.first)?.name;
    let then = derived.nodes.get(precedence.then)?.name;
    let kind = match precedence.kind {
        Kind::ServerFirst => Ordering::ServerFirst,
        Kind::ClientFirst => Ordering::ClientFirst,
        Kind::Manual => Ordering::Manual,
    };
    let edge = precedence.pairs.first().map(|pair| Edge {
        caller: pair.link.caller.clone(),
        callee: pair.link.callee.clone(),
        contract: pair.link.contract.clone(),
    });
    let because = because(precedence, first, then);
    let (first, then) = (first.clone(), then.clone());
    Some(Precedence {
        first,
        then,
        kind,
        assumed: precedence.assumed,
        edge,
        because,
    })
}

/// A longest chain of steps; of several the first by name, from its end.
fn critical_path(derived: &Derivation<'_>, order: &Order, before: &[Vec<usize>]) -> Vec<String> {
    let level = |node: &usize| order.level.get(*node).copied().unwrap_or_default();
    let moving = derived
        .nodes
        .iter()
        .enumerate()
        .filter(|(_, node)| node.is_moving());
    let mut at = moving
        .map(|(at, _)| at)
        .max_by_key(|at| (level(at), std::cmp::Reverse(*at)));
    let mut path = Vec::new();
    while let Some(node) = at {
        path.extend(derived.nodes.get(node).map(|node| node.name.to_string()));
        let firsts = before.get(node).map(Vec::as_slice).unwrap_or_default();
        at = firsts
            .iter()
            .copied()
            .max_by_key(|first| (level(first), std::cmp::Reverse(*first)));
    }
    path.reverse();
    path
}

/// An edge whose optional order was given up needs none after all.
fn edge_counts(derived: &Derivation<'_>, order: &Order) -> EdgeCounts {
    let links = |wanted: bool| {
        let all = derived
            .precedences
            .iter()
            .zip(&order.kept)
            .filter(move |(_, kept)| **kept == wanted);
        let proved = all.filter(|(precedence, _)| !precedence.assumed);
        proved
            .filter_map(|(precedence, _)| precedence.pairs.first())
            .map(|pair| pair.link)
    };
    let kept: BTreeSet<Link<'_>> = links(true).collect();
    let assumed: BTreeSet<Link<'_>> = derived.assumed.iter().copied().collect();
    let given_up: BTreeSet<Link<'_>> = links(false)
        .filter(|link| !kept.contains(link) && !assumed.contains(link))
        .collect();
    EdgeCounts {
        proved: derived.edges.proved - given_up.len(),
        assumed: derived.edges.assumed,
        free: derived.edges.free + given_up.len(),
    }
}

fn warnings(derived: &Derivation<'_>, order: &Order) -> Vec<String> {
    let mut texts: Vec<(Code, String)> = Vec::new();
    if !derived.assumed.is_empty() {
        let links = derived
            .assumed
            .iter()
            .map(|link| format!("{} → {}", link.caller, link.callee));
        let count = derived.assumed.len();
        let text = format!(
            "assumed, not proved, for want of a declared contract: {}",
            some(links, count)
        );
        texts.push((Code::AssumedEdge, text));
    }
    for members in &order.collapsed {
        let names = members.iter().filter_map(|at| derived.nodes.get(*at));
        let names = some(names.map(|node| node.name.to_string()), members.len());
        let text = format!(
            "unproven: {names} call each other by undeclared contracts and move in one wave"
        );
        texts.push((Code::AssumedEdge, text));
    }
    let grouped: BTreeSet<usize> = order.collapsed.iter().flatten().copied().collect();
    let given_up = derived
        .precedences
        .iter()
        .zip(&order.kept)
        .filter(|(_, kept)| !**kept);
    for precedence in given_up.map(|(precedence, _)| precedence) {
        let told = told(precedence, derived);
        let Some(Precedence {
            first,
            then,
            kind,
            because,
            assumed: _,
            edge: _,
        }) = told
        else {
            continue;
        };
        match precedence.strength {
            Strength::Hard => {}
            Strength::Assumed if grouped.contains(&precedence.first) => {}
            Strength::Assumed => texts.push((
                Code::AssumedEdge,
                format!("unproven: {first} is not held before {then}, what is declared forbids it"),
            )),
            Strength::Soft => {
                let window = window(kind, &first, &then);
                let text = format!("optional calls fail {window}: {because}");
                texts.push((Code::SoftEdgeDropped, text));
            }
        }
    }
    texts.extend(derived.notes.iter().cloned());
    if derived.nodes.len() > REDUCED_NODES_MAX {
        let text =
            format!("more than {REDUCED_NODES_MAX} services: `after` lists implied steps too");
        return told_with_codes(texts).chain([text]).collect();
    }
    told_with_codes(texts).collect()
}

/// While an optional call fails because the order that it needs was given up.
fn window(kind: Ordering, first: &ServiceName, then: &ServiceName) -> String {
    match kind {
        Ordering::ServerFirst | Ordering::Manual => {
            format!("from the first new pod of {then} to the last old pod of {first}")
        }
        Ordering::ClientFirst => {
            format!("from the first new pod of {then} until {first} is done")
        }
    }
}

fn told_with_codes(texts: Vec<(Code, String)>) -> impl Iterator<Item = String> {
    texts
        .into_iter()
        .map(|(code, text)| format!("{text} [{code}]"))
}

fn some(names: impl Iterator<Item = String>, count: usize) -> String {
    let listed = names.take(LISTED_MAX).collect::<Vec<_>>().join(", ");
    let more = count.saturating_sub(LISTED_MAX);
    if more == 0 {
        listed
    } else {
        format!("{listed} and {more} more")
    }
}
