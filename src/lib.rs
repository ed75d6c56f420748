//! tidegate upgrades a whole system of services on Kubernetes in an order that is proved safe.
pub mod graph;
pub mod plan;
pub mod spec;
