//! One process that drives the release of a [`Cluster`], with the faults of one run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use super::cluster::{Cluster, start};
use crate::controller::{Loaded, Saved, Survey, World, WorldError, drive};
use tidegate_manifest::Bundle;
use tidegate_spec::ObjectRef;
use tidegate_upgrade::gate::{Applied, Read};
use tidegate_upgrade::{
    ActFailure, Action, Agenda, Asked, Ending, Event, Observation, Outcome, State, Wanted, Wish,
    status,
};

/// What goes wrong, at the call of that number from 1. A call is one of the world's, or one write of `act`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// The process dies before the call.
    CrashBefore(usize),
    /// The process dies after the call has had its effect.
    CrashAfter(usize),
    /// No answer, and nothing happened.
    Lost(usize),
    /// No answer, and it happened all the same.
    Late(usize),
    /// A user pauses the release right before the save of that number, and resumes it later.
    PauseAtSave(usize),
    /// Somebody else writes each object once, right before it is written here for the first time.
    Moved,
    /// A user sets a service back to what it was, right after the first survey.
    Undone(&'static str),
    /// The process stands still before the call until the release has ended without it.
    Frozen(usize),
}

/// More calls than these are a hot loop.
const CALLS_MAX: usize = 3_000;

pub(super) struct Driver {
    pub(super) cluster: Arc<Mutex<Cluster>>,
    fault: Fault,
    pub(super) calls: usize,
    /// Those of the calls that change something outside.
    pub(super) effects: Vec<usize>,
    crashed: Arc<Notify>,
    release_version: u64,
    touched: BTreeSet<ObjectRef>,
    /// Where others may run in between; 0: nowhere.
    seed: u64,
}

impl Driver {
    pub(super) fn of(cluster: &Arc<Mutex<Cluster>>, fault: Fault) -> Self {
        Self {
            cluster: Arc::clone(cluster),
            fault,
            calls: 0,
            effects: Vec::new(),
            crashed: Arc::new(Notify::new()),
            release_version: 0,
            touched: BTreeSet::new(),
            seed: 0,
        }
    }

