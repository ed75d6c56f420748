//! What tests of sources share: a repository on a real Git server, a plan that has it as its source, and a controller.

use std::collections::BTreeMap;

use devcluster::git::{GitRepository, GitServer};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use tidegate::spec::crd::{Release, ReleasePlan, ReleasePlanStatus};

use crate::files::pair;
use crate::support::{Running, Space, eventually};

/// A namespace with a repository, a plan that has it as its source, and a controller.
pub(crate) struct Sourced {
    pub(crate) space: Space,
    pub(crate) server: GitServer,
    pub(crate) repository: GitRepository,
    pub(crate) controller: Option<Running>,
}

impl Sourced {
    pub(crate) async fn new(name: &str) -> Self {
        let space = Space::new(name).await;
        let server = GitServer::start().await.unwrap();
        let repository = server.repository("shop.git").unwrap();
        tidegate::cluster::install(&space.client).await.unwrap();
        Self {
            space,
            server,
            repository,
            controller: None,
        }
    }

    /// Commits a version of the pair below `deploy`.
    pub(crate) fn push(&self, version: u32) -> String {
        let text = pair(version).without_plan().text();
        self.push_text(&text, &format!("pair {version}"))
    }

    pub(crate) fn push_text(&self, text: &str, message: &str) -> String {
        self.repository
            .push(&[("deploy/all.yaml", text)], message)
            .unwrap()
    }

    pub(crate) async fn secret(&self, name: &str, data: &[(&str, &str)]) {
        let data: BTreeMap<&str, ByteString> = data
            .iter()
            .map(|(key, value)| (*key, ByteString(value.as_bytes().to_vec())))
            .collect();
        self.space
            .create::<Secret>(json!({"metadata": {"name": name}, "data": data}))
            .await;
    }

    pub(crate) async fn good_secret(&self) {
        self.secret(
            "git",
            &[
                ("username", self.server.username()),
                ("password", self.server.password()),
                ("ca.crt", self.server.authority()),
            ],
        )
        .await;
    }

    /// The plan, with what is not as usual about its source.
    pub(crate) async fn plan(&self, git: Value, spec: Value) {
        let mut source = json!({
            "url": self.repository.url(),
            "ref": {"branch": "main"},
            "path": "deploy",
            "interval": "5s",
            "secretRef": {"name": "git"},
        });
        for (key, value) in git.as_object().unwrap() {
            source[key] = value.clone();
        }
        let mut all = json!({"source": {"git": source}, "strategy": {"settle": "300ms"}});
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

    pub(crate) async fn patch(&self, patch: Value) {
        self.space
            .api::<ReleasePlan>()
            .patch("shop", &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .unwrap();
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
        let command = crate::support::program(&self.space.kubeconfig, &arguments);
        self.controller = Some(Running::start(command, None));
    }

    pub(crate) async fn status(&self) -> ReleasePlanStatus {
        let plan: Option<ReleasePlan> = self.space.get("shop").await;
        plan.and_then(|plan| plan.status).unwrap_or_default()
    }

    /// Status, reason and message of the source's condition, once it is as asked for.
    pub(crate) async fn until(&self, what: &str, is: impl Fn(&str, &str) -> bool) -> String {
        self.until_condition(what, "SourceReady", is).await
    }

    /// The same of any condition of the plan.
    pub(crate) async fn until_condition(
        &self,
        what: &str,
        kind: &str,
        is: impl Fn(&str, &str) -> bool,
    ) -> String {
        let mut last = String::new();
        let found = eventually(what, async || {
            let status = self.status().await;
            let mut conditions = status.conditions.iter();
            let ready = conditions.find(|one| one.type_ == kind)?;
            let shown = format!("{} {}: {}", ready.status, ready.reason, ready.message);
            if shown != last {
                last.clone_from(&shown);
                eprintln!("{shown}");
            }
            is(&ready.reason, &ready.message).then_some(shown)
        });
        found.await
    }

    pub(crate) async fn until_released(&self, commit: &str) -> Release {
        eventually("the release of a commit", async || {
            let mut releases = self.releases().await;
            releases.retain(|release| {
                release.spec.revision == commit
                    && release
                        .status
                        .as_ref()
                        .is_some_and(|status| status.outcome.is_some())
            });
            releases.pop()
        })
        .await
    }

    pub(crate) async fn releases(&self) -> Vec<Release> {
        let mut all: Vec<Release> = self.space.list().await;
        all.retain(|release| release.spec.plan == "shop");
        all.sort_by_key(|release| release.spec.number);
        all
    }

    pub(crate) async fn commits(&self) -> Vec<String> {
        let releases = self.releases().await;
        releases
            .into_iter()
            .map(|release| release.spec.revision)
            .collect()
    }
}

/// How a release has ended.
pub(crate) fn outcome(release: &Release) -> &str {
    let status = release.status.as_ref();
    status
        .and_then(|status| status.outcome.as_deref())
        .unwrap_or_default()
}
