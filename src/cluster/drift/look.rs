//! Looks at an object that somebody else has written: which fields of ours are not as they were released, and by whom.

use kube::api::{Api, DynamicObject, Patch, PatchParams};
use serde_json::Value;

use crate::cluster::claims::labelled;
use crate::cluster::differences::bare;
use crate::cluster::error::ClusterError;
use crate::cluster::manifests;
use crate::cluster::prepare::stamp;
use crate::cluster::write::{FIELD_MANAGER, OUR_MANAGERS};
use crate::drift::{Change, What, Writer, later_writers};
use crate::manifest::Bundle;
use crate::spec::ObjectRef;

/// How many fields of one object are told.
const FIELDS_MAX: usize = 10;

/// Looks at one object: by a dry run of what was released, which changes nothing and is answered with every field that
/// somebody else has taken.
pub(super) async fn look(
    api: &Api<DynamicObject>,
    object: &ObjectRef,
    (plan, bundle): (&str, &Bundle),
) -> Result<Vec<Change>, ClusterError> {
    let Some(manifest) = bundle.manifest(object) else {
        return Ok(Vec::new());
    };
    let found = api.get_opt(&object.name).await;
    let Some(live) = found.map_err(|error| ClusterError::of(error, object.to_string()))? else {
        return Ok(vec![plain(object, What::Gone, None)]);
    };
    let entries = live.metadata.managed_fields.clone().unwrap_or_default();
    let writers = later_writers(&entries, &OUR_MANAGERS);
    let last = writers.iter().max_by_key(|writer| writer.at);
    if labelled(&live) != Some(plan) {
        return Ok(vec![plain(object, What::Label, last)]);
    }
    let stamp = stamp(&live);
    let along = (stamp.as_deref(), &[][..]);
    let sent = manifests::sent(bundle, (object, manifest), plan, along, true);
    let parameters = PatchParams::apply(FIELD_MANAGER).dry_run();
    match api
        .patch(&object.name, &parameters, &Patch::Apply(&sent))
        .await
    {
        Ok(stored) => {
            let fields = differing(&bare(&live), &bare(&stored));
            let changes = fields.into_iter().map(What::Field);
            Ok(changes.map(|what| plain(object, what, last)).collect())
        }
        Err(kube::Error::Api(status)) if status.code == 409 => {
            Ok(of_conflicts(object, &status, &writers))
        }
        // It was replaced by something that cannot become what was released.
        Err(kube::Error::Api(status)) if status.code == 422 => {
            Ok(vec![plain(object, What::Field("spec".to_owned()), last)])
        }
        Err(error) => Err(ClusterError::of(error, object.to_string())),
    }
}

fn plain(object: &ObjectRef, what: What, by: Option<&Writer>) -> Change {
    Change {
        object: object.clone(),
        what,
        by: by.map(|writer| writer.manager.clone()),
        at: by.and_then(|writer| writer.at),
    }
}

/// Every field that somebody else has taken, but for the number of pods where an autoscaler chooses it.
fn of_conflicts(
    object: &ObjectRef,
    status: &kube::core::Status,
    writers: &[Writer],
) -> Vec<Change> {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let conflicts = causes.filter(|cause| cause.reason == "FieldManagerConflict");
    let changes = conflicts.map(|cause| {
        let change = Change::of_conflict(object, &cause.field, &cause.message);
        let by = change.by.clone().unwrap_or_default();
        let writer = writers.iter().find(|writer| writer.manager == by);
        Change {
            at: writer.and_then(|writer| writer.at),
            ..change
        }
    });
    let is_foreign = |change: &Change| {
        let by = change.by.as_deref().unwrap_or_default();
        let is_scaled = by == "kube-controller-manager"
            && change.what == What::Field("spec.replicas".to_owned());
        !is_scaled && !OUR_MANAGERS.contains(&by)
    };
    changes.filter(is_foreign).take(FIELDS_MAX).collect()
}

/// The fields in which two objects differ.
fn differing(live: &Value, released: &Value) -> Vec<String> {
    let mut fields = Vec::new();
    collect("", live, released, &mut fields);
    fields.truncate(FIELDS_MAX);
    fields
}

fn collect(path: &str, live: &Value, released: &Value, fields: &mut Vec<String>) {
    match (live, released) {
        (Value::Object(live), Value::Object(released)) => {
            let keys = live
                .keys()
                .chain(released.keys().filter(|key| !live.contains_key(*key)));
            for key in keys {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                let null = Value::Null;
                let (one, other) = (live.get(key).unwrap_or(&null), released.get(key));
                collect(&path, one, other.unwrap_or(&null), fields);
            }
        }
        (Value::Array(live), Value::Array(released)) if live.len() == released.len() => {
            for (index, (one, other)) in live.iter().zip(released).enumerate() {
                collect(&format!("{path}[{index}]"), one, other, fields);
            }
        }
        (one, other) if one == other => {}
        (_, _) => fields.push(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::differing;

    #[test]
    fn differing_fields_are_named_by_their_path() {
        let live =
            json!({"spec": {"a": 1, "list": [{"x": 1}, {"x": 2}], "more": [1]}, "gone": true});
        let released =
            json!({"spec": {"a": 1, "list": [{"x": 1}, {"x": 3}], "more": [1, 2], "new": {}}});
        assert_eq!(
            differing(&live, &released),
            ["spec.list[1].x", "spec.more", "spec.new", "gone"]
        );
        assert_eq!(differing(&live, &live), Vec::<String>::new());
    }
}
