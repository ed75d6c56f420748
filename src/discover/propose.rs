//! A discovery as a ServiceGraph: the proposal that people complete.
//!
//! In: a [`Discovery`] and a name. Out: YAML that our own reader takes, each edge with a comment that says who saw it.
//! Versions that no source states are left out: an unknown contract is honest, a guessed version is not.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_saphyr::Commented;

use super::merge::{Discovery, Edge, Member};
use super::seen::Source;
use super::words::seen_by;
use crate::spec::crd::{API_VERSION, Channel, Serves, WorkloadRef};
use crate::spec::{Code, ContractName, Problem, ServiceName};

/// The longest comment.
const COMMENT_CHARACTERS_MAX: usize = 300;
/// What a graph takes at most, as its schema says.
const SERVICES_MAX: usize = 500;
const EXTERNAL_MAX: usize = 100;
const CALLS_MAX: usize = 100;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Proposal {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    spec: Spec,
}

#[derive(Serialize)]
struct Metadata {
    name: String,
}

#[derive(Serialize)]
struct Spec {
    services: Vec<Service>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external: Vec<Caller>,
}

#[derive(Serialize)]
struct Service {
    name: Commented<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    workloads: Vec<WorkloadRef>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    serves: Vec<Serves>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    calls: Vec<Call>,
}

#[derive(Serialize)]
struct Caller {
    name: Commented<String>,
    calls: Vec<Call>,
}

#[derive(Serialize)]
struct Call {
    service: Commented<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contract: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<Channel>,
}

/// Writes a proposal.
///
/// Errors: there is nothing to propose, or more than a graph can hold.
pub fn propose(discovery: &Discovery, name: &ServiceName) -> Result<String, Vec<Problem>> {
    let mut spec = Spec {
        services: Vec::new(),
        external: Vec::new(),
    };
    for (name, member) in &discovery.members {
        let calls = calls(discovery, name);
        if member.is_service {
            spec.services.push(Service {
                name: Commented(name.to_string(), notes(discovery, member)),
                workloads: workloads(name, member),
                serves: serves(member),
                calls,
            });
        } else if !calls.is_empty() {
            spec.external.push(Caller {
                name: Commented(name.to_string(), notes(discovery, member)),
                calls,
            });
        }
    }
    let problems = too_large(&spec);
    if !problems.is_empty() {
        return Err(problems);
    }
    let proposal = Proposal {
        api_version: API_VERSION,
        kind: "ServiceGraph",
        metadata: Metadata {
            name: name.to_string(),
        },
        spec,
    };
    let sources: Vec<&str> = discovery
        .sources
        .iter()
        .map(|source| source.name())
        .collect();
    let head = format!(
        "# Proposed by `tidegate discover` from {}. Check each edge, and say which versions it needs.\n",
        sources.join(", ")
    );
    match serde_saphyr::to_string(&proposal) {
        Ok(yaml) => Ok(format!("{head}{yaml}")),
        Err(error) => Err(vec![Problem::error(
            Code::InvalidValue,
            "",
            format!("the graph cannot be written: {error}"),
        )]),
    }
}

fn too_large(spec: &Spec) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut check = |what: String, number: usize, most: usize| {
        if number > most {
            let wrong = format!("{what} are {number}, and a graph takes {most}");
            let hint = "give fewer sources, or those of one system only";
            problems.push(Problem::error(Code::TooLarge, "", wrong).hint(hint));
        }
    };
    check("the services".to_owned(), spec.services.len(), SERVICES_MAX);
    check(
        "the external callers".to_owned(),
        spec.external.len(),
        EXTERNAL_MAX,
    );
    for service in &spec.services {
        let what = format!("the calls of `{}`", service.name.0);
        check(what, service.calls.len(), CALLS_MAX);
    }
    for caller in &spec.external {
        check(
            format!("the calls of `{}`", caller.name.0),
            caller.calls.len(),
            CALLS_MAX,
        );
    }
    if spec.services.is_empty() && spec.external.is_empty() {
        let wrong = "no service and no call is named in what was given";
        problems.push(Problem::error(Code::NothingFound, "", wrong));
    }
    problems
}

fn calls(discovery: &Discovery, caller: &ServiceName) -> Vec<Call> {
    let own = discovery
        .edges
        .iter()
        .filter(|((from, _), _)| from == caller);
    own.flat_map(|((_, callee), edge)| {
        let member = discovery.members.get(callee);
        let contracts = contracts(edge, member);
        let is_guess = contracts.len() > 1 && edge.contracts.is_disjoint(&contracts);
        let mut words = seen_by(edge);
        if is_guess {
            words.push_str("; which of its contracts is not known");
        }
        let named: Vec<Option<String>> = if contracts.is_empty() {
            vec![None]
        } else {
            contracts.iter().map(|it| Some(it.to_string())).collect()
        };
        named.into_iter().map(move |contract| Call {
            service: Commented(callee.to_string(), comment(&words)),
            contract,
            channel: Some(edge.channel).filter(|it| *it != Channel::Rpc),
        })
    })
    .collect()
}

/// The contracts of an edge. Where it is known what the callee serves, a call must name one of those; without a source
/// that says which, it may be any.
fn contracts(edge: &Edge, callee: Option<&Member>) -> BTreeSet<ContractName> {
    let served: BTreeSet<ContractName> = callee
        .map(|member| member.serves.keys().cloned().collect())
        .unwrap_or_default();
    if served.is_empty() {
        return edge.contracts.clone();
    }
    let both: BTreeSet<ContractName> = edge.contracts.intersection(&served).cloned().collect();
    if both.is_empty() { served } else { both }
}

/// What it runs as, unless that is what a graph takes for granted.
fn workloads(name: &ServiceName, member: &Member) -> Vec<WorkloadRef> {
    match member.workloads.as_slice() {
        [one] if one.kind == "Deployment" && one.name == name.as_str() => Vec::new(),
        known => known.to_vec(),
    }
}

fn serves(member: &Member) -> Vec<Serves> {
    let contracts = member.serves.iter().map(|(contract, versions)| Serves {
        contract: Some(contract.to_string()),
        versions: versions.iter().map(ToString::to_string).collect(),
    });
    contracts.collect()
}

/// The comment of a service.
fn notes(discovery: &Discovery, member: &Member) -> String {
    let mut notes: Vec<&str> = member.notes.iter().map(String::as_str).collect();
    let with_manifests = discovery.sources.contains(&Source::Manifests);
    if with_manifests && member.is_service && !member.is_deployed {
        notes.push("no workload of this name in the manifests");
    }
    comment(&notes.join("; "))
}

/// A text that can stand in a comment: one line, printable, not endless.
fn comment(words: &str) -> String {
    let plain = |c: char| {
        let breaks = c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}');
        if breaks { '\u{fffd}' } else { c }
    };
    let mut short: String = words
        .chars()
        .take(COMMENT_CHARACTERS_MAX)
        .map(plain)
        .collect();
    if words.chars().nth(COMMENT_CHARACTERS_MAX).is_some() {
        short.push('…');
    }
    short
}
