//! One Kubernetes object as written, and what every object must say of itself.
//!
//! In: a composed document. Out: an [`Envelope`] (kind and names with their places), or every problem with it.

use serde_json::Value;

use super::node::{Node, NodeKind, Spot, key_path};
use tidegate_spec::{Code, ObjectRef, Place, Problem};

/// An object to apply.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// What names it; the namespace is empty where the file names none.
    pub reference: ObjectRef,
    /// The whole object.
    pub value: Value,
    /// Where its name stands.
    pub place: Place,
    /// Where its namespace stands, if it names one.
    pub namespace_place: Option<Place>,
}

/// What an object says of itself.
#[derive(Debug)]
pub(super) struct Envelope {
    pub reference: ObjectRef,
    pub name_spot: Spot,
    pub namespace_spot: Option<Spot>,
}

/// A document of a file, for problems in it: `path` is empty, or `items[3]` inside a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Within<'a> {
    pub file: &'a str,
    pub path: &'a str,
}

impl Within<'_> {
    pub(super) fn path(&self, field: &str) -> String {
        match (self.path.is_empty(), field.is_empty()) {
            (true, _) => field.to_owned(),
            (false, true) => self.path.to_owned(),
            (false, false) => format!("{}.{field}", self.path),
        }
    }

    pub(super) fn error(&self, code: Code, field: &str, wrong: impl Into<String>) -> Problem {
        Problem::error(code, self.path(field), wrong)
    }
}

/// Reads kind and names of an object; `None` with at least one problem if they are not all there.
pub(super) fn envelope(
    within: Within<'_>,
    node: &Node,
    problems: &mut Vec<Problem>,
) -> Option<Envelope> {
    let known = problems.len();
    let api_version = required_text(within, node, (node, "apiVersion"), problems);
    let kind = required_text(within, node, (node, "kind"), problems);
    let metadata = node
        .get("metadata")
        .filter(|metadata| metadata.kind != NodeKind::Null);
    let names = if let Some(metadata) = metadata {
        names(within, metadata, problems)
    } else {
        let problem = within
            .error(Code::MissingField, "metadata", "`metadata` is missing")
            .hint("write `metadata: {name: …}`");
        problems.push(problem.at(node.place_of("metadata").in_file(within.file)));
        None
    };
    let (name, namespace, name_spot, namespace_spot) = names?;
    let reference = ObjectRef {
        api_version: api_version?,
        kind: kind?,
        namespace,
        name,
    };
    (problems.len() == known).then_some(Envelope {
        reference,
        name_spot,
        namespace_spot,
    })
}

type Names = (String, String, Spot, Option<Spot>);

fn names(within: Within<'_>, metadata: &Node, problems: &mut Vec<Problem>) -> Option<Names> {
    let NodeKind::Mapping(_) = &metadata.kind else {
        let wrong = format!("expected a mapping, found {}", metadata.describe());
        let problem = within.error(Code::WrongType, "metadata", wrong);
        problems.push(problem.at(metadata.place.in_file(within.file)));
        return None;
    };
    check_text_values(within, metadata, "labels", problems);
    check_text_values(within, metadata, "annotations", problems);
    let namespace_node = metadata
        .get("namespace")
        .filter(|node| node.kind != NodeKind::Null);
    let namespace = match namespace_node {
        None => Some(String::new()),
        Some(node) => text_of(within, node, "metadata.namespace", problems),
    };
    let generated = metadata.entry("generateName");
    if let (Some((key, _)), None) = (generated, metadata.get("name")) {
        let wrong = "the server would make up a new name at each apply";
        let problem = within
            .error(Code::GenerateName, "metadata.generateName", wrong)
            .hint("write `name` instead, so that a second apply finds the object again");
        problems.push(problem.at(key.place.in_file(within.file)));
        return None;
    }
    let name = required_text(within, metadata, (metadata, "metadata.name"), problems)?;
    let name_spot = metadata
        .get("name")
        .map_or(metadata.place, |node| node.place);
    Some((
        name,
        namespace?,
        name_spot,
        namespace_node.map(|node| node.place),
    ))
}

