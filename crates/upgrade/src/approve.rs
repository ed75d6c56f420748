//! What people have to say before a step or a wave may start that nothing undoes or that the plan asks for, or before a
//! drain is over.

use super::agenda::{Before, Member};
use super::event::Event;
use super::start::all_done;
use super::state::Progress;
use super::step_id::StepId;
use super::turn::Turn;
use super::why::{AWAITING, said};
use tidegate_spec::crd::Approval;

/// Keeps what people have approved. Also what nobody has asked for yet: it lets the step pass later.
pub(super) fn take_in(turn: &mut Turn<'_>) {
    let seen = turn.seen;
    for approval in &seen.wanted.approvals {
        match (Before::parse(&approval.step), StepId::parse(&approval.step)) {
            (Some(Before::Wave(index)), _) => approve_wave(turn, index, approval),
            (_, Ok(step)) => approve_step(turn, step, approval),
            (_, Err(_)) => {}
        }
    }
}

fn approve_wave(turn: &mut Turn<'_>, index: usize, approval: &Approval) {
    let before = Before::Wave(index);
    let is_asked = turn.agenda.strategy.asked_before.contains(&before);
    let Some(times) = turn.state.waves.get_mut(index) else {
        return;
    };
    if !is_asked || times.approval.is_some() {
        return;
    }
    times.approval = Some(approval.clone());
    let mut steps = turn.agenda.waves.get(index).into_iter().flatten();
    for step in steps.clone() {
        has_word(turn, step);
    }
    turn.events.extend(steps.next().map(|step| Event::Approved {
        message: said(&format!("{before} was approved by"), approval),
        service: step.clone(),
    }));
}

fn approve_step(turn: &mut Turn<'_>, step: StepId, approval: &Approval) {
    let asks = turn.agenda.members.get(&step).is_some_and(Member::asks);
    let asks = asks || turn.agenda.is_asked_for(&step);
    let Some(service) = turn.state.services.get_mut(&step) else {
        return;
    };
    if !asks || service.approval.is_some() {
        return;
    }
    service.approval = Some(approval.clone());
    has_word(turn, &step);
    turn.events.push(Event::Approved {
        message: said(&format!("{step} was approved by"), approval),
        service: step,
    });
}

/// A step does not say any more that it waits for a word.
fn has_word(turn: &mut Turn<'_>, step: &StepId) {
    if let Some(service) = turn.state.services.get_mut(step)
        && service.progress.reason == AWAITING
    {
        service.progress = Progress::default();
    }
}

/// Whether a step may start as far as people are concerned; asks them once everything before it is done.
pub(super) fn is_approved(turn: &mut Turn<'_>, step: &StepId, member: &Member) -> bool {
    let Some(words) = asked(turn, step, member) else {
        return true;
    };
    if all_done(turn, step) {
        ask(turn, step, words);
    }
    false
}

/// What people are asked before a step; `None` if nothing, or if they have said it.
fn asked(turn: &Turn<'_>, step: &StepId, member: &Member) -> Option<String> {
    let service = turn.state.services.get(step)?;
    let wave = turn.agenda.wave_of(step)?;
    let before = Before::Wave(wave);
    if turn.agenda.strategy.asked_before.contains(&before)
        && turn.state.waves.get(wave)?.approval.is_none()
    {
        return Some(format!(
            "waits for a person: everything before it is done, and the plan wants somebody's word before wave {}; \
             `tidegate approve … {before}` lets it start",
            wave + 1
        ));
    }
    if service.approval.is_some() {
        return None;
    }
    let why = if member.is_final {
        "nothing undoes what it does"
    } else if turn.agenda.is_asked_for(step) {
        "the plan wants somebody's word before it"
    } else {
        return None;
    };
    Some(format!(
        "waits for a person: everything before it is done, and {why}; `tidegate approve … {step}` lets it start"
    ))
}

/// Notes that a step waits for a person, and tells it once.
pub(super) fn ask(turn: &mut Turn<'_>, step: &StepId, message: String) {
    let now = turn.now();
    let Some(service) = turn.state.services.get_mut(step) else {
        return;
    };
    if service.progress.reason == AWAITING && service.progress.message == message {
        return;
    }
    service.progress = Progress {
        reason: AWAITING.to_owned(),
        message: message.clone(),
        since: Some(now),
        ..Progress::default()
    };
    turn.events.push(Event::Waits {
        service: step.clone(),
        reason: AWAITING.to_owned(),
        message,
    });
}
