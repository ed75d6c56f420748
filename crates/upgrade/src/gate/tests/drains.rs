//! Old pods and endpoints: rows 29 to 36, 73 and the rules of completion.md §5.

use super::world::{Case, check, looks, short};
use crate::gate::{DrainLevel, Gate, Memory, Policy, assess_removed};
use tidegate_spec::ObjectRef;

fn at_level(drain: DrainLevel, yaml: &str) -> String {
    looks(
        &[yaml],
        &Policy {
            drain,
            ..Policy::default()
        },
    )
    .drain
    .to_string()
}

/// Three new endpoints and one of the old pod `web-b-1` with these conditions.
fn with_old_endpoint(pods: &str, conditions: &str) -> String {
    let new = |number: u8| {
        format!(
            "{{addresses: [10.1.0.{number}], targetRef: {{kind: Pod, name: web-a-{number}, uid: uid-a-{number}}}}}"
        )
    };
    format!(
        "{{pods: '{pods}', endpoints: [{}, {}, {}, {{addresses: [10.2.0.1], conditions: {conditions}, targetRef: {{kind: Pod, name: web-b-1, uid: uid-b-1}}}}]}}",
        new(1),
        new(2),
        new(3)
    )
}

#[test]
fn an_old_endpoint_blocks_as_long_as_it_may_be_given_a_connection() {
    let rows = [
        (
            "29",
            "a a a b:T",
            "{ready: false, serving: true, terminating: true}",
            "Draining(1)",
            "Draining(1)",
        ),
        (
            "30",
            "a a a b:T",
            "{ready: false, serving: false, terminating: true}",
            "Draining(1)",
            "Drained",
        ),
        ("31", "a a a b:T", "{}", "Draining(1)", "Draining(1)"),
        (
            "33",
            "a a a b:N",
            "{ready: true, serving: false}",
            "Draining(1)",
            "Draining(1)",
        ),
        (
            "its pod is gone",
            "a a a",
            "{}",
            "Draining(1)",
            "Draining(1)",
        ),
        (
            "its pod is gone, closed",
            "a a a",
            "{ready: false, serving: false}",
            "Drained",
            "Drained",
        ),
    ];
    for (name, pods, conditions, at_pods, at_endpoints) in rows {
        let yaml = with_old_endpoint(pods, conditions);
        assert_eq!(
            at_level(DrainLevel::Pods, &yaml),
            at_pods,
            "{name}, level Pods"
        );
        assert_eq!(
            at_level(DrainLevel::Endpoints, &yaml),
            at_endpoints,
            "{name}, level Endpoints"
        );
        assert_eq!(
            at_level(DrainLevel::None, &yaml),
            "NotNeeded",
            "{name}, level None"
        );
    }
}

#[test]
fn what_nobody_calls_is_drained_by_its_pods_at_every_level() {
    let job = "{job: {status: {conditions: [{type: Complete, status: 'True'}]}}, pods: 'a:S b', services: [], endpoints: []}";
    assert_eq!(at_level(DrainLevel::Pods, job), "Draining(1)");
    assert_eq!(at_level(DrainLevel::Endpoints, job), "Draining(1)");
}

#[test]
fn what_cannot_be_known_is_not_drained() {
    check(&[
        (
            "32 an endpoint that is no pod's",
            &["endpoints: [{addresses: [192.0.2.7], conditions: {ready: true}}]"],
            "Complete / Unprovable(UnknownEndpoint)",
        ),
        (
            "an endpoint that is known by its pod's address alone",
            &["endpoints: [{addresses: [10.0.1.1]}]"],
            "Complete / Drained / Serving",
        ),
        (
            "an address that two pods share",
            &[
                "{endpoints: [{addresses: [10.0.1.1]}], patch: {web-a-2: {status: {podIP: 10.0.1.1}}}}",
            ],
            "Complete / Unprovable(UnknownEndpoint)",
        ),
        (
            "R47 a sidecar that only some pods have in this version",
            &[
                "patch: {web-a-1: {spec: {containers: [{name: server, image: 'web:2'}, {name: mesh, image: 'mesh:2'}]}}, web-a-2: {spec: {containers: [{name: server, image: 'web:2'}, {name: mesh, image: 'mesh:1'}]}}}",
            ],
            "Complete / Drained",
        ),
        (
            "73 one tag, two programs",
            &[
                "patch: {web-a-1: {status: {containerStatuses: [{name: server, ready: true, restartCount: 0, image: 'web:2', imageID: 'r/web@sha256:1'}]}}, web-a-2: {status: {containerStatuses: [{name: server, ready: true, restartCount: 0, image: 'web:2', imageID: 'r/web@sha256:2'}]}}}",
            ],
            "Complete / Unprovable(MixedImages)",
        ),
        (
            "a pod whose image was changed by hand",
            &["patch: {web-a-1: {spec: {containers: [{name: server, image: 'web:debug'}]}}}"],
            "Complete / Unprovable(PatchedPod)",
        ),
    ]);
}

