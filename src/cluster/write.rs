//! One object written: server-side apply with preconditions, create-only where it must not exist, dry-run.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions};
use serde_json::{Value, json};

use crate::spec::crd::PLAN_LABEL;
use crate::spec::{Code, ObjectRef};
use crate::upgrade::{ActFailure, Precondition};

/// The name under which the API server keeps what tidegate owns.
pub const FIELD_MANAGER: &str = "tidegate";

/// Why a write was not made.
#[derive(Debug)]
pub(super) enum WriteError {
    /// A precondition does not hold any more.
    Moved,
    /// For good.
    Refused(Code, String),
    /// Perhaps another time.
    Unreachable(String),
}

impl WriteError {
    pub(super) fn about(self, object: &ObjectRef) -> ActFailure {
        let object = object.clone();
        match self {
            Self::Moved => ActFailure::Moved { object },
            Self::Refused(code, message) => ActFailure::Refused {
                object,
                code,
                message,
            },
            Self::Unreachable(message) => ActFailure::Unreachable { object, message },
        }
    }
}

/// Tells an answer apart.
pub(super) fn judge(error: &kube::Error) -> WriteError {
    let kube::Error::Api(status) = error else {
        return WriteError::Unreachable(root_cause(error));
    };
    let message = status.message.clone();
    match status.code {
        404 if let Some(namespace) = missing_namespace(status) => {
            WriteError::Refused(Code::NamespaceMissing, namespace.to_owned())
        }
        401 | 403 => WriteError::Refused(Code::Forbidden, message),
        409 if is_field_conflict(status) => WriteError::Refused(Code::FieldConflict, message),
        409 => WriteError::Moved,
        // A uid in the body that is not the live one: the object was replaced in between.
        422 if message.contains("Precondition failed: UID") || message.contains("metadata.uid") => {
            WriteError::Moved
        }
        422 if message.contains("immutable") || message.contains("forbidden: updates to") => {
            WriteError::Refused(Code::Immutable, message)
        }
        400 | 404 | 405 | 413 | 415 | 422 => WriteError::Refused(Code::DryRunRefused, message),
        _ => WriteError::Unreachable(message),
    }
}

fn missing_namespace(status: &kube::core::Status) -> Option<&str> {
    let details = status.details.as_ref()?;
    (details.kind == "namespaces").then_some(details.name.as_str())
}

fn is_field_conflict(status: &kube::core::Status) -> bool {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes
        .into_iter()
        .any(|cause| cause.reason == "FieldManagerConflict")
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// Applies an object for real, if it is still as it was when it was looked at.
pub(super) async fn apply(
    api: &Api<DynamicObject>,
    mut manifest: Value,
    name: &str,
    precondition: &Precondition,
    take_over: &[String],
) -> Result<DynamicObject, WriteError> {
    let (uid, resource_version) = match precondition {
        Precondition::Unchanged {
            uid,
            resource_version,
        } => (uid.clone(), resource_version.clone()),
        Precondition::Absent => {
            // Server-side apply cannot demand absence, so the first write is a plain create, which can; the apply
            // behind it makes the fields ours by `Apply`, so that a later release can drop one.
            let parameters = PostParams {
                dry_run: false,
                field_manager: Some(FIELD_MANAGER.to_owned()),
            };
            let body: DynamicObject = serde_json::from_value(manifest.clone())
                .map_err(|error| WriteError::Refused(Code::NotAnObject, error.to_string()))?;
            let created = api
                .create(&parameters, &body)
                .await
                .map_err(|error| judge(&error))?;
            (
                created.metadata.uid.unwrap_or_default(),
                created.metadata.resource_version.unwrap_or_default(),
            )
        }
    };
    if let Some(metadata) = manifest.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("uid".to_owned(), Value::String(uid));
        metadata.insert(
            "resourceVersion".to_owned(),
            Value::String(resource_version),
        );
    }
    let applied = apply_owning(api, &manifest, name, &parameters(), take_over).await?;
    drop_entries(api, applied.clone(), name, take_over).await?;
    // Our own answer: what is read again later may hold somebody else's change, and is not what we applied.
    Ok(applied)
}

fn parameters() -> PatchParams {
    PatchParams::apply(FIELD_MANAGER).validation_strict()
}

