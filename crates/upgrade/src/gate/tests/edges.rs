//! Signs and waits at their edges: each of these had a mutant that nothing noticed.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::files::first;
use super::world::{Case, check, line, looks, short, start};
use crate::gate::{FailedNodes, Policy, Read};

fn reason(yamls: &[&str]) -> &'static str {
    looks(yamls, &Policy::default()).reason()
}

/// The three new pods of a Deployment, each with its only container so.
fn all_new(at: i64, restarts: u32, state: &str) -> String {
    let pod = |number: u32| {
        format!(
            "web-a-{number}: {{status: {{containerStatuses: [{{name: server, ready: false, restartCount: {restarts}, image: x, imageID: x, {state}}}]}}}}"
        )
    };
    format!(
        "{{at: {at}, deployment: {{status: {{updatedReplicas: 2}}}}, pods: 'a:N a:N a:N', patch: {{{}, {}, {}}}}}",
        pod(1),
        pod(2),
        pod(3)
    )
}

#[test]
fn a_container_that_was_never_restarted_does_not_crash_again_and_again() {
    let backs_off = "state: {waiting: {reason: CrashLoopBackOff}}";
    assert_eq!(reason(&[&all_new(0, 0, backs_off)]), "Updating");
    assert_eq!(reason(&[&all_new(0, 1, backs_off)]), "CrashLoop");
}

#[test]
fn restarts_count_as_long_as_no_new_pod_was_ever_ready() {
    let runs = "state: {running: {}}";
    let looks = [&all_new(0, 0, runs), &all_new(10, 3, runs)];
    assert_eq!(reason(&looks.map(String::as_str)), "CrashLoop", "E8");
    let ready = "{deployment: {status: {updatedReplicas: 2}}}".to_owned();
    let looks = [&ready, &all_new(10, 3, runs)];
    assert_eq!(reason(&looks.map(String::as_str)), "Updating");
}

#[test]
fn an_end_without_a_message_is_told_without_one() {
    let ended = "state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 1, message: ''}}";
    let found = looks(&[&all_new(0, 3, ended)], &Policy::default());
    insta::assert_snapshot!(found.sentence(), @"Deployment web: pod web-a-1: container server: 3 restarts, last: ended, exit code 1 (and 2 more)");
}

#[test]
fn events_of_a_set_that_has_all_its_pods_fail_nothing() {
    let event = "events: [{metadata: {name: e, resourceVersion: '201'}, involvedObject: {uid: uid-web}, type: Warning, reason: FailedCreate, count: 3, message: exceeded quota}]";
    let with = |pods: &str| {
        format!("{{statefulSet: {{status: {{updatedReplicas: 2}}}}, pods: '{pods}', {event}}}")
    };
    assert_eq!(reason(&[&with("a a")]), "Quota");
    assert_eq!(reason(&[&with("a a a")]), "Updating");
}

#[test]
fn without_a_record_an_event_is_about_the_apply_if_it_is_of_now() {
    let base = "
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop, uid: u, generation: 1, resourceVersion: '2000'}
spec: {replicas: 1, serviceName: db, selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c, image: a}]}}}
status: {observedGeneration: 1, replicas: 0, updateRevision: db-1}
";
    let failed = "Failed(Retryable, Quota)";
    let moves = "Progressing(Updating 0/1)";
    let of = |event: &str, recorded: &str| {
        let over = format!(
            "{{more: [{{metadata: {{name: e, namespace: shop, resourceVersion: '100'}}, type: Warning, reason: FailedCreate, {event}}}]}}"
        );
        first(base, &over, recorded)
    };
    let core = |seen: &str| {
        format!(
            "apiVersion: v1, kind: Event, involvedObject: {{kind: StatefulSet, name: db, uid: u}}, count: 3, message: exceeded quota{seen}"
        )
    };
    let newer = |seen: &str| {
        format!(
            "apiVersion: events.k8s.io/v1, kind: Event, regarding: {{kind: StatefulSet, name: db, uid: u}}, note: exceeded quota, series: {{count: 3, lastObservedTime: '{seen}'}}"
        )
    };
    let applied = "[{object: {apiVersion: apps/v1, kind: StatefulSet, namespace: shop, name: db}, applied: {uid: u, generation: 1, resourceVersion: '150'}}]";
    for (event, recorded, expected) in [
        (core(""), "", failed),
        (core(", lastTimestamp: '2026-11-24T11:51:00Z'"), "", failed),
        (core(", lastTimestamp: '2026-11-24T11:49:00Z'"), "", moves),
        (
            core(", lastTimestamp: '2026-11-24T11:59:00Z'"),
            applied,
            moves,
        ),
        (newer("2026-11-24T11:59:00.000000Z"), "", failed),
        (newer("2026-11-24T11:09:00.000000Z"), "", moves),
    ] {
        let found = of(&event, recorded);
        assert!(found.contains(expected), "{event}: {found}");
    }
}

