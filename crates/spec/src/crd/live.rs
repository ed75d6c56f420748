//! `LiveSets`: what runs, for plans from files. No custom resource; it has the same form so that it is read the same way.

#![expect(
    unreachable_pub,
    reason = "KubeSchema repeats each struct inside a function"
)]

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Call, Serves};

/// What stands in a document of live sets beside `apiVersion`, `kind` and `metadata`.
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "tidegate.dev",
    version = "v1alpha1",
    kind = "LiveSets",
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LiveSetsSpec {
    /// The revisions; a service stands there once for each.
    #[schemars(length(max = 20_000))]
    pub services: Vec<LiveService>,
}

/// One revision of a service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LiveService {
    /// The service.
    pub name: String,
    /// The revision: any word by which people know it.
    pub revision: String,
    /// The contracts that it serves. Left out: unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 50))]
    pub serves: Option<Vec<Serves>>,
    /// What it calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Call>,
    /// It has no pod any more, and something durable that it wrote may be left.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retained: bool,
}
