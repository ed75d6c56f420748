//! What becomes of a release in which a service fails: `onFailure`.

use super::scene::{Scene, play};

#[test]
fn by_default_it_ends_and_nothing_more_starts() {
    insta::assert_snapshot!(play("store | web after store | other", "
        0s +store store=old +other other=old
        1s refused(store) ok(other) other=mid
    "), @r"
    0s other Starting; store Starting; apply other (Service@7, Deployment@7 own stamp); apply store (Service@7, Deployment@7 own stamp); !ServiceStarted other; !WaveStarted 1 other,store; !ServiceStarted store
    1s other Moving; store Failed; !ServiceFailed store ApplyRefused: Deployment/shop/store: may not be written (an act that the plan's account may not do); !Waits other Updating; !Ended Failed: store: Deployment/shop/store: may not be written (an act that the plan's account may not do)
    ");
}

#[test]
fn what_does_not_come_after_the_failed_one_goes_on_also_in_later_waves() {
    insta::assert_snapshot!(play("continue | store | web after store | db | api after db", "
        0s +store store=old +db db=old
        1s refused(store) ok(db) db=mid
        5s db=new
        7s db=new +api api=old
        8s ok(api) api=new
        10s api=new
    "), @r"
    0s db Starting; store Starting; apply db (Service@7, Deployment@7 own stamp); apply store (Service@7, Deployment@7 own stamp); !ServiceStarted db; !WaveStarted 1 db,store; !ServiceStarted store
    1s db Moving; store Failed; !ServiceFailed store ApplyRefused: Deployment/shop/store: may not be written (an act that the plan's account may not do); !Waits db Updating
    5s !Waits db Done
    7s api Starting; db Done; apply api (Service@7, Deployment@7 own stamp); !ServiceDone db 7s; !ServiceStarted api; !WaveStarted 2 api,web
    8s api Moving; !Waits api Done
    10s api Done; !ServiceDone api 3s; !Ended Failed: store: Deployment/shop/store: may not be written (an act that the plan's account may not do); not started: web
    ");
}

#[test]
fn it_goes_on_after_a_crash_as_before() {
    insta::assert_snapshot!(play("continue | store | web after store | db | api after db", "
        0s +store store=old +db db=old
        1s refused(store) ok(db) db=mid
        2s crash db=new
        4s db=new +api api=old
        5s crash
        6s +api api=old db=new
        7s ok(api) api=new
        9s api=new
    "), @r"
    0s db Starting; store Starting; apply db (Service@7, Deployment@7 own stamp); apply store (Service@7, Deployment@7 own stamp); !ServiceStarted db; !WaveStarted 1 db,store; !ServiceStarted store
    1s db Moving; store Failed; !ServiceFailed store ApplyRefused: Deployment/shop/store: may not be written (an act that the plan's account may not do); !Waits db Updating
    2s !Waits db Done
    4s api Starting; db Done; apply api (Service@7, Deployment@7 own stamp); !ServiceDone db 4s; !ServiceStarted api; !WaveStarted 2 api,web
    5s
    6s apply api (Service@7, Deployment@7 own stamp)
    7s api Moving; !Waits api Done
    9s api Done; !ServiceDone api 5s; !Ended Failed: store: Deployment/shop/store: may not be written (an act that the plan's account may not do); not started: web
    ");
}

#[test]
fn what_waits_says_what_has_failed() {
    let mut scene = Scene::of("continue | store | web after store | db");
    scene.turn("0s +store store=old +db db=old");
    scene.turn("1s refused(store) ok(db) db=mid");
    insta::assert_snapshot!(scene.why("web"), @"DoesNotStart: does not start: store, which must be done before it, has failed; `tidegate retry … store` tries that again");
}

#[test]
fn it_has_itself_brought_back_and_ends_when_that_is_in_good_hands() {
    insta::assert_snapshot!(play("rollback | store | web after store | db | old delete", "
        0s +store store=old +db db=old +old old=old
        1s refused(store) ok(db) ok(old) db=mid old=ending
        2s lost(rollback) db=mid old=ending
        3s db=mid old=ending
        4s ok(rollback) db=mid old=ending
    "), @r"
    0s db Starting; old Starting; store Starting; apply db (Service@7, Deployment@7 own stamp); remove workloads of old (Deployment); apply store (Service@7, Deployment@7 own stamp); !ServiceStarted db; !WaveStarted 1 db,old,store; !ServiceStarted old; !ServiceStarted store
    1s db Moving; old Removing; store Failed; bring back db,old,store; !ServiceFailed store ApplyRefused: Deployment/shop/store: may not be written (an act that the plan's account may not do); !Waits db Updating; !Waits old OldPods
    2s !WriteRepeated: Deployment/shop/rollback: no answer; trying again
    3s bring back db,old,store
    4s !Ended Failed: store: Deployment/shop/store: may not be written (an act that the plan's account may not do); a release that brings it back follows
    ");
}

#[test]
fn a_crash_before_the_answer_asks_for_the_same_once_more() {
    insta::assert_snapshot!(play("rollback | store", "
        0s +store store=old
        1s refused(store)
        2s crash
        3s refused(rollback)
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s store Failed; bring back store; !ServiceFailed store ApplyRefused: Deployment/shop/store: may not be written (an act that the plan's account may not do)
    2s bring back store
    3s !Ended Failed: store: Deployment/shop/store: may not be written (an act that the plan's account may not do); it is not brought back: Deployment/shop/rollback: may not be written
    ");
}
