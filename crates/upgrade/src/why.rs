//! Why something is not further, in one wording for conditions, the CLI and the page.

use std::collections::BTreeSet;

use super::agenda::{Agenda, Change};
use super::builds;
use super::failed::{barrier, blocked};
use super::freeze;
use super::state::{Course, Ending, ServiceState, Standing, State};
use super::step_id::StepId;
use super::turn::REPEATED;
use tidegate_spec::crd::{Approval, OnFailure};
use tidegate_spec::words::waits_for;

/// How many names are written out before the rest is counted.
const NAMES_MAX: usize = 3;
/// A service is held by another one that fell back.
pub(super) const REGRESSED: &str = "Regressed";
/// A step waits for a person.
pub const AWAITING: &str = "AwaitingApproval";
/// A freeze window of the plan holds what has not begun.
pub const FROZEN: &str = "Frozen";
/// A drain waits for its time to be over.
pub(super) const WAITS_OUT: &str = "WaitsOut";
/// A service's write is on its way.
const APPLYING: &str = "Applying";

/// Whether the words of a service are its own; otherwise [`of`] works them out anew from where all others stand.
pub(super) fn are_own(standing: Standing, reason: &str) -> bool {
    match standing {
        Standing::Waiting => matches!(reason, REGRESSED | AWAITING),
        Standing::Starting => reason != APPLYING,
        Standing::Moving | Standing::Removing | Standing::Draining | Standing::Failed => true,
        Standing::Retiring | Standing::Clearing | Standing::Done => false,
    }
}

/// Why a service is where it is: one word and a sentence.
pub fn of(agenda: &Agenda, state: &State, name: &StepId) -> (String, String) {
    let Some(service) = state.services.get(name) else {
        return (String::new(), String::new());
    };
    let own = (
        service.progress.reason.clone(),
        service.progress.message.clone(),
    );
    match service.standing {
        Standing::Waiting if matches!(own.0.as_str(), REGRESSED | AWAITING) => own,
        Standing::Waiting => waiting(agenda, state, name),
        Standing::Starting if own.0.is_empty() => {
            let change = agenda.members.get(name).map(|member| member.change);
            let message = match change {
                Some(Change::Delete) => "its workloads are being deleted",
                Some(Change::Flip) => "its parameter is being changed",
                Some(Change::Create | Change::Roll | Change::Job | Change::Drain) | None => {
                    "its manifests are being applied"
                }
            };
            (APPLYING.to_owned(), message.to_owned())
        }
        Standing::Retiring if service.progress.reason == REPEATED => own,
        Standing::Retiring => (
            "Retiring".to_owned(),
            "its new workloads are complete; those that it does not have any more are being deleted"
                .to_owned(),
        ),
        Standing::Clearing => (
            "Clearing".to_owned(),
            "its pods are gone; the rest is being deleted".to_owned(),
        ),
        Standing::Done if service.forced.is_some() => {
            let forced = service.forced.iter();
            let words = forced.map(|word| said("its gate counts as open by the word of", word));
            ("Forced".to_owned(), words.collect())
        }
        Standing::Done if let Some(words) = &service.regressed => (
            REGRESSED.to_owned(),
            format!("it was done and is not any more: {words}"),
        ),
        Standing::Done if is_drain(agenda, name) => {
            let message = "done: nothing is left of what was written before";
            ("Done".to_owned(), message.to_owned())
        }
        Standing::Done => ("Done".to_owned(), "done: no old pod is left".to_owned()),
        Standing::Starting
        | Standing::Moving
        | Standing::Removing
        | Standing::Draining
        | Standing::Failed => own,
    }
}

fn is_drain(agenda: &Agenda, name: &StepId) -> bool {
    let member = agenda.members.get(name);
    member.is_some_and(|member| member.change == Change::Drain)
}

