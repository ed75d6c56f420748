//! What the tests share: one control plane, namespaces in it, the program, and patience.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use devcluster::audit::{self, History, Write};
use devcluster::{Cluster, Options, Shared, oracle, unique_namespace};
use jiff::Timestamp;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, ServiceAccount};
use kube::api::{
    Api, ApiResource, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams, PostParams,
};
use kube::{Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate::spec::crd::{Release, ReleaseStatus, ServiceStatus};
use tokio::process::{Child, Command};

use crate::files::Files;

/// The control plane of all tests but those that break it.
static SHARED: Shared = Shared::new(Options::default);

/// How long anything that must come may take.
const PATIENCE: Duration = Duration::from_mins(5);
/// How often it is looked for.
const POLL_EVERY: Duration = Duration::from_millis(100);

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

/// How the program ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Done {
    /// The same, if it ended with this code.
    #[track_caller]
    pub(crate) fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.stdout, self.stderr);
        self
    }
}

/// The program while it runs; killed when a test drops it.
pub(crate) struct Running {
    child: Child,
    output: TempDir,
    /// What it was given to read.
    _files: Option<TempDir>,
}

impl Running {
    /// Starts it, with the files that it reads.
    pub(crate) fn start(mut command: Command, files: Option<TempDir>) -> Self {
        let output = tempfile::tempdir().unwrap();
        let file = |name: &str| std::fs::File::create(output.path().join(name)).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self {
            child,
            output,
            _files: files,
        }
    }

    fn text(&self, name: &str) -> String {
        let bytes = std::fs::read(self.output.path().join(name)).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Its number.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// What it has given so far.
    pub(crate) fn stdout(&self) -> String {
        self.text("stdout")
    }

    /// What it has said so far.
    pub(crate) fn stderr(&self) -> String {
        self.text("stderr")
    }

    /// Waits for its end.
    pub(crate) async fn done(self) -> Done {
        self.done_within(PATIENCE).await
    }

    /// Waits so long for its end.
    pub(crate) async fn done_within(mut self, patience: Duration) -> Done {
        let ended = tokio::time::timeout(patience, self.child.wait()).await;
        let Ok(status) = ended else {
            panic!("it does not end; it said:\n{}", self.stderr());
        };
        Done {
            code: status.unwrap().code().unwrap_or(-1),
            stdout: self.text("stdout"),
            stderr: self.stderr(),
        }
    }

    /// Ends it as `kill -9` does.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// The program with this kubeconfig.
pub(crate) fn program(kubeconfig: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command
        .args(arguments)
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .env_remove("KUBECONFIG");
    for proxy in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"] {
        command
            .env_remove(proxy)
            .env_remove(proxy.to_ascii_lowercase());
    }
    command
}

/// A namespace, and how to reach it.
pub(crate) struct Space {
    pub(crate) client: Client,
    pub(crate) namespace: String,
    pub(crate) kubeconfig: PathBuf,
    audit_log: PathBuf,
}

impl Space {
    /// A new namespace of the shared control plane.
    pub(crate) async fn new(name: &str) -> Self {
        Self::on(SHARED.get().await.unwrap(), name).await
    }

    /// A new namespace of a control plane.
    pub(crate) async fn on(cluster: &Cluster, name: &str) -> Self {
        let client = Client::try_from(cluster.config().await.unwrap()).unwrap();
        let space = Self {
            client: client.clone(),
            namespace: unique_namespace(name),
            kubeconfig: cluster.kubeconfig().to_owned(),
            audit_log: cluster.audit_log().to_owned(),
        };
        let namespace = json!({"metadata": {"name": space.namespace}});
        Api::<Namespace>::all(client)
            .create(
                &PostParams::default(),
                &serde_json::from_value(namespace).unwrap(),
            )
            .await
            .unwrap();
        eventually("the account of a new namespace", async || {
            space.get::<ServiceAccount>("default").await.map(|_| ())
        })
        .await;
        space
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub(crate) async fn get<K>(&self, name: &str) -> Option<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        self.api::<K>().get_opt(name).await.unwrap()
    }

    pub(crate) async fn list<K>(&self) -> Vec<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        let found = self.api::<K>().list(&ListParams::default()).await;
        found.unwrap().items
    }

    pub(crate) async fn create<K>(&self, object: Value) -> K
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + Serialize
            + DeserializeOwned,
    {
        let object: K = serde_json::from_value(object).unwrap();
        let parameters = PostParams::default();
        self.api::<K>().create(&parameters, &object).await.unwrap()
    }

