//! What the simulated cluster holds: plain facts, from which objects are made when somebody looks ([`super::render`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use tidegate_planner::graph::Revision;
use tidegate_spec::{ObjectRef, ServiceName};

/// The kinds of workloads that have a controller here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Deployment,
    StatefulSet,
    DaemonSet,
    Job,
}

impl Kind {
    /// The kind of a workload; `None` for one that has no controller here.
    pub(super) fn of(object: &ObjectRef) -> Option<Self> {
        match (object.api_version.as_str(), object.kind.as_str()) {
            ("apps/v1", "Deployment") => Some(Self::Deployment),
            ("apps/v1", "StatefulSet") => Some(Self::StatefulSet),
            ("apps/v1", "DaemonSet") => Some(Self::DaemonSet),
            ("batch/v1", "Job") => Some(Self::Job),
            _ => None,
        }
    }
}

/// How a Deployment replaces its pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rollout {
    /// So many pods more, and so many fewer, than wanted.
    Rolling { surge: u32, unavailable: u32 },
    /// All old ones first.
    Recreate,
}

/// What a revision is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    pub(super) image: String,
    pub(super) stamp: Option<String>,
    /// What its pods really speak, whatever their stamp says.
    pub(super) speaks: Arc<Revision>,
    /// Whether it is what the release brings.
    pub(super) is_target: bool,
    /// Whether its pods never become ready.
    pub(super) is_broken: bool,
}

impl Template {
    /// Whether the API server would see the same pod template.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.image == other.image && self.stamp == other.stamp
    }
}

/// One pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pod {
    pub(super) name: String,
    pub(super) uid: String,
    /// Which of the templates it is made of.
    pub(super) revision: usize,
    /// The uid of its ReplicaSet, or of its workload.
    pub(super) owner: String,
    /// Its place in a StatefulSet or, for a DaemonSet, its node.
    pub(super) ordinal: u32,
    pub(super) node: u32,
    pub(super) is_ready: bool,
    /// When it must be gone; set while it is Terminating.
    pub(super) gone_by: Option<Timestamp>,
    /// Whether it has run to its end.
    pub(super) has_succeeded: bool,
}

impl Pod {
    /// Whether it may take part in a call.
    pub(super) fn is_live(&self) -> bool {
        !self.has_succeeded
    }

    pub(super) fn is_staying(&self) -> bool {
        self.is_live() && self.gone_by.is_none()
    }
}

/// The ReplicaSet of one revision of a Deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Set {
    /// How many pods it is told to have.
    pub(super) size: u32,
    /// How many pods its Deployment wanted in all when it was last told.
    pub(super) desired: u32,
    pub(super) generation: i64,
    /// What its controller last wrote.
    pub(super) observed: i64,
    pub(super) replicas: u32,
    pub(super) ready: u32,
}

/// What a workload's controller last wrote into its status.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Status {
    pub(super) observed: i64,
    pub(super) replicas: u32,
    pub(super) updated: u32,
    pub(super) ready: u32,
    /// The revision that all pods had when it was last finished; for a StatefulSet.
    pub(super) current: usize,
    /// The newest revision that the controller knows.
    pub(super) newest: usize,
    /// Whether a Job is complete.
    pub(super) is_complete: bool,
}

/// A workload and everything that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Workload {
    pub(super) reference: ObjectRef,
    pub(super) kind: Kind,
    pub(super) service: ServiceName,
    pub(super) uid: String,
    /// False once it is deleted; its pods may outlive it.
    pub(super) exists: bool,
    pub(super) generation: i64,
    pub(super) version: u64,
    pub(super) replicas: u32,
    pub(super) rollout: Rollout,
    /// Whether a Deployment stands still in the middle of what it does.
    pub(super) is_paused: bool,
    /// Every revision that there ever was.
    pub(super) templates: Vec<Template>,
    /// Which of them its spec has.
    pub(super) wanted: usize,
    pub(super) sets: BTreeMap<usize, Set>,
    pub(super) pods: Vec<Pod>,
    pub(super) status: Status,
    /// When somebody else has changed its template during the release.
    pub(super) disturbed_at: Option<Timestamp>,
    /// The revisions of which the API server last would not have another pod.
    pub(super) refused: BTreeSet<usize>,
}

impl Workload {
    /// Whether it, or a pod of it, is there.
    pub(super) fn is_there(&self) -> bool {
        self.exists || self.live().next().is_some()
    }

    /// The template that its spec has.
    pub(super) fn template(&self) -> Option<&Template> {
        self.templates.get(self.wanted)
    }

    /// The revision of a template, which is a new one if there was none like it.
    pub(super) fn revision_of(&mut self, template: Template) -> usize {
        let known = self
            .templates
            .iter()
            .position(|known| known.is_same(&template));
        known.unwrap_or_else(|| {
            self.templates.push(template);
            self.templates.len() - 1
        })
    }

    /// Gives its spec another template.
    pub(super) fn set(&mut self, template: Template) {
        self.wanted = self.revision_of(template);
        self.generation += 1;
    }

    /// Pods that may take part in a call, Terminating ones included.
    pub(super) fn live(&self) -> impl Iterator<Item = &Pod> {
        self.pods.iter().filter(|pod| pod.is_live())
    }

    /// Pods that are not on their way out.
    pub(super) fn staying(&self) -> impl Iterator<Item = &Pod> {
        self.pods.iter().filter(|pod| pod.is_staying())
    }

    /// How many pods that may take part in a call are so.
    pub(super) fn count(&self, is_so: impl Fn(&Pod) -> bool) -> u32 {
        number(self.live().filter(|pod| is_so(pod)).count())
    }

    /// What a pod's revision is made of.
    pub(super) fn template_of(&self, pod: &Pod) -> Option<&Template> {
        self.templates.get(pod.revision)
    }

    /// The uid of the ReplicaSet of a revision.
    pub(super) fn set_uid(&self, revision: usize) -> String {
        format!("{}-set-{revision}", self.uid)
    }

    /// The ReplicaSet of a revision, which is made if there is none.
    pub(super) fn set_of(&mut self, revision: usize) -> &mut Set {
        let desired = self.replicas;
        self.sets.entry(revision).or_insert(Set {
            size: 0,
            desired,
            generation: 1,
            observed: 0,
            replicas: 0,
            ready: 0,
        })
    }
}

/// One address behind a Service, as its slice says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) pod: String,
    pub(super) uid: String,
    pub(super) is_ready: bool,
    pub(super) is_serving: bool,
    pub(super) is_terminating: bool,
}

/// Whole numbers of things that were counted.
pub(super) fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
