//! Old pods of which no more than a count is shown, or that are about to be made; completion.md §5.2, §5.7.
//!
//! In: a look and whose the pods are. Out: what counts or makes them, in their place.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::Pod;
use tidegate_spec::ObjectRef;

use super::Look;
use super::argo_rollouts::{ArgoRollout, HASH_LABEL};
use super::baseline::grace_default_s;
use super::cron_job;
use super::digested::Digested;
use super::drain::kept_set;
use super::lineage::{Lineage, Standing, owned_by};
use super::snapshot::{self, Read, Snapshot};
use super::verdict::{Leaving, OldPod, Owner};
use super::workload::Workload;

/// What stands for old pods that are not shown.
pub(super) fn old(look: &Look<'_>, lineage: &Lineage<'_>) -> Vec<OldPod> {
    match &look.snapshot.workload {
        Some(Workload::CronJob(cron)) => jobs(look, cron),
        Some(Workload::ArgoRollout(rollout)) => sets(look.snapshot, rollout)
            .into_iter()
            .chain(referenced(look.snapshot, rollout))
            .collect(),
        Some(Workload::Deployment(deployment)) => {
            terminating(look, lineage, deployment).into_iter().collect()
        }
        Some(
            Workload::StatefulSet(_)
            | Workload::DaemonSet(_)
            | Workload::ReplicaSet(_)
            | Workload::Job(_)
            | Workload::Pod(_)
            | Workload::FlaggerCanary(_)
            | Workload::Plain(_),
        )
        | None => Vec::new(),
    }
}

fn standing_for((object, uid): (ObjectRef, &str), leaving: Leaving) -> OldPod {
    OldPod {
        pod: object,
        uid: uid.to_owned(),
        owner: Owner::Old,
        leaving,
        lost_node: None,
        grace_s: grace_default_s(),
    }
}

fn staying(phase: impl Into<String>) -> Leaving {
    Leaving::No {
        phase: phase.into(),
    }
}

fn has_live_pod(snapshot: &Snapshot, owner: &str) -> bool {
    let mut pods = snapshot.pods.iter().filter(|pod| snapshot::is_live(pod));
    pods.any(|pod| snapshot::controller(&pod.metadata).is_some_and(|it| it.uid == owner))
}

/// Jobs of a CronJob's old template that have not ended and have no live pod just now: they may start one.
fn jobs(look: &Look<'_>, cron: &Digested<CronJob>) -> Vec<OldPod> {
    let shown = look.snapshot;
    let baseline = look.baseline.uid.as_deref();
    let own = snapshot::uid(&cron.metadata);
    cron_job::jobs(&shown.jobs, |owner| owner == own || Some(owner) == baseline)
        .filter(|job| !cron_job::has_ended(job) && !cron_job::is_current(cron, job))
        .filter(|job| !has_live_pod(shown, snapshot::uid(&job.metadata)))
        .map(|job| {
            let object = snapshot::reference("batch/v1", "Job", &job.metadata);
            standing_for((object, snapshot::uid(&job.metadata)), staying("not ended"))
        })
        .collect()
}

/// Old ReplicaSets of a Rollout that count pods, or want some: its `Healthy` does not look at them.
fn sets(shown: &Snapshot, rollout: &ArgoRollout) -> Vec<OldPod> {
    let Some(hash) = rollout.new_hash(shown) else {
        return Vec::new();
    };
    owned_by(snapshot::uid(&rollout.metadata), &shown.replica_sets)
        .filter(|set| snapshot::label(&set.metadata, HASH_LABEL) != Some(hash))
        .filter(|set| {
            let counted = set.status.as_ref().map(|status| status.replicas);
            has_or_wants(counted, set.spec.replicas)
        })
        .filter(|set| !has_live_pod(shown, snapshot::uid(&set.metadata)))
        .map(|set| {
            let object = snapshot::reference("apps/v1", "ReplicaSet", &set.metadata);
            let leaving = kept_set(rollout, set).unwrap_or_else(|| staying(HAS_OR_WANTS));
            standing_for((object, snapshot::uid(&set.metadata)), leaving)
        })
        .collect()
}

const HAS_OR_WANTS: &str = "has or wants pods";

/// One that wants pods starts them in a moment.
fn has_or_wants(counted: Option<i32>, wanted: Option<i32>) -> bool {
    snapshot::count(counted).max(snapshot::replicas(wanted)) > 0
}

/// What a Rollout takes its template from, as long as it runs pods of its own.
fn referenced(shown: &Snapshot, rollout: &ArgoRollout) -> Option<OldPod> {
    let target = rollout.spec.workload_ref.as_ref()?;
    let referenced = shown.other(target.key())?;
    let (counted, wanted) = match referenced {
        Workload::Deployment(object) => (
            object.status.as_ref().and_then(|status| status.replicas),
            object.spec.replicas,
        ),
        Workload::ReplicaSet(object) => (
            object.status.as_ref().map(|status| status.replicas),
            object.spec.replicas,
        ),
        Workload::StatefulSet(object) => (
            object.status.as_ref().map(|status| status.replicas),
            object.spec.replicas,
        ),
        // No others can be referred to but a PodTemplate, which runs none.
        Workload::DaemonSet(_)
        | Workload::Job(_)
        | Workload::CronJob(_)
        | Workload::Pod(_)
        | Workload::ArgoRollout(_)
        | Workload::FlaggerCanary(_)
        | Workload::Plain(_) => return None,
    };
    let uid = snapshot::uid(referenced.metadata());
    let mut owners = owned_by(uid, &shown.replica_sets).map(|set| snapshot::uid(&set.metadata));
    let is_shown = has_live_pod(shown, uid) || owners.any(|set| has_live_pod(shown, set));
    (has_or_wants(counted, wanted) && !is_shown)
        .then(|| standing_for((referenced.reference(), uid), staying(HAS_OR_WANTS)))
}

/// A Deployment that counts terminating pods of which files show none. What is listed live needs no such hint (R7).
fn terminating(look: &Look<'_>, lineage: &Lineage<'_>, live: &Deployment) -> Option<OldPod> {
    let status = live.status.as_ref();
    let counted = snapshot::count(status.and_then(|status| status.terminating_replicas));
    let is_own = |pod: &Pod| match lineage.standing(pod) {
        Standing::Current | Standing::Old => true,
        Standing::Foreign(_) | Standing::Orphan => false,
    };
    let mut shown = look.snapshot.pods.iter();
    let is_shown = shown.any(|pod| snapshot::is_terminating(pod) && is_own(pod));
    (look.snapshot.read == Read::File && counted > 0 && !is_shown).then(|| {
        let object = snapshot::reference("apps/v1", "Deployment", &live.metadata);
        let words = format!("counts {counted} terminating, and none is shown");
        standing_for((object, snapshot::uid(&live.metadata)), staying(words))
    })
}
