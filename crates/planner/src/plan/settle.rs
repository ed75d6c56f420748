//! Orders numbered nodes by arcs of several strengths: keeps what must be kept, gives up what may be.
//!
//! In: arcs "first before then". Out: a level for each node and which arcs were kept, or the
//! cycles.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{Strength, components, levels};

/// Above this many nodes the exact reduction would cost more than the plan itself, so steps then
/// name all their predecessors.
pub(super) const REDUCED_NODES_MAX: usize = 50_000;

/// "`first` before `then`".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arc {
    pub first: usize,
    pub then: usize,
    pub strength: Strength,
    /// Of soft arcs that exclude each other the heavier is kept.
    pub weight: u32,
}

/// Levels by longest path, and what was given up for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    /// The level of each node, from 0.
    pub level: Vec<usize>,
    /// Whether each arc is kept.
    pub kept: Vec<bool>,
    /// Nodes whose order is assumed both ways, so that they share a level.
    pub collapsed: Vec<Vec<usize>>,
}

/// What the arcs come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Settled {
    Ordered(Order),
    /// The hard arcs close these cycles.
    Cyclic(Vec<Vec<usize>>),
}

/// Hard arcs are kept or there is no order. Assumed arcs that lie on a cycle are given up, and
/// where nothing else ties its nodes they share one level. Soft arcs are added one by one, the
/// heavier first, while they close no cycle.
pub(super) fn settle(nodes: usize, arcs: &[Arc]) -> Settled {
    let of = |strengths: &'static [Strength]| {
        arcs.iter()
            .filter(|arc| strengths.contains(&arc.strength))
            .map(|arc| (arc.first, arc.then))
    };
    let cycles = components(nodes, of(&[Strength::Hard]));
    if !cycles.is_empty() {
        return Settled::Cyclic(cycles);
    }
    let mut kept = vec![true; arcs.len()];
    let mut group: Vec<usize> = (0..nodes).collect();
    let mut collapsed = Vec::new();
    let guessed = if arcs.iter().any(|arc| arc.strength == Strength::Assumed) {
        components(nodes, of(&[Strength::Hard, Strength::Assumed]))
    } else {
        Vec::new()
    };
    let component = numbered(nodes, &guessed);
    for (arc, keep) in arcs.iter().zip(&mut kept) {
        *keep = match arc.strength {
            Strength::Hard | Strength::Soft => true,
            Strength::Assumed => !is_within(&component, arc.first, arc.then),
            Strength::Together => false,
        };
    }
    let tied: BTreeSet<Option<usize>> = arcs
        .iter()
        .filter(|arc| arc.strength == Strength::Hard)
        .filter(|arc| is_within(&component, arc.first, arc.then))
        .map(|arc| component.get(arc.first).copied().flatten())
        .collect();
    let free = guessed
        .into_iter()
        .enumerate()
        .filter(|(at, _)| !tied.contains(&Some(*at)));
    for (_, members) in free {
        for member in &members {
            if let (Some(slot), Some(head)) = (group.get_mut(*member), members.first()) {
                *slot = *head;
            }
        }
        collapsed.push(members);
    }
    keep_soft(&group, arcs, &mut kept);
    let level = levels_of(&group, arcs, &kept);
    Settled::Ordered(Order {
        level,
        kept,
        collapsed,
    })
}

/// The number of the component that each node is in.
pub(super) fn numbered(nodes: usize, components: &[Vec<usize>]) -> Vec<Option<usize>> {
    let mut number = vec![None; nodes];
    for (at, members) in components.iter().enumerate() {
        for member in members {
            if let Some(slot) = number.get_mut(*member) {
                *slot = Some(at);
            }
        }
    }
    number
}

pub(super) fn is_within(component: &[Option<usize>], first: usize, then: usize) -> bool {
    let of = |node: usize| component.get(node).copied().flatten();
    of(first).is_some() && of(first) == of(then)
}

fn group_of(group: &[usize], node: usize) -> usize {
    group.get(node).copied().unwrap_or(node)
}

