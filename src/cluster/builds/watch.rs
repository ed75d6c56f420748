//! Wakes the loop when something changes on what builds for a plan. What counts is read anew.

use std::sync::Arc;

use futures::StreamExt;
use kube::Api;
use kube::api::DynamicObject;
use kube::runtime::{WatchStreamExt, watcher};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::Builder;
use super::engine;
use crate::spec::crd::{BUILD_LABEL, PLAN_LABEL};

/// The watches of what builds.
pub(in crate::cluster) struct BuildWatch {
    changed: Arc<Notify>,
    /// Dropped with it, which ends the watches.
    _watches: JoinSet<()>,
}

impl BuildWatch {
    /// Starts them.
    pub(in crate::cluster) fn start(builder: &Builder<'_>) -> Self {
        let changed = Arc::new(Notify::new());
        let mut watches = JoinSet::new();
        for ((namespace, _), engine) in builder.places() {
            let plan = &builder.release.spec.plan;
            let label = format!("{PLAN_LABEL}={plan},{BUILD_LABEL}");
            let client = builder.client.clone();
            let api = Api::namespaced_with(client, &namespace, &engine::resource(engine));
            watches.spawn(watch(api, label, Arc::clone(&changed)));
        }
        Self {
            changed,
            _watches: watches,
        }
    }

    /// Waits for news.
    pub(in crate::cluster) async fn changed(&self) {
        self.changed.notified().await;
    }
}

async fn watch(api: Api<DynamicObject>, label: String, changed: Arc<Notify>) {
    let config = watcher::Config::default().labels(&label);
    let mut stream = std::pin::pin!(watcher(api, config).default_backoff());
    while let Some(next) = stream.next().await {
        match next {
            Ok(watcher::Event::Apply(_) | watcher::Event::Delete(_) | watcher::Event::InitDone) => {
                changed.notify_one();
            }
            Ok(watcher::Event::Init | watcher::Event::InitApply(_)) => {}
            Err(error) => tracing::debug!(%error, "the watch of builds was cut"),
        }
    }
}
