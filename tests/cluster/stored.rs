//! What the API server has stored of a rollout, as lines: each state of each object, with what the simulator knows of such an
//! object and nothing else.
//!
//! In: a history. Out: `before` or `then`, the object, and what it is like; or that it is gone.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::histories::History;

/// A word, and where in an object stands what it says.
type Field = (&'static str, &'static str);

const GENERATION: Field = ("generation", "/metadata/generation");
const WANTS: Field = ("wants", "/spec/replicas");
const OBSERVED: Field = ("observed", "/status/observedGeneration");
const REPLICAS: Field = ("replicas", "/status/replicas");
const UPDATED: Field = ("updated", "/status/updatedReplicas");
const READY: Field = ("ready", "/status/readyReplicas");
const AVAILABLE: Field = ("available", "/status/availableReplicas");

/// What is written down of a kind; what an object does not have is 0.
fn fields(kind: &str) -> &'static [Field] {
    match kind {
        "Deployment" => &[
            GENERATION,
            WANTS,
            ("surge", "/spec/strategy/rollingUpdate/maxSurge"),
            ("unavailable", "/spec/strategy/rollingUpdate/maxUnavailable"),
            OBSERVED,
            REPLICAS,
            UPDATED,
            READY,
            AVAILABLE,
        ],
        "ReplicaSet" => &[GENERATION, WANTS, OBSERVED, REPLICAS, READY, AVAILABLE],
        "StatefulSet" => &[
            GENERATION, WANTS, OBSERVED, REPLICAS, UPDATED, READY, AVAILABLE,
        ],
        "DaemonSet" => &[
            GENERATION,
            OBSERVED,
            ("desired", "/status/desiredNumberScheduled"),
            ("replicas", "/status/currentNumberScheduled"),
            ("updated", "/status/updatedNumberScheduled"),
            ("ready", "/status/numberReady"),
            ("available", "/status/numberAvailable"),
        ],
        "Job" => &[
            GENERATION,
            ("ready", "/status/ready"),
            ("succeeded", "/status/succeeded"),
        ],
        "Pod" => &[("node", "/spec/nodeName"), ("phase", "/status/phase")],
        _ => &[],
    }
}

/// The history as lines. What changes beside what is written down makes none.
pub(crate) fn lines(history: &History) -> String {
    let mut names = Names::default();
    let mut text = String::new();
    let mut last = BTreeMap::new();
    let before = history.before().map(|object| ("before", false, object));
    let then = history
        .stored()
        .map(|(gone, object)| ("then", gone, object));
    for (when, is_gone, object) in before.chain(then) {
        let kind = object["kind"].as_str().unwrap_or_default();
        if fields(kind).is_empty() {
            continue;
        }
        let name = names.of(kind, object);
        let words = if is_gone {
            " gone".to_owned()
        } else {
            words(kind, object)
        };
        if last.get(&name) != Some(&words) {
            writeln!(text, "{when} {name}{words}").unwrap();
            last.insert(name, words);
        }
    }
    text
}

/// Short names for what has random ones: the tag of its image for a ReplicaSet, a number for a pod.
#[derive(Default)]
struct Names(BTreeMap<String, usize>);

impl Names {
    fn of(&mut self, kind: &str, object: &Value) -> String {
        match kind {
            "Pod" => {
                let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
                let next = self.0.len() + 1;
                format!("Pod {}", self.0.entry(uid.to_owned()).or_insert(next))
            }
            "ReplicaSet" => format!("ReplicaSet {}", tag(kind, object)),
            _ => kind.to_owned(),
        }
    }
}

fn words(kind: &str, object: &Value) -> String {
    let mut words = format!(" tag={}", tag(kind, object));
    for (word, place) in fields(kind) {
        let value = match object.pointer(place) {
            None | Some(Value::Null) => "0".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        };
        write!(words, " {word}={value}").unwrap();
    }
    match kind {
        "Job" => write!(words, " complete={}", has(object, "Complete")).unwrap(),
        "Pod" => {
            let ends = object["metadata"].get("deletionTimestamp").is_some();
            write!(words, " ready={} ends={ends}", has(object, "Ready")).unwrap();
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            let place = name.rsplit('-').next().map(str::parse::<u32>);
            if let Some(Ok(place)) = place {
                write!(words, " place={place}").unwrap();
            }
        }
        _ => {}
    }
    words
}

/// Whether a condition is true.
fn has(object: &Value, condition: &str) -> bool {
    let conditions = object["status"]["conditions"].as_array();
    let mut conditions = conditions.into_iter().flatten();
    conditions.any(|it| it["type"] == condition && it["status"] == "True")
}

/// The tag of the image of an object's pods.
fn tag<'o>(kind: &str, object: &'o Value) -> &'o str {
    let spec = match kind {
        "Pod" => &object["spec"],
        _ => &object["spec"]["template"]["spec"],
    };
    let image = spec["containers"][0]["image"].as_str().unwrap_or_default();
    image.rsplit(':').next().unwrap_or_default()
}
