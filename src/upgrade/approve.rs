//! What people have to say before a step that nothing undoes may start, or before a drain is over.

use super::agenda::Member;
use super::event::Event;
use super::start::all_done;
use super::step_id::StepId;
use super::turn::Turn;
use super::why::AWAITING;

/// Keeps what people have approved. Also what nobody has asked for yet: it lets the step pass later.
pub(super) fn take_in(turn: &mut Turn<'_>) {
    for approval in &turn.seen.wanted.approvals {
        let Ok(step) = StepId::parse(&approval.step) else {
            continue;
        };
        let asks = turn.agenda.members.get(&step).is_some_and(Member::asks);
        let Some(service) = turn.state.services.get_mut(&step) else {
            continue;
        };
        if !asks || service.approval.is_some() {
            continue;
        }
        service.approval = Some(approval.clone());
        if service.progress.reason == AWAITING {
            service.progress = super::state::Progress::default();
        }
        let why = approval.reason.as_ref();
        let why = why.map(|reason| format!(": {reason}")).unwrap_or_default();
        turn.events.push(Event::Approved {
            message: format!("{step} was approved by {}{why}", approval.by),
            service: step,
        });
    }
}

/// Whether a step may start as far as people are concerned; asks them once everything before it is done.
pub(super) fn is_approved(turn: &mut Turn<'_>, step: &StepId, member: &Member) -> bool {
    let Some(service) = turn.state.services.get(step) else {
        return false;
    };
    if !member.is_final || service.approval.is_some() {
        return true;
    }
    if all_done(turn, step) {
        let words = format!(
            "waits for a person: everything before it is done, and nothing undoes what it does; \
             `tidegate approve … {step}` lets it start"
        );
        ask(turn, step, words);
    }
    false
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
    service.progress = super::state::Progress {
        reason: AWAITING.to_owned(),
        message: message.clone(),
        since: Some(now),
        ..super::state::Progress::default()
    };
    turn.events.push(Event::Waits {
        service: step.clone(),
        reason: AWAITING.to_owned(),
        message,
    });
}
