//! Which revisions of a workload run: what the planner takes for "old".
//!
//! In: a snapshot. Out: the live pods of the workload, Terminating ones included, by revision.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;

use super::baseline::Baseline;
use super::lineage::{Lineage, Standing, revision};
use super::snapshot::{self, Snapshot};
use crate::spec::crd::CONTRACT_ANNOTATION;

/// One revision of a workload that has a live pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveRevision {
    /// The value of the label that tells revisions apart; for a Job its uid.
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

/// The revisions of the snapshot's workload that have a live pod, by hash.
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
            images: images(pod),
        });
        // The template is one, so one pod that still has the stamp speaks for all.
        revision.contract = revision.contract.take().or_else(|| contract(pod));
        revision.pods.push(snapshot::name(&pod.metadata).to_owned());
    }
    by_hash.into_values().collect()
}

fn contract(pod: &Pod) -> Option<String> {
    pod.metadata
        .annotations
        .as_ref()?
        .get(CONTRACT_ANNOTATION)
        .cloned()
}

fn images(pod: &Pod) -> String {
    let containers = pod.spec.iter().flat_map(|spec| spec.containers.iter());
    let images: Vec<_> = containers
        .filter_map(|container| container.image.as_deref())
        .collect();
    images.join(", ")
}
