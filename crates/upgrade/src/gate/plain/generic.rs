//! Any other kind, by what most controllers write; completion.md §4.15. What says nothing is never done.

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::Value;

use super::Plain;
use crate::gate::condition::{self, Condition};
use crate::gate::reason::Reason;
use crate::gate::rule::{self, Outcome};
use crate::gate::snapshot::{has_seen, owns};
use crate::gate::verdict::{Class, Verdict};
use crate::gate::workload::Observed;
use crate::gate::{Judgement, Look};

/// How long a controller may call something failed before it is believed.
const PATIENCE: SignedDuration = SignedDuration::from_secs(60);
/// The conditions that say that an object is done, the first that is there counts.
const DONE: [&str; 3] = ["Ready", "Available", "Succeeded"];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct View {
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    conditions: Vec<Condition>,
}

/// F8: the generation as a number or as text. Where it may be absent, absence is left to the conditions.
pub(super) fn observed(object: &Plain, is_required: bool) -> Observed {
    let seen = match object.content.pointer("/status/observedGeneration") {
        None | Some(Value::Null) => None,
        Some(Value::Number(number)) => Some(number.as_i64().ok_or_else(|| number.to_string())),
        Some(Value::String(text)) => Some(text.parse().map_err(|_| text.clone())),
        Some(other @ (Value::Bool(_) | Value::Array(_) | Value::Object(_))) => {
            Some(Err(other.to_string()))
        }
    };
    match seen {
        None if is_required => Observed::NotYet,
        None => Observed::Yes,
        Some(Ok(seen)) if has_seen(&object.metadata, Some(seen)) => Observed::Yes,
        Some(Ok(_)) => Observed::NotYet,
        Some(Err(text)) => Observed::Unsupported(text),
    }
}

pub(super) fn judge(look: &Look<'_>, object: &Plain) -> Option<Judgement> {
    let View { status } = object.view()?;
    let conditions = &status.conditions;
    let of_now = |type_| {
        condition::with(conditions, type_, "True")
            .filter(|condition| !condition.is_of_before(&object.metadata))
    };
    let verdict = if let Some(stalled) = of_now("Stalled") {
        Verdict::failed(Reason::Stalled, Class::Retryable, stalled.words())
    } else if let Some(busy) = of_now("Reconciling") {
        Verdict::progressing(Reason::Reconciling, 0, 1).with(busy.words())
    } else if let Some(outcome) = by_rule(look, object) {
        outcome
    } else {
        by_condition(look, object, conditions)
    };
    Some(verdict.into())
}

pub(super) fn by_rule(look: &Look<'_>, object: &Plain) -> Option<Verdict> {
    let rule = look
        .policy
        .rules
        .iter()
        .find(|rule| rule.is_for(&object.api_version, &object.kind))?;
    Some(match rule::evaluate(rule, &object.whole()) {
        Outcome::Complete => Verdict::Complete,
        Outcome::Failed => Verdict::failed(
            Reason::ReportedFailure,
            Class::Retryable,
            "its rule says that it failed",
        ),
        Outcome::Paused => Verdict::paused(Reason::HeldByRule, 0, 1),
        Outcome::Waits => {
            Verdict::progressing(Reason::Reconciling, 0, 1).with("its rule does not hold yet")
        }
        Outcome::LacksField => Verdict::progressing(Reason::Reconciling, 0, 1)
            .with("its rule asks for a field that is not there yet"),
        Outcome::Wrong(error) => Verdict::progressing(Reason::UnknownStatus, 0, 1).with(error),
    })
}

fn by_condition(look: &Look<'_>, object: &Plain, conditions: &[Condition]) -> Verdict {
    if object.has_pod_template() || owns(&object.metadata, &look.snapshot.pods) {
        let words = "it makes pods, and its condition says nothing of old ones";
        return Verdict::progressing(Reason::NoRule, 0, 1).with(words);
    }
    let Some(done) = DONE
        .iter()
        .find_map(|type_| condition::find(conditions, type_))
    else {
        return Verdict::progressing(Reason::NoRule, 0, 1);
    };
    if condition::differs(conditions, &done.type_) {
        let words = format!("its condition {} is there twice, and differs", done.type_);
        return Verdict::progressing(Reason::UnknownStatus, 0, 1).with(words);
    }
    let is_dated = object
        .content
        .pointer("/status/observedGeneration")
        .is_some_and(|seen| !seen.is_null())
        || done.observed_generation.is_some();
    // Without any generation, one that was there before the apply, word for word, may still speak of before.
    let is_of_before = done.is_of_before(&object.metadata)
        || (!is_dated && look.applied.changed && done.is_in_baseline(look));
    if is_of_before {
        return Verdict::progressing(Reason::NotObserved, 0, 1);
    }
    let words = done.words();
    match done.status.as_str() {
        "True" => Verdict::Complete,
        "False" if is_failure(done.reason.as_deref().unwrap_or_default()) => {
            let since = done.last_transition_time.as_ref().map(|time| time.0);
            if look.lasts(Reason::NotReady, since) > PATIENCE {
                Verdict::failed(Reason::ReportedFailure, Class::Retryable, words)
            } else {
                Verdict::progressing(Reason::NotReady, 0, 1).with(words)
            }
        }
        "False" | "Unknown" => Verdict::progressing(Reason::NotReady, 0, 1).with(words),
        other => Verdict::progressing(Reason::UnknownStatus, 0, 1)
            .with(format!("its condition is `{other}`")),
    }
}

fn is_failure(reason: &str) -> bool {
    ["Error", "Failed", "Invalid"]
        .iter()
        .any(|word| reason.contains(word))
}
