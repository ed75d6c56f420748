//! The answer of the gate: how far the rollout is, whether the old pods are gone, whether the new ones serve.

use std::fmt;

use jiff::Timestamp;

use super::reason::Reason;
use tidegate_spec::ObjectRef;

/// Whether a failure can heal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Not without a new spec or somebody's act: the gate fails at once.
    Terminal,
    /// Perhaps by itself: the gate fails after [`super::Policy::fail_after`].
    Retryable,
}

/// How far a rollout is. The counts are for people; nothing is decided by them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It moves, or may.
    Progressing {
        /// What it does.
        reason: Reason,
        /// Pods (or whatever is counted) that are done.
        done: u32,
        /// How many are wanted.
        total: u32,
        /// What more is known, in its controller's words: until when, with whom it waits. Often empty.
        detail: String,
    },
    /// Nothing moves until someone acts.
    Paused {
        /// What holds it.
        reason: Reason,
        /// Pods that are done.
        done: u32,
        /// How many are wanted.
        total: u32,
        /// What more is known. Often empty.
        detail: String,
    },
    /// Every pod that is wanted is new and available.
    Complete,
    /// It will not get there as it is.
    Failed {
        /// What is broken.
        reason: Reason,
        /// Whether that can heal.
        class: Class,
        /// In whose words: pod, container, message.
        detail: String,
        /// The objects that are broken.
        objects: Vec<ObjectRef>,
    },
}

impl Verdict {
    pub(super) fn progressing(reason: Reason, done: u32, total: u32) -> Self {
        Self::Progressing {
            reason,
            done,
            total,
            detail: String::new(),
        }
    }

    pub(super) fn paused(reason: Reason, done: u32, total: u32) -> Self {
        Self::Paused {
            reason,
            done,
            total,
            detail: String::new(),
        }
    }

    /// The same with more words.
    pub(super) fn with(mut self, words: impl Into<String>) -> Self {
        match &mut self {
            Self::Progressing {
                reason: _,
                done: _,
                total: _,
                detail,
            }
            | Self::Paused {
                reason: _,
                done: _,
                total: _,
                detail,
            }
            | Self::Failed {
                reason: _,
                class: _,
                detail,
                objects: _,
            } => *detail = words.into(),
            Self::Complete => {}
        }
        self
    }

    /// The same, said of another object that it rests on.
    pub(super) fn about(self, object: &str) -> Self {
        let words = match &self {
            Self::Progressing { detail, .. }
            | Self::Paused { detail, .. }
            | Self::Failed { detail, .. } => detail.clone(),
            Self::Complete => String::new(),
        };
        let words = format!("of {object}: {words}");
        self.with(words.trim_end_matches([':', ' ']))
    }

    pub(super) fn failed(reason: Reason, class: Class, detail: impl Into<String>) -> Self {
        Self::Failed {
            reason,
            class,
            detail: detail.into(),
            objects: Vec::new(),
        }
    }

    /// What it waits for, also when it has waited for too long.
    pub(super) fn waits_for(&self) -> Reason {
        let given_up = [
            (Reason::NotDetected, Reason::AwaitDetection),
            (Reason::ControllerAbsent, Reason::Pending),
            (Reason::ReportedFailure, Reason::NotReady),
        ];
        let reason = self.reason();
        let before = given_up.iter().find(|(after, _)| *after == reason);
        before.map_or(reason, |(_, before)| *before)
    }

    /// The reason as one word, [`Reason::Done`] if it is complete.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Progressing {
                reason,
                done: _,
                total: _,
                detail: _,
            }
            | Self::Paused {
                reason,
                done: _,
                total: _,
                detail: _,
            }
            | Self::Failed {
                reason,
                class: _,
                detail: _,
                objects: _,
            } => *reason,
            Self::Complete => Reason::Done,
        }
    }
}

impl fmt::Display for Verdict {
    /// One short line, for instance `Progressing(Updating 1/3)`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Progressing {
                reason,
                done,
                total,
                detail: _,
            } => {
                write!(formatter, "Progressing({reason} {done}/{total})")
            }
            Self::Paused {
                reason,
                done,
                total,
                detail: _,
            } => {
                write!(formatter, "Paused({reason} {done}/{total})")
            }
            Self::Complete => formatter.write_str("Complete"),
            Self::Failed {
                reason,
                class,
                detail: _,
                objects: _,
            } => {
                write!(formatter, "Failed({class:?}, {reason})")
            }
        }
    }
}

