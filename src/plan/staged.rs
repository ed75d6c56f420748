//! A system some of whose services move in several steps: its arcs, its waves, its new revisions.

use std::collections::{BTreeMap, BTreeSet};

use super::check::{Journey, Tour};
use super::document::{Intermediate, Proposal};
use super::settle::{Arc, Settled, settle};
use super::split::Way;
use super::waves::arc;
use super::words::{label, need_text};
use crate::graph::{Derivation, Kind, Node, Revision, Strength, System};
use crate::spec::{ContractName, Interface, ServiceName, Version};

/// In which of its steps a service expands, flips and contracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Whole,
    ExpandFirst,
    ContractLast,
    Three,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Act {
    Expand,
    Flip,
    Contract,
}

impl Shape {
    pub(super) fn steps(self) -> usize {
        match self {
            Self::Whole => 1,
            Self::ExpandFirst | Self::ContractLast => 2,
            Self::Three => 3,
        }
    }

    /// The step, from 0, that does an act.
    fn step_of(self, act: Act) -> usize {
        match (self, act) {
            (Self::Whole, _) | (_, Act::Expand) | (Self::ContractLast, Act::Flip) => 0,
            (Self::ExpandFirst, Act::Flip | Act::Contract)
            | (Self::ContractLast, Act::Contract)
            | (Self::Three, Act::Flip) => 1,
            (Self::Three, Act::Contract) => 2,
        }
    }
}

/// "`first` before `then`" between services; which of their acts it ties follows from its kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tie {
    pub kind: Kind,
    pub arc: Arc,
}

/// Steps instead of services as nodes.
pub(super) struct Staged {
    first_step: BTreeMap<usize, (usize, Shape)>,
    pub steps: usize,
}

impl Staged {
    pub(super) fn new(shapes: impl Iterator<Item = (usize, Shape)>) -> Self {
        let mut steps = 0;
        let mut first_step = BTreeMap::new();
        for (at, shape) in shapes {
            first_step.insert(at, (steps, shape));
            steps += shape.steps();
        }
        Self { first_step, steps }
    }

    fn step(&self, node: usize, act: Act) -> Option<usize> {
        self.first_step
            .get(&node)
            .map(|(step, shape)| step + shape.step_of(act))
    }

    pub(super) fn arcs(&self, ties: &[Tie]) -> Vec<Arc> {
        let mut arcs: Vec<Arc> = Vec::new();
        for Tie { kind, arc } in ties {
            let (done, starts) = match kind {
                Kind::ServerFirst => (Act::Expand, Act::Flip),
                Kind::ClientFirst => (Act::Flip, Act::Contract),
                Kind::Manual => (Act::Contract, Act::Expand),
            };
            let ends = self.step(arc.first, done).zip(self.step(arc.then, starts));
            arcs.extend(ends.map(|(first, then)| Arc {
                first,
                then,
                strength: arc.strength,
            }));
        }
        for (step, shape) in self.first_step.values() {
            for later in 1..shape.steps() {
                let (first, then) = (step + later - 1, step + later);
                arcs.push(Arc {
                    first,
                    then,
                    strength: Strength::Hard,
                });
            }
        }
        arcs
    }
}

