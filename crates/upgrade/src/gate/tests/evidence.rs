//! Evidence that is missing, odd or cannot be read: what it hides may be an old pod.

use serde_json::{Value, json};

use super::canaries::PROMOTED;
use super::cron_jobs::UPDATED;
use super::files::{all_told, check_table, documents, first, rows, told};
use super::world::{Case, check, merged, start};
use crate::gate::{Absent, Memory, Objects, Policy, assess_removed, judge_all};

/// A finished rollout in files, with something put over one of its objects, `Kind/name`; the Deployment's verdict.
pub(super) fn over(yaml: &str, name: &str, over: &Value) -> String {
    let case = Case::of(yaml);
    let mut objects = case.objects();
    let is_it = |object: &&mut Value| {
        format!(
            "{}/{}",
            object["kind"].as_str().unwrap_or_default(),
            object["metadata"]["name"].as_str().unwrap()
        ) == name
    };
    let it = objects.iter_mut().find(is_it).expect(name);
    *it = merged(it.clone(), over);
    case.judged(&objects)
}

#[test]
fn a_field_of_another_type_makes_the_state_unknown_and_is_named() {
    let wrong = json!({"status": {"replicas": "three"}});
    let case = Case::of("");
    let mut objects = case.objects();
    objects[0] = merged(objects[0].clone(), &wrong);
    let fault = Objects::default().take(&objects[0]).unwrap_err();
    insta::assert_snapshot!(fault.to_string(), @r#"`status.replicas`: invalid type: string "three", expected i32"#);
    let told = told(&objects, "", &Policy::default());
    assert!(
        told.iter()
            .any(|line| line.starts_with("Deployment/shop/web: Progressing(UnknownStatus")),
        "{told:?}"
    );
    for (name, wrong) in [
        ("metadata", json!({"metadata": {"generation": "two"}})),
        ("labels", json!({"metadata": {"labels": ["app"]}})),
        ("spec", json!({"spec": {"replicas": {}}})),
        ("status", json!({"status": 7})),
    ] {
        let mut objects = case.objects();
        objects[0] = merged(objects[0].clone(), &wrong);
        let told = super::files::told(&objects, "", &Policy::default());
        let is_unknown =
            |line: &String| line.starts_with("Deployment/shop/web: Progressing(UnknownStatus 0/1)");
        assert!(told.iter().any(is_unknown), "{name}: {told:?}");
    }
}

#[test]
fn evidence_that_cannot_be_read_keeps_the_gate_shut_of_what_it_may_be_about() {
    let unknown = "Progressing(UnknownStatus 0/3) / Unprovable(UnknownStatus)";
    let complete = "Complete / Drained / Serving";
    let wrong = json!({"status": {"phase": 7}});
    let rows = [
        (
            "a new pod",
            "",
            "Pod/web-a-1",
            wrong.clone(),
            "Progressing(UnknownStatus",
        ),
        (
            "an old pod that may be alive",
            "pods: a a a b:S",
            "Pod/web-b-1",
            wrong.clone(),
            unknown,
        ),
        (
            "somebody else's pod",
            "extra: [{apiVersion: v1, kind: Pod, metadata: {name: other, uid: x, labels: {app: other}}}]",
            "Pod/other",
            wrong,
            complete,
        ),
        (
            "its ReplicaSet",
            "",
            "ReplicaSet/web-b",
            json!({"status": {"replicas": "none"}}),
            unknown,
        ),
        (
            "the slice of its Service",
            "",
            "EndpointSlice/svc-1",
            json!({"endpoints": 3}),
            "Progressing(UnknownStatus 0/3)",
        ),
        (
            "its Service",
            "",
            "Service/svc",
            json!({"spec": {"selector": 3}}),
            "Progressing(UnknownStatus 0/3)",
        ),
    ];
    for (name, yaml, object, wrong, expected) in rows {
        let found = over(yaml, object, &wrong);
        assert!(
            found.starts_with(expected),
            "{name}: expected {expected}, found {found}"
        );
    }
}

#[test]
fn what_is_to_go_is_not_gone_while_a_pod_of_it_cannot_be_read() {
    let case = Case::of("{gone: true, sets: {a: null, b: null}, pods: b, services: []}");
    let mut objects = case.objects();
    let gone = |objects: &[Value]| {
        let mut all = Objects::default();
        for object in objects {
            let _is_told_elsewhere = all.take(object);
        }
        let snapshot = all.snapshot(&case.applied.workload, start());
        let (told, _) = assess_removed(
            &case.baseline,
            &snapshot,
            &Policy::default(),
            &Memory::default(),
        );
        told.reason()
    };
    assert_eq!(gone(&objects), "OldPods");
    objects[0] = merged(objects[0].clone(), &json!({"status": {"phase": 7}}));
    assert_eq!(gone(&objects), "UnknownStatus");
    objects.clear();
    assert_eq!(gone(&objects), "Done");
}

#[test]
fn what_is_null_is_left_out() {
    let nulls = [
        (
            "{apiVersion: example.com/v1, kind: Widget, metadata: {name: it, uid: u, generation: 1, labels: null}, status: {conditions: null}}",
            "Progressing(NoRule 0/1)",
        ),
        (
            "{apiVersion: example.com/v1, kind: Widget, metadata: {name: it, uid: u, generation: 1}, status: null}",
            "Progressing(NoRule 0/1)",
        ),
        (
            "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: it, uid: u, generation: 1}, spec: {listeners: null}, status: {conditions: null, listeners: null}}",
            "Progressing(NotObserved 0/1)",
        ),
        (
            "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: it, uid: u}, spec: {storageClassName: null}, status: {phase: Bound, conditions: null}}",
            "Complete",
        ),
        (
            "{apiVersion: argoproj.io/v1alpha1, kind: Workflow, metadata: {name: it, uid: u}, spec: {shutdown: null}, status: {phase: Succeeded, nodes: null, message: null}}",
            "Complete",
        ),
        (
            "{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: it, uid: u, generation: 1}, spec: {replicas: null, strategy: {canary: {steps: null}}}, status: {observedGeneration: '1', conditions: null, pauseConditions: null, currentPodHash: a, stableRS: a, updatedReplicas: 1, availableReplicas: 1, replicas: 1, phase: Healthy, message: null}}",
            "Complete",
        ),
    ];
    for (object, expected) in nulls {
        let found = first(object, "", "");
        let verdict = found.split_once(": ").unwrap().1;
        assert!(verdict.starts_with(expected), "{object}: {found}");
    }
    check(&[(
        "a Deployment",
        &["deployment: {status: {conditions: null, collisionCount: null}}"],
        "Complete / Drained / Serving",
    )]);
}

#[test]
fn an_object_without_a_generation_has_not_been_seen_by_its_controller() {
    check(&[
        (
            "Deployment",
            &["deployment: {metadata: {generation: null}}"],
            "Progressing(StaleRead",
        ),
        (
            "its new ReplicaSet has none to lag behind",
            &["sets: {a: {metadata: {generation: null}}}"],
            "Complete / Drained / Serving",
        ),
        (
            "its old ReplicaSet says nothing of what it has seen: its counts do",
            &["sets: {b: {metadata: {generation: null}, status: {observedGeneration: null}}}"],
            "Complete / Drained / Serving",
        ),
        (
            "its old ReplicaSet has never had a status",
            &["sets: {b: {status: null}}"],
            "Complete / Drained / Serving",
        ),
    ]);
    let unknown = |object: &str| first(object, "", "").split_once(": ").unwrap().1.to_owned();
    for object in [
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: it, uid: u}, spec: {replicas: 0, selector: {matchLabels: {a: b}}, template: {}}, status: {observedGeneration: 4}}",
        "{apiVersion: example.com/v1, kind: Widget, metadata: {name: it, uid: u}, status: {observedGeneration: 3, conditions: [{type: Ready, status: 'True'}]}}",
        "{apiVersion: example.com/v1, kind: Widget, metadata: {name: it, uid: u}, status: {conditions: [{type: Ready, status: 'True', observedGeneration: 3}]}}",
        "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: it, uid: u}, status: {conditions: [{type: Accepted, status: 'True', observedGeneration: 1}, {type: Programmed, status: 'True', observedGeneration: 1}]}}",
        "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: it, uid: u}, status: {observedGeneration: 3}}",
    ] {
        assert!(
            unknown(object).starts_with("Progressing(NotObserved"),
            "{object}"
        );
    }
}

