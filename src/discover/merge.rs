//! Puts together what all sources say.
//!
//! In: what each said, and new names for some. Out: one [`Discovery`], the same whatever the order of the sources, and a
//! problem for each name that a graph cannot have.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::seen::{Confidence, Found, Role, SeenService, Sighting, Source};
use crate::manifest::shorten;
use crate::spec::crd::{Channel, WorkloadRef};
use crate::spec::{Code, ContractName, Place, Problem, ServiceName, Version};

/// How many edges are kept; a graph of 500 services has few thousand.
const EDGES_MAX: usize = 50_000;

/// What is known of an edge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Edge {
    /// What carries the calls.
    pub channel: Channel,
    /// The contracts that some source names.
    pub contracts: BTreeSet<ContractName>,
    /// The surest of the sources' confidences.
    pub confidence: Confidence,
    /// Who saw it, at least one.
    pub sightings: BTreeSet<Sighting>,
}

/// What is known of a service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Member {
    /// Whether anything says that it is a service, and not only a caller from outside.
    pub is_service: bool,
    /// Who names it.
    pub sources: BTreeSet<Source>,
    /// Whether the manifests have a workload of its name.
    pub is_deployed: bool,
    /// What it runs as; empty where nothing says it.
    pub workloads: Vec<WorkloadRef>,
    /// What is worth a comment.
    pub notes: BTreeSet<String>,
    /// The contracts whose versions are known.
    pub serves: BTreeMap<ContractName, BTreeSet<Version>>,
}

/// All that is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Discovery {
    /// The sources that were read.
    pub sources: BTreeSet<Source>,
    /// The services and the callers from outside.
    pub members: BTreeMap<ServiceName, Member>,
    /// The edges by caller and callee.
    pub edges: BTreeMap<(ServiceName, ServiceName), Edge>,
}

/// Merges sources.
///
/// `renames` gives the name in the graph for a name in a source: tracing and deployment often disagree. A name that a graph
/// cannot have is written otherwise, with a warning; if that does not help, what it names is left out, with an error.
pub fn merge(
    found: Vec<Found>,
    renames: &BTreeMap<String, ServiceName>,
) -> (Discovery, Vec<Problem>) {
    let mut merging = Merging {
        renames,
        names: BTreeMap::new(),
        discovery: Discovery::default(),
        problems: Vec::new(),
    };
    for one in found {
        merging.take(one);
    }
    let Merging {
        mut discovery,
        problems,
        ..
    } = merging;
    // What is called is a service, whoever else called it outside.
    let callees: BTreeSet<ServiceName> = discovery
        .edges
        .keys()
        .map(|(_, callee)| callee.clone())
        .collect();
    for callee in callees {
        if let Some(member) = discovery.members.get_mut(&callee) {
            member.is_service = true;
        }
    }
    (discovery, problems)
}

struct Merging<'a> {
    renames: &'a BTreeMap<String, ServiceName>,
    /// What was decided for each name, so that each is told once.
    names: BTreeMap<String, Option<ServiceName>>,
    discovery: Discovery,
    problems: Vec<Problem>,
}

