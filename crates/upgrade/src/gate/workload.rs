//! The objects that have a gate of their own, by kind.
//!
//! In: an object as the API server sends it. Out: a [`Workload`] that knows its pod template, its selector and
//! whether its controller has seen it. Kinds without a Rust type of their own are read by small views.

use std::borrow::Cow;

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{Pod, PodSpec, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use serde_json::Value;

use super::argo_rollouts::ArgoRollout;
use super::digested::{Digested, Templated};
use super::fault::{Fault, typed};
use super::flagger::FlaggerCanary;
use super::plain::{self, Plain};
use super::snapshot::{has_seen, name, reference, selects};
use super::template::value_digest;
use tidegate_spec::ObjectRef;

/// An object that a gate judges.
#[derive(Debug, Clone, PartialEq)]
pub enum Workload {
    /// `apps/v1` Deployment.
    Deployment(Box<Digested<Deployment>>),
    /// `apps/v1` StatefulSet.
    StatefulSet(Box<Digested<StatefulSet>>),
    /// `apps/v1` DaemonSet.
    DaemonSet(Box<Digested<DaemonSet>>),
    /// `apps/v1` ReplicaSet without an owner.
    ReplicaSet(Box<Digested<ReplicaSet>>),
    /// `batch/v1` Job.
    Job(Box<Digested<Job>>),
    /// `batch/v1` CronJob.
    CronJob(Box<Digested<CronJob>>),
    /// A pod without an owner.
    Pod(Box<Pod>),
    /// `argoproj.io` Rollout.
    ArgoRollout(Box<Digested<ArgoRollout>>),
    /// `flagger.app` Canary, with the workload that it targets.
    FlaggerCanary(Box<FlaggerCanary>),
    /// Any other object: one that has no pods of its own.
    Plain(Box<Plain>),
}

/// Whether a controller has seen the present generation of its object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Observed {
    /// It has, or nobody has to.
    Yes,
    /// Not yet, or it has never said so.
    NotYet,
    /// It says so in a form that proves nothing.
    Unsupported(String),
}

impl Workload {
    /// The workload of an object as the API server sends it; `None` for what is only evidence about others.
    ///
    /// Error: a field is not as its kind says.
    pub fn from_object(object: Value) -> Result<Option<Self>, Fault> {
        let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        Ok(Some(match (group, kind) {
            ("apps", "Deployment") => Self::Deployment(Box::new(Digested::of(&object)?)),
            ("apps", "StatefulSet") => Self::StatefulSet(Box::new(Digested::of(&object)?)),
            ("apps", "DaemonSet") => Self::DaemonSet(Box::new(Digested::of(&object)?)),
            ("apps", "ReplicaSet") => Self::ReplicaSet(Box::new(Digested::of(&object)?)),
            ("batch", "Job") => Self::Job(Box::new(Digested::of(&object)?)),
            ("batch", "CronJob") => Self::CronJob(Box::new(Digested::of(&object)?)),
            ("", "Pod") => Self::Pod(typed(object)?),
            ("argoproj.io", "Rollout") => Self::ArgoRollout(Box::new(Digested::of(&object)?)),
            ("flagger.app", "Canary") => Self::FlaggerCanary(typed(object)?),
            ("", "") => return Ok(None),
            (group, kind) if plain::is_evidence(group, kind) => return Ok(None),
            _ => Self::Plain(Box::new(Plain::of(object)?)),
        }))
    }

    /// The same of an object that the API server keeps: one that is not as its kind is becomes [`Workload::Plain`], which
    /// is never complete then.
    pub fn stored(object: &Value) -> Option<Self> {
        let read = Self::from_object(object.clone());
        read.unwrap_or_else(|fault| Some(Self::unreadable(object, &fault)))
    }

    /// An object that is not as its kind is: nobody knows how far it is.
    pub(super) fn unreadable(object: &Value, fault: &Fault) -> Self {
        Self::Plain(Box::new(Plain::unreadable(object, fault)))
    }

    /// Kind and name.
    pub fn reference(&self) -> ObjectRef {
        let (api_version, kind) = match self {
            Self::Deployment(_) => ("apps/v1", "Deployment"),
            Self::StatefulSet(_) => ("apps/v1", "StatefulSet"),
            Self::DaemonSet(_) => ("apps/v1", "DaemonSet"),
            Self::ReplicaSet(_) => ("apps/v1", "ReplicaSet"),
            Self::Job(_) => ("batch/v1", "Job"),
            Self::CronJob(_) => ("batch/v1", "CronJob"),
            Self::Pod(_) => ("v1", "Pod"),
            Self::ArgoRollout(object) => (object.api_version.as_str(), "Rollout"),
            Self::FlaggerCanary(object) => (object.api_version.as_str(), "Canary"),
            Self::Plain(object) => return object.reference(),
        };
        reference(api_version, kind, self.metadata())
    }

