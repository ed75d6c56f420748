//! tidegate upgrades a whole system of services on Kubernetes in an order that is proved safe.
pub mod spec;
pub mod upgrade;
