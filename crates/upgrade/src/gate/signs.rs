//! What a pod shows when it is broken; completion.md §3, E1 to E9, E15 and E16.
//!
//! In: one pod and the events about it. Out: signs, each with how long it must last before it counts.
//! The reasons are the kubelet's; they are stable words, its messages are not.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Event, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::Policy;
use super::reason::Reason;
use super::snapshot;
use super::verdict::Class;
use tidegate_spec::ObjectRef;

/// Longer messages are cut: a status is capped, and a pull error can quote a whole page.
const DETAIL_LENGTH_MAX: usize = 400;

/// Why a node turns a pod away after it was bound to it.
const REJECTIONS: [&str; 4] = [
    "Evicted",
    "NodeAffinity",
    "UnexpectedAdmissionError",
    "Preempting",
];

/// A sign that something is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sign {
    /// What stays the same as long as it is the same trouble.
    pub(super) key: String,
    pub(super) reason: Reason,
    pub(super) class: Class,
    /// How long it must last.
    pub(super) after: SignedDuration,
    /// Since when, as far as the object itself says.
    pub(super) began: Option<Timestamp>,
    pub(super) detail: String,
    pub(super) object: ObjectRef,
    /// One of so many pods that may fail.
    pub(super) is_tolerable: bool,
}

/// A container that ends and is started again.
pub(super) struct Crash {
    pub(super) restarts: u32,
    pub(super) is_backing_off: bool,
    pub(super) detail: String,
}

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

/// The text, cut to what a status can hold.
pub(super) fn cut(text: &str) -> String {
    cut_to(text, DETAIL_LENGTH_MAX)
}

/// The text, cut to so many characters.
pub(super) fn cut_to(text: &str, length_max: usize) -> String {
    match text.char_indices().nth(length_max) {
        None => text.trim().to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default().trim()),
    }
}

fn containers(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    pod.status.iter().flat_map(|status| {
        let init = status.init_container_statuses.iter().flatten();
        init.chain(status.container_statuses.iter().flatten())
    })
}

/// The signs of one pod that do not depend on others: images, configuration, start, scheduling.
pub(super) fn of_pod(pod: &Pod, policy: &Policy) -> Vec<Sign> {
    let mut signs: Vec<_> = containers(pod)
        .filter_map(|container| of_container(pod, container))
        .collect();
    signs.extend(unschedulable(pod, policy));
    signs
}

fn sign(pod: &Pod, family: &str, (reason, class, after): Kind, detail: &str) -> Sign {
    Sign {
        key: format!("{family}/{}", snapshot::uid(&pod.metadata)),
        reason,
        class,
        after: seconds(after),
        began: bound_at(pod),
        detail: format!("pod {}: {}", snapshot::name(&pod.metadata), cut(detail)),
        object: snapshot::pod_reference(pod),
        is_tolerable: class == Class::Retryable,
    }
}

/// When a node began to work on a pod: its containers cannot have failed before.
fn bound_at(pod: &Pod) -> Option<Timestamp> {
    let status = pod.status.as_ref();
    let conditions = status.and_then(|status| status.conditions.as_ref());
    let scheduled = conditions
        .into_iter()
        .flatten()
        .find(|condition| condition.type_ == "PodScheduled" && condition.status == "True");
    let times = [
        scheduled.and_then(|condition| condition.last_transition_time.as_ref()),
        status.and_then(|status| status.start_time.as_ref()),
        pod.metadata.creation_timestamp.as_ref(),
    ];
    times.into_iter().flatten().next().map(|time| time.0)
}

type Kind = (Reason, Class, i64);

fn of_container(pod: &Pod, container: &ContainerStatus) -> Option<Sign> {
    let state = container.state.as_ref();
    let waiting = state.and_then(|state| state.waiting.as_ref());
    let reason = waiting
        .and_then(|waiting| waiting.reason.as_deref())
        .unwrap_or_default();
    let message = waiting
        .and_then(|waiting| waiting.message.as_deref())
        .unwrap_or_default();
    let restarts = snapshot::count(Some(container.restart_count));
    let (family, kind) = match reason {
        "InvalidImageName" | "ErrImageNeverPull" => {
            ("image", (Reason::BadImage, Class::Terminal, 0))
        }
        "SignatureValidationFailed" => ("image", (Reason::ImageSignature, Class::Terminal, 0)),
        "ErrImagePull" | "ImagePullBackOff" | "ImageInspectError" | "RegistryUnavailable" => (
            "image",
            (
                Reason::ImagePull,
                Class::Retryable,
                pull_patience_s(message),
            ),
        ),
        // What is missing may arrive with the same wave.
        "CreateContainerConfigError" => ("config", (Reason::ContainerConfig, Class::Retryable, 20)),
        "CreateContainerError"
        | "RunContainerError"
        | "PreCreateHookError"
        | "PreStartHookError"
        | "PostStartHookError" => ("start", start(restarts)),
        _ => {
            let ended = last_end(container)?;
            let cause = ended.reason.as_deref().unwrap_or_default();
            let cannot_start = matches!(cause, "StartError" | "ContainerCannotRun");
            let is_running = state.is_some_and(|state| state.running.is_some());
            return (cannot_start && !is_running).then(|| {
                let detail = format!("container {}: {}", container.name, ending(ended));
                sign(
                    pod,
                    &format!("start/{}", container.name),
                    start(restarts),
                    &detail,
                )
            });
        }
    };
    let detail = if message.is_empty() {
        format!("container {}: {reason}", container.name)
    } else {
        format!("container {}: {reason}: {message}", container.name)
    };
    Some(sign(
        pod,
        &format!("{family}/{}", container.name),
        kind,
        &detail,
    ))
}

