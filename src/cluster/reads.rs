//! Objects of the cluster to [`Snapshot`]s: from the caches, or read live and in the order that completion.md §6
//! asks for.

use std::sync::Arc;

use futures::future::try_join_all;
use jiff::Timestamp;
use k8s_openapi::NamespaceResourceScope;
use kube::api::ListParams;
use kube::runtime::reflector::Store;
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use super::caches::Caches;
use super::error::ClusterError;
use super::family::{Source, live_with};
use crate::upgrade::gate::{About, Family, Pool, Read, Snapshot};

/// What the watches have last brought.
pub(super) fn cached(caches: &Caches) -> Pool {
    Pool {
        read: Read::Cached,
        replica_sets: caches.replica_sets.state(),
        controller_revisions: caches.controller_revisions.state(),
        jobs: caches.jobs.state(),
        pods: caches.pods.state(),
        services: caches.services.state(),
        endpoint_slices: caches.endpoint_slices.state(),
        events: hints(caches.warnings.as_ref()).unwrap_or_default(),
        nodes: hints(caches.nodes.as_ref()).map(Arc::from),
        departed: Some(caches.departed.all()),
    }
}

/// Everything asked of the API server now, one kind after the other: what owns before what is owned, pods
/// before what points at them.
pub(super) async fn live(
    client: &Client,
    namespace: &str,
    caches: Option<&Caches>,
) -> Result<Pool, ClusterError> {
    let (replica_sets, controller_revisions, jobs) = futures::try_join!(
        list(client, namespace),
        list(client, namespace),
        list(client, namespace)
    )?;
    let pods = list(client, namespace).await?;
    let services = list(client, namespace).await?;
    let endpoint_slices = list(client, namespace).await?;
    Ok(Pool {
        read: Read::Live,
        replica_sets,
        controller_revisions,
        jobs,
        pods,
        services,
        endpoint_slices,
        // Hints may be old: no gate opens by them.
        events: caches
            .and_then(|caches| hints(caches.warnings.as_ref()))
            .unwrap_or_default(),
        nodes: caches
            .and_then(|caches| hints(caches.nodes.as_ref()))
            .map(Arc::from),
        departed: caches.map(|caches| caches.departed.all()),
    })
}

/// What a hint's watch has brought; `None` if it may not be read.
fn hints<K>(store: Option<&Store<K>>) -> Option<Vec<K>>
where
    K: Resource + Clone + 'static,
    K::DynamicType: Eq + std::hash::Hash + Clone,
{
    store.map(|store| {
        store
            .state()
            .iter()
            .map(|object| (**object).clone())
            .collect()
    })
}

async fn list<K>(client: &Client, namespace: &str) -> Result<Vec<Arc<K>>, ClusterError>
where
    K: Resource<Scope = NamespaceResourceScope> + Clone + DeserializeOwned + std::fmt::Debug,
    K::DynamicType: Default,
{
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    let kind = K::plural(&K::DynamicType::default()).into_owned();
    // No resourceVersion: a quorum read, never a cache of the server's.
    let found = api
        .list(&ListParams::default())
        .await
        .map_err(|e| ClusterError::of(e, kind))?;
    Ok(found.items.into_iter().map(Arc::new).collect())
}

/// Reads workloads live, the pool between two reads of each; a workload that changed in between counts as
/// cached, so that its gate looks again.
pub(super) async fn read_live(
    source: Source<'_>,
    namespace: &str,
    caches: &Caches,
    abouts: &[About<'_>],
) -> Result<Vec<Snapshot>, ClusterError> {
    let first = families(source, abouts).await?;
    let pool = live(source.client, namespace, Some(caches)).await?;
    let second = families(source, abouts).await?;
    let now = Timestamp::now();
    let read = abouts
        .iter()
        .zip(first)
        .zip(second)
        .map(|((about, before), after)| {
            let same = before.is_steady(&after);
            let mut snapshot = pool.snapshot(about, after, now);
            if !same {
                snapshot.read = Read::Cached;
            }
            snapshot
        });
    Ok(read.collect())
}

async fn families(source: Source<'_>, abouts: &[About<'_>]) -> Result<Vec<Family>, ClusterError> {
    try_join_all(
        abouts
            .iter()
            .map(|about| live_with(source, about.workload, about.routers)),
    )
    .await
}
