//! Builds snapshots from a line of YAML: what it says is merged over a Deployment `web` that has just been
//! rolled from revision `b` to revision `a`, with three pods and the Service `svc`.
//!
//! Keys: `at` (seconds), `read: Cached`, `deployment | statefulSet | daemonSet | job | replicaSet | pod`
//! (merged over the workload, `null` takes away), `gone: true`, `sets: {a: …, b: …}` (merged over the
//! ReplicaSets, `null` takes one away), `pods: a a b:T` (revision and flags: `T` terminating, `N` not
//! ready, `P` pending and unbound, `F` failed, `S` succeeded), `patch: {web-b-1: …}` (merged over a pod), `extra` (whole pods),
//! `departed: {uid-b-1: Ended | Forced}` (pods that a watch has seen go),
//! `endpoints` (instead of those that follow from the pods), `services`, `events`, `nodes`, `siblings`.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::narrowed::judge;
use crate::gate::{
    Applied, Assessment, Baseline, Departure, Memory, Policy, Read, Snapshot, Workload,
};
use tidegate_spec::ObjectRef;

/// When every history starts.
pub(super) fn start() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

/// What one look is judged with.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) baseline: Baseline,
    pub(super) applied: Applied,
    pub(super) snapshot: Snapshot,
    pub(super) policy: Policy,
    pub(super) memory: Memory,
}

impl Case {
    /// The case of one look that says so much.
    pub(super) fn of(yaml: &str) -> Self {
        let given: Value = if yaml.trim().is_empty() {
            json!({})
        } else {
            serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{yaml}: {error}"))
        };
        let before = snapshot(&json!({}), &workload_before(&given), "b b b");
        let after = workload_after(&given);
        let response = merged(workload_plain(&given, 2), &json!({}));
        let response = Workload::from_object(response).unwrap().unwrap();
        let live = if given["gone"] == true {
            Value::Null
        } else {
            after
        };
        let pods = given["pods"].as_str().unwrap_or("a a a").to_owned();
        let mut applied = Applied::from_response(&response, before.workload.as_ref());
        let snapshot = snapshot(&given, &live, &pods);
        let shown = snapshot.workload.as_ref();
        if let Some(live) = shown.filter(|it| it.metadata().generation == Some(applied.generation))
        {
            applied.template_digest = live.digest();
        }
        Self {
            baseline: Baseline::capture(&response.reference(), &before),
            applied,
            snapshot,
            policy: Policy::default(),
            memory: Memory::default(),
        }
    }

    pub(super) fn assess(&self) -> (Assessment, Memory) {
        let wait = (&self.baseline, &self.applied);
        judge(wait, &self.snapshot, &self.policy, &self.memory)
    }
}

/// Looks one after the other, each with the memory of those before; the last one's answer.
pub(super) fn looks(looks: &[&str], policy: &Policy) -> Assessment {
    let mut memory = Memory::default();
    let mut last = None;
    for yaml in looks {
        let case = Case {
            memory: memory.clone(),
            policy: policy.clone(),
            ..Case::of(yaml)
        };
        let (assessment, next) = case.assess();
        memory = next;
        last = Some(assessment);
    }
    last.unwrap()
}

/// `Complete / Drained / Serving +Note`, for the last of some looks.
pub(super) fn line(yamls: &[&str]) -> String {
    short(&looks(yamls, &Policy::default()))
}

pub(super) fn short(assessment: &Assessment) -> String {
    let Assessment {
        rollout,
        drain,
        serving,
        notes,
        ..
    } = assessment;
    let notes: Vec<_> = notes.iter().map(|note| format!(" +{note:?}")).collect();
    format!("{rollout} / {drain} / {serving}{}", notes.concat())
}

