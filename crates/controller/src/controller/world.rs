//! The one seam: everything outside the pure core.

use std::time::Duration;

use jiff::Timestamp;

use super::survey::Survey;
use tidegate_build::Built;
use tidegate_manifest::Bundle;
use tidegate_spec::crd::{Planning, ReleaseStatus};
use tidegate_upgrade::{Action, Agenda, Ending, Event, Observation, Outcome, State, Wanted, Wish};

/// Why the world did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorldError {
    /// No answer; another time perhaps.
    #[error("the API server does not answer: {0}")]
    Unreachable(String),
    /// Somebody else wrote the release in between: load it again.
    #[error("the release was changed by somebody else in between")]
    Conflict,
    /// This process may not go on with the release: another one has it, or it was deleted.
    #[error("{0}")]
    Lost(String),
    /// It will not get better by itself.
    #[error("{0}")]
    Final(String),
}

/// Proof that the state was saved: only [`World::save`] makes one, and [`World::act`] demands one.
#[derive(Debug)]
pub struct Saved(());

impl Saved {
    /// For implementations of [`World::save`], at their very end.
    pub fn after_saving() -> Self {
        Self(())
    }
}

/// A release as the world keeps it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Where it stands.
    pub status: ReleaseStatus,
    /// Its frozen input.
    pub bundle: Bundle,
    /// Which plan of the input is asked for.
    pub planning: Planning,
    /// The digest of the one plan that may be carried out, where somebody asked for a saved plan.
    pub plan_digest: Option<String>,
    /// What people ask of it.
    pub wanted: Wanted,
    /// What earlier releases of the plan have built, the newest last.
    pub built: Vec<Built>,
    /// Another release of the plan, before which this one must not begin.
    pub rival: Option<Rival>,
    /// When it was read.
    pub now: Timestamp,
}

/// Another release of the same plan that has not ended, and before which one must not begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rival {
    /// A newer one that takes its place.
    Newer(String),
    /// An older one, and the plan forbids two.
    Older(String),
}

impl Rival {
    /// How a release ends that has not begun.
    pub fn ending(&self) -> Ending {
        match self {
            Self::Newer(name) => Ending::Superseded {
                message: format!(
                    "`{name}` has taken its place before it began; nothing was written"
                ),
            },
            Self::Older(name) => Ending::Refused {
                message: format!(
                    "`{name}` of the same plan has not ended, and the plan says `concurrency: Forbid`; nothing was \
                     written; wait for its end, or `tidegate abort {name}`, then run again"
                ),
            },
        }
    }
}

/// Everything outside: cluster, clock, people. The real one is in `cluster`, the simulated one in `sim`.
pub trait World {
    /// Reads the release, from the server and not from a cache.
    fn load(&mut self) -> impl Future<Output = Result<Loaded, WorldError>> + Send;

    /// Finds out what runs and what the manifests would change, by reads and dry runs only.
    fn survey(
        &mut self,
        bundle: &Bundle,
    ) -> impl Future<Output = Result<Survey, WorldError>> + Send;

    /// Looks at what the turn needs, and as wished.
    fn observe(
        &mut self,
        agenda: &Agenda,
        state: &State,
        wish: &Wish,
    ) -> impl Future<Output = Result<Observation, WorldError>> + Send;

    /// Keeps the state, if nobody else has written it since it was read.
    fn save(
        &mut self,
        agenda: &Agenda,
        state: &State,
    ) -> impl Future<Output = Result<Saved, WorldError>> + Send;

    /// Carries out what was decided. Never fails as a whole: what came of each action is in its outcome.
    fn act(
        &mut self,
        saved: &Saved,
        actions: &[Action],
    ) -> impl Future<Output = Vec<Outcome>> + Send;

    /// Tells people and machines. May be lost in a crash.
    fn tell(&mut self, events: &[Event]) -> impl Future<Output = ()> + Send;

    /// Waits for a while, for a reason that nothing outside can end: the API server did not answer. May wait a little
    /// longer or shorter, so that not everybody comes back at the same moment.
    fn rest(&mut self, pause: Duration) -> impl Future<Output = ()> + Send;

    /// Waits until something changed, or the given time; a safety net of its own wakes it too.
    fn wait(
        &mut self,
        until: Option<Timestamp>,
    ) -> impl Future<Output = Result<(), WorldError>> + Send;
}
