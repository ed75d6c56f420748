//! What a release does not have any more: workloads of a service that stays, and the rest of the inventory.

use devcluster::oracle;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Service};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::files::{Files, QUICK, STEER, service, workload};
use crate::support::{Space, eventually, state_of, waves};

/// The pair, whose server's pods are made by another Deployment in each version, behind the same Service.
fn replaced(version: u32) -> Files {
    let name = format!("server-{version}");
    let (serves, calls) = match version {
        1 => (json!(["1"]), "1"),
        _ => (json!(["1", "2"]), "2"),
    };
    let services = json!([
        {"name": "server", "workloads": [{"name": name}], "serves": [{"versions": serves}]},
        {"name": "client", "calls": [{"service": "server", "version": calls}]},
    ]);
    let mut deployment = workload("Deployment", &name, &version.to_string());
    for labels in [
        "/spec/selector/matchLabels",
        "/spec/template/metadata/labels",
    ] {
        *deployment.pointer_mut(labels).unwrap() = json!({"app": "server", "set": name});
    }
    Files::graph("pair", &services)
        .with_plan("pair", &json!({"strategy": {"settle": "300ms"}}))
        .with(service("server"))
        .with(deployment)
        .with_workload("client", &version.to_string(), QUICK)
        .at_pace(("300ms", "3s"))
}

fn config(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {}})
}

fn claim(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    })
}

#[tokio::test]
async fn a_workload_that_a_service_drops_serves_until_the_new_one_does_and_is_gone_before_its_client_starts()
 {
    let space = Space::new("dropped").await;
    let first = replaced(1).with(config("old")).with(claim("data"));
    space.run(&first).await.with_code(0);

    let second = replaced(2);
    let folder = second.folder();
    let path = folder.path().display().to_string();
    let shown = space.tidegate(&["diff", "-f", &path]).await.with_code(1);
    assert!(
        shown
            .stdout
            .contains("1 to create, 1 to change, 2 to delete"),
        "{}",
        shown.stdout
    );
    let since = Timestamp::now();
    space.run(&second).await.with_code(0);
    let status = space.status("pair-2").await;
    assert_eq!(waves(&status), [["server"], ["client"]]);
    let early = space.early_starts(since, &[("server", "client")]).await;
    assert_eq!(early, Vec::<String>::new());
    assert!(space.get::<Deployment>("server-1").await.is_none());
    assert!(space.get::<ConfigMap>("old").await.is_none());
    // What it holds could not be brought back.
    assert!(space.get::<PersistentVolumeClaim>("data").await.is_some());
    let history = space.history().await;
    let write = |verb: &str, name: &str| {
        let mut writes = history.successful().filter(|write| !write.dry_run);
        let found = writes.find(|write| write.verb == verb && write.name.as_deref() == Some(name));
        found.unwrap().received
    };
    let order = [
        write("create", "server-2"),
        write("delete", "server-1"),
        write("delete", "old"),
    ];
    assert!(order.is_sorted(), "{order:?}");
}

/// A server that drops version 1, and its client, which nobody calls and which another Deployment makes in each version.
fn worker(version: u32) -> Files {
    let name = format!("client-{version}");
    let (serves, calls) = match version {
        1 => (json!(["1", "2"]), "1"),
        _ => (json!(["2"]), "2"),
    };
    let services = json!([
        {"name": "server", "serves": [{"versions": serves}]},
        {"name": "client", "workloads": [{"name": name}], "calls": [{"service": "server", "version": calls}]},
    ]);
    let mut client = workload("Deployment", &name, &version.to_string());
    for labels in [
        "/spec/selector/matchLabels",
        "/spec/template/metadata/labels",
    ] {
        *client.pointer_mut(labels).unwrap() = json!({"app": "client", "set": name});
    }
    Files::graph("pair", &services)
        .with_plan("pair", &json!({"strategy": {"settle": "300ms"}}))
        .with_workload("server", &version.to_string(), QUICK)
        .with(client)
        .at_pace(("4s", "1s"))
}

#[tokio::test]
async fn a_pod_that_a_dropped_workload_makes_while_its_successor_rolls_is_waited_for_too() {
    let space = Space::new("dropped-late").await;
    space.run(&worker(1)).await.with_code(0);
    let before = space.pod_names("client").await;
    let since = Timestamp::now();
    let running = space.start_run(&worker(2));
    space
        .until("pair-2", "the client moves", |status| {
            state_of(status, "client") == "Moving"
        })
        .await;
    let more = Patch::Merge(json!({"spec": {"replicas": 3}}));
    let deployments = space.api::<Deployment>();
    let parameters = PatchParams::default();
    deployments
        .patch("client-1", &parameters, &more)
        .await
        .unwrap();
    // It ends long after those that were there at the start.
    let late = eventually("the late pod", async || {
        let names = space.pod_names("client").await;
        let is_late = |name: &String| name.starts_with("client-1-") && !before.contains(name);
        names.into_iter().find(is_late)
    })
    .await;
    let delay = json!({"metadata": {"annotations": {format!("{STEER}/termination-delay"): "15s"}}});
    let pods = space.api::<Pod>();
    pods.patch(&late, &parameters, &Patch::Merge(delay))
        .await
        .unwrap();
    running.done().await.with_code(0);
    assert!(space.get::<Deployment>("client-1").await.is_none());
    // The last pod that was created is of the old Deployment, so the oracle's own notion of "old" does not fit here.
    let lives = oracle::lives(&space.history().await, &space.namespace);
    let old_clients = lives
        .iter()
        .filter(|life| life.name.starts_with("client-1-"));
    let gone: Vec<Timestamp> = old_clients.map(|life| life.gone.unwrap().at).collect();
    assert_eq!(gone.len(), 3);
    let servers = lives.iter().filter(|life| life.service == "server");
    let first_new_server = servers
        .map(|life| life.created.at)
        .filter(|at| *at > since)
        .min();
    assert!(gone.into_iter().max() < first_new_server);
}

#[tokio::test]
async fn what_a_failed_release_brought_leaves_with_the_next_one() {
    let space = Space::new("failed-left").await;
    space.run(&crate::files::pair(1)).await.with_code(0);
    let more = json!([
        {"name": "server", "serves": [{"versions": ["1"]}]},
        {"name": "client", "calls": [{"service": "server", "version": "1"}]},
        {"name": "extra", "after": ["server"]},
    ]);
    let failing = Files::graph("pair", &more)
        .with_plan(
            "pair",
            &json!({"strategy": {"settle": "300ms", "deadlines": {"service": "5s"}}}),
        )
        .with_workload("server", "1", QUICK)
        .with_workload("client", "1", QUICK)
        .with_workload("extra", "1", QUICK)
        .steer("extra", "failure", "ImagePullBackOff");
    space.run(&failing).await.with_code(5);
    assert!(space.get::<Service>("extra").await.is_some());
    space.run(&crate::files::pair(1)).await.with_code(0);
    let status = space.status("pair-3").await;
    assert_eq!(state_of(&status, "extra"), "Done");
    assert!(space.get::<Service>("extra").await.is_none());
    assert!(space.get::<Deployment>("extra").await.is_none());
}
