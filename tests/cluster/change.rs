//! Systems that change their form: adopted, shrunk, and of other kinds of workloads.

use std::collections::BTreeMap;

use devcluster::audit::History;
use devcluster::oracle;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{DaemonSet, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Service;
use kube::ResourceExt;
use serde_json::{Value, json};

use crate::files::{Files, QUICK, pair, service, workload};
use crate::support::{Space, eventually, state_of, waves};

async fn uids(space: &Space) -> BTreeMap<String, String> {
    let mut uids = BTreeMap::new();
    for app in ["server", "client"] {
        let pods = space.pods(app).await;
        uids.extend(pods.iter().map(|pod| (pod.name_any(), pod.uid().unwrap())));
    }
    uids
}

#[tokio::test]
async fn a_system_that_another_program_applied_is_adopted_without_a_restart_and_then_moves_in_order()
 {
    let space = Space::new("adopted").await;
    space.apply_as("kubectl", &pair(1)).await;
    space.until_rolled_out().await;
    let before = uids(&space).await;
    assert_eq!(before.len(), 4);
    space.run(&pair(1)).await.with_code(0);
    let status = space.status("pair-1").await;
    assert_eq!(waves(&status), Vec::<Vec<&str>>::new());
    assert_eq!(uids(&space).await, before);

    let since = Timestamp::now();
    // What another manager has applied is not taken from it: it has to let go first.
    let refused = space.run(&pair(2)).await.with_code(4);
    assert!(refused.stderr.contains("\"kubectl\""), "{}", refused.stderr);
    space.let_go("kubectl", &pair(1)).await;
    space.run(&pair(2)).await.with_code(0);
    let status = space.status("pair-2").await;
    assert_eq!(waves(&status), [["server"], ["client"]]);
    let early = space.early_starts(since, &[("server", "client")]).await;
    assert_eq!(early, Vec::<String>::new());
}

#[tokio::test]
async fn a_plan_takes_fields_over_from_the_managers_that_it_names_and_drops_what_they_set() {
    let space = Space::new("taken-over").await;
    let annotated = pair(1).set(
        ("Deployment", "server"),
        "metadata/annotations",
        json!({"team": "shop"}),
    );
    space.apply_as("kubectl", &annotated).await;
    space.until_rolled_out().await;
    let before = uids(&space).await;
    let taking = |files: Files| {
        let spec = json!({"strategy": {"settle": "300ms"}, "takeOver": ["kubectl"]});
        files.set(("ReleasePlan", "pair"), "spec", spec)
    };
    space.run(&taking(annotated)).await.with_code(0);
    assert_eq!(uids(&space).await, before);
    space.run(&taking(pair(2))).await.with_code(0);
    let server = space.deployment("server").await;
    let managers = server.metadata.managed_fields.unwrap();
    let managers = managers.iter().filter_map(|entry| entry.manager.as_deref());
    assert!(!managers.collect::<Vec<_>>().contains(&"kubectl"));
    let annotations = server.metadata.annotations.unwrap_or_default();
    assert!(!annotations.contains_key("team"), "{annotations:?}");
}

#[tokio::test]
async fn a_service_that_leaves_goes_after_its_last_caller_and_its_pods_before_its_service() {
    let space = Space::new("leaving").await;
    space.run(&pair(1)).await.with_code(0);
    let alone = Files::graph("pair", &json!([{"name": "client"}]))
        .with_plan("pair", &json!({"strategy": {"settle": "300ms"}}))
        .with_workload("client", "2", QUICK);
    let since = Timestamp::now();
    space.run(&alone).await.with_code(0);
    let status = space.status("pair-2").await;
    assert_eq!(waves(&status), [["client"], ["server"]]);
    assert_eq!(state_of(&status, "server"), "Done");
    assert!(space.get::<Service>("server").await.is_none());
    assert!(space.get::<Service>("client").await.is_some());
    assert_eq!(space.pods("server").await.len(), 0);
    the_end_was_in_order(&space.history().await, &space.namespace, since);
}

fn the_end_was_in_order(history: &History, namespace: &str, since: Timestamp) {
    let rolls = oracle::rolls(history, namespace, since);
    let client = rolls.iter().find(|roll| roll.service == "client").unwrap();
    let deleted = |resource: &str| {
        let write = history.successful().find(|write| {
            write.verb == "delete"
                && write.resource == resource
                && write.name.as_deref() == Some("server")
        });
        write.unwrap().received
    };
    let lives = oracle::lives(history, namespace);
    let ends = lives
        .iter()
        .filter(|life| life.service == "server")
        .map(|life| life.gone.unwrap().at);
    let last_pod_gone = ends.max().unwrap();
    let order = [
        client.last_old_gone.unwrap(),
        deleted("deployments"),
        last_pod_gone,
        deleted("services"),
    ];
    assert!(order.is_sorted(), "{order:?}");
}

/// A database, a schema job, an agent on every node, and a client.
fn kinds(version: u32) -> Files {
    let tag = version.to_string();
    let job = format!("migrate-{version}");
    let migrate = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": job},
        "spec": {"template": {
            "metadata": {"labels": {"app": "migrate"}},
            "spec": {
                "restartPolicy": "Never",
                "containers": [{"name": "main", "image": format!("registry/migrate:{version}")}],
            },
        }},
    });
    let of_kind = |kind: &str, name: &str| json!([{"kind": kind, "name": name}]);
    let services = json!([
        {"name": "store", "workloads": of_kind("StatefulSet", "store"), "serves": [{"versions": serves(version)}]},
        {"name": "migrate", "after": ["store"],
         "workloads": [{"apiVersion": "batch/v1", "kind": "Job", "name": job}]},
        {"name": "agent", "workloads": of_kind("DaemonSet", "agent"), "after": ["migrate"],
         "calls": [{"service": "store", "version": tag}]},
    ]);
    let mut store = workload("StatefulSet", "store", &tag);
    store["spec"]["serviceName"] = json!("store");
    Files::graph("kinds", &services)
        .with_plan("kinds", &json!({"strategy": {"settle": "300ms"}}))
        .with(service("store"))
        .with(store)
        .with(migrate)
        .with(workload("DaemonSet", "agent", &tag))
        .at_pace(QUICK)
}

