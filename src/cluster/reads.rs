//! Objects of the cluster to [`Snapshot`]s: from the caches, or read live and in the order that completion.md §6
//! asks for.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::try_join_all;
use jiff::Timestamp;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{ControllerRevision, ReplicaSet};
use k8s_openapi::api::core::v1::{Event, Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, OwnerReference};
use kube::api::ListParams;
use kube::runtime::reflector::{ObjectRef as StoreKey, Store};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use super::caches::Caches;
use super::error::ClusterError;
use crate::spec::ObjectRef;
use crate::upgrade::gate::{Baseline, Read, Snapshot, Workload, is_live, selects};

/// Everything of one namespace that gates look at, at one moment.
pub(super) struct Pool {
    pub(super) read: Read,
    replica_sets: Vec<Arc<ReplicaSet>>,
    controller_revisions: Vec<Arc<ControllerRevision>>,
    pods: Vec<Arc<Pod>>,
    services: Vec<Arc<Service>>,
    endpoint_slices: Vec<Arc<EndpointSlice>>,
    events: Vec<Event>,
    nodes: Option<Arc<[Node]>>,
}

impl Pool {
    /// What the watches have last brought.
    pub(super) fn cached(caches: &Caches) -> Self {
        Self {
            read: Read::Cached,
            replica_sets: caches.replica_sets.state(),
            controller_revisions: caches.controller_revisions.state(),
            pods: caches.pods.state(),
            services: caches.services.state(),
            endpoint_slices: caches.endpoint_slices.state(),
            events: hints(caches.warnings.as_ref()).unwrap_or_default(),
            nodes: hints(caches.nodes.as_ref()).map(Arc::from),
        }
    }

    /// Everything asked of the API server now, one kind after the other: what owns before what is owned, pods
    /// before what points at them.
    pub(super) async fn live(
        client: &Client,
        namespace: &str,
        caches: Option<&Caches>,
    ) -> Result<Self, ClusterError> {
        let (replica_sets, controller_revisions) =
            futures::try_join!(list(client, namespace), list(client, namespace))?;
        let pods = list(client, namespace).await?;
        let services = list(client, namespace).await?;
        let endpoint_slices = list(client, namespace).await?;
        Ok(Self {
            read: Read::Live,
            replica_sets,
            controller_revisions,
            pods,
            services,
            endpoint_slices,
            // Hints may be old: no gate opens by them.
            events: caches
                .and_then(|caches| hints(caches.warnings.as_ref()))
                .unwrap_or_default(),
            nodes: caches
                .and_then(|caches| hints(caches.nodes.as_ref()))
                .map(Arc::from),
        })
    }

    /// The snapshot of one workload: of the pool only what can matter to it.
    pub(super) fn snapshot(
        &self,
        about: &About<'_>,
        workload: Option<Workload>,
        now: Timestamp,
    ) -> Snapshot {
        let services = self.services_in_front(about, workload.as_ref());
        let names: BTreeSet<&str> = services
            .iter()
            .filter_map(|service| service.metadata.name.as_deref())
            .collect();
        let endpoint_slices: Vec<EndpointSlice> = self
            .endpoint_slices
            .iter()
            .filter(|slice| {
                label(&slice.metadata, "kubernetes.io/service-name")
                    .is_some_and(|s| names.contains(s.as_str()))
            })
            .map(|slice| (**slice).clone())
            .collect();
        let pods = self.pods_of(about, workload.as_ref(), &services, &endpoint_slices);
        let owners: BTreeSet<&str> = pods
            .iter()
            .flat_map(|pod| owner_uids(&pod.metadata))
            .collect();
        let own_uids: Vec<&str> = workload
            .as_ref()
            .and_then(|workload| workload.metadata().uid.as_deref())
            .into_iter()
            .chain(about.before.and_then(|before| before.uid.as_deref()))
            .collect();
        let concerns = |metadata: &ObjectMeta| {
            metadata
                .uid
                .as_deref()
                .is_some_and(|uid| owners.contains(uid))
                || owner_uids(metadata).any(|uid| own_uids.contains(&uid))
        };
        let replica_sets = pick(&self.replica_sets, |object| concerns(&object.metadata));
        let told_of: BTreeSet<&str> = replica_sets
            .iter()
            .map(|set| &set.metadata)
            .chain(pods.iter().map(|pod| &pod.metadata))
            .filter_map(|metadata| metadata.uid.as_deref())
            .chain(own_uids.iter().copied())
            .collect();
        let is_about = |event: &&Event| {
            let uid = event.involved_object.uid.as_deref();
            uid.is_some_and(|uid| told_of.contains(uid))
        };
        let events = self.events.iter().filter(is_about).cloned().collect();
        Snapshot {
            now,
            read: self.read,
            replica_sets,
            controller_revisions: pick(&self.controller_revisions, |object| {
                concerns(&object.metadata)
            }),
            jobs: Vec::new(),
            others: Vec::new(),
            services,
            endpoint_slices,
            events,
            nodes: self.nodes.clone(),
            siblings: about.siblings.to_vec(),
            pods,
            workload,
        }
    }

