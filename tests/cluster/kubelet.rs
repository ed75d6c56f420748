//! Plays the node for the pods that ask a BuildKit daemon. The pods are real ones of the Job controller and of no node; this says
//! how each has ended: as a script has it, or by running its container for real, with its words, variables and files.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use devcluster::buildkit::{BuildKit, Container, Ended};
use k8s_openapi::api::core::v1::{Container as Declared, Pod, PodSpec, Secret};
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::{Client, ResourceExt};
use serde_json::json;
use tokio::task::JoinSet;

use crate::executor::Ends;

/// How long it rests between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// What no node of the control plane has: pods that ask for it stay for this to play.
pub(crate) const PLAYED: &str = "example.org/played";

/// How builds end, by the name of the image without registry and tag.
type Script = Arc<Mutex<BTreeMap<String, Ends>>>;

/// What containers have said, by the name of the image.
type Logs = Arc<Mutex<BTreeMap<String, String>>>;

/// Who says how a container ends.
#[derive(Clone)]
enum Runs {
    /// The script.
    Script(Script),
    /// The container itself.
    Real(Arc<BuildKit>, Logs),
}

/// Plays until it is dropped.
pub(crate) struct Kubelet {
    script: Script,
    logs: Logs,
    _plays: JoinSet<()>,
}

impl Kubelet {
    /// Begins to play in a namespace as a script has it.
    pub(crate) fn start(client: &Client, namespace: &str, script: &[(&str, Ends)]) -> Self {
        let script = script.iter().cloned();
        let script: Script = Arc::new(Mutex::new(
            script
                .map(|(image, ends)| (image.to_owned(), ends))
                .collect(),
        ));
        Self::with(client, namespace, Arc::clone(&script), None)
    }

    /// Begins to run containers in a namespace.
    pub(crate) fn real(client: &Client, namespace: &str, buildkit: Arc<BuildKit>) -> Self {
        Self::with(client, namespace, Script::default(), Some(buildkit))
    }

    fn with(
        client: &Client,
        namespace: &str,
        script: Script,
        buildkit: Option<Arc<BuildKit>>,
    ) -> Self {
        let logs = Logs::default();
        let runs = match buildkit {
            Some(buildkit) => Runs::Real(buildkit, Arc::clone(&logs)),
            None => Runs::Script(Arc::clone(&script)),
        };
        let mut plays = JoinSet::new();
        plays.spawn(play(client.clone(), namespace.to_owned(), runs));
        Self {
            script,
            logs,
            _plays: plays,
        }
    }

    /// From now on builds of an image end like this.
    pub(crate) fn say(&self, image: &str, ends: Ends) {
        self.script.lock().unwrap().insert(image.to_owned(), ends);
    }

    /// All that was said.
    pub(crate) fn said(&self) -> String {
        let logs = self.logs.lock().unwrap();
        logs.values().map(String::as_str).collect()
    }
}

async fn play(client: Client, namespace: String, runs: Runs) {
    let pods: Api<Pod> = Api::namespaced(client.clone(), &namespace);
    let wanted = ListParams::default().labels("tidegate.dev/build");
    let mut running = JoinSet::new();
    let mut known = Vec::new();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Ok(found) = pods.list(&wanted).await else {
            continue;
        };
        for pod in found {
            let spec = pod.spec.clone().unwrap();
            let image = image(&spec);
            let ended = match &runs {
                Runs::Script(script) => script.lock().unwrap().get(&image).and_then(played),
                Runs::Real(buildkit, logs) => {
                    let uid = pod.uid().unwrap();
                    if !known.contains(&uid) {
                        known.push(uid);
                        let (client, logs) = (client.clone(), Arc::clone(logs));
                        let (namespace, buildkit) = (namespace.clone(), Arc::clone(buildkit));
                        running.spawn(async move {
                            let container = container(&client, &namespace, &spec).await;
                            let ended = buildkit.run(&container).await.unwrap();
                            let said = format!("{}{}", ended.log, ended.message);
                            logs.lock().unwrap().insert(image, said);
                            end(&Api::namespaced(client, &namespace), &pod, &ended).await;
                        });
                    }
                    continue;
                }
            };
            if let Some(ended) = ended {
                end(&pods, &pod, &ended).await;
            }
        }
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

/// What the kubelet says of a pod whose container has ended.
async fn end(pods: &Api<Pod>, pod: &Pod, ended: &Ended) {
    let now = jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string();
    let (phase, reason) = match ended.exit_code {
        0 => ("Succeeded", "Completed"),
        _ => ("Failed", "Error"),
    };
    let status = json!({"status": {
        "phase": phase,
        "containerStatuses": [{
            "name": "build", "image": "x", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"terminated": {
                "exitCode": ended.exit_code, "reason": reason, "message": ended.message,
                "startedAt": now, "finishedAt": now,
            }},
        }],
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
