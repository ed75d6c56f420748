//! Broken, told apart from slow, long before the progress deadline; completion.md §3.
//!
//! In: a look and the pods of the new revision. Out: the failure, if one has lasted long enough, and what
//! to remember of those that have not. Time is measured between looks, never against a server's clock.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Event, Pod};

use super::Look;
use super::deployment::{is_in_baseline, progressing};
use super::lineage::{Lineage, Standing, new_replica_sets};
use super::memory::Sighting;
use super::reason::Reason;
use super::signs::{self, Sign};
use super::snapshot::{self, Workload};
use super::verdict::{Class, Verdict};

/// So many pods that nodes turn away are no accident.
const REJECTED_PODS_MAX: usize = 3;
/// Seen once may be a glimpse, seen again is a fact.
const SECOND_LOOK: SignedDuration = SignedDuration::from_secs(1);
/// A quota may be raised, or room be made, by what rolls at the same time.
const QUOTA_PATIENCE: SignedDuration = SignedDuration::from_secs(30);

/// What looking for failures found.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// A failure of the new revision.
    pub(super) failure: Option<Verdict>,
    /// It was complete before: the failure is an incident.
    pub(super) is_degraded: bool,
    /// What is wrong with old pods that may block a StatefulSet.
    pub(super) old: Vec<Sign>,
    /// A new pod waits for its scheduling gates.
    pub(super) is_gated: bool,
    /// What to remember.
    pub(super) sightings: BTreeMap<String, Sighting>,
}

/// Looks for failures of a workload that is to have so many pods.
pub(super) fn scan(look: &Look<'_>, lineage: &Lineage<'_>, wanted: u32) -> Scan {
    let Some(live) = &look.snapshot.workload else {
        return Scan::default();
    };
    let new = lineage.current_pods(&look.snapshot.pods);
    let moving: Vec<&Pod> = new.iter().copied().filter(|pod| is_moving(pod)).collect();
    let mut found = of_pods(look, &moving);
    if !matches!(live, Workload::Job(_)) {
        // Whether a container may end is a Job's own business.
        found.extend(crashes(look, &moving, wanted));
    }
    found.extend(rejections(&new));
    found.extend(of_owner(look, live, length_of(&moving) < wanted));
    let old = of_pods(look, &old_of_stateful_set(look, live, lineage));

    let mut sightings = BTreeMap::new();
    let ripe = ripe(look, found, &mut sightings);
    let old = self::ripe(look, old, &mut sightings);
    let failure = decide(look, ripe);
    Scan {
        is_degraded: failure.is_some() && look.memory.is_latched,
        failure: failure.filter(|_| !look.memory.is_latched),
        old,
        is_gated: moving.iter().any(|pod| signs::is_gated(pod)),
        sightings,
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
    // One restart of one pod is normal while a dependency comes up; one of each of several is not.
    let all_crash = wanted >= 2 && snapshot::length(backing_off) >= wanted;
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
        Workload::ReplicaSet(set) => {
            let failures = set
                .status
                .iter()
                .flat_map(|status| status.conditions.iter().flatten());
            let failure = failures.into_iter().find(|condition| {
                condition.type_.as_deref() == Some("ReplicaFailure")
                    && condition.status.as_deref() == Some("True")
            });
            let message = failure.map(|failure| failure.message.as_deref().unwrap_or_default());
            message
                .map(|message| rejected(live, message, None))
                .into_iter()
                .collect()
        }
        Workload::StatefulSet(_) | Workload::DaemonSet(_) | Workload::Job(_) if lacks_pods => {
            of_owner_events(look, live).into_iter().collect()
        }
        Workload::StatefulSet(_) | Workload::DaemonSet(_) | Workload::Job(_) | Workload::Pod(_) => {
            Vec::new()
        }
    }
}

fn of_deployment(look: &Look<'_>, live: &Workload, deployment: &Deployment) -> Vec<Sign> {
    let sets = new_replica_sets(deployment, &look.snapshot.replica_sets);
    // On the new ReplicaSet: the Deployment's copy of this condition may come from an old one.
    let conditions = sets
        .first()
        .and_then(|set| set.status.as_ref()?.conditions.as_ref());
    let failure = conditions.into_iter().flatten().find(|condition| {
        condition.type_.as_deref() == Some("ReplicaFailure")
            && condition.status.as_deref() == Some("True")
    });
    let mut found = Vec::new();
    if let Some(failure) = failure {
        found.push(rejected(
            live,
            failure.message.as_deref().unwrap_or_default(),
            None,
        ));
    }
    let refused = progressing(deployment.status.as_ref()).filter(|condition| {
        condition.reason.as_deref() == Some("ReplicaSetCreateError")
            && !is_in_baseline(look, condition)
    });
    if let Some(refused) = refused {
        let message = refused.message.as_deref().unwrap_or_default();
        found.push(rejected(live, message, Some(SECOND_LOOK)));
    }
    found
}

fn of_owner_events(look: &Look<'_>, live: &Workload) -> Option<Sign> {
    let about = |event: &&Event| {
        event.reason.as_deref() == Some("FailedCreate")
            && event.type_.as_deref() == Some("Warning")
            && event.involved_object.uid == live.metadata().uid
            && is_newer(look, event)
    };
    let mut events: Vec<&Event> = look.snapshot.events.iter().filter(about).collect();
    events.sort_by_key(|event| snapshot::name(&event.metadata));
    let times = |event: &&Event| {
        let series = event.series.as_ref().and_then(|series| series.count);
        snapshot::count(event.count.max(series)).max(1)
    };
    let message = events.last()?.message.as_deref().unwrap_or_default();
    (events.iter().map(times).sum::<u32>() >= 2)
        .then(|| rejected(live, message, Some(SignedDuration::ZERO)))
}

/// Newer than the apply in the server's own order; its clock and ours are not compared.
fn is_newer(look: &Look<'_>, event: &Event) -> bool {
    let number = |version: &str| version.parse::<u64>().ok();
    let event = event.metadata.resource_version.as_deref().and_then(number);
    event > number(&look.applied.resource_version)
}

/// Pods that the API server refuses, after a time that depends on why if none is given.
fn rejected(live: &Workload, message: &str, after: Option<SignedDuration>) -> Sign {
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
        let mut sighting = Sighting {
            since: now,
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
