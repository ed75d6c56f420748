//! Broken pods: rows 22 to 28 of completion.md §8 and the signs of §3.

use super::world::{Case, check, line, looks};
use crate::gate::{Gate, Policy};

/// One of three pods is new, and its container waits for this reason.
fn waiting(at: i64, reason: &str, message: &str, restarts: u32) -> String {
    format!(
        "{{at: {at}, deployment: {{status: {{updatedReplicas: 1, replicas: 4}}}}, pods: 'a:N b b b', patch: {{web-a-1: {{status: {{containerStatuses: [{{name: server, ready: false, restartCount: {restarts}, image: x, imageID: x, state: {{waiting: {{reason: {reason}, message: '{message}'}}}}, lastState: {{terminated: {{exitCode: 137, reason: OOMKilled}}}}}}]}}}}}}}}"
    )
}

fn after(seconds: i64, reason: &str, message: &str) -> String {
    line(&[
        &waiting(0, reason, message, 0),
        &waiting(seconds, reason, message, 0),
    ])
}

fn starts(found: &str, expected: &str) {
    assert!(
        found.starts_with(expected),
        "expected {expected}, found {found}"
    );
}

#[test]
fn a_container_that_cannot_start_fails_when_it_has_lasted() {
    let moves = "Progressing(Updating 1/3)";
    let rows = [
        ("InvalidImageName", "x", 0, 0, "Failed(Terminal, BadImage)"),
        ("ErrImageNeverPull", "x", 0, 0, "Failed(Terminal, BadImage)"),
        (
            "SignatureValidationFailed",
            "x",
            0,
            0,
            "Failed(Terminal, ImageSignature)",
        ),
        (
            "ImagePullBackOff",
            "manifest unknown",
            9,
            10,
            "Failed(Retryable, ImagePull)",
        ),
        (
            "ErrImagePull",
            "i/o timeout",
            89,
            90,
            "Failed(Retryable, ImagePull)",
        ),
        (
            "CreateContainerConfigError",
            "secret not there",
            19,
            20,
            "Failed(Retryable, ContainerConfig)",
        ),
        (
            "RunContainerError",
            "x",
            29,
            30,
            "Failed(Retryable, ContainerStart)",
        ),
    ];
    for (reason, message, before, ripe, expected) in rows {
        if before > 0 {
            starts(&after(before, reason, message), moves);
        }
        starts(&after(ripe, reason, message), expected);
    }
    starts(
        &line(&[&waiting(0, "RunContainerError", "x", 2)]),
        "Failed(Retryable, ContainerStart)",
    );
    starts(&after(300, "ContainerCreating", ""), moves);
}

#[test]
fn a_refused_pull_is_remembered_while_the_kubelet_only_backs_off() {
    let found = line(&[
        &waiting(0, "ErrImagePull", "not found", 0),
        &waiting(12, "ImagePullBackOff", "Back-off pulling image", 0),
    ]);
    starts(&found, "Failed(Retryable, ImagePull)");
}

#[test]
fn a_sign_that_goes_away_starts_anew() {
    let pull = |at| waiting(at, "ImagePullBackOff", "not found", 0);
    starts(
        &line(&[&pull(0), &waiting(8, "ContainerCreating", "", 0), &pull(12)]),
        "Progressing",
    );
}

#[test]
fn only_new_pods_count() {
    check(&[
        (
            "23 an old pod crashes",
            &[
                "{deployment: {status: {updatedReplicas: 1, replicas: 4}}, pods: 'a b:N b b', patch: {web-b-1: {status: {containerStatuses: [{name: server, ready: false, restartCount: 40, image: x, imageID: x, state: {waiting: {reason: CrashLoopBackOff}}}]}}}}",
            ],
            "Progressing(Updating 1/3)",
        ),
        (
            "a new pod that is being deleted",
            &[
                "{deployment: {status: {updatedReplicas: 1, replicas: 4}}, pods: 'a:NT b b', patch: {web-a-1: {status: {containerStatuses: [{name: server, ready: false, restartCount: 4, image: x, imageID: x, state: {waiting: {reason: CrashLoopBackOff}}}]}}}}",
            ],
            "Progressing(Updating 1/3)",
        ),
    ]);
}