fn serves(version: u32) -> Value {
    let versions: Vec<String> = (1..=version).map(|version| version.to_string()).collect();
    json!(versions)
}

#[tokio::test]
async fn stateful_sets_daemon_sets_and_jobs_are_created_and_rolled_in_order() {
    let space = Space::new("kinds").await;
    space.run(&kinds(1)).await.with_code(0);
    let since = Timestamp::now();
    space.run(&kinds(2)).await.with_code(0);
    let status = space.status("kinds-2").await;
    assert_eq!(waves(&status), [["store"], ["migrate"], ["agent"]]);
    let store: StatefulSet = space.get("store").await.unwrap();
    let agent: DaemonSet = space.get("agent").await.unwrap();
    let migrate: Job = space.get("migrate-2").await.unwrap();
    assert_eq!(store.status.unwrap().updated_replicas, Some(2));
    assert_eq!(agent.status.unwrap().updated_number_scheduled, Some(3));
    assert_eq!(migrate.status.unwrap().succeeded, Some(1));
    let early = space.early_starts(since, &[("store", "agent")]).await;
    assert_eq!(early, Vec::<String>::new());
}

#[tokio::test]
async fn a_job_that_fails_fails_the_release_and_what_comes_after_it_is_untouched() {
    let space = Space::new("job-fails").await;
    space.run(&kinds(1)).await.with_code(0);
    let broken = kinds(2).steer("migrate-2", "job", "fail").set(
        ("Job", "migrate-2"),
        "spec/backoffLimit",
        json!(0),
    );
    let done = space.run(&broken).await.with_code(5);
    for told in ["migrate", "BackoffLimitExceeded"] {
        assert!(done.stderr.contains(told), "{}", done.stderr);
    }
    let status = space.status("kinds-2").await;
    assert_eq!(state_of(&status, "store"), "Done");
    assert_eq!(state_of(&status, "agent"), "Waiting");
    let agent: DaemonSet = space.get("agent").await.unwrap();
    assert_eq!(agent.metadata.generation, Some(1));
    eventually("the pods of the agent", async || {
        (space.pods("agent").await.len() == 3).then_some(())
    })
    .await;
}
