//! Freeze windows: nothing new starts in one, what moves goes on, and somebody may let it go on all the same.

use super::scene::{Scene, play};
use crate::Course;

#[test]
fn a_wave_that_moves_is_finished_and_the_next_one_waits_for_the_end_of_the_window() {
    insta::assert_snapshot!(play("store | cart after store", "
        0s freeze(5,60) +store store=old
        1s freeze(5,60) ok(store) store=old
        5s freeze(5,60) store=new
        7s freeze(5,60) store=new +cart cart=old ?
        30s freeze(5,60) store=new +cart cart=old ?
        60s freeze(5,60) store=new +cart cart=old
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s store Moving; !Waits store StaleRead
    5s !Frozen: nothing new starts before 2026-11-24T12:01:00Z: night; `tidegate force … freeze --reason …` lets it go on all the same; !Waits store Done
    7s store Done; !ServiceDone store 7s; !WaveDone 1 7s; ? wake 12s
    30s ? wake 60s
    60s cart Starting; apply cart (Service@7, Deployment@7 own stamp); !Thawed: the freeze window is over; it goes on; !ServiceStarted cart; !WaveStarted 2 cart
    ");
}

#[test]
fn a_wave_that_has_begun_is_finished_with_all_of_its_services() {
    insta::assert_snapshot!(play("store | mail | parallel 1", "
        0s +mail +store store=old mail=old
        5s freeze(5,60) ok(mail) +store store=old mail=new
        8s freeze(5,60) +store store=old mail=new
    "), @r"
    0s mail Starting; apply mail (Service@7, Deployment@7 own stamp); !ServiceStarted mail; !WaveStarted 1 mail,store
    5s mail Moving; !Waits mail Done
    8s mail Done; store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceDone mail 8s; !ServiceStarted store
    ");
}

#[test]
fn with_advance_service_nothing_more_starts_in_a_window() {
    insta::assert_snapshot!(play("store | mail | parallel 1 | advance", "
        0s +mail +store store=old mail=old
        5s freeze(5,60) ok(mail) +store store=old mail=new
        8s freeze(5,60) +store store=old mail=new
        60s freeze(5,60) +store store=old
    "), @r"
    0s mail Starting; apply mail (Service@7, Deployment@7 own stamp); !ServiceStarted mail; !WaveStarted 1 mail,store
    5s mail Moving; !Frozen: nothing new starts before 2026-11-24T12:01:00Z: night; `tidegate force … freeze --reason …` lets it go on all the same; !Waits mail Done
    8s mail Done; !ServiceDone mail 8s
    60s store Starting; apply store (Service@7, Deployment@7 own stamp); !Thawed: the freeze window is over; it goes on; !ServiceStarted store
    ");
}

#[test]
fn a_release_that_has_not_begun_writes_nothing_in_a_window_and_is_not_planned() {
    insta::assert_snapshot!(play("shared | store", "
        0s freeze(0,60) +shared +store store=old ?
        60s freeze(0,60) +shared +store store=old
    "), @r"
    0s !Frozen: nothing new starts before 2026-11-24T12:01:00Z: night; `tidegate force … freeze --reason …` lets it go on all the same; ? wake 60s
    60s apply shared (ConfigMap@7); !Thawed: the freeze window is over; it goes on
    ");
    let mut scene = Scene::of("");
    scene.state.course = Course::Pending;
    scene.state.plan_digest.clear();
    let lines = [
        "0s freeze(0,60) ?",
        "1s freeze(0,60) crash ?",
        "60s freeze(0,60) ?",
    ];
    let told = lines.map(|line| scene.turn(line)).join("\n");
    insta::assert_snapshot!(told, @r"
    0s !Frozen: nothing new starts before 2026-11-24T12:01:00Z: night; `tidegate force … freeze --reason …` lets it go on all the same; ? wake 60s
    1s ? wake 60s
    60s !Thawed: the freeze window is over; it goes on; ? wake 60s
    ");
    assert_eq!(scene.state.course, Course::Pending);
    let mut ended = |line: &str| {
        scene.state.course = Course::Pending;
        scene.turn(line)
    };
    insta::assert_snapshot!(ended("61s freeze(0,90) newer(shop-3)"), @"61s !Superseded: `shop-3` takes its place; nothing more is started; !Frozen: nothing new starts before 2026-11-24T12:01:30Z: night; `tidegate force … freeze --reason …` lets it go on all the same; !Ended Superseded: `shop-3` has taken its place");
    insta::assert_snapshot!(ended("62s freeze(0,90) abort"), @"62s !Ended Aborted: enough");
}

#[test]
fn somebody_lets_it_go_on_in_a_window_and_who_and_why_is_kept() {
    let mut scene = Scene::of("store");
    let lines = [
        "0s freeze(0,60) +store store=old",
        "1s freeze(0,60) force(freeze/all) +store store=old",
        "2s freeze(0,60) force(freeze/all) crash ok(store) store=new",
    ];
    let told = lines.map(|line| scene.turn(line)).join("\n");
    insta::assert_snapshot!(told, @r"
    0s !Frozen: nothing new starts before 2026-11-24T12:01:00Z: night; `tidegate force … freeze --reason …` lets it go on all the same
    1s store Starting; apply store (Service@7, Deployment@7 own stamp); !Thawed: it goes on in freeze windows by the word of ann: so it is; !ServiceStarted store; !WaveStarted 1 store
    2s store Moving; !Waits store Done
    ");
    let word = scene.state.thawed.as_ref().expect("a word");
    assert_eq!(
        (word.by.as_str(), word.reason.as_deref()),
        ("ann", Some("so it is"))
    );
}

#[test]
fn a_release_of_which_everything_has_begun_says_nothing_of_windows() {
    insta::assert_snapshot!(play("store", "
        0s +store store=old
        5s freeze(5,60) ok(store) store=new
        8s freeze(5,60) store=new
        9s freeze(5,60) ok(publish)
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    5s store Moving; !Waits store Done
    8s store Done; publish; !ServiceDone store 8s; !WaveDone 1 8s
    9s !Ended Succeeded: every service is done
    ");
}
