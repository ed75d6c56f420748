//! The stamps in a pod template, and pods whose stamp contradicts their hash; completion.md §5.9.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Pod, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::lineage::Lineage;
use super::reason::Reason;
use super::snapshot::{self, Snapshot};
use tidegate_spec::crd::CONTRACT_ANNOTATION;

/// The annotation with a digest over the rendered template and the content of what it refers to.
const DIGEST_ANNOTATION: &str = "tidegate.dev/template-digest";

/// The stamps of a pod template.
pub(super) fn of_template(template: &PodTemplateSpec) -> BTreeMap<&'static str, &str> {
    let metadata = template.metadata.as_ref();
    let stamps = [CONTRACT_ANNOTATION, DIGEST_ANNOTATION];
    stamps
        .into_iter()
        .filter_map(|key| Some((key, metadata?.annotations.as_ref()?.get(key)?.as_str())))
        .collect()
}

/// The digest that a pod or template is stamped with.
pub(super) fn digest(metadata: &ObjectMeta) -> Option<&str> {
    metadata
        .annotations
        .as_ref()?
        .get(DIGEST_ANNOTATION)
        .map(String::as_str)
}

/// A live pod that is new by its hash and has another stamp than its template.
pub(super) fn mismatch(snapshot: &Snapshot, lineage: &Lineage<'_>) -> Option<(Reason, String)> {
    let live = snapshot.workload.as_ref()?;
    let template = live.template();
    let wanted = template.metadata.as_ref().and_then(digest)?;
    let differs = |pod: &&&Pod| {
        snapshot::is_live(pod) && digest(&pod.metadata).is_some_and(|stamp| stamp != wanted)
    };
    let pods = lineage.current_pods(&snapshot.pods);
    let mut names: Vec<_> = pods
        .iter()
        .filter(differs)
        .map(|pod| snapshot::name(&pod.metadata))
        .collect();
    names.sort_unstable();
    let first = names.first()?;
    Some((
        Reason::StampMismatch,
        format!("pod {first} is stamped with another template than its own"),
    ))
}
