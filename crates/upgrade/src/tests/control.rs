//! Pause, abort, deadlines, the ends of a release, and how often progress is handed on.

use super::scene::{Scene, name, play};
use crate::{Course, Ending};

#[test]
fn a_pause_holds_starts_but_not_gates() {
    insta::assert_snapshot!(play("store | web after store", "
        0s +store store=old
        1s pause ok(store) store=mid
        2s pause store=new
        4s pause store=new +web web=old
        5s pause store=new +web web=old ?
        6s store=new +web web=old
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s store Moving; !Paused; !Waits store Updating
    2s !Waits store Done
    4s store Done; !ServiceDone store 4s; !WaveDone 1 4s
    5s ?
    6s web Starting; apply web (Service@7, Deployment@7 own stamp); !Resumed; !ServiceStarted web; !WaveStarted 2 web
    ");
}

#[test]
fn what_a_start_rests_on_is_looked_at_once_more_after_a_pause() {
    insta::assert_snapshot!(play("store | web after store", "
        0s +store store=old
        1s ok(store) store=new
        3s pause store=new
        4s pause +web web=old
        5s +web web=old ?
        6s +web web=old store~new ?
        7s +web web=old store=drain
        9s +web web=old store=new
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s store Moving; !Waits store Done
    3s store Done; !Paused; !ServiceDone store 3s; !WaveDone 1 3s
    4s
    5s !Resumed; ? live store@5s, look web@5s, wake 5s
    6s ? live store@6s, look web@6s, wake 6s
    7s !Regressed store: web is held: store was done and is not any more: Deployment store: 1 old pod still alive: store-0-2 (Terminating, gone by 13:00:00Z)
    9s web Starting; apply web (Service@7, Deployment@7 own stamp); !ServiceStarted web; !WaveStarted 2 web
    ");
}

#[test]
fn a_pause_holds_what_belongs_to_nobody_too() {
    insta::assert_snapshot!(play("store | shared", "
        0s pause +shared ?
        1s +shared
    "), @r"
    0s !Paused; ?
    1s apply shared (ConfigMap@7); !Resumed
    ");
}

#[test]
fn a_pause_does_not_hold_a_write_that_was_decided() {
    insta::assert_snapshot!(play("store", "
        0s +store store=old
        1s pause lost(store) +store store=old
        2s pause +store store=old
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s !Paused; !WriteRepeated: store: Deployment/shop/store: no answer; trying again
    2s apply store (Service@7, Deployment@7 own stamp)
    ");
}

#[test]
fn an_abort_ends_at_once_and_writes_nothing() {
    insta::assert_snapshot!(play("store | web", "
        0s +store store=old
        1s abort ok(store) store=new +web web=old
        2s +web web=old
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store,web
    1s !Ended Aborted: enough
    2s
    ");
    insta::assert_snapshot!(play("store | shared", "0s abort +shared"), @"0s !Ended Aborted: enough");
    insta::assert_snapshot!(play("store", "0s abort pause +store store=old"), @"0s !Ended Aborted: enough");
}

#[test]
fn the_deadline_of_the_release_ends_it_and_wakes_it() {
    insta::assert_snapshot!(play("store | web after store | release-deadline 60", "
        0s +store store=old
        59s ok(store) store=mid ?
        60s store=mid
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    59s store Moving; !Waits store Updating; ? wake 60s
    60s !Ended Failed: the release's deadline of 1m00s has passed; not done: store, web
    ");
}

#[test]
fn the_deadline_of_the_release_counts_before_the_first_wave_and_in_a_pause() {
    insta::assert_snapshot!(play("store | shared | release-deadline 60", "
        0s +shared ?
        50s lost(shared) +shared ?
        60s +shared
    "), @r"
    0s apply shared (ConfigMap@7); ? look shared, wake 60s
    50s !WriteRepeated: Deployment/shop/shared: no answer; trying again; ? wake 51s
    60s !Ended Failed: the release's deadline of 1m00s has passed; not done: store
    ");
    insta::assert_snapshot!(play("store | shared | release-deadline 60", "
        0s pause ?
        60s pause
    "), @r"
    0s !Paused; ? wake 60s
    60s !Ended Failed: the release's deadline of 1m00s has passed; not done: store
    ");
    insta::assert_snapshot!(play("store | release-deadline 60", "
        0s pause ?
        60s pause
    "), @r"
    0s !Paused; ? wake 60s
    60s !Ended Failed: the release's deadline of 1m00s has passed; not done: store
    ");
}

#[test]
fn what_belongs_to_nobody_comes_first() {
    insta::assert_snapshot!(play("store | shared", "
        0s +store store=old ?
        1s +shared +store store=old
        2s lost(shared) +shared +store store=old ?
        3s +shared +store store=old
        4s ok(shared) +store store=old
    "), @r"
    0s ? look shared, wake 0s
    1s apply shared (ConfigMap@7)
    2s !WriteRepeated: Deployment/shop/shared: no answer; trying again; ? wake 3s
    3s apply shared (ConfigMap@7)
    4s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    ");
}

#[test]
fn what_belongs_to_nobody_and_is_refused_fails_the_release() {
    insta::assert_snapshot!(play("store | shared", "
        0s +shared
        1s refused(shared) +store store=old
    "), @r"
    0s apply shared (ConfigMap@7)
    1s !Ended Failed: Deployment/shop/shared: may not be written
    ");
}

#[test]
fn what_belongs_to_nobody_is_looked_at_again_after_it_moved() {
    insta::assert_snapshot!(play("store | shared", "
        0s +shared:7
        0.01s moved(shared) +shared:7 ?
        0.11s +shared:8
    "), @r"
    0s apply shared (ConfigMap@7)
    0.01s ? wake 0.11s
    0.11s apply shared (ConfigMap@8)
    ");
}

#[test]
fn a_workload_that_was_not_to_move_and_would_has_the_plan_made_anew() {
    insta::assert_snapshot!(play("store | shared", "
        0s pause
        1s +shared:starts ?
    "), @r"
    0s !Paused
    1s !Resumed; !PlannedAnew: ConfigMap/shop/shared was changed after the plan was made; planning anew; ? look shared, wake 2s
    ");
}

#[test]
fn a_write_that_is_never_made_fails_in_the_end() {
    let again = |second: u32| format!("\n{second}s lost(shared) +shared");
    let tries: String = (1..=5).map(again).collect();
    let shared = play("shared | deadline 3s", &format!("0s +shared{tries}"));
    insta::assert_snapshot!(shared, @r"
    0s apply shared (ConfigMap@7)
    1s !WriteRepeated: Deployment/shop/shared: no answer; trying again
    2s
    3s
    4s
    5s !Ended Failed: Deployment/shop/shared: no answer; trying again
    ");
    let store = play(
        "store | deadline 2s",
        "
        0s +store store=old
        1s lost(store) +store store=old
        2s lost(store) +store store=old
        3s lost(store) +store store=old
        4s lost(store) +store store=old
    ",
    );
    insta::assert_snapshot!(store, @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s !WriteRepeated: store: Deployment/shop/store: no answer; trying again
    2s
    3s
    4s store Failed; !ServiceFailed store WriteRepeated: Deployment/shop/store: no answer; trying again; !Ended Failed: store: Deployment/shop/store: no answer; trying again
    ");
}

#[test]
fn nothing_to_move_is_published_and_succeeds() {
    insta::assert_snapshot!(play("", "
        0s ?
        1s ok(publish)
        2s
    "), @r"
    0s publish; ?
    1s !Ended Succeeded: every service is done
    2s
    ");
    insta::assert_snapshot!(play("shared", "
        0s +shared
        1s ok(shared)
        2s ok(publish)
    "), @r"
    0s apply shared (ConfigMap@7)
    1s publish
    2s !Ended Succeeded: every service is done
    ");
}

#[test]
fn a_graph_that_could_not_be_published_does_not_fail_the_release() {
    insta::assert_snapshot!(play("", "
        0s
        1s refused(publish)
    "), @r"
    0s publish
    1s !NotPublished: Deployment/shop/publish: may not be written; !Ended Succeeded: every service is done
    ");
    insta::assert_snapshot!(play("", "
        0s
        1s lost(publish) ?
        1.5s ?
        2s
        3s ok(publish)
    "), @r"
    0s publish
    1s !WriteRepeated: Deployment/shop/publish: no answer; trying again; ? wake 2s
    1.5s ? wake 2s
    2s publish
    3s !Ended Succeeded: every service is done
    ");
}

#[test]
fn an_ended_release_never_does_anything_more() {
    let mut scene = Scene::of("store");
    scene.turn("0s abort");
    assert_eq!(
        scene.state.course,
        Course::Ended(Ending::Aborted {
            message: "enough".to_owned()
        })
    );
    let ended = scene.state.clone();
    for line in ["1s +store store=old", "2s pause", "3s abort", "4s ?"] {
        let told = scene.turn(line);
        assert!(told.ends_with('s') || told.ends_with('?'), "{told}");
        assert!(scene.state.same_when_saved(&ended), "{told}");
    }
}

/// How many of the looks would be saved.
fn saves(scene: &mut Scene, looks: &[&str]) -> Vec<bool> {
    looks
        .iter()
        .map(|line| {
            let before = scene.state.clone();
            scene.turn(line);
            !scene.state.same_when_saved(&before)
        })
        .collect()
}

#[test]
fn progress_alone_is_handed_on_at_most_once_a_second() {
    let mut scene = Scene::of("store");
    scene.turn("0s +store store=old");
    scene.turn("1s ok(store) store=unseen");
    let looks = [
        "1.1s store~mid",
        "1.5s store~drain",
        "1.9s store~mid",
        "2s store~mid",
        "2.1s store~mid",
    ];
    assert_eq!(
        saves(&mut scene, &looks),
        [false, false, false, true, false]
    );
    let progress = &scene.state.services[&name("store")].progress;
    assert_eq!(
        (progress.new_ready, progress.new_wanted, progress.old_alive),
        (1, 2, 1)
    );
    // It asks to be woken for what it kept back.
    assert_eq!(
        scene.turn("2.2s store~drain ?"),
        "2.2s !Waits store OldPods; ? wake 3s"
    );
}

#[test]
fn progress_goes_along_with_what_is_saved_anyway() {
    let mut scene = Scene::of("mail | store");
    scene.turn("0s +store store=old +mail mail=old");
    scene.turn("1s ok(store) store=unseen");
    assert_eq!(
        saves(
            &mut scene,
            &["1.1s store~mid", "1.2s ok(mail) store~mid mail~unseen"]
        ),
        [false, true]
    );
    assert_eq!(
        scene.state.services[&name("store")].progress.reason,
        "Updating"
    );
}

#[test]
fn records_are_dropped_when_nothing_waits_for_the_service_any_more() {
    let mut scene = Scene::of("store | web after store | mail after store | parallel 1");
    let kept = |scene: &Scene| -> Vec<String> {
        let services = scene.state.services.iter();
        let with = services.filter(|(_, service)| !service.records.is_empty());
        with.map(|(name, _)| name.to_string()).collect()
    };
    scene.turn("0s +store store=old");
    scene.turn("1s ok(store) store=new");
    scene.turn("3s store=new");
    assert_eq!(kept(&scene), ["store"], "mail and web wait for it");
    scene.turn("4s store=new +mail mail=old");
    scene.turn("5s ok(mail) mail=new");
    assert_eq!(kept(&scene), ["mail", "store"], "web waits for it");
    scene.turn("7s mail=new store=new");
    assert_eq!(
        kept(&scene),
        ["store"],
        "mail is done, and nobody waits for that"
    );
    scene.turn("8s store=new +web web=old");
    assert_eq!(
        kept(&scene),
        ["store", "web"],
        "the write of web may come again"
    );
    scene.turn("9s ok(web) web=mid");
    assert_eq!(
        kept(&scene),
        ["store", "web"],
        "it must stay done while web moves"
    );
    scene.turn("10s web=new");
    scene.turn("12s web=new");
    assert_eq!(kept(&scene), Vec::<String>::new());
    assert_eq!(scene.state.fleeting.memory.len(), 0);
}
