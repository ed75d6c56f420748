//! One turn of a release: what is remembered and what was seen, to what is remembered next and what is to be done.
//!
//! In: [`Agenda`], [`State`], [`Observation`]. Out: [`Step`]. A plain function: it never waits and never asks the
//! time. Doing the same turn again does no harm, so a crash between any two calls of the loop loses nothing.

use jiff::{SignedDuration, Timestamp};

use super::action::{ActFailure, Action, Outcome, Write};
use super::agenda::Agenda;
use super::event::Event;
use super::observation::{Observation, Wish};
use super::start::start_ready;
use super::state::{Course, Ending, Repeated, Standing, State};
use super::watch_gates::watch_gates;
use crate::spec::{ObjectRef, ServiceName};

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
    turn.take_control();
    match turn.state.course.clone() {
        Course::Pending | Course::Ended(_) => {}
        Course::Preparing => prepare(&mut turn),
        Course::Moving => advance(&mut turn),
        Course::Publishing => publish(&mut turn),
    }
    turn.into_step()
}

/// One turn in the making.
pub(super) struct Turn<'a> {
    pub(super) agenda: &'a Agenda,
    pub(super) seen: &'a Observation,
    pub(super) state: State,
    pub(super) actions: Vec<Action>,
    pub(super) events: Vec<Event>,
    pub(super) wish: Wish,
    before: State,
}