    /// Runs a command of the program in this namespace.
    pub(crate) async fn tidegate(&self, arguments: &[&str]) -> Done {
        let mut command = program(&self.kubeconfig, arguments);
        command.args(["-n", &self.namespace]);
        Running::start(command, None).done().await
    }

    /// Starts a command of the program in this namespace.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let mut command = program(&self.kubeconfig, arguments);
        command.args(["-n", &self.namespace]);
        Running::start(command, None)
    }

    /// Starts `tidegate run` with files.
    pub(crate) fn start_run(&self, files: &Files) -> Running {
        self.start_run_with(files, &[])
    }

    /// Starts `tidegate run` with files and one fault between it and the API server, for instance `lost@7`.
    pub(crate) fn start_faulty_run(&self, files: &Files, fault: &str) -> Running {
        self.start_run_with(files, &[("TIDEGATE_FAULT", fault)])
    }

    fn start_run_with(&self, files: &Files, environment: &[(&str, &str)]) -> Running {
        let folder = files.folder();
        let path = folder.path().display().to_string();
        let mut command = program(&self.kubeconfig, &["run", "-f", &path]);
        command.args(["-n", &self.namespace, "--progress", "plain"]);
        command.envs(environment.iter().copied());
        Running::start(command, Some(folder))
    }

    /// `tidegate run` with files, to its end.
    pub(crate) async fn run(&self, files: &Files) -> Done {
        self.start_run(files).done().await
    }

    pub(crate) async fn release(&self, name: &str) -> Option<Release> {
        // Before the first release the kind itself need not be there.
        self.api::<Release>().get_opt(name).await.ok().flatten()
    }

    pub(crate) async fn status(&self, name: &str) -> ReleaseStatus {
        let release = self.release(name).await;
        release
            .and_then(|release| release.status)
            .unwrap_or_default()
    }

    /// Waits until a release shows what is asked for.
    pub(crate) async fn until(&self, name: &str, what: &str, is: impl Fn(&ReleaseStatus) -> bool) {
        let mut last = ReleaseStatus::default();
        let shown = async {
            while !is(&last) {
                tokio::time::sleep(POLL_EVERY).await;
                last = self.status(name).await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, shown).await;
        assert!(
            in_time.is_ok(),
            "waited in vain: {what}; {name} shows {last:#?}"
        );
    }

    /// Applies manifests as another program would, all at once.
    pub(crate) async fn apply_as(&self, manager: &str, files: &Files) {
        for manifest in files.manifests() {
            self.apply_one_as(manager, manifest).await;
        }
    }

    /// Lets another program give up what it has applied.
    pub(crate) async fn let_go(&self, manager: &str, files: &Files) {
        for manifest in files.manifests() {
            let nothing = json!({
                "apiVersion": manifest["apiVersion"],
                "kind": manifest["kind"],
                "metadata": {"name": manifest["metadata"]["name"]},
            });
            self.apply_one_as(manager, &nothing).await;
        }
    }

    async fn apply_one_as(&self, manager: &str, manifest: &Value) {
        let object: DynamicObject = serde_json::from_value(manifest.clone()).unwrap();
        let types = object.types.clone().unwrap();
        let kind = GroupVersionKind::try_from(&types).unwrap();
        let resource = ApiResource::from_gvk(&kind);
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), &self.namespace, &resource);
        let name = object.metadata.name.clone().unwrap();
        api.patch(&name, &PatchParams::apply(manager), &Patch::Apply(manifest))
            .await
            .unwrap();
    }

    /// An object of this namespace as messages name it.
    pub(crate) fn path(&self, kind: &str, name: &str) -> String {
        format!("{kind}/{}/{name}", self.namespace)
    }

    pub(crate) async fn deployment(&self, name: &str) -> Deployment {
        self.get(name).await.unwrap()
    }

    /// Waits until `kubectl rollout status` would be content with every Deployment.
    pub(crate) async fn until_rolled_out(&self) {
        eventually("every rollout", async || {
            let all: Vec<Deployment> = self.list().await;
            (!all.is_empty() && all.iter().all(is_rolled_out)).then_some(())
        })
        .await;
    }

    /// The pods of a service, with the names in order.
    pub(crate) async fn pods(&self, app: &str) -> Vec<Pod> {
        let parameters = ListParams::default().labels(&format!("app={app}"));
        let found = self.api::<Pod>().list(&parameters).await;
        found.unwrap().items
    }

    pub(crate) async fn pod_names(&self, app: &str) -> Vec<String> {
        let pods = self.pods(app).await;
        let names = pods.into_iter().map(|pod| pod.metadata.name.unwrap());
        names.collect()
    }

    /// What the API server recorded of this namespace up to now.
    pub(crate) async fn history(&self) -> History {
        audit::parse(&self.log().await).unwrap()
    }

    /// The lines of the audit log about this namespace.
    async fn log(&self) -> String {
        // It is written behind the answers, in order: once a write of our own is in it, all before is too.
        let marker = unique_namespace("marker");
        self.create::<ConfigMap>(json!({"metadata": {"name": marker}}))
            .await;
        let log = eventually("the audit log", async || {
            let log = std::fs::read_to_string(&self.audit_log).unwrap();
            log.contains(&marker).then_some(log)
        })
        .await;
        let own = format!("\"namespace\":\"{}\"", self.namespace);
        let lines = log.lines().filter(|line| line.contains(&own));
        lines.flat_map(|line| [line, "\n"]).collect()
    }

    /// What a user watches now, in order.
    pub(crate) async fn open_watches(&self, user: &str) -> Vec<String> {
        let log = self.log().await;
        let mut open = BTreeMap::new();
        for line in log.lines() {
            let event: Value = serde_json::from_str(line).unwrap();
            if event["verb"] != "watch" || event["user"]["username"] != user {
                continue;
            }
            let id = event["auditID"].as_str().unwrap().to_owned();
            match event["stage"].as_str().unwrap() {
                "ResponseStarted" => {
                    let resource = event["objectRef"]["resource"].as_str().unwrap();
                    open.insert(id, resource.to_owned());
                }
                _ => {
                    open.remove(&id);
                }
            }
        }
        let mut resources: Vec<String> = open.into_values().collect();
        resources.sort();
        resources
    }

    /// New pods of the second that lived beside an old one of the first, in words.
    pub(crate) async fn early_starts(
        &self,
        since: Timestamp,
        precedences: &[(&str, &str)],
    ) -> Vec<String> {
        let history = self.history().await;
        let found = oracle::early_starts(&history, &self.namespace, since, precedences);
        found.iter().map(ToString::to_string).collect()
    }
}

