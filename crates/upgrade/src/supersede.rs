//! A newer release of the plan takes the place of this one: nothing more starts, and it ends at a gate.
//!
//! What moves gets on to its gate, so that the newer release is planned from whole revisions; but not for long where it does
//! not get on, since the newer one may be what mends it. A drain is waited out in any case: the newer release could not
//! know what was written before.

use jiff::{SignedDuration, Timestamp};

use super::event::Event;
use super::state::{Course, Ending, ServiceState, Standing};
use super::step_id::StepId;
use super::turn::Turn;

/// How long a service may stand still before nobody waits for it any more.
const STILL_MAX: SignedDuration = SignedDuration::from_secs(30);

/// Keeps who takes its place, and tells it once.
pub(super) fn take_in(turn: &mut Turn<'_>) {
    let newer = turn.seen.wanted.superseded_by.clone();
    if turn.state.superseded_by == newer {
        return;
    }
    let message = if let Some(newer) = &newer {
        format!("`{newer}` takes its place; nothing more is started")
    } else {
        super::builds::revive(&mut turn.state);
        "nobody takes its place any more; it goes on".to_owned()
    };
    turn.events.push(Event::Superseded { message });
    turn.state.superseded_by = newer;
}

/// How it ends, if something takes its place and nobody has to be waited for.
pub(super) fn superseded(turn: &mut Turn<'_>) -> Option<Ending> {
    let newer = turn.state.superseded_by.clone()?;
    let services = &turn.state.services;
    if services.values().all(|one| one.standing == Standing::Done) && !services.is_empty() {
        // There is nothing left that the newer one could do in its place.
        return None;
    }
    let mut is_held = false;
    for (step, service) in services {
        match holds(turn, step, service) {
            Holds::No => {}
            Holds::Until(at) => {
                is_held = true;
                turn.wish.wake(at);
            }
            Holds::Open => is_held = true,
        }
    }
    if is_held {
        return None;
    }
    let left: Vec<String> = turn
        .state
        .services
        .iter()
        .filter(|(_, service)| service.standing != Standing::Done)
        .map(|(step, _)| step.to_string())
        .collect();
    let left = match (&turn.state.course, left.as_slice()) {
        (Course::Moving, [_, ..]) => format!("; not done: {}", left.join(", ")),
        (
            Course::Pending
            | Course::Preparing
            | Course::Moving
            | Course::Publishing
            | Course::Ended(_),
            _,
        ) => String::new(),
    };
    Some(Ending::Superseded {
        message: format!("`{newer}` has taken its place{left}"),
    })
}

/// Whether a service holds the end.
enum Holds {
    No,
    Until(Timestamp),
    Open,
}

fn holds(turn: &Turn<'_>, step: &StepId, service: &ServiceState) -> Holds {
    match service.standing {
        Standing::Waiting | Standing::Done | Standing::Failed => Holds::No,
        Standing::Draining => Holds::Open,
        Standing::Starting | Standing::Retiring | Standing::Clearing => {
            let repeated = turn.state.fleeting.repeated.get(&Some(step.clone()));
            repeated.map_or(Holds::Open, |repeated| still(turn, repeated.since))
        }
        Standing::Moving | Standing::Removing => {
            let memory = &turn.state.fleeting.memory;
            let looks = service.records.keys().map(|workload| {
                let memory = memory.get(workload)?;
                memory.still_since()
            });
            // What nobody has looked at may get on.
            let since: Option<Vec<Timestamp>> = looks.collect();
            let since = since.and_then(|all| all.into_iter().max());
            since.map_or(Holds::Open, |since| still(turn, since))
        }
    }
}

fn still(turn: &Turn<'_>, since: Timestamp) -> Holds {
    let over_at = since.saturating_add(STILL_MAX).unwrap_or(since);
    if turn.now() < over_at {
        Holds::Until(over_at)
    } else {
        Holds::No
    }
}
