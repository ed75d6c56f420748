//! From precedences to waves: the plan, or the refusal.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::document::{Action, EdgeCounts, Ordering, Plan, Precedence, Refusal, Step, Verdict};
use super::layout::{Arranged, Cycles, Layout, Placed, arrange};
use super::refuse::{refuse_cycle, refuse_flips, refuse_part, refuse_unsafe};
use super::settle::{Arc, Order, REDUCED_NODES_MAX, reduce};
use super::shape::Shape;
use super::words::{apart, because, no_return};
use crate::graph::{self, Derivation, Kind, Link, Moves, Node, Pair, Strength, System, derive};
use tidegate_spec::{Code, ServiceName};

/// So many names are listed in one warning.
const LISTED_MAX: usize = 10;

/// Finds the smallest safe order of a release, or says why there is none.
///
/// Takes time in proportion to the services and edges, but for the reduction of `after`.
pub fn plan(system: &System) -> Plan {
    plan_derived(system, &derive(system))
}

/// As [`plan`], from what was derived from the system already.
pub fn plan_derived(system: &System, derived: &Derivation<'_>) -> Plan {
    let plan = match refuse_unsafe(system, derived) {
        Some(refusal) => refused(refusal, Vec::new()),
        None => match in_order(derived) {
            Ok(arranged) => ordered(derived, &arranged),
            Err(cycles) => refused_cycle(system, derived, &cycles),
        },
    };
    counted(plan, derived).sealed(system)
}