/// Only soft arcs inside a component of everything together can close a cycle; the others stay.
fn keep_soft(group: &[usize], arcs: &[Arc], kept: &mut [bool]) {
    let ends = |arc: &Arc| (group_of(group, arc.first), group_of(group, arc.then));
    if arcs.iter().all(|arc| arc.strength != Strength::Soft) {
        return;
    }
    let everything = arcs
        .iter()
        .zip(kept.iter())
        .filter(|(_, kept)| **kept)
        .map(|(arc, _)| ends(arc));
    let component = numbered(group.len(), &components(group.len(), everything));
    let mut next: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let firm = arcs
        .iter()
        .zip(kept.iter())
        .filter(|(arc, kept)| **kept && arc.strength != Strength::Soft);
    for (first, then) in firm.map(|(arc, _)| ends(arc)) {
        if is_within(&component, first, then) {
            next.entry(first).or_default().push(then);
        }
    }
    let soft = arcs.iter().zip(kept);
    let mut soft: Vec<_> = soft
        .filter(|(arc, _)| arc.strength == Strength::Soft)
        .collect();
    soft.sort_by_key(|(arc, _)| Reverse(arc.weight));
    for (arc, keep) in soft {
        let (first, then) = ends(arc);
        if first == then || (is_within(&component, first, then) && leads_to(&next, then, first)) {
            *keep = false;
        } else if is_within(&component, first, then) {
            next.entry(first).or_default().push(then);
        }
    }
}

fn leads_to(next: &BTreeMap<usize, Vec<usize>>, from: usize, to: usize) -> bool {
    let mut seen = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(node) = open.pop() {
        if node == to {
            return true;
        }
        for then in next.get(&node).into_iter().flatten() {
            if seen.insert(*then) {
                open.push(*then);
            }
        }
    }
    false
}

fn levels_of(group: &[usize], arcs: &[Arc], kept: &[bool]) -> Vec<usize> {
    let kept = arcs.iter().zip(kept).filter(|(_, kept)| **kept);
    let ends = kept.map(|(arc, _)| (group_of(group, arc.first), group_of(group, arc.then)));
    // The kept arcs are acyclic by construction, so the levels are always there.
    let level = levels(group.len(), ends).unwrap_or_default();
    group
        .iter()
        .map(|head| level.get(*head).copied().unwrap_or_default())
        .collect()
}

/// The predecessors of each node, sorted, without those that follow from the others.
pub(super) fn reduce(order: &Order, arcs: &[Arc]) -> Vec<Vec<usize>> {
    let nodes = order.level.len();
    let level = |node: usize| order.level.get(node).copied().unwrap_or_default();
    let kept = arcs
        .iter()
        .zip(&order.kept)
        .filter(|(_, kept)| **kept)
        .map(|(arc, _)| arc);
    let mut kept: Vec<(usize, usize)> = kept.map(|arc| (arc.then, arc.first)).collect();
    kept.sort_unstable_by_key(|(then, first)| (level(*then), *then, *first));
    kept.dedup();
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    let mut keep = |then: usize, first: usize| {
        if let Some(list) = before.get_mut(then) {
            list.push(first);
        }
    };
    if nodes > REDUCED_NODES_MAX {
        for (then, first) in kept {
            keep(then, first);
        }
        return before;
    }
    // An arc is implied iff its first node lies before another predecessor of its second one. Who
    // lies before whom is kept for a block of first nodes at a time: a few words for each node.
    for block in 0..nodes.div_ceil(BLOCK) {
        let mut earlier = vec![[0_u64; WORDS]; nodes];
        for group in kept.chunk_by(|one, other| one.0 == other.0) {
            let mut before_them = [0; WORDS];
            for row in group.iter().filter_map(|(_, first)| earlier.get(*first)) {
                merge(&mut before_them, row);
            }
            let mut all = before_them;
            for (then, first) in group.iter().filter(|(_, first)| first / BLOCK == block) {
                let (word, bit) = (first % BLOCK / 64, 1_u64 << (first % 64));
                if before_them.get(word).is_some_and(|bits| bits & bit == 0) {
                    keep(*then, *first);
                }
                if let Some(bits) = all.get_mut(word) {
                    *bits |= bit;
                }
            }
            if let Some(slot) = group.first().and_then(|(then, _)| earlier.get_mut(*then)) {
                *slot = all;
            }
        }
    }
    before
}

const WORDS: usize = 64;
const BLOCK: usize = WORDS * 64;

fn merge(into: &mut [u64; WORDS], row: &[u64; WORDS]) {
    for (bits, more) in into.iter_mut().zip(row) {
        *bits |= more;
    }
}
