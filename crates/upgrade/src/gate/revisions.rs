//! Which revisions of a workload run: what the planner takes for "old".
//!
//! In: a snapshot. Out: the live pods of the workload, Terminating ones included, by revision; and the revision that
//! it is about to make pods of.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::baseline::Baseline;
use super::lineage::{Lineage, Standing, revision};
use super::snapshot::{self, Snapshot};
use super::workload::Workload;
use tidegate_spec::crd::CONTRACT_ANNOTATION;

/// One revision of a workload that has a live pod, or will have one without anybody's doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveRevision {
    /// The value of the label that tells revisions apart; for a Job its uid; `template` where no pod has it yet.
    pub hash: String,
    /// What its pods say that it serves and calls: the annotation `tidegate.dev/contract`.
    pub contract: Option<String>,
    /// Its live pods by name.
    pub pods: Vec<String>,
    /// Whether it is the one that the workload wants.
    pub is_current: bool,
    /// The images of its containers, for people.
    pub images: String,
}

/// The revisions of the snapshot's workload that may take part in a call, by hash.
pub fn revisions(snapshot: &Snapshot) -> Vec<LiveRevision> {
    let Some(live) = &snapshot.workload else {
        return Vec::new();
    };
    let baseline = Baseline::absent(live.reference());
    let lineage = Lineage::of(&baseline, snapshot);
    let mut by_hash: BTreeMap<String, LiveRevision> = BTreeMap::new();
    let mut pods: Vec<&Pod> = snapshot
        .pods
        .iter()
        .filter(|pod| snapshot::is_live(pod))
        .collect();
    pods.sort_by_key(|pod| snapshot::name(&pod.metadata));
    for pod in pods {
        let is_current = match lineage.standing(pod) {
            Standing::Current => true,
            Standing::Old => false,
            Standing::Foreign(_) | Standing::Orphan => continue,
        };
        let hash = revision(pod).to_owned();
        let revision = by_hash.entry(hash.clone()).or_insert_with(|| LiveRevision {
            hash,
            contract: None,
            pods: Vec::new(),
            is_current,
            images: pod.spec.as_ref().map(images).unwrap_or_default(),
        });
        // The template is one, so one pod that still has the stamp speaks for all.
        revision.contract = revision.contract.take().or_else(|| contract(&pod.metadata));
        revision.pods.push(snapshot::name(&pod.metadata).to_owned());
    }
    let mut revisions: Vec<_> = by_hash.into_values().collect();
    if !revisions.iter().any(|revision| revision.is_current) {
        revisions.extend(coming(live));
    }
    revisions
}

/// The revision that a workload is about to make pods of: its template may just have been changed, or somebody may
/// scale it up. A Job that has run makes none any more, and a Pod is its own.
fn coming(live: &Workload) -> Option<LiveRevision> {
    match live {
        Workload::Deployment(_)
        | Workload::StatefulSet(_)
        | Workload::DaemonSet(_)
        | Workload::ReplicaSet(_)
        | Workload::ArgoRollout(_)
        | Workload::CronJob(_) => {}
        Workload::Job(_) | Workload::Pod(_) | Workload::FlaggerCanary(_) | Workload::Plain(_) => {
            return None;
        }
    }
    let template = live.template();
    Some(LiveRevision {
        hash: "template".to_owned(),
        contract: template.metadata.as_ref().and_then(contract),
        pods: Vec::new(),
        is_current: true,
        images: template.spec.as_ref().map(images).unwrap_or_default(),
    })
}

fn contract(metadata: &ObjectMeta) -> Option<String> {
    metadata
        .annotations
        .as_ref()?
        .get(CONTRACT_ANNOTATION)
        .cloned()
}

fn images(spec: &PodSpec) -> String {
    let images: Vec<_> = spec
        .containers
        .iter()
        .filter_map(|container| container.image.as_deref())
        .collect();
    images.join(", ")
}
