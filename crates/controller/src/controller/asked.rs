//! Which plan of a release is asked for: of a part of it, as a repair, as a way back, by which strategy. The same for
//! `tidegate plan`, `tidegate run` and the controller.

use std::collections::BTreeSet;

use tidegate_planner::graph::{Moves, OnlyError, System};
use tidegate_planner::plan::{Choice, Plan, plan, plan_with, unfinished};
use tidegate_spec::crd::{Order, Planning};
use tidegate_spec::{Graph, ServiceName};

/// A service that is asked for has a name that is none, or that nobody has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NameError(String);

/// The services that are asked for by name; none: all of them.
///
/// Error: a name is none, or nobody has it.
pub fn asked_names(
    system: &System,
    planning: &Planning,
) -> Result<BTreeSet<ServiceName>, NameError> {
    let names = planning.only.iter().map(|text| {
        let name = ServiceName::parse(text);
        name.map_err(|error| NameError(format!("`--only`: the name `{text}` {error}")))
    });
    let names: BTreeSet<ServiceName> = names.collect::<Result<_, _>>()?;
    match names
        .iter()
        .find(|name| !system.services.contains_key(*name))
    {
        Some(name) => Err(NameError(OnlyError::Unknown(name.clone()).to_string())),
        None => Ok(names),
    }
}

/// The plan that is asked for, and the part of the system that it is for.
///
/// In: the whole system, what was declared before, and the order. Error: see [`asked_names`].
pub fn planned(
    mut system: System,
    planning: &Planning,
    before: Option<&Graph>,
    order: Option<Order>,
) -> Result<(Plan, System), NameError> {
    let names = asked_names(&system, planning)?;
    if planning.rollback {
        let before = |name: &ServiceName| before.and_then(|graph| graph.services.get(name));
        system = system.going_back(|name| {
            before(name).is_some_and(|service| service.manner.reversible == Some(true))
        });
    }
    system.repair = planning.repair;
    if !names.is_empty() {
        match system.clone().only(&names) {
            Ok(part) => system = part,
            Err(OnlyError::Mixed(mixed)) => return Ok((unfinished(&system, &mixed), system)),
            Err(error @ OnlyError::Unknown(_)) => return Err(NameError(error.to_string())),
        }
    }
    let plan = match order {
        None => plan(&system),
        Some(Order::Ordered) => plan_with(&system, Choice::Ordered),
        Some(Order::Flip) => plan_with(&system, Choice::Flip),
        Some(Order::Auto) => plan_with(&system, Choice::Auto),
    };
    Ok((plan, system))
}

/// The services that stay as they are though the files may have them otherwise: those that are not asked for, and Jobs
/// that a way back does not undo.
pub(super) fn held_out(system: &System, planning: &Planning) -> BTreeSet<ServiceName> {
    let services = system.services.iter();
    let held =
        services.filter(|(name, member)| !planning.moves(name) || member.moves == Moves::Kept);
    held.map(|(name, _)| name.clone()).collect()
}
