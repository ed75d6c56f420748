//! What earlier releases of a plan brought, and what of it the new manifests do not have any more.
//!
//! In: the bundle of the last release that succeeded, and those of later ones that ended otherwise: what these
//! applied is there all the same. Out: what goes, by how it goes.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::error::ClusterError;
use super::history::is_whole;
use super::releases::Releases;
use crate::manifest::{Bundle, apply_order, deletion_order};
use crate::spec::crd::{ServiceDeclaration, ServiceGraphSpec};
use crate::spec::{Graph, Identity, ObjectRef, ServiceName, check_graph};

/// Kinds that are never deleted with the rest: what they hold cannot be brought back by applying a manifest again. What
/// has no namespace stays too: a plan of the same name elsewhere may have brought it.
const KEPT: [&str; 3] = [
    "CustomResourceDefinition",
    "Namespace",
    "PersistentVolumeClaim",
];

/// What earlier releases brought.
#[derive(Default)]
pub(super) struct Inventory {
    /// The last whole release that succeeded.
    succeeded: Option<Bundle>,
    /// Newest first: those after it, with the services that stayed as they were if they succeeded.
    later: Vec<(Bundle, Option<BTreeSet<ServiceName>>)>,
    /// What the last release that succeeded was to delete at its end, and perhaps could not.
    leftover: Vec<ObjectRef>,
}

/// What goes, by how it goes.
#[derive(Default)]
pub(super) struct Going {
    /// Services that the new graph does not have, each with its objects in the order of applying.
    pub(super) leaving: BTreeMap<ServiceName, Vec<ObjectRef>>,
    /// Workloads that a service does not have any more, though it stays.
    pub(super) dropped: BTreeMap<ServiceName, Vec<ObjectRef>>,
    /// All else, in the order of deleting.
    pub(super) leftover: Vec<ObjectRef>,
}

impl Inventory {
    /// Reads a plan's inventory.
    pub(super) async fn read(releases: &Releases, plan: &str) -> Result<Self, ClusterError> {
        let mut inventory = Self::default();
        for release in releases.ended(plan).await?.iter().rev() {
            let outcome = release.status.as_ref().and_then(|s| s.outcome.as_deref());
            if outcome == Some("Succeeded") && is_whole(release) {
                inventory.succeeded = Some(releases.bundle(release).await?);
                let status = release.status.as_ref();
                inventory.leftover = status.map(|s| s.leftover.clone()).unwrap_or_default();
                break;
            }
            let status = release
                .status
                .as_ref()
                .filter(|_| outcome == Some("Succeeded"));
            let held_out = status.map(|status| {
                let names = status.held_out.iter();
                names
                    .filter_map(|text| ServiceName::parse(text).ok())
                    .collect()
            });
            inventory
                .later
                .push((releases.bundle(release).await?, held_out));
        }
        Ok(inventory)
    }

    /// What the services speak of which no stamp says it: as it was declared when a release last succeeded. What a
    /// failed one declared may never have run.
    pub(super) fn declared(&self) -> Option<Graph> {
        let base = self
            .succeeded
            .as_ref()
            .map(|bundle| (bundle, BTreeSet::new()));
        let later = self.later.iter().rev();
        let parts = later.filter_map(|(bundle, held_out)| Some((bundle, held_out.clone()?)));
        let declared = base
            .into_iter()
            .chain(parts)
            .fold(None, |before, (bundle, held_out)| {
                let before: Option<(&str, ServiceGraphSpec)> = before;
                let spec = with_held_out(&bundle.graph, before.as_ref().map(|it| &it.1), &held_out);
                Some((bundle.graph_name.as_str(), spec))
            });
        declared.map(|(name, spec)| check_graph(name, &spec).0)
    }

    /// Whether an object was a workload of a service.
    pub(super) fn is_workload(&self, object: &ObjectRef) -> bool {
        self.bundles().any(|bundle| bundle.is_workload(object))
    }

    /// Which pods a workload had, by its newest manifest.
    pub(super) fn selector(&self, workload: &ObjectRef) -> Option<LabelSelector> {
        let manifest = self
            .bundles()
            .find_map(|bundle| bundle.manifest(workload))?;
        serde_json::from_value(manifest.pointer("/spec/selector")?.clone()).ok()
    }

    fn bundles(&self) -> impl Iterator<Item = &Bundle> {
        let later = self.later.iter().map(|(bundle, _)| bundle);
        later.chain(&self.succeeded)
    }

