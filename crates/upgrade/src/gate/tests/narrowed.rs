//! What a reader of the cluster leaves out of a namespace changes nothing that a gate says: every look of these tests is
//! judged twice.

use std::sync::Arc;

use crate::gate::{
    About, Applied, Assessment, Baseline, Family, Memory, Policy, Pool, Snapshot, assess,
};

/// Judges what is shown, and the same as the [`Pool`] of its namespace would show it.
pub(super) fn judge(
    (baseline, applied): (&Baseline, &Applied),
    snapshot: &Snapshot,
    policy: &Policy,
    memory: &Memory,
) -> (Assessment, Memory) {
    let judged = |snapshot: &Snapshot| assess(baseline, applied, snapshot, policy, memory);
    let whole = judged(snapshot);
    let narrow = judged(&narrowed(snapshot, baseline));
    assert_eq!(whole, narrow, "of the whole namespace, and narrowed");
    whole
}

/// Of a snapshot what the [`Pool`] of its namespace leaves of it.
fn narrowed(snapshot: &Snapshot, before: &Baseline) -> Snapshot {
    fn shared<K: Clone>(objects: &[K]) -> Vec<Arc<K>> {
        objects.iter().cloned().map(Arc::new).collect()
    }
    let pool = Pool {
        read: snapshot.read,
        replica_sets: shared(&snapshot.replica_sets),
        controller_revisions: shared(&snapshot.controller_revisions),
        jobs: shared(&snapshot.jobs),
        pods: shared(&snapshot.pods),
        services: shared(&snapshot.services),
        endpoint_slices: shared(&snapshot.endpoint_slices),
        events: snapshot.events.clone(),
        nodes: snapshot.nodes.clone(),
        departed: snapshot.departed.clone(),
    };
    let family = Family {
        workload: snapshot.workload.clone(),
        others: snapshot.others.clone(),
    };
    let about = About {
        workload: &before.workload,
        siblings: &snapshot.siblings,
        recorded: &before.pods.iter().map(|pod| pod.uid.clone()).collect(),
        before: Some(before),
        routers: &[],
        services: &[],
    };
    Snapshot {
        unreadable: snapshot.unreadable.clone(),
        ..pool.snapshot(&about, family, snapshot.now)
    }
}
