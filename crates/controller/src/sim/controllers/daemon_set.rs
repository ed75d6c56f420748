//! A DaemonSet has one pod on every node and replaces one at a time
//! (`kubernetes:pkg/controller/daemon/update.go`). Its nodes are as many as its replicas here.

use super::Deed;
use crate::sim::facts::{Pod, Workload, number};

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
    deeds.extend(replaced(workload).into_iter().map(Deed::End));
    let (replicas, ready) = (workload.count(|_| true), workload.count(|pod| pod.is_ready));
    let updated = workload.count(|pod| pod.revision == wanted);
    let status = &mut workload.status;
    status.observed = workload.generation;
    status.newest = wanted;
    status.replicas = replicas;
    status.ready = ready;
    status.updated = updated;
    deeds
}

/// The pods that make room for new ones: old ones that are not ready whatever else is, and an old one that is ready only where
/// every node has a pod that is.
fn replaced(workload: &Workload) -> Vec<String> {
    let is_old = |pod: &&Pod| pod.revision != workload.wanted;
    let old = workload.staying().filter(is_old);
    let (ready, unready): (Vec<&Pod>, Vec<&Pod>) = old.partition(|pod| pod.is_ready);
    let served = workload.staying().filter(|pod| pod.is_ready);
    let is_free = number(served.count()) >= workload.replicas;
    let one = ready.first().filter(|_| is_free);
    unready
        .iter()
        .chain(one)
        .map(|pod| pod.uid.clone())
        .collect()
}
