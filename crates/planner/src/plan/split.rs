//! The way out of a cycle: the fewest services to move in more than one step (planning.md §5.6).
//!
//! A split service moves by *expand* (serves old and new, calls old), *flip* (serves both, calls
//! new) and *contract* (the target). Halves that need no split of their own are merged again. What
//! is proposed is proved like any plan before it is shown.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{Intermediate, Proposal};
use super::proposal::with_shapes;
use super::settle::Arc;
use super::shape::{Shape, Staged, Tie};
use super::waves::can_stand_beside;
use crate::graph::{Clash, Derivation, Node, Pair, Revision, Strength, System, components, derive};
use tidegate_spec::ServiceName;

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
    /// The revision that each step brings, but for those that bring the target.
    pub between: BTreeMap<String, Revision>,
    pub alternatives: Vec<Vec<ServiceName>>,
}

/// The fewest splits that make an order exist and safe, if any do.
///
/// Where services that would start together are on a cycle with others, splits let them start one by one.
pub(super) fn way_out(system: &System, derived: &Derivation<'_>) -> Option<Way> {
    let found = way_out_of(system, derived);
    if found.is_some() || derived.together.is_empty() {
        return found;
    }
    way_out_of(system, &one_by_one(derived))
}

/// The same where nothing starts together.
fn one_by_one<'a>(derived: &Derivation<'a>) -> Derivation<'a> {
    let mut apart = derived.clone();
    apart.together.clear();
    for precedence in &mut apart.precedences {
        if precedence.strength == Strength::Together {
            precedence.strength = Strength::Hard;
        }
    }
    apart
}

fn way_out_of(system: &System, derived: &Derivation<'_>) -> Option<Way> {
    let cycles = &entangled(derived);
    if cycles.iter().any(|members| is_refuted(derived, members)) {
        return None;
    }
    let mut shapes = plain(derived)?;
    // What each cycle is split in, and what it could be split in instead.
    let mut found: Vec<(Vec<usize>, Vec<Vec<usize>>)> = Vec::new();
    for members in cycles {
        let search = Search::new(derived, members, &shapes);
        let fewest = search.fewest()?;
        let others = search.others(&fewest).into_iter();
        let others = others.map(|set| search.nodes(&set)).collect();
        found.push((search.nodes(&fewest), others));
        for (at, shape) in members.iter().zip(search.merged(&fewest)) {
            *shapes.get_mut(*at)? = shape;
        }
    }
    Some(Way {
        alternatives: alternatives(derived, &found),
        ..in_fewer_steps(system, derived, shapes)?
    })
}

/// The services that would have to wait for each other if each moved once.
pub(super) fn entangled(derived: &Derivation<'_>) -> Vec<Vec<usize>> {
    let hard = derived
        .precedences
        .iter()
        .filter(|precedence| precedence.strength == Strength::Hard);
    let ends = hard.map(|precedence| (precedence.first, precedence.then));
    components(derived.nodes.len(), ends)
}

/// Whole sets to split instead: another one for one of the cycles, and what was found for all others.
fn alternatives(
    derived: &Derivation<'_>,
    found: &[(Vec<usize>, Vec<Vec<usize>>)],
) -> Vec<Vec<ServiceName>> {
    let mut all = Vec::new();
    for (at, (_, others)) in found.iter().enumerate() {
        let rest = found.iter().enumerate().filter(|(other, _)| *other != at);
        let rest: Vec<usize> = rest.flat_map(|(_, (fewest, _))| fewest).copied().collect();
        all.extend(others.iter().map(|set| [set.as_slice(), &rest].concat()));
    }
    let torn = torn(derived);
    let named = |mut set: Vec<usize>| {
        set.extend(&torn);
        set.sort_unstable();
        let nodes = set.into_iter().filter_map(|at| derived.nodes.get(at));
        nodes.map(|node| node.name.clone()).collect()
    };
    all.truncate(ALTERNATIVES_MAX);
    all.into_iter().map(named).collect()
}

/// The nodes that cannot run beside their own new revision: no order helps, only steps do.
fn torn(derived: &Derivation<'_>) -> BTreeSet<usize> {
    let names: BTreeSet<&ServiceName> = derived
        .self_conflicts
        .iter()
        .map(|pair| pair.link.callee)
        .collect();
    let nodes = derived.nodes.iter().enumerate();
    let torn = nodes.filter(|(_, node)| names.contains(node.name));
    torn.map(|(at, _)| at).collect()
}

