//! One turn of a release: what is remembered and what was seen, to what is remembered next and what is to be done.
//!
//! In: [`Agenda`], [`State`], [`Observation`]. Out: [`Step`]. A plain function: it never waits and never asks the
//! time. Doing the same turn again does no harm, so a crash between any two calls of the loop loses nothing.

use super::action::{Action, Write};
use super::agenda::Agenda;
use super::event::Event;
use super::failed::{AfterFailure, after_failure};
use super::observation::{Observation, Wish};
use super::publish::publish;
use super::regress::{grounds, watch_done};
use super::start::{CLAIMED, claimed, start_ready};
use super::state::{Course, Ending, Standing, State};
use super::step_id::StepId;
use super::supersede::superseded;
use super::turn::{Came, REPEATED, TRY_AGAIN_MS, Turn, came_of, later};
use super::watch_gates::watch_gates;
use tidegate_spec::ObjectRef;

/// What a turn gives.
#[derive(Debug, Clone)]
pub struct Step {
    /// What to remember.
    pub state: State,
    /// What to do, once that is saved.
    pub actions: Vec<Action>,
    /// What to tell, once that is done.
    pub events: Vec<Event>,
    /// What the next observation should show.
    pub wish: Wish,
}

/// Takes one turn.
pub fn step(agenda: &Agenda, state: State, seen: &Observation) -> Step {
    let mut turn = Turn::new(agenda, state, seen);
    super::builds::take_outcomes(&mut turn);
    turn.take_control();
    match turn.state.course.clone() {
        _ if turn.is_ending => {}
        Course::Pending => pend(&mut turn),
        Course::Ended(_) => {}
        Course::Preparing => {
            super::builds::tend(&mut turn);
            prepare(&mut turn);
        }
        Course::Moving => {
            super::builds::tend(&mut turn);
            advance(&mut turn);
        }
        Course::Publishing => publish(&mut turn),
    }
    turn.into_step()
}

/// A release that a freeze window holds is not planned before it is over: what runs then counts.
fn pend(turn: &mut Turn<'_>) {
    if let Some(ending) = superseded(turn) {
        return turn.end(ending);
    }
    if turn.state.frozen.is_none() {
        turn.wish.wake(turn.now());
    }
}

/// Applies what belongs to nobody, before wave 1.
fn prepare(turn: &mut Turn<'_>) {
    if let Some(ending) = overdue(turn).or_else(|| superseded(turn)) {
        return turn.end(ending);
    }
    let is_it = |action: &Action| matches!(action, Action::ApplyShared { .. });
    match came_of(&turn.seen.outcomes, is_it) {
        Came::Well(_) => {
            turn.state.fleeting.repeated.remove(&None);
            return open_first_wave(turn);
        }
        Came::Refused(message, _) => {
            let reason = "ApplyRefused".to_owned();
            return turn.end(Ending::Failed { reason, message });
        }
        Came::Again(message, milliseconds) => {
            if !turn.try_again(None, &message, milliseconds) {
                let reason = REPEATED.to_owned();
                return turn.end(Ending::Failed { reason, message });
            }
        }
        Came::Nothing => {}
    }
    let agenda = turn.agenda;
    if agenda.shared.is_empty() {
        return open_first_wave(turn);
    }
    if turn.state.paused || turn.state.frozen.is_some() || !turn.may_try(None) {
        return;
    }
    turn.wish.prepare_shared = true;
    if let Some(message) = claimed(turn, agenda.shared.iter()) {
        let reason = CLAIMED.to_owned();
        return turn.end(Ending::Failed { reason, message });
    }
    let mut writes = Vec::with_capacity(agenda.shared.len());
    for object in &agenda.shared {
        let Some(prepared) = turn.seen.prepared.get(object) else {
            turn.wish.wake(turn.now());
            return;
        };
        if prepared.starts_pods {
            return plan_anew(turn, object);
        }
        writes.push(Write {
            object: object.clone(),
            precondition: prepared.precondition.clone(),
            stamp: prepared.live_stamp.clone(),
            held: Vec::new(),
        });
    }
    turn.actions.push(Action::ApplyShared { writes });
}

/// A workload that was not to move would, since somebody changed it after the plan was made. What was applied up to
/// here starts no pod, so nothing is lost by planning once more from what runs now.
fn plan_anew(turn: &mut Turn<'_>, object: &ObjectRef) {
    let message = format!("{object} was changed after the plan was made; planning anew");
    turn.events.push(Event::PlannedAnew { message });
    turn.state = State {
        paused: turn.state.paused,
        frozen: turn.state.frozen.clone(),
        thawed: turn.state.thawed.clone(),
        superseded_by: turn.state.superseded_by.clone(),
        // What belongs to nobody may have been applied, and a deadline goes on.
        started: turn.state.started,
        builds: turn.state.builds.clone(),
        ..State::pending()
    };
    // Whoever changes it all the time must not make a hot loop of this.
    turn.wish.wake(later(turn.seen.now, TRY_AGAIN_MS));
}

