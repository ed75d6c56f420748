//! Objects that make pods of a template, with what tells one template from another.
//!
//! In: an object as the API server sends it. Out: the same as a type, and the digest of its template as it came: a newer
//! API server sends fields that our types drop, and templates that differ in such a field alone are two revisions.

use std::ops::Deref;

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::{Metadata, Resource};
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::argo_rollouts::{ArgoRollout, HASH_LABEL};
use super::fault::{Fault, below_zero, typed};
use super::snapshot;
use super::template::{POD_TEMPLATE_HASH, digest_without, is_of_job};

/// An object with the digest of its pod template.
#[derive(Debug, Clone, PartialEq)]
pub struct Digested<K> {
    object: K,
    digest: String,
}

/// A kind that makes pods of a template.
pub trait Templated {
    /// Where its template is.
    const AT: &'static str;

    /// The template as far as its type knows it.
    fn template(&self) -> Option<&PodTemplateSpec>;

    /// Whether a label of the template is a controller's and no part of what somebody wants.
    fn is_controllers(&self, label: &str) -> bool;

    /// Without what the type takes for said though it was left out.
    #[must_use]
    fn without_guesses(self, _object: &Value) -> Self
    where
        Self: Sized,
    {
        self
    }
}

impl<K: Templated + DeserializeOwned> Digested<K> {
    /// The object as it was written.
    ///
    /// Error: a field is not as its kind says.
    pub fn of(object: &Value) -> Result<Self, Fault> {
        if let Some(fault) = below_zero(object) {
            return Err(fault);
        }
        let template = object.pointer(K::AT).cloned().unwrap_or_default();
        let guessed: K = typed(object.clone())?;
        Ok(Self::with(guessed.without_guesses(object), template))
    }
}

impl<K: Templated> Digested<K> {
    fn with(object: K, template: Value) -> Self {
        Self {
            digest: digest_without(template, |label| object.is_controllers(label)),
            object,
        }
    }

    /// The digest of its pod template.
    pub(super) fn digest(&self) -> &str {
        &self.digest
    }
}

impl<K: Templated + Serialize> From<K> for Digested<K> {
    /// Of an object of which the type says all.
    fn from(object: K) -> Self {
        let template = object.template().map(serde_json::to_value);
        let template = template.and_then(Result::ok).unwrap_or_default();
        Self::with(object, template)
    }
}

impl<K> Deref for Digested<K> {
    type Target = K;

    fn deref(&self) -> &K {
        &self.object
    }
}

/// Tests change what their templates have nothing to do with.
#[cfg(test)]
impl<K> std::ops::DerefMut for Digested<K> {
    fn deref_mut(&mut self) -> &mut K {
        &mut self.object
    }
}

impl<'de, K: Templated + DeserializeOwned> Deserialize<'de> for Digested<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of(&Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl<K: Resource> Resource for Digested<K> {
    const API_VERSION: &'static str = K::API_VERSION;
    const GROUP: &'static str = K::GROUP;
    const KIND: &'static str = K::KIND;
    const VERSION: &'static str = K::VERSION;
    const URL_PATH_SEGMENT: &'static str = K::URL_PATH_SEGMENT;
    type Scope = K::Scope;
}

impl<K: Metadata> Metadata for Digested<K> {
    type Ty = K::Ty;

    fn metadata(&self) -> &K::Ty {
        self.object.metadata()
    }

    fn metadata_mut(&mut self) -> &mut K::Ty {
        self.object.metadata_mut()
    }
}

impl Templated for Deployment {
    const AT: &'static str = "/spec/template";

    fn template(&self) -> Option<&PodTemplateSpec> {
        Some(&self.spec.template)
    }

    fn is_controllers(&self, label: &str) -> bool {
        label == POD_TEMPLATE_HASH
    }
}

impl Templated for ReplicaSet {
    const AT: &'static str = "/spec/template";

    fn template(&self) -> Option<&PodTemplateSpec> {
        self.spec.template.as_ref()
    }

    fn is_controllers(&self, label: &str) -> bool {
        let owner = snapshot::controller(&self.metadata).map(|owner| owner.kind.as_str());
        label
            == match owner {
                Some("Rollout" | "Experiment") => HASH_LABEL,
                Some(_) | None => POD_TEMPLATE_HASH,
            }
    }
}

impl Templated for StatefulSet {
    const AT: &'static str = "/spec/template";

    fn template(&self) -> Option<&PodTemplateSpec> {
        Some(&self.spec.template)
    }

    fn is_controllers(&self, _label: &str) -> bool {
        false
    }
}

impl Templated for DaemonSet {
    const AT: &'static str = "/spec/template";

    fn template(&self) -> Option<&PodTemplateSpec> {
        Some(&self.spec.template)
    }

    fn is_controllers(&self, _label: &str) -> bool {
        false
    }

    /// Its controller always says how many nodes want a pod; the type makes zero of it where nobody does. Then nobody
    /// has written the status.
    fn without_guesses(mut self, object: &Value) -> Self {
        let desired = object.pointer("/status/desiredNumberScheduled");
        if desired.is_none_or(Value::is_null) {
            self.status = None;
        }
        self
    }
}

impl Templated for Job {
    const AT: &'static str = "/spec/template";

    fn template(&self) -> Option<&PodTemplateSpec> {
        self.spec.as_ref().map(|spec| &spec.template)
    }

    fn is_controllers(&self, label: &str) -> bool {
        is_of_job(label)
    }
}

impl Templated for CronJob {
    const AT: &'static str = "/spec/jobTemplate/spec/template";

    fn template(&self) -> Option<&PodTemplateSpec> {
        let job = self.spec.job_template.spec.as_ref()?;
        Some(&job.template)
    }

    fn is_controllers(&self, label: &str) -> bool {
        is_of_job(label)
    }
}

impl Templated for ArgoRollout {
    const AT: &'static str = "/spec/template";

    fn template(&self) -> Option<&PodTemplateSpec> {
        self.spec.template.as_ref()
    }

    fn is_controllers(&self, label: &str) -> bool {
        label == HASH_LABEL
    }
}
