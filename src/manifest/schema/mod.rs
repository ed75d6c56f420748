//! Checks one of our own objects against its schema, as the API server would, but with places and with hints.
//!
//! In: a value and the structural schema of its kind. Out: every problem; none means that it deserializes.
//! The CEL rules of the schema are evaluated apart, in `rules`.

mod limits;
mod versions;

use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};

use super::node::{Key, Node, NodeKind, index_path, key_path, shorten};
use super::object::Within;
use crate::spec::{Code, Fix, Problem, can_only_mean, crd, did_you_mean};

/// The schemas of our kinds, made when the first is asked for.
#[derive(Debug, Default)]
pub(super) struct Schemas {
    by_kind: BTreeMap<String, JSONSchemaProps>,
}

/// What stands beside `spec` in every object; `status` is not ours to check.
const ENVELOPE_FIELDS: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];

impl Schemas {
    /// Every problem of an object of one of our kinds.
    pub(super) fn check(&mut self, within: Within<'_>, kind: &str, node: &Node) -> Vec<Problem> {
        if self.by_kind.is_empty() {
            self.by_kind = schemas();
        }
        let mut check = Check {
            within,
            problems: Vec::new(),
        };
        let NodeKind::Mapping(entries) = &node.kind else {
            return check.problems;
        };
        for (key, _) in entries {
            if !ENVELOPE_FIELDS.contains(&key.text.as_str()) {
                check.unknown_field("", (key, entries), &ENVELOPE_FIELDS);
            }
        }
        let spec_schema = self
            .by_kind
            .get(kind)
            .and_then(|schema| property(schema, "spec"));
        match (node.get("spec"), spec_schema) {
            (Some(spec), Some(schema)) => check.value("spec", spec, schema),
            (None, Some(_)) => check.missing("", "spec", node),
            (_, None) => {}
        }
        check.problems
    }
}

fn schemas() -> BTreeMap<String, JSONSchemaProps> {
    crd::definitions()
        .into_iter()
        .filter_map(|definition| {
            let version = definition.spec.versions.into_iter().next()?;
            Some((
                definition.spec.names.kind,
                version.schema?.open_api_v3_schema?,
            ))
        })
        .collect()
}

fn property<'a>(schema: &'a JSONSchemaProps, name: &str) -> Option<&'a JSONSchemaProps> {
    schema.properties.as_ref()?.get(name)
}

struct Check<'a> {
    within: Within<'a>,
    problems: Vec<Problem>,
}

