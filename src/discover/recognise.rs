//! Which format a file is of, from what is in it.

use std::collections::BTreeSet;

use super::fields::At;
use crate::manifest::{Node, NodeKind, Spot, Text, documents, shorten};
use crate::spec::{Code, Problem};

/// How many keys of an unknown mapping are named.
const KEYS_SHOWN: usize = 5;

/// A format that `discover` reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// Jaeger's dependencies.
    Jaeger,
    /// Zipkin's dependencies.
    Zipkin,
    /// An answer of Prometheus.
    Prometheus,
    /// Entities of Backstage.
    Backstage,
    /// Kubernetes objects.
    Manifests,
    /// A verification matrix of a Pact broker.
    Pact,
}

/// Tells the formats of a file; more than one where documents of several stand in it.
///
/// Errors: it cannot be read, or it is of no format, and then what it looks like is said.
pub fn recognise(text: &Text) -> Result<BTreeSet<Format>, Vec<Problem>> {
    let (nodes, problems) = documents(text);
    let formats: BTreeSet<Format> = nodes.iter().filter_map(format).collect();
    if !formats.is_empty() {
        // What is wrong beside it, the reader of the format says.
        return Ok(formats);
    }
    if problems.iter().any(|problem| problem.code == Code::NotText) {
        let hint = "a gRPC descriptor set is given with the service that it is of: `--descriptors NAME=FILE`";
        let told = problems.into_iter().map(|problem| problem.hint(hint));
        return Err(told.collect());
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let found = nodes
        .first()
        .map_or_else(|| "nothing".to_owned(), looks_like);
    let problem = Problem::error(
        Code::NotRecognised,
        "",
        format!("no format that discover knows: it holds {found}"),
    )
    .hint("it reads the JSON of Jaeger, Zipkin, Prometheus and a Pact broker, Backstage catalogs and Kubernetes manifests");
    Err(vec![problem.at(Spot::START.in_file(&text.file))])
}

fn format(node: &Node) -> Option<Format> {
    match &node.kind {
        // An empty list of links is what Zipkin answers where it saw nothing.
        NodeKind::Sequence(items) => items
            .iter()
            .all(|item| item.get("parent").is_some() || item.get("child").is_some())
            .then_some(Format::Zipkin),
        NodeKind::Mapping(_) => mapping(&At::root(node)),
        NodeKind::Null | NodeKind::Bool { .. } | NodeKind::Number { .. } | NodeKind::Text(_) => {
            None
        }
    }
}

fn mapping(root: &At<'_>) -> Option<Format> {
    if let Some(version) = root.text("apiVersion") {
        let is_backstage = version.starts_with("backstage.io/");
        return Some(if is_backstage {
            Format::Backstage
        } else {
            Format::Manifests
        });
    }
    if root.node.get("matrix").is_some() {
        return Some(Format::Pact);
    }
    let data = root.node.get("data")?;
    match &data.kind {
        NodeKind::Sequence(_) => Some(Format::Jaeger),
        NodeKind::Null => root.node.get("errors").map(|_| Format::Jaeger),
        NodeKind::Mapping(_) => data.get("resultType").map(|_| Format::Prometheus),
        NodeKind::Bool { .. } | NodeKind::Number { .. } | NodeKind::Text(_) => None,
    }
    .or_else(|| root.node.get("status").map(|_| Format::Prometheus))
}

fn looks_like(node: &Node) -> String {
    match &node.kind {
        NodeKind::Mapping(entries) if !entries.is_empty() => {
            let keys: Vec<String> = entries
                .iter()
                .take(KEYS_SHOWN)
                .map(|(key, _)| format!("`{}`", shorten(&key.text)))
                .collect();
            format!("a mapping with {}", keys.join(", "))
        }
        NodeKind::Mapping(_)
        | NodeKind::Sequence(_)
        | NodeKind::Null
        | NodeKind::Bool { .. }
        | NodeKind::Number { .. }
        | NodeKind::Text(_) => node.describe(),
    }
}
