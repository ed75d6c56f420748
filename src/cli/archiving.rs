//! Brings what happens into the archive, off the loop: an archive that is down stops no release.
//!
//! In: events as they happen, names of releases that have ended. Out: rows, and on each release the word that it is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use jiff::Timestamp;
use kube::ResourceExt;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::build_logs::keep_logs;
use super::failure::{Exit, Failure};
use crate::archive::{Archive, ArchiveError, ArchivedEvent, Build, Retention};
use crate::cluster::{ClusterError, Connection, Listener, Releases, describe, is_archived};
use crate::spec::crd::Release;
use crate::telemetry::{Health, Metrics};
use crate::upgrade::Event;

/// How many events may wait to be written; more are dropped and counted, since what a release comes to is in its status.
const WAITING_MAX: usize = 4_096;
/// How many events are written at once.
const BATCH_MAX: usize = 256;
/// The pauses between two tries while the archive does not answer.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_mins(1);
/// How often what is older than its time is let go.
const PRUNE_EVERY: Duration = Duration::from_hours(1);

/// Namespace and name of a release.
type Key = (String, String);
/// What the writer is told.
enum Told {
    /// Events of one release, by its uid.
    Heard(String, Vec<ArchivedEvent>),
    /// Something was built for a release, and what was said of it is there for as long as the pods are.
    Built(Key),
    /// Somebody waits until all that was told before is written.
    Settle(oneshot::Sender<()>),
}

/// Takes what is to be kept; what it was given is written when it can be.
pub(super) struct Archivist {
    ended: mpsc::UnboundedSender<Key>,
    told: mpsc::Sender<Told>,
    metrics: Metrics,
    /// Dropped with it, which ends the writing.
    _writer: JoinSet<()>,
}

impl Archivist {
    /// Starts to write.
    pub(super) fn start(keeping: Keeping) -> Self {
        let (ended, to_keep) = mpsc::unbounded_channel();
        let (told, to_write) = mpsc::channel(WAITING_MAX);
        let metrics = keeping.metrics.clone();
        let mut writer = JoinSet::new();
        writer.spawn(keeping.keep_on(to_keep, to_write));
        Self {
            ended,
            told,
            metrics,
            _writer: writer,
        }
    }

    /// Keeps a release that has ended, if it is not kept yet.
    pub(super) fn take(&self, release: &Release) {
        if is_archived(release) {
            return;
        }
        let key = (release.namespace().unwrap_or_default(), release.name_any());
        if self.ended.send(key).is_err() {
            tracing::error!("nobody writes to the archive any more");
        }
    }

    /// One that writes in passing, for a command: nobody reads its metrics.
    pub(super) fn of_command(archive: Archive, connection: &Connection) -> Result<Self, Failure> {
        let metrics = Metrics::new().map_err(|error| Failure::new(Exit::Bug, error.to_string()))?;
        Ok(Self::start(Keeping {
            archive,
            connection: connection.clone(),
            retention: Retention::default(),
            metrics,
            health: Health::default(),
        }))
    }

    /// Waits until all is written that was told before. Out: whether it is.
    pub(super) async fn settled(&self, within: Duration) -> bool {
        let (done, is_done) = oneshot::channel();
        let settled =
            async { self.told.send(Told::Settle(done)).await.is_ok() && is_done.await.is_ok() };
        tokio::time::timeout(within, settled).await.unwrap_or(false)
    }
}

impl Listener for Archivist {
    fn hear(&self, release: &Release, events: &[Event]) {
        let at = Timestamp::now();
        let archived = |event: &Event| ArchivedEvent {
            sequence: 0,
            at,
            reason: event.reason().to_owned(),
            step: event.step().map(ToString::to_string),
            message: event.sentence(),
        };
        if events.is_empty() {
            return;
        }
        let built =
            |event: &Event| matches!(event, Event::Built { .. } | Event::BuildFailed { .. });
        if events.iter().any(built) {
            let key = (release.namespace().unwrap_or_default(), release.name_any());
            // One that is lost here is kept with the release.
            self.told.try_send(Told::Built(key)).unwrap_or_default();
        }
        let events: Vec<ArchivedEvent> = events.iter().map(archived).collect();
        let count = events.len();
        let heard = Told::Heard(release.uid().unwrap_or_default(), events);
        if self.told.try_send(heard).is_err() {
            self.metrics.archive().count_lost_events(count);
        }
    }

