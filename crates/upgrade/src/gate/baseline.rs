//! What is recorded before an apply, and of its answer.
//!
//! In: a snapshot, or the API server's answer. Out: records that are persisted with the plan's step and
//! that every later look is compared with. Their JSON is documented and stays readable.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::apps::v1::DeploymentCondition;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, Time};
use serde::{Deserialize, Serialize};

use super::argo_rollouts::HASH_LABEL;
use super::condition::Condition;
use super::flagger::{BaselineCanary, FlaggerCanary};
use super::kin;
use super::lineage::{Lineage, Standing, revision};
use super::snapshot::{self, Snapshot};
use super::workload::Workload;
use tidegate_spec::ObjectRef;

/// What there was before the apply. If it got lost, capturing it again afterwards is safe: then every
/// pod that is not of the new revision counts as old, as before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Baseline {
    /// The workload.
    pub workload: ObjectRef,
    /// Its uid; absent if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Its generation.
    #[serde(default)]
    pub generation: i64,
    /// The digest of its pod template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_digest: Option<String>,
    /// The hashes of its revision, as its pods' labels say them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub revisions: BTreeSet<String>,
    /// Which pods it claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
    /// Its conditions: they outlive the rollout that they speak of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<BaselineCondition>,
    /// What a Canary said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<BaselineCanary>,
    /// Its live pods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pods: Vec<BaselinePod>,
    /// The Services in front of it, with their selectors.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, BTreeMap<String, String>>,
    /// The same of others that may be switched to it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub elsewhere: BTreeMap<String, BTreeMap<String, String>>,
}

/// One condition as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BaselineCondition {
    /// Its type.
    #[serde(rename = "type")]
    pub type_: String,
    /// Its status.
    pub status: String,
    /// Its reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it was last written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_update_time: Option<Time>,
    /// When its status last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_transition_time: Option<Time>,
}

impl From<&DeploymentCondition> for BaselineCondition {
    fn from(condition: &DeploymentCondition) -> Self {
        Self {
            type_: condition.type_.clone().unwrap_or_default(),
            status: condition.status.clone().unwrap_or_default(),
            reason: condition.reason.clone(),
            message: condition.message.clone(),
            last_update_time: condition.last_update_time.clone(),
            last_transition_time: condition.last_transition_time.clone(),
        }
    }
}

/// One pod as it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BaselinePod {
    /// Its uid.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// The hash of its revision; empty if it had none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub revision: String,
    /// Its node; empty if it had none yet.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub node: String,
    /// How long it may take to end, in seconds.
    #[serde(default = "grace_default_s")]
    pub grace_s: i64,
}

/// What Kubernetes gives a pod that says nothing.
pub(super) fn grace_default_s() -> i64 {
    30
}

/// How long a pod may take to end, in seconds.
pub(super) fn grace_s(pod: &Pod) -> i64 {
    let spec = pod.spec.as_ref();
    spec.and_then(|spec| spec.termination_grace_period_seconds)
        .unwrap_or_else(grace_default_s)
}

/// A pod's node; empty if it has none.
pub(super) fn node(pod: &Pod) -> &str {
    pod.spec
        .as_ref()
        .and_then(|spec| spec.node_name.as_deref())
        .unwrap_or_default()
}

impl Baseline {
    /// What there is before a workload is created: nothing.
    pub fn absent(workload: ObjectRef) -> Self {
        Self {
            workload,
            uid: None,
            generation: 0,
            template_digest: None,
            revisions: BTreeSet::new(),
            selector: None,
            conditions: Vec::new(),
            canary: None,
            pods: Vec::new(),
            services: BTreeMap::new(),
            elsewhere: BTreeMap::new(),
        }
    }

    /// The same with the pods of what is judged with it: a Canary's target, what a Rollout takes its template from.
    #[must_use]
    pub fn with_pods_of<'p>(mut self, parts: impl Iterator<Item = &'p Self>) -> Self {
        self.pods.extend(parts.flat_map(|part| part.pods.clone()));
        self.pods.sort();
        self.pods.dedup();
        self
    }

    /// What there is now, before the apply.
    pub fn capture(workload: &ObjectRef, snapshot: &Snapshot) -> Self {
        let nothing = Self::absent(workload.clone());
        let Some(live) = &snapshot.workload else {
            return nothing;
        };
        let metadata = live.metadata();
        let lineage = Lineage::of(&nothing, snapshot);
        let own = |pod: &&Pod| {
            snapshot::is_live(pod)
                && matches!(lineage.standing(pod), Standing::Current | Standing::Old)
        };
        let mut pods: Vec<_> = snapshot
            .pods
            .iter()
            .filter(own)
            .map(|pod| BaselinePod {
                uid: snapshot::uid(&pod.metadata).to_owned(),
                name: snapshot::name(&pod.metadata).to_owned(),
                revision: revision(pod).to_owned(),
                node: node(pod).to_owned(),
                grace_s: grace_s(pod),
            })
            .collect();
        pods.sort();
        let is_in_front = |service: &Service| is_in_front_of(service, live, &snapshot.others);
        Self {
            workload: live.reference(),
            uid: metadata.uid.clone(),
            generation: snapshot::generation(metadata),
            template_digest: Some(live.digest()),
            revisions: lineage.current_revisions(),
            selector: live.selector().cloned(),
            conditions: conditions(live),
            canary: live.canary().map(FlaggerCanary::recorded),
            pods,
            services: services(snapshot, is_in_front),
            elsewhere: services(snapshot, |service| {
                !live.is_never_called() && !is_in_front(service)
            }),
        }
    }
}