#[test]
fn crash_loops_are_told_from_one_restart() {
    starts(
        &line(&[&waiting(0, "CrashLoopBackOff", "back-off", 1)]),
        "Progressing(Updating 1/3)",
    );
    let crash = waiting(0, "CrashLoopBackOff", "back-off", 3);
    starts(&line(&[&crash]), "Failed(Retryable, CrashLoop)");
    let sentence = looks(&[&crash], &Policy::default()).sentence();
    assert!(
        sentence.contains("OOMKilled, exit code 137"),
        "25: {sentence}"
    );

    let crashing = |number: u8, state: &str, restarts: u8| {
        format!(
            "web-a-{number}: {{status: {{containerStatuses: [{{name: server, ready: false, restartCount: {restarts}, image: x, imageID: x, state: {state}}}]}}}}"
        )
    };
    let back_off = "{waiting: {reason: CrashLoopBackOff}}";
    let all = format!(
        "{{deployment: {{status: {{availableReplicas: 0}}}}, sets: {{a: {{status: {{availableReplicas: 0}}}}}}, pods: 'a:N a:N a:N', patch: {{{}, {}, {}}}}}",
        crashing(1, back_off, 1),
        crashing(2, back_off, 1),
        crashing(3, back_off, 1)
    );
    starts(&line(&[&all]), "Failed(Retryable, CrashLoop)");

    // E8: a probe that kills fast is never seen to back off.
    let killed = |pods: &str| {
        format!(
            "{{deployment: {{status: {{updatedReplicas: 1}}}}, pods: '{pods}', patch: {{{}}}}}",
            crashing(1, "{running: {}}", 3)
        )
    };
    starts(
        &line(&[&killed("a:N b b b")]),
        "Failed(Retryable, CrashLoop)",
    );
    starts(&line(&[&killed("a:N a b b")]), "Progressing");
}

#[test]
fn a_failure_fails_the_gate_only_after_fail_after() {
    let crash = |at| waiting(at, "CrashLoopBackOff", "back-off", 3);
    let gate = |looks_at: &[String]| {
        let looks_at: Vec<_> = looks_at.iter().map(String::as_str).collect();
        looks(&looks_at, &Policy::default()).gate()
    };
    let healthy = |at| waiting(at, "ContainerCreating", "", 0);
    assert_eq!(gate(&[crash(0), crash(29)]), Gate::Shut);
    assert_eq!(gate(&[crash(0), crash(30)]), Gate::Failed);
    assert_eq!(
        gate(&[crash(0), healthy(10), crash(30)]),
        Gate::Shut,
        "a break starts it anew"
    );
    let policy = Policy {
        fail_after: jiff::SignedDuration::ZERO,
        ..Policy::default()
    };
    assert_eq!(looks(&[&crash(0)], &policy).gate(), Gate::Failed);
    assert_eq!(
        gate(&[waiting(0, "InvalidImageName", "", 0)]),
        Gate::Failed,
        "26: Terminal at once"
    );
}

#[test]
fn some_pods_may_fail_where_the_plan_says_so() {
    let policy = Policy {
        allow_failed_pods: 1,
        ..Policy::default()
    };
    let crash = waiting(0, "CrashLoopBackOff", "back-off", 3);
    assert_eq!(looks(&[&crash], &policy).reason(), "Updating");
    let bad = waiting(0, "InvalidImageName", "", 0);
    assert_eq!(looks(&[&bad], &policy).reason(), "BadImage");
}

fn unschedulable(at: i64, message: &str) -> String {
    format!(
        "{{at: {at}, deployment: {{status: {{updatedReplicas: 1, replicas: 4}}}}, pods: 'a:P b b b', patch: {{web-a-1: {{status: {{conditions: [{{type: PodScheduled, status: 'False', reason: Unschedulable, message: '{message}'}}]}}}}}}}}"
    )
}

#[test]
fn a_pod_that_no_node_takes_fails_sooner_if_no_room_would_help() {
    let taint = "0/3 nodes are available: 3 node(s) had untolerated taint(s). preemption: 0/3 nodes are available: 3 Preemption is not helpful.";
    let room = "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: 3 No preemption victims found.";
    let both = "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s).";
    let reason = |message: &str, seconds: i64, autoscaler: bool| {
        let policy = Policy {
            autoscaler,
            ..Policy::default()
        };
        let looks_at = [unschedulable(0, message), unschedulable(seconds, message)];
        looks(&[&looks_at[0], &looks_at[1]], &policy).reason()
    };
    assert_eq!(reason(taint, 10, false), "Updating", "27");
    assert_eq!(reason(taint, 20, false), "Unschedulable", "27");
    assert_eq!(reason(both, 20, false), "Unschedulable");
    assert_eq!(reason(room, 179, false), "Updating");
    assert_eq!(reason(room, 180, false), "Unschedulable");
    assert_eq!(reason(taint, 179, true), "Updating");
    assert_eq!(reason(taint, 180, true), "Unschedulable");
}