    fn archives(&self) -> bool {
        true
    }
}

/// What it takes to keep releases.
pub(super) struct Keeping {
    /// Where they are kept.
    pub archive: Archive,
    /// Where they come from.
    pub connection: Connection,
    /// How long they stay.
    pub retention: Retention,
    /// Who counts.
    pub metrics: Metrics,
    /// Who says whether it goes well.
    pub health: Health,
}

/// What is still to be done.
#[derive(Default)]
struct Work {
    releases: BTreeSet<Key>,
    events: BTreeMap<String, Vec<ArchivedEvent>>,
    /// Releases of which something was built.
    built: BTreeSet<Key>,
    waiting: Vec<oneshot::Sender<()>>,
    /// Releases that were told that the archive does not take them.
    told: BTreeSet<Key>,
    is_prepared: bool,
    prune_at: Option<Instant>,
}

impl Work {
    fn take(&mut self, told: impl Iterator<Item = Told>) {
        for told in told {
            match told {
                Told::Heard(uid, events) => self.events.entry(uid).or_default().extend(events),
                Told::Built(key) => {
                    self.built.insert(key);
                }
                Told::Settle(done) => self.waiting.push(done),
            }
        }
    }

    fn is_done(&self) -> bool {
        self.releases.is_empty() && self.events.is_empty() && self.built.is_empty()
    }
}

impl Keeping {
    async fn keep_on(
        self,
        mut to_keep: mpsc::UnboundedReceiver<Key>,
        mut to_write: mpsc::Receiver<Told>,
    ) {
        let mut work = Work::default();
        let mut backoff = backoff();
        let mut again_at = Instant::now();
        let mut told = Vec::new();
        loop {
            let waits = !work.is_done() || !work.is_prepared;
            tokio::select! {
                key = to_keep.recv() => match key {
                    Some(key) => { work.releases.insert(key); }
                    None => return,
                },
                _ = to_write.recv_many(&mut told, BATCH_MAX), if work.events.is_empty() => {}
                () = tokio::time::sleep_until(again_at), if waits => {}
                () = tokio::time::sleep(PRUNE_EVERY) => {}
            }
            work.take(told.drain(..));
            // What was told before somebody began to wait.
            while let Ok(key) = to_keep.try_recv() {
                work.releases.insert(key);
            }
            self.metrics.archive().set_waiting(work.releases.len());
            if Instant::now() < again_at {
                continue;
            }
            match self.write(&mut work).await {
                Ok(()) => {
                    self.health.set_note("archive", None);
                    self.metrics.archive().set_up(true);
                    backoff = self::backoff();
                    // What could not be marked, since the API server is away, comes again then.
                    again_at = Instant::now()
                        + if work.is_done() {
                            Duration::ZERO
                        } else {
                            RETRY_MIN
                        };
                    if work.is_done() {
                        work.waiting
                            .drain(..)
                            .for_each(|done| done.send(()).unwrap_or_default());
                    }
                }
                Err(error) => {
                    self.tell(&mut work, &error).await;
                    again_at = Instant::now() + backoff.next().unwrap_or(RETRY_MAX);
                }
            }
            self.metrics.archive().set_waiting(work.releases.len());
        }
    }

