//! Sees a release through to its end: drives it here, unless another process holds it, and shows how it goes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;
use tokio::task::JoinHandle;

use super::approve::{asked_for, is_awaiting, steps};
use super::failure::{Exit, Failure};
use super::output::Output;
use super::release_view::{Progress, View};
use crate::cluster::{
    ClusterError, ClusterWorld, Connection, EventRecorder, LEASE_S, Listener, ReleaseLease,
    Releases, WatchedRelease, has_ended, identity, is_to_be_aborted, older, rival_of,
};
use crate::controller::{Rival, WorldError, drive};
use crate::spec::crd::{Release, ServiceStatus};
use crate::upgrade::why::AWAITING;
use crate::upgrade::{Ending, Event};

/// How long to wait before a release whose driving failed in passing is taken up again.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// How long a release is watched, if nobody sets a limit.
const WATCH_MAX: Duration = Duration::from_hours(365 * 24);

/// Tells log lines of what happens.
pub(super) struct LogListener;

impl Listener for LogListener {
    fn hear(&self, release: &Release, events: &[Event]) {
        let name = release.name_any();
        for event in events {
            match event {
                Event::ServiceFailed { .. }
                | Event::BuildFailed { .. }
                | Event::Refused { .. }
                | Event::Regressed { .. }
                | Event::InvariantBroken { .. } => {
                    tracing::info!(release = %name, reason = event.reason(), ?event);
                }
                Event::Unreachable { message } => {
                    tracing::warn!(release = %name, "the API server does not answer ({message}); waiting, nothing is lost");
                }
                Event::Reachable => {
                    tracing::warn!(release = %name, "the API server answers again; going on");
                }
                Event::WriteRepeated { message } => {
                    tracing::warn!(release = %name, "a write was not made and is tried again: {message}");
                }
                Event::Planned { .. }
                | Event::PlannedAnew { .. }
                | Event::WaveStarted { .. }
                | Event::WaveDone { .. }
                | Event::ServiceStarted { .. }
                | Event::Waits { .. }
                | Event::ServiceDone { .. }
                | Event::BuildSkipped { .. }
                | Event::BuildStarted { .. }
                | Event::Built { .. }
                | Event::BuildCancelled { .. }
                | Event::Approved { .. }
                | Event::Forced { .. }
                | Event::Retried { .. }
                | Event::Recovered { .. }
                | Event::Paused
                | Event::Resumed
                | Event::Superseded { .. }
                | Event::Frozen { .. }
                | Event::Thawed { .. }
                | Event::NotRemoved { .. }
                | Event::NotPublished { .. }
                | Event::Ended { .. } => {
                    tracing::info!(release = %name, reason = event.reason(), ?event);
                }
            }
        }
    }
}

/// Whether a process sees to older releases of the plan that stand before the one that it drives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Queue {
    /// Nobody else may be there who does.
    Drive,
    /// Each of them has a driver of its own.
    Wait,
}

