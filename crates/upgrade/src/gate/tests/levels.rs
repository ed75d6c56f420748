//! What is asked of old pods at each drain level.

use super::files::{documents, told};
use super::looks_done::WEB;
use super::world::start;
use crate::gate::{Absent, DrainLevel, Objects, Policy, judge_all};

const OLD: &str = "
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web-b, namespace: shop, uid: ub, generation: 1, labels: {pod-template-hash: b}, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: u, controller: true}]}
spec: {replicas: 0, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web, pod-template-hash: b}}, spec: {containers: [{name: c, image: 'app:1'}]}}}
status: {observedGeneration: 1, replicas: 0}
";

/// An old pod that nobody has told to go, or that has been told.
fn old_pod(is_told: bool) -> String {
    let told = if is_told {
        "deletionTimestamp: '2026-11-24T12:00:10Z', "
    } else {
        ""
    };
    format!(
        "---
apiVersion: v1
kind: Pod
metadata: {{name: web-b-1, namespace: shop, uid: pb, {told}labels: {{app: web, pod-template-hash: b}}, ownerReferences: [{{apiVersion: apps/v1, kind: ReplicaSet, name: web-b, uid: ub, controller: true}}]}}
spec: {{nodeName: n1, containers: [{{name: c, image: 'app:1'}}]}}
status: {{phase: Running, podIP: 10.0.0.2}}
"
    )
}

/// A Service whose endpoints list the new pod alone.
const SERVICE: &str = "---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop, uid: s}
spec: {clusterIP: 10.1.1.1, selector: {app: web}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, uid: e, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
endpoints: [{addresses: [10.0.0.1], conditions: {ready: true}, targetRef: {kind: Pod, name: web-a-1, namespace: shop, uid: pa}}]
";

fn at(drain: DrainLevel) -> Policy {
    Policy {
        drain,
        ..Policy::default()
    }
}

fn verdict(parts: &[&str], drain: DrainLevel) -> String {
    let line = told(&documents(&parts.concat()), "", &at(drain)).remove(0);
    line.split_once(": ").unwrap().1.to_owned()
}

#[test]
fn what_stands_behind_no_service_is_a_client_and_its_old_pods_still_call() {
    let parts = [WEB, OLD, &old_pod(true)];
    for level in [DrainLevel::Pods, DrainLevel::Endpoints] {
        assert_eq!(verdict(&parts, level), "Complete / Draining(1) / NotNeeded");
    }
    let none = verdict(&parts, DrainLevel::None);
    assert_eq!(none, "Complete / NotNeeded / NotNeeded");
}

#[test]
fn an_old_pod_that_a_service_selects_may_get_an_endpoint_until_it_is_told_to_go() {
    let with = |is_told| {
        let pod = old_pod(is_told);
        verdict(&[WEB, OLD, &pod, SERVICE], DrainLevel::Endpoints)
    };
    assert_eq!(with(false), "Complete / Draining(1) / Serving");
    assert_eq!(with(true), "Complete / Drained / Serving");
}

#[test]
fn no_sentence_denies_an_old_pod_that_is_alive() {
    let said = |drain| {
        let mut all = Objects::default();
        for object in documents(&[WEB, OLD, &old_pod(true), SERVICE].concat()) {
            all.take(&object).unwrap();
        }
        judge_all(&all, (&[], Absent::Removed), &at(drain), start())[0].sentence()
    };
    insta::assert_snapshot!(said(DrainLevel::Endpoints), @"Deployment web: complete, 1 of 1 new pods, no old endpoint left, 1 old pod still alive");
    insta::assert_snapshot!(said(DrainLevel::None), @"Deployment web: complete, 1 of 1 new pods, old pods are not asked for");
}

#[test]
fn an_old_pod_that_cannot_be_read_is_not_gone() {
    let pod = old_pod(false).replace("phase: Running", "phase: 7");
    assert_eq!(
        verdict(&[WEB, OLD, &pod], DrainLevel::Pods),
        "Progressing(UnknownStatus 0/1) / Unprovable(UnknownStatus) / NotNeeded"
    );
}
