//! Where the files of a plan come from, and when what was found there is released.

#![expect(
    unreachable_pub,
    reason = "KubeSchema repeats each struct inside a function"
)]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::secret::SecretReference;

/// The annotation on a ReleasePlan that asks for a release of what its source has now: any text; a new text is a new
/// wish.
pub const REQUEST_ANNOTATION: &str = "tidegate.dev/requested-at";

/// Where the files of a plan come from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Source {
    /// A Git repository.
    pub git: GitSource,
}

/// A reference of a Git repository, and where in it the files are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GitSource {
    /// `https://host/path` or `ssh://user@host/path`. No credentials in it: they are in the Secret.
    #[schemars(length(min = 1, max = 2048))]
    pub url: String,
    /// Which commit is meant.
    #[serde(rename = "ref")]
    pub reference: GitReference,
    /// The folder, or the one file, that holds graph and manifests. Default: the whole tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub path: Option<String>,
    /// How often the repository is asked for a new commit, at least `5s`. Default: `1m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"), length(max = 32))]
    pub interval: Option<String>,
    /// A Secret of the plan's namespace: `username` and `password` (or a token) for https, `identity` (a private key,
    /// with `password` where it has one) and `known_hosts` for ssh, `ca.crt` for a server of a private authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretReference>,
    /// Who tells of new commits, so that they need not wait for the next look. The repository is looked at every
    /// `interval` all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
}

/// Who tells of new commits, at `/hooks/NAMESPACE/PLAN` of the controller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Webhook {
    /// Whose webhooks they are: `github`, `gitlab`, `gitea` (Forgejo too), or `generic` for any program that has a token.
    pub provider: WebhookProvider,
    /// A Secret of the plan's namespace: `secret`, as the provider has it (of `generic`: none), and `token`, which a
    /// program shows as `Authorization: Bearer TOKEN`. While either is changed, `secret-previous` and `token-previous`
    /// count too.
    pub secret_ref: SecretReference,
}

/// Whose webhooks they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WebhookProvider {
    /// GitHub, and GitHub Enterprise Server: HMAC-SHA256 of the body in `X-Hub-Signature-256`.
    GitHub,
    /// GitLab: the secret itself in `X-Gitlab-Token`.
    GitLab,
    /// Gitea and Forgejo: HMAC-SHA256 of the body in `X-Gitea-Signature`.
    Gitea,
    /// Any program that has the token.
    Generic,
}

impl WebhookProvider {
    /// The word, as the plan has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Gitea => "gitea",
            Self::Generic => "generic",
        }
    }
}

/// Which commit of a repository is meant; exactly one of the four.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new(
    "[has(self.branch), has(self.tag), has(self.semver), has(self.commit)].filter(one, one).size() == 1"
).message("exactly one of `branch`, `tag`, `semver` and `commit`"))]
pub struct GitReference {
    /// The newest commit of a branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub branch: Option<String>,
    /// The commit of a tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub tag: Option<String>,
    /// The commit of the highest tag in a range, for instance `^1.4`; a `v` before the version is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub semver: Option<String>,
    /// One commit, all 40 digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[0-9a-f]{40}$"))]
    pub commit: Option<String>,
}

/// When new commits of the source are released: not at once, but at these times.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Schedule {
    /// Minute, hour, day of the month, month and day of the week, as cron has them: `30 2 * * 1-5`.
    #[schemars(length(min = 9, max = 255))]
    pub cron: String,
    /// The time zone of these, for instance `Europe/Berlin`. Default: UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub time_zone: Option<String>,
}

/// What is known of a plan's source. Written only when something of it changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceStatus {
    /// The newest commit that was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// What named it, for instance `refs/heads/main`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The first line of its message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// When it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found_at: Option<Time>,
    /// The commit that the newest release of this source was made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released: Option<String>,
    /// That release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// Its number, so that an older one is never taken for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// The last wish, as its annotation had it, that was met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub met_request: Option<String>,
    /// The last time of the schedule that was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_schedule: Option<Time>,
    /// When a webhook last led to a look at the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<Time>,
}
