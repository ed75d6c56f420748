//! What the status of a Workflow says: its outputs, and why it failed. All of it is data from outside.

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde_json::{Map, Value};

use super::words::plain;

/// How many bytes the nodes of a Workflow may have unpacked.
const NODES_MAX: u64 = 16 << 20;

/// The value of an output parameter: of the Workflow, of its entry point, or of the one step that gives it.
pub(super) fn digest(status: &Value, name: &str, parameter: &str) -> Option<String> {
    let global = status.get("outputs").and_then(|it| output(it, parameter));
    if global.is_some() {
        return global;
    }
    let nodes = nodes(status);
    let of_node = |node: &Value| output(node.get("outputs")?, parameter);
    if let Some(found) = nodes.get(name).and_then(of_node) {
        return Some(found);
    }
    let mut all: Vec<String> = nodes.values().filter_map(of_node).collect();
    all.sort();
    all.dedup();
    match all.as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    }
}

fn output(outputs: &Value, parameter: &str) -> Option<String> {
    let mut parameters = outputs.get("parameters")?.as_array()?.iter();
    let found = parameters.find(|it| it.get("name").is_some_and(|name| name == parameter))?;
    Some(found.get("value")?.as_str()?.trim().to_owned())
}

/// The nodes, which Argo packs where there are many.
fn nodes(status: &Value) -> Map<String, Value> {
    if let Some(nodes) = status.get("nodes").and_then(Value::as_object) {
        return nodes.clone();
    }
    let packed = status.get("compressedNodes").and_then(Value::as_str);
    let unpacked = packed.and_then(|text| {
        let bytes = STANDARD.decode(text).ok()?;
        let mut json = Vec::new();
        GzDecoder::new(bytes.as_slice())
            .take(NODES_MAX)
            .read_to_end(&mut json)
            .ok()?;
        serde_json::from_slice(&json).ok()
    });
    unpacked.unwrap_or_default()
}

/// What a step waits for whose pod does not run, in Argo's words, which are the kubelet's or the scheduler's.
pub(super) fn waits(status: &Value) -> Option<String> {
    let nodes = nodes(status);
    let mut pods = nodes.values().filter(|node| {
        let is = |key: &str, value: &str| node.get(key).is_some_and(|it| it == value);
        is("type", "Pod") && is("phase", "Pending")
    });
    pods.find_map(|node| {
        let text = |key: &str| node.get(key)?.as_str().filter(|words| !words.is_empty());
        let (step, words) = (text("displayName")?, text("message")?);
        let is_usual = matches!(words, "ContainerCreating" | "PodInitializing");
        (!is_usual).then(|| plain(&format!("step `{step}`: {words}")))
    })
}

/// Why it failed, in a sentence: the step that failed last, or the Workflow's own words.
pub(super) fn failure(status: &Value) -> String {
    let text = |value: &Value, key: &str| value.get(key)?.as_str().map(str::to_owned);
    let nodes = nodes(status);
    let failed = nodes.values().filter(|node| {
        let is = |key: &str, value: &str| node.get(key).is_some_and(|it| it == value);
        is("type", "Pod") && (is("phase", "Failed") || is("phase", "Error"))
    });
    let last = failed.max_by_key(|node| text(node, "finishedAt").unwrap_or_default());
    let own = text(status, "message").filter(|words| !words.is_empty());
    let of_step = last.and_then(|node| {
        let step = text(node, "displayName")?;
        let words = text(node, "message").unwrap_or_else(|| "it failed".to_owned());
        Some(format!("step `{step}`: {words}"))
    });
    let words = of_step
        .or(own)
        .unwrap_or_else(|| "the Workflow does not say why".to_owned());
    plain(&words)
}
