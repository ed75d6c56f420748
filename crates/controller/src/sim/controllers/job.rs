//! A Job runs one pod to its end (`kubernetes:pkg/controller/job/job_controller.go`).

use super::Deed;
use crate::sim::facts::{Workload, number};

/// One pass.
pub(super) fn sync(workload: &mut Workload) -> Vec<Deed> {
    let status = &mut workload.status;
    status.observed = workload.generation;
    status.newest = workload.wanted;
    status.ready = number(
        workload
            .pods
            .iter()
            .filter(|pod| pod.is_live() && pod.is_ready)
            .count(),
    );
    status.is_complete = workload.pods.iter().any(|pod| pod.has_succeeded);
    if status.is_complete || !workload.pods.is_empty() {
        return Vec::new();
    }
    vec![Deed::Create {
        revision: workload.wanted,
        owner: workload.uid.clone(),
        ordinal: 0,
    }]
}
