//! One object written: server-side apply with preconditions, create-only where it must not exist, dry-run.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions};
use serde_json::{Value, json};

use super::hidden::Hidden;
use crate::spec::crd::PLAN_LABEL;
use crate::spec::{Code, ObjectRef};
use crate::upgrade::{ActFailure, Precondition};

/// The name under which the API server keeps what tidegate owns.
pub const FIELD_MANAGER: &str = "tidegate";
/// Under this name we keep the number of pods that we do not choose any more, until an autoscaler does.
pub(super) const HANDOVER_MANAGER: &str = "tidegate-handover";
/// Under this name we pause a workload in the middle of its rollout, so that this can be taken back whatever else we
/// have applied.
const PAUSE_MANAGER: &str = "tidegate-pause";
/// All names under which we write.
pub(super) const OUR_MANAGERS: [&str; 3] = [FIELD_MANAGER, HANDOVER_MANAGER, PAUSE_MANAGER];

/// How the API server begins where a field of an applied object has a wrong type, or text that does not suit it.
const WRONG_TYPE: [&str; 2] = [
    "failed to create typed patch object",
    "failed to convert new object",
];

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
    /// The same without values that nobody may see.
    fn hiding(self, hidden: &Hidden) -> Self {
        match self {
            Self::Moved => Self::Moved,
            Self::Refused(code, message) => Self::Refused(code, hidden.without(message)),
            Self::Unreachable(message) => Self::Unreachable(hidden.without(message)),
        }
    }

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
        // It calls a value of a wrong type an error of its own.
        500 if WRONG_TYPE.iter().any(|words| message.starts_with(words)) => {
            WriteError::Refused(Code::DryRunRefused, message)
        }
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
    manifest: Value,
    name: &str,
    precondition: &Precondition,
    take_over: &[String],
) -> Result<DynamicObject, WriteError> {
    let hidden = Hidden::of(&manifest);
    let applied = apply_whole(api, manifest, name, precondition, take_over).await;
    applied.map_err(|error| error.hiding(&hidden))
}

