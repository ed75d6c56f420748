//! Says on every ServiceGraph and ReleasePlan whether it is usable; writes only where that changes.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{Patch, PatchParams};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use serde_json::{Value, json};

use super::conditions::{condition, set_condition};
use super::error::ClusterError;
use crate::spec::crd::{ReleasePlan, ServiceGraph};
use crate::spec::{Problem, Severity, check_graph, check_plan};

/// Watches graphs and plans (of one namespace, or all) for ever, and keeps their status.
pub async fn keep_declared(client: Client, namespace: Option<&str>) {
    let graphs = keep(
        api::<ServiceGraph>(&client, namespace),
        &client,
        graph_status,
    );
    let plans = keep(api::<ReleasePlan>(&client, namespace), &client, plan_status);
    futures::join!(graphs, plans);
}

fn api<K>(client: &Client, namespace: Option<&str>) -> Api<K>
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope>,
    K::DynamicType: Default,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

async fn keep<K>(api: Api<K>, client: &Client, status: fn(&K) -> Option<Value>)
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
        + Clone
        + serde::de::DeserializeOwned
        + std::fmt::Debug
        + Send
        + 'static,
{
    let stream = watcher(api, watcher::Config::default())
        .default_backoff()
        .applied_objects();
    let mut stream = std::pin::pin!(stream.into_stream());
    while let Some(next) = stream.next().await {
        let object = match next {
            Ok(object) => object,
            Err(error) => {
                tracing::debug!(%error, "a watch was cut");
                continue;
            }
        };
        let Some(status) = status(&object) else {
            continue;
        };
        let namespaced: Api<K> =
            Api::namespaced(client.clone(), &object.namespace().unwrap_or_default());
        // The version makes it fail if somebody else wrote the conditions meanwhile; then the watch brings it again.
        let version = &object.meta().resource_version;
        let patch = json!({"metadata": {"resourceVersion": version}, "status": status});
        let written = namespaced
            .patch_status(
                &object.name_any(),
                &PatchParams::default(),
                &Patch::Merge(&patch),
            )
            .await;
        if let Err(error) = written {
            let error = ClusterError::of(error, object.name_any());
            if matches!(error, ClusterError::Conflict { .. }) {
                continue;
            }
            tracing::warn!("a status could not be written: {}", super::describe(&error));
        }
    }
}

/// The status of a graph; `None` if it has it already.
fn graph_status(object: &ServiceGraph) -> Option<Value> {
    let (graph, problems) = check_graph(&object.name_any(), &object.spec);
    let before = object.status.clone().unwrap_or_default();
    let conditions = conditions(&problems, object.metadata.generation, &before.conditions)?;
    let edges: usize = graph
        .services
        .values()
        .map(|service| service.interface.calls.len())
        .sum();
    let contracts: BTreeSet<_> = graph
        .services
        .iter()
        .flat_map(|(name, service)| {
            service
                .interface
                .serves
                .iter()
                .flat_map(move |s| s.keys().map(move |c| (name, c)))
        })
        .collect();
    Some(json!({
        "observedGeneration": object.metadata.generation,
        "conditions": conditions,
        "services": graph.services.len(),
        "edges": edges,
        "contracts": contracts.len(),
    }))
}

/// The status of a plan; `None` if it has it already.
fn plan_status(object: &ReleasePlan) -> Option<Value> {
    let problems = check_plan(&object.spec);
    let before = object.status.clone().unwrap_or_default();
    let conditions = conditions(&problems, object.metadata.generation, &before.conditions)?;
    Some(json!({"observedGeneration": object.metadata.generation, "conditions": conditions}))
}

/// The conditions for some problems; `None` if they are there already.
fn conditions(
    problems: &[Problem],
    generation: Option<i64>,
    before: &[Condition],
) -> Option<Vec<Condition>> {
    let errors: Vec<String> = problems
        .iter()
        .filter(|p| p.severity == Severity::Error)
        .map(ToString::to_string)
        .collect();
    let message = errors.join("; ");
    let (ready, stalled, words) = if errors.is_empty() {
        ("True", "False", ("Valid", "usable"))
    } else {
        ("False", "True", ("Invalid", message.as_str()))
    };
    let (reason, message) = words;
    let mut all = before.to_vec();
    for (kind, status) in [("Ready", ready), ("Stalled", stalled)] {
        set_condition(
            &mut all,
            condition(kind, (status, reason, message), generation),
        );
    }
    (before != all).then_some(all)
}
