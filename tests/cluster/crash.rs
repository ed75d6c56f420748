//! What dies in the middle of a release: the program, and the API server.

use std::collections::BTreeMap;
use std::time::Duration;

use devcluster::audit::History;
use devcluster::{Options, Progress, oracle};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;

use crate::files::{Files, QUICK, pair};
use crate::order::BOUTIQUE;
use crate::support::{Running, Space, eventually, is_own_workload_write, service_status, state_of};

/// How often the program is killed.
const KILLS: u32 = 10;
/// Each kill comes so much later in the life of its process than the one before.
const LATER: Duration = Duration::from_millis(170);

/// How long a control plane may take to get over the loss of its API server.
const RECOVERY: Duration = Duration::from_mins(5);

/// Wave 2 takes long enough for every kill, and the rest is quick.
fn boutique(version: &str) -> Files {
    Files::example(&format!("online-boutique/{version}"))
        .with_plan(
            "online-boutique",
            &serde_json::json!({"strategy": {"settle": "300ms"}}),
        )
        .at_pace(QUICK)
        .steer("checkout", "ready-delay", "6s")
}

#[tokio::test]
async fn a_release_that_is_killed_ten_times_in_its_second_wave_succeeds_in_order() {
    let space = Space::new("killed").await;
    let quick = boutique("v1").at_pace(QUICK);
    space.run(&quick).await.with_code(0);
    let since = Timestamp::now();
    let mut running = space.start_run(&boutique("v2"));
    space
        .until("online-boutique-2", "wave 2", |status| {
            state_of(status, "checkout") == "Starting" || state_of(status, "checkout") == "Moving"
        })
        .await;
    for kill in 1..=KILLS {
        running.kill().await;
        assert_in_wave_2(&space).await;
        running = space.start_run(&boutique("v2"));
        held_by(&space, &running).await;
        // No wait for anything: the moment of the kill.
        tokio::time::sleep(LATER * (kill - 1)).await;
    }
    let done = running.done().await.with_code(0);
    assert!(
        done.stderr
            .contains("going on with release `online-boutique-2`")
    );
    let status = space.status("online-boutique-2").await;
    assert_eq!(status.outcome.as_deref(), Some("Succeeded"));
    let history = space.history().await;
    let early = oracle::early_starts(&history, &space.namespace, since, &BOUTIQUE);
    assert_eq!(early, []);
    nothing_was_applied_early(&history, &space.namespace, since);
    for deployment in space.list::<Deployment>().await {
        let revisions =
            &deployment.metadata.annotations.unwrap()["deployment.kubernetes.io/revision"];
        assert_eq!(
            revisions, "2",
            "{:?} was rolled twice",
            deployment.metadata.name
        );
    }
}

async fn assert_in_wave_2(space: &Space) {
    let status = space.status("online-boutique-2").await;
    let checkout = service_status(&status, "checkout").unwrap();
    assert!(checkout.start_time.is_some() && checkout.end_time.is_none());
}

/// Waits until a process holds the release. That it need not wait until the lease of a killed one runs out is what
/// makes this test bearable.
async fn held_by(space: &Space, running: &Running) {
    let pid = format!("_{}_", running.pid());
    eventually("the lease", async || {
        let lease: Lease = space.get("tidegate-online-boutique-2").await?;
        let holder = lease.spec?.holder_identity?;
        holder.contains(&pid).then_some(())
    })
    .await;
}

/// When each workload was written first.
fn first_writes(history: &History, since: Timestamp) -> BTreeMap<&str, Timestamp> {
    let mut first = BTreeMap::new();
    let writes = history
        .successful()
        .filter(|write| write.at >= since && is_own_workload_write(write));
    for write in writes {
        let name = write.name.as_deref().unwrap();
        first.entry(name).or_insert(write.received);
    }
    first
}

/// When the control plane's own programs last wrote something about a service, between two moments.
fn last_word(history: &History, service: &str, since: Timestamp, until: Timestamp) -> Timestamp {
    let about = |name: &str| name.starts_with(service);
    history
        .writes_by("kube-", since)
        .filter(|write| write.at < until && write.name.as_deref().is_some_and(about))
        .map(|write| write.at)
        .max()
        .unwrap()
}

/// The first write of every client comes after the last old pod of each of its servers.
fn nothing_was_applied_early(history: &History, namespace: &str, since: Timestamp) {
    let first_writes = first_writes(history, since);
    let rolls = oracle::rolls(history, namespace, since);
    for (first, then) in BOUTIQUE {
        let server = rolls.iter().find(|roll| roll.service == first).unwrap();
        let (gone, written) = (server.last_old_gone.unwrap(), first_writes[then]);
        assert!(
            gone < written,
            "{then} was written at {written}, {first} was done at {gone}"
        );
    }
}

#[tokio::test]
async fn a_release_waits_for_an_api_server_that_is_gone_and_goes_on() {
    let cluster = devcluster::start(Options::default(), &Progress::silent())
        .await
        .unwrap();
    let space = Space::on(&cluster, "gone").await;
    space.run(&pair(1)).await.with_code(0);
    let since = Timestamp::now();
    let running = space.start_run(&pair(2).steer("server", "ready-delay", "3s"));
    space
        .until("pair-2", "a server that moves", |status| {
            state_of(status, "server") == "Moving"
        })
        .await;
    cluster.pause_api_server().unwrap();
    eventually("the word that the API server is gone", async || {
        running.stderr().contains("does not answer").then_some(())
    })
    .await;
    // Longer than the lease of the release lasts.
    tokio::time::sleep(Duration::from_secs(12)).await;
    cluster.resume_api_server().await.unwrap();
    // The control plane's own programs wait up to half a minute before they try again, and some twice.
    let done = running.done_within(RECOVERY).await.with_code(0);
    let told = |words: &str| done.stderr.matches(words).count();
    let said = ["does not answer", "answers again", "ERROR", "\u{1b}"].map(told);
    assert_eq!(said, [1, 1, 0, 0], "{}", done.stderr);
    let status = space.status("pair-2").await;
    assert_eq!(status.outcome.as_deref(), Some("Succeeded"));
    let history = space.history().await;
    let pair = [("server", "client")];
    let early = oracle::early_starts(&history, &space.namespace, since, &pair);
    assert_eq!(early, []);
    // The others may take their time, and say so in their last write about the server; we do not.
    let rolls = oracle::rolls(&history, &space.namespace, since);
    let server = rolls.iter().find(|roll| roll.service == "server").unwrap();
    let written = first_writes(&history, since)["client"];
    let told = last_word(&history, "server", since, written);
    let late = written.duration_since(told.max(server.last_old_gone.unwrap()));
    assert!(late < SignedDuration::from_secs(10), "{late:#} late");
    cluster.stop().await.unwrap();
}
