//! What is refused before the first write: every problem at once, and nothing is changed.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use tidegate::spec::crd::{Release, ReleasePlan, ServiceGraph};

use crate::accounts::rights_of_a_plan;
use crate::files::{Files, pair};
use crate::support::{Space, eventually};

/// Controllers that have nothing written for so long are done.
const QUIET: Duration = Duration::from_secs(2);

/// The state of everything in a namespace: each object with its resourceVersion.
type Versions = BTreeMap<String, String>;

async fn versions(space: &Space) -> Versions {
    macro_rules! of {
        ($($kind:ty),*) => {{
            let mut versions = Versions::new();
            $(for object in space.list::<$kind>().await {
                let name = format!("{} {}", stringify!($kind), object.name_any());
                versions.insert(name, object.resource_version().unwrap());
            })*
            versions
        }};
    }
    of!(
        Deployment,
        ReplicaSet,
        Pod,
        Service,
        EndpointSlice,
        Secret,
        Release,
        ReleasePlan,
        ServiceGraph
    )
}

/// The state once controllers write no more.
async fn settled(space: &Space) -> Versions {
    let mut last = versions(space).await;
    eventually("the last write of a controller", async || {
        tokio::time::sleep(QUIET).await;
        let newest = versions(space).await;
        let is_settled = newest == last;
        last.clone_from(&newest);
        is_settled.then_some(newest)
    })
    .await
}

/// A namespace where version 1 runs and nothing moves.
async fn installed(name: &str) -> (Space, Versions) {
    let space = Space::new(name).await;
    space.run(&pair(1)).await.with_code(0);
    let before = settled(&space).await;
    (space, before)
}

/// Nothing was changed since then, and nothing was even tried.
async fn assert_untouched(space: &Space, before: &Versions, since: Timestamp) {
    assert_eq!(versions(space).await, *before);
    let history = space.history().await;
    let mut written = history.writes.iter().filter(|write| {
        write.at >= since && write.user_agent.starts_with("tidegate/") && !write.dry_run
    });
    assert_eq!(written.next(), None);
    assert_eq!(
        space.list::<ConfigMap>().await.len(),
        2,
        "but for our own marker"
    );
}

fn widget() -> Value {
    json!({"apiVersion": "example.dev/v1", "kind": "Widget", "metadata": {"name": "knob"}})
}

#[tokio::test]
async fn an_unknown_kind_is_refused_before_the_first_write() {
    let (space, before) = installed("unknown-kind").await;
    let since = Timestamp::now();
    let done = space.run(&pair(2).with(widget())).await.with_code(3);
    assert!(done.stderr.contains("`Widget`"), "{}", done.stderr);
    assert_untouched(&space, &before, since).await;
}

#[tokio::test]
async fn every_refusal_of_the_api_server_is_told_at_once_and_nothing_is_written() {
    let space = Space::new("refused").await;
    space.run(&pair(1)).await.with_code(0);
    take_over(&space, "client", "autoscaler").await;
    space.until_rolled_out().await;
    let before = settled(&space).await;
    let since = Timestamp::now();
    let labels = json!({"app": "server", "tier": "back"});
    let wrong: Files = pair(2)
        .set(
            ("Deployment", "server"),
            "spec/selector/matchLabels",
            labels.clone(),
        )
        .set(
            ("Deployment", "server"),
            "spec/template/metadata/labels",
            labels,
        )
        .with(widget());
    let done = space.run(&wrong).await.with_code(4);
    for told in [
        &space.path("Deployment", "server"),
        "field is immutable",
        &space.path("Deployment", "client"),
        "\"autoscaler\"",
        ".spec.replicas",
        "`Widget`",
        "nothing was written",
    ] {
        assert!(done.stderr.contains(told), "{told}?\n{}", done.stderr);
    }
    assert_untouched(&space, &before, since).await;
}

/// Another manager sets another number of pods, and owns it from then on.
async fn take_over(space: &Space, deployment: &str, manager: &str) {
    let patch = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": deployment},
        "spec": {"replicas": 3},
    });
    let parameters = PatchParams::apply(manager).force();
    space
        .api::<Deployment>()
        .patch(deployment, &parameters, &Patch::Apply(patch))
        .await
        .unwrap();
}

fn as_deployer(version: u32) -> Files {
    pair(version).set(
        ("ReleasePlan", "pair"),
        "spec/serviceAccountName",
        json!("deployer"),
    )
}

#[tokio::test]
async fn every_write_that_the_account_may_not_make_is_told_and_nothing_is_written() {
    let (space, before) = installed("forbidden").await;
    space.account("deployer", &rights_of_a_plan(&["get"])).await;
    let since = Timestamp::now();
    let done = space.run(&as_deployer(2)).await.with_code(3);
    for told in [
        &space.path("Deployment", "server"),
        &space.path("Deployment", "client"),
        "forbidden",
        &space.user("deployer"),
    ] {
        assert!(done.stderr.contains(told), "{told}?\n{}", done.stderr);
    }
    assert_untouched(&space, &before, since).await;
}

#[tokio::test]
async fn an_account_without_any_right_is_told_of_every_object_and_nothing_is_written() {
    let (space, before) = installed("no-rights").await;
    space.account("deployer", &json!([])).await;
    let since = Timestamp::now();
    let done = space.run(&as_deployer(2)).await.with_code(3);
    for told in [
        &space.path("Deployment", "server"),
        &space.path("Deployment", "client"),
        &space.path("Service", "server"),
        &space.path("Service", "client"),
    ] {
        assert!(done.stderr.contains(told), "{told}?\n{}", done.stderr);
    }
    assert_untouched(&space, &before, since).await;
}
