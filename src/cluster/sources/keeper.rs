//! Keeps the source of one plan: look, decide, release, tell, wait.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use tokio::sync::watch;

use super::announced::Announcements;
use super::making::Made;
use super::reading::SourceReader;
use super::told::Told;
use super::webhooks::Bell;
use super::{SourceListener, request};
use crate::cluster::client::Connection;
use crate::cluster::error::ClusterError;
use crate::cluster::releases::{Releases, has_ended};
use crate::source::{Commit, Decision, Known, SourceEvent, Timing, due, jittered, short};
use crate::spec::crd::{GitSource, ReleasePlan, SourceStatus, Trigger};
use crate::spec::{Problem, Severity, Timetable, check_plan, duration};

/// How often a repository is looked at where the plan does not say.
const INTERVAL: Duration = Duration::from_mins(1);
/// How often to look whether a release has ended that a commit waits for.
const ENDED_EVERY: Duration = Duration::from_secs(2);
/// How long until the next try when the API server did not answer.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Keeps the source of one plan.
pub(super) struct Keeper {
    pub(super) reader: SourceReader,
    plans: watch::Receiver<ReleasePlan>,
    pub(super) told: Told,
    /// A commit that cannot be released, with the generation of the plan that says so, and what was told of it.
    pub(super) refused: Option<(Looked, SourceEvent)>,
    /// The release whose bundle is known to be whole.
    pub(super) whole: Option<String>,
    pub(super) bell: Bell,
    pub(super) announcements: Announcements,
}

/// A commit, looked at as a generation of the plan wants it.
type Looked = (String, Option<i64>);

/// What to wait for before the next look.
struct Rest {
    pause: Duration,
    release: Option<String>,
}

impl Keeper {
    pub(super) fn new(
        connection: Connection,
        plans: watch::Receiver<ReleasePlan>,
        (folder, bell): (PathBuf, Bell),
        listeners: Vec<Arc<dyn SourceListener>>,
    ) -> Self {
        let told = Told::new(connection.client(), listeners);
        Self {
            reader: SourceReader::new(connection, folder),
            plans,
            told,
            refused: None,
            whole: None,
            bell,
            announcements: Announcements::default(),
        }
    }

