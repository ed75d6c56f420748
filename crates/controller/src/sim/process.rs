//! One controller process in a simulated cluster: the [`World`] that the loop drives.
//!
//! Every call takes time, before and after it has its effect; in between everything else goes on. A process goes on
//! only when its time has come: [`super::run`] polls it then.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::chance::Chance;
use super::cluster::Cluster;
use super::faults::{Fault, Faults};
use super::scenario::Scenario;
use crate::controller::{Loaded, Rival, Saved, Survey, World, WorldError};
use tidegate_manifest::Bundle;
use tidegate_spec::ObjectRef;
use tidegate_spec::crd::{Control, Planning, ReleaseStatus};
use tidegate_upgrade::gate::{Applied, Read};
use tidegate_upgrade::{
    ActFailure, Action, Agenda, Asked, Event, Observation, Outcome, State, Wanted, Wish, status,
};

/// How often a fault strikes: once in so many calls.
const FAULT_ONCE_IN: u32 = 25;
/// How long nobody answers before a call is given up.
const NO_ANSWER_MS: u64 = 5_000;
/// How long a process that stands still does so.
const FROZEN_MS: u64 = 60_000;
/// The loop looks again at least this often.
const SAFETY_POLL: SignedDuration = SignedDuration::from_secs(10);

/// The release as it is kept.
#[derive(Debug, Default)]
pub(super) struct Filed {
    pub(super) status: ReleaseStatus,
    pub(super) control: Control,
    /// A newer release that is to take its place.
    pub(super) superseded_by: Option<String>,
    /// Goes up with every write of it.
    pub(super) version: u64,
    /// Goes up with every write of where it stands.
    pub(super) status_version: u64,
    pub(super) is_published: bool,
    /// Whether a release was made that brings it back.
    pub(super) is_brought_back: bool,
}

/// Everything that processes share.
pub(super) struct Shared {
    pub(super) cluster: Cluster,
    pub(super) filed: Filed,
    pub(super) scenario: Scenario,
    /// The faults that may strike now.
    pub(super) faults: Faults,
    /// The processes that have died.
    pub(super) dead: BTreeSet<usize>,
}

/// Takes hold of what is shared.
pub(super) fn hold(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One process.
pub(super) struct Process {
    shared: Arc<Mutex<Shared>>,
    number: usize,
    /// What it last knew of the release.
    version: u64,
    status_version: u64,
    chance: Chance,
}

/// A pause that ends when the simulated clock says so.
struct Nap<'p> {
    shared: &'p Mutex<Shared>,
    process: usize,
    until: Timestamp,
}

impl Future for Nap<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<()> {
        let mut shared = hold(self.shared);
        if shared.cluster.now >= self.until {
            return Poll::Ready(());
        }
        shared.cluster.wakes.insert(self.process, self.until);
        Poll::Pending
    }
}

/// A pause that also ends when a watch shows something.
struct Watch<'p> {
    nap: Nap<'p>,
    begun: bool,
}

impl Future for Watch<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<()> {
        let (number, until) = (self.nap.process, self.nap.until);
        let mut shared = hold(self.nap.shared);
        let cluster = &mut shared.cluster;
        let is_shown = self.begun && !cluster.watching.contains(&number);
        if is_shown || cluster.now >= until {
            cluster.watching.remove(&number);
            return Poll::Ready(());
        }
        cluster.watching.insert(number);
        cluster.wakes.insert(number, until);
        drop(shared);
        self.begun = true;
        Poll::Pending
    }
}

impl Process {
    /// A process that has just started.
    pub(super) fn start(shared: &Arc<Mutex<Shared>>) -> Self {
        let mut held = hold(shared);
        let number = held.cluster.join();
        let chance = held.cluster.chance.fork();
        drop(held);
        Self {
            shared: Arc::clone(shared),
            number,
            version: 0,
            status_version: 0,
            chance,
        }
    }

    /// Its number.
    pub(super) fn number(&self) -> usize {
        self.number
    }

    async fn nap(&mut self, pause: SignedDuration) {
        let until = hold(&self.shared).cluster.after(pause);
        Nap {
            shared: &self.shared,
            process: self.number,
            until,
        }
        .await;
    }

    async fn travel(&mut self) {
        let pause = self.chance.between_ms(1, 15);
        self.nap(pause).await;
    }

    /// Whether a fault strikes now.
    fn strikes(&mut self, fault: Fault) -> bool {
        let is_on = hold(&self.shared).faults.has(fault);
        let strikes = is_on && self.chance.once_in(FAULT_ONCE_IN);
        if strikes {
            hold(&self.shared).cluster.journal.reach(fault.word());
        }
        strikes
    }

