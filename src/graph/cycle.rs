//! Cycles of a graph of numbers: which nodes are on one, and a short one to show.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

/// The groups of nodes that are on a common cycle, each sorted, in the order of their smallest
/// member. Not Tarjan's algorithm: petgraph's recurses, and a chain of calls can be longer than
/// the stack.
pub fn components(nodes: usize, arcs: impl IntoIterator<Item = (usize, usize)>) -> Vec<Vec<usize>> {
    let mut graph: DiGraph<(), ()> = DiGraph::with_capacity(nodes, 0);
    for _ in 0..nodes {
        graph.add_node(());
    }
    for (first, then) in arcs {
        graph.add_edge(NodeIndex::new(first), NodeIndex::new(then), ());
    }
    let mut found: Vec<Vec<usize>> = kosaraju_scc(&graph)
        .into_iter()
        .filter(|component| component.len() > 1)
        .map(|component| {
            let mut members: Vec<usize> = component.into_iter().map(NodeIndex::index).collect();
            members.sort_unstable();
            members
        })
        .collect();
    found.sort_unstable();
    found
}

/// From so many nodes of a component a cycle is looked for; more would take quadratic time.
const STARTS_MAX: usize = 200;

/// A shortest cycle within one component, empty if there is none. In a component of
/// more than `STARTS_MAX` nodes it is a short one.
pub fn shortest_cycle(component: &[usize], arcs: &[(usize, usize)]) -> Vec<usize> {
    let members: BTreeSet<usize> = component.iter().copied().collect();
    let mut next: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (first, then) in arcs {
        if members.contains(first) && members.contains(then) {
            next.entry(*first).or_default().insert(*then);
        }
    }
    let mut best: Vec<usize> = Vec::new();
    for start in members.iter().take(STARTS_MAX) {
        let limit = if best.is_empty() {
            usize::MAX
        } else {
            best.len()
        };
        if let Some(cycle) = cycle_through(*start, &next).filter(|cycle| cycle.len() < limit) {
            best = cycle;
        }
        if best.len() == 2 {
            break;
        }
    }
    best
}

fn cycle_through(start: usize, next: &BTreeMap<usize, BTreeSet<usize>>) -> Option<Vec<usize>> {
    let mut came_from: BTreeMap<usize, usize> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        for then in next.get(&node).into_iter().flatten() {
            if *then == start {
                let mut cycle = vec![node];
                let mut at = node;
                while let Some(previous) = came_from.get(&at).filter(|_| at != start) {
                    cycle.push(*previous);
                    at = *previous;
                }
                cycle.reverse();
                return Some(cycle);
            }
            if !came_from.contains_key(then) {
                came_from.insert(*then, node);
                queue.push_back(*then);
            }
        }
    }
    None
}
