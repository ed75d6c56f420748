//! Argo Rollouts: rows 45 to 54 of completion.md §8, and AR1 to AR23.

use super::files::{check_over, check_recorded, check_table, rows};

/// Three new pods, all switched; the old ReplicaSet is empty.
pub(super) const CANARY: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web, namespace: shop, uid: u-web, generation: 2}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: server, image: 'web:2'}]}}
  strategy:
    canary:
      steps: [{setWeight: 20}, {pause: {duration: 10m}}, {pause: {}}, {setWeight: 60}, {pause: {duration: 30}}]
status:
  observedGeneration: '2'
  phase: Healthy
  currentPodHash: aaa
  stableRS: aaa
  currentStepIndex: 5
  replicas: 3
  updatedReplicas: 3
  readyReplicas: 3
  availableReplicas: 3
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web-aaa, namespace: shop, uid: rs-a, labels: {app: web, rollouts-pod-template-hash: aaa}, ownerReferences: [{apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: web, uid: u-web, controller: true}]}
spec: {replicas: 3, selector: {matchLabels: {app: web}}}
status: {replicas: 3}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web-bbb, namespace: shop, uid: rs-b, labels: {app: web, rollouts-pod-template-hash: bbb}, ownerReferences: [{apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: web, uid: u-web, controller: true}]}
spec: {replicas: 0, selector: {matchLabels: {app: web}}}
status: {replicas: 0}
---
apiVersion: v1
kind: Pod
metadata: {name: web-aaa-1, namespace: shop, uid: p-a1, labels: {app: web, rollouts-pod-template-hash: aaa}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-aaa, uid: rs-a, controller: true}]}
spec: {nodeName: n1, containers: [{name: server, image: 'web:2'}]}
status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}
";

/// Put over it: an old pod that nobody deletes.
const OLD_POD: &str = "more: [{apiVersion: v1, kind: Pod, metadata: {name: web-bbb-1, namespace: shop, uid: p-b1, labels: {app: web, rollouts-pod-template-hash: bbb}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-bbb, uid: rs-b, controller: true}]}, spec: {nodeName: n1, containers: []}, status: {phase: Running}}]";

fn rollout(over: &str) -> String {
    format!("{{Rollout/web: {over}}}")
}

/// A table of what is put over the status.
fn check_status(table: &str) {
    let over: Vec<_> = rows(table)
        .into_iter()
        .map(|(name, status, expected)| (name, rollout(&format!("{{status: {status}}}")), expected))
        .collect();
    let over: Vec<_> = over
        .iter()
        .map(|(name, over, expected)| (*name, over.as_str(), *expected))
        .collect();
    check_over(CANARY, &over);
}

