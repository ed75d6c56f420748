//! Workloads whose rollout cannot end by itself, so that their gate would wait for a person.
//!
//! In: the objects and who owns what. Out: a warning for each setting that holds a gate shut. Nothing of it is wrong
//! for Kubernetes, and somebody may be there who goes on by hand; a release at night only waits.

use std::collections::BTreeSet;

use serde_json::Value;

use super::object::Object;
use super::owner::Ownership;
use super::reference::pod_template;
use super::selector::{labels, matches_plain};
use tidegate_spec::{Code, Problem, ServiceName};

/// Every warning, in the order of the services, then of the objects.
pub fn unending(objects: &[Object], ownership: &Ownership) -> Vec<Problem> {
    let workloads = ownership
        .services
        .values()
        .flat_map(|owned| &owned.workloads);
    let workloads = workloads.filter_map(|index| objects.get(*index));
    let mut problems: Vec<Problem> = workloads
        .flat_map(|workload| {
            held(workload)
                .into_iter()
                .chain(unserved(objects, workload))
        })
        .collect();
    problems.extend(
        objects
            .iter()
            .filter_map(|object| shared_front(objects, ownership, object)),
    );
    problems
}

/// What of a workload's own settings holds its rollout.
fn held(workload: &Object) -> Option<Problem> {
    let spec = workload.value.get("spec")?;
    let text = |path: &str| spec.pointer(path).and_then(Value::as_str);
    let is_true = |path: &str| spec.pointer(path).and_then(Value::as_bool) == Some(true);
    let partition = spec.pointer("/updateStrategy/rollingUpdate/partition");
    let partition = partition.and_then(Value::as_i64).unwrap_or(0);
    match workload.reference.kind.as_str() {
        "Deployment" if is_true("/paused") => Some(warning(
            workload,
            "spec.paused",
            "is paused, so its rollout never begins",
            "remove `paused`, or resume it by hand while the release waits",
        )),
        "StatefulSet" | "DaemonSet" if text("/updateStrategy/type") == Some("OnDelete") => {
            Some(warning(
                workload,
                "spec.updateStrategy.type",
                "replaces a pod only when somebody deletes it",
                "write `RollingUpdate`, or delete the old pods by hand while the release waits",
            ))
        }
        "StatefulSet" if partition > 0 => Some(warning(
            workload,
            "spec.updateStrategy.rollingUpdate.partition",
            format!("leaves the pods below number {partition} in their old revision"),
            "remove `partition`, or lower it by hand while the release waits",
        )),
        "Job" if is_true("/suspend") => Some(warning(
            workload,
            "spec.suspend",
            "is suspended, so it never runs",
            "remove `suspend`, or set it to false by hand while the release waits",
        )),
        _ => None,
    }
}

/// A workload without pods behind a Service: nothing ever serves.
fn unserved(objects: &[Object], workload: &Object) -> Option<Problem> {
    let replicas = workload.value.pointer("/spec/replicas")?.as_i64()?;
    let template = pod_template(workload)?;
    let pod_labels = labels(template.pointer("/metadata/labels"));
    let is_in_front = |object: &&Object| {
        object.reference.kind == "Service"
            && object
                .value
                .pointer("/spec/selector")
                .is_some_and(|selector| matches_plain(selector, &pod_labels))
    };
    let front = objects.iter().find(is_in_front)?;
    (replicas == 0).then(|| {
        warning(
            workload,
            "spec.replicas",
            format!(
                "has no pods, so nothing ever serves behind {}",
                front.reference
            ),
            "scale it up, or leave `replicas` out where an autoscaler sets it",
        )
    })
}

/// A Service in front of the pods of two services: the pods of each are strangers to the gate of the other.
fn shared_front(objects: &[Object], ownership: &Ownership, object: &Object) -> Option<Problem> {
    if object.reference.kind != "Service" {
        return None;
    }
    let selector = object.value.pointer("/spec/selector")?;
    let selects = |index: &usize| {
        let template = objects.get(*index).and_then(pod_template);
        template.is_some_and(|template| {
            matches_plain(selector, &labels(template.pointer("/metadata/labels")))
        })
    };
    let behind: BTreeSet<&ServiceName> = ownership
        .services
        .iter()
        .filter(|(_, owned)| owned.workloads.iter().any(selects))
        .map(|(name, _)| name)
        .collect();
    let names: Vec<&str> = behind.iter().map(|name| name.as_str()).collect();
    (names.len() > 1).then(|| {
        warning(
            object,
            "spec.selector",
            format!(
                "leads to pods of {}, so a call may reach either and no gate of theirs opens",
                names.join(" and ")
            ),
            "let it select the pods of one service, or make them one service with several workloads",
        )
    })
}

fn warning(object: &Object, path: &str, wrong: impl std::fmt::Display, hint: &str) -> Problem {
    let wrong = format!("{} {wrong}", object.reference);
    Problem::error(Code::WaitsForSomebody, path, wrong)
        .warning()
        .hint(hint)
        .at(object.place.clone())
}
