//! One object that has a gate, with what it refers to: from the caches where its kind is watched, otherwise asked for.

use k8s_openapi::NamespaceResourceScope;
use kube::runtime::reflector::{ObjectRef as StoreKey, Store};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use super::caches::Caches;
use super::error::ClusterError;
use super::kinds::Kinds;
use crate::spec::ObjectRef;
use crate::upgrade::gate::{Family, Workload, references};

/// Who asks, and what kinds there are.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) client: &'a Client,
    pub(super) kinds: &'a Kinds,
}

/// An object with what it refers to, asked of the API server now.
pub(super) async fn live(source: Source<'_>, object: &ObjectRef) -> Result<Family, ClusterError> {
    live_with(source, object, &[]).await
}

/// The same with the routers that may lead to it.
pub(super) async fn live_with(
    source: Source<'_>,
    object: &ObjectRef,
    routers: &[ObjectRef],
) -> Result<Family, ClusterError> {
    let workload = live_workload(source, object).await?;
    let mut others = others(source, workload.as_ref()).await?;
    others.extend(there(source, routers).await?);
    Ok(Family { workload, others })
}

/// As the watches have last shown it; a kind that is not watched is asked for, as routers are.
pub(super) async fn cached(
    source: Source<'_>,
    caches: &Caches,
    (object, routers): (&ObjectRef, &[ObjectRef]),
) -> Result<Family, ClusterError> {
    match cached_workload(caches, object) {
        Cached::Shown(workload) => Ok(Family {
            workload,
            others: there(source, routers).await?,
        }),
        Cached::NotWatched => live_with(source, object, routers).await,
    }
}

/// What a cache says of an object.
enum Cached {
    Shown(Option<Workload>),
    NotWatched,
}

fn cached_workload(caches: &Caches, object: &ObjectRef) -> Cached {
    let shown = match (object.api_version.as_str(), object.kind.as_str()) {
        ("apps/v1", "Deployment") => {
            of_store(&caches.deployments, object).map(Workload::Deployment)
        }
        ("apps/v1", "StatefulSet") => {
            of_store(&caches.stateful_sets, object).map(Workload::StatefulSet)
        }
        ("apps/v1", "DaemonSet") => of_store(&caches.daemon_sets, object).map(Workload::DaemonSet),
        ("apps/v1", "ReplicaSet") => {
            of_store(&caches.replica_sets, object).map(Workload::ReplicaSet)
        }
        ("batch/v1", "Job") => of_store(&caches.jobs, object).map(Workload::Job),
        ("v1", "Pod") => of_store(&caches.pods, object).map(Workload::Pod),
        _ => return Cached::NotWatched,
    };
    Cached::Shown(shown)
}

fn of_store<K>(store: &Store<K>, object: &ObjectRef) -> Option<Box<K>>
where
    K: Resource<Scope = NamespaceResourceScope> + Clone + 'static,
    K::DynamicType: Default + Eq + std::hash::Hash + Clone,
{
    let key = StoreKey::<K>::new(&object.name).within(&object.namespace);
    store.get(&key).map(|found| Box::new((*found).clone()))
}

/// One object asked of the API server.
pub(super) async fn live_workload(
    source: Source<'_>,
    object: &ObjectRef,
) -> Result<Option<Workload>, ClusterError> {
    let client = source.client;
    Ok(match (object.api_version.as_str(), object.kind.as_str()) {
        ("apps/v1", "Deployment") => get(client, object).await?.map(Workload::Deployment),
        ("apps/v1", "StatefulSet") => get(client, object).await?.map(Workload::StatefulSet),
        ("apps/v1", "DaemonSet") => get(client, object).await?.map(Workload::DaemonSet),
        ("apps/v1", "ReplicaSet") => get(client, object).await?.map(Workload::ReplicaSet),
        ("batch/v1", "Job") => get(client, object).await?.map(Workload::Job),
        ("v1", "Pod") => get(client, object).await?.map(Workload::Pod),
        _ => get_any(source, object).await?,
    })
}

async fn get<K>(client: &Client, object: &ObjectRef) -> Result<Option<Box<K>>, ClusterError>
where
    K: Resource<Scope = NamespaceResourceScope> + Clone + DeserializeOwned + std::fmt::Debug,
    K::DynamicType: Default,
{
    let api: Api<K> = Api::namespaced(client.clone(), &object.namespace);
    let found = api
        .get_opt(&object.name)
        .await
        .map_err(|e| ClusterError::of(e, object.to_string()))?;
    Ok(found.map(Box::new))
}

/// An object of a kind that has no type here.
async fn get_any(source: Source<'_>, object: &ObjectRef) -> Result<Option<Workload>, ClusterError> {
    let mut kinds = source.kinds.clone();
    match kinds.learn(source.client, object).await {
        Ok(()) => {}
        // Without its kind it is not there either.
        Err(ClusterError::KindMissing(_)) => return Ok(None),
        Err(error) => return Err(error),
    }
    let api = kinds.api(source.client, object)?;
    let found = api
        .get_opt(&object.name)
        .await
        .map_err(|error| ClusterError::of(error, object.to_string()))?;
    let Some(found) = found else {
        return Ok(None);
    };
    let unreadable = |error: String| ClusterError::Refused {
        what: object.to_string(),
        message: format!("it is not as its kind is: {error}"),
    };
    let found = serde_json::to_value(found).map_err(|error| unreadable(error.to_string()))?;
    Ok(Workload::stored(&found))
}

/// Those of some objects that are there.
async fn there(source: Source<'_>, objects: &[ObjectRef]) -> Result<Vec<Workload>, ClusterError> {
    let mut found = Vec::new();
    for object in objects {
        found.extend(live_workload(source, object).await?);
    }
    Ok(found)
}

/// What an object refers to, as far as it is there.
async fn others(
    source: Source<'_>,
    workload: Option<&Workload>,
) -> Result<Vec<Workload>, ClusterError> {
    let mut others = Vec::new();
    for reference in workload.map(references).unwrap_or_default() {
        match Box::pin(live_workload(source, &reference)).await {
            Ok(found) => others.extend(found),
            // A StorageClass belongs to the whole cluster: a plan's account need not see it.
            Err(ClusterError::Forbidden { message: _ }) if reference.namespace.is_empty() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(others)
}
