//! Facts to objects as the API server shows them: what a gate looks at.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{
    ControllerRevision, DaemonSet, DaemonSetSpec, DaemonSetStatus, Deployment, DeploymentSpec,
    DeploymentStatus, ReplicaSet, ReplicaSetCondition, ReplicaSetSpec, ReplicaSetStatus,
    StatefulSet, StatefulSetSpec, StatefulSetStatus,
};
use k8s_openapi::api::batch::v1::{Job, JobCondition, JobSpec, JobStatus};
use k8s_openapi::api::core::v1::{
    Container, ObjectReference, Pod as PodObject, PodCondition, PodSpec, PodStatus,
    PodTemplateSpec, Service, ServiceSpec,
};
use k8s_openapi::api::discovery::v1::{
    Endpoint as SliceEndpoint, EndpointConditions, EndpointSlice,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    LabelSelector, ObjectMeta, OwnerReference, Time,
};

use super::facts::{Endpoint, Kind, Pod, Set, Template, Workload};
use tidegate_spec::crd::CONTRACT_ANNOTATION;
use tidegate_upgrade::gate::{Read, Snapshot, Workload as Shown};

/// The one namespace.
pub(super) const NAMESPACE: &str = "simulated";
/// How long a pod may take to end.
pub(super) const GRACE_S: i64 = 30;

const HASH: &str = "pod-template-hash";
const REVISION_HASH: &str = "controller-revision-hash";

/// What is seen of a workload.
///
/// In: its facts, if it was ever there, and what the slice of its Service says. Out: what its gate judges.
pub(super) fn snapshot(
    workload: Option<&Workload>,
    endpoints: &[Endpoint],
    read: Read,
    now: Timestamp,
) -> Snapshot {
    let mut snapshot = Snapshot {
        now,
        read,
        workload: None,
        replica_sets: Vec::new(),
        controller_revisions: Vec::new(),
        jobs: Vec::new(),
        others: Vec::new(),
        pods: Vec::new(),
        services: Vec::new(),
        endpoint_slices: Vec::new(),
        events: Vec::new(),
        nodes: None,
        departed: None,
        unreadable: Vec::new(),
        siblings: Vec::new(),
    };
    let Some(workload) = workload else {
        return snapshot;
    };
    snapshot.pods = workload
        .pods
        .iter()
        .map(|pod| pod_object(workload, pod))
        .collect();
    if workload.kind != Kind::Job {
        snapshot.services.push(service(workload));
        snapshot.endpoint_slices.push(slice(workload, endpoints));
    }
    if workload.exists {
        snapshot.workload = Some(shown(workload));
        match workload.kind {
            Kind::Deployment => {
                let sets = workload.sets.iter();
                snapshot.replica_sets = sets
                    .filter_map(|(revision, set)| replica_set(workload, *revision, set))
                    .map(Into::into)
                    .collect();
            }
            Kind::StatefulSet | Kind::DaemonSet => {
                snapshot.controller_revisions = (0..=workload.status.newest)
                    .map(|revision| controller_revision(workload, revision))
                    .collect();
            }
            Kind::Job => {}
        }
    }
    snapshot
}

/// A workload as the API server answers.
pub(super) fn shown(workload: &Workload) -> Shown {
    match workload.kind {
        Kind::Deployment => Shown::Deployment(Box::new(deployment(workload).into())),
        Kind::StatefulSet => Shown::StatefulSet(Box::new(stateful_set(workload).into())),
        Kind::DaemonSet => Shown::DaemonSet(Box::new(daemon_set(workload).into())),
        Kind::Job => Shown::Job(Box::new(job(workload).into())),
    }
}

fn count(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn metadata(workload: &Workload) -> ObjectMeta {
    ObjectMeta {
        name: Some(workload.reference.name.clone()),
        namespace: Some(NAMESPACE.to_owned()),
        uid: Some(workload.uid.clone()),
        generation: Some(workload.generation),
        resource_version: Some(workload.version.to_string()),
        ..ObjectMeta::default()
    }
}

fn named(name: String) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: Some(NAMESPACE.to_owned()),
        ..ObjectMeta::default()
    }
}

fn labels<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

fn app(workload: &Workload) -> BTreeMap<String, String> {
    labels([("app", &workload.reference.name)])
}

fn selector(workload: &Workload) -> LabelSelector {
    LabelSelector {
        match_labels: Some(app(workload)),
        match_expressions: None,
    }
}

fn owner(kind: &str, name: &str, uid: &str) -> Vec<OwnerReference> {
    let api_version = if kind == "Job" { "batch/v1" } else { "apps/v1" };
    vec![OwnerReference {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        uid: uid.to_owned(),
        controller: Some(true),
        block_owner_deletion: None,
    }]
}