#[test]
fn endpoints_count_without_the_service_that_they_belong_to() {
    let slices = |pods: &str| format!("{{services: [], pods: '{pods}'}}");
    check(&[
        (
            "new pods",
            &[&slices("a a a")],
            "Complete / Drained / Serving",
        ),
        (
            "no new pod is ready there",
            &[
                "{services: [], endpoints: [{addresses: [10.9.0.1], conditions: {ready: false}, targetRef: {kind: Pod, name: web-a-1, uid: uid-a-1}}]}",
            ],
            "Complete / Drained / Waiting(NotServing 0/1)",
        ),
        (
            "an old endpoint whose pod is gone",
            &[
                "{services: [], endpoints: [{addresses: [10.9.0.1], targetRef: {kind: Pod, name: web-b-1, uid: uid-b-1}}]}",
            ],
            "Complete / Draining(1)",
        ),
        (
            "an address that is no pod's beside new ones",
            &[
                "{services: [], endpoints: [{addresses: [10.9.0.1], targetRef: {kind: Pod, name: web-a-1, uid: uid-a-1}}, {addresses: [10.9.0.9]}]}",
            ],
            "Complete / Unprovable(UnknownEndpoint)",
        ),
        (
            "a Service without a selector, filled by hand",
            &[
                "{services: [{metadata: {name: svc, namespace: shop}, spec: {}}], endpoints: [{addresses: [10.9.0.1], targetRef: {kind: Pod, name: web-b-1, uid: uid-b-1}}]}",
            ],
            "Complete / Draining(1)",
        ),
    ]);
}

