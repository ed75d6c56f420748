//! The kinds beside Deployments: rows 38 to 44 and 60 to 63.

use super::world::{Case, check, line, looks};
use crate::gate::{Gate, Policy};

#[test]
fn a_stateful_set_is_complete_when_every_ordinal_is_new_and_ready() {
    check(&[
        (
            "finished",
            &["statefulSet: {}"],
            "Complete / Drained / Serving",
        ),
        (
            "38 one of three updated",
            &["{statefulSet: {status: {currentRevision: web-b, updatedReplicas: 1}}, pods: b b a}"],
            "Progressing(Updating 1/3) / Draining(2)",
        ),
        (
            "S8 one too many",
            &["{statefulSet: {status: {replicas: 4}}}"],
            "Progressing(Scaling 3/3)",
        ),
        (
            "S9 not available",
            &["statefulSet: {status: {availableReplicas: 2}}"],
            "Progressing(Available 2/3)",
        ),
        (
            "S10 not finished",
            &["statefulSet: {status: {currentRevision: web-b}}"],
            "Progressing(Finalising 3/3)",
        ),
        (
            "S11 a pod with too high a number does not stand for one that is not ready",
            &["{statefulSet: {}, pods: 'a:N a a a'}"],
            "Progressing(Pods 2/3)",
        ),
        (
            "S11 a terminating pod is still counted as ready",
            &["{statefulSet: {}, pods: 'a a a:T'}"],
            "Progressing(Pods 2/3)",
        ),
        (
            "S11 from another first ordinal",
            &["statefulSet: {spec: {ordinals: {start: 1}}}"],
            "Progressing(Pods 2/3)",
        ),
        (
            "R22 a return half-way: current is update, pods are mixed",
            &["{statefulSet: {status: {updatedReplicas: 2}}, pods: a a b}"],
            "Progressing(Updating 2/3) / Draining(1)",
        ),
        (
            "not observed: the status names the revision before",
            &[
                "{statefulSet: {metadata: {generation: 3}, status: {updateRevision: web-b}}, pods: b b b}",
            ],
            "Progressing(NotObserved 0/0) / Draining(3)",
        ),
        (
            "S1 no revision",
            &["statefulSet: {status: {updateRevision: null}}"],
            "Progressing(NotObserved 0/3)",
        ),
    ]);
}

#[test]
fn a_stateful_set_that_is_held_back_is_paused() {
    check(&[
        (
            "39 a partition of 2",
            &[
                "{statefulSet: {spec: {updateStrategy: {rollingUpdate: {partition: 2}}}, status: {currentRevision: web-b, updatedReplicas: 1}}, pods: b b a}",
            ],
            "Paused(Partition 1/3) / Draining(2)",
        ),
        (
            "S6 a partition of all",
            &[
                "{statefulSet: {spec: {updateStrategy: {rollingUpdate: {partition: 3}}}, status: {currentRevision: web-b, updatedReplicas: 0}}, pods: b b b}",
            ],
            "Paused(Partition 0/3) / Draining(3)",
        ),
        (
            "a partition whose part is not done",
            &[
                "{statefulSet: {spec: {updateStrategy: {rollingUpdate: {partition: 1}}}, status: {currentRevision: web-b, updatedReplicas: 1}}, pods: b b a}",
            ],
            "Progressing(Updating 1/3)",
        ),
        (
            "40 OnDelete, nothing deleted",
            &[
                "{statefulSet: {spec: {updateStrategy: {type: OnDelete}}, status: {currentRevision: web-b, updatedReplicas: 0}}, pods: b b b}",
            ],
            "Paused(OnDelete 0/3) / Draining(3)",
        ),
        (
            "OnDelete, all deleted: its current revision is never set",
            &[
                "{statefulSet: {spec: {updateStrategy: {type: OnDelete}}, status: {currentRevision: web-b}}}",
            ],
            "Complete / Drained",
        ),
    ]);
}

/// `web-2` was broken by a template that has been put right since.
fn stuck(at: i64, policy: &str) -> String {
    format!(
        "{{at: {at}, statefulSet: {{spec: {{podManagementPolicy: {policy}}}, status: {{updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2}}}}, pods: 'a a b:N', patch: {{web-2: {{status: {{containerStatuses: [{{name: server, ready: false, restartCount: 0, image: x, imageID: x, state: {{waiting: {{reason: ImagePullBackOff, message: not found}}}}}}]}}}}}}}}"
    )
}

