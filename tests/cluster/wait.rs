//! `tidegate wait`: for a release, and for every pod of a service to serve a version.

use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use serde_json::{Value, json};

use crate::files::pair;
use crate::support::{Running, Space, eventually, program};

#[tokio::test]
async fn a_client_that_waits_for_its_server_starts_after_the_last_old_pod() {
    let space = Space::new("wait-server").await;
    space.run(&pair(1)).await.with_code(0);
    let asks = ["wait", "--service", "server", "--serves"];
    let ask = |version| {
        [
            &asks[..],
            &[version, "--settle", "300ms", "--timeout", "60s"],
        ]
        .concat()
    };
    space.tidegate(&ask("1")).await.with_code(0);
    let never = [&asks[..], &["2", "--timeout", "1s"]].concat();
    let done = space.tidegate(&never).await.with_code(124);
    assert!(
        done.stderr.contains("serve 1 of server, not 2"),
        "{}",
        done.stderr
    );

    let waiting = space.start(&ask("2"));
    let slow = pair(2).steer("server", "termination-delay", "3s");
    let running = space.start_run(&slow);
    waiting.done().await.with_code(0);
    let old = space.pods("server").await;
    let is_old = |image: &str| image.ends_with(":1");
    let images = old
        .iter()
        .flat_map(|pod| &pod.spec.as_ref().unwrap().containers);
    assert!(!images.filter_map(|one| one.image.as_deref()).any(is_old));
    running.done().await.with_code(0);
}

#[tokio::test]
async fn a_release_is_waited_for_to_its_end_or_to_one_of_its_services() {
    let space = Space::new("wait-release").await;
    let running = space.start_run(&pair(1));
    eventually("the release", async || space.release("pair-1").await).await;
    let wait = async |what: &str| {
        let arguments = ["wait", "pair", "--for", what, "--timeout", "60s"];
        space.tidegate(&arguments).await
    };
    wait("service=server").await.with_code(0);
    wait("Ready").await.with_code(0);
    wait("wave=2").await.with_code(0);
    let unknown = wait("service=sever").await.with_code(2);
    assert!(
        unknown.stderr.contains("did you mean `server`"),
        "{}",
        unknown.stderr
    );
    wait("wave=9").await.with_code(2);
    running.done().await.with_code(0);
}

#[tokio::test]
async fn the_shipped_role_is_enough_to_wait_for_a_service() {
    let space = Space::new("wait-role").await;
    space.run(&pair(1)).await.with_code(0);
    let text = include_str!("../../deploy/waiter.yaml");
    for document in text.split("\n---\n") {
        let mut object: Value = serde_saphyr::from_str(document).unwrap();
        object["metadata"]["namespace"] = json!(space.namespace);
        if object["kind"] == "Role" {
            space.create::<Role>(object).await;
        } else {
            object["subjects"][0]["namespace"] = json!(space.namespace);
            space.create::<RoleBinding>(object).await;
        }
    }
    eventually("the account", async || {
        space.get::<ServiceAccount>("default").await
    })
    .await;
    let (_folder, kubeconfig) = space.kubeconfig_of("default").await;
    let arguments = [
        "wait",
        "--service",
        "server",
        "--serves",
        "1",
        "--settle",
        "200ms",
        "--timeout",
        "30s",
    ];
    let mut command = program(&kubeconfig, &arguments);
    command.args(["-n", &space.namespace]);
    Running::start(command, None).done().await.with_code(0);
}