fn conditions(live: &Workload) -> Vec<BaselineCondition> {
    match live {
        Workload::Deployment(deployment) => {
            let status = deployment.status.iter();
            let conditions = status.flat_map(|status| status.conditions.iter().flatten());
            conditions.map(BaselineCondition::from).collect()
        }
        Workload::ArgoRollout(rollout) => recorded(&rollout.status.conditions),
        Workload::FlaggerCanary(canary) => recorded(&canary.status.conditions),
        Workload::Plain(object) => recorded(&object.conditions()),
        // The other kinds' conditions are never read.
        Workload::StatefulSet(_)
        | Workload::DaemonSet(_)
        | Workload::ReplicaSet(_)
        | Workload::Job(_)
        | Workload::CronJob(_)
        | Workload::Pod(_) => Vec::new(),
    }
}

fn recorded(conditions: &[Condition]) -> Vec<BaselineCondition> {
    conditions.iter().map(BaselineCondition::from).collect()
}

/// Some of the Services with their selectors.
fn services(
    snapshot: &Snapshot,
    wanted: impl Fn(&Service) -> bool,
) -> BTreeMap<String, BTreeMap<String, String>> {
    let services = snapshot.services.iter().filter(|service| wanted(service));
    services
        .map(|service| {
            let selector = service.spec.as_ref().and_then(|spec| spec.selector.clone());
            (
                snapshot::name(&service.metadata).to_owned(),
                selector.unwrap_or_default(),
            )
        })
        .collect()
}

/// Whether a Service selects the pods of a workload. Nobody calls a Job. A Rollout's pods may be those of the template
/// that it refers to, and its controller writes a hash into the selectors of its Services.
pub fn is_in_front_of(service: &Service, workload: &Workload, others: &[Workload]) -> bool {
    let selector = service
        .spec
        .as_ref()
        .and_then(|spec| spec.selector.as_ref());
    let is_here = service.metadata.namespace == workload.metadata().namespace;
    if workload.is_never_called() || !is_here {
        return false;
    }
    selector.is_some_and(|selector| {
        let mut selector = selector.clone();
        if matches!(workload, Workload::ArgoRollout(_)) {
            selector.remove(HASH_LABEL);
        }
        let templates = kin::templates(workload, others);
        templates
            .iter()
            .filter_map(|template| template.metadata.as_ref())
            .any(|metadata| snapshot::service_selects(&selector, metadata))
    })
}

/// Who does not know must wait as for a change.
fn is_changed_default() -> bool {
    true
}

/// What the API server answered to the apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Applied {
    /// The workload.
    pub workload: ObjectRef,
    /// Its uid. Of a record that does not say it, any.
    #[serde(default)]
    pub uid: String,
    /// Its generation after the apply.
    #[serde(default)]
    pub generation: i64,
    /// Its resource version after the apply.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub resource_version: String,
    /// The digest of its pod template as returned: after defaulting and webhooks.
    #[serde(default)]
    pub template_digest: String,
    /// Whether the apply changed anything.
    #[serde(default = "is_changed_default")]
    pub changed: bool,
}

impl Applied {
    /// The record of an apply, from its answer and the object as read just before.
    pub fn from_response(response: &Workload, before: Option<&Workload>) -> Self {
        let metadata = response.metadata();
        let is_same = |before: &Workload| {
            before.metadata().uid == metadata.uid
                && before.metadata().generation == metadata.generation
        };
        Self {
            workload: response.reference(),
            uid: snapshot::uid(metadata).to_owned(),
            generation: snapshot::generation(metadata),
            resource_version: metadata.resource_version.clone().unwrap_or_default(),
            template_digest: response.digest(),
            changed: !before.is_some_and(is_same),
        }
    }
}
