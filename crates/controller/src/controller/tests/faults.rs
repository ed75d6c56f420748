//! Every release ends well and no service starts too early, whatever fails at whatever call.

use std::sync::{Arc, Mutex, MutexGuard};

use super::cluster::Cluster;
use super::driver::{Driver, Fault};
use super::scenario::Scenario;
use crate::controller::Rival;
use tidegate_upgrade::Ending;

type Shared = Arc<Mutex<Cluster>>;

fn cluster_of(scenario: Scenario) -> Shared {
    Arc::new(Mutex::new(Cluster::of(scenario)))
}

fn look(cluster: &Shared) -> MutexGuard<'_, Cluster> {
    cluster.lock().expect("nobody panicked")
}

/// What must hold at the end of every run.
fn check(cluster: &Shared, about: &str) {
    let cluster = look(cluster);
    assert_eq!(cluster.wrong, Vec::<String>::new(), "{about}");
    assert_eq!(
        cluster.status.outcome.as_deref(),
        Some("Succeeded"),
        "{about}"
    );
    assert!(cluster.is_published, "{about}");
    for (name, deployed) in &cluster.deployed {
        let goes = !cluster
            .bundle()
            .services
            .contains_key(&super::scenario::name(name));
        assert_eq!(deployed.exists, !goes, "{about}: {name}");
        assert_eq!(
            deployed.pods.len(),
            if goes { 0 } else { cluster.scenario.replicas },
            "{about}: {name}"
        );
        let new = deployed
            .pods
            .iter()
            .all(|pod| deployed.templates[pod.revision].image.ends_with(":2"));
        assert!(new, "{about}: {name}");
        let stamp = deployed.templates[deployed.wanted].stamp.as_ref();
        assert!(goes || stamp.is_some(), "{about}: {name}");
    }
}

/// Runs with one fault, and again after a crash; the first process.
async fn run(scenario: Scenario, fault: Fault) -> Driver {
    let cluster = cluster_of(scenario);
    let mut driver = Driver::of(&cluster, fault);
    let mut ended = driver.run().await;
    if ended.is_none() {
        ended = Driver::of(&cluster, Fault::None).run().await;
    }
    assert_eq!(ended, Some(Ok(Ending::Succeeded)), "{fault:?}");
    check(&cluster, &format!("{fault:?}"));
    driver
}

/// Runs with a fault at every call of a run without any.
async fn sweep(scenario: fn() -> Scenario, fault: fn(usize) -> Fault) {
    let calls = run(scenario(), Fault::None).await.calls;
    for call in 1..=calls {
        run(scenario(), fault(call)).await;
    }
}