/// The shapes before any search: whole, but for what cannot be. `None` where that cannot be split, or was seen to fail.
fn plain(derived: &Derivation<'_>) -> Option<Vec<Shape>> {
    let is_seen = |pair: &Pair<'_>| pair.clash == Clash::Refuted;
    if derived.self_conflicts.iter().any(is_seen) {
        return None;
    }
    let mut shapes = vec![Shape::Whole; derived.nodes.len()];
    for at in torn(derived) {
        derived.nodes.get(at).filter(|node| can_be_split(node))?;
        *shapes.get_mut(at)? = Shape::Three;
    }
    Some(shapes)
}

/// Plans with these shapes; what cannot run beside its own new revision in two steps where three are not needed.
fn in_fewer_steps(
    system: &System,
    derived: &Derivation<'_>,
    mut shapes: Vec<Shape>,
) -> Option<Way> {
    let mut way = with_shapes(system, derived, &shapes)?;
    for at in torn(derived) {
        for shape in [Shape::ExpandFirst, Shape::ContractLast] {
            let mut fewer = shapes.clone();
            *fewer.get_mut(at)? = shape;
            if let Some(found) = with_shapes(system, derived, &fewer) {
                (way, shapes) = (found, fewer);
                break;
            }
        }
    }
    Some(way)
}

/// Whether a verification closes a cycle. A revision between is known by what it would declare, and there a declaration was
/// found wrong: what is proposed would be hoped, not proved.
fn is_refuted(derived: &Derivation<'_>, members: &[usize]) -> bool {
    derived.precedences.iter().any(|precedence| {
        members.contains(&precedence.first)
            && members.contains(&precedence.then)
            && precedence
                .pairs
                .iter()
                .any(|pair| pair.clash == Clash::Refuted)
    })
}

/// Plans with these services split, in as few steps each as they need: another way than the
/// proposed one. `None` if that leaves a cycle or is not safe.
pub fn split_with(
    system: &System,
    split: &BTreeSet<ServiceName>,
) -> Option<(Proposal, Vec<Intermediate>)> {
    let way = way_with(system, split)?;
    Some((way.proposal, way.intermediate))
}

/// The same with the revisions that it brings.
pub(super) fn way_with(system: &System, split: &BTreeSet<ServiceName>) -> Option<Way> {
    let derived = derive(system);
    way_with_of(system, &derived, split)
        .or_else(|| way_with_of(system, &one_by_one(&derived), split))
}

fn way_with_of(
    system: &System,
    derived: &Derivation<'_>,
    split: &BTreeSet<ServiceName>,
) -> Option<Way> {
    let mut shapes = plain(derived)?;
    for members in &entangled(derived) {
        let search = Search::new(derived, members, &shapes);
        let is_chosen = |at: &usize| {
            let node = members.get(*at).and_then(|at| derived.nodes.get(*at));
            node.is_some_and(|node| split.contains(node.name)) && !search.is_split_anyway(*at)
        };
        let chosen: Vec<usize> = (0..members.len()).filter(is_chosen).collect();
        for (at, shape) in members.iter().zip(search.merged(&chosen)) {
            *shapes.get_mut(*at)? = shape;
        }
    }
    in_fewer_steps(system, derived, shapes)
}

/// One component of the precedences and what may be split in it; its members are numbered anew.
struct Search<'d> {
    members: &'d [usize],
    ties: Vec<Tie>,
    /// How each moves if it is not split.
    plain: Vec<Shape>,
    /// Those that can be split, the most welcome first.
    candidates: Vec<usize>,
}

