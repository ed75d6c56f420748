//! Objects as they were before an apply, beside those after it: what `tidegate assess --baseline` is given.

use super::files::documents;
use super::world::{short, start};
use crate::gate::{Absent, Objects, Policy, judge_all};

fn objects(yaml: &str) -> Objects {
    let mut all = Objects::default();
    for object in documents(yaml) {
        all.take(&object).unwrap();
    }
    all
}

/// What is said of the first object after the apply, or of what was there before it.
fn told(before: &str, after: &str) -> String {
    let (before, after) = (objects(before), objects(after));
    let recorded = before.as_before(&after, start());
    let found = judge_all(
        &after,
        (&recorded, Absent::Deleted),
        &Policy::default(),
        start(),
    );
    short(found.first().unwrap())
}

#[test]
fn a_job_that_had_ended_well_and_is_gone_is_complete() {
    let job = |status: &str| {
        format!(
            "
apiVersion: batch/v1
kind: Job
metadata: {{name: mig, namespace: shop, uid: j, generation: 1}}
spec: {{ttlSecondsAfterFinished: 0, template: {{spec: {{containers: [{{name: c, image: a}}]}}}}}}
status: {status}
"
        )
    };
    let ended = "{succeeded: 1, conditions: [{type: Complete, status: 'True'}]}";
    assert_eq!(told(&job(ended), ""), "Complete / Drained / NotNeeded");
    assert!(told(&job("{active: 1}"), "").starts_with("Failed(Retryable, OutcomeUnknown)"));
}

/// A Deployment that is complete, in a generation.
fn web(generation: u32) -> String {
    format!(
        "
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: shop, uid: u, generation: {generation}}}
spec: {{replicas: 1, selector: {{matchLabels: {{app: web}}}}, template: {{metadata: {{labels: {{app: web}}}}, spec: {{containers: [{{name: c, image: 'app:2'}}]}}}}}}
status: {{observedGeneration: {generation}, replicas: 1, updatedReplicas: 1, availableReplicas: 1}}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {{name: web-a, namespace: shop, uid: ua, generation: 1, labels: {{pod-template-hash: a}}, ownerReferences: [{{apiVersion: apps/v1, kind: Deployment, name: web, uid: u, controller: true}}]}}
spec: {{replicas: 1, selector: {{matchLabels: {{app: web}}}}, template: {{metadata: {{labels: {{app: web, pod-template-hash: a}}}}, spec: {{containers: [{{name: c, image: 'app:2'}}]}}}}}}
status: {{observedGeneration: 1, replicas: 1, availableReplicas: 1}}
---
apiVersion: v1
kind: Pod
metadata: {{name: web-a-1, namespace: shop, uid: pa, labels: {{app: web, pod-template-hash: a}}, ownerReferences: [{{apiVersion: apps/v1, kind: ReplicaSet, name: web-a, uid: ua, controller: true}}]}}
spec: {{nodeName: n1, containers: [{{name: c, image: 'app:2'}}]}}
status: {{phase: Running, podIP: 10.0.0.1, conditions: [{{type: Ready, status: 'True'}}]}}
"
    )
}

/// A Service that selects an application, its endpoint, and a pod of another application.
fn service(app: &str) -> String {
    format!(
        "---
apiVersion: v1
kind: Service
metadata: {{name: web, namespace: shop, uid: s}}
spec: {{selector: {{app: {app}}}}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: web-1, namespace: shop, uid: e, labels: {{kubernetes.io/service-name: web}}}}
addressType: IPv4
endpoints: [{{addresses: [10.0.0.1], conditions: {{ready: true}}, targetRef: {{kind: Pod, namespace: shop, name: web-a-1, uid: pa}}}}]
---
apiVersion: v1
kind: Pod
metadata: {{name: blue-x, namespace: shop, uid: b, labels: {{app: blue}}}}
spec: {{nodeName: n1, containers: [{{name: c, image: 'app:1'}}]}}
status: {{phase: Running, podIP: 10.0.0.2, conditions: [{{type: Ready, status: 'True'}}]}}
"
    )
}

#[test]
fn pods_that_a_service_led_to_before_it_was_switched_are_still_called() {
    let with = |app: &str| [web(2), service(app)].concat();
    assert_eq!(
        told(&with("blue"), &with("web")),
        "Complete / Draining(1) / Serving"
    );
    assert_eq!(
        told(&with("web"), &with("web")),
        "Complete / Drained / Serving"
    );
}

#[test]
fn what_was_to_go_and_is_on_its_way_is_being_deleted() {
    let going = objects(&web(2).replace(
        "uid: u, generation: 2",
        "uid: u, generation: 2, deletionTimestamp: '2026-11-24T12:00:00Z', finalizers: [foregroundDeletion]",
    ));
    let recorded = objects(&web(2)).as_before(&Objects::default(), start());
    let verdict = |absent| {
        let found = judge_all(&going, (&recorded, absent), &Policy::default(), start());
        short(found.first().unwrap())
    };
    assert!(verdict(Absent::Removed).starts_with("Progressing(Deleting 0/0) / Draining(1)"));
    assert!(verdict(Absent::Deleted).starts_with("Failed(Terminal, DeletionInProgress)"));
}

#[test]
fn what_is_older_than_what_was_recorded_before_the_apply_is_no_evidence() {
    assert!(told(&web(9), &web(2)).starts_with("Progressing(StaleRead 0/0)"));
    assert!(told(&web(2), &web(2)).starts_with("Complete"));
}