#[test]
fn a_broken_pod_of_an_earlier_revision_blocks_an_ordered_stateful_set() {
    let found = looks(
        &[&stuck(0, "OrderedReady"), &stuck(12, "OrderedReady")],
        &Policy::default(),
    );
    assert_eq!(
        (found.reason(), found.gate()),
        ("StuckOnBadRevision", Gate::Failed),
        "41"
    );
    assert_eq!(found.blockers()[0].name, "web-2");
    let parallel = line(&[&stuck(0, "Parallel"), &stuck(12, "Parallel")]);
    assert!(
        parallel.starts_with("Progressing(Updating 2/3)"),
        "42: {parallel}"
    );
}

#[test]
fn a_daemon_set_is_complete_when_every_node_has_a_new_pod() {
    check(&[
        (
            "finished",
            &["daemonSet: {}"],
            "Complete / Drained / Serving",
        ),
        (
            "43 OnDelete",
            &[
                "{daemonSet: {spec: {updateStrategy: {type: OnDelete}}, status: {desiredNumberScheduled: 5, currentNumberScheduled: 5, updatedNumberScheduled: 2, numberAvailable: 5}}, pods: a a b b b}",
            ],
            "Paused(OnDelete 2/5) / Draining(3)",
        ),
        (
            "44 no node wants it",
            &[
                "{daemonSet: {status: {desiredNumberScheduled: 0, currentNumberScheduled: 0, updatedNumberScheduled: 0, numberAvailable: 0}}, pods: '', services: []}",
            ],
            "Complete / Drained / NotNeeded +NoNodes",
        ),
        (
            "DS5",
            &["{daemonSet: {status: {updatedNumberScheduled: 2}}, pods: a a b}"],
            "Progressing(Updating 2/3) / Draining(1)",
        ),
        (
            "DS6",
            &["daemonSet: {status: {currentNumberScheduled: 2}}"],
            "Progressing(Scheduling 2/3)",
        ),
        (
            "DS7",
            &["daemonSet: {status: {numberAvailable: 2}}"],
            "Progressing(Available 2/3)",
        ),
        (
            "DS8 an old pod on a node that no longer matches",
            &["{daemonSet: {status: {numberMisscheduled: 1}}, pods: a a a b}"],
            "Progressing(Misscheduled 3/3) / Draining(1)",
        ),
        (
            "DS9 counters ahead of the pods",
            &["{daemonSet: {}, pods: 'a a a:T'}"],
            "Progressing(Pods 2/3)",
        ),
        (
            "an old one still ends",
            &["{daemonSet: {}, pods: 'a a a b:T'}"],
            "Complete / Draining(1)",
        ),
        (
            "DS1",
            &["daemonSet: {spec: {selector: {matchLabels: null}}}"],
            "Failed(Terminal, SelectsAll)",
        ),
    ]);
}

#[test]
fn a_job_is_complete_when_it_says_so_with_the_word_true() {
    let with =
        |condition: &str| format!("{{job: {{status: {{conditions: [{condition}]}}}}, pods: a}}");
    let check_job = |name: &str, condition: &str, expected: &str| {
        let found = line(&[&with(condition)]);
        assert!(found.starts_with(expected), "{name}: {found}");
    };
    check_job(
        "done",
        "{type: Complete, status: 'True'}",
        "Complete / Drained / NotNeeded",
    );
    check_job(
        "60",
        "{type: Complete, status: 'False'}",
        "Progressing(Running 0/1)",
    );
    check_job(
        "61",
        "{type: Failed, status: 'True', reason: BackoffLimitExceeded}",
        "Failed(Terminal, JobFailed)",
    );
    check_job(
        "J2",
        "{type: FailureTarget, status: 'True', reason: PodFailurePolicy}",
        "Failed(Terminal, JobFailed)",
    );
    check_job(
        "J4",
        "{type: SuccessCriteriaMet, status: 'True'}",
        "Progressing(Finishing 0/1)",
    );
    check(&[
        (
            "62 suspended",
            &["{job: {spec: {suspend: true}}, pods: ''}"],
            "Paused(Suspended 0/1)",
        ),
        (
            "63 collected after it was seen complete",
            &[
                "{job: {status: {conditions: [{type: Complete, status: 'True'}]}}, pods: 'a:S'}",
                "{job: {}, gone: true, pods: ''}",
            ],
            "Complete / Drained / NotNeeded",
        ),
        (
            "J6 collected before anybody looked",
            &["{job: {}, gone: true, pods: ''}"],
            "Failed(Retryable, OutcomeUnknown)",
        ),
        (
            "J8",
            &["{job: {spec: {managedBy: example.com/x}, status: null}, pods: ''}"],
            "Progressing(ExternalController 0/1)",
        ),
        (
            "a Job of the same name before it still ends",
            &["{job: {status: {conditions: [{type: Complete, status: 'True'}]}}, pods: 'a:S b:T'}"],
            "Complete / Draining(1)",
        ),
    ]);
}

