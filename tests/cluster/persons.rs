//! What waits for a person or for time: points of no return, and drains.

use std::time::Duration;

use devcluster::oracle;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::Job;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use tidegate::spec::crd::Release;

use crate::files::{Files, QUICK};
use crate::support::{Space, condition, is_own_workload_write, service_status, state_of, waves};

/// A schema that a Job makes, and the application that uses it. Version 2 of the schema drops what version 1 of the
/// application reads.
fn schema(version: u32) -> Files {
    let serves = if version == 1 {
        json!(["1", "2"])
    } else {
        json!(["2"])
    };
    let job = format!("schema-{version}");
    let services = json!([
        {"name": "schema", "workloads": [{"apiVersion": "batch/v1", "kind": "Job", "name": job}],
         "serves": [{"versions": serves}]},
        {"name": "app", "calls": [{"service": "schema", "version": version.to_string(), "channel": "schema"}]},
    ]);
    let migrate = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": job},
        "spec": {"template": {
            "metadata": {"labels": {"app": "schema"}},
            "spec": {
                "restartPolicy": "Never",
                "containers": [{"name": "main", "image": format!("registry/schema:{version}")}],
            },
        }},
    });
    Files::graph("crm", &services)
        .with_plan("crm", &json!({"strategy": {"settle": "300ms"}}))
        .with(migrate)
        .with_workload("app", &version.to_string(), QUICK)
}

#[tokio::test]
async fn what_nothing_undoes_waits_for_a_word_and_run_leaves_with_7() {
    let space = Space::new("no-return").await;
    space.run(&schema(1)).await.with_code(0);
    let since = Timestamp::now();
    let left = space.run(&schema(2)).await.with_code(7);
    assert!(
        left.stderr.contains("`tidegate approve crm-2 schema`"),
        "{}",
        left.stderr
    );
    let status = space.status("crm-2").await;
    assert_eq!(waves(&status), [["app"], ["schema"]]);
    assert_eq!(state_of(&status, "app"), "Done");
    assert_eq!(condition(&status, "Reconciling").0, "True");
    assert_eq!(status.phase, "AwaitingApproval");
    assert!(space.get::<Job>("schema-2").await.is_none());
    let why = space.tidegate(&["why", "schema"]).await.with_code(0);
    assert!(
        why.stdout.contains("`tidegate approve crm-2 schema`"),
        "{}",
        why.stdout
    );
    let shown = space.tidegate(&["status", "crm-2"]).await.with_code(0);
    assert!(shown.stdout.contains("⚑"), "{}", shown.stdout);
    let refused = space
        .tidegate(&["approve", "crm-2", "app"])
        .await
        .with_code(4);
    assert!(
        refused.stderr.contains("can be undone"),
        "{}",
        refused.stderr
    );
    space
        .tidegate(&["approve", "crm-2", "--reason", "nobody reads it"])
        .await
        .with_code(0);
    space.run(&schema(2)).await.with_code(0);

    let status = space.status("crm-2").await;
    let approval = service_status(&status, "schema")
        .unwrap()
        .approval
        .clone()
        .unwrap();
    assert_eq!(approval.reason.as_deref(), Some("nobody reads it"));
    assert!(
        !approval.by.is_empty() && approval.time.is_some(),
        "{approval:?}"
    );
    assert!(space.get::<Job>("schema-2").await.is_some());
    let early = space.early_starts(since, &[("app", "schema")]).await;
    assert_eq!(early, Vec::<String>::new());
    no_approval_is_taken_back(&space).await;
}