    /// What the inventory has and a new bundle has not.
    pub(super) fn going(&self, bundle: &Bundle) -> Going {
        let mut sorted: BTreeSet<Identity> = bundle
            .objects
            .iter()
            .map(|entry| entry.reference.identity())
            .collect();
        let mut going = Going::default();
        for earlier in self.bundles() {
            for entry in &earlier.objects {
                let object = &entry.reference;
                if is_kept(object) || !sorted.insert(object.identity()) {
                    continue;
                }
                let list = match earlier.owner(object) {
                    Some(owner) if !bundle.services.contains_key(owner) => {
                        going.leaving.entry(owner.clone()).or_default()
                    }
                    Some(owner) if earlier.is_workload(object) => {
                        going.dropped.entry(owner.clone()).or_default()
                    }
                    Some(_) | None => &mut going.leftover,
                };
                list.push(object.clone());
            }
        }
        let left = self.leftover.iter();
        let left = left.filter(|object| !is_kept(object) && sorted.insert(object.identity()));
        going.leftover.extend(left.cloned());
        for objects in going.leaving.values_mut() {
            *objects = picked(objects, &apply_order(objects.iter()));
        }
        going.leftover = picked(&going.leftover, &deletion_order(going.leftover.iter()));
        going
    }
}

/// A graph in which some services are declared as they were before, or not at all if they were not.
pub(super) fn with_held_out(
    new: &ServiceGraphSpec,
    before: Option<&ServiceGraphSpec>,
    held_out: &BTreeSet<ServiceName>,
) -> ServiceGraphSpec {
    let is_out =
        |service: &&ServiceDeclaration| held_out.iter().any(|name| name.as_str() == service.name);
    let old = before.into_iter().flat_map(|graph| &graph.services);
    let kept = old.filter(is_out);
    let moved = new.services.iter().filter(|service| !is_out(service));
    ServiceGraphSpec {
        services: moved.chain(kept).cloned().collect(),
        ..new.clone()
    }
}

fn is_kept(object: &ObjectRef) -> bool {
    KEPT.contains(&object.kind.as_str()) || object.namespace.is_empty()
}

fn picked(objects: &[ObjectRef], order: &[usize]) -> Vec<ObjectRef> {
    order
        .iter()
        .filter_map(|index| objects.get(*index).cloned())
        .collect()
}

impl Going {
    /// All of it.
    pub(super) fn objects(&self) -> impl Iterator<Item = &ObjectRef> {
        let of_services = self.leaving.values().chain(self.dropped.values());
        of_services.flatten().chain(&self.leftover)
    }

