//! What the files of strangers hold: operators' workloads, listeners without a word, old reads, records twice.

use serde_json::Value;

use super::files::{documents, told};
use super::world::{Case, short, start};
use crate::gate::{Absent, Objects, Policy, judge_all};

const OPERATED: &str = "
apiVersion: apps/v1
kind: StatefulSet
metadata:
  {name: prom, namespace: shop, uid: u, generation: 2, ownerReferences: [
    {apiVersion: monitoring.coreos.com/v1, kind: Prometheus, name: k8s, uid: p, controller: true}]}
spec: {replicas: 3, serviceName: prom, selector: {matchLabels: {app: prom}},
  template: {metadata: {labels: {app: prom}}, spec: {containers: [{name: main, image: 'prom:2'}]}}}
status: {observedGeneration: 2, replicas: 3, readyReplicas: 3, availableReplicas: 3, updatedReplicas: 1,
  currentRevision: prom-1, updateRevision: prom-2}
";

const GATEWAY: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gate, namespace: shop, uid: u, generation: 1}
spec: {gatewayClassName: x, listeners: [{name: http}, {name: https}]}
status:
  conditions: [{type: Accepted, status: 'True', observedGeneration: 1}, {type: Programmed, status: 'True', observedGeneration: 1}]
  listeners: [{name: http, conditions: [{type: Programmed, status: 'True', observedGeneration: 1}]}]
";

fn judged(yaml: &str, recorded: &str) -> String {
    told(&documents(yaml), recorded, &Policy::default()).join("\n")
}

#[test]
fn a_workload_that_an_operator_owns_is_judged_like_any_other() {
    let found = judged(OPERATED, "");
    assert!(
        found.starts_with("StatefulSet/shop/prom: Progressing(Updating 1/3)"),
        "{found}"
    );
}

#[test]
fn a_listener_that_no_status_speaks_of_is_not_done() {
    let found = judged(GATEWAY, "");
    assert!(
        found.starts_with("Gateway/shop/gate: Progressing(NotObserved"),
        "{found}"
    );
}

#[test]
fn a_file_that_is_older_than_the_apply_says_nothing_and_the_last_of_two_records_counts() {
    let map = "
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop, uid: u, resourceVersion: '10'}
";
    let record = |version: &str| {
        format!(
            "- object: {{apiVersion: v1, kind: ConfigMap, namespace: shop, name: settings}}
  applied: {{uid: u, generation: 0, resourceVersion: '{version}', templateDigest: '', changed: true}}
"
        )
    };
    let verdict = |recorded: &str| judged(map, recorded);
    assert!(verdict(&record("10")).contains("Complete"));
    assert!(verdict(&record("20")).contains("StaleRead"));
    assert!(verdict(&[record("10"), record("20")].concat()).contains("StaleRead"));
    assert!(verdict(&[record("20"), record("10")].concat()).contains("Complete"));
}

#[test]
fn what_was_there_before_and_is_missing_afterwards_is_deleted_unless_it_was_to_go() {
    let mut before = Objects::default();
    for object in documents(OPERATED) {
        before.take(&object).unwrap();
    }
    let recorded = before.as_before(start());
    let verdict = |absent| {
        let found = judge_all(
            &Objects::default(),
            (&recorded, absent),
            &Policy::default(),
            start(),
        );
        found.iter().map(short).collect::<Vec<_>>().join("\n")
    };
    let deleted = verdict(Absent::Deleted);
    assert!(
        deleted.starts_with("Failed(Terminal, DeletedDuringWait)"),
        "{deleted}"
    );
    assert!(verdict(Absent::Removed).starts_with("Complete"));
}

#[test]
fn a_new_pod_that_fails_counts_though_the_counters_say_that_all_is_done() {
    let broken: Value = serde_json::json!({"status": {
        "conditions": [{"type": "Ready", "status": "False"}],
        "startTime": "2026-11-24T11:00:00Z",
        "containerStatuses": [{"name": "server", "ready": false, "restartCount": 5, "image": "x",
            "imageID": "x", "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "x"}}}]}});
    let look = format!("{{deployment: {{}}, pods: 'a:N a a', patch: {{web-a-1: {broken}}}}}");
    let found = Case::of(&look).through_files();
    assert!(found.starts_with("Failed(Retryable, CrashLoop)"), "{found}");
}
