//! Those outside of the cluster who hear of a release that a command watches: the archive, and whom its plan names.

use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;

use super::archive::ArchiveArgs;
use super::archiving::Archivist;
use super::failure::Failure;
use super::notifying::Notifier;
use super::output::Output;
use crate::cluster::{Connection, Listener, Releases, has_ended};
use crate::spec::crd::Release;

/// How long to wait at the end for those who are told of it.
const TOLD_WITHIN: Duration = Duration::from_secs(20);
/// How long to wait for the archive when the release has ended.
const ARCHIVED_WITHIN: Duration = Duration::from_secs(20);

/// Who hears of a release.
pub(super) struct Outside {
    notifier: Arc<Notifier>,
    archivist: Option<Arc<Archivist>>,
}

impl Outside {
    /// Starts to listen, for as long as the command runs.
    pub(super) fn of_command(
        connection: &Connection,
        archive: &ArchiveArgs,
    ) -> Result<Self, Failure> {
        let archive = archive.to_write()?;
        let archivist = archive.map(|archive| Archivist::of_command(archive, connection));
        Ok(Self {
            notifier: Arc::new(Notifier::of_command(connection)?),
            archivist: archivist.transpose()?.map(Arc::new),
        })
    }

    /// The listeners.
    pub(super) fn listeners(&self) -> Vec<Arc<dyn Listener>> {
        let mut listeners: Vec<Arc<dyn Listener>> = vec![self.notifier.clone()];
        let archivist = self.archivist.clone();
        listeners.extend(archivist.map(|archivist| archivist as Arc<dyn Listener>));
        listeners
    }

    /// Waits until they know what became of a release, and of others of its plan that could not be archived before.
    pub(super) async fn settle(
        &self,
        output: &Output,
        releases: &Releases,
        ended: &Release,
    ) -> Result<(), Failure> {
        self.notifier.settled(TOLD_WITHIN).await;
        let Some(archivist) = self.archivist.as_ref().filter(|_| has_ended(ended)) else {
            return Ok(());
        };
        let all = releases.list(Some(&ended.spec.plan)).await?;
        let all = all.iter().filter(|release| has_ended(release));
        all.for_each(|release| archivist.take(release));
        if !archivist.settled(ARCHIVED_WITHIN).await {
            let name = ended.name_any();
            output.say(&format!(
                "release `{name}` is not archived yet; the next `tidegate run --archive` of its plan, or a controller with that archive, does it"
            ));
        }
        Ok(())
    }
}
