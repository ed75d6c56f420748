//! `ReleasePlan` (`tgp`): where a system comes from and how its releases roll.

#![expect(
    clippy::duplicated_attributes,
    reason = "one printer column is like another"
)]
#![expect(
    unreachable_pub,
    reason = "KubeSchema repeats each struct inside a function"
)]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::build::BuildDeclaration;
use super::gate::GateSettings;
use super::source::{Schedule, Source, SourceStatus};

/// How releases of one system are made.
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "tidegate.dev",
    version = "v1alpha1",
    kind = "ReleasePlan",
    plural = "releaseplans",
    shortname = "tgp",
    category = "tidegate",
    namespaced,
    status = "ReleasePlanStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "Where a system comes from, what is built for it and how its releases roll.",
    printcolumn(name = "Last", type_ = "string", json_path = ".status.lastRelease"),
    printcolumn(
        name = "Succeeded",
        type_ = "string",
        json_path = ".status.lastSucceeded"
    ),
    printcolumn(name = "Commit", type_ = "string", json_path = ".status.source.commit"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    ),
    printcolumn(
        name = "Suspended",
        type_ = "boolean",
        priority = "1",
        json_path = ".spec.suspend"
    ),
    printcolumn(
        name = "Status",
        type_ = "string",
        priority = "1",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message"
    )
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReleasePlanSpec {
    /// Where the files come from. Default: from `tidegate run -f`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Which images are built of a commit before the services that run them move.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 500))]
    pub builds: Vec<BuildDeclaration>,
    /// When new commits of the source are released. Default: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// How waves advance.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub strategy: Strategy,
    /// Every read and write for this plan is made as this account of the plan's namespace.
    /// Default: as whoever runs the release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub service_account_name: Option<String>,
    /// Field managers whose fields this plan takes over, for instance `kubectl-client-side-apply`, where something else
    /// applied the objects before. Default: none, and a field that another manager owns stops the release.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), inner(length(min = 1, max = 128)))]
    pub take_over: Vec<String>,
    /// No new release is started while true; the source is still looked at.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
    /// Times in which no new wave of a release starts. What moves goes on to its gate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub freeze: Vec<super::FreezeWindow>,
    /// Who is told of releases, outside of the cluster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub notify: Vec<super::Notify>,
    /// What a newer release does while one runs. Default: `Queue`.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub concurrency: Concurrency,
    /// What is done about changes that somebody else makes to what was released, while no release is under way.
    /// Default: `Tell`.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub drift: DriftPolicy,
    /// How many ended releases are kept.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub history: History,
}

/// What a newer release of a plan does while one runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Concurrency {
    /// It waits until the running one has ended.
    #[default]
    Queue,
    /// The running one starts nothing more, and ends when what it moves is done or does not get on. The newer one is
    /// planned from what runs then.
    Supersede,
    /// It is refused.
    Forbid,
}

/// What is done about changes that somebody else makes to what was released.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum DriftPolicy {
    /// It is told: condition `Drifted`, Event, metric, `tidegate status`.
    #[default]
    Tell,
    /// It is told and put back by a release of its own, planned and proved from what runs.
    Heal,
    /// Nobody looks.
    Ignore,
}

/// How waves advance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Strategy {
    /// When a service may start. Default: `Wave`.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub advance: Advance,
    /// How many services may move at once. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub max_parallel: Option<u32>,
    /// How many pods more than usual there may be at once by all services that move: what their `maxSurge` allows, all
    /// pods of what is new. One that needs more moves alone. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub max_surge_pods: Option<u32>,
    /// How many images may be built at once. Default: 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub max_parallel_builds: Option<u32>,
    /// What becomes of the release when a service fails, or the build of its image. Default: `Halt`.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub on_failure: OnFailure,
    /// What is done when a service that was done is not any more, while what comes after it moves. Default: `Alarm`.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub on_regression: OnRegression,
    /// How long a wait may last.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub deadlines: Deadlines,
    /// How services that have a switch move. Default: as `Ordered`, without a comparison of what both would cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// What starts only with somebody's word.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["before".into()]))]
    #[schemars(length(max = 100))]
    pub approvals: Vec<ApprovalGate>,
    /// How long what comes after a service waits once that is done, for instance `5m`. Default: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"), length(max = 32))]
    pub soak: Option<String>,
    /// The time between the two reads that open a gate. Default: `2s`, and `10s` where `drain` is `Endpoints`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"), length(max = 32))]
    pub settle: Option<String>,
    /// What a gate asks of a rollout.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub gate: GateSettings,
}

/// When a service may start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Advance {
    /// When the whole wave before it is done.
    #[default]
    Wave,
    /// When its own precedences are met.
    Service,
}

/// What starts only with somebody's word.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalGate {
    /// A service (`orders`), or a wave of the plan (`wave/3`).
    #[schemars(
        regex(pattern = r"^(wave/[1-9][0-9]{0,3}|[a-z0-9]([-a-z0-9]*[a-z0-9])?)$"),
        length(min = 1, max = 63)
    )]
    pub before: String,
}

/// What becomes of a release in which a service fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OnFailure {
    /// It ends; what moves is left as it is.
    #[default]
    Halt,
    /// It ends, and a release of its own brings back what moved and is not done. Never twice.
    Rollback,
    /// What does not come after the service goes on; then it ends as failed.
    Continue,
}

/// What is done when a service that was done is not any more, while what comes after it moves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OnRegression {
    /// It is told, and nothing that comes after it starts before it is done again.
    #[default]
    Alarm,
    /// The Deployments and Rollouts that move after it are paused, too, and go on when it is done again.
    Pause,
}

/// How services that have a switch move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Order {
    /// Each service moves once, in order.
    Ordered,
    /// All images first, with the parameter that runs now; then all switches.
    Flip,
    /// What has fewer waves.
    Auto,
}

/// How long a wait may last; each a duration such as `90s` or `10m`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Deadlines {
    /// One service without any progress. Default: its own progress deadline and a minute, at least 10 minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"), length(max = 32))]
    pub service: Option<String>,
    /// One wave, from its first start to its last gate. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"), length(max = 32))]
    pub wave: Option<String>,
    /// The whole release. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"), length(max = 32))]
    pub release: Option<String>,
}

/// How many ended releases are kept in the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct History {
    /// Succeeded ones. Default: 5.
    #[serde(default = "five")]
    #[schemars(range(min = 1, max = 100))]
    pub keep_succeeded: u32,
    /// Failed and aborted ones. Default: 5.
    #[serde(default = "five")]
    #[schemars(range(min = 0, max = 100))]
    pub keep_failed: u32,
}

fn five() -> u32 {
    5
}

impl Default for History {
    fn default() -> Self {
        Self {
            keep_succeeded: five(),
            keep_failed: five(),
        }
    }
}

/// What tidegate knows of a plan.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleasePlanStatus {
    /// The generation that the rest speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`, `Stalled` in the sense of kstatus; `SourceReady` where there is a source.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The newest release of this plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_release: Option<String>,
    /// The newest release that succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_succeeded: Option<String>,
    /// What is known of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceStatus>,
}
