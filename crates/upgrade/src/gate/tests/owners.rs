//! Whose a pod is: selectors of every form, ReplicaSets that are gone, experiments, stamps, and what cannot be read.

use serde_json::json;

use super::argo_rollouts::CANARY;
use super::evidence::over;
use super::files::check_table;
use super::world::{Case, check};

/// Whether a pod of a ReplicaSet that is gone is found by the selector: nobody recorded it, and no Service leads to it.
fn is_found(selector: &str, namespace: &str) -> bool {
    let mut case = Case::of(&format!(
        "{{deployment: {{spec: {{selector: {selector}}}}}, sets: {{b: null}}, services: [], endpoints: [{{addresses: [10.0.1.1]}}], pods: 'a a a b:TN', patch: {{web-b-1: {{metadata: {{namespace: {namespace}}}}}}}}}"
    ));
    case.baseline.pods.clear();
    case.baseline.services.clear();
    case.baseline.selector = None;
    case.assess().0.old_alive == 1
}

#[test]
fn a_selector_may_ask_in_many_ways() {
    for (expression, expected) in [
        ("key: app, operator: In, values: [api, web]", true),
        ("key: app, operator: In, values: [api]", false),
        ("key: app, operator: NotIn, values: [web]", false),
        ("key: app, operator: NotIn, values: [api]", true),
        ("key: app, operator: Exists", true),
        ("key: tier, operator: Exists", false),
        ("key: app, operator: DoesNotExist", false),
        ("key: tier, operator: DoesNotExist", true),
        // Of an operator that nobody knows a pod too many is the safer mistake.
        ("key: app, operator: Resembles, values: [api]", true),
    ] {
        let selector = format!("{{matchLabels: null, matchExpressions: [{{{expression}}}]}}");
        assert_eq!(is_found(&selector, "shop"), expected, "{expression}");
    }
    assert!(is_found("{}", "shop"));
    assert!(!is_found("{}", "other"), "a selector ends at its namespace");
    assert!(!is_found("{matchLabels: {app: api}}", "shop"));
}

#[test]
fn a_pod_of_an_experiment_is_new_if_it_has_the_very_template() {
    let set = |owner: &str, image: &str| {
        format!(
            "{{apiVersion: apps/v1, kind: ReplicaSet, metadata: {{name: try, namespace: shop, uid: rs-try, labels: {{app: web, rollouts-pod-template-hash: zzz}}, ownerReferences: [{{apiVersion: argoproj.io/v1alpha1, kind: {owner}, name: try, uid: u-try, controller: true}}]}}, spec: {{replicas: 1, selector: {{matchLabels: {{app: web}}}}, template: {{metadata: {{labels: {{app: web, rollouts-pod-template-hash: zzz}}}}, spec: {{containers: [{{name: server, image: '{image}'}}]}}}}}}}}"
        )
    };
    let with = |set: &str| {
        format!(
            "{{more: [{set}, {{apiVersion: v1, kind: Service, metadata: {{name: web, namespace: shop}}, spec: {{selector: {{app: web}}}}}}, {{apiVersion: v1, kind: Pod, metadata: {{name: try-1, namespace: shop, uid: p-try, labels: {{app: web, rollouts-pod-template-hash: zzz}}, ownerReferences: [{{apiVersion: apps/v1, kind: ReplicaSet, name: try, uid: rs-try, controller: true}}]}}, spec: {{nodeName: n1, containers: [{{name: server, image: 'web:2'}}]}}, status: {{phase: Running}}}}]}}"
        )
    };
    let same = with(&set("Experiment", "web:2"));
    let other = with(&set("Experiment", "web:1"));
    let no_experiment = with(&set("Rollout", "web:2"));
    check_table(
        CANARY,
        &format!(
            "
            the same | {same} | Complete / Drained
            another | {other} | Complete / Draining(1)
            the same, of another Rollout | {no_experiment} | Complete / Draining(1)
            its label was changed by hand | {{Pod/web-aaa-1: {{metadata: {{ownerReferences: [{{apiVersion: apps/v1, kind: ReplicaSet, name: web-bbb, uid: rs-b, controller: true}}]}}}}}} | Complete / Draining(1)
            "
        ),
    );
}

#[test]
fn a_pod_of_a_bare_replica_set_is_new_if_it_has_its_stamp() {
    let stamp = |stamp: &str| {
        format!("{{metadata: {{annotations: {{tidegate.dev/template-digest: '{stamp}'}}}}}}")
    };
    let pods = |third: &str| {
        format!(
            "{{replicaSet: {{spec: {{template: {}}}}}, patch: {{web-a-1: {}, web-a-2: {}, web-a-3: {}}}}}",
            stamp("abc"),
            stamp("abc"),
            stamp("abc"),
            stamp(third)
        )
    };
    let foreign = pods("abc").replacen(
        "web-a-3: {metadata: {",
        "web-a-3: {metadata: {ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: api, uid: uid-api, controller: true}], ",
        1,
    );
    check(&[
        ("the same", &[&pods("abc")], "Complete / Drained"),
        ("another", &[&pods("def")], "Complete / Draining(1)"),
        (
            "someone else's with it",
            &[&foreign],
            "Complete / Draining(1)",
        ),
    ]);
}

#[test]
fn what_cannot_be_read_concerns_whose_it_may_be() {
    // The last pod has ended; what cannot be read may not have.
    let set = "statefulSet: {}, pods: 'a a a b:S'";
    let wrong = json!({"status": {"phase": 7}});
    let bare = json!({"status": {"phase": 7}, "metadata": {"labels": null}});
    let orphan =
        json!({"status": {"phase": 7}, "metadata": {"labels": null, "ownerReferences": null}});
    let foreign = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "api", "uid": "u-api", "controller": true}]);
    let slice_of_other =
        json!({"endpoints": 3, "metadata": {"labels": {"kubernetes.io/service-name": "api"}}});
    let rows = [
        (set, "Pod/web-3", wrong, "Progressing(UnknownStatus"),
        (set, "Pod/web-3", bare, "Progressing(UnknownStatus"),
        (set, "Pod/web-3", orphan, "Progressing(UnknownStatus"),
        (
            "",
            "ReplicaSet/web-b",
            json!({"status": {"replicas": "none"}, "metadata": {"ownerReferences": foreign}}),
            "Complete",
        ),
        ("", "EndpointSlice/svc-1", slice_of_other, "Complete"),
        (
            "",
            "Service/svc",
            json!({"spec": {"selector": 3}, "metadata": {"ownerReferences": foreign}}),
            "Progressing(UnknownStatus",
        ),
    ];
    for (yaml, object, wrong, expected) in rows {
        let found = over(&format!("{{{yaml}}}"), object, &wrong);
        assert!(
            found.starts_with(expected),
            "{object} {wrong}: expected {expected}, found {found}"
        );
    }
}