    /// The names of the live pods of a workload whose object is gone, by the selector that it had.
    pub(super) fn left_behind(
        &self,
        workload: &ObjectRef,
        selector: &LabelSelector,
    ) -> Vec<String> {
        let is_its = |pod: &&Arc<Pod>| {
            let owner = controller(&pod.metadata);
            let set = owner.and_then(|owner| {
                let mut sets = self.replica_sets.iter();
                sets.find(|set| set.metadata.uid.as_ref() == Some(&owner.uid))
            });
            let root = match (owner, set) {
                (_, Some(set)) => controller(&set.metadata),
                // Of a set that is gone too nobody can say whose it was.
                (Some(owner), None) if owner.kind == "ReplicaSet" => None,
                (owner, None) => owner,
            };
            root.is_none_or(|root| root.kind == workload.kind && root.name == workload.name)
        };
        let pods = self
            .pods
            .iter()
            .filter(|pod| is_live(pod) && selects(selector, &pod.metadata));
        pods.filter(is_its)
            .filter_map(|pod| pod.metadata.name.clone())
            .collect()
    }

    /// Services whose selector picks the workload's pods, as they are or as they were.
    fn services_in_front(&self, about: &About<'_>, workload: Option<&Workload>) -> Vec<Service> {
        let template =
            workload.map(|workload| workload.template().metadata.clone().unwrap_or_default());
        let known_pods = self
            .pods
            .iter()
            .filter(|pod| about.knows(&pod.metadata) || about.claims(workload, &pod.metadata));
        let pods: Vec<&ObjectMeta> = template
            .as_ref()
            .into_iter()
            .chain(known_pods.map(|pod| &pod.metadata))
            .collect();
        pick(&self.services, |service| {
            let selector = service
                .spec
                .as_ref()
                .and_then(|spec| spec.selector.as_ref());
            selector.is_some_and(|selector| {
                !selector.is_empty()
                    && pods.iter().any(|metadata| {
                        selector
                            .iter()
                            .all(|(key, value)| label(metadata, key) == Some(value))
                    })
            })
        })
    }

    fn pods_of(
        &self,
        about: &About<'_>,
        workload: Option<&Workload>,
        services: &[Service],
        slices: &[EndpointSlice],
    ) -> Vec<Pod> {
        let own_sets: BTreeSet<&str> = self
            .replica_sets
            .iter()
            .filter(|set| owner_uids(&set.metadata).any(|uid| about.is_own(workload, uid)))
            .filter_map(|set| set.metadata.uid.as_deref())
            .collect();
        let targets: BTreeSet<&str> = slices
            .iter()
            .flat_map(|slice| slice.endpoints.iter().flatten())
            .filter_map(|endpoint| endpoint.target_ref.as_ref()?.uid.as_deref())
            .collect();
        pick(&self.pods, |pod| {
            let metadata = &pod.metadata;
            about.knows(metadata)
                || metadata
                    .uid
                    .as_deref()
                    .is_some_and(|uid| targets.contains(uid) || about.is_own(workload, uid))
                || owner_uids(metadata)
                    .any(|uid| about.is_own(workload, uid) || own_sets.contains(uid))
                || about.claims(workload, metadata)
                || services.iter().any(|service| {
                    let selector = service
                        .spec
                        .as_ref()
                        .and_then(|spec| spec.selector.as_ref());
                    selector.is_some_and(|s| s.iter().all(|(k, v)| label(metadata, k) == Some(v)))
                })
        })
    }
}

