//! Prometheus metrics, each a function of events; labels come from bounded sets and from plans.

use prometheus::core::Collector;
use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

use super::archive::ArchiveMetrics;
use super::drift::DriftMetrics;
use crate::drift::DriftEvent;
use crate::hook::Outcome;
use crate::source::SourceEvent;
use crate::upgrade::Event;

/// Upper bounds of the time buckets: from a second to the half of an hour.
const SECONDS: [f64; 12] = [
    0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0, 1800.0,
];

/// The metrics of one process.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    events: IntCounterVec,
    waits: IntCounterVec,
    service_seconds: HistogramVec,
    wave_seconds: HistogramVec,
    build_seconds: HistogramVec,
    releases: IntCounterVec,
    sources: IntCounterVec,
    api_requests: IntCounterVec,
    active_releases: IntGauge,
    queued_releases: IntGauge,
    archive: ArchiveMetrics,
    drift: DriftMetrics,
    notifications: IntCounterVec,
    webhooks: IntCounterVec,
}

fn counter(name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntCounterVec> {
    IntCounterVec::new(Opts::new(name, help), labels)
}

fn seconds(name: &str, help: &str, labels: &[&str]) -> prometheus::Result<HistogramVec> {
    let options = HistogramOpts::new(name, help).buckets(SECONDS.to_vec());
    HistogramVec::new(options, labels)
}

impl Metrics {
    /// Makes the metrics. Errors: none but a name that is written wrongly here.
    pub fn new() -> Result<Self, prometheus::Error> {
        let metrics = Self {
            registry: Registry::new(),
            events: counter(
                "tidegate_events_total",
                "Events of releases, by reason.",
                &["plan", "reason"],
            )?,
            waits: counter(
                "tidegate_waits_total",
                "How often a service began to wait, by the gate's reason.",
                &["plan", "reason"],
            )?,
            service_seconds: seconds(
                "tidegate_gate_wait_seconds",
                "From the start of a service until its gate opened.",
                &["plan", "service"],
            )?,
            wave_seconds: seconds(
                "tidegate_wave_seconds",
                "From the first start of a wave until its last gate opened.",
                &["plan", "wave"],
            )?,
            build_seconds: seconds(
                "tidegate_build_seconds",
                "From the decision to build an image until its digest was seen.",
                &["plan", "service"],
            )?,
            releases: counter(
                "tidegate_releases_total",
                "Ended releases, by outcome.",
                &["plan", "outcome"],
            )?,
            sources: counter(
                "tidegate_source_events_total",
                "Events at the sources of plans, by reason.",
                &["plan", "reason"],
            )?,
            api_requests: counter(
                "tidegate_api_requests_total",
                "Requests to the API server, by method and answer.",
                &["method", "code"],
            )?,
            active_releases: IntGauge::new(
                "tidegate_active_releases",
                "Releases that this process drives.",
            )?,
            queued_releases: IntGauge::new(
                "tidegate_queued_releases",
                "Releases that are made and not begun.",
            )?,
            archive: ArchiveMetrics::new()?,
            drift: DriftMetrics::new()?,
            notifications: counter(
                "tidegate_notifications_total",
                "What was told outside of the cluster, by result: sent, failed or dropped.",
                &["result"],
            )?,
            webhooks: counter(
                "tidegate_webhook_deliveries_total",
                "Requests that came as webhooks, by what became of them.",
                &["result"],
            )?,
        };
        metrics.register()?;
        Ok(metrics)
    }

    fn register(&self) -> Result<(), prometheus::Error> {
        let all: [Box<dyn Collector>; 12] = [
            Box::new(self.events.clone()),
            Box::new(self.waits.clone()),
            Box::new(self.service_seconds.clone()),
            Box::new(self.wave_seconds.clone()),
            Box::new(self.build_seconds.clone()),
            Box::new(self.releases.clone()),
            Box::new(self.sources.clone()),
            Box::new(self.api_requests.clone()),
            Box::new(self.active_releases.clone()),
            Box::new(self.queued_releases.clone()),
            Box::new(self.notifications.clone()),
            Box::new(self.webhooks.clone()),
        ];
        all.into_iter()
            .chain(self.archive.collectors())
            .chain(self.drift.collectors())
            .try_for_each(|collector| self.registry.register(collector))
    }

    /// Counts events of a plan's release.
    pub fn hear(&self, plan: &str, events: &[Event]) {
        for event in events {
            self.events.with_label_values(&[plan, event.reason()]).inc();
            self.hear_one(plan, event);
        }
    }

    fn hear_one(&self, plan: &str, event: &Event) {
        match event {
            Event::Waits {
                service: _,
                reason,
                message: _,
            } => {
                self.waits.with_label_values(&[plan, reason]).inc();
            }
            Event::ServiceDone { service, took } => {
                self.service_seconds
                    .with_label_values(&[plan, service.service.as_str()])
                    .observe(took.as_secs_f64());
            }
            Event::Built {
                service,
                image: _,
                took,
            } => {
                self.build_seconds
                    .with_label_values(&[plan, service.as_str()])
                    .observe(took.as_secs_f64());
            }
            Event::WaveDone { wave, took } => {
                let wave = wave.to_string();
                self.wave_seconds
                    .with_label_values(&[plan, wave.as_str()])
                    .observe(took.as_secs_f64());
            }
            Event::Ended {
                outcome,
                message: _,
            } => {
                self.releases.with_label_values(&[plan, outcome]).inc();
            }
            Event::Planned { .. }
            | Event::PlannedAnew { .. }
            | Event::Refused { .. }
            | Event::WaveStarted { .. }
            | Event::ServiceStarted { .. }
            | Event::ServiceFailed { .. }
            | Event::Regressed { .. }
            | Event::InvariantBroken { .. }
            | Event::Recovered { .. }
            | Event::Approved { .. }
            | Event::Forced { .. }
            | Event::Retried { .. }
            | Event::BuildSkipped { .. }
            | Event::BuildStarted { .. }
            | Event::BuildFailed { .. }
            | Event::BuildCancelled { .. }
            | Event::Paused
            | Event::Resumed
            | Event::Superseded { .. }
            | Event::Frozen { .. }
            | Event::Thawed { .. }
            | Event::NotRemoved { .. }
            | Event::NotPublished { .. }
            | Event::WriteRepeated { .. }
            | Event::Unreachable { .. }
            | Event::Reachable => {}
        }
    }

    /// Counts an event at the source of a plan.
    pub fn hear_source(&self, plan: &str, event: &SourceEvent) {
        self.sources
            .with_label_values(&[plan, event.reason()])
            .inc();
    }

    /// Counts what others change of what a plan released.
    pub fn hear_drift(&self, plan: &str, event: &DriftEvent) {
        self.drift.hear(plan, event);
    }

    /// Counts one request to the API server.
    pub fn count_request(&self, method: &str, code: u16) {
        self.api_requests
            .with_label_values(&[method, code.to_string().as_str()])
            .inc();
    }

    /// How many releases this process drives.
    pub fn set_active(&self, releases: usize) {
        self.active_releases
            .set(i64::try_from(releases).unwrap_or(i64::MAX));
    }

    /// How many releases are made and not begun.
    pub fn set_queued(&self, releases: usize) {
        self.queued_releases
            .set(i64::try_from(releases).unwrap_or(i64::MAX));
    }

    /// What becomes of the archive.
    pub fn archive(&self) -> &ArchiveMetrics {
        &self.archive
    }

    /// Counts one request that came as a webhook.
    pub fn count_webhook(&self, outcome: &Outcome) {
        self.webhooks.with_label_values(&[outcome.word()]).inc();
    }

    /// Counts one receiver that was told of something, or was not.
    pub fn count_notification(&self, result: &str) {
        self.notifications.with_label_values(&[result]).inc();
    }

    /// The page that Prometheus reads.
    pub fn text(&self) -> String {
        let mut bytes = Vec::new();
        match TextEncoder::new().encode(&self.registry.gather(), &mut bytes) {
            Ok(()) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => format!("# {error}\n"),
        }
    }
}
