//! Gateways of the Gateway API; completion.md §4.13. Each condition says itself which generation it means.

use serde::Deserialize;

use super::Plain;
use crate::gate::Judgement;
use crate::gate::condition::{self, Condition};
use crate::gate::reason::Reason;
use crate::gate::snapshot::{has_seen, length};
use crate::gate::verdict::{Class, Verdict};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct View {
    spec: Spec,
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    listeners: Vec<Named>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    conditions: Vec<Condition>,
    listeners: Vec<Listener>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Listener {
    name: String,
    conditions: Vec<Condition>,
}

pub(super) fn judge(object: &Plain) -> Option<Judgement> {
    let View { spec, status } = object.view()?;
    let of_listeners = status
        .listeners
        .iter()
        .map(|listener| (listener.name.as_str(), &listener.conditions));
    let parts: Vec<_> = std::iter::once(("", &status.conditions))
        .chain(of_listeners)
        .collect();
    let is_fresh =
        |condition: &Condition| has_seen(&object.metadata, condition.observed_generation);
    let is_shown = |wanted: &Named| status.listeners.iter().any(|it| it.name == wanted.name);
    let decisive = |condition: &&Condition| {
        matches!(
            condition.type_.as_str(),
            "Accepted" | "Programmed" | "ResolvedRefs"
        )
    };
    if !parts
        .iter()
        .flat_map(|(_, conditions)| conditions.iter())
        .filter(decisive)
        .all(is_fresh)
        || condition::find(&status.conditions, "Accepted").is_none()
        || !spec.listeners.iter().all(is_shown)
    {
        return Some(Verdict::progressing(Reason::NotObserved, 0, 1).into());
    }
    for (listener, conditions) in &parts {
        if let Some(refused) = refusal(conditions) {
            let (reason, words) = refused;
            let whose = if listener.is_empty() {
                words
            } else {
                format!("listener {listener}: {words}")
            };
            return Some(Verdict::failed(reason, Class::Retryable, whose).into());
        }
    }
    let is_programmed = |(_, conditions): &(&str, &Vec<Condition>)| {
        condition::with(conditions, "Programmed", "True").is_some()
    };
    let done = parts.iter().filter(|part| is_programmed(part)).count();
    let is_accepted = condition::with(&status.conditions, "Accepted", "True").is_some();
    let verdict = if is_accepted && done == parts.len() {
        Verdict::Complete
    } else {
        Verdict::progressing(Reason::NotProgrammed, length(done), length(parts.len()))
    };
    Some(verdict.into())
}

/// Why a controller does not take a Gateway, a listener or a route.
pub(super) fn refusal(conditions: &[Condition]) -> Option<(Reason, String)> {
    if let Some(refused) = condition::with(conditions, "Accepted", "False") {
        return Some((Reason::NotAccepted, refused.words()));
    }
    if let Some(missing) = condition::with(conditions, "ResolvedRefs", "False") {
        return Some((Reason::RefsNotResolved, missing.words()));
    }
    condition::with(conditions, "PartiallyInvalid", "True")
        .map(|wrong| (Reason::PartiallyInvalid, wrong.words()))
}
