//! What the cluster last said of one namespace, kept up to date by watches; every change wakes whoever waits.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::StreamExt;
use k8s_openapi::api::apps::v1::{
    ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet,
};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::runtime::reflector::{Store, store};
use kube::runtime::{WatchStreamExt, reflector, watcher};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::departed::Departed;
use super::error::ClusterError;
use crate::upgrade::gate::Digested;

/// The objects of one namespace that gates look at, as one account sees them.
pub(super) struct Caches {
    pub(super) deployments: Store<Digested<Deployment>>,
    pub(super) stateful_sets: Store<Digested<StatefulSet>>,
    pub(super) daemon_sets: Store<Digested<DaemonSet>>,
    pub(super) jobs: Store<Digested<Job>>,
    pub(super) replica_sets: Store<Digested<ReplicaSet>>,
    pub(super) controller_revisions: Store<ControllerRevision>,
    pub(super) pods: Store<Pod>,
    /// How those went that are gone.
    pub(super) departed: Departed,
    pub(super) services: Store<Service>,
    pub(super) endpoint_slices: Store<EndpointSlice>,
    /// Warning events, if the account may read them; they only hasten a failure.
    pub(super) warnings: Option<Store<Event>>,
    /// The nodes, if tidegate itself may read them.
    pub(super) nodes: Option<Store<Node>>,
    pub(super) changed: Arc<Notify>,
    cut: Arc<AtomicBool>,
    /// Dropped with the caches, which ends the watches.
    _watches: JoinSet<()>,
}

impl Caches {
    /// Starts the watches and waits until each has seen everything once.
    ///
    /// Errors: the account may not list one of the kinds; the API server does not answer.
    pub(super) async fn start(
        own: &Client,
        client: &Client,
        namespace: &str,
    ) -> Result<Self, ClusterError> {
        let changed = Arc::new(Notify::new());
        let cut = Arc::new(AtomicBool::new(false));
        let mut watches = JoinSet::new();
        let mut start = Starter {
            client,
            namespace,
            changed: &changed,
            cut: &cut,
            watches: &mut watches,
        };
        let warnings = watcher::Config::default().fields("type=Warning");
        let departed = Departed::default();
        let caches = Self {
            deployments: start.watch().await?,
            stateful_sets: start.watch().await?,
            daemon_sets: start.watch().await?,
            jobs: start.watch().await?,
            replica_sets: start.watch().await?,
            controller_revisions: start.watch().await?,
            pods: start.watch_pods(departed.clone()).await?,
            departed,
            services: start.watch().await?,
            endpoint_slices: start.watch().await?,
            warnings: start
                .try_watch(Api::namespaced(client.clone(), namespace), warnings, |_| ())
                .await
                .ok(),
            nodes: start
                .try_watch(Api::all(own.clone()), watcher::Config::default(), |_| ())
                .await
                .ok(),
            changed,
            cut,
            _watches: watches,
        };
        caches.ready().await;
        Ok(caches)
    }

    /// Whether a watch was cut since this was last asked. Until it is taken up again, the caches are silent.
    pub(super) fn were_cut(&self) -> bool {
        self.cut.swap(false, Ordering::Relaxed)
    }

    async fn ready(&self) {
        // A store that is dropped before it is ready never gets there; then every read is of an empty cache, and
        // an empty cache opens no gate.
        let _ = futures::join!(
            self.deployments.wait_until_ready(),
            self.stateful_sets.wait_until_ready(),
            self.daemon_sets.wait_until_ready(),
            self.jobs.wait_until_ready(),
            self.replica_sets.wait_until_ready(),
            self.controller_revisions.wait_until_ready(),
            self.pods.wait_until_ready(),
            self.services.wait_until_ready(),
            self.endpoint_slices.wait_until_ready(),
        );
        if let Some(warnings) = &self.warnings {
            warnings.wait_until_ready().await.unwrap_or_default();
        }
        if let Some(nodes) = &self.nodes {
            nodes.wait_until_ready().await.unwrap_or_default();
        }
    }
}

struct Starter<'a> {
    client: &'a Client,
    namespace: &'a str,
    changed: &'a Arc<Notify>,
    cut: &'a Arc<AtomicBool>,
    watches: &'a mut JoinSet<()>,
}

impl Starter<'_> {
    async fn watch<K>(&mut self) -> Result<Store<K>, ClusterError>
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + Debug
            + Send
            + Sync
            + 'static,
        K::DynamicType: Default + Eq + Hash + Clone,
    {
        let api: Api<K> = Api::namespaced(self.client.clone(), self.namespace);
        self.try_watch(api, watcher::Config::default(), |_| ())
            .await
    }

    async fn watch_pods(&mut self, departed: Departed) -> Result<Store<Pod>, ClusterError> {
        let api: Api<Pod> = Api::namespaced(self.client.clone(), self.namespace);
        self.try_watch(api, watcher::Config::default(), move |event| {
            departed.note(event);
        })
        .await
    }

    async fn try_watch<K>(
        &mut self,
        api: Api<K>,
        config: watcher::Config,
        note: impl Fn(&watcher::Event<K>) + Send + 'static,
    ) -> Result<Store<K>, ClusterError>
    where
        K: Resource + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
        K::DynamicType: Default + Eq + Hash + Clone,
    {
        // One small list first: a watcher would retry a missing right for ever without a word.
        let probe = kube::api::ListParams::default().limit(1);
        let kind = K::plural(&K::DynamicType::default()).into_owned();
        api.list(&probe)
            .await
            .map_err(|error| ClusterError::of(error, kind))?;
        let (reader, writer) = store();
        let (changed, cut) = (self.changed.clone(), self.cut.clone());
        let stream = watcher(api, config)
            .default_backoff()
            .modify(|object| object.meta_mut().managed_fields = None);
        self.watches
            .spawn(reflector(writer, stream).for_each(move |next| {
                if let Ok(event) = &next {
                    note(event);
                }
                cut.fetch_or(next.is_err(), Ordering::Relaxed);
                changed.notify_one();
                futures::future::ready(())
            }));
        Ok(reader)
    }
}
