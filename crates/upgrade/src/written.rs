//! What came of the writes of each service: the step from `Starting` to `Moving`, and its counterparts.

use super::action::Action;
use super::event::Event;
use super::state::Standing;
use super::step_id::StepId;
use super::turn::{Came, REPEATED, Turn, came_of};
use super::watch_gates::finish;

/// Takes in what came of every service's writes.
pub(super) fn take_outcomes(turn: &mut Turn<'_>) {
    let services: Vec<StepId> = turn.state.services.keys().cloned().collect();
    for name in services {
        take_outcome(turn, &name);
    }
}

fn take_outcome(turn: &mut Turn<'_>, name: &StepId) {
    let seen = turn.seen;
    let Some(service) = turn.state.services.get_mut(name) else {
        return;
    };
    let is_write = |action: &Action| !matches!(action, Action::Pause { .. });
    match came_of(&seen.outcomes, |action| {
        is_write(action) && action.service() == Some(name)
    }) {
        Came::Nothing => {}
        Came::Well(outcome) => {
            turn.state.fleeting.repeated.remove(&Some(name.clone()));
            for (object, applied) in outcome.result.iter().flatten() {
                let record = service.records.entry(object.clone()).or_default();
                // The first answer counts: a repeated apply says `changed: false` of our own change.
                if record
                    .applied
                    .as_ref()
                    .is_none_or(|first| first.uid != applied.uid || !first.changed)
                {
                    record.applied = Some(applied.clone());
                }
            }
            match (service.standing, &outcome.action) {
                (Standing::Starting, Action::Apply { .. }) => service.standing = Standing::Moving,
                (Standing::Starting | Standing::Retiring, Action::RemoveWorkloads { .. }) => {
                    service.standing = Standing::Removing;
                }
                (Standing::Clearing, Action::RemoveRest { .. }) => finish(turn, name),
                _ => {}
            }
        }
        Came::Refused(message, title) => {
            fail(turn, name, "ApplyRefused", format!("{message} ({title})"));
        }
        Came::Again(message, milliseconds) => {
            service.progress.message.clone_from(&message);
            REPEATED.clone_into(&mut service.progress.reason);
            if !turn.try_again(Some(name), &message, milliseconds) {
                fail(turn, name, REPEATED, message);
            }
        }
    }
}

/// The service will not get there.
pub(super) fn fail(turn: &mut Turn<'_>, name: &StepId, reason: &str, message: String) {
    let now = turn.now();
    let Some(service) = turn.state.services.get_mut(name) else {
        return;
    };
    service.standing = Standing::Failed;
    service.ended = Some(now);
    reason.clone_into(&mut service.progress.reason);
    service.progress.message.clone_from(&message);
    turn.events.push(Event::ServiceFailed {
        service: name.clone(),
        reason: reason.to_owned(),
        message,
    });
}
