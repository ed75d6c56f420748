//! Which Services are in front of a workload, and what stands behind them where only endpoints are asked.

use super::files::{documents, told};
use super::world::{Case, short};
use crate::gate::{DrainLevel, Policy};

/// What is said of a case at a level.
fn at(level: DrainLevel, case: Case) -> String {
    let policy = Policy {
        drain: level,
        ..Policy::default()
    };
    let (assessment, _) = Case { policy, ..case }.assess();
    format!("{}: {}", short(&assessment), assessment.matter())
}

#[test]
fn what_nobody_can_call_is_drained_when_its_pods_are_gone() {
    let mut client = Case::of("{services: [], endpoints: [], pods: a a a b}");
    client.baseline.services.clear();
    assert_eq!(
        at(DrainLevel::Endpoints, client),
        "Complete / Draining(1) / NotNeeded: 1 old pod still alive: web-b-1 (Running)"
    );
}

#[test]
fn an_old_pod_that_its_service_selects_gets_an_endpoint_at_any_moment() {
    let listed = "endpoints: [{addresses: [10.0.1.1], conditions: {ready: true}, targetRef: {kind: Pod, namespace: shop, name: web-a-1, uid: uid-a-1}}]";
    let running = format!("{{pods: a a a b, {listed}}}");
    let ending = format!("{{pods: 'a a a b:T', {listed}}}");
    for (level, given, expected) in [
        (
            DrainLevel::Endpoints,
            &running,
            "Complete / Draining(1) / Serving: 1 old pod still alive: web-b-1 (Running)",
        ),
        (
            DrainLevel::Endpoints,
            &ending,
            "Complete / Drained / Serving: complete, 3 of 3 new pods, no old endpoint left, 1 old pod still alive",
        ),
        (
            DrainLevel::None,
            &running,
            "Complete / NotNeeded / Serving: complete, 3 of 3 new pods, 1 old pod still alive, which this gate does not wait for",
        ),
    ] {
        assert_eq!(at(level, Case::of(given)), expected);
    }
}

/// A StatefulSet of one pod, which an operator has made the primary.
const STORE: &str = r#"
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop, uid: u, generation: 1}
spec: {replicas: 1, serviceName: db, selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c, image: "db:2"}]}}}
status: {observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1, currentRevision: db-2, updateRevision: db-2}
---
apiVersion: v1
kind: Pod
metadata: {name: db-0, namespace: shop, uid: p, labels: {app: db, role: primary, controller-revision-hash: db-2, statefulset.kubernetes.io/pod-name: db-0}, ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: db, uid: u, controller: true}]}
spec: {nodeName: n1, containers: [{name: c, image: "db:2"}]}
status: {phase: Running, podIP: 10.0.0.1, conditions: [{type: Ready, status: "True"}]}
"#;

/// With a Service that selects by a label which the template lacks.
fn behind(label: &str, endpoints: &str, more: &str) -> String {
    let service = format!(
        "---
apiVersion: v1
kind: Service
metadata: {{name: it, namespace: shop, uid: s}}
spec: {{selector: {{{label}}}}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: it-1, namespace: shop, uid: e, labels: {{kubernetes.io/service-name: it}}}}
addressType: IPv4
endpoints: [{endpoints}]
"
    );
    let objects = documents(&[STORE, &service, more].concat());
    let line = told(&objects, "", &Policy::default()).remove(0);
    line.split_once(": ").unwrap().1.to_owned()
}

#[test]
fn a_service_that_selects_a_pod_is_in_front_whatever_the_template_says() {
    let endpoint = |uid: &str| {
        format!(
            "{{addresses: [10.0.0.1], conditions: {{ready: true}}, targetRef: {{kind: Pod, namespace: shop, name: db-0, uid: {uid}}}}}"
        )
    };
    let own = "statefulset.kubernetes.io/pod-name: db-0";
    assert_eq!(
        behind(own, &endpoint("p"), ""),
        "Complete / Drained / Serving"
    );
    assert_eq!(
        behind(own, "", ""),
        "Complete / Drained / Waiting(NotServing 0/1)"
    );
    assert_eq!(
        behind(own, &endpoint("old"), ""),
        "Complete / Draining(1) / Waiting(NotServing 0/1)"
    );
    let stray = r#"---
apiVersion: v1
kind: Pod
metadata: {name: stray, namespace: shop, uid: x, labels: {role: primary}}
spec: {nodeName: n1, containers: [{name: c, image: "db:1"}]}
status: {phase: Running, podIP: 10.0.0.9, conditions: [{type: Ready, status: "True"}]}
"#;
    assert_eq!(
        behind("role: primary", &endpoint("p"), stray),
        "Complete / Draining(1) / Serving"
    );
    assert_eq!(
        behind("role: replica", "", stray),
        "Complete / Drained / NotNeeded"
    );
}
