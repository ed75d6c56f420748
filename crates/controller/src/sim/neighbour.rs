//! A release of another plan in the same controller, with something bad in it: it must delay nobody (L5 of reliability.md).
//!
//! In: what is bad. The loop runs over it as over any other; nothing of what it asks is ever done.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::chance::Chance;
use super::process::{Kept, Process, Shared, hold};
use super::run::Driven;
use super::scenario::Scenario;
use super::sight::{look, wanted};
use crate::controller::{Loaded, Saved, Survey, World, WorldError, drive};
use tidegate_manifest::Bundle;
use tidegate_spec::crd::{Planning, ReleaseStatus, WaveStatus};
use tidegate_upgrade::gate::{LiveRevision, Unreadable};
use tidegate_upgrade::{
    ActFailure, Action, Agenda, Event, Observation, Outcome, State, Wish, status,
};

/// The number of its controller, far above those of the others.
pub(super) const NEIGHBOUR: usize = usize::MAX;

/// What is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Poison {
    /// The API server refuses every call about it.
    Refused,
    /// Somebody else writes it before each of its own writes.
    Contested,
    /// What is kept of it cannot be read.
    Unreadable,
    /// Its pods say of themselves what nobody can read, and none of its workloads is ever shown.
    Strange,
}

impl Poison {
    const ALL: [Self; 4] = [
        Self::Refused,
        Self::Contested,
        Self::Unreadable,
        Self::Strange,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Refused => "is refused",
            Self::Contested => "is contested",
            Self::Unreadable => "cannot be read",
            Self::Strange => "has strange pods",
        }
    }
}

/// The loop over it.
pub(super) struct Neighbour {
    poison: Poison,
    driven: Option<Driven>,
}

impl Neighbour {
    /// One with something bad, as chance has it.
    pub(super) fn of(shared: &Arc<Mutex<Shared>>, scenario: &Scenario, seed: u64) -> Self {
        let mut chance = Chance::of(seed);
        let poison = chance.one_of(&Poison::ALL).copied();
        let poison = poison.unwrap_or(Poison::Refused);
        let mut side = Side {
            process: Process::beside(shared, NEIGHBOUR, chance),
            kept: Kept::of(scenario.clone()),
            poison,
        };
        let driven: Driven = Box::pin(async move { drive(&mut side).await });
        Self {
            poison,
            driven: Some(driven),
        }
    }

    /// Lets it go on. Out: that it brings the controller down, if it does.
    pub(super) fn go_on(&mut self) -> Option<String> {
        let driven = self.driven.as_mut()?;
        let mut context = Context::from_waker(Waker::noop());
        let polled = catch_unwind(AssertUnwindSafe(|| driven.as_mut().poll(&mut context)));
        match polled {
            Ok(Poll::Pending) => None,
            Ok(Poll::Ready(_)) => {
                self.driven = None;
                None
            }
            Err(_) => {
                self.driven = None;
                let why = self.poison.word();
                Some(format!(
                    "L5: a release that {why} brings the controller down"
                ))
            }
        }
    }
}

/// The world that is shown to the loop.
struct Side {
    process: Process,
    kept: Kept,
    poison: Poison,
}

impl Side {
    async fn call(&mut self) -> Result<(), WorldError> {
        self.process.queue().await;
        match self.poison {
            Poison::Refused => Err(WorldError::Unreachable("refused".to_owned())),
            Poison::Contested | Poison::Unreadable | Poison::Strange => Ok(()),
        }
    }

    fn now(&self) -> Timestamp {
        hold(&self.process.shared).cluster.now
    }
}

/// A status that nobody has written.
fn unreadable() -> ReleaseStatus {
    let wave = WaveStatus {
        index: u32::MAX,
        ..WaveStatus::default()
    };
    ReleaseStatus {
        outcome: Some("Perhaps".to_owned()),
        waves: vec![wave],
        ..ReleaseStatus::default()
    }
}

impl World for Side {
    async fn load(&mut self) -> Result<Loaded, WorldError> {
        self.call().await?;
        let status = match self.poison {
            Poison::Unreadable => unreadable(),
            Poison::Refused | Poison::Contested | Poison::Strange => self.kept.filed.status.clone(),
        };
        Ok(Loaded {
            status,
            bundle: self.kept.scenario.bundle.clone(),
            plan_digest: None,
            planning: Planning::default(),
            wanted: wanted(&self.kept),
            built: Vec::new(),
            rival: None,
            now: self.now(),
        })
    }

    async fn survey(&mut self, _bundle: &Bundle) -> Result<Survey, WorldError> {
        self.call().await?;
        let shared = hold(&self.process.shared);
        let mut survey = shared.cluster.survey(&self.kept.scenario);
        if self.poison == Poison::Strange {
            let strange = LiveRevision {
                hash: "\u{0}".to_owned(),
                contract: Some("{\"serves\": [\u{0}".to_owned()),
                pods: vec![String::new()],
                is_current: true,
                images: String::new(),
            };
            for surveyed in survey.services.values_mut() {
                surveyed.live.push(strange.clone());
            }
        }
        Ok(survey)
    }

    async fn observe(
        &mut self,
        agenda: &Agenda,
        state: &State,
        wish: &Wish,
    ) -> Result<Observation, WorldError> {
        self.call().await?;
        let shared = hold(&self.process.shared);
        let world = (&shared.cluster, &self.kept);
        let mut seen = look(world, NEIGHBOUR, agenda, state, wish);
        if self.poison == Poison::Strange {
            let looks = seen.snapshots.values_mut().flatten();
            for (workload, snapshot) in looks {
                snapshot.unreadable.push(Unreadable {
                    object: workload.clone(),
                    metadata: ObjectMeta::default(),
                    fault: "metadata.annotations: \u{0}".to_owned(),
                });
            }
        }
        Ok(seen)
    }

    async fn save(&mut self, agenda: &Agenda, state: &State) -> Result<Saved, WorldError> {
        self.call().await?;
        if self.poison == Poison::Contested {
            return Err(WorldError::Conflict);
        }
        let now = self.now();
        let filed = &mut self.kept.filed;
        filed.status = status::to_status(agenda, state, 1, &filed.status.conditions, now);
        Ok(Saved::after_saving())
    }

    async fn act(&mut self, _saved: &Saved, actions: &[Action]) -> Vec<Outcome> {
        let failed = actions.iter().map(|action| Outcome {
            action: action.clone(),
            result: Err(ActFailure::Unreachable {
                object: Scenario::graph_object(),
                message: "refused".to_owned(),
            }),
        });
        failed.collect()
    }

    async fn tell(&mut self, _events: &[Event]) {}

    async fn rest(&mut self, pause: Duration) {
        self.process.rest(pause).await;
    }

    async fn wait(&mut self, until: Option<Timestamp>) -> Result<(), WorldError> {
        self.process.sleep(until).await;
        Ok(())
    }
}