impl<'d> Search<'d> {
    /// In: the shapes of those that must be split whatever else is.
    fn new(derived: &'d Derivation<'_>, members: &'d [usize], shapes: &[Shape]) -> Self {
        let own: BTreeMap<usize, usize> = members
            .iter()
            .enumerate()
            .map(|(own, at)| (*at, own))
            .collect();
        let hard = derived
            .precedences
            .iter()
            .filter(|precedence| precedence.strength == Strength::Hard);
        let ties = hard.filter_map(|precedence| {
            let tie = Tie::of(precedence);
            let (first, then) = own.get(&tie.arc.first).zip(own.get(&tie.arc.then))?;
            let arc = Arc {
                first: *first,
                then: *then,
                ..tie.arc
            };
            Some(Tie { arc, ..tie })
        });
        let node = |at: usize| members.get(at).and_then(|at| derived.nodes.get(*at));
        let shape = |at: usize| members.get(at).and_then(|at| shapes.get(*at)).copied();
        let plain = (0..members.len()).map(|at| match shape(at) {
            Some(Shape::Three) => Shape::Three,
            _ if node(at).is_some_and(can_stand_beside) => Shape::Beside,
            _ => Shape::Whole,
        });
        let plain: Vec<Shape> = plain.collect();
        let consumers = consumers(derived, &own);
        let mut candidates: Vec<usize> = (0..members.len())
            .filter(|at| plain.get(*at) != Some(&Shape::Three))
            .filter(|at| node(*at).is_some_and(can_be_split))
            .collect();
        // One with a switch needs no revision of its own. Then, fewer consumers have to live with the
        // intermediate; then by name, which is by number.
        candidates.sort_by_key(|at| {
            let has_switch = node(*at).is_some_and(|node| node.switch().is_some());
            (
                !has_switch,
                consumers.get(at).copied().unwrap_or_default(),
                *at,
            )
        });
        Self {
            members,
            ties: ties.collect(),
            plain,
            candidates,
        }
    }

    /// The numbers of these members in the whole system.
    fn nodes(&self, set: &[usize]) -> Vec<usize> {
        set.iter()
            .filter_map(|at| self.members.get(*at).copied())
            .collect()
    }

    /// Whether a member is split whatever else is.
    fn is_split_anyway(&self, at: usize) -> bool {
        self.plain.get(at) == Some(&Shape::Three)
    }

    /// The plain shapes, but for these.
    fn shapes(&self, set: &[usize], shape: Shape) -> Vec<Shape> {
        let mut shapes = self.plain.clone();
        for at in set {
            if let Some(slot) = shapes.get_mut(*at) {
                *slot = shape;
            }
        }
        shapes
    }

    fn is_acyclic(&self, shapes: &[Shape]) -> bool {
        let staged = Staged::new(shapes.iter().copied());
        let arcs = staged.arcs(self.ties.iter().copied());
        components(staged.steps, arcs.iter().map(|arc| (arc.first, arc.then))).is_empty()
    }

    fn works(&self, set: &[usize]) -> bool {
        self.is_acyclic(&self.shapes(set, Shape::Three))
    }

    /// The smallest set whose full split leaves no cycle. The full split is the most permissive
    /// one, so a set works iff it does.
    fn fewest(&self) -> Option<Vec<usize>> {
        if !self.works(&self.candidates) {
            return None;
        }
        let members = self.members.len();
        let exact = if members <= EXACT_MEMBERS_MAX {
            self.candidates.len()
        } else if members <= PAIRS_MEMBERS_MAX {
            2
        } else {
            1
        };
        (0..=exact)
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
        for Tie { arc, .. } in &self.ties {
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

    /// The shapes of all members, the chosen ones with no more steps than are needed.
    fn merged(&self, chosen: &[usize]) -> Vec<Shape> {
        let mut shapes = self.shapes(chosen, Shape::Three);
        for at in chosen {
            for shape in [Shape::ExpandFirst, Shape::ContractLast] {
                let mut fewer = shapes.clone();
                if let Some(slot) = fewer.get_mut(*at) {
                    *slot = shape;
                }
                if self.is_acyclic(&fewer) {
                    shapes = fewer;
                    break;
                }
            }
        }
        // Old pods are kept beside new ones only where that is needed.
        for at in 0..shapes.len() {
            let mut fewer = shapes.clone();
            if let Some(slot) = fewer.get_mut(at).filter(|slot| **slot == Shape::Beside) {
                *slot = Shape::Whole;
                if self.is_acyclic(&fewer) {
                    shapes = fewer;
                }
            }
        }
        shapes
    }
}

/// How many services call each of these.
fn consumers(derived: &Derivation<'_>, own: &BTreeMap<usize, usize>) -> BTreeMap<usize, usize> {
    let named: BTreeMap<&ServiceName, usize> = own
        .iter()
        .filter_map(|(at, own)| Some((derived.nodes.get(*at)?.name, *own)))
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
