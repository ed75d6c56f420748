//! Is this workload's rollout complete, is every old pod gone, does the new one serve?
//!
//! In: what was recorded before and at the apply, one snapshot, the policy, what earlier looks left in
//! memory. Out: an [`Assessment`] and the memory for the next look. Everything is taken from the one
//! snapshot; that a gate opens only after two looks in a row is the caller's business.
//! Does no I/O and reads no clock. The specification is completion.md, whose rows
//! (F1, D8, S3, …) the comments name. One module per kind.

mod argo_rollouts;
mod assessment;
mod bare;
mod baseline;
mod churn;
mod condition;
mod cron_job;
mod daemon_set;
mod deployment;
mod digested;
mod drain;
mod endpoints;
mod evidence;
mod failure;
mod fault;
mod flagger;
mod freshness;
mod images;
mod job;
mod kin;
mod lineage;
mod memory;
mod objects;
mod patience;
mod plain;
mod policy;
mod pool;
mod promotion;
mod reason;
mod record;
mod revisions;
mod routers;
mod rule;
mod sentence;
mod serving;
mod signs;
mod snapshot;
mod stamps;
mod stateful_set;
mod template;
#[cfg(test)]
mod tests;
mod unready;
mod unseen;
mod vanished;
mod verdict;
mod workload;

pub use argo_rollouts::ArgoRollout;
pub use assessment::{Assessment, Gate, Note, Report, combine, worst};
pub use baseline::{Applied, Baseline, BaselineCondition, BaselinePod, is_in_front_of};
pub use digested::{Digested, Templated};
pub use endpoints::is_open;
pub use fault::{Fault, Step};
pub use flagger::{BaselineCanary, FlaggerCanary};
pub use kin::references;
pub use memory::Memory;
pub use objects::{Absent, Objects, judge_all};
pub use plain::{Plain, is_waited_for};
pub use policy::{FailedNodes, Policy};
pub use pool::{About, Family, Pool};
pub use reason::Reason;
pub use record::Recorded;
pub use revisions::{LiveRevision, revisions};
pub use routers::{Shares, is_router, shares};
pub use snapshot::{Departure, Read, Snapshot, Unreadable, is_live, is_ready, selects};
pub use template::template_digest;
pub use verdict::{Blockers, Class, Drain, Leaving, OldEndpoint, OldPod, Owner, Serving, Verdict};
pub use workload::Workload;

pub use tidegate_spec::crd::{Capacity, DrainLevel};

use jiff::{SignedDuration, Timestamp};

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

impl Look<'_> {
    /// How long the rollout has been waiting for one thing: as long as the looks before have seen it, or, of what
    /// stands in a file, as long as the object itself says.
    fn lasts(&self, reason: Reason, began: Option<Timestamp>) -> SignedDuration {
        let now = self.snapshot.now;
        let seen = self
            .memory
            .waiting
            .as_ref()
            .filter(|mark| mark.state == reason.label());
        let since = match (self.snapshot.read, seen) {
            (Read::Live | Read::Cached, Some(mark)) => mark.since,
            (Read::Live | Read::Cached, None) => now,
            (Read::File, _) => began.unwrap_or(now),
        };
        now.duration_since(since)
    }

    /// What the table of its own kind says of another workload, as it stands.
    fn verdict_of(&self, other: &Workload) -> Verdict {
        let baseline = Baseline::absent(other.reference());
        let applied = Applied::from_response(other, None);
        let mut snapshot = self.snapshot.clone();
        snapshot.workload = Some(other.clone());
        let memory = Memory::default();
        let look = Look {
            baseline: &baseline,
            applied: &applied,
            snapshot: &snapshot,
            policy: self.policy,
            memory: &memory,
        };
        let lineage = Lineage::of(&baseline, &snapshot);
        match freshness::check(&look) {
            Freshness::Settled(verdict) => verdict,
            Freshness::Fresh(live) => judge(&look, live, &lineage, &Scan::default()).verdict,
        }
    }
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
    let wanted = snapshot
        .workload
        .as_ref()
        .map_or(0, |live| wanted(live, snapshot));
    let (mut judgement, scan) = match freshness::check(&look) {
        // What was wrong at the last look may still be: nothing of it is forgotten.
        Freshness::Settled(verdict) => {
            let (sightings, births) = (memory.sightings.clone(), memory.births.clone());
            (
                verdict.into(),
                Scan {
                    sightings,
                    births,
                    ..Scan::default()
                },
            )
        }
        Freshness::Fresh(live) => {
            let scan = failure::scan(&look, &lineage, wanted);
            (judge(&look, live, &lineage, &scan), scan)
        }
    };
    let fronts = Fronts::of(baseline, snapshot, &lineage, policy.drain);
    let seen = endpoints::seen(snapshot, &fronts, &baseline.workload.namespace);
    let scene = Scene {
        look: &look,
        lineage: &lineage,
        fronts: &fronts,
        seen: &seen,
        is_removal: false,
    };
    let mut drained = drain::judge(&scene);
    let serving = serving::judge(&scene, wanted);
    evidence::doubt(&scene, wanted, &mut judgement, &mut drained.drain);
    let pods = lineage.current_pods(&snapshot.pods);
    let new_ready = snapshot::length(pods.iter().filter(|pod| is_ready(pod)).count());
    let mut notes = judgement.notes;
    notes.extend(failure::lost_nodes(&look, &pods));
    let assessment = Assessment {
        workload: applied.workload.clone(),
        waits_for: judgement.verdict.waits_for(),
        rollout: judgement.verdict,
        drain: if has_pods(snapshot) {
            drained.drain
        } else {
            Drain::NotNeeded
        },
        serving,
        notes,
        new_ready: new_ready_of(snapshot, new_ready),
        new_wanted: wanted,
        old_alive: drained.old_alive,
        failing_since: None,
        has_failed: false,
    };
    patience::weigh(&look, assessment, scan, drained.traces)
}

/// Whether there can be old pods: also of a kind that nobody knows, if pods of its own are shown.
fn has_pods(snapshot: &Snapshot) -> bool {
    let live = snapshot.workload.as_ref();
    live.is_none_or(|live| live.has_pods() || snapshot::owns(live.metadata(), &snapshot.pods))
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
    let fronts = Fronts::of(baseline, snapshot, &lineage, policy.drain);
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
        rollout: match removal(&look) {
            Verdict::Complete => {
                evidence::unknown(&look, &lineage, &fronts, (0, 0)).unwrap_or(Verdict::Complete)
            }
            other @ (Verdict::Progressing { .. }
            | Verdict::Paused { .. }
            | Verdict::Failed { .. }) => other,
        },
        waits_for: Reason::Deleting,
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
        Workload::CronJob(cron) => cron_job::judge(cron),
        Workload::ArgoRollout(rollout) => argo_rollouts::judge(look, rollout, scan),
        Workload::FlaggerCanary(canary) => flagger::judge(look, canary, scan),
        Workload::Plain(object) => plain::judge(look, object),
    }
}

/// How many new pods there are to be.
fn wanted(live: &Workload, snapshot: &Snapshot) -> u32 {
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
        Workload::ArgoRollout(rollout) => snapshot::replicas(rollout.spec.replicas),
        Workload::FlaggerCanary(canary) => canary.wanted(snapshot),
        Workload::CronJob(_) | Workload::Plain(_) => 0,
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
            | Workload::Pod(_)
            | Workload::CronJob(_)
            | Workload::ArgoRollout(_)
            | Workload::FlaggerCanary(_)
            | Workload::Plain(_),
        )
        | None => ready,
    }
}
