//! What is kept of a workload's apply: in `.status` of a Release, and in the file of `tidegate assess --baseline`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::baseline::{Applied, Baseline};
use super::memory::Memory;
use tidegate_spec::ObjectRef;

/// One workload with what was recorded before and at its apply. The object stands inside, since keys of `.status`
/// are only for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Recorded {
    /// The workload.
    pub object: ObjectRef,
    /// Before the apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// The server's answer to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<Applied>,
    /// What of the looks since must outlive whoever looked; only in `.status`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
}

impl Recorded {
    /// Reads one back; `.status` may have left out what stands in it already.
    pub fn from_value(mut value: Value) -> Result<Self, serde_json::Error> {
        if let Some(object) = value.get("object").cloned() {
            for part in ["baseline", "applied"] {
                if let Some(part) = value.get_mut(part).and_then(Value::as_object_mut) {
                    part.entry("workload").or_insert_with(|| object.clone());
                }
            }
        }
        serde_json::from_value(value)
    }

    /// Every record in a document, wherever it stands: a whole Release, its records, a list of them, or one.
    ///
    /// Errors: the path of each that cannot be read, with why.
    pub fn all_in(document: &Value) -> Result<Vec<Self>, Vec<String>> {
        let mut found = Vec::new();
        let mut wrong = Vec::new();
        collect(document, "", &mut found, &mut wrong);
        if wrong.is_empty() {
            Ok(found)
        } else {
            Err(wrong)
        }
    }
}

fn collect(value: &Value, path: &str, found: &mut Vec<Recorded>, wrong: &mut Vec<String>) {
    match value {
        Value::Object(fields)
            if fields.contains_key("object")
                && (fields.contains_key("baseline") || fields.contains_key("applied")) =>
        {
            match Recorded::from_value(value.clone()) {
                Ok(recorded) => found.push(recorded),
                Err(error) => wrong.push(format!("{}: {error}", path.trim_start_matches('.'))),
            }
        }
        Value::Object(fields) => {
            for (key, inner) in fields {
                collect(inner, &format!("{path}.{key}"), found, wrong);
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                collect(inner, &format!("{path}[{index}]"), found, wrong);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
