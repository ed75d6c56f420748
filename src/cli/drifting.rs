//! Who hears, in `tidegate controller`, of what others change of systems at rest; and the same for `tidegate status`.

use std::sync::Arc;

use kube::ResourceExt;

use crate::cluster::DriftListener;
use crate::drift::DriftEvent;
use crate::spec::crd::{DRIFTED, ReleasePlan};
use crate::telemetry::Metrics;

/// Counts what happens to systems at rest.
struct DriftMetrics(Metrics);

impl DriftListener for DriftMetrics {
    fn hear(&self, plan: &ReleasePlan, event: &DriftEvent) {
        self.0.hear_drift(&plan.name_any(), event);
    }
}

/// Tells log lines of what happens to systems at rest.
struct DriftLog;

impl DriftListener for DriftLog {
    fn hear(&self, plan: &ReleasePlan, event: &DriftEvent) {
        let (name, reason, message) = (plan.name_any(), event.reason(), event.message());
        if event.is_warning() {
            tracing::warn!(plan = %name, reason, "{message}");
        } else {
            tracing::info!(plan = %name, reason, "{message}");
        }
    }
}

/// All who hear.
pub(super) fn listeners(metrics: &Metrics) -> Vec<Arc<dyn DriftListener>> {
    vec![Arc::new(DriftLog), Arc::new(DriftMetrics(metrics.clone()))]
}

/// What somebody else has changed of what a plan released, in words; `None` if nothing is known of that.
pub(super) fn drifted(plan: &ReleasePlan) -> Option<String> {
    let mut conditions = plan.status.iter().flat_map(|status| &status.conditions);
    let drifted = conditions.find(|one| one.type_ == DRIFTED && one.status == "True")?;
    let since = drifted
        .last_transition_time
        .0
        .strftime("%Y-%m-%dT%H:%M:%SZ");
    Some(format!(
        "≠ plan `{}` is not as it was released, since {since}: {}",
        plan.name_any(),
        drifted.message
    ))
}
