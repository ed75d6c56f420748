//! From a commit to images in a registry to a finished release, with nothing played but the node: a real Git server, a real BuildKit
//! daemon, a real registry with a password, and the containers of the Jobs' pods as [`crate::kubelet`] runs them.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use devcluster::Progress;
use devcluster::buildkit::{BuildKit, REGISTRY_PASSWORD, REGISTRY_USERNAME, needs};
use devcluster::git::GitServer;
use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, Pod, Secret};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tidegate::spec::crd::{Release, ReleasePlan, ReleaseStatus};

use crate::buildkit::{build, restricted};
use crate::builds::message;
use crate::files::{Files, QUICK};
use crate::kubelet::{Kubelet, PLAYED};
use crate::shop::{Shop, made, secret};
use crate::support::Space;

const SERVICES: [&str; 3] = ["orders", "store", "web"];
/// A build argument that a shell, or Kubernetes, would read.
const NOTE: &str = "$(GIT_PASSWORD) $(id) `id` $HOME, \"a\"=b";
const DOCKERFILE: &str = "FROM scratch\nARG NOTE\nCOPY main /main\nLABEL note=\"${NOTE}\"\n";

/// Everything real, and a shop that is built with it.
struct Works {
    shop: Shop<Kubelet>,
    builds: Space,
    buildkit: Arc<BuildKit>,
    archive: tempfile::TempDir,
}

/// The web asks for orders, and these for the store. Of version 2 the store speaks one protocol more, and orders use it.
fn files(version: u32, registry: &str) -> Files {
    let (serves, calls) = match version {
        1 => (json!(["1"]), "1"),
        _ => (json!(["1", "2"]), "2"),
    };
    let services = json!([
        {"name": "store", "serves": [{"versions": serves}]},
        {"name": "orders", "serves": [{"versions": ["1"]}], "calls": [{"service": "store", "version": calls}]},
        {"name": "web", "calls": [{"service": "orders", "version": "1"}]},
    ]);
    let mut files = Files::graph("shop", &services);
    let container = "spec/template/spec/containers/0";
    for service in SERVICES {
        let image = json!(format!("{registry}/{service}:latest"));
        files = files.with_workload(service, "1", QUICK).set(
            ("Deployment", service),
            &format!("{container}/image"),
            image,
        );
    }
    let variables = json!([{"name": "STORE_API", "value": calls}]);
    files.set(
        ("Deployment", "orders"),
        &format!("{container}/env"),
        variables,
    )
}

impl Works {
    async fn new(name: &str) -> Self {
        let builds = restricted(&format!("{name}-builds")).await;
        let server = GitServer::start().await.unwrap();
        let authority = server.authority().to_owned();
        let buildkit = tokio::task::spawn_blocking(move || {
            BuildKit::start(&authority, &Progress::to_stderr())
        });
        let buildkit = Arc::new(buildkit.await.unwrap().unwrap());
        let kubelet = Kubelet::real(&builds.client, &builds.namespace, Arc::clone(&buildkit)).await;
        let shop = Shop::of(Space::new(name).await, server, kubelet).await;
        let works = Self {
            shop,
            builds,
            buildkit,
            archive: tempfile::tempdir().unwrap(),
        };
        works.secrets().await;
        works
    }

    /// The credentials, once, where the Jobs run.
    async fn secrets(&self) {
        let login = STANDARD.encode(format!("{REGISTRY_USERNAME}:{REGISTRY_PASSWORD}"));
        let logins = json!({"auths": {self.buildkit.registry(): {"auth": login}}}).to_string();
        let data = [(".dockerconfigjson", logins.as_str())];
        let kind = "kubernetes.io/dockerconfigjson";
        secret(&self.builds, "registry", kind, &data).await;
        let server = &self.shop.server;
        let data = [
            ("username", server.username()),
            ("password", server.password()),
        ];
        secret(&self.builds, "git", "Opaque", &data).await;
        secret(&self.builds, "tls", "Opaque", &self.buildkit.tls()).await;
    }

    async fn plan(&self, git_secret: &str) {
        let engine = json!({
            "address": self.buildkit.address(),
            "namespace": self.builds.namespace,
            "registrySecretRef": {"name": "registry"},
            "gitSecretRef": {"name": git_secret},
            "tlsSecretRef": {"name": "tls"},
            "resources": {"requests": {PLAYED: "1"}, "limits": {PLAYED: "1"}},
        });
        let registry = self.buildkit.registry();
        let builds = SERVICES.map(|service| {
            let mut one = build(service, &registry, &engine);
            one["arguments"] = json!({"NOTE": NOTE});
            one["cache"] = json!(format!("{registry}/{service}:cache"));
            one
        });
        self.shop.plan(json!({"builds": builds})).await;
    }

