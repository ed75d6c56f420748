//! One turn in the making: what it has read, what it gives, and when a write that was not made is tried again.

use jiff::{SignedDuration, Timestamp};

use super::action::{ActFailure, Action, Outcome};
use super::agenda::Agenda;
use super::event::Event;
use super::observation::{Observation, Wish};
use super::state::{Course, Ending, Repeated, Standing, State};
use super::step::Step;
use super::step_id::StepId;

/// One turn in the making.
pub(super) struct Turn<'a> {
    pub(super) agenda: &'a Agenda,
    pub(super) seen: &'a Observation,
    pub(super) state: State,
    pub(super) actions: Vec<Action>,
    pub(super) events: Vec<Event>,
    pub(super) wish: Wish,
    /// Whether the release is to end, and something that is built has to be ended before.
    pub(super) is_ending: bool,
    /// What was remembered when the observation was made.
    pub(super) before: State,
}

impl<'a> Turn<'a> {
    pub(super) fn new(agenda: &'a Agenda, state: State, seen: &'a Observation) -> Self {
        Self {
            agenda,
            seen,
            before: state.clone(),
            state,
            actions: Vec::new(),
            events: Vec::new(),
            wish: Wish::default(),
            is_ending: false,
        }
    }

    /// Whether a step had begun before this turn.
    pub(super) fn had_begun(&self, step: &StepId) -> bool {
        let service = self.before.services.get(step);
        service.is_some_and(|service| service.standing != Standing::Waiting)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.seen.now
    }

    /// Puts off the next try of a service's writes (`None`: of what belongs to no service).
    pub(super) fn put_off(&mut self, service: Option<&StepId>, milliseconds: i64) {
        let at = later(self.now(), milliseconds);
        self.state.fleeting.retry_at.insert(service.cloned(), at);
        self.wish.wake(at);
    }

    /// Notes that a write was not made and puts off its next try; false if it was tried for too long.
    pub(super) fn try_again(
        &mut self,
        service: Option<&StepId>,
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
    pub(super) fn may_try(&mut self, service: Option<&StepId>) -> bool {
        let at = self.state.fleeting.retry_at.get(&service.cloned()).copied();
        match at {
            Some(at) if self.seen.now < at => {
                self.wish.wake(at);
                false
            }
            Some(_) | None => true,
        }
    }

    pub(super) fn take_control(&mut self) {
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
        super::approve::take_in(self);
        super::people::take_in(self);
        super::supersede::take_in(self);
        super::freeze::take_in(self);
        let wanted = &self.seen.wanted;
        if wanted.pause != self.state.paused {
            self.state.paused = wanted.pause;
            self.events.push(if wanted.pause {
                Event::Paused
            } else {
                Event::Resumed
            });
        }
    }

    /// Ends the release, as soon as nothing is built for it any more: until then each turn comes to this end anew.
    pub(super) fn end(&mut self, ending: Ending) {
        self.actions.clear();
        if !super::builds::are_over(self) {
            self.is_ending = true;
            return;
        }
        self.events.push(Event::Ended {
            outcome: ending.word(),
            message: ending.message().to_owned(),
        });
        self.state.course = Course::Ended(ending);
        self.state.ended = Some(self.now());
    }

    pub(super) fn into_step(mut self) -> Step {
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

/// The API server keeps whole seconds, and a wait must not be shorter after a restart.
pub(super) fn whole_second(time: Timestamp) -> Timestamp {
    let fraction = i64::from(time.subsec_nanosecond());
    if fraction == 0 {
        return time;
    }
    let missing = SignedDuration::from_nanos(1_000_000_000 - fraction);
    time.saturating_add(missing).unwrap_or(time)
}
