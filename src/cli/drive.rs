//! Sees a release through to its end: drives it here, unless another process holds it, and shows how it goes.

use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;
use tokio::task::JoinHandle;

use super::approve::{is_awaiting, steps};
use super::failure::{Exit, Failure};
use super::output::Output;
use super::release_view::{Progress, View};
use crate::cluster::{
    ClusterError, ClusterWorld, Connection, EventRecorder, LEASE_S, Listener, ReleaseLease,
    Releases, WatchedRelease, identity,
};
use crate::controller::{WorldError, drive};
use crate::spec::crd::{Release, ServiceStatus};
use crate::upgrade::Event;
use crate::upgrade::why::AWAITING;

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
                Event::ServiceFailed { .. } | Event::Refused { .. } | Event::Regressed { .. } => {
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
                | Event::Approved { .. }
                | Event::Paused
                | Event::Resumed
                | Event::NotRemoved { .. }
                | Event::NotPublished { .. }
                | Event::Ended { .. } => {
                    tracing::info!(release = %name, reason = event.reason(), ?event);
                }
            }
        }
    }
}

/// Drives a release as soon as its lease can be had, until it has ended. Runs in the background.
pub(super) fn drive_in_background(
    connection: Connection,
    release: Release,
    listeners: Vec<Arc<dyn Listener>>,
) -> JoinHandle<Result<(), WorldError>> {
    tokio::spawn(async move {
        loop {
            match drive_once(&connection, &release, &listeners).await {
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
) -> Result<(), WorldError> {
    let namespace = release.namespace().unwrap_or_default();
    let name = release.name_any();
    let releases = Releases::new(connection.client(), &namespace);
    wait_for_turn(&releases, release).await?;
    let mut lease = ReleaseLease::ask(connection.client(), &namespace, &name, &identity())
        .await
        .map_err(|error| stopped(&error))?;
    while !lease.wait(Duration::from_secs(LEASE_S)).await {
        let newest = releases.get(&name).await.map_err(|error| stopped(&error))?;
        if crate::cluster::has_ended(&newest) {
            return Ok(());
        }
    }
    let result = drive_held(connection, &releases, &name, (lease.held(), listeners)).await;
    lease.give_back().await;
    if result.is_ok() {
        ReleaseLease::remove(connection.client(), &namespace, &name).await;
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

/// Waits until every earlier release of the plan has ended. Two that move the same services at once would each trust
/// gates that the other one shuts; that `run` looks first does not keep two of them from starting together.
async fn wait_for_turn(releases: &Releases, release: &Release) -> Result<(), WorldError> {
    let mut told = false;
    loop {
        let all = releases
            .list(Some(&release.spec.plan))
            .await
            .map_err(|error| stopped(&error))?;
        if !all
            .iter()
            .any(|other| other.name_any() == release.name_any())
        {
            return Err(WorldError::Final(format!(
                "release `{}` was deleted",
                release.name_any()
            )));
        }
        let earlier = all.iter().find(|other| {
            other.spec.number < release.spec.number && !crate::cluster::has_ended(other)
        });
        let Some(earlier) = earlier else {
            return Ok(());
        };
        if !told {
            told = true;
            tracing::warn!(
                "release `{}` waits: `{}` of the same plan has not ended",
                release.name_any(),
                earlier.name_any()
            );
        }
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

type Driving<'a> = (tokio::sync::watch::Receiver<bool>, &'a [Arc<dyn Listener>]);

async fn drive_held(
    connection: &Connection,
    releases: &Releases,
    name: &str,
    (held, listeners): Driving<'_>,
) -> Result<(), WorldError> {
    let release = releases.get(name).await.map_err(|error| stopped(&error))?;
    if crate::cluster::has_ended(&release) {
        return Ok(());
    }
    let plan = release.spec.plan.clone();
    let mut world = ClusterWorld::open(connection.clone(), release, held, listeners.to_vec())
        .await
        .map_err(|error| stopped(&error))?;
    drive(&mut world).await?;
    drop(world);
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

/// Shows a release until it has ended. Out: the release as it ended, or as it was left waiting for somebody.
pub(super) async fn see_through(seeing: &Seeing<'_>, release: Release) -> Result<Release, Failure> {
    let mut listeners: Vec<Arc<dyn Listener>> = vec![Arc::new(LogListener)];
    listeners.extend(seeing.also.iter().cloned());
    let mut driver = seeing.drives.then(|| {
        let recorder = EventRecorder::start(seeing.connection.client(), &identity());
        listeners.push(Arc::new(recorder));
        drive_in_background(seeing.connection.clone(), release.clone(), listeners)
    });
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
        if crate::cluster::has_ended(view.release()) {
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
    let has_word = |step: &ServiceStatus| {
        let mut approvals = control.into_iter().flat_map(|control| &control.approvals);
        approvals.any(|approval| approval.step == step.name)
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
    let words: Vec<String> = asked
        .iter()
        .map(|step| format!("{} {}", step.name, step.message))
        .collect();
    let failure = Failure::new(
        Exit::Waiting,
        format!("release `{name}`: {}", words.join("; ")),
    );
    asked.iter().fold(failure, |failure, step| {
        failure.hint(format!(
            "`tidegate approve {name} {}`, then `tidegate run` with the same files goes on, or a controller by itself",
            step.name
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
        Some(_) | None => Err(Failure::new(
            Exit::Bug,
            format!("release `{name}` has no outcome"),
        )),
    }
}
