//! From a commit to built images to a finished release: a real Git server, the controller, the real Argo Workflows
//! controller on the real control plane. What would run in the pods is played by [`crate::executor`].

use std::time::Duration;

use devcluster::git::{GitRepository, GitServer};
use devcluster::{Extras, Options, Shared};
use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams, PostParams};
use serde_json::{Value, json};
use tidegate::spec::crd::{BuildStatus, Release, ReleasePlan, ReleaseStatus};

use crate::executor::{Ends, Executor, digest, template};
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

/// A namespace with a repository, a plan that builds `server` and `client` of it, and a controller.
struct Shop {
    space: Space,
    server: GitServer,
    repository: GitRepository,
    controller: Option<Running>,
    executor: Executor,
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

fn build(service: &str) -> Value {
    json!({
        "service": service,
        "context": format!("services/{service}"),
        "image": format!("registry.local/{service}"),
        "engine": {"argoWorkflow": {"templateRef": {"name": "build-image"}, "ui": "https://argo.example.org"}},
    })
}

impl Shop {
    async fn new(name: &str, script: &[(&str, Ends)]) -> Self {
        let space = Space::on(WITH_ARGO.get().await.unwrap(), name).await;
        let server = GitServer::start().await.unwrap();
        let repository = server.repository("shop.git").unwrap();
        tidegate::cluster::install(&space.client).await.unwrap();
        let executor = Executor::start(&space.client, &space.namespace, script);
        let shop = Self {
            space,
            server,
            repository,
            controller: None,
            executor,
        };
        shop.secret().await;
        shop.template(&template("build-image", &json!({}))).await;
        shop
    }

    async fn secret(&self) {
        let data = [
            ("username", self.server.username()),
            ("password", self.server.password()),
            ("ca.crt", self.server.authority()),
        ];
        let data: serde_json::Map<String, Value> = data
            .iter()
            .map(|(key, value)| {
                let bytes = ByteString(value.as_bytes().to_vec());
                ((*key).to_owned(), serde_json::to_value(bytes).unwrap())
            })
            .collect();
        self.space
            .create::<Secret>(json!({"metadata": {"name": "git"}, "data": data}))
            .await;
    }

    async fn template(&self, template: &Value) {
        let api: Api<DynamicObject> = Api::namespaced_with(
            self.space.client.clone(),
            &self.space.namespace,
            &kind("WorkflowTemplate", "workflowtemplates"),
        );
        let template = serde_json::from_value(template.clone()).unwrap();
        api.create(&PostParams::default(), &template).await.unwrap();
    }

    fn workflows_api(&self) -> Api<DynamicObject> {
        Api::namespaced_with(
            self.space.client.clone(),
            &self.space.namespace,
            &kind("Workflow", "workflows"),
        )
    }

    async fn workflows(&self) -> Vec<DynamicObject> {
        let found = self.workflows_api().list(&ListParams::default()).await;
        found.unwrap().items
    }

    /// The services of the Workflows that were ever made, in order, as the API server recorded it.
    async fn built(&self) -> Vec<String> {
        let history = self.space.history().await;
        let made = history.writes.iter().filter(|write| {
            write.resource == "workflows" && write.verb == "create" && write.is_successful()
        });
        made.map(|write| {
            let object = write.response_object.as_ref().unwrap();
            let service = &object["metadata"]["labels"]["tidegate.dev/build"];
            service.as_str().unwrap().to_owned()
        })
        .collect()
    }