/// Whether nothing goes on until a person has said something.
pub(super) fn is_awaiting(state: &State) -> bool {
    let awaits = |service: &ServiceState| service.progress.reason == AWAITING;
    let goes_on = |service: &ServiceState| {
        service.standing.moves() || (service.standing == Standing::Draining && !awaits(service))
    };
    let mut services = state.services.values();
    services.clone().any(awaits) && !services.any(goes_on)
}

/// Whether nothing moves, and an image is being built.
pub(super) fn only_builds(state: &State) -> bool {
    let mut services = state.services.values();
    !builds::under_way(state).is_empty()
        && !services
            .any(|service| service.standing.moves() || service.standing == Standing::Draining)
}

fn waiting(agenda: &Agenda, state: &State, name: &StepId) -> (String, String) {
    if let Some(words) = never(agenda, state, name) {
        return ("DoesNotStart".to_owned(), words);
    }
    let barrier = barrier(agenda, state, name);
    let unfinished: Vec<&StepId> = agenda
        .waves
        .iter()
        .flatten()
        .filter(|other| barrier.contains(*other))
        .filter(|other| {
            state
                .services
                .get(*other)
                .is_some_and(|s| s.standing != Standing::Done)
        })
        .collect();
    if unfinished.is_empty() {
        let (reason, message) = match &state.superseded_by {
            Some(newer) => (
                "Superseded",
                format!("does not start any more: `{newer}` takes the release's place"),
            ),
            None if state.paused => ("Paused", "the release is paused".to_owned()),
            None if let Some(held) = freeze::holds(agenda, state, name) => {
                (FROZEN, freeze::words(held))
            }
            None => builds::awaited(agenda, state, name)
                .map(|words| ("Building", words))
                .or_else(|| soaking(agenda, state, &barrier))
                .unwrap_or_else(|| {
                    let words = "everything before it is done; it starts as soon as there is room";
                    ("MayStart", words.to_owned())
                }),
        };
        return (reason.to_owned(), message);
    }
    let mut parts: Vec<String> = unfinished
        .iter()
        .take(NAMES_MAX)
        .map(|other| {
            match state
                .services
                .get(*other)
                .map(|service| &service.progress.message)
            {
                Some(message) if !message.is_empty() => format!("{other} ({message})"),
                Some(_) | None => (*other).to_string(),
            }
        })
        .collect();
    if unfinished.len() > NAMES_MAX {
        parts.push(format!("{} more", unfinished.len() - NAMES_MAX));
    }
    ("WaitsForOthers".to_owned(), waits_for(&parts))
}

/// Why a step never starts in this release, where others go on beside a failure.
fn never(agenda: &Agenda, state: &State, name: &StepId) -> Option<String> {
    match agenda.strategy.on_failure {
        OnFailure::Continue => {}
        OnFailure::Halt | OnFailure::Rollback => return None,
    }
    let held = blocked(agenda, state);
    if !held.contains(name) {
        return None;
    }
    let after = &agenda.members.get(name)?.after;
    let has_failed = |step: &StepId| {
        let service = state.services.get(step);
        service.is_some_and(|service| service.standing == Standing::Failed)
    };
    if let Some(failed) = after.iter().find(|step| has_failed(step)) {
        return Some(format!(
            "does not start: {failed}, which must be done before it, has failed; `tidegate retry … {}` tries that again",
            failed.service
        ));
    }
    let held = after.iter().find(|step| held.contains(*step));
    let held = held.map(ToString::to_string).unwrap_or_default();
    Some(format!(
        "does not start: {held}, which must be done before it, does not start either"
    ))
}

/// Until when what comes before a step has to run before it may start, where the plan wants that.
fn soaking(
    agenda: &Agenda,
    state: &State,
    barrier: &BTreeSet<StepId>,
) -> Option<(&'static str, String)> {
    let soak = agenda.strategy.soak?;
    let ended = barrier
        .iter()
        .filter_map(|before| state.services.get(before)?.ended);
    let until = ended.max()?.saturating_add(soak).ok()?;
    let words = format!(
        "everything before it is done; it may start at {}, when that has run for {}",
        until.strftime("%Y-%m-%dT%H:%M:%SZ"),
        tidegate_spec::duration::describe(soak)
    );
    Some(("Soaks", words))
}

