//! What one look at files says of what must have lasted: the objects themselves say since when. Rows 22 to 28 and 35
//! of completion.md §8 again, and E3 to E17.

use super::files::rows;
use super::world::Case;

/// `ROLL` stands for the Deployment in the middle of its rollout. It is 12:00:00.
fn check(table: &str) {
    let roll = "deployment: {status: {updatedReplicas: 1, replicas: 4}}";
    for (name, look, expected) in rows(table) {
        let look = look.replace("ROLL", roll);
        let found = Case::of(&look).through_files();
        assert!(
            found.starts_with(expected),
            "{name}: expected {expected}\n   found {found}"
        );
    }
}

/// The new pod, bound at a time, with its container waiting.
fn check_waiting(table: &str) {
    for (name, given, expected) in rows(table) {
        let (since, waiting) = given.split_once(' ').expect("since when, and why");
        check(&format!(
            "{name} | {{ROLL, pods: 'a:N b b b', patch: {{web-a-1: {{status: {{startTime: '2026-11-24T11:{since}Z', containerStatuses: [{{name: server, ready: false, restartCount: 0, image: x, imageID: x, state: {{waiting: {waiting}}}}}]}}}}}}}} | {expected}"
        ));
    }
}

#[test]
fn a_container_that_waits_is_as_old_as_its_pod_on_its_node() {
    check_waiting("
        22 | 59:48 {reason: ImagePullBackOff, message: manifest unknown} | Failed(Retryable, ImagePull)
        E3 too young | 59:52 {reason: ImagePullBackOff, message: manifest unknown} | Progressing(Updating 1/3)
        E4 | 58:20 {reason: ErrImagePull, message: i/o timeout} | Failed(Retryable, ImagePull)
        E4 too young | 59:00 {reason: ErrImagePull, message: i/o timeout} | Progressing(Updating 1/3)
        E5 | 59:30 {reason: CreateContainerConfigError, message: no secret} | Failed(Retryable, ContainerConfig)
        E5 too young | 59:45 {reason: CreateContainerConfigError, message: no secret} | Progressing(Updating 1/3)
        E6 | 59:20 {reason: RunContainerError, message: x} | Failed(Retryable, ContainerStart)
        26 | 59:59 {reason: InvalidImageName, message: x} | Failed(Terminal, BadImage)
        24 | 59:00 {reason: ContainerCreating} | Progressing(Updating 1/3)
    ");
}

#[test]
fn a_condition_or_an_event_says_itself_how_old_it_is() {
    check("
        27 20 s | {ROLL, pods: 'a:P b b b', patch: {web-a-1: {status: {conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable, message: untolerated taint, lastTransitionTime: '2026-11-24T11:59:40Z'}]}}}} | Failed(Retryable, Unschedulable)
        27 10 s | {ROLL, pods: 'a:P b b b', patch: {web-a-1: {status: {conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable, message: untolerated taint, lastTransitionTime: '2026-11-24T11:59:50Z'}]}}}} | Progressing(Updating 1/3)
        28 | {ROLL, pods: 'a b b b', sets: {a: {status: {conditions: [{type: ReplicaFailure, status: 'True', reason: FailedCreate, message: exceeded quota, lastTransitionTime: '2026-11-24T11:59:20Z'}]}}}} | Failed(Retryable, Quota)
        28 too young | {ROLL, pods: 'a b b b', sets: {a: {status: {conditions: [{type: ReplicaFailure, status: 'True', reason: FailedCreate, message: exceeded quota, lastTransitionTime: '2026-11-24T11:59:50Z'}]}}}} | Progressing(Updating 1/3)
        E16 | {ROLL, pods: 'a:P b b b', events: [{metadata: {name: e, namespace: shop}, involvedObject: {kind: Pod, name: web-a-1}, reason: FailedMount, firstTimestamp: '2026-11-24T11:57:00Z'}]} | Failed(Retryable, Volume)
        E16 too young | {ROLL, pods: 'a:P b b b', events: [{metadata: {name: e, namespace: shop}, involvedObject: {kind: Pod, name: web-a-1}, reason: FailedMount, firstTimestamp: '2026-11-24T11:59:00Z'}]} | Progressing(Updating 1/3)
        E17 | {ROLL, pods: 'a:P b b b', patch: {web-a-1: {spec: {volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]}}}, events: [{metadata: {name: e, namespace: shop}, involvedObject: {kind: PersistentVolumeClaim, name: data}, reason: ProvisioningFailed, firstTimestamp: '2026-11-24T11:58:00Z'}]} | Failed(Retryable, Volume)
        E17 of another claim | {ROLL, pods: 'a:P b b b', events: [{metadata: {name: e, namespace: shop}, involvedObject: {kind: PersistentVolumeClaim, name: data}, reason: ProvisioningFailed, firstTimestamp: '2026-11-24T11:58:00Z'}]} | Progressing(Updating 1/3)
        E7 one of one | {deployment: {spec: {replicas: 1}, status: {updatedReplicas: 1, replicas: 2}}, sets: {a: {spec: {replicas: 1}}}, pods: 'a:N b', patch: {web-a-1: {status: {containerStatuses: [{name: server, ready: false, restartCount: 1, image: x, imageID: x, state: {waiting: {reason: CrashLoopBackOff}}}]}}}} | Failed(Retryable, CrashLoop)
        E15 | {ROLL, pods: 'a:F a:F a:F b', patch: {web-a-1: {status: {reason: Evicted}}, web-a-2: {status: {reason: OutOfcpu}}, web-a-3: {status: {reason: NodeAffinity}}}} | Failed(Retryable, PodsRejected)
        E19, and an old pod that was there | {nodes: [{metadata: {name: node-1}, status: {conditions: [{type: Ready, status: Unknown}]}}, {metadata: {name: node-2}, status: {conditions: [{type: Ready, status: 'True'}]}}, {metadata: {name: node-3}, status: {conditions: [{type: Ready, status: 'True'}]}}]} | Complete / Stuck(StuckOnLostNode) / Serving +NodeNotReady
        35 | {at: 90, pods: a a a b:T, nodes: [{metadata: {name: node-1}, status: {conditions: [{type: Ready, status: Unknown}]}}]} | Complete / Stuck(StuckOnLostNode)
        a stamp that differs | {deployment: {spec: {template: {metadata: {annotations: {tidegate.dev/template-digest: abc}}}}, metadata: {generation: 2}}, sets: {a: {spec: {template: {metadata: {annotations: {tidegate.dev/template-digest: abc}}}}}}, patch: {web-a-1: {metadata: {annotations: {tidegate.dev/template-digest: xyz}}}}} | Complete / Unprovable(StampMismatch)
    ");
}