async fn apply_whole(
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
    let resource_version = match precondition {
        Precondition::Unchanged { .. } if chooses_no_number(&manifest) => {
            hand_over(api, name, (&uid, resource_version)).await?
        }
        Precondition::Unchanged { .. } | Precondition::Absent => resource_version,
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
    // What an earlier release had paused and never let go on, since it ended before.
    let_go_on(api, &applied, name).await?;
    // Our own answer: what is read again later may hold somebody else's change, and is not what we applied.
    Ok(applied)
}

/// Whether a workload's manifest leaves the number of its pods to somebody else.
fn chooses_no_number(manifest: &Value) -> bool {
    manifest.pointer("/spec/template").is_some() && manifest.pointer("/spec/replicas").is_none()
}

/// Makes sure that somebody else owns the number of pods before we let go of it: without any owner the API server sets
/// it back to one. In and out: the version that the object must have, and has then.
async fn hand_over(
    api: &Api<DynamicObject>,
    name: &str,
    (uid, resource_version): (&str, String),
) -> Result<String, WriteError> {
    let live = api.get(name).await.map_err(|error| judge(&error))?;
    let owners = live
        .metadata
        .managed_fields
        .iter()
        .flatten()
        .filter(|entry| {
            let fields = entry.fields_v1.as_ref();
            fields.is_some_and(|fields| fields.0.pointer("/f:spec/f:replicas").is_some())
        });
    let owners: Vec<_> = owners
        .filter_map(|entry| entry.manager.as_deref())
        .collect();
    let is_ours_alone = !owners.is_empty() && owners.iter().all(|owner| *owner == FIELD_MANAGER);
    let number = live.data.pointer("/spec/replicas").cloned();
    let (Some(number), true, Some(types)) = (number, is_ours_alone, &live.types) else {
        return Ok(resource_version);
    };
    let kept = serde_json::json!({
        "apiVersion": types.api_version,
        "kind": types.kind,
        "metadata": {"name": name, "uid": uid, "resourceVersion": resource_version},
        "spec": {"replicas": number},
    });
    let parameters = PatchParams::apply(HANDOVER_MANAGER);
    let handed = api
        .patch(name, &parameters, &Patch::Apply(&kept))
        .await
        .map_err(|error| judge(&error))?;
    Ok(handed.metadata.resource_version.unwrap_or(resource_version))
}

fn parameters() -> PatchParams {
    PatchParams::apply(FIELD_MANAGER).validation_strict()
}

/// Applies, and settles conflicts of which every one may be settled; see [`Settling`].
async fn apply_owning(
    api: &Api<DynamicObject>,
    manifest: &Value,
    name: &str,
    parameters: &PatchParams,
    take_over: &[String],
) -> Result<DynamicObject, WriteError> {
    match api.patch(name, parameters, &Patch::Apply(manifest)).await {
        Ok(applied) => Ok(applied),
        Err(kube::Error::Api(status)) => {
            let Some(settling) = settling(&status, take_over) else {
                return Err(judge(&kube::Error::Api(status)));
            };
            let mut sent = manifest.clone();
            if settling.leave_replicas
                && let Some(spec) = sent.get_mut("spec").and_then(Value::as_object_mut)
            {
                spec.remove("replicas");
            }
            let parameters = PatchParams {
                force: settling.force,
                ..parameters.clone()
            };
            let applied = api.patch(name, &parameters, &Patch::Apply(&sent)).await;
            applied.map_err(|error| judge(&error))
        }
        Err(error) => Err(judge(&error)),
    }
}

/// How a conflict is settled.
struct Settling {
    /// The number of replicas is an autoscaler's to choose, so the manifest's is only where it begins.
    leave_replicas: bool,
    /// The rest is held by our own plain create, or by managers that the plan takes over.
    force: bool,
}

/// How the conflicts are settled, if each of them may be.
fn settling(status: &kube::core::Status, take_over: &[String]) -> Option<Settling> {
    let details = status.details.iter();
    let conflicts: Vec<_> = details
        .flat_map(|details| &details.causes)
        .filter(|cause| cause.reason == "FieldManagerConflict")
        .collect();
    let is_held_by =
        |message: &str, manager: &str| message.starts_with(&format!("conflict with \"{manager}\""));
    let scaled = "conflict with \"kube-controller-manager\" with subresource \"scale\"";
    let (of_autoscaler, others): (Vec<_>, Vec<_>) = conflicts
        .into_iter()
        .partition(|cause| cause.field == ".spec.replicas" && cause.message.starts_with(scaled));
    let managers = take_over.iter().map(String::as_str).chain([FIELD_MANAGER]);
    let is_taken = |message: &str| managers.clone().any(|manager| is_held_by(message, manager));
    let all_taken = others.iter().all(|cause| is_taken(&cause.message));
    let settling = Settling {
        leave_replicas: !of_autoscaler.is_empty(),
        force: !others.is_empty(),
    };
    (all_taken && (settling.leave_replicas || settling.force)).then_some(settling)
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

/// Pauses a workload, or takes our pause back. Nothing is done where it is gone, or there is no pause of ours.
pub(super) async fn pause(
    api: &Api<DynamicObject>,
    object: &ObjectRef,
    is_paused: bool,
) -> Result<(), WriteError> {
    let found = api.get_opt(&object.name).await;
    let Some(live) = found.map_err(|error| judge(&error))? else {
        return Ok(());
    };
    if !is_paused {
        return let_go_on(api, &live, &object.name).await;
    }
    let manifest = json!({
        "apiVersion": object.api_version,
        "kind": object.kind,
        // Of this very object: an apply would create another one.
        "metadata": {"name": object.name, "uid": live.metadata.uid},
        "spec": {"paused": true},
    });
    let parameters = PatchParams::apply(PAUSE_MANAGER);
    let paused = apply_owning(api, &manifest, &object.name, &parameters, &[]).await;
    paused.map(|_| ())
}

/// Takes our pause back: what an apply does not name any more, and nobody else owns, is gone.
async fn let_go_on(
    api: &Api<DynamicObject>,
    live: &DynamicObject,
    name: &str,
) -> Result<(), WriteError> {
    let entries = live.metadata.managed_fields.iter().flatten();
    let mut managers = entries.filter_map(|entry| entry.manager.as_deref());
    let (true, Some(types)) = (managers.any(|it| it == PAUSE_MANAGER), &live.types) else {
        return Ok(());
    };
    let nothing = json!({
        "apiVersion": types.api_version,
        "kind": types.kind,
        "metadata": {"name": name, "uid": live.metadata.uid},
    });
    let parameters = PatchParams::apply(PAUSE_MANAGER);
    let applied = api.patch(name, &parameters, &Patch::Apply(&nothing)).await;
    applied.map(|_| ()).map_err(|error| judge(&error))
}

/// Applies an object as a dry run: what the server would store, or why it would not.
pub(super) async fn dry_run(
    api: &Api<DynamicObject>,
    manifest: &Value,
    name: &str,
    take_over: &[String],
) -> Result<DynamicObject, WriteError> {
    let stored = apply_owning(api, manifest, name, &parameters().dry_run(), take_over).await;
    stored.map_err(|error| error.hiding(&Hidden::of(manifest)))
}

/// What became of an object that was to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deletion {
    /// It is deleted, or would be.
    Done,
    /// It was not there.
    Absent,
    /// It does not carry the plan's label, so it is not this plan's any more.
    NotOurs,
}

/// Deletes an object that carries the plan's label. Its pods are ended in the background.
pub(super) async fn delete(
    api: &Api<DynamicObject>,
    name: &str,
    plan: &str,
    dry_run: bool,
) -> Result<Deletion, WriteError> {
    let Some(live) = api.get_opt(name).await.map_err(|error| judge(&error))? else {
        return Ok(Deletion::Absent);
    };
    let labels = live.metadata.labels.unwrap_or_default();
    if labels.get(PLAN_LABEL).is_none_or(|owner| owner != plan) {
        return Ok(Deletion::NotOurs);
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
        Ok(_) => Ok(Deletion::Done),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(Deletion::Absent),
        Err(error) => Err(judge(&error)),
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::{WriteError, judge};

    #[test]
    fn what_the_server_calls_an_error_of_its_own_and_is_one_of_the_manifest_is_refused_for_good() {
        let judged = |message: &str| {
            let status = Status::failure(message, "InternalError").with_code(500);
            match judge(&kube::Error::Api(Box::new(status))) {
                WriteError::Refused(..) => "refused",
                WriteError::Unreachable(_) => "unreachable",
                WriteError::Moved => "moved",
            }
        };
        for message in [
            "failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): .spec.replicas: expected numeric",
            "failed to convert new object (shop/a; /v1, Kind=Secret) to proper version: illegal base64 data at input byte 6",
        ] {
            assert_eq!(judged(message), "refused", "{message}");
        }
        assert_eq!(judged("etcdserver: request timed out"), "unreachable");
    }
}
