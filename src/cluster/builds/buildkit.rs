//! BuildKit: a recipe to a Job whose one pod asks a daemon with `buildctl`. No calls.
//!
//! What comes from outside is only ever an argument or a file: the pod's script is the same for every build, and nothing is put
//! into it. The digest comes back as the pod's last word, its termination message.

use kube::api::ApiResource;
use serde_json::{Value, json};

use crate::build::Recipe;
use crate::spec::crd::{BuildKitEngine, BuildResources};
use crate::spec::duration;

/// What the plan's account needs where Jobs run: the digest is on their pods.
pub(in crate::cluster) const RIGHTS: &[(&str, &[&str], &[&str])] = &[
    (
        "batch",
        &["jobs"],
        &["get", "list", "watch", "create", "patch", "delete"],
    ),
    ("", &["pods"], &["list"]),
];
/// The container that asks.
pub(super) const CONTAINER: &str = "build";
/// How long an ended Job and its pod stay: the result must not go before it was seen, also while tidegate does not run.
const KEPT_S: u32 = 24 * 60 * 60;
/// How long a build may take, unless the plan says otherwise.
const DEADLINE_S: i64 = 60 * 60;
/// Has `buildctl` and a shell.
const IMAGE: &str = "moby/buildkit:v0.34.2-rootless";
/// The one folder of the pod that can be written.
const SCRATCH: &str = "/tmp";
/// Where the credentials for registries are.
const REGISTRY: &str = "/registry";
/// Where key and certificates for the daemon are.
const TLS: &str = "/tls";
/// Gives the token of Git to `buildctl`, if there is one, runs that with the arguments of the container, and says the digest.
/// The file of `--metadata-file` is put in its place by renaming, so it cannot be the termination message itself, which in
/// addition holds 4096 bytes and no more.
const SCRIPT: &str = r#"if [ -n "${GIT_PASSWORD:-}" ]; then
  password=$(printf %s "$GIT_PASSWORD")
  GIT_AUTH_HEADER="Basic $(printf %s "${GIT_USERNAME:-git}:$password" | base64 | tr -d '\n')"
  export GIT_AUTH_HEADER
  set -- "$@" --secret id=GIT_AUTH_HEADER,env=GIT_AUTH_HEADER
fi
buildctl "$@"
sed -n 's/.*"containerimage.digest": *"\(sha256:[0-9a-f]*\)".*/\1/p' /tmp/metadata.json > /dev/termination-log
"#;

/// The kind.
pub(super) fn resource() -> ApiResource {
    ApiResource {
        group: "batch".to_owned(),
        version: "v1".to_owned(),
        api_version: "batch/v1".to_owned(),
        kind: "Job".to_owned(),
        plural: "jobs".to_owned(),
    }
}

/// The Job of a recipe, suspended: nothing of it runs before its uid is kept.
pub(super) fn job(recipe: &Recipe, engine: &BuildKitEngine, metadata: &Value) -> Value {
    let deadline = engine.deadline.as_deref().and_then(duration::parse);
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {
            "suspend": true,
            // A build that failed is tried again by those who know why: `tidegate retry`.
            "backoffLimit": 0,
            // A pod that was driven away did not fail; the next one finds in the daemon's cache what is done.
            "podFailurePolicy": {"rules": [{
                "action": "Ignore",
                "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
            }]},
            "podReplacementPolicy": "Failed",
            "activeDeadlineSeconds": deadline.map_or(DEADLINE_S, |deadline| deadline.as_secs()),
            "ttlSecondsAfterFinished": KEPT_S,
            "template": {"metadata": {"labels": metadata.get("labels")}, "spec": pod(recipe, engine)},
        },
    })
}

/// The pod: nobody special, without rights, and the strictest Pod Security lets it in.
fn pod(recipe: &Recipe, engine: &BuildKitEngine) -> Value {
    let words = std::iter::once("buildctl".to_owned()).chain(arguments(recipe, engine));
    let words: Vec<String> = words.map(|word| literal(&word)).collect();
    json!({
        "restartPolicy": "Never",
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "securityContext": {
            "runAsNonRoot": true, "runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 1000,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [{
            "name": CONTAINER,
            "image": engine.image.as_deref().unwrap_or(IMAGE),
            "command": ["sh", "-euc", literal(SCRIPT)],
            "args": words,
            "env": environment(engine),
            "resources": resources(engine.resources.as_ref()),
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"]},
            },
            // What it said last, where it failed: that is why.
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "volumeMounts": mounts(engine),
        }],
        "volumes": volumes(engine),
    })
}

