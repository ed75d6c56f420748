//! New pods that somebody deletes as fast as they are made; completion.md §3, E20.
//!
//! In: the new pods of a look and those of the looks before. Out: the sign, if one place has had too many of them in a
//! minute, and what to remember.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use serde::{Deserialize, Serialize};

use super::Look;
use super::baseline::node;
use super::reason::Reason;
use super::signs::Sign;
use super::snapshot;
use super::verdict::Class;
use super::workload::Workload;

/// So many pods in one place within [`WITHIN`] are no accident.
const CHANGES_MAX: u32 = 5;
const WITHIN: SignedDuration = SignedDuration::from_secs(60);

/// A new pod that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Birth {
    /// Where it stands for another: its ordinal, its node, or any place.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) place: String,
    /// When it was first seen.
    pub(super) at: Timestamp,
}

/// The new pods that were first seen within the last minute, or are still there.
pub(super) fn births(look: &Look<'_>, new: &[&Pod]) -> BTreeMap<String, Birth> {
    let now = look.snapshot.now;
    let is_young = |birth: &Birth| now.duration_since(birth.at) < WITHIN;
    let before = &look.memory.births;
    let mut births: BTreeMap<String, Birth> = before
        .iter()
        .filter(|(_, birth)| is_young(birth))
        .map(|(uid, birth)| (uid.clone(), birth.clone()))
        .collect();
    // What has ended by itself, or was turned away, is another sign's.
    for pod in new.iter().filter(|pod| snapshot::is_live(pod)) {
        let uid = snapshot::uid(&pod.metadata).to_owned();
        let known = before.get(&uid).cloned();
        births.entry(uid).or_insert_with(|| {
            known.unwrap_or_else(|| Birth {
                place: place(look, pod),
                at: now,
            })
        });
    }
    births
}

/// The sign that pods are deleted again and again.
pub(super) fn of_births(
    look: &Look<'_>,
    live: &Workload,
    births: &BTreeMap<String, Birth>,
    wanted: u32,
) -> Option<Sign> {
    let now = look.snapshot.now;
    let mut places: BTreeMap<&str, u32> = BTreeMap::new();
    for birth in births
        .values()
        .filter(|birth| now.duration_since(birth.at) < WITHIN)
    {
        *places.entry(birth.place.as_str()).or_default() += 1;
    }
    // Of a place for any pod the first ones are those that are wanted.
    let most = places.iter().map(|(place, seen)| {
        let first = if place.is_empty() { wanted } else { 1 };
        seen.saturating_sub(first)
    });
    let changes = most.max().filter(|changes| *changes >= CHANGES_MAX)?;
    Some(Sign {
        key: "churn".to_owned(),
        reason: Reason::PodChurn,
        class: Class::Retryable,
        after: SignedDuration::ZERO,
        began: None,
        detail: format!(
            "{changes} new pods were deleted and made again within a minute: somebody deletes them"
        ),
        object: live.reference(),
        is_tolerable: false,
    })
}

/// What one pod stands in for another at: by name, by node, or anywhere.
fn place(look: &Look<'_>, pod: &Pod) -> String {
    match &look.snapshot.workload {
        Some(Workload::StatefulSet(_)) => snapshot::name(&pod.metadata).to_owned(),
        Some(Workload::DaemonSet(_)) => node(pod).to_owned(),
        Some(
            Workload::Deployment(_)
            | Workload::ReplicaSet(_)
            | Workload::Job(_)
            | Workload::CronJob(_)
            | Workload::Pod(_)
            | Workload::ArgoRollout(_)
            | Workload::FlaggerCanary(_)
            | Workload::Plain(_),
        )
        | None => String::new(),
    }
}
