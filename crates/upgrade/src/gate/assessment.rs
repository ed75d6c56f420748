//! What one look at one workload says, and what it says together with others.

use jiff::Timestamp;
use serde::Serialize;

use super::reason::Reason;
use super::verdict::{Blockers, Drain, Leaving, OldPod, Owner, Serving, Verdict};
use tidegate_spec::ObjectRef;

/// Something worth saying that decides nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Note {
    /// Complete, and `spec.paused` is set.
    Paused,
    /// Complete with no pods wanted.
    ZeroReplicas,
    /// No node wants a pod.
    NoNodes,
    /// The Deployment says that it timed out, and means an earlier rollout.
    StaleTimeout,
    /// It was complete and a new pod has broken since: an incident, not a failed rollout.
    Degraded,
    /// A Job of this name and template had run before.
    AlreadyRan,
    /// A CronJob is suspended: it starts nothing.
    Suspended,
    /// A claim is bound when a pod uses it.
    AwaitsConsumer,
    /// Promoted, and somebody keeps the canary pods running.
    CanaryNotScaled,
    /// An autoscaler says that it cannot work.
    CannotScale,
    /// A disruption budget allows no eviction now.
    DisruptionNotAllowed,
    /// A disruption budget cannot count its pods.
    SyncFailed,
    /// Clients see only the endpoints of their own node.
    LocalTraffic,
    /// A node of a new pod is not ready.
    NodeNotReady,
    /// It counts pods, and the files show none: nobody looked for old ones.
    PodsNotShown,
}

/// Whether the next service may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Gate {
    /// Yes, as far as this one look says; the caller looks twice.
    Open,
    /// Not yet.
    Shut,
    /// No, and waiting does not help.
    Failed,
}

/// What one look at one workload says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// The workload.
    pub workload: ObjectRef,
    /// How far its rollout is.
    pub rollout: Verdict,
    /// Whether the old pods are gone.
    pub drain: Drain,
    /// Whether the new ones take calls.
    pub serving: Serving,
    /// What else is worth saying.
    pub notes: Vec<Note>,
    /// New pods that are ready.
    pub new_ready: u32,
    /// New pods that are wanted.
    pub new_wanted: u32,
    /// Live pods of other revisions, Terminating included.
    pub old_alive: u32,
    /// Since when it fails without a break.
    pub failing_since: Option<Timestamp>,
    /// Whether it failed for long enough.
    pub(super) has_failed: bool,
    /// What it waits for, even where it has waited for too long: the next look must know since when.
    pub(super) waits_for: Reason,
}

impl Assessment {
    /// Whether the next service may start.
    pub fn gate(&self) -> Gate {
        let drained = matches!(self.drain, Drain::Drained | Drain::NotNeeded);
        let serving = matches!(self.serving, Serving::Serving | Serving::NotNeeded);
        if self.has_failed {
            Gate::Failed
        } else if self.rollout == Verdict::Complete && drained && serving {
            Gate::Open
        } else {
            Gate::Shut
        }
    }

    /// Whether it speaks of the object that was applied: that is there, is it still, and its controller has seen it.
    pub(crate) fn is_of_the_applied(&self) -> bool {
        !matches!(
            self.rollout.reason(),
            Reason::DeletedDuringWait
                | Reason::NotVisibleYet
                | Reason::ReplacedDuringWait
                | Reason::DeletionInProgress
                | Reason::StaleRead
                | Reason::Superseded
                | Reason::NotObserved
        )
    }

    /// The first thing that keeps the gate shut, as one word; `Done` if nothing does.
    pub fn reason(&self) -> &'static str {
        self.because().label()
    }

    pub(super) fn because(&self) -> Reason {
        if self.rollout != Verdict::Complete {
            return self.rollout.reason();
        }
        match &self.drain {
            Drain::Draining(blockers) => draining_because(blockers),
            Drain::Stuck(_, why) | Drain::Unprovable(why, _) => *why,
            Drain::Drained | Drain::NotNeeded => match &self.serving {
                Serving::Waiting {
                    reason,
                    service: _,
                    ready: _,
                    want: _,
                } => *reason,
                Serving::NotNeeded | Serving::Serving => Reason::Done,
            },
        }
    }

    /// The objects that keep the gate shut: broken ones, old pods, pods of old endpoints.
    pub fn blockers(&self) -> Vec<ObjectRef> {
        let mut blockers = match &self.rollout {
            Verdict::Failed {
                reason: _,
                class: _,
                detail: _,
                objects,
            } => objects.clone(),
            Verdict::Progressing { .. } | Verdict::Paused { .. } | Verdict::Complete => Vec::new(),
        };
        if let Drain::Draining(old) | Drain::Stuck(old, _) = &self.drain {
            blockers.extend(old.pods.iter().map(|old| old.pod.clone()));
            let named = old
                .endpoints
                .iter()
                .filter_map(|endpoint| endpoint.pod.as_ref());
            blockers.extend(named.map(|name| ObjectRef {
                api_version: "v1".to_owned(),
                kind: "Pod".to_owned(),
                namespace: self.workload.namespace.clone(),
                name: name.clone(),
            }));
        }
        blockers.sort();
        blockers.dedup();
        blockers
    }
}

