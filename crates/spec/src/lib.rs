//! What people declare: the custom resources as written, and the same checked.
//!
//! In: deserialized objects. Out: a [`Graph`] that cannot be wrong in itself, or every [`Problem`] in it.
//! Knows no cluster, no file system and no order of upgrades.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod address;
pub mod cel_rule;
mod check;
mod contract;
pub mod crd;
pub mod duration;
mod explanation;
pub mod freeze;
mod names;
mod problem;
pub mod stamp;
#[cfg(test)]
mod tests;
mod timetable;
pub mod words;

pub use address::{GitAddress, Transport};
pub use check::{
    CLUSTER_CALLS_MAX, CLUSTER_SERVICES_MAX, FILE_CALLS_MAX, FILE_SERVICES_MAX, LiveRevision,
    OWN_PARAMETERS, check_graph, check_graph_after, check_live, check_plan, plain,
    too_large_for_cluster,
};
pub use contract::{
    Assume, Edge, External, Graph, Interface, Manner, Need, Negotiate, Requirement, Retention,
    Service,
};
pub use explanation::{Example, Explanation, explanation};
pub use names::{ContractName, Identity, NameError, ObjectRef, ServiceName, Version};
pub use problem::{Code, Fix, Place, Problem, Severity, can_only_mean, did_you_mean};
pub use timetable::{Timetable, TimetableError};
