//! The workloads whose pods belong to another one: what a Canary copies, what a Rollout takes its template from.

use std::borrow::Cow;

use k8s_openapi::api::core::v1::PodTemplateSpec;

use super::argo_rollouts::Target;
use super::snapshot::Snapshot;
use super::workload::{self, Workload};

/// Those that are there. Their pods are the workload's own.
pub(super) fn of(snapshot: &Snapshot) -> Vec<&Workload> {
    snapshot
        .workload
        .as_ref()
        .map(|live| found(live, &snapshot.others))
        .unwrap_or_default()
}

/// What a workload refers to in its own namespace, by group, kind and name: whoever reads it must read these too.
pub fn references(workload: &Workload) -> Vec<(String, String, String)> {
    let owned = |target: &Target| {
        let (group, kind, name) = target.key();
        (group.to_owned(), kind.to_owned(), name.to_owned())
    };
    match workload {
        Workload::ArgoRollout(rollout) => rollout.spec.workload_ref.iter().map(owned).collect(),
        Workload::FlaggerCanary(canary) => {
            let (group, kind, name) = owned(&canary.spec.target_ref);
            let primary = format!("{name}-primary");
            vec![(group.clone(), kind.clone(), name), (group, kind, primary)]
        }
        Workload::Deployment(_)
        | Workload::StatefulSet(_)
        | Workload::DaemonSet(_)
        | Workload::ReplicaSet(_)
        | Workload::Job(_)
        | Workload::CronJob(_)
        | Workload::Pod(_)
        | Workload::Plain(_) => Vec::new(),
    }
}

fn found<'a>(live: &Workload, others: &'a [Workload]) -> Vec<&'a Workload> {
    let namespace = live.metadata().namespace.as_deref().unwrap_or_default();
    references(live)
        .iter()
        .filter_map(|(group, kind, name)| workload::find(others, (group, kind, name), namespace))
        .collect()
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
