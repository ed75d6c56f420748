//! Old pods whose object is gone: is the process gone too?
//!
//! In: the old pods as they were at the last look, and the nodes. Out: those that may still run, and what
//! to remember. A pod deleted by force, or on a lost node, leaves the API before it ends (completion.md §5.5).

use std::collections::BTreeMap;

use jiff::SignedDuration;
use k8s_openapi::api::core::v1::{Node, Pod};

use super::Look;
use super::baseline::{BaselinePod, grace_s, node};
use super::lineage::Lineage;
use super::memory::Trace;
use super::snapshot::{self, Departure, Snapshot};
use super::verdict::{Leaving, OldPod, Owner};
use tidegate_spec::ObjectRef;

/// The taint by which an operator says that a node is really off.
const OUT_OF_SERVICE: &str = "node.kubernetes.io/out-of-service";

/// The taint of a node that has stopped to answer.
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";

/// What is known of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeState {
    Ready,
    /// It does not answer: what was told to end there may still run.
    NotReady,
    /// Deleted, or declared to be off.
    Gone,
    /// Nodes cannot be read.
    Unknown,
}

pub(super) fn node_state(snapshot: &Snapshot, name: &str) -> NodeState {
    let Some(nodes) = &snapshot.nodes else {
        return NodeState::Unknown;
    };
    let Some(node) = nodes
        .iter()
        .find(|node| snapshot::name(&node.metadata) == name)
    else {
        return NodeState::Gone;
    };
    let has_taint = |key: &str| {
        let taints = node.spec.iter().flat_map(|spec| spec.taints.iter());
        taints.flatten().any(|taint| taint.key == key)
    };
    let answers = is_ready(node) && !has_taint(UNREACHABLE);
    match (has_taint(OUT_OF_SERVICE), answers) {
        (true, _) => NodeState::Gone,
        (false, true) => NodeState::Ready,
        (false, false) => NodeState::NotReady,
    }
}

/// The same of the node of a pod that is gone. If that was never recorded it may be any that does not answer.
fn node_state_of(snapshot: &Snapshot, trace: &Trace) -> NodeState {
    match (trace.node.as_str(), lost_node(snapshot)) {
        ("", Some(_)) => NodeState::NotReady,
        ("", None) => NodeState::Unknown,
        (name, _) => node_state(snapshot, name),
    }
}

/// A node that does not answer.
fn lost_node(snapshot: &Snapshot) -> Option<&str> {
    let mut names = snapshot.nodes.iter().flat_map(|nodes| nodes.iter());
    let lost = names
        .find(|node| node_state(snapshot, snapshot::name(&node.metadata)) == NodeState::NotReady)?;
    Some(snapshot::name(&lost.metadata))
}

fn is_ready(node: &Node) -> bool {
    let conditions = node
        .status
        .iter()
        .flat_map(|status| status.conditions.iter());
    let mut ready = conditions
        .flatten()
        .filter(|condition| condition.type_ == "Ready")
        .peekable();
    ready.peek().is_some() && ready.all(|condition| condition.status == "True")
}

/// The old pods that are gone and may still run, and what to remember of all old pods.
pub(super) fn trace(
    look: &Look<'_>,
    lineage: &Lineage<'_>,
    old: &[&Pod],
) -> (Vec<OldPod>, BTreeMap<String, Trace>) {
    let mut traces: BTreeMap<String, Trace> = old
        .iter()
        .map(|pod| (snapshot::uid(&pod.metadata).to_owned(), of_live(pod)))
        .collect();
    let current = lineage.current_revisions();
    let baseline = look
        .baseline
        .pods
        .iter()
        .filter(|pod| !current.contains(&pod.revision));
    let mut before: BTreeMap<_, _> = baseline
        .map(|pod| (pod.uid.clone(), of_baseline(pod)))
        .collect();
    before.extend(look.memory.pods.clone());
    let mut held = Vec::new();
    for (uid, trace) in before {
        if traces.contains_key(&uid) {
            continue;
        }
        let listed = look
            .snapshot
            .pods
            .iter()
            .any(|pod| snapshot::uid(&pod.metadata) == uid);
        let trace = if listed || trace.is_dead {
            dead(&trace)
        } else {
            vanished(look, &uid, trace)
        };
        if !trace.is_dead {
            held.push(still_running(look, &uid, &trace));
        }
        traces.insert(uid, trace);
    }
    (held, traces)
}