#[test]
fn a_rollout_is_done_when_its_hashes_and_counts_say_so() {
    check_over(
        CANARY,
        &[("finished", "", "Complete / Drained / NotNeeded")],
    );
    check_status("
        45 an older generation | {observedGeneration: '1'} | Progressing(NotObserved 0/0)
        F8 never | {observedGeneration: null} | Progressing(NotObserved 0/0)
        F8 an empty text | {observedGeneration: ''} | Progressing(NotObserved 0/0)
        46 a hash | {observedGeneration: 5f6c8d} | Failed(Retryable, UnsupportedController)
        F8 a generation that is yet to come | {observedGeneration: '7'} | Failed(Retryable, UnsupportedController)
        AR3 | {conditions: [{type: InvalidSpec, status: 'True', message: x}]} | Failed(Terminal, InvalidSpec)
        AR4 | {currentPodHash: null} | Progressing(NotReconciled 0/3)
        50 | {abort: true, phase: Degraded, stableRS: bbb} | Failed(Terminal, Aborted)
        AR5 by its time | {abortedAt: '2026-11-24T11:00:00Z', stableRS: bbb} | Failed(Terminal, Aborted)
        AR5 by its condition | {stableRS: bbb, conditions: [{type: Progressing, status: 'False', reason: RolloutAborted}]} | Failed(Terminal, Aborted)
        AR5 of a rollout before | {conditions: [{type: Progressing, status: 'False', reason: RolloutAborted}]} | Complete
        AR6 | {stableRS: bbb, conditions: [{type: Progressing, status: 'False', reason: ProgressDeadlineExceeded}]} | Failed(Retryable, ProgressDeadlineExceeded)
        AR13, 49 | {controllerPause: true, pauseConditions: [], currentStepIndex: 2, stableRS: bbb} | Progressing(Unpausing 2/5)
        AR9 | {pauseConditions: [{reason: InconclusiveAnalysisRun}], currentStepIndex: 2} | Paused(Inconclusive 2/5)
        47 AR11 | {phase: Paused, stableRS: bbb, updatedReplicas: 1, pauseConditions: [{reason: CanaryPauseStep, startTime: '2026-11-24T11:59:00Z'}], currentStepIndex: 2} | Paused(CanaryPauseStep 2/5)
        48 AR10 | {stableRS: bbb, pauseConditions: [{reason: CanaryPauseStep, startTime: '2026-11-24T11:59:00Z'}], currentStepIndex: 1} | Progressing(TimedPause 1/5)
        AR15 a step | {stableRS: bbb, updatedReplicas: 1, currentStepIndex: 3} | Progressing(Step 3/5)
        AR15 | {updatedReplicas: 1} | Progressing(Updating 1/3)
        AR15 the steps are over | {stableRS: bbb, updatedReplicas: 1} | Progressing(Updating 1/3)
        AR15 the stable template again, which takes no steps | {updatedReplicas: 1, currentStepIndex: 3} | Progressing(Updating 1/3)
        AR16 | {availableReplicas: 2} | Progressing(Available 2/3)
        AR18 | {stableRS: bbb, currentStepIndex: 3} | Progressing(Step 3/5)
        AR18 promoted in full | {stableRS: bbb, currentStepIndex: 3, promoteFull: true} | Progressing(PromoteFull 3/5)
        52 AR19 | {stableRS: bbb} | Progressing(AwaitPromotion 3/3)
        AR20 | {replicas: 4} | Progressing(OldReplicas 3/4)
        AR22 | {phase: Progressing} | Progressing(Phase 3/3)
        AR22 a phase that we do not know | {phase: Dreaming} | Progressing(Phase 3/3)
        a field of another type | {updatedReplicas: many} | Progressing(UnknownStatus 0/1)
        ");
    check_over(
        CANARY,
        &[
            (
                "AR8",
                "{Rollout/web: {spec: {paused: true}, status: {stableRS: bbb, currentStepIndex: 2}}}",
                "Paused(Manual 2/5)",
            ),
            (
                "AR14",
                "{Rollout/web: {spec: {restartAt: '2026-11-24T11:00:00Z'}}}",
                "Progressing(Restarting 3/3)",
            ),
            (
                "AR14 over",
                "{Rollout/web: {spec: {restartAt: '2026-11-24T11:00:00Z'}, status: {restartedAt: '2026-11-24T11:00:00Z'}}}",
                "Complete",
            ),
            ("an old pod", OLD_POD, "Complete / Draining(1)"),
            (
                "no pods wanted",
                "{Rollout/web: {spec: {replicas: 0}, status: {replicas: 0, updatedReplicas: 0, availableReplicas: 0}}, Pod/web-aaa-1: null}",
                "Complete / Drained / NotNeeded +ZeroReplicas",
            ),
        ],
    );
}

#[test]
fn nothing_more_is_said_of_a_rollout_that_is_done() {
    let found = super::files::first(CANARY, "", "");
    assert_eq!(found, "Rollout/shop/web: Complete / Drained / NotNeeded");
    let unseen = rollout("{status: {observedGeneration: '1'}}");
    assert_eq!(
        super::files::first(CANARY, &unseen, ""),
        "Rollout/shop/web: Progressing(NotObserved 0/0) / Draining(1) / NotNeeded",
        "nobody can say that a pod is new"
    );
}

#[test]
fn an_old_pod_is_kept_only_where_the_scale_down_is_delayed() {
    let with = |strategy: &str| {
        format!(
            "{{Rollout/web: {{spec: {{strategy: {strategy}}}, status: {{blueGreen: {{activeSelector: aaa}}}}}}, ReplicaSet/web-bbb: {{spec: {{replicas: 1}}}}, {OLD_POD}}}"
        )
    };
    for (strategy, reason) in [
        ("{}", "OldPods"),
        ("{canary: {trafficRouting: {nginx: {}}}}", "ScaleDownDelay"),
        ("{canary: null, blueGreen: {}}", "ScaleDownDelay"),
    ] {
        let found = super::files::reason(CANARY, &with(strategy));
        assert_eq!(found, reason, "{strategy}");
    }
}

#[test]
fn pods_that_cannot_be_created_fail_the_rollout_whose_new_ones_they_are() {
    let refused = "status: {conditions: [{type: ReplicaFailure, status: 'True', reason: FailedCreate, message: 'exceeded quota: pods'}]}";
    let moving = "Rollout/web: {status: {stableRS: bbb, updatedReplicas: 1}}";
    let of_other = "more: [{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: api, namespace: shop, uid: rs-o, labels: {rollouts-pod-template-hash: aaa}, ownerReferences: [{apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: api, uid: u-api, controller: true}]}, spec: {selector: {}},";
    check_table(
        CANARY,
        &format!(
            "
            E11 | {{{moving}, ReplicaSet/web-aaa: {{{refused}}}}} | Failed(Retryable, Quota)
            its old ones | {{{moving}, ReplicaSet/web-bbb: {{{refused}}}}} | Progressing(Updating 1/3)
            another Rollout's | {{{moving}, {of_other} {refused}}}]}} | Progressing(Updating 1/3)
            nobody can say which are new | {{Rollout/web: {{status: {{observedGeneration: '1'}}}}, ReplicaSet/web-aaa: {{metadata: {{labels: {{rollouts-pod-template-hash: null}}}}, {refused}}}}} | Progressing(NotObserved 0/0)
            "
        ),
    );
}

#[test]
fn what_was_said_before_the_apply_does_not_fail_a_rollout() {
    // R5: the controller leaves the condition of the rollout before until this one moves.
    for said in ["ProgressDeadlineExceeded", "RolloutAborted"] {
        let recorded = format!(
            "
- object: {{apiVersion: argoproj.io/v1alpha1, kind: Rollout, namespace: shop, name: web}}
  baseline:
    uid: u-web
    generation: 1
    conditions: [{{type: Progressing, status: 'False', reason: {said}, message: it took too long, lastUpdateTime: '2026-11-24T10:00:00Z'}}]
"
        );
        let over = |message: &str, at: &str| {
            rollout(&format!(
                "{{status: {{stableRS: bbb, updatedReplicas: 1, conditions: [{{type: Progressing, status: 'False', reason: {said}, message: {message}, lastUpdateTime: '2026-11-24T{at}:00Z'}}]}}}}"
            ))
        };
        check_recorded(
            CANARY,
            &[
                (
                    said,
                    &over("it took too long", "10:00"),
                    &recorded,
                    "Progressing(Updating 1/3)",
                ),
                (
                    "said again",
                    &over("it took too long", "11:59"),
                    &recorded,
                    "Failed(",
                ),
                (
                    "in other words",
                    &over("it takes too long", "10:00"),
                    &recorded,
                    "Failed(",
                ),
            ],
        );
    }
}

#[test]
fn the_end_of_a_timed_pause_is_told() {
    let found = super::files::sentence(
        CANARY,
        &rollout(
            "{status: {stableRS: bbb, pauseConditions: [{reason: CanaryPauseStep, startTime: '2026-11-24T11:59:00Z'}], currentStepIndex: 1}}",
        ),
    );
    insta::assert_snapshot!(found, @"Rollout web: 1 of 5 steps done, and it pauses for a while: until 2026-11-24T12:09:00Z");
    for (duration, end) in [
        ("90s", "12:00:30"),
        ("1h", "12:59:00"),
        ("'90'", "12:00:30"),
    ] {
        let paused = format!(
            "{{Rollout/web: {{spec: {{strategy: {{canary: {{steps: [{{pause: {{duration: {duration}}}}}]}}}}}}, status: {{stableRS: bbb, pauseConditions: [{{reason: CanaryPauseStep, startTime: '2026-11-24T11:59:00Z'}}], currentStepIndex: 0}}}}}}"
        );
        let found = super::files::sentence(CANARY, &paused);
        assert!(
            found.ends_with(&format!("until 2026-11-24T{end}Z")),
            "{found}"
        );
    }
}

#[test]
fn a_blue_green_switch_is_done_when_the_active_service_has_moved() {
    let with = |strategy: &str, status: &str| {
        rollout(&format!(
            "{{spec: {{strategy: {{canary: null, blueGreen: {strategy}}}}}, status: {status}}}"
        ))
    };
    let active = "blueGreen: {activeSelector: aaa}";
    let rows = [
        (
            "51 AR17",
            with(
                "{activeService: web}",
                "{blueGreen: {activeSelector: bbb}, stableRS: bbb}",
            ),
            "Progressing(Cutover 3/3)",
        ),
        (
            "AR17 its analysis runs",
            with(
                "{postPromotionAnalysis: {}}",
                "{blueGreen: {activeSelector: aaa, postPromotionAnalysisRunStatus: {status: Running}}, stableRS: bbb}",
            ),
            "Progressing(Analysis 0/1)",
        ),
        (
            "AR12 by itself",
            with(
                "{autoPromotionSeconds: 30}",
                "{stableRS: bbb, pauseConditions: [{reason: BlueGreenPause, startTime: '2026-11-24T11:59:59Z'}]}",
            ),
            "Progressing(TimedPause 3/3)",
        ),
        (
            "AR12 by somebody",
            with(
                "{autoPromotionEnabled: false}",
                "{stableRS: bbb, pauseConditions: [{reason: BlueGreenPause}]}",
            ),
            "Paused(BlueGreenPause 3/3)",
        ),
        (
            "finished",
            with("{}", &format!("{{{active}}}")),
            "Complete / Drained",
        ),
    ];
    let rows: Vec<_> = rows
        .iter()
        .map(|(name, over, expected)| (*name, over.as_str(), *expected))
        .collect();
    check_over(CANARY, &rows);
    let kept = format!(
        "{{Rollout/web: {{spec: {{strategy: {{canary: null, blueGreen: {{scaleDownDelaySeconds: 86400}}}}}}, status: {{{active}, conditions: [{{type: Progressing, status: 'False', reason: ProgressDeadlineExceeded}}]}}}}, ReplicaSet/web-bbb: {{spec: {{replicas: 1}}, metadata: {{annotations: {{scale-down-deadline: '2026-11-25T12:00:00Z'}}}}}}, {OLD_POD}}}"
    );
    check_over(CANARY, &[("54", &kept, "Complete / Draining(1)")]);
    insta::assert_snapshot!(super::files::sentence(CANARY, &kept), @"Rollout web: 1 old pod still alive: web-bbb-1 (kept by its scale-down delay until 2026-11-25T12:00:00Z)");
    assert_eq!(super::files::reason(CANARY, &kept), "ScaleDownDelay");
    let counted = "{ReplicaSet/web-bbb: {spec: {replicas: 1}, status: {replicas: 1}, metadata: {annotations: {scale-down-deadline: '2026-11-25T12:00:00Z'}}}}";
    check_table(
        CANARY,
        &format!("54 its pods are not shown | {counted} | Complete / Draining(1)"),
    );
    assert_eq!(super::files::reason(CANARY, counted), "ScaleDownDelay");
}

#[test]
fn an_analysis_after_the_switch_is_over_when_it_says_so_or_the_new_pods_are_the_stable_ones() {
    let with = |status: &str| {
        rollout(&format!(
            "{{spec: {{strategy: {{canary: null, blueGreen: {{postPromotionAnalysis: {{}}}}}}}}, status: {status}}}"
        ))
    };
    let ended = with(
        "{blueGreen: {activeSelector: aaa, postPromotionAnalysisRunStatus: {status: Successful}}, stableRS: bbb}",
    );
    let no_trace = with("{blueGreen: {activeSelector: aaa}}");
    let running = with(
        "{blueGreen: {activeSelector: aaa, postPromotionAnalysisRunStatus: {status: Running}}}",
    );
    check_over(
        CANARY,
        &[
            ("AR19", &ended, "Progressing(AwaitPromotion 3/3)"),
            ("it has left no trace", &no_trace, "Complete"),
            ("it runs on", &running, "Progressing(Analysis 0/1)"),
        ],
    );
}

#[test]
fn traffic_that_goes_elsewhere_is_not_done() {
    let with = |weights: &str| {
        rollout(&format!(
            "{{spec: {{strategy: {{canary: {{trafficRouting: {{nginx: {{}}}}}}}}}}, status: {{replicas: 6, canary: {{weights: {weights}}}}}}}"
        ))
    };
    let rows = [
        (
            "AR21 to the old",
            with(
                "{canary: {weight: 0, podTemplateHash: aaa}, stable: {weight: 100, podTemplateHash: bbb}}",
            ),
            "Progressing(Weights 3/3)",
        ),
        (
            "AR21 an additional destination",
            with(
                "{stable: {weight: 90, podTemplateHash: aaa}, additional: [{weight: 10, podTemplateHash: ccc}]}",
            ),
            "Progressing(Weights 3/3)",
        ),
        (
            "AR21 not verified",
            with("{stable: {weight: 100, podTemplateHash: aaa}, verified: false}"),
            "Progressing(Weights 3/3)",
        ),
        (
            "old pods are not counted with routing",
            with("{stable: {weight: 100, podTemplateHash: aaa}, verified: true}"),
            "Complete",
        ),
        ("no weights", with("null"), "Complete"),
    ];
    let rows: Vec<_> = rows
        .iter()
        .map(|(name, over, expected)| (*name, over.as_str(), *expected))
        .collect();
    check_over(CANARY, &rows);
}

#[test]
fn the_template_of_another_workload_is_read_from_it() {
    let deployment = |replicas: u8, generation: u8| {
        format!(
            "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: legacy, namespace: shop, uid: u-legacy, generation: {generation}}}, spec: {{replicas: {replicas}, selector: {{matchLabels: {{app: web}}}}, template: {{metadata: {{labels: {{app: web}}}}, spec: {{containers: [{{name: server, image: 'web:2'}}]}}}}}}}}"
        )
    };
    let of_deployment = "{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: legacy-x, namespace: shop, uid: rs-l, labels: {app: web, pod-template-hash: x}, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: legacy, uid: u-legacy, controller: true}]}, spec: {replicas: 3, selector: {matchLabels: {app: web}}}}";
    let pod = |number: u8| {
        format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: legacy-x-{number}, namespace: shop, uid: p-l{number}, labels: {{app: web, pod-template-hash: x}}, ownerReferences: [{{apiVersion: apps/v1, kind: ReplicaSet, name: legacy-x, uid: rs-l, controller: true}}]}}, spec: {{nodeName: n1, containers: []}}, status: {{phase: Running}}}}"
        )
    };
    let with = |seen: &str, more: &str| {
        format!(
            "{{Rollout/web: {{spec: {{template: null, workloadRef: {{apiVersion: apps/v1, kind: Deployment, name: legacy}}}}, status: {{workloadObservedGeneration: {seen}}}}}, more: [{more}]}}"
        )
    };
    let rows = [
        (
            "AR1",
            with("'1'", &deployment(0, 2)),
            "Progressing(WorkloadRefNotObserved 0/3)",
        ),
        (
            "AR1 never",
            with("null", &deployment(0, 2)),
            "Progressing(WorkloadRefNotObserved 0/3)",
        ),
        (
            "AR2",
            with("'2'", ""),
            "Failed(Terminal, WorkloadRefMissing)",
        ),
        (
            "scaled down",
            with("'2'", &deployment(0, 2)),
            "Complete / Drained",
        ),
        (
            "53",
            with(
                "'2'",
                &format!(
                    "{}, {of_deployment}, {}, {}, {}",
                    deployment(3, 2),
                    pod(1),
                    pod(2),
                    pod(3)
                ),
            ),
            "Complete / Draining(3)",
        ),
    ];
    let rows: Vec<_> = rows
        .iter()
        .map(|(name, over, expected)| (*name, over.as_str(), *expected))
        .collect();
    check_over(CANARY, &rows);
}

