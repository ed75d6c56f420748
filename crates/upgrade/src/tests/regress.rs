//! A service that was done and is not any more while what comes after it moves.

use super::scene::{Scene, at, play};
use crate::status;

/// The server is done and its client moves.
const MOVING: &str = "
    0s +store store=old
    1s ok(store) store=new
    3s store=new +web web=old
    4s ok(web) web=mid store~new
";

fn after(system: &str, script: &str) -> String {
    let told = play(system, &format!("{MOVING}{script}"));
    told.lines().skip(4).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_server_that_falls_back_while_its_client_moves_is_told_once_and_so_is_its_recovery() {
    insta::assert_snapshot!(after("store | web after store", "
        5s web=mid store~undone ?
        5.5s web=mid store=undone ?
        6s web=mid store=undone ?
        8s web=mid store~new ?
        9s web=mid store=new ?
        10s web=mid store=undone
        11s web=mid store=new
        12s web=mid store=new
        13s web=mid store=new
    "), @r"
    5s ? live store@5s, wake 5s
    5.5s !InvariantBroken store: store was done and is not any more, while web moves: Deployment store: the pod template was changed after our apply; ? wake 6s
    6s ? live store@6s, wake 6s
    8s ? live store@8s, wake 8s
    9s ? live store@11s, wake 11s
    10s
    11s
    12s
    13s !Recovered store: store is done again
    ");
}

#[test]
fn a_look_at_a_cache_raises_no_alarm() {
    insta::assert_snapshot!(after("store | web after store", "
        5s web=mid store~undone ?
        5.5s web=mid store=new
    "), @r"
    5s ? live store@5s, wake 5s
    5.5s
    ");
}

#[test]
fn a_server_that_is_deleted_raises_the_alarm_though_no_old_pod_is_left() {
    insta::assert_snapshot!(after("store | web after store", "
        5s web=mid store=gone
    "), @"5s !InvariantBroken store: store was done and is not any more, while web moves: Deployment store: it was deleted after the apply");
}

#[test]
fn a_server_whose_next_step_has_begun_is_that_steps_to_look_after() {
    let system =
        "advance | orders/expand | orders/flip after orders/expand | web after orders/expand";
    let told = play(
        system,
        "
        0s +orders/expand orders/expand=old
        1s ok(orders/expand) orders/expand=new
        4s orders/expand=new +orders/flip orders/flip=old +web web=old
        5s ok(orders/flip) ok(web) orders/flip=mid orders/expand=undone web=mid
    ",
    );
    let last = told.lines().last();
    insta::assert_snapshot!(last.unwrap_or_default(), @"5s orders/flip Moving; web Moving; !Waits orders/flip Updating; !Waits web Updating");
}

#[test]
fn where_the_plan_says_so_the_client_is_paused_and_goes_on_afterwards() {
    insta::assert_snapshot!(after("store | web after store | pauses", "
        5s web=mid store=drain
        6s ok(web) web=mid store=drain
        7s web=mid store=drain
        8s web=mid store=new
        10s web=mid store=new
        11s lost(web) web=mid store=new
        12s web=mid store~new ?
        13s web=mid store=new
        14s ok(web) web=new store=new
        16s web=new store=new
    "), @r"
    5s pause web (Deployment); !InvariantBroken store: store was done and is not any more, while web moves: Deployment store: 1 old pod still alive: store-0-2 (Terminating, gone by 13:00:00Z)
    6s !Waits web Regressed
    7s
    8s
    10s let go on web (Deployment); !Recovered store: store is done again
    11s !Waits web Updating; !WriteRepeated: web: Deployment/shop/web: no answer; trying again
    12s ? live store@12s, wake 12s
    13s let go on web (Deployment)
    14s !Waits web Done
    16s web Done; publish; !ServiceDone web 13s; !WaveDone 2 13s
    ");
}

#[test]
fn a_client_that_is_done_while_it_is_paused_is_let_go_on_before_the_release_ends() {
    insta::assert_snapshot!(after("store | web after store | pauses", "
        5s web=mid store=drain
        6s ok(web) web=new store=drain
        8s web=new store=drain
        9s
        10s ok(web)
    "), @r"
    5s pause web (Deployment); !InvariantBroken store: store was done and is not any more, while web moves: Deployment store: 1 old pod still alive: store-0-2 (Terminating, gone by 13:00:00Z)
    6s !Waits web Regressed
    8s web Done; let go on web (Deployment); !ServiceDone web 5s; !WaveDone 2 5s
    9s let go on web (Deployment)
    10s publish
    ");
}

#[test]
fn a_pause_that_nobody_knows_of_is_made_again_after_a_restart() {
    insta::assert_snapshot!(after("store | web after store | pauses", "
        5s web=mid store=drain
        6s crash web=mid store=drain
        7s ok(web) web=mid store=drain
        8s web=mid store=new
        9s crash web=mid store=new
        11s ok(web) web=mid store=new
        12s ok(web) web=mid store=new
    "), @r"
    5s pause web (Deployment); !InvariantBroken store: store was done and is not any more, while web moves: Deployment store: 1 old pod still alive: store-0-2 (Terminating, gone by 13:00:00Z)
    6s pause web (Deployment); !Waits web Regressed
    7s
    8s
    9s pause web (Deployment)
    11s let go on web (Deployment); !Recovered store: store is done again
    12s !Waits web Updating
    ");
}

#[test]
fn a_pause_that_is_refused_is_told_and_not_tried_for_ever() {
    insta::assert_snapshot!(after("store | web after store | pauses", "
        5s web=mid store=drain
        6s refused(web) web=mid store=drain
        8s web=mid store=drain
        9s web=mid store=new
        10s refused(web) web=mid store=new
        12s web=mid store=new
    "), @r"
    5s pause web (Deployment); !InvariantBroken store: store was done and is not any more, while web moves: Deployment store: 1 old pod still alive: store-0-2 (Terminating, gone by 13:00:00Z)
    6s !Waits web Regressed; !WriteRepeated: web can be neither paused nor let go on: Deployment/shop/web: may not be written (an act that the plan's account may not do)
    8s !Waits web Updating
    9s
    10s !WriteRepeated: web can be neither paused nor let go on: Deployment/shop/web: may not be written (an act that the plan's account may not do)
    12s !Recovered store: store is done again
    ");
}

#[test]
fn a_server_whose_gate_somebody_forces_holds_nobody() {
    insta::assert_snapshot!(after("store | web after store | pauses", "
        5s web=mid store=drain
        6s ok(web) web=mid store=drain force(store)
        7s web=mid
    "), @r"
    5s pause web (Deployment); !InvariantBroken store: store was done and is not any more, while web moves: Deployment store: 1 old pod still alive: store-0-2 (Terminating, gone by 13:00:00Z)
    6s let go on web (Deployment); !Forced: store counts as done by the word of ann: so it is
    7s let go on web (Deployment)
    ");
}

/// The condition that tells of the release.
fn alarm(scene: &Scene) -> String {
    let status = status::to_status(&scene.agenda, &scene.state, 1, &[], at(9.0));
    let mut conditions = status.conditions.into_iter();
    let found = conditions.find(|condition| condition.type_ == "InvariantBroken");
    found.map_or_else(String::new, |it| {
        format!("{} {}: {}", it.status, it.reason, it.message)
    })
}

#[test]
fn a_paused_client_and_the_release_say_for_whom() {
    let mut scene = Scene::of("store | web after store | pauses");
    let lines = MOVING.lines().map(str::trim).filter(|it| !it.is_empty());
    for line in lines.chain(["5s web=mid store=undone", "6s ok(web) web=mid store=undone"]) {
        scene.turn(line);
    }
    insta::assert_snapshot!(scene.why("web"), @"Regressed: paused, since store was done and is not any more: Deployment store: the pod template was changed after our apply; it goes on when that is done again");
    insta::assert_snapshot!(scene.why("store"), @"Regressed: it was done and is not any more: Deployment store: the pod template was changed after our apply");
    insta::assert_snapshot!(alarm(&scene), @"True Regressed: store was done and is not any more: Deployment store: the pod template was changed after our apply");
    scene.crash();
    insta::assert_snapshot!(scene.why("web"), @"Regressed: paused, since store was done and is not any more: Deployment store: the pod template was changed after our apply; it goes on when that is done again");
}
