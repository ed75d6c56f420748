//! The ways back and on: rollback, a rollback on failure, what goes on beside a failure, retry and skip.

use jiff::Timestamp;
use serde_json::json;

use crate::files::{Files, QUICK, pair};
use crate::support::{Space, service_status, state_of, waves};

#[tokio::test]
async fn a_rollback_brings_the_older_release_back_in_the_other_order() {
    let space = Space::new("back").await;
    space.run(&pair(1)).await.with_code(0);
    let before = space.deployment("client").await.spec.template;
    space.run(&pair(2)).await.with_code(0);
    let since = Timestamp::now();
    let asked = space.tidegate(&["rollback", "pair"]).await.with_code(2);
    assert!(asked.stderr.contains("--yes"), "{}", asked.stderr);
    assert!(
        asked.stderr.contains("registry/client:1"),
        "{}",
        asked.stderr
    );
    assert!(space.release("pair-3").await.is_none());
    space
        .tidegate(&["rollback", "pair", "--yes", "--reason", "too slow"])
        .await
        .with_code(0);

    let release = space.release("pair-3").await.unwrap();
    assert_eq!(release.spec.trigger, "rollback");
    assert_eq!(release.spec.rollback_of.as_deref(), Some("pair-2"));
    assert_eq!(release.spec.reason.as_deref(), Some("too slow"));
    let status = space.status("pair-3").await;
    assert_eq!(waves(&status), [["client"], ["server"]]);
    let after = space.deployment("client").await.spec.template;
    assert_eq!(after.spec, before.spec);
    let early = space.early_starts(since, &[("client", "server")]).await;
    assert_eq!(early, Vec::<String>::new());
    let again = space
        .tidegate(&["rollback", "pair", "--yes"])
        .await
        .with_code(2);
    assert!(
        again.stderr.contains("itself a way back"),
        "{}",
        again.stderr
    );
}

#[tokio::test]
async fn a_release_that_fails_has_what_it_moved_brought_back_once() {
    let space = Space::new("back-fail").await;
    space.run(&pair(1)).await.with_code(0);
    let before = space.deployment("client").await.spec.template;
    let since = Timestamp::now();
    let broken = pair(2).steer("client", "failure", "ImagePullBackOff").set(
        ("ReleasePlan", "pair"),
        "spec/strategy/onFailure",
        json!("Rollback"),
    );
    let done = space.run(&broken).await.with_code(6);
    assert!(done.stderr.contains("`pair-3`"), "{}", done.stderr);

    let failed = space.status("pair-2").await;
    assert_eq!(failed.outcome.as_deref(), Some("Failed"));
    let release = space.release("pair-3").await.unwrap();
    assert_eq!(release.spec.rollback_of.as_deref(), Some("pair-2"));
    assert_eq!(release.spec.planning.only, ["client"]);
    let status = space.status("pair-3").await;
    assert_eq!(status.outcome.as_deref(), Some("Succeeded"));
    assert_eq!(waves(&status), [["client"]]);
    assert_eq!(
        space.deployment("client").await.spec.template.spec,
        before.spec
    );
    // The server of version 2 speaks to both clients, and stays.
    let server = space.deployment("server").await.spec.template.spec.unwrap();
    assert_eq!(
        server.containers[0].image.as_deref(),
        Some("registry/server:2")
    );
    assert!(space.release("pair-4").await.is_none());
    let early = space.early_starts(since, &[("server", "client")]).await;
    assert_eq!(early, Vec::<String>::new());
}

/// Two systems in one: what fails in one of them holds nobody in the other.
fn two(version: &str) -> Files {
    let calls = |callee: &str| json!([{"service": callee, "version": version}]);
    let serves = if version == "1" {
        json!(["1"])
    } else {
        json!(["1", "2"])
    };
    let services = json!([
        {"name": "left", "serves": [{"versions": serves}]},
        {"name": "left-client", "calls": calls("left")},
        {"name": "right", "serves": [{"versions": serves}]},
        {"name": "right-client", "calls": calls("right")},
    ]);
    let names = ["left", "left-client", "right", "right-client"];
    let plan = json!({"strategy": {"settle": "300ms", "onFailure": "Continue"}});
    names.iter().fold(
        Files::graph("two", &services).with_plan("two", &plan),
        |files, name| files.with_workload(name, version, QUICK),
    )
}

#[tokio::test]
async fn what_does_not_come_after_a_failed_service_goes_on_and_the_rest_can_be_skipped() {
    let space = Space::new("continue").await;
    space.run(&two("1")).await.with_code(0);
    let broken = two("2").steer("left", "failure", "ImagePullBackOff");
    let done = space.run(&broken).await.with_code(5);
    assert!(
        done.stderr.contains("not started: left-client"),
        "{}",
        done.stderr
    );
    let status = space.status("two-2").await;
    assert_eq!(state_of(&status, "left"), "Failed");
    assert_eq!(state_of(&status, "right-client"), "Done");
    let message = &service_status(&status, "left-client").unwrap().message;
    assert!(
        message.contains("left, which must be done before it, has failed"),
        "{message}"
    );

    // The client of a server that never came cannot do without it.
    let skip = ["skip", "two", "left", "--reason", "later"];
    let refused = space.tidegate(&skip).await;
    assert_eq!(refused.code, 4, "{}", refused.stderr);
    assert!(space.release("two-3").await.is_none());
    let unknown = space
        .tidegate(&["skip", "two", "lef", "--reason", "later"])
        .await
        .with_code(2);
    assert!(
        unknown.stderr.contains("did you mean `left`?"),
        "{}",
        unknown.stderr
    );

    let retried = space.tidegate(&["retry", "two"]).await.with_code(5);
    assert!(retried.stderr.contains("left"), "{}", retried.stderr);
    let release = space.release("two-3").await.unwrap();
    assert_eq!(release.spec.retry_of.as_deref(), Some("two-2"));
    assert_eq!(release.spec.trigger, "retry");
}
