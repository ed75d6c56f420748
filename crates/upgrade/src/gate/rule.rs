//! What people say about a kind that the gate does not know: CEL over the object; completion.md §4.15.
//!
//! In: a rule and an object. Out: what the rule says of it. A rule that cannot be evaluated says nothing.

use std::sync::Arc;

use kube_cel::KubeCelExt as _;
use kube_cel::cel::objects::{Key, Map};
use kube_cel::cel::{Context, ExecutionError, Value as CelValue};
use serde_json::Value;

use tidegate_spec::cel_rule::with_cel_rule;
use tidegate_spec::crd::CompletionRule;

/// A rule looks at no more items than this, in all its loops.
const LOOKS_MAX: usize = 1_000_000;

/// What a rule says of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Complete,
    Failed,
    Paused,
    Waits,
    /// It waits, for a field that is not there.
    LacksField,
    /// It could not be evaluated, and why.
    Wrong(String),
}

/// What a rule says of an object; failed before paused before complete.
pub(super) fn evaluate(rule: &CompletionRule, object: &Value) -> Outcome {
    let parts = [
        (rule.failed.as_deref(), Outcome::Failed),
        (rule.paused.as_deref(), Outcome::Paused),
        (Some(rule.complete.as_str()), Outcome::Complete),
    ];
    for (text, outcome) in parts {
        let Some(text) = text else { continue };
        match holds(text, object) {
            Ok(Some(true)) => return outcome,
            // A field that is not there yet is no failure, and no pause.
            Ok(None) if outcome == Outcome::Complete => return Outcome::LacksField,
            Ok(Some(false) | None) => {}
            Err(error) => return Outcome::Wrong(error),
        }
    }
    Outcome::Waits
}

/// Whether a rule holds of an object; `None` if a field that it asks for is not there.
fn holds(text: &str, object: &Value) -> Result<Option<bool>, String> {
    let answer = with_cel_rule(text, |rule| {
        let looks = u32::try_from(rule.loops)
            .ok()
            .and_then(|loops| longest(object).checked_pow(loops));
        if looks.is_none_or(|looks| looks > LOOKS_MAX) {
            return Err("its rule loops over more items than can be looked at".to_owned());
        }
        let mut context = Context::default().with_all();
        context.add_variable_from_value("object", seen(object));
        match rule.program.execute(&context) {
            Ok(CelValue::Bool(holds)) => Ok(Some(holds)),
            Ok(_) => Err("its rule gives no truth value".to_owned()),
            Err(ExecutionError::NoSuchKey(_) | ExecutionError::IndexOutOfBounds(_)) => Ok(None),
            Err(error) => Err(format!("its rule: {error}")),
        }
    });
    answer.map_err(|fault| format!("its rule {fault}"))?
}

/// How many items the longest list or map in a value has.
fn longest(value: &Value) -> usize {
    let inner = |values: &mut dyn Iterator<Item = &Value>| values.map(longest).max();
    match value {
        Value::Array(items) => items
            .len()
            .max(inner(&mut items.iter()).unwrap_or_default()),
        Value::Object(fields) => fields
            .len()
            .max(inner(&mut fields.values()).unwrap_or_default()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
    }
}

/// An object as the API server's CEL sees it: whole numbers are `int`, also those that are not negative.
fn seen(value: &Value) -> CelValue {
    match value {
        Value::Null => CelValue::Null,
        Value::Bool(yes) => CelValue::Bool(*yes),
        Value::Number(number) => number.as_i64().map_or_else(
            || CelValue::Float(number.as_f64().unwrap_or(f64::NAN)),
            CelValue::Int,
        ),
        Value::String(text) => CelValue::String(Arc::new(text.clone())),
        Value::Array(items) => CelValue::List(Arc::new(items.iter().map(seen).collect())),
        Value::Object(fields) => CelValue::Map(Map {
            map: Arc::new(
                fields
                    .iter()
                    .map(|(key, field)| (Key::String(Arc::new(key.clone())), seen(field)))
                    .collect(),
            ),
        }),
    }
}
