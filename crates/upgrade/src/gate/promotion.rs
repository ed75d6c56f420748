//! Whether Flagger's copy of a workload has the workload's own pod template; completion.md §4.10, `promoted(T)`.
//!
//! In: two pod templates. Out: whether they run the same, names of copied ConfigMaps and Secrets and all labels aside.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::PodTemplateSpec;
use serde_json::{Map, Value};

use super::stamps;
use super::template::value_digest;

/// What Flagger appends to the names of what it copies.
const SUFFIX: &str = "-primary";
/// The fields of a container that make it what it is.
const FIELDS: [&str; 7] = [
    "image",
    "command",
    "args",
    "env",
    "envFrom",
    "ports",
    "resources",
];

/// Whether the primary's template is the target's.
pub(super) fn is_promoted_template(target: &PodTemplateSpec, primary: &PodTemplateSpec) -> bool {
    essence(target) == essence(primary)
        && stamps::of_template(target) == stamps::of_template(primary)
}

/// Digests of the containers by list and name, and of the ConfigMaps and Secrets that are mounted.
fn essence(template: &PodTemplateSpec) -> BTreeMap<(String, String), String> {
    let mut spec = serde_json::to_value(&template.spec).unwrap_or_default();
    strip(&mut spec);
    let mut essence = BTreeMap::new();
    for list in ["containers", "initContainers", "volumes"] {
        let items = spec.get(list).and_then(Value::as_array);
        for item in items.into_iter().flatten() {
            let name = item.get("name").and_then(Value::as_str).unwrap_or_default();
            let fields: &[&str] = if list == "volumes" {
                &["configMap", "secret", "projected"]
            } else {
                &FIELDS
            };
            let kept: Map<String, Value> = fields
                .iter()
                .filter_map(|field| Some(((*field).to_owned(), item.get(*field)?.clone())))
                .collect();
            if !kept.is_empty() {
                essence.insert(
                    (list.to_owned(), name.to_owned()),
                    value_digest(Value::Object(kept)),
                );
            }
        }
    }
    essence
}

/// Takes the suffix off the names of ConfigMaps and Secrets.
fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                let names = matches!(
                    key.as_str(),
                    "configMapRef"
                        | "secretRef"
                        | "configMapKeyRef"
                        | "secretKeyRef"
                        | "configMap"
                        | "secret"
                );
                if names && let Some(reference) = field.as_object_mut() {
                    for key in ["name", "secretName"] {
                        if let Some(Value::String(name)) = reference.get_mut(key)
                            && let Some(stripped) = name.strip_suffix(SUFFIX)
                        {
                            *name = stripped.to_owned();
                        }
                    }
                }
                strip(field);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
