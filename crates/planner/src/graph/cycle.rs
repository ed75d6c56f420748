//! Cycles of a graph of numbers: which nodes are on one, and a short one to show.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

/// The groups of nodes that are on a common cycle, each sorted, in the order of their smallest
/// member. Not Tarjan's algorithm: petgraph's recurses, and a chain of calls can be longer than
/// the stack.
pub fn components(
    nodes: usize,
    arcs: impl Iterator<Item = (usize, usize)> + Clone,
) -> Vec<Vec<usize>> {
    if levels(nodes, arcs.clone()).is_some() {
        return Vec::new();
    }
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

/// How many arcs the longest way to each node has; `None` if there is a cycle.
pub fn levels(
    nodes: usize,
    arcs: impl Iterator<Item = (usize, usize)> + Clone,
) -> Option<Vec<usize>> {
    // The arcs in the order of their first ends, and where those of each node begin.
    let mut begins = vec![0_usize; nodes + 1];
    let mut open_before = vec![0_usize; nodes];
    for (first, then) in arcs.clone() {
        *begins.get_mut(first + 1)? += 1;
        *open_before.get_mut(then)? += 1;
    }
    let mut count = 0;
    for begin in &mut begins {
        count += *begin;
        *begin = count;
    }
    let mut filled = begins.clone();
    let mut thens = vec![0_usize; count];
    for (first, then) in arcs {
        let at = filled.get_mut(first)?;
        *thens.get_mut(*at)? = then;
        *at += 1;
    }
    let mut free: Vec<usize> = Vec::with_capacity(nodes);
    free.extend((0..nodes).filter(|node| open_before.get(*node) == Some(&0)));
    let mut level = vec![0_usize; nodes];
    let mut done = 0;
    while let Some(node) = free.pop() {
        done += 1;
        let further = level.get(node)? + 1;
        for then in thens.get(*begins.get(node)?..*begins.get(node + 1)?)? {
            let slot = level.get_mut(*then)?;
            *slot = further.max(*slot);
            let open = open_before.get_mut(*then)?;
            *open -= 1;
            if *open == 0 {
                free.push(*then);
            }
        }
    }
    (done == nodes).then_some(level)
}

/// From so many nodes of a component a cycle is looked for; more would take quadratic time.
const STARTS_MAX: usize = 200;

/// A shortest cycle within one component, empty if there is none. In a component of
/// more than `STARTS_MAX` nodes it is a short one.
pub fn shortest_cycle(component: &[usize], arcs: &[(usize, usize)]) -> Vec<usize> {
    let members: BTreeSet<usize> = component.iter().copied().collect();
    let mut next: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    // What leaves a component does not come back, so its last arcs do no harm.
    for (first, then) in arcs {
        if members.contains(first) {
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
