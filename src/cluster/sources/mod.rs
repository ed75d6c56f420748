//! Keeps the sources of all plans: looks at each repository, and makes a release of what is new there.
//!
//! In: the plans of a namespace, or of all. Out: Releases, and each plan's `status.source` and `SourceReady`. When a
//! commit is released is decided in [`crate::source`].

mod announced;
mod keeper;
mod making;
mod reading;
mod recipes;
mod told;
mod webhooks;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use futures::StreamExt;
use kube::runtime::watcher::Event as Watched;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, ResourceExt};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use super::client::Connection;
use crate::source::SourceEvent;
use crate::spec::crd::{REQUEST_ANNOTATION, ReleasePlan};
use keeper::Keeper;
pub use reading::SourceReader;
pub use webhooks::Webhooks;

/// Whoever wants to hear what happens at sources.
pub trait SourceListener: Send + Sync {
    /// Hears of an event at the source of a plan.
    fn hear(&self, plan: &ReleasePlan, event: &SourceEvent);
}

/// Namespace and name of a plan.
type Key = (String, String);

/// What keeping sources needs beside the cluster.
pub struct SourceKeeping {
    /// The folder below which fetched objects are kept.
    pub cache: PathBuf,
    /// Who hears of what happens.
    pub listeners: Vec<Arc<dyn SourceListener>>,
    /// The doors at which webhooks knock.
    pub webhooks: Webhooks,
}

/// Keeps the sources of a namespace, or of all, for ever.
pub async fn keep_sources(connection: Connection, namespace: Option<&str>, keeping: SourceKeeping) {
    let SourceKeeping {
        cache,
        listeners,
        webhooks,
    } = keeping;
    let api: Api<ReleasePlan> = match namespace {
        Some(namespace) => Api::namespaced(connection.client(), namespace),
        None => Api::all(connection.client()),
    };
    let stream = watcher(api, watcher::Config::default()).default_backoff();
    let mut stream = std::pin::pin!(stream);
    let mut kept: BTreeMap<Key, Kept> = BTreeMap::new();
    let mut listed: Vec<Key> = Vec::new();
    let mut keepers = JoinSet::new();
    while let Some(next) = stream.next().await {
        match next {
            Ok(Watched::Init) => listed.clear(),
            Ok(Watched::InitApply(plan) | Watched::Apply(plan)) => {
                let key = (plan.namespace().unwrap_or_default(), plan.name_any());
                listed.push(key.clone());
                if let Some(kept) = kept.get(&key) {
                    kept.take(plan);
                    continue;
                }
                let (plans, newest) = watch::channel(plan);
                let folder = cache.join(&key.0).join(&key.1);
                let own = (folder, webhooks.bell(&key));
                let keeper = Keeper::new(connection.clone(), newest, own, listeners.clone());
                let task = keepers.spawn(keeper.keep());
                kept.insert(key, Kept { plans, task });
            }
            // A plan that was deleted while the watch was cut is missing from the list that begins it again.
            Ok(Watched::InitDone) => {
                let gone: Vec<Key> = kept
                    .keys()
                    .filter(|key| !listed.contains(key))
                    .cloned()
                    .collect();
                for key in &gone {
                    forget(key, &mut kept, &webhooks);
                }
            }
            Ok(Watched::Delete(plan)) => {
                let key = (plan.namespace().unwrap_or_default(), plan.name_any());
                forget(&key, &mut kept, &webhooks);
            }
            Err(error) => tracing::debug!(%error, "the watch of plans was cut; taking it up again"),
        }
        while keepers.try_join_next().is_some() {}
    }
}

fn forget(key: &Key, kept: &mut BTreeMap<Key, Kept>, webhooks: &Webhooks) {
    if let Some(gone) = kept.remove(key) {
        gone.task.abort();
        webhooks.forget(key);
    }
}

/// The task that keeps one plan's source.
struct Kept {
    plans: watch::Sender<ReleasePlan>,
    task: AbortHandle,
}

impl Kept {
    /// Hands on what concerns a source: what is declared, and what is asked for. That a status was written does not.
    fn take(&self, plan: ReleasePlan) {
        self.plans.send_if_modified(|known| {
            let is_news = known.uid() != plan.uid()
                || known.metadata.generation != plan.metadata.generation
                || request(known) != request(&plan);
            *known = plan;
            is_news
        });
    }
}

/// What was last asked for, as the annotation has it.
fn request(plan: &ReleasePlan) -> Option<&String> {
    plan.annotations().get(REQUEST_ANNOTATION)
}