impl Check<'_> {
    /// Checks a value. Recursion ends with the schema, which has no cycle.
    fn value(&mut self, path: &str, node: &Node, schema: &JSONSchemaProps) {
        if node.kind == NodeKind::Null && schema.nullable == Some(true) {
            return;
        }
        if let Some(problem) = versions::bare_calls(path, node) {
            self.report(problem, node);
            return;
        }
        match (&node.kind, schema.type_.as_deref()) {
            (NodeKind::Mapping(entries), Some("object") | None) => {
                self.mapping(path, (node, entries), schema);
            }
            (NodeKind::Sequence(items), Some("array") | None) => self.items(path, items, schema),
            (NodeKind::Text(_), Some("string") | None)
            | (NodeKind::Bool { .. }, Some("boolean") | None)
            | (NodeKind::Number { .. }, Some("number") | None)
            | (NodeKind::Null, None) => {}
            (NodeKind::Number { value, .. }, Some("integer")) if !value.is_f64() => {}
            (
                NodeKind::Null
                | NodeKind::Bool { .. }
                | NodeKind::Number { .. }
                | NodeKind::Text(_)
                | NodeKind::Sequence(_)
                | NodeKind::Mapping(_),
                Some(expected),
            ) => {
                self.wrong_type(path, node, expected);
                return;
            }
        }
        for (code, wrong, hint, fix) in limits::check(node, schema) {
            self.report(Problem::error(code, path, wrong).hint(hint).fix(fix), node);
        }
    }

    fn items(&mut self, path: &str, items: &[Node], schema: &JSONSchemaProps) {
        let Some(JSONSchemaPropsOrArray::Schema(each)) = &schema.items else {
            return;
        };
        for (index, item) in items.iter().enumerate() {
            self.value(&index_path(path, index), item, each);
        }
    }

    fn mapping(
        &mut self,
        path: &str,
        (node, entries): (&Node, &[(Key, Node)]),
        schema: &JSONSchemaProps,
    ) {
        let additional = match &schema.additional_properties {
            Some(JSONSchemaPropsOrBool::Schema(each)) => Some(each),
            Some(JSONSchemaPropsOrBool::Bool(_)) | None => None,
        };
        let open = schema.x_kubernetes_preserve_unknown_fields == Some(true)
            || matches!(
                &schema.additional_properties,
                Some(JSONSchemaPropsOrBool::Bool(true))
            );
        for (key, value) in entries {
            let below = key_path(path, &key.text);
            if let Some(problem) = versions::bare_versions(path, key, value) {
                let place = key.place.in_file(self.within.file);
                self.problems.push(self.placed(problem).at(place));
            } else if let Some(schema) = property(schema, &key.text) {
                self.value(&below, value, schema);
            } else if let Some(each) = additional {
                self.value(&below, value, each);
            } else if !open {
                let known: Vec<&str> = schema
                    .properties
                    .iter()
                    .flat_map(|properties| properties.keys().map(String::as_str))
                    .collect();
                self.unknown_field(path, (key, entries), &known);
            }
        }
        for name in schema.required.iter().flatten() {
            if node.get(name).is_none() {
                self.missing(path, name, node);
            }
        }
    }

    /// In: the key, what stands beside it, and the keys that may stand there.
    fn unknown_field(&mut self, path: &str, (key, beside): (&Key, &[(Key, Node)]), known: &[&str]) {
        let shown = shorten(&key.text);
        let hint = match did_you_mean(&key.text, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the fields are {}", listed(known)),
        };
        let only = can_only_mean(&key.text, known.iter().copied());
        let fix = only
            .filter(|only| !beside.iter().any(|(key, _)| key.text == *only))
            .map(|only| Fix::Rename {
                from: key.text.clone(),
                to: only.to_owned(),
            });
        let problem = Problem::error(
            Code::UnknownField,
            key_path(path, &key.text),
            format!("there is no field `{shown}` here"),
        );
        let problem = problem.fix(fix);
        self.problems.push(
            self.placed(problem.hint(hint))
                .at(key.place.in_file(self.within.file)),
        );
    }

    fn missing(&mut self, path: &str, name: &str, node: &Node) {
        let problem = Problem::error(
            Code::MissingField,
            key_path(path, name),
            format!("`{name}` is missing"),
        );
        self.report(problem, node);
    }

    fn wrong_type(&mut self, path: &str, node: &Node, expected: &str) {
        let wanted = match expected {
            "string" => "text",
            "boolean" => "`true` or `false`",
            "integer" => "a whole number",
            "array" => "a list",
            "object" => "a mapping",
            other => other,
        };
        let hint = match (expected, &node.kind) {
            ("string", _) => node
                .quoted()
                .map_or_else(String::new, |quoted| format!("write {quoted}")),
            ("array", NodeKind::Null) => "write `[]`, or leave the field out".to_owned(),
            (_, NodeKind::Null) => "give it a value, or leave the field out".to_owned(),
            ("array", _) => "write each entry on a line of its own after `- `".to_owned(),
            (_, NodeKind::Text(text)) if unquotes_to(text, expected) => {
                "remove the quotes".to_owned()
            }
            _ => String::new(),
        };
        let wrong = format!("expected {wanted}, found {}", node.describe());
        let fix = match &node.kind {
            NodeKind::Bool { written, .. } | NodeKind::Number { written, .. } => {
                let written = written.clone();
                (expected == "string").then_some(Fix::Quote { written })
            }
            NodeKind::Text(text) => {
                let text = text.clone();
                unquotes_to(&text, expected).then_some(Fix::Unquote { text })
            }
            NodeKind::Null | NodeKind::Sequence(_) | NodeKind::Mapping(_) => None,
        };
        self.report(
            Problem::error(Code::WrongType, path, wrong)
                .hint(hint)
                .fix(fix),
            node,
        );
    }

    fn report(&mut self, problem: Problem, node: &Node) {
        let place = node.place.in_file(self.within.file);
        self.problems.push(self.placed(problem).at(place));
    }

    /// The same with the path from the top of the document.
    fn placed(&self, mut problem: Problem) -> Problem {
        problem.path = self.within.path(&problem.path);
        problem
    }
}

/// Whether a text without its quotes is of the type; `"ten"` is no number either way.
fn unquotes_to(text: &str, expected: &str) -> bool {
    match expected {
        "integer" => text.parse::<i64>().is_ok(),
        "number" => text.parse::<f64>().is_ok(),
        "boolean" => matches!(text, "true" | "false"),
        _ => false,
    }
}

/// ``(`a`, `b`)`` as a sentence has it.
fn listed(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
