//! Canaries of the real Flagger, without a mesh: what people apply is the target, what serves is its copy, the primary.
//!
//! Flagger looks at a Canary every 10 s at most, so these rollouts take a minute.

use std::time::Duration;

use devcluster::{Extras, Options, Shared, oracle};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::conformance::{begin, follow, version};
use crate::files::{Files, workload};
use crate::looks::{Rollout, Watched};
use crate::support::{Space, condition, eventually, set_image, state_of};

/// How long a Canary may take: eight looks of Flagger, and what its pods take.
const LONG: Duration = Duration::from_secs(150);

/// The control plane with Flagger.
static WITH_FLAGGER: Shared = Shared::new(|| Options {
    extras: Extras {
        flagger: true,
        ..Extras::default()
    },
    ..Options::default()
});

async fn flagger_space(name: &str) -> Space {
    Space::on(WITH_FLAGGER.get().await.unwrap(), name).await
}

/// A Canary of a Deployment. Flagger makes the Services itself.
fn canary(name: &str, webhooks: &Value) -> Value {
    json!({
        "apiVersion": "flagger.app/v1beta1",
        "kind": "Canary",
        "metadata": {"name": name},
        "spec": {
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "service": {"port": 50051, "portName": "rpc"},
            "analysis": {"interval": "10s", "threshold": 1, "iterations": 1, "webhooks": webhooks},
        },
    })
}

/// The same, which Flagger promotes at once.
fn unquestioned(name: &str) -> Value {
    let mut canary = canary(name, &json!([]));
    canary["spec"]["skipAnalysis"] = json!(true);
    canary
}

/// A version of the target that leaves the number of its pods to Flagger.
fn target(tag: &str) -> Value {
    let mut target = version("Deployment", tag);
    target["spec"].as_object_mut().unwrap().remove("replicas");
    target
}

/// Rolls the target of a Canary to its next version.
async fn roll((space, situation): (&Space, &str), canary: Value, at_most: Duration) -> Watched {
    let rollout = Rollout::of(space, "Canary");
    let first = [version("Deployment", "1"), canary.clone()];
    begin(&rollout, &first, LONG).await;
    eventually("the end of the target's own pods", async || {
        let left = space.pods("web").await.len();
        (left == 0).then_some(())
    })
    .await;
    let next = [target("2"), canary];
    follow((space, situation), &rollout, &next, at_most).await
}

#[tokio::test]
async fn a_canary_of_flagger_is_open_once_its_primary_runs_the_new_template_alone() {
    let space = flagger_space("promoted").await;
    let title = "Flagger Canary, one check, then promoted";
    let watched = roll((&space, title), canary("web", &json!([])), LONG).await;
    watched.never_open_beside_an_old_pod();
    let verdicts = watched.verdicts();
    for stage in ["AwaitDetection", "Analysis", "Promoting"] {
        let stage = format!("Progressing {stage}");
        assert!(verdicts.contains(&stage.as_str()), "{stage}: {verdicts:?}");
    }
    assert_eq!(verdicts.last(), Some(&"Complete, Drained"));
    // What the last run has left says that it succeeded until Flagger has looked.
    for other in 1..3 {
        let early = watched.first(|look| look.others[other] == Some(true));
        assert!(early.unwrap().1 > 0, "{other}: {early:?}");
    }
}

#[tokio::test]
async fn a_canary_without_an_analysis_has_succeeded_before_its_primary_has_rolled() {
    let space = flagger_space("unquestioned").await;
    let title = "Flagger Canary, `skipAnalysis`";
    let watched = roll((&space, title), unquestioned("web"), LONG).await;
    watched.never_open_beside_an_old_pod();
    let verdicts = watched.verdicts();
    assert!(verdicts.contains(&"Complete, Draining"), "{verdicts:?}");
    assert_eq!(verdicts.last(), Some(&"Complete, Drained"));
}

#[tokio::test]
async fn a_canary_whose_check_fails_has_failed_and_a_return_to_what_was_promoted_is_done() {
    let space = flagger_space("failed").await;
    let title = "Flagger Canary, its check fails";
    // Nothing listens there.
    let failing = json!([{"name": "smoke", "url": "http://127.0.0.1:1/", "timeout": "1s"}]);
    let canary = canary("web", &failing);
    let at_most = Duration::from_secs(70);
    let watched = roll((&space, title), canary.clone(), at_most).await;
    assert_eq!(watched.first(|look| look.is_open), None);
    let verdicts = watched.verdicts();
    assert!(verdicts.contains(&"Progressing Analysis"), "{verdicts:?}");
    assert_eq!(verdicts.last(), Some(&"Failed AnalysisFailed"));

    // Flagger does nothing then, ever, and leaves `Failed` where it is.
    let rollout = Rollout::of(&space, "Canary");
    let back = rollout.watch(&[target("1"), canary], LONG).await;
    assert_eq!(back.verdicts().last(), Some(&"Complete, Drained"));
}

/// A server behind a Canary, and its client: version 2 of the client speaks only what version 2 of the server does.
fn flagged(version: u32) -> Files {
    let (serves, calls) = if version == 1 {
        (json!(["1"]), "1")
    } else {
        (json!(["1", "2"]), "2")
    };
    let services = json!([
        {"name": "server", "serves": [{"versions": serves}], "workloads": [
            {"apiVersion": "apps/v1", "kind": "Deployment", "name": "server"},
            {"apiVersion": "flagger.app/v1beta1", "kind": "Canary", "name": "server"},
        ]},
        {"name": "client", "calls": [{"service": "server", "version": calls}]},
    ]);
    let pace = ("300ms", "4s");
    Files::graph("pair", &services)
        .with_plan("pair", &json!({"strategy": {"settle": "300ms"}}))
        .with(workload("Deployment", "server", &version.to_string()))
        .with(unquestioned("server"))
        .with_workload("client", &version.to_string(), pace)
        .at_pace(pace)
}

#[tokio::test]
async fn a_target_that_somebody_changes_in_mid_wait_fails_its_service() {
    let space = flagger_space("changed").await;
    space.run(&flagged(1)).await.with_code(0);
    let running = space.start_run(&flagged(2));
    space
        .until("pair-2", "the wait for Flagger", |status| {
            state_of(status, "server") == "Moving"
        })
        .await;
    set_image(&space, "server", "registry/server:3").await;
    running.done().await.with_code(5);
    let status = space.status("pair-2").await;
    let message = condition(&status, "Ready").1;
    assert!(
        message.contains("Deployment server") && message.contains("`kubectl-set`"),
        "{message}"
    );
}

#[tokio::test]
async fn a_release_holds_the_client_until_the_last_old_pod_of_the_primary_is_gone() {
    let space = flagger_space("flagged").await;
    space.run(&flagged(1)).await.with_code(0);
    let since = Timestamp::now();
    space.run(&flagged(2)).await.with_code(0);
    let status = space.status("pair-2").await;
    assert_eq!(status.outcome.as_deref(), Some("Succeeded"));
    let early = space
        .early_starts(since, &[("server-primary", "client")])
        .await;
    assert_eq!(early, Vec::<String>::new());
    let rolls = oracle::rolls(&space.history().await, &space.namespace, since);
    let rolled: Vec<&str> = rolls.iter().map(|roll| roll.service.as_str()).collect();
    // The target, whose pods only Flagger sees; what serves; and then who calls it.
    assert_eq!(rolled, ["server", "server-primary", "client"]);
}
