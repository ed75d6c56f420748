//! Which plan of a release is asked for: of a part of it, as a repair, as a way back, by which strategy. The same for
//! `tidegate plan`, `tidegate run` and the controller.

use std::collections::BTreeSet;

use crate::graph::{Moves, OnlyError, System};
use crate::plan::{Choice, NoSwitch, Plan, plan, plan_with};
use crate::spec::crd::{Order, Planning};
use crate::spec::{Graph, ServiceName};

/// Why there is no such plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskedError {
    /// A name is none, or nobody has it.
    #[error("{0}")]
    Name(String),
    /// Another service is in the middle of a rollout of its own.
    #[error("{0}")]
    Mixed(OnlyError),
    /// Flips are asked for, and services lack a switch.
    #[error("{0}; declare `switch: {{env: NAME}}` for each, or let them move in order")]
    Switch(NoSwitch),
}

/// The part of a system that is asked for, with what was declared before.
pub fn part(
    mut system: System,
    planning: &Planning,
    before: Option<&Graph>,
) -> Result<System, AskedError> {
    if planning.rollback {
        let before = |name: &ServiceName| before.and_then(|graph| graph.services.get(name));
        system = system.going_back(|name| {
            before(name).is_some_and(|service| service.manner.reversible == Some(true))
        });
    }
    if !planning.only.is_empty() {
        let names = planning.only.iter().map(|text| {
            let name = ServiceName::parse(text);
            name.map_err(|error| AskedError::Name(format!("`--only`: the name `{text}` {error}")))
        });
        let names: BTreeSet<ServiceName> = names.collect::<Result<_, _>>()?;
        system = system.only(&names).map_err(|error| match error {
            OnlyError::Unknown(_) => AskedError::Name(error.to_string()),
            OnlyError::Mixed(_) => AskedError::Mixed(error),
        })?;
    }
    system.repair = planning.repair;
    Ok(system)
}

/// The plan by the strategy that is asked for.
pub fn planned(system: &System, order: Option<Order>) -> Result<Plan, AskedError> {
    let choice = match order {
        None => return Ok(plan(system)),
        Some(Order::Ordered) => Choice::Ordered,
        Some(Order::Flip) => Choice::Flip,
        Some(Order::Auto) => Choice::Auto,
    };
    plan_with(system, choice).map_err(AskedError::Switch)
}

/// The services that stay as they are though the files may have them otherwise: those that are not asked for, and Jobs
/// that a way back does not undo.
pub(super) fn held_out(system: &System, planning: &Planning) -> BTreeSet<ServiceName> {
    let services = system.services.iter();
    let held =
        services.filter(|(name, member)| !planning.moves(name) || member.moves == Moves::Kept);
    held.map(|(name, _)| name.clone()).collect()
}
