//! What one source says, before anything is merged. Names are as the source writes them.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::spec::Place;
use crate::spec::crd::{Channel, WorkloadRef};

/// Where an edge was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Jaeger's dependencies: calls between traced services.
    Jaeger,
    /// Zipkin's dependencies: the same.
    Zipkin,
    /// The service graph metrics of the OpenTelemetry Collector and of Tempo.
    ServiceGraph,
    /// Istio's request metric.
    Istio,
    /// A Backstage catalog.
    Backstage,
    /// The environment of pods in manifests.
    Manifests,
    /// A gRPC descriptor set.
    Descriptors,
}

impl Source {
    /// The source as people are told it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jaeger => "jaeger",
            Self::Zipkin => "zipkin",
            Self::ServiceGraph => "service graph metrics",
            Self::Istio => "istio",
            Self::Backstage => "backstage",
            Self::Manifests => "manifests",
            Self::Descriptors => "descriptors",
        }
    }

    /// Whether it sees calls as they happen, so that what it never saw means something.
    pub fn observes(self) -> bool {
        match self {
            Self::Jaeger | Self::Zipkin | Self::ServiceGraph | Self::Istio => true,
            Self::Backstage | Self::Manifests | Self::Descriptors => false,
        }
    }
}

/// How sure a source is of an edge. The later, the surer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Concluded from something that only looks like a call.
    Guess,
    /// Somebody wrote it down; it may be out of date.
    Declared,
    /// Calls were seen.
    Observed,
}

/// One revision of a caller that called one revision of a callee.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservedPair {
    /// The caller's revision, as the source names it.
    pub caller_revision: String,
    /// The callee's revision.
    pub callee_revision: String,
    /// How many calls; nothing if the source gives no whole number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
    /// How many of them failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<u64>,
}

/// That a source saw an edge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sighting {
    /// Which source.
    pub source: Source,
    /// The file that it was read from.
    pub file: String,
    /// How sure it is.
    pub confidence: Confidence,
    /// How many calls it counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
    /// How many of them failed, where it counts that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<u64>,
    /// What in the source says so, for instance `ORDERS_ADDR`; empty if nothing more is to be said.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub because: String,
    /// Which revisions met.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub revisions: Vec<ObservedPair>,
}

impl Sighting {
    /// A sighting without numbers.
    pub fn new(source: Source, file: &str, confidence: Confidence) -> Self {
        Self {
            source,
            file: file.to_owned(),
            confidence,
            calls: None,
            errors: None,
            because: String::new(),
            revisions: Vec::new(),
        }
    }
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Something outside: it sends no spans of its own, or the gate cannot judge it.
    Outside,
    /// A service.
    Service,
}

/// An edge as one source saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenEdge {
    /// The client.
    pub caller: String,
    /// The server, or the consumer of a queue.
    pub callee: String,
    /// The contract, where the source names one.
    pub contract: Option<String>,
    /// What carries the calls.
    pub channel: Channel,
    /// What the source says of it.
    pub sighting: Sighting,
    /// Where it stands.
    pub place: Option<Place>,
}

/// A service as one source names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenService {
    /// Its name.
    pub name: String,
    /// What it is to that source.
    pub role: Role,
    /// Who says so.
    pub source: Source,
    /// What it runs as, where that is known.
    pub workload: Option<WorkloadRef>,
    /// What is worth a comment, for instance the APIs that it provides; empty if nothing is.
    pub note: String,
    /// Where it stands.
    pub place: Option<Place>,
}

/// A contract that a service serves, with its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenContract {
    /// The service.
    pub service: String,
    /// The contract.
    pub contract: String,
    /// Its versions; for a descriptor set, its methods.
    pub versions: BTreeSet<String>,
    /// Who says so.
    pub source: Source,
    /// The file that it was read from.
    pub file: String,
}

/// All that one source says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// The sources that were read, also those that say nothing.
    pub sources: BTreeSet<Source>,
    /// The services that it names, those of edges apart.
    pub services: Vec<SeenService>,
    /// The edges.
    pub edges: Vec<SeenEdge>,
    /// The contracts.
    pub contracts: Vec<SeenContract>,
}

impl Found {
    /// Nothing yet, from one source.
    pub fn from(source: Source) -> Self {
        Self {
            sources: BTreeSet::from([source]),
            ..Self::default()
        }
    }
}
