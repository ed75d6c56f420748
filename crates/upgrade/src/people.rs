//! What people say about a step beside approving it: that it is tried again, that its gate counts as open.
//!
//! In: the words in `spec.control`, which only grow. Out: the state, and what is told. Whoever, when and why stay in
//! `.status` and in `spec.control` for ever.

use super::event::Event;
use super::state::{Progress, ServiceState, Standing};
use super::step_id::StepId;
use super::turn::Turn;
use super::watch_gates::{finish, pass};
use super::why::said;
use tidegate_spec::crd::Approval;

/// Takes in what is new. A word about a step that is not there yet where it would matter is kept for then.
pub(super) fn take_in(turn: &mut Turn<'_>) {
    let seen = turn.seen;
    for word in &seen.wanted.forces {
        let Ok(step) = StepId::parse(&word.step) else {
            continue;
        };
        let Some(service) = turn.state.services.get_mut(&step) else {
            continue;
        };
        if service.forced.is_some() || !may_be_forced(service) {
            continue;
        }
        service.forced = Some(word.clone());
        service.regressed = None;
        turn.events.push(Event::Forced {
            message: said(&format!("{step} counts as done by the word of"), word),
            service: step,
        });
    }
    take_in_retries(turn, &seen.wanted.retries);
}

fn take_in_retries(turn: &mut Turn<'_>, words: &[Approval]) {
    let mut again = Vec::new();
    for (step, service) in &mut turn.state.services {
        let of_step = words.iter().filter(|word| word.step == step.to_string());
        let of_step: Vec<&Approval> = of_step.collect();
        let given = u32::try_from(of_step.len()).unwrap_or(u32::MAX);
        let (Some(last), true) = (of_step.last(), given > service.retries) else {
            continue;
        };
        service.retries = given;
        if service.standing != Standing::Failed {
            continue;
        }
        *service = ServiceState {
            retries: given,
            approval: service.approval.clone(),
            ..ServiceState::waiting()
        };
        again.extend(turn.agenda.members.get(step));
        turn.events.push(Event::Retried {
            message: said(&format!("{step} is tried again by the word of"), last),
            service: step.clone(),
        });
    }
    for member in again {
        super::builds::try_again(&mut turn.state, member);
    }
}

/// Whether there is a gate of it that could count as open.
fn may_be_forced(service: &ServiceState) -> bool {
    match service.standing {
        Standing::Moving | Standing::Removing | Standing::Draining | Standing::Failed => true,
        // It was done, and is not any more.
        Standing::Done => service.regressed.is_some(),
        Standing::Waiting | Standing::Starting | Standing::Retiring | Standing::Clearing => false,
    }
}

/// Lets every step pass whose gate counts as open.
pub(super) fn force(turn: &mut Turn<'_>) {
    let agenda = turn.agenda;
    for (step, member) in &agenda.members {
        let Some(service) = turn.state.services.get_mut(step) else {
            continue;
        };
        if service.forced.is_none() {
            continue;
        }
        match service.standing {
            Standing::Moving | Standing::Removing => pass(turn, step, member),
            Standing::Draining => finish(turn, step),
            Standing::Failed => {
                service.progress = Progress::default();
                finish(turn, step);
            }
            Standing::Waiting
            | Standing::Starting
            | Standing::Retiring
            | Standing::Clearing
            | Standing::Done => {}
        }
    }
}
