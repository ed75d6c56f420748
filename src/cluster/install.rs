//! Our three kinds in the cluster: are they there, and put them there.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, ResourceExt};

use super::error::ClusterError;
use super::write::FIELD_MANAGER;
use crate::spec::crd;

/// How the definitions in the cluster stand to those of this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Installed {
    /// All there and served.
    Yes,
    /// These are not.
    Missing(Vec<String>),
}

/// Looks which of our kinds are served.
pub async fn installed(client: &Client) -> Result<Installed, ClusterError> {
    let served = match client.list_api_group_resources(crd::API_VERSION).await {
        Ok(list) => list
            .resources
            .into_iter()
            .map(|resource| resource.name)
            .collect(),
        Err(kube::Error::Api(status)) if status.code == 404 => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let missing: Vec<String> = crd::definitions()
        .iter()
        .filter(|definition| !served.contains(&definition.spec.names.plural))
        .map(ResourceExt::name_any)
        .collect();
    Ok(if missing.is_empty() {
        Installed::Yes
    } else {
        Installed::Missing(missing)
    })
}

/// Puts our definitions into the cluster and waits until they are served.
///
/// Errors: the caller may not; the API server does not answer.
pub async fn install(client: &Client) -> Result<(), ClusterError> {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    for definition in crd::definitions() {
        let name = definition.name_any();
        api.patch(&name, &parameters, &Patch::Apply(&definition))
            .await
            .map_err(|error| ClusterError::of(error, name))?;
    }
    let all_served = || async {
        match installed(client).await? {
            Installed::Yes => Ok(()),
            Installed::Missing(_) => Err(ClusterError::NotInstalled),
        }
    };
    let pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_secs(1))
        .with_max_times(40);
    all_served.retry(pauses).await
}
