//! What of a Rollout decides, as its API writes it (argo-rollouts `pkg/apis/rollouts/v1alpha1/types.go`).

use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, Time};
use serde::Deserialize;
use serde_json::Value;

use crate::gate::condition::Condition;

/// What of a Rollout decides.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ArgoRollout {
    pub(in crate::gate) api_version: String,
    pub(in crate::gate) metadata: ObjectMeta,
    pub(in crate::gate) spec: Spec,
    pub(in crate::gate) status: Status,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::gate) struct Spec {
    pub(in crate::gate) replicas: Option<i32>,
    pub(in crate::gate) selector: Option<LabelSelector>,
    pub(in crate::gate) template: Option<PodTemplateSpec>,
    pub(in crate::gate) workload_ref: Option<Target>,
    pub(in crate::gate) strategy: Strategy,
    pub(in crate::gate) paused: bool,
    pub(in crate::gate) progress_deadline_abort: bool,
    pub(in crate::gate) progress_deadline_seconds: Option<i32>,
    pub(in crate::gate) restart_at: Option<Time>,
}

/// An object in the same namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::gate) struct Target {
    pub(in crate::gate) api_version: String,
    pub(in crate::gate) kind: String,
    pub(in crate::gate) name: String,
}

impl Target {
    /// Group, kind and name.
    pub(in crate::gate) fn key(&self) -> (&str, &str, &str) {
        let group = self
            .api_version
            .split_once('/')
            .map_or("", |(group, _)| group);
        (group, &self.kind, &self.name)
    }

    /// What an apply of the object that names it is known by.
    pub(in crate::gate) fn digested(&self) -> Value {
        Value::String(format!("{}/{}/{}", self.api_version, self.kind, self.name))
    }
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::gate) struct Strategy {
    pub(in crate::gate) canary: Option<Canary>,
    pub(in crate::gate) blue_green: Option<BlueGreen>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::gate) struct Canary {
    pub(in crate::gate) steps: Vec<Step>,
    pub(in crate::gate) traffic_routing: Option<Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(in crate::gate) struct Step {
    pub(in crate::gate) pause: Option<Pause>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(in crate::gate) struct Pause {
    pub(in crate::gate) duration: Option<Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::gate) struct BlueGreen {
    pub(in crate::gate) auto_promotion_enabled: Option<bool>,
    pub(in crate::gate) auto_promotion_seconds: Option<i64>,
    pub(in crate::gate) post_promotion_analysis: Option<Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::gate) struct Status {
    pub(in crate::gate) observed_generation: Option<Value>,
    pub(in crate::gate) workload_observed_generation: Option<Value>,
    pub(in crate::gate) current_pod_hash: String,
    #[serde(rename = "stableRS")]
    pub(in crate::gate) stable_rs: String,
    pub(in crate::gate) abort: bool,
    pub(in crate::gate) aborted_at: Option<Time>,
    pub(in crate::gate) message: String,
    pub(in crate::gate) phase: String,
    pub(in crate::gate) conditions: Vec<Condition>,
    pub(in crate::gate) pause_conditions: Vec<PauseCondition>,
    pub(in crate::gate) controller_pause: bool,
    pub(in crate::gate) replicas: Option<i32>,
    pub(in crate::gate) updated_replicas: Option<i32>,
    pub(in crate::gate) available_replicas: Option<i32>,
    pub(in crate::gate) current_step_index: Option<i32>,
    pub(in crate::gate) promote_full: bool,
    pub(in crate::gate) restarted_at: Option<Time>,
    pub(in crate::gate) blue_green: BlueGreenStatus,
    pub(in crate::gate) canary: CanaryStatus,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::gate) struct PauseCondition {
    pub(in crate::gate) reason: String,
    pub(in crate::gate) start_time: Option<Time>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::gate) struct BlueGreenStatus {
    pub(in crate::gate) active_selector: String,
    pub(in crate::gate) post_promotion_analysis_run_status: Option<RunStatus>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(in crate::gate) struct RunStatus {
    pub(in crate::gate) status: String,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(in crate::gate) struct CanaryStatus {
    pub(in crate::gate) weights: Option<Weights>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(in crate::gate) struct Weights {
    pub(in crate::gate) canary: Weight,
    pub(in crate::gate) stable: Weight,
    pub(in crate::gate) additional: Vec<Weight>,
    pub(in crate::gate) verified: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::gate) struct Weight {
    pub(in crate::gate) weight: i64,
    pub(in crate::gate) pod_template_hash: String,
}
