//! How far a DaemonSet is; completion.md §4.4.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::Pod;

use super::assessment::Note;
use super::baseline::node;
use super::failure::Scan;
use super::lineage::{Lineage, Standing, daemon_set_hash};
use super::reason::Reason;
use super::snapshot::{self, count};
use super::vanished::{NodeState, node_state};
use super::verdict::{Class, Verdict};
use super::{Judgement, Look};

/// Rows DS1 to DS11.
pub(super) fn judge(
    look: &Look<'_>,
    set: &DaemonSet,
    lineage: &Lineage<'_>,
    scan: &Scan,
) -> Judgement {
    if snapshot::is_empty(&set.spec.selector) {
        let detail = "its selector is empty: the controller refuses to act on it";
        return Verdict::failed(Reason::SelectsAll, Class::Terminal, detail).into();
    }
    if daemon_set_hash(set, look.snapshot).is_none() {
        return Verdict::progressing(Reason::NotObserved, 0, 0).into();
    }
    let counted = counted(look, set, lineage);
    if let Some(failed) = scan.beside(&counted) {
        return failed.clone().into();
    }
    if counted == Verdict::Complete {
        let desired = set
            .status
            .as_ref()
            .map(|status| status.desired_number_scheduled);
        let none = (count(desired) == 0).then_some(Note::NoNodes);
        return Judgement {
            verdict: counted,
            notes: none.into_iter().collect(),
        };
    }
    counted.into()
}

/// Rows DS4 to DS11.
fn counted(look: &Look<'_>, set: &DaemonSet, lineage: &Lineage<'_>) -> Verdict {
    // A status that was never written is not one that wants no pods.
    let Some(status) = set.status.as_ref() else {
        return Verdict::progressing(Reason::NotObserved, 0, 0);
    };
    let desired = count(Some(status.desired_number_scheduled));
    let updated = count(status.updated_number_scheduled);
    if updated < desired {
        let strategy = set.spec.update_strategy.as_ref();
        let type_ = strategy.and_then(|strategy| strategy.type_.as_deref());
        return if type_ == Some("OnDelete") {
            Verdict::paused(Reason::OnDelete, updated, desired)
        } else {
            Verdict::progressing(Reason::Updating, updated, desired)
        };
    }
    let scheduled = count(Some(status.current_number_scheduled));
    if scheduled < desired {
        return Verdict::progressing(Reason::Scheduling, scheduled, desired);
    }
    let new = lineage.current_pods(&look.snapshot.pods);
    let enough = desired.saturating_sub(snapshot::length(excused(look, set, &new).len()));
    let available = count(status.number_available);
    if available < enough {
        return Verdict::progressing(Reason::Available, available, desired);
    }
    let staying: Vec<&Pod> = look
        .snapshot
        .pods
        .iter()
        .filter(|pod| snapshot::is_live(pod) && !snapshot::is_terminating(pod))
        .collect();
    let is_old = |pod: &&&Pod| lineage.standing(pod) == Standing::Old;
    // Pods on nodes that no longer match are in none of the counters above.
    if count(Some(status.number_misscheduled)) > 0 && staying.iter().any(|pod| is_old(&pod)) {
        return Verdict::progressing(Reason::Misscheduled, updated, desired);
    }
    // Two on one node stand for one.
    let nodes: BTreeSet<&str> = new
        .iter()
        .filter(|pod| snapshot::is_ready(pod))
        .map(|pod| node(pod))
        .collect();
    let ready = snapshot::length(nodes.len());
    if ready < enough || staying.iter().any(|pod| is_old(&pod)) {
        return Verdict::progressing(Reason::Pods, ready.min(desired), desired);
    }
    Verdict::Complete
}

/// New pods that may be missing since their node is down, as many as the policy allows (DS3).
pub(super) fn excused<'p>(look: &Look<'_>, set: &DaemonSet, new: &[&'p Pod]) -> Vec<&'p Pod> {
    let status = set.status.as_ref();
    let desired = count(status.map(|status| status.desired_number_scheduled));
    let allowed = look.policy.allow_failed_nodes.of(desired);
    let is_down = |pod: &&&Pod| {
        !snapshot::is_ready(pod) && node_state(look.snapshot, node(pod)) == NodeState::NotReady
    };
    let mut down: Vec<&Pod> = new.iter().filter(is_down).copied().collect();
    down.sort_by_key(|pod| snapshot::name(&pod.metadata));
    down.truncate(usize::try_from(allowed).unwrap_or(usize::MAX));
    down
}
