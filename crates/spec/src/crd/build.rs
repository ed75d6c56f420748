//! What is built of a plan's source: for which service, from which folder, into which image, by whom.

#![expect(
    unreachable_pub,
    reason = "KubeSchema repeats each struct inside a function"
)]

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::secret::SecretReference;

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

/// Who builds. Exactly one of `buildkit` and `argoWorkflow`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("has(self.buildkit) != has(self.argoWorkflow)")
    .message("name exactly one of `buildkit` and `argoWorkflow`"))]
pub struct BuildEngine {
    /// BuildKit: a Job that asks a daemon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buildkit: Option<BuildKitEngine>,
    /// Argo Workflows: a Workflow from a template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argo_workflow: Option<ArgoWorkflowEngine>,
}

/// The one engine of a build.
#[derive(Debug, Clone, Copy)]
pub enum Engine<'a> {
    /// BuildKit.
    BuildKit(&'a BuildKitEngine),
    /// Argo Workflows.
    ArgoWorkflow(&'a ArgoWorkflowEngine),
}

impl BuildEngine {
    /// The engine that is named; `None` where not exactly one is, which the schema refuses.
    pub fn one(&self) -> Option<Engine<'_>> {
        match (&self.buildkit, &self.argo_workflow) {
            (Some(engine), None) => Some(Engine::BuildKit(engine)),
            (None, Some(engine)) => Some(Engine::ArgoWorkflow(engine)),
            (None, None) | (Some(_), Some(_)) => None,
        }
    }
}

/// A build by a BuildKit daemon, which fetches the commit from Git itself and pushes the image. A Job asks it; its pod needs no
/// rights of any kind. The Secrets are read by that pod alone: they are of the namespace where the Job runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BuildKitEngine {
    /// Where the daemon listens: `tcp://buildkitd.builds:1234`.
    #[schemars(length(min = 1, max = 255))]
    pub address: String,
    /// The image of the Job's pod: any with `buildctl` and a shell. Default: `moby/buildkit:v0.34.2-rootless`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub image: Option<String>,
    /// Where the Job runs. The plan's account needs rights on Jobs there. Default: the plan's namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,
    /// A Secret of that namespace, of the type `kubernetes.io/dockerconfigjson`, to push with. Default: no credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry_secret_ref: Option<SecretReference>,
    /// A Secret of that namespace to fetch with: `password` (or a token) and, where the server wants one, `username`, as
    /// the Secret of the source has them. A Dockerfile can ask for it: one that may only read is enough. Default: no
    /// credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_secret_ref: Option<SecretReference>,
    /// A Secret of that namespace with `ca.crt`, `tls.crt` and `tls.key`, to talk TLS with the daemon. Default: no TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_secret_ref: Option<SecretReference>,
    /// What the Job's pod asks for; the work is the daemon's. Default: a tenth of a CPU, 64 MiB, and no more than 256 MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<BuildResources>,
    /// How long a build may take. Default: `1h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"), length(max = 32))]
    pub deadline: Option<String>,
}

/// What a pod asks for, as Kubernetes has it: `{cpu: 100m, memory: 64Mi}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BuildResources {
    /// What is kept free for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 10))]
    pub requests: BTreeMap<String, String>,
    /// What it may have at most.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 10))]
    pub limits: BTreeMap<String, String>,
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
