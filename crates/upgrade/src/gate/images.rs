//! One revision must be one program: the same tag may name two images, and a pod may be changed by hand.
//!
//! In: the pods of the new revision. Out: why they are not all alike; completion.md §5.10.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Pod;

use super::Look;
use super::baseline::node;
use super::kin;
use super::lineage::Lineage;
use super::reason::Reason;
use super::snapshot;
use super::workload::Workload;

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
    if let Some(detail) = unlike_template(look, &pods) {
        return Some((Reason::PatchedPod, detail));
    }
    let told = |(container, images): (&str, String)| {
        let detail = format!("container {container} runs {images}");
        (Reason::MixedImages, detail)
    };
    let of_registry = pods
        .iter()
        .flat_map(|pod| running(pod))
        .filter(is_own)
        .filter_map(|(name, image)| Some((name, image.rsplit_once('@')?.1)));
    if let Some(different) = first_difference(of_registry) {
        return Some(told(different));
    }
    // Without a registry's digest it is that of one architecture's build: only pods of one can be compared.
    let architectures: BTreeSet<_> = pods.iter().map(|pod| architecture(look, pod)).collect();
    architectures.iter().find_map(|wanted| {
        let alike = pods.iter().filter(|pod| architecture(look, pod) == *wanted);
        let built = alike
            .flat_map(|pod| running(pod))
            .filter(is_own)
            .filter(|(_, image)| !image.contains('@'));
        first_difference(built).map(told)
    })
}

/// A pod of a bare ReplicaSet that has another image than the template: such pods have no revision that tells them apart.
/// From another registry it may be the same one, which a webhook has rewritten.
fn unlike_template(look: &Look<'_>, pods: &[&Pod]) -> Option<String> {
    let Some(Workload::ReplicaSet(set)) = &look.snapshot.workload else {
        return None;
    };
    let template = set.spec.template.as_ref()?.spec.as_ref()?;
    let last = |image: &'_ str| image.rsplit('/').next().unwrap_or_default().to_owned();
    let wanted: BTreeMap<&str, String> = template
        .containers
        .iter()
        .filter_map(|it| Some((it.name.as_str(), last(it.image.as_deref()?))))
        .collect();
    pods.iter().find_map(|pod| {
        let (container, image) = asked(pod).find(|(name, image)| {
            wanted
                .get(name)
                .is_some_and(|wanted| *wanted != last(image))
        })?;
        let name = snapshot::name(&pod.metadata);
        Some(format!(
            "container {container} of pod {name} has the image {image}"
        ))
    })
}

/// What a pod's node is built for; `None` if nobody says it.
fn architecture<'a>(look: &Look<'a>, pod: &Pod) -> Option<&'a str> {
    let mut nodes = look.snapshot.nodes.iter().flat_map(|nodes| nodes.iter());
    let found = nodes.find(|found| snapshot::name(&found.metadata) == node(pod))?;
    let info = found.status.as_ref()?.node_info.as_ref()?;
    Some(info.architecture.as_str())
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

/// Container and image, as the node runs them, where that is a digest.
fn running(pod: &Pod) -> impl Iterator<Item = (&str, &str)> {
    let statuses = pod
        .status
        .iter()
        .flat_map(|status| status.container_statuses.iter().flatten());
    statuses
        .map(|status| (status.name.as_str(), status.image_id.as_str()))
        .filter(|(_, image)| is_digest(image.rsplit_once('@').map_or(*image, |(_, digest)| digest)))
}

/// `sha256:` and the digest, or another algorithm's.
fn is_digest(text: &str) -> bool {
    let parts = text.split_once(':');
    parts.is_some_and(|(algorithm, hex)| algorithm.starts_with("sha") && !hex.is_empty())
}
