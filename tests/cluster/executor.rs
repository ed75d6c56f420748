//! Plays what runs in the pods of Workflows: the pods are there, nothing runs in them, and this says how each has ended, as
//! the real executor does. What it says follows from the image that is to be built.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ApiResource, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::files::STEER;

/// How long it rests between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How the build of an image ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ends {
    /// With this digest.
    With(String),
    /// With an exit code that is not zero.
    Failed,
    /// Not at all.
    Never,
}

/// A digest that is told apart from others at a glance.
pub(crate) fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

type Script = Arc<Mutex<BTreeMap<String, Ends>>>;

/// Plays until it is dropped.
pub(crate) struct Executor {
    script: Script,
    _plays: JoinSet<()>,
}

impl Executor {
    /// Begins to play in a namespace. In: how builds end, by the name of the image without registry and tag.
    pub(crate) fn start(client: &Client, namespace: &str, script: &[(&str, Ends)]) -> Self {
        let script = script.iter().cloned();
        let script: Script = Arc::new(Mutex::new(
            script
                .map(|(image, ends)| (image.to_owned(), ends))
                .collect(),
        ));
        let mut plays = JoinSet::new();
        plays.spawn(play(
            client.clone(),
            namespace.to_owned(),
            Arc::clone(&script),
        ));
        Self {
            script,
            _plays: plays,
        }
    }

    /// From now on builds of an image end like this.
    pub(crate) fn say(&self, image: &str, ends: Ends) {
        self.script.lock().unwrap().insert(image.to_owned(), ends);
    }
}

async fn play(client: Client, namespace: String, script: Script) {
    let pods: Api<Pod> = Api::namespaced(client.clone(), &namespace);
    let wanted = ListParams::default().labels("workflows.argoproj.io/workflow");
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Ok(found) = pods.list(&wanted).await else {
            continue;
        };
        for pod in found {
            let phase = pod
                .status
                .as_ref()
                .and_then(|status| status.phase.as_deref());
            if phase != Some("Running") {
                continue;
            }
            let ends = script.lock().unwrap().get(&image(&pod)).cloned();
            match ends {
                Some(Ends::With(digest)) => {
                    report(&client, &namespace, &pod, &digest).await;
                    end(&pods, &pod, 0).await;
                }
                Some(Ends::Failed) => end(&pods, &pod, 7).await,
                Some(Ends::Never) | None => {}
            }
        }
    }
}

/// The last part of the name of the image that a pod is to build: the argument of its main container.
fn image(pod: &Pod) -> String {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let mut main = containers.filter(|container| container.name == "main");
    let arguments = main.next().and_then(|main| main.args.clone());
    let image = arguments
        .and_then(|all| all.last().cloned())
        .unwrap_or_default();
    let last = image.rsplit('/').next().unwrap_or_default();
    last.split(':').next().unwrap_or_default().to_owned()
}

fn results() -> ApiResource {
    ApiResource {
        group: "argoproj.io".to_owned(),
        version: "v1alpha1".to_owned(),
        api_version: "argoproj.io/v1alpha1".to_owned(),
        kind: "WorkflowTaskResult".to_owned(),
        plural: "workflowtaskresults".to_owned(),
    }
}

/// What the executor's `wait` container writes.
async fn report(client: &Client, namespace: &str, pod: &Pod, digest: &str) {
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &results());
    let result = json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "WorkflowTaskResult",
        "metadata": {
            "name": pod.annotations()["workflows.argoproj.io/node-id"],
            "labels": {
                "workflows.argoproj.io/workflow": pod.labels()["workflows.argoproj.io/workflow"],
                "workflows.argoproj.io/report-outputs-completed": "true",
            },
        },
        "outputs": {"parameters": [{"name": "image-digest", "value": digest}]},
    });
    let result = serde_json::from_value(result).unwrap();
    match api.create(&PostParams::default(), &result).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.code == 409 => {}
        Err(error) => panic!("{error}"),
    }
}

/// What the kubelet says of a pod whose containers have ended.
async fn end(pods: &Api<Pod>, pod: &Pod, exit_code: i32) {
    let now = jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string();
    let ended = |name: &str, exit_code: i32| {
        json!({
            "name": name, "image": "x", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"terminated": {"exitCode": exit_code, "reason": if exit_code == 0 { "Completed" } else { "Error" },
                                     "startedAt": now, "finishedAt": now}},
        })
    };
    let status = json!({"status": {
        "phase": if exit_code == 0 { "Succeeded" } else { "Failed" },
        "containerStatuses": [ended("main", exit_code), ended("wait", 0)],
    }});
    // One that is gone needs no word.
    drop(
        pods.patch_status(
            &pod.name_any(),
            &PatchParams::default(),
            &Patch::Merge(status),
        )
        .await,
    );
}

/// A template whose one pod builds nothing: the executor above says what came of it.
pub(crate) fn template(name: &str, more: &Value) -> Value {
    let given = [
        "repo",
        "revision",
        "context",
        "dockerfile",
        "image",
        "cache-image",
    ];
    let given: Vec<Value> = given.iter().map(|name| json!({"name": name})).collect();
    let mut template = json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "WorkflowTemplate",
        "metadata": {"name": name},
        "spec": {
            "entrypoint": "build",
            "arguments": {"parameters": given},
            "templates": [{
                "name": "build",
                "metadata": {"annotations": {format!("{STEER}/ready"): "never"}},
                "container": {
                    "name": "main",
                    "image": "builder:1",
                    "command": ["build"],
                    "args": ["{{workflow.parameters.image}}"],
                },
                "outputs": {"parameters": [{"name": "image-digest", "valueFrom": {"path": "/tmp/digest"}}]},
            }],
        },
    });
    for (key, value) in more.as_object().unwrap() {
        template["spec"][key] = value.clone();
    }
    template
}
