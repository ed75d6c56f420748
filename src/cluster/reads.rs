//! Objects of the cluster to [`Snapshot`]s: from the caches, or read live and in the order that completion.md §6
//! asks for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::try_join_all;
use jiff::Timestamp;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{ControllerRevision, ReplicaSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, OwnerReference};
use kube::api::ListParams;
use kube::runtime::reflector::Store;
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use super::caches::Caches;
use super::error::ClusterError;
use super::family::{Family, Source};
use crate::spec::ObjectRef;
use crate::upgrade::gate::{
    Baseline, Departure, Read, Snapshot, Workload, is_live, selects, shares,
};

/// Everything of one namespace that gates look at, at one moment.
pub(super) struct Pool {
    pub(super) read: Read,
    replica_sets: Vec<Arc<ReplicaSet>>,
    controller_revisions: Vec<Arc<ControllerRevision>>,
    jobs: Vec<Arc<Job>>,
    pods: Vec<Arc<Pod>>,
    services: Vec<Arc<Service>>,
    endpoint_slices: Vec<Arc<EndpointSlice>>,
    events: Vec<Event>,
    nodes: Option<Arc<[Node]>>,
    departed: Option<Arc<BTreeMap<String, Departure>>>,
}

impl Pool {
    /// What the watches have last brought.
    pub(super) fn cached(caches: &Caches) -> Self {
        Self {
            read: Read::Cached,
            replica_sets: caches.replica_sets.state(),
            controller_revisions: caches.controller_revisions.state(),
            jobs: caches.jobs.state(),
            pods: caches.pods.state(),
            services: caches.services.state(),
            endpoint_slices: caches.endpoint_slices.state(),
            events: hints(caches.warnings.as_ref()).unwrap_or_default(),
            nodes: hints(caches.nodes.as_ref()).map(Arc::from),
            departed: Some(caches.departed.all()),
        }
    }

    /// Everything asked of the API server now, one kind after the other: what owns before what is owned, pods
    /// before what points at them.
    pub(super) async fn live(
        client: &Client,
        namespace: &str,
        caches: Option<&Caches>,
    ) -> Result<Self, ClusterError> {
        let (replica_sets, controller_revisions, jobs) = futures::try_join!(
            list(client, namespace),
            list(client, namespace),
            list(client, namespace)
        )?;
        let pods = list(client, namespace).await?;
        let services = list(client, namespace).await?;
        let endpoint_slices = list(client, namespace).await?;
        Ok(Self {
            read: Read::Live,
            replica_sets,
            controller_revisions,
            jobs,
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
            departed: caches.map(|caches| caches.departed.all()),
        })
    }