#[test]
fn a_new_pod_of_a_rollout_that_crashes_fails_it() {
    let crash = "{Rollout/web: {status: {stableRS: bbb, updatedReplicas: 1, currentStepIndex: 1}}, Pod/web-aaa-1: {status: {containerStatuses: [{name: server, restartCount: 4, ready: false, image: x, imageID: x, state: {waiting: {reason: CrashLoopBackOff}}}]}}}";
    check_over(CANARY, &[("AR7", crash, "Failed(Retryable, CrashLoop)")]);
}

#[test]
fn the_services_of_a_rollout_are_known_without_the_hash_in_their_selectors() {
    let service = |hash: &str, uid: &str| {
        format!(
            "more: [{{apiVersion: v1, kind: Service, metadata: {{name: active, namespace: shop, uid: s}}, spec: {{clusterIP: 10.0.0.1, selector: {{app: web, rollouts-pod-template-hash: {hash}}}}}}}, {{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4, metadata: {{name: active-1, namespace: shop, labels: {{kubernetes.io/service-name: active}}}}, endpoints: [{{addresses: [10.1.0.1], targetRef: {{kind: Pod, name: p, uid: {uid}}}}}]}}]"
        )
    };
    check_over(
        CANARY,
        &[
            (
                "switched",
                &service("aaa", "p-a1"),
                "Complete / Drained / Serving",
            ),
            (
                "still the old one",
                &service("bbb", "gone"),
                "Complete / Draining(1) / Waiting(NotServing 0/1)",
            ),
        ],
    );
}

#[test]
fn a_finished_rollout_is_not_degraded_by_a_deadline_that_a_long_delay_has_broken() {
    let timeout = "conditions: [{type: Progressing, status: 'False', reason: ProgressDeadlineExceeded, message: x}]";
    check_status(&format!("
        54 as its controller writes it | {{phase: Degraded, {timeout}}} | Complete / Drained
        degraded by something else | {{phase: Degraded}} | Progressing(Phase 3/3)
        not finished | {{phase: Degraded, updatedReplicas: 2, {timeout}}} | Failed(Retryable, ProgressDeadlineExceeded)
    "));
}
