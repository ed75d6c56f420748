//! What the account may do, asked of the API server itself.

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::{Api, Client};

use super::error::ClusterError;

/// One thing that a release needs to be allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    /// For instance `patch`.
    pub verb: &'static str,
    /// For instance `apps`.
    pub group: &'static str,
    /// For instance `deployments`, or `releases/status`.
    pub resource: &'static str,
}

/// What the plan's account needs in its namespace: the reads of the gate and the writes of usual manifests,
/// with the deletion of what a later release does not have any more.
pub const ACTING_RIGHTS: &[(&str, &[&str], &[&str])] = &[
    (
        "apps",
        &["deployments", "statefulsets", "daemonsets"],
        &["get", "list", "watch", "create", "patch", "delete"],
    ),
    (
        "apps",
        &["replicasets", "controllerrevisions"],
        &["get", "list", "watch"],
    ),
    (
        "batch",
        &["jobs"],
        &["get", "list", "watch", "create", "patch", "delete"],
    ),
    ("", &["pods"], &["get", "list", "watch"]),
    (
        "",
        &["services"],
        &["get", "list", "watch", "create", "patch", "delete"],
    ),
    (
        "discovery.k8s.io",
        &["endpointslices"],
        &["get", "list", "watch"],
    ),
    (
        "",
        &["configmaps", "serviceaccounts"],
        &["get", "create", "patch", "delete"],
    ),
    ("", &["events"], &["list", "watch"]),
];

/// What tidegate itself needs in the namespace.
pub const OWN_RIGHTS: &[(&str, &[&str], &[&str])] = &[
    (
        "tidegate.dev",
        &["releases"],
        &["get", "list", "watch", "create", "patch", "delete"],
    ),
    ("tidegate.dev", &["releases/status"], &["update"]),
    (
        "tidegate.dev",
        &["servicegraphs", "releaseplans"],
        &["get", "list", "watch", "create", "patch"],
    ),
    ("", &["secrets"], &["get", "create"]),
    (
        "coordination.k8s.io",
        &["leases"],
        &["get", "create", "patch", "update", "delete"],
    ),
    ("events.k8s.io", &["events"], &["create", "patch"]),
];

/// Those of the rights that the client's account does not have in a namespace.
pub async fn missing_rights(
    client: &Client,
    namespace: &str,
    wanted: &[(&'static str, &[&'static str], &[&'static str])],
) -> Result<Vec<Right>, ClusterError> {
    let mut missing = Vec::new();
    for (group, resources, verbs) in wanted {
        for resource in *resources {
            for verb in *verbs {
                let right = Right {
                    verb,
                    group,
                    resource,
                };
                if !is_allowed(client, namespace, &right).await? {
                    missing.push(right);
                }
            }
        }
    }
    Ok(missing)
}

async fn is_allowed(client: &Client, namespace: &str, right: &Right) -> Result<bool, ClusterError> {
    let (resource, subresource) = match right.resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
        None => (right.resource, None),
    };
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                namespace: Some(namespace.to_owned()),
                verb: Some(right.verb.to_owned()),
                group: Some(right.group.to_owned()),
                resource: Some(resource.to_owned()),
                subresource,
                ..ResourceAttributes::default()
            }),
            non_resource_attributes: None,
        },
        ..SelfSubjectAccessReview::default()
    };
    let api: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let answer = api
        .create(&PostParams::default(), &review)
        .await
        .map_err(|error| ClusterError::of(error, "the review of rights"))?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}
