//! tidegate upgrades a whole system of services on Kubernetes in an order that is proved safe.
pub mod manifest;
pub mod spec;
