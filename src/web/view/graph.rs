//! A graph: who serves and calls which versions, which pairs of revisions agree, and the order between two revisions.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use utoipa::ToSchema;

use crate::graph::{Compat, Revision, System, compat};
use crate::plan::{Plan, explain, headline, plan};
use crate::spec::crd::ServiceGraphSpec;
use crate::spec::{Need, Requirement, ServiceName, check_graph};

/// A graph as declared.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GraphView {
    /// How many services there are.
    pub services: usize,
    /// How many calls there are.
    pub calls: usize,
    /// The contracts by name and who serves them.
    pub contracts: Vec<ContractLine>,
    /// What is wrong with it.
    pub problems: Vec<String>,
    /// The services from left to right: callers before what they call.
    pub columns: Vec<Vec<String>>,
}

/// One contract of one service.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContractLine {
    /// Its name.
    pub contract: String,
    /// Who serves it.
    pub service: String,
    /// Which versions; `None` where nobody declared it.
    pub served: Option<ServedBy>,
    /// Who calls it.
    pub callers: Vec<CallLine>,
}

/// The versions that are served.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServedBy {
    /// The versions, each by name.
    pub versions: Vec<String>,
    /// Those of them that nobody here calls.
    pub uncalled: Vec<String>,
}

/// One caller of a contract.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallLine {
    /// The caller.
    pub caller: String,
    /// Whether nobody deploys it here.
    pub is_outside: bool,
    /// What it needs: `2`, `all of 1, 2`, `any of 1, 2`, `undeclared`.
    pub needs: String,
    /// Whether it can do without.
    pub is_optional: bool,
    /// Whether the call succeeds as declared; `None` where that is not known.
    pub succeeds: Option<bool>,
}

/// What a release from one revision of a graph to another would do.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WhatIf {
    /// What the plan says in one line.
    pub headline: String,
    /// All of it, a line each.
    pub lines: Vec<String>,
    /// Whether no order is safe.
    pub is_refused: bool,
    /// The steps by wave.
    pub waves: Vec<Vec<String>>,
    /// Who must be done before whom, step by step.
    pub arrows: Vec<(String, String)>,
    /// Each call, and which pairs of revisions agree.
    pub pairings: Vec<Pairing>,
}

/// One call between two services, in the four ways in which old and new can meet.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pairing {
    /// The caller.
    pub caller: String,
    /// The callee.
    pub callee: String,
    /// The contract.
    pub contract: String,
    /// Old calls old; `None` where that is not known.
    pub old_old: Option<bool>,
    /// Old calls new.
    pub old_new: Option<bool>,
    /// New calls old.
    pub new_old: Option<bool>,
    /// New calls new.
    pub new_new: Option<bool>,
    /// Whether any of the two ends moves.
    pub moves: bool,
}

/// What is declared.
pub fn graph_view(name: &str, spec: &ServiceGraphSpec) -> GraphView {
    let (graph, problems) = check_graph(name, spec);
    let mut contracts: BTreeMap<(&str, &str), ContractLine> = BTreeMap::new();
    for (service, known) in &graph.services {
        for (contract, versions) in known.interface.serves.iter().flatten() {
            let versions: Vec<String> = versions.iter().map(ToString::to_string).collect();
            let line = line_of(contract.as_str(), service.as_str());
            let served = ServedBy {
                uncalled: versions.clone(),
                versions,
            };
            let line = ContractLine {
                served: Some(served),
                ..line
            };
            contracts.insert((service.as_str(), contract.as_str()), line);
        }
    }
    let inside = graph.services.iter();
    let inside = inside.map(|(name, service)| (name, &service.interface.calls, false));
    let outside = graph.external.iter();
    let outside = outside.map(|(name, caller)| (name, &caller.calls, true));
    let mut calls = 0;
    for (caller, needs, is_outside) in inside.chain(outside) {
        for (key, requirement) in needs {
            calls += 1;
            let (callee, contract) = (key.0.as_str(), key.1.as_str());
            let line = contracts.entry((callee, contract));
            let line = line.or_insert_with(|| line_of(contract, callee));
            let served = graph.services.get(&key.0).map(revision_of);
            let revision = Revision::declared(
                "declared",
                crate::spec::Interface {
                    serves: None,
                    calls: needs.clone(),
                },
            );
            if let Some(served) = &mut line.served {
                served
                    .uncalled
                    .retain(|version| !asks(requirement, version));
            }
            line.callers.push(CallLine {
                caller: caller.to_string(),
                is_outside,
                needs: needs_in_words(&requirement.need),
                is_optional: requirement.optional,
                succeeds: answer(compat(key, Some(&revision), served.as_ref())),
            });
        }
    }
    GraphView {
        services: graph.services.len(),
        calls,
        contracts: contracts.into_values().collect(),
        problems: problems.iter().map(|one| one.wrong.clone()).collect(),
        columns: columns(&graph),
    }
}

fn line_of(contract: &str, service: &str) -> ContractLine {
    ContractLine {
        contract: contract.to_owned(),
        service: service.to_owned(),
        served: None,
        callers: Vec::new(),
    }
}