#[test]
fn a_pod_of_a_cron_jobs_job_that_is_gone_is_old() {
    check_table(
        UPDATED,
        "
        its Job is gone | {Job/nightly-1: null} | Complete / Draining(1)
        its Job is gone, it has ended | {Job/nightly-1: null, Pod/nightly-1-x: {status: {phase: Succeeded}}} | Complete / Drained
        a pod of another's Job | {Job/nightly-1: null, Pod/nightly-1-x: {metadata: {ownerReferences: [{apiVersion: batch/v1, kind: Job, name: weekly-1, uid: u-9, controller: true}]}}} | Complete / Drained
        a Job made by hand, by another name | {Job/nightly-1: null, Pod/nightly-1-x: {metadata: {ownerReferences: [{apiVersion: batch/v1, kind: Job, name: nightly-by-hand, uid: u-9, controller: true}]}}} | Complete / Drained
    ",
    );
}

/// Two new pods on two nodes that say so much of themselves.
fn running(images: [&str; 2], nodes: &str) -> String {
    let patch = |number: u8, image: &str| {
        format!(
            "web-a-{number}: {{status: {{containerStatuses: [{{name: server, ready: true, restartCount: 0, image: 'web:2', imageID: '{image}', state: {{running: {{}}}}}}]}}}}"
        )
    };
    format!(
        "{{nodes: {nodes}, patch: {{{}, {}}}}}",
        patch(1, images[0]),
        patch(2, images[1])
    )
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn one_tag_is_one_program_however_the_node_names_it() {
    let node = |number: u8, architecture: &str| {
        format!(
            "{{metadata: {{name: node-{number}}}, status: {{nodeInfo: {{architecture: {architecture}, bootID: '', containerRuntimeVersion: '', kernelVersion: '', kubeProxyVersion: '', kubeletVersion: '', machineID: '', operatingSystem: linux, osImage: '', systemUUID: ''}}, conditions: [{{type: Ready, status: 'True'}}]}}}}"
        )
    };
    let same = format!(
        "[{}, {}, {}]",
        node(1, "amd64"),
        node(2, "amd64"),
        node(3, "amd64")
    );
    let mixed = format!(
        "[{}, {}, {}]",
        node(1, "amd64"),
        node(2, "arm64"),
        node(3, "amd64")
    );
    let alike = "Complete / Drained / Serving";
    let differ = "Complete / Unprovable(MixedImages)";
    let rows = [
        (
            "73 by registry",
            ["r/web@sha256:1a", "r/web@sha256:2b"],
            "null",
            differ,
        ),
        (
            "by registry, of two architectures",
            ["r/web@sha256:1a", "r/web@sha256:2b"],
            &mixed,
            differ,
        ),
        (
            "one digest in two registries",
            ["r/web@sha256:1a", "mirror/web@sha256:1a"],
            "null",
            alike,
        ),
        (
            "as Docker writes it",
            ["docker-pullable://r/web@sha256:1a", "r/web@sha256:1a"],
            "null",
            alike,
        ),
        ("bare", ["sha256:1a", "sha256:2b"], "null", differ),
        (
            "bare, of one architecture",
            ["sha256:1a", "sha256:2b"],
            &same,
            differ,
        ),
        (
            "bare, of two architectures",
            ["sha256:1a", "sha256:2b"],
            &mixed,
            alike,
        ),
        (
            "bare beside a registry's",
            ["sha256:1a", "r/web@sha256:2b"],
            "null",
            alike,
        ),
        (
            "no digest at all",
            ["web:2", "docker.io/web:2"],
            "null",
            alike,
        ),
    ];
    for (name, images, nodes, expected) in rows {
        check(&[(name, &[&running(images, nodes)], expected)]);
    }
}

#[test]
fn a_pod_that_crashes_blocks_an_ordered_stateful_set_too() {
    let crashing = |restarts: u8| {
        format!(
            "{{statefulSet: {{status: {{updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2}}}}, pods: 'a a b:N', patch: {{web-2: {{status: {{containerStatuses: [{{name: server, ready: false, restartCount: {restarts}, image: x, imageID: x, state: {{waiting: {{reason: CrashLoopBackOff}}}}}}]}}}}}}}}"
        )
    };
    check(&[
        (
            "S3",
            &[&crashing(3)],
            "Failed(Terminal, StuckOnBadRevision)",
        ),
        (
            "once is no loop",
            &[&crashing(1)],
            "Progressing(Updating 2/3)",
        ),
    ]);
}

#[test]
fn a_part_with_a_record_of_its_own_is_judged_with_what_it_is_a_part_of() {
    let mut before = Objects::default();
    let objects = documents(PROMOTED);
    for object in &objects {
        before.take(object).unwrap();
    }
    let recorded = before.as_before(start());
    let judged = |objects: &[Value]| {
        let mut all = Objects::default();
        for object in objects {
            all.take(object).unwrap();
        }
        let found = judge_all(
            &all,
            (&recorded, Absent::Deleted),
            &Policy::default(),
            start(),
        );
        found
            .iter()
            .map(|found| format!("{} {}", found.workload.kind, found.reason()))
            .filter(|line| !line.starts_with("Service"))
            .collect::<Vec<_>>()
    };
    assert_eq!(judged(&objects), ["Canary Done"]);
    let mut behind = objects.clone();
    behind[1]["status"]["observedGeneration"] = json!(3);
    assert_eq!(
        judged(&behind),
        ["Canary Done", "Deployment NotObserved"],
        "what is not what was applied is told of by itself"
    );
}

#[test]
fn a_drain_that_is_stuck_for_too_long_has_failed_at_one_look() {
    // Told to go at 12:00:00 with 30 s, and given two minutes more.
    for (name, look, expected) in rows(
        "
        35 stuck | {at: 149, pods: a a a b:T} | Complete / Stuck(PastGracePeriod)
        35 for too long | {at: 150, pods: a a a b:T} | Failed(Retryable, DrainStuck)
        35 held by a finalizer | {at: 150, pods: a a a b:T, patch: {web-b-1: {metadata: {finalizers: [x/y]}}}} | Failed(Retryable, DrainStuck)
        one that goes is not stuck | {at: 20, pods: a a a b:T} | Complete / Draining(1)
    ",
    ) {
        let found = Case::of(look).through_files();
        assert!(found.starts_with(expected), "{name}: expected {expected}\n   found {found}");
    }
}

#[test]
fn who_ended_a_workflow_is_told_from_what_failed() {
    let object = |shutdown: &str| {
        format!(
            "{{apiVersion: argoproj.io/v1alpha1, kind: Workflow, metadata: {{name: it, uid: u}}, spec: {{{shutdown}}}, status: {{phase: Failed, message: x}}}}"
        )
    };
    for (shutdown, reason) in [
        ("", "WorkflowFailed"),
        ("shutdown: Stop", "Stopped"),
        ("shutdown: Terminate", "Terminated"),
    ] {
        assert_eq!(super::files::reason(&object(shutdown), ""), reason);
    }
}

#[test]
fn every_object_that_cannot_be_read_is_told_of() {
    let told = all_told(
        "
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: shop, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: r, uid: r, controller: true}]}
spec: {containers: 3}
---
apiVersion: batch/v1
kind: Job
metadata: {name: b, namespace: shop}
spec: {completions: many}
",
        "",
    );
    assert_eq!(told.len(), 2, "{told:?}");
}
