//! Broken, told apart from slow, long before the progress deadline; completion.md §3.
//!
//! In: a look and the pods of the new revision. Out: the failure, if one has lasted long enough, and what
//! to remember of those that have not. Time is measured between looks, never against a server's clock.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{Event, Pod};

use super::Look;
use super::argo_rollouts::HASH_LABEL;
use super::assessment::Note;
use super::baseline::node;
use super::churn::{self, Birth};
use super::daemon_set;
use super::deployment::{is_in_baseline, progressing};
use super::digested::Digested;
use super::lineage::{Lineage, Standing, new_replica_sets};
use super::memory::Sighting;
use super::reason::Reason;
use super::signs::{self, Sign};
use super::snapshot::{self, Read};
use super::unready;
use super::vanished::{NodeState, node_state};
use super::verdict::{Class, Verdict};
use super::workload::Workload;

/// So many pods that nodes turn away are no accident.
const REJECTED_PODS_MAX: usize = 3;
/// Seen once may be a glimpse, seen again is a fact.
const SECOND_LOOK: SignedDuration = SignedDuration::from_secs(1);
/// An event of which nobody knows whether it is about the apply counts for so long.
const RECENT: SignedDuration = SignedDuration::from_mins(10);
/// A quota may be raised, or room be made, by what rolls at the same time.
const QUOTA_PATIENCE: SignedDuration = SignedDuration::from_secs(30);

/// What looking for failures found.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// A failure of the new revision.
    pub(super) failure: Option<Verdict>,
    /// One that a new pod shows which is there: it counts though the counters, which lag, say that all is done. What
    /// was turned away or could not be made before matters no more then.
    pub(super) of_pods: Option<Verdict>,
    /// It was complete before: the failure is an incident.
    pub(super) is_degraded: bool,
    /// What is wrong with old pods that may block a StatefulSet.
    pub(super) old: Vec<Sign>,
    /// A new pod waits for its scheduling gates.
    pub(super) is_gated: bool,
    /// What to remember.
    pub(super) sightings: BTreeMap<String, Sighting>,
    /// The same of new pods that were seen.
    pub(super) births: BTreeMap<String, Birth>,
}

impl Scan {
    /// The failure that counts beside what the counters say.
    pub(super) fn beside(&self, counted: &Verdict) -> Option<&Verdict> {
        if *counted == Verdict::Complete {
            self.of_pods.as_ref()
        } else {
            self.failure.as_ref()
        }
    }
}

/// Looks for failures of a workload that is to have so many pods.
pub(super) fn scan(look: &Look<'_>, lineage: &Lineage<'_>, wanted: u32) -> Scan {
    let Some(live) = &look.snapshot.workload else {
        return Scan::default();
    };
    let new = lineage.current_pods(&look.snapshot.pods);
    let excused = match live {
        Workload::DaemonSet(set) => daemon_set::excused(look, set, &new),
        Workload::Deployment(_)
        | Workload::StatefulSet(_)
        | Workload::ReplicaSet(_)
        | Workload::Job(_)
        | Workload::CronJob(_)
        | Workload::Pod(_)
        | Workload::ArgoRollout(_)
        | Workload::FlaggerCanary(_)
        | Workload::Plain(_) => Vec::new(),
    };
    let counts = |pod: &&Pod| is_moving(pod) && !excused.contains(pod);
    let moving: Vec<&Pod> = new.iter().copied().filter(counts).collect();
    let mut found = of_pods(look, &moving);
    if !matches!(live, Workload::Job(_)) {
        // Whether a container may end is a Job's own business.
        found.extend(crashes(look, &moving, wanted));
    }
    let mut others = rejections(&new);
    others.extend(of_owner(look, live, length_of(&moving) < wanted));
    let births = births(look, live, &new);
    others.extend(churn::of_births(look, live, &births, wanted));
    let blocking = old_of_stateful_set(look, live, lineage);
    let mut old = of_pods(look, &blocking);
    old.extend(crashes_that_last(look, &blocking));

    let mut sightings = BTreeMap::new();
    let of_pods = ripe(look, found, &mut sightings);
    let others = ripe(look, others, &mut sightings);
    let old = ripe(look, old, &mut sightings);
    let failure = decide(look, [of_pods.clone(), others].concat());
    let is_latched = look.memory.is_latched;
    Scan {
        is_degraded: failure.is_some() && is_latched,
        failure: failure.filter(|_| !is_latched),
        of_pods: decide(look, of_pods).filter(|_| !is_latched),
        old,
        is_gated: moving.iter().any(|pod| signs::is_gated(pod)),
        sightings,
        births,
    }
}

