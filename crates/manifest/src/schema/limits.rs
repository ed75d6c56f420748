//! What a schema says of a value beyond its type: choices, patterns, lengths, sizes.

use std::fmt::Display;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
use regex::Regex;

use super::listed;
use crate::node::{Node, NodeKind, shorten};
use tidegate_spec::{Code, Fix, did_you_mean};

type Finding = (Code, String, String, Option<Fix>);

/// Everything that a value of the right type violates.
pub(super) fn check(node: &Node, schema: &JSONSchemaProps) -> Vec<Finding> {
    let mut found = Vec::new();
    match &node.kind {
        NodeKind::Text(text) => {
            found.extend(choice(text, schema));
            found.extend(pattern(text, schema));
            let length = count(text.chars().count());
            found.extend(bounds(
                length,
                "characters",
                (schema.min_length, schema.max_length),
            ));
        }
        NodeKind::Sequence(items) => {
            let bound = (schema.min_items, schema.max_items);
            found.extend(bounds(count(items.len()), "entries", bound));
        }
        NodeKind::Mapping(entries) => {
            let bound = (schema.min_properties, schema.max_properties);
            found.extend(bounds(count(entries.len()), "entries", bound));
        }
        NodeKind::Number { value, .. } => {
            if let Some(number) = value.as_f64() {
                found.extend(size(number, schema));
            }
        }
        NodeKind::Null | NodeKind::Bool { .. } => {}
    }
    found
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn invalid(wrong: String) -> Finding {
    (Code::InvalidValue, wrong, String::new(), None)
}

fn choice(text: &str, schema: &JSONSchemaProps) -> Option<Finding> {
    let choices: Vec<&str> = schema
        .enum_
        .as_ref()?
        .iter()
        .filter_map(|it| it.0.as_str())
        .collect();
    if choices.contains(&text) {
        return None;
    }
    let wrong = format!("`{}` is none of {}", shorten(text), listed(&choices));
    let hint = did_you_mean(text, choices.iter().copied())
        .or_else(|| {
            choices
                .iter()
                .copied()
                .find(|choice| choice.eq_ignore_ascii_case(text))
        })
        .map_or_else(String::new, |near| format!("did you mean `{near}`?"));
    // Only where nothing but the case differs: another word could be another wish.
    let only = choices
        .iter()
        .find(|choice| choice.eq_ignore_ascii_case(text));
    let fix = only.map(|only| Fix::Rename {
        from: text.to_owned(),
        to: (*only).to_owned(),
    });
    Some((Code::InvalidValue, wrong, hint, fix))
}

fn pattern(text: &str, schema: &JSONSchemaProps) -> Option<Finding> {
    let pattern = schema.pattern.as_ref()?;
    // A pattern that does not compile would be our own fault, which a test of the schemas finds.
    if Regex::new(pattern).map_or(true, |regex| regex.is_match(text)) {
        return None;
    }
    let hint = if pattern.contains("ms|s|m|h") {
        "write a duration such as `30s` or `10m`".to_owned()
    } else if pattern.starts_with("^[a-z0-9]") {
        "use a-z, 0-9, `-` and `.`, with a letter or digit at both ends".to_owned()
    } else {
        String::new()
    };
    let wrong = format!("`{}` does not match `{pattern}`", shorten(text));
    Some((Code::InvalidValue, wrong, hint, None))
}

fn bounds(length: i64, unit: &str, (min, max): (Option<i64>, Option<i64>)) -> Option<Finding> {
    if let Some(min) = min.filter(|min| length < *min) {
        return Some(invalid(if length == 0 {
            "is empty".to_owned()
        } else {
            format!("has {length} {unit}, at least {min} are needed")
        }));
    }
    let max = max.filter(|max| length > *max)?;
    let wrong = format!("has {length} {unit}, at most {max} are allowed");
    Some((Code::TooLarge, wrong, String::new(), None))
}

fn size(number: f64, schema: &JSONSchemaProps) -> Option<Finding> {
    let low = schema.minimum.filter(|minimum| number < *minimum);
    let high = schema.maximum.filter(|maximum| number > *maximum);
    let say = |bound: &dyn Display, word: &str| invalid(format!("{number} is {word} {bound}"));
    low.map(|bound| say(&bound, "below"))
        .or_else(|| high.map(|bound| say(&bound, "above")))
}
