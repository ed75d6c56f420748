//! What an installation consists of beside the custom resource definitions: put there, found again, and taken away.

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::{Api, Client, ResourceExt};
use serde_json::Value;

use super::differences::bare;
use super::error::ClusterError;
use super::kinds::Kinds;
use super::releases::has_ended;
use super::write::FIELD_MANAGER;
use crate::spec::ObjectRef;
use crate::spec::crd::Release;

/// How many requests are under way at a time where order does not matter.
const REQUESTS_MAX: usize = 8;

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It was not there.
    Created,
    /// It was there and was another one.
    Changed,
    /// It was there.
    Unchanged,
}

/// The releases of all namespaces that have not ended, as `namespace/name`.
pub async fn under_way(client: &Client) -> Result<Vec<String>, ClusterError> {
    let all: Api<Release> = Api::all(client.clone());
    let listed = match all.list(&ListParams::default()).await {
        Ok(listed) => listed,
        // Without our kinds there is none.
        Err(kube::Error::Api(status)) if status.code == 404 => return Ok(Vec::new()),
        Err(error) => return Err(ClusterError::of(error, "releases")),
    };
    let running = listed.items.iter().filter(|release| !has_ended(release));
    let name =
        |one: &Release| format!("{}/{}", one.namespace().unwrap_or_default(), one.name_any());
    Ok(running.map(name).collect())
}

/// Those of the namespaces that are not there.
pub async fn missing_namespaces(
    client: &Client,
    names: &[String],
) -> Result<Vec<String>, ClusterError> {
    let api: Api<Namespace> = Api::all(client.clone());
    let asked = futures::stream::iter(names).map(|name| {
        let api = api.clone();
        async move {
            let found = api.get_opt(name).await;
            let found = found.map_err(|error| ClusterError::of(error, name))?;
            Ok::<_, ClusterError>(found.is_none().then(|| name.clone()))
        }
    });
    let missing: Vec<Option<String>> = asked.buffered(REQUESTS_MAX).try_collect().await?;
    Ok(missing.into_iter().flatten().collect())
}

/// Applies the objects of an installation one after the other. What they say is taken from whoever said it before.
///
/// Errors: the caller may not; the API server does not answer, or refuses one. Those before it stay applied, and the same call
/// goes on where this one stopped.
pub async fn put(
    client: &Client,
    objects: &[Value],
) -> Result<Vec<(ObjectRef, Put)>, ClusterError> {
    let kinds = Kinds::discover(client.clone()).await?;
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    let mut done = Vec::with_capacity(objects.len());
    for manifest in objects {
        let object = reference(manifest);
        let api = kinds.api(client, &object)?;
        let failed = |error| ClusterError::of(error, object.to_string());
        let before = api.get_opt(&object.name).await.map_err(failed)?;
        let applied = api
            .patch(&object.name, &parameters, &Patch::Apply(manifest))
            .await;
        let after = applied.map_err(failed)?;
        let put = match before {
            None => Put::Created,
            // Not by the version: a controller may have written the status in between.
            Some(before) if bare(&before) == bare(&after) => Put::Unchanged,
            Some(_) => Put::Changed,
        };
        done.push((object, put));
    }
    Ok(done)
}

/// The objects of these kinds that carry a label, in all namespaces, in the order of the kinds. A kind that the server does not
/// know has none.
pub async fn labelled(
    client: &Client,
    kinds: &[ObjectRef],
    (label, value): (&str, &str),
) -> Result<Vec<ObjectRef>, ClusterError> {
    let known = Kinds::discover(client.clone()).await?;
    let parameters = ListParams::default().labels(&format!("{label}={value}"));
    let mut found = Vec::new();
    for kind in kinds {
        let Some(api) = known.everywhere(client, kind) else {
            continue;
        };
        let listed = api.list_metadata(&parameters).await;
        let listed = listed.map_err(|error| ClusterError::of(error, &kind.kind))?;
        found.extend(listed.items.iter().map(|one| ObjectRef {
            namespace: one.namespace().unwrap_or_default(),
            name: one.name_any(),
            ..kind.clone()
        }));
    }
    Ok(found)
}

/// Deletes objects one after the other. One that is gone already is no error.
pub async fn remove(client: &Client, objects: &[ObjectRef]) -> Result<(), ClusterError> {
    let kinds = Kinds::discover(client.clone()).await?;
    for object in objects {
        let api: Api<DynamicObject> = kinds.api(client, object)?;
        match api.delete(&object.name, &DeleteParams::background()).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => return Err(ClusterError::of(error, object.to_string())),
        }
    }
    Ok(())
}

/// Which object a manifest is.
pub fn reference(manifest: &Value) -> ObjectRef {
    let text = |path: &str| {
        let value = manifest.pointer(path).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    ObjectRef {
        api_version: text("/apiVersion"),
        kind: text("/kind"),
        namespace: text("/metadata/namespace"),
        name: text("/metadata/name"),
    }
}
