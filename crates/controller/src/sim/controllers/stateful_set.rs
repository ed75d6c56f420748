//! A StatefulSet replaces its pods one after the other, the highest ordinal first
//! (`kubernetes:pkg/controller/statefulset/stateful_set_control.go`).

use super::Deed;
use crate::sim::facts::Workload;

/// One pass.
pub(super) fn sync(workload: &mut Workload) -> Vec<Deed> {
    let wanted = workload.wanted;
    let deeds = deeds(workload);
    // Its ready pods include those that are on their way out; its updated ones do not.
    let (replicas, ready) = (workload.count(|_| true), workload.count(|pod| pod.is_ready));
    let updated = workload.count(|pod| pod.is_staying() && pod.revision == wanted);
    let staying_ready =
        workload.count(|pod| pod.is_staying() && pod.is_ready && pod.revision == wanted);
    let status = &mut workload.status;
    status.observed = workload.generation;
    status.newest = wanted;
    status.replicas = replicas;
    status.ready = ready;
    status.updated = updated;
    if updated == workload.replicas && staying_ready == workload.replicas && replicas == updated {
        status.current = wanted;
    }
    deeds
}

fn deeds(workload: &Workload) -> Vec<Deed> {
    let create = |ordinal| Deed::Create {
        revision: workload.wanted,
        owner: workload.uid.clone(),
        ordinal,
    };
    for ordinal in 0..workload.replicas {
        match workload.live().find(|pod| pod.ordinal == ordinal) {
            None => return vec![create(ordinal)],
            Some(pod) if !pod.is_staying() || !pod.is_ready => return Vec::new(),
            Some(_) => {}
        }
    }
    // What is more than wanted goes first, one after the other.
    let surplus = workload
        .live()
        .filter(|pod| pod.ordinal >= workload.replicas);
    if let Some(highest) = surplus.max_by_key(|pod| pod.ordinal) {
        let staying = highest.is_staying().then(|| Deed::End(highest.uid.clone()));
        return staying.into_iter().collect();
    }
    let old = workload
        .staying()
        .filter(|pod| pod.revision != workload.wanted);
    let highest = old.max_by_key(|pod| pod.ordinal);
    highest
        .map(|pod| Deed::End(pod.uid.clone()))
        .into_iter()
        .collect()
}
