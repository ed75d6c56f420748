//! Freeze windows of a plan: what has begun is finished, nothing new starts, and a person may let it go on.

use jiff::{SignedDuration, Timestamp};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use tidegate::spec::crd::ReleasePlan;

use crate::files::{Files, pair};
use crate::support::{Space, condition, is_own_workload_write, state_of};

/// A window that holds now, and for an hour.
fn window() -> Value {
    let at = |hours: i64| {
        let time = Timestamp::now().checked_add(SignedDuration::from_hours(hours));
        time.unwrap().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    };
    json!([{"reason": "inventory", "from": at(-1), "until": at(1)}])
}

fn frozen(version: u32) -> Files {
    pair(version).set(("ReleasePlan", "pair"), "spec/freeze", window())
}

async fn set_freeze(space: &Space, windows: &Value) {
    let patch = json!({"spec": {"freeze": windows}});
    let plans = space.api::<ReleasePlan>();
    plans
        .patch("pair", &PatchParams::default(), &Patch::Merge(patch))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_release_in_a_window_begins_with_somebody_s_word_and_a_way_back_needs_none() {
    let space = Space::new("frozen").await;
    space.run(&pair(1)).await.with_code(0);
    let files = frozen(2);
    let since = Timestamp::now();
    let refused = space.run(&files).await.with_code(4);
    assert!(
        refused.stderr.contains("plan `pair` is frozen until "),
        "{}",
        refused.stderr
    );
    assert!(
        refused.stderr.contains("inventory; nothing was written"),
        "{}",
        refused.stderr
    );

    // Left to somebody else it is made, and held.
    let folder = files.folder();
    let path = folder.path().display().to_string();
    space
        .tidegate(&["run", "-f", &path, "--detach"])
        .await
        .with_code(0);
    let driven = space.start_run(&files);
    space
        .until("pair-2", "that it is held", |status| {
            status.phase == "Frozen"
        })
        .await;
    let status = space.status("pair-2").await;
    assert!(status.plan.is_none(), "planned when the window is over");
    let (reconciling, message) = condition(&status, "Reconciling");
    assert_eq!(reconciling, "True");
    assert!(message.contains("inventory"), "{message}");
    let shown = space.tidegate(&["status", "pair-2"]).await.with_code(0);
    assert!(shown.stdout.contains("inventory"), "{}", shown.stdout);
    let history = space.history().await;
    let mut writes = history.writes.iter().filter(|write| write.at >= since);
    assert_eq!(writes.find(|write| is_own_workload_write(write)), None);

    let forced = ["force", "pair-2", "freeze", "--reason", "prices are wrong"];
    space.tidegate(&forced).await.with_code(0);
    let done = driven.done().await.with_code(0);
    assert!(done.stderr.contains("inventory"), "{}", done.stderr);
    let kept = space
        .status("pair-2")
        .await
        .freeze
        .unwrap()
        .overridden
        .unwrap();
    assert_eq!(kept.reason.as_deref(), Some("prices are wrong"));
    assert!(kept.time.is_some() && !kept.by.is_empty());

    space
        .tidegate(&["rollback", "pair", "--yes"])
        .await
        .with_code(0);
    assert_eq!(
        space.status("pair-3").await.outcome.as_deref(),
        Some("Succeeded")
    );
    let path = folder.path().display().to_string();
    let despite = ["run", "-f", &path, "--despite-freeze", "--reason", "again"];
    space.tidegate(&despite).await.with_code(0);
}

#[tokio::test]
async fn a_window_that_comes_in_mid_release_lets_the_wave_finish_and_holds_the_next_one() {
    let space = Space::new("mid-freeze").await;
    space.run(&pair(1)).await.with_code(0);
    let running = space.start_run(&pair(2).steer("server", "ready-delay", "3s"));
    space
        .until("pair-2", "that the server moves", |status| {
            state_of(status, "server") == "Moving"
        })
        .await;
    set_freeze(&space, &window()).await;
    space
        .until("pair-2", "that the first wave is done and held", |status| {
            state_of(status, "server") == "Done" && status.phase == "Frozen"
        })
        .await;
    let why = space.tidegate(&["why", "client"]).await.with_code(0);
    for told in ["inventory", "nothing new starts before", "tidegate force"] {
        assert!(why.stdout.contains(told), "{told}?\n{}", why.stdout);
    }
    assert_eq!(state_of(&space.status("pair-2").await, "client"), "Waiting");
    set_freeze(&space, &json!([])).await;
    running.done().await.with_code(0);
}
