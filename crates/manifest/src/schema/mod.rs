//! Checks one of our own objects against its schema, as the API server would, but with places and with hints.
//!
//! In: a value and the structural schema of its kind. Out: every problem; none means that it deserializes.
//! The CEL rules of the schema are evaluated apart, in `rules`.

mod limits;
mod readable;
mod versions;

use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;

use self::readable::readable;
use super::node::{Key, Node, NodeKind, index_path, key_path, shorten};
use super::object::Within;
use tidegate_spec::crd::{self, LiveSets};
use tidegate_spec::{
    Code, FILE_CALLS_MAX, FILE_SERVICES_MAX, Fix, Problem, can_only_mean, did_you_mean,
};

/// The schemas of our kinds, made when the first is asked for.
#[derive(Debug, Default)]
pub(super) struct Schemas {
    by_kind: BTreeMap<String, JSONSchemaProps>,
}

/// What stands beside `spec` in every object; `status` is not ours to check.
const ENVELOPE_FIELDS: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];
/// What stands beside the fields of a document that is no object of the cluster.
const HEAD_FIELDS: [&str; 3] = ["apiVersion", "kind", "metadata"];

impl Schemas {
    /// Every problem of an object of one of our kinds, and the object as far as it can be read.
    pub(super) fn check(
        &mut self,
        within: Within<'_>,
        kind: &str,
        node: Node,
    ) -> (Node, Vec<Problem>) {
        if self.by_kind.is_empty() {
            self.by_kind = schemas();
        }
        let mut check = Check {
            within,
            problems: Vec::new(),
        };
        let Some(schema) = self.by_kind.get(kind) else {
            return (node, Vec::new());
        };
        check.value("", &node, schema);
        let problems = check.problems;
        if problems.is_empty() {
            return (node, problems);
        }
        (readable(&node, schema).unwrap_or(node), problems)
    }
}

fn schemas() -> BTreeMap<String, JSONSchemaProps> {
    let mut schemas = BTreeMap::new();
    for definition in crd::definitions() {
        let kind = definition.spec.names.kind.clone();
        let Some(mut spec) = spec_schema(definition) else {
            continue;
        };
        if kind == "ServiceGraph" {
            as_in_files(&mut spec);
        }
        let properties = ENVELOPE_FIELDS.map(|field| match field {
            "spec" => (field.to_owned(), spec.clone()),
            _ => (field.to_owned(), anything()),
        });
        let object = JSONSchemaProps {
            type_: Some("object".to_owned()),
            properties: Some(properties.into()),
            required: Some(vec!["spec".to_owned()]),
            ..JSONSchemaProps::default()
        };
        schemas.insert(kind, object);
    }
    let sets = LiveSets::crd();
    let kind = sets.spec.names.kind.clone();
    if let Some(mut spec) = spec_schema(sets) {
        let head = HEAD_FIELDS.map(|field| (field.to_owned(), anything()));
        spec.properties.get_or_insert_default().extend(head);
        schemas.insert(kind, spec);
    }
    schemas
}

fn spec_schema(definition: CustomResourceDefinition) -> Option<JSONSchemaProps> {
    let version = definition.spec.versions.into_iter().next()?;
    let mut schema = version.schema?.open_api_v3_schema?;
    schema.properties.as_mut()?.remove("spec")
}

fn anything() -> JSONSchemaProps {
    JSONSchemaProps {
        x_kubernetes_preserve_unknown_fields: Some(true),
        ..JSONSchemaProps::default()
    }
}

/// A graph in a file may be larger than one in the cluster.
fn as_in_files(spec: &mut JSONSchemaProps) {
    let bound = |length: usize| i64::try_from(length).ok();
    let services = spec
        .properties
        .as_mut()
        .and_then(|it| it.get_mut("services"));
    let Some(services) = services else { return };
    services.max_items = bound(FILE_SERVICES_MAX);
    let Some(JSONSchemaPropsOrArray::Schema(each)) = &mut services.items else {
        return;
    };
    if let Some(calls) = each.properties.as_mut().and_then(|it| it.get_mut("calls")) {
        calls.max_items = bound(FILE_CALLS_MAX);
    }
}

/// The property that a key can only mean, where no property has its name and none beside it is that one.
fn meant<'a>(schema: &'a JSONSchemaProps, key: &Key, beside: &[(Key, Node)]) -> Option<&'a str> {
    let properties = schema.properties.as_ref()?;
    if properties.contains_key(&key.text) {
        return None;
    }
    can_only_mean(&key.text, properties.keys().map(String::as_str))
        .filter(|only| !beside.iter().any(|(key, _)| key.text == *only))
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
                let meant = meant(schema, key, entries);
                self.unknown_field(path, key, schema, meant);
                // What stands below it is meant too.
                if let Some(schema) = meant.and_then(|name| property(schema, name)) {
                    self.value(&below, value, schema);
                }
            }
        }
        let is_meant = |name: &str| {
            entries
                .iter()
                .any(|(key, _)| meant(schema, key, entries) == Some(name))
        };
        for name in schema.required.iter().flatten() {
            if node.get(name).is_none() && !is_meant(name) {
                self.missing(path, name, node);
            }
        }
    }

    /// In: the key, the schema of what it stands in, and the field that it can only mean, if there is one.
    fn unknown_field(
        &mut self,
        path: &str,
        key: &Key,
        schema: &JSONSchemaProps,
        meant: Option<&str>,
    ) {
        let known = schema.properties.iter().flat_map(BTreeMap::keys);
        let known: Vec<&str> = known.map(String::as_str).collect();
        let shown = shorten(&key.text);
        let hint = match did_you_mean(&key.text, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the fields are {}", listed(&known)),
        };
        let fix = meant.map(|only| Fix::Rename {
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
