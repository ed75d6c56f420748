//! What the API server itself keeps: schemas, rules and columns of our three kinds.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use kube::runtime::wait::{Condition, await_condition};
use kube::{CustomResourceExt, ResourceExt};
use serde_json::{Value, json};
use tidegate::spec::crd::{Release, ReleasePlan, ServiceGraph, definitions};

use crate::files::pair;
use crate::support::{Space, condition};

/// Applies a graph as `kubectl apply` does; the server's words if it is refused.
async fn apply_graph(space: &Space, spec: &Value) -> Result<(), String> {
    let graph = json!({
        "apiVersion": "tidegate.dev/v1alpha1",
        "kind": "ServiceGraph",
        "metadata": {"name": "shop"},
        "spec": spec,
    });
    let resource: ApiResource = ServiceGraph::api_resource();
    let api: Api<DynamicObject> =
        Api::namespaced_with(space.client.clone(), &space.namespace, &resource);
    let parameters = PatchParams::apply("kubectl").validation_strict();
    match api.patch("shop", &parameters, &Patch::Apply(graph)).await {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

#[track_caller]
fn assert_refused(result: Result<(), String>, words: &str) {
    let told = result.expect_err("it was taken");
    assert!(told.contains(words), "{told}");
}

#[tokio::test]
async fn the_api_server_refuses_unknown_keys_and_broken_rules_of_a_graph() {
    let space = Space::new("graphs").await;
    tidegate::cluster::install(&space.client).await.unwrap();
    let calls = |call: Value| json!({"services": [{"name": "web", "calls": [call]}]});
    let unknown = json!({"services": [{"name": "web", "servs": []}]});
    assert_refused(apply_graph(&space, &unknown).await, "servs");
    let both = calls(json!({"service": "web", "version": "1", "any": ["1", "2"]}));
    assert_refused(apply_graph(&space, &both).await, "write one of `version`");
    let negotiated = calls(json!({"service": "web", "version": "1", "negotiate": "perCall"}));
    assert_refused(apply_graph(&space, &negotiated).await, "goes with `any`");
    let twice = json!({"services": [{"name": "web"}, {"name": "web"}]});
    assert_refused(apply_graph(&space, &twice).await, "duplicate entries");
    apply_graph(&space, &json!({"services": [{"name": "web"}]}))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_release_cannot_be_changed_but_for_what_people_ask_of_it() {
    let space = Space::new("frozen").await;
    space.run(&pair(1)).await.with_code(0);
    let patch = async |spec: Value| {
        let patch = Patch::Merge(json!({"spec": spec}));
        let parameters = PatchParams::default();
        let releases = space.api::<Release>();
        let patched = releases.patch("pair-1", &parameters, &patch).await;
        patched.map(|_| ()).map_err(|error| error.to_string())
    };
    assert_refused(
        patch(json!({"plan": "other"})).await,
        "`plan` cannot be changed",
    );
    let digest = format!("sha256:{}", "0".repeat(64));
    assert_refused(
        patch(json!({"bundle": {"digest": digest}})).await,
        "`bundle` cannot be changed",
    );
    assert_refused(patch(json!({"number": 7})).await, "cannot be changed");
    patch(json!({"control": {"pause": true}})).await.unwrap();
    patch(json!({"control": {"abort": true}})).await.unwrap();
    for back in [json!({"abort": false}), Value::Null] {
        assert_refused(
            patch(json!({"control": back})).await,
            "an abort cannot be taken back",
        );
    }
}

/// What `kubectl wait --for=condition=Ready` looks at.
fn is_ready() -> impl Condition<Release> {
    |release: Option<&Release>| {
        let status = release.and_then(|release| release.status.as_ref());
        status.is_some_and(|status| condition(status, "Ready").0 == "True")
    }
}

#[tokio::test]
async fn whoever_waits_for_a_release_to_be_ready_is_told() {
    let space = Space::new("ready").await;
    tidegate::cluster::install(&space.client).await.unwrap();
    let running = space.start_run(&pair(1));
    let ready = await_condition(space.api::<Release>(), "pair-1", is_ready());
    let release = ready.await.unwrap().unwrap();
    running.done().await.with_code(0);
    let status = release.status.unwrap();
    assert_eq!(status.observed_generation, release.metadata.generation);
    assert_eq!(condition(&status, "Reconciling").0, "False");
    assert_eq!(condition(&status, "Stalled").0, "False");
}

/// The headings of `kubectl get`, as the server makes them.
async fn columns<K: CustomResourceExt>(space: &Space) -> Vec<String> {
    let resource = K::api_resource();
    let path = format!(
        "/apis/{}/namespaces/{}/{}",
        resource.api_version, space.namespace, resource.plural
    );
    let request = http::Request::get(path)
        .header("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
        .body(Vec::new())
        .unwrap();
    let table: Value = space.client.request(request).await.unwrap();
    let columns = table["columnDefinitions"].as_array().unwrap().iter();
    let usual = columns.filter(|column| column["priority"] == 0);
    usual
        .map(|column| column["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn our_kinds_are_installed_twice_without_a_change_and_have_columns() {
    let space = Space::new("kinds-of-ours").await;
    let versions = async || {
        let api: Api<CustomResourceDefinition> = Api::all(space.client.clone());
        let mut versions = Vec::new();
        for definition in definitions() {
            let stored = api.get(&definition.name_any()).await.unwrap();
            versions.push(stored.resource_version().unwrap());
        }
        versions
    };
    tidegate::cluster::install(&space.client).await.unwrap();
    let before = versions().await;
    tidegate::cluster::install(&space.client).await.unwrap();
    assert_eq!(versions().await, before);

    let releases = columns::<Release>(&space).await;
    assert_eq!(releases[..4], ["Name", "Plan", "No", "Revision"]);
    assert!(releases.contains(&"Ready".to_owned()), "{releases:?}");
    assert!(
        columns::<ReleasePlan>(&space)
            .await
            .contains(&"Last".to_owned())
    );
    assert!(
        columns::<ServiceGraph>(&space)
            .await
            .contains(&"Services".to_owned())
    );
}