    /// Writes all that waits. Errors: the archive's; what was not written waits on.
    async fn write(&self, work: &mut Work) -> Result<(), ArchiveError> {
        if !work.is_prepared {
            self.archive.prepare().await?;
            work.is_prepared = true;
        }
        while let Some(events) = work.events.first_entry() {
            self.archive
                .append_events(events.key(), events.get())
                .await?;
            events.remove();
        }
        while let Some(key) = work.built.first().cloned() {
            self.keep_logs_of(&key).await?;
            work.built.remove(&key);
        }
        let mut refused = None;
        for key in work.releases.clone() {
            match self.keep(&key).await {
                Ok(Kept::Yes) => {
                    work.releases.remove(&key);
                    work.told.remove(&key);
                }
                Ok(Kept::AskAgain) => {}
                // One that the archive does not take must not keep the others out.
                Err(error @ (ArchiveError::Refused { .. } | ArchiveError::NotKept { .. })) => {
                    refused = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        if let Some(error) = refused {
            return Err(error);
        }
        if work.prune_at.is_none_or(|at| at <= Instant::now()) {
            let pruned = self
                .archive
                .prune(&self.retention, Timestamp::now())
                .await?;
            if pruned.releases > 0 {
                tracing::info!(
                    releases = pruned.releases,
                    "old releases have left the archive"
                );
            }
            work.prune_at = Some(Instant::now() + PRUNE_EVERY);
        }
        Ok(())
    }

    /// Keeps what the builds of a release have said so far. What cannot be read now is tried once more with the release.
    async fn keep_logs_of(&self, (namespace, name): &Key) -> Result<(), ArchiveError> {
        let releases = Releases::new(self.connection.client(), namespace);
        match releases.get(name).await {
            Ok(release) => keep_logs(&self.archive, &self.connection, &release).await,
            Err(error) => {
                tracing::debug!(release = %name, "{}", describe(&error));
                Ok(())
            }
        }
    }

    /// Keeps one release, says so on it, and lets what the plan does not keep any more go.
    async fn keep(&self, (namespace, name): &Key) -> Result<Kept, ArchiveError> {
        let releases = Releases::new(self.connection.client(), namespace);
        let release = match releases.get(name).await {
            Ok(release) if is_archived(&release) => return Ok(Kept::Yes),
            Ok(release) => release,
            Err(error) if error.is_absent() => {
                tracing::warn!(release = %name, "it was deleted before it was archived");
                return Ok(Kept::Yes);
            }
            Err(error) => {
                tracing::warn!(release = %name, "{}; archiving it later", describe(&error));
                return Ok(Kept::AskAgain);
            }
        };
        for build in Build::of(&release) {
            self.archive.store_build(&build).await?;
        }
        keep_logs(&self.archive, &self.connection, &release).await?;
        self.archive.keep(&release).await?;
        self.metrics.archive().count_archived();
        let marked = match releases.mark_archived(&release).await {
            Ok(()) => tidied(&releases, &release.spec.plan).await,
            Err(error) => Err(error),
        };
        if let Err(error) = marked {
            tracing::warn!(release = %name, "archived, but {}; trying again", describe(&error));
            return Ok(Kept::AskAgain);
        }
        tracing::info!(release = %name, "archived");
        Ok(Kept::Yes)
    }

    /// Says what is wrong: in the log, in a metric, at `/readyz` and once on each release that waits.
    async fn tell(&self, work: &mut Work, error: &ArchiveError) {
        let message = describe(error);
        tracing::warn!("{message}; releases go on, trying again");
        self.metrics.archive().set_up(false);
        self.health.set_note("archive", Some(message.clone()));
        for key in work.releases.clone() {
            if work.told.contains(&key) {
                continue;
            }
            let (namespace, name) = &key;
            let releases = Releases::new(self.connection.client(), namespace);
            match releases.mark_unarchived(name, &message).await {
                Ok(()) => {
                    work.told.insert(key);
                }
                Err(error) => tracing::debug!(release = %name, "{}", describe(&error)),
            }
        }
    }
}

/// What became of a release that was to be kept.
enum Kept {
    /// It is kept and says so, or is gone.
    Yes,
    /// The API server did not answer.
    AskAgain,
}

async fn tidied(releases: &Releases, plan: &str) -> Result<(), ClusterError> {
    let Some(plan) = releases.plan(plan).await? else {
        return Ok(());
    };
    releases
        .tidy(&plan.name_any(), &plan.spec.history, true)
        .await
}

fn backoff() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(RETRY_MIN)
        .with_max_delay(RETRY_MAX)
        .with_jitter()
        .without_max_times()
        .build()
}