/// Which workload a snapshot is about.
pub(super) struct About<'a> {
    pub(super) workload: &'a ObjectRef,
    /// The other workloads of the same service.
    pub(super) siblings: &'a [ObjectRef],
    /// Pods that were recorded before the apply, whatever labels they have now.
    pub(super) recorded: &'a BTreeSet<String>,
    /// The workload as it was before: its pods are found by that when the object is gone.
    pub(super) before: Option<&'a Baseline>,
}

impl About<'_> {
    /// Whether a uid is the workload's, as it is or as it was.
    fn is_own(&self, workload: Option<&Workload>, uid: &str) -> bool {
        let live = workload.and_then(|workload| workload.metadata().uid.as_deref());
        let before = self.before.and_then(|before| before.uid.as_deref());
        live == Some(uid) || before == Some(uid)
    }

    /// Whether the workload claims a pod by its labels, or did.
    fn claims(&self, workload: Option<&Workload>, pod: &ObjectMeta) -> bool {
        let before = self.before.and_then(|before| before.selector.as_ref());
        workload.is_some_and(|workload| workload.selects(pod))
            || before.is_some_and(|selector| selects(selector, pod))
    }

    fn knows(&self, metadata: &ObjectMeta) -> bool {
        metadata
            .uid
            .as_ref()
            .is_some_and(|uid| self.recorded.contains(uid))
    }
}

fn pick<K: Clone>(objects: &[Arc<K>], wanted: impl Fn(&K) -> bool) -> Vec<K> {
    objects
        .iter()
        .filter(|object| wanted(object))
        .map(|object| (**object).clone())
        .collect()
}

fn label<'a>(metadata: &'a ObjectMeta, key: &str) -> Option<&'a String> {
    metadata.labels.as_ref()?.get(key)
}

fn controller(metadata: &ObjectMeta) -> Option<&OwnerReference> {
    let mut owners = metadata.owner_references.iter().flatten();
    owners.find(|owner| owner.controller == Some(true))
}

fn owner_uids(metadata: &ObjectMeta) -> impl Iterator<Item = &str> {
    metadata
        .owner_references
        .iter()
        .flatten()
        .map(|owner| owner.uid.as_str())
}

/// What a hint's watch has brought; `None` if it may not be read.
fn hints<K>(store: Option<&Store<K>>) -> Option<Vec<K>>
where
    K: Resource + Clone + 'static,
    K::DynamicType: Eq + std::hash::Hash + Clone,
{
    store.map(|store| {
        store
            .state()
            .iter()
            .map(|object| (**object).clone())
            .collect()
    })
}

async fn list<K>(client: &Client, namespace: &str) -> Result<Vec<Arc<K>>, ClusterError>
where
    K: Resource<Scope = NamespaceResourceScope> + Clone + DeserializeOwned + std::fmt::Debug,
    K::DynamicType: Default,
{
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    let kind = K::plural(&K::DynamicType::default()).into_owned();
    // No resourceVersion: a quorum read, never a cache of the server's.
    let found = api
        .list(&ListParams::default())
        .await
        .map_err(|e| ClusterError::of(e, kind))?;
    Ok(found.items.into_iter().map(Arc::new).collect())
}