fn revision_of(service: &crate::spec::Service) -> Revision {
    Revision::declared("declared", service.interface.clone())
}

/// Whether a call may use a version by that very name.
fn asks(requirement: &Requirement, version: &str) -> bool {
    match &requirement.need {
        Need::Unknown => true,
        Need::Version(wanted) => is_met(wanted, version),
        Need::All(all) | Need::Any(all, _) => all.iter().any(|wanted| is_met(wanted, version)),
    }
}

fn is_met(wanted: &crate::spec::Version, version: &str) -> bool {
    let served = crate::spec::Version::parse(version).into_iter().collect();
    crate::graph::satisfies(wanted, &served)
}

/// What a call needs, as people read it.
fn needs_in_words(need: &Need) -> String {
    let list = |all: &BTreeSet<crate::spec::Version>| {
        let all: Vec<&str> = all.iter().map(crate::spec::Version::as_str).collect();
        all.join(", ")
    };
    match need {
        Need::Unknown => "undeclared".to_owned(),
        Need::Version(version) => version.to_string(),
        Need::All(all) => format!("all of {}", list(all)),
        Need::Any(any, _) => format!("any of {}", list(any)),
    }
}

/// The services from left to right: each one right of who calls it, as far as calls make no circle.
fn columns(graph: &crate::spec::Graph) -> Vec<Vec<String>> {
    let names: Vec<&ServiceName> = graph.services.keys().collect();
    let number = |name: &ServiceName| names.binary_search(&name).ok();
    let mut arcs: Vec<(usize, usize)> = Vec::new();
    for (from, service) in graph.services.values().enumerate() {
        let called = service.interface.calls.keys();
        arcs.extend(called.filter_map(|(to, _)| Some((from, number(to)?))));
    }
    arcs.retain(|(from, to)| from != to);
    // Calls that close a circle have no left and right: they are left out until the rest has.
    let circles = crate::graph::components(names.len(), arcs.iter().copied());
    let circle_of = |node: usize| circles.iter().position(|circle| circle.contains(&node));
    arcs.retain(|(from, to)| match (circle_of(*from), circle_of(*to)) {
        (Some(one), Some(other)) => one != other,
        (None, _) | (_, None) => true,
    });
    let levels = crate::graph::levels(names.len(), arcs.iter().copied());
    let mut columns: Vec<Vec<String>> = Vec::new();
    for (name, level) in names.iter().zip(levels.unwrap_or_default()) {
        if columns.len() <= level {
            columns.resize(level + 1, Vec::new());
        }
        if let Some(column) = columns.get_mut(level) {
            column.push(name.to_string());
        }
    }
    columns
}

/// The plan from one revision to another, and who agrees with whom.
pub fn what_if(name: &str, from: &ServiceGraphSpec, to: &ServiceGraphSpec) -> WhatIf {
    let (old, _) = check_graph(name, from);
    let (new, _) = check_graph(name, to);
    let system = System::between(&old, &new, None);
    let plan: Plan = plan(&system);
    let steps = plan.steps.iter();
    let arrows = steps.flat_map(|step| {
        let before = step.after.iter();
        before.map(|first| (first.clone(), step.id.clone()))
    });
    WhatIf {
        headline: headline(&system, &plan),
        lines: explain(&system, &plan),
        is_refused: plan.refusal.is_some(),
        waves: plan.waves.clone(),
        arrows: arrows.collect(),
        pairings: pairings(&system, &old, &new),
    }
}

fn pairings(system: &System, old: &crate::spec::Graph, new: &crate::spec::Graph) -> Vec<Pairing> {
    let mut keys = BTreeSet::new();
    for graph in [old, new] {
        for (caller, service) in &graph.services {
            let called = service.interface.calls.keys().cloned();
            keys.extend(called.map(|key| (caller.clone(), key)));
        }
    }
    let revision =
        |graph: &crate::spec::Graph, name: &ServiceName| graph.services.get(name).map(revision_of);
    let moves = |name: &ServiceName| {
        let member = system.services.get(name);
        member.is_some_and(|member| member.moves.is_moving())
    };
    let pairing = |(caller, key): (ServiceName, (ServiceName, crate::spec::ContractName))| {
        let meet = |from: &crate::spec::Graph, to: &crate::spec::Graph| {
            let (client, server) = (revision(from, &caller), revision(to, &key.0));
            answer(compat(&key, client.as_ref(), server.as_ref()))
        };
        Pairing {
            old_old: meet(old, old),
            old_new: meet(old, new),
            new_old: meet(new, old),
            new_new: meet(new, new),
            moves: moves(&caller) || moves(&key.0),
            caller: caller.to_string(),
            callee: key.0.to_string(),
            contract: key.1.to_string(),
        }
    };
    keys.into_iter().map(pairing).collect()
}

fn answer(compat: Compat) -> Option<bool> {
    match compat {
        Compat::Yes => Some(true),
        Compat::No(_) => Some(false),
        Compat::Unknown => None,
    }
}
