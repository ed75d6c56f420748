//! How far a StatefulSet is; completion.md §4.3.
//!
//! Its ready counters include terminating pods, and `currentRevision == updateRevision` also holds after a
//! half-way return: neither proves anything alone.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;

use super::assessment::Note;
use super::failure::Scan;
use super::lineage::{Lineage, Standing};
use super::reason::Reason;
use super::snapshot::{self, count, replicas};
use super::verdict::{Class, Verdict};
use super::{Judgement, Look};

/// The pods of a set by what they are to it, those on their way out left aside.
struct Pods<'a> {
    new: Vec<&'a Pod>,
    old: Vec<&'a Pod>,
}

/// Rows S1 to S12.
pub(super) fn judge(
    look: &Look<'_>,
    set: &StatefulSet,
    lineage: &Lineage<'_>,
    scan: &Scan,
) -> Judgement {
    let wanted = replicas(set.spec.replicas);
    let status = set.status.as_ref();
    let update = status
        .and_then(|status| status.update_revision.as_deref())
        .unwrap_or_default();
    if update.is_empty() {
        return Verdict::progressing(Reason::NotObserved, 0, wanted).into();
    }
    let staying = |pod: &&Pod| snapshot::is_live(pod) && !snapshot::is_terminating(pod);
    let of = |standing: Standing| {
        let pods = look.snapshot.pods.iter().filter(staying);
        pods.filter(|pod| lineage.standing(pod) == standing)
            .collect()
    };
    let pods = Pods {
        new: of(Standing::Current),
        old: of(Standing::Old),
    };
    let counted = counted(set, &pods, wanted);
    if let Some(failed) = scan.beside(&counted) {
        return failed.clone().into();
    }
    if counted == Verdict::Complete {
        let zero = (wanted == 0).then_some(Note::ZeroReplicas);
        return Judgement {
            verdict: counted,
            notes: zero.into_iter().collect(),
        };
    }
    let blocked = blocked(set, &pods, scan).or_else(|| held_back(set, &pods, wanted));
    blocked.unwrap_or(counted).into()
}

/// Rows S7 to S12.
fn counted(set: &StatefulSet, pods: &Pods<'_>, wanted: u32) -> Verdict {
    let status = set.status.clone().unwrap_or_default();
    let updated = count(status.updated_replicas);
    if updated != wanted {
        return Verdict::progressing(Reason::Updating, updated.min(wanted), wanted);
    }
    let all = count(Some(status.replicas));
    if all != wanted {
        return Verdict::progressing(Reason::Scaling, all.min(wanted), wanted);
    }
    let available = count(status.ready_replicas).min(count(status.available_replicas));
    if available < wanted {
        return Verdict::progressing(Reason::Available, available, wanted);
    }
    // The controller sets the current revision at the end, but never for `OnDelete`.
    if !is_on_delete(set) && status.current_revision != status.update_revision {
        return Verdict::progressing(Reason::Finalising, updated, wanted);
    }
    let first = first_ordinal(set);
    let ready = pods.new.iter().filter(|pod| {
        let place = ordinal(pod).and_then(|ordinal| ordinal.checked_sub(first));
        snapshot::is_ready(pod) && place.is_some_and(|place| place < wanted)
    });
    let ready = snapshot::length(ready.count());
    if ready < wanted {
        return Verdict::progressing(Reason::Pods, ready, wanted);
    }
    Verdict::Complete
}

/// Row S3: the controller waits for every pod in order, a broken one of an earlier revision included,
/// and does not replace that one even when the template has been put right.
fn blocked(set: &StatefulSet, pods: &Pods<'_>, scan: &Scan) -> Option<Verdict> {
    let policy = set.spec.pod_management_policy.as_deref();
    if is_on_delete(set) || policy.is_some_and(|policy| policy != "OrderedReady") {
        return None;
    }
    let is_broken = |pod: &&&Pod| !snapshot::is_ready(pod) && ordinal(pod).is_some();
    let (pod, sign) = pods.old.iter().filter(is_broken).find_map(|pod| {
        let reference = snapshot::pod_reference(pod);
        scan.old
            .iter()
            .find(|sign| sign.object == reference)
            .map(|sign| (reference, sign))
    })?;
    let detail = format!(
        "{}; delete pod {} to let the rollout go on",
        sign.detail, pod.name
    );
    Some(Verdict::Failed {
        reason: Reason::StuckOnBadRevision,
        class: Class::Terminal,
        detail,
        objects: vec![pod],
    })
}

/// Rows S4 to S6.
fn held_back(set: &StatefulSet, pods: &Pods<'_>, wanted: u32) -> Option<Verdict> {
    if pods.old.is_empty() {
        return held_back_by_counters(set, pods, wanted);
    }
    let new = snapshot::length(pods.new.len());
    if is_on_delete(set) {
        return Some(Verdict::paused(Reason::OnDelete, new, wanted));
    }
    let partition = partition(set);
    if partition == 0 {
        return None;
    }
    let above = wanted.saturating_sub(partition);
    let place = first_ordinal(set).saturating_add(partition);
    let done = pods.new.iter().filter(|pod| {
        snapshot::is_ready(pod) && ordinal(pod).is_some_and(|ordinal| ordinal >= place)
    });
    (snapshot::length(done.count()) >= above)
        .then(|| Verdict::paused(Reason::Partition, new, wanted))
}

/// The same where no pod is shown: the counters alone say that the rest is held back.
fn held_back_by_counters(set: &StatefulSet, pods: &Pods<'_>, wanted: u32) -> Option<Verdict> {
    let status = set.status.as_ref();
    let updated = count(status.and_then(|status| status.updated_replicas));
    let all = count(status.map(|status| status.replicas));
    if !pods.new.is_empty() || all != wanted || updated >= wanted {
        return None;
    }
    let partition = partition(set);
    if is_on_delete(set) {
        Some(Verdict::paused(Reason::OnDelete, updated, wanted))
    } else if partition > 0 && updated >= wanted.saturating_sub(partition) {
        Some(Verdict::paused(Reason::Partition, updated, wanted))
    } else {
        None
    }
}

/// The ordinal from which on pods are replaced.
fn partition(set: &StatefulSet) -> u32 {
    let strategy = set.spec.update_strategy.as_ref();
    let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
    count(rolling.and_then(|rolling| rolling.partition))
}

fn is_on_delete(set: &StatefulSet) -> bool {
    let strategy = set.spec.update_strategy.as_ref();
    strategy.and_then(|strategy| strategy.type_.as_deref()) == Some("OnDelete")
}

fn first_ordinal(set: &StatefulSet) -> u32 {
    count(
        set.spec
            .ordinals
            .as_ref()
            .and_then(|ordinals| ordinals.start),
    )
}

/// The number at the end of a pod's name.
fn ordinal(pod: &Pod) -> Option<u32> {
    snapshot::name(&pod.metadata)
        .rsplit_once('-')?
        .1
        .parse()
        .ok()
}