/// Whether a write was made by the program, and to a workload.
pub(crate) fn is_own_workload_write(write: &Write) -> bool {
    write.user_agent.starts_with("tidegate/")
        && matches!(write.group.as_str(), "apps" | "batch")
        && !write.dry_run
}

/// Sets the image of a Deployment as somebody does by hand.
pub(crate) async fn set_image(space: &Space, name: &str, image: &str) {
    let container = json!({"name": "main", "image": image});
    let patch = json!({"spec": {"template": {"spec": {"containers": [container]}}}});
    crate::drift::change(space, name, "kubectl-set", &patch).await;
}

/// Whether `kubectl rollout status` would be content.
pub(crate) fn is_rolled_out(deployment: &Deployment) -> bool {
    let wanted = deployment.spec.replicas.unwrap_or(1);
    let Some(status) = &deployment.status else {
        return false;
    };
    status.observed_generation >= deployment.metadata.generation
        && status.replicas == Some(wanted)
        && status.updated_replicas == Some(wanted)
        && status.available_replicas == Some(wanted)
}

/// The services of each wave.
pub(crate) fn waves(status: &ReleaseStatus) -> Vec<Vec<&str>> {
    let waves = status.waves.iter().map(|wave| {
        wave.services
            .iter()
            .map(|service| service.name.as_str())
            .collect()
    });
    waves.collect()
}

/// Where one service stands.
pub(crate) fn service_status<'a>(
    status: &'a ReleaseStatus,
    name: &str,
) -> Option<&'a ServiceStatus> {
    let mut services = status.waves.iter().flat_map(|wave| &wave.services);
    services.find(|service| service.name == name)
}

/// The state of one service in words; empty if the release does not move it.
pub(crate) fn state_of<'a>(status: &'a ReleaseStatus, name: &str) -> &'a str {
    service_status(status, name).map_or("", |service| service.state.as_str())
}

/// Status and message of a condition.
pub(crate) fn condition<'a>(status: &'a ReleaseStatus, kind: &str) -> (&'a str, &'a str) {
    let mut conditions = status.conditions.iter();
    let found = conditions.find(|condition| condition.type_ == kind);
    found.map_or(("", ""), |found| (&found.status, &found.message))
}
