//! Objects of JSON to types, with the field that does not fit.
//!
//! In: an object as it was written. Out: the same as a type, or which field is not as its kind says. A field that is
//! null counts as left out, as it does for the API server.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

/// Why an object is not as its kind is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{error}", at(.field))]
pub struct Fault {
    /// The field, for people; empty for the whole object.
    pub field: String,
    /// The way to it.
    pub steps: Vec<Step>,
    /// What is wrong with it.
    pub error: String,
}

/// One step of the way to a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Into a map.
    Key(String),
    /// Into a list.
    Index(usize),
}

fn at(field: &str) -> String {
    if field.is_empty() {
        String::new()
    } else {
        format!("`{field}`: ")
    }
}

/// The object as a type.
pub(super) fn typed<T: DeserializeOwned>(object: Value) -> Result<T, Fault> {
    serde_path_to_error::deserialize(without_nulls(object)).map_err(|error| {
        let path = error.path();
        let steps = path.iter().filter_map(|segment| match segment {
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Map { key } => Some(Step::Key(key.clone())),
            Segment::Enum { variant } => Some(Step::Key(variant.clone())),
            Segment::Unknown => None,
        });
        let steps: Vec<_> = steps.collect();
        Fault {
            field: if steps.is_empty() {
                String::new()
            } else {
                path.to_string()
            },
            steps,
            error: error.inner().to_string(),
        }
    })
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(_, field)| !field.is_null());
            Value::Object(
                kept.map(|(key, field)| (key, without_nulls(field)))
                    .collect(),
            )
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}
