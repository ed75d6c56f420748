//! Manifests as they are sent: with the plan's label and, on a pod template, the stamp.

use serde_json::{Map, Value};

use crate::manifest::Bundle;
use crate::spec::ObjectRef;
use crate::spec::crd::{CONTRACT_ANNOTATION, HeldVariable, PLAN_LABEL};
use crate::spec::words::short_image;

/// A manifest made ready to be sent. Labels of the object's own metadata start no pod anew.
///
/// In: the manifest, the plan's name, the stamp, and the variables of it that keep the value of what runs.
fn ready(manifest: &Value, plan: &str, stamp: Option<&str>, held: &[HeldVariable]) -> Value {
    let mut manifest = manifest.clone();
    if let Some(object) = manifest.as_object_mut() {
        // The status is the controllers', and an exported object brings one along.
        object.remove("status");
        label(object, plan);
        stamp.and_then(|stamp| put_stamp(object, stamp));
        for variable in held {
            hold(object, variable);
        }
    }
    manifest
}

/// What is sent of an object of a bundle.
///
/// In: the object with its manifest, the plan's name, the stamp and the variables that go along, and whether the object
/// is there. Where somebody else chooses its number of pods, only the first write has the manifest's number.
pub(super) fn sent(
    bundle: &Bundle,
    (object, manifest): (&ObjectRef, &Value),
    plan: &str,
    (stamp, held): (Option<&str>, &[HeldVariable]),
    is_there: bool,
) -> Value {
    let sent = ready(manifest, plan, stamp, held);
    if is_there && bundle.is_scaled(object) {
        without_replicas(sent)
    } else {
        sent
    }
}

/// The same without its number of pods, which somebody else chooses (completion.md §4.11).
fn without_replicas(mut manifest: Value) -> Value {
    if let Some(spec) = manifest.get_mut("spec").and_then(Value::as_object_mut) {
        spec.remove("replicas");
    }
    manifest
}

fn label(object: &mut Map<String, Value>, plan: &str) -> Option<()> {
    let metadata = child(object, "metadata")?;
    drop_servers_own(metadata);
    child(metadata, "labels")?.insert(PLAN_LABEL.to_owned(), Value::String(plan.to_owned()));
    Some(())
}

/// Takes away what only the server writes into an object's metadata.
pub(super) fn drop_servers_own(metadata: &mut Map<String, Value>) {
    for field in [
        "managedFields",
        "resourceVersion",
        "uid",
        "creationTimestamp",
        "generation",
    ] {
        metadata.remove(field);
    }
}

/// A workload without a pod template of its own, as a CronJob or a Canary, has no place for it.
fn put_stamp(object: &mut Map<String, Value>, stamp: &str) -> Option<()> {
    let template = object.get_mut("spec")?.get_mut("template")?;
    let template = template.as_object_mut()?;
    let annotations = child(child(template, "metadata")?, "annotations")?;
    annotations.insert(
        CONTRACT_ANNOTATION.to_owned(),
        Value::String(stamp.to_owned()),
    );
    Some(())
}

/// Gives an environment variable that the manifest has another value.
fn hold(object: &mut Map<String, Value>, held: &HeldVariable) -> Option<()> {
    let pod = object.get_mut("spec")?.pointer_mut("/template/spec")?;
    let containers = pod.get_mut("containers")?.as_array_mut()?;
    let container = containers.iter_mut().find(|container| {
        container
            .get("name")
            .is_some_and(|name| *name == held.container)
    })?;
    let variables = container.get_mut("env")?.as_array_mut()?;
    let variable = variables
        .iter_mut()
        .find(|variable| variable.get("name").is_some_and(|name| *name == held.name))?;
    let value = Value::String(held.value.clone());
    variable.as_object_mut()?.insert("value".to_owned(), value);
    Some(())
}

/// The mapping under a key, made if it is absent or null; `None` for a value of another type, which is the
/// server's to refuse.
fn child<'a>(parent: &'a mut Map<String, Value>, key: &str) -> Option<&'a mut Map<String, Value>> {
    let slot = parent.entry(key.to_owned()).or_insert(Value::Null);
    if slot.is_null() {
        *slot = Value::Object(Map::new());
    }
    slot.as_object_mut()
}

/// The stamp on an object's pod template.
pub(super) fn stamp_of(object: &Value) -> Option<String> {
    let annotations = object.pointer("/spec/template/metadata/annotations")?;
    annotations
        .get(CONTRACT_ANNOTATION)?
        .as_str()
        .map(ToOwned::to_owned)
}

/// The images of a pod template, for people.
pub(super) fn images(manifest: &Value) -> Vec<String> {
    let containers = manifest
        .pointer("/spec/template/spec/containers")
        .and_then(Value::as_array);
    containers
        .into_iter()
        .flatten()
        .filter_map(|container| container.get("image")?.as_str())
        .map(|image| short_image(image).to_owned())
        .collect()
}
