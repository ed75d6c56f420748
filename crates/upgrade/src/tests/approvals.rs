//! What nothing undoes starts only with somebody's word, and that is asked when everything before is done.

use super::scene::{Scene, name, play};

const SYSTEM: &str = "app | schema job final after app";

#[test]
fn a_point_of_no_return_is_asked_for_when_everything_before_it_is_done_and_not_earlier() {
    insta::assert_snapshot!(play(SYSTEM, "
        0s +app app=old
        1s ok(app) app=drain +schema schema=old
        2s app=new +schema schema=old
        4s app=new +schema schema=old ?
        9s app=new +schema schema=old ?
        60s approve(schema) ?
        61s approve(schema) +schema schema=old app=new
        62s approve(schema) ok(schema) schema=new
        64s approve(schema) schema=new
    "), @r"
    0s app Starting; apply app (Service@7, Deployment@7 own stamp); !ServiceStarted app; !WaveStarted 1 app
    1s app Moving; !Waits app OldPods
    2s !Waits app Done
    4s app Done; !ServiceDone app 4s; !Waits schema AwaitingApproval; !WaveDone 1 4s; ? wake 9s
    9s ?
    60s !Approved: schema was approved by ann; ? live app@60s, look schema@60s, wake 60s
    61s schema Starting; apply schema (Service@7, Deployment@7 own stamp); !ServiceStarted schema; !WaveStarted 2 schema
    62s schema Moving; !Waits schema Done
    64s schema Done; publish; !ServiceDone schema 3s; !WaveDone 2 3s
    ");
}

#[test]
fn an_approval_ahead_of_time_lets_it_pass_and_is_told_once() {
    insta::assert_snapshot!(play(SYSTEM, "
        0s approve(schema) approve(app) approve(nobody) +app app=old
        1s approve(schema) ok(app) app=new
        3s approve(schema) app=new +schema schema=old
    "), @r"
    0s app Starting; apply app (Service@7, Deployment@7 own stamp); !Approved: schema was approved by ann; !ServiceStarted app; !WaveStarted 1 app
    1s app Moving; !Waits app Done
    3s app Done; schema Starting; apply schema (Service@7, Deployment@7 own stamp); !ServiceDone app 3s; !ServiceStarted schema; !WaveStarted 2 schema; !WaveDone 1 3s
    ");
}

#[test]
fn a_word_and_the_question_outlive_a_crash() {
    insta::assert_snapshot!(play(SYSTEM, "
        0s +app app=old
        1s ok(app) app=new
        3s app=new
        10s crash ?
        11s approve(schema)
        12s crash ?
        13s +schema schema=old app=new
    "), @r"
    0s app Starting; apply app (Service@7, Deployment@7 own stamp); !ServiceStarted app; !WaveStarted 1 app
    1s app Moving; !Waits app Done
    3s app Done; !ServiceDone app 3s; !Waits schema AwaitingApproval; !WaveDone 1 3s
    10s ?
    11s !Approved: schema was approved by ann
    12s ? live app@12s, look schema@12s, wake 12s
    13s schema Starting; apply schema (Service@7, Deployment@7 own stamp); !ServiceStarted schema; !WaveStarted 2 schema
    ");
}

#[test]
fn a_paused_release_asks_nobody() {
    insta::assert_snapshot!(play(SYSTEM, "
        0s +app app=old
        1s ok(app) app=new
        3s pause app=new
        4s pause
        5s
    "), @r"
    0s app Starting; apply app (Service@7, Deployment@7 own stamp); !ServiceStarted app; !WaveStarted 1 app
    1s app Moving; !Waits app Done
    3s app Done; !Paused; !ServiceDone app 3s; !WaveDone 1 3s
    4s
    5s !Resumed; !Waits schema AwaitingApproval
    ");
}

#[test]
fn what_was_done_is_looked_at_once_more_after_the_word() {
    insta::assert_snapshot!(play(SYSTEM, "
        0s +app app=old
        1s ok(app) app=new
        3s app=new
        4s approve(schema) +schema schema=old app=undone
        6s approve(schema) +schema schema=old app=new
    "), @r"
    0s app Starting; apply app (Service@7, Deployment@7 own stamp); !ServiceStarted app; !WaveStarted 1 app
    1s app Moving; !Waits app Done
    3s app Done; !ServiceDone app 3s; !Waits schema AwaitingApproval; !WaveDone 1 3s
    4s !Approved: schema was approved by ann; !Regressed app: schema is held: app was done and is not any more: Deployment app: the pod template was changed after our apply
    6s schema Starting; apply schema (Service@7, Deployment@7 own stamp); !ServiceStarted schema; !WaveStarted 2 schema
    ");
}

#[test]
fn everybody_is_told_what_to_type() {
    let mut scene = Scene::of(SYSTEM);
    for line in ["0s +app app=old", "1s ok(app) app=new", "3s app=new"] {
        scene.turn(line);
    }
    insta::assert_snapshot!(scene.why("schema"), @"AwaitingApproval: waits for a person: everything before it is done, and nothing undoes what it does; `tidegate approve … schema` lets it start");
    let status = super::saved::saved(&scene);
    let told = format!(
        "{} | {} | {}",
        status.phase, status.conditions[1].reason, status.conditions[1].message
    );
    insta::assert_snapshot!(told, @"AwaitingApproval | AwaitingApproval | wave 2/2, 1/2 services; schema: waits for a person: everything before it is done, and nothing undoes what it does; `tidegate approve … schema` lets it start");
    scene.turn("5s approve(schema)");
    insta::assert_snapshot!(scene.why("schema"), @"MayStart: everything before it is done; it starts as soon as there is room");
    let approval = scene.state.services[&name("schema")].approval.as_ref();
    assert_eq!(approval.expect("a word").by, "ann");
    let status = super::saved::saved(&scene);
    assert!(status.waves[1].services[0].approval.is_some());
}