/// Each row: its number in completion.md §8, the looks, and how the last one begins. A row of one live look is judged
/// from files too.
pub(super) fn check(rows: &[(&str, &[&str], &str)]) {
    let mut wrong = Vec::new();
    for (name, looks, expected) in rows {
        let found = line(looks);
        if !found.starts_with(expected) {
            wrong.push(format!("{name}: expected {expected}\n   found {found}"));
        }
        if let [one] = looks {
            let case = Case::of(one);
            if case.snapshot.read == Read::Live && case.snapshot.siblings.is_empty() {
                let found = case.through_files();
                if !found.starts_with(expected) {
                    wrong.push(format!(
                        "{name}, from files: expected {expected}\n   found {found}"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Puts `over` over `base`, map by map; null takes a key away.
pub(super) fn merged(base: Value, over: &Value) -> Value {
    match (base, over) {
        (Value::Object(mut base), Value::Object(over)) => {
            for (key, value) in over {
                if value.is_null() {
                    base.remove(key);
                } else {
                    let before = base.remove(key).unwrap_or(Value::Null);
                    base.insert(key.clone(), merged(before, value));
                }
            }
            Value::Object(base)
        }
        (_, over) => over.clone(),
    }
}

const KINDS: [&str; 6] = [
    "deployment",
    "statefulSet",
    "daemonSet",
    "job",
    "replicaSet",
    "pod",
];

fn kind(given: &Value) -> &'static str {
    KINDS
        .into_iter()
        .find(|kind| given.get(kind).is_some())
        .unwrap_or("deployment")
}

fn workload_after(given: &Value) -> Value {
    let kind = kind(given);
    merged(
        workload_plain(given, 2),
        given.get(kind).unwrap_or(&json!({})),
    )
}

fn workload_before(given: &Value) -> Value {
    workload_plain(given, 1)
}

/// Version 1 (revision `b`) or 2 (revision `a`) of the workload, finished.
fn workload_plain(given: &Value, version: i64) -> Value {
    let kind = kind(given);
    let (new, old) = if version == 2 { ("a", "b") } else { ("b", "b") };
    let metadata = json!({"name": "web", "namespace": "shop", "uid": "uid-web",
        "generation": version, "resourceVersion": (version * 100).to_string()});
    let template = template(version);
    let spec =
        json!({"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template});
    match kind {
        "deployment" => json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
            "spec": merged(spec, &json!({"progressDeadlineSeconds": 600})),
            "status": {"observedGeneration": version, "replicas": 3, "updatedReplicas": 3,
                "readyReplicas": 3, "availableReplicas": 3}}),
        "statefulSet" => {
            json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata,
            "spec": merged(spec, &json!({"serviceName": "svc",
                "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}})),
            "status": {"observedGeneration": version, "replicas": 3, "updatedReplicas": 3,
                "readyReplicas": 3, "availableReplicas": 3, "currentReplicas": 3,
                "currentRevision": format!("web-{new}"), "updateRevision": format!("web-{new}")}})
        }
        "daemonSet" => json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": metadata,
            "spec": merged(spec, &json!({"replicas": null})),
            "status": {"observedGeneration": version, "desiredNumberScheduled": 3,
                "currentNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3,
                "numberReady": 3, "numberMisscheduled": 0}}),
        "replicaSet" => json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata,
            "spec": merged(spec, &json!({"template": template_with_image("web:1")})),
            "status": {"observedGeneration": version, "replicas": 3, "fullyLabeledReplicas": 3,
                "readyReplicas": 3, "availableReplicas": 3}}),
        "job" => json!({"apiVersion": "batch/v1", "kind": "Job",
            "metadata": merged(metadata, &json!({"uid": format!("uid-job-{new}"), "generation": 1})),
            "spec": {"completions": 1, "parallelism": 1, "template": template,
                "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": format!("uid-job-{new}")}}},
            "status": {"active": 1}}),
        "pod" => merged(
            pod(new, 1, "", kind),
            &json!({"metadata": {"name": "web", "uid": format!("uid-pod-{new}"),
            "generation": version, "resourceVersion": (version * 100).to_string(), "ownerReferences": null}}),
        ),
        _ => panic!("{kind} {old}"),
    }
}

fn template(version: i64) -> Value {
    template_with_image(&format!("web:{version}"))
}

fn template_with_image(image: &str) -> Value {
    json!({"metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "server", "image": image, "resources": {}}]}})
}

fn replica_set(hash: &str, replicas: i64) -> Value {
    let version = if hash == "a" { 2 } else { 1 };
    let template = merged(
        template(version),
        &json!({"metadata": {"labels": {"pod-template-hash": hash}}}),
    );
    json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": format!("web-{hash}"), "namespace": "shop", "uid": format!("uid-set-{hash}"),
            "generation": 1, "labels": {"app": "web", "pod-template-hash": hash},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web",
                "uid": "uid-web", "controller": true}]},
        "spec": {"replicas": replicas,
            "selector": {"matchLabels": {"app": "web", "pod-template-hash": hash}}, "template": template},
        "status": {"observedGeneration": 1, "replicas": replicas, "availableReplicas": replicas}})
}

