//! The steps of a whole system as numbered nodes: those of its services, then its drains.
//!
//! In: a derivation and a shape for each of its nodes. Out: the arcs, and who is who.

use std::collections::BTreeMap;
use std::ops::Range;

use super::document::Action;
use super::settle::{Arc, Order, Settled, is_within, numbered, settle};
use super::shape::{Act, Rigour, Shape, Staged, Tie};
use crate::graph::{Derivation, Moves, Node, Pair, Precedence, Strength, shortest_cycle};
use tidegate_spec::Interface;

/// One step of a service that moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    /// The number of its service.
    pub node: usize,
    /// Its id in the plan.
    pub id: String,
    /// What is done.
    pub action: Action,
}

/// The numbered steps. Nodes that do not move have numbers too, and nothing stands there.
pub(super) struct Layout {
    staged: Staged,
    /// The drain of each reader that has one.
    drains: BTreeMap<usize, usize>,
    /// What each number stands for.
    pub steps: Vec<Option<Placed>>,
}

/// A layout in an order.
pub(super) struct Arranged {
    pub layout: Layout,
    /// One for each precedence, then the others.
    pub arcs: Vec<Arc>,
    /// Where among the arcs those are that keep exclusive services apart.
    pub exclusive: Range<usize>,
    pub order: Order,
}

/// A layout that has no order, and the steps that wait for each other.
pub(super) struct Cycles {
    layout: Layout,
    /// One for each precedence, then the others.
    arcs: Vec<Arc>,
    steps: Vec<Vec<usize>>,
}

/// Orders a system whose services move in these shapes; what stands against it if there is no order.
pub(super) fn arrange(derived: &Derivation<'_>, shapes: &[Shape]) -> Result<Arranged, Box<Cycles>> {
    let cyclic = |layout, arcs, steps| {
        Box::new(Cycles {
            layout,
            arcs,
            steps,
        })
    };
    let layout = Layout::new(derived, shapes);
    let mut arcs = layout.arcs(derived);
    arcs.extend(layout.together(derived, &arcs));
    let mut order = match settle(layout.steps.len(), &arcs) {
        Settled::Ordered(order) => order,
        Settled::Cyclic(steps) => return Err(cyclic(layout, arcs, steps)),
    };
    let found = super::exclusive::arcs(derived, &layout, &arcs, &order);
    let exclusive = arcs.len()..arcs.len() + found.len();
    if !found.is_empty() {
        let together = layout.together(derived, &found);
        arcs.extend(found.into_iter().chain(together));
        order = match settle(layout.steps.len(), &arcs) {
            Settled::Ordered(order) => order,
            Settled::Cyclic(steps) => return Err(cyclic(layout, arcs, steps)),
        };
    }
    Ok(Arranged {
        layout,
        arcs,
        exclusive,
        order,
    })
}

impl Cycles {
    /// The services of each group that wait for each other, sorted.
    pub(super) fn members(&self) -> Vec<Vec<usize>> {
        let members = self.steps.iter().map(|steps| self.layout.services(steps));
        members.collect()
    }

    /// A short way round through each group.
    pub(super) fn rounds(&self) -> Vec<Vec<usize>> {
        let hard = self
            .arcs
            .iter()
            .filter(|arc| arc.strength == Strength::Hard);
        let arcs: Vec<(usize, usize)> = hard.map(|arc| (arc.first, arc.then)).collect();
        // A round begins with its first step by number, and no later step of a service leads to an earlier one but through
        // the service's own wait, which is no member: so none ends where it begins.
        let round = |steps: &Vec<usize>| self.layout.services(&shortest_cycle(steps, &arcs));
        self.steps.iter().map(round).collect()
    }

    /// The precedences within the groups.
    pub(super) fn forcing<'d, 'a>(
        &self,
        derived: &'d Derivation<'a>,
    ) -> impl Iterator<Item = &'d Precedence<'a>> {
        let component = numbered(self.layout.steps.len(), &self.steps);
        let all = derived.precedences.iter().zip(&self.arcs);
        let forcing = all.filter(move |(_, arc)| is_within(&component, arc.first, arc.then));
        forcing.map(|(precedence, _)| precedence)
    }
}

impl Layout {
    fn new(derived: &Derivation<'_>, shapes: &[Shape]) -> Self {
        let staged = Staged::new(shapes.iter().copied());
        let mut steps: Vec<Option<Placed>> = Vec::with_capacity(staged.steps);
        for (at, (node, shape)) in derived.nodes.iter().zip(shapes).enumerate() {
            let is_moving = node.is_moving();
            steps.extend((0..shape.steps()).map(|offset| {
                is_moving.then(|| Placed {
                    node: at,
                    id: id(node, *shape, offset),
                    action: action(node.moves, *shape, offset),
                })
            }));
        }
        let mut drains = BTreeMap::new();
        for reader in derived.drains.keys() {
            drains.insert(*reader, steps.len());
            steps.push(derived.nodes.get(*reader).map(|node| Placed {
                node: *reader,
                id: format!("{}/drain", node.name),
                action: Action::Drain,
            }));
        }
        Self {
            staged,
            drains,
            steps,
        }
    }

