//! When a gate opens: two live looks, the settle time between them, nothing shut in between.

use std::collections::BTreeMap;

use super::objects::{Deployed, Template, object, snapshot};
use super::scene::{Scene, at, name, play};
use crate::gate::{Applied, Baseline, Read, Snapshot, Workload};
use crate::{Course, Observation, Record, ServiceState, Standing, Wanted, step};

const MOVING: &str = "0s +store store=old\n 1s ok(store) store=mid\n";

fn after_moving(script: &str) -> String {
    let told = play("store | web after store", &format!("{MOVING}{script}"));
    told.lines().skip(2).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_gate_opens_at_the_second_live_look_after_the_settle_time() {
    insta::assert_snapshot!(after_moving("
        2s store=new ?
        3.9s store=new ?
        4s store=new
    "), @r"
    2s !Waits store Done; ? live store@4s, look web@4s, wake 4s
    3.9s ? live store@4s, look web@4s, wake 4s
    4s store Done; !ServiceDone store 4s; !WaveDone 1 4s
    ");
}

#[test]
fn a_cached_look_never_opens_a_gate() {
    insta::assert_snapshot!(after_moving("
        2s store~new ?
        9s store~new ?
        10s store=new
        19s store~new ?
        20s store~new
        21s store=new
    "), @r"
    2s !Waits store Done; ? live store@2s, wake 2s
    9s ? live store@9s, wake 9s
    10s
    19s ? live store@12s, look web@19s, wake 12s
    20s
    21s store Done; !ServiceDone store 21s; !WaveDone 1 21s
    ");
}

#[test]
fn a_shut_look_in_between_starts_anew() {
    insta::assert_snapshot!(after_moving("
        2s store=new
        3s store=drain
        4s store=new
        5s store=new
        6s store=new
    "), @r"
    2s !Waits store Done
    3s !Waits store OldPods
    4s !Waits store Done
    5s
    6s store Done; !ServiceDone store 6s; !WaveDone 1 6s
    ");
    insta::assert_snapshot!(after_moving("
        2s store=new
        3s store~drain
        4s store=new
        6s store=new
    "), @r"
    2s !Waits store Done
    3s !Waits store OldPods
    4s !Waits store Done
    6s store Done; !ServiceDone store 6s; !WaveDone 1 6s
    ");
}

#[test]
fn a_crash_between_the_two_looks_starts_anew() {
    insta::assert_snapshot!(after_moving("
        2s store=new
        4s crash store=new
        6s store=new
    "), @r"
    2s !Waits store Done
    4s
    6s store Done; !ServiceDone store 6s; !WaveDone 1 6s
    ");
}

#[test]
fn a_terminating_old_pod_keeps_the_gate_shut() {
    insta::assert_snapshot!(after_moving("
        2s store=drain
        4s store=drain
        100s store=drain
    "), @r"
    2s !Waits store OldPods
    4s
    100s
    ");
}

#[test]
fn a_look_that_does_not_show_the_service_changes_nothing_and_asks_again() {
    insta::assert_snapshot!(after_moving("
        2s ?
        3s store=new
        4s
        5s store=new
    "), @r"
    2s ? wake 3s
    3s !Waits store Done
    4s
    5s store Done; !ServiceDone store 5s; !WaveDone 1 5s
    ");
}

#[test]
fn a_service_that_fails_ends_the_release_and_nothing_more_starts() {
    insta::assert_snapshot!(play("mail | store | web after store | advance service", "
        0s +store +mail store=old mail=old
        1s ok(store) ok(mail) store=new mail=mid
        3s store=new mail=undone web=old +web
        4s store=new web=old +web
    "), @r"
    0s mail Starting; store Starting; apply mail (Service@7, Deployment@7 own stamp); apply store (Service@7, Deployment@7 own stamp); !ServiceStarted mail; !WaveStarted 1 mail,store; !ServiceStarted store
    1s mail Moving; store Moving; !Waits mail Updating; !Waits store Done
    3s mail Failed; store Done; !Waits mail Superseded; !ServiceFailed mail Superseded: Deployment mail: the pod template was changed after our apply; !ServiceDone store 3s; !Ended Failed: mail: Deployment mail: the pod template was changed after our apply
    4s
    ");
}

#[test]
fn a_service_that_makes_no_progress_within_its_deadline_fails() {
    insta::assert_snapshot!(play("store | deadline 60", "
        0s +store store=old
        1s ok(store) store=mid
        60s store=mid
        61s store=mid ?
        90s store=mid
        91s store=mid
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s store Moving; !Waits store Updating
    60s
    61s !Waits store NoProgress; ? wake 62s
    90s
    91s store Failed; !ServiceFailed store NoProgress: Deployment store: nothing has moved for 1m: 1 of 2 pods updated; !Ended Failed: store: Deployment store: nothing has moved for 1m: 1 of 2 pods updated
    ");
}

#[test]
fn a_controller_that_restarts_again_and_again_still_gives_up() {
    insta::assert_snapshot!(play("store | deadline 60", "
        0s +store store=old
        1s ok(store) store=mid
        3s store=mid
        20s crash store=mid
        40s crash store=mid
        61s crash store=mid
        80s crash store=mid
        91s crash store=mid
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s store Moving; !Waits store Updating
    3s
    20s
    40s
    61s !Waits store NoProgress
    80s
    91s store Failed; !ServiceFailed store NoProgress: Deployment store: nothing has moved for 1m: 1 of 2 pods updated; !Ended Failed: store: Deployment store: nothing has moved for 1m: 1 of 2 pods updated
    ");
}

#[test]
fn a_service_that_the_cache_does_not_show_is_read_live() {
    // After a crash nobody remembers that it was there: a Deployment that somebody deleted meanwhile would be
    // waited for to the deadline.
    insta::assert_snapshot!(after_moving("
        2s crash store~gone ?
        3s store=gone
    "), @r"
    2s ? live store@2s, wake 2s
    3s store Failed; !Waits store DeletedDuringWait; !ServiceFailed store DeletedDuringWait: Deployment store: it was deleted after the apply; !Ended Failed: store: Deployment store: it was deleted after the apply
    ");
}

#[test]
fn a_cache_that_stays_behind_the_apply_is_asked_no_more_until_it_has_caught_up() {
    insta::assert_snapshot!(after_moving("
        2s store~old ?
        31s store~old ?
        32s store~old ?
        33s store=mid
        34s store~old ?
        35s store~mid ?
        36s store~old ?
    "), @r"
    2s !Waits store StaleRead; ? wake 7s
    31s ? wake 36s
    32s ? live store@32s, wake 32s
    33s !Waits store Updating
    34s ? live store@34s, wake 34s
    35s ? wake 40s
    36s !Waits store StaleRead; ? wake 41s
    ");
}

/// A service that moves, with its Deployment done, and a claim of its manifests in a phase: what its gate says after
/// two live reads.
fn with_a_claim(phase: &str) -> Standing {
    let claim = object("v1", "PersistentVolumeClaim", "data");
    let read =
        |value: serde_json::Value| Workload::from_object(value).expect("it").expect("a gate");
    let live = read(
        serde_json::json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "shop", "uid": "uid-data"}, "status": {"phase": phase}}),
    );
    let store = Deployed::steady("store", 1, Template::of("store:1"));
    let all = BTreeMap::from([("store".to_owned(), store.clone())]);
    let mut scene = Scene::of("store");
    let service = name("store");
    let member = scene.agenda.members.get_mut(&service).expect("it");
    member.belongings.gates.push(claim.clone());
    let mut state = ServiceState::waiting();
    state.standing = Standing::Moving;
    for workload in [store.workload(), live.clone()] {
        let record = Record {
            baseline: Some(Baseline::absent(workload.reference())),
            applied: Some(Applied::from_response(&workload, None)),
            memory: None,
        };
        state.records.insert(workload.reference(), record);
    }
    scene.state.course = Course::Moving;
    scene.state.services.insert(service.clone(), state);
    for seconds in [1.0, 4.0] {
        let now = at(seconds);
        let of_store = snapshot("store", &all, Read::Live, now);
        let of_claim = Snapshot {
            workload: Some(live.clone()),
            pods: Vec::new(),
            ..of_store.clone()
        };
        let seen = Observation {
            now,
            wanted: Wanted::default(),
            snapshots: BTreeMap::from([(
                service.clone(),
                vec![(store.reference(), of_store), (claim.clone(), of_claim)],
            )]),
            prepared: BTreeMap::new(),
            builds: BTreeMap::new(),
            outcomes: Vec::new(),
        };
        scene.state = step(&scene.agenda, scene.state.clone(), &seen).state;
    }
    scene.state.services[&service].standing
}

#[test]
fn a_service_waits_for_a_claim_that_comes_with_it() {
    assert_eq!(with_a_claim("Pending"), Standing::Moving);
    assert_eq!(with_a_claim("Bound"), Standing::Done);
}