fn template(workload: &Workload, template: &Template) -> PodTemplateSpec {
    let stamp = template.stamp.clone();
    let annotations = stamp.map(|stamp| BTreeMap::from([(CONTRACT_ANNOTATION.to_owned(), stamp)]));
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(app(workload)),
            annotations,
            ..ObjectMeta::default()
        }),
        spec: Some(PodSpec {
            containers: vec![Container {
                name: "server".to_owned(),
                image: Some(template.image.clone()),
                ..Container::default()
            }],
            termination_grace_period_seconds: Some(GRACE_S),
            restart_policy: (workload.kind == Kind::Job).then(|| "Never".to_owned()),
            ..PodSpec::default()
        }),
    }
}

fn wanted(workload: &Workload) -> PodTemplateSpec {
    let known = workload.template();
    known
        .map(|known| template(workload, known))
        .unwrap_or_default()
}

fn deployment(workload: &Workload) -> Deployment {
    let status = &workload.status;
    Deployment {
        metadata: metadata(workload),
        spec: DeploymentSpec {
            replicas: Some(count(workload.replicas)),
            progress_deadline_seconds: Some(600),
            paused: workload.is_paused.then_some(true),
            selector: selector(workload),
            template: wanted(workload),
            ..DeploymentSpec::default()
        },
        status: Some(DeploymentStatus {
            observed_generation: Some(status.observed),
            replicas: Some(count(status.replicas)),
            updated_replicas: Some(count(status.updated)),
            ready_replicas: Some(count(status.ready)),
            available_replicas: Some(count(status.ready)),
            ..DeploymentStatus::default()
        }),
    }
}

fn replica_set(workload: &Workload, revision: usize, set: &Set) -> Option<ReplicaSet> {
    let hash = hash(revision);
    let mut made_of = template(workload, workload.templates.get(revision)?);
    let with_hash =
        |labels: &mut BTreeMap<String, String>| labels.insert(HASH.to_owned(), hash.clone());
    let own = made_of.metadata.get_or_insert_default();
    with_hash(own.labels.get_or_insert_default());
    let mut metadata = named(set_name(workload, revision));
    metadata.uid = Some(workload.set_uid(revision));
    metadata.generation = Some(set.generation);
    metadata.labels.clone_from(&own.labels);
    metadata.owner_references = Some(owner("Deployment", &workload.reference.name, &workload.uid));
    Some(ReplicaSet {
        metadata,
        spec: ReplicaSetSpec {
            replicas: Some(count(set.size)),
            selector: LabelSelector {
                match_labels: own.labels.clone(),
                match_expressions: None,
            },
            template: Some(made_of),
            min_ready_seconds: None,
        },
        status: Some(ReplicaSetStatus {
            observed_generation: Some(set.observed),
            replicas: count(set.replicas),
            ready_replicas: Some(count(set.ready)),
            available_replicas: Some(count(set.ready)),
            conditions: workload.refused.contains(&revision).then(refused),
            ..ReplicaSetStatus::default()
        }),
    })
}

/// What a ReplicaSet says of a pod that a quota forbids.
fn refused() -> Vec<ReplicaSetCondition> {
    vec![ReplicaSetCondition {
        type_: Some("ReplicaFailure".to_owned()),
        status: Some("True".to_owned()),
        reason: Some("FailedCreate".to_owned()),
        message: Some("pods are forbidden: exceeded quota: simulated".to_owned()),
        last_transition_time: None,
    }]
}

fn stateful_set(workload: &Workload) -> StatefulSet {
    let status = &workload.status;
    StatefulSet {
        metadata: metadata(workload),
        spec: StatefulSetSpec {
            replicas: Some(count(workload.replicas)),
            selector: selector(workload),
            service_name: Some(workload.service.to_string()),
            template: wanted(workload),
            ..StatefulSetSpec::default()
        },
        status: Some(StatefulSetStatus {
            observed_generation: Some(status.observed),
            replicas: count(status.replicas),
            updated_replicas: Some(count(status.updated)),
            ready_replicas: Some(count(status.ready)),
            available_replicas: Some(count(status.ready)),
            current_revision: Some(revision_name(workload, status.current)),
            update_revision: Some(revision_name(workload, status.newest)),
            ..StatefulSetStatus::default()
        }),
    }
}

fn daemon_set(workload: &Workload) -> DaemonSet {
    let status = &workload.status;
    DaemonSet {
        metadata: metadata(workload),
        spec: DaemonSetSpec {
            selector: selector(workload),
            template: wanted(workload),
            ..DaemonSetSpec::default()
        },
        status: Some(DaemonSetStatus {
            observed_generation: Some(status.observed),
            desired_number_scheduled: count(workload.replicas),
            current_number_scheduled: count(status.replicas.min(workload.replicas)),
            updated_number_scheduled: Some(count(status.updated)),
            number_ready: count(status.ready),
            number_available: Some(count(status.ready)),
            ..DaemonSetStatus::default()
        }),
    }
}

