//! Services that go away: workloads first, the rest when their pods are gone.

use super::scene::{Scene, play};

#[test]
fn a_service_goes_away_in_two_steps_and_its_workloads_first() {
    insta::assert_snapshot!(play("web | old delete after web", "
        0s +web web=old
        1s ok(web) web=new
        3s web=new +old old=old
        4s ok(old) old=ending
        5s old=gone
        7s old=gone
        8s lost(old) ?
        9s
        10s ok(old)
    "), @r"
    0s web Starting; apply web (Service@7, Deployment@7 own stamp); !ServiceStarted web; !WaveStarted 1 web
    1s web Moving; !Waits web Done
    3s old Starting; web Done; remove workloads of old (Deployment); !ServiceDone web 3s; !ServiceStarted old; !WaveStarted 2 old; !WaveDone 1 3s
    4s old Removing; !Waits old OldPods
    5s !Waits old Done
    7s old Clearing; remove rest of old (Service ConfigMap)
    8s !WriteRepeated: old: Deployment/shop/old: no answer; trying again; ? wake 9s
    9s remove rest of old (Service ConfigMap)
    10s old Done; publish; !ServiceDone old 7s; !WaveDone 2 7s
    ");
}

#[test]
fn an_old_pod_that_still_ends_keeps_the_rest_in_place() {
    insta::assert_snapshot!(play("old delete", "
        0s +old old=old
        1s ok(old) old=ending
        30s old=ending
        60s old=ending
    "), @r"
    0s old Starting; remove workloads of old (Deployment); !ServiceStarted old; !WaveStarted 1 old
    1s old Removing; !Waits old OldPods
    30s
    60s
    ");
}

#[test]
fn a_cached_look_does_not_clear_and_asks_for_a_live_one() {
    insta::assert_snapshot!(play("old delete", "
        0s +old old=old
        1s ok(old) old=ending
        2s old~gone ?
        2.5s old~gone ?
        3s old~ending ?
        4s old=gone
        5s old~gone ?
        6s old=gone
    "), @r"
    0s old Starting; remove workloads of old (Deployment); !ServiceStarted old; !WaveStarted 1 old
    1s old Removing; !Waits old OldPods
    2s !Waits old Done; ? live old@2s, wake 2s
    2.5s ? live old@2.5s, wake 2.5s
    3s !Waits old OldPods; ? wake 8s
    4s !Waits old Done
    5s ? live old@6s, wake 6s
    6s old Clearing; remove rest of old (Service ConfigMap)
    ");
    // After a crash nobody remembers that it was there.
    insta::assert_snapshot!(play("old delete", "
        0s +old old=old
        1s ok(old) old=ending
        2s crash old~gone ?
        3s old=gone
        5s old=gone
    "), @r"
    0s old Starting; remove workloads of old (Deployment); !ServiceStarted old; !WaveStarted 1 old
    1s old Removing; !Waits old OldPods
    2s !Waits old Done; ? live old@2s, wake 2s
    3s
    5s old Clearing; remove rest of old (Service ConfigMap)
    ");
}

#[test]
fn a_crash_at_any_step_of_a_removal_repeats_that_step() {
    insta::assert_snapshot!(play("old delete", "
        0s +old old=old
        1s crash old=old +old
        2s ok(old) old=ending
        3s crash old=gone
        5s old=gone
        6s crash
        7s ok(old)
    "), @r"
    0s old Starting; remove workloads of old (Deployment); !ServiceStarted old; !WaveStarted 1 old
    1s remove workloads of old (Deployment)
    2s old Removing; !Waits old OldPods
    3s !Waits old Done
    5s old Clearing; remove rest of old (Service ConfigMap)
    6s remove rest of old (Service ConfigMap)
    7s old Done; publish; !ServiceDone old 7s; !WaveDone 1 7s
    ");
}

#[test]
fn a_refused_removal_fails_the_release() {
    insta::assert_snapshot!(play("old delete", "
        0s +old old=old
        1s refused(old) old=old
    "), @r"
    0s old Starting; remove workloads of old (Deployment); !ServiceStarted old; !WaveStarted 1 old
    1s old Failed; !ServiceFailed old ApplyRefused: Deployment/shop/old: may not be written (an act that the plan's account may not do); !Ended Failed: old: Deployment/shop/old: may not be written (an act that the plan's account may not do)
    ");
}

#[test]
fn what_has_no_workload_any_more_is_cleared_at_once() {
    // Another service has taken its Deployment over: only the rest is left.
    let mut scene = Scene::of("old delete");
    scene.without_workloads("old");
    insta::assert_snapshot!(scene.turn("0s +old ?"), @"0s old Clearing; remove rest of old (Service ConfigMap); !ServiceStarted old; !WaveStarted 1 old; ? look old@0s, wake 0s");
    insta::assert_snapshot!(scene.turn("1s ok(old)"), @"1s old Done; publish; !ServiceDone old 1s; !WaveDone 1 1s");
}

#[test]
fn a_workload_that_a_service_drops_goes_when_the_new_ones_are_complete_and_before_anyone_behind_starts()
 {
    insta::assert_snapshot!(play("store drops | web after store", "
        0s +store store=old store/old=old
        1s ok(store) store=mid store/old=old
        2s store=new store/old=old
        4s store=new store/old=old
        5s ok(store) store=new store/old=ending
        6s store=new store/old=gone
        8s store=new store/old=gone web=old +web
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s store Moving; !Waits store Updating
    2s !Waits store Done
    4s store Retiring; remove workloads of store (Deployment)
    5s store Removing; !Waits store OldPods
    6s !Waits store Done
    8s store Done; web Starting; apply web (Service@7, Deployment@7 own stamp); !ServiceDone store 8s; !ServiceStarted web; !WaveStarted 2 web; !WaveDone 1 8s
    ");
}

#[test]
fn a_crash_at_any_step_of_dropping_a_workload_repeats_that_step() {
    insta::assert_snapshot!(play("store drops", "
        0s +store store=old store/old=old
        1s ok(store) store=new store/old=old
        3s store=new store/old=old
        4s crash store=new store/old=old
        5s ok(store) store=new store/old=ending
        6s crash store=new store/old=ending
        7s store=new store/old=gone
        9s store=new store/old=gone
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s store Moving; !Waits store Done
    3s store Retiring; remove workloads of store (Deployment)
    4s remove workloads of store (Deployment)
    5s store Removing; !Waits store OldPods
    6s
    7s !Waits store Done
    9s store Done; publish; !ServiceDone store 9s; !WaveDone 1 9s
    ");
}

#[test]
fn a_dropped_workload_stays_while_the_new_one_is_undone() {
    insta::assert_snapshot!(play("store drops", "
        0s +store store=old store/old=old
        1s ok(store) store=new store/old=old
        3s store=new store/old=old
        4s crash store=undone store/old=old
        5s store=undone store/old=old
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s store Moving; !Waits store Done
    3s store Retiring; remove workloads of store (Deployment)
    4s store Moving
    5s store Failed; !Waits store Superseded; !ServiceFailed store Superseded: Deployment store: the pod template was changed after our apply; !Ended Failed: store: Deployment store: the pod template was changed after our apply
    ");
}

#[test]
fn a_dropped_workload_that_comes_back_holds_whoever_comes_after() {
    insta::assert_snapshot!(play("store drops | web after store", "
        0s +store store=old store/old=old
        1s ok(store) store=new store/old=old
        3s store=new store/old=old
        4s ok(store) store=new store/old=gone
        6s store=new store/old=gone
        7s store=new store/old=old web=old +web
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s store Moving; !Waits store Done
    3s store Retiring; remove workloads of store (Deployment)
    4s store Removing
    6s store Done; !ServiceDone store 6s; !WaveDone 1 6s
    7s !Regressed store: web is held: store was done and is not any more: Deployment store-old: being deleted
    ");
}

#[test]
fn what_nobody_has_any_more_goes_last_and_its_refusal_fails_nothing() {
    insta::assert_snapshot!(play("store | leftover", "
        0s +store store=old
        1s ok(store) store=new
        3s store=new
        4s lost(leftover)
        5s crash store=new
        6s ok(leftover)
        7s ok(publish)
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s store Moving; !Waits store Done
    3s store Done; remove leftover (ConfigMap); !ServiceDone store 3s; !WaveDone 1 3s
    4s !WriteRepeated: Deployment/shop/leftover: no answer; trying again
    5s remove leftover (ConfigMap)
    6s publish
    7s !Ended Succeeded: every service is done
    ");
    insta::assert_snapshot!(play("leftover", "
        0s
        1s refused(leftover)
        2s ok(publish)
    "), @r"
    0s remove leftover (ConfigMap)
    1s publish; !NotRemoved: Deployment/shop/leftover: may not be written
    2s !Ended Succeeded: every service is done
    ");
}

#[test]
fn who_waits_for_a_removed_service_needs_no_look_at_it() {
    insta::assert_snapshot!(play("old delete | web after old", "
        0s +old old=old
        1s ok(old) old=gone
        3s old=gone
        4s ok(old) +web web=old
    "), @r"
    0s old Starting; remove workloads of old (Deployment); !ServiceStarted old; !WaveStarted 1 old
    1s old Removing; !Waits old Done
    3s old Clearing; remove rest of old (Service ConfigMap)
    4s old Done; web Starting; apply web (Service@7, Deployment@7 own stamp); !ServiceDone old 4s; !ServiceStarted web; !WaveStarted 2 web; !WaveDone 1 4s
    ");
}
