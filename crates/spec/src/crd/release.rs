//! `Release` (`tgr`): one run of a plan.

#![expect(
    clippy::duplicated_attributes,
    reason = "one printer column is like another"
)]
#![expect(
    unreachable_pub,
    reason = "KubeSchema repeats each struct inside a function"
)]

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{BuildStatus, Concurrency, DrainLevel, Order};
use crate::{ObjectRef, ServiceName};

/// One run of a plan. Nothing but `control` can be changed.
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "tidegate.dev",
    version = "v1alpha1",
    kind = "Release",
    plural = "releases",
    shortname = "tgr",
    category = "tidegate",
    namespaced,
    status = "ReleaseStatus",
    derive = "PartialEq",
    doc = "One run of a plan; kept after it has ended.",
    printcolumn(name = "Plan", type_ = "string", json_path = ".spec.plan"),
    printcolumn(name = "No", type_ = "integer", json_path = ".spec.number"),
    printcolumn(name = "Revision", type_ = "string", json_path = ".spec.revision"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Progress", type_ = "string", json_path = ".status.summary"),
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
        name = "Trigger",
        type_ = "string",
        priority = "1",
        json_path = ".spec.trigger"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        priority = "1",
        json_path = ".spec.reason"
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        priority = "1",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message"
    )
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("self.plan == oldSelf.plan").message("`plan` cannot be changed"))]
#[x_kube(validation = Rule::new("self.number == oldSelf.number").message("`number` cannot be changed"))]
#[x_kube(validation = Rule::new("self.revision == oldSelf.revision").message("`revision` cannot be changed"))]
#[x_kube(validation = Rule::new("self.trigger == oldSelf.trigger").message("`trigger` cannot be changed"))]
#[x_kube(validation = Rule::new("self.bundle == oldSelf.bundle").message("`bundle` cannot be changed"))]
#[x_kube(validation = Rule::new(
    "has(self.reason) == has(oldSelf.reason) && (!has(self.reason) || self.reason == oldSelf.reason)"
).message("`reason` cannot be changed"))]
#[x_kube(validation = Rule::new(
    "has(self.planning) == has(oldSelf.planning) && (!has(self.planning) || self.planning == oldSelf.planning)"
).message("`planning` cannot be changed"))]
#[x_kube(validation = Rule::new(
    "has(self.concurrency) == has(oldSelf.concurrency) && (!has(self.concurrency) || self.concurrency == oldSelf.concurrency)"
).message("`concurrency` cannot be changed"))]
#[x_kube(validation = Rule::new(
    "has(self.rollbackOf) == has(oldSelf.rollbackOf) && (!has(self.rollbackOf) || self.rollbackOf == oldSelf.rollbackOf)"
).message("`rollbackOf` cannot be changed"))]
#[x_kube(validation = Rule::new(
    "has(self.retryOf) == has(oldSelf.retryOf) && (!has(self.retryOf) || self.retryOf == oldSelf.retryOf)"
).message("`retryOf` cannot be changed"))]
#[x_kube(validation = Rule::new(
    "has(self.planDigest) == has(oldSelf.planDigest) && (!has(self.planDigest) || self.planDigest == oldSelf.planDigest)"
).message("`planDigest` cannot be changed"))]
#[x_kube(validation = Rule::new(
    "!has(oldSelf.control) || !oldSelf.control.abort || (has(self.control) && self.control.abort)"
).message("an abort cannot be taken back; start a new release"))]
#[x_kube(validation = Rule::new(
    "!has(oldSelf.control) || !has(oldSelf.control.approvals) || (has(self.control) && has(self.control.approvals) && oldSelf.control.approvals.all(old, self.control.approvals.exists(one, one == old)))"
).message("an approval cannot be changed or taken back"))]
#[x_kube(validation = Rule::new(
    "!has(oldSelf.control) || !has(oldSelf.control.forces) || (has(self.control) && has(self.control.forces) && oldSelf.control.forces.all(old, self.control.forces.exists(one, one == old)))"
).message("what was forced cannot be changed or taken back"))]
#[x_kube(validation = Rule::new(
    "!has(oldSelf.control) || !has(oldSelf.control.retries) || (has(self.control) && has(self.control.retries) && oldSelf.control.retries.all(old, self.control.retries.exists(one, one == old)))"
).message("a retry cannot be changed or taken back"))]
pub struct ReleaseSpec {
    /// The plan that this is a run of.
    #[schemars(length(min = 1, max = 63))]
    pub plan: String,
    /// The run's number within its plan, from 1.
    #[schemars(range(min = 1))]
    pub number: u64,
    /// What is released, for people: a commit, or the digest of the manifests.
    #[schemars(length(min = 1, max = 128))]
    pub revision: String,
    /// What started it: `manual`, `webhook`, `poll`, `schedule`, `rollback`,
    /// `retry` or `drift`.
    #[schemars(length(min = 1, max = 63))]
    pub trigger: String,
    /// Why, in the words of whoever started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub reason: Option<String>,
    /// The release that it takes back: its input is that of an earlier one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub rollback_of: Option<String>,
    /// The release that it does once more, with the same input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub retry_of: Option<String>,
    /// The frozen input: graph, manifests and strategy.
    pub bundle: Bundle,
    /// The digest of the one plan that may be carried out, where somebody asked for a saved plan: another one, since
    /// the world moved, ends the release as refused before anything is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 71, max = 71))]
    pub plan_digest: Option<String>,
    /// Which plan of these files is carried out.
    #[serde(default, skip_serializing_if = "Planning::is_plain")]
    pub planning: Planning,
    /// What it does with an earlier release of the plan that has not ended: as the plan said when it was made.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub concurrency: Concurrency,
    /// What people ask of the running release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<Control>,
}

