//! What may be set about a gate; completion.md §1.1.

use jiff::SignedDuration;

use crate::spec::crd::{CompletionRule, DrainLevel};

/// How many of the wanted new pods must be available.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Capacity {
    /// All of them.
    #[default]
    Full,
    /// All but the strategy's `maxUnavailable`, so that a busy autoscaler cannot starve the gate.
    Min,
}

/// What may be set about a gate. The default is what holds when nobody says anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// How far old pods must be gone. A service that must be finished *as a client* always wants
    /// [`DrainLevel::Pods`]: a terminating client still calls.
    pub drain: DrainLevel,
    /// How many new pods must be available.
    pub capacity: Capacity,
    /// How long a failure that may heal by itself must last, without a break, before the gate fails.
    pub fail_after: SignedDuration,
    /// How long nothing may move. `None`: the kind's own progress deadline and a minute, at least ten minutes.
    pub deadline: Option<SignedDuration>,
    /// Restarts of one new pod that count as a crash loop.
    pub crash_restarts: u32,
    /// So many new pods may fail without failing the rollout.
    pub allow_failed_pods: u32,
    /// An autoscaler adds nodes: a pod that does not fit yet is normal for minutes.
    pub autoscaler: bool,
    /// What people say about kinds that the gate does not know.
    pub rules: Vec<CompletionRule>,
    /// How many new endpoints each Service must have; at least one.
    pub min_serving: u32,
    /// A workload that is scaled to zero counts as serving.
    pub allow_zero: bool,
    /// How long a stuck old pod may stay. `None`: its grace period and two minutes.
    pub drain_deadline: Option<SignedDuration>,
    /// An old pod that vanished while its node was not ready may still run, and blocks the gate.
    pub strict_nodes: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            drain: DrainLevel::Pods,
            capacity: Capacity::Full,
            fail_after: SignedDuration::from_secs(30),
            deadline: None,
            crash_restarts: 3,
            allow_failed_pods: 0,
            autoscaler: false,
            rules: Vec::new(),
            min_serving: 1,
            allow_zero: false,
            drain_deadline: None,
            strict_nodes: true,
        }
    }
}