async fn no_approval_is_taken_back(space: &Space) {
    let releases = space.api::<Release>();
    let change = async |control: Value| {
        let patch = json!({"spec": {"control": control}});
        let patched = releases
            .patch("crm-2", &PatchParams::default(), &Patch::Merge(&patch))
            .await;
        patched
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    let taken = change(json!({"approvals": []})).await;
    assert!(taken.contains("an approval cannot be changed"), "{taken}");
    let changed = change(json!({"approvals": [{"step": "schema", "by": "somebody else"}]})).await;
    assert!(
        changed.contains("an approval cannot be changed"),
        "{changed}"
    );
}

#[tokio::test]
async fn a_word_ahead_of_time_lets_it_pass() {
    let space = Space::new("ahead").await;
    space.run(&schema(1)).await.with_code(0);
    let folder = schema(2).folder();
    let path = folder.path().display().to_string();
    let arguments = ["run", "-f", &path, "--yes", "--progress", "plain"];
    space.tidegate(&arguments).await.with_code(0);
    let status = space.status("crm-2").await;
    assert!(
        service_status(&status, "schema")
            .unwrap()
            .approval
            .is_some()
    );
}

/// A producer and a consumer over a queue that keeps what is written; version 2 of the consumer does not read what
/// version 1 of the producer writes.
fn queue(version: u32, drain: &str) -> Files {
    let serves = if version == 1 {
        json!(["1", "2"])
    } else {
        json!(["2"])
    };
    let services = json!([
        {"name": "producer", "calls": [{"service": "consumer", "version": version.to_string(),
         "channel": "queue", "durable": {"drain": drain}}]},
        {"name": "consumer", "serves": [{"versions": serves}]},
    ]);
    let tag = version.to_string();
    Files::graph("mail", &services)
        .with_plan("mail", &json!({"strategy": {"settle": "300ms"}}))
        .with_workload("producer", &tag, QUICK)
        .with_workload("consumer", &tag, QUICK)
}

const WAITED: SignedDuration = SignedDuration::from_secs(8);

#[tokio::test]
async fn a_consumer_waits_until_what_was_written_is_gone_also_over_a_crash() {
    let space = Space::new("drain").await;
    space.run(&queue(1, "8s")).await.with_code(0);
    let since = Timestamp::now();
    let running = space.start_run(&queue(2, "8s"));
    space
        .until("mail-2", "the drain", |status| {
            state_of(status, "consumer/drain") == "Draining"
        })
        .await;
    running.kill().await;
    let why = space.tidegate(&["why", "consumer"]).await.with_code(0);
    assert!(
        why.stdout
            .contains("until nothing is left of what producer wrote"),
        "{}",
        why.stdout
    );
    space.run(&queue(2, "8s")).await.with_code(0);
    let status = space.status("mail-2").await;
    assert_eq!(
        waves(&status),
        [["producer"], ["consumer/drain"], ["consumer"]]
    );

    let history = space.history().await;
    let rolls = oracle::rolls(&history, &space.namespace, since);
    let roll = |name: &str| rolls.iter().find(|roll| roll.service == name).unwrap();
    let gone = roll("producer").last_old_gone.unwrap();
    let waited = roll("consumer").first_new_created.duration_since(gone);
    assert!(waited >= WAITED, "waited for {waited:#}");
    let early = space.early_starts(since, &[("producer", "consumer")]).await;
    assert_eq!(early, Vec::<String>::new());
}

#[tokio::test]
async fn where_nothing_measures_a_drain_a_word_written_with_kubectl_ends_it() {
    let space = Space::new("manual").await;
    space.run(&queue(1, "manual")).await.with_code(0);
    let left = space.run(&queue(2, "manual")).await.with_code(7);
    assert!(left.stderr.contains("consumer/drain"), "{}", left.stderr);
    let word =
        json!({"spec": {"control": {"approvals": [{"step": "consumer/drain", "by": "ann"}]}}});
    let releases = space.api::<Release>();
    releases
        .patch("mail-2", &PatchParams::default(), &Patch::Merge(&word))
        .await
        .unwrap();
    let running = space.start_run(&queue(2, "manual"));
    running
        .done_within(Duration::from_mins(2))
        .await
        .with_code(0);
    let history = space.history().await;
    let writes = history
        .successful()
        .filter(|write| is_own_workload_write(write) && write.name.as_deref() == Some("consumer"));
    assert!(writes.count() > 1);
}
