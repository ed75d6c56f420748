//! One controller process in a simulated cluster: the [`World`] that the loop drives.
//!
//! Every call takes time, before and after it has its effect; in between everything else goes on. A process goes on
//! only when its time has come: [`super::run`] polls it then.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::chance::Chance;
use super::cluster::Cluster;
use super::dry::only_look;
use super::faults::{Fault, Faults};
use super::oracle::was_saved;
use super::scenario::Scenario;
use super::sequel::Next;
use super::sight::{look, wanted};
use crate::controller::{Loaded, Rival, Saved, Survey, World, WorldError};
use tidegate_manifest::Bundle;
use tidegate_spec::crd::{Control, Planning, ReleaseStatus};
use tidegate_upgrade::{Action, Agenda, Event, Observation, Outcome, State, Wish, status};

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
    /// A newer release that is to take its place, and since when.
    pub(super) superseded_by: Option<String>,
    pub(super) superseded_at: Option<Timestamp>,
    /// Goes up with every write of it.
    pub(super) version: u64,
    /// Goes up with every write of where it stands.
    pub(super) status_version: u64,
    pub(super) is_published: bool,
    /// Whether a release was made that brings it back.
    pub(super) is_brought_back: bool,
    /// An older release, for whose sake it must not begin.
    pub(super) rival: Option<String>,
    /// When somebody said that it is to start nothing more, for now or ever.
    pub(super) stopped_at: Option<Timestamp>,
}

/// One release: what is released, and where it stands.
pub(super) struct Kept {
    pub(super) scenario: Scenario,
    pub(super) filed: Filed,
}

impl Kept {
    /// One that has not begun.
    pub(super) fn of(scenario: Scenario) -> Self {
        Self {
            scenario,
            filed: Filed::default(),
        }
    }
}

/// Everything that processes share.
pub(super) struct Shared {
    pub(super) cluster: Cluster,
    /// The releases, the newest last; never empty.
    pub(super) releases: Vec<Kept>,
    /// What the newer release is to be, while there is none.
    pub(super) next: Option<Box<Next>>,
    /// The faults that may strike now.
    pub(super) faults: Faults,
    /// The processes that have died.
    pub(super) dead: BTreeSet<usize>,
}

impl Shared {
    /// The cluster, and a release by its place.
    fn parts(&self, release: usize) -> (&Cluster, &Kept) {
        let newest = self.releases.len().saturating_sub(1);
        #[expect(
            clippy::indexing_slicing,
            reason = "there is always a first release, and none is ever taken away"
        )]
        let kept = &self.releases[release.min(newest)];
        (&self.cluster, kept)
    }
}

