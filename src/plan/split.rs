//! The way out of a cycle: the fewest services to move in more than one step (planning.md §5.6).
//!
//! A split service moves by *expand* (serves old and new, calls old), *flip* (serves both, calls new)
//! and *contract* (the target). Halves that need no split of their own are merged again. What is
//! proposed is proved like any plan before it is shown.

use std::collections::{BTreeMap, BTreeSet};

use super::check::{Journey, Tour};
use super::document::{Intermediate, Proposal};
use super::settle::{Arc, Settled, settle};
use super::waves::arc;
use super::words::{label, need_text};
use crate::graph::{Derivation, Kind, Node, Revision, Strength, System, components, derive};
use crate::spec::{Interface, ServiceName};

/// Up to this size of a cycle every subset is tried: at most 2^16 linear checks.
const EXACT_MEMBERS_MAX: usize = 16;
/// Up to this size single services and pairs are tried before the greedy search.
const PAIRS_MEMBERS_MAX: usize = 300;
/// So many other splits of the same size are named.
const ALTERNATIVES_MAX: usize = 8;

/// A split that makes an order exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    pub proposal: Proposal,
    pub intermediate: Vec<Intermediate>,
    pub alternatives: Vec<Vec<ServiceName>>,
}

/// In which of its steps a service expands, flips and contracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Whole,
    ExpandFirst,
    ContractLast,
    Three,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Expand,
    Flip,
    Contract,
}

impl Shape {
    fn steps(self) -> usize {
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
struct Tie {
    kind: Kind,
    arc: Arc,
}

/// The fewest splits that make an order exist and safe, if any do.
pub(super) fn way_out(
    system: &System,
    derived: &Derivation<'_>,
    cycles: &[Vec<usize>],
) -> Option<Way> {
    let mut shapes = vec![Shape::Whole; derived.nodes.len()];
    let mut alternatives = Vec::new();
    for members in cycles {
        let search = Search::new(derived, members);
        let found = search.fewest()?;
        alternatives.extend(search.others(&found));
        for (at, shape) in search.merged(&found) {
            *shapes.get_mut(at)? = shape;
        }
    }
    let named = |set: Vec<usize>| {
        set.into_iter()
            .filter_map(|at| Some(derived.nodes.get(at)?.name.clone()))
    };
    alternatives.truncate(ALTERNATIVES_MAX);
    let alternatives = alternatives
        .into_iter()
        .map(|set| named(set).collect())
        .collect();
    Some(Way {
        alternatives,
        ..with_shapes(system, derived, &shapes)?
    })
}

/// Plans with these services split, in as few steps each as they need: another way than the proposed
/// one. `None` if that leaves a cycle or is not safe.
pub fn split_with(
    system: &System,
    split: &BTreeSet<ServiceName>,
) -> Option<(Proposal, Vec<Intermediate>)> {
    let derived = &derive(system);
    let mut shapes = vec![Shape::Whole; derived.nodes.len()];
    let hard = derived
        .precedences
        .iter()
        .filter(|precedence| precedence.strength == Strength::Hard);
    let cycles = components(
        shapes.len(),
        hard.map(|precedence| (precedence.first, precedence.then)),
    );
    for members in &cycles {
        let search = Search::new(derived, members);
        let chosen: Vec<usize> = members
            .iter()
            .copied()
            .filter(|at| {
                derived
                    .nodes
                    .get(*at)
                    .is_some_and(|node| split.contains(node.name))
            })
            .collect();
        for (at, shape) in search.merged(&chosen) {
            *shapes.get_mut(at)? = shape;
        }
    }
    let way = with_shapes(system, derived, &shapes)?;
    Some((way.proposal, way.intermediate))
}

/// One component of the precedences and what may be split in it.
struct Search<'d> {
    members: &'d [usize],
    ties: Vec<Tie>,
    /// Those that can be split, the most welcome first.
    candidates: Vec<usize>,
}

impl<'d> Search<'d> {
    fn new(derived: &'d Derivation<'_>, members: &'d [usize]) -> Self {
        let within: BTreeSet<usize> = members.iter().copied().collect();
        let ties: Vec<Tie> = derived
            .precedences
            .iter()
            .filter(|precedence| precedence.strength == Strength::Hard)
            .filter(|one| within.contains(&one.first) && within.contains(&one.then))
            .map(|precedence| Tie {
                kind: precedence.kind,
                arc: arc(precedence),
            })
            .collect();
        let consumers = consumers(derived, &within);
        let mut candidates: Vec<usize> = members
            .iter()
            .copied()
            .filter(|at| derived.nodes.get(*at).is_some_and(can_be_split))
            .collect();
        // Fewer consumers have to live with the intermediate; then by name, which is by number.
        candidates.sort_by_key(|at| (consumers.get(at).copied().unwrap_or_default(), *at));
        Self {
            members,
            ties,
            candidates,
        }
    }