/// What starts a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// Somebody.
    Manual,
    /// What an earlier release brought is brought back.
    Rollback,
    /// An earlier release is done once more.
    Retry,
    /// A look at the source, for which a webhook asked, that found a new commit.
    Webhook,
    /// A look at the source that found a new commit.
    Poll,
    /// A time of the schedule.
    Schedule,
    /// A change that somebody else made, which is put back.
    Drift,
}

impl Trigger {
    /// The word, as `Release.spec.trigger` has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Rollback => "rollback",
            Self::Retry => "retry",
            Self::Webhook => "webhook",
            Self::Poll => "poll",
            Self::Schedule => "schedule",
            Self::Drift => "drift",
        }
    }
}

/// Which plan of the files is asked for; the flags of `tidegate run` and `tidegate plan`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Planning {
    /// Only these services move; what belongs to the others stays as it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 500), inner(length(min = 1, max = 63)))]
    pub only: Vec<String>,
    /// What runs may be unsafe already; nothing else may break.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repair: bool,
    /// The files are those of an earlier release: what Jobs did stays.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rollback: bool,
    /// How services that have a switch move; otherwise as the plan's strategy says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
}

impl Planning {
    /// Whether a service may move.
    pub fn moves(&self, service: &ServiceName) -> bool {
        self.only.is_empty() || self.only.iter().any(|one| one == service.as_str())
    }

    /// Whether nothing special is asked for.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

/// The frozen input of a release: immutable Secrets `<release>-bundle-<part>` in its namespace, since
/// manifests may hold Secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bundle {
    /// `sha256:` and the digest of the whole, uncompressed.
    #[schemars(length(min = 71, max = 71))]
    pub digest: String,
    /// How many Secrets hold it.
    #[schemars(range(min = 1, max = 64))]
    pub parts: u32,
}

/// What people ask of a running release; `kubectl patch` is enough.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Control {
    /// Start nothing more until it is taken back. What moves goes on.
    #[serde(default)]
    pub pause: bool,
    /// End the release: start nothing more. What moves is left to the cluster.
    #[serde(default)]
    pub abort: bool,
    /// Why, for the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub reason: Option<String>,
    /// Services that have failed and are tried once more, where the plan lets the others go on; entries are added and never
    /// changed or taken away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub retries: Vec<Approval>,
    /// Steps whose gate counts as open on somebody's word, whatever it shows, and `freeze/all`: that it goes on in the freeze
    /// windows of its plan. Entries are added and never changed or taken away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["step".into()]))]
    #[schemars(length(max = 100))]
    pub forces: Vec<Approval>,
    /// What people have approved; entries are added and never changed or taken away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["step".into()]))]
    #[schemars(length(max = 100))]
    pub approvals: Vec<Approval>,
}

/// Somebody's word: that a step or a wave may start, that a drain is over, that a step is tried again, that its gate
/// counts as open.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Approval {
    /// The step, as `status.waves[].services[].name` has it, or a wave: `wave/3`.
    #[schemars(length(min = 1, max = 80))]
    pub step: String,
    /// Who.
    #[schemars(length(min = 1, max = 253))]
    pub by: String,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub reason: Option<String>,
}