/// Somebody's word in words: who, and why.
pub(super) fn said(what: &str, word: &Approval) -> String {
    let why = word.reason.as_ref();
    let why = why.map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{what} {}{why}", word.by)
}

/// Why the release is where it is.
pub fn release(agenda: &Agenda, state: &State) -> (String, String) {
    match &state.course {
        Course::Pending if let Some(held) = &state.frozen => {
            (FROZEN.to_owned(), freeze::words(held))
        }
        Course::Pending => (
            "Planning".to_owned(),
            "the order is being worked out".to_owned(),
        ),
        Course::Ended(Ending::Succeeded) => (
            "Succeeded".to_owned(),
            match agenda.members.len() {
                0 => "nothing had to move".to_owned(),
                1 => "1 service is done".to_owned(),
                many => format!("{many} services are done"),
            },
        ),
        Course::Ended(Ending::Failed { reason, message }) => (reason.clone(), message.clone()),
        Course::Ended(Ending::Refused { message }) => ("Refused".to_owned(), message.clone()),
        Course::Ended(Ending::Aborted { message }) => ("Aborted".to_owned(), message.clone()),
        Course::Ended(Ending::Superseded { message }) => ("Superseded".to_owned(), message.clone()),
        Course::Preparing | Course::Moving | Course::Publishing if state.paused => (
            "Paused".to_owned(),
            format!("paused: {}", summary(agenda, state)),
        ),
        Course::Preparing | Course::Moving if let Some(held) = &state.frozen => (
            FROZEN.to_owned(),
            format!("{}; {}", freeze::words(held), summary(agenda, state)),
        ),
        Course::Preparing => (
            "Applying".to_owned(),
            "applying what belongs to no service".to_owned(),
        ),
        Course::Publishing => (
            "Publishing".to_owned(),
            "writing the graph into the cluster".to_owned(),
        ),
        Course::Moving => {
            let holding = agenda
                .waves
                .iter()
                .flatten()
                .filter_map(|name| Some((name, state.services.get(name)?)))
                .filter(|(_, service)| {
                    service.standing.moves()
                        || service.standing == Standing::Draining
                        || matches!(service.progress.reason.as_str(), REGRESSED | AWAITING)
                })
                .map(|(name, _)| format!("{name}: {}", of(agenda, state, name).1))
                .take(NAMES_MAX)
                .collect::<Vec<_>>();
            let head = summary(agenda, state);
            let message = if holding.is_empty() {
                head
            } else {
                format!("{head}; {}", holding.join("; "))
            };
            let reason = if is_awaiting(state) {
                AWAITING
            } else {
                "Moving"
            };
            (reason.to_owned(), message)
        }
    }
}

/// Where the release stands, in a line for a table column.
pub fn summary(agenda: &Agenda, state: &State) -> String {
    let total = agenda.waves.len();
    let done = state
        .waves
        .iter()
        .filter(|times| times.ended.is_some())
        .count();
    let services = state
        .services
        .values()
        .filter(|s| s.standing == Standing::Done)
        .count();
    match &state.course {
        Course::Pending => "planning".to_owned(),
        Course::Ended(Ending::Succeeded) if total == 0 => "nothing to change".to_owned(),
        Course::Ended(_) | Course::Publishing => {
            format!(
                "{done}/{total} waves, {services}/{} services",
                state.services.len()
            )
        }
        Course::Preparing | Course::Moving => {
            let builds = match builds::under_way(state).len() {
                0 => String::new(),
                1 => ", 1 image is being built".to_owned(),
                many => format!(", {many} images are being built"),
            };
            format!(
                "wave {}/{total}, {services}/{} services{builds}",
                (done + 1).min(total),
                state.services.len()
            )
        }
    }
}
