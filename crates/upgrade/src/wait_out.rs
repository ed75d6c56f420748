//! A drain: waits until nothing is left of what was written for a service in versions that it will not read.
//!
//! The time is counted from the moment when the last writer was seen done, rounded up to what `.status` can keep. If a
//! pod of an old writer is back, it is counted anew (planning.md §4 T8, §6 `drained`).

use jiff::{SignedDuration, Timestamp};

use super::agenda::Member;
use super::approve::ask;
use super::event::Event;
use super::recheck::still_done;
use super::start::start_wave;
use super::state::{Progress, Standing};
use super::step_id::StepId;
use super::turn::{Turn, later, whole_second};
use super::watch_gates::{finish, look};
use super::why::WAITS_OUT;
use tidegate_spec::Retention;

/// Begins to wait.
pub(super) fn begin(turn: &mut Turn<'_>, step: &StepId, member: &Member) {
    let started = whole_second(turn.now());
    let Some(service) = turn.state.services.get_mut(step) else {
        return;
    };
    service.standing = Standing::Draining;
    service.started = Some(started);
    service.progress = Progress::default();
    turn.events.push(Event::ServiceStarted {
        service: step.clone(),
    });
    start_wave(turn, step);
    wait_out(turn, step, member);
}

/// Goes on waiting.
pub(super) fn wait_out(turn: &mut Turn<'_>, step: &StepId, member: &Member) {
    if is_written_again(turn, step, member) {
        return;
    }
    let Some(service) = turn.state.services.get(step) else {
        return;
    };
    if service.approval.is_some() {
        return finish(turn, step);
    }
    let started = service.started.unwrap_or(turn.seen.now);
    let times = member.retentions.iter().filter_map(Retention::time);
    let longest = times.max().unwrap_or(SignedDuration::ZERO);
    let over_at = started.saturating_add(longest).unwrap_or(Timestamp::MAX);
    let writers: Vec<String> = member.after.iter().map(ToString::to_string).collect();
    let writers = writers.join(", ");
    if turn.now() < over_at {
        turn.wish.wake(over_at);
        for writer in &member.after {
            turn.wish.live_from(writer, over_at);
        }
        let words = format!(
            "waits until nothing is left of what {writers} wrote before {}: until {} ({}); if it is known to be gone \
             earlier, `tidegate approve … {step}`",
            told(started),
            told(over_at),
            tidegate_spec::duration::describe(longest)
        );
        return note(turn, step, words);
    }
    if member.retentions.iter().any(|one| one.time().is_none()) {
        let words = format!(
            "waits for a person: {} must have read all that {writers} wrote before {}; when nothing of it is left, \
             `tidegate approve … {step}`",
            step.service,
            told(started)
        );
        return ask(turn, step, words);
    }
    if still_done(turn, step, member) {
        finish(turn, step);
    } else {
        for writer in &member.after {
            turn.wish.live_from(writer, later(turn.seen.now, 1_000));
        }
    }
}

fn told(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn note(turn: &mut Turn<'_>, step: &StepId, message: String) {
    let Some(service) = turn.state.services.get_mut(step) else {
        return;
    };
    if service.progress.message == message {
        return;
    }
    service.progress = Progress {
        reason: WAITS_OUT.to_owned(),
        message: message.clone(),
        since: service.started,
        ..Progress::default()
    };
    turn.events.push(Event::Waits {
        service: step.clone(),
        reason: WAITS_OUT.to_owned(),
        message,
    });
}

/// Whether a pod of an old writer is back: then what it writes has to be waited out too, from when it is gone again. A
/// cache only makes us look.
fn is_written_again(turn: &mut Turn<'_>, step: &StepId, member: &Member) -> bool {
    let mut back = None;
    for writer in &member.after {
        let known = turn.agenda.members.get(writer);
        let Some((of_writer, service)) = known.zip(turn.state.services.get(writer)) else {
            continue;
        };
        let Some(look) = look(turn, writer, of_writer, service) else {
            continue;
        };
        let old = look.assessed.iter().find(|(_, seen, _)| seen.old_alive > 0);
        match (old, look.live) {
            (Some((_, seen, _)), true) => back = Some((writer.clone(), seen.sentence())),
            (Some(_), false) => turn.wish.live_from(writer, turn.seen.now),
            (None, _) => {}
        }
    }
    let Some((writer, sentence)) = back else {
        return false;
    };
    if let Some(service) = turn.state.services.get_mut(step) {
        service.standing = Standing::Waiting;
        service.started = None;
        service.progress = Progress::default();
    }
    turn.events.push(Event::Regressed {
        message: format!("{step} begins anew: old pods of {writer} write again: {sentence}"),
        service: writer,
    });
    true
}