    async fn die(&mut self) {
        {
            let mut shared = hold(&self.shared);
            let (now, number) = (shared.cluster.now, self.number);
            shared
                .cluster
                .journal
                .note(now, &format!("controller {number} dies"));
            shared.dead.insert(number);
        }
        std::future::pending::<()>().await;
    }

    /// One call: on its way, its effect, its answer. `Err`: no answer, whether it had an effect or not.
    async fn call<T>(&mut self, effect: impl FnOnce(&mut Shared) -> T) -> Result<T, String> {
        self.travel().await;
        if self.strikes(Fault::Frozen) {
            self.nap(SignedDuration::from_millis(
                i64::try_from(FROZEN_MS).unwrap_or(0),
            ))
            .await;
        }
        if self.strikes(Fault::Crash) {
            self.die().await;
        }
        if self.strikes(Fault::Lost) {
            let pause = self.chance.between_ms(1, NO_ANSWER_MS);
            self.nap(pause).await;
            return Err("no answer".to_owned());
        }
        let value = effect(&mut hold(&self.shared));
        if self.strikes(Fault::Crash) {
            self.die().await;
        }
        let is_late = self.strikes(Fault::Late);
        if is_late {
            let pause = self.chance.between_ms(1, NO_ANSWER_MS);
            self.nap(pause).await;
            return Err("no answer in time".to_owned());
        }
        self.travel().await;
        Ok(value)
    }

    /// One write of an object.
    async fn write<T: Send>(
        &mut self,
        object: &ObjectRef,
        effect: impl FnOnce(&mut Shared) -> Result<T, ActFailure> + Send,
    ) -> Result<T, ActFailure> {
        if self.strikes(Fault::Touched) {
            hold(&self.shared).cluster.touch(object);
        }
        let answer = self.call(effect).await;
        answer.unwrap_or_else(|message| {
            Err(ActFailure::Unreachable {
                object: object.clone(),
                message,
            })
        })
    }

    async fn act_one(&mut self, action: &Action) -> Outcome {
        let result = match action {
            Action::ApplyShared { writes } | Action::Apply { service: _, writes } => {
                let mut applied = Vec::new();
                let mut failed = None;
                for write in writes {
                    let result = self
                        .write(&write.object, |shared| {
                            shared.cluster.apply(&shared.scenario, write)
                        })
                        .await;
                    match result {
                        Ok(record) => applied.extend(record),
                        Err(failure) => {
                            failed = Some(failure);
                            break;
                        }
                    }
                }
                failed.map_or(Ok(applied), Err)
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
                let graph = hold(&self.shared).scenario.graph_object();
                let made = self.write(&graph, |shared| {
                    shared.filed.is_brought_back = true;
                    Ok(())
                });
                made.await.map(|()| Vec::new())
            }
            // Nothing is built or paused here: no frozen input of a simulation has a recipe, or asks for a pause.
            Action::Build { .. }
            | Action::BeginBuild { .. }
            | Action::CancelBuild { .. }
            | Action::Pause { .. } => Ok(Vec::new()),
            Action::Publish { held_out: _ } => {
                let graph = hold(&self.shared).scenario.graph_object();
                let published = self.write(&graph, |shared| {
                    shared.filed.is_published = true;
                    Ok(())
                });
                published.await.map(|()| Vec::new())
            }
        };
        Outcome {
            action: action.clone(),
            result,
        }
    }

    async fn remove_all(
        &mut self,
        objects: &[ObjectRef],
    ) -> Result<Vec<(ObjectRef, Applied)>, ActFailure> {
        for object in objects {
            self.write(object, |shared| {
                shared.cluster.remove(object);
                Ok(())
            })
            .await?;
        }
        Ok(Vec::new())
    }
}

/// What people ask.
fn wanted(shared: &Shared) -> Wanted {
    let control = &shared.filed.control;
    Wanted {
        pause: control.pause,
        abort: control.abort,
        reason: None,
        approvals: control.approvals.clone(),
        retries: control.retries.clone(),
        forces: control.forces.clone(),
        freeze: shared.scenario.bundle.plan.freeze.clone(),
        superseded_by: shared.filed.superseded_by.clone(),
    }
}

