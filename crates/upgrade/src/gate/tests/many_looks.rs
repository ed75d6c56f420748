//! What only several looks can tell: the rows of completion.md §8 that need them, E18, E20, how a pod went, and what
//! must outlive whoever looks.

use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::files::{first, over_looks, over_time, told};
use super::world::{Case, looks, short};
use crate::gate::{Assessment, FailedNodes, Gate, Memory, Policy, Read};
use tidegate_spec::crd::{Capacity, CompletionRule, GateSettings, LostNodes};

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

/// Looks one after the other; between two of them nothing but what lasts is kept, as over a restart.
fn restarted(yamls: &[&str], policy: &Policy) -> Assessment {
    let mut memory = Memory::default();
    let mut last = None;
    for yaml in yamls {
        let case = Case {
            memory: memory.lasting(),
            policy: policy.clone(),
            ..Case::of(yaml)
        };
        let (assessment, next) = case.assess();
        memory = next;
        last = Some(assessment);
    }
    last.unwrap()
}

#[test]
fn looks_that_follow_one_another() {
    let forced = "{pods: a a a b:T, patch: {web-b-1: {metadata: {deletionGracePeriodSeconds: 0}}}}";
    let lost = "nodes: [{metadata: {name: node-1}, status: {conditions: [{type: Ready, status: Unknown}]}}]";
    let at = |seconds: u16, more: &str| format!("{{at: {seconds}, pods: a a a b:T, {more}}}");
    let stuck = [at(0, lost), at(61, lost), at(150, lost), at(180, lost)];
    let rows: &[(&str, &[&str], &str, Gate)] = &[
        (
            "20 seen, then gone",
            &["", "gone: true"],
            "DeletedDuringWait",
            Gate::Failed,
        ),
        (
            "22 12 s, 2 looks",
            &[
                "{deployment: {status: {updatedReplicas: 1, replicas: 4}}, pods: 'a:N b b b', patch: {web-a-1: {status: {containerStatuses: [{name: server, ready: false, restartCount: 0, image: x, imageID: x, state: {waiting: {reason: ImagePullBackOff, message: manifest unknown}}}]}}}}",
                "{at: 12, deployment: {status: {updatedReplicas: 1, replicas: 4}}, pods: 'a:N b b b', patch: {web-a-1: {status: {containerStatuses: [{name: server, ready: false, restartCount: 0, image: x, imageID: x, state: {waiting: {reason: ImagePullBackOff, message: manifest unknown}}}]}}}}",
            ],
            "ImagePull",
            Gate::Shut,
        ),
        (
            "35 to its end",
            &[&stuck[0], &stuck[1], &stuck[2], &stuck[3]],
            "DrainStuck",
            Gate::Failed,
        ),
        (
            "63 complete, then collected",
            &[
                "{job: {status: {conditions: [{type: Complete, status: 'True'}]}}, pods: 'a:S'}",
                "{at: 5, job: {}, gone: true, pods: ''}",
            ],
            "Done",
            Gate::Open,
        ),
        (
            "74 the second look sees another generation",
            &["", "{at: 2, deployment: {metadata: {generation: 3}}}"],
            "NotObserved",
            Gate::Shut,
        ),
        (
            "R35 deleted by force, then gone",
            &[forced, "at: 5"],
            "UnconfirmedTermination",
            Gate::Shut,
        ),
    ];
    for (name, yamls, reason, gate) in rows {
        let found = looks(yamls, &Policy::default());
        assert_eq!((found.reason(), found.gate()), (*reason, *gate), "{name}");
    }
}

#[test]
fn how_a_pod_went_is_what_the_watch_has_seen_of_it() {
    let alive = "{departed: {}, pods: a a a b}";
    let gone = |at: u8, departed: &str| format!("{{at: {at}, departed: {departed}}}");
    let rows = [
        (
            "it had ended",
            gone(5, "{uid-b-1: Ended}"),
            "Complete / Drained / Serving",
        ),
        (
            "it was taken away",
            gone(5, "{uid-b-1: Forced}"),
            "Complete / Draining(1) / Serving",
        ),
        (
            "nobody saw it go",
            gone(5, "{}"),
            "Complete / Draining(1) / Serving",
        ),
        (
            "its time is over",
            gone(40, "{uid-b-1: Forced}"),
            "Complete / Draining(1) / Serving",
        ),
    ];
    for (name, then, expected) in rows {
        let found = short(&looks(&[alive, &then], &Policy::default()));
        assert_eq!(found, expected, "{name}");
    }
    let three = [
        alive,
        &gone(5, "{uid-b-1: Forced}"),
        &gone(35, "{uid-b-1: Forced}"),
    ];
    assert_eq!(looks(&three, &Policy::default()).gate(), Gate::Open);
    let told_later = [alive, &gone(5, "{}"), &gone(6, "{uid-b-1: Ended}")];
    assert_eq!(
        looks(&told_later, &Policy::default()).gate(),
        Gate::Open,
        "the watch is a moment behind the live read"
    );
    let told_first = ["{departed: {}, pods: a a a b:T}", &gone(5, "{}")];
    assert_eq!(
        looks(&told_first, &Policy::default()).gate(),
        Gate::Open,
        "it had been told to go, and given time"
    );
    let unseen = [gone(5, "{uid-b-1: Forced}")];
    assert_eq!(
        looks(&[&unseen[0]], &Policy::default()).reason(),
        "UnconfirmedTermination",
        "a pod of the baseline that went before the first look"
    );
}