/// Drives a release as soon as its turn has come and its lease can be had, until it has ended. Runs in the background.
pub(super) fn drive_in_background(
    connection: Connection,
    release: Release,
    listeners: Vec<Arc<dyn Listener>>,
    queue: Queue,
) -> JoinHandle<Result<(), WorldError>> {
    tokio::spawn(async move {
        loop {
            match Box::pin(drive_once(&connection, &release, &listeners, queue)).await {
                Ok(()) => return Ok(()),
                Err(error @ WorldError::Final(_)) => return Err(error),
                Err(WorldError::Lost(message)) => tracing::debug!("{message}"),
                Err(error) => tracing::warn!("{error}; trying again"),
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    })
}

async fn drive_once(
    connection: &Connection,
    release: &Release,
    listeners: &[Arc<dyn Listener>],
    queue: Queue,
) -> Result<(), WorldError> {
    let releases = Releases::new(
        connection.client(),
        &release.namespace().unwrap_or_default(),
    );
    while let Some(older) = stands_before(&releases, release).await? {
        match queue {
            Queue::Wait => tokio::time::sleep(AGAIN_AFTER).await,
            Queue::Drive => {
                let name = older.name_any();
                let driven = drive_leased(connection, &releases, &name, listeners);
                if let Err(error) = Box::pin(driven).await {
                    tracing::warn!(release = %name, "{error}; trying again");
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
            }
        }
    }
    let name = release.name_any();
    Box::pin(drive_leased(connection, &releases, &name, listeners)).await
}

/// Drives a release to its end as soon as its lease can be had, unless another process has brought it there.
async fn drive_leased(
    connection: &Connection,
    releases: &Releases,
    name: &str,
    listeners: &[Arc<dyn Listener>],
) -> Result<(), WorldError> {
    let namespace = releases.namespace();
    let mut lease = ReleaseLease::ask(connection.client(), namespace, name, &identity())
        .await
        .map_err(|error| stopped(&error))?;
    while !lease.wait(Duration::from_secs(LEASE_S)).await {
        let newest = releases.get(name).await.map_err(|error| stopped(&error))?;
        if has_ended(&newest) {
            return Ok(());
        }
    }
    let held = (lease.held(), listeners);
    let result = Box::pin(drive_held(connection, releases, name, held)).await;
    lease.give_back().await;
    if result.is_ok() {
        ReleaseLease::remove(connection.client(), namespace, name).await;
    }
    result
}

fn stopped(error: &ClusterError) -> WorldError {
    let text = crate::cluster::describe(error);
    if error.is_passing() {
        WorldError::Unreachable(text)
    } else {
        WorldError::Final(text)
    }
}

/// The first release of the plan that must have ended before one begins; said on that one. Two that move the same services
/// at once would each trust gates that the other one shuts; that `run` looks first does not keep two of them from starting
/// together.
async fn stands_before(
    releases: &Releases,
    release: &Release,
) -> Result<Option<Release>, WorldError> {
    let all = releases.list(Some(&release.spec.plan)).await;
    let all = all.map_err(|error| stopped(&error))?;
    let name = release.name_any();
    let Some(newest) = all.iter().find(|other| other.name_any() == name) else {
        let words = format!("release `{name}` was deleted");
        return Err(WorldError::Final(words));
    };
    let has_begun = newest
        .status
        .as_ref()
        .is_some_and(|status| status.plan.is_some());
    if has_ended(newest) || has_begun || rival_of(newest, &all).is_some() {
        // It goes on, or ends before it has begun: either needs nobody's leave.
        return Ok(None);
    }
    let Some(older) = older(newest, &all) else {
        return Ok(None);
    };
    if let Err(error) = releases.note_queued(newest, older).await {
        let words = crate::cluster::describe(&error);
        tracing::debug!(release = %name, "not said that it waits: {words}");
    }
    Ok(Some(older.clone()))
}

type Driving<'a> = (tokio::sync::watch::Receiver<bool>, &'a [Arc<dyn Listener>]);

async fn drive_held(
    connection: &Connection,
    releases: &Releases,
    name: &str,
    (held, listeners): Driving<'_>,
) -> Result<(), WorldError> {
    let release = releases.get(name).await.map_err(|error| stopped(&error))?;
    if has_ended(&release) {
        return Ok(());
    }
    let plan = release.spec.plan.clone();
    match ClusterWorld::open(connection.clone(), release, held, listeners.to_vec()).await {
        Ok(mut world) => drop(drive(&mut world).await?),
        Err(error) => end_unopened(releases, name, error).await?,
    }
    let history = releases
        .plan(&plan)
        .await
        .map_err(|error| stopped(&error))?
        .map(|plan| plan.spec.history);
    let archives = listeners.iter().any(|listener| listener.archives());
    let history = history.unwrap_or_default();
    if let Err(error) = releases.tidy(&plan, &history, archives).await {
        tracing::warn!(
            "the history of plan `{plan}` could not be tidied: {}",
            crate::cluster::describe(&error)
        );
    }
    Ok(())
}

/// A release that cannot be opened stands still until somebody mends it, but it holds nobody who is to take its place.
async fn end_unopened(
    releases: &Releases,
    name: &str,
    error: ClusterError,
) -> Result<(), WorldError> {
    let release = releases.get(name).await.map_err(|error| stopped(&error))?;
    let all = releases.list(Some(&release.spec.plan)).await;
    let rival = rival_of(&release, &all.map_err(|error| stopped(&error))?);
    let words = crate::cluster::describe(&error);
    let ending = match rival {
        _ if error.is_passing() => return Err(stopped(&error)),
        Some(Rival::Newer(newer)) => Ending::Superseded {
            message: format!("`{newer}` has taken its place; it could not be driven: {words}"),
        },
        None | Some(Rival::Older(_)) if is_to_be_aborted(&release) => Ending::Aborted {
            message: format!("aborted on request; it could not be driven: {words}"),
        },
        None | Some(Rival::Older(_)) => return Err(stopped(&error)),
    };
    let ended = releases.end_unopened(name, &ending).await;
    ended.map_err(|error| stopped(&error))
}

/// How a release is seen through.
pub(super) struct Seeing<'a> {
    /// Where words go.
    pub output: &'a Output,
    /// The way to the cluster.
    pub connection: &'a Connection,
    /// How progress is shown.
    pub progress: Progress,
    /// How long to look at the most.
    pub timeout: Option<Duration>,
    /// Whether this process drives the release, if nobody else does.
    pub drives: bool,
    /// Whether to leave when the release waits for somebody's word.
    pub leaves_when_asked: bool,
    /// Who else hears of what happens, if this process drives.
    pub also: Vec<Arc<dyn Listener>>,
}

/// Drives a release in the background, and those that stand before it.
fn start_driving(seeing: &Seeing<'_>, release: &Release) -> JoinHandle<Result<(), WorldError>> {
    let mut listeners: Vec<Arc<dyn Listener>> = vec![Arc::new(LogListener)];
    listeners.extend(seeing.also.iter().cloned());
    let recorder = EventRecorder::start(seeing.connection.client(), &identity());
    listeners.push(Arc::new(recorder));
    drive_in_background(
        seeing.connection.clone(),
        release.clone(),
        listeners,
        Queue::Drive,
    )
}

/// Shows a release until it has ended. Out: the release as it ended, or as it was left waiting for somebody.
pub(super) async fn see_through(seeing: &Seeing<'_>, release: Release) -> Result<Release, Failure> {
    let mut driver = seeing.drives.then(|| start_driving(seeing, &release));
    let namespace = release.namespace().unwrap_or_default();
    let name = release.name_any();
    let mut watched = WatchedRelease::start(&seeing.connection.client(), &namespace, &name);
    let mut view = View::new(seeing.output, seeing.progress, release);
    let deadline = tokio::time::sleep(seeing.timeout.unwrap_or(WATCH_MAX));
    tokio::pin!(deadline);
    let mut tick = tokio::time::interval(Duration::from_millis(500));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = watched.changed() => match watched.newest() {
                Some(Some(newest)) => view.take(newest),
                Some(None) => {
                    view.finish();
                    return Err(Failure::new(Exit::Aborted, format!("release `{name}` was deleted")));
                }
                None => {}
            },
            _ = tick.tick() => view.redraw(),
            ended = async { match &mut driver { Some(driver) => driver.await, None => std::future::pending().await } } => {
                driver = None;
                let problem = match ended {
                    Ok(Ok(())) => None,
                    Ok(Err(error)) => Some(Failure::new(Exit::Cluster, error.to_string())),
                    Err(panic) => Some(Failure::new(Exit::Bug, panic.to_string())),
                };
                if let Some(problem) = problem {
                    view.finish();
                    return Err(problem.hint(format!("release `{name}` stands still; `tidegate run` with the same files goes on with it")));
                }
                let releases = Releases::new(seeing.connection.client(), &namespace);
                if let Ok(newest) = releases.get(&name).await {
                    view.take(newest);
                }
            }
            () = &mut deadline => {
                view.finish();
                return Err(Failure::new(Exit::Timeout, format!("release `{name}` is not done yet; it goes on where it is driven")));
            }
            _ = tokio::signal::ctrl_c() => {
                view.finish();
                return Err(interrupted(seeing.drives, &name));
            }
        }
        if seeing.leaves_when_asked && is_waiting(view.release()) {
            view.finish();
            return Ok(view.into_release());
        }
        if has_ended(view.release()) {
            view.finish();
            if let Some(driver) = driver {
                // It tidies up and gives its lease back.
                tokio::time::timeout(Duration::from_secs(5), driver)
                    .await
                    .map(|_| ())
                    .unwrap_or_default();
            }
            return Ok(view.into_release());
        }
    }
}