    /// The same without what is not there.
    pub(super) fn only(mut self, present: &BTreeSet<ObjectRef>) -> Self {
        for map in [&mut self.leaving, &mut self.dropped] {
            for objects in map.values_mut() {
                objects.retain(|object| present.contains(object));
            }
            map.retain(|_, objects| !objects.is_empty());
        }
        self.leftover.retain(|object| present.contains(object));
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::{Inventory, ObjectRef};
    use crate::manifest::{Bundle, Entry, OwnedEntries};
    use crate::spec::ServiceName;
    use crate::spec::crd::{ReleasePlanSpec, ServiceGraphSpec};

    /// `autoscaling/v1 HorizontalPodAutoscaler web`, in the plan's namespace or in none.
    fn object(text: &str, namespace: &str) -> ObjectRef {
        let words: Vec<&str> = text.split(' ').collect();
        ObjectRef {
            api_version: words[0].to_owned(),
            kind: words[1].to_owned(),
            namespace: namespace.to_owned(),
            name: words[2].to_owned(),
        }
    }

    /// A bundle with these services, the first object of each of which is its workload; and with what is nobody's.
    fn bundle(services: &[(&str, &[&str])], shared: &[ObjectRef]) -> Bundle {
        let mut bundle = Bundle {
            graph_name: "shop".to_owned(),
            graph: ServiceGraphSpec::default(),
            plan: ReleasePlanSpec::default(),
            namespace: "shop".to_owned(),
            objects: Vec::new(),
            services: BTreeMap::new(),
            shared: Vec::new(),
            builds: BTreeMap::new(),
        };
        let mut add = |reference: ObjectRef| {
            let value = json!({});
            bundle.objects.push(Entry { reference, value });
            bundle.objects.len() - 1
        };
        let mut owned = BTreeMap::new();
        for (name, objects) in services {
            let objects: Vec<usize> = objects.iter().map(|it| add(object(it, "shop"))).collect();
            let workloads = objects[..1].to_vec();
            let name = ServiceName::parse(name).unwrap();
            owned.insert(name, OwnedEntries { workloads, objects });
        }
        bundle.shared = shared.iter().map(|it| add(it.clone())).collect();
        bundle.services = owned;
        bundle
    }

    /// What goes, in words.
    fn going(inventory: &Inventory, new: &Bundle) -> String {
        let going = inventory.going(new);
        let names = |objects: &[ObjectRef]| {
            let names: Vec<String> = objects
                .iter()
                .map(|it| format!("{}/{}", it.kind, it.name))
                .collect();
            names.join(" ")
        };
        let leaving = going
            .leaving
            .iter()
            .map(|(name, objects)| format!("leaves {name}: {}", names(objects)));
        let dropped = going
            .dropped
            .iter()
            .map(|(name, objects)| format!("{name} drops {}", names(objects)));
        let left = [format!("left: {}", names(&going.leftover))];
        leaving
            .chain(dropped)
            .chain(left)
            .collect::<Vec<_>>()
            .join("; ")
    }

    fn of(succeeded: Bundle) -> Inventory {
        Inventory {
            succeeded: Some(succeeded),
            ..Inventory::default()
        }
    }

    const WEB: (&str, &[&str]) = ("web", &["apps/v1 Deployment web", "v1 Service web"]);

    #[test]
    fn services_workloads_and_the_rest_go_each_in_their_way() {
        let old = of(bundle(
            &[WEB, ("old", &["apps/v1 Deployment old", "v1 Service old"])],
            &[object("v1 ConfigMap settings", "shop")],
        ));
        let new = bundle(&[("web", &["apps/v1 StatefulSet web"])], &[]);
        assert_eq!(
            going(&old, &new),
            "leaves old: Service/old Deployment/old; web drops Deployment/web; left: Service/web ConfigMap/settings"
        );
    }

    #[test]
    fn an_object_in_another_version_of_its_api_is_the_same_one() {
        let old = of(bundle(
            &[(
                "web",
                &[
                    "apps/v1 Deployment web",
                    "autoscaling/v1 HorizontalPodAutoscaler web",
                ],
            )],
            &[],
        ));
        let new = bundle(
            &[(
                "web",
                &[
                    "apps/v1 Deployment web",
                    "autoscaling/v2 HorizontalPodAutoscaler web",
                ],
            )],
            &[],
        );
        assert_eq!(going(&old, &new), "left: ");
    }

    #[test]
    fn what_holds_data_and_what_has_no_namespace_stays() {
        let old = of(bundle(
            &[],
            &[
                object("v1 PersistentVolumeClaim data", "shop"),
                object("rbac.authorization.k8s.io/v1 ClusterRole reader", ""),
                object("v1 Namespace shop", ""),
            ],
        ));
        assert_eq!(going(&old, &bundle(&[], &[])), "left: ");
    }

    #[test]
    fn what_a_failed_release_brought_goes_too_and_what_it_declared_is_not_believed() {
        let mut inventory = of(bundle(&[WEB], &[]));
        inventory.later.push((
            bundle(&[WEB, ("new", &["apps/v1 Deployment new"])], &[]),
            None,
        ));
        assert_eq!(
            going(&inventory, &bundle(&[WEB], &[])),
            "leaves new: Deployment/new; left: "
        );
        inventory.succeeded = None;
        assert_eq!(inventory.declared(), None);
    }

    #[test]
    fn after_a_release_of_a_part_the_others_are_declared_as_they_were() {
        let graph =
            |text: &str| -> ServiceGraphSpec { serde_saphyr::from_str(text).expect("a graph") };
        let mut whole = bundle(&[WEB], &[]);
        whole.graph = graph(
            "services: [{name: web, serves: [{versions: ['1']}]}, {name: db, serves: [{versions: ['1']}]}]",
        );
        let mut part = bundle(&[WEB], &[]);
        part.graph = graph(
            "services: [{name: web, serves: [{versions: ['2']}]}, {name: db, serves: [{versions: ['2']}]}, {name: new}]",
        );
        let mut inventory = of(whole);
        let held_out = ["db", "new"].map(|name| ServiceName::parse(name).unwrap());
        inventory.later.push((part.clone(), Some(held_out.into())));
        // What one declared that failed after it is not believed.
        inventory.later.insert(0, (part, None));
        let declared = inventory.declared().unwrap();
        let told: Vec<String> = declared
            .services
            .iter()
            .map(|(name, service)| {
                let served = service.interface.serves.iter().flatten();
                let versions: Vec<String> = served
                    .flat_map(|(_, versions)| versions.iter().map(ToString::to_string))
                    .collect();
                format!("{name} {}", versions.join(","))
            })
            .collect();
        assert_eq!(told, ["db 1", "web 2"]);
    }

    #[test]
    fn what_could_not_be_deleted_is_tried_again() {
        let mut inventory = of(bundle(&[WEB], &[]));
        inventory.leftover.push(object("v1 ConfigMap old", "shop"));
        assert_eq!(
            going(&inventory, &bundle(&[WEB], &[])),
            "left: ConfigMap/old"
        );
        let again = bundle(&[WEB], &[object("v1 ConfigMap old", "shop")]);
        assert_eq!(going(&inventory, &again), "left: ");
    }
}