#[test]
fn a_job_may_run_for_hours_and_its_containers_may_end() {
    let running = |at: i64| format!("{{at: {at}, job: {{status: {{ready: 1}}}}, pods: a}}");
    assert_eq!(
        looks(&[&running(0), &running(7200)], &Policy::default()).reason(),
        "Running"
    );
    let idle = |at: i64| format!("{{at: {at}, job: {{}}, pods: 'a:P'}}");
    assert_eq!(
        looks(&[&idle(0), &idle(600)], &Policy::default()).reason(),
        "NoProgress"
    );
    let crashed = "{job: {}, pods: 'a:N', patch: {web-a-1: {status: {containerStatuses: [{name: server, ready: false, restartCount: 5, image: x, imageID: x, state: {waiting: {reason: CrashLoopBackOff}}}]}}}}";
    assert_eq!(
        looks(&[crashed], &Policy::default()).reason(),
        "Running",
        "its backoffLimit decides"
    );
}

#[test]
fn a_job_that_had_run_before_is_complete_with_a_note() {
    let mut case =
        Case::of("{job: {status: {conditions: [{type: Complete, status: 'True'}]}}, pods: 'a:S'}");
    case.applied.changed = false;
    let (found, _) = case.assess();
    assert_eq!(
        super::world::short(&found),
        "Complete / Drained / NotNeeded +AlreadyRan"
    );
}

#[test]
fn a_bare_replica_set_does_not_replace_its_pods() {
    check(&[
        (
            "unchanged",
            &["replicaSet: {}"],
            "Complete / Drained / Serving",
        ),
        (
            "scaling",
            &["replicaSet: {status: {replicas: 2}}"],
            "Progressing(Scaling 2/3)",
        ),
        (
            "not available",
            &["replicaSet: {status: {availableReplicas: 2}}"],
            "Progressing(Available 2/3)",
        ),
        (
            "labelled",
            &["replicaSet: {status: {fullyLabeledReplicas: 2}}"],
            "Progressing(Available 2/3)",
        ),
        (
            "the pods of before, and nothing has changed",
            &["{replicaSet: {}, pods: b b b}"],
            "Complete",
        ),
    ]);
    let changed = |pods: &str| {
        let mut case = Case::of(&format!("{{replicaSet: {{}}, pods: '{pods}'}}"));
        case.baseline.template_digest = Some("sha256:before".to_owned());
        case.assess().0.reason()
    };
    assert_eq!(changed("b b b"), "TemplateChangeHasNoEffect");
    assert_eq!(changed("a a a b:S"), "Done", "only a dead one is of before");
}

#[test]
fn a_bare_pod_is_complete_when_it_does_what_it_is_for() {
    check(&[
        ("serves", &["pod: {}"], "Complete / Drained / Serving"),
        (
            "not ready",
            &["pod: {status: {conditions: [{type: Ready, status: 'False'}]}}"],
            "Progressing(NotReady 0/1)",
        ),
        (
            "failed",
            &["pod: {status: {phase: Failed}}"],
            "Failed(Terminal, PodFailed)",
        ),
        (
            "ended",
            &["pod: {status: {phase: Succeeded}}"],
            "Failed(Terminal, Exited)",
        ),
        (
            "ended as it should",
            &["{pod: {spec: {restartPolicy: Never}, status: {phase: Succeeded}}, services: []}"],
            "Complete",
        ),
        (
            "runs, and should end",
            &["pod: {spec: {restartPolicy: Never}}"],
            "Progressing(RunningToCompletion 0/1)",
        ),
        (
            "its node is lost",
            &["pod: {status: {phase: Unknown}}"],
            "Progressing(NodeLost 0/1)",
        ),
        (
            "a phase that we do not know",
            &["pod: {status: {phase: Dreaming}}"],
            "Progressing(UnknownStatus 0/1)",
        ),
    ]);
}
