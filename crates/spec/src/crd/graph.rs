//! `ServiceGraph` (`tgg`): who calls whom, in which versions.

#![expect(
    clippy::duplicated_attributes,
    reason = "one printer column is like another"
)]
#![expect(
    unreachable_pub,
    reason = "KubeSchema repeats each struct inside a function"
)]

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What talks to what.
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "tidegate.dev",
    version = "v1alpha1",
    kind = "ServiceGraph",
    plural = "servicegraphs",
    shortname = "tgg",
    category = "tidegate",
    namespaced,
    status = "ServiceGraphStatus",
    derive = "PartialEq",
    doc = "Who calls whom, and which protocol versions each service serves and calls.",
    printcolumn(name = "Services", type_ = "integer", json_path = ".status.services"),
    printcolumn(name = "Edges", type_ = "integer", json_path = ".status.edges"),
    printcolumn(name = "Contracts", type_ = "integer", json_path = ".status.contracts"),
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
        name = "Status",
        type_ = "string",
        priority = "1",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message"
    )
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceGraphSpec {
    /// The services, each once.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(max = 500))]
    pub services: Vec<ServiceDeclaration>,
    /// Callers that are not deployed here: they are never finished, so what they call is never dropped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(max = 100))]
    pub external: Vec<ExternalCaller>,
    /// When an object of a kind is done that nothing else is known about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    #[schemars(length(max = 50))]
    pub completion: Vec<CompletionRule>,
    /// What is assumed of an edge without declared versions: `serverFirst` (default) or `strict` (refused).
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub assume: AssumePolicy,
}

/// One service: what it runs as, what it serves and what it calls.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceDeclaration {
    /// The service's name.
    #[schemars(
        length(min = 1, max = 63),
        regex(pattern = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")
    )]
    pub name: String,
    /// What it runs as. Default: the Deployment of the service's name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub workloads: Vec<WorkloadRef>,
    /// The contracts that it serves. Left out: unknown, or what it `consumes` and nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 50))]
    pub serves: Option<Vec<Serves>>,
    /// What it calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub calls: Vec<Call>,
    /// What it writes into queues, topics, caches and tables, for every service that `consumes` it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub produces: Vec<Produces>,
    /// What it reads of what others, or itself, `produces`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub consumes: Vec<Consumes>,
    /// Services that must be done before this one starts, whatever their contracts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(length(min = 1, max = 63)))]
    pub after: Vec<String>,
    /// How far an old pod must be gone before this service is done.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub drain: DrainLevel,
    /// How calls find a pod: `blind` (default) to any version, or `versioned` to one that speaks the caller's.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub routing: Routing,
    /// The parameter that selects which versions it calls. With it a new image can run first as the old one called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch: Option<Switch>,
    /// A group, by any word: services of one group never move at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub exclusive: Option<String>,
    /// Whether what its Job does can be undone by a Job of the release before. Default: not if it drops a version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reversible: Option<bool>,
}

/// When an object of a kind is done, in CEL over `object`. Failed comes before paused, paused before complete.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CompletionRule {
    /// Group and version; the version does not matter.
    #[schemars(length(min = 1, max = 253))]
    pub api_version: String,
    /// The kind.
    #[schemars(length(min = 1, max = 63))]
    pub kind: String,
    /// True when it is done.
    #[schemars(length(min = 1, max = 2000))]
    pub complete: String,
    /// True when it has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2000))]
    pub failed: Option<String>,
    /// True when it waits for somebody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2000))]
    pub paused: Option<String>,
}

impl CompletionRule {
    /// The API group of its kind; empty for the core.
    pub fn group(&self) -> &str {
        group_of(&self.api_version)
    }

    /// Whether it is about a kind. The version does not matter: the API server converts.
    pub fn is_for(&self, api_version: &str, kind: &str) -> bool {
        self.kind == kind && self.group() == group_of(api_version)
    }
}

fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// The parameter that selects which versions a service calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Switch {
    /// The environment variable. The new image, given the value that runs now, calls what is called now.
    #[schemars(length(min = 1, max = 253))]
    pub env: String,
    /// What it calls with each value of the variable. `calls` of the service must agree with one of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 10))]
    pub values: BTreeMap<String, SwitchValue>,
}

/// What a service calls with one value of its switch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SwitchValue {
    /// The calls that the value decides; what it decides of is the same for every value.
    #[schemars(length(max = 20))]
    pub calls: Vec<SwitchCall>,
}

/// A call that a switch decides. Exactly one of `version`, `all` and `any`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SwitchCall {
    /// The service that is called.
    #[schemars(length(min = 1, max = 63))]
    pub service: String,
    /// The contract. Default: the called service's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub contract: Option<String>,
    /// Exactly this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub version: Option<String>,
    /// May use any of these on any call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 20), inner(length(min = 1, max = 63)))]
    pub all: Option<Vec<String>>,
    /// Adapts: one in common is enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 20), inner(length(min = 1, max = 63)))]
    pub any: Option<Vec<String>>,
}

/// A workload by kind and name, in the plan's namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkloadRef {
    /// Group and version. Default: `apps/v1`.
    #[serde(default = "apps_v1")]
    #[schemars(length(min = 1, max = 253))]
    pub api_version: String,
    /// The kind. Default: `Deployment`.
    #[serde(default = "deployment")]
    #[schemars(length(min = 1, max = 63))]
    pub kind: String,
    /// The name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

fn apps_v1() -> String {
    "apps/v1".to_owned()
}

fn deployment() -> String {
    "Deployment".to_owned()
}

