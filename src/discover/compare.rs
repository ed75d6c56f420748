//! What was seen against what a graph declares.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::merge::{Discovery, Edge};
use super::seen::Source;
use super::words::seen_by;
use crate::spec::crd::ServiceGraphSpec;
use crate::spec::{Place, did_you_mean};

/// An edge that was seen and is not declared: the hidden dependency that breaks an upgrade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Undeclared {
    /// The client.
    pub caller: String,
    /// The server.
    pub callee: String,
    /// Who saw it.
    #[serde(flatten)]
    pub edge: Edge,
    /// The same in words, and a near name where one side is none of the graph's.
    pub words: String,
}

/// An edge that is declared and that no source saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unseen {
    /// The client.
    pub caller: String,
    /// The server.
    pub callee: String,
    /// Where it is declared: `spec.services[3].calls[0]`.
    pub path: String,
    /// Where that is in its file.
    pub place: Place,
}

/// A contract whose versions a source knows otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContractDifference {
    /// The service.
    pub service: String,
    /// The contract.
    pub contract: String,
    /// What is served and not declared.
    pub undeclared: BTreeSet<String>,
    /// What is declared and not served.
    pub unserved: BTreeSet<String>,
    /// The same in words.
    pub words: String,
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// The sources that were read.
    pub sources: BTreeSet<Source>,
    /// Whether one of them sees calls as they happen.
    pub observed: bool,
    /// How many edges are both declared and seen.
    pub agreed: usize,
    /// Seen and not declared.
    pub undeclared: Vec<Undeclared>,
    /// Declared and not seen.
    pub unseen: Vec<Unseen>,
    /// Contracts that differ.
    pub contracts: Vec<ContractDifference>,
}

impl Comparison {
    /// Whether nothing differs.
    pub fn is_equal(&self) -> bool {
        self.undeclared.is_empty() && self.unseen.is_empty() && self.contracts.is_empty()
    }
}

/// Compares what was seen with a graph.
///
/// In: the discovery, the graph as written, and where a path of it stands (`graph.yaml:7:5`). Out: every difference. An
/// optional call that was never seen is a difference too: it may only have been rare.
pub fn compare(
    discovery: &Discovery,
    graph: &ServiceGraphSpec,
    place_of: impl Fn(&str) -> Place,
) -> Comparison {
    let declared = declared(graph);
    let names: BTreeSet<&str> = graph
        .services
        .iter()
        .map(|service| service.name.as_str())
        .chain(graph.external.iter().map(|caller| caller.name.as_str()))
        .collect();
    let mut undeclared = Vec::new();
    let mut agreed = 0;
    for ((caller, callee), edge) in &discovery.edges {
        if declared.contains_key(&(caller.as_str(), callee.as_str())) {
            agreed += 1;
            continue;
        }
        let strangers = [caller.as_str(), callee.as_str()]
            .into_iter()
            .filter(|name| !names.contains(name))
            .map(|name| stranger(name, &names));
        let mut words = vec![seen_by(edge)];
        words.extend(strangers);
        undeclared.push(Undeclared {
            caller: caller.to_string(),
            callee: callee.to_string(),
            edge: edge.clone(),
            words: words.join("; "),
        });
    }
    let seen: BTreeSet<(&str, &str)> = discovery
        .edges
        .keys()
        .map(|(caller, callee)| (caller.as_str(), callee.as_str()))
        .collect();
    // A descriptor set says what is served, and of calls nothing.
    let looks_at_edges = discovery
        .sources
        .iter()
        .any(|source| *source != Source::Descriptors);
    let unseen = declared
        .iter()
        .filter(|(edge, _)| looks_at_edges && !seen.contains(*edge))
        .map(|((caller, callee), path)| Unseen {
            caller: (*caller).to_owned(),
            callee: (*callee).to_owned(),
            path: path.clone(),
            place: place_of(path),
        });
    Comparison {
        sources: discovery.sources.clone(),
        observed: discovery.sources.iter().any(|source| source.observes()),
        agreed,
        undeclared,
        unseen: unseen.collect(),
        contracts: contracts(discovery, graph),
    }
}

fn stranger(name: &str, names: &BTreeSet<&str>) -> String {
    match did_you_mean(name, names.iter().copied()) {
        Some(near) => {
            format!("the graph has no `{name}`; if it is `{near}`, say `--rename {name}={near}`")
        }
        None => format!("the graph has no `{name}`"),
    }
}

/// The declared edges with the path of each.
fn declared(graph: &ServiceGraphSpec) -> BTreeMap<(&str, &str), String> {
    let mut edges = BTreeMap::new();
    let services = graph.services.iter().enumerate().map(|(index, service)| {
        (
            format!("spec.services[{index}]"),
            &service.name,
            &service.calls,
        )
    });
    let external = graph.external.iter().enumerate().map(|(index, caller)| {
        (
            format!("spec.external[{index}]"),
            &caller.name,
            &caller.calls,
        )
    });
    for (path, caller, calls) in services.chain(external) {
        for (index, call) in calls.iter().enumerate() {
            edges
                .entry((caller.as_str(), call.service.as_str()))
                .or_insert_with(|| format!("{path}.calls[{index}]"));
        }
    }
    edges
}

fn contracts(discovery: &Discovery, graph: &ServiceGraphSpec) -> Vec<ContractDifference> {
    let mut differences = Vec::new();
    for (name, member) in &discovery.members {
        let service = graph
            .services
            .iter()
            .find(|service| service.name == name.as_str());
        for (contract, versions) in &member.serves {
            let serves = service.and_then(|service| service.serves.as_ref());
            let known = serves.into_iter().flatten().find(|served| {
                served.contract.as_deref().unwrap_or(name.as_str()) == contract.as_str()
            });
            let known: BTreeSet<String> = known
                .map(|served| served.versions.iter().cloned().collect())
                .unwrap_or_default();
            let served: BTreeSet<String> = versions.iter().map(ToString::to_string).collect();
            let undeclared: BTreeSet<String> = served.difference(&known).cloned().collect();
            let unserved: BTreeSet<String> = known.difference(&served).cloned().collect();
            if undeclared.is_empty() && unserved.is_empty() {
                continue;
            }
            differences.push(ContractDifference {
                words: contract_words(
                    &format!("{name} {contract}"),
                    known.is_empty(),
                    &undeclared,
                    &unserved,
                ),
                service: name.to_string(),
                contract: contract.to_string(),
                undeclared,
                unserved,
            });
        }
    }
    differences
}

fn contract_words(
    what: &str,
    is_unknown: bool,
    undeclared: &BTreeSet<String>,
    unserved: &BTreeSet<String>,
) -> String {
    let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
    let mut words = Vec::new();
    if is_unknown {
        words.push(format!("is not declared; it serves {}", list(undeclared)));
    } else if !undeclared.is_empty() {
        words.push(format!("serves and does not declare {}", list(undeclared)));
    }
    if !unserved.is_empty() {
        words.push(format!("declares and does not serve {}", list(unserved)));
    }
    format!("{what}: {}", words.join("; "))
}
