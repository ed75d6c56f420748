//! What people say about a kind that the gate does not know: CEL over the object; completion.md §4.15.
//!
//! In: a rule and an object. Out: what the rule says of it. A rule that cannot be evaluated says nothing.

use kube_cel::KubeCelExt as _;
use kube_cel::cel::{Context, Program, Value as CelValue};
use serde_json::Value;

use tidegate_spec::crd::CompletionRule;

/// Longer rules are refused: they are evaluated at every look.
const RULE_LENGTH_MAX: usize = 2_000;

/// What a rule says of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Complete,
    Failed,
    Paused,
    Waits,
    /// It could not be evaluated, and why.
    Wrong(String),
}

/// Whether a rule is about a kind. The version does not matter: the API server converts.
pub(super) fn is_for(rule: &CompletionRule, api_version: &str, kind: &str) -> bool {
    let group = |text: &str| {
        text.split_once('/')
            .map_or(String::new(), |(group, _)| group.to_owned())
    };
    rule.kind == kind && group(&rule.api_version) == group(api_version)
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
            Ok(true) => return outcome,
            Err(error) if outcome == Outcome::Complete => return Outcome::Wrong(error),
            // A field that is not there yet is no failure.
            Ok(false) | Err(_) => {}
        }
    }
    Outcome::Waits
}

fn holds(text: &str, object: &Value) -> Result<bool, String> {
    if text.len() > RULE_LENGTH_MAX {
        return Err(format!(
            "its rule is longer than {RULE_LENGTH_MAX} characters"
        ));
    }
    let program =
        Program::compile(text).map_err(|error| format!("its rule is not CEL: {error}"))?;
    let mut context = Context::default().with_all();
    context
        .add_variable("object", object)
        .map_err(|error| format!("its rule cannot see the object: {error}"))?;
    match program.execute(&context) {
        Ok(CelValue::Bool(holds)) => Ok(holds),
        Ok(_) => Err("its rule gives no truth value".to_owned()),
        Err(error) => Err(format!("its rule: {error}")),
    }
}