/// The label that tells a pod's revision, its value, and the pod's owner.
fn owner_of_pod(hash: &str, kind: &str) -> (&'static str, String, Value) {
    let revision = "controller-revision-hash";
    let owner = |kind: &str, name: String, uid: String| json!({"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid, "controller": true});
    let web = |kind: &str| owner(kind, "web".to_owned(), "uid-web".to_owned());
    match kind {
        "deployment" => {
            let set = owner(
                "ReplicaSet",
                format!("web-{hash}"),
                format!("uid-set-{hash}"),
            );
            ("pod-template-hash", hash.to_owned(), set)
        }
        "statefulSet" => (revision, format!("web-{hash}"), web("StatefulSet")),
        "daemonSet" => (revision, hash.to_owned(), web("DaemonSet")),
        "job" => {
            let job = owner("Job", "web".to_owned(), format!("uid-job-{hash}"));
            ("job-name", "web".to_owned(), job)
        }
        _ => ("x", "x".to_owned(), web("ReplicaSet")),
    }
}

/// A pod of a revision, as its workload's kind labels and owns it.
fn pod(hash: &str, number: usize, flags: &str, kind: &str) -> Value {
    // A ReplicaSet never replaces its pods: both have one template.
    let version = if hash == "a" && kind != "replicaSet" {
        2
    } else {
        1
    };
    let name = if kind == "statefulSet" {
        format!("web-{number}")
    } else {
        format!("web-{hash}-{number}")
    };
    let uid = format!("uid-{hash}-{number}");
    let (label, value, owner) = owner_of_pod(hash, kind);
    let is = |flag: char| flags.contains(flag);
    let phase = match () {
        () if is('P') => "Pending",
        () if is('F') => "Failed",
        () if is('S') => "Succeeded",
        () => "Running",
    };
    let ready = if phase == "Running" && !is('N') {
        "True"
    } else {
        "False"
    };
    let address = format!("10.0.{}.{number}", if hash == "a" { 1 } else { 2 });
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "uid": uid,
            "labels": {"app": "web", label: value},
            "ownerReferences": [owner]},
        "spec": {"nodeName": format!("node-{number}"), "terminationGracePeriodSeconds": 30,
            "containers": [{"name": "server", "image": format!("web:{version}")}]},
        "status": {"phase": phase, "podIP": address,
            "conditions": [{"type": "Ready", "status": ready}],
            "containerStatuses": [{"name": "server", "ready": ready == "True", "restartCount": 0,
                "image": format!("web:{version}"), "imageID": "", "state": {"running": {}}}]}});
    if is('P') {
        pod = merged(
            pod,
            &json!({"spec": {"nodeName": null}, "status": {"podIP": null, "containerStatuses": null}}),
        );
    }
    if is('T') {
        pod = merged(
            pod,
            &json!({"metadata": {"deletionTimestamp": "2026-11-24T12:00:30Z", "deletionGracePeriodSeconds": 30}}),
        );
    }
    pod
}

/// The pods of a line such as `a a b:T`, numbered by revision from 1, or as ordinals from 0.
fn pods(given: &Value, line: &str) -> Vec<Value> {
    let kind = kind(given);
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let tokens = line.split_whitespace().enumerate();
    let mut pods: Vec<Value> = tokens
        .map(|(place, token)| {
            let (hash, flags) = token.split_once(':').unwrap_or((token, ""));
            let number = numbers.entry(hash).or_insert(0);
            *number += 1;
            let number = if kind == "statefulSet" {
                place
            } else {
                *number
            };
            pod(hash, number, flags, kind)
        })
        .collect();
    for pod in &mut pods {
        let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
        if let Some(patch) = given["patch"].get(&name) {
            *pod = merged(pod.clone(), patch);
        }
    }
    pods.extend(given["extra"].as_array().into_iter().flatten().map(|over| {
        merged(json!({"metadata": {"namespace": "shop"}, "spec": {"nodeName": "node-9", "containers": []},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}), over)
    }));
    pods
}

/// What the slice controller makes of pods.
fn endpoints(given: &Value, pods: &[Value]) -> Vec<Value> {
    if let Some(endpoints) = given["endpoints"].as_array() {
        return endpoints.clone();
    }
    let running = pods
        .iter()
        .filter(|pod| pod["status"]["phase"] == "Running");
    let selected = running.filter(|pod| {
        pod["metadata"]["labels"]["app"] == "web" && pod["metadata"]["namespace"] == "shop"
    });
    selected.map(|pod| {
        let ready = pod["status"]["conditions"][0]["status"] == "True";
        let terminating = pod["metadata"].get("deletionTimestamp").is_some();
        endpoint(pod["metadata"]["name"].as_str().unwrap(), pod["metadata"]["uid"].as_str().unwrap(),
            &json!({"ready": ready && !terminating, "serving": ready, "terminating": terminating}))
    }).collect()
}

