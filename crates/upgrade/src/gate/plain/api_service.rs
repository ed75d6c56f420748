//! APIServices; completion.md §4.14.

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::Value;

use super::Plain;
use crate::gate::condition::{self, Condition};
use crate::gate::reason::Reason;
use crate::gate::verdict::{Class, Verdict};
use crate::gate::{Judgement, Look};

/// How long a server may be away before that is a failure.
const PATIENCE: SignedDuration = SignedDuration::from_secs(60);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct View {
    spec: Spec,
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    service: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    conditions: Vec<Condition>,
}

pub(super) fn judge(look: &Look<'_>, object: &Plain) -> Option<Judgement> {
    let View { spec, status } = object.view()?;
    if condition::differs(&status.conditions, "Available") {
        return None;
    }
    let Some(available) = condition::find(&status.conditions, "Available") else {
        return Some(Verdict::progressing(Reason::Unavailable, 0, 1).into());
    };
    let words = available.words();
    let is_local = spec.service.is_none() || available.reason.as_deref() == Some("Local");
    // It has no observed generation: an answer to an earlier question, word for word, answers nothing.
    let was_false = look.baseline.conditions.iter().any(|before| {
        before.type_ == "Available"
            && before.status == "False"
            && before.last_transition_time == available.last_transition_time
    });
    let verdict = match available.status.as_str() {
        "True" if is_local || !was_false => Verdict::Complete,
        "False" => {
            let since = available.last_transition_time.as_ref().map(|time| time.0);
            if look.lasts(Reason::Unavailable, since) >= PATIENCE {
                Verdict::failed(Reason::Unavailable, Class::Retryable, words)
            } else {
                Verdict::progressing(Reason::Unavailable, 0, 1).with(words)
            }
        }
        "True" | "Unknown" => Verdict::progressing(Reason::Unavailable, 0, 1).with(words),
        _ => return None,
    };
    Some(verdict.into())
}