    /// Keeps it, until the plan is deleted.
    pub(super) async fn keep(mut self) {
        loop {
            let plan = self.plans.borrow_and_update().clone();
            let rest = self.turn(&plan).await;
            let ended = async {
                match (&rest, &plan.namespace()) {
                    (
                        Some(Rest {
                            release: Some(name),
                            ..
                        }),
                        Some(namespace),
                    ) => {
                        until_ended(&Releases::new(self.reader.client(), namespace), name).await;
                    }
                    (Some(_) | None, _) => std::future::pending().await,
                }
            };
            let pause = async {
                match &rest {
                    Some(rest) => tokio::time::sleep(rest.pause).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = self.plans.changed() => if changed.is_err() { return },
                () = pause => {}
                () = ended => {}
                () = self.bell.ring() => {}
            }
        }
    }

    /// One look. Out: how long to rest; `None`: until the plan is changed.
    async fn turn(&mut self, plan: &ReleasePlan) -> Option<Rest> {
        let problems = check_plan(&plan.spec);
        let is_wrong = |problem: &Problem| problem.severity == Severity::Error;
        let Some(source) = plan
            .spec
            .source
            .as_ref()
            .filter(|_| !problems.iter().any(is_wrong))
        else {
            // The plan's own conditions say what is wrong.
            self.bell.set_door(None);
            return None;
        };
        let interval = jittered(interval(&source.git), fastrand::f64());
        match self.look(plan, &source.git).await {
            Ok(rest) => Some(Rest {
                pause: rest.pause.min(interval),
                ..rest
            }),
            Err(error) => {
                tracing::warn!(
                    plan = %plan.name_any(),
                    "the source could not be kept: {}; trying again",
                    crate::cluster::describe(&error)
                );
                Some(Rest {
                    pause: AGAIN_AFTER,
                    release: None,
                })
            }
        }
    }

    async fn look(&mut self, plan: &ReleasePlan, git: &GitSource) -> Result<Rest, ClusterError> {
        let namespace = plan.namespace().unwrap_or_default();
        let releases = Releases::new(self.reader.client(), &namespace);
        self.open_door(plan, git).await?;
        let look = self.begin_look();
        let commit = match self.reader.fetch(plan).await? {
            Ok(commit) => commit,
            Err(error) => {
                let event = SourceEvent::Failed {
                    reason: error.reason(),
                    message: error.to_string(),
                };
                self.told.tell(plan, &event, |_| {}).await?;
                return Ok(Rest::long());
            }
        };
        let is_new = self.told.found(plan, &commit).await?;
        let again = self.judge_webhook(plan, look, (&commit.id, is_new)).await?;
        let all = releases.list(Some(&plan.name_any())).await?;
        let known = self.told.known(plan).await?;
        let made = Made::newest(&all, &known);
        let asked = request(plan).filter(|asked| known.met_request.as_ref() != Some(asked));
        let unfinished = all.iter().find(|release| !has_ended(release));
        if let Some(release) = unfinished.filter(|release| release.spec.revision == commit.id) {
            self.complete(plan, release).await?;
        }
        let unfinished = unfinished.map(ResourceExt::name_any);
        let decision = due(&Known {
            commit: &commit.id,
            released: made.as_ref().map(|made| made.commit.as_str()),
            unfinished: unfinished.as_deref(),
            suspended: plan.spec.suspend,
            requested: asked.is_some(),
            announced: self.is_announced(&commit.id),
            schedule: timing(plan, &known, Timestamp::now()),
        });
        let mut rest = self.carry_out(plan, &commit, decision).await?;
        if let Some(again) = again {
            rest.pause = rest.pause.min(Rest::until(again).pause);
        }
        Ok(rest)
    }

    async fn carry_out(
        &mut self,
        plan: &ReleasePlan,
        commit: &Commit,
        decision: Decision,
    ) -> Result<Rest, ClusterError> {
        let id = &commit.id;
        let waits = |reason, message| SourceEvent::Waits {
            commit: id.clone(),
            reason,
            message,
        };
        match decision {
            Decision::Known => {
                self.told
                    .healthy(
                        plan,
                        "UpToDate",
                        &format!("commit {} is released", short(id)),
                    )
                    .await?;
                Ok(Rest::long())
            }
            Decision::Suspended => {
                let event = waits("Suspended", "the plan is suspended".to_owned());
                self.told.tell(plan, &event, |_| {}).await?;
                Ok(Rest::long())
            }
            Decision::Held(release) => {
                let event = waits(
                    "ReleaseUnfinished",
                    format!("release `{release}` has not ended"),
                );
                self.told.tell(plan, &event, |_| {}).await?;
                Ok(Rest {
                    release: Some(release),
                    ..Rest::long()
                })
            }
            Decision::At(time) => {
                let words = match time {
                    Some(time) => format!("the schedule's next time is {time}"),
                    None => "the schedule has no further time".to_owned(),
                };
                self.told
                    .tell(plan, &waits("Scheduled", words), |_| {})
                    .await?;
                Ok(time.map_or_else(Rest::long, Rest::until))
            }
            Decision::Release(trigger) => self.release(plan, commit, trigger).await,
        }
    }

    /// Releases a commit, unless it is known that it cannot be.
    async fn release(
        &mut self,
        plan: &ReleasePlan,
        commit: &Commit,
        trigger: Trigger,
    ) -> Result<Rest, ClusterError> {
        let looked = (commit.id.clone(), plan.metadata.generation);
        let before = self
            .refused
            .as_ref()
            .filter(|(refused, _)| *refused == looked);
        if let (Some((_, event)), true) = (before, trigger != Trigger::Manual) {
            let event = event.clone();
            self.told.tell(plan, &event, |_| {}).await?;
            return Ok(Rest::long());
        }
        let event = match self.reader.read(plan, &commit.id).await {
            Err(error) => SourceEvent::Failed {
                reason: error.reason(),
                message: error.to_string(),
            },
            Ok(texts) => self.make(plan, commit, (trigger, texts)).await?,
        };
        self.refused = event.is_warning().then(|| (looked, event.clone()));
        self.tell_made(plan, &event).await?;
        Ok(Rest::long())
    }

    /// Tells what came of a commit, and keeps in the status what need not be done again.
    async fn tell_made(
        &mut self,
        plan: &ReleasePlan,
        event: &SourceEvent,
    ) -> Result<(), ClusterError> {
        let asked = request(plan).cloned();
        let now = Timestamp::now();
        let kept_schedule = plan.spec.schedule.is_some();
        let number = |name: &str| {
            name.rsplit_once('-')
                .and_then(|(_, number)| number.parse().ok())
        };
        self.told
            .tell(plan, event, |status| {
                status.met_request.clone_from(&asked);
                if kept_schedule {
                    status.kept_schedule = Some(Time(now));
                }
                if let SourceEvent::Released { commit, release } = event {
                    status.released = Some(commit.clone());
                    status.number = number(release);
                    status.release = Some(release.clone());
                }
            })
            .await
    }
}

impl Rest {
    /// As long as the interval allows.
    fn long() -> Self {
        Self {
            pause: Duration::MAX,
            release: None,
        }
    }

    fn until(time: Timestamp) -> Self {
        let left = time.duration_since(Timestamp::now());
        Self {
            pause: Duration::try_from(left).unwrap_or(Duration::ZERO),
            release: None,
        }
    }
}

fn interval(git: &GitSource) -> Duration {
    let declared = git.interval.as_deref().and_then(duration::parse);
    declared
        .and_then(|interval| Duration::try_from(interval).ok())
        .unwrap_or(INTERVAL)
}

/// When the plan's schedule allows a release. Times before the plan was made, or before the last one that was kept, are
/// past.
fn timing(plan: &ReleasePlan, known: &SourceStatus, now: Timestamp) -> Timing {
    let Some(schedule) = &plan.spec.schedule else {
        return Timing::AtOnce;
    };
    let Ok(timetable) = Timetable::of(schedule) else {
        return Timing::Later(None);
    };
    let made = plan.creation_timestamp().map_or(now, |time| time.0);
    let since = known
        .kept_schedule
        .as_ref()
        .map_or(made, |time| time.0.max(made));
    match timetable.last_between(since, now) {
        Some(time) => Timing::Come(time),
        None => Timing::Later(timetable.next_after(now)),
    }
}

async fn until_ended(releases: &Releases, name: &str) {
    loop {
        tokio::time::sleep(ENDED_EVERY).await;
        match releases.get(name).await {
            Ok(release) if !has_ended(&release) => {}
            Ok(_) => return,
            Err(error) if error.is_absent() => return,
            Err(_) => {}
        }
    }
}
