//! What the tests share: one cluster, namespaces in it, and patience.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;
use std::time::{Duration, Instant};

use devcluster::{Options, Shared, unique_namespace};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub(crate) static SHARED: Shared = Shared::new(Options::default);

pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
pub(crate) const POLL_EVERY: Duration = Duration::from_millis(50);

/// Asks until there is an answer.
pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain: {what}");
        tokio::time::sleep(POLL_EVERY).await;
    }
}

pub(crate) struct Space {
    pub(crate) client: Client,
    pub(crate) namespace: String,
}

impl Space {
    pub(crate) async fn new() -> Self {
        let cluster = SHARED.get().await.unwrap();
        let client = Client::try_from(cluster.config().await.unwrap()).unwrap();
        let namespace = unique_namespace("devcluster-test");
        let object = json!({"metadata": {"name": namespace}});
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let object = serde_json::from_value(object).unwrap();
        namespaces
            .create(&PostParams::default(), &object)
            .await
            .unwrap();
        Self { client, namespace }
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub(crate) async fn create<K>(&self, object: Value)
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + Serialize
            + DeserializeOwned,
    {
        let object: K = serde_json::from_value(object).unwrap();
        // The service account of a new namespace comes a moment after it.
        eventually("the object to be accepted", async || {
            self.api::<K>()
                .create(&PostParams::default(), &object)
                .await
                .ok()
        })
        .await;
    }

    pub(crate) async fn create_pod(&self, name: &str, annotations: Value) {
        self.create::<Pod>(json!({
            "metadata": {"name": name, "annotations": annotations},
            "spec": {"containers": [container("app")]},
        }))
        .await;
    }

    pub(crate) async fn pods(&self) -> Vec<Pod> {
        self.api::<Pod>()
            .list(&ListParams::default())
            .await
            .unwrap()
            .items
    }
}

pub(crate) fn container(name: &str) -> Value {
    json!({"name": name, "image": "registry/app:2"})
}

pub(crate) fn is_ready(pod: &Pod) -> bool {
    let conditions = pod
        .status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten());
    conditions
        .into_iter()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

pub(crate) fn waiting(pod: &Pod) -> Option<(String, String, i32)> {
    let status = pod.status.as_ref()?.container_statuses.as_ref()?.first()?;
    let waiting = status.state.as_ref()?.waiting.as_ref()?;
    Some((
        waiting.reason.clone()?,
        waiting.message.clone().unwrap_or_default(),
        status.restart_count,
    ))
}

pub(crate) fn web(version: &str) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}, "annotations": {
                    "version": version,
                    "devcluster.tidegate.dev/ready-delay": "2s",
                    "devcluster.tidegate.dev/termination-delay": "4s",
                }},
                "spec": {
                    "initContainers": [container("init")],
                    "containers": [container("web"), container("proxy")],
                },
            },
        },
    })
}

pub(crate) async fn apply_web(space: &Space, version: &str) {
    let parameters = PatchParams::apply("test-manager");
    eventually("the Deployment to be accepted", async || {
        space
            .api::<Deployment>()
            .patch("web", &parameters, &Patch::Apply(web(version)))
            .await
            .ok()
    })
    .await;
}

/// Rolled out and drained, which a Deployment's status does not say.
pub(crate) async fn wait_for_web(space: &Space, version: &str) {
    eventually("three ready pods and no other", async || {
        let pods = space.pods().await;
        let done = pods.len() == 3
            && pods.iter().all(|pod| {
                is_ready(pod) && pod.metadata.annotations.as_ref().unwrap()["version"] == version
            });
        done.then_some(())
    })
    .await;
}

/// The command line of every process that works in a data folder.
pub(crate) fn processes_in(folder: &Path) -> BTreeMap<u32, String> {
    let folder = folder.display().to_string();
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| {
            let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
            command
                .contains(&folder)
                .then(|| (pid, command.replace('\0', " ")))
        })
        .collect()
}