#[test]
fn a_clock_that_is_ahead_of_ours_delays_no_failure() {
    let broken = "{deployment: {status: {updatedReplicas: 1, replicas: 4}}, pods: 'a:N b b b', patch: {web-a-1: {status: {startTime: '2026-11-24T12:00:05Z', containerStatuses: [{name: server, ready: false, restartCount: 0, image: x, imageID: x, state: {waiting: {reason: InvalidImageName}}}]}}}}";
    let found = Case::of(broken).through_files();
    assert!(found.starts_with("Failed(Terminal, BadImage)"), "{found}");
}

#[test]
fn pods_that_nodes_turn_away_are_none_that_may_fail() {
    let rejected =
        |number: u32| format!("web-a-{number}: {{status: {{reason: Evicted, message: memory}}}}");
    let yaml = format!(
        "{{deployment: {{status: {{updatedReplicas: 1, replicas: 4}}}}, pods: 'a:F a:F a:F', patch: {{{}, {}, {}}}}}",
        rejected(1),
        rejected(2),
        rejected(3)
    );
    let policy = Policy {
        allow_failed_pods: 5,
        ..Policy::default()
    };
    assert_eq!(looks(&[&yaml], &policy).reason(), "PodsRejected");
}

#[test]
fn a_volume_is_told_before_the_sandbox_that_waits_for_it() {
    let event = |name: &str, cause: &str| {
        format!(
            "{{metadata: {{name: {name}, namespace: shop}}, involvedObject: {{uid: uid-a-1}}, reason: {cause}, message: x, firstTimestamp: '2026-11-24T11:57:00Z'}}"
        )
    };
    let yaml = format!(
        "{{deployment: {{status: {{updatedReplicas: 1}}}}, pods: 'a:P b b b', events: [{}, {}]}}",
        event("e1", "FailedCreatePodSandBox"),
        event("e2", "FailedMount")
    );
    let found = Case::of(&yaml).through_files();
    assert!(found.starts_with("Failed(Retryable, Volume)"), "{found}");
}

#[test]
fn a_claim_fails_since_its_own_event_was_told() {
    let with = |first: &str| {
        let yaml = format!(
            "{{deployment: {{status: {{updatedReplicas: 1}}}}, pods: 'a:P b b b', patch: {{web-a-1: {{metadata: {{creationTimestamp: '2026-11-24T11:00:00Z'}}, spec: {{volumes: [{{name: d, persistentVolumeClaim: {{claimName: data}}}}]}}}}}}, events: [{{metadata: {{name: e, namespace: shop}}, involvedObject: {{kind: PersistentVolumeClaim, name: data}}, reason: ProvisioningFailed, message: x, firstTimestamp: '2026-11-24T{first}Z'}}]}}"
        );
        Case::of(&yaml).through_files()
    };
    assert!(with("11:59:30").starts_with("Progressing(Updating"));
    assert!(with("11:58:30").starts_with("Failed(Retryable, Volume)"));
}

