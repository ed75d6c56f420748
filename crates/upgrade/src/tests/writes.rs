//! What is written, and what comes of each answer.

use super::objects::deployment;
use super::scene::{Scene, name, play};

#[test]
fn an_answer_moves_the_service_on() {
    insta::assert_snapshot!(play("store", "
        0s +store store=old
        1s ok(store) store=unseen
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s store Moving; !Waits store NotObserved
    ");
}

#[test]
fn what_moved_is_looked_at_again_after_a_pause_and_written_with_new_preconditions() {
    insta::assert_snapshot!(play("store", "
        0s +store:7 store=old
        0.01s moved(store) +store:7 store=old ?
        0.05s +store:8 store=old ?
        0.11s store=old ?
        0.12s +store:9 store=old
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    0.01s ? wake 0.11s
    0.05s ? wake 0.11s
    0.11s ? look store@0.11s, wake 0.11s
    0.12s apply store (Service@9, Deployment@9 own stamp)
    ");
}

#[test]
fn a_write_without_an_answer_is_not_repeated_before_its_pause() {
    insta::assert_snapshot!(play("store", "
        0s +store store=old
        1s lost(store) +store store=old ?
        1s +store store=old ?
        1.999s +store store=old ?
        2s +store store=old
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s !WriteRepeated: store: Deployment/shop/store: no answer; trying again; ? wake 2s
    1s ? wake 2s
    1.999s ? wake 2s
    2s apply store (Service@7, Deployment@7 own stamp)
    ");
}

#[test]
fn an_answer_that_comes_again_and_again_makes_no_hot_loop() {
    let mut scene = Scene::of("store");
    scene.turn("0s +store store=old");
    let mut writes = 0;
    for hundredth in 1..=1_000 {
        let lost = if writes > 0 || hundredth == 1 {
            "lost(store)"
        } else {
            ""
        };
        let line = format!("{}s {lost} +store store=old", f64::from(hundredth) / 100.0);
        writes += usize::from(scene.turn(&line).contains("apply store"));
    }
    // Each answer puts the next try off anew.
    assert!(writes <= 10, "{writes} writes in ten seconds");
}

#[test]
fn a_refused_write_fails_the_service_and_the_release() {
    insta::assert_snapshot!(play("store | mail", "
        0s +store +mail store=old mail=old
        1s refused(store) ok(mail) store=old mail=mid
    "), @r"
    0s mail Starting; store Starting; apply mail (Service@7, Deployment@7 own stamp); apply store (Service@7, Deployment@7 own stamp); !ServiceStarted mail; !WaveStarted 1 mail,store; !ServiceStarted store
    1s mail Moving; store Failed; !ServiceFailed store ApplyRefused: Deployment/shop/store: may not be written (an act that the plan's account may not do); !Waits mail Updating; !Ended Failed: store: Deployment/shop/store: may not be written (an act that the plan's account may not do)
    ");
}

#[test]
fn after_a_crash_between_save_and_act_the_same_is_written_again() {
    insta::assert_snapshot!(play("store | web after store", "
        0s +store store=old
        3s crash store=old ?
        4s +store store=old
        5s ok(store) store=mid
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    3s ? look store@3s, wake 3s
    4s apply store (Service@7, Deployment@7 own stamp)
    5s store Moving; !Waits store Updating
    ");
}

#[test]
fn the_baseline_of_a_repeated_write_is_the_one_from_before() {
    let mut scene = Scene::of("store");
    scene.turn("0s +store store=old");
    let baseline = |scene: &Scene| {
        let records = &scene.state.services[&name("store")].records;
        records[&deployment("store")]
            .baseline
            .clone()
            .expect("a baseline")
    };
    let before = baseline(&scene);
    assert_eq!(before.pods.len(), 2);
    scene.crash();
    // The write had happened: what is there now is not what was there before.
    let told = scene.turn("3s +store:same store=mid");
    assert_eq!(
        told,
        "3s apply store (Service@7, Deployment@7 stamp `before`)"
    );
    assert_eq!(baseline(&scene), before);
}

#[test]
fn a_crash_while_it_moves_goes_on_watching_and_writes_nothing() {
    insta::assert_snapshot!(play("store", "
        0s +store store=old
        1s ok(store) store=mid
        2s crash store~mid +store
        3s crash store=new +store
        5s store=new
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    1s store Moving; !Waits store Updating
    2s
    3s !Waits store Done
    5s store Done; publish; !ServiceDone store 5s; !WaveDone 1 5s
    ");
}

#[test]
fn the_stamp_goes_along_only_where_the_template_changes_or_the_object_is_new() {
    insta::assert_snapshot!(play("store", "0s +store store=old"), @"0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store");
    insta::assert_snapshot!(play("store", "0s +store:same store=old"), @"0s store Starting; apply store (Service@7, Deployment@7 stamp `before`); !ServiceStarted store; !WaveStarted 1 store");
    insta::assert_snapshot!(play("store create", "0s +store:absent store=gone"), @"0s store Starting; apply store (Service@absent, Deployment@absent own stamp); !ServiceStarted store; !WaveStarted 1 store");
}

#[test]
fn a_job_and_a_new_service_are_written_as_others_are() {
    insta::assert_snapshot!(play("schema job | web create after schema", "
        0s +schema:absent schema=gone
        1s ok(schema) schema=new
        3s schema=new +web:absent web=gone
    "), @r"
    0s schema Starting; apply schema (Service@absent, Deployment@absent own stamp); !ServiceStarted schema; !WaveStarted 1 schema
    1s schema Moving; !Waits schema Done
    3s schema Done; web Starting; apply web (Service@absent, Deployment@absent own stamp); !ServiceDone schema 3s; !ServiceStarted web; !WaveStarted 2 web; !WaveDone 1 3s
    ");
}

#[test]
fn what_another_plan_has_taken_is_not_written() {
    insta::assert_snapshot!(play("shared | store", "
        0s +shared:claimed
    "), @"0s !Ended Failed: ConfigMap/shop/shared belongs to plan `crm` now; take it out of the files of one of the two plans");
    insta::assert_snapshot!(play("store | cart after store", "
        0s +store:claimed store=old
        0s store=old
    "), @r"
    0s store Failed; !ServiceFailed store Claimed: Service/shop/store belongs to plan `crm` now; take it out of the files of one of the two plans
    0s !Ended Failed: store: Service/shop/store belongs to plan `crm` now; take it out of the files of one of the two plans
    ");
    // It was taken between the decision and the second try.
    insta::assert_snapshot!(play("store", "
        0s +store store=old
        0.01s moved(store) +store:7 store=old
        0.12s +store:claimed store=old
    "), @r"
    0s store Starting; apply store (Service@7, Deployment@7 own stamp); !ServiceStarted store; !WaveStarted 1 store
    0.01s
    0.12s store Failed; !ServiceFailed store Claimed: Service/shop/store belongs to plan `crm` now; take it out of the files of one of the two plans
    ");
}