/// One contract that a service serves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Serves {
    /// The contract. Default: the service's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub contract: Option<String>,
    /// The versions, each an opaque text or semver.
    #[schemars(length(min = 1, max = 200), inner(length(min = 1, max = 63)))]
    pub versions: Vec<String>,
}

/// What a service writes for whoever reads it. To the planner every reader serves it, and the writer calls all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("!has(self.channel) || self.channel != 'rpc'").message(
    "what is called by `rpc` is written under `calls`"
))]
pub struct Produces {
    /// The contract of what is written: the name of the queue, the topic or the table.
    #[schemars(length(min = 1, max = 63))]
    pub contract: String,
    /// Every version that it may write.
    #[schemars(length(min = 1, max = 200), inner(length(min = 1, max = 63)))]
    pub versions: Vec<String>,
    /// What carries it. Default: `queue`.
    #[serde(default = "queue", skip_serializing_if = "is_queue")]
    pub channel: Channel,
    /// Where what was written outlives the writer: how it drains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub durable: Option<Durable>,
}

fn queue() -> Channel {
    Channel::Queue
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks with a reference"
)]
fn is_queue(channel: &Channel) -> bool {
    *channel == Channel::Queue
}

/// What a service reads of what others write.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Consumes {
    /// The contract, as those who produce it name it.
    #[schemars(length(min = 1, max = 63))]
    pub contract: String,
    /// Every version that it can read.
    #[schemars(length(min = 1, max = 200), inner(length(min = 1, max = 63)))]
    pub versions: Vec<String>,
}

/// One call to another service. At most one of `version`, `all` and `any`; none: unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new(
    "(has(self.version) ? 1 : 0) + (has(self.all) ? 1 : 0) + (has(self.any) ? 1 : 0) <= 1"
).message("write one of `version` (exactly this), `all` (may use any of these at any time) or `any` (adapts call by call)"))]
#[x_kube(validation = Rule::new("!has(self.negotiate) || has(self.any)").message(
    "`negotiate` goes with `any`"
))]
#[x_kube(validation = Rule::new("!has(self.weight) || (has(self.optional) && self.optional)").message(
    "`weight` goes with `optional`"
))]
pub struct Call {
    /// The service that is called.
    #[schemars(length(min = 1, max = 63))]
    pub service: String,
    /// The contract. Default: the called service's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub contract: Option<String>,
    /// Exactly this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub version: Option<String>,
    /// May use any of these on any call: all must be served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200), inner(length(min = 1, max = 63)))]
    pub all: Option<Vec<String>>,
    /// Adapts: one in common is enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200), inner(length(min = 1, max = 63)))]
    pub any: Option<Vec<String>>,
    /// When an `any` caller chooses its version. Default: `perCall`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negotiate: Option<Negotiation>,
    /// Its failure degrades the caller and does not break it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// How much an optional call matters beside others: of orders that exclude each other the heavier is kept. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub weight: Option<u32>,
    /// What carries the call. Default: `rpc`.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub channel: Channel,
    /// Where what was written outlives the writer: how it drains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub durable: Option<Durable>,
}

/// When a caller that can adapt chooses its version (planning.md §3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Negotiation {
    /// Anew for every call.
    PerCall,
    /// Once for a connection.
    PerConnection,
    /// Once, and kept.
    Cached,
}

/// What carries a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Channel {
    /// A remote procedure call; also HTTP.
    #[default]
    Rpc,
    /// A queue or topic: the callee is the consumer.
    Queue,
    /// A cache: the callee is the reader.
    Cache,
    /// A database schema: the callee is the schema job.
    Schema,
    /// A token: the callee is the verifier.
    Token,
    /// Rows or objects in a store: the callee is the reader.
    Rows,
}

/// How what was written drains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Durable {
    /// When nothing of the old writer is left: after a time (`7d`, `36h`), when the reader has no `lag`, or `manual`, when somebody says so.
    #[schemars(length(min = 1, max = 20))]
    pub drain: String,
}

/// A caller that is not deployed here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExternalCaller {
    /// Its name.
    #[schemars(
        length(min = 1, max = 63),
        regex(pattern = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")
    )]
    pub name: String,
    /// What it calls.
    #[schemars(length(min = 1, max = 100))]
    pub calls: Vec<Call>,
    /// When its calls will have ended: `never` (default), a day (`2027-06-30`), or what measures it (a query, a name).
    /// A day or a measure ends nothing by itself: the caller counts until `ended` says what was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 500))]
    pub until: Option<String>,
    /// What shows that its calls have ended, for instance `no call in 30 days`. With it they count no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 500))]
    pub ended: Option<String>,
}

/// What is assumed of an edge without declared versions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AssumePolicy {
    /// Server first, marked as assumed.
    #[default]
    ServerFirst,
    /// Nothing: the plan is refused.
    Strict,
}

/// How far an old pod must be gone (completion.md §5).
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum DrainLevel {
    /// No live old pod, Terminating included.
    #[default]
    Pods,
    /// No old endpoint that could take a new connection.
    Endpoints,
    /// Nothing is asked of old pods.
    None,
}

/// How calls find a pod.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Routing {
    /// Any pod behind the Service, of any version.
    #[default]
    Blind,
    /// Only to a pod that speaks the caller's version.
    Versioned,
}

/// What tidegate found in a graph.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceGraphStatus {
    /// The generation that the rest speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`, `Stalled` in the sense of kstatus.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// How many services.
    #[serde(default)]
    pub services: u32,
    /// How many edges.
    #[serde(default)]
    pub edges: u32,
    /// How many contracts.
    #[serde(default)]
    pub contracts: u32,
}