fn controller_revision(workload: &Workload, revision: usize) -> ControllerRevision {
    let mut metadata = named(revision_name(workload, revision));
    metadata.labels = Some(labels([(REVISION_HASH, &hash(revision))]));
    let kind = &workload.reference.kind;
    metadata.owner_references = Some(owner(kind, &workload.reference.name, &workload.uid));
    // One that is rolled back to becomes the newest again.
    let is_newest = revision == workload.status.newest;
    let rank = if is_newest {
        workload.templates.len() + 1
    } else {
        revision + 1
    };
    ControllerRevision {
        metadata,
        revision: i64::try_from(rank).ok(),
        ..ControllerRevision::default()
    }
}

fn job(workload: &Workload) -> Job {
    let status = &workload.status;
    let complete = JobCondition {
        type_: "Complete".to_owned(),
        status: "True".to_owned(),
        ..JobCondition::default()
    };
    Job {
        metadata: metadata(workload),
        spec: Some(JobSpec {
            selector: Some(LabelSelector {
                match_labels: Some(labels([(
                    "batch.kubernetes.io/controller-uid",
                    &workload.uid,
                )])),
                match_expressions: None,
            }),
            template: wanted(workload),
            ..JobSpec::default()
        }),
        status: Some(JobStatus {
            ready: Some(count(status.ready)),
            succeeded: Some(i32::from(status.is_complete)),
            conditions: status.is_complete.then(|| vec![complete]),
            ..JobStatus::default()
        }),
    }
}

fn pod_object(workload: &Workload, pod: &Pod) -> PodObject {
    let made_of = workload
        .template_of(pod)
        .map(|known| template(workload, known))
        .unwrap_or_default();
    let mut metadata = made_of.metadata.unwrap_or_default();
    metadata.name = Some(pod.name.clone());
    metadata.namespace = Some(NAMESPACE.to_owned());
    metadata.uid = Some(pod.uid.clone());
    let own = metadata.labels.get_or_insert_default();
    let (kind, name) = match workload.kind {
        Kind::Deployment => {
            own.insert(HASH.to_owned(), hash(pod.revision));
            ("ReplicaSet", set_name(workload, pod.revision))
        }
        Kind::StatefulSet => {
            own.insert(
                REVISION_HASH.to_owned(),
                revision_name(workload, pod.revision),
            );
            ("StatefulSet", workload.reference.name.clone())
        }
        Kind::DaemonSet => {
            own.insert(REVISION_HASH.to_owned(), hash(pod.revision));
            ("DaemonSet", workload.reference.name.clone())
        }
        Kind::Job => {
            own.insert(
                "batch.kubernetes.io/controller-uid".to_owned(),
                pod.owner.clone(),
            );
            ("Job", workload.reference.name.clone())
        }
    };
    metadata.owner_references = Some(owner(kind, &name, &pod.owner));
    if let Some(gone_by) = pod.gone_by {
        metadata.deletion_timestamp = Some(Time(gone_by));
        metadata.deletion_grace_period_seconds = Some(GRACE_S);
    }
    let ready = PodCondition {
        type_: "Ready".to_owned(),
        status: if pod.is_ready { "True" } else { "False" }.to_owned(),
        ..PodCondition::default()
    };
    PodObject {
        metadata,
        spec: made_of.spec.map(|spec| PodSpec {
            node_name: Some(format!("node-{}", pod.node)),
            ..spec
        }),
        status: Some(PodStatus {
            phase: Some(
                if pod.has_succeeded {
                    "Succeeded"
                } else {
                    "Running"
                }
                .to_owned(),
            ),
            conditions: Some(vec![ready]),
            ..PodStatus::default()
        }),
    }
}

fn service(workload: &Workload) -> Service {
    Service {
        metadata: named(workload.service.to_string()),
        spec: Some(ServiceSpec {
            selector: Some(app(workload)),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

fn slice(workload: &Workload, endpoints: &[Endpoint]) -> EndpointSlice {
    let mut metadata = named(format!("{}-1", workload.service));
    metadata.labels = Some(labels([(
        "kubernetes.io/service-name",
        workload.service.as_str(),
    )]));
    let endpoints = endpoints.iter().map(|endpoint| SliceEndpoint {
        addresses: vec![format!("10.1.0.{}", endpoint.pod)],
        conditions: Some(EndpointConditions {
            ready: Some(endpoint.is_ready),
            serving: Some(endpoint.is_serving),
            terminating: Some(endpoint.is_terminating),
        }),
        target_ref: Some(ObjectReference {
            kind: Some("Pod".to_owned()),
            namespace: Some(NAMESPACE.to_owned()),
            name: Some(endpoint.pod.clone()),
            uid: Some(endpoint.uid.clone()),
            ..ObjectReference::default()
        }),
        ..SliceEndpoint::default()
    });
    EndpointSlice {
        address_type: "IPv4".to_owned(),
        endpoints: Some(endpoints.collect()),
        metadata,
        ports: None,
    }
}

fn hash(revision: usize) -> String {
    format!("h{revision}")
}

fn set_name(workload: &Workload, revision: usize) -> String {
    format!("{}-{}", workload.reference.name, hash(revision))
}

fn revision_name(workload: &Workload, revision: usize) -> String {
    format!("{}-{}", workload.reference.name, hash(revision))
}
