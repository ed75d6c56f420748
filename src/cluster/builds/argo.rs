//! Argo Workflows: a recipe to a Workflow, and a Workflow to what is seen of a build. No calls.

use kube::api::{ApiResource, DynamicObject};
use serde_json::{Value, json};

use super::argo_status::{digest, failure, waits};
use crate::build::{Found, Progress, Recipe};
use crate::spec::ObjectRef;
use crate::spec::crd::ArgoWorkflowEngine;

/// What the plan's account needs where Workflows run.
pub(in crate::cluster) const RIGHTS: &[(&str, &[&str], &[&str])] = &[(
    "argoproj.io",
    &["workflows"],
    &["get", "list", "watch", "create", "patch"],
)];
/// How long an ended Workflow stays, whatever its template says: its result must not go before it was seen, also while
/// tidegate does not run.
const KEPT_S: u32 = 24 * 60 * 60;
/// The output parameter that holds the digest, unless the plan says otherwise.
const DIGEST_PARAMETER: &str = "image-digest";

/// The kind.
pub(super) fn resource() -> ApiResource {
    ApiResource {
        group: "argoproj.io".to_owned(),
        version: "v1alpha1".to_owned(),
        api_version: "argoproj.io/v1alpha1".to_owned(),
        kind: "Workflow".to_owned(),
        plural: "workflows".to_owned(),
    }
}

/// The Workflow of a recipe, suspended: nothing of it runs before its uid is kept.
pub(super) fn workflow(recipe: &Recipe, engine: &ArgoWorkflowEngine, metadata: &Value) -> Value {
    let mut spec = json!({
        "suspend": true,
        "workflowTemplateRef": engine.template_ref,
        "arguments": {"parameters": parameters(recipe, engine)},
        // All three, since each of a template's own would count before the first.
        "ttlStrategy": {
            "secondsAfterCompletion": KEPT_S,
            "secondsAfterSuccess": KEPT_S,
            "secondsAfterFailure": KEPT_S,
        },
    });
    if let (Some(account), Some(fields)) = (&engine.service_account_name, spec.as_object_mut()) {
        fields.insert("serviceAccountName".to_owned(), json!(account));
    }
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": metadata,
        "spec": spec,
    })
}

/// What [`crate::spec::OWN_PARAMETERS`] names, and the plan's own.
fn parameters(recipe: &Recipe, engine: &ArgoWorkflowEngine) -> Vec<Value> {
    let declaration = &recipe.declaration;
    let own = [
        ("repo", recipe.repository.clone()),
        ("revision", recipe.revision.clone()),
        ("context", recipe.context().to_owned()),
        ("dockerfile", recipe.dockerfile().to_owned()),
        ("image", recipe.tagged()),
        ("cache-image", declaration.cache.clone().unwrap_or_default()),
        ("platform", declaration.platform.clone().unwrap_or_default()),
        ("build-args", recipe.argument_lines()),
    ];
    let more = engine
        .parameters
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()));
    own.into_iter()
        .chain(more)
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect()
}

/// What is seen of it.
pub(super) fn found(
    engine: &ArgoWorkflowEngine,
    object: &DynamicObject,
    reference: &ObjectRef,
    is_own: bool,
) -> Found {
    let text = |path: &str| object.data.pointer(path).and_then(Value::as_str);
    let wanted = engine.digest_parameter.as_deref();
    let wanted = wanted.unwrap_or(DIGEST_PARAMETER);
    let status = object.data.get("status").unwrap_or(&Value::Null);
    let phase = text("/status/phase").unwrap_or_default();
    Found {
        uid: object.metadata.uid.clone().unwrap_or_default(),
        is_own,
        is_held: object.data.pointer("/spec/suspend") == Some(&Value::Bool(true)),
        object: reference.to_string(),
        link: engine.ui.as_ref().map(|ui| {
            let ui = ui.trim_end_matches('/');
            format!("{ui}/workflows/{}/{}", reference.namespace, reference.name)
        }),
        waits: waits(status),
        progress: match phase {
            "Succeeded" => Progress::Succeeded(digest(status, &reference.name, wanted)),
            "Failed" | "Error" => Progress::Failed {
                reason: phase.to_owned(),
                message: failure(status),
            },
            _ => Progress::Going,
        },
    }
}
