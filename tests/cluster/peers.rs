//! What others call done, from their documentation and source: on the same objects as tidegate's gate.
//!
//! In: an object with its status. Out: done or not; `None` where the tool has no answer for the kind.

use serde_json::Value;

fn number(object: &Value, path: &str) -> i64 {
    object.pointer(path).and_then(Value::as_i64).unwrap_or(0)
}

fn wanted(object: &Value) -> i64 {
    object
        .pointer("/spec/replicas")
        .and_then(Value::as_i64)
        .unwrap_or(1)
}

fn text<'v>(object: &'v Value, path: &str) -> &'v str {
    object
        .pointer(path)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn is_observed(object: &Value) -> bool {
    number(object, "/status/observedGeneration") >= number(object, "/metadata/generation")
}

fn condition<'v>(object: &'v Value, kind: &str) -> Option<&'v Value> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    conditions
        .iter()
        .find(|condition| condition["type"] == kind)
}

fn is_true(object: &Value, kind: &str) -> bool {
    condition(object, kind).is_some_and(|condition| condition["status"] == "True")
}

/// The StatefulSet's partition; the API server writes 0 where nobody wrote one.
fn partition(object: &Value) -> i64 {
    number(object, "/spec/updateStrategy/rollingUpdate/partition")
}

fn is_on_delete(object: &Value) -> bool {
    text(object, "/spec/updateStrategy/type") == "OnDelete"
}

/// `kubectl rollout status` (`kubernetes/kubectl:pkg/polymorphichelpers/rollout_status.go`, and the plugin of Argo
/// Rollouts, which asks for the phase).
pub(crate) fn kubectl(object: &Value) -> Option<bool> {
    let updated = number(object, "/status/updatedReplicas");
    match text(object, "/kind") {
        "Deployment" => Some(
            is_observed(object)
                && updated >= wanted(object)
                && number(object, "/status/replicas") <= updated
                && number(object, "/status/availableReplicas") >= updated,
        ),
        "StatefulSet" | "DaemonSet" if is_on_delete(object) => None,
        "StatefulSet" => Some(
            is_observed(object)
                && number(object, "/status/readyReplicas") >= wanted(object)
                && updated >= wanted(object) - partition(object),
        ),
        "DaemonSet" => {
            let desired = number(object, "/status/desiredNumberScheduled");
            Some(
                is_observed(object)
                    && number(object, "/status/updatedNumberScheduled") >= desired
                    && number(object, "/status/numberAvailable") >= desired,
            )
        }
        "Rollout" => Some(is_healthy_rollout(object)),
        _ => None,
    }
}

/// kstatus (`kubernetes-sigs/cli-utils:pkg/kstatus/status/core.go`, `generic.go`): whether it says `Current`.
pub(crate) fn kstatus(object: &Value) -> Option<bool> {
    let wanted = wanted(object);
    let status = |path: &str| number(object, &format!("/status/{path}"));
    match text(object, "/kind") {
        "Deployment" => {
            let has_progressed = condition(object, "Progressing")
                .is_none_or(|condition| condition["reason"] == "NewReplicaSetAvailable");
            Some(
                is_observed(object)
                    && has_progressed
                    && is_true(object, "Available")
                    && status("replicas") == wanted
                    && status("updatedReplicas") >= wanted
                    && status("availableReplicas") >= status("updatedReplicas")
                    && status("readyReplicas") >= wanted,
            )
        }
        "StatefulSet" if is_on_delete(object) => Some(is_observed(object)),
        "StatefulSet" => Some(
            is_observed(object)
                && status("replicas") == wanted
                && status("readyReplicas") >= wanted
                && status("updatedReplicas") >= wanted - partition(object),
        ),
        "DaemonSet" => {
            let desired = status("desiredNumberScheduled");
            let counters = [
                "currentNumberScheduled",
                "updatedNumberScheduled",
                "numberAvailable",
                "numberReady",
            ];
            Some(is_observed(object) && counters.iter().all(|counter| status(counter) >= desired))
        }
        // It has no condition that it knows, so it is current at once.
        "Canary" => Some(true),
        // A Job that runs is as it should be.
        "Job" => Some(object.pointer("/status/startTime").is_some()),
        _ => None,
    }
}

/// Argo CD's health (`argoproj/argo-cd:gitops-engine/pkg/health`, and its rules for Rollouts and Canaries): whether it says `Healthy`.
pub(crate) fn argo_cd(object: &Value) -> Option<bool> {
    let updated = number(object, "/status/updatedReplicas");
    match text(object, "/kind") {
        "Deployment" => Some(
            object.pointer("/spec/paused") != Some(&Value::Bool(true))
                && is_observed(object)
                && updated >= wanted(object)
                && number(object, "/status/replicas") <= updated
                && number(object, "/status/availableReplicas") >= updated,
        ),
        "StatefulSet" => Some(
            is_observed(object)
                && number(object, "/status/readyReplicas") >= wanted(object)
                && (is_on_delete(object) || updated >= wanted(object) - partition(object)),
        ),
        "DaemonSet" => {
            let desired = number(object, "/status/desiredNumberScheduled");
            let is_rolled = number(object, "/status/updatedNumberScheduled") >= desired
                && number(object, "/status/numberAvailable") >= desired;
            Some(is_observed(object) && (is_on_delete(object) || is_rolled))
        }
        "Job" => Some(is_true(object, "Complete")),
        "Canary" => Some(matches!(
            text(object, "/status/phase"),
            "Succeeded" | "Initialized"
        )),
        "Rollout" => Some(is_healthy_rollout(object)),
        _ => None,
    }
}

/// The controller's own word, for the present generation.
fn is_healthy_rollout(object: &Value) -> bool {
    let generation = number(object, "/metadata/generation").to_string();
    text(object, "/status/observedGeneration") == generation
        && text(object, "/status/phase") == "Healthy"
}