fn endpoint(name: &str, uid: &str, conditions: &Value) -> Value {
    json!({"addresses": [format!("10.1.{name}")], "conditions": conditions,
        "targetRef": {"kind": "Pod", "namespace": "shop", "name": name, "uid": uid}})
}

fn typed<T: serde::de::DeserializeOwned>(values: Vec<Value>) -> Vec<T> {
    values
        .into_iter()
        .map(|value| {
            serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{value}: {error}"))
        })
        .collect()
}

/// `departed: {uid-b-1: Ended}`.
fn departed(given: &Value) -> Option<std::sync::Arc<BTreeMap<String, Departure>>> {
    let all = given["departed"].as_object()?.iter();
    let how = |how: &Value| match how.as_str() {
        Some("Ended") => Departure::Ended,
        _ => Departure::Forced,
    };
    let all = all.map(|(uid, it)| (uid.clone(), how(it))).collect();
    Some(std::sync::Arc::new(all))
}

fn list(given: &Value, key: &str) -> Vec<Value> {
    given[key].as_array().cloned().unwrap_or_default()
}

fn replica_sets(given: &Value, live: &Value) -> Vec<Value> {
    if kind(given) != "deployment" {
        return Vec::new();
    }
    let is_new = live["metadata"]["generation"] != 1;
    let sizes = if is_new {
        [("a", 3), ("b", 0)]
    } else {
        [("a", 0), ("b", 3)]
    };
    let mut sets = Vec::new();
    for (hash, size) in sizes {
        if let Some(over) = given["sets"].get(hash) {
            if !over.is_null() {
                sets.push(merged(replica_set(hash, size), over));
            }
        } else if hash == "b" || is_new {
            sets.push(replica_set(hash, size));
        }
    }
    sets.extend(list(given, "otherSets"));
    sets
}

fn controller_revisions(given: &Value) -> Vec<Value> {
    if kind(given) != "daemonSet" {
        return Vec::new();
    }
    [("b", 1), ("a", 2)].into_iter().map(|(hash, revision)| {
        json!({"metadata": {"name": format!("web-{hash}"), "namespace": "shop",
            "labels": {"controller-revision-hash": hash},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "web", "uid": "uid-web", "controller": true}]},
            "revision": revision, "data": {}})
    }).collect()
}

fn snapshot(given: &Value, live: &Value, of_pods: &str) -> Snapshot {
    let with_kind = match live["kind"].as_str() {
        Some(kind) => {
            let key = format!("{}{}", kind[..1].to_lowercase(), &kind[1..]);
            merged(json!({key: {}}), given)
        }
        None => given.clone(),
    };
    let mut pods = pods(&with_kind, of_pods);
    if kind(&with_kind) == "pod" {
        pods = vec![live.clone()];
    }
    let endpoints = endpoints(given, &pods);
    let service = json!({"metadata": {"name": "svc", "namespace": "shop"}, "spec": {"selector": {"app": "web"}}});
    let slice = json!({"addressType": "IPv4", "metadata": {"name": "svc-1", "namespace": "shop",
        "labels": {"kubernetes.io/service-name": "svc"}}, "endpoints": endpoints});
    let services = given["services"]
        .as_array()
        .cloned()
        .unwrap_or_else(|| vec![service]);
    let seconds = given["at"].as_i64().unwrap_or(0);
    Snapshot {
        now: start()
            .checked_add(SignedDuration::from_secs(seconds))
            .unwrap(),
        read: if given["read"] == "Cached" {
            Read::Cached
        } else {
            Read::Live
        },
        workload: if live.is_null() {
            None
        } else {
            Workload::from_object(live.clone()).unwrap()
        },
        replica_sets: typed(replica_sets(&with_kind, live)),
        controller_revisions: typed(controller_revisions(&with_kind)),
        pods: typed(pods),
        services: typed(services),
        endpoint_slices: typed(vec![slice]),
        events: typed(list(given, "events")),
        nodes: given["nodes"]
            .as_array()
            .cloned()
            .map(|nodes| typed::<k8s_openapi::api::core::v1::Node>(nodes).into()),
        jobs: Vec::new(),
        others: Vec::new(),
        departed: departed(given),
        unreadable: Vec::new(),
        siblings: list(given, "siblings")
            .into_iter()
            .map(|value| serde_json::from_value::<ObjectRef>(value).unwrap())
            .collect(),
    }
}
