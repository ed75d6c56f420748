//! What the API server tells of a rollout, every change of every object in its order, judged at each of them.
//!
//! A watch of each kind goes on beside the rollout. The versions of all kinds count as one, so that what they bring can
//! be put into the very order in which it was stored: the history holds each state that there was, and no other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use kube::api::{Api, ApiResource, DynamicObject, ListParams, WatchEvent, WatchParams};
use serde_json::{Value, json};
use tidegate::upgrade::gate::{Absent, Assessment, Objects, Policy, Recorded, judge_all};
use tokio::task::JoinSet;

use crate::support::Space;

/// One change of one object.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    version: u64,
    at: Timestamp,
    is_gone: bool,
    pub(crate) object: Value,
}

impl Change {
    fn come_into(&self, state: &mut State) {
        if self.is_gone {
            state.remove(&name(&self.object));
        } else {
            state.insert(name(&self.object), self.object.clone());
        }
    }
}

/// Kind and name.
type Name = (String, String);

/// The objects of a namespace at one moment.
pub(crate) type State = BTreeMap<Name, Value>;

fn name(object: &Value) -> Name {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&object["kind"]), text(&object["metadata"]["name"]))
}

fn version(object: &Value) -> u64 {
    let version = object["metadata"]["resourceVersion"].as_str();
    version.and_then(|text| text.parse().ok()).unwrap()
}

/// The watches of a namespace, while they go on.
pub(crate) struct Recorder {
    before: State,
    began: Timestamp,
    changes: Arc<Mutex<Vec<Change>>>,
    _watches: JoinSet<()>,
}

impl Recorder {
    /// Begins with what is there.
    pub(crate) async fn start(space: &Space, kinds: &[ApiResource]) -> Self {
        let changes = Arc::new(Mutex::new(Vec::new()));
        let mut watches = JoinSet::new();
        let mut before = State::new();
        for resource in kinds {
            let api: Api<DynamicObject> =
                Api::namespaced_with(space.client.clone(), &space.namespace, resource);
            let found = api.list(&ListParams::default()).await.unwrap();
            let since = found.metadata.resource_version.clone().unwrap();
            let listed = found.items.into_iter().map(|object| full(object, resource));
            before.extend(listed.map(|object| (name(&object), object)));
            watches.spawn(watch(api, resource.clone(), since, changes.clone()));
        }
        Self {
            before,
            began: Timestamp::now(),
            changes,
            _watches: watches,
        }
    }

    /// What is there now and what was at the beginning.
    pub(crate) fn before(&self) -> Vec<Value> {
        self.before.values().cloned().collect()
    }

    /// For how long nothing has come.
    pub(crate) fn silent_for(&self) -> Duration {
        let last = self.changes.lock().unwrap().last().map(|change| change.at);
        let since = last.unwrap_or(self.began).max(self.began);
        Timestamp::now().duration_since(since).unsigned_abs()
    }

    /// Ends; all that came, in its order.
    pub(crate) fn end(self) -> History {
        let mut changes = self.changes.lock().unwrap().clone();
        changes.sort_by_key(|change| change.version);
        History {
            before: self.before,
            changes,
        }
    }
}