#[test]
fn scheduling_gates_are_named_and_never_fail() {
    let gated = "{deployment: {status: {updatedReplicas: 1, replicas: 4}}, pods: 'a:P b b b', patch: {web-a-1: {status: {conditions: [{type: PodScheduled, status: 'False', reason: SchedulingGated}]}}}}";
    check(&[("E10", &[gated], "Progressing(SchedulingGated 1/3)")]);
}

fn replica_failure(at: i64, message: &str) -> String {
    format!(
        "{{at: {at}, deployment: {{status: {{updatedReplicas: 0}}}}, pods: b b b, sets: {{a: {{status: {{replicas: 0, availableReplicas: 0, conditions: [{{type: ReplicaFailure, status: 'True', reason: FailedCreate, message: '{message}'}}]}}}}}}}}"
    )
}

#[test]
fn pods_that_cannot_be_created_are_seen_on_the_new_replica_set() {
    let after = |message: &str, seconds: i64| {
        line(&[
            &replica_failure(0, message),
            &replica_failure(seconds, message),
        ])
    };
    let quota = "pods \"web-a-x\" is forbidden: exceeded quota: small";
    starts(&after(quota, 29), "Progressing");
    starts(&after(quota, 40), "Failed(Retryable, Quota)");
    let denied = "admission webhook \"x\" denied the request";
    starts(&line(&[&replica_failure(0, denied)]), "Progressing");
    starts(&after(denied, 2), "Failed(Retryable, CreateRejected)");
    let on_old = "{deployment: {status: {updatedReplicas: 1}}, pods: a b b b, sets: {b: {status: {conditions: [{type: ReplicaFailure, status: 'True', message: exceeded quota}]}}}}";
    let on_old_later = on_old.replacen('{', "{at: 60, ", 1);
    starts(&line(&[on_old, &on_old_later]), "Progressing(Updating 1/3)");
}

#[test]
fn a_replica_set_that_cannot_be_created_fails() {
    let refused = |at: i64| {
        format!(
            "{{at: {at}, sets: {{a: null, b: {{spec: {{replicas: 3}}, status: {{replicas: 3}}}}}}, pods: b b b, deployment: {{status: {{updatedReplicas: 0, conditions: [{{type: Progressing, status: 'False', reason: ReplicaSetCreateError, message: refused}}]}}}}}}"
        )
    };
    starts(
        &line(&[&refused(0)]),
        "Progressing(ReplicaSetNotCreated 0/3)",
    );
    starts(
        &line(&[&refused(0), &refused(2)]),
        "Failed(Retryable, CreateRejected)",
    );
}

#[test]
fn pods_that_nodes_turn_away_fail_when_there_are_many() {
    let evicted = |pods: &str| {
        let patch =
            |number: u8| format!("web-a-{number}: {{status: {{reason: Evicted, message: disk}}}}");
        format!(
            "{{deployment: {{status: {{updatedReplicas: 1}}}}, pods: '{pods}', patch: {{{}, {}, {}}}}}",
            patch(1),
            patch(2),
            patch(3)
        )
    };
    starts(&line(&[&evicted("a:F a:F a b b")]), "Progressing");
    starts(
        &line(&[&evicted("a:F a:F a:F a b b")]),
        "Failed(Retryable, PodsRejected)",
    );
}

#[test]
fn events_hasten_a_failure_only_when_they_are_newer_than_the_apply() {
    let event = |version: u32, count: u32| {
        format!(
            "{{statefulSet: {{status: {{updatedReplicas: 0, replicas: 2}}}}, pods: 'b b', events: [{{metadata: {{name: e, resourceVersion: '{version}'}}, involvedObject: {{uid: uid-web}}, type: Warning, reason: FailedCreate, count: {count}, message: exceeded quota}}]}}"
        )
    };
    starts(&line(&[&event(300, 2)]), "Failed(Retryable, Quota)");
    starts(&line(&[&event(300, 1)]), "Progressing(Updating 0/3)");
    starts(&line(&[&event(200, 2)]), "Progressing(Updating 0/3)");
    starts(&line(&[&event(150, 2)]), "Progressing(Updating 0/3)");
    let about = |involved: &str| event(300, 2).replace("uid: uid-web", involved);
    for (involved, expected) in [
        ("kind: StatefulSet, name: web", "Failed(Retryable, Quota)"),
        ("kind: Deployment, name: web", "Progressing(Updating 0/3)"),
        ("kind: StatefulSet, name: api", "Progressing(Updating 0/3)"),
        (
            "uid: uid-api, kind: StatefulSet, name: web",
            "Progressing(Updating 0/3)",
        ),
    ] {
        starts(&line(&[&about(involved)]), expected);
    }
}

