//! Inputs near the cases of completion.md §8, worked out by hand from its tables: what a look at files says in whole.

use super::files::{check_over, rows};
use super::world::{Case, short};
use super::{argo_rollouts, canaries};
use crate::gate::{Absent, Objects, Policy, Recorded, judge_all};

/// `rollout / drain / serving; reason; gate; the names of what blocks`.
fn whole(yaml: &str) -> String {
    let case = Case::of(yaml);
    let mut all = Objects::default();
    for object in case.objects() {
        all.take(&object).unwrap();
    }
    let recorded = Recorded {
        object: case.applied.workload.clone(),
        baseline: Some(case.baseline.clone()),
        applied: Some(case.applied.clone()),
        memory: None,
    };
    let told = judge_all(
        &all,
        (&[recorded], Absent::Removed),
        &Policy::default(),
        case.snapshot.now,
    );
    let own = told
        .iter()
        .find(|told| told.workload == case.applied.workload)
        .unwrap();
    let blockers = own.blockers();
    let names: Vec<_> = blockers
        .iter()
        .map(|blocker| blocker.name.as_str())
        .collect();
    format!(
        "{}; {}; {:?}; {}",
        short(own),
        own.reason(),
        own.gate(),
        names.join(" ")
    )
}

/// A table of looks; all that are wrong are told at once.
fn check(table: &str) {
    let wrong: Vec<_> = rows(table)
        .into_iter()
        .map(|(name, look, expected)| (name, whole(look), expected))
        .filter(|(_, found, expected)| found.trim_end() != *expected)
        .map(|(name, found, expected)| format!("{name}:\n expected {expected}\n    found {found}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn deployments() {
    check("
        between two pods of a surge | {deployment: {status: {updatedReplicas: 1, replicas: 4, readyReplicas: 4, availableReplicas: 4, unavailableReplicas: 0}}, sets: {a: {spec: {replicas: 1}, status: {replicas: 1, availableReplicas: 1}}, b: {spec: {replicas: 3}, status: {replicas: 3, availableReplicas: 3}}}, pods: a b b b} | Progressing(Updating 1/3) / Draining(3) / Serving; Updating; Shut; web-b-1 web-b-2 web-b-3
        Recreate, between the old and the new | {deployment: {status: {updatedReplicas: null, replicas: null, readyReplicas: null, availableReplicas: null}}, sets: {a: null}, pods: ''} | Progressing(ReplicaSetNotCreated 0/3) / Drained / Waiting(NotServing 0/1); ReplicaSetNotCreated; Shut;
        Recreate, the old ones end | {deployment: {status: {updatedReplicas: null, replicas: null, readyReplicas: null, availableReplicas: null}}, sets: {a: null}, pods: 'b:T b:T b:T'} | Progressing(ReplicaSetNotCreated 0/3) / Draining(3) / Waiting(NotServing 0/1); ReplicaSetNotCreated; Shut; web-b-1 web-b-2 web-b-3
        scaled down by an autoscaler, a new pod ends | {deployment: {metadata: {generation: 3}, spec: {replicas: 2}, status: {observedGeneration: 3, updatedReplicas: 2, replicas: 2, readyReplicas: 2, availableReplicas: 2}}, sets: {a: {spec: {replicas: 2}, status: {replicas: 2, availableReplicas: 2}}}, pods: 'a a a:T'} | Complete / Drained / Serving; Done; Open;
        on its way up | {deployment: {metadata: {generation: 3}, spec: {replicas: 5}, status: {observedGeneration: 3, updatedReplicas: 4, replicas: 4}}, sets: {a: {spec: {replicas: 5}, status: {replicas: 4}}}, pods: a a a a:N} | Progressing(Updating 4/5) / Drained / Serving; Updating; Shut;
        timed out and paused | {deployment: {spec: {paused: true}, status: {updatedReplicas: 1, replicas: 4, conditions: [{type: Progressing, status: 'False', reason: ProgressDeadlineExceeded, message: 'ReplicaSet \"web-a\" has timed out progressing.'}]}}, pods: a b b b} | Failed(Retryable, ProgressDeadlineExceeded) / Draining(3) / Serving; ProgressDeadlineExceeded; Shut; web-b-1 web-b-2 web-b-3
        an init container crashes | {deployment: {status: {updatedReplicas: 1, replicas: 4}}, pods: 'a:P b b b', patch: {web-a-1: {spec: {nodeName: n1}, status: {initContainerStatuses: [{name: init, ready: false, restartCount: 3, image: x, imageID: x, state: {waiting: {reason: CrashLoopBackOff}}}]}}}} | Failed(Retryable, CrashLoop) / Draining(3) / Waiting(NotServing 0/1); CrashLoop; Shut; web-a-1 web-b-1 web-b-2 web-b-3
        it has crashed, and is ready now | {deployment: {status: {updatedReplicas: 1, replicas: 4}}, pods: 'a b b b', patch: {web-a-1: {status: {containerStatuses: [{name: server, ready: true, restartCount: 4, image: 'web:2', imageID: '', state: {running: {}}}]}}}} | Progressing(Updating 1/3) / Draining(3) / Serving; Updating; Shut; web-b-1 web-b-2 web-b-3
        a pod that has ended and is being deleted | {pods: 'a a a b:TF b:TS'} | Complete / Drained / Serving; Done; Open;
        a pod whose phase its node cannot tell | {pods: 'a a a b', patch: {web-b-1: {status: {phase: Unknown}}}} | Complete / Draining(1) / Serving; OldPods; Shut; web-b-1
        nothing in its status | {deployment: {status: null}} | Progressing(NotObserved 0/0) / Drained / Serving; NotObserved; Shut;
        its ReplicaSets are not in the files | {sets: {a: null, b: null}} | Progressing(ReplicaSetNotCreated 0/3) / Draining(3) / Waiting(NotServing 0/1); ReplicaSetNotCreated; Shut; web-a-1 web-a-2 web-a-3
        a controller that is ahead | {deployment: {status: {observedGeneration: 5}}} | Complete / Drained / Serving; Done; Open;
        a foreign pod that ends | {extra: [{metadata: {name: legacy-1, uid: l1, deletionTimestamp: '2026-11-24T12:00:30Z', labels: {app: web}, ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: legacy, uid: ul, controller: true}]}}]} | Complete / Draining(1) / Serving; ForeignPods; Shut; legacy-1
        a mirror pod of a node behind the Service | {extra: [{metadata: {name: static-1, uid: l1, labels: {app: web}, annotations: {kubernetes.io/config.mirror: x}, ownerReferences: [{apiVersion: v1, kind: Node, name: n1, uid: un, controller: true}]}}]} | Complete / Draining(1) / Serving; ForeignPods; Shut; static-1
        its new endpoints are not ready yet | {endpoints: [{addresses: [10.0.1.1], conditions: {ready: false, serving: false}, targetRef: {kind: Pod, name: web-a-1, uid: uid-a-1}}]} | Complete / Drained / Waiting(NotServing 0/1); NotServing; Shut;
        no endpoint at all | {endpoints: []} | Complete / Drained / Waiting(NotServing 0/1); NotServing; Shut;
        its Service was deleted | {services: [], endpoints: []} | Complete / Drained / NotNeeded; Done; Open;
        a finalizer long after its grace period | {at: 149, pods: 'a a a b:T', patch: {web-b-1: {metadata: {finalizers: [example.com/hold]}}}} | Complete / Stuck(HeldByFinalizer) / Serving; HeldByFinalizer; Shut; web-b-1
        a lost node long after | {at: 200, pods: 'a a a b:T', nodes: [{metadata: {name: node-1}, status: {conditions: [{type: Ready, status: Unknown}]}}]} | Failed(Retryable, DrainStuck) / Stuck(StuckOnLostNode) / Serving +NodeNotReady; DrainStuck; Shut; web-b-1
        a quota that is used up | {deployment: {status: {updatedReplicas: 1, replicas: 4}}, pods: 'a b b b', sets: {a: {status: {replicas: 1, conditions: [{type: ReplicaFailure, status: 'True', reason: FailedCreate, message: 'pods is forbidden: exceeded quota: q', lastTransitionTime: '2026-11-24T11:59:00Z'}]}}}} | Failed(Retryable, Quota) / Draining(3) / Serving; Quota; Shut; web web-b-1 web-b-2 web-b-3
    ");
}

#[test]
fn stateful_sets_and_daemon_sets() {
    check("
        a partition, and the pod above it is not ready | {statefulSet: {spec: {updateStrategy: {rollingUpdate: {partition: 2}}}, status: {currentRevision: web-b, updatedReplicas: 1, readyReplicas: 2, availableReplicas: 2}}, pods: 'b b a:N'} | Progressing(Updating 1/3) / Draining(2) / Waiting(NotServing 0/1); Updating; Shut; web-0 web-1
        a partition of one | {statefulSet: {spec: {updateStrategy: {rollingUpdate: {partition: 1}}}, status: {currentRevision: web-b, updatedReplicas: 2}}, pods: b a a} | Paused(Partition 2/3) / Draining(1) / Serving; Partition; Shut; web-0
        a partition that was lowered and all is done | {statefulSet: {spec: {updateStrategy: {rollingUpdate: {partition: 2}}}}, pods: a a a} | Complete / Drained / Serving; Done; Open;
        OnDelete, one was deleted | {statefulSet: {spec: {updateStrategy: {type: OnDelete}}, status: {currentRevision: web-b, updatedReplicas: 1}}, pods: b b a} | Paused(OnDelete 1/3) / Draining(2) / Serving; OnDelete; Shut; web-0 web-1
        stuck on a pod that no node takes | {statefulSet: {status: {updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2}}, pods: 'a a b:P', patch: {web-2: {status: {conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable, message: untolerated taint, lastTransitionTime: '2026-11-24T11:59:00Z'}]}}}} | Failed(Terminal, StuckOnBadRevision) / Draining(1) / Serving; StuckOnBadRevision; Failed; web-2
        scaled to zero | {statefulSet: {spec: {replicas: 0}, status: {replicas: 0, updatedReplicas: 0, readyReplicas: 0, availableReplicas: 0}}, pods: ''} | Complete / Drained / Waiting(ZeroReplicas 0/1) +ZeroReplicas; ZeroReplicas; Shut;
        a pod of its counters is not in the files | {statefulSet: {}, pods: a a} | Progressing(Pods 2/3) / Drained / Serving; Pods; Shut;
        a DaemonSet whose node has left | {daemonSet: {status: {desiredNumberScheduled: 2, currentNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 2}}, pods: 'a a b:T'} | Complete / Draining(1) / Serving; OldPods; Shut; web-b-1
        a DaemonSet whose nodes grow | {daemonSet: {status: {desiredNumberScheduled: 4}}, pods: a a a} | Progressing(Updating 3/4) / Drained / Serving; Updating; Shut;
        a DaemonSet on OnDelete that was deleted through | {daemonSet: {spec: {updateStrategy: {type: OnDelete}}}} | Complete / Drained / Serving; Done; Open;
        a DaemonSet with an old pod that nobody counts | {daemonSet: {}, pods: a a a b} | Progressing(Pods 3/3) / Draining(1) / Serving; Pods; Shut; web-b-1
    ");
}

