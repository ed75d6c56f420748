//! From a commit to built images to a finished release: a real Git server, the controller, the real Argo Workflows
//! controller on the real control plane. What would run in the pods is played by [`crate::executor`].

use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use kube::api::{DeleteParams, DynamicObject};
use serde_json::json;
use tidegate::spec::crd::{BuildStatus, Release, ReleaseStatus};

use crate::executor::{Ends, digest, template};
use crate::shop::{DOCKERFILES, Shop, build};
use crate::support::eventually;

/// What became of each build, in words.
pub(crate) fn builds(status: &ReleaseStatus) -> Vec<String> {
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

pub(crate) fn message(status: &ReleaseStatus) -> &str {
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
