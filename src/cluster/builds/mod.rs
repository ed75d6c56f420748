//! What builds images: made held back, let go, looked at and ended, as the plan's account. When, is decided in
//! [`crate::upgrade`].

mod argo;
mod argo_status;
mod before;
mod buildkit;
mod engine;
mod job_status;
mod log;
#[cfg(test)]
mod tests;
mod watch;
mod words;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{
    ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams,
    Preconditions,
};
use kube::{Api, Client, Resource, ResourceExt};
use serde_json::{Value, json};

pub(super) use before::{as_released, built};
pub use log::{BuildPod, BuildPods, PodStands};
pub(super) use watch::BuildWatch;

use super::error::ClusterError;
use super::rights::{Right, missing_rights};
use super::write::{self, FIELD_MANAGER, WriteError};
use crate::build::{Build, Found, Recipe, Seen, object_name};
use crate::manifest::Bundle;
use crate::spec::crd::{BUILD_LABEL, BUILD_OF_ANNOTATION, Engine, PLAN_LABEL, Release};
use crate::spec::{Code, ObjectRef, Problem, ServiceName};

/// The label by which a Job finds its pods.
const JOB_UID_LABEL: &str = "batch.kubernetes.io/controller-uid";
/// How many pods of one Job are looked at: it has one, and a few more where nodes drive pods away.
const PODS_MAX: u32 = 50;

impl Site<'_> {
    /// Changes it. One that is gone needs nothing, and the next look tells.
    async fn patch(&self, patch: &Value) -> Result<(), WriteError> {
        let patch = Patch::Merge(patch);
        let parameters = PatchParams::default();
        match self.api.patch(&self.object.name, &parameters, &patch).await {
            Ok(_) => Ok(()),
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) => Err(judge(&error)),
        }
    }

    /// Deletes the very object, and its pods in the background.
    async fn delete(&self, uid: Option<String>) -> Result<(), WriteError> {
        let parameters = DeleteParams::background().preconditions(Preconditions {
            uid,
            resource_version: None,
        });
        match self.api.delete(&self.object.name, &parameters).await {
            Ok(_) => Ok(()),
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) => Err(judge(&error)),
        }
    }
}

/// Who builds for a release, with what.
pub(super) struct Builder<'a> {
    pub(super) client: &'a Client,
    pub(super) release: &'a Release,
    pub(super) bundle: &'a Bundle,
}

/// One try of one build.
#[derive(Debug, Clone, Copy)]
pub(super) struct Try<'a> {
    pub(super) service: &'a ServiceName,
    pub(super) attempt: u32,
}

/// What is done about a build.
#[derive(Debug, Clone, Copy)]
pub(super) enum Doing<'a> {
    /// It is made, held back.
    Make,
    /// It is let go: the very object whose uid is kept.
    LetGo(&'a str),
    /// It is ended, and left for people to look at.
    Cancel,
}

/// One try with its recipe, and the part of the API where its object is.
struct Site<'a> {
    recipe: &'a Recipe,
    engine: Engine<'a>,
    object: ObjectRef,
    api: Api<DynamicObject>,
}