#[test]
fn jobs() {
    check("
        suspended, and its condition says that it is not | {job: {spec: {suspend: true}, status: {active: null, conditions: [{type: Suspended, status: 'False'}]}}, pods: ''} | Paused(Suspended 0/1) / Drained / NotNeeded; Suspended; Shut;
        resumed, and its condition says that it is suspended | {job: {spec: {suspend: false}, status: {conditions: [{type: Suspended, status: 'True'}]}}, pods: a} | Progressing(Running 0/1) / Drained / NotNeeded; Running; Shut;
        it has failed, a pod of it runs on | {job: {status: {conditions: [{type: FailureTarget, status: 'True', reason: PodFailurePolicy}]}}, pods: a} | Failed(Terminal, JobFailed) / Drained / NotNeeded; JobFailed; Failed;
        some of its indexes have failed | {job: {status: {conditions: [{type: Failed, status: 'True', reason: FailedIndexes}]}}, pods: ''} | Failed(Terminal, JobFailed) / Drained / NotNeeded; JobFailed; Failed;
        one pod has failed, the next one runs | {job: {status: {active: 1, failed: 1}}, pods: 'a:F a'} | Progressing(Running 0/1) / Drained / NotNeeded; Running; Shut;
        three of five | {job: {spec: {completions: 5}, status: {succeeded: 3}}, pods: 'a:S a:S a:S a'} | Progressing(Running 3/5) / Drained / NotNeeded; Running; Shut;
        done, its pod ends | {job: {status: {succeeded: 1, conditions: [{type: SuccessCriteriaMet, status: 'True'}, {type: Complete, status: 'True'}]}}, pods: 'a:T'} | Complete / Drained / NotNeeded; Done; Open;
        its image is not there | {job: {}, pods: 'a:P', patch: {web-a-1: {spec: {nodeName: n1}, status: {startTime: '2026-11-24T11:59:00Z', containerStatuses: [{name: server, ready: false, restartCount: 0, image: x, imageID: '', state: {waiting: {reason: ImagePullBackOff, message: 'x: not found'}}}]}}}} | Failed(Retryable, ImagePull) / Drained / NotNeeded; ImagePull; Shut; web-a-1
    ");
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn rollouts_and_canaries() {
    let rollout = |status: &str| format!("{{Rollout/web: {status}}}");
    let aborted = "{status: {currentPodHash: ccc, updatedReplicas: 0, currentStepIndex: 0, conditions: [{type: Progressing, status: 'False', reason: RolloutAborted, message: aborted, lastUpdateTime: '2026-11-24T11:00:00Z'}]}}";
    let recorded = "[{object: {apiVersion: argoproj.io/v1alpha1, kind: Rollout, namespace: shop, name: web}, baseline: {uid: u-web, generation: 1, conditions: [{type: Progressing, status: 'False', reason: RolloutAborted, message: aborted, lastUpdateTime: '2026-11-24T11:00:00Z'}]}}]";
    super::files::check_recorded(
        argo_rollouts::CANARY,
        &[
            (
                "aborted",
                &rollout(aborted),
                "",
                "Failed(Terminal, Aborted)",
            ),
            (
                "R5 aborted before the apply",
                &rollout(aborted),
                recorded,
                "Progressing(Step 0/5)",
            ),
        ],
    );
    check_over(
        argo_rollouts::CANARY,
        &[
            (
                "a first one",
                &rollout("{status: {stableRS: null, currentStepIndex: 5, phase: Progressing}}"),
                "Progressing(AwaitPromotion 3/3)",
            ),
            (
                "without a hash",
                &rollout("{status: {currentPodHash: null}}"),
                "Progressing(NotReconciled 0/3)",
            ),
            (
                "its analysis failed",
                &rollout(
                    "{status: {abort: true, phase: Degraded, message: 'metric failed', currentPodHash: ccc}}",
                ),
                "Failed(Terminal, Aborted)",
            ),
            (
                "a step that pauses as a number of seconds",
                &rollout(
                    "{status: {stableRS: bbb, currentStepIndex: 4, pauseConditions: [{reason: CanaryPauseStep, startTime: '2026-11-24T11:59:50Z'}]}}",
                ),
                "Progressing(TimedPause 4/5)",
            ),
            (
                "degraded, by its own word",
                &rollout("{status: {phase: Degraded}}"),
                "Progressing(Phase 3/3)",
            ),
            (
                "a generation as a number",
                &rollout("{status: {observedGeneration: 2}}"),
                "Complete",
            ),
            (
                "scaled to zero",
                &rollout(
                    "{spec: {replicas: 0}, status: {replicas: 0, updatedReplicas: 0, availableReplicas: 0}}",
                ),
                "Complete / Drained / NotNeeded +ZeroReplicas",
            ),
        ],
    );
    check_over(
        canaries::PROMOTED,
        &[
            (
                "suspended",
                "{Canary/web: {spec: {suspend: true}}}",
                "Paused(Suspended 0/1)",
            ),
            (
                "its primary is gone",
                "{Deployment/web-primary: null, ReplicaSet/web-primary-a: null}",
                "Progressing(AwaitDetection 0/1)",
            ),
            (
                "its target is gone",
                "{Deployment/web: null}",
                "Failed(Terminal, TargetMissing)",
            ),
            (
                "a phase that we do not know",
                "{Canary/web: {status: {phase: Dreaming}}}",
                "Progressing(UnknownStatus 0/1)",
            ),
        ],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn objects_without_pods() {
    let of = |object: &str| {
        let found = super::files::first(object, "", "");
        found
            .split_once(": ")
            .map(|(_, verdict)| verdict.to_owned())
            .unwrap_or_default()
    };
    let head = "metadata: {name: it, namespace: shop, uid: u, generation: 2}";
    let rows = [
        (
            "PersistentVolumeClaim",
            "v1",
            "spec: {storageClassName: gone}, status: {phase: Pending}",
            "Progressing(Pending 0/1)",
        ),
        (
            "PersistentVolumeClaim",
            "v1",
            "status: {phase: Bound, conditions: [{type: FileSystemResizePending, status: 'True'}]}",
            "Progressing(Resizing 0/1)",
        ),
        (
            "PersistentVolumeClaim",
            "v1",
            "status: {phase: Lost}",
            "Failed(Terminal, ClaimLost)",
        ),
        (
            "CustomResourceDefinition",
            "apiextensions.k8s.io/v1",
            "status: {conditions: [{type: NamesAccepted, status: 'True'}, {type: Established, status: 'False', reason: Installing}]}",
            "Progressing(Installing 0/1)",
        ),
        (
            "CustomResourceDefinition",
            "apiextensions.k8s.io/v1",
            "status: {conditions: [{type: Established, status: 'True'}]}",
            "Progressing(Installing 0/1)",
        ),
        (
            "APIService",
            "apiregistration.k8s.io/v1",
            "spec: {service: {name: x}}, status: {conditions: [{type: Available, status: 'False', reason: MissingEndpoints, lastTransitionTime: '2026-11-24T11:59:30Z'}]}",
            "Progressing(Unavailable 0/1)",
        ),
        (
            "APIService",
            "apiregistration.k8s.io/v1",
            "spec: {service: {name: x}}, status: {conditions: [{type: Available, status: 'False', reason: MissingEndpoints, lastTransitionTime: '2026-11-24T11:58:30Z'}]}",
            "Failed(Retryable, Unavailable)",
        ),
        (
            "Gateway",
            "gateway.networking.k8s.io/v1",
            "spec: {listeners: [{name: a}]}, status: {conditions: [{type: Accepted, status: 'True', observedGeneration: 2}, {type: Programmed, status: 'True', observedGeneration: 2}], listeners: [{name: a, conditions: [{type: ResolvedRefs, status: 'False', reason: InvalidCertificateRef, observedGeneration: 2}]}]}",
            "Failed(Retryable, RefsNotResolved)",
        ),
        (
            "HTTPRoute",
            "gateway.networking.k8s.io/v1",
            "spec: {parentRefs: [{name: a}, {name: b}]}, status: {parents: [{parentRef: {name: a}, conditions: [{type: Accepted, status: 'True', observedGeneration: 2}, {type: ResolvedRefs, status: 'True', observedGeneration: 2}]}]}",
            "Progressing(NotObserved 0/2)",
        ),
        (
            "HTTPRoute",
            "gateway.networking.k8s.io/v1",
            "spec: {parentRefs: [{name: a, sectionName: https}]}, status: {parents: [{parentRef: {name: a, sectionName: http}, conditions: [{type: Accepted, status: 'True', observedGeneration: 2}, {type: ResolvedRefs, status: 'True', observedGeneration: 2}]}]}",
            "Progressing(NotObserved 0/1)",
        ),
        (
            "Widget",
            "example.com/v1",
            "status: {observedGeneration: '2', conditions: [{type: Ready, status: 'True'}]}",
            "Complete",
        ),
        (
            "Widget",
            "example.com/v1",
            "status: {observedGeneration: '1', conditions: [{type: Ready, status: 'True'}]}",
            "Progressing(NotObserved",
        ),
        (
            "Widget",
            "example.com/v1",
            "status: {observedGeneration: 5f6c8d, conditions: [{type: Ready, status: 'True'}]}",
            "Failed(Retryable, UnsupportedController)",
        ),
        (
            "Widget",
            "example.com/v1",
            "status: {conditions: [{type: Ready, status: 'True', observedGeneration: 1}]}",
            "Progressing(NotObserved 0/1)",
        ),
        (
            "Widget",
            "example.com/v1",
            "status: {observedGeneration: 2, conditions: [{type: Ready, status: Unknown}]}",
            "Progressing(NotReady 0/1)",
        ),
        (
            "Widget",
            "example.com/v1",
            "status: {observedGeneration: 2, conditions: [{type: Stalled, status: 'True', message: x}, {type: Ready, status: 'True'}]}",
            "Failed(Retryable, Stalled)",
        ),
        (
            "Widget",
            "example.com/v1",
            "status: {observedGeneration: 2, conditions: [{type: Ready, status: 'False', reason: InstallFailed, lastTransitionTime: '2026-11-24T11:50:00Z'}]}",
            "Failed(Retryable, ReportedFailure)",
        ),
        (
            "Widget",
            "example.com/v1",
            "status: {observedGeneration: 2, phase: Ready}",
            "Progressing(NoRule 0/1)",
        ),
        (
            "Service",
            "v1",
            "spec: {type: LoadBalancer, clusterIP: 10.0.0.1}, status: {loadBalancer: {ingress: [{}]}}",
            "Progressing(LoadBalancerPending 0/1)",
        ),
        (
            "Service",
            "v1",
            "spec: {type: ExternalName, externalName: x}",
            "Complete",
        ),
    ];
    for (kind, version, rest, expected) in rows {
        let object = format!("{{apiVersion: {version}, kind: {kind}, {head}, {rest}}}");
        let found = of(&object);
        assert!(
            found.starts_with(expected),
            "{object}\n expected {expected}\n    found {found}"
        );
    }
}