/// A Job makes a new pod for each that fails, and a bare pod is its own.
fn births(look: &Look<'_>, live: &Workload, new: &[&Pod]) -> BTreeMap<String, Birth> {
    match live {
        Workload::Deployment(_)
        | Workload::StatefulSet(_)
        | Workload::DaemonSet(_)
        | Workload::ReplicaSet(_)
        | Workload::ArgoRollout(_) => churn::births(look, new),
        Workload::Job(_)
        | Workload::CronJob(_)
        | Workload::Pod(_)
        | Workload::FlaggerCanary(_)
        | Workload::Plain(_) => BTreeMap::new(),
    }
}

fn length_of(pods: &[&Pod]) -> u32 {
    snapshot::length(pods.len())
}

fn is_moving(pod: &Pod) -> bool {
    snapshot::is_live(pod) && !snapshot::is_terminating(pod)
}

fn of_pods(look: &Look<'_>, pods: &[&Pod]) -> Vec<Sign> {
    pods.iter()
        .flat_map(|pod| {
            let own = signs::of_pod(pod, look.policy);
            own.into_iter()
                .chain(signs::of_events(pod, &look.snapshot.events))
                .chain(signs::of_claims(pod, &look.snapshot.events))
                .chain(unready::of_pod(pod, &look.snapshot.events, look.policy))
        })
        .collect()
}

/// E7 and E8.
fn crashes(look: &Look<'_>, pods: &[&Pod], wanted: u32) -> Vec<Sign> {
    let was_ready = look.memory.was_ready || pods.iter().any(|pod| snapshot::is_ready(pod));
    let crashes: Vec<_> = pods
        .iter()
        .filter_map(|pod| signs::crash(pod).map(|crash| (*pod, crash)))
        .collect();
    let backing_off = crashes
        .iter()
        .filter(|(_, crash)| crash.is_backing_off)
        .count();
    // One restart of one pod of several is normal while a dependency comes up; one of every pod is not.
    let all_crash = wanted >= 1 && snapshot::length(backing_off) >= wanted;
    let many = |restarts: u32| restarts >= look.policy.crash_restarts;
    crashes
        .iter()
        .filter(|(_, crash)| {
            (crash.is_backing_off && (all_crash || many(crash.restarts)))
                || (!was_ready && many(crash.restarts))
        })
        .map(|(pod, crash)| signs::of_crash(pod, crash))
        .collect()
}

/// E7 of pods that nobody waits to see ready.
fn crashes_that_last(look: &Look<'_>, pods: &[&Pod]) -> Vec<Sign> {
    let crashes = pods
        .iter()
        .filter_map(|pod| signs::crash(pod).map(|crash| (pod, crash)));
    crashes
        .filter(|(_, crash)| crash.is_backing_off && crash.restarts >= look.policy.crash_restarts)
        .map(|(pod, crash)| signs::of_crash(pod, &crash))
        .collect()
}

/// E15.
fn rejections(pods: &[&Pod]) -> Vec<Sign> {
    let rejected: Vec<_> = pods
        .iter()
        .filter_map(|pod| signs::of_rejection(pod))
        .collect();
    if rejected.len() >= REJECTED_PODS_MAX {
        rejected
    } else {
        Vec::new()
    }
}

