//! What people approve, written into a release: entries are added, and who added them is the API server's to say.

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::json;

use super::error::ClusterError;
use super::releases::Releases;
use crate::spec::crd::{Approval, Release};

/// How often an approval is tried again when somebody else changes the release in between.
const TRIES: usize = 5;

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
    /// Adds approvals to a release, but for steps that have one already.
    pub async fn approve(&self, name: &str, new: &[Approval]) -> Result<Release, ClusterError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let release = self.get(name).await?;
            let control = release.spec.control.clone().unwrap_or_default();
            let known = |step: &str| control.approvals.iter().any(|one| one.step == step);
            let added = new.iter().filter(|one| !known(&one.step)).cloned();
            let all: Vec<Approval> = control.approvals.iter().cloned().chain(added).collect();
            if all == control.approvals {
                return Ok(release);
            }
            let patch = json!({
                "metadata": {"resourceVersion": release.resource_version()},
                "spec": {"control": {"approvals": all}},
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
                        .is_none_or(|c| c.approvals != all) =>
                {
                    return Err(Self::older_definitions("an approval"));
                }
                Ok(kept) => return Ok(kept),
                Err(kube::Error::Api(status)) if status.code == 409 && tries < TRIES => {}
                Err(error) => return Err(ClusterError::of(error, format!("release `{name}`"))),
            }
        }
    }
}
