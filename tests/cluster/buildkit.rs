//! From a commit to images built by Jobs to a finished release: a real Git server, the controller, the real Job controller on the
//! real control plane. The Jobs are in a namespace of their own with the strictest Pod Security; what would run in their pods is
//! played by [`crate::kubelet`]. [`crate::buildkit_real`] runs it.

use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use tidegate::spec::crd::{Release, ReleaseStatus};

use crate::builds::{builds, message};
use crate::executor::{Ends, digest};
use crate::kubelet::{Kubelet, PLAYED};
use crate::shipped::{api_of, objects};
use crate::shop::{DOCKERFILES, Shop, made, secret};
use crate::support::{Space, eventually};

/// A shop whose images are built in another namespace.
pub(crate) struct Yard {
    pub(crate) shop: Shop<Kubelet>,
    pub(crate) builds: Space,
}

/// A namespace in which only pods run that are nobody special.
pub(crate) async fn restricted(name: &str) -> Space {
    let space = Space::new(name).await;
    let labels =
        json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
    let patched = Api::<Namespace>::all(space.client.clone())
        .patch(
            &space.namespace,
            &PatchParams::default(),
            &Patch::Merge(&labels),
        )
        .await;
    patched.unwrap();
    space
}

/// The build of a service by a daemon; its pods stay for the test to play.
pub(crate) fn build(service: &str, registry: &str, engine: &Value) -> Value {
    let played = json!({PLAYED: "1"});
    let mut all = json!({
        "address": "tcp://buildkitd:1234",
        "resources": {"requests": played, "limits": played},
    });
    for (key, value) in engine.as_object().unwrap() {
        all[key] = value.clone();
    }
    json!({
        "service": service,
        "context": format!("services/{service}"),
        "image": format!("{registry}/{service}"),
        "engine": {"buildkit": all},
    })
}

impl Yard {
    pub(crate) async fn new(name: &str, script: &[(&str, Ends)]) -> Self {
        let builds = restricted(&format!("{name}-builds")).await;
        let kubelet = Kubelet::start(&builds.client, &builds.namespace, script).await;
        let shop = Shop::with(Space::new(name).await, kubelet).await;
        Self { shop, builds }
    }

    /// The plan, with what is not as usual.
    pub(crate) async fn plan(&self, spec: Value) {
        let engine = json!({"namespace": self.builds.namespace});
        let of = |service: &str| build(service, "registry.local", &engine);
        let mut all = json!({"builds": [of("server"), of("client")]});
        for (key, value) in spec.as_object().unwrap() {
            all[key] = value.clone();
        }
        self.shop.plan(all).await;
    }

    async fn jobs(&self) -> Vec<Job> {
        self.builds.list().await
    }
}

