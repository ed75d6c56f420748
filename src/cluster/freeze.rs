//! The freeze windows of a release's plan as they are now: whoever changes them means what runs too.

use kube::Client;

use super::error::ClusterError;
use super::releases::Releases;
use super::watched::Watched;
use crate::spec::crd::{FreezeWindow, Release, ReleasePlan};
use crate::spec::freeze::that_hold;

/// The windows of a plan, read at the start and then watched.
pub(super) struct Windows {
    /// As last read, with the version of the plan.
    known: (u64, Vec<FreezeWindow>),
    watched: Watched<ReleasePlan>,
}

impl Windows {
    /// Those that a release brought along, until the plan itself was read.
    pub(super) fn start(
        client: &Client,
        (namespace, plan): (&str, &str),
        brought: &[FreezeWindow],
    ) -> Self {
        Self {
            known: (0, brought.to_vec()),
            watched: Watched::start(client, namespace, plan),
        }
    }

    /// Reads the plan anew. A plan that is gone has no windows any more, but those that the release brought along hold.
    pub(super) async fn read(
        &mut self,
        releases: &Releases,
        plan: &str,
    ) -> Result<(), ClusterError> {
        match releases.plan(plan).await {
            Ok(Some(plan)) => self.known = windows(plan),
            // Who may not read plans goes by what the release brought along.
            Ok(None) | Err(ClusterError::Forbidden { .. } | ClusterError::NotInstalled) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Those that hold a release, as far as is known.
    pub(super) fn of(&self, release: &Release) -> Vec<FreezeWindow> {
        let watched = self.watched.newest().flatten().map(windows);
        let newer = watched.filter(|watched| watched.0 >= self.known.0);
        let windows = newer.map_or_else(|| self.known.1.clone(), |newer| newer.1);
        that_hold(&windows, &release.spec)
    }

    /// Waits for news.
    pub(super) async fn changed(&mut self) {
        self.watched.changed().await;
    }
}

/// A plan's windows, with its version.
fn windows(plan: ReleasePlan) -> (u64, Vec<FreezeWindow>) {
    let version = plan.metadata.resource_version;
    let version = version.and_then(|text| text.parse().ok());
    (version.unwrap_or(0), plan.spec.freeze)
}