#[test]
fn a_pod_behind_the_service_blocks_whosever_it_is() {
    let legacy = "extra: [{metadata: {name: legacy-1, uid: l1, labels: {app: web}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: legacy-7, uid: ul, controller: true}]}}], otherSets: [{metadata: {name: legacy-7, namespace: shop, uid: ul, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: legacy, uid: ud, controller: true}]}, spec: {selector: {}}}]";
    let allowed =
        "siblings: [{apiVersion: apps/v1, kind: Deployment, namespace: shop, name: legacy}]";
    let found = looks(&[&format!("{{{legacy}}}")], &Policy::default());
    assert_eq!(
        (found.reason(), found.gate()),
        ("ForeignPods", Gate::Shut),
        "34"
    );
    assert!(
        found.sentence().contains("of Deployment legacy"),
        "{}",
        found.sentence()
    );
    let found = looks(&[&format!("{{{legacy}, {allowed}}}")], &Policy::default());
    assert_eq!(found.gate(), Gate::Open, "{}", found.sentence());

    check(&[
        (
            "a bare pod with the Service's labels",
            &["extra: [{metadata: {name: debug, uid: x, labels: {app: web}}}]"],
            "Complete / Draining(1)",
        ),
        (
            "a bare pod with the Service's labels in another namespace",
            &["extra: [{metadata: {name: debug, namespace: other, uid: x, labels: {app: web}}}]"],
            "Complete / Drained",
        ),
        (
            "a pod of another app",
            &["extra: [{metadata: {name: other, uid: x, labels: {app: other}}}]"],
            "Complete / Drained",
        ),
        (
            "a bare pod that no selector matches and an endpoint names",
            &[
                "{extra: [{metadata: {name: debug, uid: x}}], endpoints: [{addresses: [10.0.1.1]}, {addresses: [1.1.1.1], targetRef: {kind: Pod, name: debug, uid: x}}]}",
            ],
            "Complete / Draining(1)",
        ),
    ]);
}

#[test]
fn a_pod_that_lost_its_labels_is_found_by_its_uid() {
    // Quarantined: no label, no owner, no endpoint, and its keep-alive connections live on.
    let quarantined =
        "{pods: a a a b, patch: {web-b-1: {metadata: {labels: null, ownerReferences: null}}}}";
    check(&[("R29", &[quarantined], "Complete / Draining(1)")]);
    let mut unknown = Case::of(quarantined);
    unknown.baseline.pods.clear();
    assert_eq!(
        unknown.assess().0.gate(),
        Gate::Open,
        "nothing but the baseline knows it"
    );
}

#[test]
fn a_pod_whose_replica_set_is_gone_is_found_by_the_selector() {
    // R26, and nobody recorded it before: it was started after the baseline, or that is lost.
    // No Service leads to it, and no endpoint: it is blocked for by whose it is alone.
    let mut case = Case::of("{pods: 'a a a b:TN', sets: {b: null}, services: [], endpoints: []}");
    case.baseline.pods.clear();
    case.baseline.services.clear();
    let found = case.assess().0;
    assert_eq!(short(&found), "Complete / Draining(1) / NotNeeded");
    assert_eq!(found.old_alive, 1, "{}", found.sentence());
}

