//! The workloads whose pods belong to another one: what a Canary copies, what a Rollout takes its template from.

use std::borrow::Cow;

use k8s_openapi::api::core::v1::PodTemplateSpec;

use super::argo_rollouts::Target;
use super::snapshot::Snapshot;
use super::workload::Workload;
use tidegate_spec::ObjectRef;

/// What Flagger appends to the name of its copy.
pub(super) const PRIMARY: &str = "-primary";

/// Those that are there. Their pods are the workload's own.
pub(super) fn of(snapshot: &Snapshot) -> Vec<&Workload> {
    snapshot
        .workload
        .as_ref()
        .map(|live| found(live, &snapshot.others))
        .unwrap_or_default()
}

/// What a workload refers to in its own namespace: whoever reads it must read these too.
pub fn references(workload: &Workload) -> Vec<ObjectRef> {
    let namespace = workload.metadata().namespace.clone().unwrap_or_default();
    let named = |target: &Target, suffix: &str| ObjectRef {
        api_version: target.api_version.clone(),
        kind: target.kind.clone(),
        namespace: namespace.clone(),
        name: format!("{}{suffix}", target.name),
    };
    match workload {
        Workload::ArgoRollout(rollout) => {
            let target = rollout.spec.workload_ref.iter();
            target.map(|target| named(target, "")).collect()
        }
        Workload::FlaggerCanary(canary) => {
            let target = &canary.spec.target_ref;
            vec![named(target, ""), named(target, PRIMARY)]
        }
        Workload::Plain(object) => object.storage_class().into_iter().collect(),
        Workload::Deployment(_)
        | Workload::StatefulSet(_)
        | Workload::DaemonSet(_)
        | Workload::ReplicaSet(_)
        | Workload::Job(_)
        | Workload::CronJob(_)
        | Workload::Pod(_) => Vec::new(),
    }
}

fn found<'a>(live: &Workload, others: &'a [Workload]) -> Vec<&'a Workload> {
    let references = references(live);
    let is_meant = |other: &&Workload| {
        let reference = other.reference();
        other.has_pods()
            && references
                .iter()
                .any(|wanted| wanted.identity() == reference.identity())
    };
    others.iter().filter(is_meant).collect()
}

/// The pod templates of a workload and of those whose pods are its own.
pub(super) fn templates<'a>(
    live: &'a Workload,
    others: &'a [Workload],
) -> Vec<Cow<'a, PodTemplateSpec>> {
    let kin = found(live, others);
    std::iter::once(live)
        .chain(kin)
        .map(Workload::template)
        .collect()
}
