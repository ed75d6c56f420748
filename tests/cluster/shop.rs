//! A namespace with a repository whose commits are built and released: what the tests of builds share.

use devcluster::git::{GitRepository, GitServer};
use devcluster::{Extras, Options, Shared};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use kube::api::{Api, ApiResource, DynamicObject, ListParams, PostParams};
use serde_json::{Value, json};
use tidegate::spec::crd::{Release, ReleasePlan, ReleaseStatus};

use crate::executor::{Ends, Executor, template};
use crate::files::{Files, QUICK};
use crate::support::{Running, Space, eventually, program};

/// The control plane with the controller of Argo Workflows.
static WITH_ARGO: Shared = Shared::new(|| Options {
    extras: Extras {
        argo_workflows: true,
        ..Extras::default()
    },
    ..Options::default()
});

/// A namespace with a repository, a plan that builds `server` and `client` of it, a controller, and who plays the pods.
pub(crate) struct Shop<P = Executor> {
    pub(crate) space: Space,
    pub(crate) server: GitServer,
    pub(crate) repository: GitRepository,
    pub(crate) controller: Option<Running>,
    pub(crate) executor: P,
}

fn kind(kind: &str, plural: &str) -> ApiResource {
    ApiResource {
        group: "argoproj.io".to_owned(),
        version: "v1alpha1".to_owned(),
        api_version: "argoproj.io/v1alpha1".to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    }
}

/// A server and its client, whose images are named as the plan's builds name them. The server speaks two protocols, its
/// client one: version 2 changes the client alone, version 3 both.
fn files(version: u32) -> Files {
    let (serves, calls) = match version {
        1 => (["1", "2"], "1"),
        2 => (["1", "2"], "2"),
        _ => (["2", "3"], "3"),
    };
    let services = json!([
        {"name": "server", "serves": [{"versions": serves}]},
        {"name": "client", "calls": [{"service": "server", "version": calls}]},
    ]);
    let image = |name: &str| json!(format!("registry.local/{name}:latest"));
    let place = "spec/template/spec/containers/0/image";
    Files::graph("pair", &services)
        .with_workload("server", "1", QUICK)
        .with_workload("client", "1", QUICK)
        .set(("Deployment", "server"), place, image("server"))
        .set(("Deployment", "client"), place, image("client"))
}

pub(crate) fn build(service: &str) -> Value {
    json!({
        "service": service,
        "context": format!("services/{service}"),
        "image": format!("registry.local/{service}"),
        "engine": {"argoWorkflow": {"templateRef": {"name": "build-image"}, "ui": "https://argo.example.org"}},
    })
}

impl Shop {
    pub(crate) async fn new(name: &str, script: &[(&str, Ends)]) -> Self {
        let space = Space::on(WITH_ARGO.get().await.unwrap(), name).await;
        let executor = Executor::start(&space.client, &space.namespace, script);
        let shop = Self::with(space, executor).await;
        shop.template(&template("build-image", &json!({}))).await;
        shop
    }

    pub(crate) async fn template(&self, template: &Value) {
        let api: Api<DynamicObject> = Api::namespaced_with(
            self.space.client.clone(),
            &self.space.namespace,
            &kind("WorkflowTemplate", "workflowtemplates"),
        );
        let template = serde_json::from_value(template.clone()).unwrap();
        api.create(&PostParams::default(), &template).await.unwrap();
    }

    pub(crate) fn workflows_api(&self) -> Api<DynamicObject> {
        Api::namespaced_with(
            self.space.client.clone(),
            &self.space.namespace,
            &kind("Workflow", "workflows"),
        )
    }

    pub(crate) async fn workflows(&self) -> Vec<DynamicObject> {
        let found = self.workflows_api().list(&ListParams::default()).await;
        found.unwrap().items
    }

    /// The services of the Workflows that were ever made, in order.
    pub(crate) async fn built(&self) -> Vec<String> {
        made(&self.space, "workflows").await
    }
}

/// The services of the objects that were ever made to build in a namespace, in order, as the API server recorded it.
pub(crate) async fn made(space: &Space, resource: &str) -> Vec<String> {
    let history = space.history().await;
    let made = history.writes.iter().filter(|write| {
        write.resource == resource && write.verb == "create" && write.is_successful()
    });
    made.map(|write| {
        let object = write.response_object.as_ref().unwrap();
        let service = &object["metadata"]["labels"]["tidegate.dev/build"];
        service.as_str().unwrap().to_owned()
    })
    .collect()
}