    /// The snapshot of one workload: of the pool only what can matter to it.
    pub(super) fn snapshot(&self, about: &About<'_>, family: Family, now: Timestamp) -> Snapshot {
        let all = family.all();
        let own = self.own_pods(about, &all);
        let services = self.services_in_front(about, &family);
        let names: BTreeSet<&str> = services
            .iter()
            .filter_map(|service| service.metadata.name.as_deref())
            .collect();
        let endpoint_slices: Vec<EndpointSlice> = self
            .endpoint_slices
            .iter()
            .filter(|slice| {
                let service = label(&slice.metadata, "kubernetes.io/service-name");
                service.is_some_and(|service| names.contains(service.as_str()))
                    // Whatever its Service selects, or if that is gone: what names our pods leads to them.
                    || targets(slice).any(|uid| own.contains(uid))
            })
            .map(|slice| (**slice).clone())
            .collect();
        let pods = self.pods_of(&own, &services, &endpoint_slices);
        let owners: BTreeSet<&str> = pods
            .iter()
            .flat_map(|pod| owner_uids(&pod.metadata))
            .collect();
        let own_uids: Vec<&str> = all
            .iter()
            .filter_map(|workload| workload.metadata().uid.as_deref())
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
            let involved = &event.involved_object;
            // Of a claim whose volume cannot be made its pods tell nothing.
            involved.kind.as_deref() == Some("PersistentVolumeClaim")
                || involved
                    .uid
                    .as_deref()
                    .is_some_and(|uid| told_of.contains(uid))
        };
        let events = self.events.iter().filter(is_about).cloned().collect();
        Snapshot {
            now,
            read: self.read,
            replica_sets,
            controller_revisions: pick(&self.controller_revisions, |object| {
                concerns(&object.metadata)
            }),
            jobs: pick(&self.jobs, |object| concerns(&object.metadata)),
            services,
            endpoint_slices,
            events,
            nodes: self.nodes.clone(),
            siblings: about.siblings.to_vec(),
            departed: self.departed.clone(),
            unreadable: Vec::new(),
            pods,
            workload: family.workload,
            others: family.others,
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

    /// Services whose selector picks the workload's pods, as they are or as they were, and those that routers send a part
    /// of the same calls to.
    fn services_in_front(&self, about: &About<'_>, family: &Family) -> Vec<Service> {
        let (others, family) = (&family.others, family.all());
        let templates: Vec<ObjectMeta> = family
            .iter()
            .map(|workload| workload.template().metadata.clone().unwrap_or_default())
            .collect();
        let known_pods = self
            .pods
            .iter()
            .filter(|pod| about.knows(&pod.metadata) || about.claims(&family, &pod.metadata));
        let pods: Vec<&ObjectMeta> = templates
            .iter()
            .chain(known_pods.map(|pod| &pod.metadata))
            .collect();
        let own = pick(&self.services, |service| {
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
        });
        self.with_shares(own, others, &about.workload.namespace)
    }

    /// The same with those that routers send a part of the same calls to.
    fn with_shares(
        &self,
        mut services: Vec<Service>,
        others: &[Workload],
        namespace: &str,
    ) -> Vec<Service> {
        let named = |service: &Service| service.metadata.name.clone().unwrap_or_default();
        let fronts: Vec<String> = services.iter().map(named).collect();
        let fronts = fronts.iter().map(String::as_str).collect();
        let shares = shares(others, &fronts, namespace).services;
        services.extend(pick(&self.services, |service| {
            shares.contains(&named(service))
        }));
        services
    }

    /// The uids of the pods that are the workload's own, by whatever says so.
    fn own_pods(&self, about: &About<'_>, family: &[&Workload]) -> BTreeSet<&str> {
        let sets = self.replica_sets.iter().map(|set| &set.metadata);
        let between = sets.chain(self.jobs.iter().map(|job| &job.metadata));
        let own_sets: BTreeSet<&str> = between
            .filter(|metadata| owner_uids(metadata).any(|uid| about.is_own(family, uid)))
            .filter_map(|metadata| metadata.uid.as_deref())
            .collect();
        let is_own = |metadata: &ObjectMeta| {
            about.knows(metadata)
                || metadata
                    .uid
                    .as_deref()
                    .is_some_and(|uid| about.is_own(family, uid))
                || owner_uids(metadata)
                    .any(|uid| about.is_own(family, uid) || own_sets.contains(uid))
                || about.is_of_gone_job(metadata)
                || about.claims(family, metadata)
        };
        let metadata = self.pods.iter().map(|pod| &pod.metadata);
        metadata
            .filter(|metadata| is_own(metadata))
            .filter_map(|metadata| metadata.uid.as_deref())
            .collect()
    }

    /// The pods that are the workload's own, or stand behind the same Services.
    fn pods_of(
        &self,
        own: &BTreeSet<&str>,
        services: &[Service],
        slices: &[EndpointSlice],
    ) -> Vec<Pod> {
        let targets: BTreeSet<&str> = slices.iter().flat_map(targets).collect();
        pick(&self.pods, |pod| {
            let metadata = &pod.metadata;
            let uid = metadata.uid.as_deref();
            uid.is_some_and(|uid| own.contains(uid) || targets.contains(uid))
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
    /// The routers of the release, where they have to be asked.
    pub(super) routers: &'a [ObjectRef],
}

impl About<'_> {
    /// Whether a uid is the workload's, as it is or as it was.
    fn is_own(&self, family: &[&Workload], uid: &str) -> bool {
        let mut live = family
            .iter()
            .map(|workload| workload.metadata().uid.as_deref());
        let before = self.before.and_then(|before| before.uid.as_deref());
        live.any(|live| live == Some(uid)) || before == Some(uid)
    }

    /// Whether the workload claims a pod by its labels, or did.
    fn claims(&self, family: &[&Workload], pod: &ObjectMeta) -> bool {
        let before = self.before.and_then(|before| before.selector.as_ref());
        family.iter().any(|workload| workload.selects(pod))
            || before.is_some_and(|selector| selects(selector, pod))
    }

    /// Whether a pod's owner is a Job called after this CronJob, which may be gone.
    fn is_of_gone_job(&self, pod: &ObjectMeta) -> bool {
        self.workload.kind == "CronJob"
            && controller(pod).is_some_and(|owner| {
                let cron = owner.name.rsplit_once('-').map(|(cron, _)| cron);
                owner.kind == "Job" && cron == Some(self.workload.name.as_str())
            })
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

/// The uids of the pods that a slice names.
fn targets(slice: &EndpointSlice) -> impl Iterator<Item = &str> {
    let endpoints = slice.endpoints.iter().flatten();
    endpoints.filter_map(|endpoint| endpoint.target_ref.as_ref()?.uid.as_deref())
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

/// Reads workloads live, the pool between two reads of each; a workload that changed in between counts as
/// cached, so that its gate looks again.
pub(super) async fn read_live(
    source: Source<'_>,
    namespace: &str,
    caches: &Caches,
    abouts: &[About<'_>],
) -> Result<Vec<Snapshot>, ClusterError> {
    let first = families(source, abouts).await?;
    let pool = Pool::live(source.client, namespace, Some(caches)).await?;
    let second = families(source, abouts).await?;
    let now = Timestamp::now();
    let read = abouts
        .iter()
        .zip(first)
        .zip(second)
        .map(|((about, before), after)| {
            let same = before.is_steady(&after);
            let mut snapshot = pool.snapshot(about, after, now);
            if !same {
                snapshot.read = Read::Cached;
            }
            snapshot
        });
    Ok(read.collect())
}

async fn families(source: Source<'_>, abouts: &[About<'_>]) -> Result<Vec<Family>, ClusterError> {
    try_join_all(
        abouts
            .iter()
            .map(|about| Family::live_with(source, about.workload, about.routers)),
    )
    .await
}