    /// The object's metadata.
    pub fn metadata(&self) -> &ObjectMeta {
        match self {
            Self::Deployment(object) => &object.metadata,
            Self::StatefulSet(object) => &object.metadata,
            Self::DaemonSet(object) => &object.metadata,
            Self::ReplicaSet(object) => &object.metadata,
            Self::Job(object) => &object.metadata,
            Self::CronJob(object) => &object.metadata,
            Self::Pod(object) => &object.metadata,
            Self::ArgoRollout(object) => &object.metadata,
            Self::FlaggerCanary(object) => &object.metadata,
            Self::Plain(object) => &object.metadata,
        }
    }

    /// The pod template. That of a pod is what makes it what it is: its labels and containers. Empty for an object
    /// that has none of its own.
    pub fn template(&self) -> Cow<'_, PodTemplateSpec> {
        match self {
            Self::Deployment(object) => or_empty(object.template()),
            Self::StatefulSet(object) => or_empty(object.template()),
            Self::DaemonSet(object) => or_empty(object.template()),
            Self::ReplicaSet(object) => or_empty(object.template()),
            Self::Job(object) => or_empty(object.template()),
            Self::CronJob(object) => or_empty(object.template()),
            Self::ArgoRollout(object) => or_empty(object.template()),
            Self::Pod(object) => Cow::Owned(template_of_pod(object)),
            Self::FlaggerCanary(_) | Self::Plain(_) => or_empty(None),
        }
    }

    /// What tells one apply of it from another: the digest of its pod template, or of what it says beside its status
    /// if it has none.
    pub fn digest(&self) -> String {
        match self {
            Self::Deployment(object) => object.digest().to_owned(),
            Self::StatefulSet(object) => object.digest().to_owned(),
            Self::DaemonSet(object) => object.digest().to_owned(),
            Self::ReplicaSet(object) => object.digest().to_owned(),
            Self::Job(object) => object.digest().to_owned(),
            Self::CronJob(object) => object.digest().to_owned(),
            Self::ArgoRollout(object) => object.digest().to_owned(),
            Self::Pod(object) => {
                let template = serde_json::to_value(template_of_pod(object));
                value_digest(template.unwrap_or_default())
            }
            Self::FlaggerCanary(object) => value_digest(object.spec.target_ref.digested()),
            Self::Plain(object) => value_digest(object.wanted()),
        }
    }

    /// The same for whoever asks whether a write would change it: of an object without pods all that is said in it.
    pub fn content_digest(&self) -> String {
        self.plain()
            .map_or_else(|| self.digest(), |object| value_digest(object.said()))
    }

    /// Which pods it claims.
    pub fn selector(&self) -> Option<&LabelSelector> {
        match self {
            Self::Deployment(object) => Some(&object.spec.selector),
            Self::StatefulSet(object) => Some(&object.spec.selector),
            Self::DaemonSet(object) => Some(&object.spec.selector),
            Self::ReplicaSet(object) => Some(&object.spec.selector),
            Self::Job(object) => object.spec.as_ref().and_then(|spec| spec.selector.as_ref()),
            Self::ArgoRollout(object) => object.spec.selector.as_ref(),
            Self::CronJob(_) | Self::Pod(_) | Self::FlaggerCanary(_) | Self::Plain(_) => None,
        }
    }

    /// Whether it claims a pod by its labels.
    pub fn selects(&self, pod: &ObjectMeta) -> bool {
        self.selector()
            .is_some_and(|selector| selects(selector, pod))
    }

    /// The generation that its controller has seen; `None` if the kind has none or nothing was seen.
    pub(super) fn observed_generation(&self) -> Option<i64> {
        match self {
            Self::Deployment(object) => object.status.as_ref()?.observed_generation,
            Self::StatefulSet(object) => object.status.as_ref()?.observed_generation,
            Self::DaemonSet(object) => object.status.as_ref()?.observed_generation,
            Self::ReplicaSet(object) => object.status.as_ref()?.observed_generation,
            Self::Job(_)
            | Self::CronJob(_)
            | Self::Pod(_)
            | Self::ArgoRollout(_)
            | Self::FlaggerCanary(_)
            | Self::Plain(_) => None,
        }
    }

    /// Whether its controller has seen the present generation. Jobs never change; of a CronJob, a Canary and many others
    /// nobody says it.
    pub(super) fn observed(&self) -> Observed {
        let numbered = |observed: Option<i64>| {
            if has_seen(self.metadata(), observed) {
                Observed::Yes
            } else {
                Observed::NotYet
            }
        };
        match self {
            Self::Job(_) | Self::CronJob(_) | Self::FlaggerCanary(_) => Observed::Yes,
            // Its image may be changed in place; older kubelets do not say what they have seen.
            Self::Pod(object) => {
                let status = object.status.as_ref();
                match status.and_then(|status| status.observed_generation) {
                    Some(seen) => numbered(Some(seen)),
                    None => Observed::Yes,
                }
            }
            Self::Deployment(_)
            | Self::StatefulSet(_)
            | Self::DaemonSet(_)
            | Self::ReplicaSet(_) => numbered(self.observed_generation()),
            Self::ArgoRollout(object) => object.observed(),
            Self::Plain(object) => object.observed(),
        }
    }

    /// Whether its controller has seen the present generation.
    pub(super) fn is_observed(&self) -> bool {
        self.observed() == Observed::Yes
    }

    /// Whether it runs to an end and may be collected after it: what is gone may have succeeded.
    pub(super) fn ends(reference: &ObjectRef) -> bool {
        matches!(
            (reference.group(), reference.kind.as_str()),
            ("batch", "Job")
                | ("argoproj.io", "Workflow")
                | ("tekton.dev", "PipelineRun" | "TaskRun")
        )
    }

    /// Whether it has pods whose old ones matter.
    pub(super) fn has_pods(&self) -> bool {
        match self {
            Self::Deployment(_)
            | Self::StatefulSet(_)
            | Self::DaemonSet(_)
            | Self::ReplicaSet(_)
            | Self::Job(_)
            | Self::CronJob(_)
            | Self::Pod(_)
            | Self::ArgoRollout(_)
            | Self::FlaggerCanary(_) => true,
            Self::Plain(object) => object.runs_pods(),
        }
    }

    /// Whether it makes pods of a template that it has itself.
    pub(super) fn makes_pods(&self) -> bool {
        match self {
            Self::Deployment(_)
            | Self::StatefulSet(_)
            | Self::DaemonSet(_)
            | Self::ReplicaSet(_)
            | Self::Job(_)
            | Self::CronJob(_)
            | Self::ArgoRollout(_) => true,
            Self::Pod(_) | Self::FlaggerCanary(_) | Self::Plain(_) => false,
        }
    }

    /// The object, if it is one without a type of its own.
    pub(super) fn plain(&self) -> Option<&Plain> {
        match self {
            Self::Plain(object) => Some(object),
            Self::Deployment(_)
            | Self::StatefulSet(_)
            | Self::DaemonSet(_)
            | Self::ReplicaSet(_)
            | Self::Job(_)
            | Self::CronJob(_)
            | Self::Pod(_)
            | Self::ArgoRollout(_)
            | Self::FlaggerCanary(_) => None,
        }
    }

    /// The Canary, if it is one.
    pub(super) fn canary(&self) -> Option<&FlaggerCanary> {
        match self {
            Self::FlaggerCanary(canary) => Some(canary),
            Self::Deployment(_)
            | Self::StatefulSet(_)
            | Self::DaemonSet(_)
            | Self::ReplicaSet(_)
            | Self::Job(_)
            | Self::CronJob(_)
            | Self::Pod(_)
            | Self::ArgoRollout(_)
            | Self::Plain(_) => None,
        }
    }

    /// Whether nobody calls its pods: they run once.
    pub(super) fn is_never_called(&self) -> bool {
        match self {
            Self::Job(_) | Self::CronJob(_) | Self::Plain(_) => true,
            Self::Deployment(_)
            | Self::StatefulSet(_)
            | Self::DaemonSet(_)
            | Self::ReplicaSet(_)
            | Self::Pod(_)
            | Self::ArgoRollout(_)
            | Self::FlaggerCanary(_) => false,
        }
    }
}

fn or_empty(template: Option<&PodTemplateSpec>) -> Cow<'_, PodTemplateSpec> {
    template.map_or_else(|| Cow::Owned(PodTemplateSpec::default()), Cow::Borrowed)
}

fn template_of_pod(pod: &Pod) -> PodTemplateSpec {
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: pod.metadata.labels.clone(),
            ..ObjectMeta::default()
        }),
        spec: pod.spec.as_ref().map(|spec| PodSpec {
            containers: spec.containers.clone(),
            init_containers: spec.init_containers.clone(),
            ..PodSpec::default()
        }),
    }
}

/// An object by group, kind and name, of several.
pub(super) fn find<'a>(
    objects: &'a [Workload],
    (group, kind, wanted): (&str, &str, &str),
    namespace: &str,
) -> Option<&'a Workload> {
    objects.iter().find(|object| {
        let metadata = object.metadata();
        let reference = object.reference();
        reference.group() == group
            && reference.kind == kind
            && name(metadata) == wanted
            && metadata.namespace.as_deref().unwrap_or_default() == namespace
    })
}
