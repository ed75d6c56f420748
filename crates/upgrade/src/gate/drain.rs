//! Whether a pod of another revision can still take or make a call; completion.md §5.
//!
//! In: a look, whose the pods are, the endpoints. Out: the drain and who blocks it.
//! Live pods are asked for, not replica counts: a terminating pod is out of the counts and may still
//! answer on every connection that is open.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::Pod;

use super::argo_rollouts::{ArgoRollout, SCALE_DOWN_DEADLINE};
use super::baseline::{grace_s, node};
use super::endpoints::{Fronts, Seen, Target};
use super::images;
use super::lineage::{Lineage, Standing};
use super::memory::Trace;
use super::reason::Reason;
use super::snapshot;
use super::stamps;
use super::unseen;
use super::vanished::{self, NodeState, node_state};
use super::verdict::{Blockers, Drain, Leaving, OldEndpoint, OldPod, Owner};
use super::workload::Workload;
use super::{DrainLevel, Look};

/// A pod that is so long past its grace period does not go by itself.
const STUCK_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// What looking for old pods found.
pub(super) struct Drained {
    pub(super) drain: Drain,
    /// Live pods of other revisions.
    pub(super) old_alive: u32,
    /// What to remember of them.
    pub(super) traces: BTreeMap<String, Trace>,
}

/// Whom a pod or an endpoint belongs to, for the purpose of blocking.
pub(super) struct Scene<'a, 'b> {
    pub(super) look: &'b Look<'a>,
    pub(super) lineage: &'b Lineage<'a>,
    pub(super) fronts: &'b Fronts<'a>,
    pub(super) seen: &'b [Seen<'a>],
    /// The workload itself is to go: who else stands behind its Services is not its business.
    pub(super) is_removal: bool,
}

pub(super) fn judge(scene: &Scene<'_, '_>) -> Drained {
    let snapshot = scene.look.snapshot;
    let mut pods: Vec<OldPod> = snapshot
        .pods
        .iter()
        .filter(|pod| snapshot::is_live(pod))
        .filter_map(|pod| blocking_owner(scene, pod).map(|owner| old_pod(scene.look, pod, owner)))
        .collect();
    let old: Vec<&Pod> = snapshot
        .pods
        .iter()
        .filter(|pod| snapshot::is_live(pod) && scene.lineage.standing(pod) == Standing::Old)
        .collect();
    let old_alive = snapshot::length(old.len());
    let (held, traces) = vanished::trace(scene.look, scene.lineage, &old);
    pods.extend(held);
    pods.extend(unseen::old(scene.look, scene.lineage));
    pods.sort();
    // What nobody calls matters as a client, and a client that ends still calls (§5.7).
    let live = snapshot.workload.as_ref();
    let calls_only = live.is_some_and(Workload::is_never_called) || scene.fronts.names.is_empty();
    let drain = match scene.look.policy.drain {
        DrainLevel::Pods => of_pods(scene, pods),
        DrainLevel::Endpoints if calls_only => of_pods(scene, pods),
        DrainLevel::Endpoints => {
            // One that a Service selects and nobody has told to go gets an endpoint at any moment.
            let shown = snapshot.pods.iter();
            let selected: BTreeSet<&str> = shown
                .filter(|pod| scene.fronts.select_now(pod))
                .map(|pod| snapshot::uid(&pod.metadata))
                .collect();
            pods.retain(|old| {
                matches!(old.leaving, Leaving::No { .. }) && selected.contains(old.uid.as_str())
            });
            of_blockers(scene, pods)
        }
        DrainLevel::None => Drain::NotNeeded,
    };
    Drained {
        drain,
        old_alive,
        traces,
    }
}

fn of_pods(scene: &Scene<'_, '_>, pods: Vec<OldPod>) -> Drain {
    let stuck = pods.iter().find_map(|pod| stuck_because(scene.look, pod));
    match (of_blockers(scene, pods), stuck) {
        (Drain::Draining(blockers), Some(why)) => Drain::Stuck(blockers, why),
        (drain, Some(_) | None) => drain,
    }
}

fn of_blockers(scene: &Scene<'_, '_>, pods: Vec<OldPod>) -> Drain {
    let listed: BTreeSet<&str> = pods.iter().map(|pod| pod.uid.as_str()).collect();
    let mut endpoints: Vec<_> = scene
        .seen
        .iter()
        .filter(|seen| seen.is_open())
        .filter_map(|seen| old_endpoint(scene, seen, &listed))
        .collect();
    endpoints.sort();
    let unknown = endpoints
        .iter()
        .find(|endpoint| endpoint.why == Reason::UnknownEndpoint)
        .map(|endpoint| {
            format!(
                "{} of Service {} is no pod's",
                endpoint.address, endpoint.service
            )
        });
    endpoints.retain(|endpoint| endpoint.why != Reason::UnknownEndpoint);
    let blockers = Blockers { pods, endpoints };
    if !blockers.is_empty() {
        return Drain::Draining(blockers);
    }
    let elsewhere = scene.fronts.shares.elsewhere.first();
    let elsewhere = elsewhere
        .map(|words| format!("{words}, which gets a part of its calls, is no Service here"));
    if let Some(detail) = unknown.or(elsewhere) {
        return Drain::Unprovable(Reason::UnknownEndpoint, detail);
    }
    if let Some(detail) = scene.fronts.shares.unreadable.first() {
        return Drain::Unprovable(Reason::UnreadableRouter, detail.clone());
    }
    let mismatch = stamps::mismatch(scene.look.snapshot, scene.lineage);
    match mismatch.or_else(|| images::differ(scene.look, scene.lineage)) {
        Some((reason, detail)) => Drain::Unprovable(reason, detail),
        None => Drain::Drained,
    }
}

