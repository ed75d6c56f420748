//! What becomes of a release in which a service has failed: it ends, it has itself brought back, or what does not come
//! after the service goes on.
//!
//! In: the plan's `onFailure` and where the services stand. Out: whether it goes on, waits or ends; and what holds a step.

use std::collections::BTreeSet;

use super::action::Action;
use super::agenda::Agenda;
use super::state::{Ending, ServiceState, Standing, State};
use super::step_id::StepId;
use super::turn::{Came, Turn, came_of};
use tidegate_spec::ServiceName;
use tidegate_spec::crd::OnFailure;

/// What becomes of it.
pub(super) enum AfterFailure {
    /// Nothing has failed, or what does not hang on it goes on.
    GoOn,
    /// Something is on its way that must be known first.
    Wait,
    /// It ends.
    End(Ending),
}

/// What becomes of the release now.
pub(super) fn after_failure(turn: &mut Turn<'_>) -> AfterFailure {
    let Some(ending) = failure(turn.agenda, &turn.state) else {
        return AfterFailure::GoOn;
    };
    match turn.agenda.strategy.on_failure {
        OnFailure::Rollback => roll_back(turn, &ending),
        OnFailure::Continue if goes_on(turn.agenda, &turn.state) => AfterFailure::GoOn,
        OnFailure::Halt | OnFailure::Continue => AfterFailure::End(ending),
    }
}

/// How it ends by what has failed, if something has.
fn failure(agenda: &Agenda, state: &State) -> Option<Ending> {
    let all = agenda.waves.iter().flatten();
    let failed: Vec<(&StepId, &ServiceState)> = all
        .filter_map(|step| state.services.get_key_value(step))
        .filter(|(_, service)| service.standing == Standing::Failed)
        .collect();
    let (_, first) = failed.first()?;
    let mut words: Vec<String> = failed
        .iter()
        .map(|(step, service)| format!("{step}: {}", service.progress.message))
        .collect();
    if agenda.strategy.on_failure == OnFailure::Continue {
        let held = blocked(agenda, state);
        let held: Vec<String> = held.iter().map(ToString::to_string).collect();
        if !held.is_empty() {
            words.push(format!("not started: {}", held.join(", ")));
        }
    }
    Some(Ending::Failed {
        reason: first.progress.reason.clone(),
        message: words.join("; "),
    })
}

/// Has everything brought back that moves and is not done: nothing that comes after it has begun. The release ends when
/// that is in good hands, so that a crash in between cannot lose it.
fn roll_back(turn: &mut Turn<'_>, ending: &Ending) -> AfterFailure {
    let is_it = |action: &Action| matches!(action, Action::RollBack { .. });
    let and = |words: &str| match ending {
        Ending::Failed { reason, message } => Ending::Failed {
            reason: reason.clone(),
            message: format!("{message}; {words}"),
        },
        Ending::Succeeded
        | Ending::Refused { .. }
        | Ending::Aborted { .. }
        | Ending::Superseded { .. } => ending.clone(),
    };
    match came_of(&turn.seen.outcomes, is_it) {
        Came::Well(_) => AfterFailure::End(and("a release that brings it back follows")),
        Came::Refused(message, _) => {
            AfterFailure::End(and(&format!("it is not brought back: {message}")))
        }
        Came::Again(message, milliseconds) if !turn.try_again(None, &message, milliseconds) => {
            AfterFailure::End(and(&format!("it could not be brought back: {message}")))
        }
        Came::Again(..) => AfterFailure::Wait,
        Came::Nothing => {
            if !turn.state.paused && turn.may_try(None) {
                let services = unsettled(&turn.state);
                turn.actions.push(Action::RollBack { services });
            }
            AfterFailure::Wait
        }
    }
}

/// The services that have begun and are not done.
fn unsettled(state: &State) -> BTreeSet<ServiceName> {
    let is_unsettled = |service: &ServiceState| match service.standing {
        Standing::Waiting | Standing::Draining | Standing::Done => false,
        Standing::Starting
        | Standing::Moving
        | Standing::Retiring
        | Standing::Removing
        | Standing::Clearing
        | Standing::Failed => true,
    };
    let services = state.services.iter();
    let services = services.filter(|(_, service)| is_unsettled(service));
    services.map(|(step, _)| step.service.clone()).collect()
}

/// Whether something moves still, or may start.
fn goes_on(agenda: &Agenda, state: &State) -> bool {
    let held = blocked(agenda, state);
    let mut services = state.services.iter();
    services.any(|(step, service)| match service.standing {
        Standing::Waiting => !held.contains(step),
        Standing::Starting
        | Standing::Moving
        | Standing::Retiring
        | Standing::Removing
        | Standing::Clearing
        | Standing::Draining => true,
        Standing::Done | Standing::Failed => false,
    })
}

/// The steps that come after one that has failed, and so never start.
pub(super) fn blocked(agenda: &Agenda, state: &State) -> BTreeSet<StepId> {
    let has_failed = |step: &StepId| {
        let service = state.services.get(step);
        service.is_some_and(|service| service.standing == Standing::Failed)
    };
    let mut blocked: BTreeSet<StepId> = BTreeSet::new();
    // Whatever comes before a step is in an earlier wave.
    for step in agenda.waves.iter().flatten() {
        let Some(member) = agenda.members.get(step) else {
            continue;
        };
        let mut before = member.after.iter();
        if before.any(|first| has_failed(first) || blocked.contains(first)) {
            blocked.insert(step.clone());
        }
    }
    blocked
}

/// What must be done before a step starts, as things stand: where others go on beside a failure, a wave waits for none of
/// those that will never be done, since the step itself does not come after them.
pub(super) fn barrier(agenda: &Agenda, state: &State, step: &StepId) -> BTreeSet<StepId> {
    let barrier = agenda.barrier(step);
    match agenda.strategy.on_failure {
        OnFailure::Halt | OnFailure::Rollback => return barrier,
        OnFailure::Continue => {}
    }
    let held = blocked(agenda, state);
    let own = agenda.members.get(step).map(|member| &member.after);
    let is_awaited = |first: &StepId| {
        let service = state.services.get(first);
        let has_failed = service.is_some_and(|service| service.standing == Standing::Failed);
        let never = has_failed || held.contains(first);
        !never || own.is_some_and(|own| own.contains(first))
    };
    barrier.into_iter().filter(is_awaited).collect()
}