/// Whose pod blocks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// The workload's own, of another revision.
    Old,
    /// Something else's, named, behind the same Service.
    Foreign(ObjectRef),
    /// Nobody's, behind the same Service.
    Orphan,
}

/// Where a blocking pod is on its way out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leaving {
    /// Nobody has deleted it.
    No {
        /// `Running`, `Pending`, …
        phase: String,
    },
    /// Terminating.
    By {
        /// When its grace period ends.
        gone_by: Timestamp,
        /// What holds it beyond that.
        finalizers: Vec<String>,
    },
    /// Nobody has deleted it, and its controller keeps it on purpose for a while after the switch.
    Kept {
        /// Until when, where that is known.
        until: Option<Timestamp>,
    },
    /// The object is gone, and the process perhaps not.
    Vanished {
        /// When it is believed to be dead; `None`: not before its node answers.
        dead_by: Option<Timestamp>,
    },
}

/// A pod that keeps a gate shut.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OldPod {
    /// The pod.
    pub pod: ObjectRef,
    /// Its uid.
    pub uid: String,
    /// Whose it is.
    pub owner: Owner,
    /// Where it is on its way out.
    pub leaving: Leaving,
    /// Its node, if that is not ready or not known to be.
    pub lost_node: Option<String>,
    /// How long it may take to end, in seconds.
    pub grace_s: i64,
}

/// An endpoint that keeps a gate shut.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OldEndpoint {
    /// The Service.
    pub service: String,
    /// The first address.
    pub address: String,
    /// The pod, by name, if it names one.
    pub pod: Option<String>,
    /// [`Reason::OldEndpoints`], [`Reason::ForeignPods`], [`Reason::StaleEndpoint`] or
    /// [`Reason::UnknownEndpoint`].
    pub why: Reason,
}

/// What keeps the drain from being done, in the order of names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blockers {
    /// Pods.
    pub pods: Vec<OldPod>,
    /// Endpoints whose pod is not among them.
    pub endpoints: Vec<OldEndpoint>,
}

impl Blockers {
    pub(super) fn is_empty(&self) -> bool {
        self.pods.is_empty() && self.endpoints.is_empty()
    }

    /// When the last of them should be gone; `None` if one of them has no end yet.
    pub fn gone_by(&self) -> Option<Timestamp> {
        let ends = self.pods.iter().map(|pod| match &pod.leaving {
            Leaving::No { phase: _ } => None,
            Leaving::By {
                gone_by,
                finalizers: _,
            } => Some(*gone_by),
            Leaving::Kept { until } => *until,
            Leaving::Vanished { dead_by } => *dead_by,
        });
        ends.collect::<Option<Vec<_>>>()?.into_iter().max()
    }
}

/// Whether an old pod can still take or make a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drain {
    /// The plan does not ask.
    NotNeeded,
    /// None can.
    Drained,
    /// Some can.
    Draining(Blockers),
    /// Some can, and do not go away as they should.
    Stuck(Blockers, Reason),
    /// It cannot be known.
    Unprovable(Reason, String),
}

impl fmt::Display for Drain {
    /// One short line, for instance `Draining(1)`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotNeeded => formatter.write_str("NotNeeded"),
            Self::Drained => formatter.write_str("Drained"),
            Self::Draining(blockers) => {
                write!(
                    formatter,
                    "Draining({})",
                    blockers.pods.len() + blockers.endpoints.len()
                )
            }
            Self::Stuck(_, why) => write!(formatter, "Stuck({why})"),
            Self::Unprovable(why, _) => write!(formatter, "Unprovable({why})"),
        }
    }
}

/// Whether the new revision takes calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Serving {
    /// Nothing calls it through a Service.
    NotNeeded,
    /// A Service has too few new endpoints.
    Waiting {
        /// [`Reason::NotServing`] or [`Reason::ZeroReplicas`].
        reason: Reason,
        /// The Service.
        service: String,
        /// New endpoints that are ready.
        ready: u32,
        /// How many are wanted.
        want: u32,
    },
    /// Every Service has enough.
    Serving,
}

impl fmt::Display for Serving {
    /// One short line, for instance `Waiting(NotServing 0/1)`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotNeeded => formatter.write_str("NotNeeded"),
            Self::Waiting {
                reason,
                service: _,
                ready,
                want,
            } => {
                write!(formatter, "Waiting({reason} {ready}/{want})")
            }
            Self::Serving => formatter.write_str("Serving"),
        }
    }
}
