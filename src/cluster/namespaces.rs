//! Namespaces that tidegate makes for itself.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DeleteParams, ObjectMeta, PostParams};
use kube::{Api, Client};

use super::error::ClusterError;

/// The label on a namespace that tidegate made, and may therefore delete.
const MADE_LABEL: &str = "tidegate.dev/made";

/// Makes a namespace, or takes one that tidegate made before. Error: one of that name that somebody else made.
pub async fn ensure_namespace(client: &Client, name: &str) -> Result<(), ClusterError> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let about = |error| ClusterError::of(error, format!("namespace `{name}`"));
    if let Some(found) = namespaces.get_opt(name).await.map_err(about)? {
        let labels = found.metadata.labels.unwrap_or_default();
        if labels.contains_key(MADE_LABEL) && found.metadata.deletion_timestamp.is_none() {
            return Ok(());
        }
        return Err(ClusterError::Refused {
            what: format!("namespace `{name}`"),
            message: "it is there already and was not made by tidegate, or is being deleted"
                .to_owned(),
        });
    }
    let namespace = Namespace {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(BTreeMap::from([(MADE_LABEL.to_owned(), "true".to_owned())])),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    };
    namespaces
        .create(&PostParams::default(), &namespace)
        .await
        .map_err(about)?;
    Ok(())
}

/// Deletes a namespace that tidegate made, with all that is in it; leaves any other alone.
pub async fn remove_namespace(client: &Client, name: &str) -> Result<(), ClusterError> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let about = |error| ClusterError::of(error, format!("namespace `{name}`"));
    let found = namespaces.get_opt(name).await.map_err(about)?;
    let made = found.is_some_and(|found| {
        found
            .metadata
            .labels
            .unwrap_or_default()
            .contains_key(MADE_LABEL)
    });
    if made {
        namespaces
            .delete(name, &DeleteParams::background())
            .await
            .map_err(about)?;
    }
    Ok(())
}
