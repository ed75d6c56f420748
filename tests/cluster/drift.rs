//! What somebody else changes of a system at rest: it is told by whom, and put back in order where the plan says so.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Event, Service};
use kube::ResourceExt;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use tidegate::spec::crd::ReleasePlan;

use crate::accounts::rights_of_a_plan;
use crate::at_rest::{Controller, files};
use crate::files::Files;
use crate::support::{Space, eventually, is_own_workload_write, waves};

/// Longer than it takes to look at what was changed.
const LOOKED: Duration = Duration::from_secs(4);

async fn guarded(name: &str) -> (Space, Controller) {
    let space = Space::new(name).await;
    let rights = rights_of_a_plan(&["create", "patch"]);
    space.account("deployer", &rights).await;
    let controller = Controller::start_with(&space, &[]).await;
    (space, controller)
}

/// Leaves a release to the controller, and waits for its end.
async fn release(space: &Space, files: &Files, name: &str) {
    let folder = files.folder();
    let path = folder.path().display().to_string();
    let made = space.tidegate(&["run", "-f", &path, "--detach"]).await;
    made.with_code(0);
    succeeded(space, name).await;
}

async fn succeeded(space: &Space, name: &str) {
    space
        .until(name, "the end of the release", |status| {
            status.outcome.as_deref() == Some("Succeeded")
        })
        .await;
}

/// Changes a Deployment as another program does.
pub(crate) async fn change(space: &Space, deployment: &str, manager: &str, patch: &Value) {
    let parameters = PatchParams {
        field_manager: Some(manager.to_owned()),
        ..PatchParams::default()
    };
    space
        .api::<Deployment>()
        .patch(deployment, &parameters, &Patch::Strategic(patch))
        .await
        .unwrap();
}

/// The template that a Deployment has, as a patch that gives it again.
async fn template(space: &Space, deployment: &str) -> Value {
    let found = space.deployment(deployment).await;
    let template = serde_json::to_value(found.spec.template).unwrap();
    json!({"spec": {"template": {
        "metadata": {"annotations": template["metadata"]["annotations"]},
        "spec": {"containers": [{
            "name": "main",
            "image": template["spec"]["containers"][0]["image"],
        }]},
    }}})
}

/// What the plan says of changes, once it has that status.
async fn drifted(space: &Space, wanted: &str) -> String {
    eventually("the condition Drifted", async || {
        let plan = space.get::<ReleasePlan>("pair").await?;
        let mut conditions = plan.status?.conditions.into_iter();
        let found = conditions.find(|one| one.type_ == "Drifted" && one.status == wanted)?;
        Some(found.message)
    })
    .await
}

#[tokio::test]
async fn a_foreign_change_is_told_by_field_and_manager_and_nothing_is_written() {
    let (space, controller) = guarded("drift-told").await;
    release(&space, &files(1), "pair-1").await;
    let before = template(&space, "client").await;
    let since = Timestamp::now();
    let image = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "main", "image": "registry/client:9"}]}}}});
    change(&space, "client", "kubectl-set", &image).await;
    let told = drifted(&space, "True").await;
    let place = space.path("Deployment", "client");
    let field = "spec.template.spec.containers[name=\"main\"].image";
    let words = format!("{place}: {field} was changed by kubectl-set at 20");
    assert!(told.contains(&words), "{told}");
    let status = space.tidegate(&["status"]).await.with_code(0);
    assert!(status.stdout.contains(&words), "{}", status.stdout);
    let (_, metrics) = controller.get("/metrics").unwrap();
    let line = "tidegate_drifted_objects{plan=\"pair\"} 1";
    assert!(metrics.contains(line), "{metrics}");
    eventually("the Event on the plan", async || {
        let events: Vec<Event> = space.list().await;
        let mut about = events.iter().filter(|event| {
            event.involved_object.kind.as_deref() == Some("ReleasePlan")
                && event.reason.as_deref() == Some("ForeignWrite")
        });
        about.next().map(|_| ())
    })
    .await;

    // What is deleted is told too; what others add to an object and do not take from us is theirs.
    let services = space.api::<Service>();
    services
        .delete("server", &DeleteParams::default())
        .await
        .unwrap();
    let note = json!({"metadata": {"annotations": {"team": "shop"}}});
    change(&space, "server", "kubectl-annotate", &note).await;
    eventually("that both are told", async || {
        let told = drifted(&space, "True").await;
        let gone = format!("{} was deleted", space.path("Service", "server"));
        (told.contains(&gone) && told.contains("kubectl-set")).then_some(())
    })
    .await;
    assert!(!drifted(&space, "True").await.contains("annotate"));
    let history = space.history().await;
    let mut writes = history.writes.iter().filter(|write| write.at >= since);
    assert_eq!(writes.find(|write| is_own_workload_write(write)), None);

    // Once it is released again, everything is as it was released.
    change(&space, "client", "kubectl-set", &before).await;
    release(
        &space,
        &files(1).set(
            ("ReleasePlan", "pair"),
            "spec/takeOver",
            json!(["kubectl-set"]),
        ),
        "pair-2",
    )
    .await;
    drifted(&space, "False").await;
    controller.running.kill().await;
}

#[tokio::test]
async fn what_was_undone_is_put_back_in_order_by_a_release_of_its_own_where_the_plan_says_so() {
    let (space, controller) = guarded("drift-healed").await;
    let healing =
        |version| files(version).set(("ReleasePlan", "pair"), "spec/drift", json!("Heal"));
    release(&space, &healing(1), "pair-1").await;
    let (server, client) = (
        template(&space, "server").await,
        template(&space, "client").await,
    );
    release(&space, &healing(2), "pair-2").await;
    let since = Timestamp::now();
    // As `kubectl rollout undo` does: the old template whole, with what it said of itself.
    change(&space, "client", "kubectl-rollout", &client).await;
    change(&space, "server", "kubectl-rollout", &server).await;
    succeeded(&space, "pair-3").await;
    let healed = space.release("pair-3").await.unwrap();
    assert_eq!(healed.spec.trigger, "drift");
    assert_eq!(healed.spec.retry_of.as_deref(), Some("pair-2"));
    let reason = healed.spec.reason.unwrap_or_default();
    assert!(reason.contains("kubectl-rollout"), "{reason}");
    assert_eq!(
        waves(&space.status("pair-3").await),
        [["server"], ["client"]]
    );
    for service in ["server", "client"] {
        let deployment = space.deployment(service).await;
        let image = template(&space, service).await;
        let image = image
            .pointer("/spec/template/spec/containers/0/image")
            .unwrap();
        assert_eq!(*image, json!(format!("registry/{service}:2")));
        let managers = deployment
            .metadata
            .managed_fields
            .clone()
            .unwrap_or_default();
        let mut managers = managers.iter().filter_map(|entry| entry.manager.as_deref());
        assert!(
            !managers.any(|manager| manager == "kubectl-rollout"),
            "{}",
            deployment.name_any()
        );
    }
    let early = space.early_starts(since, &[("server", "client")]).await;
    assert_eq!(early, Vec::<String>::new());
    drifted(&space, "False").await;

    // Nothing more comes of it; and the way back leads past the release that put things back.
    tokio::time::sleep(LOOKED).await;
    assert!(space.release("pair-4").await.is_none());
    let back = ["rollback", "pair", "--dry-run"];
    let shown = space.tidegate(&back).await.with_code(0);
    assert!(
        shown.stderr.contains("by what `pair-1` brought"),
        "{}",
        shown.stderr
    );
    controller.running.kill().await;
}
