//! What applying would change, object by object, by server dry-run. Secret values are never shown.

use kube::Client;
use kube::api::DynamicObject;
use serde_json::Value;

use super::client::Connection;
use super::error::ClusterError;
use super::inventory::Inventory;
use super::kinds::Kinds;
use super::manifests;
use super::prepare::{Preparing, Removal};
use super::releases::Releases;
use super::write;
use crate::manifest::Bundle;
use crate::spec::crd::Planning;
use crate::spec::{ObjectRef, Problem};

/// One object before and after.
#[derive(Debug, Clone)]
pub struct Difference {
    /// Which.
    pub object: ObjectRef,
    /// As it is; `None` if it does not exist.
    pub before: Option<Value>,
    /// As the server would store it, `None` if it would be deleted; or why the server would have neither.
    pub after: Result<Option<Value>, Box<Problem>>,
}

/// Compares every object of a bundle with the cluster, in the order of the manifests; then what earlier releases
/// brought and would be deleted.
pub async fn differences(
    connection: &Connection,
    bundle: &Bundle,
    plan: &str,
) -> Result<Vec<Difference>, ClusterError> {
    let account = bundle.plan.service_account_name.as_deref();
    let client = connection.acting_as(&bundle.namespace, account)?;
    let kinds = Kinds::discover(client.clone()).await?;
    let mut found = Vec::new();
    for entry in &bundle.objects {
        found.push(
            difference(
                &client,
                &kinds,
                (&entry.reference, &entry.value),
                (plan, bundle),
            )
            .await?,
        );
    }
    let releases = Releases::new(connection.client(), &bundle.namespace);
    let going = Inventory::read(&releases, plan).await?.going(bundle);
    let objects: Vec<ObjectRef> = going.objects().cloned().collect();
    let planning = Planning::default();
    let preparing = Preparing {
        releases: &releases,
        client: &client,
        kinds: &kinds,
        bundle,
        plan,
        planning: &planning,
    };
    let Removal {
        present,
        of_others: _,
        refused,
    } = preparing.rehearse_removal(&objects).await?;
    for object in objects.iter().filter(|object| present.contains(*object)) {
        found.extend(deletion(&client, &kinds, object).await?);
    }
    found.extend(refused.into_iter().map(|(object, problem)| Difference {
        object,
        before: None,
        after: Err(Box::new(problem)),
    }));
    Ok(found)
}

/// An object that would be deleted; `None` if that has happened in between.
async fn deletion(
    client: &Client,
    kinds: &Kinds,
    object: &ObjectRef,
) -> Result<Option<Difference>, ClusterError> {
    let api = kinds.api(client, object)?;
    let live = api
        .get_opt(&object.name)
        .await
        .map_err(|e| ClusterError::of(e, object.to_string()))?;
    let mut before = live.map(|live| bare(&live));
    if is_secret(object) {
        hide(before.as_mut(), None);
    }
    Ok(before.map(|before| Difference {
        object: object.clone(),
        before: Some(before),
        after: Ok(None),
    }))
}

fn is_secret(object: &ObjectRef) -> bool {
    object.kind == "Secret" && object.group().is_empty()
}

async fn difference(
    client: &Client,
    kinds: &Kinds,
    (object, manifest): (&ObjectRef, &Value),
    (plan, bundle): (&str, &Bundle),
) -> Result<Difference, ClusterError> {
    let object = object.clone();
    let Ok(api) = kinds.api(client, &object) else {
        let after = Err(Box::new(super::prepare::kind_missing(&object)));
        return Ok(Difference {
            object,
            before: None,
            after,
        });
    };
    let live = api
        .get_opt(&object.name)
        .await
        .map_err(|e| ClusterError::of(e, object.to_string()))?;
    let stamp = live.as_ref().and_then(super::prepare::stamp);
    let along = (stamp.as_deref(), &[][..]);
    let sent = manifests::sent(bundle, (&object, manifest), plan, along, live.is_some());
    let stored = write::dry_run(&api, &sent, &object.name, &bundle.plan.take_over).await;
    let mut before = live.map(|live| bare(&live));
    let mut after = stored
        .map(|stored| bare(&stored))
        .map_err(|error| Box::new(super::prepare::problem(&object, error)));
    if is_secret(&object) {
        hide(before.as_mut(), after.as_mut().ok());
    }
    Ok(Difference {
        object,
        before,
        after: after.map(Some),
    })
}

/// An object without what only the server writes.
pub(super) fn bare(object: &DynamicObject) -> Value {
    let mut value = serde_json::to_value(object).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.remove("status");
        if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
            manifests::drop_servers_own(metadata);
        }
    }
    value
}

/// Where `kubectl apply` keeps the whole object as it was sent, values of Secrets included.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Replaces the values of a Secret: only which keys come, go or change is told.
fn hide(mut before: Option<&mut Value>, mut after: Option<&mut Value>) {
    for side in [before.as_deref_mut(), after.as_deref_mut()] {
        let annotations = side.and_then(|side| side.pointer_mut("/metadata/annotations"));
        if let Some(kept) = annotations.and_then(|all| all.get_mut(LAST_APPLIED)) {
            *kept = Value::String("(hidden)".to_owned());
        }
    }
    for part in ["data", "stringData"] {
        let values = |side: &Option<&mut Value>| {
            side.as_ref()
                .and_then(|value| value.get(part))
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default()
        };
        let (old, new) = (values(&before), values(&after));
        for key in old.keys().chain(new.keys()) {
            let same = old.get(key) == new.get(key);
            let (old_word, new_word) = if same {
                ("(hidden)", "(hidden)")
            } else {
                ("(hidden, old)", "(hidden, new)")
            };
            put(before.as_deref_mut(), part, key, old_word);
            put(after.as_deref_mut(), part, key, new_word);
        }
    }
}

fn put(side: Option<&mut Value>, part: &str, key: &str, word: &str) {
    let slot = side
        .and_then(|value| value.get_mut(part))
        .and_then(|values| values.get_mut(key));
    if let Some(slot) = slot {
        *slot = Value::String(word.to_owned());
    }
}
