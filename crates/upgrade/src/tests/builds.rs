//! Images that are built for a release, and the steps that wait for them.

use insta::assert_snapshot;

use super::scene::{Scene, play};

const BEGUN: &str = "
    1s build:web=held
    2s ok(build:web) build:web=going
";

#[test]
fn a_build_is_made_held_back_and_let_go_once_its_uid_is_kept_and_its_service_waits_for_the_image() {
    assert_snapshot!(play("store | web build after store", "
        0s
        1s ok(build:web) build:web=held store=old +store
        2s ok(build:web) ok(store) build:web=going store=new
        4s store=new
        6s store=new +web web=old build:web=going
        8s build:web=done
        9s store=new +web web=old
    "), @r"
    0s image web Creating; build web (0); !BuildStarted web
    1s store Starting; image web Beginning; let the build of web go (uid-web); apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    2s store Moving; image web Running; !Waits store Done
    4s store Done; !ServiceDone store 3s; !WaveDone 1 3s
    6s
    8s image web Succeeded; !Built web 8s
    9s web Starting; apply web (Service@7, Deployment@7 own stamp); !ServiceStarted web; !WaveStarted 2 web
    ");
}

#[test]
fn what_was_seen_with_an_unknown_image_starts_nothing() {
    assert_snapshot!(play("web build", "
        0s
        1s build:web=held
        2s build:web=going
        3s build:web=done web=old +web
        4s web=old +web
    "), @r"
    0s image web Creating; build web (0); !BuildStarted web
    1s image web Beginning; let the build of web go (uid-web)
    2s image web Running
    3s image web Succeeded; !Built web 3s
    4s web Starting; apply web (Service@7, Deployment@7 own stamp); !ServiceStarted web; !WaveStarted 1 web
    ");
}

#[test]
fn a_build_that_was_perhaps_made_is_looked_for_and_made_once() {
    assert_snapshot!(play("web build", "
        0s
        1s crash
        2s build:web=absent
        3s crash build:web=held
        4s crash build:web=held
        5s crash build:web=going
    "), @r"
    0s image web Creating; build web (0); !BuildStarted web
    1s
    2s build web (0)
    3s image web Beginning; let the build of web go (uid-web)
    4s let the build of web go (uid-web)
    5s image web Running
    ");
}

#[test]
fn a_build_that_is_gone_is_told_and_not_made_again() {
    let script = format!("0s{BEGUN}3s build:web=absent");
    assert_snapshot!(play("web build", &script), @r"
    0s image web Creating; build web (0); !BuildStarted web
    1s image web Beginning; let the build of web go (uid-web)
    2s image web Running
    3s web Failed; image web Failed; !BuildFailed web Gone: it was deleted before its result was seen; !ServiceFailed web BuildFailed: the image of web was not built (Workflow/shop/web): Gone: it was deleted before its result was seen; !Ended Failed: web: the image of web was not built (Workflow/shop/web): Gone: it was deleted before its result was seen
    ");
    let script = format!("0s{BEGUN}3s build:web=strange");
    assert_snapshot!(play("web build", &script), @r"
    0s image web Creating; build web (0); !BuildStarted web
    1s image web Beginning; let the build of web go (uid-web)
    2s image web Running
    3s web Failed; image web Failed; !BuildFailed web Gone: it was replaced before its result was seen; !ServiceFailed web BuildFailed: the image of web was not built (Workflow/shop/web): Gone: it was replaced before its result was seen; !Ended Failed: web: the image of web was not built (Workflow/shop/web): Gone: it was replaced before its result was seen
    ");
}

#[test]
fn no_more_are_built_at_once_than_the_plan_wants_and_those_of_early_waves_first() {
    assert_snapshot!(play("a build after z | b build after z | z build | builds 2", "
        0s
        1s build:z=held build:a=held
        2s build:z=going build:a=failed
        3s build:z=going
    "), @r"
    0s image a Creating; image z Creating; build z (0); build a (0); !BuildStarted z; !BuildStarted a
    1s image a Beginning; image z Beginning; let the build of a go (uid-a); let the build of z go (uid-z)
    2s a Failed; image a Failed; image b Cancelling; image z Cancelling; cancel the build of b (0); cancel the build of z (0); !BuildFailed a Failed: step build: exit code 1; !BuildStarted b; !ServiceFailed a BuildFailed: the image of a was not built (Workflow/shop/a): Failed: step build: exit code 1
    3s cancel the build of b (0); cancel the build of z (0)
    ");
}

#[test]
fn a_failed_build_ends_the_release_and_what_else_is_built_is_cancelled_first() {
    assert_snapshot!(play("a build | b build", "
        0s
        1s build:a=held build:b=held
        2s build:a=going build:b=going
        3s build:a=failed build:b=going
        4s lost(build:b)
        5s
        6s ok(build:b)
    "), @r"
    0s image a Creating; image b Creating; build a (0); build b (0); !BuildStarted a; !BuildStarted b
    1s image a Beginning; image b Beginning; let the build of a go (uid-a); let the build of b go (uid-b)
    2s image a Running; image b Running
    3s a Failed; image a Failed; image b Cancelling; cancel the build of b (0); !BuildFailed a Failed: step build: exit code 1; !ServiceFailed a BuildFailed: the image of a was not built (Workflow/shop/a): Failed: step build: exit code 1
    4s !WriteRepeated: b: Deployment/shop/build:b: no answer; trying again
    5s cancel the build of b (0)
    6s image b Cancelled; !BuildCancelled b: nobody needs it any more; !Ended Failed: a: the image of a was not built (Workflow/shop/a): Failed: step build: exit code 1
    ");
}

#[test]
fn with_continue_a_failed_build_holds_only_what_comes_after_it() {
    assert_snapshot!(play("a build | b after a | c | continue", "
        0s c=old +c
        1s build:a=held ok(c) c=new
        2s build:a=failed c=new
        4s c=new
        6s c=new
    "), @r"
    0s c Starting; image a Creating; build a (0); apply c (Service@7, Deployment@7 own stamp); !BuildStarted a; !ServiceStarted c; !WaveStarted 1 a,c
    1s c Moving; image a Beginning; let the build of a go (uid-a); !Waits c Done
    2s a Failed; image a Failed; !BuildFailed a Failed: step build: exit code 1; !ServiceFailed a BuildFailed: the image of a was not built (Workflow/shop/a): Failed: step build: exit code 1
    4s c Done; !ServiceDone c 4s; !Ended Failed: a: the image of a was not built (Workflow/shop/a): Failed: step build: exit code 1; not started: b
    6s
    ");
}

#[test]
fn a_service_whose_build_failed_is_built_again_under_another_name_when_somebody_asks() {
    assert_snapshot!(play("a build | c | continue", "
        0s c=old +c
        1s build:a=held ok(c) c~mid
        2s build:a=failed c~mid
        3s c~mid retry(a)
        4s build:a=held c~mid retry(a)
    "), @r"
    0s c Starting; image a Creating; build a (0); apply c (Service@7, Deployment@7 own stamp); !BuildStarted a; !ServiceStarted c; !WaveStarted 1 a,c
    1s c Moving; image a Beginning; let the build of a go (uid-a); !Waits c Updating
    2s a Failed; image a Failed; !BuildFailed a Failed: step build: exit code 1; !ServiceFailed a BuildFailed: the image of a was not built (Workflow/shop/a): Failed: step build: exit code 1
    3s a Waiting; image a Creating; build a (1); !Retried: a is tried again by the word of ann: so it is; !BuildStarted a
    4s image a Beginning; let the build of a go (uid-a)
    ");
}

#[test]
fn an_abort_cancels_builds_and_ends_when_they_are() {
    assert_snapshot!(play("a build | b build | builds 1", "
        0s
        1s build:a=held
        2s abort
        3s ok(build:a) abort
    "), @r"
    0s image a Creating; build a (0); !BuildStarted a
    1s image a Beginning; let the build of a go (uid-a)
    2s image a Cancelling; image b Cancelled; cancel the build of a (0)
    3s image a Cancelled; !BuildCancelled a: nobody needs it any more; !Ended Aborted: enough
    ");
}

#[test]
fn a_newer_release_cancels_builds_unless_it_goes_away() {
    assert_snapshot!(play("a build", "
        0s
        1s build:a=held
        2s build:a=going newer(shop-3)
        3s ok(build:a)
        4s
    "), @r"
    0s image a Creating; build a (0); !BuildStarted a
    1s image a Beginning; let the build of a go (uid-a)
    2s image a Cancelling; cancel the build of a (0); !Superseded: `shop-3` takes its place; nothing more is started
    3s image a Creating; build a (1); !BuildCancelled a: nobody needs it any more; !Superseded: nobody takes its place any more; it goes on; !BuildStarted a
    4s
    ");
}

#[test]
fn a_pause_begins_no_build() {
    assert_snapshot!(play("a build", "
        0s pause
        1s
    "), @r"
    0s !Paused
    1s image a Creating; build a (0); !Resumed; !BuildStarted a
    ");
}

#[test]
fn builds_stand_in_the_status_as_they_stand() {
    let mut scene = Scene::of("web build");
    scene.turn("0s");
    scene.turn("1s build:web=held");
    let status = super::saved::saved(&scene);
    let shown = serde_json::to_string_pretty(&status.builds).expect("JSON");
    assert_snapshot!(shown, @r#"
    [
      {
        "service": "web",
        "state": "Beginning",
        "input": "sha256:web",
        "object": "Workflow/shop/web",
        "uid": "uid-web",
        "startTime": "2026-11-24T12:00:00Z"
      }
    ]
    "#);
    assert_snapshot!(status.summary, @"wave 1/1, 0/1 services, 1 image is being built");
    assert_snapshot!(status.phase, @"Building");
    let service = &status.waves[0].services[0];
    assert_snapshot!(format!("{}: {}", service.reason, service.message), @"Building: waits for the image of web, which is being built");
}

#[test]
fn what_a_build_waits_for_is_told_where_people_look_until_it_goes_on() {
    let mut scene = Scene::of("web build");
    scene.turn("0s");
    scene.turn("1s build:web=held");
    scene.turn("2s build:web=going");
    scene.turn("3s build:web=stuck");
    let told = |scene: &Scene| {
        let status = super::saved::saved(scene);
        let service = status.waves[0].services[0].message.clone();
        format!("{:?}; {service}", status.builds[0].message)
    };
    assert_snapshot!(told(&scene), @r#""ErrImagePull: no such image"; waits for the image of web, whose build waits: ErrImagePull: no such image"#);
    scene.turn("4s build:web=going");
    assert_snapshot!(told(&scene), @r#"""; waits for the image of web, which is being built"#);
    scene.turn("5s build:web=stuck");
    scene.turn("6s build:web=done");
    assert_snapshot!(super::saved::saved(&scene).builds[0].message, @"");
}
