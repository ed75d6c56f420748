//! What waits for a person or for time: points of no return, and drains.

use std::time::Duration;

use devcluster::oracle;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use k8s_openapi::api::batch::v1::Job;
use kube::api::{Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::{Value, json};
use tidegate::spec::crd::Release;

use crate::files::{Files, QUICK, pair};
use crate::support::{
    Running, Space, condition, eventually, is_own_workload_write, program, service_status,
    state_of, waves,
};

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

/// Puts the shipped policy before this namespace only.
async fn guard(space: &Space) {
    let text = include_str!("../../deploy/approvals-policy.yaml");
    for document in text.split("\n---\n") {
        let mut object: Value = serde_saphyr::from_str(document).unwrap();
        let name = json!(format!("tidegate-{}", space.namespace));
        object["metadata"]["name"] = name.clone();
        let parameters = PostParams::default();
        if object["kind"] == "ValidatingAdmissionPolicy" {
            let object = serde_json::from_value(object).unwrap();
            let policies: Api<ValidatingAdmissionPolicy> = Api::all(space.client.clone());
            policies.create(&parameters, &object).await.unwrap();
        } else {
            object["spec"]["policyName"] = name;
            object["spec"]["matchResources"] = json!({"namespaceSelector": {"matchLabels":
                {"kubernetes.io/metadata.name": space.namespace}}});
            let object = serde_json::from_value(object).unwrap();
            let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(space.client.clone());
            bindings.create(&parameters, &object).await.unwrap();
        }
    }
}

/// What the API server would say to an approval that is written directly; empty if it would take it. Only tried: one that is
/// taken before a policy is in force would be no new word afterwards.
async fn approve_directly(client: Client, space: &Space, by: &str) -> String {
    let releases: Api<Release> = Api::namespaced(client, &space.namespace);
    let patch = json!({"spec": {"control": {"approvals": [{"step": "schema", "by": by}]}}});
    let trial = PatchParams {
        dry_run: true,
        ..PatchParams::default()
    };
    let patched = releases.patch("crm-2", &trial, &Patch::Merge(&patch)).await;
    patched
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default()
}

#[tokio::test]
async fn who_approves_has_the_right_and_says_it_in_their_own_name() {
    let space = Space::new("approver").await;
    space.run(&schema(1)).await.with_code(0);
    space.run(&schema(2)).await.with_code(7);
    let may = |verbs: &[&str]| json!([{"apiGroups": ["tidegate.dev"], "resources": ["releases"], "verbs": verbs}]);
    space
        .account("ann", &may(&["get", "list", "patch", "approve"]))
        .await;
    space.account("bob", &may(&["get", "list", "patch"])).await;
    let as_account = async |account: &str, arguments: &[&str]| {
        let (_folder, kubeconfig) = space.kubeconfig_of(account).await;
        let mut command = program(&kubeconfig, arguments);
        command.args(["-n", &space.namespace]);
        Running::start(command, None).done().await
    };
    let refused = as_account("bob", &["approve", "crm-2"]).await.with_code(3);
    assert!(
        refused.stderr.contains("may not `approve`"),
        "{}",
        refused.stderr
    );

    guard(&space).await;
    let client_of = async |account: &str| {
        let (_folder, path) = space.kubeconfig_of(account).await;
        let kubeconfig = Kubeconfig::read_from(path).unwrap();
        let config =
            Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
        Client::try_from(config.unwrap()).unwrap()
    };
    let (ann, bob) = (space.user("ann"), space.user("bob"));
    let by_bob = client_of("bob").await;
    // The API server takes a policy up a moment after it was made.
    eventually("a policy that is in force", async || {
        let said = approve_directly(by_bob.clone(), &space, "nobody").await;
        said.contains("in one's own name").then_some(())
    })
    .await;
    let said = approve_directly(by_bob, &space, &bob).await;
    assert!(said.contains("the verb `approve`"), "{said}");
    let by_ann = client_of("ann").await;
    let said = approve_directly(by_ann.clone(), &space, &bob).await;
    assert!(said.contains("in one's own name"), "{said}");
    assert!(said.contains(&ann), "{said}");
    as_account("ann", &["approve", "crm-2"]).await.with_code(0);
    // What stands there already is nobody's new word.
    let paused = as_account("bob", &["pause", "crm-2"]).await;
    paused.with_code(0);
    as_account("bob", &["resume", "crm-2"]).await.with_code(0);
    space.run(&schema(2)).await.with_code(0);
    let status = space.status("crm-2").await;
    let approval = service_status(&status, "schema").unwrap().approval.clone();
    assert_eq!(approval.unwrap().by, ann);
}

#[tokio::test]
async fn the_plan_may_ask_before_a_wave_and_a_rejected_release_ends() {
    let space = Space::new("asked").await;
    let asks = json!([{"before": "wave/2"}]);
    let files = |version| {
        pair(version).set(
            ("ReleasePlan", "pair"),
            "spec/strategy/approvals",
            asks.clone(),
        )
    };
    space.run(&pair(1)).await.with_code(0);
    let left = space.run(&files(2)).await.with_code(7);
    assert!(
        left.stderr.contains("`tidegate approve pair-2 wave/2`"),
        "{}",
        left.stderr
    );
    let rejected = ["reject", "pair", "--reason", "not on a Friday"];
    space.tidegate(&rejected).await.with_code(0);
    let done = space.run(&files(2)).await.with_code(6);
    assert!(done.stderr.contains("not on a Friday"), "{}", done.stderr);
    // The server is done already; the client alone is a first wave, and nobody asks before it.
    space.run(&files(2)).await.with_code(0);
}

#[tokio::test]
async fn a_gate_that_is_forced_lets_the_release_go_on_and_says_who_did_it() {
    let space = Space::new("forced").await;
    let endless = pair(1).steer("server", "termination-delay", "1h");
    space.run(&endless).await.with_code(0);
    let running = space.start_run(&pair(2));
    space
        .until("pair-2", "old pods that do not end", |status| {
            state_of(status, "server") == "Moving"
                && service_status(status, "server").unwrap().reason == "OldPods"
        })
        .await;
    space
        .tidegate(&["force", "pair", "client", "--reason", "no"])
        .await
        .with_code(4);
    let force = [
        "force",
        "pair",
        "server",
        "--reason",
        "they take no calls any more",
    ];
    space.tidegate(&force).await.with_code(0);
    running.done().await.with_code(0);
    let status = space.status("pair-2").await;
    let forced = service_status(&status, "server")
        .unwrap()
        .forced
        .clone()
        .unwrap();
    assert_eq!(
        forced.reason.as_deref(),
        Some("they take no calls any more")
    );
    let why = space
        .tidegate(&["why", "server", "--release", "pair-2"])
        .await
        .with_code(0);
    assert!(
        why.stdout.contains("they take no calls any more"),
        "{}",
        why.stdout
    );
}