#[test]
fn a_pod_that_a_service_selects_blocks_before_its_endpoint_shows() {
    let new = "{addresses: [10.0.1.1]}";
    let debug = "extra: [{metadata: {name: debug, uid: x, labels: {app: web}}}]";
    let yaml = format!("{{{debug}, endpoints: [{new}]}}");
    check(&[("R37", &[&yaml], "Complete / Draining(1)")]);
}

#[test]
fn an_old_service_selector_still_counts() {
    let moved = "{services: [{metadata: {name: svc, namespace: shop}, spec: {selector: {app: web, track: new}}}], extra: [{metadata: {name: old, uid: x, labels: {app: web}}}], endpoints: [{addresses: [10.0.1.1]}]}";
    check(&[("R31", &[moved], "Complete / Draining(1)")]);
}

#[test]
fn all_replica_sets_with_the_template_are_new() {
    // kubernetes#40415: two ReplicaSets with one template.
    let twice = "{sets: {b: {spec: {template: {spec: {containers: [{name: server, image: 'web:2', resources: {}}]}}}}}, pods: a a b:T, patch: {web-b-1: {spec: {containers: [{name: server, image: 'web:2'}]}}}}";
    assert_eq!(
        looks(&[twice], &Policy::default()).drain.to_string(),
        "Drained"
    );
}

const LOST: &str =
    "nodes: [{metadata: {name: node-1}, status: {conditions: [{type: Ready, status: Unknown}]}}]";
const READY: &str =
    "nodes: [{metadata: {name: node-1}, status: {conditions: [{type: Ready, status: 'True'}]}}]";

fn lines(looks_at: &[String]) -> String {
    let looks_at: Vec<_> = looks_at.iter().map(String::as_str).collect();
    short(&looks(&looks_at, &Policy::default()))
}

#[test]
fn a_terminating_pod_on_a_lost_node_is_stuck_and_fails_in_the_end() {
    let at = |seconds: i64| format!("{{at: {seconds}, pods: a a a b:T, {LOST}}}");
    // Its grace period ends at 30 s.
    assert_eq!(
        lines(&[at(0), at(60)]),
        "Complete / Draining(1) / Serving +NodeNotReady"
    );
    assert_eq!(
        lines(&[at(0), at(61)]),
        "Complete / Stuck(StuckOnLostNode) / Serving +NodeNotReady",
        "35"
    );
    assert_eq!(
        lines(&[at(0), at(149)]),
        "Complete / Stuck(StuckOnLostNode) / Serving +NodeNotReady"
    );
    assert_eq!(
        lines(&[at(0), at(150)]),
        "Failed(Retryable, DrainStuck) / Stuck(StuckOnLostNode) / Serving +NodeNotReady"
    );
    let looks_at = [at(0), at(150), at(180)];
    let looks_at: Vec<_> = looks_at.iter().map(String::as_str).collect();
    assert_eq!(looks(&looks_at, &Policy::default()).gate(), Gate::Failed);
}

#[test]
fn a_stuck_pod_says_what_holds_it() {
    let held =
        "{at: 61, pods: a a a b:T, patch: {web-b-1: {metadata: {finalizers: [example.com/x]}}}}";
    check(&[
        ("finalizer", &[held], "Complete / Stuck(HeldByFinalizer)"),
        (
            "kubelet",
            &["{at: 61, pods: a a a b:T}"],
            "Complete / Stuck(PastGracePeriod)",
        ),
    ]);
}

