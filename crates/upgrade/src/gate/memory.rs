//! What must be remembered between two looks.
//!
//! In and out of [`super::assess`]. Losing what [`Memory::lasting`] keeps makes waits longer and forgets pods that were
//! taken away by force; losing the rest only makes it take longer to see that something is broken.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::churn::Birth;

/// What must be remembered of one workload between two looks. Serializable, so that it survives a
/// restart where the caller wants that; starts empty at every apply.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Memory {
    /// Which apply it belongs to: uid and template digest. Memory of another one is dropped.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) apply: String,
    /// The applied object has been seen.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_seen: bool,
    /// The rollout has been complete: what breaks now is an incident.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_latched: bool,
    /// A new pod has been ready.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) was_ready: bool,
    /// Since when it fails without a break.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failing_since: Option<Timestamp>,
    /// What the rollout waits for, and since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) waiting: Option<Mark>,
    /// The last progress.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) progress: Option<Movement>,
    /// The last change among the old pods after the rollout was complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) drain: Option<Mark>,
    /// The new pods that were first seen within the last minute, or are still there, by uid.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) births: BTreeMap<String, Birth>,
    /// Signs of failure that have been there at every look since.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) sightings: BTreeMap<String, Sighting>,
    /// Old pods, by uid: how they were when last seen.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) pods: BTreeMap<String, Trace>,
}

impl Memory {
    /// Since when nothing has moved; `None` if nobody has looked yet.
    pub fn still_since(&self) -> Option<Timestamp> {
        self.progress.as_ref().map(|last| last.since)
    }

    /// The part of it that must outlive whoever looks: how long nothing has moved, and pods that may still run.
    #[must_use]
    pub fn lasting(&self) -> Self {
        let may_run =
            |trace: &Trace| !trace.is_dead && (trace.is_forced || trace.gone_since.is_some());
        let pods = self.pods.iter().filter(|(_, trace)| may_run(trace));
        Self {
            births: BTreeMap::new(),
            sightings: BTreeMap::new(),
            pods: pods
                .map(|(uid, trace)| (uid.clone(), trace.clone()))
                .collect(),
            ..self.clone()
        }
    }
}

/// A state that has not changed since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Mark {
    /// The state as text.
    pub(super) state: String,
    /// Since when.
    pub(super) since: Timestamp,
}

impl Mark {
    /// The mark of a state now: the one before if it is still the same.
    pub(super) fn next(before: Option<&Self>, state: String, now: Timestamp) -> Self {
        match before {
            Some(before) if before.state == state => before.clone(),
            Some(_) | None => Self { state, since: now },
        }
    }
}

/// The last time that anything moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Movement {
    /// The state since then, as text.
    pub(super) state: String,
    /// The state before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) left: Option<String>,
    /// When.
    pub(super) since: Timestamp,
}

impl Movement {
    /// The last movement as of now. To go back is none: a cache that stands still and live reads, taking turns, would
    /// wind the clock back for ever.
    pub(super) fn next(before: Option<&Self>, state: String, now: Timestamp) -> Self {
        let Some(before) = before else {
            return Self {
                state,
                left: None,
                since: now,
            };
        };
        if before.state == state {
            return before.clone();
        }
        let is_back = before.left.as_ref() == Some(&state);
        Self {
            state,
            left: Some(before.state.clone()),
            since: if is_back { before.since } else { now },
        }
    }
}

/// A sign of failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Sighting {
    /// Since when.
    pub(super) since: Timestamp,
    /// How long it must last; the shortest that any look asked for.
    pub(super) after: SignedDuration,
    /// What that look said.
    pub(super) detail: String,
}

/// An old pod as last seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Trace {
    /// Its name.
    pub(super) name: String,
    /// Its node.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) node: String,
    /// How long it may take to end, in seconds.
    pub(super) grace_s: i64,
    /// It was deleted without grace: the API forgets it at once, whatever the process does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_forced: bool,
    /// Nobody had told it to go yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_staying: bool,
    /// Since when its object is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) gone_since: Option<Timestamp>,
    /// It is dead, and stays so whatever its node does later.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_dead: bool,
}
