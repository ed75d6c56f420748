//! The controller: it takes up what others made, acts as the plan's account, and is silent when there is nothing to do.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Event;
use kube::ResourceExt;
use serde_json::json;

use crate::accounts::{rights_of_a_plan, rights_of_the_controller};
use crate::files::{Files, pair};
use crate::support::{Running, Space, eventually, is_own_workload_write, program};

/// How long nothing may happen.
const REST: Duration = Duration::from_secs(20);

pub(crate) fn files(version: u32) -> Files {
    pair(version).set(
        ("ReleasePlan", "pair"),
        "spec/serviceAccountName",
        json!("deployer"),
    )
}

/// The controller of one namespace, as an account that may not write workloads.
pub(crate) struct Controller {
    pub(crate) running: Running,
    address: SocketAddr,
    _kubeconfig: tempfile::TempDir,
}

impl Controller {
    async fn start(space: &Space) -> Self {
        Self::start_with(space, &[]).await
    }

    /// With further arguments.
    pub(crate) async fn start_with(space: &Space, arguments: &[&str]) -> Self {
        space.account("tidegate", &rights_of_the_controller()).await;
        Self::start_in(space, space, arguments).await
    }

    /// As the account `tidegate` of one namespace, for the releases of another.
    pub(crate) async fn start_in(system: &Space, space: &Space, arguments: &[&str]) -> Self {
        let (folder, kubeconfig) = system.kubeconfig_of("tidegate").await;
        // Free a moment ago, which must do.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let mut command = program(&kubeconfig, &["controller"]);
        command.args(arguments);
        command.args(["--watch-namespace", &space.namespace]);
        command.args(["--listen", &address.to_string(), "--web", "none"]);
        Self {
            running: Running::start(command, None),
            address,
            _kubeconfig: folder,
        }
    }

    /// The status line and the text of a page; `None` while nobody listens.
    pub(crate) fn get(&self, path: &str) -> Option<(String, String)> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        let request = format!("GET {path} HTTP/1.0\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.lines().next()?.to_owned(), body.to_owned()))
    }

    /// How many requests to the API server it has counted.
    fn requests(&self) -> u64 {
        let (_, metrics) = self.get("/metrics").unwrap();
        let counted = metrics
            .lines()
            .filter(|line| line.starts_with("tidegate_api_requests_total"));
        counted
            .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
            .sum()
    }
}

#[tokio::test]
async fn the_controller_drives_a_release_as_the_plans_account_and_is_silent_afterwards() {
    let space = Space::new("controller").await;
    space
        .account("deployer", &rights_of_a_plan(&["create", "patch"]))
        .await;
    let controller = Controller::start(&space).await;
    for version in [1, 2] {
        let folder = files(version).folder();
        let path = folder.path().display().to_string();
        let detached = space.tidegate(&["run", "-f", &path, "--detach"]).await;
        let name = format!("pair-{version}");
        assert_eq!(
            detached.with_code(0).stdout.trim(),
            format!("release.tidegate.dev/{name}")
        );
        space
            .until(&name, "the end of the release", |status| {
                status.outcome.as_deref() == Some("Succeeded")
            })
            .await;
    }
    pages_answer(&controller);
    people_are_told(&space).await;
    everything_was_done_as_the_account(&space).await;
    nothing_happens_at_rest(&space, &controller).await;
    controller.running.kill().await;
}

fn pages_answer(controller: &Controller) {
    for path in ["/healthz", "/readyz"] {
        let (status, body) = controller.get(path).unwrap();
        assert_eq!((status.as_str(), body.trim()), ("HTTP/1.0 200 OK", "ok"));
    }
    let (_, metrics) = controller.get("/metrics").unwrap();
    for line in [
        "tidegate_releases_total{outcome=\"Succeeded\",plan=\"pair\"} 2",
        "tidegate_gate_wait_seconds_count{plan=\"pair\",service=\"client\"} 2",
        "tidegate_wave_seconds_count{plan=\"pair\",wave=\"2\"} 2",
    ] {
        assert!(metrics.contains(line), "{line}?\n{metrics}");
    }
}

/// Events on the release tell what `kubectl describe` shows.
async fn people_are_told(space: &Space) {
    let wanted = ["Planned", "WaveStarted", "WaveDone", "ServiceDone", "Ended"];
    eventually("the Events of the release", async || {
        let events: Vec<Event> = space.list().await;
        let about = events.iter().filter(|event| {
            event.involved_object.kind.as_deref() == Some("Release")
                && event.involved_object.name.as_deref() == Some("pair-2")
        });
        let reasons: Vec<&str> = about.filter_map(|event| event.reason.as_deref()).collect();
        wanted
            .iter()
            .all(|reason| reasons.contains(reason))
            .then_some(())
    })
    .await;
}

/// The controller's own account touches tidegate's objects only.
async fn everything_was_done_as_the_account(space: &Space) {
    let history = space.history().await;
    let (controller, deployer) = (space.user("tidegate"), space.user("deployer"));
    let writes = history
        .writes
        .iter()
        .filter(|write| is_own_workload_write(write));
    let mut count = 0;
    for write in writes {
        count += 1;
        assert_eq!(write.impersonated_user.as_deref(), Some(deployer.as_str()));
    }
    assert!(count >= 4, "{count} writes of workloads");
    let own = ["tidegate.dev", "coordination.k8s.io", "events.k8s.io"];
    for write in history
        .writes
        .iter()
        .filter(|write| write.user == controller)
    {
        let is_impersonated = write.impersonated_user.as_deref() == Some(deployer.as_str());
        assert!(
            is_impersonated || own.contains(&write.group.as_str()),
            "{write:?}"
        );
    }
    for read in history.reads.iter().filter(|read| read.user == controller) {
        let is_impersonated = read.impersonated_user.as_deref() == Some(deployer.as_str());
        let is_own = own.contains(&read.group.as_str()) || read.resource == "secrets";
        assert!(is_impersonated || is_own, "{read:?}");
    }
}

async fn lease_versions(space: &Space) -> BTreeMap<String, String> {
    let leases = space.list::<Lease>().await.into_iter();
    leases
        .map(|lease| (lease.name_any(), lease.resource_version().unwrap()))
        .collect()
}

async fn nothing_happens_at_rest(space: &Space, controller: &Controller) {
    let user = space.user("tidegate");
    // Plans: whether they are usable, whether they have a source, and whether somebody else changes what they released,
    // which takes the releases once more, and as the plan's account the objects themselves.
    let own_watches = [
        "deployments",
        "releaseplans",
        "releaseplans",
        "releaseplans",
        "releases",
        "releases",
        "servicegraphs",
        "services",
    ];
    eventually("the end of a release's watches", async || {
        let open = space.open_watches(&user).await;
        (open == own_watches).then_some(())
    })
    .await;
    let (leases, requests) = (lease_versions(space).await, controller.requests());
    let writes = space.history().await.writes.len();
    tokio::time::sleep(REST).await;
    assert_eq!(controller.requests(), requests);
    assert_eq!(lease_versions(space).await, leases);
    assert_eq!(space.open_watches(&user).await, own_watches);
    let history = space.history().await;
    let mut later = history.writes.iter().skip(writes);
    assert_eq!(
        later.find(|write| write.user_agent.starts_with("tidegate/")),
        None
    );
}