fn draining_because(blockers: &Blockers) -> Reason {
    let vanished = |old: &OldPod| matches!(old.leaving, Leaving::Vanished { dead_by: _ });
    let kept = |old: &OldPod| matches!(old.leaving, Leaving::Kept { until: _ });
    let own = |old: &&OldPod| old.owner == Owner::Old && !vanished(old);
    let mut own_pods = blockers.pods.iter().filter(own).peekable();
    if own_pods.peek().is_some() {
        if own_pods.all(kept) {
            Reason::ScaleDownDelay
        } else {
            Reason::OldPods
        }
    } else if blockers.pods.iter().any(|old| old.owner != Owner::Old) {
        Reason::ForeignPods
    } else if blockers.pods.is_empty() {
        blockers
            .endpoints
            .first()
            .map_or(Reason::Done, |endpoint| endpoint.why)
    } else {
        Reason::UnconfirmedTermination
    }
}

/// Whether the next service may start after a service with several workloads: open if all are open,
/// failed if one is. No workload at all proves nothing.
pub fn combine(assessments: &[Assessment]) -> Gate {
    assessments
        .iter()
        .map(Assessment::gate)
        .max()
        .unwrap_or(Gate::Shut)
}

/// Of several workloads the one to speak of: failed before shut before open, then by name.
pub fn worst(assessments: &[Assessment]) -> Option<&Assessment> {
    assessments.iter().min_by(|left, right| {
        right
            .gate()
            .cmp(&left.gate())
            .then_with(|| left.workload.cmp(&right.workload))
    })
}

/// What one look says, for machines; the form of `tidegate assess -o json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// `Deployment/default/web`.
    pub workload: String,
    /// `Complete`, `Progressing`, `Paused` or `Failed`.
    pub rollout: &'static str,
    /// The first thing that is missing, as one word.
    pub reason: &'static str,
    /// How many of what the reason counts are done: new pods that are ready, unless it counts something else.
    pub done: u32,
    /// How many of them are wanted.
    pub total: u32,
    /// `Drained`, `Draining`, `Stuck`, `Unprovable` or `NotNeeded`.
    pub drain: &'static str,
    /// `Serving`, `Waiting` or `NotNeeded`.
    pub serving: &'static str,
    /// `Open` or `Shut`.
    pub gate: &'static str,
    /// What keeps it shut, as `Kind/namespace/name`.
    pub blockers: Vec<String>,
    /// The same for people.
    pub message: String,
    /// What else is worth saying.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
}

impl Assessment {
    /// The numbers that go with the reason: steps, pods, or whatever is counted.
    fn counts(&self) -> (u32, u32) {
        match &self.rollout {
            Verdict::Progressing {
                reason: _,
                done,
                total,
                detail: _,
            }
            | Verdict::Paused {
                reason: _,
                done,
                total,
                detail: _,
            } if *total > 0 => (*done, *total),
            Verdict::Progressing { .. }
            | Verdict::Paused { .. }
            | Verdict::Complete
            | Verdict::Failed { .. } => (self.new_ready, self.new_wanted),
        }
    }

    /// What it says, for machines.
    pub fn report(&self) -> Report {
        Report {
            workload: self.workload.to_string(),
            rollout: match &self.rollout {
                Verdict::Progressing { .. } => "Progressing",
                Verdict::Paused { .. } => "Paused",
                Verdict::Complete => "Complete",
                Verdict::Failed { .. } => "Failed",
            },
            reason: self.reason(),
            done: self.counts().0,
            total: self.counts().1,
            drain: match &self.drain {
                Drain::NotNeeded => "NotNeeded",
                Drain::Drained => "Drained",
                Drain::Draining(_) => "Draining",
                Drain::Stuck(..) => "Stuck",
                Drain::Unprovable(..) => "Unprovable",
            },
            serving: match &self.serving {
                Serving::NotNeeded => "NotNeeded",
                Serving::Waiting { .. } => "Waiting",
                Serving::Serving => "Serving",
            },
            gate: if self.gate() == Gate::Open {
                "Open"
            } else {
                "Shut"
            },
            blockers: self.blockers().iter().map(ToString::to_string).collect(),
            message: self.sentence(),
            notes: self.notes.clone(),
        }
    }
}
