//! Where something stands, as a sign and a word: shape and word always, colour only in addition.

use serde::Serialize;
use utoipa::ToSchema;

use crate::spec::crd::{Release, ServiceStatus};
use crate::upgrade::why::{AWAITING, FROZEN};

/// Where a release or one of its services stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Mark {
    /// Not started.
    Planned,
    /// Its write is on its way.
    Starting,
    /// New pods come.
    Rolling,
    /// All new pods are there; old ones end.
    Draining,
    /// It waits for a person.
    Awaiting,
    /// Somebody holds it.
    Paused,
    /// A freeze window of its plan holds what has not begun.
    Frozen,
    /// Done.
    Done,
    /// It will not get there.
    Failed,
    /// Ended on request, or since another one took its place.
    Stopped,
    /// Nothing was written, since no order is safe.
    Refused,
}

impl Mark {
    /// Every mark.
    pub const ALL: [Self; 11] = [
        Self::Planned,
        Self::Starting,
        Self::Rolling,
        Self::Draining,
        Self::Awaiting,
        Self::Paused,
        Self::Frozen,
        Self::Done,
        Self::Failed,
        Self::Stopped,
        Self::Refused,
    ];

    /// The sign; the same on the command line.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Planned => "○",
            Self::Starting => "◔",
            Self::Rolling => "◑",
            Self::Draining => "◕",
            Self::Awaiting => "⚑",
            Self::Paused => "‖",
            Self::Frozen => "✻",
            Self::Done => "●",
            Self::Failed => "✕",
            Self::Stopped => "■",
            Self::Refused => "⊘",
        }
    }

    /// The word of the style sheet.
    pub fn class(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Starting => "starting",
            Self::Rolling => "rolling",
            Self::Draining => "draining",
            Self::Awaiting => "awaiting",
            Self::Paused => "paused",
            Self::Frozen => "frozen",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Refused => "refused",
        }
    }

    /// Whether it is over.
    pub fn has_ended(self) -> bool {
        match self {
            Self::Done | Self::Failed | Self::Stopped | Self::Refused => true,
            Self::Planned
            | Self::Starting
            | Self::Rolling
            | Self::Draining
            | Self::Awaiting
            | Self::Paused
            | Self::Frozen => false,
        }
    }
}

/// Where a service stands.
pub fn mark_of_service(service: &ServiceStatus) -> Mark {
    let is_drained = service.old_alive == 0 || service.new_ready < service.new_wanted;
    match service.state.as_str() {
        "Done" => Mark::Done,
        "Failed" => Mark::Failed,
        "Skipped" => Mark::Stopped,
        _ if service.reason == AWAITING => Mark::Awaiting,
        "Waiting" => Mark::Planned,
        "Starting" => Mark::Starting,
        "Draining" | "Removing" | "Retiring" | "Clearing" => Mark::Draining,
        _ if is_drained => Mark::Rolling,
        _ => Mark::Draining,
    }
}

/// Where a release stands.
pub fn mark_of_release(release: &Release) -> Mark {
    let Some(status) = &release.status else {
        return Mark::Planned;
    };
    match status.outcome.as_deref() {
        Some("Succeeded") => return Mark::Done,
        Some("Failed") => return Mark::Failed,
        Some("Refused") => return Mark::Refused,
        Some(_) => return Mark::Stopped,
        None => {}
    }
    match status.phase.as_str() {
        "Paused" => Mark::Paused,
        phase if phase == FROZEN => Mark::Frozen,
        "Draining" => Mark::Draining,
        phase if phase == AWAITING => Mark::Awaiting,
        "" | "Pending" => Mark::Planned,
        "Applying" => Mark::Starting,
        _ => Mark::Rolling,
    }
}
