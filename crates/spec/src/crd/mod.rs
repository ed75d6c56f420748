//! The three custom resources as they stand on the wire, group `tidegate.dev/v1alpha1`.
//!
//! Types only: no client. What a schema can say, the schema says (CEL rules included); the rest is
//! said by [`super::check_graph`] and [`super::check_plan`].

mod build;
mod freeze;
mod gate;
mod graph;
mod live;
mod notify;
mod plan;
mod release;
mod secret;
mod source;

pub use build::{
    ArgoWorkflowEngine, BUILD_LABEL, BUILD_OF_ANNOTATION, BuildDeclaration, BuildEngine,
    BuildKitEngine, BuildResources, BuildStatus, Engine, WorkflowTemplateReference,
};
pub use freeze::{FreezeStatus, FreezeWindow};
pub use gate::{Capacity, GateSettings, LostNodes};
pub use graph::{
    AssumePolicy, Call, Channel, CompletionRule, Consumes, DrainLevel, Durable, ExternalCaller,
    Negotiation, Produces, Routing, Serves, ServiceDeclaration, ServiceGraph, ServiceGraphSpec,
    ServiceGraphStatus, Switch, SwitchCall, SwitchValue, WorkloadRef,
};
pub use live::{LiveService, LiveSets, LiveSetsSpec};
pub use notify::{CloudEvents, CommitStatus, Notify, Occasion, Provider, Slack};
pub use plan::{
    Advance, ApprovalGate, Concurrency, Deadlines, DriftPolicy, History, OnFailure, OnRegression,
    Order, ReleasePlan, ReleasePlanSpec, ReleasePlanStatus, Strategy,
};
pub use release::{
    Approval, Archived, Bundle, Control, Held, HeldVariable, PlanDigest, Planning, Release,
    ReleaseSpec, ReleaseStatus, ServiceStatus, Trigger, WaveStatus,
};
pub use secret::SecretReference;
pub use source::{
    GitReference, GitSource, REQUEST_ANNOTATION, Schedule, Source, SourceStatus, Webhook,
    WebhookProvider,
};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

/// The API group of all three kinds.
pub const GROUP: &str = "tidegate.dev";
/// Group and version as written in `apiVersion`.
pub const API_VERSION: &str = "tidegate.dev/v1alpha1";
/// The condition of a plan that wants what another one has.
pub const CONFLICTED: &str = "Conflicted";
/// The condition of a plan of which somebody else has changed what it released.
pub const DRIFTED: &str = "Drifted";
/// The label that names the plan on everything that belongs to it.
pub const PLAN_LABEL: &str = "tidegate.dev/plan";
/// The annotation that names the release which last applied an object.
pub const RELEASE_ANNOTATION: &str = "tidegate.dev/release";
/// The stamp: what a revision serves and calls, on its pod template (completion.md §5.9).
pub const CONTRACT_ANNOTATION: &str = "tidegate.dev/contract";

/// The definitions of the three kinds, in the order in which they are installed.
pub fn definitions() -> Vec<CustomResourceDefinition> {
    vec![ServiceGraph::crd(), ReleasePlan::crd(), Release::crd()]
}

/// Whether a field says nothing, and is left out.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
