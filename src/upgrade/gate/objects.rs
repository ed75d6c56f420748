//! Objects as the API server writes them, sorted for judging without a cluster.
//!
//! In: objects of any kind. Out: the workloads among them, and for each a [`Snapshot`] of its namespace.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{ControllerRevision, ReplicaSet};
use k8s_openapi::api::core::v1::{Event, Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::snapshot::{self, Read, Snapshot, Workload};
use crate::spec::ObjectRef;

/// What can matter to a gate, of all namespaces.
#[derive(Debug, Default)]
pub struct Objects {
    workloads: Vec<Workload>,
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
        }
        Ok(true)
    }

    /// The workloads that have a gate of their own, in the order in which they were taken in.
    pub fn workloads(&self) -> impl Iterator<Item = &Workload> {
        self.workloads.iter()
    }

    /// Everything about one workload, as of a moment.
    pub fn snapshot(&self, workload: &ObjectRef, now: Timestamp) -> Snapshot {
        let is_here = |metadata: &ObjectMeta| {
            metadata.namespace.as_deref().unwrap_or_default() == workload.namespace
        };
        Snapshot {
            now,
            read: Read::Live,
            workload: self
                .workloads
                .iter()
                .find(|known| known.reference() == *workload)
                .cloned(),
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
