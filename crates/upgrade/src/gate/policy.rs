//! What may be set about a gate; completion.md §1.1.

use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::snapshot::count;
use tidegate_spec::crd::{Capacity, CompletionRule, DrainLevel, GateSettings, LostNodes};
use tidegate_spec::duration;

/// A controller that takes longer than this to say anything is not there.
const CONTROLLER_DEADLINE: SignedDuration = SignedDuration::from_secs(60);

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
    /// On so many nodes that are down a DaemonSet may lack its new pod.
    pub allow_failed_nodes: FailedNodes,
    /// An autoscaler adds nodes: a pod that does not fit yet is normal for minutes.
    pub autoscaler: bool,
    /// How long a new pod may run without being ready, beyond what its probes give it. `None`: for ever.
    pub not_ready: Option<SignedDuration>,
    /// How long a controller may take to say anything about what it is to run.
    pub controller_deadline: SignedDuration,
    /// How long a state may be unknown. `None`: as long as nothing may move.
    pub unknown_deadline: Option<SignedDuration>,
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

/// On how many nodes of a DaemonSet something may be amiss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailedNodes {
    /// On so many.
    Count(u32),
    /// On such a share of those that want a pod, rounded down.
    Percent(u32),
}

impl FailedNodes {
    /// What a plan says. What is neither a number nor a share was refused before.
    fn read(text: Option<&IntOrString>) -> Self {
        match text {
            None => Self::Count(0),
            Some(IntOrString::Int(number)) => Self::Count(count(Some(*number))),
            Some(IntOrString::String(share)) => {
                let share = share.strip_suffix('%').unwrap_or_default();
                Self::Percent(share.parse().unwrap_or_default())
            }
        }
    }

    /// Of so many nodes.
    pub(super) fn of(self, nodes: u32) -> u32 {
        match self {
            Self::Count(count) => count,
            Self::Percent(share) => nodes.saturating_mul(share) / 100,
        }
    }
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
            allow_failed_nodes: FailedNodes::Count(0),
            autoscaler: false,
            not_ready: None,
            controller_deadline: CONTROLLER_DEADLINE,
            unknown_deadline: None,
            rules: Vec::new(),
            min_serving: 1,
            allow_zero: false,
            drain_deadline: None,
            strict_nodes: true,
        }
    }
}

impl From<&GateSettings> for Policy {
    /// What a plan says, and the defaults for the rest. A duration that is none was refused before.
    fn from(settings: &GateSettings) -> Self {
        let GateSettings {
            capacity,
            fail_after,
            crash_restarts,
            allow_failed_pods,
            allow_failed_nodes,
            autoscaler,
            not_ready,
            min_serving,
            allow_zero,
            drain_deadline,
            controller_deadline,
            unknown_deadline,
            lost_nodes,
        } = settings;
        let usual = Self::default();
        let read = |text: &Option<String>| text.as_deref().and_then(duration::parse);
        Self {
            capacity: *capacity,
            fail_after: read(fail_after).unwrap_or(usual.fail_after),
            crash_restarts: crash_restarts.unwrap_or(usual.crash_restarts),
            allow_failed_pods: allow_failed_pods.unwrap_or(usual.allow_failed_pods),
            allow_failed_nodes: FailedNodes::read(allow_failed_nodes.as_ref()),
            autoscaler: *autoscaler,
            not_ready: read(not_ready),
            min_serving: min_serving.unwrap_or(usual.min_serving),
            allow_zero: *allow_zero,
            drain_deadline: read(drain_deadline),
            controller_deadline: read(controller_deadline).unwrap_or(usual.controller_deadline),
            unknown_deadline: read(unknown_deadline),
            strict_nodes: *lost_nodes == LostNodes::MayRun,
            ..usual
        }
    }
}
