//! A ReplicaSet keeps its number of pods (`kubernetes:pkg/controller/replicaset/replica_set.go`).

use super::Deed;
use crate::sim::facts::{Pod, Workload, number};

/// One pass for the ReplicaSet of a revision.
pub(in crate::sim) fn sync(workload: &mut Workload, revision: usize) -> Vec<Deed> {
    if !workload.exists {
        return Vec::new();
    }
    let owner = workload.set_uid(revision);
    let mut staying: Vec<Pod> = workload
        .staying()
        .filter(|pod| pod.owner == owner)
        .cloned()
        .collect();
    let Some(set) = workload.sets.get_mut(&revision) else {
        return Vec::new();
    };
    set.observed = set.generation;
    set.replicas = number(staying.len());
    set.ready = number(staying.iter().filter(|pod| pod.is_ready).count());
    let (size, count) = (set.size, set.replicas);
    if count < size {
        let create = |_| Deed::Create {
            revision,
            owner: owner.clone(),
            ordinal: 0,
        };
        return (count..size).map(create).collect();
    }
    // Those that are not ready go first.
    staying.sort_by_key(|pod| pod.is_ready);
    let surplus = usize::try_from(count - size).unwrap_or(0);
    staying
        .into_iter()
        .take(surplus)
        .map(|pod| Deed::End(pod.uid))
        .collect()
}
