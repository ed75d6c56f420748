//! Plays the node for the pods that ask a BuildKit daemon. The pods are real ones of the Job controller; this binds them to a
//! node of its own and says how each has ended: as a script has it, or by running its container for real, with its words,
//! variables and files. What they have said, the API server gets from it as from any node.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use devcluster::LogServer;
use devcluster::buildkit::{BuildKit, Container, Ended};
use k8s_openapi::api::core::v1::{Binding, Container as Declared, Node, Pod, PodSpec, Secret};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::executor::Ends;

/// How long it rests between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// What no node of the control plane has: pods that ask for it stay for this to play.
pub(crate) const PLAYED: &str = "example.org/played";

/// What builds say and how they end, by the name of the image without registry and tag.
#[derive(Default)]
struct Script {
    ends: BTreeMap<String, Ends>,
    words: BTreeMap<String, String>,
}

/// Plays until it is dropped.
pub(crate) struct Kubelet {
    script: Arc<Mutex<Script>>,
    logs: Arc<LogServer>,
    _plays: JoinSet<()>,
}

impl Kubelet {
    /// Begins to play in a namespace as a script has it.
    pub(crate) async fn start(client: &Client, namespace: &str, script: &[(&str, Ends)]) -> Self {
        let ends = script.iter().cloned();
        let script = Script {
            ends: ends.map(|(image, ends)| (image.to_owned(), ends)).collect(),
            words: BTreeMap::new(),
        };
        Self::with(client, namespace, script, None).await
    }

    /// Begins to run containers in a namespace.
    pub(crate) async fn real(client: &Client, namespace: &str, buildkit: Arc<BuildKit>) -> Self {
        Self::with(client, namespace, Script::default(), Some(buildkit)).await
    }

    async fn with(
        client: &Client,
        namespace: &str,
        script: Script,
        buildkit: Option<Arc<BuildKit>>,
    ) -> Self {
        let logs = Arc::new(LogServer::start().await.unwrap());
        let script = Arc::new(Mutex::new(script));
        let player = Player {
            client: client.clone(),
            namespace: namespace.to_owned(),
            node: make_node(client, namespace, logs.port()).await,
            script: Arc::clone(&script),
            logs: Arc::clone(&logs),
            buildkit,
        };
        let mut plays = JoinSet::new();
        plays.spawn(Arc::new(player).play());
        Self {
            script,
            logs,
            _plays: plays,
        }
    }

    /// From now on builds of an image end like this.
    pub(crate) fn say(&self, image: &str, ends: Ends) {
        let mut script = self.script.lock().unwrap();
        script.ends.insert(image.to_owned(), ends);
    }

    /// From now on this is all that builds of an image say.
    pub(crate) fn speak(&self, image: &str, words: &str) {
        let mut script = self.script.lock().unwrap();
        script.words.insert(image.to_owned(), words.to_owned());
    }

    /// All that was said.
    pub(crate) fn said(&self) -> String {
        self.logs.said()
    }
}

/// A node that nothing is scheduled to, with a kubelet that knows logs and nothing else.
async fn make_node(client: &Client, name: &str, port: u16) -> String {
    let nodes: Api<Node> = Api::all(client.clone());
    let taints = json!([{"key": PLAYED, "effect": "NoSchedule"}]);
    let node = json!({"metadata": {"name": name}, "spec": {"taints": taints}});
    let node = serde_json::from_value(node).unwrap();
    nodes.create(&PostParams::default(), &node).await.unwrap();
    let status = json!({"status": {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
    }});
    let parameters = PatchParams::default();
    let patch = Patch::Merge(status);
    let patched = nodes.patch_status(name, &parameters, &patch);
    patched.await.unwrap();
    name.to_owned()
}

struct Player {
    client: Client,
    namespace: String,
    node: String,
    script: Arc<Mutex<Script>>,
    logs: Arc<LogServer>,
    buildkit: Option<Arc<BuildKit>>,
}

