//! What runs before a release, and what its manifests would change.

use std::collections::BTreeMap;

use jiff::Timestamp;

use tidegate_spec::crd::HeldVariable;
use tidegate_spec::{Graph, ObjectRef, Problem, ServiceName};
use tidegate_upgrade::gate::LiveRevision;

/// What applying a service's manifests would do to its pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TemplateChange {
    /// Nothing: the pod templates stay as they are.
    Same,
    /// A pod template changes.
    Changes,
    /// A workload does not exist yet.
    Absent,
}

/// One service as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surveyed {
    /// Every revision that has a live pod, of all of its workloads, those included that it does not have any more.
    pub live: Vec<LiveRevision>,
    /// What the manifests would do, by server dry-run; [`TemplateChange::Same`] for one that goes away.
    pub change: TemplateChange,
    /// The images of the new pod templates, for people.
    pub to: String,
    /// The values that its switch has in the workloads that run, where they are plain.
    pub switched: Vec<HeldVariable>,
}

/// What was found before a release.
#[derive(Debug, Clone)]
pub struct Survey {
    /// When.
    pub now: Timestamp,
    /// The services of the new graph, and those of the last release that it does not have.
    pub services: BTreeMap<ServiceName, Surveyed>,
    /// What the graph in the cluster declares: what ran when the last release was done.
    pub declared: Option<Graph>,
    /// The objects of services that go away, from the inventory: what earlier releases brought and is still there.
    pub leaving: BTreeMap<ServiceName, Vec<ObjectRef>>,
    /// Workloads from the inventory that a service does not have any more, though it stays.
    pub dropped: BTreeMap<ServiceName, Vec<ObjectRef>>,
    /// All else from the inventory that the new manifests do not have, in the order in which it is to go.
    pub leftover: Vec<ObjectRef>,
    /// What the API server would refuse, all of it.
    pub problems: Vec<Problem>,
}