    /// Lets others run in between, each seed elsewhere.
    pub(super) fn interleaved(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Drives to the end; `None`: it crashed.
    pub(super) async fn run(&mut self) -> Option<Result<Ending, WorldError>> {
        let crashed = Arc::clone(&self.crashed);
        tokio::select! {
            biased;
            result = drive(self) => Some(result),
            () = crashed.notified() => None,
        }
    }

    fn with<T>(&self, what: impl FnOnce(&mut Cluster) -> T) -> T {
        what(&mut self.cluster.lock().expect("nobody panicked"))
    }

    async fn give_way(&mut self) {
        for _ in 0..self.roll() {
            tokio::task::yield_now().await;
        }
    }

    fn roll(&mut self) -> u64 {
        if self.seed == 0 {
            return 0;
        }
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed % 4
    }

    /// The beginning of a call; `Err`: it does not happen.
    async fn begin(&mut self) -> Result<(), String> {
        self.calls += 1;
        assert!(self.calls < CALLS_MAX, "a hot loop: {} calls", self.calls);
        self.give_way().await;
        if self.fault == Fault::Frozen(self.calls) {
            while self.with(|cluster| cluster.status.outcome.is_none()) {
                tokio::task::yield_now().await;
            }
        }
        if self.fault == Fault::CrashBefore(self.calls) {
            self.crash().await;
        }
        if self.fault == Fault::Lost(self.calls) {
            return Err("no answer".to_owned());
        }
        Ok(())
    }

    /// The end of a call; `Err`: nobody hears of it.
    async fn end(&mut self) -> Result<(), String> {
        if self.fault == Fault::CrashAfter(self.calls) {
            self.crash().await;
        }
        if self.fault == Fault::Late(self.calls) {
            return Err("no answer in time".to_owned());
        }
        self.give_way().await;
        Ok(())
    }

    async fn crash(&mut self) {
        self.crashed.notify_one();
        std::future::pending::<()>().await;
    }

    async fn act_one(&mut self, action: &Action) -> Outcome {
        let result = match action {
            Action::ApplyShared { writes } | Action::Apply { service: _, writes } => {
                self.apply_all(writes).await
            }
            Action::RemoveWorkloads {
                service: _,
                objects,
            }
            | Action::RemoveRest {
                service: _,
                objects,
            }
            | Action::RemoveLeftover { objects } => self.remove_all(objects).await,
            Action::RollBack { services: _ } => {
                self.one(&shared(), |_| Ok(())).await.map(|()| Vec::new())
            }
            // Nothing is built or paused here: no frozen input of a simulation has a recipe, or asks for a pause.
            Action::Build { .. }
            | Action::BeginBuild { .. }
            | Action::CancelBuild { .. }
            | Action::Pause { .. } => Ok(Vec::new()),
            Action::Publish { held_out } => self
                .one(&shared(), |cluster| {
                    cluster.held_out.clone_from(held_out);
                    cluster.is_published = true;
                    Ok(())
                })
                .await
                .map(|()| Vec::new()),
        };
        Outcome {
            action: action.clone(),
            result,
        }
    }

    /// One write with its faults.
    async fn one<T>(
        &mut self,
        object: &ObjectRef,
        write: impl FnOnce(&mut Cluster) -> Result<T, ActFailure>,
    ) -> Result<T, ActFailure> {
        let lost = |message: String| ActFailure::Unreachable {
            object: object.clone(),
            message,
        };
        self.begin().await.map_err(lost)?;
        self.effects.push(self.calls);
        if self.fault == Fault::Moved && self.touched.insert(object.clone()) {
            self.with(|cluster| cluster.touch(object));
        }
        let result = self.with(|cluster| {
            let sent = cluster.after(20);
            cluster.pass_to(sent);
            write(cluster)
        });
        self.end().await.map_err(lost)?;
        result
    }

    async fn apply_all(
        &mut self,
        writes: &[tidegate_upgrade::Write],
    ) -> Result<Vec<(ObjectRef, Applied)>, ActFailure> {
        let mut applied = Vec::new();
        for write in writes {
            applied.extend(
                self.one(&write.object, |cluster| cluster.apply(write))
                    .await?,
            );
        }
        Ok(applied)
    }

    async fn remove_all(
        &mut self,
        objects: &[ObjectRef],
    ) -> Result<Vec<(ObjectRef, Applied)>, ActFailure> {
        for object in objects {
            self.one(object, |cluster| {
                cluster.remove(object);
                Ok(())
            })
            .await?;
        }
        Ok(Vec::new())
    }
}

fn shared() -> ObjectRef {
    super::objects::object("tidegate.dev/v1alpha1", "ServiceGraph", "shop")
}

/// What people ask.
fn wanted(cluster: &Cluster) -> Wanted {
    Wanted {
        pause: cluster.control.pause,
        abort: cluster.control.abort,
        approvals: cluster.control.approvals.clone(),
        ..Wanted::default()
    }
}

/// What a turn sees, by the rules of the real world.
fn look(cluster: &Cluster, agenda: &Agenda, state: &State, wish: &Wish) -> Observation {
    let asked = Asked::of(agenda, state, wish, cluster.now);
    let live = asked.live.into_iter().map(|step| (step, Read::Live));
    let shown = asked.cached.into_iter().map(|step| (step, Read::Cached));
    Observation {
        now: cluster.now,
        wanted: wanted(cluster),
        snapshots: live
            .chain(shown)
            .filter_map(|(name, read)| {
                let workloads = &agenda.members.get(&name)?.belongings.workloads;
                let each = workloads
                    .iter()
                    .map(|workload| (workload.clone(), cluster.snapshot(&workload.name, read)));
                Some((name, each.collect()))
            })
            .collect(),
        prepared: asked
            .objects
            .into_iter()
            .map(|object| {
                let prepared = cluster.look_at(&object, &asked.held);
                (object, prepared)
            })
            .collect(),
        builds: BTreeMap::new(),
        outcomes: Vec::new(),
    }
}

impl World for Driver {
    async fn load(&mut self) -> Result<Loaded, WorldError> {
        self.begin().await.map_err(WorldError::Unreachable)?;
        let (loaded, version) = self.with(|cluster| {
            let loaded = Loaded {
                status: cluster.status.clone(),
                bundle: cluster.bundle().clone(),
                planning: cluster.planning.clone(),
                plan_digest: cluster.plan_digest.clone(),
                wanted: wanted(cluster),
                built: Vec::new(),
                rival: cluster.rival.clone(),
                now: cluster.now,
            };
            (loaded, cluster.release_version)
        });
        self.release_version = version;
        self.end().await.map_err(WorldError::Unreachable)?;
        Ok(loaded)
    }

