//! `ReleasePlan.spec.strategy.gate`: what a gate asks of a rollout, where a plan wants something else than the defaults.

#![expect(
    unreachable_pub,
    reason = "KubeSchema repeats each struct inside a function"
)]

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a gate asks of every rollout of a plan, beside `drain` in the ServiceGraph and `deadlines`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GateSettings {
    /// How many of the wanted new pods of a Deployment must be available: all (`Full`, the default), or all but the
    /// `maxUnavailable` of its strategy (`Min`), so that a busy autoscaler cannot keep a gate shut.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub capacity: Capacity,
    /// How long a failure that may heal by itself must last without a break. Default: 30s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"), length(max = 32))]
    pub fail_after: Option<String>,
    /// Restarts of one new pod that count as a crash loop. Default: 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub crash_restarts: Option<u32>,
    /// So many new pods of a workload may fail without failing the rollout. Default: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 10000))]
    pub allow_failed_pods: Option<u32>,
    /// On so many nodes that are down a DaemonSet may lack its new pod: a number, or a share of its nodes such as `10%`,
    /// rounded down. An old pod there still keeps the gate shut. Default: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 0, "maximum" = 10000, "pattern" = r"^([0-9]{1,2}|100)%$"))]
    pub allow_failed_nodes: Option<IntOrString>,
    /// Nodes are added when a pod finds none: then it has three minutes to find one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub autoscaler: bool,
    /// How long a new pod may run without being ready, beyond what its probes give it. Default: for ever, so that only
    /// the deadline ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"), length(max = 32))]
    pub not_ready: Option<String>,
    /// How many new pods must be behind each Service. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10000))]
    pub min_serving: Option<u32>,
    /// A workload that is scaled to zero counts as serving.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_zero: bool,
    /// How long an old pod that does not end may stay. Default: its grace period and two minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"), length(max = 32))]
    pub drain_deadline: Option<String>,
    /// How long a controller may take to say anything about a Workflow, a PipelineRun or a TaskRun. Default: 60s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"), length(max = 32))]
    pub controller_deadline: Option<String>,
    /// How long the state of an object may be one that tidegate does not know. Default: as long as nothing may move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"), length(max = 32))]
    pub unknown_deadline: Option<String>,
    /// What an old pod means that went while its node did not answer: it may still run and keeps the gate shut
    /// (`MayRun`, the default), or it is believed to be gone (`Gone`).
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub lost_nodes: LostNodes,
}

/// How many of the wanted new pods must be available.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Capacity {
    /// All of them.
    #[default]
    Full,
    /// All but the strategy's `maxUnavailable`.
    Min,
}

/// What is believed of an old pod that went while its node did not answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum LostNodes {
    /// It may still run.
    #[default]
    MayRun,
    /// It is gone.
    Gone,
}
