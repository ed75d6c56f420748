//! What had the name of a workload, or its Service, before.

use super::files::{documents, told};
use super::looks_done::{WEB, is};
use super::world::start;
use crate::gate::{Absent, Objects, Policy, judge_all};

fn pod(name: &str, labels: &str, owner: &str) -> String {
    let owner = if owner.is_empty() {
        String::new()
    } else {
        format!(", ownerReferences: [{{{owner}, controller: true}}]")
    };
    format!(
        "---
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: shop, uid: u-{name}, labels: {{{labels}}}{owner}}}
spec: {{nodeName: n1, containers: []}}
status: {{phase: Running}}
"
    )
}

#[test]
fn pods_of_a_deployment_that_had_the_name_before_are_old() {
    let set = "---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web-0, namespace: shop, uid: u0, generation: 1, labels: {pod-template-hash: a}, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: NAME, uid: before, controller: true}]}
spec: {replicas: 1, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web, pod-template-hash: a}}, spec: {containers: [{name: c, image: 'app:2'}]}}}
";
    let of_set = "apiVersion: apps/v1, kind: ReplicaSet, name: web-0, uid: u0";
    let old = pod("web-0-1", "app: web, pod-template-hash: a", of_set);
    let with = |name: &str| [WEB, &set.replace("NAME", name), &old].concat();
    is(&with("web"), "Complete / Draining(1)");
    // One of another name is a stranger, and no Service brings them together.
    is(&with("other"), "Complete / Drained");
}

#[test]
fn pods_of_a_set_that_had_the_name_before_are_old_whatever_their_revision() {
    let set = "
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop, uid: u, generation: 1}
spec: {replicas: 0, serviceName: db, selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c, image: 'db:2'}]}}}
status: {observedGeneration: 1, replicas: 0, updatedReplicas: 0, currentRevision: db-2, updateRevision: db-2}
";
    let of = |uid: &str| format!("apiVersion: apps/v1, kind: StatefulSet, name: db, uid: {uid}");
    let labels = "app: db, controller-revision-hash: db-2";
    is(
        &[set, &pod("db-3", labels, &of("before"))].concat(),
        "Complete / Draining(1)",
    );
    is(
        &[set, &pod("db-3", labels, &of("u"))].concat(),
        "Complete / Drained",
    );
}

#[test]
fn a_pod_that_nobody_owns_and_the_workload_claims_was_left_behind() {
    is(
        &[WEB, &pod("left", "app: web", "")].concat(),
        "Complete / Draining(1)",
    );
    is(
        &[WEB, &pod("other", "app: other", "")].concat(),
        "Complete / Drained",
    );
}

const SERVICE: &str = "---
apiVersion: v1
kind: Service
metadata: {name: front, namespace: shop, uid: s}
spec: {clusterIP: 10.1.1.1, selector: {app: LED}}
";

#[test]
fn a_service_that_is_switched_to_the_workload_led_to_others_before() {
    let mut before = Objects::default();
    let objects = [WEB, &SERVICE.replace("LED", "blue")].concat();
    for object in documents(&objects) {
        before.take(&object).unwrap();
    }
    let recorded = before.as_before(start());
    let mut after = Objects::default();
    let slice = "---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: front-1, namespace: shop, uid: e, labels: {kubernetes.io/service-name: front}}
addressType: IPv4
endpoints: [{addresses: [10.0.0.1], targetRef: {kind: Pod, name: web-a-1, uid: pa}}]
";
    let blue = pod("blue", "app: blue", "");
    let objects = [WEB, &SERVICE.replace("LED", "web"), slice, &blue].concat();
    for object in documents(&objects) {
        after.take(&object).unwrap();
    }
    let said = judge_all(
        &after,
        (&recorded, Absent::Deleted),
        &Policy::default(),
        start(),
    );
    insta::assert_snapshot!(said[0].sentence(), @"Deployment web: 1 pod of something else behind its Service: blue (of no owner, Running); remove it, or make it a workload of this service");
    let line = told(&documents(&objects), "", &Policy::default()).remove(0);
    assert!(line.contains("Complete / Drained / Serving"), "{line}");
}

#[test]
fn files_that_are_older_than_what_was_recorded_say_nothing() {
    let record = |generation: u32| {
        format!(
            "[{{object: {{apiVersion: apps/v1, kind: Deployment, namespace: shop, name: web}}, baseline: {{uid: u, generation: {generation}}}}}]"
        )
    };
    let said =
        |generation| told(&documents(WEB), &record(generation), &Policy::default()).remove(0);
    assert!(said(2).contains(": Complete"));
    assert!(said(3).contains(": Progressing(StaleRead"), "{}", said(3));
    let applied = "[{object: {apiVersion: apps/v1, kind: Deployment, namespace: shop, name: web}, applied: {uid: u, generation: 2, templateDigest: 'sha256:other'}}]";
    let other = told(&documents(WEB), applied, &Policy::default()).remove(0);
    assert!(other.contains(": Progressing(UnknownStatus"), "{other}");
}

