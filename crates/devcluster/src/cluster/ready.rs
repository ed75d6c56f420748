//! Waits until the control plane does its work: nodes are ready, service accounts are made.
//!
//! In: a client. Out: nothing, or what was waited for in vain. Polls; there is no fixed sleep.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Node, ServiceAccount};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, ListParams, PostParams};
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use kube::{Client, Resource};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::programs::ARGO_NAMESPACE;
use super::{Running, StartError};
use crate::components::{API_SERVER, CONTROLLER_MANAGER, KWOK};

const POLL_EVERY: Duration = Duration::from_millis(30);
/// Far more than a slow machine needs.
const PATIENCE: Duration = Duration::from_secs(90);

/// A client of the cluster, whatever proxy the environment names.
pub(super) async fn client(kubeconfig: Kubeconfig) -> Result<Client, StartError> {
    Ok(Client::try_from(config(kubeconfig).await?)?)
}

pub(super) async fn config(kubeconfig: Kubeconfig) -> Result<Config, StartError> {
    let mut config =
        Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    config.proxy_url = None;
    Ok(config)
}

/// Asks again and again until the answer is yes, a program ends, or patience does. (A plain closure:
/// with an async one the future of a start could not be sent to another thread.)
async fn until<Answer: Future<Output = bool>>(
    running: &Running,
    (waiting_for, program): (&'static str, &'static str),
    mut ask: impl FnMut() -> Answer,
) -> Result<(), StartError> {
    let began = Instant::now();
    while !ask().await {
        running.check()?;
        if began.elapsed() > PATIENCE {
            let log_end = running.log_end(program);
            return Err(StartError::TimedOut {
                waiting_for,
                program,
                log_end,
            });
        }
        tokio::time::sleep(POLL_EVERY).await;
    }
    Ok(())
}

pub(super) async fn api_server(running: &Running, client: &Client) -> Result<(), StartError> {
    until(running, ("the API server", API_SERVER), || answers(client)).await
}

async fn answers(client: &Client) -> bool {
    match http::Request::get("/readyz").body(Vec::new()) {
        Ok(request) => client.request_text(request).await.is_ok(),
        Err(_) => false,
    }
}

/// The default account of the default namespace, without which no pod can be made.
pub(super) async fn service_accounts(running: &Running, client: &Client) -> Result<(), StartError> {
    let accounts: &Api<ServiceAccount> = &Api::namespaced(client.clone(), "default");
    let what = ("the default service account", CONTROLLER_MANAGER);
    until(running, what, || async move {
        accounts.get("default").await.is_ok()
    })
    .await
}

/// Ready, and cleared for pods by the controller that watches over nodes.
pub(super) async fn nodes(
    running: &Running,
    client: &Client,
    count: usize,
) -> Result<(), StartError> {
    let nodes: &Api<Node> = &Api::all(client.clone());
    until(running, ("the nodes to be ready", KWOK), || async move {
        let list = nodes.list(&ListParams::default()).await;
        list.is_ok_and(|nodes| nodes.iter().filter(|node| takes_pods(node)).count() == count)
    })
    .await
}

fn takes_pods(node: &Node) -> bool {
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_ref());
    let conditions = node
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_ref());
    taints.is_none_or(Vec::is_empty)
        && conditions
            .into_iter()
            .flatten()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

pub(super) async fn create_nodes(client: &Client, count: usize) -> Result<(), StartError> {
    let nodes: Api<Node> = Api::all(client.clone());
    for number in 0..count {
        create(&nodes, node(number)).await?;
    }
    Ok(())
}

pub(super) async fn create_definitions(
    running: &Running,
    client: &Client,
    texts: &[String],
) -> Result<(), StartError> {
    let definitions: &Api<CustomResourceDefinition> = &Api::all(client.clone());
    let mut names = Vec::new();
    for text in texts {
        let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(text)
            .map_err(|error| StartError::Definition(error.to_string()))?;
        // Some keep what runs the controller in a cluster beside them.
        let wanted = documents
            .into_iter()
            .filter(|document| document["kind"] == "CustomResourceDefinition");
        for value in wanted {
            names.extend(create(definitions, value).await?.metadata.name);
        }
    }
    for name in &names {
        until(
            running,
            ("the custom resources", API_SERVER),
            || async move {
                definitions
                    .get(name)
                    .await
                    .is_ok_and(|definition| is_served(&definition))
            },
        )
        .await?;
    }
    Ok(())
}

fn is_served(definition: &CustomResourceDefinition) -> bool {
    let conditions = definition
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_ref());
    conditions
        .into_iter()
        .flatten()
        .any(|condition| condition.type_ == "Established" && condition.status == "True")
}

/// The settings of the Argo Workflows controller, without which it does not start; metrics would listen on all interfaces.
pub(super) async fn create_argo_settings(client: &Client) -> Result<(), StartError> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    create(&namespaces, json!({"metadata": {"name": ARGO_NAMESPACE}})).await?;
    let settings: Api<ConfigMap> = Api::namespaced(client.clone(), ARGO_NAMESPACE);
    let off = json!({
        "metadata": {"name": "workflow-controller-configmap"},
        "data": {"metricsConfig": "{enabled: false}"},
    });
    create(&settings, off).await?;
    Ok(())
}

async fn create<K>(api: &Api<K>, value: serde_json::Value) -> Result<K, StartError>
where
    K: Resource + Clone + DeserializeOwned + serde::Serialize + std::fmt::Debug,
{
    let object: K =
        serde_json::from_value(value).map_err(|error| StartError::Definition(error.to_string()))?;
    Ok(api.create(&PostParams::default(), &object).await?)
}

/// A node that KWOK plays, with room for all pods of any test.
fn node(number: usize) -> serde_json::Value {
    let name = format!("node-{number}");
    let resources = json!({"cpu": "1000", "memory": "1Ti", "pods": "10000"});
    let last_byte = number + 1;
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "topology.kubernetes.io/zone": format!("zone-{number}"),
            },
        },
        "status": {
            "capacity": resources,
            "allocatable": resources,
            "addresses": [
                {"type": "InternalIP", "address": format!("10.32.0.{last_byte}")},
                {"type": "Hostname", "address": name},
            ],
            "nodeInfo": {
                "architecture": "amd64",
                "bootID": "",
                "containerRuntimeVersion": "kwok",
                "kernelVersion": "",
                "kubeProxyVersion": "",
                "kubeletVersion": crate::KUBERNETES_VERSION,
                "machineID": "",
                "operatingSystem": "linux",
                "osImage": "",
                "systemUUID": "",
            },
        },
    })
}