fn full(object: DynamicObject, resource: &ApiResource) -> Value {
    let mut value = serde_json::to_value(object).unwrap();
    value["apiVersion"] = json!(resource.api_version);
    value["kind"] = json!(resource.kind);
    value["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("managedFields");
    value
}

async fn watch(
    api: Api<DynamicObject>,
    resource: ApiResource,
    since: String,
    changes: Arc<Mutex<Vec<Change>>>,
) {
    // Longer than any rollout here, and the longest that is allowed.
    let parameters = WatchParams::default().timeout(290);
    let mut stream = api.watch(&parameters, &since).await.unwrap().boxed();
    while let Some(event) = stream.next().await {
        let (is_gone, object) = match event.unwrap() {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => (false, object),
            WatchEvent::Deleted(object) => (true, object),
            WatchEvent::Bookmark(_) => continue,
            WatchEvent::Error(error) => panic!("the watch broke: {error}"),
        };
        let object = full(object, &resource);
        changes.lock().unwrap().push(Change {
            version: version(&object),
            at: Timestamp::now(),
            is_gone,
            object,
        });
    }
}

/// A whole rollout.
#[derive(Debug)]
pub(crate) struct History {
    before: State,
    pub(crate) changes: Vec<Change>,
}

impl History {
    /// Shows each state that there was, with what changed.
    pub(crate) fn replay(&self, mut see: impl FnMut(&State, &Change)) {
        let mut state = self.before.clone();
        for change in &self.changes {
            change.come_into(&mut state);
            see(&state, change);
        }
    }

    /// What was there at the beginning.
    pub(crate) fn before(&self) -> impl Iterator<Item = &Value> {
        self.before.values()
    }

    /// Each change: whether the object is gone, and the object.
    pub(crate) fn stored(&self) -> impl Iterator<Item = (bool, &Value)> {
        let changes = self.changes.iter();
        changes.map(|change| (change.is_gone, &change.object))
    }

    /// The same from a version on: what came before was there.
    pub(crate) fn since(mut self, version: u64) -> Self {
        let is_before = |change: &Change| change.version < version;
        let later = self
            .changes
            .split_off(self.changes.partition_point(is_before));
        for change in std::mem::replace(&mut self.changes, later) {
            change.come_into(&mut self.before);
        }
        self
    }

    fn namespace(&self) -> String {
        let any = self
            .before
            .values()
            .chain(self.changes.iter().map(|change| &change.object));
        let mut named = any.filter_map(|object| object["metadata"]["namespace"].as_str());
        named.next().unwrap_or_default().to_owned()
    }

    /// As text for the gate's own tests: times and names that say nothing of the machine, nothing that no gate reads.
    pub(crate) fn scrubbed(&self, records: &[Recorded]) -> String {
        let began = self
            .changes
            .first()
            .map_or_else(Timestamp::now, |first| first.at);
        let mut scrub = Scrub {
            namespace: self.namespace(),
            began,
            uids: BTreeMap::new(),
        };
        let before: Vec<_> = self
            .before
            .values()
            .map(|object| scrub.object(object))
            .collect();
        let records = serde_json::to_value(records).unwrap();
        let mut known: State = before.iter().map(|it| (name(it), it.clone())).collect();
        let mut lines =
            vec![json!({"before": before, "records": scrub.value(records)}).to_string()];
        for change in &self.changes {
            let after_ms = change.at.duration_since(began).as_millis();
            let of = name(&change.object);
            let mut line = json!({"ms": after_ms, "of": of});
            if change.is_gone {
                known.remove(&of);
            } else {
                let object = scrub.object(&change.object);
                let set = differences(known.get(&of), &object);
                known.insert(of, object);
                if set.as_object().is_some_and(serde_json::Map::is_empty) {
                    continue;
                }
                line["set"] = set;
            }
            lines.push(line.to_string());
        }
        lines.join("\n") + "\n"
    }
}

/// Gives what is random short names, and lets each history begin at the same time.
struct Scrub {
    namespace: String,
    began: Timestamp,
    uids: BTreeMap<String, String>,
}

impl Scrub {
    fn object(&mut self, object: &Value) -> Value {
        let mut kept = json!({});
        for key in [
            "apiVersion",
            "kind",
            "spec",
            "status",
            "revision",
            "endpoints",
            "addressType",
        ] {
            if let Some(value) = object.get(key) {
                kept[key] = value.clone();
            }
        }
        kept["metadata"] = without(
            &object["metadata"],
            &[
                "annotations",
                "creationTimestamp",
                "generateName",
                "resourceVersion",
            ],
        );
        if let Some(deadline) = object["metadata"]["annotations"].get("scale-down-deadline") {
            kept["metadata"]["annotations"] = json!({"scale-down-deadline": deadline});
        }
        for name in ["/spec", "/spec/template/spec"] {
            if let Some(spec) = kept
                .pointer_mut(name)
                .filter(|spec| spec.get("containers").is_some())
            {
                *spec = only(
                    spec,
                    &[
                        "nodeName",
                        "containers",
                        "terminationGracePeriodSeconds",
                        "restartPolicy",
                    ],
                );
            }
        }
        if object["kind"] == "Pod" {
            kept["status"] = only(
                &object["status"],
                &[
                    "phase",
                    "podIP",
                    "conditions",
                    "containerStatuses",
                    "reason",
                    "startTime",
                ],
            );
        }
        self.value(kept)
    }

    fn value(&mut self, value: Value) -> Value {
        match value {
            Value::Object(fields) => {
                let fields = fields.into_iter().filter(|(key, _)| key != "lastProbeTime");
                Value::Object(
                    fields
                        .map(|(key, field)| {
                            let field = match (key.as_str(), &field) {
                                ("uid", Value::String(uid)) => Value::String(self.uid(uid)),
                                _ => self.value(field),
                            };
                            (key, field)
                        })
                        .filter(|(_, field)| !field.is_null() && *field != json!({}))
                        .collect(),
                )
            }
            Value::Array(items) => items.into_iter().map(|item| self.value(item)).collect(),
            Value::String(text) => Value::String(self.text(text)),
            Value::Null | Value::Bool(_) | Value::Number(_) => value,
        }
    }

    fn uid(&mut self, uid: &str) -> String {
        let next = format!("u{}", self.uids.len() + 1);
        self.uids.entry(uid.to_owned()).or_insert(next).clone()
    }

    fn text(&mut self, text: String) -> String {
        // A uid elsewhere than under its own key: in a label.
        let is_uid = text.len() == 36 && text.bytes().filter(|byte| *byte == b'-').count() == 4;
        if is_uid {
            self.uid(&text)
        } else if text == self.namespace {
            "shop".to_owned()
        } else if let Ok(time) = text.parse::<Timestamp>() {
            let start: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
            let second = time.as_second() - self.began.as_second() + start.as_second();
            Timestamp::from_second(second).unwrap().to_string()
        } else {
            text
        }
    }
}

/// The parts of an object that are new: null for one that is not there any more.
fn differences(before: Option<&Value>, now: &Value) -> Value {
    let empty = json!({});
    let before = before.unwrap_or(&empty);
    let fields = now.as_object().into_iter().flatten();
    let new = fields.filter(|(key, field)| before.get(key.as_str()) != Some(*field));
    let mut set: Value = new
        .map(|(key, field)| (key.clone(), field.clone()))
        .collect();
    for key in before.as_object().into_iter().flatten().map(|(key, _)| key) {
        if now.get(key).is_none() {
            set[key] = Value::Null;
        }
    }
    set
}

fn only(value: &Value, keys: &[&str]) -> Value {
    let fields = value.as_object().into_iter().flatten();
    let kept = fields.filter(|(key, _)| keys.contains(&key.as_str()));
    kept.map(|(key, field)| (key.clone(), field.clone()))
        .collect()
}

fn without(value: &Value, keys: &[&str]) -> Value {
    let fields = value.as_object().into_iter().flatten();
    let kept = fields.filter(|(key, _)| !keys.contains(&key.as_str()));
    kept.map(|(key, field)| (key.clone(), field.clone()))
        .collect()
}

/// What the gate says of one workload among some objects.
pub(crate) fn judged<'s>(
    objects: impl Iterator<Item = &'s Value>,
    records: &[Recorded],
    workload: &str,
) -> Option<Assessment> {
    let mut all = Objects::default();
    for object in objects {
        all.take(object).unwrap();
    }
    let told = judge_all(
        &all,
        (records, Absent::Removed),
        &Policy::default(),
        Timestamp::now(),
    );
    told.into_iter()
        .find(|told| told.workload.to_string() == workload)
}
