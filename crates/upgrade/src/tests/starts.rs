//! When a service starts, and when it is held.

use super::scene::{Scene, play};

#[test]
fn a_wave_starts_only_when_all_of_the_one_before_is_done() {
    // `web` calls only `store`, but `mail` is in the same wave as `store`.
    insta::assert_snapshot!(play("store | mail | web after store", "
        0s +store +mail +web store=old mail=old
        1s ok(store) ok(mail) store=new mail=mid
        3s store=new mail=mid web=old +web
        4s store=new mail=new web=old +web
        6s store=new mail=new web=old +web
    "), @r"
    0s mail Starting; store Starting; apply mail (Service@7, Deployment@7 own stamp); apply store (Service@7, Deployment@7 own stamp); !ServiceStarted mail; !WaveStarted 1 mail,store; !ServiceStarted store
    1s mail Moving; store Moving; !Waits mail Updating; !Waits store Done
    3s store Done; !ServiceDone store 3s
    4s !Waits mail Done
    6s mail Done; web Starting; apply web (Service@7, Deployment@7 own stamp); !ServiceDone mail 6s; !ServiceStarted web; !WaveStarted 2 web; !WaveDone 1 6s
    ");
}

#[test]
fn with_advance_service_each_starts_on_its_own_precedences() {
    insta::assert_snapshot!(play("store | mail | web after store | advance service", "
        0s +store +mail +web store=old mail=old
        1s ok(store) ok(mail) store=new mail=mid
        3s store=new mail=mid web=old +web
    "), @r"
    0s mail Starting; store Starting; apply mail (Service@7, Deployment@7 own stamp); apply store (Service@7, Deployment@7 own stamp); !ServiceStarted mail; !WaveStarted 1 mail,store; !ServiceStarted store
    1s mail Moving; store Moving; !Waits mail Updating; !Waits store Done
    3s store Done; web Starting; apply web (Service@7, Deployment@7 own stamp); !ServiceDone store 3s; !ServiceStarted web; !WaveStarted 2 web
    ");
}

#[test]
fn no_more_services_move_at_once_than_max_parallel_allows() {
    insta::assert_snapshot!(play("cart | mail | store | parallel 2", "
        0s +cart +mail +store cart=old mail=old store=old
        1s ok(cart) ok(mail) cart=mid mail=mid +store store=old
        2s cart=new mail=mid +store store=old
        4s cart=new mail=mid +store store=old
    "), @r"
    0s cart Starting; mail Starting; apply cart (Service@7, Deployment@7 own stamp); apply mail (Service@7, Deployment@7 own stamp); !ServiceStarted cart; !WaveStarted 1 cart,mail,store; !ServiceStarted mail
    1s cart Moving; mail Moving; !Waits cart Updating; !Waits mail Updating
    2s !Waits cart Done
    4s cart Done; store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceDone cart 4s; !ServiceStarted store
    ");
}

#[test]
fn no_more_pods_than_the_plan_allows_are_there_beside_the_usual_ones() {
    insta::assert_snapshot!(play("cart swells 2 | mail swells 2 | store swells 1 | tiny | surge 3", "
        0s +cart +mail +store +tiny cart=old mail=old store=old tiny=old
        1s ok(cart) ok(store) ok(tiny) cart=mid store=mid tiny=mid +mail mail=old
        2s cart=new store=mid tiny=mid +mail mail=old
        4s cart=new store=mid tiny=mid +mail mail=old
    "), @r"
    0s cart Starting; store Starting; tiny Starting; apply cart (Service@7, Deployment@7 own stamp); apply store (Service@7, Deployment@7 own stamp); apply tiny (Service@7, Deployment@7 own stamp); !ServiceStarted cart; !WaveStarted 1 cart,mail,store,tiny; !ServiceStarted store; !ServiceStarted tiny
    1s cart Moving; store Moving; tiny Moving; !Waits cart Updating; !Waits store Updating; !Waits tiny Updating
    2s !Waits cart Done
    4s cart Done; mail Starting; apply mail (Service@7, Deployment@7 own stamp); !ServiceDone cart 4s; !ServiceStarted mail
    ");
}

#[test]
fn a_service_that_needs_more_pods_than_there_may_be_moves_alone() {
    insta::assert_snapshot!(play("cart swells 9 | mail swells 1 | surge 3", "
        0s +cart +mail cart=old mail=old
        1s ok(cart) cart=new +mail mail=old
        3s cart=new +mail mail=old
    "), @r"
    0s cart Starting; apply cart (Service@7, Deployment@7 own stamp); !ServiceStarted cart; !WaveStarted 1 cart,mail
    1s cart Moving; !Waits cart Done
    3s cart Done; mail Starting; apply mail (Service@7, Deployment@7 own stamp); !ServiceDone cart 3s; !ServiceStarted mail
    ");
}

#[test]
fn what_is_new_needs_room_for_all_of_its_pods() {
    insta::assert_snapshot!(play("cart create swells 1 | mail swells 1 | surge 3", "
        0s +cart:absent +mail cart=gone mail=old
    "), @"0s cart Starting; apply cart (Service@absent, Deployment@absent own stamp); !ServiceStarted cart; !WaveStarted 1 cart,mail");
}

#[test]
fn a_start_waits_for_a_look_at_its_objects_and_asks_for_it() {
    insta::assert_snapshot!(play("store", "
        0s store=old ?
        1s +store ?
        2s store=old +store ?
    "), @r"
    0s ? look store@0s, wake 0s
    1s ? live store@1s, look store@1s, wake 1s
    2s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store; ? look store@2s, wake 2s
    ");
}

#[test]
fn a_start_asks_early_so_that_the_second_read_and_the_start_are_one_look() {
    insta::assert_snapshot!(play("store | web after store", "
        0s +store store=old
        1s ok(store) store=new ?
        3s store=new +web web=old ?
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s store Moving; !Waits store Done; ? live store@3s, look web@3s, wake 3s
    3s store Done; web Starting; apply web (Service@7, Deployment@7 own stamp); !ServiceDone store 3s; !ServiceStarted web; !WaveStarted 2 web; !WaveDone 1 3s; ? live store@3s, look web@3s, wake 3s
    ");
}

#[test]
fn a_start_looks_once_more_at_every_server_live_and_in_the_same_look() {
    let script = |last: &str| {
        let script = format!(
            "
            0s +store +mail store=old mail=old
            1s ok(store) ok(mail) store=new mail=new
            3s store=new mail=new
            4s +web web=old {last}
        "
        );
        let told = play("store | mail | web after store,mail", &script);
        told.lines().last().expect("a turn").to_owned()
    };
    // Not shown at all, shown by a cache, one of the two only, and at last both.
    assert_eq!(script(""), "4s");
    assert_eq!(script("store~new mail~new"), "4s");
    assert_eq!(script("store=new mail~new"), "4s");
    assert_eq!(script("store=new"), "4s");
    assert_eq!(
        script("store=new mail=new"),
        "4s web Starting; apply web (Service@7, Deployment@7 own stamp); !ServiceStarted web; !WaveStarted 2 web"
    );
}

#[test]
fn a_server_that_fell_back_holds_the_start_and_is_told_once() {
    insta::assert_snapshot!(play("store | web after store", "
        0s +store store=old
        1s ok(store) store=new
        3s store=new
        4s store=drain web=old +web ?
        4.5s store=drain web=old +web ?
        5s store=drain web=old +web ?
        6s store=mid web=old +web
        7s store=new web=old +web
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s store Moving; !Waits store Done
    3s store Done; !ServiceDone store 3s; !WaveDone 1 3s
    4s !Regressed store: web is held: store was done and is not any more: Deployment store: 1 old pod still alive: store-0-2 (Terminating, gone by 13:00:00Z); ? wake 5s
    4.5s ? wake 5s
    5s ? wake 6s
    6s !Regressed store: web is held: store was done and is not any more: Deployment store: 1 of 2 pods updated
    7s web Starting; apply web (Service@7, Deployment@7 own stamp); !ServiceStarted web; !WaveStarted 2 web
    ");
}

#[test]
fn a_held_service_says_who_holds_it() {
    let mut scene = Scene::of("store | web after store");
    for line in [
        "0s +store store=old",
        "1s ok(store) store=new",
        "3s store=new",
        "4s store=drain web=old +web",
    ] {
        scene.turn(line);
    }
    insta::assert_snapshot!(scene.why("web"), @"Regressed: web is held: store was done and is not any more: Deployment store: 1 old pod still alive: store-0-2 (Terminating, gone by 13:00:00Z)");
    scene.crash();
    insta::assert_snapshot!(scene.why("web"), @"Regressed: web is held: store was done and is not any more: Deployment store: 1 old pod still alive: store-0-2 (Terminating, gone by 13:00:00Z)");
}

#[test]
fn a_server_that_was_undone_by_somebody_holds_the_start_too() {
    insta::assert_snapshot!(play("store | web after store", "
        0s +store store=old
        1s ok(store) store=new
        3s store=new
        4s store=undone web=old +web
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s store Moving; !Waits store Done
    3s store Done; !ServiceDone store 3s; !WaveDone 1 3s
    4s !Regressed store: web is held: store was done and is not any more: Deployment store: the pod template was changed after our apply
    ");
}

#[test]
fn the_servers_are_looked_at_again_though_the_state_says_starting() {
    insta::assert_snapshot!(play("store | web after store", "
        0s +store store=old
        1s ok(store) store=new
        3s store=new +web web=old
        4s crash store=drain +web web=old
        6s store=new +web web=old
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s store Moving; !Waits store Done
    3s store Done; web Starting; apply web (Service@7, Deployment@7 own stamp); !ServiceDone store 3s; !ServiceStarted web; !WaveStarted 2 web; !WaveDone 1 3s
    4s !Regressed store: web is held: store was done and is not any more: Deployment store: 1 old pod still alive: store-0-2 (Terminating, gone by 13:00:00Z)
    6s apply web (Service@7, Deployment@7 own stamp)
    ");
}

#[test]
fn a_start_needs_every_workload_of_the_service_to_be_shown() {
    let mut scene = Scene::of("store");
    scene.second_workload("store");
    assert_eq!(scene.turn("0s +store store=old"), "0s");
    insta::assert_snapshot!(scene.turn("1s +store store=old store/2=old"), @"1s store Starting; apply store (Service@7, Deployment@7 own stamp, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store");
    // And so does a gate.
    assert_eq!(scene.turn("2s ok(store) store=new"), "2s store Moving");
    insta::assert_snapshot!(scene.turn("3s store=new store/2=mid"), @"3s !Waits store Updating");
    insta::assert_snapshot!(scene.turn("4s store=new store/2=new"), @"4s !Waits store Done");
    assert_eq!(scene.turn("6s store=new"), "6s");
    insta::assert_snapshot!(scene.turn("7s store=new store/2=new"), @"7s store Done; publish; !ServiceDone store 6s; !WaveDone 1 6s");
}

#[test]
fn words_do_not_grow_from_restart_to_restart() {
    let mut scene = Scene::of("store | cart after store | web after cart");
    scene.turn("0s +store store=old");
    scene.crash();
    let words = scene.why("web");
    scene.crash();
    assert_eq!(scene.why("web"), words);
    insta::assert_snapshot!(words, @"WaitsForOthers: waits for store; cart");
}
