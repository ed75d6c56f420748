//! What the controllers of Kubernetes do, as far as an upgrade shows it; one file a kind.
//!
//! In: a workload with its pods. Out: its new status, and what its controller does. Each is one pass, as a real
//! controller makes it: what came of it is seen in the next.

mod daemon_set;
mod deployment;
mod job;
mod replica_set;
mod scaling;
mod stateful_set;

use super::facts::{Kind, Workload};

pub(super) use replica_set::sync as sync_set;

/// What a controller does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Deed {
    /// Makes a pod of a revision.
    Create {
        revision: usize,
        /// The uid of who makes it.
        owner: String,
        ordinal: u32,
    },
    /// Deletes the pod of a uid, which takes its time.
    End(String),
    /// Changes the size of the ReplicaSet of a revision.
    Resized(usize),
}

/// One pass of a workload's controller.
pub(super) fn sync(workload: &mut Workload) -> Vec<Deed> {
    if !workload.exists {
        // The garbage collector.
        let pods = workload.staying().map(|pod| Deed::End(pod.uid.clone()));
        return pods.collect();
    }
    match workload.kind {
        Kind::Deployment => deployment::sync(workload),
        Kind::StatefulSet => stateful_set::sync(workload),
        Kind::DaemonSet => daemon_set::sync(workload),
        Kind::Job => job::sync(workload),
    }
}
