//! What earlier releases of a plan brought, and what of it the new manifests do not have any more.
//!
//! In: the bundle of the last release that succeeded, and those of later ones that ended otherwise: what these
//! applied is there all the same. Out: what goes, by how it goes.

use std::collections::{BTreeMap, BTreeSet};

use super::error::ClusterError;
use super::releases::Releases;
use crate::manifest::{Bundle, apply_order, deletion_order};
use crate::spec::{Graph, ObjectRef, ServiceName, check_graph};

/// Kinds that are never deleted with the rest: what they hold cannot be brought back by applying a manifest again.
const KEPT: [&str; 3] = [
    "CustomResourceDefinition",
    "Namespace",
    "PersistentVolumeClaim",
];

/// What earlier releases brought.
#[derive(Default)]
pub(super) struct Inventory {
    succeeded: Option<Bundle>,
    /// Newest first.
    later: Vec<Bundle>,
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
            if outcome == Some("Succeeded") {
                inventory.succeeded = Some(releases.bundle(release).await?);
                break;
            }
            inventory.later.push(releases.bundle(release).await?);
        }
        Ok(inventory)
    }

    /// What the services speak that no stamp says it of: as it was declared when a release last succeeded, and for
    /// those that came later as it was then.
    pub(super) fn declared(&self) -> Option<Graph> {
        let mut graphs = self
            .succeeded
            .iter()
            .chain(self.later.iter().rev())
            .map(|bundle| check_graph(&bundle.graph_name, &bundle.graph).0);
        let mut declared = graphs.next()?;
        for later in graphs {
            for (name, service) in later.services {
                declared.services.entry(name).or_insert(service);
            }
        }
        Some(declared)
    }

    /// Whether an object was a workload of a service.
    pub(super) fn is_workload(&self, object: &ObjectRef) -> bool {
        self.bundles().any(|bundle| bundle.is_workload(object))
    }

    fn bundles(&self) -> impl Iterator<Item = &Bundle> {
        self.later.iter().chain(&self.succeeded)
    }

    /// What the inventory has and a new bundle has not.
    pub(super) fn going(&self, bundle: &Bundle) -> Going {
        let mut sorted: BTreeSet<&ObjectRef> = bundle
            .objects
            .iter()
            .map(|entry| &entry.reference)
            .collect();
        let mut going = Going::default();
        for earlier in self.bundles() {
            for entry in &earlier.objects {
                let object = &entry.reference;
                if KEPT.contains(&object.kind.as_str()) || !sorted.insert(object) {
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
        for objects in going.leaving.values_mut() {
            *objects = picked(objects, &apply_order(objects.iter()));
        }
        going.leftover = picked(&going.leftover, &deletion_order(going.leftover.iter()));
        going
    }
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