/// The text of a field that must be there. `field` is the path; its last part is the key.
fn required_text(
    within: Within<'_>,
    shown: &Node,
    (node, field): (&Node, &str),
    problems: &mut Vec<Problem>,
) -> Option<String> {
    let key = field.rsplit('.').next().unwrap_or(field);
    let value = node.get(key).filter(|value| value.kind != NodeKind::Null);
    let empty = value.and_then(Node::as_text).is_some_and(str::is_empty);
    if let Some(value) = value.filter(|_| !empty) {
        return text_of(within, value, field, problems);
    }
    let hint = match key {
        "apiVersion" => "write for instance `apiVersion: apps/v1`",
        "kind" => "write for instance `kind: Deployment`",
        _ => "give the object a name",
    };
    let what = if empty { "empty" } else { "missing" };
    let wrong = format!("`{key}` is {what}");
    let problem = within.error(Code::MissingField, field, wrong).hint(hint);
    problems.push(problem.at(shown.place_of(key).in_file(within.file)));
    None
}

fn text_of(
    within: Within<'_>,
    value: &Node,
    field: &str,
    problems: &mut Vec<Problem>,
) -> Option<String> {
    if let Some(text) = value.as_text() {
        return Some(text.to_owned());
    }
    problems.push(not_text(within, value, field));
    None
}

fn not_text(within: Within<'_>, value: &Node, field: &str) -> Problem {
    let wrong = format!("expected text, found {}", value.describe());
    let problem = within.error(Code::WrongType, field, wrong).hint(
        value
            .quoted()
            .map_or_else(String::new, |quoted| format!("write {quoted}")),
    );
    problem.at(value.place.in_file(within.file))
}

/// Labels and annotations are texts; the API server refuses `version: 1.0`, and with worse words.
fn check_text_values(
    within: Within<'_>,
    metadata: &Node,
    field: &str,
    problems: &mut Vec<Problem>,
) {
    let Some(values) = metadata.get(field) else {
        return;
    };
    let above = format!("metadata.{field}");
    match &values.kind {
        NodeKind::Null => {}
        NodeKind::Mapping(entries) => {
            let wrong = entries
                .iter()
                .filter(|(_, value)| value.as_text().is_none() && value.kind != NodeKind::Null);
            problems.extend(
                wrong.map(|(key, value)| not_text(within, value, &key_path(&above, &key.text))),
            );
        }
        NodeKind::Bool { .. }
        | NodeKind::Number { .. }
        | NodeKind::Text(_)
        | NodeKind::Sequence(_) => {
            let wrong = format!("expected a mapping, found {}", values.describe());
            let problem = within.error(Code::WrongType, &above, wrong);
            problems.push(problem.at(values.place.in_file(within.file)));
        }
    }
}

/// Why a document is no Kubernetes object, if it is none; the most common strangers are named.
pub(super) fn stranger(within: Within<'_>, node: &Node) -> Option<Problem> {
    let at = node.place.in_file(within.file);
    if !matches!(node.kind, NodeKind::Mapping(_)) {
        let wrong = format!("expected a Kubernetes object, found {}", node.describe());
        let problem = within
            .error(Code::NotAnObject, "", wrong)
            .hint("each document is a mapping with `apiVersion`, `kind` and `metadata`");
        return Some(problem.at(at));
    }
    let text = |key: &str| node.get(key).and_then(Node::as_text);
    let api_version = text("apiVersion");
    let base = within.file.rsplit('/').next().unwrap_or(within.file);
    let kustomization = api_version.is_some_and(|it| it.starts_with("kustomize.config.k8s.io/"))
        || matches!(
            base,
            "kustomization.yaml" | "kustomization.yml" | "Kustomization"
        );
    if kustomization {
        let problem = within
            .error(
                Code::NotSupported,
                "",
                "a Kustomization is not applied, it must be rendered first",
            )
            .hint(
                "`kubectl kustomize DIR | tidegate run -f -`, and keep the file out of the folder",
            );
        return Some(problem.at(at));
    }
    let chart = node.get("kind").is_none()
        && (base == "Chart.yaml"
            || (matches!(api_version, Some("v1" | "v2"))
                && node.get("version").is_some()
                && node.get("name").is_some()));
    if chart {
        let problem = within
            .error(Code::NotSupported, "", "a Helm chart is not applied, it must be rendered first")
            .hint("`helm template NAME DIR | tidegate run -f -`, and keep the chart out of the folder");
        return Some(problem.at(at));
    }
    if node.get("apiVersion").is_none() && node.get("kind").is_none() {
        let problem = within
            .error(
                Code::NotAnObject,
                "",
                "`apiVersion` and `kind` are missing: no Kubernetes object",
            )
            .hint("keep other files (values, settings) out of the folder of manifests");
        return Some(problem.at(at));
    }
    None
}
