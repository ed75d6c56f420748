//! Rebuilds the life of every pod.
//!
//! In: the history. Out: when each pod was created, when it was gone, what it belonged to. A pod is
//! gone when nothing of it can run any more: with the deletion that has a grace period of zero (the
//! kubelet asks for it when all containers have ended; what comes before only asks the pod to end),
//! or when it has succeeded or failed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::audit::{History, Write};

/// How far up the owners of a pod are followed; a Deployment is two up, a `CronJob` too.
const OWNERS_MAX: usize = 8;
/// The labels that name a service, the better one first.
const SERVICE_LABELS: [&str; 2] = ["app.kubernetes.io/name", "app"];
/// The labels that name a revision, one per kind of workload.
const REVISION_LABELS: [&str; 3] = [
    "rollouts-pod-template-hash",
    "pod-template-hash",
    "controller-revision-hash",
];

/// One pod, from its creation to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodLife {
    /// Its name.
    pub name: String,
    /// Its identity; a StatefulSet reuses names.
    pub uid: String,
    /// What it is a part of, by its labels, else by its last owner, else by its own name.
    pub service: String,
    /// Which version of it, by its labels, else by its owner, else by its own identity.
    pub revision: String,
    /// Who made it, the nearest first.
    pub owners: Vec<Owner>,
    /// When it was created.
    pub created: Moment,
    /// When it was asked to end.
    pub asked_to_end: Option<Timestamp>,
    /// When it was gone.
    pub gone: Option<Moment>,
}

/// An object that controls another one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Owner {
    /// For instance `ReplicaSet`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its identity.
    pub uid: String,
    #[serde(default)]
    controller: bool,
}

/// A point in the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// When the API server had answered.
    pub at: Timestamp,
    /// The resource version that the change made: it orders changes that are too close for clocks.
    pub version: Option<u64>,
}

impl Moment {
    fn is_after(&self, other: &Self) -> bool {
        match (self.version, other.version) {
            (Some(this), Some(that)) => this > that,
            (None, _) | (_, None) => self.at > other.at,
        }
    }
}

impl PodLife {
    /// Whether it had been created and was not gone at that moment.
    pub fn is_alive_at(&self, moment: &Moment) -> bool {
        moment.is_after(&self.created)
            && self.gone.as_ref().is_none_or(|gone| gone.is_after(moment))
    }
}

/// The pods of a namespace, in the order of their creation.
pub fn lives(history: &History, namespace: &str) -> Vec<PodLife> {
    let owners = owners(history);
    let mut lives = Vec::new();
    let mut by_uid: BTreeMap<String, usize> = BTreeMap::new();
    let pods = history.successful().filter(|write| {
        write.resource == "pods"
            && write.group.is_empty()
            && write.namespace.as_deref() == Some(namespace)
    });
    for write in pods {
        for object in objects(write) {
            let uid = &object.metadata.uid;
            if write.code == 201 && write.subresource.is_none() {
                by_uid.insert(uid.clone(), lives.len());
                lives.push(begin(write, &object, &owners));
            } else if let Some(life) = by_uid.get(uid).and_then(|index| lives.get_mut(*index)) {
                go_on(life, write, &object);
            }
        }
    }
    lives
}

fn begin(write: &Write, pod: &Object, owners: &BTreeMap<String, Owner>) -> PodLife {
    let chain: Vec<Owner> = std::iter::successors(pod.metadata.controller(), |owner| {
        owners.get(&owner.uid).cloned()
    })
    .take(OWNERS_MAX)
    .collect();
    let label = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| pod.metadata.labels.get(*name))
            .cloned()
    };
    PodLife {
        service: label(&SERVICE_LABELS)
            .or_else(|| chain.last().map(|owner| owner.name.clone()))
            .unwrap_or_else(|| pod.metadata.name.clone()),
        revision: label(&REVISION_LABELS)
            .or_else(|| chain.first().map(|owner| owner.uid.clone()))
            .unwrap_or_else(|| pod.metadata.uid.clone()),
        name: pod.metadata.name.clone(),
        uid: pod.metadata.uid.clone(),
        owners: chain,
        created: moment(write, pod),
        asked_to_end: None,
        gone: None,
    }
}

fn go_on(life: &mut PodLife, write: &Write, pod: &Object) {
    let is_deletion = matches!(write.verb.as_str(), "delete" | "deletecollection");
    if is_deletion && life.asked_to_end.is_none() {
        life.asked_to_end = Some(write.at);
    }
    let is_removed = is_deletion && pod.metadata.is_past_grace();
    let is_finished = matches!(pod.status.phase.as_str(), "Succeeded" | "Failed");
    if life.gone.is_none() && (is_removed || is_finished) {
        life.gone = Some(moment(write, pod));
    }
}

fn moment(write: &Write, object: &Object) -> Moment {
    Moment {
        at: write.at,
        version: object.metadata.resource_version.parse().ok(),
    }
}

/// Who controls whom, by the identity of the controlled object.
fn owners(history: &History) -> BTreeMap<String, Owner> {
    history
        .successful()
        .filter(|write| write.resource != "pods")
        .flat_map(objects)
        .filter_map(|object| Some((object.metadata.uid.clone(), object.metadata.controller()?)))
        .collect()
}

/// The objects in the answer: one, or those of a deleted collection.
fn objects(write: &Write) -> Vec<Object> {
    let Some(answer) = &write.response_object else {
        return Vec::new();
    };
    let list = answer.get("items").and_then(Value::as_array);
    let values = list.map_or_else(|| std::slice::from_ref(answer), Vec::as_slice);
    values
        .iter()
        .filter_map(|value| Object::deserialize(value).ok())
        .collect()
}

#[derive(Debug, Deserialize)]
struct Object {
    metadata: Metadata,
    #[serde(default)]
    status: Status,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    uid: String,
    #[serde(default)]
    resource_version: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    owner_references: Vec<Owner>,
    deletion_grace_period_seconds: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
struct Status {
    #[serde(default)]
    phase: String,
}

impl Metadata {
    fn controller(&self) -> Option<Owner> {
        self.owner_references
            .iter()
            .find(|owner| owner.controller)
            .cloned()
    }

    fn is_past_grace(&self) -> bool {
        self.deletion_grace_period_seconds
            .is_none_or(|grace_s| grace_s == 0)
    }
}
