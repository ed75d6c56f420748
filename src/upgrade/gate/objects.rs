//! Objects as the API server writes them, sorted for judging without a cluster.
//!
//! In: objects of any kind. Out: the workloads among them, and for each a [`Snapshot`] of its namespace.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{ControllerRevision, ReplicaSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::assessment::Assessment;
use super::baseline::{Applied, Baseline, is_in_front_of};
use super::memory::Memory;
use super::policy::Policy;
use super::record::Recorded;
use super::snapshot::{self, Read, Snapshot};
use super::workload::Workload;
use super::{assess, assess_removed, kin};
use crate::spec::ObjectRef;

/// What can matter to a gate, of all namespaces.
#[derive(Debug, Default)]
pub struct Objects {
    /// Those that have a gate of their own.
    workloads: Vec<Workload>,
    /// Those that others own, as a Canary owns its primary.
    owned: Vec<Workload>,
    jobs: Vec<Job>,
    replica_sets: Vec<ReplicaSet>,
    controller_revisions: Vec<ControllerRevision>,
    pods: Vec<Pod>,
    services: Vec<Service>,
    endpoint_slices: Vec<EndpointSlice>,
    events: Vec<Event>,
    nodes: Vec<Node>,
}

impl Objects {
    /// Takes one object in; `false` if no gate looks at its kind. Error: it is not as its kind is.
    pub fn take(&mut self, object: &Value) -> Result<bool, serde_json::Error> {
        let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
        let is_seen = match (text("apiVersion"), text("kind")) {
            ("apps/v1", "ReplicaSet") => push(&mut self.replica_sets, object),
            ("apps/v1", "ControllerRevision") => push(&mut self.controller_revisions, object),
            ("batch/v1", "Job") => push(&mut self.jobs, object),
            ("v1", "Pod") => push(&mut self.pods, object),
            ("v1", "Service") => push(&mut self.services, object),
            ("discovery.k8s.io/v1", "EndpointSlice") => push(&mut self.endpoint_slices, object),
            ("v1", "Event") => push(&mut self.events, object),
            ("v1", "Node") => push(&mut self.nodes, object),
            _ => Ok(false),
        }?;
        let Some(workload) = Workload::from_object(object.clone())? else {
            return Ok(is_seen);
        };
        // What another object owns is judged with that one.
        if snapshot::controller(workload.metadata()).is_none() {
            self.workloads.push(workload);
        } else {
            self.owned.push(workload);
        }
        Ok(true)
    }

    /// What would be recorded of every workload before an apply, were these the objects then.
    pub fn as_before(&self, now: Timestamp) -> Vec<Recorded> {
        let references = self.workloads.iter().map(Workload::reference);
        references
            .map(|object| Recorded {
                baseline: Some(Baseline::capture(&object, &self.snapshot(&object, now))),
                applied: None,
                object,
            })
            .collect()
    }

    /// The workloads that have a gate of their own, in the order in which they were taken in.
    pub fn workloads(&self) -> impl Iterator<Item = &Workload> {
        self.workloads.iter()
    }

    /// Whether a workload is judged with another one that is there: a Canary's target, the Deployment that a Rollout
    /// takes its template from, a Service in front of pods.
    fn is_part_of_another(&self, object: &Workload) -> bool {
        let reference = object.reference();
        let is_kin = |other: &Workload| {
            let refers = kin::references(other);
            other.metadata().namespace == object.metadata().namespace
                && refers.iter().any(|(group, kind, name)| {
                    reference.group() == group && reference.kind == *kind && reference.name == *name
                })
        };
        let is_front = |service: &Service| {
            let balances = service.spec.as_ref().and_then(|spec| spec.type_.as_deref());
            // A load balancer has an address to wait for.
            balances != Some("LoadBalancer")
                && service.metadata.uid == object.metadata().uid
                && service.metadata.name == object.metadata().name
                && self
                    .workloads
                    .iter()
                    .any(|other| is_in_front_of(service, other, &self.others(Some(other))))
        };
        self.workloads.iter().any(is_kin)
            || (reference.kind == "Service" && self.services.iter().any(is_front))
    }

    /// What a workload refers to.
    fn others(&self, workload: Option<&Workload>) -> Vec<Workload> {
        let Some(workload) = workload else {
            return Vec::new();
        };
        let namespace = workload.metadata().namespace.as_deref();
        let wanted = kin::references(workload);
        let is_wanted = |other: &&Workload| {
            let reference = other.reference();
            let is_named = wanted.iter().any(|(group, kind, name)| {
                reference.group() == group && reference.kind == *kind && reference.name == *name
            });
            let is_class =
                reference.group() == "storage.k8s.io" && reference.kind == "StorageClass";
            (is_named && other.metadata().namespace.as_deref() == namespace) || is_class
        };
        self.workloads
            .iter()
            .chain(&self.owned)
            .filter(is_wanted)
            .cloned()
            .collect()
    }