    /// The id of a number; empty where nothing stands.
    pub(super) fn id(&self, step: usize) -> &str {
        let placed = self.steps.get(step).and_then(Option::as_ref);
        placed.map_or("", |placed| placed.id.as_str())
    }

    /// Whether anything stands at a number.
    pub(super) fn is_moving(&self, step: usize) -> bool {
        self.steps.get(step).is_some_and(Option::is_some)
    }

    fn arcs(&self, derived: &Derivation<'_>) -> Vec<Arc> {
        let mut arcs = self.staged.arcs(derived.precedences.iter().map(Tie::of));
        for (reader, drain) in &self.drains {
            let pairs = derived.drains.get(reader).map(|drain| &drain.pairs);
            let is_refuted = |pair: &Pair<'_>| Rigour::of(pair.clash) == Rigour::Refuted;
            let starts = if pairs.into_iter().flatten().any(is_refuted) {
                Act::Serve
            } else {
                Act::Drop
            };
            let starts = self.staged.step(*reader, starts);
            let writers = derived.drains.get(reader).map(|drain| &drain.writers);
            let ceased = writers.into_iter().flatten();
            // One that reads what it wrote itself, in one step, cannot wait for its own end.
            let ceased = ceased
                .map(|writer| self.staged.step(*writer, Act::Cease))
                .filter(|ceased| *ceased != starts);
            arcs.extend(ceased.map(|ceased| Arc::hard(ceased, *drain)));
            arcs.push(Arc::hard(*drain, starts));
        }
        arcs
    }

    /// What one of those waits for that start together, all of them wait for.
    fn together(&self, derived: &Derivation<'_>, arcs: &[Arc]) -> Vec<Arc> {
        let mut found = Vec::new();
        for members in &derived.together {
            let start = |at: &usize| self.staged.step(*at, Act::Serve);
            let starts: Vec<usize> = members.iter().map(start).collect();
            let into = arcs.iter().filter(|arc| arc.strength != Strength::Together);
            for arc in into.filter(|arc| starts.contains(&arc.then)) {
                let others = starts.iter().filter(|start| **start != arc.then);
                found.extend(others.map(|start| Arc {
                    then: *start,
                    ..*arc
                }));
            }
        }
        found
    }

    /// The services of some steps, each once where its steps stand side by side; a wait is none.
    fn services(&self, steps: &[usize]) -> Vec<usize> {
        let is_drain = |step: &&usize| self.drains.values().any(|drain| drain == *step);
        let moves = steps.iter().filter(|step| !is_drain(step));
        let mut nodes: Vec<usize> = moves.map(|step| self.staged.node_of(*step)).collect();
        nodes.dedup();
        nodes
    }
}

fn action(moves: Moves, shape: Shape, offset: usize) -> Action {
    match (moves, shape, offset) {
        (_, Shape::Switched, 1) => Action::Flip,
        (Moves::Create, _, 0) => Action::Create,
        (Moves::Job, _, _) => Action::Job,
        (Moves::Delete, _, _) => Action::Delete,
        (Moves::Create | Moves::Roll | Moves::Stays | Moves::Kept, _, _) => Action::Roll,
    }
}

fn id(node: &Node<'_>, shape: Shape, offset: usize) -> String {
    let part = match (shape, offset) {
        (Shape::Whole, _) => return node.name.to_string(),
        (Shape::Switched | Shape::Three, 1) => "flip",
        (Shape::ContractLast, 0) if !is_expanding(node) => "flip",
        (Shape::ExpandFirst, 1) if is_flipping(node) => "flip",
        (_, 0) => "expand",
        (
            Shape::ExpandFirst
            | Shape::ContractLast
            | Shape::Three
            | Shape::Switched
            | Shape::Beside,
            _,
        ) => "contract",
    };
    format!("{}/{part}", node.name)
}

fn interfaces<'a>(node: &Node<'a>) -> (Option<&'a Interface>, Option<&'a Interface>) {
    let declared = |live: &[Option<&'a crate::graph::Revision>]| {
        let known = live
            .iter()
            .flatten()
            .filter_map(|one| one.interface.as_ref());
        known.fold(None, |_, one| Some(one))
    };
    // Any live revision will do as the old one: it lives with all of now already.
    (declared(&node.before), declared(&node.at_end))
}

/// Whether it calls something else than before.
fn is_flipping(node: &Node<'_>) -> bool {
    let (old, new) = interfaces(node);
    old.map(|old| &old.calls) != new.map(|new| &new.calls)
}

/// Whether the last of its live revisions does not serve all that some revision serves.
fn is_expanding(node: &Node<'_>) -> bool {
    let (old, _) = interfaces(node);
    let served = old.and_then(|old| old.serves.as_ref());
    let others = node.before.iter().chain(&node.at_end).flatten();
    let others = others
        .filter_map(|one| one.interface.as_ref()?.serves.as_ref())
        .flatten();
    others.into_iter().any(|(contract, versions)| {
        let known = served.and_then(|served| served.get(contract));
        known.is_none_or(|known| !known.is_superset(versions))
    })
}