fn start(restarts: u32) -> Kind {
    (
        Reason::ContainerStart,
        Class::Retryable,
        if restarts >= 2 { 0 } else { 30 },
    )
}

/// How long a failing pull must last: an answer that says no is believed sooner than a time-out.
fn pull_patience_s(message: &str) -> i64 {
    let message = message.to_lowercase();
    let refusals = [
        "not found",
        "manifest unknown",
        "does not exist",
        "unauthorized",
        "denied",
    ];
    if refusals.iter().any(|refusal| message.contains(refusal)) {
        10
    } else {
        90
    }
}

fn last_end(container: &ContainerStatus) -> Option<&ContainerStateTerminated> {
    let ended = container
        .state
        .as_ref()
        .and_then(|state| state.terminated.as_ref());
    ended.or_else(|| {
        container
            .last_state
            .as_ref()
            .and_then(|state| state.terminated.as_ref())
    })
}

fn ending(ended: &ContainerStateTerminated) -> String {
    let reason = ended.reason.as_deref().unwrap_or("ended");
    let code = ended.exit_code;
    match ended.message.as_deref() {
        Some(message) if !message.is_empty() => {
            format!("{reason}, exit code {code}: {message}")
        }
        Some(_) | None => format!("{reason}, exit code {code}"),
    }
}

fn unschedulable(pod: &Pod, policy: &Policy) -> Option<Sign> {
    let status = pod.status.as_ref()?;
    let condition = status.conditions.iter().flatten().find(|condition| {
        condition.type_ == "PodScheduled"
            && condition.status == "False"
            && condition.reason.as_deref() == Some("Unschedulable")
    })?;
    let message = condition.message.as_deref().unwrap_or_default();
    // An autoscaler answers a lack of room within minutes, and a lack of room is what ends by itself.
    let patience_s = if policy.autoscaler || lacks_room_only(message) {
        180
    } else {
        15
    };
    let kind = (Reason::Unschedulable, Class::Retryable, patience_s);
    let began = condition.last_transition_time.as_ref();
    let began = began.or(pod.metadata.creation_timestamp.as_ref());
    Some(Sign {
        began: began.map(|time| time.0),
        ..sign(pod, "schedule", kind, &format!("Unschedulable: {message}"))
    })
}

/// Whether the scheduler names nothing but a lack of room, for instance
/// `0/3 nodes are available: 3 Insufficient cpu. preemption: …`.
fn lacks_room_only(message: &str) -> bool {
    let reasons = message
        .split_once("available: ")
        .map_or("", |(_, reasons)| reasons);
    let reasons = reasons
        .split_once(". ")
        .map_or(reasons, |(reasons, _)| reasons);
    !reasons.is_empty()
        && reasons
            .split(", ")
            .all(|reason| reason.contains("Insufficient"))
}

/// Whether a pod waits for its scheduling gates.
pub(super) fn is_gated(pod: &Pod) -> bool {
    let conditions = pod
        .status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|condition| {
        condition.type_ == "PodScheduled" && condition.reason.as_deref() == Some("SchedulingGated")
    })
}

/// The container of a pod that was restarted most, if any was.
pub(super) fn crash(pod: &Pod) -> Option<Crash> {
    let worst = containers(pod).max_by_key(|container| container.restart_count)?;
    let restarts = snapshot::count(Some(worst.restart_count));
    let is_backing_off = containers(pod).any(|container| {
        let waiting = container
            .state
            .as_ref()
            .and_then(|state| state.waiting.as_ref());
        waiting.is_some_and(|waiting| waiting.reason.as_deref() == Some("CrashLoopBackOff"))
    });
    let last =
        last_end(worst).map_or_else(String::new, |ended| format!(", last: {}", ending(ended)));
    let name = &worst.name;
    (restarts > 0).then(|| Crash {
        restarts,
        is_backing_off,
        detail: format!("container {name}: {restarts} restarts{last}"),
    })
}

