//! Metrics of the archive.

use prometheus::core::Collector;
use prometheus::{IntCounter, IntGauge};

/// How the archive does.
#[derive(Clone)]
pub struct ArchiveMetrics {
    up: IntGauge,
    waiting: IntGauge,
    archived: IntCounter,
    lost_events: IntCounter,
}

impl ArchiveMetrics {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        Ok(Self {
            up: IntGauge::new(
                "tidegate_archive_up",
                "Whether the archive took what it was last given: 1, or 0.",
            )?,
            waiting: IntGauge::new(
                "tidegate_unarchived_releases",
                "Ended releases that wait to be archived.",
            )?,
            archived: IntCounter::new(
                "tidegate_archived_releases_total",
                "Releases that this process has archived.",
            )?,
            lost_events: IntCounter::new(
                "tidegate_archive_lost_events_total",
                "Events that were not archived, since the archive did not take them for too long.",
            )?,
        })
    }

    pub(super) fn collectors(&self) -> [Box<dyn Collector>; 4] {
        [
            Box::new(self.up.clone()),
            Box::new(self.waiting.clone()),
            Box::new(self.archived.clone()),
            Box::new(self.lost_events.clone()),
        ]
    }

    /// Whether the archive took what it was last given.
    pub fn set_up(&self, up: bool) {
        self.up.set(i64::from(up));
    }

    /// How many ended releases wait to be archived.
    pub fn set_waiting(&self, releases: usize) {
        self.waiting
            .set(i64::try_from(releases).unwrap_or(i64::MAX));
    }

    /// Counts a release that was archived.
    pub fn count_archived(&self) {
        self.archived.inc();
    }

    /// Counts events that are in no archive.
    pub fn count_lost_events(&self, events: usize) {
        self.lost_events
            .inc_by(u64::try_from(events).unwrap_or(u64::MAX));
    }
}