impl Merging<'_> {
    fn take(&mut self, found: Found) {
        let Found {
            sources,
            services,
            edges,
            contracts,
        } = found;
        self.discovery.sources.extend(sources);
        let outside: BTreeSet<String> = services
            .iter()
            .filter(|service| service.role == Role::Outside)
            .map(|service| service.name.clone())
            .collect();
        for service in services {
            self.service(service);
        }
        for edge in edges {
            let source = edge.sighting.source;
            let caller = self.name(&edge.caller, edge.place.as_ref());
            let callee = self.name(&edge.callee, edge.place.as_ref());
            let (Some(caller), Some(callee)) = (caller, callee) else {
                continue;
            };
            let is_service = !outside.contains(&edge.caller);
            self.member(&caller, source).is_service |= is_service;
            self.member(&callee, source);
            let contract = edge.contract.as_deref().map(ContractName::parse);
            self.edge(
                (caller, callee),
                contract.and_then(Result::ok),
                edge.channel,
                edge.sighting,
            );
        }
        for contract in contracts {
            let Some(service) = self.name(&contract.service, None) else {
                continue;
            };
            let Ok(name) = ContractName::parse(&contract.contract) else {
                continue;
            };
            let member = self.member(&service, contract.source);
            member.is_service = true;
            let versions = contract.versions.iter().map(|it| Version::parse(it));
            let served = member.serves.entry(name).or_default();
            served.extend(versions.filter_map(Result::ok));
        }
    }

    fn service(&mut self, service: SeenService) {
        let SeenService {
            name,
            role,
            source,
            workload,
            note,
            place,
        } = service;
        let Some(name) = self.name(&name, place.as_ref()) else {
            return;
        };
        let member = self.member(&name, source);
        member.is_service |= role == Role::Service;
        member.is_deployed |= source == Source::Manifests;
        if !note.is_empty() {
            member.notes.insert(note);
        }
        if let Some(workload) = workload
            && !member.workloads.contains(&workload)
        {
            member.workloads.push(workload);
            member
                .workloads
                .sort_by(|a, b| (&a.kind, &a.name).cmp(&(&b.kind, &b.name)));
        }
    }

    fn member(&mut self, name: &ServiceName, source: Source) -> &mut Member {
        let member = self.discovery.members.entry(name.clone()).or_default();
        member.sources.insert(source);
        member
    }

    fn edge(
        &mut self,
        key: (ServiceName, ServiceName),
        contract: Option<ContractName>,
        channel: Channel,
        sighting: Sighting,
    ) {
        let edges = &mut self.discovery.edges;
        if edges.len() >= EDGES_MAX && !edges.contains_key(&key) {
            let wrong = format!("more than {EDGES_MAX} edges: the rest is left out");
            let problem = Problem::error(Code::TooLarge, "", wrong);
            if !self.problems.contains(&problem) {
                self.problems.push(problem);
            }
            return;
        }
        let edge = edges.entry(key).or_insert_with(|| Edge {
            channel,
            contracts: BTreeSet::new(),
            confidence: sighting.confidence,
            sightings: BTreeSet::new(),
        });
        // One pair has one entry in a graph. A call asks for the same order as a message, and for more patience.
        if edge.channel != channel {
            edge.channel = Channel::Rpc;
        }
        edge.contracts.extend(contract);
        edge.confidence = edge.confidence.max(sighting.confidence);
        add(&mut edge.sightings, sighting);
    }

    /// The name in the graph of a name in a source.
    fn name(&mut self, seen: &str, place: Option<&Place>) -> Option<ServiceName> {
        if let Some(decided) = self.names.get(seen) {
            return decided.clone();
        }
        let decided = match (self.renames.get(seen), ServiceName::parse(seen)) {
            (Some(renamed), _) => Some(renamed.clone()),
            (None, Ok(name)) => Some(name),
            (None, Err(error)) => self.rewritten(seen, &error.to_string(), place),
        };
        self.names.insert(seen.to_owned(), decided.clone());
        decided
    }

    fn rewritten(&mut self, seen: &str, error: &str, place: Option<&Place>) -> Option<ServiceName> {
        let shown = shorten(seen);
        let rewritten = service_name(seen);
        let problem = if let Some(name) = &rewritten {
            Problem::error(
                Code::NameChanged,
                "",
                format!("`{shown}` {error}: written `{name}` here"),
            )
            .warning()
        } else {
            Problem::error(
                Code::NameChanged,
                "",
                format!("`{shown}` {error}: left out"),
            )
        };
        let problem = problem.hint(format!("choose a name with `--rename '{shown}=NAME'`"));
        self.problems.push(match place {
            Some(place) => problem.at(place.clone()),
            None => problem,
        });
        rewritten
    }
}

/// One sighting for each source, file and reason; what it counted is added up.
fn add(sightings: &mut BTreeSet<Sighting>, mut sighting: Sighting) {
    let same = |other: &&Sighting| {
        other.source == sighting.source
            && other.file == sighting.file
            && other.because == sighting.because
            && other.confidence == sighting.confidence
    };
    let before = sightings.iter().find(same).cloned();
    if let Some(before) = before {
        let sum = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.saturating_add(other)),
            (known, None) | (None, known) => known,
        };
        sightings.remove(&before);
        sighting.calls = sum(before.calls, sighting.calls);
        sighting.errors = sum(before.errors, sighting.errors);
        sighting.revisions.extend(before.revisions);
        sighting.revisions.sort();
        sighting.revisions.dedup();
    }
    sightings.insert(sighting);
}

/// The name in a graph of what others name freely: `Web Shop` is `web-shop`; `None` if nothing is left of it.
pub fn service_name(seen: &str) -> Option<ServiceName> {
    ServiceName::parse(seen)
        .or_else(|_| ServiceName::parse(&plain(seen)))
        .ok()
}

/// A name made of what a graph allows: lower case, with `-` for everything else.
fn plain(seen: &str) -> String {
    let mut plain = String::new();
    for character in seen.chars().flat_map(char::to_lowercase) {
        let allowed = character.is_ascii_lowercase() || character.is_ascii_digit();
        match (allowed, character) {
            (true, _) | (false, '.') => plain.push(character),
            (false, _) if plain.ends_with('-') => {}
            (false, _) => plain.push('-'),
        }
    }
    plain
        .trim_matches(|c: char| c == '-' || c == '.')
        .to_owned()
}
