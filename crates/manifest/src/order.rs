//! In which order objects are applied: what others need comes first.
//!
//! In: objects. Out: their indexes in order. Only among the objects of one service, or of no service; services
//! are ordered by the planner.

use super::namespace::has_no_namespace;
use tidegate_spec::ObjectRef;

/// What an object is to others, in the order of applying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Holds others.
    Namespace,
    /// Makes kinds.
    Definition,
    /// Is named by pods and volumes: priorities, storage, runtimes.
    Class,
    /// Limits what comes after it.
    Quota,
    /// Who pods are.
    Account,
    /// What accounts may do.
    Role,
    /// Who may do it.
    Binding,
    /// What pods read.
    Config,
    /// What pods read in secret.
    Secret,
    /// What pods write to.
    Volume,
    /// How pods are found; before them, for the variables that name it.
    Service,
    /// What controllers other than Kubernetes' own make of it.
    Custom,
    /// Runs to its end before the rest of its service, for instance a migration.
    Job,
    /// Runs on each node.
    DaemonSet,
    /// Runs with names and volumes of its own.
    StatefulSet,
    /// Runs.
    Deployment,
    /// Runs later.
    CronJob,
    /// Runs, without anything that rolls it.
    ReplicaSet,
    /// Runs once.
    Pod,
    /// Changes the number of pods.
    Autoscaler,
    /// Protects pods.
    Disruption,
    /// Lets calls in from outside.
    Route,
    /// Is called by the API server itself: last, or it would refuse what makes it run.
    Webhook,
}

/// The rank of a kind.
pub(super) fn rank(reference: &ObjectRef) -> Rank {
    let route = matches!(
        reference.kind.as_str(),
        "Ingress"
            | "HTTPRoute"
            | "GRPCRoute"
            | "TCPRoute"
            | "TLSRoute"
            | "UDPRoute"
            | "Route"
            | "VirtualService"
    );
    if route {
        return Rank::Route;
    }
    match (reference.group(), reference.kind.as_str()) {
        ("", kind) => core_rank(kind),
        ("apps", "DaemonSet") => Rank::DaemonSet,
        ("apps", "StatefulSet") => Rank::StatefulSet,
        ("apps", "Deployment") | ("argoproj.io", "Rollout") => Rank::Deployment,
        ("apps", "ReplicaSet") => Rank::ReplicaSet,
        ("batch", "Job") => Rank::Job,
        ("batch", "CronJob") => Rank::CronJob,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => Rank::Definition,
        ("scheduling.k8s.io" | "storage.k8s.io" | "node.k8s.io", _)
        | ("networking.k8s.io", "IngressClass") => Rank::Class,
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => Rank::Role,
        ("rbac.authorization.k8s.io", _) => Rank::Binding,
        ("networking.k8s.io" | "discovery.k8s.io", _) => Rank::Service,
        ("autoscaling" | "autoscaling.k8s.io" | "keda.sh", _) => Rank::Autoscaler,
        ("policy", "PodDisruptionBudget") => Rank::Disruption,
        ("admissionregistration.k8s.io" | "apiregistration.k8s.io", _) => Rank::Webhook,
        _ => Rank::Custom,
    }
}

fn core_rank(kind: &str) -> Rank {
    match kind {
        "Namespace" => Rank::Namespace,
        "ResourceQuota" | "LimitRange" => Rank::Quota,
        "ServiceAccount" => Rank::Account,
        "ConfigMap" => Rank::Config,
        "Secret" => Rank::Secret,
        "PersistentVolume" | "PersistentVolumeClaim" => Rank::Volume,
        "Service" | "Endpoints" => Rank::Service,
        "ReplicationController" => Rank::ReplicaSet,
        "Pod" => Rank::Pod,
        _ => Rank::Custom,
    }
}

/// Whether an object is a foundation: it belongs to no service, whatever its labels say.
pub(super) fn is_foundation(reference: &ObjectRef) -> bool {
    match rank(reference) {
        Rank::Namespace | Rank::Definition | Rank::Class | Rank::Quota | Rank::Webhook => true,
        Rank::Role | Rank::Binding => false,
        Rank::Account
        | Rank::Config
        | Rank::Secret
        | Rank::Volume
        | Rank::Service
        | Rank::Custom
        | Rank::Job
        | Rank::DaemonSet
        | Rank::StatefulSet
        | Rank::Deployment
        | Rank::CronJob
        | Rank::ReplicaSet
        | Rank::Pod
        | Rank::Autoscaler
        | Rank::Disruption
        | Rank::Route => has_no_namespace(reference),
    }
}

/// The order of applying: indexes of what is given. What is of one rank keeps its order.
pub fn apply_order<'a>(references: impl IntoIterator<Item = &'a ObjectRef>) -> Vec<usize> {
    let ranks = references.into_iter().map(rank).enumerate();
    let mut indexes: Vec<(Rank, usize)> = ranks.map(|(index, rank)| (rank, index)).collect();
    indexes.sort_unstable();
    indexes.into_iter().map(|(_, index)| index).collect()
}

/// The order of deleting: that of applying, reversed.
pub fn deletion_order<'a>(references: impl IntoIterator<Item = &'a ObjectRef>) -> Vec<usize> {
    let mut indexes = apply_order(references);
    indexes.reverse();
    indexes
}