    fn is_acyclic(&self, shapes: &BTreeMap<usize, Shape>) -> bool {
        let plain = |at: usize| shapes.get(&at).copied().unwrap_or(Shape::Whole);
        let staged = Staged::new(self.members.iter().map(|at| (*at, plain(*at))));
        let arcs = staged.arcs(&self.ties);
        components(staged.steps, arcs.iter().map(|arc| (arc.first, arc.then))).is_empty()
    }

    fn works(&self, set: &[usize]) -> bool {
        self.is_acyclic(&set.iter().map(|at| (*at, Shape::Three)).collect())
    }

    /// The smallest set whose full split leaves no cycle. The full split is the most permissive one,
    /// so a set works iff it does.
    fn fewest(&self) -> Option<Vec<usize>> {
        if !self.works(&self.candidates) {
            return None;
        }
        let exact = match self.members.len() {
            ..=EXACT_MEMBERS_MAX => self.candidates.len(),
            ..=PAIRS_MEMBERS_MAX => 2,
            _ => 1,
        };
        (1..=exact)
            .find_map(|size| self.subsets(size, 1).pop())
            .or_else(|| Some(self.greedy()))
    }

    /// The first sets of a size that work, at most `limit`, in the order of the candidates.
    fn subsets(&self, size: usize, limit: usize) -> Vec<Vec<usize>> {
        let mut found = Vec::new();
        self.extend(&mut Vec::new(), 0, (size, limit), &mut found);
        found
    }

    fn extend(
        &self,
        set: &mut Vec<usize>,
        from: usize,
        (size, limit): (usize, usize),
        found: &mut Vec<Vec<usize>>,
    ) {
        if set.len() == size {
            if self.works(set) {
                found.push(set.clone());
            }
            return;
        }
        for (at, candidate) in self.candidates.iter().enumerate().skip(from) {
            if found.len() >= limit {
                return;
            }
            set.push(*candidate);
            self.extend(set, at + 1, (size, limit), found);
            set.pop();
        }
    }

    /// Adds the most entangled service until no cycle is left, then drops what is not needed.
    fn greedy(&self) -> Vec<usize> {
        let mut degree: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        for Tie { arc, kind: _ } in &self.ties {
            degree.entry(arc.first).or_default().0 += 1;
            degree.entry(arc.then).or_default().1 += 1;
        }
        let weight = |at: &usize| degree.get(at).map_or(0, |(out, into)| out * into);
        let mut order = self.candidates.clone();
        order.sort_by_key(|at| std::cmp::Reverse(weight(at)));
        let mut chosen: Vec<usize> = Vec::new();
        for at in order {
            if self.works(&chosen) {
                break;
            }
            chosen.push(at);
        }
        for at in chosen.clone().into_iter().rev() {
            let without: Vec<usize> = chosen
                .iter()
                .copied()
                .filter(|other| *other != at)
                .collect();
            if self.works(&without) {
                chosen = without;
            }
        }
        chosen.sort_unstable();
        chosen
    }

    /// Other sets of the same size that work.
    fn others(&self, found: &[usize]) -> Vec<Vec<usize>> {
        let is_small = self.members.len() <= EXACT_MEMBERS_MAX || found.len() == 1;
        if !is_small {
            return Vec::new();
        }
        let all = self.subsets(found.len(), ALTERNATIVES_MAX + 1);
        all.into_iter().filter(|other| other != found).collect()
    }

