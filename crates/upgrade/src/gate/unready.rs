//! A new pod that runs and does not become ready; completion.md §3, E18.
//!
//! In: one pod and the events about it. Out: a sign, if its plan sets a bound for that.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Container, ContainerStatus, Event, Pod, Probe};

use super::Policy;
use super::reason::Reason;
use super::signs::{self, Sign};
use super::snapshot;
use super::verdict::Class;

/// What Kubernetes gives a probe that says nothing, in seconds and times.
const PERIOD_DEFAULT_S: i32 = 10;
const FAILURES_DEFAULT: i32 = 3;

/// The sign of a pod all of whose containers run and which is not ready for longer than it may take.
pub(super) fn of_pod(pod: &Pod, events: &[Event], policy: &Policy) -> Option<Sign> {
    let patience = policy.not_ready?;
    let status = pod.status.as_ref()?;
    let containers = status.container_statuses.as_deref().unwrap_or_default();
    let started: Option<Vec<Timestamp>> = containers.iter().map(started_at).collect();
    // The youngest container: a pod cannot have been ready before it ran.
    let began = started?.into_iter().max()?;
    let runs = status.phase.as_deref() == Some("Running") && !snapshot::is_ready(pod);
    let after = probes_take(pod).saturating_add(patience);
    runs.then(|| Sign {
        key: format!("ready/{}", snapshot::uid(&pod.metadata)),
        reason: Reason::NotReady,
        class: Class::Retryable,
        after,
        began: Some(began),
        detail: format!(
            "pod {}: it runs, and is not ready{}",
            snapshot::name(&pod.metadata),
            last_probe(pod, events)
        ),
        object: snapshot::pod_reference(pod),
        is_tolerable: true,
    })
}

fn started_at(container: &ContainerStatus) -> Option<Timestamp> {
    let running = container.state.as_ref()?.running.as_ref()?;
    running.started_at.as_ref().map(|time| time.0)
}

/// How long the slowest container may take by its own probes.
fn probes_take(pod: &Pod) -> SignedDuration {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let longest = containers.map(of_container).max().unwrap_or_default();
    SignedDuration::from_secs(longest)
}

fn of_container(container: &Container) -> i64 {
    let delay = |probe: &Probe| i64::from(probe.initial_delay_seconds.unwrap_or_default());
    let startup = container.startup_probe.as_ref().map(|probe| {
        let period = i64::from(probe.period_seconds.unwrap_or(PERIOD_DEFAULT_S));
        let failures = i64::from(probe.failure_threshold.unwrap_or(FAILURES_DEFAULT));
        delay(probe).saturating_add(period.saturating_mul(failures))
    });
    let readiness = container.readiness_probe.as_ref().map(delay);
    startup
        .into_iter()
        .chain(readiness)
        .max()
        .unwrap_or_default()
}

/// What the kubelet last said of its probe.
fn last_probe(pod: &Pod, events: &[Event]) -> String {
    let about = events.iter().filter(|event| {
        event.reason.as_deref() == Some("Unhealthy") && signs::is_about(event, "Pod", &pod.metadata)
    });
    let last = about.max_by_key(|event| {
        let time = event.last_timestamp.as_ref().map(|time| time.0);
        (time, snapshot::name(&event.metadata))
    });
    let message = last.and_then(|event| event.message.as_deref());
    message.map_or_else(String::new, |message| format!(": {}", signs::cut(message)))
}