impl Builder<'_> {
    /// What is seen of a build. Reads the server, no cache: what is gone is not built again.
    pub(super) async fn look(
        &self,
        service: &ServiceName,
        build: &Build,
    ) -> Result<Seen, ClusterError> {
        let attempt = build.attempt;
        let Some(site) = self.site(Try { service, attempt }) else {
            return Ok(Seen::Absent);
        };
        let name = &site.object.name;
        match site.api.get_opt(name).await {
            Ok(None) => Ok(Seen::Absent),
            Ok(Some(object)) => self.found(&site, &object).await.map(Seen::There),
            Err(error) => {
                let error = ClusterError::of(error, site.object.to_string());
                // Its kind may not be there, as the attempt to make it will say.
                if error.is_absent() {
                    return Ok(Seen::Absent);
                }
                Err(error)
            }
        }
    }

    async fn found(&self, site: &Site<'_>, object: &DynamicObject) -> Result<Found, ClusterError> {
        let is_own = self.made(object);
        match site.engine {
            Engine::ArgoWorkflow(engine) => Ok(argo::found(engine, object, &site.object, is_own)),
            Engine::BuildKit(_) => {
                let pods = match &object.metadata.uid {
                    Some(uid) if !job_status::is_held(object) => self.pods(site, uid).await?,
                    Some(_) | None => Vec::new(),
                };
                Ok(job_status::found(object, &pods, &site.object, is_own))
            }
        }
    }

    /// The pods of a Job.
    async fn pods(&self, site: &Site<'_>, uid: &str) -> Result<Vec<Pod>, ClusterError> {
        let api: Api<Pod> = Api::namespaced(self.client.clone(), &site.object.namespace);
        let label = format!("{JOB_UID_LABEL}={uid}");
        let wanted = ListParams::default().labels(&label).limit(PODS_MAX);
        match api.list(&wanted).await {
            Ok(pods) => Ok(pods.items),
            Err(error) => Err(ClusterError::of(
                error,
                format!("the pods of {}", site.object),
            )),
        }
    }

    /// Whether this release made it.
    fn made(&self, object: &DynamicObject) -> bool {
        object.annotations().get(BUILD_OF_ANNOTATION) == self.release.metadata.uid.as_ref()
    }

    /// Does something about a build.
    pub(super) async fn carry_out(&self, one: Try<'_>, doing: Doing<'_>) -> Result<(), WriteError> {
        let Some(site) = self.site(one) else {
            let words = "the release's bundle has no such build".to_owned();
            return Err(WriteError::Refused(Code::NotAnObject, words));
        };
        match doing {
            Doing::Make => self.make(&site, one).await,
            Doing::LetGo(uid) => {
                let patch = json!({"metadata": {"uid": uid}, "spec": {"suspend": null}});
                site.patch(&patch).await
            }
            Doing::Cancel => self.cancel(&site).await,
        }
    }

    /// Makes what builds, held back. One that is there already is left as it is: the next look says whose it is.
    async fn make(&self, site: &Site<'_>, one: Try<'_>) -> Result<(), WriteError> {
        let metadata = self.metadata(site, one.service);
        let wanted = engine::wanted(site.recipe, site.engine, &metadata);
        let wanted: DynamicObject = serde_json::from_value(wanted)
            .map_err(|error| WriteError::Refused(Code::NotAnObject, error.to_string()))?;
        let parameters = PostParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        match site.api.create(&parameters, &wanted).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
            Err(error) => Err(judge(&error)),
        }
    }

    /// Ends it.
    async fn cancel(&self, site: &Site<'_>) -> Result<(), WriteError> {
        let found = site.api.get_opt(&site.object.name).await;
        let found = found.map_err(|error| judge(&error))?;
        let Some(found) = found else {
            return Ok(());
        };
        if !self.made(&found) {
            return Ok(());
        }
        match site.engine {
            // It is left for people to look at, and goes when its time has come.
            Engine::ArgoWorkflow(_) => {
                let patch = json!({
                    "metadata": {"uid": found.metadata.uid},
                    "spec": {"suspend": null, "shutdown": "Terminate"},
                });
                site.patch(&patch).await
            }
            // One that is suspended ends its pods too, but has no time to go at.
            Engine::BuildKit(_) => site.delete(found.metadata.uid).await,
        }
    }

    /// What the plan's account may not do that the builds of a release need.
    pub(super) async fn problems(&self) -> Result<Vec<Problem>, ClusterError> {
        let mut problems = Vec::new();
        for ((namespace, _), engine) in self.places() {
            let rights = engine::rights(engine);
            let missing = missing_rights(self.client, &namespace, rights).await?;
            if missing.is_empty() {
                continue;
            }
            let words: Vec<String> = missing.iter().map(words).collect();
            let wrong = format!("the plan's account may not {}", words.join(", "));
            let problem = Problem::error(
                Code::Forbidden,
                format!("builds in namespace {namespace}"),
                wrong,
            );
            problems.push(problem.hint("see `deploy/builds/`"));
        }
        Ok(problems)
    }

    /// Where something is built, and of which kind: each once, with an engine of that kind.
    fn places(&self) -> BTreeMap<(String, String), Engine<'_>> {
        let mut all = BTreeMap::new();
        for recipe in self.bundle.builds.values() {
            if let Some(engine) = recipe.declaration.engine.one() {
                let kind = engine::resource(engine).kind;
                all.insert((self.namespace(engine), kind), engine);
            }
        }
        all
    }

    fn namespace(&self, engine: Engine<'_>) -> String {
        let own = || self.release.namespace().unwrap_or_default();
        engine::namespace(engine).map_or_else(own, ToOwned::to_owned)
    }

    fn site(&self, one: Try<'_>) -> Option<Site<'_>> {
        let recipe = self.bundle.builds.get(one.service)?;
        let engine = recipe.declaration.engine.one()?;
        let release = self.release.name_any();
        let uid = self.release.uid().unwrap_or_default();
        let name = object_name((&release, &uid), one.service.as_str(), one.attempt);
        let namespace = self.namespace(engine);
        let resource = engine::resource(engine);
        let api = Api::namespaced_with(self.client.clone(), &namespace, &resource);
        let object = reference(&resource, namespace, name);
        Some(Site {
            recipe,
            engine,
            object,
            api,
        })
    }

    /// What it is called, for messages.
    pub(super) fn reference(&self, one: Try<'_>) -> ObjectRef {
        let namespace = self.release.namespace().unwrap_or_default();
        let unknown = || reference(&argo::resource(), namespace, one.service.to_string());
        self.site(one).map_or_else(unknown, |site| site.object)
    }

    /// Whose it is. It goes with the release where it is in the same namespace; elsewhere its own time does that.
    fn metadata(&self, site: &Site<'_>, service: &ServiceName) -> Value {
        let mut metadata = json!({
            "name": site.object.name,
            "namespace": site.object.namespace,
            "labels": {PLAN_LABEL: self.release.spec.plan, BUILD_LABEL: service.as_str()},
            "annotations": {BUILD_OF_ANNOTATION: self.release.metadata.uid},
        });
        if self.release.namespace().as_ref() == Some(&site.object.namespace)
            && let (Some(owner), Some(fields)) =
                (self.release.owner_ref(&()), metadata.as_object_mut())
        {
            fields.insert("ownerReferences".to_owned(), json!([owner]));
        }
        metadata
    }
}

fn reference(resource: &ApiResource, namespace: String, name: String) -> ObjectRef {
    ObjectRef {
        api_version: resource.api_version.clone(),
        kind: resource.kind.clone(),
        namespace,
        name,
    }
}

fn words(right: &Right) -> String {
    let Right {
        verb,
        group,
        resource,
    } = right;
    let dot = if group.is_empty() { "" } else { "." };
    format!("{verb} {resource}{dot}{group}")
}

fn is_absent(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

/// Tells an answer apart; a kind that is missing says what would bring it.
fn judge(error: &kube::Error) -> WriteError {
    if let kube::Error::Api(status) = error
        && status.code == 404
        && status.details.as_ref().is_none_or(|it| it.kind.is_empty())
    {
        let words = "the cluster does not know Workflows: Argo Workflows is not installed in it";
        return WriteError::Refused(Code::KindMissing, words.to_owned());
    }
    write::judge(error)
}
