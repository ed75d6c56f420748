//! Objects that have no pods of their own, one file a kind; completion.md §4.9 and §4.11 to §4.16.
//!
//! In: an object as JSON. Out: how far it is. Each table reads its own small view of the object; a field that is not
//! as the view says makes the status unknown, and what is unknown is never complete.

mod api_service;
mod argo_workflow;
mod autoscaler;
mod claim;
mod definition;
mod disruption_budget;
mod gateway;
mod generic;
mod inert;
mod ingress;
mod namespace;
mod route;
mod service;
mod tekton;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::condition::Condition;
use super::reason::Reason;
use super::verdict::Verdict;
use super::workload::Observed;
use super::{Judgement, Look};

/// An object without a Rust type of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Plain {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) metadata: ObjectMeta,
    /// All of it but its metadata.
    content: Value,
    /// Its kind has a view, which it does not fit.
    is_unreadable: bool,
}

/// Which table judges a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    Workflow,
    TektonRun,
    Claim,
    Definition,
    ApiService,
    Namespace,
    Budget,
    Service,
    Ingress,
    Gateway,
    Route,
    Autoscaler,
    Inert,
    Generic,
}

impl Table {
    fn of(group: &str, kind: &str) -> Self {
        match (group, kind) {
            ("argoproj.io", "Workflow") => Self::Workflow,
            ("tekton.dev", "PipelineRun" | "TaskRun") => Self::TektonRun,
            ("", "PersistentVolumeClaim") => Self::Claim,
            ("apiextensions.k8s.io", "CustomResourceDefinition") => Self::Definition,
            ("apiregistration.k8s.io", "APIService") => Self::ApiService,
            ("", "Namespace") => Self::Namespace,
            ("policy", "PodDisruptionBudget") => Self::Budget,
            ("", "Service") => Self::Service,
            ("networking.k8s.io", "Ingress") => Self::Ingress,
            ("gateway.networking.k8s.io", "Gateway") => Self::Gateway,
            ("gateway.networking.k8s.io", kind) if kind.ends_with("Route") => Self::Route,
            ("autoscaling", "HorizontalPodAutoscaler") | ("keda.sh", "ScaledObject") => {
                Self::Autoscaler
            }
            (group, kind) if inert::is_inert(group, kind) => Self::Inert,
            _ => Self::Generic,
        }
    }
}

/// Whether objects of a kind are only read as evidence about others.
pub(super) fn is_evidence(group: &str, kind: &str) -> bool {
    matches!(
        (group, kind),
        ("apps", "ControllerRevision")
            | ("", "Endpoints" | "Event" | "Node")
            | ("discovery.k8s.io", "EndpointSlice")
            | ("events.k8s.io", "Event")
            | ("coordination.k8s.io", "Lease")
            | ("metrics.k8s.io", _)
    )
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    metadata: ObjectMeta,
    #[serde(flatten)]
    content: Map<String, Value>,
}

impl Plain {
    /// The object of its JSON. Error: its metadata is not as metadata are.
    pub(super) fn of(object: Value) -> Result<Self, serde_json::Error> {
        let head: Head = serde_json::from_value(object)?;
        Ok(Self {
            api_version: head.api_version,
            kind: head.kind,
            metadata: head.metadata,
            content: Value::Object(head.content),
            is_unreadable: false,
        })
    }

    /// The same of an object that is not as its kind should be.
    pub(super) fn unreadable(object: Value) -> Result<Self, serde_json::Error> {
        Ok(Self {
            is_unreadable: true,
            ..Self::of(object)?
        })
    }

    fn table(&self) -> Table {
        let group = self
            .api_version
            .split_once('/')
            .map_or("", |(group, _)| group);
        Table::of(group, &self.kind)
    }

    /// The part of it that a table looks at; `None` if a field is of another type.
    fn view<V: DeserializeOwned>(&self) -> Option<V> {
        serde_json::from_value(self.content.clone()).ok()
    }

    /// Its conditions, as far as they can be read.
    pub(super) fn conditions(&self) -> Vec<Condition> {
        let conditions = self.content.pointer("/status/conditions").cloned();
        conditions
            .and_then(|conditions| serde_json::from_value(conditions).ok())
            .unwrap_or_default()
    }

    /// All of it, as it was read.
    pub(super) fn whole(&self) -> Value {
        let mut fields = self.content.as_object().cloned().unwrap_or_default();
        fields.insert(
            "apiVersion".to_owned(),
            Value::String(self.api_version.clone()),
        );
        fields.insert("kind".to_owned(), Value::String(self.kind.clone()));
        let metadata = serde_json::to_value(&self.metadata).unwrap_or_default();
        fields.insert("metadata".to_owned(), metadata);
        Value::Object(fields)
    }

    /// What somebody wants of it: all but its status. Nothing where its own controller may write beside us.
    pub(super) fn wanted(&self) -> Value {
        match self.table() {
            Table::Generic | Table::Claim | Table::Service | Table::Namespace => Value::Null,
            Table::Workflow
            | Table::TektonRun
            | Table::Definition
            | Table::ApiService
            | Table::Budget
            | Table::Ingress
            | Table::Gateway
            | Table::Route
            | Table::Autoscaler
            | Table::Inert => {
                let mut content = self.content.clone();
                if let Some(fields) = content.as_object_mut() {
                    fields.remove("status");
                }
                content
            }
        }
    }

    /// Whether it does nothing by itself.
    pub(super) fn is_inert(&self) -> bool {
        self.table() == Table::Inert
    }

    /// Whether pods of it run, though it has no template of theirs.
    pub(super) fn runs_pods(&self) -> bool {
        matches!(self.table(), Table::Workflow | Table::TektonRun)
    }

    /// F8, for the kinds that say in their status what their controller has seen.
    pub(super) fn observed(&self) -> Observed {
        match self.table() {
            Table::Budget => generic::observed(self, true),
            Table::Generic => generic::observed(self, false),
            // They have none, or say it in each condition, or nobody waits for it.
            Table::Workflow
            | Table::TektonRun
            | Table::Claim
            | Table::Definition
            | Table::ApiService
            | Table::Namespace
            | Table::Service
            | Table::Ingress
            | Table::Gateway
            | Table::Route
            | Table::Autoscaler
            | Table::Inert => Observed::Yes,
        }
    }
}

/// The table of its kind.
pub(super) fn judge(look: &Look<'_>, object: &Plain) -> Judgement {
    if object.is_unreadable {
        return unknown();
    }
    let judgement = match object.table() {
        Table::Workflow => argo_workflow::judge(look, object),
        Table::TektonRun => tekton::judge(look, object),
        Table::Claim => claim::judge(look, object),
        Table::Definition => definition::judge(object),
        Table::ApiService => api_service::judge(look, object),
        Table::Namespace => namespace::judge(object),
        Table::Budget => disruption_budget::judge(object),
        Table::Service => service::judge(object),
        Table::Ingress => Some(ingress::judge()),
        Table::Gateway => gateway::judge(object),
        Table::Route => route::judge(object),
        Table::Autoscaler => autoscaler::judge(object),
        Table::Inert => Some(Verdict::Complete.into()),
        Table::Generic => generic::judge(look, object),
    };
    judgement.unwrap_or_else(unknown)
}

pub(super) use namespace::terminating;

/// What cannot be read is not done.
fn unknown() -> Judgement {
    Verdict::progressing(Reason::UnknownStatus, 0, 1).into()
}
