//! What people say about the steps of a release, written into it: entries are added, who added them is the API server's to
//! say, and who may is asked of it first.

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::json;

use super::error::ClusterError;
use super::releases::Releases;
use crate::spec::crd::{Approval, Control, GROUP, Release};

/// How often a word is tried again when somebody else changes the release in between.
const TRIES: usize = 5;

/// What somebody says about a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// It may start, or its drain is over.
    Approve,
    /// It is tried again.
    Retry,
    /// Its gate counts as open.
    Force,
}

impl Word {
    /// The verb that somebody needs on the release, beside `patch`: no request has it, so it is granted for this alone.
    pub fn verb(self) -> Option<&'static str> {
        match self {
            Self::Approve => Some("approve"),
            Self::Force => Some("force"),
            Self::Retry => None,
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Approve => "approvals",
            Self::Retry => "retries",
            Self::Force => "forces",
        }
    }

    fn of(self, control: &Control) -> &[Approval] {
        match self {
            Self::Approve => &control.approvals,
            Self::Retry => &control.retries,
            Self::Force => &control.forces,
        }
    }

    /// Whether one word about a step says it for good.
    fn is_said_once(self) -> bool {
        match self {
            Self::Approve | Self::Force => true,
            Self::Retry => false,
        }
    }
}

/// Who the API server takes the user of a client for.
pub async fn who_am_i(client: &Client) -> Result<String, ClusterError> {
    let reviews: Api<SelfSubjectReview> = Api::all(client.clone());
    let review = reviews
        .create(&PostParams::default(), &SelfSubjectReview::default())
        .await
        .map_err(|error| ClusterError::of(error, "who you are"))?;
    let user = review.status.and_then(|status| status.user_info);
    Ok(user.and_then(|user| user.username).unwrap_or_default())
}

impl Releases {
    /// Whether whoever runs this program may say a word about a release.
    pub async fn may_say(&self, word: Word, release: Option<&str>) -> Result<bool, ClusterError> {
        let Some(verb) = word.verb() else {
            return Ok(true);
        };
        let attributes = ResourceAttributes {
            namespace: Some(self.namespace().to_owned()),
            verb: Some(verb.to_owned()),
            group: Some(GROUP.to_owned()),
            resource: Some("releases".to_owned()),
            name: release.map(ToOwned::to_owned),
            ..ResourceAttributes::default()
        };
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(attributes),
                non_resource_attributes: None,
            },
            ..SelfSubjectAccessReview::default()
        };
        let api: Api<SelfSubjectAccessReview> = Api::all(self.client());
        let answer = api
            .create(&PostParams::default(), &review)
            .await
            .map_err(|error| ClusterError::of(error, "the review of rights"))?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }

    /// Adds words to a release. Where one word says it for good, steps that have one keep it.
    pub async fn say(
        &self,
        name: &str,
        word: Word,
        new: &[Approval],
    ) -> Result<Release, ClusterError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let release = self.get(name).await?;
            let control = release.spec.control.clone().unwrap_or_default();
            let said = word.of(&control);
            let is_known =
                |step: &str| word.is_said_once() && said.iter().any(|one| one.step == step);
            let added = new.iter().filter(|one| !is_known(&one.step)).cloned();
            let all: Vec<Approval> = said.iter().cloned().chain(added).collect();
            if all == said {
                return Ok(release);
            }
            let patch = json!({
                "metadata": {"resourceVersion": release.resource_version()},
                "spec": {"control": {word.key(): all}},
            });
            let patched = self
                .api()
                .patch(name, &PatchParams::default(), &Patch::Merge(&patch))
                .await;
            match patched {
                Ok(kept)
                    if kept
                        .spec
                        .control
                        .as_ref()
                        .is_none_or(|control| word.of(control) != all) =>
                {
                    return Err(Self::older_definitions("what you say of a step"));
                }
                Ok(kept) => return Ok(kept),
                Err(kube::Error::Api(status)) if status.code == 409 && tries < TRIES => {}
                Err(error) => return Err(ClusterError::of(error, format!("release `{name}`"))),
            }
        }
    }
}
