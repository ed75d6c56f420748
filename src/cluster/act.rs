//! Carries out actions: every write of a release is here, as the plan's account.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::{Api, Client, ResourceExt};

use tokio::sync::watch;

use super::builds::{Builder, Doing, Try};
use super::error::ClusterError;
use super::inventory::with_held_out;
use super::kinds::Kinds;
use super::manifests;
use super::releases::Releases;
use super::way_back::bring_back;
use super::write::{self, FIELD_MANAGER, WriteError};
use crate::manifest::Bundle;
use crate::spec::crd::{Release, ServiceGraph};
use crate::spec::{Code, ObjectRef, ServiceName};
use crate::upgrade::gate::{Applied, Workload, is_waited_for};
use crate::upgrade::{ActFailure, Action, Outcome, Precondition, Write};

/// How long a write may take: admission webhooks, which may take 30 s, and something on top.
const WRITE_MAX: Duration = Duration::from_secs(40);

/// Who acts, with what.
pub(super) struct Acting<'a> {
    pub(super) own: &'a Client,
    pub(super) client: &'a Client,
    pub(super) kinds: &'a Kinds,
    pub(super) bundle: &'a Bundle,
    pub(super) release: &'a Release,
    /// Whether this process still holds the release; asked before every single write.
    pub(super) held: watch::Receiver<bool>,
}