#[test]
fn patience_outlives_whoever_waits() {
    let waits = |at: u16| format!("{{at: {at}, deployment: {{status: {{updatedReplicas: 1}}}}}}");
    let every: Vec<_> = (0..=4).map(|look| waits(look * 180)).collect();
    let every: Vec<_> = every.iter().map(String::as_str).collect();
    let found = restarted(&every, &Policy::default());
    assert_eq!(found.reason(), "NoProgress", "660 s, over four restarts");

    let crash = |at: u8| {
        format!(
            "{{at: {at}, deployment: {{status: {{updatedReplicas: 1, replicas: 4}}}}, pods: 'a:N b b b', patch: {{web-a-1: {{status: {{containerStatuses: [{{name: server, ready: false, restartCount: 4, image: x, imageID: x, state: {{waiting: {{reason: CrashLoopBackOff}}}}}}]}}}}}}}}"
        )
    };
    let crashes: Vec<_> = [0, 10, 20, 30].map(crash).into();
    let crashes: Vec<_> = crashes.iter().map(String::as_str).collect();
    assert_eq!(restarted(&crashes, &Policy::default()).gate(), Gate::Failed);

    let forced = "{departed: {}, pods: a a a b:T, patch: {web-b-1: {metadata: {deletionGracePeriodSeconds: 0}}}}";
    let gone = "{at: 5, departed: {}}";
    assert_eq!(
        restarted(&[forced, gone], &Policy::default()).reason(),
        "UnconfirmedTermination",
        "a pod that was taken away is held over a restart"
    );
    let later = "{at: 35, departed: {}}";
    assert_eq!(
        restarted(&[forced, gone, later], &Policy::default()).gate(),
        Gate::Open
    );
}

/// What is said after looks at these seconds, each of one of two kinds that take turns.
fn in_turns(first: &str, second: &str, seconds: &[u16]) -> Assessment {
    let looks_at = seconds.iter().enumerate().map(|(place, at)| {
        let yaml = if place % 2 == 0 { first } else { second };
        format!("{{at: {at}, {yaml}}}")
    });
    let looks_at: Vec<_> = looks_at.collect();
    let looks_at: Vec<_> = looks_at.iter().map(String::as_str).collect();
    looks(&looks_at, &Policy::default())
}

/// An object as it was before the apply.
const BEHIND: &str =
    "read: Cached, deployment: {metadata: {generation: 1, resourceVersion: '100'}}";

#[test]
fn a_cache_that_stays_behind_does_not_make_a_wait_begin_anew() {
    let live = "deployment: {status: {updatedReplicas: 1}}";
    let earlier = "read: Cached, deployment: {status: {updatedReplicas: 0}}";
    for cached in [BEHIND, earlier] {
        let turns = |last: &[u16]| in_turns(live, cached, &[&[0, 5, 300, 305], last].concat());
        assert_eq!(turns(&[659]).reason(), "Updating", "{cached}");
        assert_eq!(turns(&[665]).reason(), "NoProgress", "{cached}");
    }
    // Nobody but the cache looks any more, until it has failed for long enough to be asked about live.
    let mut alone = vec![format!("{{at: 0, {live}}}")];
    alone.extend([5, 665, 680, 695].map(|at| format!("{{at: {at}, {BEHIND}}}")));
    let alone: Vec<_> = alone.iter().map(String::as_str).collect();
    let found = looks(&alone, &Policy::default());
    assert_eq!((found.reason(), found.gate()), ("NoProgress", Gate::Failed));
    let two = "at: 600, deployment: {status: {updatedReplicas: 2}}";
    let moves = [
        format!("{{at: 0, {live}}}"),
        format!("{{at: 5, {BEHIND}}}"),
        format!("{{{two}}}"),
        format!("{{at: 700, {BEHIND}}}"),
    ];
    let moves: Vec<_> = moves.iter().map(String::as_str).collect();
    assert_eq!(looks(&moves, &Policy::default()).reason(), "StaleRead");
}