impl<'a> Turn<'a> {
    fn new(agenda: &'a Agenda, state: State, seen: &'a Observation) -> Self {
        Self {
            agenda,
            seen,
            before: state.clone(),
            state,
            actions: Vec::new(),
            events: Vec::new(),
            wish: Wish::default(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.seen.now
    }

    /// Puts off the next try of a service's writes (`None`: of what belongs to no service).
    pub(super) fn put_off(&mut self, service: Option<&ServiceName>, milliseconds: i64) {
        let at = later(self.now(), milliseconds);
        self.state.fleeting.retry_at.insert(service.cloned(), at);
        self.wish.wake(at);
    }

    /// Notes that a write was not made and puts off its next try; false if it was tried for too long.
    pub(super) fn try_again(
        &mut self,
        service: Option<&ServiceName>,
        message: &str,
        milliseconds: i64,
    ) -> bool {
        let deadline = self.agenda.strategy.service_deadline;
        let patience = deadline.unwrap_or(WRITE_PATIENCE);
        let now = self.seen.now;
        let known = self.state.fleeting.repeated.get(&service.cloned());
        let repeated = match known {
            // While the API server does not answer at all, nothing is tried: such a gap does not count.
            Some(known) if now.duration_since(known.last) <= TRIES_APART_MAX => Repeated {
                since: known.since,
                last: now,
                is_told: known.is_told,
            },
            Some(_) | None => Repeated {
                since: now,
                last: now,
                is_told: false,
            },
        };
        let lasted = now.duration_since(repeated.since);
        let is_over = lasted > patience;
        // An object that changed between look and write is everyday business; one that never comes to rest is not.
        let is_told = milliseconds >= TRY_AGAIN_MS || lasted >= TOLD_AFTER;
        if is_told && !repeated.is_told {
            let message = match service {
                Some(service) => format!("{service}: {message}"),
                None => message.to_owned(),
            };
            self.events.push(Event::WriteRepeated { message });
        }
        let repeated = Repeated {
            is_told: is_told || repeated.is_told,
            ..repeated
        };
        self.state
            .fleeting
            .repeated
            .insert(service.cloned(), repeated);
        self.put_off(service, milliseconds);
        !is_over
    }

    /// Whether the next try may be made now.
    pub(super) fn may_try(&mut self, service: Option<&ServiceName>) -> bool {
        let at = self.state.fleeting.retry_at.get(&service.cloned()).copied();
        match at {
            Some(at) if self.seen.now < at => {
                self.wish.wake(at);
                false
            }
            Some(_) | None => true,
        }
    }

    fn take_control(&mut self) {
        if matches!(self.state.course, Course::Ended(_)) {
            return;
        }
        let wanted = &self.seen.wanted;
        if wanted.abort {
            let message = wanted
                .reason
                .clone()
                .unwrap_or_else(|| "aborted on request".to_owned());
            self.end(Ending::Aborted { message });
            return;
        }
        if wanted.pause != self.state.paused {
            self.state.paused = wanted.pause;
            self.events.push(if wanted.pause {
                Event::Paused
            } else {
                Event::Resumed
            });
        }
    }

    pub(super) fn end(&mut self, ending: Ending) {
        let message = match &ending {
            Ending::Succeeded => "every service is done".to_owned(),
            Ending::Failed { message, .. }
            | Ending::Refused { message }
            | Ending::Aborted { message } => message.clone(),
        };
        self.events.push(Event::Ended {
            outcome: ending.word(),
            message,
        });
        self.state.course = Course::Ended(ending);
        self.state.ended = Some(self.now());
        self.actions.clear();
    }

    fn into_step(mut self) -> Step {
        super::progress::hand_on(&mut self.state, &self.before, self.seen.now, &mut self.wish);
        Step {
            state: self.state,
            actions: self.actions,
            events: self.events,
            wish: self.wish,
        }
    }
}

/// What an action came to, as far as the turn is concerned.
pub(super) enum Came<'o> {
    /// No news: it was never done, or a restart forgot.
    Nothing,
    /// Done.
    Well(&'o Outcome),
    /// Refused for good.
    Refused(String, &'static str),
    /// To be tried again, after so many milliseconds.
    Again(String, i64),
}

/// What came of the actions that `is_it` picks; the last one counts.
pub(super) fn came_of(outcomes: &[Outcome], is_it: impl Fn(&Action) -> bool) -> Came<'_> {
    let Some(outcome) = outcomes.iter().rev().find(|outcome| is_it(&outcome.action)) else {
        return Came::Nothing;
    };
    match &outcome.result {
        Ok(_) => Came::Well(outcome),
        Err(ActFailure::Refused {
            object,
            code,
            message,
        }) => Came::Refused(format!("{object}: {message}"), code.title()),
        Err(ActFailure::Moved { object }) => {
            let words = format!("{object} was changed by somebody else in between; looking again");
            Came::Again(words, LOOK_AGAIN_MS)
        }
        Err(ActFailure::Unreachable { object, message }) => {
            Came::Again(format!("{object}: {message}; trying again"), TRY_AGAIN_MS)
        }
    }
}

/// How long a write is tried again, unless the plan has a deadline for a service.
const WRITE_PATIENCE: SignedDuration = SignedDuration::from_mins(10);
/// Two tries that are further apart were not one after the other.
const TRIES_APART_MAX: SignedDuration = SignedDuration::from_mins(2);
/// When a write that moves again and again is told.
const TOLD_AFTER: SignedDuration = SignedDuration::from_secs(1);
/// The reason of a service whose write has to be repeated.
pub(super) const REPEATED: &str = "WriteRepeated";
/// How long to wait before a write that got no answer is tried again.
pub(super) const TRY_AGAIN_MS: i64 = 1_000;
/// How long to wait before an object that somebody else changed is looked at again: a controller's status
/// writes come in bursts.
const LOOK_AGAIN_MS: i64 = 100;

pub(super) fn later(now: Timestamp, milliseconds: i64) -> Timestamp {
    now.saturating_add(SignedDuration::from_millis(milliseconds))
        .unwrap_or(now)
}

/// Applies what belongs to nobody, before wave 1.
fn prepare(turn: &mut Turn<'_>) {
    if let Some(ending) = overdue(turn) {
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
    if turn.state.paused || !turn.may_try(None) {
        return;
    }
    turn.wish.prepare_shared = true;
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
        // What belongs to nobody may have been applied, and a deadline goes on.
        started: turn.state.started,
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
    watch_gates(turn);
    if let Some(ending) = failure(turn) {
        return turn.end(ending);
    }
    start_ready(turn);
    close_waves(turn);
    forget(turn);
    if turn
        .state
        .services
        .values()
        .all(|service| service.standing == Standing::Done)
    {
        turn.state.course = Course::Publishing;
        publish(turn);
    }
}

fn failure(turn: &mut Turn<'_>) -> Option<Ending> {
    let failed = turn
        .state
        .services
        .iter()
        .find(|(_, s)| s.standing == Standing::Failed);
    if let Some((name, service)) = failed {
        return Some(Ending::Failed {
            reason: service.progress.reason.clone(),
            message: format!("{name}: {}", service.progress.message),
        });
    }
    overdue(turn)
}

/// Ends the release at its deadline, and asks to be woken then.
fn overdue(turn: &mut Turn<'_>) -> Option<Ending> {
    let deadline = turn.agenda.strategy.release_deadline?;
    let over_at = turn.state.started?.saturating_add(deadline).ok()?;
    if turn.now() < over_at {
        turn.wish.wake(over_at);
        return None;
    }
    let unfinished: Vec<&str> = turn
        .state
        .services
        .iter()
        .filter(|(_, service)| service.standing != Standing::Done)
        .map(|(name, _)| name.as_str())
        .collect();
    if unfinished.is_empty() && turn.state.course != Course::Preparing {
        return None;
    }
    Some(Ending::Failed {
        reason: "ReleaseDeadline".to_owned(),
        message: format!(
            "the release's deadline of {} has passed; not done: {}",
            crate::spec::duration::describe(deadline),
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
    for name in agenda.members.keys() {
        let awaited =
            agenda.members.iter().any(|(other, member)| {
                member.after.contains(name)
                    && turn.state.services.get(other).is_some_and(|service| {
                        match service.standing {
                            Standing::Waiting | Standing::Starting => true,
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

/// Deletes what nobody has any more and writes the graph into the cluster; then the release has succeeded.
fn publish(turn: &mut Turn<'_>) {
    let is_tidy =
        |turn: &Turn<'_>| turn.agenda.leftover.is_empty() || turn.state.fleeting.leftover_removed;
    if !is_tidy(turn) {
        remove_leftover(turn);
    }
    if is_tidy(turn) {
        publish_graph(turn);
    }
}

fn remove_leftover(turn: &mut Turn<'_>) {
    let is_it = |action: &Action| matches!(action, Action::RemoveLeftover { .. });
    match came_of(&turn.seen.outcomes, is_it) {
        Came::Well(_) => {
            turn.state.fleeting.repeated.remove(&None);
            turn.state.fleeting.leftover_removed = true;
        }
        // Every service is done, so no call hangs on it.
        Came::Refused(message, _) => {
            turn.events.push(Event::NotRemoved { message });
            turn.state.fleeting.leftover_removed = true;
        }
        Came::Again(message, milliseconds) => {
            if !turn.try_again(None, &message, milliseconds) {
                turn.state.fleeting.repeated.remove(&None);
                turn.events.push(Event::NotRemoved { message });
                turn.state.fleeting.leftover_removed = true;
            }
        }
        Came::Nothing if !turn.state.paused && turn.may_try(None) => {
            turn.actions.push(Action::RemoveLeftover {
                objects: turn.agenda.leftover.clone(),
            });
        }
        Came::Nothing => {}
    }
}

fn publish_graph(turn: &mut Turn<'_>) {
    match came_of(&turn.seen.outcomes, |action| *action == Action::Publish) {
        Came::Well(_) => turn.end(Ending::Succeeded),
        Came::Refused(message, _) => {
            turn.events.push(Event::NotPublished { message });
            turn.end(Ending::Succeeded);
        }
        Came::Again(message, milliseconds) => {
            if !turn.try_again(None, &message, milliseconds) {
                turn.events.push(Event::NotPublished { message });
                turn.end(Ending::Succeeded);
            }
        }
        Came::Nothing if turn.may_try(None) => turn.actions.push(Action::Publish),
        Came::Nothing => {}
    }
}
