//! All objects of a namespace, and of these only what can matter to one workload.
//!
//! A gate may be shown the whole namespace; what is left out here is left out for speed alone, and a test holds the
//! verdicts of the two against each other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{ControllerRevision, ReplicaSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, Node, Pod, Service};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use super::baseline::{Baseline, is_in_front_of};
use super::digested::Digested;
use super::endpoints::{SERVICE_NAME, addresses};
use super::routers::shares;
use super::snapshot::{
    self, Departure, Read, Snapshot, controller, is_live, label, selects, service_selects,
};
use super::workload::Workload;
use tidegate_spec::ObjectRef;

/// Everything of one namespace that gates look at, at one moment.
#[derive(Debug, Clone)]
pub struct Pool {
    /// Where it came from.
    pub read: Read,
    /// The ReplicaSets.
    pub replica_sets: Vec<Arc<Digested<ReplicaSet>>>,
    /// The `ControllerRevision`s.
    pub controller_revisions: Vec<Arc<ControllerRevision>>,
    /// The Jobs.
    pub jobs: Vec<Arc<Digested<Job>>>,
    /// The pods, Terminating ones included.
    pub pods: Vec<Arc<Pod>>,
    /// The Services.
    pub services: Vec<Arc<Service>>,
    /// The EndpointSlices.
    pub endpoint_slices: Vec<Arc<EndpointSlice>>,
    /// The Warnings; hints, which may be old.
    pub events: Vec<Event>,
    /// As in [`Snapshot::nodes`].
    pub nodes: Option<Arc<[Node]>>,
    /// As in [`Snapshot::departed`].
    pub departed: Option<Arc<BTreeMap<String, Departure>>>,
}

/// A workload with what it refers to.
#[derive(Debug, Clone, Default)]
pub struct Family {
    /// The workload, if it exists.
    pub workload: Option<Workload>,
    /// As in [`Snapshot::others`].
    pub others: Vec<Workload>,
}

impl Family {
    /// All of them that are there.
    fn all(&self) -> Vec<&Workload> {
        self.workload.iter().chain(&self.others).collect()
    }

    /// Whether two reads show the same objects in the same generations.
    pub fn is_steady(&self, after: &Self) -> bool {
        let identity = |family: &Self| {
            let identity = |workload: &&Workload| {
                let metadata = workload.metadata();
                (metadata.uid.clone(), metadata.generation)
            };
            family.all().iter().map(identity).collect::<Vec<_>>()
        };
        identity(self) == identity(after)
    }
}

