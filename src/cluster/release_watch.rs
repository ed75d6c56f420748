//! Every release of a namespace, or of all, as it comes and changes.

use futures::{Stream, StreamExt};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};

use crate::spec::crd::Release;

/// Watches releases for ever; a cut watch is taken up again.
pub fn watch_releases(
    client: Client,
    namespace: Option<&str>,
) -> impl Stream<Item = Release> + Send + use<> {
    let api: Api<Release> = match namespace {
        Some(namespace) => Api::namespaced(client, namespace),
        None => Api::all(client),
    };
    watcher(api, watcher::Config::default())
        .default_backoff()
        .applied_objects()
        .filter_map(|next| {
            let release = match next {
                Ok(release) => Some(release),
                Err(error) => {
                    tracing::warn!(%error, "the watch of releases was cut; taking it up again");
                    None
                }
            };
            futures::future::ready(release)
        })
}
