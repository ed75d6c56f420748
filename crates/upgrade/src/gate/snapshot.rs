//! What was read from the cluster about one workload.
//!
//! The order of the reads matters to whoever fills a [`Snapshot`]: workload, ReplicaSets or controller
//! revisions, pods, Services, EndpointSlices (completion.md §6).

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{ControllerRevision, ReplicaSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, OwnerReference};

use super::digested::Digested;
use super::workload::{self, Workload};
use tidegate_spec::ObjectRef;

/// Where a snapshot came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// Asked of the API server just now: what is absent is absent.
    Live,
    /// From a watch, so perhaps older than our own apply.
    Cached,
    /// From files, once: what is absent is absent, and only the objects themselves say how long something has lasted.
    File,
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
    pub replica_sets: Vec<Digested<ReplicaSet>>,
    /// Every `ControllerRevision` of the namespace; a DaemonSet needs its own.
    pub controller_revisions: Vec<ControllerRevision>,
    /// The Jobs of the namespace that others own; a CronJob needs its own.
    pub jobs: Vec<Digested<Job>>,
    /// What the workload refers to: a Canary's target and primary, the Deployment of a Rollout's `workloadRef`, the
    /// StorageClass of a claim; and the routers that may lead to it.
    pub others: Vec<Workload>,
    /// The pods of the namespace, Terminating ones included.
    pub pods: Vec<Pod>,
    /// The Services of the namespace; which of them are in front of the workload is found out here.
    pub services: Vec<Service>,
    /// The EndpointSlices of those Services.
    pub endpoint_slices: Vec<EndpointSlice>,
    /// Events of the workload and its pods; none is needed, they only hasten a failure.
    pub events: Vec<Event>,
    /// The pods that went while a watch looked on, by uid; `None` where nobody looks on, and a pod that is gone is
    /// believed to have ended. Shared, for it is of the whole namespace.
    pub departed: Option<Arc<BTreeMap<String, Departure>>>,
    /// What is there of the above and cannot be read; in files only.
    pub unreadable: Vec<Unreadable>,
    /// The nodes, or `None` if they cannot be read: then a vanished pod is believed to be gone.
    /// Shared, for there may be thousands.
    pub nodes: Option<Arc<[Node]>>,
    /// Workloads (or bare pods) which may stand behind the same Services without blocking the gate:
    /// the other workloads of the same service, each of which has a gate of its own, and what the
    /// plan allows by name.
    pub siblings: Vec<ObjectRef>,
}

/// How a pod was when its object went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure {
    /// It had been told to end and given time, or had ended by itself.
    Ended,
    /// It was taken away without a grace period: whether its process ended nobody has said.
    Forced,
}

/// An object that is evidence about others and is not as its kind is.
#[derive(Debug, Clone, PartialEq)]
pub struct Unreadable {
    /// The object.
    pub object: ObjectRef,
    /// Its metadata, as far as they can be read.
    pub metadata: ObjectMeta,
    /// What is wrong with it.
    pub fault: String,
}

impl Snapshot {
    /// What the workload refers to, by group, kind and name, in its own namespace.
    pub(super) fn other(&self, object: (&str, &str, &str)) -> Option<&Workload> {
        let live = self.workload.as_ref()?.metadata();
        let namespace = live.namespace.as_deref().unwrap_or_default();
        workload::find(&self.others, object, namespace)
    }
}

/// Whether some of the pods are made by an object itself.
pub(super) fn owns(owner: &ObjectMeta, pods: &[Pod]) -> bool {
    let owner = uid(owner);
    let mut owners = pods.iter().filter_map(|pod| controller(&pod.metadata));
    !owner.is_empty() && owners.any(|it| it.uid == owner)
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

/// The generation of an object as a record of it says it.
pub(super) fn generation(metadata: &ObjectMeta) -> i64 {
    metadata.generation.unwrap_or_default()
}

/// Whether a controller that says that it has seen a generation has seen the present one. Where either is not said,
/// nobody knows.
pub(super) fn has_seen(metadata: &ObjectMeta, observed: Option<i64>) -> bool {
    observed
        .zip(metadata.generation)
        .is_some_and(|(observed, present)| observed >= present)
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

/// Whether a selector asks for nothing: the controllers refuse such a one.
pub(super) fn is_empty(selector: &LabelSelector) -> bool {
    let LabelSelector {
        match_labels,
        match_expressions,
    } = selector;
    match_labels.as_ref().is_none_or(BTreeMap::is_empty)
        && match_expressions.as_ref().is_none_or(Vec::is_empty)
}

/// Whether labels satisfy a Service's selector; an empty one selects nothing.
pub(super) fn service_selects(selector: &BTreeMap<String, String>, metadata: &ObjectMeta) -> bool {
    !selector.is_empty()
        && selector
            .iter()
            .all(|(key, wanted)| label(metadata, key) == Some(wanted.as_str()))
}

/// Not dead: it may take or make a call now or later. A deletion timestamp does not make it dead,
/// unless the pod was never bound to a node. One that ran was bound, whatever is left of it to be read.
pub fn is_live(pod: &Pod) -> bool {
    let phase = pod
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref());
    let ended = matches!(phase, Some("Succeeded" | "Failed"));
    // Of a pod whose spec is not shown nobody knows.
    let is_unbound = pod
        .spec
        .as_ref()
        .is_some_and(|spec| spec.node_name.as_deref().unwrap_or_default().is_empty());
    let never_ran = matches!(phase, None | Some("Pending"));
    let never_bound = is_terminating(pod) && never_ran && is_unbound;
    !ended && !never_bound
}

pub(super) fn is_terminating(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// Whether a pod has a condition with a status, and none of its type with another.
pub(super) fn pod_condition_is(pod: &Pod, type_: &str, status: &str) -> bool {
    let conditions = pod
        .status
        .iter()
        .flat_map(|status| status.conditions.iter());
    let mut of_type = conditions
        .flatten()
        .filter(|condition| condition.type_ == type_)
        .peekable();
    of_type.peek().is_some() && of_type.all(|condition| condition.status == status)
}

/// Running, ready and not on its way out.
pub fn is_ready(pod: &Pod) -> bool {
    is_live(pod) && !is_terminating(pod) && pod_condition_is(pod, "Ready", "True")
}
