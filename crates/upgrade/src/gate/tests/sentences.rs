//! The wording: one example of each thing that can be said.

use super::world::looks;
use crate::gate::Policy;

fn told(rows: &[(&str, &[&str])]) -> String {
    rows.iter()
        .map(|(name, yamls)| {
            let found = looks(yamls, &Policy::default());
            format!("{name} [{}]\n    {}", found.reason(), found.sentence())
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_rollout_that_moves() {
    insta::assert_snapshot!(told(&[
        ("not observed", &["deployment: {status: {observedGeneration: 1}}"]),
        ("stale", &["{read: Cached, deployment: {metadata: {generation: 1}}}"]),
        ("invisible", &["{read: Cached, gone: true}"]),
        ("no set", &["{sets: {a: null}, pods: b b b}"]),
        ("updating", &["{deployment: {status: {updatedReplicas: 1}}, pods: a b b b}"]),
        ("old replicas", &["{deployment: {status: {replicas: 4}}, pods: a a a b}"]),
        ("available", &["sets: {a: {status: {availableReplicas: 2}}}"]),
        ("job", &["{job: {spec: {completions: 3}, status: {succeeded: 1}}, pods: a}"]),
    ]), @r"
    not observed [NotObserved]
        Deployment web: applied, and its controller has not seen it yet
    stale [StaleRead]
        Deployment web: our cache is older than the apply
    invisible [NotVisibleYet]
        Deployment web: applied, and not in our cache yet
    no set [ReplicaSetNotCreated]
        Deployment web: no ReplicaSet has the new template yet
    updating [Updating]
        Deployment web: 1 of 3 pods updated
    old replicas [OldReplicas]
        Deployment web: 3 of 4 counted pods are new
    available [Available]
        Deployment web: 2 of 3 new pods available
    job [Running]
        Job web: it runs, 1 of 3 done
    ");
}

#[test]
fn what_others_say_is_one_line_and_has_an_end() {
    let pod = "{deployment: {status: {updatedReplicas: 1}}, pods: 'a:N b b', patch: {web-a-1: {status: {containerStatuses: [{name: server, ready: false, restartCount: 0, image: x, imageID: x, state: {waiting: {reason: InvalidImageName, message: \"bad\\nDeployment api: complete\"}}}]}}}}";
    assert_eq!(
        told(&[("broken", &[pod])]),
        "broken [BadImage]\n    Deployment web: pod web-a-1: container server: InvalidImageName: bad Deployment api: complete"
    );
    let long = format!(
        "{{deployment: {{status: {{updatedReplicas: 1, conditions: [{{type: Progressing, status: 'False', reason: ProgressDeadlineExceeded, message: '{}'}}]}}}}, pods: a b b}}",
        "late ".repeat(10_000)
    );
    assert!(told(&[("long", &[&long])]).len() < 2_100);
}

#[test]
fn a_rollout_that_somebody_holds() {
    insta::assert_snapshot!(told(&[
        ("paused", &["{deployment: {spec: {paused: true}, status: {updatedReplicas: 1}}, pods: a b b b}"]),
        ("partition", &["{statefulSet: {spec: {updateStrategy: {rollingUpdate: {partition: 2}}}, status: {currentRevision: web-b, updatedReplicas: 1}}, pods: b b a}"]),
        ("on delete", &["{daemonSet: {spec: {updateStrategy: {type: OnDelete}}, status: {updatedNumberScheduled: 1}}, pods: a b b}"]),
        ("suspended", &["{job: {spec: {suspend: true}}, pods: ''}"]),
    ]), @r"
    paused [Paused]
        Deployment web: 1 of 3 pods updated, and paused; set `spec.paused` to false to go on
    partition [Partition]
        StatefulSet web: 1 of 3 pods updated; its partition holds the rest back: lower it to go on
    on delete [OnDelete]
        DaemonSet web: 1 of 3 pods updated; its strategy is OnDelete: delete the old pods to go on
    suspended [Suspended]
        Job web: it is suspended; set `spec.suspend` to false to go on
    ");
}

#[test]
fn a_rollout_that_fails() {
    let waiting = "patch: {web-a-1: {status: {containerStatuses: [{name: server, ready: false, restartCount: 3, image: x, imageID: x, state: {waiting: {reason: REASON, message: 'MESSAGE'}}, lastState: {terminated: {exitCode: 1, reason: Error, message: 'cannot reach store'}}}]}}}";
    let broken = |at: i64, reason: &str, message: &str| {
        let patch = waiting
            .replace("REASON", reason)
            .replace("MESSAGE", message);
        format!(
            "{{at: {at}, deployment: {{status: {{updatedReplicas: 1}}}}, pods: 'a:N b b b', {patch}}}"
        )
    };
    let pull = |at| {
        broken(
            at,
            "ImagePullBackOff",
            "Back-off pulling image \"r/web:2\": not found",
        )
    };
    let (first, second) = (pull(0), pull(12));
    let crash = broken(0, "CrashLoopBackOff", "back-off");
    let still = |at: i64| {
        format!("{{at: {at}, deployment: {{status: {{updatedReplicas: 1}}}}, pods: a b b b}}")
    };
    let (early, late) = (still(0), still(700));
    insta::assert_snapshot!(told(&[
        ("image", &[&first, &second]),
        ("crash", &[&crash]),
        ("replaced", &["deployment: {metadata: {uid: other}}"]),
        ("deleted", &["gone: true"]),
        ("no progress", &[&early, &late]),
        ("job", &["{job: {status: {conditions: [{type: Failed, status: 'True', reason: BackoffLimitExceeded, message: Job has reached the specified backoff limit}]}}, pods: ''}"]),
    ]), @r#"
    image [ImagePull]
        Deployment web: pod web-a-1: container server: ImagePullBackOff: Back-off pulling image "r/web:2": not found
    crash [CrashLoop]
        Deployment web: pod web-a-1: container server: 3 restarts, last: Error, exit code 1: cannot reach store
    replaced [ReplacedDuringWait]
        Deployment web: it was deleted and created again by someone
    deleted [DeletedDuringWait]
        Deployment web: it was deleted after the apply
    no progress [NoProgress]
        Deployment web: nothing has moved for 11m: 1 of 3 pods updated
    job [JobFailed]
        Job web: BackoffLimitExceeded: Job has reached the specified backoff limit
    "#);
}

#[test]
fn old_pods_and_new_endpoints() {
    insta::assert_snapshot!(told(&[
        ("terminating", &["pods: a a a b:T"]),
        ("many", &["pods: a a a b:T b:T b b b:P"]),
        ("foreign", &["extra: [{metadata: {name: legacy-1, uid: l, labels: {app: web}, ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: legacy, uid: u, controller: true}]}}]"]),
        ("orphan", &["{pods: a a a b:T, extra: [{metadata: {name: debug, uid: x, labels: {app: web}}}]}"]),
        ("stale endpoint", &["endpoints: [{addresses: [10.2.0.1], targetRef: {kind: Pod, name: web-b-1, uid: gone}}]"]),
        ("unknown endpoint", &["endpoints: [{addresses: [192.0.2.7]}]"]),
        ("lost", &["{at: 90, pods: a a a b:T, nodes: [{metadata: {name: node-1}, status: {conditions: [{type: Ready, status: Unknown}]}}]}"]),
        ("finalizer", &["{at: 90, pods: a a a b:T, patch: {web-b-1: {metadata: {finalizers: [example.com/x]}}}}"]),
        ("late", &["{at: 90, pods: a a a b:T}"]),
        ("forced", &["{pods: a a a b:T, patch: {web-b-1: {metadata: {deletionGracePeriodSeconds: 0}}}}", "at: 5"]),
        ("not serving", &["endpoints: []"]),
        ("zero", &["{pods: '', deployment: {spec: {replicas: 0}, status: {replicas: 0, updatedReplicas: 0}}, sets: {a: {spec: {replicas: 0}, status: {replicas: 0}}}}"]),
        ("done", &[""]),
    ]), @r"
    terminating [OldPods]
        Deployment web: 1 old pod still alive: web-b-1 (Terminating, gone by 12:00:30Z)
    many [OldPods]
        Deployment web: 5 old pods still alive: web-b-1 (Terminating, gone by 12:00:30Z), web-b-2 (Terminating, gone by 12:00:30Z), web-b-3 (Running), and 2 more
    foreign [ForeignPods]
        Deployment web: 1 pod of something else behind its Service: legacy-1 (of StatefulSet legacy, Running); remove it, or make it a workload of this service
    orphan [OldPods]
        Deployment web: 1 old pod still alive: web-b-1 (Terminating, gone by 12:00:30Z); 1 pod of something else behind its Service: debug (of no owner, Running); remove it, or make it a workload of this service
    stale endpoint [StaleEndpoint]
        Deployment web: 1 old endpoint may still take calls: 10.2.0.1 of Service svc (pod web-b-1, gone)
    unknown endpoint [UnknownEndpoint]
        Deployment web: 192.0.2.7 of Service svc is no pod's: nobody can say what version answers there; remove that endpoint
    lost [StuckOnLostNode]
        Deployment web: 1 old pod still alive: web-b-1 (Terminating, node node-1 does not answer); bring the node back, or delete it if it is off: until then the pod may still answer
    finalizer [HeldByFinalizer]
        Deployment web: 1 old pod still alive: web-b-1 (Terminating, held by example.com/x); whoever set the finalizer has to remove it
    late [PastGracePeriod]
        Deployment web: 1 old pod still alive: web-b-1 (Terminating, gone by 12:00:30Z); its node does not end it: look at the kubelet there
    forced [UnconfirmedTermination]
        Deployment web: 1 old pod still alive: web-b-1 (deleted by force, dead by 12:00:35Z)
    not serving [NotServing]
        Deployment web: 0 of 1 new endpoints ready behind Service svc
    zero [ZeroReplicas]
        Deployment web: scaled to zero, so nothing serves; scale it up
    done [Done]
        Deployment web: complete, 3 of 3 new pods, no old pod left
    ");
}