/// Applies, and takes a field by force only if every field in dispute is held by tidegate's own plain create or by a
/// manager that the plan takes over.
async fn apply_owning(
    api: &Api<DynamicObject>,
    manifest: &Value,
    name: &str,
    parameters: &PatchParams,
    take_over: &[String],
) -> Result<DynamicObject, WriteError> {
    match api.patch(name, parameters, &Patch::Apply(manifest)).await {
        Ok(applied) => Ok(applied),
        Err(kube::Error::Api(status)) if is_conflict_with(&status, take_over) => {
            let forced = parameters.clone().force();
            let applied = api.patch(name, &forced, &Patch::Apply(manifest)).await;
            applied.map_err(|error| judge(&error))
        }
        Err(kube::Error::Api(status)) if is_autoscalers_conflict(&status) => {
            let mut without = manifest.clone();
            if let Some(spec) = without.get_mut("spec").and_then(Value::as_object_mut) {
                spec.remove("replicas");
            }
            let applied = api.patch(name, parameters, &Patch::Apply(&without)).await;
            applied.map_err(|error| judge(&error))
        }
        Err(error) => Err(judge(&error)),
    }
}

/// Whether all that is in dispute is the number of replicas, and an autoscaler holds it: that number is its to
/// choose, so the manifest's is only where it begins.
fn is_autoscalers_conflict(status: &kube::core::Status) -> bool {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let mut conflicts = causes
        .filter(|cause| cause.reason == "FieldManagerConflict")
        .peekable();
    let held = "conflict with \"kube-controller-manager\" with subresource \"scale\"";
    conflicts.peek().is_some()
        && conflicts.all(|cause| cause.field == ".spec.replicas" && cause.message.starts_with(held))
}

/// Whether all conflicts are with the entry that a plain create of ours left behind, or with those managers.
fn is_conflict_with(status: &kube::core::Status, take_over: &[String]) -> bool {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let mut conflicts = causes
        .filter(|cause| cause.reason == "FieldManagerConflict")
        .peekable();
    let managers = take_over.iter().map(String::as_str);
    let held: Vec<String> = managers
        .chain([FIELD_MANAGER])
        .map(|manager| format!("conflict with \"{manager}\""))
        .collect();
    conflicts.peek().is_some()
        && conflicts.all(|cause| held.iter().any(|held| cause.message.starts_with(held)))
}

/// How often the entry of a plain create is tried to be dropped: controllers write at the same time.
const DROP_TRIES: usize = 10;

/// Takes away the entry that the plain create left in `managedFields`, and those of managers that the plan takes
/// over; otherwise a field that a later release drops would stay, owned by that entry. What cannot be dropped now is
/// dropped by the next apply.
async fn drop_entries(
    api: &Api<DynamicObject>,
    mut applied: DynamicObject,
    name: &str,
    take_over: &[String],
) -> Result<(), WriteError> {
    for _ in 0..DROP_TRIES {
        let entries = applied
            .metadata
            .managed_fields
            .as_deref()
            .unwrap_or_default();
        let kept: Vec<_> = entries
            .iter()
            .filter(|entry| !is_dropped(entry, take_over))
            .collect();
        if kept.len() == entries.len() {
            return Ok(());
        }
        let patch = json!({"metadata": {
            "resourceVersion": applied.metadata.resource_version,
            "managedFields": kept,
        }});
        applied = match api
            .patch(name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
        {
            Err(kube::Error::Api(status)) if status.code == 409 => {
                api.get(name).await.map_err(|error| judge(&error))?
            }
            Ok(_) | Err(_) => return Ok(()),
        };
    }
    Ok(())
}

fn is_dropped(entry: &ManagedFieldsEntry, take_over: &[String]) -> bool {
    let manager = entry.manager.as_deref().unwrap_or_default();
    let is_created = manager == FIELD_MANAGER && entry.operation.as_deref() == Some("Update");
    let is_whole = entry.subresource.as_deref().unwrap_or_default().is_empty();
    is_whole && (is_created || take_over.iter().any(|taken| taken == manager))
}

/// Applies an object as a dry run: what the server would store, or why it would not.
pub(super) async fn dry_run(
    api: &Api<DynamicObject>,
    manifest: &Value,
    name: &str,
    take_over: &[String],
) -> Result<DynamicObject, WriteError> {
    apply_owning(api, manifest, name, &parameters().dry_run(), take_over).await
}

/// Deletes an object, if it is there and no other plan has taken it over. Its pods are ended in the background.
pub(super) async fn delete(
    api: &Api<DynamicObject>,
    name: &str,
    plan: &str,
    dry_run: bool,
) -> Result<bool, WriteError> {
    let Some(live) = api.get_opt(name).await.map_err(|error| judge(&error))? else {
        return Ok(false);
    };
    let labels = live.metadata.labels.unwrap_or_default();
    if labels.get(PLAN_LABEL).is_some_and(|owner| owner != plan) {
        return Ok(false);
    }
    let parameters = DeleteParams {
        dry_run,
        ..DeleteParams::background()
    }
    .preconditions(Preconditions {
        uid: live.metadata.uid,
        resource_version: None,
    });
    match api.delete(name, &parameters).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
        Err(error) => Err(judge(&error)),
    }
}