    async fn survey(&mut self, _bundle: &Bundle) -> Result<Survey, WorldError> {
        self.begin().await.map_err(WorldError::Unreachable)?;
        let survey = self.with(|cluster| cluster.survey());
        if let Fault::Undone(service) = self.fault {
            self.fault = Fault::None;
            self.with(|cluster| cluster.undo(service));
        }
        self.end().await.map_err(WorldError::Unreachable)?;
        Ok(survey)
    }

    async fn observe(
        &mut self,
        agenda: &Agenda,
        state: &State,
        wish: &Wish,
    ) -> Result<Observation, WorldError> {
        self.begin().await.map_err(WorldError::Unreachable)?;
        let seen = self.with(|cluster| {
            let seen = look(cluster, agenda, state, wish);
            let read = cluster.after(5);
            cluster.pass_to(read);
            seen
        });
        self.end().await.map_err(WorldError::Unreachable)?;
        Ok(seen)
    }

    async fn save(&mut self, agenda: &Agenda, state: &State) -> Result<Saved, WorldError> {
        self.begin().await.map_err(WorldError::Unreachable)?;
        self.effects.push(self.calls);
        let (fault, known) = (self.fault, self.release_version);
        let saved = self.with(|cluster| {
            cluster.saves += 1;
            if fault == Fault::PauseAtSave(cluster.saves) {
                cluster.control.pause = true;
                cluster.release_version += 1;
            }
            if cluster.release_version != known {
                return Err(WorldError::Conflict);
            }
            assert_eq!(
                cluster.status.outcome, None,
                "a release that has ended is never saved again"
            );
            let before = &cluster.status.conditions;
            cluster.status = status::to_status(agenda, state, 1, before, cluster.now);
            cluster.release_version += 1;
            Ok(cluster.release_version)
        });
        if let Ok(version) = saved {
            self.release_version = version;
        }
        self.end().await.map_err(WorldError::Unreachable)?;
        saved.map(|_| Saved::after_saving())
    }

    async fn act(&mut self, _saved: &Saved, actions: &[Action]) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for action in actions {
            outcomes.push(self.act_one(action).await);
        }
        outcomes
    }

    async fn tell(&mut self, events: &[Event]) {
        // Who does not hear of it does not matter.
        drop(self.begin().await);
        self.with(|cluster| {
            let told = events.iter().map(|event| event.reason().to_owned());
            cluster.told.extend(told);
        });
        drop(self.end().await);
    }

    async fn rest(&mut self, pause: Duration) {
        tokio::time::sleep(pause).await;
    }

    async fn wait(&mut self, until: Option<Timestamp>) -> Result<(), WorldError> {
        self.begin().await.map_err(WorldError::Unreachable)?;
        self.with(|cluster| {
            let net = cluster.after(10_000);
            cluster.wait(until.map_or(net, |until| until.min(net)));
            let passed = cluster.now.duration_since(start());
            assert!(passed < SignedDuration::from_hours(1), "it never ends");
            if cluster.control.pause {
                cluster.pass_to(net);
                cluster.control.pause = false;
            }
        });
        self.end().await.map_err(WorldError::Unreachable)
    }
}