/// Plans with these shapes, or refuses; also where precedences must be flips whose callers have no switch.
pub(super) fn plan_shaped(
    system: &System,
    derived: &Derivation<'_>,
    shapes: &[Shape],
    lacking: &[&graph::Precedence<'_>],
) -> Plan {
    let refusal = refuse_unsafe(system, derived).or_else(|| refuse_flips(system, derived, lacking));
    let plan = match refusal {
        Some(refusal) => refused(refusal, Vec::new()),
        None => match in_shapes(derived, shapes) {
            Ok(arranged) => ordered(derived, &arranged),
            Err(cycles) => refused_cycle(system, derived, &cycles),
        },
    };
    counted(plan, derived)
}

/// The refusal of a part of a release beside which these services are in the middle of a rollout.
pub fn unfinished(system: &System, mixed: &[ServiceName]) -> Plan {
    let plan = refused(refuse_part(mixed), Vec::new());
    counted(plan, &derive(system)).sealed(system)
}

fn refused(refusal: Refusal, precedences: Vec<Precedence>) -> Plan {
    Plan {
        precedences,
        refusal: Some(refusal),
        ..Plan::empty(Verdict::Refused)
    }
}

fn refused_cycle(system: &System, derived: &Derivation<'_>, cycles: &Cycles) -> Plan {
    let forcing = cycles.forcing(derived);
    let precedences = forcing.filter_map(|precedence| told(precedence, derived));
    refused(refuse_cycle(system, derived, cycles), precedences.collect())
}

/// A refusal counts the edges as they were found.
fn counted(plan: Plan, derived: &Derivation<'_>) -> Plan {
    match plan.verdict {
        Verdict::Ordered => plan,
        Verdict::Refused => Plan {
            edges: EdgeCounts {
                proved: derived.edges.proved,
                assumed: derived.edges.assumed,
                free: derived.edges.free,
                given_up: derived.edges.given_up,
            },
            ..plan
        },
    }
}

/// The order in which each service moves once; where there is none, with old pods kept beside new ones.
pub(super) fn in_order(derived: &Derivation<'_>) -> Result<Arranged, Box<Cycles>> {
    in_shapes(derived, &vec![Shape::Whole; derived.nodes.len()])
}

/// The same for services that move in these shapes.
fn in_shapes(derived: &Derivation<'_>, shapes: &[Shape]) -> Result<Arranged, Box<Cycles>> {
    arrange(derived, shapes).or_else(|cycles| beside(derived, shapes, &cycles))
}

/// What cures cycles without another release: servers whose callers find their version keep their
/// old pods beside the new ones. As few as will do; what is left if all of them do not.
fn beside(
    derived: &Derivation<'_>,
    shapes: &[Shape],
    cycles: &Cycles,
) -> Result<Arranged, Box<Cycles>> {
    let members = cycles.members().into_iter().flatten();
    let able: Vec<usize> = members
        .filter(|at| derived.nodes.get(*at).is_some_and(can_stand_beside))
        .collect();
    let arranged = |beside: &BTreeSet<usize>| {
        let mut shapes = shapes.to_vec();
        for at in beside {
            if let Some(shape) = shapes.get_mut(*at) {
                *shape = Shape::Beside;
            }
        }
        arrange(derived, &shapes)
    };
    let mut needed: BTreeSet<usize> = able.iter().copied().collect();
    let mut found = arranged(&needed)?;
    for at in able {
        needed.remove(&at);
        match arranged(&needed) {
            Ok(fewer) => found = fewer,
            Err(_) => drop(needed.insert(at)),
        }
    }
    Ok(found)
}

/// Whether a service can keep its old pods while the new ones are there already.
pub(super) fn can_stand_beside(node: &Node<'_>) -> bool {
    node.is_versioned() && node.moves == Moves::Roll
}

fn ordered(derived: &Derivation<'_>, arranged: &Arranged) -> Plan {
    let Arranged {
        layout,
        arcs,
        order,
        exclusive,
    } = arranged;
    let before = reduce(order, arcs);
    let level = |step: usize| order.level.get(step).copied().unwrap_or_default();
    let placed = layout.steps.iter().enumerate();
    let mut placed: Vec<(usize, &Placed)> = placed
        .filter_map(|(step, placed)| Some((step, placed.as_ref()?)))
        .collect();
    placed.sort_by_key(|(step, placed)| (level(*step), placed.node, *step));
    let deepest = placed.last().map_or(0, |(step, _)| level(*step) + 1);
    let mut waves: Vec<Vec<String>> = vec![Vec::new(); deepest];
    let mut steps: Vec<Step> = Vec::with_capacity(placed.len());
    for (at, placed) in placed {
        if let Some(wave) = waves.get_mut(level(at)) {
            wave.push(placed.id.clone());
        }
        let firsts = before.get(at).map(Vec::as_slice).unwrap_or_default();
        steps.extend(step(placed, firsts, layout, derived));
    }
    // Nothing stands in a level of its own that only nodes without a step reach.
    waves.retain(|wave| !wave.is_empty());
    let all = derived.precedences.iter().zip(&order.kept).zip(arcs);
    let kept = all.filter(|((_, kept), _)| **kept);
    let mut kept: Vec<_> = kept
        .map(|((precedence, _), arc)| (precedence, arc))
        .collect();
    kept.sort_by_key(|(precedence, arc)| (level(arc.then), precedence.then, precedence.first));
    let mut precedences: Vec<Precedence> = Vec::with_capacity(kept.len());
    precedences.extend(kept.into_iter().filter_map(|(one, _)| told(one, derived)));
    let apart = arcs.get(exclusive.clone()).unwrap_or_default().iter();
    precedences.extend(apart.filter_map(|arc| told_exclusive(*arc, layout, derived)));
    Plan {
        waves,
        steps,
        precedences,
        edges: edge_counts(derived, order),
        critical_path: critical_path(layout, order, &before),
        points_of_no_return: points_of_no_return(layout, derived),
        warnings: warnings(derived, order),
        ..Plan::empty(Verdict::Ordered)
    }
}

fn step(
    placed: &Placed,
    firsts: &[usize],
    layout: &Layout,
    derived: &Derivation<'_>,
) -> Option<Step> {
    let Placed { node, id, action } = placed;
    let drain = match (action, derived.drains.get(node)) {
        (Action::Drain, Some(drain)) => drain.retentions.iter().map(ToString::to_string).collect(),
        (_, _) => Vec::new(),
    };
    let before = firsts.iter().filter(|first| layout.is_moving(**first));
    Some(Step {
        id: id.clone(),
        service: derived.nodes.get(*node)?.name.clone(),
        action: *action,
        after: before.map(|first| layout.id(*first).to_owned()).collect(),
        drain,
    })
}

/// The steps that nothing undoes.
fn points_of_no_return(layout: &Layout, derived: &Derivation<'_>) -> Vec<String> {
    let placed = layout.steps.iter().flatten();
    let is_final = |placed: &&Placed| {
        let node = derived.nodes.get(placed.node);
        placed.action == Action::Job && node.is_some_and(|node| node.is_irreversible)
    };
    placed
        .filter(is_final)
        .map(|placed| placed.id.clone())
        .collect()
}

/// Two of an exclusive group, one after the other; the steps of one service need no word.
fn told_exclusive(arc: Arc, layout: &Layout, derived: &Derivation<'_>) -> Option<Precedence> {
    let node = |step: usize| {
        let placed = layout.steps.get(step)?.as_ref()?;
        derived.nodes.get(placed.node)
    };
    let (first, then) = (node(arc.first)?, node(arc.then)?);
    (first.name != then.name).then(|| Precedence {
        first: first.name.clone(),
        then: then.name.clone(),
        kind: Ordering::Exclusive,
        assumed: false,
        edge: None,
        because: apart(first.name, then.name, first.exclusive().unwrap_or_default()),
    })
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
    let edge = precedence.pairs.first().map(|pair| pair.link.edge());
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
fn critical_path(layout: &Layout, order: &Order, before: &[Vec<usize>]) -> Vec<String> {
    let level = |node: &usize| order.level.get(*node).copied().unwrap_or_default();
    let moving = (0..layout.steps.len()).filter(|step| layout.is_moving(*step));
    let mut at = moving.max_by_key(|at| (level(at), Reverse(*at)));
    let mut path = Vec::new();
    while let Some(step) = at {
        path.push(layout.id(step).to_owned());
        let firsts = before.get(step).map(Vec::as_slice).unwrap_or_default();
        let firsts = firsts
            .iter()
            .copied()
            .filter(|first| layout.is_moving(*first));
        at = firsts.max_by_key(|first| (level(first), Reverse(*first)));
    }
    path.reverse();
    path
}

/// An edge is proved as long as one of its orders is kept.
fn edge_counts(derived: &Derivation<'_>, order: &Order) -> EdgeCounts {
    let proved = derived.precedences.iter().zip(&order.kept);
    let proved = proved.filter(|(precedence, _)| !precedence.assumed);
    let proved = proved.filter_map(|(one, kept)| Some((one.pairs.first()?.link, *kept)));
    let mut given_up: BTreeSet<Link<'_>> = BTreeSet::new();
    given_up.extend(
        proved
            .clone()
            .filter(|(_, kept)| !kept)
            .map(|(link, _)| link),
    );
    if !given_up.is_empty() {
        let kept = proved.filter(|(_, kept)| *kept).map(|(link, _)| link);
        for link in kept.chain(derived.assumed.iter().copied()) {
            given_up.remove(&link);
        }
    }
    EdgeCounts {
        proved: derived.edges.proved - given_up.len(),
        assumed: derived.edges.assumed,
        free: derived.edges.free,
        given_up: derived.edges.given_up + given_up.len(),
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
    texts.extend(started_together(derived));
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
            Strength::Hard | Strength::Together => {}
            Strength::Assumed if grouped.contains(&precedence.first) => {}
            Strength::Assumed => texts.push((
                Code::AssumedEdge,
                format!("unproven: {first} is not held before {then}, what is declared forbids it"),
            )),
            Strength::Soft if !precedence.pairs.iter().all(Pair::is_optional) => {
                let window = window(kind, &first, &then);
                let text = format!("calls go on failing {window}: {because}");
                texts.push((Code::Repaired, text));
            }
            Strength::Soft => {
                let window = window(kind, &first, &then);
                let text = format!("optional calls fail {window}: {because}");
                texts.push((Code::SoftEdgeDropped, text));
            }
        }
    }
    let last_chances = derived.nodes.iter().filter(|node| node.is_irreversible);
    texts.extend(last_chances.map(|node| (Code::PointOfNoReturn, no_return(node))));
    texts.extend(derived.notes.iter().cloned());
    if derived.nodes.len() > REDUCED_NODES_MAX {
        let text =
            format!("more than {REDUCED_NODES_MAX} services: `after` lists implied steps too");
        return told_with_codes(texts).chain([text]).collect();
    }
    told_with_codes(texts).collect()
}

/// Services that come, or go, and call each other.
fn started_together(derived: &Derivation<'_>) -> impl Iterator<Item = (Code, String)> {
    derived.together.iter().map(|members| {
        let nodes = members.iter().filter_map(|at| derived.nodes.get(*at));
        let is_going = nodes.clone().any(|node| node.moves == Moves::Delete);
        let names = some(nodes.map(|node| node.name.to_string()), members.len());
        let text = if is_going {
            format!("{names} call each other and go together: their calls may fail until all are gone")
        } else {
            format!(
                "{names} call each other and are installed together: their calls may fail until all \
                 of them serve"
            )
        };
        (Code::StartedTogether, text)
    })
}

/// While an optional call fails because the order that it needs was given up.
fn window(kind: Ordering, first: &ServiceName, then: &ServiceName) -> String {
    match kind {
        Ordering::ServerFirst | Ordering::Manual | Ordering::Exclusive => {
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
