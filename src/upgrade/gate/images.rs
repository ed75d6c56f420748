//! One revision must be one program: the same tag may name two images, and a pod may be changed by hand.
//!
//! In: the pods of the new revision. Out: why they are not all alike; completion.md §5.10.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Pod;

use super::Look;
use super::kin;
use super::lineage::Lineage;
use super::reason::Reason;
use super::snapshot;

/// Why the new pods are not all alike.
pub(super) fn differ(look: &Look<'_>, lineage: &Lineage<'_>) -> Option<(Reason, String)> {
    let mut pods = lineage.current_pods(&look.snapshot.pods);
    pods.retain(|pod| snapshot::is_live(pod));
    // What a webhook adds is not the service: an upgraded sidecar injector makes no other revision.
    let templates = kin::templates(look.snapshot.workload.as_ref()?, &look.snapshot.others);
    let mut containers = templates
        .iter()
        .flat_map(|template| template.spec.iter().flat_map(|spec| &spec.containers));
    let containers: Vec<_> = containers
        .by_ref()
        .map(|container| container.name.as_str())
        .collect();
    let is_own = |(name, _): &(&str, &str)| containers.contains(name);
    let asked = pods.iter().flat_map(|pod| asked(pod)).filter(is_own);
    if let Some((container, images)) = first_difference(asked) {
        let detail = format!("container {container} has the images {images}");
        return Some((Reason::PatchedPod, detail));
    }
    let (container, images) =
        first_difference(pods.iter().flat_map(|pod| running(pod)).filter(is_own))?;
    Some((
        Reason::MixedImages,
        format!("container {container} runs {images}"),
    ))
}

fn first_difference<'a>(
    images: impl Iterator<Item = (&'a str, &'a str)>,
) -> Option<(&'a str, String)> {
    let mut by_container: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (container, image) in images {
        by_container.entry(container).or_default().insert(image);
    }
    let (container, images) = by_container
        .into_iter()
        .find(|(_, images)| images.len() > 1)?;
    Some((
        container,
        images.into_iter().collect::<Vec<_>>().join(" and "),
    ))
}

/// Container and image, as the pod asks for them.
fn asked(pod: &Pod) -> impl Iterator<Item = (&str, &str)> {
    pod.spec
        .iter()
        .flat_map(|spec| spec.containers.iter())
        .filter_map(|container| {
            container
                .image
                .as_deref()
                .map(|image| (container.name.as_str(), image))
        })
}

/// Container and image, as the node runs them. Only a digest of a registry counts: the others differ
/// between architectures.
fn running(pod: &Pod) -> impl Iterator<Item = (&str, &str)> {
    let statuses = pod
        .status
        .iter()
        .flat_map(|status| status.container_statuses.iter().flatten());
    statuses
        .map(|status| (status.name.as_str(), status.image_id.as_str()))
        .filter(|(_, image)| image.contains("@sha256:"))
}
