//! A split system, planned and proved: its waves, and the revisions between that it needs.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{Action, Intermediate, Proposal};
use super::journey::{Journey, Passage};
use super::layout::{Arranged, arrange};
use super::shape::Shape;
use super::split::Way;
use super::tour::Tour;
use super::words::{label, need_text};
use crate::graph::{Derivation, Node, Revision, System};
use tidegate_spec::{ContractName, Interface, ServiceName, Version};

/// Plans the split system and proves it; `None` if it is not safe.
pub(super) fn with_shapes(
    system: &System,
    derived: &Derivation<'_>,
    shapes: &[Shape],
) -> Option<Way> {
    let Arranged { layout, order, .. } = arrange(derived, shapes).ok()?;
    let depth = order.level.iter().max().map_or(0, |top| top + 1);
    let mut waves: Vec<Vec<String>> = vec![Vec::new(); depth];
    let nodes = derived.nodes.iter().zip(shapes);
    let made: Vec<Made<'_, '_>> = nodes.map(|(node, shape)| Made::new(node, *shape)).collect();
    let mut journeys: BTreeMap<&ServiceName, Journey<'_>> = BTreeMap::new();
    for node in derived.nodes.iter().filter(|node| !node.is_outside()) {
        let mut journey = Journey::new(&node.retained, &node.before, node.is_versioned());
        journey.passage = Passage::of(node.moves);
        journeys.insert(node.name, journey);
    }
    let mut intermediate = Vec::new();
    let mut brought = BTreeMap::new();
    let mut steps: Vec<(usize, usize)> = (0..layout.steps.len())
        .filter(|step| layout.is_moving(*step))
        .map(|step| (order.level.get(step).copied().unwrap_or_default(), step))
        .collect();
    steps.sort_unstable();
    for (number, (wave, step)) in steps.into_iter().enumerate() {
        let placed = layout.steps.get(step)?.as_ref()?;
        waves.get_mut(wave)?.push(placed.id.clone());
        let made = made.get(placed.node)?;
        let journey = journeys.get_mut(made.node.name)?;
        match (placed.action, made.shape) {
            (Action::Drain, _) => journey.drain((wave, number)),
            (_, Shape::Beside) if journey.is_moving() => journey.leave((wave, number)),
            (_, Shape::Beside) => journey.leg((wave, number), made.target(), true),
            (_, _) => {
                let between = made.between.get(journey.legs());
                journey.leg((wave, number), between.or_else(|| made.target()), false);
                intermediate.extend(between.and_then(|one| told(&placed.id, one)));
                brought.extend(between.map(|one| (placed.id.clone(), one.clone())));
            }
        }
    }
    let (faults, _) = Tour::new(system, journeys, waves.len()).examine();
    if !faults.is_empty() {
        return None;
    }
    let is_split = |made: &&Made<'_, '_>| !made.between.is_empty();
    let split = made
        .iter()
        .filter(is_split)
        .map(|made| made.node.name.clone())
        .collect();
    Some(Way {
        proposal: Proposal { split, waves },
        intermediate,
        between: brought,
        alternatives: Vec::new(),
    })
}

/// A service with the revisions that its steps bring, but for the last one.
struct Made<'n, 'a> {
    node: &'n Node<'a>,
    shape: Shape,
    between: Vec<Revision>,
}

impl<'n, 'a> Made<'n, 'a> {
    fn new(node: &'n Node<'a>, shape: Shape) -> Self {
        let interfaces = |live: &[Option<&'a Revision>]| -> Vec<&'a Interface> {
            live.iter()
                .flatten()
                .filter_map(|one| one.interface.as_ref())
                .collect()
        };
        let (before, at_end) = (interfaces(&node.before), interfaces(&node.at_end));
        // Any live revision will do as the old one: it lives with all of now already.
        let (old, new) = (before.last().copied(), at_end.first().copied());
        let calls = |one: Option<&Interface>| one.map(|one| one.calls.clone()).unwrap_or_default();
        let revision = |act: &str, from: Option<&Interface>| {
            let interface = Interface {
                serves: Some(served_by_any(before.iter().chain(&at_end))),
                calls: calls(from),
            };
            Revision::declared(act, interface)
        };
        let between = match shape {
            Shape::Whole | Shape::Switched | Shape::Beside => Vec::new(),
            Shape::ExpandFirst => vec![revision("expand", old)],
            Shape::ContractLast => vec![revision("expand", new)],
            Shape::Three => vec![revision("expand", old), revision("flip", new)],
        };
        Self {
            node,
            shape,
            between,
        }
    }

    fn target(&self) -> Option<&Revision> {
        self.node.at_end.first().copied().flatten()
    }
}

fn served_by_any<'i>(
    interfaces: impl Iterator<Item = &'i &'i Interface>,
) -> BTreeMap<ContractName, BTreeSet<Version>> {
    let mut served: BTreeMap<ContractName, BTreeSet<Version>> = BTreeMap::new();
    for (contract, versions) in interfaces.filter_map(|one| one.serves.as_ref()).flatten() {
        served
            .entry(contract.clone())
            .or_default()
            .extend(versions.iter().cloned());
    }
    served
}

fn told(id: &str, revision: &Revision) -> Option<Intermediate> {
    let Interface { serves, calls } = revision.interface.as_ref()?;
    let calls = calls.iter().map(|((callee, contract), requirement)| {
        let need = need_text(&requirement.need);
        format!("{} {need}", label(callee, contract))
    });
    Some(Intermediate {
        id: id.to_owned(),
        serves: serves.clone().unwrap_or_default(),
        calls: calls.collect(),
    })
}
