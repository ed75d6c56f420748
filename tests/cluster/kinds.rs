//! What is neither a Deployment nor its like: autoscalers beside it, and objects that the release waits for.

use k8s_openapi::api::apps::v1::Deployment;
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

/// Makes a kind known, without a schema and without a controller.
async fn define(space: &Space, group: &str, plural: &str, kind: &str) -> Api<DynamicObject> {
    let version = if group == "argoproj.io" {
        "v1alpha1"
    } else {
        "v1"
    };
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.to_lowercase(), "kind": kind},
            "versions": [{"name": version, "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}],
        },
    });
    let definitions: Api<CustomResourceDefinition> = Api::all(space.client.clone());
    let definition = serde_json::from_value(definition).unwrap();
    definitions
        .create(&PostParams::default(), &definition)
        .await
        .unwrap();
    let kind = GroupVersionKind::gvk(group, version, kind);
    let resource = ApiResource::from_gvk_with_plural(&kind, plural);
    let served: Api<DynamicObject> =
        Api::namespaced_with(space.client.clone(), &space.namespace, &resource);
    eventually("the kind to be served", async || {
        served.get_opt("server").await.ok()
    })
    .await;
    served
}

/// Waits until the server's gate says so much.
async fn until_server_says(space: &Space, release: &str, words: &str) {
    space
        .until(release, words, |status| {
            let services = status.waves.iter().flat_map(|wave| &wave.services);
            let mut servers = services.filter(|service| service.name == "server");
            servers.any(|server| server.message.contains(words))
        })
        .await;
}

/// What takes a half of the server's calls, and nobody's plan has it.
fn legacy() -> Files {
    Files::graph("legacy", &json!([])).with_workload("legacy", "0", QUICK)
}

#[tokio::test]
async fn where_old_pods_may_live_on_whoever_gets_a_part_of_the_calls_must_be_gone() {
    let space = Space::new("routed").await;
    space.apply_as("kubectl", &legacy()).await;
    space.until_rolled_out().await;
    let path = |service: &str| {
        json!({"path": "/", "pathType": "Prefix",
            "backend": {"service": {"name": service, "port": {"number": 50051}}}})
    };
    let ingress = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "server"},
        "spec": {"rules": [{"host": "shop.example", "http": {"paths": [path("server"), path("legacy")]}}]},
    });
    let graph = ("ServiceGraph", "pair");
    let files = pair(1)
        .with(ingress)
        .set(graph, "spec/services/0/drain", json!("Endpoints"));
    let running = space.start_run(&files);
    until_server_says(&space, "pair-1", "legacy").await;
    let none = Patch::Merge(json!({"spec": {"replicas": 0}}));
    let deployments = space.api::<Deployment>();
    deployments
        .patch("legacy", &PatchParams::default(), &none)
        .await
        .unwrap();
    running.done().await.with_code(0);
}

async fn say(api: &Api<DynamicObject>, status: Value) {
    let status = json!({"status": status});
    api.patch_status("server", &PatchParams::default(), &Patch::Merge(&status))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_service_waits_for_an_object_that_a_rule_is_about() {
    let space = Space::new("ruled").await;
    let widgets = define(&space, "gate.tidegate.example", "widgets", "Widget").await;
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
    until_server_says(&space, "pair-1", "Widget server").await;
    say(&widgets, json!({"state": "made"})).await;
    running.done().await.with_code(0);
    assert_eq!(state_of(&space.status("pair-1").await, "server"), "Done");
}

#[tokio::test]
async fn a_rollout_of_argo_gates_its_service_by_what_its_controller_says() {
    let space = Space::new("argo").await;
    let rollouts = define(&space, "argoproj.io", "rollouts", "Rollout").await;
    let version = |version: u32| {
        let services = json!([{"name": "server", "serves": [{"versions": ["1"]}],
            "workloads": [{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "server"}]}]);
        Files::graph("argo", &services)
            .with_plan("argo", &json!({"strategy": {"settle": "300ms"}}))
            .with(json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "server"},
                // No controller makes pods here: what is counted must be listed.
                "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "server"}},
                    "strategy": {"canary": {"steps": [{"setWeight": 50}, {"pause": {}}]}},
                    "template": {"metadata": {"labels": {"app": "server"}},
                        "spec": {"containers": [{"name": "main", "image": format!("server:{version}")}]}}}}))
    };
    let done = |hash: &str, generation: u32| {
        json!({"observedGeneration": generation.to_string(), "phase": "Healthy", "currentPodHash": hash, "stableRS": hash,
            "currentStepIndex": 2, "replicas": 0, "updatedReplicas": 0, "readyReplicas": 0, "availableReplicas": 0,
            "pauseConditions": null})
    };
    let running = space.start_run(&version(1));
    until_server_says(&space, "argo-1", "its controller has not seen it yet").await;
    say(&rollouts, done("aaa", 1)).await;
    running.done().await.with_code(0);

    let running = space.start_run(&version(2));
    until_server_says(&space, "argo-2", "its controller has not seen it yet").await;
    let generation = rollouts
        .get("server")
        .await
        .unwrap()
        .metadata
        .generation
        .unwrap();
    let mut paused = done("bbb", u32::try_from(generation).unwrap());
    paused["stableRS"] = json!("aaa");
    paused["currentStepIndex"] = json!(1);
    paused["phase"] = json!("Paused");
    paused["pauseConditions"] =
        json!([{"reason": "CanaryPauseStep", "startTime": "2026-11-24T12:00:00Z"}]);
    say(&rollouts, paused).await;
    until_server_says(&space, "argo-2", "promote it").await;
    say(&rollouts, done("bbb", u32::try_from(generation).unwrap())).await;
    running.done().await.with_code(0);
    assert_eq!(state_of(&space.status("argo-2").await, "server"), "Done");
}
