//! Conditions as most kinds write them, read without their types.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde::Deserialize;

use super::Look;
use super::baseline::BaselineCondition;
use super::snapshot::has_seen;

/// One entry of `status.conditions`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Condition {
    #[serde(rename = "type")]
    pub(super) type_: String,
    pub(super) status: String,
    pub(super) reason: Option<String>,
    pub(super) message: Option<String>,
    pub(super) observed_generation: Option<i64>,
    pub(super) last_update_time: Option<Time>,
    pub(super) last_transition_time: Option<Time>,
}

impl Condition {
    /// Reason and message, for people.
    pub(super) fn words(&self) -> String {
        let reason = self.reason.as_deref().unwrap_or_default();
        match (reason, self.message.as_deref().unwrap_or_default()) {
            ("", "") => format!("{} is {}", self.type_, self.status),
            ("", message) => message.to_owned(),
            (reason, "") => reason.to_owned(),
            (reason, message) => format!("{reason}: {message}"),
        }
    }

    /// Whether it speaks of a generation before the present one of its object, as far as it says of which.
    pub(super) fn is_of_before(&self, object: &ObjectMeta) -> bool {
        self.observed_generation.is_some() && !has_seen(object, self.observed_generation)
    }

    /// Whether it was there before the apply, word for word: then it says nothing about the apply.
    pub(super) fn is_in_baseline(&self, look: &Look<'_>) -> bool {
        let condition = BaselineCondition::from(self);
        look.baseline.conditions.iter().any(|before| {
            before.type_ == condition.type_
                && before.status == condition.status
                && before.message == condition.message
                && before.last_update_time == condition.last_update_time
                && before.last_transition_time == condition.last_transition_time
        })
    }
}

/// The condition of a type.
pub(super) fn find<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == type_)
}

/// Whether a condition stands there twice, and differs.
pub(super) fn differs(conditions: &[Condition], type_: &str) -> bool {
    let mut of_type = conditions
        .iter()
        .filter(|condition| condition.type_ == type_);
    let first = of_type.next();
    first.is_some_and(|first| of_type.any(|other| other.status != first.status))
}

/// The condition of a type, if it has a status and none of its type has another.
pub(super) fn with<'a>(
    conditions: &'a [Condition],
    type_: &str,
    status: &str,
) -> Option<&'a Condition> {
    let found = find(conditions, type_).filter(|condition| condition.status == status);
    found.filter(|_| !differs(conditions, type_))
}

impl From<&Condition> for BaselineCondition {
    fn from(condition: &Condition) -> Self {
        Self {
            type_: condition.type_.clone(),
            status: condition.status.clone(),
            reason: condition.reason.clone(),
            message: condition.message.clone(),
            last_update_time: condition.last_update_time.clone(),
            last_transition_time: condition.last_transition_time.clone(),
        }
    }
}
