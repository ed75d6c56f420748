//! Text in, text out.

use std::collections::BTreeMap;

use super::{
    Discovery, Found, backstage, compare, jaeger, manifests, merge, prometheus, propose,
    tell_comparison, zipkin,
};
use crate::manifest::{Text, read};
use crate::spec::{Place, Problem, ServiceName};

mod broken;
mod catalog;
mod differences;
mod grpc;
mod hostile;
mod matrix;
mod objects;
mod proposals;
mod samples;
mod traffic;

/// A file with a name that says what it is.
fn text(file: &str, content: &str) -> Text {
    Text {
        file: file.to_owned(),
        bytes: content.as_bytes().to_vec(),
    }
}

/// The edges of one source as it names them, and its problems, one a line.
fn edges_of((found, problems): (Found, Vec<Problem>)) -> String {
    let mut lines: Vec<String> = found
        .edges
        .iter()
        .map(|edge| {
            let one = Found {
                edges: vec![edge.clone()],
                ..Found::default()
            };
            let (discovery, _) = merge(vec![one], &BTreeMap::new());
            let words = discovery.edges.values().map(super::seen_by);
            let contract = edge.contract.as_deref().unwrap_or("-");
            format!(
                "{} → {} [{contract}] {}",
                edge.caller,
                edge.callee,
                words.collect::<String>()
            )
        })
        .collect();
    lines.extend(told(&problems));
    lines.join("\n")
}

fn told(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

/// What is proposed from sources, which must have no error.
fn proposed(found: Vec<(Found, Vec<Problem>)>) -> String {
    let discovery = discovered(found);
    let name = ServiceName::parse("shop").unwrap();
    let yaml = propose(&discovery, &name).unwrap();
    assert_good(&yaml);
    // Its own first line is the same for all.
    yaml.lines().skip(1).collect::<Vec<_>>().join("\n")
}

fn discovered(found: Vec<(Found, Vec<Problem>)>) -> Discovery {
    let found = found.into_iter().map(|(found, problems)| {
        let is_error = |problem: &&Problem| problem.severity == crate::spec::Severity::Error;
        assert_eq!(problems.iter().find(is_error), None);
        found
    });
    let (discovery, problems) = merge(found.collect(), &BTreeMap::new());
    assert_eq!(problems, Vec::new());
    discovery
}

/// A proposal is read by our own reader without a problem, and says again what it was made from.
fn assert_good(yaml: &str) {
    let (manifests, problems) = read(&[text("graph.yaml", yaml)]);
    assert_eq!(told(&problems), Vec::<String>::new(), "{yaml}");
    let (_, problems) = crate::spec::check_graph("shop", &manifests.graphs[0].value.spec);
    assert_eq!(told(&problems), Vec::<String>::new(), "{yaml}");
}

/// What differs from a graph.
fn difference(found: Vec<(Found, Vec<Problem>)>, graph: &str) -> String {
    let (manifests, problems) = read(&[text("graph.yaml", graph)]);
    assert_eq!(problems, Vec::new());
    let declared = &manifests.graphs[0];
    let place = |path: &str| -> Place { declared.place_of(path) };
    let discovery = discovered(found);
    tell_comparison(&compare(&discovery, &declared.value.spec, place))
}