/// Where a release stands: all there is to remember.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseStatus {
    /// The generation that the rest speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`, `Reconciling`, `Stalled` in the sense of kstatus.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// A word for people; never read by tidegate.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub phase: String,
    /// One line for people, for instance `2/3 waves, orders draining`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// When the first wave could start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Time>,
    /// The plan that is carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanDigest>,
    /// The images that are built for it, or were built before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub builds: Vec<BuildStatus>,
    /// The waves in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waves: Vec<WaveStatus>,
    /// Services that stay as they are, whatever the files have: neither they nor what is declared of them changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_out: Vec<String>,
    /// What earlier releases brought and nobody has any more: deleted when every service is done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leftover: Vec<ObjectRef>,
    /// How it ended, once it has: `Succeeded`, `Failed`, `Refused`, `Aborted` or `Superseded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// That it starts nothing new for a while, by a freeze window of its plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freeze: Option<super::FreezeStatus>,
    /// That the archive has it, once it has: only then a release of a plan whose releases are archived is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<Archived>,
}

/// That the archive has a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Archived {
    /// Since when.
    pub time: Time,
}

/// Which plan is carried out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanDigest {
    /// `sha256:` and the digest of the plan document.
    pub digest: String,
    /// How many services move: a status with others was changed by somebody else.
    #[serde(default)]
    pub services: u32,
}

/// Services that may move at the same time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaveStatus {
    /// From 1.
    pub index: u32,
    /// When its first service started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// When its last service was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Time>,
    /// Whether it starts only when somebody has approved that, since the plan says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_approval: bool,
    /// Who approved it, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// The services.
    pub services: Vec<ServiceStatus>,
}

/// Where one service stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceStatus {
    /// The service, with a suffix where it moves more than once: `orders/flip`.
    pub name: String,
    /// `Waiting`, `Starting`, `Moving`, `Retiring`, `Removing`, `Clearing`, `Draining`, `Done` or `Failed`.
    pub state: String,
    /// What is done to it: `create`, `roll`, `flip`, `job`, `delete` or `drain`.
    pub action: String,
    /// The steps that must be done before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// How far an old pod must be gone before it is done.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub drain: DrainLevel,
    /// What ran before, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// What runs afterwards, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub to: String,
    /// Pods of the new revision that are ready.
    #[serde(default)]
    pub new_ready: u32,
    /// Pods of the new revision that are wanted.
    #[serde(default)]
    pub new_wanted: u32,
    /// Live pods of other revisions, Terminating included.
    #[serde(default)]
    pub old_alive: u32,
    /// Why it is not further, as one word.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Why it is not further, as a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Since when it waits for that reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// When its apply was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// When its gate opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Time>,
    /// Whether nothing undoes it, so that it starts only when somebody has approved that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_final: bool,
    /// Where it is a drain: what shows that nothing is left, `7d`, `lag` or `manual`; all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retentions: Vec<String>,
    /// Whether it starts only when somebody has approved that, since the plan says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_approval: bool,
    /// Who approved it, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Who has said that its gate counts as open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forced: Option<Approval>,
    /// Why it is not done any more, though it was, while what comes after it moves.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub regressed: String,
    /// The step, not done any more, for which its workloads are paused.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub paused_for: String,
    /// How often it was tried again after it had failed.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub retries: u32,
    /// What the new pods keep of what ran when the release was planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
    /// What is deleted: all of a service that goes away, or the workloads that it does not have any more. The
    /// release's own bundle does not have them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<ObjectRef>,
    /// What was recorded of each workload before and at its apply, by workload; machine's notes, needed
    /// while the service moves.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "raw_by_name")]
    pub records: BTreeMap<String, Value>,
}

/// What the new pods of a step keep of what ran before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// What they serve and call with it, as on their pod template.
    pub contract: String,
    /// The environment variables that keep their value.
    pub variables: Vec<HeldVariable>,
}

/// An environment variable that keeps its value in one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldVariable {
    /// The workload.
    pub workload: ObjectRef,
    /// The container.
    pub container: String,
    /// The variable.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// The one raw field: its shape is `upgrade::gate`'s, not the API's.
fn raw_by_name(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "additionalProperties": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}
    })
}
