//! Argo Workflows; completion.md §4.9. The phase alone decides: it is set after the exit handlers.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

use super::Plain;
use crate::gate::reason::Reason;
use crate::gate::verdict::{Class, Verdict};
use crate::gate::{Judgement, Look};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct View {
    spec: Spec,
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    suspend: bool,
    shutdown: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    phase: String,
    message: String,
    progress: String,
    nodes: BTreeMap<String, Node>,
    synchronization: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Node {
    #[serde(rename = "type")]
    type_: String,
    phase: String,
    display_name: String,
    inputs: Inputs,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Inputs {
    parameters: Vec<Parameter>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Parameter {
    name: String,
}

/// Rows W1 to W7 and W9; W8 is the freshness ladder's.
pub(super) fn judge(look: &Look<'_>, object: &Plain) -> Option<Judgement> {
    let View { spec, status } = object.view()?;
    let (done, total) = progress(&status.progress);
    let running = status
        .nodes
        .values()
        .find(|node| node.type_ == "Suspend" && node.phase == "Running");
    let verdict = match status.phase.as_str() {
        "Succeeded" => Verdict::Complete,
        "Failed" => {
            let (reason, what) = match spec.shutdown.as_str() {
                "" => (Reason::WorkflowFailed, "it failed".to_owned()),
                "Terminate" => (Reason::Terminated, "somebody terminated it".to_owned()),
                how => (Reason::Stopped, format!("somebody shut it down by `{how}`")),
            };
            let words = if status.message.is_empty() {
                what
            } else if reason == Reason::WorkflowFailed {
                status.message
            } else {
                format!("{what}: {}", status.message)
            };
            Verdict::failed(reason, Class::Terminal, words)
        }
        "Error" => Verdict::failed(Reason::WorkflowError, Class::Retryable, status.message),
        "" | "Pending" | "Running" if spec.suspend => {
            Verdict::paused(Reason::Suspend, done, total).with("`spec.suspend` is set")
        }
        "" | "Pending" | "Running" if running.is_some() => {
            let node = running?;
            // With a duration it goes on by itself.
            if node
                .inputs
                .parameters
                .iter()
                .any(|parameter| parameter.name == "duration")
                || has_duration(object, node)
            {
                Verdict::progressing(Reason::TimedPause, done, total)
                    .with(node.display_name.clone())
            } else {
                Verdict::paused(Reason::Suspend, done, total).with(node.display_name.clone())
            }
        }
        "" => absent_controller(look, object)
            .unwrap_or_else(|| Verdict::progressing(Reason::Pending, done, total)),
        "Pending" => {
            let waits = status
                .synchronization
                .map(|_| "for a lock")
                .unwrap_or_default();
            let words = if status.message.is_empty() {
                waits.to_owned()
            } else {
                status.message
            };
            Verdict::progressing(Reason::Pending, done, total).with(words)
        }
        "Running" if !spec.shutdown.is_empty() => {
            Verdict::progressing(Reason::ShuttingDown, done, total)
        }
        "Running" => Verdict::progressing(Reason::Running, done, total),
        other => Verdict::progressing(Reason::UnknownStatus, done, total)
            .with(format!("its phase is `{other}`")),
    };
    Some(verdict.into())
}

/// Whether the template of a suspended node says how long it lasts.
fn has_duration(object: &Plain, node: &Node) -> bool {
    let stored = object
        .content
        .pointer("/status/storedWorkflowTemplateSpec/templates");
    let templates = object.content.pointer("/spec/templates");
    let all = templates
        .into_iter()
        .chain(stored)
        .filter_map(Value::as_array)
        .flatten();
    let name = |node: &Node| {
        let nodes = object
            .content
            .pointer("/status/nodes")
            .and_then(Value::as_object);
        nodes
            .into_iter()
            .flat_map(|nodes| nodes.values())
            .find_map(|found| {
                let is_it =
                    found.get("displayName").and_then(Value::as_str) == Some(&node.display_name);
                is_it
                    .then(|| {
                        found
                            .get("templateName")
                            .and_then(Value::as_str)
                            .map(str::to_owned)
                    })
                    .flatten()
            })
    };
    let Some(template) = name(node) else {
        return false;
    };
    all.into_iter().any(|found| {
        found.get("name").and_then(Value::as_str) == Some(&template)
            && found.pointer("/suspend/duration").is_some()
    })
}

/// Row W5: nobody has taken it for so long that nobody will.
pub(super) fn absent_controller(look: &Look<'_>, object: &Plain) -> Option<Verdict> {
    let created = object
        .metadata
        .creation_timestamp
        .as_ref()
        .map(|time| time.0);
    let lasts = look.lasts(Reason::Pending, created);
    (lasts >= look.policy.controller_deadline).then(|| {
        let detail = format!("no controller has taken it for {lasts:#}: is it running?");
        Verdict::failed(Reason::ControllerAbsent, Class::Retryable, detail)
    })
}

/// `n/m`.
fn progress(text: &str) -> (u32, u32) {
    let parts = text
        .split_once('/')
        .and_then(|(done, total)| Some((done.parse().ok()?, total.parse().ok()?)));
    parts.unwrap_or((0, 1))
}