fn job_of(status: &ReleaseStatus, service: &str) -> String {
    let mut builds = status.builds.iter();
    let build = builds.find(|build| build.service == service).unwrap();
    let object = build.object.as_deref().unwrap();
    object.rsplit('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn jobs_build_a_commit_in_order_and_what_did_not_change_is_not_built_again() {
    let script = [
        ("server", Ends::With(digest('a'))),
        ("client", Ends::With(digest('b'))),
    ];
    let mut yard = Yard::new("jobs", &script).await;
    let first = yard.shop.push(1, &DOCKERFILES);
    yard.plan(json!({})).await;
    yard.shop.start();
    let status = yard.shop.ended(&first).await;
    assert_eq!(status.outcome.as_deref(), Some("Succeeded"), "{status:#?}");
    assert_eq!(
        builds(&status),
        [
            "client Succeeded registry.local/client@sha256:bb",
            "server Succeeded registry.local/server@sha256:aa",
        ]
    );
    assert_eq!(
        yard.shop.image("server").await,
        format!("registry.local/server@{}", digest('a'))
    );
    // The pods were let in, and there is nothing of the plan's own in the namespace.
    assert_eq!(yard.builds.list::<Pod>().await.len(), 2);
    for job in yard.jobs().await {
        let spec = job.spec.unwrap();
        assert_eq!(spec.ttl_seconds_after_finished, Some(86_400));
        assert_eq!(job.metadata.owner_references, None);
    }

    // Back from the client's change: its image alone is built.
    yard.shop.executor.say("client", Ends::With(digest('c')));
    let second = yard.shop.push(2, &[("services/client/main.c", "2")]);
    let status = yard.shop.ended(&second).await;
    assert_eq!(
        builds(&status),
        [
            "client Succeeded registry.local/client@sha256:cc",
            "server Skipped registry.local/server@sha256:aa",
        ]
    );
    let mut all = made(&yard.builds, "jobs").await;
    all.sort();
    assert_eq!(all, ["client", "client", "server"]);
    assert!(yard.shop.image("client").await.ends_with(&digest('c')));
}

#[tokio::test]
async fn a_job_that_failed_is_told_in_its_own_words_and_the_others_are_ended() {
    let script = [("server", Ends::Never), ("client", Ends::Failed)];
    let mut yard = Yard::new("job-failed", &script).await;
    let commit = yard.shop.push(1, &DOCKERFILES);
    yard.plan(json!({})).await;
    yard.shop.start();
    let status = yard.shop.ended(&commit).await;
    assert_eq!(status.outcome.as_deref(), Some("Failed"), "{status:#?}");
    let told = message(&status);
    assert!(
        told.contains("the image of client was not built")
            && told.contains("exit code 7: failed to solve: exit code 7"),
        "{told}"
    );
    assert_eq!(builds(&status), ["client Failed -", "server Cancelled -"]);
    eventually("the end of the other Job and its pod", async || {
        let (jobs, pods) = (yard.jobs().await, yard.builds.list::<Pod>().await);
        (jobs.len() == 1 && pods.len() == 1).then_some(())
    })
    .await;

    // Another try is another Job.
    yard.shop.executor.say("server", Ends::With(digest('a')));
    yard.shop.executor.say("client", Ends::With(digest('b')));
    let next = yard.shop.push(1, &[("services/client/main.c", "mended")]);
    let status = yard.shop.ended(&next).await;
    assert_eq!(status.outcome.as_deref(), Some("Succeeded"), "{status:#?}");
}

#[tokio::test]
async fn a_job_that_is_gone_and_one_whose_pod_is_gone_are_told_and_not_made_again() {
    let script = [("server", Ends::Never), ("client", Ends::Never)];
    let mut yard = Yard::new("job-gone", &script).await;
    let commit = yard.shop.push(1, &DOCKERFILES);
    yard.plan(json!({"strategy": {"settle": "300ms", "onFailure": "Continue"}}))
        .await;
    yard.shop.start();
    let name = yard.shop.release(&commit).await.name_any();
    yard.shop
        .space
        .until(&name, "two builds", |status| {
            status.builds.len() == 2 && status.builds.iter().all(|build| build.state == "Running")
        })
        .await;
    yard.shop.controller.take().unwrap().kill().await;
    let status = yard.shop.space.status(&name).await;
    let background = DeleteParams::background();
    let jobs: Api<Job> = yard.builds.api();
    jobs.delete(&job_of(&status, "server"), &background)
        .await
        .unwrap();
    // The other ends well, and its pod goes before anybody looks.
    yard.shop.executor.say("client", Ends::With(digest('b')));
    let client = job_of(&status, "client");
    eventually("the end of a Job", async || {
        let job: Job = yard.builds.get(&client).await?;
        job.status?.succeeded.filter(|count| *count == 1)
    })
    .await;
    yard.shop.executor.say("client", Ends::Never);
    for pod in yard.builds.list::<Pod>().await {
        let deleted = yard.builds.api::<Pod>();
        deleted.delete(&pod.name_any(), &background).await.unwrap();
    }
    yard.shop.start();
    let status = yard.shop.ended(&commit).await;
    let mut told: Vec<&str> = status
        .builds
        .iter()
        .map(|one| one.reason.as_str())
        .collect();
    told.sort_unstable();
    assert_eq!(told, ["Gone", "ResultLost"], "{status:#?}");
    assert_eq!(made(&yard.builds, "jobs").await.len(), 2);
}

#[tokio::test]
async fn a_controller_that_is_killed_again_and_again_makes_each_job_once() {
    let script = [
        ("server", Ends::With(digest('a'))),
        ("client", Ends::With(digest('b'))),
    ];
    let mut yard = Yard::new("job-killed", &script).await;
    let commit = yard.shop.push(1, &DOCKERFILES);
    yard.plan(json!({})).await;
    let has_ended = async |shop: &Shop<Kubelet>| {
        let mut releases: Vec<Release> = shop.space.list().await;
        releases.retain(|release| release.spec.revision == commit);
        let status = releases.pop().and_then(|release| release.status);
        status.is_some_and(|status| status.outcome.is_some())
    };
    // Each life is a little longer than the one before, so that each step is somebody's last.
    let mut life = Duration::from_millis(600);
    let mut lives = 0;
    while !has_ended(&yard.shop).await {
        lives += 1;
        assert!(lives < 60, "it does not end");
        yard.shop.start();
        tokio::time::sleep(life).await;
        yard.shop.controller.take().unwrap().kill().await;
        life += Duration::from_millis(150);
    }
    let status = yard.shop.ended(&commit).await;
    assert_eq!(status.outcome.as_deref(), Some("Succeeded"), "{status:#?}");
    let mut all = made(&yard.builds, "jobs").await;
    all.sort();
    assert_eq!(all, ["client", "server"], "after {lives} lives");
    let pods: Vec<Pod> = yard.builds.list().await;
    assert_eq!(pods.len(), 2, "each ran once");
}

/// Applies a file of `deploy/`, for a yard.
async fn deploy(yard: &Yard, file: &str) {
    let (shop, builds) = (&yard.shop.space.namespace, &yard.builds.namespace);
    for mut object in objects(file, "none", shop) {
        if object.metadata.namespace.as_deref() == Some("builds") {
            object.metadata.namespace = Some(builds.clone());
        }
        let patched = api_of(&yard.builds.client, &object)
            .patch(
                &object.name_any(),
                &PatchParams::apply("installer").force(),
                &Patch::Apply(&object),
            )
            .await;
        patched.unwrap();
    }
}

#[tokio::test]
async fn rights_that_are_missing_are_told_and_those_of_the_file_are_enough() {
    let script = [
        ("server", Ends::With(digest('a'))),
        ("client", Ends::With(digest('b'))),
    ];
    let mut yard = Yard::new("job-rights", &script).await;
    deploy(&yard, "plan-account.yaml").await;
    let first = yard.shop.push(1, &DOCKERFILES);
    // Under the name that the account may read.
    let server = &yard.shop.server;
    let data = [
        ("username", server.username()),
        ("password", server.password()),
        ("ca.crt", server.authority()),
    ];
    secret(&yard.shop.space, "shop-git", "Opaque", &data).await;
    let git = json!({
        "url": yard.shop.repository.url(),
        "ref": {"branch": "main"},
        "path": "deploy",
        "interval": "5s",
        "secretRef": {"name": "shop-git"},
    });
    yard.plan(json!({"serviceAccountName": "shop-deployer", "source": {"git": git}}))
        .await;
    yard.shop.start();
    let told = yard.shop.ended(&first).await;
    let told = message(&told);
    assert!(
        told.contains("create jobs.batch") && told.contains("list pods"),
        "{told}"
    );
    assert_eq!(yard.jobs().await, []);

    deploy(&yard, "builds/jobs-account.yaml").await;
    let second = yard.shop.push(1, &[("services/client/main.c", "2")]);
    let status = yard.shop.ended(&second).await;
    assert_eq!(status.outcome.as_deref(), Some("Succeeded"), "{status:#?}");

    // And enough to end what nobody needs any more.
    yard.shop.executor.say("client", Ends::Failed);
    yard.shop.executor.say("server", Ends::Never);
    let code = [
        ("services/client/main.c", "3"),
        ("services/server/main.c", "3"),
    ];
    let third = yard.shop.push(1, &code);
    let status = yard.shop.ended(&third).await;
    assert_eq!(
        builds(&status),
        ["client Failed -", "server Cancelled -"],
        "{status:#?}"
    );
    let cancelled = &status.builds[1].message;
    assert_eq!(cancelled, "nobody needs it any more");
}
