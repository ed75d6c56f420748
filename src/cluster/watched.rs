//! The newest state of one release, by a watch.

use futures::{StreamExt, TryStreamExt};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::spec::crd::Release;

/// One release, watched.
pub struct WatchedRelease {
    newest: watch::Receiver<Seen>,
    /// Dropped with it, which ends the watch.
    _watch: JoinSet<()>,
}

/// What the watch knows; `None`: nothing yet, `Some(None)`: that it is gone.
type Seen = Option<Option<Release>>;

impl WatchedRelease {
    /// Starts the watch.
    pub fn start(client: &Client, namespace: &str, name: &str) -> Self {
        let (sender, newest) = watch::channel(None);
        let api: Api<Release> = Api::namespaced(client.clone(), namespace);
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
                    Err(error) => tracing::debug!(%error, "the watch of the release was cut"),
                }
            }
        });
        Self {
            newest,
            _watch: watch,
        }
    }

    /// The newest state: nothing known yet, gone, or the release.
    pub fn newest(&self) -> Option<Option<Release>> {
        self.newest.borrow().clone()
    }

    /// Waits for news.
    pub async fn changed(&mut self) {
        if self.newest.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
