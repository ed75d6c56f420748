//! Puts the objects of a plan into its namespace.
//!
//! In: objects as written, and what the cluster says of kinds that are not built in. Out: the same with their
//! final namespaces; a problem for each that is meant for elsewhere.

use std::collections::BTreeMap;

use serde_json::Value;

use super::object::Object;
use super::read::duplicate;
use tidegate_spec::{Code, Identity, ObjectRef, Place, Problem};

/// The built-in kinds that have no namespace, by group.
const CLUSTER_SCOPED: &[(&str, &[&str])] = &[
    ("", &["Namespace", "Node", "PersistentVolume"]),
    (
        "admissionregistration.k8s.io",
        &[
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    ),
    ("apiextensions.k8s.io", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io", &["APIService"]),
    (
        "certificates.k8s.io",
        &["CertificateSigningRequest", "ClusterTrustBundle"],
    ),
    (
        "flowcontrol.apiserver.k8s.io",
        &["FlowSchema", "PriorityLevelConfiguration"],
    ),
    (
        "networking.k8s.io",
        &["IPAddress", "IngressClass", "ServiceCIDR"],
    ),
    ("node.k8s.io", &["RuntimeClass"]),
    (
        "rbac.authorization.k8s.io",
        &["ClusterRole", "ClusterRoleBinding"],
    ),
    (
        "resource.k8s.io",
        &["DeviceClass", "DeviceTaintRule", "ResourceSlice"],
    ),
    ("scheduling.k8s.io", &["PriorityClass"]),
    (
        "storage.k8s.io",
        &[
            "CSIDriver",
            "CSINode",
            "StorageClass",
            "VolumeAttachment",
            "VolumeAttributesClass",
        ],
    ),
];

/// Gives every object its namespace: the plan's, or none where the kind has none.
///
/// `is_cluster_scoped` is asked for kinds that are not built in; `None` means that the cluster does not know the
/// kind either (its definition may be among the objects), and then a namespace is set.
pub fn place_in(
    objects: &mut [Object],
    namespace: &str,
    is_cluster_scoped: impl Fn(&ObjectRef) -> Option<bool>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut seen: BTreeMap<Identity, (Place, bool)> = BTreeMap::new();
    for object in objects {
        let written = object.reference.namespace.clone();
        let none = has_no_namespace(&object.reference)
            || is_cluster_scoped(&object.reference).unwrap_or(false);
        if none {
            set_namespace(object, None);
        } else {
            if !written.is_empty() && written != namespace {
                problems.push(foreign(object, namespace));
                continue;
            }
            set_namespace(object, Some(namespace));
        }
        // Two objects that are the same only now; where both were written alike, `read` has said so.
        let identity = object.reference.identity();
        match seen.get(&identity) {
            Some((first, explicit)) if *explicit == written.is_empty() => {
                let problem = duplicate(&object.reference, "metadata.name".to_owned(), first);
                problems.push(problem.at(object.place.clone()));
            }
            Some(_) => {}
            None => {
                seen.insert(identity, (object.place.clone(), !written.is_empty()));
            }
        }
    }
    problems
}

/// Whether a kind is built in and has no namespace.
pub(super) fn has_no_namespace(reference: &ObjectRef) -> bool {
    CLUSTER_SCOPED.iter().any(|(group, kinds)| {
        *group == reference.group() && kinds.contains(&reference.kind.as_str())
    })
}

fn set_namespace(object: &mut Object, namespace: Option<&str>) {
    namespace
        .unwrap_or_default()
        .clone_into(&mut object.reference.namespace);
    let Some(Value::Object(metadata)) = object.value.get_mut("metadata") else {
        return;
    };
    match namespace {
        Some(namespace) => {
            metadata.insert("namespace".to_owned(), Value::String(namespace.to_owned()));
        }
        None => {
            metadata.shift_remove("namespace");
        }
    }
}

fn foreign(object: &Object, namespace: &str) -> Problem {
    let wrong = format!(
        "{} is not in the plan's namespace `{namespace}`",
        object.reference
    );
    let place = object.namespace_place.as_ref().unwrap_or(&object.place);
    Problem::error(Code::ForeignNamespace, "metadata.namespace", wrong)
        .hint("remove the namespace, or make a plan of its own in the other one")
        .at(place.clone())
}