#[test]
fn a_cache_that_stays_behind_makes_nothing_younger() {
    let crash = "pods: 'a:N b b b', patch: {web-a-1: {status: {containerStatuses: [{name: server, ready: false, restartCount: 4, image: x, imageID: x, state: {waiting: {reason: CrashLoopBackOff}}}]}}}";
    let failing = format!("{crash}, deployment: {{status: {{updatedReplicas: 1, replicas: 4}}}}");
    let behind = format!("{crash}, {BEHIND}");
    let found = in_turns(&failing, &behind, &[0, 20, 30]);
    assert_eq!((found.reason(), found.gate()), ("CrashLoop", Gate::Failed));
    let pull = crash.replace("CrashLoopBackOff", "ErrImagePull, message: i/o timeout");
    let pull = pull.replace("restartCount: 4", "restartCount: 0");
    let pulling = format!("{pull}, deployment: {{status: {{updatedReplicas: 1, replicas: 4}}}}");
    let found = in_turns(&pulling, &format!("{pull}, {BEHIND}"), &[0, 45, 90]);
    assert_eq!(found.reason(), "ImagePull", "{}", found.sentence());
    let service = "{apiVersion: apiregistration.k8s.io/v1, kind: APIService, metadata: {name: v1.it, uid: u, resourceVersion: '200'}, spec: {service: {name: it}}, status: {conditions: [{type: Available, status: 'False', reason: MissingEndpoints}]}}";
    let before = "{APIService/v1.it: {metadata: {resourceVersion: '100'}}}";
    let turns = [
        (0, Read::Live, ""),
        (20, Read::Cached, before),
        (60, Read::Live, ""),
    ];
    assert!(over_looks(service, &turns[..2]).starts_with("Progressing(StaleRead"));
    assert!(over_looks(service, &turns).starts_with("Failed(Retryable, Unavailable)"));
    let stuck = "pods: a a a b:T";
    let found = in_turns(stuck, &format!("{stuck}, {BEHIND}"), &[0, 70, 150]);
    assert_eq!(found.reason(), "DrainStuck", "{}", found.sentence());
}

#[test]
fn what_lasts_is_small() {
    let (_, memory) = Case::of("{departed: {}, pods: a a a b b b}").assess();
    let json = serde_json::to_string(&memory.lasting()).unwrap();
    assert!(json.len() < 450, "{} bytes: {json}", json.len());
}

/// One new pod that has run since 12:00:00 and is not ready.
fn unready(at: u16, probes: &str) -> String {
    format!(
        "{{at: {at}, deployment: {{status: {{updatedReplicas: 1, replicas: 4}}}}, pods: 'a:N b b b', events: [{{metadata: {{name: e, namespace: shop}}, involvedObject: {{kind: Pod, name: web-a-1}}, reason: Unhealthy, message: 'Readiness probe failed: 503', lastTimestamp: '2026-11-24T12:00:10Z'}}], patch: {{web-a-1: {{spec: {{containers: [{{name: server, image: 'web:2', {probes}}}]}}, status: {{containerStatuses: [{{name: server, ready: false, restartCount: 0, image: 'web:2', imageID: '', state: {{running: {{startedAt: '2026-11-24T12:00:00Z'}}}}}}]}}}}}}}}"
    )
}

#[test]
fn a_new_pod_that_runs_and_is_not_ready_fails_only_where_the_plan_says_when() {
    let policy = Policy {
        not_ready: Some(seconds(60)),
        ..Policy::default()
    };
    let reason = |at: u16, probes: &str, policy: &Policy| {
        looks(&[&unready(0, probes), &unready(at, probes)], policy).reason()
    };
    assert_eq!(reason(600, "", &Policy::default()), "Updating", "off");
    assert_eq!(reason(59, "", &policy), "Updating");
    assert_eq!(reason(60, "", &policy), "NotReady", "E18");
    let slow = "startupProbe: {periodSeconds: 5, failureThreshold: 20}, readinessProbe: {initialDelaySeconds: 30}";
    assert_eq!(reason(159, slow, &policy), "Updating");
    assert_eq!(reason(160, slow, &policy), "NotReady");
    let found = looks(&[&unready(0, ""), &unready(60, "")], &policy);
    insta::assert_snapshot!(found.sentence(), @"Deployment web: pod web-a-1: it runs, and is not ready: Readiness probe failed: 503");
    let mut file = Case::of(&unready(60, ""));
    file.policy = policy;
    assert!(
        file.through_files()
            .starts_with("Failed(Retryable, NotReady)"),
        "from one look"
    );
}