/// The same at every call that changes something: after any other one the fault is one before the next.
async fn sweep_effects(scenario: fn() -> Scenario, fault: fn(usize) -> Fault) {
    let effects = run(scenario(), Fault::None).await.effects;
    for call in effects {
        run(scenario(), fault(call)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn three_services_roll_in_their_order() {
    let cluster = cluster_of(Scenario {
        replicas: 3,
        ..Scenario::three_in_a_row()
    });
    let ended = Driver::of(&cluster, Fault::None).run().await;
    assert_eq!(ended, Some(Ok(Ending::Succeeded)));
    check(&cluster, "no fault");
    let cluster = look(&cluster);
    insta::assert_snapshot!(cluster.writes.join("\n"), @r"
    apply ConfigMap/shop/shared
    apply Service/shop/store
    apply Deployment/shop/store
    apply Service/shop/cart
    apply Deployment/shop/cart
    apply Service/shop/web
    apply Deployment/shop/web
    ");
    insta::assert_snapshot!(cluster.told.join(" "), @"Planned ServiceStarted WaveStarted Waits Waits Waits Waits Waits ServiceDone ServiceStarted WaveStarted WaveDone Waits Waits Waits Waits Waits ServiceDone ServiceStarted WaveStarted WaveDone Waits Waits Waits Waits Waits ServiceDone WaveDone Ended");
}

#[tokio::test(start_paused = true)]
async fn a_release_of_another_plan_than_the_saved_one_writes_nothing() {
    let cluster = cluster_of(Scenario::three_in_a_row());
    look(&cluster).plan_digest = Some("sha256:another".to_owned());
    let ended = Driver::of(&cluster, Fault::None).run().await;
    assert!(
        matches!(ended, Some(Ok(Ending::Refused { .. }))),
        "{ended:?}"
    );
    let writes = look(&cluster).writes.clone();
    assert_eq!(writes, Vec::<String>::new());
    let outcome = look(&cluster).status.outcome.clone();
    assert_eq!(outcome.as_deref(), Some("Refused"));
    // The plan of the same world without a wish is the one that may be asked for.
    let known = cluster_of(Scenario::three_in_a_row());
    Driver::of(&known, Fault::None).run().await;
    let digest = look(&known).status.plan.clone().map(|plan| plan.digest);
    assert!(digest.is_some());
    for fault in [Fault::None, Fault::CrashBefore(9)] {
        let cluster = cluster_of(Scenario::three_in_a_row());
        look(&cluster).plan_digest.clone_from(&digest);
        let mut ended = Driver::of(&cluster, fault).run().await;
        if ended.is_none() {
            ended = Driver::of(&cluster, Fault::None).run().await;
        }
        assert_eq!(ended, Some(Ok(Ending::Succeeded)), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_that_has_not_begun_gives_way_and_writes_nothing() {
    for (rival, outcome) in [
        (Rival::Newer("shop-3".to_owned()), "Superseded"),
        (Rival::Older("shop-1".to_owned()), "Refused"),
    ] {
        let cluster = cluster_of(Scenario::three_in_a_row());
        look(&cluster).rival = Some(rival);
        let ended = Driver::of(&cluster, Fault::None).run().await;
        let ended = ended.expect("an end").expect("no error");
        assert_eq!(ended.word(), outcome);
        let cluster = look(&cluster);
        assert_eq!(cluster.status.outcome.as_deref(), Some(outcome));
        assert_eq!(cluster.writes, Vec::<String>::new());
        assert!(!cluster.is_published);
        assert_eq!(cluster.told, ["Ended"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_goes_away_after_its_last_client() {
    let cluster = cluster_of(Scenario::one_goes_away());
    let ended = Driver::of(&cluster, Fault::None).run().await;
    assert_eq!(ended, Some(Ok(Ending::Succeeded)));
    check(&cluster, "no fault");
    insta::assert_snapshot!(look(&cluster).writes.join("\n"), @r"
    apply ConfigMap/shop/shared
    apply Service/shop/store
    apply Deployment/shop/store
    apply Service/shop/web
    apply Deployment/shop/web
    delete Deployment/shop/legacy
    delete Service/shop/legacy
    ");
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_any_call_loses_nothing() {
    sweep(Scenario::three_in_a_row, Fault::CrashBefore).await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_call_loses_nothing() {
    sweep_effects(Scenario::three_in_a_row, Fault::CrashAfter).await;
}

#[tokio::test(start_paused = true)]
async fn all_images_come_first_and_then_all_switches() {
    let cluster = cluster_of(Scenario::all_images_then_all_switches());
    let ended = Driver::of(&cluster, Fault::None).run().await;
    assert_eq!(ended, Some(Ok(Ending::Succeeded)));
    check(&cluster, "no fault");
    insta::assert_snapshot!(look(&cluster).writes.join("\n"), @r"
    apply ConfigMap/shop/shared
    apply Service/shop/cart
    apply Deployment/shop/cart
    apply Service/shop/store
    apply Deployment/shop/store
    apply Service/shop/web
    apply Deployment/shop/web
    apply Service/shop/cart
    apply Deployment/shop/cart
    apply Service/shop/web
    apply Deployment/shop/web
    ");
}

#[tokio::test(start_paused = true)]
async fn no_switch_flips_early_and_none_is_lost_whatever_fails_in_between() {
    let scenario = Scenario::all_images_then_all_switches;
    sweep_effects(scenario, Fault::CrashBefore).await;
    sweep_effects(scenario, Fault::CrashAfter).await;
    sweep_effects(scenario, Fault::Late).await;
    run(scenario(), Fault::Moved).await;
}

#[tokio::test(start_paused = true)]
async fn only_what_is_asked_for_moves_and_the_rest_stays_declared_as_it_was() {
    let cluster = cluster_of(Scenario::three_in_a_row());
    look(&cluster).planning.only = vec!["store".to_owned()];
    let ended = Driver::of(&cluster, Fault::CrashAfter(12)).run().await;
    let ended = match ended {
        Some(ended) => ended,
        None => Driver::of(&cluster, Fault::None)
            .run()
            .await
            .expect("an end"),
    };
    assert_eq!(ended, Ok(Ending::Succeeded));
    let cluster = look(&cluster);
    let held_out: Vec<String> = cluster.held_out.iter().map(ToString::to_string).collect();
    assert_eq!(held_out, ["cart", "web"]);
    assert_eq!(cluster.status.held_out, ["cart", "web"]);
    let touched = |service: &str| cluster.writes.iter().any(|write| write.ends_with(service));
    assert!(touched("/store") && !touched("/cart") && !touched("/web"));
}

#[tokio::test(start_paused = true)]
async fn what_was_written_is_waited_out_whatever_fails_in_between() {
    sweep_effects(Scenario::one_waits_out, Fault::CrashBefore).await;
    sweep_effects(Scenario::one_waits_out, Fault::CrashAfter).await;
    sweep_effects(Scenario::one_waits_out, Fault::Late).await;
    run(Scenario::one_waits_out(), Fault::Undone("producer")).await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_call_of_a_removal_loses_nothing() {
    sweep(Scenario::one_goes_away, Fault::CrashBefore).await;
    sweep_effects(Scenario::one_goes_away, Fault::CrashAfter).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_without_an_answer_is_made_again() {
    sweep(Scenario::three_in_a_row, Fault::Lost).await;
    sweep(Scenario::one_goes_away, Fault::Lost).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_answer_is_lost_does_no_harm_twice() {
    sweep_effects(Scenario::three_in_a_row, Fault::Late).await;
    sweep_effects(Scenario::one_goes_away, Fault::Late).await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_between_two_saves_is_no_obstacle() {
    let cluster = cluster_of(Scenario::three_in_a_row());
    assert!(Driver::of(&cluster, Fault::None).run().await.is_some());
    let saves = look(&cluster).saves;
    for save in 1..=saves {
        let cluster = cluster_of(Scenario::three_in_a_row());
        let ended = Driver::of(&cluster, Fault::PauseAtSave(save)).run().await;
        assert_eq!(ended, Some(Ok(Ending::Succeeded)), "save {save}");
        check(&cluster, &format!("save {save}"));
    }
}

#[tokio::test(start_paused = true)]
async fn objects_that_others_write_in_between_are_looked_at_again() {
    for scenario in [Scenario::three_in_a_row(), Scenario::one_goes_away()] {
        run(scenario, Fault::Moved).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_is_saved_seldom() {
    let cluster = cluster_of(Scenario::three_in_a_row());
    assert!(Driver::of(&cluster, Fault::None).run().await.is_some());
    let cluster = look(&cluster);
    let seconds = cluster
        .now
        .duration_since(super::cluster::start())
        .as_secs();
    // The numbers once a second, and each step of each service.
    let most = usize::try_from(seconds).expect("a number") + 3 * 4 + 4;
    assert!(
        cluster.saves <= most,
        "{} saves in {seconds} s",
        cluster.saves
    );
}

#[tokio::test(start_paused = true)]
async fn an_ended_release_is_left_alone() {
    let cluster = cluster_of(Scenario::three_in_a_row());
    assert!(Driver::of(&cluster, Fault::None).run().await.is_some());
    let before = counts(&cluster);
    let mut again = Driver::of(&cluster, Fault::None);
    assert_eq!(again.run().await, Some(Ok(Ending::Succeeded)));
    assert_eq!(again.calls, 1);
    assert_eq!(counts(&cluster), before);
}

/// How much was written and how often it was saved.
fn counts(cluster: &Shared) -> (usize, usize) {
    let cluster = look(cluster);
    (cluster.writes.len(), cluster.saves)
}

/// Two processes at once, as where a lease was lost unnoticed.
async fn two(first: Driver, second: Driver, about: &str) {
    let cluster = Arc::clone(&first.cluster);
    let (mut first, mut second) = (first, second);
    let ended = tokio::join!(first.run(), second.run());
    let good = Some(Ok(Ending::Succeeded));
    assert_eq!(ended, (good.clone(), good), "{about}");
    check(&cluster, about);
}

#[tokio::test(start_paused = true)]
async fn two_processes_at_once_do_no_harm() {
    for seed in 1..=40 {
        let cluster = cluster_of(Scenario::three_in_a_row());
        let first = Driver::of(&cluster, Fault::None).interleaved(seed);
        let second = Driver::of(&cluster, Fault::None).interleaved(seed * 7_919);
        Box::pin(two(first, second, &format!("seed {seed}"))).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_stands_still_until_another_is_done_does_no_harm() {
    let calls = run(Scenario::three_in_a_row(), Fault::None).await.calls;
    for call in 1..=calls {
        let cluster = cluster_of(Scenario::three_in_a_row());
        let first = Driver::of(&cluster, Fault::Frozen(call));
        let second = Driver::of(&cluster, Fault::None);
        Box::pin(two(first, second, &format!("still at call {call}"))).await;
    }
}

/// The first process dies at one call, the second at another.
#[tokio::test(start_paused = true)]
async fn two_crashes_in_a_row_lose_nothing() {
    let calls = run(Scenario::three_in_a_row(), Fault::None).await.calls;
    for first in (1..=calls).step_by(11) {
        for second in (1..=calls).step_by(13) {
            let cluster = cluster_of(Scenario::three_in_a_row());
            for fault in [Fault::CrashBefore(first), Fault::CrashAfter(second)] {
                drop(Driver::of(&cluster, fault).run().await);
            }
            let ended = Driver::of(&cluster, Fault::None).run().await;
            assert_eq!(ended, Some(Ok(Ending::Succeeded)), "{first} {second}");
            check(&cluster, &format!("{first} {second}"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_was_not_to_move_and_is_set_back_after_the_plan_moves_first_after_all() {
    let scenario = || Scenario::three_in_a_row().with_already("store");
    let undisturbed = run(scenario(), Fault::None).await;
    let told = |driver: &Driver| look(&driver.cluster).told.clone();
    assert!(!told(&undisturbed).contains(&"PlannedAnew".to_owned()));
    let disturbed = run(scenario(), Fault::Undone("store")).await;
    assert!(told(&disturbed).contains(&"PlannedAnew".to_owned()));
}
