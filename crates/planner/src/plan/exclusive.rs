//! Services of one exclusive group go one after the other. This has no part in the proof: any
//! order of them is as safe as another, so the one that shortens the release is taken.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::layout::Layout;
use super::settle::{Arc, Order};
use crate::graph::{Derivation, Node};

/// The arcs that keep groups apart, for a system that is in an order already.
///
/// All of them point forward in one and the same line of steps, so they close no cycle: by level,
/// then who has more waiting behind it, then by name.
pub(super) fn arcs(
    derived: &Derivation<'_>,
    layout: &Layout,
    arcs: &[Arc],
    order: &Order,
) -> Vec<Arc> {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (step, placed) in layout.steps.iter().enumerate() {
        let node = placed
            .as_ref()
            .and_then(|placed| derived.nodes.get(placed.node));
        if let Some(group) = node.and_then(Node::exclusive) {
            groups.entry(group).or_default().push(step);
        }
    }
    if groups.is_empty() {
        return Vec::new();
    }
    let level = |step: usize| order.level.get(step).copied().unwrap_or_default();
    let behind = behind(arcs, order);
    let mut found = Vec::new();
    for steps in groups.values_mut() {
        steps.sort_by_key(|step| {
            let behind = behind.get(*step).copied().unwrap_or_default();
            (level(*step), Reverse(behind), *step)
        });
        let pairs = steps.iter().zip(steps.iter().skip(1));
        found.extend(pairs.map(|(first, then)| Arc::hard(*first, *then)));
    }
    found
}

/// How many steps wait in a chain behind each.
fn behind(arcs: &[Arc], order: &Order) -> Vec<usize> {
    let level = |step: usize| order.level.get(step).copied().unwrap_or_default();
    let kept = arcs.iter().zip(&order.kept).filter(|(_, kept)| **kept);
    let mut kept: Vec<&Arc> = kept.map(|(arc, _)| arc).collect();
    kept.sort_by_key(|arc| Reverse(level(arc.first)));
    let mut behind = vec![0_usize; order.level.len()];
    for arc in kept {
        let further = behind.get(arc.then).copied().unwrap_or_default() + 1;
        if let Some(slot) = behind.get_mut(arc.first) {
            *slot = (*slot).max(further);
        }
    }
    behind
}