/// E11 to E14: pods that cannot even be created.
fn of_owner(look: &Look<'_>, live: &Workload, lacks_pods: bool) -> Vec<Sign> {
    match live {
        Workload::Deployment(deployment) => of_deployment(look, live, deployment),
        Workload::ReplicaSet(set) => replica_failure(live, set).into_iter().collect(),
        Workload::ArgoRollout(rollout) => {
            let hash = rollout.new_hash(look.snapshot);
            let sets = look.snapshot.replica_sets.iter();
            let is_new = |set: &&Digested<ReplicaSet>| {
                hash.is_some()
                    && snapshot::label(&set.metadata, HASH_LABEL) == hash
                    && snapshot::controller(&set.metadata)
                        .is_some_and(|owner| owner.uid == snapshot::uid(live.metadata()))
            };
            sets.filter(is_new)
                .filter_map(|set| replica_failure(live, set))
                .collect()
        }
        Workload::StatefulSet(_) | Workload::DaemonSet(_) | Workload::Job(_) if lacks_pods => {
            of_owner_events(look, live).into_iter().collect()
        }
        Workload::StatefulSet(_)
        | Workload::DaemonSet(_)
        | Workload::Job(_)
        | Workload::CronJob(_)
        | Workload::FlaggerCanary(_)
        | Workload::Plain(_)
        | Workload::Pod(_) => Vec::new(),
    }
}

/// What a ReplicaSet says of pods that it could not create.
fn replica_failure(live: &Workload, set: &ReplicaSet) -> Option<Sign> {
    let conditions = set.status.as_ref()?.conditions.as_ref()?;
    let failure = conditions.iter().find(|condition| {
        condition.type_.as_deref() == Some("ReplicaFailure")
            && condition.status.as_deref() == Some("True")
    })?;
    let message = failure.message.as_deref().unwrap_or_default();
    let began = failure.last_transition_time.as_ref().map(|time| time.0);
    Some(rejected(live, message, None, began))
}

fn of_deployment(look: &Look<'_>, live: &Workload, deployment: &Digested<Deployment>) -> Vec<Sign> {
    let sets = new_replica_sets(deployment, &look.snapshot.replica_sets);
    // On the new ReplicaSet: the Deployment's copy of this condition may come from an old one.
    let failure = sets.first().and_then(|set| replica_failure(live, set));
    let mut found: Vec<_> = failure.into_iter().collect();
    let refused = progressing(deployment.status.as_ref()).filter(|condition| {
        condition.reason.as_deref() == Some("ReplicaSetCreateError")
            && !is_in_baseline(look, condition)
    });
    if let Some(refused) = refused {
        let message = refused.message.as_deref().unwrap_or_default();
        let began = refused.last_update_time.as_ref().map(|time| time.0);
        found.push(rejected(live, message, Some(SECOND_LOOK), began));
    }
    found
}

fn of_owner_events(look: &Look<'_>, live: &Workload) -> Option<Sign> {
    let about = |event: &&Event| {
        event.reason.as_deref() == Some("FailedCreate")
            && event.type_.as_deref() == Some("Warning")
            && signs::is_about(event, &live.reference().kind, live.metadata())
            && is_newer(look, event)
    };
    let mut events: Vec<&Event> = look.snapshot.events.iter().filter(about).collect();
    events.sort_by_key(|event| snapshot::name(&event.metadata));
    let times = |event: &&Event| {
        let series = event.series.as_ref().and_then(|series| series.count);
        snapshot::count(event.count.max(series)).max(1)
    };
    let message = events.last()?.message.as_deref().unwrap_or_default();
    let repeated = events.iter().map(times).fold(0_u32, u32::saturating_add);
    (repeated >= 2).then(|| rejected(live, message, Some(SignedDuration::ZERO), None))
}

/// Newer than the apply in the server's own order; its clock and ours are not compared.
fn is_newer(look: &Look<'_>, event: &Event) -> bool {
    if look.snapshot.read == Read::File && look.applied.resource_version.is_empty() {
        // Nobody has said when the apply was: then it must be of now.
        let age = last_seen(event).map(|last| look.snapshot.now.duration_since(last));
        return age.is_none_or(|age| age <= RECENT);
    }
    let number = |version: &str| version.parse::<u64>().ok();
    let event = event.metadata.resource_version.as_deref().and_then(number);
    event > number(&look.applied.resource_version)
}

/// When an event last happened, as far as it says so.
fn last_seen(event: &Event) -> Option<Timestamp> {
    let series = event.series.as_ref();
    let series = series.and_then(|series| series.last_observed_time.as_ref());
    let times = [
        series.map(|time| time.0),
        event.last_timestamp.as_ref().map(|time| time.0),
        event.event_time.as_ref().map(|time| time.0),
    ];
    times.into_iter().flatten().max()
}