    fn start(&mut self) {
        let archive = self.archive();
        self.shop.start_with(&["--archive", &archive]);
    }

    fn archive(&self) -> String {
        format!(
            "sqlite:{}",
            self.archive.path().join("archive.db").display()
        )
    }

    /// Asks the registry, with the password.
    async fn registry(&self, path: &str) -> (Vec<u8>, u16) {
        let url = format!("http://{}/v2/{path}", self.buildkit.registry());
        let accepted = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.get(url).header("accept", accepted);
        let request = request.basic_auth(REGISTRY_USERNAME, Some(REGISTRY_PASSWORD));
        let answer = request.send().await.unwrap();
        let code = answer.status().as_u16();
        (answer.bytes().await.unwrap().to_vec(), code)
    }

    /// What became of each build: service, state, and the tags that the registry has of its image beside the cache.
    async fn built(&self, status: &ReleaseStatus) -> Vec<String> {
        let mut all = Vec::new();
        for build in &status.builds {
            let (tags, _) = self.registry(&format!("{}/tags/list", build.service)).await;
            let tags: Value = serde_json::from_slice(&tags).unwrap();
            let tags = tags["tags"].as_array().unwrap().iter();
            let count = tags.filter(|tag| *tag != "cache").count();
            all.push(format!("{} {} {count}", build.service, build.state));
        }
        all
    }

    /// Checks that what runs is what the registry has by that digest, built of this code with this note.
    async fn check_image(&self, service: &str, code: &str) {
        let image = self.shop.image(service).await;
        let (name, digest) = image.split_once('@').unwrap();
        assert_eq!(name, format!("{}/{service}", self.buildkit.registry()));
        let (manifest, code_of_answer) = self
            .registry(&format!("{service}/manifests/{digest}"))
            .await;
        assert_eq!(code_of_answer, 200, "{image}");
        let computed = Sha256::digest(&manifest);
        let digits = computed.iter().map(|byte| format!("{byte:02x}"));
        assert_eq!(digest, format!("sha256:{}", digits.collect::<String>()));
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        let blob = |part: &Value| format!("{service}/blobs/{}", part["digest"].as_str().unwrap());
        let (config, _) = self.registry(&blob(&manifest["config"])).await;
        let config: Value = serde_json::from_slice(&config).unwrap();
        assert_eq!(config["config"]["Labels"]["note"], json!(NOTE));
        let (layer, _) = self.registry(&blob(&manifest["layers"][0])).await;
        let mut files = Vec::new();
        let mut unpacked = flate2::read::GzDecoder::new(layer.as_slice());
        std::io::Read::read_to_end(&mut unpacked, &mut files).unwrap();
        let files = String::from_utf8_lossy(&files);
        assert!(files.contains(code), "{service} is not built of `{code}`");
    }

    /// Everything that anybody may see, by its place. Secrets are where such things belong.
    async fn seen(&self) -> Vec<(String, String)> {
        let (shop, builds) = (&self.shop.space, &self.builds);
        let mut seen = vec![
            ("plans", json!(shop.list::<ReleasePlan>().await).to_string()),
            ("releases", json!(shop.list::<Release>().await).to_string()),
            ("events", json!(shop.list::<Event>().await).to_string()),
            ("jobs", json!(builds.list::<Job>().await).to_string()),
            ("pods", json!(builds.list::<Pod>().await).to_string()),
            (
                "events of builds",
                json!(builds.list::<Event>().await).to_string(),
            ),
            ("logs of builds", self.shop.executor.said()),
            ("logs of daemon and registry", self.buildkit.logs()),
            ("log", self.shop.controller.as_ref().unwrap().stderr()),
        ];
        let archive = self.archive();
        for arguments in [
            &["status", "shop", "-o", "yaml"][..],
            &["history", "shop", "-o", "json", "--archive", &archive],
            &["logs", "shop-1", "orders", "--archive", &archive],
        ] {
            let done = shop.tidegate(arguments).await;
            seen.push(("commands", format!("{}{}", done.stdout, done.stderr)));
        }
        let mut seen: Vec<(String, String)> = seen
            .into_iter()
            .map(|(place, text)| (place.to_owned(), text))
            .collect();
        seen.extend(files_of(self.archive.path()));
        seen
    }

    /// Where a credential is seen that nobody should see.
    async fn leaks(&self) -> Vec<String> {
        let server = &self.shop.server;
        let both = |name: &str, password: &str| {
            let login = STANDARD.encode(format!("{name}:{password}"));
            [password.to_owned(), STANDARD.encode(password), login]
        };
        let key = self.buildkit.tls()[2].1;
        let mut planted = both(REGISTRY_USERNAME, REGISTRY_PASSWORD).to_vec();
        planted.extend(both(server.username(), server.password()));
        planted.push(key.lines().nth(1).unwrap().to_owned());
        let seen = self.seen().await;
        for (place, text) in &seen {
            assert!(
                !text.is_empty() || place.contains("archive"),
                "nothing in {place}"
            );
        }
        let found = seen.iter().flat_map(|(place, text)| {
            let found = planted.iter().filter(|one| text.contains(one.as_str()));
            found.map(move |one| format!("{one} in {place}"))
        });
        found.collect()
    }
}

