//! An authentic delivery, as it is kept.

use jiff::Timestamp;

/// One delivery. Its body is not part of it: nothing needs it, and it may hold what its sender keeps to itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// For whom: `namespace/plan`.
    pub source: String,
    /// What tells it from others: a replay has the same.
    pub delivery: String,
    /// When it came.
    pub at: Timestamp,
    /// `github`, `gitlab`, `gitea` or `generic`.
    pub provider: &'static str,
    /// What it tells of, in the provider's word.
    pub event: String,
    /// The sender's name for it, to find it there.
    pub name: Option<String>,
    /// The commit that it names; believed by nobody.
    pub commit: Option<String>,
    /// What becomes of it, in one sentence.
    pub verdict: String,
}