impl Player {
    fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    async fn play(self: Arc<Self>) {
        let wanted = ListParams::default().labels("tidegate.dev/build");
        let mut running = JoinSet::new();
        let mut known = BTreeSet::new();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let Ok(found) = self.pods().list(&wanted).await else {
                continue;
            };
            for pod in found {
                let phase = pod.status.as_ref().and_then(|status| status.phase.clone());
                if pod.metadata.deletion_timestamp.is_some() {
                    let now = DeleteParams::default().grace_period(0);
                    drop(self.pods().delete(&pod.name_any(), &now).await);
                } else if phase.as_deref() == Some("Pending") {
                    self.begin(&pod).await;
                } else if phase.as_deref() == Some("Running") {
                    match &self.buildkit {
                        None => self.play_one(&pod).await,
                        Some(buildkit) => {
                            if known.insert(pod.uid().unwrap()) {
                                let player = Arc::clone(&self);
                                running.spawn(player.run(pod, Arc::clone(buildkit)));
                            }
                        }
                    }
                }
            }
        }
    }

    /// Brings a pod to the node and lets it run.
    async fn begin(&self, pod: &Pod) {
        let name = pod.name_any();
        let binding =
            json!({"metadata": {"name": name}, "target": {"kind": "Node", "name": self.node}});
        let binding: Binding = serde_json::from_value(binding).unwrap();
        let parameters = PostParams::default();
        let pods = self.pods();
        let bound =
            pods.create_subresource::<Binding, Value>("binding", &name, &parameters, &binding);
        // One that is bound already, or gone, needs nothing.
        drop(bound.await);
        let status = status("Running", &json!({"running": {"startedAt": now()}}));
        drop(
            pods.patch_status(&name, &PatchParams::default(), &Patch::Merge(status))
                .await,
        );
    }

    /// Lets a pod say and end what the script has.
    async fn play_one(&self, pod: &Pod) {
        let image = image(pod.spec.as_ref().unwrap());
        let (ends, words) = {
            let script = self.script.lock().unwrap();
            let words = script.words.get(&image).cloned().unwrap_or_default();
            (script.ends.get(&image).and_then(played), words)
        };
        let name = pod.name_any();
        self.logs.say((&self.namespace, &name), &words);
        if let Some(ended) = ends {
            end(&self.pods(), pod, &ended).await;
        }
    }

    /// Runs the container of a pod.
    async fn run(self: Arc<Self>, pod: Pod, buildkit: Arc<BuildKit>) {
        let spec = pod.spec.as_ref().unwrap();
        let container = container(&self.client, &self.namespace, spec).await;
        let ended = buildkit.run(&container).await.unwrap();
        let name = pod.name_any();
        self.logs.say((&self.namespace, &name), &ended.log);
        end(&self.pods(), &pod, &ended).await;
    }
}

fn played(ends: &Ends) -> Option<Ended> {
    let (exit_code, message) = match ends {
        Ends::Never => return None,
        Ends::With(digest) => (0, format!("{digest}\n")),
        Ends::Failed => (
            7,
            "#5 ERROR\nerror: failed to solve: exit code 7\n".to_owned(),
        ),
    };
    Some(Ended {
        exit_code,
        log: message.clone(),
        message,
    })
}

/// The last part of the name of the image that a pod is to push.
fn image(spec: &PodSpec) -> String {
    let words = spec.containers[0].args.clone().unwrap_or_default();
    let output = words.iter().find_map(|word| {
        let name = word.strip_prefix("type=image,name=")?;
        name.split(',').next()
    });
    let last = output.unwrap_or_default().rsplit('/').next();
    let last = last.unwrap_or_default().split(':').next();
    last.unwrap_or_default().to_owned()
}

