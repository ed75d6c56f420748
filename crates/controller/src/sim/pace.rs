//! How long things take in a simulated cluster.

use jiff::SignedDuration;

use super::chance::Chance;
use super::facts::Kind;

/// How many nodes there are.
pub(super) const NODES: u32 = 5;

/// The longest times; each time is drawn anew, and never less than a part of these.
#[expect(clippy::struct_field_names, reason = "units stand in names")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    /// From a change to a controller's next look.
    pub(super) controller_ms: u64,
    /// From a change to what a Service's slice says.
    pub(super) slices_ms: u64,
    /// From a change to what a watch shows.
    pub(super) watches_ms: u64,
    /// From a pod's creation to its readiness.
    pub(super) ready_ms: u64,
    /// From a pod's deletion to its end.
    pub(super) ending_ms: u64,
}

impl Pace {
    /// A small cluster on a quiet day.
    pub(super) const USUAL: Self = Self {
        controller_ms: 200,
        slices_ms: 400,
        watches_ms: 100,
        ready_ms: 8_000,
        ending_ms: 10_000,
    };
    /// A busy one.
    pub(super) const SLOW: Self = Self {
        controller_ms: 3_000,
        slices_ms: 5_000,
        watches_ms: 4_000,
        ready_ms: 40_000,
        ending_ms: 29_000,
    };

    pub(super) fn controller(&self, chance: &mut Chance) -> SignedDuration {
        chance.between_ms(1, self.controller_ms)
    }

    pub(super) fn slices(&self, chance: &mut Chance) -> SignedDuration {
        chance.between_ms(1, self.slices_ms)
    }

    pub(super) fn watches(&self, chance: &mut Chance) -> SignedDuration {
        chance.between_ms(1, self.watches_ms)
    }

    pub(super) fn ready(&self, chance: &mut Chance) -> SignedDuration {
        chance.between_ms(self.ready_ms / 8, self.ready_ms)
    }

    pub(super) fn ending(&self, chance: &mut Chance) -> SignedDuration {
        chance.between_ms(self.ending_ms / 20, self.ending_ms)
    }
}

/// The node that a pod comes to. A DaemonSet has one on each.
pub(super) fn node(chance: &mut Chance, kind: Kind, ordinal: u32) -> u32 {
    let nodes: Vec<u32> = (0..NODES).collect();
    match kind {
        Kind::DaemonSet => ordinal,
        Kind::Deployment | Kind::StatefulSet | Kind::Job => {
            chance.one_of(&nodes).copied().unwrap_or(0)
        }
    }
}