/// A Secret with these texts.
pub(crate) async fn secret(space: &Space, name: &str, kind: &str, data: &[(&str, &str)]) {
    let data: serde_json::Map<String, Value> = data
        .iter()
        .map(|(key, value)| {
            let bytes = ByteString(value.as_bytes().to_vec());
            ((*key).to_owned(), serde_json::to_value(bytes).unwrap())
        })
        .collect();
    space
        .create::<Secret>(json!({"metadata": {"name": name}, "type": kind, "data": data}))
        .await;
}

impl<P> Shop<P> {
    /// A repository on a server of its own, with the Secret to read it.
    pub(crate) async fn with(space: Space, executor: P) -> Self {
        let server = GitServer::start().await.unwrap();
        Self::of(space, server, executor).await
    }

    /// The same on a server that is there.
    pub(crate) async fn of(space: Space, server: GitServer, executor: P) -> Self {
        let repository = server.repository("shop.git").unwrap();
        tidegate::cluster::install(&space.client).await.unwrap();
        let data = [
            ("username", server.username()),
            ("password", server.password()),
            ("ca.crt", server.authority()),
        ];
        secret(&space, "git", "Opaque", &data).await;
        Self {
            space,
            server,
            repository,
            controller: None,
            executor,
        }
    }

    pub(crate) async fn plan(&self, spec: Value) {
        let mut all = json!({
            "source": {"git": {
                "url": self.repository.url(),
                "ref": {"branch": "main"},
                "path": "deploy",
                "interval": "5s",
                "secretRef": {"name": "git"},
            }},
            "builds": [build("server"), build("client")],
            "strategy": {"settle": "300ms"},
        });
        for (key, value) in spec.as_object().unwrap() {
            all[key] = value.clone();
        }
        self.space
            .create::<ReleasePlan>(json!({
                "apiVersion": "tidegate.dev/v1alpha1",
                "kind": "ReleasePlan",
                "metadata": {"name": "shop"},
                "spec": all,
            }))
            .await;
    }

    pub(crate) fn start(&mut self) {
        self.start_with(&[]);
    }

    /// Starts the controller with further arguments.
    pub(crate) fn start_with(&mut self, more: &[&str]) {
        let namespace = self.space.namespace.clone();
        let arguments = [
            "controller",
            "--listen",
            "127.0.0.1:0",
            "--watch-namespace",
            &namespace,
        ];
        let arguments = [&arguments[..], more].concat();
        let command = program(&self.space.kubeconfig, &arguments);
        self.controller = Some(Running::start(command, None));
    }

    /// Commits a version of the pair, and code.
    pub(crate) fn push(&self, version: u32, code: &[(&str, &str)]) -> String {
        self.push_files(&files(version), code)
    }

    /// Commits manifests, and code.
    pub(crate) fn push_files(&self, files: &Files, code: &[(&str, &str)]) -> String {
        let text = files.text();
        let mut all = vec![("deploy/all.yaml", text.as_str())];
        all.extend(code);
        self.repository.push(&all, "a commit").unwrap()
    }

    pub(crate) async fn release(&self, commit: &str) -> Release {
        eventually("a release", async || {
            let mut releases: Vec<Release> = self.space.list().await;
            releases.retain(|release| release.spec.revision == commit);
            releases.pop()
        })
        .await
    }

    pub(crate) async fn ended(&self, commit: &str) -> ReleaseStatus {
        let name = self.release(commit).await.name_any();
        self.space
            .until(&name, "the end", |status| status.outcome.is_some())
            .await;
        self.space.status(&name).await
    }

    pub(crate) async fn image(&self, deployment: &str) -> String {
        let found = self.space.deployment(deployment).await;
        let pod = found.spec.template.spec.unwrap();
        pod.containers[0].image.clone().unwrap()
    }
}

pub(crate) const DOCKERFILES: [(&str, &str); 2] = [
    ("services/server/Dockerfile", "FROM scratch\n"),
    ("services/client/Dockerfile", "FROM scratch\n"),
];
