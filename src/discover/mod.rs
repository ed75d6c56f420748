//! Where graphs come from: reads what other tools know of who calls whom, and proposes a ServiceGraph.
//!
//! In: the text of files that somebody else has read. Out: a [`Discovery`], in which every edge keeps its sources and
//! how sure they are; from it a proposed graph, or what differs from a declared one; and every problem with its place.
//! Asks no server, and never states a version that no source states.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]
#![expect(
    clippy::similar_names,
    reason = "caller and callee are the words for the two sides"
)]

mod backstage;
mod compare;
mod descriptors;
mod fields;
mod istio;
mod links;
mod manifests;
mod merge;
mod pact;
mod prometheus;
mod propose;
mod recognise;
mod seen;
mod service_graph;
#[cfg(test)]
mod tests;
mod words;

pub use backstage::backstage;
pub use compare::{Comparison, ContractDifference, Undeclared, Unseen, compare};
pub use descriptors::descriptors;
pub use links::{jaeger, zipkin};
pub use manifests::manifests;
pub use merge::{Discovery, Edge, Member, merge, service_name};
pub use pact::{Matrix, Row, pact};
pub use prometheus::prometheus;
pub use propose::propose;
pub use recognise::{Format, recognise};
pub use seen::{
    Confidence, Found, ObservedPair, Role, SeenContract, SeenEdge, SeenService, Sighting, Source,
};
pub use words::{seen_by, tell_comparison};