impl Acting<'_> {
    /// Carries out actions side by side: those of one turn are about different services. The objects of one
    /// service go one after the other, in order.
    pub(super) async fn carry_out(&self, actions: &[Action]) -> Vec<Outcome> {
        join_all(actions.iter().map(|action| async {
            Outcome {
                action: action.clone(),
                result: self.carry_out_one(action).await,
            }
        }))
        .await
    }

    async fn carry_out_one(
        &self,
        action: &Action,
    ) -> Result<Vec<(ObjectRef, Applied)>, ActFailure> {
        match action {
            Action::ApplyShared { writes } | Action::Apply { service: _, writes } => {
                let mut applied = Vec::new();
                for write in writes {
                    applied.extend(
                        self.while_held(self.apply(write))
                            .await
                            .map_err(|e| e.about(&write.object))?,
                    );
                }
                Ok(applied)
            }
            Action::RemoveWorkloads {
                service: _,
                objects,
            }
            | Action::RemoveRest {
                service: _,
                objects,
            } => {
                for object in objects {
                    self.while_held(self.delete(object))
                        .await
                        .map_err(|error| error.about(object))?;
                }
                Ok(Vec::new())
            }
            Action::Pause {
                service: _,
                objects,
                is_paused,
            } => {
                for object in objects {
                    self.while_held(self.pause(object, *is_paused))
                        .await
                        .map_err(|error| error.about(object))?;
                }
                Ok(Vec::new())
            }
            Action::RemoveLeftover { objects } => {
                // Nothing hangs on their order any more, so one that stays does not keep the others.
                let mut failures = Vec::new();
                for object in objects {
                    if let Err(error) = self.while_held(self.delete(object)).await {
                        failures.push(error.about(object));
                    }
                }
                joined(failures).map(|()| Vec::new())
            }
            Action::RollBack { services } => {
                let namespace = self.release.namespace().unwrap_or_default();
                let releases = Releases::new(self.own.clone(), &namespace);
                let made = bring_back(&releases, self.release, self.bundle, services);
                made.await.map(|()| Vec::new())
            }
            Action::Build { service, attempt } => {
                self.build((service, *attempt), Doing::Make).await
            }
            Action::BeginBuild {
                service,
                attempt,
                uid,
            } => self.build((service, *attempt), Doing::LetGo(uid)).await,
            Action::CancelBuild { service, attempt } => {
                self.build((service, *attempt), Doing::Cancel).await
            }
            Action::Publish { held_out } => self.publish(held_out).await.map(|()| Vec::new()),
        }
    }

    async fn build(
        &self,
        (service, attempt): (&ServiceName, u32),
        doing: Doing<'_>,
    ) -> Result<Vec<(ObjectRef, Applied)>, ActFailure> {
        let builder = Builder {
            client: self.client,
            release: self.release,
            bundle: self.bundle,
        };
        let one = Try { service, attempt };
        let done = Box::pin(self.while_held(builder.carry_out(one, doing)));
        match done.await {
            Ok(()) => Ok(Vec::new()),
            Err(error) => Err(error.about(&builder.reference(one))),
        }
    }

    /// Makes one write as long as this process holds the release, and not for ever. One that is given up may have
    /// been made all the same; its precondition keeps the next try from making it twice.
    async fn while_held<T>(
        &self,
        write: impl Future<Output = Result<T, WriteError>>,
    ) -> Result<T, WriteError> {
        let mut held = self.held.clone();
        tokio::select! {
            biased;
            _ = held.wait_for(|held| !held) => {
                let words = "this process does not hold the release any more".to_owned();
                Err(WriteError::Unreachable(words))
            }
            result = tokio::time::timeout(WRITE_MAX, write) => result.unwrap_or_else(|_| {
                let words = format!("no answer within {} s", WRITE_MAX.as_secs());
                Err(WriteError::Unreachable(words))
            }),
        }
    }

    async fn apply(&self, write: &Write) -> Result<Option<(ObjectRef, Applied)>, WriteError> {
        let object = &write.object;
        let Some(manifest) = self.bundle.manifest(object) else {
            let words = "is not in the release's bundle".to_owned();
            return Err(WriteError::Refused(Code::NotAnObject, words));
        };
        if let Some(image) = self.bundle.unbuilt(&object.kind, manifest) {
            // The steps wait for it; that nothing else than what was built may ever be applied is worth a second look.
            let words = format!("runs `{image}`, which is not built");
            return Err(WriteError::Refused(Code::NotAnObject, words));
        }
        let api = self
            .api(object)
            .await
            .map_err(|error| self.missing(object, &error))?;
        let plan = &self.release.spec.plan;
        let along = (write.stamp.as_deref(), write.held.as_slice());
        let is_there = write.precondition != Precondition::Absent;
        let sent = manifests::sent(self.bundle, (object, manifest), plan, along, is_there);
        let taken = &self.bundle.plan.take_over;
        let stored = write::apply(&api, sent, &object.name, &write.precondition, taken).await?;
        let rules = &self.bundle.graph.completion;
        if !self.bundle.is_workload(object) && !is_waited_for(object, rules) {
            return Ok(None);
        }
        let value = serde_json::to_value(&stored)
            .map_err(|error| WriteError::Refused(Code::NotAnObject, error.to_string()))?;
        Ok(Workload::stored(&value)
            .map(|workload| (object.clone(), Applied::from_response(&workload, None))))
    }

    async fn pause(&self, object: &ObjectRef, is_paused: bool) -> Result<(), WriteError> {
        let api = self.api(object).await;
        let api = api.map_err(|error| self.missing(object, &error))?;
        write::pause(&api, object, is_paused).await
    }

    async fn delete(&self, object: &ObjectRef) -> Result<(), WriteError> {
        match self.api(object).await {
            Ok(api) => write::delete(&api, &object.name, &self.release.spec.plan, false)
                .await
                .map(|_| ()),
            // Its kind went, and it with that.
            Err(ClusterError::KindMissing(_)) => Ok(()),
            Err(error) => Err(self.missing(object, &error)),
        }
    }

    async fn api(&self, object: &ObjectRef) -> Result<Api<DynamicObject>, ClusterError> {
        let mut kinds = self.kinds.clone();
        kinds.learn(self.client, object).await?;
        kinds.api(self.client, object)
    }

    /// Why an object cannot be written for want of its kind.
    fn missing(&self, object: &ObjectRef, error: &ClusterError) -> WriteError {
        // A definition that was just applied is served a moment later.
        if error.is_passing() || self.bundle.brings_kind(object) {
            WriteError::Unreachable(super::describe(error))
        } else {
            WriteError::Refused(Code::KindMissing, error.to_string())
        }
    }

    /// Writes what is declared now, under tidegate's own name: a tenant need not have rights on our kinds.
    async fn publish(&self, held_out: &BTreeSet<ServiceName>) -> Result<(), ActFailure> {
        let object = ObjectRef {
            api_version: crate::spec::crd::API_VERSION.to_owned(),
            kind: "ServiceGraph".to_owned(),
            namespace: self.bundle.namespace.clone(),
            name: self.bundle.graph_name.clone(),
        };
        let api: Api<ServiceGraph> = Api::namespaced(self.own.clone(), &self.bundle.namespace);
        let before = if held_out.is_empty() {
            None
        } else {
            let found = api.get_opt(&self.bundle.graph_name).await;
            found.map_err(|error| write::judge(&error).about(&object))?
        };
        let before = before.as_ref().map(|graph| &graph.spec);
        let spec = with_held_out(&self.bundle.graph, before, held_out);
        let mut graph = ServiceGraph::new(&self.bundle.graph_name, spec);
        graph.metadata.namespace = self.release.namespace();
        let parameters = PatchParams::apply(FIELD_MANAGER)
            .force()
            .validation_strict();
        match api
            .patch(&self.bundle.graph_name, &parameters, &Patch::Apply(&graph))
            .await
        {
            Ok(_) => Ok(()),
            Err(error) => Err(write::judge(&error).about(&object)),
        }
    }
}

/// Several failures as one: what may be mended by another try comes first, and every object is named.
fn joined(mut failures: Vec<ActFailure>) -> Result<(), ActFailure> {
    failures.sort_by_key(|failure| matches!(failure, ActFailure::Refused { .. }));
    let mut failures = failures.into_iter();
    let Some(mut first) = failures.next() else {
        return Ok(());
    };
    for other in failures {
        let (object, words) = match other {
            ActFailure::Moved { object } => (object, "was changed in between".to_owned()),
            ActFailure::Refused {
                object,
                code: _,
                message,
            }
            | ActFailure::Unreachable { object, message } => (object, message),
        };
        match &mut first {
            ActFailure::Moved { object: _ } => {}
            ActFailure::Refused {
                object: _,
                code: _,
                message,
            }
            | ActFailure::Unreachable { object: _, message } => {
                *message = format!("{message}; {object}: {words}");
            }
        }
    }
    Err(first)
}
