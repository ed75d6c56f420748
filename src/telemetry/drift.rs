//! What others change of systems at rest, as metrics.

use prometheus::core::Collector;
use prometheus::{IntCounterVec, IntGaugeVec, Opts};

use crate::drift::DriftEvent;

/// The metrics of systems at rest.
#[derive(Clone)]
pub(super) struct DriftMetrics {
    events: IntCounterVec,
    objects: IntGaugeVec,
}

impl DriftMetrics {
    /// Makes them. Errors: none but a name that is written wrongly here.
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let events = Opts::new(
            "tidegate_drift_events_total",
            "What others changed of what plans released, and what was done about it, by reason.",
        );
        let objects = Opts::new(
            "tidegate_drifted_objects",
            "Objects that are not as they were released.",
        );
        Ok(Self {
            events: IntCounterVec::new(events, &["plan", "reason"])?,
            objects: IntGaugeVec::new(objects, &["plan"])?,
        })
    }

    /// All of them.
    pub(super) fn collectors(&self) -> [Box<dyn Collector>; 2] {
        [
            Box::new(self.events.clone()),
            Box::new(self.objects.clone()),
        ]
    }

    /// Counts an event about a plan.
    pub(super) fn hear(&self, plan: &str, event: &DriftEvent) {
        self.events.with_label_values(&[plan, event.reason()]).inc();
        let objects = match event {
            DriftEvent::Found {
                objects,
                message: _,
            } => *objects,
            DriftEvent::Over => 0,
            DriftEvent::Heals { .. } | DriftEvent::NotHealed { .. } => return,
        };
        self.objects
            .with_label_values(&[plan])
            .set(i64::try_from(objects).unwrap_or(i64::MAX));
    }
}