    /// Everything about one workload, as of a moment.
    pub fn snapshot(&self, workload: &ObjectRef, now: Timestamp) -> Snapshot {
        let is_here = |metadata: &ObjectMeta| {
            metadata.namespace.as_deref().unwrap_or_default() == workload.namespace
        };
        let live = self
            .workloads
            .iter()
            .find(|known| known.reference() == *workload);
        Snapshot {
            now,
            read: Read::File,
            others: self.others(live),
            workload: live.cloned(),
            jobs: pick(&self.jobs, |object| is_here(&object.metadata)),
            replica_sets: pick(&self.replica_sets, |object| is_here(&object.metadata)),
            controller_revisions: pick(&self.controller_revisions, |object| {
                is_here(&object.metadata)
            }),
            pods: pick(&self.pods, |object| is_here(&object.metadata)),
            services: pick(&self.services, |object| is_here(&object.metadata)),
            endpoint_slices: pick(&self.endpoint_slices, |object| is_here(&object.metadata)),
            events: pick(&self.events, |object| is_here(&object.metadata)),
            // No node at all was hardly meant to say that every node is gone.
            nodes: (!self.nodes.is_empty()).then(|| Arc::from(self.nodes.clone())),
            siblings: Vec::new(),
        }
    }
}

/// How an object stands in a list of verdicts: what has pods first, what does nothing by itself last.
fn place(object: &Workload) -> u8 {
    match object {
        Workload::Plain(object) if object.is_inert() => 2,
        Workload::Plain(_) => 1,
        Workload::Deployment(_)
        | Workload::StatefulSet(_)
        | Workload::DaemonSet(_)
        | Workload::ReplicaSet(_)
        | Workload::Job(_)
        | Workload::CronJob(_)
        | Workload::Pod(_)
        | Workload::ArgoRollout(_)
        | Workload::FlaggerCanary(_) => 0,
    }
}

/// Judges every object that has a gate of its own, and every one that was recorded and is not there.
pub fn judge_all(
    objects: &Objects,
    recorded: &[Recorded],
    policy: &Policy,
    now: Timestamp,
) -> Vec<Assessment> {
    let record_of = |workload: &ObjectRef| {
        // The version does not matter: the API server converts.
        recorded.iter().find(|record| {
            let object = &record.object;
            (
                object.group(),
                &object.kind,
                &object.namespace,
                &object.name,
            ) == (
                workload.group(),
                &workload.kind,
                &workload.namespace,
                &workload.name,
            )
        })
    };
    let mut here: Vec<&Workload> = objects
        .workloads()
        .filter(|object| {
            record_of(&object.reference()).is_some() || !objects.is_part_of_another(object)
        })
        .collect();
    here.sort_by_key(|object| place(object));
    let present: Vec<ObjectRef> = here.iter().map(|live| live.reference()).collect();
    let is_here = |record: &Recorded| {
        present
            .iter()
            .any(|live| record_of(live).is_some_and(|found| found.object == record.object))
    };
    let gone = recorded
        .iter()
        .filter(|record| !is_here(record))
        .map(|record| &record.object);
    present
        .iter()
        .chain(gone)
        .map(|workload| {
            let record = record_of(workload);
            let live = objects
                .workloads()
                .find(|found| found.reference() == *workload);
            let baseline = record
                .and_then(|record| record.baseline.clone())
                .unwrap_or_else(|| Baseline::absent(workload.clone()));
            let applied = record
                .and_then(|record| record.applied.clone())
                .map(|applied| completed(applied, live))
                .or_else(|| live.map(|live| as_it_stands(live, &baseline)));
            let snapshot = objects.snapshot(workload, now);
            let memory = Memory::default();
            match applied {
                Some(applied) => assess(&baseline, &applied, &snapshot, policy, &memory).0,
                // Recorded before, never applied, not there: it was to be removed.
                None => assess_removed(&baseline, &snapshot, policy, &memory).0,
            }
        })
        .collect()
}

/// A record that leaves out what the object says itself.
fn completed(mut applied: Applied, live: Option<&Workload>) -> Applied {
    if let Some(live) = live {
        if applied.uid.is_empty() {
            snapshot::uid(live.metadata()).clone_into(&mut applied.uid);
        }
        if applied.template_digest.is_empty() {
            applied.template_digest = live.digest();
        }
    }
    applied
}

/// An object that counts as applied just as it is. When that was nobody knows: every event may be newer.
fn as_it_stands(live: &Workload, before: &Baseline) -> Applied {
    let is_known = before.uid.is_some() && before.uid == live.metadata().uid;
    Applied {
        resource_version: String::new(),
        changed: !is_known || before.generation != snapshot::generation(live.metadata()),
        ..Applied::from_response(live, None)
    }
}

fn push<K: DeserializeOwned>(list: &mut Vec<K>, object: &Value) -> Result<bool, serde_json::Error> {
    list.push(serde_json::from_value(object.clone())?);
    Ok(true)
}

fn pick<K: Clone>(objects: &[K], wanted: impl Fn(&K) -> bool) -> Vec<K> {
    objects
        .iter()
        .filter(|object| wanted(object))
        .cloned()
        .collect()
}
