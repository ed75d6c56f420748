//! A server that was done and is undone by somebody while its client moves.

use serde_json::json;

use crate::files::{Files, pair};
use crate::support::{Running, Space, condition, eventually, service_status, set_image, state_of};

/// The pair, whose client moves slowly enough to be caught at it.
fn slow(version: u32) -> Files {
    let plan = ("ReleasePlan", "pair");
    pair(version)
        .set(plan, "spec/strategy/onRegression", json!("Pause"))
        .steer("client", "ready-delay", "6s")
}

async fn is_paused(space: &Space) -> bool {
    space.deployment("client").await.spec.paused == Some(true)
}

/// A release whose client is paused, since somebody has undone the server.
async fn paused(space: &Space) -> Running {
    space.run(&slow(1)).await.with_code(0);
    let running = space.start_run(&slow(2));
    space
        .until("pair-2", "the client to move", |status| {
            state_of(status, "client") == "Moving"
        })
        .await;
    set_image(space, "server", "registry/server:1").await;
    eventually("the pause of the client", async || {
        is_paused(space).await.then_some(())
    })
    .await;
    running
}

#[tokio::test]
async fn a_client_is_paused_while_its_server_is_not_done_and_goes_on_afterwards() {
    let space = Space::new("regressed").await;
    let running = paused(&space).await;
    let status = space.status("pair-2").await;
    let (is_broken, words) = condition(&status, "InvariantBroken");
    assert_eq!(is_broken, "True");
    assert!(
        words.contains("Deployment server") && words.contains("`kubectl-set`"),
        "{words}"
    );
    space
        .until("pair-2", "the client's own words", |status| {
            let client = service_status(status, "client");
            client.is_some_and(|client| client.message.contains("paused, since server was done"))
        })
        .await;
    let why = space.tidegate(&["why", "client"]).await.with_code(0);
    assert!(
        why.stdout.contains("paused, since server was done"),
        "{}",
        why.stdout
    );

    set_image(&space, "server", "registry/server:2").await;
    running.done().await.with_code(0);
    assert!(!is_paused(&space).await);
    let status = space.status("pair-2").await;
    assert_eq!(condition(&status, "InvariantBroken").0, "False");
}

#[tokio::test]
async fn a_pause_that_a_release_has_left_is_taken_back_by_the_next_one() {
    let space = Space::new("left-paused").await;
    let running = paused(&space).await;
    space.tidegate(&["abort", "pair-2"]).await.with_code(0);
    running.done().await.with_code(6);
    assert!(is_paused(&space).await);
    set_image(&space, "server", "registry/server:2").await;
    space.run(&slow(2)).await.with_code(0);
    assert!(!is_paused(&space).await);
}
