//! What of a Rollout decides, as its API writes it (argo-rollouts `pkg/apis/rollouts/v1alpha1/types.go`).

use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, Time};
use serde::Deserialize;
use serde_json::Value;

use crate::upgrade::gate::condition::Condition;

/// What of a Rollout decides.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ArgoRollout {
    pub(in crate::upgrade::gate) api_version: String,
    pub(in crate::upgrade::gate) metadata: ObjectMeta,
    pub(in crate::upgrade::gate) spec: Spec,
    pub(in crate::upgrade::gate) status: Status,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::upgrade::gate) struct Spec {
    pub(in crate::upgrade::gate) replicas: Option<i32>,
    pub(in crate::upgrade::gate) selector: Option<LabelSelector>,
    pub(in crate::upgrade::gate) template: Option<PodTemplateSpec>,
    pub(in crate::upgrade::gate) workload_ref: Option<Target>,
    pub(in crate::upgrade::gate) strategy: Strategy,
    pub(in crate::upgrade::gate) paused: bool,
    pub(in crate::upgrade::gate) progress_deadline_abort: bool,
    pub(in crate::upgrade::gate) progress_deadline_seconds: Option<i32>,
    pub(in crate::upgrade::gate) restart_at: Option<Time>,
}

/// An object in the same namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::upgrade::gate) struct Target {
    pub(in crate::upgrade::gate) api_version: String,
    pub(in crate::upgrade::gate) kind: String,
    pub(in crate::upgrade::gate) name: String,
}

impl Target {
    /// Group, kind and name.
    pub(in crate::upgrade::gate) fn key(&self) -> (&str, &str, &str) {
        let group = self
            .api_version
            .split_once('/')
            .map_or("", |(group, _)| group);
        (group, &self.kind, &self.name)
    }

    /// What an apply of the object that names it is known by.
    pub(in crate::upgrade::gate) fn digested(&self) -> Value {
        Value::String(format!("{}/{}/{}", self.api_version, self.kind, self.name))
    }
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::upgrade::gate) struct Strategy {
    pub(in crate::upgrade::gate) canary: Option<Canary>,
    pub(in crate::upgrade::gate) blue_green: Option<BlueGreen>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::upgrade::gate) struct Canary {
    pub(in crate::upgrade::gate) steps: Vec<Step>,
    pub(in crate::upgrade::gate) traffic_routing: Option<Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(in crate::upgrade::gate) struct Step {
    pub(in crate::upgrade::gate) pause: Option<Pause>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(in crate::upgrade::gate) struct Pause {
    pub(in crate::upgrade::gate) duration: Option<Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::upgrade::gate) struct BlueGreen {
    pub(in crate::upgrade::gate) auto_promotion_enabled: Option<bool>,
    pub(in crate::upgrade::gate) auto_promotion_seconds: Option<i64>,
    pub(in crate::upgrade::gate) post_promotion_analysis: Option<Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::upgrade::gate) struct Status {
    pub(in crate::upgrade::gate) observed_generation: Option<Value>,
    pub(in crate::upgrade::gate) workload_observed_generation: Option<Value>,
    pub(in crate::upgrade::gate) current_pod_hash: String,
    #[serde(rename = "stableRS")]
    pub(in crate::upgrade::gate) stable_rs: String,
    pub(in crate::upgrade::gate) abort: bool,
    pub(in crate::upgrade::gate) aborted_at: Option<Time>,
    pub(in crate::upgrade::gate) message: String,
    pub(in crate::upgrade::gate) phase: String,
    pub(in crate::upgrade::gate) conditions: Vec<Condition>,
    pub(in crate::upgrade::gate) pause_conditions: Vec<PauseCondition>,
    pub(in crate::upgrade::gate) controller_pause: bool,
    pub(in crate::upgrade::gate) replicas: Option<i32>,
    pub(in crate::upgrade::gate) updated_replicas: Option<i32>,
    pub(in crate::upgrade::gate) available_replicas: Option<i32>,
    pub(in crate::upgrade::gate) current_step_index: Option<i32>,
    pub(in crate::upgrade::gate) promote_full: bool,
    pub(in crate::upgrade::gate) restarted_at: Option<Time>,
    pub(in crate::upgrade::gate) blue_green: BlueGreenStatus,
    pub(in crate::upgrade::gate) canary: CanaryStatus,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::upgrade::gate) struct PauseCondition {
    pub(in crate::upgrade::gate) reason: String,
    pub(in crate::upgrade::gate) start_time: Option<Time>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::upgrade::gate) struct BlueGreenStatus {
    pub(in crate::upgrade::gate) active_selector: String,
    pub(in crate::upgrade::gate) post_promotion_analysis_run_status: Option<RunStatus>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(in crate::upgrade::gate) struct RunStatus {
    pub(in crate::upgrade::gate) status: String,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(in crate::upgrade::gate) struct CanaryStatus {
    pub(in crate::upgrade::gate) weights: Option<Weights>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(in crate::upgrade::gate) struct Weights {
    pub(in crate::upgrade::gate) canary: Weight,
    pub(in crate::upgrade::gate) stable: Weight,
    pub(in crate::upgrade::gate) additional: Vec<Weight>,
    pub(in crate::upgrade::gate) verified: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::upgrade::gate) struct Weight {
    pub(in crate::upgrade::gate) weight: i64,
    pub(in crate::upgrade::gate) pod_template_hash: String,
}
