//! The flip strategy: all new images at once, still calling as the old ones did, then all switches.
//!
//! In: a system. Out: the plan by the strategy that was asked for, with what both would cost. Two
//! waves instead of a long chain, at the price of moving callers twice (planning.md §4 T10).

use super::document::{Action, Cost, Costs, Plan, Strategy, Verdict};
use super::shape::Shape;
use super::waves::{plan, plan_shaped};
use crate::graph::{Kind, Moves, Node, Strength, System, derive};

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
    let derived = derive(system);
    let mut shapes = vec![Shape::Whole; derived.nodes.len()];
    let mut lacking = Vec::new();
    let forced = derived.precedences.iter().filter(|precedence| {
        precedence.strength == Strength::Hard && precedence.kind == Kind::ServerFirst
    });
    for precedence in forced {
        let caller = precedence.then;
        let (Some(node), Some(shape)) = (derived.nodes.get(caller), shapes.get_mut(caller)) else {
            continue;
        };
        if can_flip(node) {
            *shape = Shape::Switched;
        } else if node.moves != Moves::Create {
            // What is new waits once and for all: there are no old pods that could serve meanwhile.
            lacking.push(precedence);
        }
    }
    plan_shaped(system, &derived, &shapes, &lacking)
}

/// Whether a new image can run with the parameter of the one that runs now.
fn can_flip(node: &Node<'_>) -> bool {
    let is_declared = |live: &[Option<&crate::graph::Revision>]| match live {
        [Some(one)] => one.interface.is_some(),
        _ => false,
    };
    node.switch().is_some()
        && node.moves == Moves::Roll
        && is_declared(&node.before)
        && is_declared(&node.at_end)
}