#[test]
fn three_ordinals_that_are_replaced_now_and_then_are_no_churn() {
    let look = |at: u16, uids: [u8; 3]| {
        let pod = |place: usize| format!("web-{place}: {{metadata: {{uid: u{}}}}}", uids[place]);
        format!(
            "{{at: {at}, statefulSet: {{status: {{updatedReplicas: 2}}}}, endpoints: [], patch: {{{}, {}, {}}}}}",
            pod(0),
            pod(1),
            pod(2)
        )
    };
    let yamls = [look(0, [1, 2, 3]), look(10, [4, 5, 6]), look(20, [7, 8, 9])];
    assert_ne!(reason(&yamls.each_ref().map(String::as_str)), "PodChurn");
}

#[test]
fn a_look_that_did_not_see_the_apply_forgets_no_pod_that_was_made() {
    let look = |at: u16, uid: u8, more: &str| {
        format!(
            "{{at: {at}, {more}deployment: {{{}}}, pods: 'a a a', endpoints: [], patch: {{web-a-1: {{metadata: {{uid: u{uid}}}}}}}}}",
            if more.is_empty() {
                "status: {updatedReplicas: 2}"
            } else {
                "metadata: {generation: 1}"
            }
        )
    };
    let behind = look(25, 3, "read: Cached, ");
    let yamls = [
        look(0, 1, ""),
        look(10, 2, ""),
        look(20, 3, ""),
        behind,
        look(30, 4, ""),
        look(40, 5, ""),
        look(50, 6, ""),
    ];
    assert_eq!(reason(&yamls.each_ref().map(String::as_str)), "PodChurn");
    // What was first seen a minute ago does not count any more.
    let yamls = [
        look(0, 1, ""),
        look(10, 2, ""),
        look(20, 3, ""),
        look(30, 4, ""),
        look(40, 5, ""),
        look(60, 6, ""),
    ];
    assert_ne!(reason(&yamls.each_ref().map(String::as_str)), "PodChurn");
}

#[test]
fn what_lasts_forgets_signs_and_pods_that_were_made() {
    let (_, memory) = Case::of(&all_new(0, 1, "state: {waiting: {reason: ErrImagePull}}")).assess();
    assert!(!memory.sightings.is_empty() && !memory.births.is_empty());
    let lasting = memory.lasting();
    assert!(lasting.sightings.is_empty() && lasting.births.is_empty());
}

#[test]
fn a_pod_that_is_ready_or_has_just_begun_is_not_unready_for_long() {
    let policy = Policy {
        not_ready: Some(jiff::SignedDuration::from_secs(30)),
        ..Policy::default()
    };
    let with = |flags: &str, since: &str| {
        let mut case = Case::of(&format!(
            "{{deployment: {{status: {{updatedReplicas: 1, replicas: 4}}}}, pods: 'a{flags} b b b', events: [{{metadata: {{name: e, namespace: shop}}, involvedObject: {{kind: Pod, name: web-b-1}}, reason: Unhealthy, message: of another}}, {{metadata: {{name: f, namespace: shop}}, involvedObject: {{kind: Pod, name: web-a-1}}, reason: Pulled, message: of something else}}], patch: {{web-a-1: {{status: {{containerStatuses: [{{name: server, ready: false, restartCount: 0, image: x, imageID: '', state: {{running: {{startedAt: '2026-11-24T{since}Z'}}}}}}]}}}}}}}}"
        ));
        case.policy = policy.clone();
        case.snapshot.read = Read::File;
        case.assess().0
    };
    assert_eq!(with("", "11:50:00").reason(), "Updating", "it is ready");
    assert_eq!(
        with(":N", "11:59:50").reason(),
        "Updating",
        "for ten seconds"
    );
    let found = with(":N", "11:50:00");
    insta::assert_snapshot!(found.sentence(), @"Deployment web: pod web-a-1: it runs, and is not ready");
}

fn node(number: u32, ready: &str) -> String {
    format!(
        "{{metadata: {{name: node-{number}}}, status: {{conditions: [{{type: Ready, status: '{ready}'}}]}}}}"
    )
}