/// What a turn sees, by the rules of the real world.
fn look(
    shared: &Shared,
    number: usize,
    agenda: &Agenda,
    state: &State,
    wish: &Wish,
) -> Observation {
    let cluster = &shared.cluster;
    let asked = Asked::of(agenda, state, wish, cluster.now);
    let live = asked.live.into_iter().map(|step| (step, Read::Live));
    let shown = asked.cached.into_iter().map(|step| (step, Read::Cached));
    let cached = cluster
        .watchers
        .get(number)
        .map(|watcher| Arc::clone(&watcher.view))
        .unwrap_or_default();
    Observation {
        now: cluster.now,
        wanted: wanted(shared),
        snapshots: live
            .chain(shown)
            .filter_map(|(name, read)| {
                let view = match read {
                    Read::Live | Read::File => &cluster.view,
                    Read::Cached => &*cached,
                };
                let judged = agenda.members.get(&name)?.judged();
                let looks = judged
                    .map(|workload| (workload.clone(), view.look(workload, read, cluster.now)));
                Some((name, looks.collect()))
            })
            .collect(),
        prepared: asked
            .objects
            .into_iter()
            .map(|object| {
                let prepared = cluster.rehearse(&shared.scenario, &object);
                (object, prepared)
            })
            .collect(),
        builds: BTreeMap::new(),
        outcomes: Vec::new(),
    }
}

impl World for Process {
    async fn load(&mut self) -> Result<Loaded, WorldError> {
        let loaded = self.call(|shared| {
            let loaded = Loaded {
                status: shared.filed.status.clone(),
                bundle: shared.scenario.bundle.clone(),
                plan_digest: None,
                planning: Planning::default(),
                wanted: wanted(shared),
                built: Vec::new(),
                rival: shared.filed.superseded_by.clone().map(Rival::Newer),
                now: shared.cluster.now,
            };
            (loaded, shared.filed.version, shared.filed.status_version)
        });
        let (loaded, version, status_version) = loaded.await.map_err(WorldError::Unreachable)?;
        self.version = version;
        self.status_version = status_version;
        Ok(loaded)
    }

    async fn survey(&mut self, _bundle: &Bundle) -> Result<Survey, WorldError> {
        let survey = self.call(|shared| shared.cluster.survey(&shared.scenario));
        survey.await.map_err(WorldError::Unreachable)
    }

    async fn observe(
        &mut self,
        agenda: &Agenda,
        state: &State,
        wish: &Wish,
    ) -> Result<Observation, WorldError> {
        let number = self.number;
        let seen = self.call(|shared| {
            let Filed {
                version,
                status_version,
                ..
            } = shared.filed;
            (
                look(shared, number, agenda, state, wish),
                version,
                status_version,
            )
        });
        let (seen, version, status_version) = seen.await.map_err(WorldError::Unreachable)?;
        if status_version == self.status_version {
            // Only what people ask was changed, and that was just seen.
            self.version = version;
        }
        Ok(seen)
    }

    async fn save(&mut self, agenda: &Agenda, state: &State) -> Result<Saved, WorldError> {
        let pauses = self.strikes(Fault::Paused);
        let known = self.version;
        let saved = self.call(|shared| {
            if pauses {
                shared.filed.control.pause = true;
                shared.filed.version += 1;
            }
            if shared.filed.version != known {
                return Err(WorldError::Conflict);
            }
            let before = std::mem::take(&mut shared.filed.status);
            let now = shared.cluster.now;
            shared.filed.status = status::to_status(agenda, state, 1, &before.conditions, now);
            shared.cluster.journal.ways(&before, &shared.filed.status);
            shared.filed.version += 1;
            shared.filed.status_version += 1;
            if shared.filed.status.outcome.is_some() {
                shared.cluster.is_over = true;
            }
            shared
                .cluster
                .journal
                .note(now, &format!("saved {}", shared.filed.status.summary));
            Ok((shared.filed.version, shared.filed.status_version))
        });
        (self.version, self.status_version) = saved.await.map_err(WorldError::Unreachable)??;
        Ok(Saved::after_saving())
    }

    async fn act(&mut self, _saved: &Saved, actions: &[Action]) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for action in actions {
            outcomes.push(self.act_one(action).await);
        }
        outcomes
    }

    async fn tell(&mut self, events: &[Event]) {
        let mut shared = hold(&self.shared);
        let now = shared.cluster.now;
        for event in events {
            shared.cluster.journal.reach(event.reason());
            if let Event::Waits { reason, .. } | Event::ServiceFailed { reason, .. } = event {
                shared.cluster.journal.reach(reason);
            }
            let line = format!("controller {}: {}", self.number, event.reason());
            shared.cluster.journal.note(now, &line);
        }
    }

    async fn wait(&mut self, until: Option<Timestamp>) -> Result<(), WorldError> {
        if self.strikes(Fault::Stale) {
            hold(&self.shared).cluster.stall(self.number);
        }
        let net = hold(&self.shared).cluster.after(SAFETY_POLL);
        let nap = Nap {
            shared: &self.shared,
            process: self.number,
            until: until.map_or(net, |until| until.min(net)),
        };
        Watch { nap, begun: false }.await;
        Ok(())
    }

    async fn rest(&mut self, pause: Duration) {
        self.nap(SignedDuration::try_from(pause).unwrap_or(SAFETY_POLL))
            .await;
    }
}
