//! Freeze windows of the plan: no new wave starts in one; what moves goes on to its gate.
//!
//! In: the windows that hold this release, and the time of the observation. Out: why it starts nothing new, told once.
//! Somebody may let it go on all the same; who, when and why stay for ever.

use super::agenda::Agenda;
use super::event::Event;
use super::observation::Wanted;
use super::state::{Course, Standing, State};
use super::step_id::StepId;
use super::turn::Turn;
use super::why::said;
use tidegate_spec::crd::{Advance, Approval};
use tidegate_spec::freeze::{Held, held};

/// What somebody says in `forces` who lets a release go on in freeze windows. No step has this name.
pub const THAW: &str = "freeze/all";

/// What holds a release at a moment, unless somebody lets it go on.
pub fn frozen(wanted: &Wanted, now: jiff::Timestamp) -> Option<Held> {
    match word(wanted) {
        Some(_) => None,
        None => held(&wanted.freeze, now),
    }
}

fn word(wanted: &Wanted) -> Option<&Approval> {
    wanted.forces.iter().find(|word| word.step == THAW)
}

/// Keeps what holds the release, and tells it once. Where everything has begun, nothing is held.
pub(super) fn take_in(turn: &mut Turn<'_>) {
    let seen = turn.seen;
    let now = if is_anything_left(turn.agenda, &turn.state) {
        frozen(&seen.wanted, seen.now)
    } else {
        None
    };
    let word = word(&seen.wanted).cloned();
    let is_thawed_by = word.as_ref().filter(|_| turn.state.thawed.is_none());
    let message = match (is_thawed_by, &turn.state.frozen, &now) {
        (Some(word), _, _) => Some(said("it goes on in freeze windows by the word of", word)),
        (None, Some(_), None) => Some("the freeze window is over; it goes on".to_owned()),
        (None, _, Some(_) | None) => None,
    };
    turn.events
        .extend(message.map(|message| Event::Thawed { message }));
    if let Some(held) = now.as_ref().filter(|_| turn.state.frozen.is_none()) {
        let message = words(held);
        turn.events.push(Event::Frozen { message });
    }
    if let Some(until) = now.as_ref().and_then(|held| held.until) {
        turn.wish.wake(until);
    }
    turn.state.frozen = now;
    turn.state.thawed = turn.state.thawed.take().or(word);
}

/// Whether something of the release has not begun.
fn is_anything_left(agenda: &Agenda, state: &State) -> bool {
    match &state.course {
        Course::Pending | Course::Preparing => true,
        Course::Moving => agenda
            .members
            .keys()
            .any(|step| is_new(agenda, state, step)),
        Course::Publishing | Course::Ended(_) => false,
    }
}

/// Whether a step would be something new: with `advance: Wave` the first of its wave, otherwise any that has not begun.
fn is_new(agenda: &Agenda, state: &State, step: &StepId) -> bool {
    let service = state.services.get(step);
    if service.is_none_or(|service| service.standing != Standing::Waiting) {
        return false;
    }
    match agenda.strategy.advance {
        Advance::Service => true,
        Advance::Wave => {
            let times = agenda.wave_of(step).and_then(|wave| state.waves.get(wave));
            times.is_some_and(|times| times.started.is_none())
        }
    }
}

/// Why a step does not start, if a freeze window holds it.
pub(super) fn holds<'s>(agenda: &Agenda, state: &'s State, step: &StepId) -> Option<&'s Held> {
    let frozen = state.frozen.as_ref()?;
    is_new(agenda, state, step).then_some(frozen)
}

/// In words, with the way out.
pub(super) fn words(held: &Held) -> String {
    let until = match held.until {
        Some(until) => format!(
            "nothing new starts before {}",
            until.strftime("%Y-%m-%dT%H:%M:%SZ")
        ),
        None => "nothing new starts".to_owned(),
    };
    format!(
        "{until}: {}; `tidegate force … freeze --reason …` lets it go on all the same",
        held.why
    )
}
