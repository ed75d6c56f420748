//! What people ask of a running release: pause, resume, abort, and another one beside it.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use crate::files::{Files, pair};
use crate::support::{Space, condition, eventually, is_rolled_out, state_of};

/// Long enough that whoever would start something has started it.
const HELD: Duration = Duration::from_secs(4);

/// Version 2 with a server that takes long enough to do something meanwhile.
fn slow_pair() -> Files {
    pair(2).steer("server", "termination-delay", "3s")
}

async fn until_server_moves(space: &Space) {
    space
        .until("pair-2", "a server that moves", |status| {
            state_of(status, "server") == "Moving"
        })
        .await;
}

async fn client_generation(space: &Space) -> Option<i64> {
    space.deployment("client").await.metadata.generation
}

#[tokio::test]
async fn a_paused_release_starts_nothing_more_until_it_is_resumed() {
    let space = Space::new("paused").await;
    space.run(&pair(1)).await.with_code(0);
    let since = Timestamp::now();
    let running = space.start_run(&slow_pair());
    until_server_moves(&space).await;
    space
        .tidegate(&["pause", "pair-2", "--reason", "lunch"])
        .await
        .with_code(0);
    space
        .until("pair-2", "the end of wave 1 in a pause", |status| {
            state_of(status, "server") == "Done" && status.phase == "Paused"
        })
        .await;
    tokio::time::sleep(HELD).await;
    assert_eq!(client_generation(&space).await, Some(1));
    let status = space.status("pair-2").await;
    assert_eq!(state_of(&status, "client"), "Waiting");
    assert!(condition(&status, "Reconciling").1.contains("paused"));
    let why = space.tidegate(&["why", "client"]).await.with_code(0);
    assert!(
        why.stdout.contains("the release is paused"),
        "{}",
        why.stdout
    );

    space.tidegate(&["resume", "pair-2"]).await.with_code(0);
    running.done().await.with_code(0);
    assert_eq!(client_generation(&space).await, Some(2));
    let early = space.early_starts(since, &[("server", "client")]).await;
    assert_eq!(early, Vec::<String>::new());
}

#[tokio::test]
async fn an_aborted_release_starts_nothing_more_and_everybody_hears_of_it() {
    let space = Space::new("aborted").await;
    space.run(&pair(1)).await.with_code(0);
    let running = space.start_run(&slow_pair());
    until_server_moves(&space).await;
    let watching = space.start(&["watch", "pair-2", "--progress", "plain"]);
    space
        .tidegate(&["abort", "pair-2", "--reason", "wrong branch"])
        .await
        .with_code(0);
    for done in [running.done().await, watching.done().await] {
        let done = done.with_code(6);
        assert!(done.stderr.contains("wrong branch"), "{}", done.stderr);
    }
    let status = space.status("pair-2").await;
    assert_eq!(status.outcome.as_deref(), Some("Aborted"));
    assert_eq!(condition(&status, "Stalled").0, "True");
    // What moves is left to the cluster, and goes on.
    eventually("the rollout of the server", async || {
        is_rolled_out(&space.deployment("server").await).then_some(())
    })
    .await;
    tokio::time::sleep(HELD).await;
    assert_eq!(client_generation(&space).await, Some(1));
    space.tidegate(&["resume", "pair-2"]).await.with_code(4);
}

/// Version 2 with another client, of a plan that says what two releases do beside each other.
fn other(concurrency: &str) -> Files {
    let other = pair(3).set(
        ("ReleasePlan", "pair"),
        "spec/concurrency",
        json!(concurrency),
    );
    other.set(
        ("ServiceGraph", "pair"),
        "spec/services",
        json!([
            {"name": "server", "serves": [{"versions": ["1", "2", "3"]}]},
            {"name": "client", "calls": [{"service": "server", "version": "3"}]},
        ]),
    )
}

#[tokio::test]
async fn a_second_release_is_refused_while_one_runs_where_the_plan_forbids_it() {
    let space = Space::new("twice").await;
    space.run(&pair(1)).await.with_code(0);
    let running = space.start_run(&slow_pair());
    until_server_moves(&space).await;
    let second = space.run(&other("Forbid")).await.with_code(4);
    assert!(second.stderr.contains("`pair-2`"), "{}", second.stderr);
    running.done().await.with_code(0);
    assert!(space.release("pair-3").await.is_none());
}

#[tokio::test]
async fn a_second_release_waits_for_the_end_of_the_first_and_says_so() {
    let space = Space::new("queue").await;
    space.run(&pair(1)).await.with_code(0);
    let since = Timestamp::now();
    let running = space.start_run(&slow_pair());
    until_server_moves(&space).await;
    let second = space.start_run(&other("Queue"));
    space
        .until("pair-3", "that it waits", |status| {
            status.summary.contains("waits: `pair-2`")
        })
        .await;
    running.done().await.with_code(0);
    let ended = space.status("pair-2").await.completion_time.unwrap();
    second.done().await.with_code(0);
    let begun = space.status("pair-3").await.start_time.unwrap();
    assert!(begun.0 >= ended.0, "{begun:?} {ended:?}");
    let early = space.early_starts(since, &[("server", "client")]).await;
    assert_eq!(early, Vec::<String>::new());
}

#[tokio::test]
async fn a_newer_release_takes_the_place_of_the_running_one_when_what_moves_is_done() {
    let space = Space::new("supersede").await;
    let slow = pair(1).steer("server", "termination-delay", "20s");
    space.run(&slow).await.with_code(0);
    let since = Timestamp::now();
    let running = space.start_run(&pair(2));
    until_server_moves(&space).await;
    let second = space.start_run(&other("Supersede"));
    let first = running.done().await.with_code(6);
    assert!(first.stderr.contains("`pair-3`"), "{}", first.stderr);
    let status = space.status("pair-2").await;
    assert_eq!(status.outcome.as_deref(), Some("Superseded"));
    assert_eq!(state_of(&status, "server"), "Done");
    assert_eq!(state_of(&status, "client"), "Waiting");
    second.done().await.with_code(0);
    // The client of version 2 never came.
    assert_eq!(client_generation(&space).await, Some(2));
    let early = space.early_starts(since, &[("server", "client")]).await;
    assert_eq!(early, Vec::<String>::new());
}

#[tokio::test]
async fn a_release_that_hangs_does_not_hold_the_one_that_mends_it() {
    let space = Space::new("mended").await;
    space.run(&pair(1)).await.with_code(0);
    let hanging = pair(2).steer("server", "ready-delay", "1h");
    let running = space.start_run(&hanging);
    until_server_moves(&space).await;
    // Nobody drives it any more either.
    running.kill().await;
    let second = space.start_run(&other("Supersede"));
    second
        .done_within(Duration::from_mins(3))
        .await
        .with_code(0);
    let status = space.status("pair-2").await;
    assert_eq!(status.outcome.as_deref(), Some("Superseded"));
    assert_eq!(state_of(&status, "server"), "Moving");
}