#[test]
fn new_pods_that_are_deleted_again_and_again_are_told_of() {
    let look = |kind: &str, at: u16, uids: [u8; 3]| {
        let patch = |place: usize, uid: u8| {
            let name = if kind == "statefulSet" {
                format!("web-{place}")
            } else {
                format!("web-a-{}", place + 1)
            };
            format!(
                "{name}: {{metadata: {{uid: u{uid}}}, status: {{conditions: [{{type: Ready, status: 'False'}}]}}}}"
            )
        };
        format!(
            "{{at: {at}, {kind}: {{status: {{updatedReplicas: 2, updatedNumberScheduled: 2}}}}, endpoints: [], patch: {{{}, {}, {}}}}}",
            patch(0, uids[0]),
            patch(1, uids[1]),
            patch(2, uids[2])
        )
    };
    let reason = |kind: &str, pods: &[(u16, [u8; 3])]| {
        let yamls: Vec<_> = pods
            .iter()
            .map(|(at, uids)| look(kind, *at, *uids))
            .collect();
        let yamls: Vec<_> = yamls.iter().map(String::as_str).collect();
        looks(&yamls, &Policy::default()).reason()
    };
    let one_again_and_again = [
        (0, [1, 2, 3]),
        (10, [1, 2, 4]),
        (20, [1, 2, 5]),
        (30, [1, 2, 6]),
        (40, [1, 2, 7]),
        (50, [1, 2, 8]),
    ];
    for kind in ["deployment", "statefulSet", "daemonSet"] {
        assert_eq!(reason(kind, &one_again_and_again), "PodChurn", "E20 {kind}");
        assert_ne!(
            reason(kind, &one_again_and_again[..5]),
            "PodChurn",
            "{kind}: four times"
        );
        let slowly = one_again_and_again.map(|(at, uids)| (at * 2, uids));
        assert_ne!(reason(kind, &slowly), "PodChurn", "{kind}: in two minutes");
    }
}

#[test]
fn what_nobody_can_tell_the_state_of_fails_in_the_end_by_that_name() {
    let widget = "{apiVersion: example.com/v1, kind: Widget, metadata: {name: it, namespace: shop, uid: u, generation: 1}, status: {state: made}}";
    assert!(over_time(widget, "", &[0, 599]).starts_with("Progressing(NoRule 0/1)"));
    assert!(
        over_time(widget, "", &[0, 600]).starts_with("Failed(Retryable, NoRule)"),
        "75"
    );
    let dreaming = "{apiVersion: v1, kind: Namespace, metadata: {name: it, uid: u}, status: {phase: Dreaming}}";
    assert!(over_time(dreaming, "", &[0, 600]).starts_with("Failed(Retryable, UnknownStatus)"));
}

#[test]
fn a_rule_may_ask_more_of_what_is_done_when_it_is_stored() {
    let policy = Policy {
        rules: vec![CompletionRule {
            api_version: "networking.k8s.io/v1".to_owned(),
            kind: "Ingress".to_owned(),
            complete: "has(object.status.loadBalancer.ingress)".to_owned(),
            failed: None,
            paused: None,
        }],
        ..Policy::default()
    };
    let object = |status: &str| {
        let text = format!(
            "{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{name: it, namespace: shop, uid: u}}, spec: {{}}, status: {status}}}"
        );
        super::files::documents(&text)
    };
    let found = |status: &str| told(&object(status), "", &policy).join("\n");
    assert!(found("{loadBalancer: {}}").contains("Progressing(Reconciling"));
    assert!(found("{loadBalancer: {ingress: [{ip: 10.0.0.1}]}}").contains("Complete"));
    let without = first(
        "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: it, uid: u}, spec: {}}",
        "",
        "",
    );
    assert!(without.contains("Complete"), "{without}");
}

#[test]
fn a_plan_says_what_its_gates_ask() {
    let settings = GateSettings {
        capacity: Capacity::Min,
        fail_after: Some("5s".to_owned()),
        crash_restarts: Some(7),
        allow_failed_pods: Some(2),
        allow_failed_nodes: Some(IntOrString::String("10%".to_owned())),
        autoscaler: true,
        not_ready: Some("2m".to_owned()),
        min_serving: Some(4),
        allow_zero: true,
        drain_deadline: Some("3m".to_owned()),
        controller_deadline: Some("4m".to_owned()),
        unknown_deadline: Some("1m".to_owned()),
        lost_nodes: LostNodes::Gone,
    };
    assert_eq!(
        Policy::from(&settings),
        Policy {
            capacity: Capacity::Min,
            fail_after: seconds(5),
            crash_restarts: 7,
            allow_failed_pods: 2,
            allow_failed_nodes: FailedNodes::Percent(10),
            autoscaler: true,
            not_ready: Some(seconds(120)),
            min_serving: 4,
            allow_zero: true,
            drain_deadline: Some(seconds(180)),
            controller_deadline: seconds(240),
            unknown_deadline: Some(seconds(60)),
            strict_nodes: false,
            ..Policy::default()
        }
    );
    assert_eq!(Policy::from(&GateSettings::default()), Policy::default());
}
