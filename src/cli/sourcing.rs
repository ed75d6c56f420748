//! What `tidegate controller` needs to keep the sources of plans: where objects are cached, and who hears.

use std::path::PathBuf;
use std::sync::Arc;

use kube::ResourceExt;

use crate::cluster::{SourceKeeping, SourceListener, Webhooks};
use crate::source::SourceEvent;
use crate::spec::crd::ReleasePlan;
use crate::telemetry::Metrics;

/// Counts what happens at sources.
struct SourceMetrics(Metrics);

impl SourceListener for SourceMetrics {
    fn hear(&self, plan: &ReleasePlan, event: &SourceEvent) {
        self.0.hear_source(&plan.name_any(), event);
    }
}

/// Tells log lines of what happens at sources.
pub(super) struct SourceLog;

impl SourceListener for SourceLog {
    fn hear(&self, plan: &ReleasePlan, event: &SourceEvent) {
        let (name, reason, message) = (plan.name_any(), event.reason(), event.message());
        if event.is_warning() {
            tracing::warn!(plan = %name, reason, "{message}");
        } else {
            tracing::info!(plan = %name, reason, "{message}");
        }
    }
}

/// What keeping sources needs. Each process caches in a folder of its own, unless one is given: two that fetch into one
/// would disturb each other.
pub(super) fn keeping(
    cache: Option<PathBuf>,
    metrics: &Metrics,
    (webhooks, outside): (Webhooks, Arc<dyn SourceListener>),
) -> SourceKeeping {
    let own = || std::env::temp_dir().join(format!("tidegate-sources-{}", std::process::id()));
    SourceKeeping {
        cache: cache.unwrap_or_else(own),
        listeners: vec![
            Arc::new(SourceLog),
            Arc::new(SourceMetrics(metrics.clone())),
            outside,
        ],
        webhooks,
    }
}