/// Pods that the API server refuses, after a time that depends on why if none is given.
fn rejected(
    live: &Workload,
    message: &str,
    after: Option<SignedDuration>,
    began: Option<Timestamp>,
) -> Sign {
    let lower = message.to_lowercase();
    let refusals = [
        "podsecurity",
        "admission webhook",
        "serviceaccount",
        "is invalid",
    ];
    let (reason, patience) = if lower.contains("exceeded quota") {
        (Reason::Quota, QUOTA_PATIENCE)
    } else if refusals.iter().any(|refusal| lower.contains(refusal)) {
        (Reason::CreateRejected, SECOND_LOOK)
    } else {
        (Reason::CreateRejected, QUOTA_PATIENCE)
    };
    Sign {
        key: format!("create/{reason}"),
        reason,
        class: Class::Retryable,
        after: after.unwrap_or(patience),
        began,
        detail: signs::cut(message),
        object: live.reference(),
        is_tolerable: false,
    }
}

fn old_of_stateful_set<'a>(
    look: &Look<'a>,
    live: &Workload,
    lineage: &Lineage<'_>,
) -> Vec<&'a Pod> {
    if !matches!(live, Workload::StatefulSet(_)) {
        return Vec::new();
    }
    let pods = look.snapshot.pods.iter();
    pods.filter(|pod| is_moving(pod) && lineage.standing(pod) == Standing::Old)
        .collect()
}

/// The signs that have lasted long enough; all of them are remembered.
fn ripe(
    look: &Look<'_>,
    found: Vec<Sign>,
    sightings: &mut BTreeMap<String, Sighting>,
) -> Vec<Sign> {
    let now = look.snapshot.now;
    let mut ripe = Vec::new();
    for mut sign in found {
        // A file is looked at once: how long it has lasted, the object itself says, or nobody.
        let since = match look.snapshot.read {
            Read::Live | Read::Cached => now,
            // Its clock may be ahead of ours: what it shows has begun.
            Read::File => sign.began.unwrap_or(Timestamp::MIN).min(now),
        };
        let mut sighting = Sighting {
            since,
            after: sign.after,
            detail: sign.detail.clone(),
        };
        if let Some(before) = look.memory.sightings.get(&sign.key) {
            sighting.since = before.since;
            // The kubelet says what is wrong at one look and that it backs off at the next.
            if before.after < sighting.after {
                sighting.after = before.after;
                sighting.detail.clone_from(&before.detail);
            }
        }
        sign.detail.clone_from(&sighting.detail);
        if now.duration_since(sighting.since) >= sighting.after {
            ripe.push(sign.clone());
        }
        sightings.insert(sign.key, sighting);
    }
    ripe
}

/// The failure to report, if too many pods fail.
fn decide(look: &Look<'_>, mut ripe: Vec<Sign>) -> Option<Verdict> {
    let failing: BTreeSet<_> = ripe
        .iter()
        .filter(|sign| sign.is_tolerable)
        .map(|sign| sign.object.clone())
        .collect();
    if snapshot::length(failing.len()) <= look.policy.allow_failed_pods {
        ripe.retain(|sign| !sign.is_tolerable);
    }
    ripe.sort_by(|left, right| {
        (left.class, left.reason, &left.detail).cmp(&(right.class, right.reason, &right.detail))
    });
    let first = ripe.first()?;
    let same = ripe.iter().filter(|sign| sign.reason == first.reason);
    let objects: BTreeSet<_> = same.map(|sign| sign.object.clone()).collect();
    let more = objects.len() - 1;
    let more = if more == 0 {
        String::new()
    } else {
        format!(" (and {more} more)")
    };
    Some(Verdict::Failed {
        reason: first.reason,
        class: first.class,
        detail: format!("{}{more}", first.detail),
        objects: objects.into_iter().collect(),
    })
}

/// E19: new pods whose node is not ready; a note, since their own readiness decides.
pub(super) fn lost_nodes(look: &Look<'_>, new: &[&Pod]) -> Option<Note> {
    let is_lost = |pod: &&&Pod| {
        snapshot::is_live(pod) && node_state(look.snapshot, node(pod)) == NodeState::NotReady
    };
    new.iter()
        .any(|pod| is_lost(&pod))
        .then_some(Note::NodeNotReady)
}