/// The sign of a pod that crashes.
pub(super) fn of_crash(pod: &Pod, crash: &Crash) -> Sign {
    sign(
        pod,
        "crash",
        (Reason::CrashLoop, Class::Retryable, 0),
        &crash.detail,
    )
}

/// The sign of a pod that its node turned away.
pub(super) fn of_rejection(pod: &Pod) -> Option<Sign> {
    let status = pod.status.as_ref()?;
    let reason = status.reason.as_deref().unwrap_or_default();
    let is_rejected = status.phase.as_deref() == Some("Failed")
        && (REJECTIONS.contains(&reason) || reason.starts_with("OutOf"));
    let message = status.message.as_deref().unwrap_or_default();
    let kind = (Reason::PodsRejected, Class::Retryable, 0);
    is_rejected.then(|| Sign {
        is_tolerable: false,
        ..sign(pod, "rejected", kind, &format!("{reason}: {message}"))
    })
}

/// When an event was first told.
pub(super) fn began_at(event: &Event) -> Option<Timestamp> {
    let first = event.first_timestamp.as_ref().map(|time| time.0);
    first
        .or_else(|| event.event_time.as_ref().map(|time| time.0))
        .or_else(|| {
            event
                .metadata
                .creation_timestamp
                .as_ref()
                .map(|time| time.0)
        })
}

/// Whether an event is about an object; by its name where it has no uid, as one in a file may.
pub(super) fn is_about(event: &Event, kind: &str, metadata: &ObjectMeta) -> bool {
    let involved = &event.involved_object;
    match &involved.uid {
        Some(uid) => metadata.uid.as_ref() == Some(uid),
        None => involved.kind.as_deref() == Some(kind) && involved.name == metadata.name,
    }
}

/// The sign of a claim of the pod whose volume cannot be made, while the pod waits for it.
pub(super) fn of_claims(pod: &Pod, events: &[Event]) -> Vec<Sign> {
    let phase = pod
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref());
    let volumes = pod
        .spec
        .iter()
        .flat_map(|spec| spec.volumes.iter().flatten());
    let claims: Vec<_> = volumes
        .filter_map(|volume| Some(volume.persistent_volume_claim.as_ref()?.claim_name.as_str()))
        .collect();
    let is_of_claim = |event: &&Event| {
        let involved = &event.involved_object;
        event.reason.as_deref() == Some("ProvisioningFailed")
            && involved.kind.as_deref() == Some("PersistentVolumeClaim")
            && involved
                .name
                .as_deref()
                .is_some_and(|name| claims.contains(&name))
    };
    let mut found: Vec<_> = events.iter().filter(is_of_claim).collect();
    found.sort_by_key(|event| snapshot::name(&event.metadata));
    let sign_of = |event: &&Event| {
        let message = event.message.as_deref().unwrap_or_default();
        Sign {
            is_tolerable: false,
            began: began_at(event),
            ..sign(
                pod,
                "claim",
                (Reason::Volume, Class::Retryable, 60),
                &format!("ProvisioningFailed: {message}"),
            )
        }
    };
    let last = found.last().filter(|_| phase == Some("Pending"));
    last.map(sign_of).into_iter().collect()
}

/// The signs of a pod that only its events show: volumes and sandboxes, while it has not started.
pub(super) fn of_events(pod: &Pod, events: &[Event]) -> Vec<Sign> {
    let phase = pod
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref());
    if phase != Some("Pending") {
        return Vec::new();
    }
    let about = events
        .iter()
        .filter(|event| is_about(event, "Pod", &pod.metadata));
    let mut signs: Vec<_> = about
        .filter_map(|event| {
            let cause = event.reason.as_deref().unwrap_or_default();
            let (family, reason) = match cause {
                "FailedMount" | "FailedAttachVolume" => ("volume", Reason::Volume),
                "FailedCreatePodSandBox" => ("sandbox", Reason::Sandbox),
                _ => return None,
            };
            let message = event.message.as_deref().unwrap_or_default();
            let kind = (reason, Class::Retryable, 120);
            Some(Sign {
                is_tolerable: false,
                began: began_at(event),
                ..sign(pod, family, kind, &format!("{cause}: {message}"))
            })
        })
        .collect();
    signs.sort_by(|left, right| (&left.key, &left.detail).cmp(&(&right.key, &right.detail)));
    signs.dedup_by(|left, right| left.key == right.key);
    signs
}