/// Whether nothing of a release goes on until somebody has said a word.
fn is_waiting(release: &Release) -> bool {
    let Some(status) = &release.status else {
        return false;
    };
    // Whoever drives it may not have seen the word yet.
    let control = release.spec.control.as_ref();
    if is_to_be_aborted(release) {
        return false;
    }
    let has_word = |step: &ServiceStatus| {
        let mut approvals = control.into_iter().flat_map(|control| &control.approvals);
        let asked = asked_for(release, step);
        approvals.any(|approval| approval.step == asked)
    };
    let mut conditions = status.conditions.iter();
    status.outcome.is_none()
        && conditions.any(|one| one.type_ == "Reconciling" && one.reason == AWAITING)
        && steps(release).any(|step| is_awaiting(step) && !has_word(step))
}

/// What a release waits for that was left, and what to type.
fn waiting(release: &Release) -> Failure {
    let name = release.name_any();
    let asked: Vec<&ServiceStatus> = steps(release).filter(|step| is_awaiting(step)).collect();
    let named: BTreeSet<String> = asked.iter().map(|step| asked_for(release, step)).collect();
    let words: Vec<String> = asked
        .iter()
        .map(|step| format!("{} {}", step.name, step.message))
        .collect();
    let failure = Failure::new(
        Exit::Waiting,
        format!("release `{name}`: {}", words.join("; ")),
    );
    named.iter().fold(failure, |failure, step| {
        failure.hint(format!(
            "`tidegate approve {name} {step}`, then `tidegate run` with the same files goes on, or a controller by itself"
        ))
    })
}

