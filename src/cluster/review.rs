//! Who somebody is and what they may do, as the API server says it.

use std::collections::BTreeMap;

use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::{Api, Client};

use super::error::ClusterError;

/// Somebody, as the API server knows them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    /// The name.
    pub name: String,
    /// Its number, where it has one.
    pub uid: String,
    /// The groups.
    pub groups: Vec<String>,
    /// What else the API server was told.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// A verb on a resource of `tidegate.dev`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed<'d> {
    /// For instance `approve`.
    pub verb: &'d str,
    /// For instance `releases`.
    pub resource: &'d str,
    /// The namespace; `None`: all of them.
    pub namespace: Option<&'d str>,
    /// The object; `None`: any.
    pub name: Option<&'d str>,
}

/// Whose token it is; `None` if nobody's, forged or expired.
pub async fn recognise(client: &Client, token: &str) -> Result<Option<Subject>, ClusterError> {
    let reviews: Api<TokenReview> = Api::all(client.clone());
    let review = TokenReview {
        spec: TokenReviewSpec {
            token: token.to_owned(),
            audiences: None,
        },
        ..TokenReview::default()
    };
    let answer = reviews.create(&PostParams::default(), &review).await;
    let answer = answer.map_err(|error| ClusterError::of(error, "the review of a token"))?;
    let status = answer.status.unwrap_or_default();
    let user = status.user.filter(|_| status.authenticated == Some(true));
    Ok(user.map(|user| Subject {
        name: user.username.unwrap_or_default(),
        uid: user.uid.unwrap_or_default(),
        groups: user.groups.unwrap_or_default(),
        extra: user.extra.unwrap_or_default(),
    }))
}

/// Whether somebody may do it.
pub async fn may(
    client: &Client,
    subject: &Subject,
    deed: &Deed<'_>,
) -> Result<bool, ClusterError> {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let reviews: Api<SubjectAccessReview> = Api::all(client.clone());
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: text(&subject.name),
            uid: text(&subject.uid),
            groups: Some(subject.groups.clone()),
            extra: Some(subject.extra.clone()),
            resource_attributes: Some(ResourceAttributes {
                group: Some("tidegate.dev".to_owned()),
                resource: Some(deed.resource.to_owned()),
                verb: Some(deed.verb.to_owned()),
                namespace: deed.namespace.map(ToOwned::to_owned),
                name: deed.name.map(ToOwned::to_owned),
                ..ResourceAttributes::default()
            }),
            non_resource_attributes: None,
        },
        ..SubjectAccessReview::default()
    };
    let answer = reviews.create(&PostParams::default(), &review).await;
    let answer = answer.map_err(|error| ClusterError::of(error, "the review of a right"))?;
    Ok(answer
        .status
        .is_some_and(|status| status.allowed && status.denied != Some(true)))
}