/// Whose a pod is, if it blocks.
fn blocking_owner(scene: &Scene<'_, '_>, pod: &Pod) -> Option<Owner> {
    let siblings = &scene.look.snapshot.siblings;
    let is_behind = || {
        let uid = snapshot::uid(&pod.metadata);
        let is_target = |seen: &Seen<'_>| match seen.target {
            Target::Pod(target) => snapshot::uid(&target.metadata) == uid,
            Target::GonePod(_) | Target::Unknown => false,
        };
        let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
        !scene.is_removal
            && namespace == scene.look.baseline.workload.namespace
            && (scene.fronts.select(pod) || scene.seen.iter().any(is_target))
    };
    match scene.lineage.standing(pod) {
        Standing::Current => None,
        Standing::Old => Some(Owner::Old),
        Standing::Foreign(owner) => {
            (!siblings.contains(&owner) && is_behind()).then_some(Owner::Foreign(owner))
        }
        Standing::Orphan => {
            let is_sibling = siblings.contains(&snapshot::pod_reference(pod));
            // One that nobody owns and the workload claims was left behind by one of its own (§5.1).
            let is_left = !scene.is_removal && scene.lineage.selects(pod);
            (!is_sibling && (is_left || is_behind())).then_some(Owner::Orphan)
        }
    }
}

fn old_pod(look: &Look<'_>, pod: &Pod, owner: Owner) -> OldPod {
    let phase = pod.status.as_ref().and_then(|status| status.phase.clone());
    let kept = (owner == Owner::Old).then(|| kept(look, pod)).flatten();
    let leaving = match &pod.metadata.deletion_timestamp {
        None => kept.unwrap_or_else(|| Leaving::No {
            phase: phase.unwrap_or_else(|| "Pending".to_owned()),
        }),
        Some(gone_by) => Leaving::By {
            gone_by: gone_by.0,
            finalizers: pod.metadata.finalizers.clone().unwrap_or_default(),
        },
    };
    let is_lost = node_state(look.snapshot, node(pod)) == NodeState::NotReady;
    OldPod {
        pod: snapshot::pod_reference(pod),
        uid: snapshot::uid(&pod.metadata).to_owned(),
        owner,
        leaving,
        lost_node: is_lost.then(|| node(pod).to_owned()),
        grace_s: grace_s(pod),
    }
}

/// An old pod that a Rollout has switched away from and keeps for a while, and until when if it says so.
fn kept(look: &Look<'_>, pod: &Pod) -> Option<Leaving> {
    let Some(Workload::ArgoRollout(rollout)) = &look.snapshot.workload else {
        return None;
    };
    let owner = snapshot::controller(&pod.metadata)?;
    let mut sets = look.snapshot.replica_sets.iter();
    let set = sets.find(|set| snapshot::uid(&set.metadata) == owner.uid)?;
    kept_set(rollout, set)
}

/// The same of its ReplicaSet.
pub(super) fn kept_set(rollout: &ArgoRollout, set: &ReplicaSet) -> Option<Leaving> {
    // Pods of the Deployment that it takes its template from are not its to scale down.
    let is_its = snapshot::controller(&set.metadata)
        .is_some_and(|above| above.uid == snapshot::uid(&rollout.metadata));
    let annotations = set.metadata.annotations.as_ref();
    let deadline = annotations.and_then(|annotations| annotations.get(SCALE_DOWN_DEADLINE));
    let is_kept =
        is_its && (deadline.is_some_and(|text| !text.is_empty()) || rollout.delays_scale_down());
    is_kept.then(|| Leaving::Kept {
        until: deadline.and_then(|text| text.parse().ok()),
    })
}

/// Why a pod will not go by itself.
fn stuck_because(look: &Look<'_>, pod: &OldPod) -> Option<Reason> {
    match &pod.leaving {
        Leaving::No { phase: _ }
        | Leaving::Kept { until: _ }
        | Leaving::Vanished { dead_by: Some(_) } => None,
        Leaving::Vanished { dead_by: None } => Some(Reason::StuckOnLostNode),
        Leaving::By {
            gone_by,
            finalizers,
        } => {
            let is_late = look.snapshot.now.duration_since(*gone_by) > STUCK_AFTER;
            let why = if pod.lost_node.is_some() {
                Reason::StuckOnLostNode
            } else if finalizers.is_empty() {
                Reason::PastGracePeriod
            } else {
                Reason::HeldByFinalizer
            };
            is_late.then_some(why)
        }
    }
}

/// An open endpoint that blocks, unless its pod blocks already.
fn old_endpoint(
    scene: &Scene<'_, '_>,
    seen: &Seen<'_>,
    listed: &BTreeSet<&str>,
) -> Option<OldEndpoint> {
    let (why, pod) = match seen.target {
        Target::Pod(pod) if listed.contains(snapshot::uid(&pod.metadata)) => return None,
        Target::Pod(pod) => {
            let why = match blocking_owner(scene, pod)? {
                Owner::Old => Reason::OldEndpoints,
                Owner::Foreign(_) | Owner::Orphan => Reason::ForeignPods,
            };
            (why, Some(snapshot::name(&pod.metadata)))
        }
        Target::GonePod(name) => (Reason::StaleEndpoint, Some(name)),
        Target::Unknown if scene.is_removal => return None,
        Target::Unknown => (Reason::UnknownEndpoint, None),
    };
    Some(OldEndpoint {
        service: seen.service.to_owned(),
        address: seen.address().to_owned(),
        pod: pod.map(str::to_owned),
        why,
    })
}
