//! Is this workload's rollout complete, is every old pod gone, does the new one serve?
//!
//! In: what was recorded before and at the apply, one snapshot, the policy, what earlier looks left in
//! memory. Out: an [`Assessment`] and the memory for the next look. Everything is taken from the one
//! snapshot; that a gate opens only after two looks in a row is the caller's business.
//! Does no I/O and reads no clock. The specification is completion.md, whose rows
//! (F1, D8, S3, …) the comments name. One module per kind.

mod assessment;
mod bare;
mod baseline;
mod daemon_set;
mod deployment;
mod drain;
mod endpoints;
mod failure;
mod freshness;
mod images;
mod job;
mod lineage;
mod memory;
mod objects;
mod patience;
mod policy;
mod reason;
mod record;
mod revisions;
mod sentence;
mod serving;
mod signs;
mod snapshot;
mod stateful_set;
mod template;
#[cfg(test)]
mod tests;
mod vanished;
mod verdict;

pub use assessment::{Assessment, Gate, Note, Report, combine, worst};
pub use baseline::{Applied, Baseline, BaselineCondition, BaselinePod, is_in_front_of};
pub use memory::Memory;
pub use objects::Objects;
pub use policy::{Capacity, Policy};
pub use reason::Reason;
pub use record::Recorded;
pub use revisions::{LiveRevision, revisions};
pub use snapshot::{Read, Snapshot, Workload, is_live, selects};
pub use template::template_digest;
pub use verdict::{Blockers, Class, Drain, Leaving, OldEndpoint, OldPod, Owner, Serving, Verdict};

pub use crate::spec::crd::DrainLevel;

use drain::Scene;
use endpoints::Fronts;
use failure::Scan;
use freshness::Freshness;
use lineage::Lineage;

/// Everything that a judgement may read.
struct Look<'a> {
    baseline: &'a Baseline,
    applied: &'a Applied,
    snapshot: &'a Snapshot,
    policy: &'a Policy,
    memory: &'a Memory,
}

/// What a kind's table says.
struct Judgement {
    verdict: Verdict,
    notes: Vec<Note>,
}

impl From<Verdict> for Judgement {
    fn from(verdict: Verdict) -> Self {
        Self {
            verdict,
            notes: Vec::new(),
        }
    }
}

/// Judges one workload after its apply.
pub fn assess(
    baseline: &Baseline,
    applied: &Applied,
    snapshot: &Snapshot,
    policy: &Policy,
    memory: &Memory,
) -> (Assessment, Memory) {
    let memory = memory.of(applied);
    let look = Look {
        baseline,
        applied,
        snapshot,
        policy,
        memory: &memory,
    };
    let lineage = Lineage::of(baseline, snapshot);
    let wanted = snapshot.workload.as_ref().map_or(0, wanted);
    let (judgement, scan) = match freshness::check(&look) {
        // What was wrong at the last look may still be: nothing of it is forgotten.
        Freshness::Settled(verdict) => {
            let sightings = memory.sightings.clone();
            (
                verdict.into(),
                Scan {
                    sightings,
                    ..Scan::default()
                },
            )
        }
        Freshness::Fresh(live) => {
            let scan = failure::scan(&look, &lineage, wanted);
            (judge(&look, live, &lineage, &scan), scan)
        }
    };
    let fronts = Fronts::of(baseline, snapshot);
    let seen = endpoints::seen(snapshot, &fronts, &baseline.workload.namespace);
    let scene = Scene {
        look: &look,
        lineage: &lineage,
        fronts: &fronts,
        seen: &seen,
        is_removal: false,
    };
    let drained = drain::judge(&scene);
    let serving = serving::judge(&scene, wanted);
    let pods = lineage.current_pods(&snapshot.pods);
    let new_ready = snapshot::length(pods.iter().filter(|pod| snapshot::is_ready(pod)).count());
    let assessment = Assessment {
        workload: applied.workload.clone(),
        rollout: judgement.verdict,
        drain: drained.drain,
        serving,
        notes: judgement.notes,
        new_ready: new_ready_of(snapshot, new_ready),
        new_wanted: wanted,
        old_alive: drained.old_alive,
        failing_since: None,
        has_failed: false,
    };
    patience::weigh(&look, assessment, scan, drained.traces)
}

