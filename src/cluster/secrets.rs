//! A Secret that a command makes.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};

use super::error::ClusterError;
use super::write::FIELD_MANAGER;

/// Makes a Secret, or makes it what is given.
pub async fn put_secret(
    client: &Client,
    namespace: &str,
    name: &str,
    data: &[(&str, &str)],
) -> Result<(), ClusterError> {
    let data: BTreeMap<String, ByteString> = data
        .iter()
        .map(|(key, value)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec())))
        .collect();
    let mut secret = Secret {
        data: Some(data),
        ..Secret::default()
    };
    secret.metadata.name = Some(name.to_owned());
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    secrets
        .patch(name, &parameters, &Patch::Apply(&secret))
        .await
        .map(|_| ())
        .map_err(|error| ClusterError::of(error, format!("secret `{name}`")))
}
