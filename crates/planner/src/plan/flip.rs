//! The flip strategy: all new images at once, still calling as the old ones did, then all switches.
//!
//! In: a system. Out: the plan by the strategy that was asked for, with what both would cost. Two
//! waves instead of a long chain, at the price of moving callers twice (planning.md §4 T10).

use std::collections::{BTreeMap, BTreeSet};
use std::mem::take;

use super::document::{Action, Cost, Costs, Plan, Strategy, Verdict};
use super::shape::{Rigour, Shape};
use super::waves::{plan, plan_shaped};
use crate::graph::{Derivation, Kind, Moves, Node, Pair, Revision, Strength, System, derive};
use tidegate_spec::ServiceName;

/// Which strategy is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Each service moves once.
    Ordered,
    /// Images first, switches later.
    Flip,
    /// The one with fewer waves; of equal ones the one with fewer restarts.
    Auto,
}

/// Plans by a strategy.
///
/// In: the system and the choice. Out: the plan with what both would cost. Where flips are asked for and a caller that would
/// have to wait has no switch, a refusal that names it.
pub fn plan_with(system: &System, choice: Choice) -> Plan {
    let ordered = plan(system);
    let flipped = flipped(system);
    let costs = (cost_of(&ordered), cost_of(&flipped));
    let rank = |cost: Cost| (cost.waves, cost.restarts);
    let is_better = match costs {
        (Some(ordered), Some(flip)) => rank(flip) < rank(ordered),
        (None, Some(_)) => true,
        (_, None) => false,
    };
    let (chosen, plan) = match choice {
        Choice::Flip => (Strategy::Flip, flipped),
        Choice::Auto if is_better => (Strategy::Flip, flipped),
        Choice::Ordered | Choice::Auto => (Strategy::Ordered, ordered),
    };
    let strategies = Costs {
        chosen,
        ordered: costs.0,
        flip: costs.1,
    };
    let plan = Plan {
        strategies: Some(strategies),
        ..plan
    };
    plan.sealed(system)
}

fn cost_of(plan: &Plan) -> Option<Cost> {
    let restarts = |action: Action| match action {
        Action::Roll | Action::Flip => 1,
        Action::Create | Action::Delete | Action::Job | Action::Drain => 0,
    };
    (plan.verdict == Verdict::Ordered).then(|| Cost {
        waves: plan.waves.len(),
        restarts: plan.steps.iter().map(|step| restarts(step.action)).sum(),
    })
}

/// The plan in which every caller that would have to wait flips.
fn flipped(system: &System) -> Plan {
    let mut derived = derive(system);
    let mut shapes = vec![Shape::Whole; derived.nodes.len()];
    let own = own_switches(&derived);
    for at in own.values() {
        if let Some(shape) = shapes.get_mut(*at) {
            *shape = Shape::Switched;
        }
    }
    let mut conflicts = take(&mut derived.self_conflicts);
    conflicts.retain(|pair| {
        let at = own.get(pair.link.callee);
        let node = at.and_then(|at| derived.nodes.get(*at));
        !node.is_some_and(|node| is_early(pair, node))
    });
    derived.self_conflicts = conflicts;
    let mut lacking = Vec::new();
    let forced = derived.precedences.iter().filter(|precedence| {
        precedence.strength == Strength::Hard && precedence.kind == Kind::ServerFirst
    });
    for precedence in forced {
        let caller = precedence.then;
        let (Some(node), Some(shape)) = (derived.nodes.get(caller), shapes.get_mut(caller)) else {
            continue;
        };
        if hindrance(node).is_none() {
            *shape = Shape::Switched;
        } else if node.moves != Moves::Create {
            // What is new waits once and for all: there are no old pods that could serve meanwhile.
            lacking.push(precedence);
        }
    }
    plan_shaped(system, &derived, &shapes, &lacking)
}

/// The services that can flip and call themselves in what is new, by name.
fn own_switches<'a>(derived: &Derivation<'a>) -> BTreeMap<&'a ServiceName, usize> {
    let torn: BTreeSet<&ServiceName> = derived
        .self_conflicts
        .iter()
        .map(|pair| pair.link.callee)
        .collect();
    let nodes = derived.nodes.iter().enumerate();
    let able = nodes.filter(|(_, node)| torn.contains(node.name) && hindrance(node).is_none());
    able.map(|(at, node)| (node.name, at)).collect()
}

/// Whether a service only calls too early what its old pods do not serve: its new image does, and the switch comes when
/// they are gone.
fn is_early(pair: &Pair<'_>, node: &Node<'_>) -> bool {
    Rigour::of(pair.clash) == Rigour::Declared
        && node.at_end.contains(&pair.caller)
        && node.before.contains(&pair.callee)
}

/// What keeps a caller from flipping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hindrance {
    /// It has no switch.
    NoSwitch,
    /// It is a Job, comes, or goes.
    NoRoll,
    /// Several revisions of it run: a parameter can keep only one of them.
    Mixed,
    /// Nobody declared what it calls.
    Undeclared,
}

/// Why a new image cannot run with the parameter of the one that runs now, if it cannot.
pub(super) fn hindrance(node: &Node<'_>) -> Option<Hindrance> {
    let is_declared = |live: &[Option<&Revision>]| {
        let mut live = live.iter().flatten();
        live.all(|one| one.interface.is_some())
    };
    if node.switch().is_none() {
        Some(Hindrance::NoSwitch)
    } else if node.moves != Moves::Roll {
        Some(Hindrance::NoRoll)
    } else if node.before.len() != 1 {
        Some(Hindrance::Mixed)
    } else if !is_declared(&node.before) || !is_declared(&node.at_end) {
        Some(Hindrance::Undeclared)
    } else {
        None
    }
}
