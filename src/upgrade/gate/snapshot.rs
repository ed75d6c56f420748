//! What was read from the cluster about one workload.
//!
//! The order of the reads matters to whoever fills a [`Snapshot`]: workload, ReplicaSets or controller
//! revisions, pods, Services, EndpointSlices (completion.md §6).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{
    ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet,
};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, Node, Pod, PodSpec, PodTemplateSpec, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, OwnerReference};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::spec::ObjectRef;

/// Where a snapshot came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// Asked of the API server just now: what is absent is absent.
    Live,
    /// From a watch, so perhaps older than our own apply.
    Cached,
}

/// One workload and everything that can matter to it: the objects of its namespace, or fewer, as long
/// as nothing is left out that owns, or is owned by, or stands behind the same Services.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// When it was read.
    pub now: Timestamp,
    /// Where it came from.
    pub read: Read,
    /// The workload itself, if it exists.
    pub workload: Option<Workload>,
    /// The ReplicaSets of the namespace, those of other Deployments included.
    pub replica_sets: Vec<ReplicaSet>,
    /// Every `ControllerRevision` of the namespace; a DaemonSet needs its own.
    pub controller_revisions: Vec<ControllerRevision>,
    /// The pods of the namespace, Terminating ones included.
    pub pods: Vec<Pod>,
    /// The Services of the namespace; which of them are in front of the workload is found out here.
    pub services: Vec<Service>,
    /// The EndpointSlices of those Services.
    pub endpoint_slices: Vec<EndpointSlice>,
    /// Events of the workload and its pods; none is needed, they only hasten a failure.
    pub events: Vec<Event>,
    /// The nodes, or `None` if they cannot be read: then a vanished pod is believed to be gone.
    /// Shared, for there may be thousands.
    pub nodes: Option<Arc<[Node]>>,
    /// Workloads (or bare pods) which may stand behind the same Services without blocking the gate:
    /// the other workloads of the same service, each of which has a gate of its own, and what the
    /// plan allows by name.
    pub siblings: Vec<ObjectRef>,
}

/// A workload whose rollout can be judged.
#[derive(Debug, Clone, PartialEq)]
pub enum Workload {
    /// `apps/v1` Deployment.
    Deployment(Box<Deployment>),
    /// `apps/v1` StatefulSet.
    StatefulSet(Box<StatefulSet>),
    /// `apps/v1` DaemonSet.
    DaemonSet(Box<DaemonSet>),
    /// `apps/v1` ReplicaSet without an owner.
    ReplicaSet(Box<ReplicaSet>),
    /// `batch/v1` Job.
    Job(Box<Job>),
    /// A pod without an owner.
    Pod(Box<Pod>),
}

fn typed<T: DeserializeOwned>(object: Value) -> Result<Box<T>, serde_json::Error> {
    serde_json::from_value(object).map(Box::new)
}

impl Workload {
    /// The workload of an object as the API server sends it; `None` for a kind that cannot be judged.
    pub fn from_object(object: Value) -> Result<Option<Self>, serde_json::Error> {
        let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
        Ok(Some(match (text("apiVersion"), text("kind")) {
            ("apps/v1", "Deployment") => Self::Deployment(typed(object)?),
            ("apps/v1", "StatefulSet") => Self::StatefulSet(typed(object)?),
            ("apps/v1", "DaemonSet") => Self::DaemonSet(typed(object)?),
            ("apps/v1", "ReplicaSet") => Self::ReplicaSet(typed(object)?),
            ("batch/v1", "Job") => Self::Job(typed(object)?),
            ("v1", "Pod") => Self::Pod(typed(object)?),
            _ => return Ok(None),
        }))
    }

    /// Kind and name.
    pub fn reference(&self) -> ObjectRef {
        let (api_version, kind) = match self {
            Self::Deployment(_) => ("apps/v1", "Deployment"),
            Self::StatefulSet(_) => ("apps/v1", "StatefulSet"),
            Self::DaemonSet(_) => ("apps/v1", "DaemonSet"),
            Self::ReplicaSet(_) => ("apps/v1", "ReplicaSet"),
            Self::Job(_) => ("batch/v1", "Job"),
            Self::Pod(_) => ("v1", "Pod"),
        };
        reference(api_version, kind, self.metadata())
    }

    /// The object's metadata.
    pub fn metadata(&self) -> &ObjectMeta {
        match self {
            Self::Deployment(object) => &object.metadata,
            Self::StatefulSet(object) => &object.metadata,
            Self::DaemonSet(object) => &object.metadata,
            Self::ReplicaSet(object) => &object.metadata,
            Self::Job(object) => &object.metadata,
            Self::Pod(object) => &object.metadata,
        }
    }