fn now() -> String {
    jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

fn status(phase: &str, state: &Value) -> Value {
    json!({"status": {
        "phase": phase,
        "containerStatuses": [{
            "name": "build", "image": "x", "imageID": "", "ready": false, "restartCount": 0, "state": state,
        }],
    }})
}

/// What the kubelet says of a pod whose container has ended.
async fn end(pods: &Api<Pod>, pod: &Pod, ended: &Ended) {
    let (phase, reason) = match ended.exit_code {
        0 => ("Succeeded", "Completed"),
        _ => ("Failed", "Error"),
    };
    let state = json!({"running": null, "terminated": {
        "exitCode": ended.exit_code, "reason": reason, "message": ended.message,
        "startedAt": now(), "finishedAt": now(),
    }});
    let status = Patch::Merge(status(phase, &state));
    let name = pod.name_any();
    // One that is gone needs no word.
    drop(
        pods.patch_status(&name, &PatchParams::default(), &status)
            .await,
    );
}

/// The container of a pod, with what its Secrets hold.
async fn container(client: &Client, namespace: &str, spec: &PodSpec) -> Container {
    let declared = &spec.containers[0];
    let mut container = Container {
        user: u32::try_from(spec.security_context.as_ref().unwrap().run_as_user.unwrap()).unwrap(),
        ..Container::default()
    };
    for variable in declared.env.iter().flatten() {
        let value = match &variable.value_from {
            None => variable.value.clone(),
            Some(from) => {
                let key = from.secret_key_ref.as_ref().unwrap();
                let data = secret(client, namespace, &key.name).await;
                let value = data.get(&key.key).cloned();
                assert!(value.is_some() || key.optional == Some(true), "{key:?}");
                value.map(|bytes| String::from_utf8(bytes).unwrap())
            }
        };
        if let Some(value) = value {
            container.variables.push((variable.name.clone(), value));
        }
    }
    for mount in declared.volume_mounts.iter().flatten() {
        let volumes = spec.volumes.iter().flatten();
        let volume = volumes.into_iter().find(|volume| volume.name == mount.name);
        match volume.unwrap().secret.as_ref() {
            None => container.scratch.push(mount.mount_path.clone()),
            Some(source) => {
                let name = source.secret_name.as_deref().unwrap();
                let data = secret(client, namespace, name).await;
                let items = source.items.iter().flatten();
                let files = items.map(|item| (item.path.clone(), data[&item.key].clone()));
                let files = files.collect();
                container.files.insert(mount.mount_path.clone(), files);
            }
        }
    }
    container.words = words(declared, &container.variables);
    container
}

async fn secret(client: &Client, namespace: &str, name: &str) -> BTreeMap<String, Vec<u8>> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let data = secrets.get(name).await.unwrap().data.unwrap_or_default();
    data.into_iter()
        .map(|(key, bytes)| (key, bytes.0))
        .collect()
}

/// Program and arguments as Kubernetes gives them to a container: `$(NAME)` is the value of a variable, `$$` is `$`.
fn words(declared: &Declared, variables: &[(String, String)]) -> Vec<String> {
    let command = declared.command.iter().flatten();
    let all = command.chain(declared.args.iter().flatten());
    all.map(|word| expanded(word, variables)).collect()
}

fn expanded(word: &str, variables: &[(String, String)]) -> String {
    let mut out = String::new();
    let mut rest = word;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let tail = &rest[at + 1..];
        let name = tail.strip_prefix('(').and_then(|it| it.split_once(')'));
        if let Some(tail) = tail.strip_prefix('$') {
            out.push('$');
            rest = tail;
        } else if let Some((name, tail)) = name {
            let value = variables.iter().find(|(known, _)| known == name);
            let value = value.map_or_else(|| format!("$({name})"), |(_, value)| value.clone());
            out.push_str(&value);
            rest = tail;
        } else {
            out.push('$');
            rest = tail;
        }
    }
    out + rest
}

#[test]
fn variables_are_put_in_as_kubernetes_does_it() {
    let variables = [("A".to_owned(), "secret".to_owned())];
    for (word, expected) in [
        ("$(A)", "secret"),
        ("$$(A)", "$(A)"),
        ("$(B) $x $$", "$(B) $x $"),
        ("plain", "plain"),
    ] {
        assert_eq!(expanded(word, &variables), expected);
    }
}