/// One workload as the caches have it.
pub(super) fn cached_workload(caches: &Caches, object: &ObjectRef) -> Option<Workload> {
    match (object.api_version.as_str(), object.kind.as_str()) {
        ("apps/v1", "Deployment") => {
            of_store(&caches.deployments, object).map(Workload::Deployment)
        }
        ("apps/v1", "StatefulSet") => {
            of_store(&caches.stateful_sets, object).map(Workload::StatefulSet)
        }
        ("apps/v1", "DaemonSet") => of_store(&caches.daemon_sets, object).map(Workload::DaemonSet),
        ("apps/v1", "ReplicaSet") => {
            of_store(&caches.replica_sets, object).map(Workload::ReplicaSet)
        }
        ("batch/v1", "Job") => of_store(&caches.jobs, object).map(Workload::Job),
        ("v1", "Pod") => of_store(&caches.pods, object).map(Workload::Pod),
        _ => None,
    }
}

fn of_store<K>(store: &Store<K>, object: &ObjectRef) -> Option<Box<K>>
where
    K: Resource<Scope = NamespaceResourceScope> + Clone + 'static,
    K::DynamicType: Default + Eq + std::hash::Hash + Clone,
{
    let key = StoreKey::<K>::new(&object.name).within(&object.namespace);
    store.get(&key).map(|found| Box::new((*found).clone()))
}

/// One workload asked of the API server.
pub(super) async fn live_workload(
    client: &Client,
    object: &ObjectRef,
) -> Result<Option<Workload>, ClusterError> {
    Ok(match (object.api_version.as_str(), object.kind.as_str()) {
        ("apps/v1", "Deployment") => get(client, object).await?.map(Workload::Deployment),
        ("apps/v1", "StatefulSet") => get(client, object).await?.map(Workload::StatefulSet),
        ("apps/v1", "DaemonSet") => get(client, object).await?.map(Workload::DaemonSet),
        ("apps/v1", "ReplicaSet") => get(client, object).await?.map(Workload::ReplicaSet),
        ("batch/v1", "Job") => get(client, object).await?.map(Workload::Job),
        ("v1", "Pod") => get(client, object).await?.map(Workload::Pod),
        _ => None,
    })
}

async fn get<K>(client: &Client, object: &ObjectRef) -> Result<Option<Box<K>>, ClusterError>
where
    K: Resource<Scope = NamespaceResourceScope> + Clone + DeserializeOwned + std::fmt::Debug,
    K::DynamicType: Default,
{
    let api: Api<K> = Api::namespaced(client.clone(), &object.namespace);
    let found = api
        .get_opt(&object.name)
        .await
        .map_err(|e| ClusterError::of(e, object.to_string()))?;
    Ok(found.map(Box::new))
}

/// Reads workloads live, the pool between two reads of each; a workload that changed in between counts as
/// cached, so that its gate looks again.
pub(super) async fn read_live(
    client: &Client,
    namespace: &str,
    caches: &Caches,
    abouts: &[About<'_>],
) -> Result<Vec<Snapshot>, ClusterError> {
    let first = workloads(client, abouts).await?;
    let pool = Pool::live(client, namespace, Some(caches)).await?;
    let second = workloads(client, abouts).await?;
    let now = Timestamp::now();
    let read = abouts
        .iter()
        .zip(first)
        .zip(second)
        .map(|((about, before), after)| {
            let same = steady(before.as_ref(), after.as_ref());
            let mut snapshot = pool.snapshot(about, after, now);
            if !same {
                snapshot.read = Read::Cached;
            }
            snapshot
        });
    Ok(read.collect())
}

async fn workloads(
    client: &Client,
    abouts: &[About<'_>],
) -> Result<Vec<Option<Workload>>, ClusterError> {
    try_join_all(
        abouts
            .iter()
            .map(|about| live_workload(client, about.workload)),
    )
    .await
}

/// Whether two reads show the same object in the same generation.
fn steady(before: Option<&Workload>, after: Option<&Workload>) -> bool {
    let identity = |workload: &Workload| {
        (
            workload.metadata().uid.clone(),
            workload.metadata().generation,
        )
    };
    before.map(identity) == after.map(identity)
}
