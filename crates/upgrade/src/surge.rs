//! How many pods more than usual there are while a step moves, and whether there is room for them.
//!
//! In: what the manifests say of each workload, and how many pods it had before. Out: a number. It is a limit for the sake of
//! the cluster's capacity, nothing that order rests on.

use super::agenda::{Change, Member, Strategy};
use super::gate::Baseline;
use super::state::{ServiceState, State};
use super::step_id::StepId;
use super::turn::Turn;
use tidegate_spec::ObjectRef;

/// What a workload's manifest says of pods beside the usual ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surge {
    /// So many.
    Pods(u32),
    /// So many of a hundred of its pods, rounded up.
    Percent(u32),
}

/// How far a workload swells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swell {
    /// The workload.
    pub workload: ObjectRef,
    /// How many pods its manifest has; 0 where the number of nodes says it.
    pub replicas: u32,
    /// How many more while it rolls.
    pub surge: Surge,
}

impl Swell {
    /// How many pods more it has while it moves, from so many that were there before.
    fn pods(&self, before: u32) -> u32 {
        if before == 0 {
            return self.replicas;
        }
        match self.surge {
            Surge::Pods(pods) => pods,
            Surge::Percent(percent) => self
                .replicas
                .max(before)
                .saturating_mul(percent)
                .div_ceil(100),
        }
    }
}

/// What is taken of the room for services that move, and for the pods that they have too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Taken {
    services: usize,
    pods: u32,
}

impl Taken {
    /// By everything that moves.
    pub(super) fn by_all(turn: &Turn<'_>) -> Self {
        let moving = turn.state.services.iter();
        let moving = moving.filter(|(_, service)| service.standing.moves());
        moving.fold(Self::default(), |taken, (step, _)| taken.with(turn, step))
    }

    /// With one more that moves.
    pub(super) fn with(self, turn: &Turn<'_>, step: &StepId) -> Self {
        Self {
            services: self.services + 1,
            pods: self.pods.saturating_add(pods_of(turn, step)),
        }
    }

    /// Whether there is room for one more. One that needs more than there is at all moves while no other pod is too many.
    pub(super) fn has_room(self, turn: &Turn<'_>, step: &StepId) -> bool {
        let Strategy {
            parallel_max,
            surge_pods_max,
            ..
        } = &turn.agenda.strategy;
        if parallel_max.is_some_and(|most| self.services >= most) {
            return false;
        }
        let Some(most) = *surge_pods_max else {
            return true;
        };
        let more = pods_of(turn, step);
        more == 0 || self.pods == 0 || self.pods.saturating_add(more) <= most
    }
}

fn pods_of(turn: &Turn<'_>, step: &StepId) -> u32 {
    let Some(member) = turn.agenda.members.get(step) else {
        return 0;
    };
    match member.change {
        Change::Delete | Change::Drain => 0,
        Change::Create | Change::Job | Change::Roll | Change::Flip => {
            let swells = member.belongings.swells.iter();
            let pods = swells.map(|swell| swell.pods(before(turn, (step, member), swell)));
            pods.fold(0, u32::saturating_add)
        }
    }
}

/// How many pods a workload had before it moved: as recorded, as seen now, or as its manifest has it.
fn before(turn: &Turn<'_>, (step, member): (&StepId, &Member), swell: &Swell) -> u32 {
    let of_service = |state: &State| {
        state
            .services
            .get(step)
            .and_then(|one| recorded(one, swell))
    };
    let seen = turn.seen.snapshots.get(step).into_iter().flatten();
    let mut seen = seen.filter(|(workload, _)| *workload == swell.workload);
    let seen = || {
        seen.next()
            .map(|(workload, snapshot)| Baseline::capture(workload, snapshot).pods.len())
    };
    let count = of_service(&turn.state).or_else(seen);
    match (count, member.change) {
        (Some(count), _) => u32::try_from(count).unwrap_or(u32::MAX),
        (None, Change::Create | Change::Job) => 0,
        (None, Change::Roll | Change::Flip | Change::Delete | Change::Drain) => swell.replicas,
    }
}

fn recorded(service: &ServiceState, swell: &Swell) -> Option<usize> {
    let record = service.records.get(&swell.workload)?;
    record.baseline.as_ref().map(|baseline| baseline.pods.len())
}