/// Takes hold of what is shared.
pub(super) fn hold(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One process.
pub(super) struct Process {
    pub(super) shared: Arc<Mutex<Shared>>,
    number: usize,
    /// Which release it drives.
    pub(super) release: usize,
    /// Whether it has stood still since it last looked: then it has lost its lease, and knows that before its next write.
    pub(super) stood_still: bool,
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
    pub(super) fn start(shared: &Arc<Mutex<Shared>>, release: usize) -> Self {
        let mut held = hold(shared);
        let number = held.cluster.join();
        let chance = held.cluster.chance.fork();
        drop(held);
        Self {
            release,
            ..Self::beside(shared, number, chance)
        }
    }

    /// One that no watch shows anything, and that draws from nobody's stream of chance but its own.
    pub(super) fn beside(shared: &Arc<Mutex<Shared>>, number: usize, chance: Chance) -> Self {
        Self {
            shared: Arc::clone(shared),
            number,
            release: 0,
            stood_still: false,
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

    /// The way to the API server, which answers one after the other.
    pub(super) async fn queue(&mut self) {
        let queued = {
            let mut shared = hold(&self.shared);
            let cluster = &mut shared.cluster;
            let (queued, wrong) = cluster.turns.call(self.number, cluster.now);
            cluster.judge.wrong.extend(wrong);
            queued
        };
        let travel = self.chance.between_ms(1, 15);
        self.nap(queued.saturating_add(travel)).await;
    }

    /// Sleeps until then, or until it is time to look in any case.
    pub(super) async fn sleep(&mut self, until: Option<Timestamp>) {
        let now = hold(&self.shared).cluster.now;
        let pause = until.map_or(SAFETY_POLL, |until| until.duration_since(now));
        self.nap(pause.min(SAFETY_POLL)).await;
    }

    /// Whether a fault strikes now.
    pub(super) fn strikes(&mut self, fault: Fault) -> bool {
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
    pub(super) async fn call<T>(
        &mut self,
        effect: impl FnOnce(&mut Shared) -> T,
    ) -> Result<T, String> {
        self.queue().await;
        let stands_still = self.strikes(Fault::Frozen);
        if stands_still {
            self.stood_still = true;
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
        let value = {
            let mut shared = hold(&self.shared);
            // The very call in which it stood still cannot be taken back.
            shared.cluster.is_late_call = stands_still;
            let value = effect(&mut shared);
            shared.cluster.is_late_call = false;
            value
        };
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
}

impl Process {
    /// A call that only looks.
    async fn look<T>(
        &mut self,
        verb: &'static str,
        effect: impl FnOnce(&mut Shared) -> T,
    ) -> Result<T, WorldError> {
        let answer = self.call(|shared| only_look(shared, verb, effect)).await;
        answer.map_err(WorldError::Unreachable)
    }
}

impl World for Process {
    async fn load(&mut self) -> Result<Loaded, WorldError> {
        let release = self.release;
        let loaded = self.look("load", |shared| {
            let (cluster, kept) = shared.parts(release);
            let filed = &kept.filed;
            let newer = filed.superseded_by.clone().map(Rival::Newer);
            let loaded = Loaded {
                status: filed.status.clone(),
                bundle: kept.scenario.bundle.clone(),
                plan_digest: None,
                planning: Planning::default(),
                wanted: wanted(kept),
                built: Vec::new(),
                rival: newer.or_else(|| filed.rival.clone().map(Rival::Older)),
                now: cluster.now,
            };
            (loaded, filed.version, filed.status_version)
        });
        let (loaded, version, status_version) = loaded.await?;
        self.version = version;
        self.status_version = status_version;
        Ok(loaded)
    }

    async fn survey(&mut self, _bundle: &Bundle) -> Result<Survey, WorldError> {
        let release = self.release;
        let survey = self.look("survey", |shared| {
            let (cluster, kept) = shared.parts(release);
            cluster.survey(&kept.scenario)
        });
        survey.await
    }

    async fn observe(
        &mut self,
        agenda: &Agenda,
        state: &State,
        wish: &Wish,
    ) -> Result<Observation, WorldError> {
        let (number, release) = (self.number, self.release);
        let seen = self.look("observe", |shared| {
            let (cluster, kept) = shared.parts(release);
            let Filed {
                version,
                status_version,
                ..
            } = kept.filed;
            let seen = look((cluster, kept), number, agenda, state, wish);
            (seen, version, status_version)
        });
        let (seen, version, status_version) = seen.await?;
        self.stood_still = false;
        if status_version == self.status_version {
            // Only what people ask was changed, and that was just seen.
            self.version = version;
        }
        Ok(seen)
    }

    async fn save(&mut self, agenda: &Agenda, state: &State) -> Result<Saved, WorldError> {
        let pauses = self.strikes(Fault::Paused);
        let (known, release) = (self.version, self.release);
        let saved = self.call(|shared| {
            let Shared {
                cluster, releases, ..
            } = shared;
            let Some(Kept { scenario, filed }) = releases.get_mut(release) else {
                return Err(WorldError::Conflict);
            };
            let now = cluster.now;
            if pauses {
                filed.control.pause = true;
                filed.stopped_at.get_or_insert(now);
                filed.version += 1;
            }
            if filed.version != known {
                return Err(WorldError::Conflict);
            }
            let before = std::mem::take(&mut filed.status);
            filed.status = status::to_status(agenda, state, 1, &before.conditions, now);
            filed.version += 1;
            filed.status_version += 1;
            was_saved(cluster, scenario, filed, &before);
            if filed.status.outcome.is_some() {
                cluster.over.insert(release);
            }
            cluster
                .journal
                .note(now, &format!("saved {}", filed.status.summary));
            Ok((filed.version, filed.status_version))
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
            let (number, words) = (self.number, event.sentence());
            let line = format!("controller {number}: {}: {words}", event.reason());
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
