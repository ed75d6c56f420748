//! The order of waves and the length of waits, judged from the API server's own history.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::Deployment;

use crate::files::{Files, pair};
use crate::support::{
    Space, condition, eventually, is_own_workload_write, is_rolled_out, service_status, state_of,
    waves,
};

/// The fourteen calls of Online Boutique: the callee, and the caller that must wait for it.
pub(crate) const BOUTIQUE: [(&str, &str); 14] = [
    ("productcatalog", "checkout"),
    ("shipping", "checkout"),
    ("payment", "checkout"),
    ("email", "checkout"),
    ("currency", "checkout"),
    ("cart", "checkout"),
    ("productcatalog", "recommendation"),
    ("productcatalog", "frontend"),
    ("currency", "frontend"),
    ("cart", "frontend"),
    ("recommendation", "frontend"),
    ("shipping", "frontend"),
    ("checkout", "frontend"),
    ("ad", "frontend"),
];

/// Pods end later than a gate settles, so that one that does not wait for them is caught.
fn example(folder: &str) -> Files {
    Files::example(folder).at_pace(("300ms", "4s"))
}

#[tokio::test]
async fn online_boutique_moves_in_three_waves_and_no_client_starts_early() {
    let (ordered, naive) = tokio::join!(ordered(), naive());
    assert_eq!(ordered, Vec::<String>::new());
    assert!(!naive.is_empty(), "the check has no teeth");
}

/// Early starts of an ordered release.
async fn ordered() -> Vec<String> {
    let space = Space::new("boutique").await;
    space.run(&example("online-boutique/v1")).await.with_code(0);
    let since = Timestamp::now();
    space.run(&example("online-boutique/v2")).await.with_code(0);
    let status = space.status("online-boutique-2").await;
    assert_eq!(status.outcome.as_deref(), Some("Succeeded"));
    let leaves = vec![
        "ad",
        "cart",
        "currency",
        "email",
        "payment",
        "productcatalog",
        "shipping",
    ];
    let after = [vec!["checkout", "recommendation"], vec!["frontend"]];
    assert_eq!(waves(&status), [&[leaves], &after[..]].concat());
    let mut precedences: Vec<(&str, &str)> = status
        .waves
        .iter()
        .flat_map(|wave| &wave.services)
        .flat_map(|then| {
            let firsts = then.after.iter().map(String::as_str);
            firsts.map(|first| (first, then.name.as_str()))
        })
        .collect();
    precedences.sort_unstable();
    let mut expected = BOUTIQUE.to_vec();
    expected.sort_unstable();
    assert_eq!(precedences, expected);
    space.early_starts(since, &BOUTIQUE).await
}

/// Early starts where everything is applied at once.
async fn naive() -> Vec<String> {
    let space = Space::new("naive").await;
    space
        .apply_as("kubectl", &example("online-boutique/v1"))
        .await;
    space.until_rolled_out().await;
    let since = Timestamp::now();
    space
        .apply_as("kubectl", &example("online-boutique/v2"))
        .await;
    space.until_rolled_out().await;
    space.early_starts(since, &BOUTIQUE).await
}

#[tokio::test]
async fn a_server_that_ends_slowly_holds_its_client_and_everybody_names_the_old_pods() {
    let space = Space::new("slow-end").await;
    let slow = |version| pair(version).steer("server", "termination-delay", "20s");
    space.run(&slow(1)).await.with_code(0);
    let old = space.pod_names("server").await;
    assert_eq!(old.len(), 2);
    let since = Timestamp::now();
    let running = space.start_run(&slow(2));
    eventually("the rollout of the new server", async || {
        let server = space.deployment("server").await;
        let is_new = server.metadata.generation > Some(1);
        (is_new && is_rolled_out(&server)).then_some(())
    })
    .await;
    let rolled_out = (Timestamp::now(), Instant::now());
    everybody_names(&space, &old).await;
    let client: Deployment = space.deployment("client").await;
    assert_eq!(client.metadata.generation, Some(1));
    assert!(rolled_out.1.elapsed() < Duration::from_secs(10));
    running.done().await.with_code(0);

    let history = space.history().await;
    let start = history.successful().find(|write| {
        is_own_workload_write(write) && write.name.as_deref() == Some("client") && write.at >= since
    });
    let held = start.unwrap().received.duration_since(rolled_out.0);
    assert!(held > SignedDuration::from_secs(15), "held for {held:#}");
    let early = space.early_starts(since, &[("server", "client")]).await;
    assert_eq!(early, Vec::<String>::new());
}

/// Waits until the release and `tidegate why` name every old pod.
async fn everybody_names(space: &Space, pods: &[String]) {
    let all_in = |text: &str| pods.iter().all(|pod| text.contains(pod));
    space
        .until("pair-2", "the names of the old pods", |status| {
            let server = service_status(status, "server");
            let message = server.map_or("", |server| server.message.as_str());
            all_in(message) && all_in(condition(status, "Ready").1)
        })
        .await;
    for service in ["server", "client"] {
        let why = space.tidegate(&["why", service]).await.with_code(0);
        assert!(all_in(&why.stdout), "{}", why.stdout);
    }
}

#[tokio::test]
async fn a_server_that_drops_a_version_waits_for_its_client() {
    let space = Space::new("drop-version").await;
    space.run(&example("drop-version/v1")).await.with_code(0);
    let since = Timestamp::now();
    space.run(&example("drop-version/v2")).await.with_code(0);
    let status = space.status("drop-version-2").await;
    assert_eq!(waves(&status), [["client"], ["server"]]);
    let early = space.early_starts(since, &[("client", "server")]).await;
    assert_eq!(early, Vec::<String>::new());
}

#[tokio::test]
async fn a_client_of_a_new_version_waits_for_its_server() {
    let space = Space::new("rpc-upgrade").await;
    space.run(&example("rpc-upgrade/v1")).await.with_code(0);
    let since = Timestamp::now();
    space.run(&example("rpc-upgrade/v2")).await.with_code(0);
    let status = space.status("rpc-upgrade-2").await;
    assert_eq!(waves(&status), [["server"], ["client"]]);
    assert_eq!(state_of(&status, "client"), "Done");
    let early = space.early_starts(since, &[("server", "client")]).await;
    assert_eq!(early, Vec::<String>::new());
}
