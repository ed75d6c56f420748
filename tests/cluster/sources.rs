//! From a commit to a finished release: a real Git server, the controller, the real control plane.

use std::collections::BTreeMap;
use std::time::Duration;

use devcluster::git::{GitRepository, GitServer};
use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use tidegate::spec::crd::{Release, ReleasePlan, ReleasePlanStatus};

use crate::files::pair;
use crate::support::{Running, Space, eventually};

/// Longer than any look at the source may take.
const SEVERAL_LOOKS: Duration = Duration::from_secs(13);

/// A namespace with a repository, a plan that has it as its source, and a controller.
struct Sourced {
    space: Space,
    server: GitServer,
    repository: GitRepository,
    controller: Option<Running>,
}

impl Sourced {
    async fn new(name: &str) -> Self {
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
    fn push(&self, version: u32) -> String {
        let text = pair(version).without_plan().text();
        self.push_text(&text, &format!("pair {version}"))
    }

    fn push_text(&self, text: &str, message: &str) -> String {
        self.repository
            .push(&[("deploy/all.yaml", text)], message)
            .unwrap()
    }

    async fn secret(&self, name: &str, data: &[(&str, &str)]) {
        let data: BTreeMap<&str, ByteString> = data
            .iter()
            .map(|(key, value)| (*key, ByteString(value.as_bytes().to_vec())))
            .collect();
        self.space
            .create::<Secret>(json!({"metadata": {"name": name}, "data": data}))
            .await;
    }

    async fn good_secret(&self) {
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
    async fn plan(&self, git: Value, spec: Value) {
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

    async fn patch(&self, patch: Value) {
        self.space
            .api::<ReleasePlan>()
            .patch("shop", &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .unwrap();
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
        let command = crate::support::program(&self.space.kubeconfig, &arguments);
        self.controller = Some(Running::start(command, None));
    }

    async fn status(&self) -> ReleasePlanStatus {
        let plan: Option<ReleasePlan> = self.space.get("shop").await;
        plan.and_then(|plan| plan.status).unwrap_or_default()
    }

    /// Status, reason and message of the source's condition, once it is as asked for.
    async fn until(&self, what: &str, is: impl Fn(&str, &str) -> bool) -> String {
        let mut last = String::new();
        let found = eventually(what, async || {
            let status = self.status().await;
            let mut conditions = status.conditions.iter();
            let ready = conditions.find(|one| one.type_ == "SourceReady")?;
            let shown = format!("{} {}: {}", ready.status, ready.reason, ready.message);
            if shown != last {
                last.clone_from(&shown);
                eprintln!("{shown}");
            }
            is(&ready.reason, &ready.message).then_some(shown)
        });
        found.await
    }

    async fn until_released(&self, commit: &str) -> Release {
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

    async fn releases(&self) -> Vec<Release> {
        let mut all: Vec<Release> = self.space.list().await;
        all.retain(|release| release.spec.plan == "shop");
        all.sort_by_key(|release| release.spec.number);
        all
    }

    async fn commits(&self) -> Vec<String> {
        let releases = self.releases().await;
        releases
            .into_iter()
            .map(|release| release.spec.revision)
            .collect()
    }
}

fn outcome(release: &Release) -> &str {
    let status = release.status.as_ref();
    status
        .and_then(|status| status.outcome.as_deref())
        .unwrap_or_default()
}

#[tokio::test]
async fn a_commit_that_is_pushed_is_released_in_order_and_once() {
    let mut sourced = Sourced::new("pushed").await;
    let first = sourced.push(1);
    sourced.good_secret().await;
    sourced.plan(json!({}), json!({})).await;
    sourced.start();
    let release = sourced.until_released(&first).await;
    assert_eq!(
        (outcome(&release), release.spec.trigger.as_str()),
        ("Succeeded", "poll")
    );
    assert_eq!(release.spec.reason.as_deref(), Some("pair 1"));

    let since = Timestamp::now();
    let second = sourced.push(2);
    let release = sourced.until_released(&second).await;
    assert_eq!(outcome(&release), "Succeeded");
    let early = sourced
        .space
        .early_starts(since, &[("server", "client")])
        .await;
    assert_eq!(early, Vec::<String>::new());
    let status = sourced.status().await.source.unwrap();
    assert_eq!(status.commit.as_deref(), Some(second.as_str()));
    assert_eq!(status.reference.as_deref(), Some("refs/heads/main"));
    assert_eq!(status.release, Some(release.name_any()));

    // Another process that has seen nothing of this makes no second one.
    sourced.controller.take().unwrap().kill().await;
    sourced.start();
    sourced
        .until("a calm source", |reason, _| reason == "UpToDate")
        .await;
    tokio::time::sleep(SEVERAL_LOOKS).await;
    assert_eq!(sourced.commits().await, [first.clone(), second.clone()]);

    // A branch that is set back is a change like any other.
    sourced
        .repository
        .git(&["reset", "--quiet", "--hard", &first])
        .unwrap();
    sourced
        .repository
        .git(&["push", "--quiet", "--force", "origin", "HEAD"])
        .unwrap();
    eventually("the release of the way back", async || {
        (sourced.commits().await == [first.clone(), second.clone(), first.clone()]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_with_a_commit_is_told_with_its_place_and_stops_no_later_one() {
    let mut sourced = Sourced::new("invalid").await;
    let text = pair(1)
        .without_plan()
        .text()
        .replace("\"calls\"", "\"call\"");
    let bad = sourced.push_text(&text, "a misspelt key");
    sourced.good_secret().await;
    sourced.plan(json!({}), json!({})).await;
    sourced.start();
    let told = sourced
        .until("what is wrong", |reason, _| reason == "ManifestsInvalid")
        .await;
    assert!(told.contains("deploy/all.yaml:1:"), "{told}");
    assert!(told.contains("call") && told.contains(&bad[..12]), "{told}");
    assert_eq!(sourced.commits().await, Vec::<String>::new());
    let good = sourced.push(1);
    assert_eq!(outcome(&sourced.until_released(&good).await), "Succeeded");

    // Nor may a commit change as whom it is released.
    sourced.push_text(&pair(2).text(), "with a plan of its own");
    let told = sourced
        .until("what is wrong", |reason, _| reason == "ManifestsInvalid")
        .await;
    assert!(
        told.contains("a ReleasePlan among the files of a source"),
        "{told}"
    );
}

#[tokio::test]
async fn what_keeps_a_repository_from_being_read_is_told_on_the_plan() {
    let mut sourced = Sourced::new("unreadable").await;
    sourced.push(1);
    sourced.plan(json!({}), json!({})).await;
    sourced.start();
    let told = sourced
        .until("the missing Secret", |reason, _| reason == "SecretUnusable")
        .await;
    assert!(told.contains("secret `git` does not exist"), "{told}");
    sourced
        .secret(
            "strange",
            &[("username", "reader"), ("password", "canary-0815")],
        )
        .await;
    let secret = |name: &str| json!({"spec": {"source": {"git": {"secretRef": {"name": name}}}}});
    sourced.patch(secret("strange")).await;
    let told = sourced
        .until("the unknown authority", |reason, _| {
            reason == "ServerUntrusted"
        })
        .await;
    assert!(told.contains("`ca.crt`"), "{told}");
    sourced
        .secret(
            "wrong",
            &[
                ("username", "reader"),
                ("password", "canary-0815"),
                ("ca.crt", sourced.server.authority()),
            ],
        )
        .await;
    sourced.patch(secret("wrong")).await;
    let told = sourced
        .until("the wrong password", |reason, _| {
            reason == "CredentialsRefused"
        })
        .await;
    assert!(
        told.contains("secretRef") && !told.contains("canary"),
        "{told}"
    );
    sourced.good_secret().await;
    sourced.patch(secret("git")).await;
    sourced
        .until("a release", |reason, _| {
            matches!(reason, "ReleaseMade" | "UpToDate")
        })
        .await;
    sourced
        .patch(json!({"spec": {"source": {"git": {"ref": {"branch": "mian"}}}}}))
        .await;
    let told = sourced
        .until("the missing branch", |reason, _| {
            reason == "ReferenceMissing"
        })
        .await;
    assert!(told.contains("did you mean `main`?"), "{told}");
    let said = sourced.controller.unwrap().stderr();
    assert!(
        !said.contains("canary") && !said.contains(sourced.server.password()),
        "{said}"
    );
}

#[tokio::test]
async fn commits_wait_while_the_plan_is_suspended() {
    let mut sourced = Sourced::new("waiting").await;
    let first = sourced.push(1);
    sourced.good_secret().await;
    sourced.plan(json!({}), json!({"suspend": true})).await;
    sourced.start();
    sourced
        .until("a commit that waits", |reason, _| reason == "Suspended")
        .await;
    assert_eq!(sourced.commits().await, Vec::<String>::new());
    sourced.patch(json!({"spec": {"suspend": false}})).await;
    sourced.until_released(&first).await;
    assert_eq!(sourced.commits().await, [first]);
}
