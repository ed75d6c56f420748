//! Whether a commit that a look found should have been announced.

use std::time::Duration;

use jiff::Timestamp;

/// How long after a commit was found its webhook may still come: a look may be faster than the provider.
pub const GRACE: Duration = Duration::from_secs(5);

/// A commit was found by a look that no webhook asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unannounced {
    /// The commit.
    pub commit: String,
    /// When it was found.
    pub found: Timestamp,
    /// When the look before began, which did not find it.
    pub looked_before: Timestamp,
}

/// Whether its webhook came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announcement {
    /// It came.
    Came,
    /// It may still come, until then.
    MayCome(Timestamp),
    /// It did not.
    Lost,
}

/// In: the commit, when the newest webhook came, the time now.
pub fn announcement(
    commit: &Unannounced,
    delivered: Option<Timestamp>,
    now: Timestamp,
) -> Announcement {
    let until = commit.found.saturating_add(GRACE).unwrap_or(Timestamp::MAX);
    match delivered {
        Some(delivered) if delivered >= commit.looked_before => Announcement::Came,
        Some(_) | None if now < until => Announcement::MayCome(until),
        Some(_) | None => Announcement::Lost,
    }
}