fn of_live(pod: &Pod) -> Trace {
    // A kubelet that is done also deletes with a grace period of zero, but it has said before that the containers
    // have ended, and then the pod is not live. One that is live was deleted by force.
    let is_told = snapshot::is_terminating(pod);
    let is_forced = is_told && pod.metadata.deletion_grace_period_seconds == Some(0);
    Trace {
        name: snapshot::name(&pod.metadata).to_owned(),
        node: node(pod).to_owned(),
        grace_s: grace_s(pod),
        is_forced,
        is_staying: !is_told,
        gone_since: None,
        is_dead: false,
    }
}

fn of_baseline(pod: &BaselinePod) -> Trace {
    Trace {
        name: pod.name.clone(),
        node: pod.node.clone(),
        grace_s: pod.grace_s,
        is_forced: false,
        // That was before the apply: it may have been told to go since.
        is_staying: false,
        gone_since: None,
        is_dead: false,
    }
}

/// Nothing but its death need be remembered.
fn dead(trace: &Trace) -> Trace {
    Trace {
        name: String::new(),
        node: String::new(),
        grace_s: trace.grace_s,
        is_forced: false,
        is_staying: false,
        gone_since: None,
        is_dead: true,
    }
}

/// Whether a pod that is gone went without having been told to: its process may not know yet. Where a watch looks on
/// and says nothing of a pod that was to stay when last seen, it has missed how that went, or has yet to say it.
fn went_by_force(look: &Look<'_>, uid: &str, trace: &Trace) -> bool {
    let told = look.snapshot.departed.as_ref();
    match told.map(|departed| departed.get(uid)) {
        Some(Some(Departure::Forced)) => true,
        None | Some(Some(Departure::Ended)) => trace.is_forced,
        Some(None) => trace.is_forced || trace.is_staying,
    }
}

fn vanished(look: &Look<'_>, uid: &str, trace: Trace) -> Trace {
    let is_forced = went_by_force(look, uid, &trace);
    let gone_since = trace.gone_since.unwrap_or(look.snapshot.now);
    let is_over =
        look.snapshot.now.duration_since(gone_since) >= SignedDuration::from_secs(trace.grace_s);
    let is_dead = match node_state_of(look.snapshot, &trace) {
        NodeState::Gone => true,
        NodeState::NotReady if look.policy.strict_nodes => false,
        NodeState::Ready | NodeState::NotReady | NodeState::Unknown => !is_forced || is_over,
    };
    if is_dead {
        dead(&trace)
    } else {
        Trace {
            gone_since: Some(gone_since),
            ..trace
        }
    }
}

fn still_running(look: &Look<'_>, uid: &str, trace: &Trace) -> OldPod {
    let is_lost = node_state_of(look.snapshot, trace) == NodeState::NotReady;
    let node = match trace.node.as_str() {
        "" => lost_node(look.snapshot).unwrap_or_default(),
        known => known,
    };
    let grace = SignedDuration::from_secs(trace.grace_s);
    let dead_by = trace
        .gone_since
        .and_then(|since| since.checked_add(grace).ok());
    OldPod {
        pod: ObjectRef {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            namespace: look.baseline.workload.namespace.clone(),
            name: trace.name.clone(),
        },
        uid: uid.to_owned(),
        owner: Owner::Old,
        leaving: Leaving::Vanished {
            dead_by: dead_by.filter(|_| !is_lost),
        },
        lost_node: is_lost.then(|| node.to_owned()),
        grace_s: trace.grace_s,
    }
}