    /// The pod template. That of a pod is what makes it what it is: its labels and containers.
    pub fn template(&self) -> Cow<'_, PodTemplateSpec> {
        match self {
            Self::Deployment(object) => Cow::Borrowed(&object.spec.template),
            Self::StatefulSet(object) => Cow::Borrowed(&object.spec.template),
            Self::DaemonSet(object) => Cow::Borrowed(&object.spec.template),
            Self::ReplicaSet(object) => {
                Cow::Owned(object.spec.template.clone().unwrap_or_default())
            }
            Self::Job(object) => Cow::Owned(
                object
                    .spec
                    .as_ref()
                    .map(|spec| spec.template.clone())
                    .unwrap_or_default(),
            ),
            Self::Pod(object) => Cow::Owned(template_of_pod(object)),
        }
    }

    /// Which pods it claims.
    pub fn selector(&self) -> Option<&LabelSelector> {
        match self {
            Self::Deployment(object) => Some(&object.spec.selector),
            Self::StatefulSet(object) => Some(&object.spec.selector),
            Self::DaemonSet(object) => Some(&object.spec.selector),
            Self::ReplicaSet(object) => Some(&object.spec.selector),
            Self::Job(object) => object.spec.as_ref().and_then(|spec| spec.selector.as_ref()),
            Self::Pod(_) => None,
        }
    }

    /// Whether it claims a pod by its labels.
    pub fn selects(&self, pod: &ObjectMeta) -> bool {
        self.selector()
            .is_some_and(|selector| selects(selector, pod))
    }

    /// The generation that its controller has seen; `None` if the kind has none or nothing was seen.
    pub(super) fn observed_generation(&self) -> Option<i64> {
        match self {
            Self::Deployment(object) => object.status.as_ref()?.observed_generation,
            Self::StatefulSet(object) => object.status.as_ref()?.observed_generation,
            Self::DaemonSet(object) => object.status.as_ref()?.observed_generation,
            Self::ReplicaSet(object) => object.status.as_ref()?.observed_generation,
            Self::Job(_) | Self::Pod(_) => None,
        }
    }

    /// Whether its controller has seen the present generation. Jobs and pods never change.
    pub(super) fn is_observed(&self) -> bool {
        match self {
            Self::Job(_) | Self::Pod(_) => true,
            Self::Deployment(_)
            | Self::StatefulSet(_)
            | Self::DaemonSet(_)
            | Self::ReplicaSet(_) => self
                .observed_generation()
                .is_some_and(|observed| observed >= generation(self.metadata())),
        }
    }
}

fn template_of_pod(pod: &Pod) -> PodTemplateSpec {
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: pod.metadata.labels.clone(),
            ..ObjectMeta::default()
        }),
        spec: pod.spec.as_ref().map(|spec| PodSpec {
            containers: spec.containers.clone(),
            init_containers: spec.init_containers.clone(),
            ..PodSpec::default()
        }),
    }
}

/// Kind and name of an object whose kind is known.
pub(super) fn reference(api_version: &str, kind: &str, metadata: &ObjectMeta) -> ObjectRef {
    ObjectRef {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: metadata.namespace.clone().unwrap_or_default(),
        name: name(metadata).to_owned(),
    }
}

/// Kind and name of a pod.
pub(super) fn pod_reference(pod: &Pod) -> ObjectRef {
    reference("v1", "Pod", &pod.metadata)
}

pub(super) fn name(metadata: &ObjectMeta) -> &str {
    metadata.name.as_deref().unwrap_or_default()
}

pub(super) fn uid(metadata: &ObjectMeta) -> &str {
    metadata.uid.as_deref().unwrap_or_default()
}

pub(super) fn generation(metadata: &ObjectMeta) -> i64 {
    metadata.generation.unwrap_or_default()
}

pub(super) fn label<'a>(metadata: &'a ObjectMeta, key: &str) -> Option<&'a str> {
    metadata.labels.as_ref()?.get(key).map(String::as_str)
}

pub(super) fn controller(metadata: &ObjectMeta) -> Option<&OwnerReference> {
    metadata
        .owner_references
        .as_ref()?
        .iter()
        .find(|owner| owner.controller == Some(true))
}

/// A counter of a status: absent is 0, and so is what makes no sense.
pub(super) fn count(counter: Option<i32>) -> u32 {
    counter
        .and_then(|counter| u32::try_from(counter).ok())
        .unwrap_or_default()
}

/// `spec.replicas`, which is 1 where it is absent.
pub(super) fn replicas(wanted: Option<i32>) -> u32 {
    count(Some(wanted.unwrap_or(1)))
}

/// A list's length as a counter.
pub(super) fn length(items: usize) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}

/// Whether labels satisfy a selector. An operator that we do not know is taken to match: a pod too
/// many keeps a gate shut, a pod too few opens it.
pub fn selects(selector: &LabelSelector, metadata: &ObjectMeta) -> bool {
    let value = |key: &str| label(metadata, key);
    let labels = selector.match_labels.iter().flatten();
    let expressions = selector.match_expressions.iter().flatten();
    labels
        .into_iter()
        .all(|(key, wanted)| value(key) == Some(wanted))
        && expressions.into_iter().all(|expression| {
            let values = expression.values.as_deref().unwrap_or_default();
            let listed =
                || value(&expression.key).is_some_and(|has| values.iter().any(|v| v == has));
            match expression.operator.as_str() {
                "In" => listed(),
                "NotIn" => !listed(),
                "Exists" => value(&expression.key).is_some(),
                "DoesNotExist" => value(&expression.key).is_none(),
                _ => true,
            }
        })
}

/// Whether labels satisfy a Service's selector; an empty one selects nothing.
pub(super) fn service_selects(selector: &BTreeMap<String, String>, metadata: &ObjectMeta) -> bool {
    !selector.is_empty()
        && selector
            .iter()
            .all(|(key, wanted)| label(metadata, key) == Some(wanted.as_str()))
}

/// Not dead: it may take or make a call now or later. A deletion timestamp does not make it dead,
/// unless the pod was never bound to a node.
pub fn is_live(pod: &Pod) -> bool {
    let phase = pod
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref());
    let ended = matches!(phase, Some("Succeeded" | "Failed"));
    let bound = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
    let never_bound = is_terminating(pod) && bound.unwrap_or_default().is_empty();
    !ended && !never_bound
}

pub(super) fn is_terminating(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

pub(super) fn pod_condition_is(pod: &Pod, type_: &str, status: &str) -> bool {
    pod.status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten())
        .any(|condition| condition.type_ == type_ && condition.status == status)
}

/// Running, ready and not on its way out.
pub(super) fn is_ready(pod: &Pod) -> bool {
    is_live(pod) && !is_terminating(pod) && pod_condition_is(pod, "Ready", "True")
}
