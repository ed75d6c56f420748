//! The images of pod templates: which of them are built, and what they become once they are.
//!
//! In: a bundle, the images by their digests. Out: who waits for which build, and the same bundle with those images.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::bundle::{Bundle, OwnedEntries};
use super::object::Object;
use super::owner::Ownership;
use super::reference::pod_spec_path;
use tidegate_spec::crd::ReleasePlanSpec;
use tidegate_spec::{Code, Problem, ServiceName, did_you_mean};

/// The lists of a pod's containers.
const CONTAINERS: [&str; 2] = ["initContainers", "containers"];

/// The images that the pods of an object run.
pub(super) fn images<'a>(kind: &str, value: &'a Value) -> impl Iterator<Item = &'a str> {
    let pod = value.pointer(pod_spec_path(kind));
    CONTAINERS
        .into_iter()
        .filter_map(move |list| pod?.get(list)?.as_array())
        .flatten()
        .filter_map(|container| container.get("image")?.as_str())
}

impl Bundle {
    /// The builds that make images of some objects, each by the service that it is declared for.
    pub fn builds_of(&self, owned: &OwnedEntries) -> BTreeSet<ServiceName> {
        let entries = owned.objects.iter().chain(&owned.workloads);
        let entries = entries.filter_map(|index| self.objects.get(*index));
        let named: BTreeSet<&str> = entries
            .flat_map(|entry| images(&entry.reference.kind, &entry.value))
            .map(tidegate_build::repository)
            .collect();
        let builds = self.builds.iter();
        let builds = builds.filter(|(_, recipe)| named.contains(recipe.declaration.image.as_str()));
        builds.map(|(service, _)| service.clone()).collect()
    }

    /// The same with every image that is built given by its digest, as far as that is known.
    #[must_use]
    pub fn with_images(&self, known: &BTreeMap<ServiceName, String>) -> Self {
        let known: BTreeMap<&str, &str> = self
            .builds
            .iter()
            .filter_map(|(service, recipe)| {
                let image = known.get(service)?.as_str();
                Some((recipe.declaration.image.as_str(), image))
            })
            .collect();
        let mut pinned = self.clone();
        for entry in &mut pinned.objects {
            if let Some(pod) = entry
                .value
                .pointer_mut(pod_spec_path(&entry.reference.kind))
            {
                pin(pod, &known);
            }
        }
        pinned
    }

    /// An image of an object's pods that is built and whose digest is not known.
    pub fn unbuilt(&self, kind: &str, value: &Value) -> Option<String> {
        let built: BTreeSet<&str> = self
            .builds
            .values()
            .map(|recipe| recipe.declaration.image.as_str())
            .collect();
        let is_unbuilt = |image: &&str| {
            let digest = image.split_once('@').map(|(_, digest)| digest);
            built.contains(tidegate_build::repository(image))
                && !digest.is_some_and(tidegate_build::is_digest)
        };
        images(kind, value).find(is_unbuilt).map(str::to_owned)
    }
}

fn pin(pod: &mut Value, known: &BTreeMap<&str, &str>) {
    for list in CONTAINERS {
        let containers = pod.get_mut(list).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            let Some(image) = container.get_mut("image") else {
                continue;
            };
            let pinned = image
                .as_str()
                .and_then(|text| known.get(tidegate_build::repository(text)));
            if let Some(pinned) = pinned {
                *image = Value::String((*pinned).to_owned());
            }
        }
    }
}

/// What is wrong with a plan's builds beside the graph and the manifests: services that nobody has, images that nobody runs.
pub(super) fn check_images(
    plan: &ReleasePlanSpec,
    objects: &[Object],
    ownership: &Ownership,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, declared) in plan.builds.iter().enumerate() {
        let path = |field: &str| format!("spec.builds[{index}].{field}");
        let image = declared.image.as_str();
        let names = |object: &Object| {
            let mut images = images(&object.reference.kind, &object.value);
            images.any(|named| tidegate_build::repository(named) == image)
        };
        let at = |index: &usize| objects.get(*index);
        let shared = ownership.shared.iter().filter_map(at);
        for object in shared.filter(|object| names(object)) {
            let wrong = format!(
                "`{image}` is run by {}, which belongs to no service, so nothing waits until it is built",
                object.reference
            );
            let problem = Problem::error(Code::InvalidValue, path("image"), wrong);
            problems.push(
                problem.hint("label it with `app: SERVICE`, or add it to a service's `workloads`"),
            );
        }
        let owned = ownership
            .services
            .iter()
            .find(|(name, _)| name.as_str() == declared.service);
        let Some((_, owned)) = owned else {
            let wrong = format!("the graph has no service `{}`", declared.service);
            let known = ownership.services.keys().map(ServiceName::as_str);
            let hint = match did_you_mean(&declared.service, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write the name of a service of the graph".to_owned(),
            };
            let problem = Problem::error(Code::UnknownService, path("service"), wrong);
            problems.push(problem.hint(hint));
            continue;
        };
        if !owned.objects.iter().filter_map(at).any(names) {
            let wrong = format!(
                "no pod template of `{}` runs `{image}`, so what is built would go nowhere",
                declared.service
            );
            let problem = Problem::error(Code::InvalidValue, path("image"), wrong);
            problems
                .push(problem.hint("write the image as the manifests have it, without its tag"));
        }
    }
    problems
}
