//! A DaemonSet has one pod on every node and replaces one at a time
//! (`kubernetes:pkg/controller/daemon/update.go`). Its nodes are as many as its replicas here.

use super::Deed;
use crate::sim::facts::Workload;

/// One pass.
pub(super) fn sync(workload: &mut Workload) -> Vec<Deed> {
    let wanted = workload.wanted;
    let mut deeds: Vec<Deed> = Vec::new();
    for ordinal in 0..workload.replicas {
        if !workload.live().any(|pod| pod.ordinal == ordinal) {
            deeds.push(Deed::Create {
                revision: wanted,
                owner: workload.uid.clone(),
                ordinal,
            });
        }
    }
    let all_ready = workload.live().all(|pod| pod.is_staying() && pod.is_ready);
    if deeds.is_empty() && all_ready {
        let old = workload.staying().find(|pod| pod.revision != wanted);
        deeds.extend(old.map(|pod| Deed::End(pod.uid.clone())));
    }
    let (replicas, ready) = (workload.count(|_| true), workload.count(|pod| pod.is_ready));
    let updated = workload.count(|pod| pod.is_staying() && pod.revision == wanted);
    let status = &mut workload.status;
    status.observed = workload.generation;
    status.newest = wanted;
    status.replicas = replicas;
    status.ready = ready;
    status.updated = updated;
    deeds
}
