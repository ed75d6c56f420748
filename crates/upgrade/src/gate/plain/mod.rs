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
use serde_json::Value;

use super::condition::Condition;
use super::fault::{Fault, typed};
use super::reason::Reason;
use super::snapshot::reference;
use super::verdict::Verdict;
use super::workload::Observed;
use super::{Judgement, Look};
use tidegate_spec::ObjectRef;
use tidegate_spec::crd::CompletionRule;

/// An object without a Rust type of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Plain {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) metadata: ObjectMeta,
    /// All of it but its metadata.
    content: Value,
    /// What of it is not as its kind says.
    fault: Option<String>,
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

/// Whether a release waits for an object that comes with a service and is not one of its workloads: what says itself
/// when it is done, or is said so by a rule.
pub fn is_waited_for(object: &ObjectRef, rules: &[CompletionRule]) -> bool {
    match Table::of(object.group(), &object.kind) {
        Table::Claim
        | Table::Definition
        | Table::ApiService
        | Table::Namespace
        | Table::Budget
        | Table::Gateway
        | Table::Route => true,
        // Without a rule they are done when they are stored, or may wait for ever.
        Table::Generic | Table::Service | Table::Ingress | Table::Autoscaler | Table::Inert => {
            rules
                .iter()
                .any(|rule| rule.is_for(&object.api_version, &object.kind))
        }
        // They are workloads.
        Table::Workflow | Table::TektonRun => false,
    }
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
}

impl Plain {
    /// The object of its JSON. Error: its metadata is not as metadata are.
    pub(super) fn of(object: Value) -> Result<Self, Fault> {
        let mut content = object.as_object().cloned().unwrap_or_default();
        for of_itself in ["apiVersion", "kind", "metadata"] {
            content.shift_remove(of_itself);
        }
        let head: Head = typed(object)?;
        Ok(Self {
            api_version: head.api_version,
            kind: head.kind,
            metadata: head.metadata,
            content: Value::Object(content),
            fault: None,
        })
    }

    /// The same of an object that is not as its kind is, not even its metadata perhaps.
    pub(super) fn unreadable(object: &Value, fault: &Fault) -> Self {
        let text = |pointer: &str| {
            let text = object.pointer(pointer).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let named = || Self {
            api_version: text("/apiVersion"),
            kind: text("/kind"),
            metadata: ObjectMeta {
                name: Some(text("/metadata/name")),
                namespace: Some(text("/metadata/namespace")),
                ..ObjectMeta::default()
            },
            content: Value::Null,
            fault: None,
        };
        Self {
            fault: Some(fault.to_string()),
            ..Self::of(object.clone()).unwrap_or_else(|_| named())
        }
    }

    /// Kind and name.
    pub(super) fn reference(&self) -> ObjectRef {
        reference(&self.api_version, &self.kind, &self.metadata)
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
        typed(self.content.clone()).ok()
    }

    /// The part of it that somebody else looks at. Error: why it cannot be read.
    pub(super) fn read<V: DeserializeOwned>(&self) -> Result<V, String> {
        match &self.fault {
            Some(fault) => Err(fault.clone()),
            None => typed(self.content.clone()).map_err(|fault| fault.to_string()),
        }
    }

    /// Its conditions, as far as they can be read.
    pub(super) fn conditions(&self) -> Vec<Condition> {
        let conditions = self.content.pointer("/status/conditions").cloned();
        conditions
            .and_then(|conditions| typed(conditions).ok())
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
            | Table::Inert => self.said(),
        }
    }

    /// The StorageClass of a claim that names one.
    pub(super) fn storage_class(&self) -> Option<ObjectRef> {
        let name = self.content.pointer("/spec/storageClassName")?.as_str()?;
        (self.table() == Table::Claim).then(|| ObjectRef {
            api_version: "storage.k8s.io/v1".to_owned(),
            kind: "StorageClass".to_owned(),
            namespace: String::new(),
            name: name.to_owned(),
        })
    }

    /// All that somebody says in it: what its status and its metadata say is its controllers'.
    pub(super) fn said(&self) -> Value {
        let mut content = self.content.clone();
        if let Some(fields) = content.as_object_mut() {
            fields.remove("status");
        }
        content
    }

    /// Whether it does nothing by itself.
    pub(super) fn is_inert(&self) -> bool {
        self.table() == Table::Inert
    }

    /// Whether it makes pods: then a word of its controller that it is ready says nothing of those of before.
    fn has_pod_template(&self) -> bool {
        self.content.get("spec").is_some_and(holds_template)
    }

    /// Whether pods of it run, though it has no template of theirs.
    pub(super) fn runs_pods(&self) -> bool {
        matches!(self.table(), Table::Workflow | Table::TektonRun)
    }

    /// F8, for the kinds that say in their status what their controller has seen.
    pub(super) fn observed(&self) -> Observed {
        if self.fault.is_some() {
            return Observed::Yes;
        }
        match self.table() {
            Table::Budget => generic::observed(self, true),
            Table::Generic | Table::Definition => generic::observed(self, false),
            // They have none, or say it in each condition, or nobody waits for it.
            Table::Workflow
            | Table::TektonRun
            | Table::Claim
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

/// Whether a pod template stands anywhere in a value: each operator calls its own by another name.
fn holds_template(value: &Value) -> bool {
    match value {
        Value::Object(fields) => {
            let is_template = value
                .pointer("/spec/containers")
                .is_some_and(Value::is_array);
            is_template || fields.values().any(holds_template)
        }
        Value::Array(items) => items.iter().any(holds_template),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The table of its kind.
pub(super) fn judge(look: &Look<'_>, object: &Plain) -> Judgement {
    if let Some(fault) = &object.fault {
        return Verdict::progressing(Reason::UnknownStatus, 0, 1)
            .with(fault.clone())
            .into();
    }
    let table = object.table();
    // What people say of a kind goes before what we say of it; the generic table asks them in its turn.
    if table != Table::Generic
        && let Some(verdict) = generic::by_rule(look, object)
    {
        return verdict.into();
    }
    let judgement = match table {
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
