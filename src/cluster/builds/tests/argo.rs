//! Workflows as they are made and as they are read.

use insta::assert_snapshot;
use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::super::argo::{found, workflow};
use super::super::argo_status::{digest, failure, waits};
use crate::build::Recipe;
use crate::spec::ObjectRef;
use crate::spec::crd::{ArgoWorkflowEngine, BuildDeclaration};

fn recipe() -> Recipe {
    let declaration: BuildDeclaration = serde_saphyr::from_str(
        "{service: orders, context: services/orders, image: registry/orders, arguments: {GO: '1'},
          engine: {argoWorkflow: {templateRef: {name: build-image}, parameters: {speed: fast}, serviceAccountName: builder,
                                  ui: 'https://argo.example.org/'}}}",
    )
    .expect("a build");
    let commit = ("https://example.org/shop", "0123456789abcdef0123");
    Recipe::new(&declaration, commit, "tree")
}

fn engine(recipe: &Recipe) -> ArgoWorkflowEngine {
    recipe.declaration.engine.argo_workflow.clone().unwrap()
}

#[test]
fn a_workflow_is_made_suspended_from_its_template_with_what_a_builder_needs() {
    let recipe = recipe();
    let made = workflow(&recipe, &engine(&recipe), &json!({"name": "shop-1-orders"}));
    let made = serde_json::to_string_pretty(&made).unwrap();
    assert_snapshot!(made, @r#"
    {
      "apiVersion": "argoproj.io/v1alpha1",
      "kind": "Workflow",
      "metadata": {
        "name": "shop-1-orders"
      },
      "spec": {
        "suspend": true,
        "workflowTemplateRef": {
          "name": "build-image"
        },
        "arguments": {
          "parameters": [
            {
              "name": "repo",
              "value": "https://example.org/shop"
            },
            {
              "name": "revision",
              "value": "0123456789abcdef0123"
            },
            {
              "name": "context",
              "value": "services/orders"
            },
            {
              "name": "dockerfile",
              "value": "Dockerfile"
            },
            {
              "name": "image",
              "value": "registry/orders:0123456789ab"
            },
            {
              "name": "cache-image",
              "value": ""
            },
            {
              "name": "platform",
              "value": ""
            },
            {
              "name": "build-args",
              "value": "GO=1"
            },
            {
              "name": "speed",
              "value": "fast"
            }
          ]
        },
        "ttlStrategy": {
          "secondsAfterCompletion": 86400,
          "secondsAfterSuccess": 86400,
          "secondsAfterFailure": 86400
        },
        "serviceAccountName": "builder"
      }
    }
    "#);
}

fn seen(status: &Value) -> String {
    let object: DynamicObject = serde_json::from_value(json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": "w", "namespace": "shop", "uid": "1"},
        "spec": {},
        "status": status,
    }))
    .expect("an object");
    let reference = ObjectRef {
        api_version: "argoproj.io/v1alpha1".to_owned(),
        kind: "Workflow".to_owned(),
        namespace: "shop".to_owned(),
        name: "w".to_owned(),
    };
    let engine = engine(&recipe());
    let found = found(&engine, &object, &reference, true);
    format!("{} {:?}", found.link.unwrap_or_default(), found.progress)
}

fn outputs(value: &str) -> Value {
    json!({"parameters": [{"name": "other", "value": "x"}, {"name": "image-digest", "value": value}]})
}

#[test]
fn a_workflow_goes_on_until_its_phase_says_otherwise() {
    assert_snapshot!(seen(&json!({})), @"https://argo.example.org/workflows/shop/w Going");
    assert_snapshot!(seen(&json!({"phase": "Running"})), @"https://argo.example.org/workflows/shop/w Going");
    let done = json!({"phase": "Succeeded", "outputs": outputs("sha256:ab")});
    assert_snapshot!(seen(&done), @r#"https://argo.example.org/workflows/shop/w Succeeded(Some("sha256:ab"))"#);
    let failed = json!({"phase": "Error", "message": "template not found"});
    assert_snapshot!(seen(&failed), @r#"https://argo.example.org/workflows/shop/w Failed { reason: "Error", message: "template not found" }"#);
}

#[test]
fn the_digest_is_an_output_of_the_workflow_or_of_the_one_step_that_has_it() {
    let of = |status: Value| digest(&status, "w", "image-digest");
    assert_eq!(of(json!({"outputs": outputs("a\n")})).as_deref(), Some("a"));
    let node = |value: &str| json!({"outputs": outputs(value)});
    let entry = json!({"nodes": {"w": node("a"), "w-1": node("b")}});
    assert_eq!(of(entry).as_deref(), Some("a"));
    assert_eq!(
        of(json!({"nodes": {"w-1": node("b")}})).as_deref(),
        Some("b")
    );
    assert_eq!(
        of(json!({"nodes": {"w-1": node("b"), "w-2": node("c")}})),
        None
    );
    assert_eq!(of(json!({"nodes": {"w": {"phase": "Succeeded"}}})), None);
    // `{"w":{"outputs":{"parameters":[{"name":"image-digest","value":"z"}]}}}`, as Argo packs it.
    let packed =
        pack(&json!({"w": {"outputs": {"parameters": [{"name": "image-digest", "value": "z"}]}}}));
    assert_eq!(of(json!({"compressedNodes": packed})).as_deref(), Some("z"));
    assert_eq!(of(json!({"compressedNodes": "no base64!"})), None);
}

fn pack(value: &Value) -> String {
    use base64::Engine as _;
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(value.to_string().as_bytes()).unwrap();
    base64::engine::general_purpose::STANDARD.encode(encoder.finish().unwrap())
}

#[test]
fn the_step_that_failed_last_says_why_on_one_line() {
    let node = |kind: &str, phase: &str, at: &str, message: &str| json!({"type": kind, "phase": phase, "displayName": at, "finishedAt": at, "message": message});
    let status = json!({"message": "child 'x' failed", "nodes": {
        "w": node("Steps", "Failed", "9", "child 'x' failed"),
        "w-1": node("Pod", "Failed", "1", "Error (exit code 1)"),
        "w-2": node("Pod", "Failed", "2", "Error\n(exit code 2)"),
        "w-3": node("Pod", "Succeeded", "3", ""),
    }});
    assert_snapshot!(failure(&status), @"step `2`: Error (exit code 2)");
    assert_snapshot!(failure(&json!({"message": "child 'x' failed"})), @"child 'x' failed");
    assert_snapshot!(failure(&json!({})), @"the Workflow does not say why");
    assert_eq!(failure(&json!({"message": "x".repeat(5_000)})).len(), 600);
}

#[test]
fn a_step_whose_pod_does_not_run_says_what_it_waits_for() {
    let node = |phase: &str, message: &str| {
        let node =
            json!({"type": "Pod", "phase": phase, "displayName": "build", "message": message});
        waits(&json!({"nodes": {"w": {"type": "Steps", "phase": "Running"}, "w-1": node}}))
    };
    let told = node("Pending", "ImagePullBackOff: Back-off pulling image");
    assert_snapshot!(told.unwrap_or_default(), @"step `build`: ImagePullBackOff: Back-off pulling image");
    for (phase, message) in [
        ("Pending", ""),
        ("Pending", "PodInitializing"),
        ("Running", "x"),
    ] {
        assert_eq!(node(phase, message), None, "{phase} {message}");
    }
}
