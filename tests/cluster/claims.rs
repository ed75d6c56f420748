//! Two plans that claim one workload: the second is told, before it writes anything.

use jiff::Timestamp;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Service;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::json;
use tidegate::spec::crd::ReleasePlan;

use crate::accounts::rights_of_a_plan;
use crate::at_rest::Controller;
use crate::files::{Files, QUICK, pair};
use crate::support::{Space, eventually, is_own_workload_write};

/// A system of another name that has a service of the pair too.
fn other(shared: &str, version: &str) -> Files {
    let services = json!([{"name": shared}, {"name": "desk"}]);
    Files::graph("crm", &services)
        .with_plan("crm", &json!({"strategy": {"settle": "300ms"}}))
        .with_workload(shared, version, QUICK)
        .with_workload("desk", version, QUICK)
}

async fn assert_nothing_was_written(space: &Space, since: Timestamp) {
    let history = space.history().await;
    let mut writes = history.writes.iter().filter(|write| write.at >= since);
    assert_eq!(writes.find(|write| is_own_workload_write(write)), None);
}

fn owner(deployment: &Deployment) -> Option<&str> {
    let owner = deployment.labels().get("tidegate.dev/plan");
    owner.map(String::as_str)
}

#[tokio::test]
async fn a_plan_that_wants_what_another_one_has_is_refused_with_both_names_before_any_write() {
    let space = Space::new("claimed").await;
    space.run(&pair(1)).await.with_code(0);
    let since = Timestamp::now();
    let refused = space.run(&other("server", "2")).await.with_code(4);
    for told in [
        "TG0308",
        &space.path("Deployment", "server"),
        &space.path("Service", "server"),
        "belongs to plan `pair`, and plan `crm` wants to release it too",
        "nothing was written",
    ] {
        assert!(refused.stderr.contains(told), "{told}?\n{}", refused.stderr);
    }
    assert!(!refused.stderr.contains("desk"), "{}", refused.stderr);
    assert_nothing_was_written(&space, since).await;
    assert!(space.get::<Deployment>("desk").await.is_none());
    assert!(space.get::<ReleasePlan>("crm").await.is_none());

    // A plan that is gone claims nothing; what it brought runs on.
    let plans = space.api::<ReleasePlan>();
    plans
        .delete("pair", &DeleteParams::default())
        .await
        .unwrap();
    space.run(&other("server", "2")).await.with_code(0);
    let server = space.deployment("server").await;
    assert_eq!(owner(&server), Some("crm"));
}

#[tokio::test]
async fn what_is_labelled_with_a_plan_is_that_plans_from_then_on_and_the_other_one_is_told() {
    let space = Space::new("given").await;
    // The pair, and a service that calls nobody and that nobody calls.
    let three = |version: u32| {
        let mut files = pair(version).with_workload("lamp", "1", QUICK);
        let graph = files.object("ServiceGraph", "pair");
        let services = graph["spec"]["services"].as_array_mut().unwrap();
        services.push(json!({"name": "lamp"}));
        files
    };
    space.run(&three(1)).await.with_code(0);
    give::<Deployment>(&space, "lamp").await;
    give::<Service>(&space, "lamp").await;
    space.run(&other("lamp", "2")).await.with_code(0);
    let refused = space.run(&three(2)).await.with_code(4);
    let told = "belongs to plan `crm`, and plan `pair` wants to release it too";
    assert!(refused.stderr.contains(told), "{}", refused.stderr);
    // Without it the rest goes on, and leaves alone what was given away.
    space.run(&pair(2)).await.with_code(0);
    let lamp = space.deployment("lamp").await;
    assert_eq!(owner(&lamp), Some("crm"));
    assert!(lamp.metadata.deletion_timestamp.is_none());
}

/// Gives an object to the other plan.
async fn give<K>(space: &Space, name: &str)
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned,
{
    let labels = json!({"metadata": {"labels": {"tidegate.dev/plan": "crm"}}});
    let parameters = PatchParams::default();
    space
        .api::<K>()
        .patch(name, &parameters, &Patch::Merge(&labels))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_release_that_comes_second_ends_as_refused_and_its_plan_says_why_until_it_is_mended() {
    let space = Space::new("second").await;
    space
        .account("deployer", &rights_of_a_plan(&["create", "patch"]))
        .await;
    let as_deployer = |files: Files| {
        let account = json!("deployer");
        files.set(("ReleasePlan", "crm"), "spec/serviceAccountName", account)
    };
    // It is made while nothing is claimed, and comes to its turn afterwards.
    detach(&space, &as_deployer(other("server", "1"))).await;
    space.run(&pair(1)).await.with_code(0);
    let controller = Controller::start_with(&space, &[]).await;
    let both = "belongs to plan `pair`, and plan `crm` wants to release it too";
    space
        .until("crm-1", "the refusal", |status| {
            let told = status
                .conditions
                .iter()
                .any(|one| one.message.contains(both));
            status.outcome.as_deref() == Some("Refused") && told
        })
        .await;
    let words = conflicted(&space, "True").await;
    assert!(words.contains(both), "{words}");
    assert!(space.get::<Deployment>("desk").await.is_none());

    let alone = Files::graph("crm", &json!([{"name": "desk"}]))
        .with_plan("crm", &json!({}))
        .with_workload("desk", "1", QUICK);
    detach(&space, &as_deployer(alone)).await;
    space
        .until("crm-2", "the end of the release", |status| {
            status.outcome.as_deref() == Some("Succeeded")
        })
        .await;
    conflicted(&space, "False").await;
    controller.running.kill().await;
}

/// Leaves a release to a controller.
async fn detach(space: &Space, files: &Files) {
    let folder = files.folder();
    let path = folder.path().display().to_string();
    let made = space.tidegate(&["run", "-f", &path, "--detach"]).await;
    made.with_code(0);
}

/// What the condition of the plan says, once it has that status.
async fn conflicted(space: &Space, wanted: &str) -> String {
    eventually("the condition of the plan", async || {
        let plan = space.get::<ReleasePlan>("crm").await?;
        let status = plan.status?;
        let mut conditions = status.conditions.into_iter();
        let found = conditions.find(|one| one.type_ == "Conflicted" && one.status == wanted)?;
        Some(found.message)
    })
    .await
}
