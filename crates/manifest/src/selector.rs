//! Whether a label selector matches.
//!
//! In: a selector as written in an object, and labels. Out: yes or no; an empty selector matches nothing here,
//! since it says nothing of who it belongs to.

use std::collections::BTreeMap;

use serde_json::Value;

/// Labels by name.
pub type Labels = BTreeMap<String, String>;

/// The texts of a mapping.
pub fn labels(value: Option<&Value>) -> Labels {
    let fields = value.and_then(Value::as_object);
    fields
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// Whether a plain selector (`app: cart`, as a Service has) matches.
pub fn matches_plain(selector: &Value, labels: &Labels) -> bool {
    let wanted = self::labels(Some(selector));
    !wanted.is_empty()
        && wanted
            .iter()
            .all(|(key, value)| labels.get(key) == Some(value))
}

/// Whether a selector with `matchLabels` and `matchExpressions` matches.
pub(super) fn matches(selector: &Value, labels: &Labels) -> bool {
    let plain = selector
        .get("matchLabels")
        .filter(|it| it.as_object().is_some_and(|it| !it.is_empty()));
    let expressions = selector.get("matchExpressions").and_then(Value::as_array);
    let expressions = expressions.map(Vec::as_slice).unwrap_or_default();
    (plain.is_some() || !expressions.is_empty())
        && plain.is_none_or(|plain| matches_plain(plain, labels))
        && expressions
            .iter()
            .all(|expression| expression_matches(expression, labels))
}

fn expression_matches(expression: &Value, labels: &Labels) -> bool {
    let text = |key: &str| {
        expression
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let label = labels.get(text("key"));
    let listed = expression
        .get("values")
        .and_then(Value::as_array)
        .is_some_and(|values| {
            values
                .iter()
                .any(|value| value.as_str() == label.map(String::as_str) && label.is_some())
        });
    match text("operator") {
        "In" => listed,
        "NotIn" => !listed,
        "Exists" => label.is_some(),
        "DoesNotExist" => label.is_none(),
        _ => false,
    }
}
