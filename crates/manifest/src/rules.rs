//! Evaluates the CEL rules of our kinds, as the API server would when the object is applied.
//!
//! In: an object of one of our kinds that fits its schema. Out: a problem for each rule that does not hold. Rules
//! about a change (`oldSelf`) have nothing to compare with here, and are left to the server.

use kube_cel::{CompiledSchema, Validator, compile_schema};
use serde_json::Value;

use tidegate_spec::{Code, Problem, crd};

/// Every rule of an object's kind that does not hold.
pub fn broken_rules(kind: &str, object: &Value) -> Vec<Problem> {
    let Some(schema) = compiled(kind) else {
        return Vec::new();
    };
    match Validator::new().validate_compiled(&schema, object, None) {
        Ok(()) => Vec::new(),
        Err(errors) => errors
            .into_vec()
            .into_iter()
            .map(|error| Problem::error(Code::InvalidValue, error.field_path, error.message))
            .collect(),
    }
}

fn compiled(kind: &str) -> Option<CompiledSchema> {
    let definition = crd::definitions()
        .into_iter()
        .find(|definition| definition.spec.names.kind == kind)?;
    let version = definition.spec.versions.into_iter().next()?;
    let schema = serde_json::to_value(version.schema?.open_api_v3_schema?).ok()?;
    Some(compile_schema(&schema))
}

/// What the rules find beyond what was found by other means: the same place, or a field right below it, is the same
/// problem, and the other words are better.
pub fn beyond(broken: Vec<Problem>, known: &[Problem]) -> Vec<Problem> {
    let is_known = |rule: &Problem| {
        known.iter().any(|problem| {
            let below = problem.path.strip_prefix(rule.path.as_str());
            below.is_some_and(|field| {
                field.is_empty()
                    || (field
                        .strip_prefix('.')
                        .is_some_and(|field| !field.contains(['.', '['])))
            })
        })
    };
    broken.into_iter().filter(|rule| !is_known(rule)).collect()
}