#[test]
fn a_replica_set_fails_by_what_is_true_of_it() {
    let says = |condition: &str| {
        let at = |seconds: u8| {
            format!(
                "{{at: {seconds}, deployment: {{status: {{updatedReplicas: 1}}}}, sets: {{a: {{status: {{conditions: [{{{condition}, message: exceeded quota}}]}}}}}}}}"
            )
        };
        line(&[&at(0), &at(60)])
    };
    let moves = "Progressing(Updating 1/3)";
    starts(
        &says("type: ReplicaFailure, status: 'True'"),
        "Failed(Retryable, Quota)",
    );
    starts(&says("type: ReplicaFailure, status: 'False'"), moves);
    starts(&says("type: Progressing, status: 'True'"), moves);
}

#[test]
fn a_volume_that_cannot_be_had_is_not_one_of_the_pods_that_may_fail() {
    let policy = Policy {
        allow_failed_pods: 1,
        ..Policy::default()
    };
    let mount = "{metadata: {name: e}, involvedObject: {uid: uid-a-1}, reason: FailedMount, message: no such disk}";
    let claim = "{metadata: {name: e}, involvedObject: {kind: PersistentVolumeClaim, name: data}, reason: ProvisioningFailed, message: no room}";
    for event in [mount, claim] {
        let at = |seconds: u8| {
            format!(
                "{{at: {seconds}, deployment: {{status: {{updatedReplicas: 1}}}}, pods: 'a:P b b b', patch: {{web-a-1: {{spec: {{volumes: [{{name: d, persistentVolumeClaim: {{claimName: data}}}}]}}}}}}, events: [{event}]}}"
            )
        };
        let found = looks(&[&at(0), &at(120)], &policy);
        assert_eq!(found.reason(), "Volume", "{event}");
    }
}

#[test]
fn in_a_file_a_container_fails_since_its_pod_was_given_a_node() {
    let pod = |scheduled: &str| {
        let pulls = waiting(0, "ErrImagePull", "i/o timeout", 0);
        let times = format!(
            "startTime: '2026-11-24T11:00:00Z', conditions: [{{type: Initialized, status: 'True', lastTransitionTime: '2026-11-24T11:00:00Z'}}, {{type: PodScheduled, status: 'True', lastTransitionTime: '2026-11-24T{scheduled}Z'}}], containerStatuses:"
        );
        Case::of(&pulls.replace("containerStatuses:", &times)).through_files()
    };
    starts(&pod("11:58:31"), "Progressing(Updating 1/3)");
    starts(&pod("11:58:30"), "Failed(Retryable, ImagePull)");
}

#[test]
fn a_volume_that_is_not_mounted_fails_after_two_minutes() {
    let mount = |at: i64| {
        format!(
            "{{at: {at}, deployment: {{status: {{updatedReplicas: 1}}}}, pods: 'a:P b b b', events: [{{metadata: {{name: e}}, involvedObject: {{uid: uid-a-1}}, reason: FailedMount, message: no such disk}}]}}"
        )
    };
    starts(
        &line(&[&mount(0), &mount(119)]),
        "Progressing(Updating 1/3)",
    );
    starts(
        &line(&[&mount(0), &mount(120)]),
        "Failed(Retryable, Volume)",
    );
}

#[test]
fn what_breaks_after_it_was_complete_is_an_incident() {
    let crash = waiting(5, "CrashLoopBackOff", "back-off", 3);
    starts(
        &line(&["", &crash]),
        "Progressing(Updating 1/3) / Draining(3) / Waiting(NotServing 0/1) +Degraded",
    );
}

#[test]
fn a_failure_that_comes_and_goes_is_no_progress() {
    let crash = |at| waiting(at, "CrashLoopBackOff", "x", 3);
    let calm = |at| waiting(at, "ContainerCreating", "", 0);
    let told = [calm(0), crash(300), calm(310), crash(600), calm(660)];
    let told: Vec<_> = told.iter().map(String::as_str).collect();
    assert_eq!(looks(&told, &Policy::default()).reason(), "NoProgress");
}

#[test]
fn a_failure_that_disappears_is_forgotten() {
    let healed = looks(
        &[&waiting(0, "CrashLoopBackOff", "x", 3), "at: 20"],
        &Policy::default(),
    );
    assert_eq!((healed.gate(), healed.failing_since), (Gate::Open, None));
}
