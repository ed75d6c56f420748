//! A real local Kubernetes control plane for the demo and the tests, without root.
//!
//! ```text
//! components ─▶ build ─▶ cluster ─▶ kubeconfig, audit log      oracle ◀─ audit ◀─ audit log
//!                          │
//!                      supervisor   holds the processes; nothing outlives the owner
//! ```
//!
//! etcd, kube-apiserver, kube-controller-manager and kube-scheduler are the real programs, built from
//! their Go modules; KWOK plays the nodes and pods, steered by annotations (see README.md).

pub mod audit;
pub mod build;
pub mod buildkit;
mod certificates;
mod cluster;
mod components;
pub mod git;
mod log_server;
pub mod oracle;
mod ports;
mod progress;
mod shared;
mod supervisor;
mod tail;
mod tls;

pub use cluster::{Cluster, Kept, Options, StartError, start};
pub use components::{Extras, KUBERNETES_VERSION};
pub use log_server::LogServer;
pub use progress::{Progress, Step};
pub use shared::{Shared, unique_namespace};
