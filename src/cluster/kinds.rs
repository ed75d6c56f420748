//! Which resource a kind is, and whether it lives in a namespace: from discovery, asked once.

use std::collections::BTreeMap;

use kube::api::{ApiResource, DynamicObject, GroupVersionKind, PartialObjectMeta};
use kube::core::DynamicResourceScope;
use kube::discovery::{Discovery, Scope, oneshot};
use kube::{Api, Client, Resource};

use super::error::ClusterError;
use crate::spec::ObjectRef;

/// A kind as the server serves it.
#[derive(Debug, Clone)]
pub(super) struct Kind {
    resource: ApiResource,
    namespaced: bool,
}

/// The kinds that the server serves.
#[derive(Debug, Clone, Default)]
pub(super) struct Kinds {
    known: BTreeMap<(String, String), Kind>,
}

impl Kinds {
    /// Asks the server for all of its kinds.
    pub(super) async fn discover(client: Client) -> Result<Self, ClusterError> {
        let discovery = Discovery::new(client).run_aggregated().await?;
        let mut known = BTreeMap::new();
        for group in discovery.groups() {
            for version in group.versions() {
                for (resource, capabilities) in group.versioned_resources(version) {
                    let namespaced = capabilities.scope == Scope::Namespaced;
                    let key = (resource.api_version.clone(), resource.kind.clone());
                    known.insert(
                        key,
                        Kind {
                            resource,
                            namespaced,
                        },
                    );
                }
            }
        }
        Ok(Self { known })
    }

    fn find(&self, object: &ObjectRef) -> Option<&Kind> {
        self.known
            .get(&(object.api_version.clone(), object.kind.clone()))
    }

    /// Whether objects of the kind live in a namespace; `None` if the server does not know the kind.
    pub(super) fn namespaced(&self, object: &ObjectRef) -> Option<bool> {
        self.find(object).map(|kind| kind.namespaced)
    }

    /// The part of the API where an object lives.
    pub(super) fn api(
        &self,
        client: &Client,
        object: &ObjectRef,
    ) -> Result<Api<DynamicObject>, ClusterError> {
        self.api_of(client, object)
    }

    /// The same in all namespaces; `None` if the server does not know the kind.
    pub(super) fn everywhere(
        &self,
        client: &Client,
        object: &ObjectRef,
    ) -> Option<Api<DynamicObject>> {
        let kind = self.find(object)?;
        Some(Api::all_with(client.clone(), &kind.resource))
    }

    /// The same, of which only metadata is read.
    pub(super) fn metadata(
        &self,
        client: &Client,
        object: &ObjectRef,
    ) -> Result<Api<PartialObjectMeta<DynamicObject>>, ClusterError> {
        self.api_of(client, object)
    }

    fn api_of<K>(&self, client: &Client, object: &ObjectRef) -> Result<Api<K>, ClusterError>
    where
        K: Resource<DynamicType = ApiResource, Scope = DynamicResourceScope>,
    {
        let kind = self
            .find(object)
            .ok_or_else(|| ClusterError::KindMissing(object.clone()))?;
        Ok(if kind.namespaced {
            Api::namespaced_with(client.clone(), &object.namespace, &kind.resource)
        } else {
            Api::all_with(client.clone(), &kind.resource)
        })
    }

    /// Learns a kind that came after [`Kinds::discover`], for instance with a CRD of the same release.
    ///
    /// Errors: the server does not know it; no answer.
    pub(super) async fn learn(
        &mut self,
        client: &Client,
        object: &ObjectRef,
    ) -> Result<(), ClusterError> {
        if self.find(object).is_some() {
            return Ok(());
        }
        let (group, version) = object
            .api_version
            .split_once('/')
            .unwrap_or(("", object.api_version.as_str()));
        let wanted = GroupVersionKind::gvk(group, version, &object.kind);
        let (resource, capabilities) =
            oneshot::pinned_kind(client, &wanted)
                .await
                .map_err(|error| {
                    let is_unknown = matches!(&error, kube::Error::Discovery(_))
                        || matches!(&error, kube::Error::Api(status) if status.code == 404);
                    if is_unknown {
                        ClusterError::KindMissing(object.clone())
                    } else {
                        // No answer is not the answer that there is none.
                        ClusterError::from(error)
                    }
                })?;
        let namespaced = capabilities.scope == Scope::Namespaced;
        self.known.insert(
            (object.api_version.clone(), object.kind.clone()),
            Kind {
                resource,
                namespaced,
            },
        );
        Ok(())
    }
}