fn interrupted(drives: bool, name: &str) -> Failure {
    let failure = Failure::new(Exit::Interrupted, "interrupted");
    if drives {
        failure.hint(format!(
            "release `{name}` is not aborted: a controller, or `tidegate run` with the same files, goes on with it; `tidegate abort {name}` ends it"
        ))
    } else {
        failure.hint(format!("release `{name}` goes on"))
    }
}

/// The exit code of a release that has ended.
pub(super) fn exit_of(release: &Release) -> Result<(), Failure> {
    let status = release.status.clone().unwrap_or_default();
    let ready = status
        .conditions
        .iter()
        .find(|condition| condition.type_ == "Ready");
    let message = ready
        .map(|condition| condition.message.clone())
        .unwrap_or_default();
    let name = release.name_any();
    if is_waiting(release) {
        return Err(waiting(release));
    }
    match status.outcome.as_deref() {
        Some("Succeeded") => Ok(()),
        Some("Failed") => {
            Err(
                Failure::new(Exit::Failed, format!("release `{name}` failed: {message}")).hint(
                    format!("`tidegate why {name}` tells more; later waves were not touched"),
                ),
            )
        }
        Some("Refused") => Err(Failure::new(
            Exit::Refused,
            format!("release `{name}` was refused: {message}"),
        )),
        Some("Aborted") => Err(Failure::new(
            Exit::Aborted,
            format!("release `{name}` was aborted: {message}"),
        )),
        Some("Superseded") => Err(Failure::new(
            Exit::Aborted,
            format!("release `{name}` was superseded: {message}"),
        )),
        Some(_) | None => Err(Failure::new(
            Exit::Bug,
            format!("release `{name}` has no outcome"),
        )),
    }
}
