//! What `deploy/` puts into a cluster, on a real API server: its pods are let in, its rights are enough for a release, and
//! when it goes it leaves what runs alone.

use std::path::Path;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams,
};
use kube::{Client, ResourceExt};
use serde_json::json;

use crate::at_rest::Controller;
use crate::files::pair;
use crate::support::{Space, eventually, is_rolled_out};

/// The objects of a file of `deploy/`, in these namespaces.
pub(crate) fn objects(file: &str, system: &str, shop: &str) -> Vec<DynamicObject> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy")
        .join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let text = text
        .replace("tidegate-system", system)
        .replace("namespace: shop", &format!("namespace: {shop}"));
    text.split("\n---\n")
        .map(|document| serde_saphyr::from_str(document).unwrap())
        .collect()
}

pub(crate) fn api_of(client: &Client, object: &DynamicObject) -> Api<DynamicObject> {
    let kind = GroupVersionKind::try_from(object.types.as_ref().unwrap()).unwrap();
    let resource = ApiResource::from_gvk(&kind);
    match &object.metadata.namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

#[tokio::test]
#[expect(
    clippy::too_many_lines,
    reason = "one story from the install to the uninstall"
)]
async fn what_is_deployed_can_drive_a_release_and_leaves_what_runs_alone() {
    let (system, shop) = (Space::new("deployed").await, Space::new("shop").await);
    let client = system.client.clone();
    let of = |file: &str| objects(file, &system.namespace, &shop.namespace);
    let files = [
        "namespace.yaml",
        "rbac.yaml",
        "controller.yaml",
        "plan-account.yaml",
    ];
    for object in files.into_iter().flat_map(of) {
        let parameters = PatchParams::apply("installer").force();
        let patched = api_of(&client, &object)
            .patch(&object.name_any(), &parameters, &Patch::Apply(&object))
            .await;
        patched.unwrap_or_else(|error| panic!("{}: {error}", object.name_any()));
    }
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
    for version in [1, 2] {
        let plan = ("ReleasePlan", "pair");
        let input = pair(version)
            .set(plan, "spec/serviceAccountName", json!("shop-deployer"))
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
    for object in ["controller.yaml", "rbac.yaml"].into_iter().flat_map(of) {
        let deleted = api_of(&client, &object)
            .delete(&object.name_any(), &DeleteParams::background())
            .await;
        deleted.unwrap_or_else(|error| panic!("{}: {error}", object.name_any()));
    }
    let after = shop.list::<Deployment>().await;
    assert_eq!(uids(&after), uids(&before));
    for deployment in &after {
        assert!(is_rolled_out(deployment), "{}", deployment.name_any());
        assert_eq!(deployment.finalizers(), [] as [&str; 0]);
        assert_eq!(deployment.owner_references(), []);
    }
    let release = shop.release("pair-2").await.unwrap();
    assert_eq!(release.finalizers(), [] as [&str; 0]);
}