    async fn plan(&self, spec: Value) {
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

    fn start(&mut self) {
        let namespace = self.space.namespace.clone();
        let arguments = [
            "controller",
            "--listen",
            "127.0.0.1:0",
            "--watch-namespace",
            &namespace,
        ];
        let command = program(&self.space.kubeconfig, &arguments);
        self.controller = Some(Running::start(command, None));
    }

    /// Commits a version of the pair, and code.
    fn push(&self, version: u32, code: &[(&str, &str)]) -> String {
        let text = files(version).text();
        let mut all = vec![("deploy/all.yaml", text.as_str())];
        all.extend(code);
        self.repository.push(&all, "a commit").unwrap()
    }

    async fn release(&self, commit: &str) -> Release {
        eventually("a release", async || {
            let mut releases: Vec<Release> = self.space.list().await;
            releases.retain(|release| release.spec.revision == commit);
            releases.pop()
        })
        .await
    }

    async fn ended(&self, commit: &str) -> ReleaseStatus {
        let name = self.release(commit).await.name_any();
        self.space
            .until(&name, "the end", |status| status.outcome.is_some())
            .await;
        self.space.status(&name).await
    }

    async fn image(&self, deployment: &str) -> String {
        let found = self.space.deployment(deployment).await;
        let pod = found.spec.template.spec.unwrap();
        pod.containers[0].image.clone().unwrap()
    }
}

const DOCKERFILES: [(&str, &str); 2] = [
    ("services/server/Dockerfile", "FROM scratch\n"),
    ("services/client/Dockerfile", "FROM scratch\n"),
];

/// What became of each build, in words.
fn builds(status: &ReleaseStatus) -> Vec<String> {
    let told = |build: &BuildStatus| {
        let image = build.image.as_deref().unwrap_or("-");
        let short: String = image
            .chars()
            .take("registry.local/server@sha256:".len() + 2)
            .collect();
        format!("{} {} {short}", build.service, build.state)
    };
    status.builds.iter().map(told).collect()
}

fn message(status: &ReleaseStatus) -> &str {
    let mut conditions = status.conditions.iter();
    let ready = conditions.find(|one| one.type_ == "Ready");
    ready.map_or("", |ready| ready.message.as_str())
}

#[tokio::test]
async fn a_commit_is_built_pinned_and_released_and_what_did_not_change_is_not_built_again() {
    let mut shop = first_is_built().await;
    changed_is_built(&mut shop).await;

    // Back to the second: nothing is built, and the images are those of then.
    let arguments = ["rollback", "shop", "--to", "shop-2", "--yes"];
    let done = shop.space.tidegate(&arguments).await.with_code(0);
    assert_eq!(shop.built().await.len(), 5);
    let image = shop.image("server").await;
    assert!(image.ends_with(&digest('a')), "{image}\n{done:?}");
    assert!(shop.image("client").await.ends_with(&digest('c')));
}

/// Both images are built, pinned, released.
async fn first_is_built() -> Shop {
    let script = [
        ("server", Ends::With(digest('a'))),
        ("client", Ends::With(digest('b'))),
    ];
    let mut shop = Shop::new("built", &script).await;
    let first = shop.push(1, &DOCKERFILES);
    shop.plan(json!({})).await;
    shop.start();
    let status = shop.ended(&first).await;
    assert_eq!(status.outcome.as_deref(), Some("Succeeded"), "{status:#?}");
    assert_eq!(
        builds(&status),
        [
            "client Succeeded registry.local/client@sha256:bb",
            "server Succeeded registry.local/server@sha256:aa",
        ]
    );
    assert_eq!(
        shop.image("server").await,
        format!("registry.local/server@{}", digest('a'))
    );
    assert_eq!(
        shop.image("client").await,
        format!("registry.local/client@{}", digest('b'))
    );
    let link = status.builds[0].link.clone().unwrap();
    assert!(
        link.starts_with("https://argo.example.org/workflows/built-"),
        "{link}"
    );
    let mut built = shop.built().await;
    built.sort();
    assert_eq!(built, ["client", "server"]);
    let workflow = shop.workflows().await.remove(0);
    let release = shop.release(&first).await;
    assert_eq!(
        workflow.metadata.owner_references.unwrap()[0].uid,
        release.uid().unwrap()
    );
    shop
}

/// The client's code and contract change: its image alone is built. Then those of both: both are built, and move in order.
async fn changed_is_built(shop: &mut Shop) {
    shop.executor.say("client", Ends::With(digest('c')));
    let second = shop.push(2, &[("services/client/main.c", "2")]);
    let status = shop.ended(&second).await;
    assert_eq!(status.outcome.as_deref(), Some("Succeeded"), "{status:#?}");
    assert_eq!(
        builds(&status),
        [
            "client Succeeded registry.local/client@sha256:cc",
            "server Skipped registry.local/server@sha256:aa",
        ]
    );
    let why = &status.builds[1].message;
    assert_eq!(why, "nothing that goes in has changed since `shop-1`");
    assert_eq!(shop.built().await.len(), 3);
    assert!(shop.image("server").await.ends_with(&digest('a')));
    assert!(shop.image("client").await.ends_with(&digest('c')));

    let since = Timestamp::now();
    shop.executor.say("server", Ends::With(digest('d')));
    shop.executor.say("client", Ends::With(digest('e')));
    let code = [
        ("services/server/main.c", "3"),
        ("services/client/main.c", "3"),
    ];
    let third = shop.push(3, &code);
    let status = shop.ended(&third).await;
    assert_eq!(status.outcome.as_deref(), Some("Succeeded"), "{status:#?}");
    assert_eq!(shop.built().await.len(), 5);
    assert!(shop.image("server").await.ends_with(&digest('d')));
    assert!(shop.image("client").await.ends_with(&digest('e')));
    let early = shop
        .space
        .early_starts(since, &[("server", "client")])
        .await;
    assert_eq!(early, Vec::<String>::new());
}

#[tokio::test]
async fn a_server_moves_while_its_clients_image_is_still_being_built() {
    let script = [("server", Ends::With(digest('a'))), ("client", Ends::Never)];
    let mut shop = Shop::new("ahead", &script).await;
    let commit = shop.push(1, &DOCKERFILES);
    shop.plan(json!({})).await;
    shop.start();
    let name = shop.release(&commit).await.name_any();
    shop.space
        .until(&name, "the server done beside a build", |status| {
            let mut services = status.waves.iter().flat_map(|wave| &wave.services);
            services.any(|one| one.name == "server" && one.state == "Done")
        })
        .await;
    let why = shop.space.tidegate(&["why", "client"]).await;
    assert!(
        why.stdout
            .contains("the image of client, which is being built"),
        "{why:?}"
    );
    assert!(shop.space.pods("client").await.is_empty());
    shop.executor.say("client", Ends::With(digest('b')));
    let status = shop.ended(&commit).await;
    assert_eq!(status.outcome.as_deref(), Some("Succeeded"), "{status:#?}");
}

#[tokio::test]
async fn a_failed_build_is_told_with_its_step_and_stops_the_release_or_only_what_depends_on_it() {
    let script = [("server", Ends::Never), ("client", Ends::Failed)];
    let mut shop = Shop::new("failed", &script).await;
    let commit = shop.push(1, &DOCKERFILES);
    shop.plan(json!({})).await;
    shop.start();
    let status = shop.ended(&commit).await;
    assert_eq!(status.outcome.as_deref(), Some("Failed"), "{status:#?}");
    let told = message(&status);
    assert!(
        told.contains("the image of client was not built") && told.contains("exit code 7"),
        "{told}"
    );
    assert!(
        told.contains("https://argo.example.org/workflows/"),
        "{told}"
    );
    assert_eq!(
        builds(&status),
        ["client Failed -", "server Cancelled -"],
        "{status:#?}"
    );
    eventually("the other build to be ended", async || {
        let all = shop.workflows().await;
        let ended = |one: &DynamicObject| one.data["status"]["phase"] == json!("Failed");
        all.iter().all(ended).then_some(())
    })
    .await;
    assert!(
        shop.space
            .list::<k8s_openapi::api::apps::v1::Deployment>()
            .await
            .is_empty()
    );

    // What does not hang on it goes on, where the plan wants that: here the server, before its client.
    let mut shop = Shop::new("goes-on", &script).await;
    shop.executor.say("server", Ends::With(digest('a')));
    let commit = shop.push(1, &DOCKERFILES);
    shop.plan(json!({"strategy": {"settle": "300ms", "onFailure": "Continue"}}))
        .await;
    shop.start();
    let status = shop.ended(&commit).await;
    assert_eq!(status.outcome.as_deref(), Some("Failed"), "{status:#?}");
    assert_eq!(
        shop.image("server").await,
        format!("registry.local/server@{}", digest('a'))
    );
    assert!(
        shop.space
            .get::<k8s_openapi::api::apps::v1::Deployment>("client")
            .await
            .is_none()
    );
}

#[tokio::test]
async fn a_workflow_that_is_gone_is_told_and_not_made_again() {
    let script = [("server", Ends::Never), ("client", Ends::Never)];
    let mut shop = Shop::new("gone", &script).await;
    let commit = shop.push(1, &DOCKERFILES);
    shop.plan(json!({})).await;
    shop.start();
    let name = shop.release(&commit).await.name_any();
    shop.space
        .until(&name, "two builds", |status| {
            status.builds.len() == 2 && status.builds.iter().all(|build| build.state == "Running")
        })
        .await;
    let controller = shop.controller.take().unwrap();
    controller.kill().await;
    let workflow = status_of(&shop, &name, "server").await.object.unwrap();
    let workflow = workflow.rsplit('/').next().unwrap();
    shop.workflows_api()
        .delete(workflow, &DeleteParams::default())
        .await
        .unwrap();
    shop.start();
    let status = shop.ended(&commit).await;
    assert!(
        message(&status).contains("it was deleted before its result was seen"),
        "{status:#?}"
    );
    assert_eq!(shop.built().await.len(), 2);
}

async fn status_of(shop: &Shop, release: &str, service: &str) -> BuildStatus {
    let status = shop.space.status(release).await;
    let mut builds = status.builds.into_iter();
    builds.find(|build| build.service == service).unwrap()
}

#[tokio::test]
async fn a_template_that_is_not_there_and_a_parameter_that_nobody_gives_are_told() {
    let mut shop = Shop::new("templates", &[]).await;
    let commit = shop.push(1, &DOCKERFILES);
    let mut server = build("server");
    server["engine"]["argoWorkflow"]["templateRef"]["name"] = json!("no-such");
    shop.plan(json!({"builds": [server, build("client")]}))
        .await;
    shop.start();
    let status = shop.ended(&commit).await;
    let told = message(&status);
    assert!(
        told.contains("no-such") && told.contains("not found"),
        "{told}"
    );

    let mut shop = Shop::new("parameters", &[]).await;
    let wants = json!({"arguments": {"parameters": [{"name": "image"}, {"name": "team"}]}});
    shop.template(&template("wants-more", &wants)).await;
    let commit = shop.push(1, &DOCKERFILES);
    let mut server = build("server");
    server["engine"]["argoWorkflow"]["templateRef"]["name"] = json!("wants-more");
    shop.plan(json!({"builds": [server, build("client")]}))
        .await;
    shop.start();
    let status = shop.ended(&commit).await;
    let told = message(&status);
    assert!(told.contains("team"), "{told}");
}

#[tokio::test]
async fn a_controller_that_is_killed_again_and_again_builds_each_image_once() {
    let script = [
        ("server", Ends::With(digest('a'))),
        ("client", Ends::With(digest('b'))),
    ];
    let mut shop = Shop::new("killed", &script).await;
    let commit = shop.push(1, &DOCKERFILES);
    shop.plan(json!({})).await;
    let ended = async |shop: &Shop| {
        let mut releases: Vec<Release> = shop.space.list().await;
        releases.retain(|release| release.spec.revision == commit);
        let status = releases.pop().and_then(|release| release.status);
        status.is_some_and(|status| status.outcome.is_some())
    };
    // Each life is a little longer than the one before, so that each step is somebody's last.
    let mut life = Duration::from_millis(600);
    let mut lives = 0;
    while !ended(&shop).await {
        lives += 1;
        assert!(lives < 60, "it does not end");
        shop.start();
        tokio::time::sleep(life).await;
        shop.controller.take().unwrap().kill().await;
        life += Duration::from_millis(150);
    }
    let status = shop.ended(&commit).await;
    assert_eq!(status.outcome.as_deref(), Some("Succeeded"), "{status:#?}");
    let mut built = shop.built().await;
    built.sort();
    assert_eq!(built, ["client", "server"], "after {lives} lives");
}
