//! Releases, plans and graphs as they are now, kept by one watch each: whoever reads them costs the API server nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::{StreamExt, TryStreamExt};
use kube::runtime::reflector::{self, Store};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::spec::crd::{Release, ReleasePlan, ServiceGraph};

/// Everything of ours in a namespace, or in all of them.
pub struct Declared {
    releases: Kept<Release>,
    plans: Kept<ReleasePlan>,
    graphs: Kept<ServiceGraph>,
    changes: watch::Receiver<u64>,
    /// Dropped with it, which ends the watches.
    _watches: JoinSet<()>,
}

/// One kind.
struct Kept<K>
where
    K: Resource + Clone + 'static,
    K::DynamicType: std::hash::Hash + Eq + Clone,
{
    store: Store<K>,
    is_cut: Arc<AtomicBool>,
}

impl Declared {
    /// Starts the watches.
    pub fn start(client: &Client, namespace: Option<&str>) -> Self {
        let (sender, changes) = watch::channel(0);
        let mut watches = JoinSet::new();
        Self {
            releases: keep(client, namespace, &sender, &mut watches),
            plans: keep(client, namespace, &sender, &mut watches),
            graphs: keep(client, namespace, &sender, &mut watches),
            changes,
            _watches: watches,
        }
    }

    /// Every release, without the machine's notes.
    pub fn releases(&self) -> Vec<Arc<Release>> {
        self.releases.store.state()
    }

    /// Every plan.
    pub fn plans(&self) -> Vec<Arc<ReleasePlan>> {
        self.plans.store.state()
    }

    /// Every graph.
    pub fn graphs(&self) -> Vec<Arc<ServiceGraph>> {
        self.graphs.store.state()
    }

    /// Goes up with every change.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }

    /// The kinds whose watch is cut now, so that what is known of them is old.
    pub fn cut(&self) -> Vec<&'static str> {
        let of = [
            (&self.releases.is_cut, "releases"),
            (&self.plans.is_cut, "plans"),
            (&self.graphs.is_cut, "graphs"),
        ];
        let cut = of
            .into_iter()
            .filter(|(is_cut, _)| is_cut.load(Ordering::Relaxed));
        cut.map(|(_, name)| name).collect()
    }

    /// Waits until everything was read once.
    pub async fn whole(&self) {
        // An error says that the watch has ended, which is only so when this is dropped.
        let _ = self.releases.store.wait_until_ready().await.is_ok();
        let _ = self.plans.store.wait_until_ready().await.is_ok();
        let _ = self.graphs.store.wait_until_ready().await.is_ok();
    }
}

/// What nobody reads is not kept.
trait Bare {
    /// Takes it away.
    fn bare(&mut self);
}

impl Bare for Release {
    fn bare(&mut self) {
        self.managed_fields_mut().clear();
        let waves = self.status.iter_mut().flat_map(|status| &mut status.waves);
        for service in waves.flat_map(|wave| &mut wave.services) {
            service.records.clear();
        }
    }
}

impl Bare for ReleasePlan {
    fn bare(&mut self) {
        self.managed_fields_mut().clear();
    }
}

impl Bare for ServiceGraph {
    fn bare(&mut self) {
        self.managed_fields_mut().clear();
    }
}

fn keep<K>(
    client: &Client,
    namespace: Option<&str>,
    changes: &watch::Sender<u64>,
    watches: &mut JoinSet<()>,
) -> Kept<K>
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
        + Bare
        + Clone
        + serde::de::DeserializeOwned
        + std::fmt::Debug
        + Send
        + Sync
        + 'static,
{
    let api: Api<K> = match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let (store, writer) = reflector::store();
    let is_cut = Arc::new(AtomicBool::new(false));
    let (cut, changes) = (Arc::clone(&is_cut), changes.clone());
    watches.spawn(async move {
        let stream = watcher(api, watcher::Config::default())
            .default_backoff()
            .modify(Bare::bare)
            .reflect(writer)
            .into_stream();
        let mut stream = std::pin::pin!(stream);
        while let Some(next) = stream.next().await {
            if let Err(error) = &next {
                tracing::debug!(%error, kind = %K::kind(&()), "a watch was cut");
            }
            cut.store(next.is_err(), Ordering::Relaxed);
            changes.send_modify(|number| *number = number.wrapping_add(1));
        }
    });
    Kept { store, is_cut }
}