    /// The chosen services with no more steps than are needed.
    fn merged(&self, chosen: &[usize]) -> BTreeMap<usize, Shape> {
        let mut shapes: BTreeMap<usize, Shape> =
            chosen.iter().map(|at| (*at, Shape::Three)).collect();
        for at in chosen {
            for shape in [Shape::ExpandFirst, Shape::ContractLast] {
                let mut fewer = shapes.clone();
                fewer.insert(*at, shape);
                if self.is_acyclic(&fewer) {
                    shapes = fewer;
                    break;
                }
            }
        }
        shapes
    }
}

/// How many services call each of these.
fn consumers(derived: &Derivation<'_>, members: &BTreeSet<usize>) -> BTreeMap<usize, usize> {
    let named: BTreeMap<&ServiceName, usize> = members
        .iter()
        .filter_map(|at| Some((derived.nodes.get(*at)?.name, *at)))
        .collect();
    let mut consumers = BTreeMap::new();
    for node in &derived.nodes {
        let interfaces = node.before.iter().chain(&node.at_end).flatten();
        let keys = interfaces
            .filter_map(|one| one.interface.as_ref())
            .flat_map(|one| one.calls.keys());
        let called: BTreeSet<usize> = keys.filter_map(|key| named.get(&key.0).copied()).collect();
        for at in called {
            *consumers.entry(at).or_default() += 1;
        }
    }
    consumers
}

/// An intermediate revision can only be specified from declared ones.
fn can_be_split(node: &Node<'_>) -> bool {
    let declared = |revision: &Revision| {
        revision
            .interface
            .as_ref()
            .is_some_and(|interface| interface.serves.is_some())
    };
    node.is_moving()
        && node
            .before
            .iter()
            .chain(&node.at_end)
            .flatten()
            .all(|one| declared(one))
}

/// Steps instead of services as nodes.
struct Staged {
    first_step: BTreeMap<usize, (usize, Shape)>,
    steps: usize,
}

impl Staged {
    fn new(shapes: impl Iterator<Item = (usize, Shape)>) -> Self {
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

    fn arcs(&self, ties: &[Tie]) -> Vec<Arc> {
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
fn with_shapes(system: &System, derived: &Derivation<'_>, shapes: &[Shape]) -> Option<Way> {
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
        journeys.entry(node.name).or_insert(Journey {
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
        alternatives: Vec::new(),
    })
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
        let old = node
            .before
            .iter()
            .flatten()
            .next_back()
            .and_then(|one| one.interface.as_ref());
        let new = node
            .at_end
            .iter()
            .flatten()
            .next()
            .and_then(|one| one.interface.as_ref());
        let mut serves = BTreeMap::new();
        for interface in node
            .before
            .iter()
            .chain(&node.at_end)
            .flatten()
            .filter_map(|one| one.interface.as_ref())
        {
            for (contract, versions) in interface.serves.iter().flatten() {
                serves
                    .entry(contract.clone())
                    .or_insert_with(BTreeSet::new)
                    .extend(versions.iter().cloned());
            }
        }
        let calls = |interface: Option<&Interface>| {
            interface.map(|one| one.calls.clone()).unwrap_or_default()
        };
        let serves_of = |interface: Option<&Interface>| {
            interface
                .and_then(|one| one.serves.clone())
                .unwrap_or_default()
        };
        let flips = calls(old) != calls(new);
        let expands = serves_of(old) != serves;
        let id = |act: &str| format!("{}/{act}", node.name);
        let revision = |act: &str, from: Option<&Interface>| {
            (
                id(act),
                Revision::declared(
                    act,
                    Interface {
                        serves: Some(serves.clone()),
                        calls: calls(from),
                    },
                ),
            )
        };
        let (between, last) = match shape {
            Shape::Whole => (Vec::new(), node.name.to_string()),
            Shape::ExpandFirst => (
                vec![revision("expand", old)],
                id(if flips { "flip" } else { "contract" }),
            ),
            Shape::ContractLast => (
                vec![revision(if expands { "expand" } else { "flip" }, new)],
                id("contract"),
            ),
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
