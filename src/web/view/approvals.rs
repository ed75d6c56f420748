//! Everything that waits for somebody's word.

use jiff::Timestamp;
use kube::ResourceExt;
use serde::Serialize;
use utoipa::ToSchema;

use super::release::{ServiceView, release_view};
use super::sight::Sight;

/// What waits, the oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approvals {
    /// The steps.
    pub awaited: Vec<Awaited>,
}

/// One step that waits.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Awaited {
    /// The namespace.
    pub namespace: String,
    /// The release.
    pub release: String,
    /// The plan.
    pub plan: String,
    /// Its wave.
    pub wave: u32,
    /// The step.
    pub step: ServiceView,
}

/// Finds what waits.
pub fn approvals(sight: &Sight, now: Timestamp) -> Approvals {
    let mut awaited = Vec::new();
    for release in sight.releases() {
        let is_open = |status: &crate::spec::crd::ReleaseStatus| {
            status.outcome.is_none() && status.waves.iter().any(has_awaiting)
        };
        if !release.status.as_ref().is_some_and(is_open) {
            continue;
        }
        let view = release_view(release, now);
        for wave in view.waves {
            let waiting = wave.services.into_iter().filter(|step| step.is_awaiting);
            awaited.extend(waiting.map(|step| Awaited {
                namespace: release.namespace().unwrap_or_default(),
                release: release.name_any(),
                plan: release.spec.plan.clone(),
                wave: wave.index,
                step,
            }));
        }
    }
    awaited.sort_by_key(|one| one.step.since);
    Approvals { awaited }
}

fn has_awaiting(wave: &crate::spec::crd::WaveStatus) -> bool {
    let mut services = wave.services.iter();
    services.any(|service| service.reason == crate::upgrade::why::AWAITING)
}
