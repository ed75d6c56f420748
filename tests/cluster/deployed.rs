//! What `tidegate install` puts into a cluster, on a real API server: its pods are let in, its rights are enough for a release, and
//! when it goes it leaves what runs alone.

use devcluster::{Options, Progress};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use serde_json::json;

use crate::at_rest::Controller;
use crate::files::pair;
use crate::support::{Space, eventually, is_rolled_out};

#[tokio::test]
#[expect(
    clippy::too_many_lines,
    reason = "one story from the install to the uninstall"
)]
async fn what_is_installed_can_drive_a_release_and_leaves_what_runs_alone_when_it_goes() {
    // Its policy and its roles are for the whole cluster, so it has one of its own.
    let cluster = devcluster::start(Options::default(), &Progress::silent()).await;
    let cluster = cluster.unwrap();
    let system = Space::on(&cluster, "deployed").await;
    let shop = Space::on(&cluster, "shop").await;
    let client = system.client.clone();
    let install = [
        "install",
        "--image=registry.example/tidegate:1.2",
        &format!("--namespaces={}", shop.namespace),
    ];
    let first = system.tidegate(&install).await.with_code(0);
    let made = format!("Deployment/{}/tidegate: created", system.namespace);
    assert!(first.stderr.contains(&made), "{}", first.stderr);
    let again = system.tidegate(&install).await.with_code(0);
    assert!(!again.stderr.contains("created"), "{}", again.stderr);
    assert!(!again.stderr.contains("changed"), "{}", again.stderr);
    let namespace = Api::<Namespace>::all(client.clone())
        .get(&system.namespace)
        .await;
    let level = namespace
        .unwrap()
        .labels()
        .get("pod-security.kubernetes.io/enforce")
        .cloned();
    assert_eq!(level.as_deref(), Some("restricted"));
    eventually("two pods that the strictest level lets in", async || {
        (system.list::<Pod>().await.len() == 2).then_some(())
    })
    .await;

    // With the account's token and nothing else, as in its pod.
    let controller = Controller::start_in(&system, &shop, &[]).await;
    let account = format!("{}-deployer", shop.namespace);
    for version in [1, 2] {
        let plan = ("ReleasePlan", "pair");
        let input = pair(version)
            .set(plan, "spec/serviceAccountName", json!(account))
            .set(plan, "spec/history", json!({"keepSucceeded": 1}))
            .folder();
        let path = input.path().display().to_string();
        shop.tidegate(&["run", "-f", &path, "--detach"])
            .await
            .with_code(0);
        shop.until(
            &format!("pair-{version}"),
            "a release that succeeded",
            |status| status.outcome.as_deref() == Some("Succeeded"),
        )
        .await;
    }
    eventually("the end of what the plan does not keep", async || {
        shop.release("pair-1").await.is_none().then_some(())
    })
    .await;
    let (_, metrics) = controller.get("/metrics").unwrap();
    let refused = metrics.lines().filter(|line| line.contains("code=\"403\""));
    assert_eq!(refused.collect::<Vec<_>>(), Vec::<&str>::new());
    controller.running.kill().await;

    let uids = |all: &[Deployment]| all.iter().map(ResourceExt::uid).collect::<Vec<_>>();
    let before = shop.list::<Deployment>().await;
    assert_eq!(before.len(), 2);
    let told = system.tidegate(&["uninstall"]).await.with_code(0);
    let gone = system.tidegate(&["uninstall", "--yes"]).await.with_code(0);
    assert_eq!(told.stdout, gone.stdout);
    let nothing = system.tidegate(&["uninstall", "--yes"]).await.with_code(0);
    assert_eq!(nothing.stdout, "nothing is installed\n");
    assert_eq!(system.list::<Deployment>().await.len(), 0);
    let after = shop.list::<Deployment>().await;
    assert_eq!(uids(&after), uids(&before));
    for deployment in &after {
        assert!(is_rolled_out(deployment), "{}", deployment.name_any());
        assert_eq!(deployment.finalizers(), [] as [&str; 0]);
        assert_eq!(deployment.owner_references(), []);
    }
    let release = shop.release("pair-2").await.unwrap();
    assert_eq!(release.finalizers(), [] as [&str; 0]);

    let all = ["uninstall", "--with-data", "--yes"];
    system.tidegate(&all).await.with_code(0);
    let definitions: Api<CustomResourceDefinition> = Api::all(client);
    eventually("the end of the custom resources", async || {
        let left = definitions.list_metadata(&ListParams::default()).await;
        let left = left.unwrap().items;
        let is_own = |name: String| name.ends_with(".tidegate.dev");
        (!left.iter().any(|one| is_own(one.name_any()))).then_some(())
    })
    .await;
    assert_eq!(uids(&shop.list::<Deployment>().await), uids(&before));
}

#[tokio::test]
async fn what_cannot_be_installed_is_told_before_anything_is_written() {
    let space = Space::new("absent").await;
    let image = "--image=registry.example/tidegate:1.2";
    let absent = [
        "install",
        image,
        "--namespaces=one-that-is-not-there,nor-this",
    ];
    let refused = space.tidegate(&absent).await.with_code(2);
    let names = "`one-that-is-not-there`, `nor-this`";
    assert!(refused.stderr.contains(names), "{}", refused.stderr);
    assert_eq!(space.list::<Deployment>().await.len(), 0);
}
