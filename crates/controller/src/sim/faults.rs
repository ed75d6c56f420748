//! What may go wrong in a simulated run.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::chance::Chance;

/// One kind of mishap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The controller dies, before or after a call has had its effect, and starts again later.
    Crash,
    /// A call gets no answer and had no effect.
    Lost,
    /// A call has had its effect and its answer is lost.
    Late,
    /// The controller stands still for longer than a lease lasts.
    Frozen,
    /// A second controller drives the same release.
    Twin,
    /// Watches show nothing for a while.
    Stale,
    /// Others write the same objects and change nothing that matters.
    Touched,
    /// Somebody pauses the release and resumes it later.
    Paused,
    /// Everything in the cluster takes long.
    Slow,
    /// Nodes are not heard of for a while.
    NodeLost,
    /// Somebody sets a service back to what it was, in the middle of the release.
    Undone,
    /// The new pods of a service never become ready.
    Broken,
    /// Somebody deletes a workload in the middle of the release.
    Deleted,
    /// The API server does not let the objects of a service be written.
    Denied,
    /// For a while no more pods than there are may be made.
    Quota,
    /// Pods are evicted.
    Evicted,
    /// Pods are not ready for a while.
    Flapping,
    /// An autoscaler changes the number of pods.
    Scaled,
    /// A freeze window of the plan, somewhere in the release.
    Freeze,
    /// A newer release takes the place of the first one in the middle.
    Newer,
    /// Somebody ends the release.
    Aborted,
    /// Somebody asks in the middle what a release would do.
    DryRun,
    /// The controller is taken away for good, in the middle of the release.
    Uninstalled,
    /// The same controller drives a release of another plan, with something bad in it.
    Poisoned,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::Crash,
        Self::Lost,
        Self::Late,
        Self::Frozen,
        Self::Twin,
        Self::Stale,
        Self::Touched,
        Self::Paused,
        Self::Slow,
        Self::NodeLost,
        Self::Undone,
        Self::Broken,
        Self::Deleted,
        Self::Denied,
        Self::Quota,
        Self::Evicted,
        Self::Flapping,
        Self::Scaled,
        Self::Freeze,
        Self::Newer,
        Self::Aborted,
        Self::DryRun,
        Self::Uninstalled,
        Self::Poisoned,
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Lost => "lost",
            Self::Late => "late",
            Self::Frozen => "frozen",
            Self::Twin => "twin",
            Self::Stale => "stale",
            Self::Touched => "touched",
            Self::Paused => "paused",
            Self::Slow => "slow",
            Self::NodeLost => "node-lost",
            Self::Undone => "undone",
            Self::Broken => "broken",
            Self::Deleted => "deleted",
            Self::Denied => "denied",
            Self::Quota => "quota",
            Self::Evicted => "evicted",
            Self::Flapping => "flapping",
            Self::Scaled => "scaled",
            Self::Freeze => "freeze",
            Self::Newer => "newer",
            Self::Aborted => "aborted",
            Self::DryRun => "dry-run",
            Self::Uninstalled => "uninstalled",
            Self::Poisoned => "poisoned",
        }
    }

    /// Whether it is there in every run that has it; the others strike by chance.
    pub(super) fn is_from_start(self) -> bool {
        match self {
            Self::Twin | Self::Slow | Self::Broken | Self::Freeze | Self::Poisoned => true,
            Self::Crash
            | Self::Lost
            | Self::Late
            | Self::Frozen
            | Self::Stale
            | Self::Touched
            | Self::Paused
            | Self::NodeLost
            | Self::Undone
            | Self::Deleted
            | Self::Denied
            | Self::Quota
            | Self::Evicted
            | Self::Flapping
            | Self::Scaled
            | Self::Newer
            | Self::Aborted
            | Self::DryRun
            | Self::Uninstalled => false,
        }
    }

    /// Whether somebody who tries out a release of theirs wants to know what comes of it.
    fn is_about_releases(self) -> bool {
        match self {
            Self::DryRun | Self::Uninstalled | Self::Poisoned => false,
            Self::Crash
            | Self::Lost
            | Self::Late
            | Self::Frozen
            | Self::Twin
            | Self::Stale
            | Self::Touched
            | Self::Paused
            | Self::Slow
            | Self::NodeLost
            | Self::Undone
            | Self::Broken
            | Self::Deleted
            | Self::Denied
            | Self::Quota
            | Self::Evicted
            | Self::Flapping
            | Self::Scaled
            | Self::Freeze
            | Self::Newer
            | Self::Aborted => true,
        }
    }

    /// Whether a release may rightly fail with it.
    pub fn may_fail(self) -> bool {
        match self {
            Self::Undone
            | Self::Broken
            | Self::Deleted
            | Self::Denied
            | Self::Quota
            | Self::Aborted => true,
            Self::Crash
            | Self::Lost
            | Self::Late
            | Self::Frozen
            | Self::Twin
            | Self::Stale
            | Self::Touched
            | Self::Paused
            | Self::Slow
            | Self::NodeLost
            | Self::Evicted
            | Self::Flapping
            | Self::Scaled
            | Self::Freeze
            | Self::Newer
            | Self::DryRun
            | Self::Uninstalled
            | Self::Poisoned => false,
        }
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|fault| fault.word() == text);
        known.ok_or_else(|| {
            let words: Vec<&str> = Self::ALL.iter().map(|fault| fault.word()).collect();
            format!("is no fault; known are {}", words.join(", "))
        })
    }
}

/// The mishaps of one run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Faults(BTreeSet<Fault>);

impl Faults {
    /// None.
    pub fn none() -> Self {
        Self::default()
    }

    /// These.
    pub fn of(faults: impl IntoIterator<Item = Fault>) -> Self {
        Self(faults.into_iter().collect())
    }

    /// Some of all that may befall a release, as chance has it for this seed: all at once would hide what one of them shows.
    pub fn by_chance(seed: u64) -> Self {
        let mut faults = Self::of_all_by_chance(seed);
        faults.0.retain(|fault| fault.is_about_releases());
        faults
    }

    /// The same and those that say something of tidegate only.
    pub fn of_all_by_chance(seed: u64) -> Self {
        let mut chance = Chance::of(seed);
        let odds = |fault: &Fault| if *fault == Fault::Uninstalled { 16 } else { 4 };
        Self(
            Fault::ALL
                .into_iter()
                .filter(|fault| chance.once_in(odds(fault)))
                .collect(),
        )
    }

    /// Whether one of them is there.
    pub fn has(&self, fault: Fault) -> bool {
        self.0.contains(&fault)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Fault> + '_ {
        self.0.iter().copied()
    }

    /// The same without one.
    #[must_use]
    pub fn without(&self, fault: Fault) -> Self {
        Self(
            self.0
                .iter()
                .filter(|one| **one != fault)
                .copied()
                .collect(),
        )
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return formatter.write_str("none");
        }
        let words: Vec<&str> = self.0.iter().map(|fault| fault.word()).collect();
        formatter.write_str(&words.join(","))
    }
}
