//! Whether Flagger's copy of a workload has the workload's own pod template; completion.md §4.10, `promoted(T)`.
//!
//! In: two pod templates. Out: whether they run the same, names of copied ConfigMaps and Secrets and all labels aside. Flagger copies the whole
//! of a pod's spec, so the whole of it is compared.

use k8s_openapi::api::core::v1::PodTemplateSpec;
use serde_json::Value;

use super::stamps;
use super::template::value_digest;

/// What Flagger appends to the names of what it copies.
const SUFFIX: &str = "-primary";
/// Where Flagger writes the names of its copy into a pod's spec.
const REWRITTEN: [&str; 2] = ["affinity", "topologySpreadConstraints"];

/// Whether the primary's template is the target's.
pub(super) fn is_promoted_template(target: &PodTemplateSpec, primary: &PodTemplateSpec) -> bool {
    essence(target) == essence(primary)
        && stamps::of_template(target) == stamps::of_template(primary)
}

/// The digest of all that Flagger copies as it is.
fn essence(template: &PodTemplateSpec) -> String {
    let mut spec = serde_json::to_value(&template.spec).unwrap_or_default();
    if let Some(fields) = spec.as_object_mut() {
        for field in REWRITTEN {
            fields.shift_remove(field);
        }
    }
    strip(&mut spec);
    value_digest(spec)
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