/// Plans the split system and proves it; `None` if it is not safe.
pub(super) fn with_shapes(
    system: &System,
    derived: &Derivation<'_>,
    shapes: &[Shape],
) -> Option<Way> {
    let staged = Staged::new(shapes.iter().copied().enumerate());
    let ties: Vec<Tie> = derived
        .precedences
        .iter()
        .map(|precedence| Tie {
            kind: precedence.kind,
            arc: arc(precedence),
        })
        .collect();
    let Settled::Ordered(order) = settle(staged.steps, &staged.arcs(&ties)) else {
        return None;
    };
    let mut waves: Vec<Vec<String>> =
        vec![Vec::new(); order.level.iter().max().map_or(0, |top| top + 1)];
    let made: Vec<Made<'_, '_>> = derived
        .nodes
        .iter()
        .zip(shapes)
        .filter(|(node, _)| node.is_moving())
        .map(|(node, shape)| Made::new(node, *shape))
        .collect();
    let mut journeys: BTreeMap<&ServiceName, Journey<'_>> = BTreeMap::new();
    let moving = derived
        .nodes
        .iter()
        .enumerate()
        .filter(|(_, node)| node.is_moving());
    for ((at, node), made) in moving.zip(&made) {
        let start = node.before.clone();
        let mut journey = Journey {
            start,
            ..Journey::default()
        };
        for (offset, (id, revision)) in made.steps().into_iter().enumerate() {
            let step = staged.step(at, Act::Expand)? + offset;
            let wave = *order.level.get(step)?;
            waves.get_mut(wave)?.push(id);
            journey.legs.push((wave, revision));
        }
        journeys.insert(node.name, journey);
    }
    for node in derived
        .nodes
        .iter()
        .filter(|node| system.services.contains_key(node.name))
    {
        let start = node.before.clone();
        journeys.entry(node.name).or_insert_with(|| Journey {
            start,
            ..Journey::default()
        });
    }
    if !Tour::new(system, journeys, waves.len()).faults().is_empty() {
        return None;
    }
    let split = made.iter().filter(|made| made.shape != Shape::Whole);
    Some(Way {
        proposal: Proposal {
            split: split.map(|made| made.node.name.clone()).collect(),
            waves,
        },
        intermediate: made.iter().flat_map(Made::intermediate).collect(),
        between: made.iter().flat_map(|made| made.between.clone()).collect(),
        alternatives: Vec::new(),
    })
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

/// A service with the revisions that its steps bring.
struct Made<'n, 'a> {
    node: &'n Node<'a>,
    shape: Shape,
    /// Each step but the last with its revision.
    between: Vec<(String, Revision)>,
    last: String,
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
        let serves = served_by_any(before.iter().chain(&at_end));
        let calls = |one: Option<&Interface>| one.map(|one| one.calls.clone()).unwrap_or_default();
        let flips = calls(old) != calls(new);
        let expands = served_by_any(old.iter()) != serves;
        let id = |act: &str| format!("{}/{act}", node.name);
        let revision = |act: &str, from: Option<&Interface>| {
            let interface = Interface {
                serves: Some(serves.clone()),
                calls: calls(from),
            };
            (id(act), Revision::declared(act, interface))
        };
        let (between, last) = match shape {
            Shape::Whole => (Vec::new(), node.name.to_string()),
            Shape::ExpandFirst => {
                let last = if flips { "flip" } else { "contract" };
                (vec![revision("expand", old)], id(last))
            }
            Shape::ContractLast => {
                let first = if expands { "expand" } else { "flip" };
                (vec![revision(first, new)], id("contract"))
            }
            Shape::Three => (
                vec![revision("expand", old), revision("flip", new)],
                id("contract"),
            ),
        };
        Self {
            node,
            shape,
            between,
            last,
        }
    }

    fn steps(&self) -> Vec<(String, Option<&Revision>)> {
        let target = self.node.at_end.first().copied().flatten();
        let between = self
            .between
            .iter()
            .map(|(id, revision)| (id.clone(), Some(revision)));
        between.chain([(self.last.clone(), target)]).collect()
    }

    fn intermediate(&self) -> Vec<Intermediate> {
        let told = self.between.iter().filter_map(|(id, revision)| {
            let Interface { serves, calls } = revision.interface.as_ref()?;
            let calls = calls.iter().map(|((callee, contract), requirement)| {
                format!(
                    "{} {}",
                    label(callee, contract),
                    need_text(&requirement.need)
                )
            });
            Some(Intermediate {
                id: id.clone(),
                serves: serves.clone().unwrap_or_default(),
                calls: calls.collect(),
            })
        });
        told.collect()
    }
}