fn open_first_wave(turn: &mut Turn<'_>) {
    turn.state.course = Course::Moving;
    advance(turn);
}

/// Looks at every gate, then starts what may start.
fn advance(turn: &mut Turn<'_>) {
    super::written::take_outcomes(turn);
    super::builds::fail_steps(turn);
    super::people::force(turn);
    watch_gates(turn);
    watch_done(turn);
    match after_failure(turn) {
        AfterFailure::GoOn => {}
        AfterFailure::Wait => return,
        AfterFailure::End(ending) => return turn.end(ending),
    }
    if let Some(ending) = overdue(turn) {
        return turn.end(ending);
    }
    start_ready(turn);
    close_waves(turn);
    if let Some(ending) = superseded(turn) {
        return turn.end(ending);
    }
    forget(turn);
    if turn
        .state
        .services
        .values()
        .all(|service| service.standing == Standing::Done && service.paused_for.is_none())
    {
        turn.state.course = Course::Publishing;
        publish(turn);
    }
}

/// Ends the release at its deadline, and asks to be woken then.
fn overdue(turn: &mut Turn<'_>) -> Option<Ending> {
    release_overdue(turn).or_else(|| wave_overdue(turn))
}

/// Ends it also at the deadline of a wave.
fn wave_overdue(turn: &mut Turn<'_>) -> Option<Ending> {
    let deadline = turn.agenda.strategy.wave_deadline?;
    let now = turn.now();
    for (index, times) in turn.state.waves.iter().enumerate() {
        let (Some(started), None) = (times.started, times.ended) else {
            continue;
        };
        let over_at = started.saturating_add(deadline).ok()?;
        if now < over_at {
            turn.wish.wake(over_at);
            continue;
        }
        let steps = turn.agenda.waves.get(index).into_iter().flatten();
        return Some(Ending::Failed {
            reason: "WaveDeadline".to_owned(),
            message: format!(
                "the deadline of {} for wave {} has passed; not done: {}",
                tidegate_spec::duration::describe(deadline),
                index + 1,
                undone(turn, steps).join(", ")
            ),
        });
    }
    None
}

/// Those of some steps that are not done.
fn undone<'s>(turn: &Turn<'_>, steps: impl Iterator<Item = &'s StepId>) -> Vec<String> {
    let is_done = |step: &StepId| {
        let service = turn.state.services.get(step);
        service.is_none_or(|service| service.standing == Standing::Done)
    };
    let undone = steps.filter(|step| !is_done(step));
    undone.map(ToString::to_string).collect()
}

fn release_overdue(turn: &mut Turn<'_>) -> Option<Ending> {
    let deadline = turn.agenda.strategy.release_deadline?;
    let over_at = turn.state.started?.saturating_add(deadline).ok()?;
    if turn.now() < over_at {
        turn.wish.wake(over_at);
        return None;
    }
    let unfinished = undone(turn, turn.state.services.keys());
    if unfinished.is_empty() && turn.state.course != Course::Preparing {
        return None;
    }
    Some(Ending::Failed {
        reason: "ReleaseDeadline".to_owned(),
        message: format!(
            "the release's deadline of {} has passed; not done: {}",
            tidegate_spec::duration::describe(deadline),
            unfinished.join(", ")
        ),
    })
}

/// Notes the end of each wave whose services are all done.
fn close_waves(turn: &mut Turn<'_>) {
    let now = turn.now();
    for (index, wave) in turn.agenda.waves.iter().enumerate() {
        let done = wave.iter().all(|name| {
            turn.state
                .services
                .get(name)
                .is_some_and(|service| service.standing == Standing::Done)
        });
        let Some(times) = turn.state.waves.get_mut(index) else {
            continue;
        };
        if let (true, Some(started), None) = (done, times.started, times.ended) {
            times.ended = Some(now);
            turn.events.push(Event::WaveDone {
                wave: index + 1,
                took: now.duration_since(started),
            });
        }
    }
}

/// Drops the records of services that nothing waits for any more: `.status` has a limit.
fn forget(turn: &mut Turn<'_>) {
    let agenda = turn.agenda;
    let grounds = grounds(agenda, &turn.state);
    for name in agenda
        .members
        .keys()
        .filter(|name| !grounds.contains(*name))
    {
        let awaited =
            agenda.members.iter().any(|(other, member)| {
                member.after.contains(name)
                    && turn.state.services.get(other).is_some_and(|service| {
                        match service.standing {
                            Standing::Waiting | Standing::Starting | Standing::Draining => true,
                            Standing::Moving
                            | Standing::Retiring
                            | Standing::Removing
                            | Standing::Clearing
                            | Standing::Done
                            | Standing::Failed => false,
                        }
                    })
            });
        if awaited {
            continue;
        }
        if let Some(service) = turn.state.services.get_mut(name)
            && service.standing == Standing::Done
        {
            for workload in std::mem::take(&mut service.records).keys() {
                turn.state.fleeting.memory.remove(workload);
            }
        }
    }
}