fn files_of(folder: &Path) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(folder).unwrap();
    let read = entries.map(|entry| {
        let path = entry.unwrap().path();
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        (path.display().to_string(), text)
    });
    read.collect()
}

/// Whether this machine can; it says what it lacks.
fn is_possible() -> bool {
    match needs() {
        None => true,
        Some(words) => {
            eprintln!("not tested: {words}");
            false
        }
    }
}

#[tokio::test]
async fn a_commit_that_changes_one_of_three_services_builds_that_image_and_moves_in_order() {
    if !is_possible() {
        return;
    }
    let mut works = Works::new("real").await;
    let registry = works.buildkit.registry();
    let code: Vec<(String, &str)> = SERVICES
        .iter()
        .flat_map(|service| {
            let folder = format!("services/{service}");
            [
                (format!("{folder}/Dockerfile"), DOCKERFILE),
                (format!("{folder}/main"), "code of version 1"),
            ]
        })
        .collect();
    let code: Vec<(&str, &str)> = code
        .iter()
        .map(|(path, text)| (path.as_str(), *text))
        .collect();
    let first = works.shop.push_files(&files(1, &registry), &code);
    works.plan("git").await;
    works.start();
    let status = works.shop.ended(&first).await;
    assert_eq!(
        status.outcome.as_deref(),
        Some("Succeeded"),
        "{status:#?}\n{}",
        works.shop.executor.said()
    );
    let all = works.built(&status).await;
    assert_eq!(
        all,
        ["orders Succeeded 1", "store Succeeded 1", "web Succeeded 1"]
    );
    for service in SERVICES {
        works.check_image(service, "code of version 1").await;
    }
    let said = works.shop.space.tidegate(&["logs", "shop-1", "orders"]);
    let said = said.await.with_code(0).stdout;
    assert!(said.contains("pushing manifest"), "{said}");

    let since = Timestamp::now();
    let changed = [("services/store/main", "code of version 2")];
    let second = works.shop.push_files(&files(2, &registry), &changed);
    let status = works.shop.ended(&second).await;
    assert_eq!(status.outcome.as_deref(), Some("Succeeded"), "{status:#?}");
    let all = works.built(&status).await;
    assert_eq!(
        all,
        ["orders Skipped 1", "store Succeeded 2", "web Skipped 1"]
    );
    works.check_image("store", "code of version 2").await;
    works.check_image("orders", "code of version 1").await;
    let mut services = made(&works.builds, "jobs").await;
    services.sort();
    assert_eq!(services, ["orders", "store", "store", "web"]);
    let space = &works.shop.space;
    let early = space.early_starts(since, &[("store", "orders")]).await;
    assert_eq!(early, Vec::<String>::new());
    assert_eq!(works.leaks().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_dockerfile_that_fails_and_a_wrong_password_are_told_in_the_words_of_buildkit() {
    if !is_possible() {
        return;
    }
    let mut works = Works::new("real-failed").await;
    let registry = works.buildkit.registry();
    let code = SERVICES.map(|service| {
        (
            format!("services/{service}/Dockerfile"),
            "FROM scratch\nCOPY main /main\n",
        )
    });
    let code: Vec<(&str, &str)> = code
        .iter()
        .map(|(path, text)| (path.as_str(), *text))
        .collect();
    let first = works.shop.push_files(&files(1, &registry), &code);
    works.plan("git").await;
    works.start();
    let status = works.shop.ended(&first).await;
    let told = message(&status).to_owned();
    assert!(
        told.contains("exit code 1") && told.contains("\"/main\": not found"),
        "{told}"
    );

    // The daemon has no way to the code any more.
    let wrong = json!({"stringData": {"password": "canary-90aa-wrong-password"}});
    let secrets = works.builds.api::<Secret>();
    let patch = Patch::Merge(&wrong);
    let patched = secrets.patch("git", &PatchParams::default(), &patch).await;
    patched.unwrap();
    let second = works
        .shop
        .push_files(&files(2, &registry), &[("services/store/main", "code")]);
    let status = works.shop.ended(&second).await;
    let told = message(&status).to_owned();
    assert!(told.contains("could not read Username"), "{told}");
    assert!(!told.contains("canary"), "{told}");
    assert_eq!(works.leaks().await, Vec::<String>::new());
}
