//! What makes two pod templates the same.
//!
//! In: a pod template as the API server returned it. Out: a digest that is equal for equal templates.
//! The hash of Kubernetes itself is never computed: it depends on how Go prints a struct.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// The label which the Deployment controller adds to the template of its ReplicaSets.
pub(super) const POD_TEMPLATE_HASH: &str = "pod-template-hash";

/// `sha256:` and the digest of the canonical JSON of a pod template: keys sorted, empty maps, lists
/// and nulls left out, the label `pod-template-hash` left out.
pub fn template_digest(template: &Value) -> String {
    digest_without(template.clone(), |label| label == POD_TEMPLATE_HASH)
}

/// Whether the Job controller writes a label into the templates of Jobs.
pub(super) fn is_of_job(label: &str) -> bool {
    matches!(label, "controller-uid" | "job-name") || label.starts_with("batch.kubernetes.io/")
}

/// The digest of a pod template without some of its labels.
pub(super) fn digest_without(mut template: Value, is_left_out: impl Fn(&str) -> bool) -> String {
    let labels = template.pointer_mut("/metadata/labels");
    if let Some(labels) = labels.and_then(Value::as_object_mut) {
        labels.retain(|label, _| !is_left_out(label));
    }
    value_digest(template)
}

/// `sha256:` and the digest of the canonical JSON of a value.
pub(super) fn value_digest(value: Value) -> String {
    let canonical = canonical(value).unwrap_or_default().to_string();
    let digest = Sha256::digest(canonical.as_bytes());
    let hex: Vec<_> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{}", hex.concat())
}

/// The value with sorted keys and without what is empty; `None` if nothing is left.
fn canonical(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Some(value),
        Value::Array(items) => {
            // An item keeps its place: an empty one becomes null instead of moving the others.
            let items: Vec<_> = items
                .into_iter()
                .map(|item| canonical(item).unwrap_or_default())
                .collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields
                .into_iter()
                .filter_map(|(key, field)| canonical(field).map(|field| (key, field)))
                .collect();
            fields.sort_by(|(left, _), (right, _)| left.cmp(right));
            (!fields.is_empty()).then(|| Value::Object(fields.into_iter().collect()))
        }
    }
}
