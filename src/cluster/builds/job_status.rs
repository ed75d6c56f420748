//! What a Job and its pods say of a build: how far it is, its digest, and why it failed. All of it is data from outside.

use k8s_openapi::api::core::v1::{ContainerStateTerminated, Pod};
use kube::ResourceExt;
use kube::api::DynamicObject;
use serde_json::Value;

use super::buildkit::CONTAINER;
use super::words::plain;
use crate::build::{Found, Progress};
use crate::spec::ObjectRef;

/// How `buildctl` begins the words that say why.
const ERROR: &str = "error: ";

/// How a Job has ended, in its own words.
struct Ended<'a> {
    is_complete: bool,
    reason: &'a str,
    message: &'a str,
}

/// Whether a Job is suspended, so that it has no pods.
pub(super) fn is_held(job: &DynamicObject) -> bool {
    job.data.pointer("/spec/suspend") == Some(&Value::Bool(true))
}

fn ended(job: &DynamicObject) -> Option<Ended<'_>> {
    let conditions = job.data.pointer("/status/conditions")?.as_array()?;
    conditions.iter().find_map(|condition| {
        let text = |key: &str| {
            condition
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let is_end = matches!(text("type"), "Complete" | "Failed") && text("status") == "True";
        is_end.then(|| Ended {
            is_complete: text("type") == "Complete",
            reason: text("reason"),
            message: text("message"),
        })
    })
}

/// What is seen of it. In: the Job, its pods where it is not held, and whether this release made it.
pub(super) fn found(
    job: &DynamicObject,
    pods: &[Pod],
    reference: &ObjectRef,
    is_own: bool,
) -> Found {
    Found {
        uid: job.metadata.uid.clone().unwrap_or_default(),
        is_own,
        is_held: is_held(job),
        object: reference.to_string(),
        link: None,
        waits: pods.iter().find_map(|pod| waits_for(pod, CONTAINER)),
        progress: match ended(job) {
            None => Progress::Going,
            Some(ended) if ended.is_complete => succeeded(pods),
            Some(ended) => failed(&ended, pods),
        },
    }
}

/// Why the container of a pod does not run, where it does not come by itself: the words of the kubelet, or of the scheduler.
pub(super) fn waits_for(pod: &Pod, container: &str) -> Option<String> {
    let status = pod.status.as_ref()?;
    let joined = |reason: &Option<String>, message: &Option<String>| {
        let reason = reason.as_deref()?;
        Some(match message {
            Some(message) => plain(&format!("{reason}: {message}")),
            None => reason.to_owned(),
        })
    };
    let statuses = status.container_statuses.iter().flatten();
    let mut own = statuses.filter(|one| one.name == container);
    let waiting = own.find_map(|one| one.state.as_ref()?.waiting.as_ref());
    if let Some(waiting) = waiting {
        let is_usual = matches!(
            waiting.reason.as_deref(),
            None | Some("ContainerCreating" | "PodInitializing")
        );
        return joined(&waiting.reason, &waiting.message).filter(|_| !is_usual);
    }
    let mut conditions = status.conditions.iter().flatten();
    let scheduled = conditions.find(|one| one.type_ == "PodScheduled" && one.status == "False")?;
    joined(&scheduled.reason, &scheduled.message)
}

/// How the container of a pod has ended, if it has.
fn terminated(pod: &Pod) -> Option<&ContainerStateTerminated> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    let of_build = statuses.iter().find(|status| status.name == CONTAINER)?;
    of_build.state.as_ref()?.terminated.as_ref()
}

fn succeeded(pods: &[Pod]) -> Progress {
    let mut ends = pods.iter().filter_map(terminated);
    let Some(end) = ends.find(|end| end.exit_code == 0) else {
        return Progress::Failed {
            reason: "ResultLost".to_owned(),
            message: "it has ended well, but its pod, which had the digest, was deleted before that was seen"
                .to_owned(),
        };
    };
    let digest = end.message.as_deref().unwrap_or_default().trim();
    Progress::Succeeded((!digest.is_empty()).then(|| digest.to_owned()))
}

/// Why: the last pod's own words, or the Job's.
fn failed(ended: &Ended<'_>, pods: &[Pod]) -> Progress {
    let mut pods: Vec<&Pod> = pods.iter().collect();
    pods.sort_by_key(|pod| pod.creation_timestamp().map(|time| time.0));
    let mut ends = pods.iter().rev().filter_map(|pod| terminated(pod));
    let of_pod = |pod: &Pod| {
        let status = pod.status.as_ref()?;
        let reason = status.reason.clone()?;
        Some((reason, status.message.clone().unwrap_or_default()))
    };
    let (reason, message) = if let Some(end) = ends.find(|end| end.exit_code != 0) {
        let reason = end.reason.clone().unwrap_or_else(|| "Error".to_owned());
        let words = last_words(end.message.as_deref().unwrap_or_default());
        let code = format!("exit code {}", end.exit_code);
        let words = if words.is_empty() {
            code
        } else {
            format!("{code}: {words}")
        };
        (reason, words)
    } else if let Some(told) = pods.iter().rev().find_map(|pod| of_pod(pod)) {
        told
    } else {
        (ended.reason.to_owned(), ended.message.to_owned())
    };
    let message = plain(&message);
    Progress::Failed {
        reason,
        message: if message.is_empty() {
            "the Job does not say why".to_owned()
        } else {
            message
        },
    }
}

/// Of the end of a log, what says why: `buildctl`'s last error with all that follows, or the last line.
fn last_words(log: &str) -> &str {
    let error_at = log.rmatch_indices(ERROR).map(|(at, _)| at).find(|at| {
        let before = log.get(..*at).unwrap_or_default();
        before.is_empty() || before.ends_with('\n')
    });
    match error_at {
        Some(at) => log.get(at + ERROR.len()..).unwrap_or_default().trim(),
        None => log.trim().lines().last().unwrap_or_default().trim(),
    }
}
