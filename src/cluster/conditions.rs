//! Conditions in the status of our own objects.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// How long a condition's message may be.
const MESSAGE_CHARACTERS_MAX: usize = 1000;

/// A condition, as of now.
pub(super) fn condition(
    kind: &str,
    (status, reason, message): (&str, &str, &str),
    generation: Option<i64>,
) -> Condition {
    Condition {
        type_: kind.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: message.chars().take(MESSAGE_CHARACTERS_MAX).collect(),
        observed_generation: generation,
        last_transition_time: Time(Timestamp::now()),
    }
}

/// Sets one of the conditions. One that says the same as before keeps its time, and others stay as they are.
pub(super) fn set_condition(conditions: &mut Vec<Condition>, mut wanted: Condition) {
    match conditions.iter_mut().find(|one| one.type_ == wanted.type_) {
        Some(known) => {
            if known.status == wanted.status {
                wanted.last_transition_time = known.last_transition_time.clone();
            }
            *known = wanted;
        }
        None => conditions.push(wanted),
    }
}
