//! The checked graph: what each service serves and calls.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::crd::{DrainLevel, Routing};
use super::{ContractName, ObjectRef, ServiceName, Version};

/// Which call of a client may use which version, where it can speak more than one.
///
/// See planning.md §3.2: `cached` and `perConnection` behind a proxy are not safe while a server is mixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Negotiate {
    /// Chosen anew for every call.
    #[default]
    PerCall,
    /// Chosen once for a connection, which ends at one pod.
    PerConnection,
    /// Chosen once and kept, whatever pod answers later.
    Cached,
}

/// What versions a caller needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// Nobody declared it.
    Unknown,
    /// Exactly this version.
    Version(Version),
    /// Any of these on any call: all must be served.
    All(BTreeSet<Version>),
    /// Adapts: one in common is enough.
    Any(BTreeSet<Version>, Negotiate),
}

/// How long what was written outlives its writer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Retention {
    /// For a time, as it was written: `7d`.
    Time(String),
    /// Until the reader has read everything.
    Lag,
    /// Until somebody says that nothing is left.
    Manual,
}

impl Retention {
    /// Reads a retention; `None` if the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "lag" => Some(Self::Lag),
            "manual" => Some(Self::Manual),
            _ => {
                let days = text
                    .strip_suffix('d')
                    .and_then(|days| days.parse::<u32>().ok());
                let is_time = days.is_some() || super::duration::parse(text).is_some();
                is_time.then(|| Self::Time(text.to_owned()))
            }
        }
    }
}

impl Retention {
    /// How long, where it is a time.
    pub fn time(&self) -> Option<SignedDuration> {
        match self {
            Self::Time(text) => match text.strip_suffix('d').map(str::parse::<u32>) {
                Some(Ok(days)) => Some(SignedDuration::from_hours(24 * i64::from(days))),
                Some(Err(_)) | None => super::duration::parse(text),
            },
            Self::Lag | Self::Manual => None,
        }
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Time(text) => text,
            Self::Lag => "lag",
            Self::Manual => "manual",
        })
    }
}

/// What one service needs of another's contract.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Requirement {
    /// The versions.
    pub need: Need,
    /// A call whose failure degrades and does not break the caller.
    pub optional: bool,
    /// How much an optional call matters beside others; 1 unless declared.
    pub weight: u32,
    /// How long what the call writes outlives the caller; `None`: a call that is over when it returns.
    pub durable: Option<Retention>,
}

impl Requirement {
    /// A call that must succeed and leaves nothing behind.
    pub fn plain(need: Need) -> Self {
        Self {
            need,
            optional: false,
            weight: 1,
            durable: None,
        }
    }
}

/// Who calls whom, in which contract.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Edge {
    /// The client.
    pub caller: ServiceName,
    /// The server.
    pub callee: ServiceName,
    /// What they speak.
    pub contract: ContractName,
}

/// What one revision of a service serves and calls.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Interface {
    /// The contracts served with their versions; `None` where nobody declared what it serves.
    pub serves: Option<BTreeMap<ContractName, BTreeSet<Version>>>,
    /// What it needs of others.
    pub calls: BTreeMap<(ServiceName, ContractName), Requirement>,
}

/// One declared service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Where the declaration stands in the graph, for problems: `spec.services[3]`.
    pub path: String,
    /// Its workloads, as declared (namespace empty); empty means the Deployment of the service's name.
    pub workloads: Vec<ObjectRef>,
    /// What the declared revision serves and calls.
    pub interface: Interface,
    /// Services that must be done before this one starts, by hand.
    pub after: BTreeSet<ServiceName>,
    /// How far an old pod must be gone.
    pub drain: DrainLevel,
    /// How it may move.
    pub manner: Manner,
}

impl Service {
    /// Whether it runs once to its end.
    pub fn is_job(&self) -> bool {
        let mut workloads = self.workloads.iter();
        !self.workloads.is_empty() && workloads.all(|workload| workload.kind == "Job")
    }
}

/// How a service may move, beside what its contracts force.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manner {
    /// How calls find one of its pods.
    pub routing: Routing,
    /// The environment variable that selects what it calls, if it has one.
    pub switch: Option<String>,
    /// The group of which only one service moves at a time.
    pub exclusive: Option<String>,
    /// Whether what its Job does can be undone; `None` where nobody said.
    pub reversible: Option<bool>,
}

/// A caller that nobody deploys here: it is never finished, what it calls is never dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct External {
    /// Where it stands in the graph.
    pub path: String,
    /// What it needs of the services.
    pub calls: BTreeMap<(ServiceName, ContractName), Requirement>,
    /// What shows that its calls have ended, if they have.
    pub ended: Option<String>,
}

/// What is assumed of an edge whose contract is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Assume {
    /// Server first; the edge is reported as assumed, never as proved.
    #[default]
    ServerFirst,
    /// Nothing: the plan is refused.
    Strict,
}

/// A whole system, checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Graph {
    /// The object's name.
    pub name: String,
    /// The services by name.
    pub services: BTreeMap<ServiceName, Service>,
    /// The callers from outside by name.
    pub external: BTreeMap<ServiceName, External>,
    /// What unknown contracts mean.
    pub assume: Assume,
}
