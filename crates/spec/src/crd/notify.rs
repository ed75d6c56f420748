//! Who is told of a plan's releases, outside of the cluster.

#![expect(
    unreachable_pub,
    reason = "KubeSchema repeats each struct inside a function"
)]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::secret::SecretReference;

/// One who is told of releases. Exactly one of `slack`, `cloudEvents` and `commitStatus`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new(
    "[has(self.slack), has(self.cloudEvents), has(self.commitStatus)].filter(one, one).size() == 1"
).message("name exactly one of `slack`, `cloudEvents` and `commitStatus`"))]
pub struct Notify {
    /// Of what. Default: of everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub on: Vec<Occasion>,
    /// A webhook that takes messages as Slack does; Mattermost and others take the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slack: Option<Slack>,
    /// A receiver of CloudEvents 1.0 over HTTP, in structured mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud_events: Option<CloudEvents>,
    /// The status of the commit that is released, at GitHub or GitLab.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_status: Option<CommitStatus>,
}

/// What somebody is told of.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Occasion {
    /// A release is planned and begins.
    Started,
    /// A release waits for somebody's word.
    NeedsApproval,
    /// A release failed, or was refused before its first write.
    Failed,
    /// A release was aborted, or a newer one took its place.
    Aborted,
    /// A release succeeded.
    Succeeded,
    /// A rollback succeeded.
    RolledBack,
    /// A new commit of the source was found without its webhook.
    WebhookLost,
}

/// A Slack-compatible webhook.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Slack {
    /// A Secret of the plan's namespace whose key `url` is the webhook's address, which is a secret itself.
    pub secret_ref: SecretReference,
}

/// A receiver of CloudEvents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CloudEvents {
    /// Its address.
    #[schemars(regex(pattern = "^https?://[^@]+$"), length(max = 1024))]
    pub url: String,
    /// A Secret of the plan's namespace whose key `token` is sent as a bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretReference>,
}

/// Where the status of a commit is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CommitStatus {
    /// Whose interface it is.
    pub provider: Provider,
    /// The repository as its addresses have it: `owner/name`.
    #[schemars(regex(pattern = "^[A-Za-z0-9._/-]+$"), length(min = 1, max = 256))]
    pub repository: String,
    /// The address of the interface. Default: `https://api.github.com` or `https://gitlab.com/api/v4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^https?://[^@]+$"), length(max = 1024))]
    pub api_url: Option<String>,
    /// A Secret of the plan's namespace whose key `token` may write statuses.
    pub secret_ref: SecretReference,
}

/// Who has the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Provider {
    /// GitHub, and GitHub Enterprise Server.
    #[serde(rename = "github")]
    GitHub,
    /// GitLab.
    #[serde(rename = "gitlab")]
    GitLab,
}
