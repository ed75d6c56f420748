//! What is built of a plan's source: for which service, from which folder, into which image, by whom.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The annotation that names, on what builds an image, the release that it is built for; its value is the release's uid.
pub const BUILD_OF_ANNOTATION: &str = "tidegate.dev/build-of";
/// The label that names the service for which something is built.
pub const BUILD_LABEL: &str = "tidegate.dev/build";

/// An image that is built of a commit before the services that run it move.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BuildDeclaration {
    /// The service. Others whose pod templates name the same image wait for it too.
    #[schemars(length(min = 1, max = 63))]
    pub service: String,
    /// The folder of the repository that is built. Default: all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub context: Option<String>,
    /// The Dockerfile, as a path within `context`. Default: `Dockerfile`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub dockerfile: Option<String>,
    /// The image as pod templates name it, without tag and digest: `registry.example/shop/orders`.
    #[schemars(length(min = 1, max = 255))]
    pub image: String,
    /// Build arguments. No secrets: whoever may read the plan or the image sees them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 100))]
    pub arguments: BTreeMap<String, String>,
    /// An image that keeps the cache between builds. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub cache: Option<String>,
    /// What the image is for, for instance `linux/amd64`. Default: what the builder runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub platform: Option<String>,
    /// Who builds.
    pub engine: BuildEngine,
}

/// Who builds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BuildEngine {
    /// Argo Workflows: a Workflow from a template.
    pub argo_workflow: ArgoWorkflowEngine,
}

/// A build by Argo Workflows. The Workflow gets the parameters `repo`, `revision`, `context`, `dockerfile`, `image`,
/// `cache-image`, `platform` and `build-args`, and gives back the digest of the image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ArgoWorkflowEngine {
    /// The template.
    pub template_ref: WorkflowTemplateReference,
    /// More parameters for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 100))]
    pub parameters: BTreeMap<String, String>,
    /// Where the Workflow runs. The plan's account needs rights on Workflows there. Default: the plan's namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,
    /// The account of its pods. Default: as the template says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub service_account_name: Option<String>,
    /// The output parameter that holds the digest. Default: `image-digest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub digest_parameter: Option<String>,
    /// Where people see Workflows, for links: `https://argo.example.org`. Default: no links.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub ui: Option<String>,
}

/// A `WorkflowTemplate` of the namespace where the Workflow runs, or a `ClusterWorkflowTemplate`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkflowTemplateReference {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Whether it is a `ClusterWorkflowTemplate`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cluster_scope: bool,
}

/// Where the build of one image stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BuildStatus {
    /// The service that it is declared for.
    pub service: String,
    /// `Waiting`, `Creating`, `Beginning`, `Running`, `Succeeded`, `Skipped`, `Failed`, `Cancelling` or `Cancelled`.
    pub state: String,
    /// `sha256:` and the digest of all that goes in: the same input is not built twice.
    pub input: String,
    /// How often it was tried before, since somebody asked for another try.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub attempt: u32,
    /// The image by its digest, once it is known: what pod templates get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// What builds it: kind, namespace and name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The uid of that, kept before anything of it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Where people see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// One word, where it was skipped, has failed or was cancelled.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// A sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// When it was decided to start it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// When its end was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Time>,
}