#[test]
fn a_pod_that_was_recorded_with_another_revision_is_old_whatever_its_labels_say_now() {
    let recorded = "[{object: {apiVersion: apps/v1, kind: Deployment, namespace: shop, name: web}, baseline: {uid: u, generation: 1, revisions: [b], pods: [{uid: u-q, name: q, revision: b, node: n1}]}, applied: {uid: u, generation: 2}}]";
    let new = "apiVersion: apps/v1, kind: ReplicaSet, name: web-a, uid: ua";
    let gone = "apiVersion: apps/v1, kind: ReplicaSet, name: web-x, uid: ux";
    for owner in ["", new, gone] {
        let objects = [WEB, &pod("q", "app: web, pod-template-hash: a", owner)].concat();
        let line = told(&documents(&objects), recorded, &Policy::default()).remove(0);
        assert!(line.contains(": Complete / Draining(1)"), "{owner}: {line}");
    }
    // Of the revision that is wanted it stays new.
    let same = recorded.replace("revision: b", "revision: a");
    let objects = [WEB, &pod("q", "app: web, pod-template-hash: a", new)].concat();
    let line = told(&documents(&objects), &same, &Policy::default()).remove(0);
    assert!(line.contains(": Complete / Drained"), "{line}");
}

#[test]
fn pods_that_were_recorded_of_a_canarys_target_are_the_canarys() {
    let recorded = "[{object: {apiVersion: apps/v1, kind: Deployment, namespace: shop, name: web}, baseline: {uid: u-web, generation: 3, pods: [{uid: u-q, name: q, revision: b, node: n1}]}, applied: {uid: u-web, generation: 4}}]";
    let objects = [super::canaries::PROMOTED, &pod("q", "quarantine: 'on'", "")].concat();
    let canary =
        |recorded: &str| told(&documents(&objects), recorded, &Policy::default()).remove(0);
    assert!(
        canary("").contains(": Complete / Drained"),
        "{}",
        canary("")
    );
    let found = canary(recorded);
    assert!(
        found.starts_with("Canary/shop/web: Complete / Draining(1)"),
        "{found}"
    );
}

const NO_UID: &str =
    "[{object: {apiVersion: apps/v1, kind: Deployment, namespace: shop, name: web}, baseline: {}}]";

#[test]
fn what_is_left_of_a_removed_workload_is_found_by_its_name() {
    let gone = WEB.split_once("---").unwrap().1;
    let line = told(&documents(gone), NO_UID, &Policy::default())
        .pop()
        .unwrap();
    assert!(
        line.starts_with("Deployment/shop/web: Complete / Draining(1)"),
        "{line}"
    );
    let selector = NO_UID.replace(
        "baseline: {}",
        "baseline: {selector: {matchLabels: {app: web}}}",
    );
    let gone = "apiVersion: apps/v1, kind: ReplicaSet, name: web-x, uid: ux";
    let orphan = pod("left", "app: web", gone);
    let line = told(&documents(&orphan), &selector, &Policy::default())
        .pop()
        .unwrap();
    assert!(line.contains("Complete / Draining(1)"), "{line}");
}

#[test]
fn a_removal_that_has_begun_is_no_failure() {
    let going = WEB.replacen(
        "generation: 2}",
        "generation: 2, deletionTimestamp: '2026-11-24T12:00:10Z', finalizers: [foregroundDeletion]}",
        1,
    );
    let said = |recorded: &str| told(&documents(&going), recorded, &Policy::default()).remove(0);
    let known = NO_UID.replace("baseline: {}", "baseline: {uid: u}");
    assert!(
        said(&known).contains(": Progressing(Deleting"),
        "{}",
        said(&known)
    );
    assert!(said("").contains(": Failed(Terminal, DeletionInProgress)"));
}

#[test]
fn a_pod_that_leaves_its_namespace_out_is_its_owners() {
    let set = "---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web-b, namespace: shop, uid: ub, generation: 1, labels: {pod-template-hash: b}, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: u, controller: true}]}
spec: {replicas: 0, selector: {matchLabels: {app: web}}, template: {spec: {containers: []}}}
";
    let of_set = "apiVersion: apps/v1, kind: ReplicaSet, name: web-b, uid: ub";
    let old = pod("web-b-1", "app: web, pod-template-hash: b", of_set);
    for namespace in ["namespace: shop, ", "namespace: '', ", ""] {
        let old = old.replace("namespace: shop, ", namespace);
        is(&[WEB, set, &old].concat(), "Complete / Draining(1)");
    }
    let other = old.replace("namespace: shop, ", "namespace: other, ");
    is(&[WEB, set, &other].concat(), "Complete / Drained");
}
