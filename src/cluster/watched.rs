//! The newest state of one object of ours, by a watch.

use std::fmt::Debug;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::NamespaceResourceScope;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::spec::crd::Release;

/// One object, watched.
pub struct Watched<K> {
    newest: watch::Receiver<Seen<K>>,
    /// Dropped with it, which ends the watch.
    _watch: JoinSet<()>,
}

/// One release, watched.
pub type WatchedRelease = Watched<Release>;

/// What the watch knows; `None`: nothing yet, `Some(None)`: that it is gone.
type Seen<K> = Option<Option<K>>;

impl<K> Watched<K>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + DeserializeOwned
        + Send
        + Sync
        + 'static,
{
    /// Starts the watch.
    pub fn start(client: &Client, namespace: &str, name: &str) -> Self {
        let (sender, newest) = watch::channel(None);
        let api: Api<K> = Api::namespaced(client.clone(), namespace);
        let mut watch = JoinSet::new();
        let name = name.to_owned();
        watch.spawn(async move {
            let stream = watcher::watch_object(api, &name)
                .default_backoff()
                .into_stream();
            let mut stream = std::pin::pin!(stream);
            while let Some(next) = stream.next().await {
                match next {
                    Ok(found) => {
                        if sender.send(Some(found)).is_err() {
                            return;
                        }
                    }
                    Err(error) => tracing::debug!(%error, "the watch of `{name}` was cut"),
                }
            }
        });
        Self {
            newest,
            _watch: watch,
        }
    }

    /// The newest state: nothing known yet, gone, or the object.
    pub fn newest(&self) -> Option<Option<K>> {
        self.newest.borrow().clone()
    }

    /// Waits for news.
    pub async fn changed(&mut self) {
        if self.newest.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
