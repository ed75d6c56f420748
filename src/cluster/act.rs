//! Carries out actions: every write of a release is here, as the plan's account.

use futures::future::join_all;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, ResourceExt};

use super::error::ClusterError;
use super::kinds::Kinds;
use super::manifests;
use super::write::{self, FIELD_MANAGER, WriteError};
use crate::manifest::Bundle;
use crate::spec::crd::{Release, ServiceGraph};
use crate::spec::{Code, ObjectRef};
use crate::upgrade::gate::{Applied, Workload};
use crate::upgrade::{ActFailure, Action, Outcome, Write};

/// Who acts, with what.
pub(super) struct Acting<'a> {
    pub(super) own: &'a Client,
    pub(super) client: &'a Client,
    pub(super) kinds: &'a Kinds,
    pub(super) bundle: &'a Bundle,
    pub(super) release: &'a Release,
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
                        self.apply(write)
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
                    self.delete(object)
                        .await
                        .map_err(|error| error.about(object))?;
                }
                Ok(Vec::new())
            }
            Action::Publish => self.publish().await.map(|()| Vec::new()),
        }
    }

    async fn apply(&self, write: &Write) -> Result<Option<(ObjectRef, Applied)>, WriteError> {
        let object = &write.object;
        let Some(manifest) = self.bundle.manifest(object) else {
            let words = "is not in the release's bundle".to_owned();
            return Err(WriteError::Refused(Code::NotAnObject, words));
        };
        let mut kinds = self.kinds.clone();
        kinds
            .learn(self.client, object)
            .await
            .map_err(|error| missing(&error))?;
        let api = kinds
            .api(self.client, object)
            .map_err(|error| missing(&error))?;
        let sent = manifests::ready(manifest, &self.release.spec.plan, write.stamp.as_deref());
        let stored = write::apply(&api, sent, &object.name, &write.precondition).await?;
        if !self.bundle.is_workload(object) {
            return Ok(None);
        }
        let value = serde_json::to_value(&stored)
            .map_err(|error| WriteError::Refused(Code::NotAnObject, error.to_string()))?;
        let workload = Workload::from_object(value)
            .map_err(|error| WriteError::Refused(Code::NotAnObject, error.to_string()))?;
        Ok(workload.map(|workload| (object.clone(), Applied::from_response(&workload, None))))
    }

    async fn delete(&self, object: &ObjectRef) -> Result<(), WriteError> {
        let api = self
            .kinds
            .api(self.client, object)
            .map_err(|error| missing(&error))?;
        write::delete(&api, &object.name).await
    }

    /// Writes what is declared now, under tidegate's own name: a tenant need not have rights on our kinds.
    async fn publish(&self) -> Result<(), ActFailure> {
        let mut graph = ServiceGraph::new(&self.bundle.graph_name, self.bundle.graph.clone());
        graph.metadata.namespace = self.release.namespace();
        let object = ObjectRef {
            api_version: crate::spec::crd::API_VERSION.to_owned(),
            kind: "ServiceGraph".to_owned(),
            namespace: self.bundle.namespace.clone(),
            name: self.bundle.graph_name.clone(),
        };
        let api: Api<ServiceGraph> = Api::namespaced(self.own.clone(), &self.bundle.namespace);
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

fn missing(error: &ClusterError) -> WriteError {
    if error.is_passing() {
        WriteError::Unreachable(super::describe(error))
    } else {
        WriteError::Refused(Code::KindMissing, error.to_string())
    }
}