/// A word as it is: Kubernetes would put the value of a variable, also of one from a Secret, where `$(NAME)` stands.
fn literal(word: &str) -> String {
    word.replace('$', "$$")
}

/// What `buildctl` is asked for.
fn arguments(recipe: &Recipe, engine: &BuildKitEngine) -> Vec<String> {
    let declaration = &recipe.declaration;
    let folder = match &declaration.context {
        Some(folder) => format!(":{folder}"),
        None => String::new(),
    };
    let mut all: Vec<String> = Vec::new();
    let mut add = |words: &[&str]| all.extend(words.iter().map(|word| (*word).to_owned()));
    add(&["--addr", &engine.address]);
    if engine.tls_secret_ref.is_some() {
        add(&["--tlsdir", TLS]);
    }
    add(&[
        "build",
        "--frontend",
        "dockerfile.v0",
        "--progress",
        "plain",
    ]);
    let context = format!("context={}#{}{folder}", recipe.repository, recipe.revision);
    add(&["--opt", &context]);
    add(&["--opt", &format!("filename={}", recipe.dockerfile())]);
    for (name, value) in &declaration.arguments {
        add(&["--opt", &format!("build-arg:{name}={value}")]);
    }
    if let Some(platform) = &declaration.platform {
        add(&["--opt", &format!("platform={platform}")]);
    }
    if let Some(cache) = &declaration.cache {
        let cache = format!("type=registry,ref={cache}");
        add(&["--import-cache", &cache]);
        add(&["--export-cache", &format!("{cache},mode=max")]);
    }
    let output = format!("type=image,name={},push=true", recipe.tagged());
    add(&["--output", &output]);
    add(&["--metadata-file", &format!("{SCRATCH}/metadata.json")]);
    all
}

fn environment(engine: &BuildKitEngine) -> Vec<Value> {
    let mut all = vec![json!({"name": "HOME", "value": SCRATCH})];
    if engine.registry_secret_ref.is_some() {
        all.push(json!({"name": "DOCKER_CONFIG", "value": REGISTRY}));
    }
    if let Some(secret) = &engine.git_secret_ref {
        let of = |key: &str, optional: bool| json!({"secretKeyRef": {"name": secret.name, "key": key, "optional": optional}});
        all.push(json!({"name": "GIT_USERNAME", "valueFrom": of("username", true)}));
        all.push(json!({"name": "GIT_PASSWORD", "valueFrom": of("password", false)}));
    }
    all
}

fn resources(wanted: Option<&BuildResources>) -> Value {
    match wanted {
        Some(BuildResources { requests, limits }) => {
            json!({"requests": requests, "limits": limits})
        }
        None => {
            json!({"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}})
        }
    }
}

fn mounts(engine: &BuildKitEngine) -> Vec<Value> {
    let mut all = vec![json!({"name": "scratch", "mountPath": SCRATCH})];
    if engine.registry_secret_ref.is_some() {
        all.push(json!({"name": "registry", "mountPath": REGISTRY, "readOnly": true}));
    }
    if engine.tls_secret_ref.is_some() {
        all.push(json!({"name": "tls", "mountPath": TLS, "readOnly": true}));
    }
    all
}

fn volumes(engine: &BuildKitEngine) -> Vec<Value> {
    let mut all = vec![json!({"name": "scratch", "emptyDir": {"sizeLimit": "16Mi"}})];
    if let Some(secret) = &engine.registry_secret_ref {
        let items = json!([{"key": ".dockerconfigjson", "path": "config.json"}]);
        all.push(
            json!({"name": "registry", "secret": {"secretName": secret.name, "items": items}}),
        );
    }
    if let Some(secret) = &engine.tls_secret_ref {
        let items = ["ca.crt", "tls.crt", "tls.key"].map(|key| json!({"key": key, "path": key}));
        all.push(json!({"name": "tls", "secret": {"secretName": secret.name, "items": items}}));
    }
    all
}