#[test]
fn a_pod_that_vanished_with_its_node_may_still_run() {
    let terminating = |nodes: &str| format!("{{pods: a a a b:T, {nodes}}}");
    let gone = |nodes: &str| format!("{{at: 5, {nodes}}}");
    assert_eq!(
        lines(&[terminating(READY), gone(READY)]),
        "Complete / Drained / Serving"
    );
    assert_eq!(
        lines(&[terminating(READY), gone(LOST)]),
        "Complete / Stuck(StuckOnLostNode) / Serving +NodeNotReady"
    );
    let back = format!("{{at: 9, {READY}}}");
    assert_eq!(
        lines(&[terminating(READY), gone(LOST), back]),
        "Complete / Drained / Serving"
    );
    let off = "nodes: [{metadata: {name: node-1}, spec: {taints: [{key: node.kubernetes.io/out-of-service, effect: NoExecute}]}}]";
    assert_eq!(
        lines(&[terminating(READY), gone(off)]),
        "Complete / Drained / Serving"
    );
    assert_eq!(
        lines(&[terminating(READY), gone("nodes: []")]),
        "Complete / Drained / Serving"
    );
}

#[test]
fn a_pod_once_known_to_be_dead_stays_dead() {
    let terminating = format!("{{pods: a a a b:T, {READY}}}");
    let gone = format!("{{at: 5, {READY}}}");
    let later = format!("{{at: 9, {LOST}}}");
    assert_eq!(
        lines(&[terminating, gone, later]),
        "Complete / Drained / Serving +NodeNotReady"
    );
}

#[test]
fn a_pod_deleted_by_force_is_given_its_grace_period() {
    let forced = "{pods: a a a b:T, patch: {web-b-1: {metadata: {deletionGracePeriodSeconds: 0}}}}"
        .to_owned();
    let gone = |seconds: i64| format!("at: {seconds}");
    assert_eq!(
        lines(&[forced.clone(), gone(5), gone(34)]),
        "Complete / Draining(1) / Serving",
        "R35"
    );
    assert_eq!(
        lines(&[forced, gone(5), gone(35)]),
        "Complete / Drained / Serving"
    );
}

#[test]
fn a_removed_workload_is_done_when_its_last_pod_is_gone() {
    let removed = |yaml: &str| {
        let case = Case::of(yaml);
        let (assessment, _) = assess_removed(
            &case.baseline,
            &case.snapshot,
            &case.policy,
            &Memory::default(),
        );
        assessment
    };
    let rows = [
        ("still there", "pods: b b b", "Deleting", Gate::Shut),
        (
            "being deleted",
            "{pods: b b b, deployment: {metadata: {deletionTimestamp: '2026-11-24T12:00:00Z'}}}",
            "Deleting",
            Gate::Shut,
        ),
        (
            "its pods end",
            "{gone: true, sets: {a: null, b: null}, pods: b:T}",
            "OldPods",
            Gate::Shut,
        ),
        (
            "all gone",
            "{gone: true, sets: {a: null, b: null}, pods: ''}",
            "Done",
            Gate::Open,
        ),
        (
            "its endpoints linger",
            "{gone: true, pods: '', endpoints: [{addresses: [1.1.1.1], targetRef: {kind: Pod, name: web-b-1, uid: uid-b-1}}]}",
            "StaleEndpoint",
            Gate::Shut,
        ),
        (
            "others stay",
            "{gone: true, pods: '', extra: [{metadata: {name: debug, uid: x, labels: {app: web}}}]}",
            "Done",
            Gate::Open,
        ),
        (
            "an endpoint that is nobody's",
            "{gone: true, pods: '', endpoints: [{addresses: [192.0.2.7]}]}",
            "Done",
            Gate::Open,
        ),
        (
            "created again",
            "{pods: '', deployment: {metadata: {uid: other}}}",
            "ReplacedDuringWait",
            Gate::Failed,
        ),
        (
            "a cache that shows nothing",
            "{read: Cached, gone: true, pods: ''}",
            "Done",
            Gate::Open,
        ),
    ];
    for (name, yaml, reason, gate) in rows {
        let found = removed(yaml);
        assert_eq!(
            (found.reason(), found.gate()),
            (reason, gate),
            "{name}: {}",
            found.sentence()
        );
    }
}

#[test]
fn blockers_are_named_in_order() {
    let found = looks(&["pods: a a a b:T b"], &Policy::default());
    let names: Vec<_> = found.blockers().iter().map(ObjectRef::to_string).collect();
    assert_eq!(names, ["Pod/shop/web-b-1", "Pod/shop/web-b-2"]);
    assert_eq!(found.old_alive, 2);
}
