//! What people ask of a running release: pause, resume, abort, and another one beside it.

use std::time::Duration;

use jiff::Timestamp;

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

#[tokio::test]
async fn a_second_release_of_a_plan_is_refused_while_one_runs() {
    let space = Space::new("twice").await;
    space.run(&pair(1)).await.with_code(0);
    let running = space.start_run(&slow_pair());
    until_server_moves(&space).await;
    let other = slow_pair().steer("client", "other", "files");
    let second = space.run(&other).await.with_code(4);
    assert!(second.stderr.contains("`pair-2`"), "{}", second.stderr);
    running.done().await.with_code(0);
    assert!(space.release("pair-3").await.is_none());
}
