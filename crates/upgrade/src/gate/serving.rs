//! Whether the new revision takes calls; completion.md §6.7.
//!
//! In: a look, whose the pods are, the endpoints. Out: the Service with the fewest new endpoints, if too few.

use std::collections::BTreeSet;

use super::drain::Scene;
use super::endpoints::{Seen, Target};
use super::lineage::Standing;
use super::reason::Reason;
use super::snapshot;
use super::verdict::Serving;
use super::workload::Workload;

pub(super) fn judge(scene: &Scene<'_, '_>, wanted: u32) -> Serving {
    let shown = scene.look.snapshot;
    let canary = shown.workload.as_ref().and_then(Workload::canary);
    let primary = canary.and_then(|canary| canary.serving_template(shown));
    let names = scene.fronts.services.iter().filter(|service| {
        let spec = service.spec.as_ref();
        let selector = spec.and_then(|spec| spec.selector.as_ref());
        // Flagger's Service for the canary pods is empty when they are promoted.
        let serves = primary.as_ref().is_none_or(|primary| {
            let metadata = primary.metadata.as_ref();
            selector
                .zip(metadata)
                .is_some_and(|(selector, metadata)| snapshot::service_selects(selector, metadata))
        });
        serves && spec.and_then(|spec| spec.type_.as_deref()) != Some("ExternalName")
    });
    let names = names.map(|service| snapshot::name(&service.metadata));
    // A Service that nobody shows, or that selects nothing, takes calls all the same, as its endpoints tell.
    let names = names.chain(scene.fronts.unselecting.iter().copied());
    let ready = names.map(|name| (ready(scene, name), name));
    // The Services are sorted by name, so the first of the fewest is always the same.
    let Some((ready, service)) = ready.min() else {
        return Serving::NotNeeded;
    };
    let policy = scene.look.policy;
    let want = policy.min_serving.max(1);
    match (wanted == 0, policy.allow_zero) {
        (true, true) => Serving::NotNeeded,
        (false, _) if ready >= want => Serving::Serving,
        (is_zero, _) => Serving::Waiting {
            reason: if is_zero {
                Reason::ZeroReplicas
            } else {
                Reason::NotServing
            },
            service: service.to_owned(),
            ready,
            want,
        },
    }
}

/// New pods that a Service sends calls to.
fn ready(scene: &Scene<'_, '_>, service: &str) -> u32 {
    let new_pod = |seen: &Seen<'_>| match seen.target {
        Target::Pod(pod) => {
            let takes_calls = seen.is_ready()
                && !snapshot::is_terminating(pod)
                && scene.lineage.standing(pod) == Standing::Current;
            takes_calls.then(|| snapshot::uid(&pod.metadata).to_owned())
        }
        Target::GonePod(_) | Target::Unknown => None,
    };
    let of_service = scene.seen.iter().filter(|seen| seen.service == service);
    snapshot::length(
        of_service
            .filter_map(new_pod)
            .collect::<BTreeSet<_>>()
            .len(),
    )
}
