//! How far a ReplicaSet or a pod without an owner is; completion.md §4.2, §4.5.

use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::Pod;

use super::failure::Scan;
use super::reason::Reason;
use super::snapshot::{self, count, replicas};
use super::verdict::{Class, Verdict};
use super::{Judgement, Look};

/// The annotation by which a bare pod says that it serves and does not end.
const SERVICE_POD: &str = "tidegate.dev/service-pod";

/// Rows RS2 to RS5.
pub(super) fn judge_replica_set(look: &Look<'_>, set: &ReplicaSet, scan: &Scan) -> Judgement {
    let before = look.baseline.template_digest.as_ref();
    let is_changed = before.is_some_and(|before| *before != look.applied.template_digest);
    let is_known = |pod: &&Pod| {
        let uid = snapshot::uid(&pod.metadata);
        snapshot::is_live(pod) && look.baseline.pods.iter().any(|before| before.uid == uid)
    };
    if is_changed && look.snapshot.pods.iter().any(|pod| is_known(&pod)) {
        let detail = "a ReplicaSet never replaces its pods: delete them, or use a Deployment";
        return Verdict::failed(Reason::TemplateChangeHasNoEffect, Class::Terminal, detail).into();
    }
    let wanted = replicas(set.spec.replicas);
    let status = set.status.clone().unwrap_or_default();
    let labelled = count(status.fully_labeled_replicas);
    let available = count(status.available_replicas);
    let counted = if count(Some(status.replicas)) != wanted {
        Verdict::progressing(
            Reason::Scaling,
            count(Some(status.replicas)).min(wanted),
            wanted,
        )
    } else if labelled < wanted || available < wanted {
        Verdict::progressing(Reason::Available, available.min(labelled), wanted)
    } else {
        Verdict::Complete
    };
    scan.beside(&counted).unwrap_or(&counted).clone().into()
}

/// Rows P2 to P8.
pub(super) fn judge_pod(pod: &Pod, scan: &Scan) -> Judgement {
    let status = pod.status.as_ref();
    let phase = status
        .and_then(|status| status.phase.as_deref())
        .unwrap_or_default();
    let policy = pod
        .spec
        .as_ref()
        .and_then(|spec| spec.restart_policy.as_deref());
    let runs_for_ever = matches!(policy, None | Some("Always"));
    let annotations = pod.metadata.annotations.as_ref();
    let serves = annotations.and_then(|annotations| annotations.get(SERVICE_POD));
    let serves = runs_for_ever || serves.is_some_and(|value| value == "true");
    let is_ready = snapshot::is_ready(pod);
    let verdict = match (phase, &scan.failure) {
        ("Failed", _) => {
            let message = status.and_then(|status| status.message.as_deref());
            let detail = message.unwrap_or("a container ended with an error");
            Verdict::failed(Reason::PodFailed, Class::Terminal, detail)
        }
        ("Succeeded", _) if !runs_for_ever => Verdict::Complete,
        ("Succeeded", _) => Verdict::failed(
            Reason::Exited,
            Class::Terminal,
            "it ended, and should run for ever",
        ),
        ("Running", _) if is_ready && serves => Verdict::Complete,
        (_, Some(failed)) => failed.clone(),
        ("Running", None) if is_ready => Verdict::progressing(Reason::RunningToCompletion, 0, 1),
        ("Running", None) => Verdict::progressing(Reason::NotReady, 0, 1),
        ("Unknown", None) => Verdict::progressing(Reason::NodeLost, 0, 1),
        ("" | "Pending", None) => Verdict::progressing(Reason::PodPending, 0, 1),
        (_, None) => Verdict::progressing(Reason::UnknownStatus, 0, 1),
    };
    verdict.into()
}