fn nodes(first: &str) -> String {
    format!(
        "nodes: [{}, {}, {}]",
        node(1, first),
        node(2, "True"),
        node(3, "True")
    )
}

#[test]
fn a_lost_node_holds_old_pods_unless_the_plan_says_that_they_are_gone() {
    // The first old pod was on node-1 and is not there any more.
    let yaml = format!("{{{}}}", nodes("Unknown"));
    let with = |strict_nodes: bool| {
        let policy = Policy {
            strict_nodes,
            ..Policy::default()
        };
        looks(&[&yaml], &policy).drain.to_string()
    };
    assert_eq!(with(true), "Stuck(StuckOnLostNode)");
    assert_eq!(with(false), "Drained");
    // One that is listed as ended has ended.
    let ended = format!("{{pods: 'a a a b:S', {}}}", nodes("Unknown"));
    assert_eq!(
        looks(&[&ended], &Policy::default()).drain.to_string(),
        "Drained"
    );
}

#[test]
fn a_pod_whose_node_was_never_recorded_may_run_on_any_that_is_lost() {
    let mut case = Case::of(&format!("{{{}}}", nodes("Unknown")));
    case.baseline.pods.truncate(1);
    case.baseline.pods[0].node = String::new();
    let found = case.assess().0;
    insta::assert_snapshot!(found.sentence(), @"Deployment web: 1 old pod still alive: web-b-1 (gone from the API, node node-1 does not answer); bring the node back, or delete it if it is off: until then the pod may still answer");
    let mut case = Case::of(&format!("{{{}}}", nodes("True")));
    case.baseline.pods[0].node = String::new();
    assert!(short(&case.assess().0).starts_with("Complete / Drained"));
}

#[test]
fn a_node_that_cannot_be_read_is_there_and_not_known_to_answer() {
    let case = Case::of(&format!("{{{}}}", nodes("True")));
    let mut objects = case.objects();
    for object in &mut objects {
        if object["kind"] == "Node" && object["metadata"]["name"] == "node-1" {
            object["status"]["conditions"] = serde_json::json!("none");
        }
    }
    let found = case.judged(&objects);
    assert!(found.contains("Stuck(StuckOnLostNode)"), "{found}");
}

#[test]
fn on_so_many_nodes_that_are_down_a_daemon_set_may_lack_its_pod() {
    let yaml = format!(
        "{{daemonSet: {{status: {{numberAvailable: 2}}}}, pods: 'a:N a a', patch: {{web-a-1: {{status: {{containerStatuses: [{{name: server, ready: false, restartCount: 9, image: x, imageID: x, state: {{waiting: {{reason: CrashLoopBackOff}}}}}}]}}}}}}, {}}}",
        nodes("Unknown")
    );
    let up = yaml.replace("status: 'Unknown'", "status: 'True'");
    let with = |yaml: &str, allowed: FailedNodes| {
        let mut case = Case::of(yaml);
        case.baseline.pods.clear();
        case.policy.allow_failed_nodes = allowed;
        short(&case.assess().0)
    };
    let failed = "Failed(Retryable, CrashLoop)";
    for (yaml, allowed, expected) in [
        (&yaml, FailedNodes::Count(0), failed),
        (&yaml, FailedNodes::Count(1), "Complete / Drained / Serving"),
        (
            &yaml,
            FailedNodes::Percent(34),
            "Complete / Drained / Serving",
        ),
        (&yaml, FailedNodes::Percent(33), failed),
        (&up, FailedNodes::Count(3), failed),
    ] {
        let found = with(yaml, allowed);
        assert!(found.starts_with(expected), "{allowed:?}: {found}");
    }
    // An old pod there counts all the same.
    let old = yaml
        .replace("'a:N a a'", "'b:T a a'")
        .replace("web-a-1: ", "web-b-9: ");
    let found = with(&old, FailedNodes::Count(3));
    assert!(!found.contains("Complete / Drained"), "{found}");
}