impl Pool {
    /// The snapshot of one workload: of the pool only what can matter to it.
    pub fn snapshot(&self, about: &About<'_>, family: Family, now: Timestamp) -> Snapshot {
        let all = family.all();
        let own = self.own_pods(about, &all);
        let fronts = self.fronts(about, &family, &own);
        let services = pick(&self.services, |service| {
            fronts.contains(snapshot::name(&service.metadata))
        });
        let endpoint_slices = pick(&self.endpoint_slices, |slice| {
            service_of(slice).is_some_and(|service| fronts.contains(service))
        });
        let pods = self.pods_of(about, &own, (&services, &endpoint_slices));
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
                    .is_none_or(|uid| told_of.contains(uid))
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
    pub fn left_behind(&self, workload: &ObjectRef, selector: &LabelSelector) -> Vec<String> {
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

    /// The names of the Services in front of the workload, now or before, there or not, and of those that routers send a
    /// part of the same calls to.
    fn fronts(
        &self,
        about: &About<'_>,
        family: &Family,
        own: &BTreeMap<&str, &Pod>,
    ) -> BTreeSet<String> {
        let is_in_front = |service: &&Arc<Service>| {
            let spec = service.spec.as_ref();
            let selector = spec.and_then(|spec| spec.selector.as_ref());
            let mut live = family.workload.iter();
            live.any(|live| is_in_front_of(service, live, &family.others))
                || about
                    .services
                    .iter()
                    .any(|it| it == snapshot::name(&service.metadata))
                || selector.is_some_and(|selector| {
                    let mut own = own.values();
                    own.any(|pod| service_selects(selector, &pod.metadata))
                })
        };
        let addresses: BTreeSet<&str> = own.values().copied().flat_map(addresses).collect();
        // Whatever its Service selects, or if that is gone: what names our pods leads to them.
        let names_own = |endpoint: &Endpoint| {
            let uid = endpoint
                .target_ref
                .as_ref()
                .and_then(|it| it.uid.as_deref());
            uid.is_some_and(|uid| own.contains_key(uid) || about.recorded.contains(uid))
                || endpoint
                    .addresses
                    .iter()
                    .any(|it| addresses.contains(it.as_str()))
        };
        let services = self.services.iter().filter(is_in_front);
        let slices = self.endpoint_slices.iter().filter(|slice| {
            let mut endpoints = slice.endpoints.iter().flatten();
            endpoints.any(names_own)
        });
        let before = about.before.into_iter();
        let fronts: BTreeSet<&str> = services
            .map(|service| snapshot::name(&service.metadata))
            .chain(slices.filter_map(|slice| service_of(slice)))
            .chain(before.flat_map(|before| before.services.keys().map(String::as_str)))
            .collect();
        let beside = shares(&family.others, &fronts, &about.workload.namespace).services;
        fronts
            .into_iter()
            .map(str::to_owned)
            .chain(beside)
            .collect()
    }

    /// The pods that are the workload's own, by whatever says so, by uid.
    fn own_pods(&self, about: &About<'_>, family: &[&Workload]) -> BTreeMap<&str, &Pod> {
        let sets = self.replica_sets.iter().map(|set| &set.metadata);
        let between = sets.chain(self.jobs.iter().map(|job| &job.metadata));
        let own_sets: BTreeSet<&str> = between
            .filter(|metadata| owner_uids(metadata).any(|uid| about.is_own(family, uid)))
            .map(snapshot::uid)
            .collect();
        let is_own = |metadata: &ObjectMeta| {
            about.recorded.contains(snapshot::uid(metadata))
                || about.is_own(family, snapshot::uid(metadata))
                || owner_uids(metadata)
                    .any(|uid| about.is_own(family, uid) || own_sets.contains(uid))
                || about.is_of_gone_job(metadata)
                || about.claims(family, metadata)
        };
        let pods = self.pods.iter().map(|pod| &**pod);
        pods.filter(|pod| is_own(&pod.metadata))
            .map(|pod| (snapshot::uid(&pod.metadata), pod))
            .collect()
    }

    /// The pods that are the workload's own, or stand behind the same Services.
    fn pods_of(
        &self,
        about: &About<'_>,
        own: &BTreeMap<&str, &Pod>,
        (services, slices): (&[Service], &[EndpointSlice]),
    ) -> Vec<Pod> {
        let endpoints = || {
            slices
                .iter()
                .flat_map(|slice| slice.endpoints.iter().flatten())
        };
        let targets: BTreeSet<&str> = endpoints()
            .filter_map(|endpoint| endpoint.target_ref.as_ref()?.uid.as_deref())
            .collect();
        let shown: BTreeSet<&str> = endpoints()
            .flat_map(|endpoint| endpoint.addresses.iter().map(String::as_str))
            .collect();
        let now = services
            .iter()
            .filter_map(|service| service.spec.as_ref()?.selector.as_ref());
        let before = about
            .before
            .into_iter()
            .flat_map(|before| before.services.values().chain(before.elsewhere.values()));
        let selectors: Vec<_> = now.chain(before).collect();
        pick(&self.pods, |pod| {
            let uid = snapshot::uid(&pod.metadata);
            own.contains_key(uid)
                || targets.contains(uid)
                || addresses(pod).any(|address| shown.contains(address))
                || selectors
                    .iter()
                    .any(|selector| service_selects(selector, &pod.metadata))
        })
    }
}

/// Which workload a snapshot is about.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The workload.
    pub workload: &'a ObjectRef,
    /// The other workloads of the same service.
    pub siblings: &'a [ObjectRef],
    /// Pods that were recorded before the apply, whatever labels they have now.
    pub recorded: &'a BTreeSet<String>,
    /// The workload as it was before: its pods are found by that when the object is gone.
    pub before: Option<&'a Baseline>,
    /// The routers of the release, where they have to be asked.
    pub routers: &'a [ObjectRef],
    /// The Services that come with it: an apply may switch them to it.
    pub services: &'a [String],
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
}

fn pick<K: Clone>(objects: &[Arc<K>], wanted: impl Fn(&K) -> bool) -> Vec<K> {
    objects
        .iter()
        .filter(|object| wanted(object))
        .map(|object| (**object).clone())
        .collect()
}

/// The Service whose endpoints a slice lists.
fn service_of(slice: &EndpointSlice) -> Option<&str> {
    label(&slice.metadata, SERVICE_NAME)
}

fn owner_uids(metadata: &ObjectMeta) -> impl Iterator<Item = &str> {
    metadata
        .owner_references
        .iter()
        .flatten()
        .map(|owner| owner.uid.as_str())
}
