//! What people say beside pausing: that a service is tried again, that its gate counts as open; and what the plan asks them.

use super::scene::{Scene, name, play};

#[test]
fn a_service_that_has_failed_is_tried_again_as_often_as_somebody_says_so() {
    insta::assert_snapshot!(play("continue | store | web after store | db", "
        0s +store store=old +db db=old
        1s refused(store) ok(db) db=mid
        2s retry(store) +store store=old db=mid
        3s retry(store) refused(store) db=mid
        4s retry(store) retry(store) crash db=mid
        5s retry(store) retry(store) +store store=old db=mid
    "), @r"
    0s db Starting; store Starting; apply db (Service@7, Deployment@7 own stamp); apply store (Service@7, Deployment@7 own stamp); !ServiceStarted db; !WaveStarted 1 db,store; !ServiceStarted store
    1s db Moving; store Failed; !ServiceFailed store ApplyRefused: Deployment/shop/store: may not be written (an act that the plan's account may not do); !Waits db Updating
    2s store Starting; apply store (Service@7, Deployment@7 own stamp); !Retried: store is tried again by the word of ann: so it is; !ServiceStarted store
    3s store Failed; !ServiceFailed store ApplyRefused: Deployment/shop/store: may not be written (an act that the plan's account may not do)
    4s store Waiting; !Retried: store is tried again by the word of ann: so it is
    5s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store
    ");
}

#[test]
fn a_word_that_comes_too_early_is_not_kept_for_a_failure_that_comes_later() {
    insta::assert_snapshot!(play("continue | store | db", "
        0s retry(store) +store store=old +db db=old
        1s retry(store) refused(store) ok(db) db=mid
    "), @r"
    0s db Starting; store Starting; apply db (Service@7, Deployment@7 own stamp); apply store (Service@7, Deployment@7 own stamp); !ServiceStarted db; !WaveStarted 1 db,store; !ServiceStarted store
    1s db Moving; store Failed; !ServiceFailed store ApplyRefused: Deployment/shop/store: may not be written (an act that the plan's account may not do); !Waits db Updating
    ");
}

#[test]
fn a_gate_that_is_forced_lets_what_comes_after_it_start() {
    insta::assert_snapshot!(play("store | web after store", "
        0s +store store=old
        1s ok(store) store=mid
        2s force(store) store=mid +web web=old
        3s crash force(store) store=mid +web web=old
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s store Moving; !Waits store Updating
    2s store Done; web Starting; apply web (Service@7, Deployment@7 own stamp); !Forced: store counts as done by the word of ann: so it is; !ServiceDone store 2s; !ServiceStarted web; !WaveStarted 2 web; !WaveDone 1 2s
    3s apply web (Service@7, Deployment@7 own stamp)
    ");
}

#[test]
fn a_forced_service_says_so_and_keeps_who_and_why() {
    let mut scene = Scene::of("store | web after store");
    for line in [
        "0s +store store=old",
        "1s ok(store) store=mid",
        "2s force(store) store=mid",
    ] {
        scene.turn(line);
    }
    scene.crash();
    insta::assert_snapshot!(scene.why("store"), @"Forced: its gate counts as open by the word of ann: so it is");
    let forced = scene.state.services[&name("store")].forced.as_ref();
    assert_eq!(forced.expect("a word").by, "ann");
}

#[test]
fn a_service_that_has_not_begun_is_not_forced() {
    insta::assert_snapshot!(play("store | web after store", "
        0s force(web) +store store=old
        1s force(web) ok(store) store=mid
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s store Moving; !Waits store Updating
    ");
}

#[test]
fn the_plan_may_ask_before_a_service_and_before_a_wave() {
    insta::assert_snapshot!(play("ask web | store | web after store", "
        0s +store store=old
        1s ok(store) store=new
        3s store=new +web web=old
        4s crash
        5s approve(web)
        6s approve(web) +web web=old store=new
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s store Moving; !Waits store Done
    3s store Done; !ServiceDone store 3s; !Waits web AwaitingApproval; !WaveDone 1 3s
    4s
    5s !Approved: web was approved by ann
    6s web Starting; apply web (Service@7, Deployment@7 own stamp); !ServiceStarted web; !WaveStarted 2 web
    ");
    insta::assert_snapshot!(play("ask wave/2 | store | web after store | api after store", "
        0s +store store=old
        1s ok(store) store=new
        3s store=new +web web=old
        4s approve(wave/2)
        5s crash approve(wave/2) ?
        6s approve(wave/2) +web web=old +api api=old store=new
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s store Moving; !Waits store Done
    3s store Done; !ServiceDone store 3s; !Waits api AwaitingApproval; !Waits web AwaitingApproval; !WaveDone 1 3s
    4s !Approved: wave/2 was approved by ann
    5s ? live store@5s, look api@5s, look web@5s, wake 5s
    6s api Starting; web Starting; apply api (Service@7, Deployment@7 own stamp); apply web (Service@7, Deployment@7 own stamp); !ServiceStarted api; !WaveStarted 2 api,web; !ServiceStarted web
    ");
}

#[test]
fn what_comes_after_a_service_waits_until_that_has_soaked_also_after_a_crash() {
    insta::assert_snapshot!(play("soak 60 | store | web after store", "
        0.5s +store store=old
        1s ok(store) store=new
        3.5s store=new +web web=old
        4s store=new +web web=old ?
        30s crash +web web=old store=new ?
        63.5s +web web=old store=new
        64s +web web=old store=new
    "), @r"
    0.5s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s store Moving; !Waits store Done
    3.5s store Done; !ServiceDone store 3s 500ms; !WaveDone 1 3s
    4s ? live store@64s, look web@64s, wake 64s
    30s ? live store@64s, look web@64s, wake 64s
    63.5s
    64s web Starting; apply web (Service@7, Deployment@7 own stamp); !ServiceStarted web; !WaveStarted 2 web
    ");
    let mut scene = Scene::of("soak 60 | store | web after store");
    for line in [
        "0s +store store=old",
        "1s ok(store) store=new",
        "3s store=new",
    ] {
        scene.turn(line);
    }
    insta::assert_snapshot!(scene.why("web"), @"Soaks: everything before it is done; it may start at 2026-11-24T12:01:03Z, when that has run for 1m00s");
}

#[test]
fn the_deadline_of_a_wave_ends_the_release_and_wakes_it() {
    insta::assert_snapshot!(play("wave-deadline 60 | store | db | web after store", "
        10s +store store=old +db db=old ?
        11s ok(store) ok(db) store=new db=mid
        13s store=new db=mid
        70s db=mid
    "), @r"
    10s db Starting; store Starting; apply db (Service@7, Deployment@7 own stamp); apply store (Service@7, Deployment@7 own stamp); !ServiceStarted db; !WaveStarted 1 db,store; !ServiceStarted store; ? look db@10s, look store@10s, wake 10s
    11s db Moving; store Moving; !Waits db Updating; !Waits store Done
    13s store Done; !ServiceDone store 3s
    70s !Ended Failed: the deadline of 1m00s for wave 1 has passed; not done: db
    ");
}