/// Judges the deletion of a workload: it is complete when the object and all its pods are gone.
pub fn assess_removed(
    baseline: &Baseline,
    snapshot: &Snapshot,
    policy: &Policy,
    memory: &Memory,
) -> (Assessment, Memory) {
    // What is to go is what was there.
    let applied = Applied {
        workload: baseline.workload.clone(),
        uid: baseline.uid.clone().unwrap_or_default(),
        generation: baseline.generation,
        resource_version: String::new(),
        template_digest: baseline.template_digest.clone().unwrap_or_default(),
        changed: true,
    };
    let memory = memory.of(&applied);
    let look = Look {
        baseline,
        applied: &applied,
        snapshot,
        policy,
        memory: &memory,
    };
    let lineage = Lineage::of_removed(baseline, snapshot);
    let fronts = Fronts::of(baseline, snapshot);
    let seen = endpoints::seen(snapshot, &fronts, &baseline.workload.namespace);
    let scene = Scene {
        look: &look,
        lineage: &lineage,
        fronts: &fronts,
        seen: &seen,
        is_removal: true,
    };
    let drained = drain::judge(&scene);
    let assessment = Assessment {
        workload: baseline.workload.clone(),
        rollout: removal(&look),
        drain: drained.drain,
        serving: Serving::NotNeeded,
        notes: Vec::new(),
        new_ready: 0,
        new_wanted: 0,
        old_alive: drained.old_alive,
        failing_since: None,
        has_failed: false,
    };
    patience::weigh(&look, assessment, Scan::default(), drained.traces)
}

/// F4 turned round: absence is what is wanted.
fn removal(look: &Look<'_>) -> Verdict {
    let Some(live) = &look.snapshot.workload else {
        // Of a cache too, though one that is behind may show nothing: it asks for the live reads that open the gate.
        // Waiting for it to show what is gone for good would wait for ever.
        return Verdict::Complete;
    };
    if Some(snapshot::uid(live.metadata())) == look.baseline.uid.as_deref() {
        Verdict::progressing(Reason::Deleting, 0, 0)
    } else {
        let detail = "it was created again by someone";
        Verdict::failed(Reason::ReplacedDuringWait, Class::Terminal, detail)
    }
}

fn judge(look: &Look<'_>, live: &Workload, lineage: &Lineage<'_>, scan: &Scan) -> Judgement {
    match live {
        Workload::Deployment(deployment) => deployment::judge(look, deployment, scan),
        Workload::StatefulSet(set) => stateful_set::judge(look, set, lineage, scan),
        Workload::DaemonSet(set) => daemon_set::judge(look, set, lineage, scan),
        Workload::ReplicaSet(set) => bare::judge_replica_set(look, set, scan),
        Workload::Job(job) => job::judge(look, job, scan),
        Workload::Pod(pod) => bare::judge_pod(pod, scan),
    }
}

/// How many new pods there are to be.
fn wanted(live: &Workload) -> u32 {
    match live {
        Workload::Deployment(deployment) => snapshot::replicas(deployment.spec.replicas),
        Workload::StatefulSet(set) => snapshot::replicas(set.spec.replicas),
        Workload::ReplicaSet(set) => snapshot::replicas(set.spec.replicas),
        Workload::DaemonSet(set) => {
            let status = set.status.as_ref();
            snapshot::count(status.map(|status| status.desired_number_scheduled))
        }
        Workload::Job(job) => job::wanted(job),
        Workload::Pod(_) => 1,
    }
}

/// A Job's pods are done when they have succeeded, not when they are ready.
fn new_ready_of(snapshot: &Snapshot, ready: u32) -> u32 {
    match &snapshot.workload {
        Some(Workload::Job(job)) => {
            snapshot::count(job.status.as_ref().and_then(|status| status.succeeded))
        }
        Some(
            Workload::Deployment(_)
            | Workload::StatefulSet(_)
            | Workload::DaemonSet(_)
            | Workload::ReplicaSet(_)
            | Workload::Pod(_),
        )
        | None => ready,
    }
}
