//! What is neither a Deployment nor its like: autoscalers beside it, and objects that the release waits for.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{
    Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams,
};
use serde_json::{Value, json};

use crate::files::{Files, QUICK, pair};
use crate::support::{Space, eventually, state_of};

/// The second version of the pair: its server's pods are an autoscaler's to count.
fn scaled() -> Files {
    let mut files = pair(2).with(json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "server"},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "server"},
            "minReplicas": 2, "maxReplicas": 5,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}]},
    }));
    let spec = files.object("Deployment", "server")["spec"].as_object_mut();
    spec.unwrap().remove("replicas");
    files
}

#[tokio::test]
async fn the_number_of_pods_is_handed_over_when_an_autoscaler_takes_it() {
    let space = Space::new("scaled").await;
    space.run(&pair(1)).await.with_code(0);
    let before = space.deployment("server").await.spec.replicas;
    assert_eq!(before, Some(2));
    space.run(&scaled()).await.with_code(0);
    let server = space.deployment("server").await;
    let managers = server.metadata.managed_fields.unwrap();
    let owns_number =
        |entry: &&k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry| {
            let fields = entry.fields_v1.as_ref();
            fields.is_some_and(|fields| fields.0.pointer("/f:spec/f:replicas").is_some())
        };
    let owners: Vec<_> = managers
        .iter()
        .filter(owns_number)
        .filter_map(|entry| entry.manager.as_deref())
        .collect();
    assert_eq!(
        (server.spec.replicas, owners),
        (Some(2), vec!["tidegate-handover"])
    );
}

/// A kind of its own, so that tests do not meet.
fn widgets() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.gate.tidegate.example"},
        "spec": {
            "group": "gate.tidegate.example",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"},
            "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}],
        },
    })
}

#[tokio::test]
async fn a_service_waits_for_an_object_that_a_rule_is_about() {
    let space = Space::new("ruled").await;
    let definitions: Api<CustomResourceDefinition> = Api::all(space.client.clone());
    let definition = serde_json::from_value(widgets()).unwrap();
    definitions
        .create(&PostParams::default(), &definition)
        .await
        .unwrap();
    let resource = ApiResource::from_gvk_with_plural(
        &GroupVersionKind::gvk("gate.tidegate.example", "v1", "Widget"),
        "widgets",
    );
    let served: Api<DynamicObject> =
        Api::namespaced_with(space.client.clone(), &space.namespace, &resource);
    eventually("the kind to be served", async || {
        served.get_opt("server").await.ok()
    })
    .await;

    let rule = json!([{"apiVersion": "gate.tidegate.example/v1", "kind": "Widget",
        "complete": "has(object.status) && object.status.state == 'made'"}]);
    let widget = json!({"apiVersion": "gate.tidegate.example/v1", "kind": "Widget",
        "metadata": {"name": "server", "labels": {"app": "server"}}, "spec": {"size": 1}});
    let files =
        pair(1)
            .at_pace(QUICK)
            .with(widget)
            .set(("ServiceGraph", "pair"), "spec/completion", rule);
    let running = space.start_run(&files);
    space
        .until("pair-1", "the server waits for its widget", |status| {
            let services = status.waves.iter().flat_map(|wave| &wave.services);
            let mut servers = services.filter(|service| service.name == "server");
            servers.any(|server| server.message.contains("Widget server"))
        })
        .await;
    let made = json!({"status": {"state": "made"}});
    served
        .patch_status("server", &PatchParams::default(), &Patch::Merge(&made))
        .await
        .unwrap();
    running.done().await.with_code(0);
    assert_eq!(state_of(&space.status("pair-1").await, "server"), "Done");
}