#[test]
fn two_pods_on_one_node_stand_for_one() {
    let yaml = "{daemonSet: {}, patch: {web-a-3: {spec: {nodeName: node-2}}}}";
    check(&[("DS9", &[yaml], "Progressing(Pods 2/3)")]);
}

#[test]
fn only_a_pod_that_stays_and_is_not_ready_holds_a_set() {
    let broken = "status: {containerStatuses: [{name: server, ready: false, restartCount: 9, image: x, imageID: x, state: {waiting: {reason: CrashLoopBackOff}}}]}";
    let with = |pods: &str| {
        line(&[&format!(
            "{{statefulSet: {{status: {{updatedReplicas: 2}}}}, pods: '{pods}', patch: {{web-2: {{{broken}}}}}}}"
        )])
    };
    assert!(
        with("a a b:N").starts_with("Failed(Terminal, StuckOnBadRevision)"),
        "S3"
    );
    assert!(
        with("a a b").starts_with("Progressing(Updating 2/3)"),
        "it is ready"
    );
    let partition = "{statefulSet: {spec: {updateStrategy: {rollingUpdate: {partition: 2}}}, status: {currentRevision: web-b, updatedReplicas: 1}}, pods: 'b:T b:T a'}";
    assert!(
        line(&[partition]).starts_with("Progressing(Updating 1/3)"),
        "the old ones go"
    );
}

#[test]
fn pods_are_compared_with_those_whose_nodes_are_built_alike() {
    let node = |number: u32, architecture: &str| {
        format!(
            "{{metadata: {{name: node-{number}}}, status: {{conditions: [{{type: Ready, status: 'True'}}], nodeInfo: {{architecture: {architecture}}}}}}}"
        )
    };
    let pod = |number: u32, image: &str| {
        format!(
            "web-a-{number}: {{status: {{containerStatuses: [{{name: server, ready: true, restartCount: 0, image: 'web:2', imageID: 'sha256:{image}', state: {{running: {{}}}}}}]}}}}"
        )
    };
    let with = |third: &str| {
        line(&[&format!(
            "{{nodes: [{}, {}, {}], patch: {{{}, {}, {}}}}}",
            node(1, "amd64"),
            node(2, "amd64"),
            node(3, third),
            pod(1, "x"),
            pod(2, "x"),
            pod(3, "y")
        )])
    };
    assert!(with("arm64").starts_with("Complete / Drained"));
    assert!(with("amd64").starts_with("Complete / Unprovable(MixedImages)"));
}

#[test]
fn whoever_wrote_the_template_is_named_and_nobody_else() {
    let mut case = Case::of(
        "deployment: {metadata: {generation: 3}, spec: {template: {metadata: {labels: {x: z}}}}, status: {observedGeneration: 3}}",
    );
    let entry = |manager: &str, subresource: Option<&str>, at: &str, fields: serde_json::Value| {
        k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry {
            manager: Some(manager.to_owned()),
            subresource: subresource.map(str::to_owned),
            time: Some(Time(at.parse().unwrap())),
            fields_v1: Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::FieldsV1(
                fields,
            )),
            ..Default::default()
        }
    };
    let template = serde_json::json!({"f:spec": {"f:template": {}}});
    let Some(crate::gate::Workload::Deployment(live)) = &mut case.snapshot.workload else {
        panic!("a Deployment")
    };
    live.metadata.managed_fields = Some(vec![
        entry(
            "kubectl-set",
            None,
            "2026-11-24T11:59:00Z",
            template.clone(),
        ),
        entry(
            "scaler",
            None,
            "2026-11-24T11:59:30Z",
            serde_json::json!({"f:spec": {"f:replicas": {}}}),
        ),
        entry(
            "controller",
            Some("status"),
            "2026-11-24T11:59:40Z",
            template,
        ),
    ]);
    insta::assert_snapshot!(case.assess().0.sentence(), @"Deployment web: the pod template was changed after our apply by `kubectl-set` at 2026-11-24T11:59:00Z");
    assert_eq!(case.snapshot.now, start());
}
