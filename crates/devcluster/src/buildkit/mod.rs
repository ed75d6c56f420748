//! Real builds on one machine, as root: a BuildKit daemon, a registry with a password, and what a kubelet does with a pod that
//! asks the daemon.
//!
//! In: whom the daemon trusts when it fetches from Git. Out: [`BuildKit`], all of it on loopback, gone when it is dropped.

mod container;
mod daemon;

pub use container::{Container, Ended};
pub use daemon::{BuildKit, BuildKitError, REGISTRY_PASSWORD, REGISTRY_USERNAME, needs};
