//! The real control plane, started once for all tests but those that end it.

#[cfg(test)]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use devcluster::{Extras, KUBERNETES_VERSION, Options, Progress, audit, oracle};
use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::ApiResource;
use serde_json::json;

use support::{
    SHARED, Space, apply_web, container, eventually, is_ready, processes_in, wait_for_web, waiting,
};

#[tokio::test]
async fn the_cluster_has_the_version_and_the_nodes_that_it_should_have() {
    let cluster = SHARED.get().await.unwrap();
    println!("started in {:.1} s", cluster.started_in().as_secs_f64());
    assert!(cluster.started_in() < Duration::from_secs(15));
    let client = Client::try_from(cluster.config().await.unwrap()).unwrap();
    assert_eq!(
        client.apiserver_version().await.unwrap().git_version,
        KUBERNETES_VERSION
    );
    let nodes = Api::<Node>::all(client)
        .list(&ListParams::default())
        .await
        .unwrap();
    assert_eq!(nodes.items.len(), 3);
    assert!(cluster.server_url().starts_with("https://127.0.0.1:"));
    assert!(cluster.authority().contains("BEGIN CERTIFICATE"));
}

#[tokio::test]
async fn a_rolling_deployment_honours_the_delays_and_the_audit_log_tells_all() {
    let space = Space::new().await;
    space
        .create::<Service>(json!({
            "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
        }))
        .await;
    apply_web(&space, "1").await;
    wait_for_web(&space, "1").await;
    let addresses: BTreeSet<String> = space
        .pods()
        .await
        .into_iter()
        .map(|pod| pod.status.unwrap().pod_ip.unwrap())
        .collect();
    assert_eq!(addresses.len(), 3);

    let since = Timestamp::now();
    apply_web(&space, "2").await;
    eventually("an endpoint that ends and still serves", async || {
        let slices = space
            .api::<EndpointSlice>()
            .list(&ListParams::default())
            .await
            .ok()?;
        slices
            .iter()
            .flat_map(|slice| slice.endpoints.iter().flatten())
            .filter_map(|endpoint| endpoint.conditions.clone())
            .find(|conditions| {
                conditions.terminating == Some(true) && conditions.serving == Some(true)
            })
    })
    .await;
    wait_for_web(&space, "2").await;

    let history = audit::read(SHARED.get().await.unwrap().audit_log()).unwrap();
    the_log_tells_of_the_roll(&history, &space.namespace, since);
}

#[cfg(test)]
fn the_log_tells_of_the_roll(history: &audit::History, namespace: &str, since: Timestamp) {
    let applied = history.successful().find(|write| {
        write.resource == "deployments"
            && write.namespace.as_deref() == Some(namespace)
            && write.at >= since
            && write.field_manager.as_deref() == Some("test-manager")
    });
    assert_eq!(applied.unwrap().user, "admin");
    let lives = oracle::lives(history, namespace);
    assert_eq!(lives.len(), 6);
    let ended: Vec<_> = lives
        .iter()
        .filter_map(|life| life.gone.zip(life.asked_to_end))
        .collect();
    assert_eq!(ended.len(), 3);
    for (gone, asked) in ended {
        let took = gone.at.duration_since(asked).as_secs_f64();
        assert!((3.5..6.0).contains(&took), "termination took {took} s");
    }
    assert_eq!(lives[0].owners.last().unwrap().kind, "Deployment");
    let rolls = oracle::rolls(history, namespace, since);
    assert_eq!(rolls.len(), 1);
    assert!(rolls[0].last_old_gone.unwrap() > rolls[0].first_new_created);
    // Every new pod of a rolling update but the last starts while old ones live.
    let early = oracle::early_starts(history, namespace, since, &[("web", "web")]);
    assert!(!early.is_empty());
    assert!(
        history
            .reads
            .iter()
            .any(|read| read.user == "admin" && read.verb == "list")
    );
    assert!(
        history
            .reads
            .iter()
            .all(|read| !read.user.starts_with("system:kube-"))
    );
}

#[tokio::test]
async fn readiness_comes_after_its_delay() {
    let space = Space::new().await;
    space
        .create_pod("slow", json!({"devcluster.tidegate.dev/ready-delay": "3s"}))
        .await;
    let scheduled = eventually("the node", async || {
        let pod = space.api::<Pod>().get("slow").await.ok()?;
        pod.spec?.node_name.map(|_| Instant::now())
    })
    .await;
    eventually("readiness", async || {
        is_ready(&space.api::<Pod>().get("slow").await.ok()?).then_some(())
    })
    .await;
    let took = scheduled.elapsed().as_secs_f64();
    assert!((2.5..5.0).contains(&took), "readiness took {took} s");
}

#[tokio::test]
async fn failures_give_the_reasons_and_messages_of_a_kubelet() {
    let space = Space::new().await;
    for failure in [
        "ImagePullBackOff",
        "CreateContainerConfigError",
        "CrashLoopBackOff",
    ] {
        let annotations = json!({"devcluster.tidegate.dev/failure": failure});
        space.create_pod(&failure.to_lowercase(), annotations).await;
    }
    let of = async |name: &str, restarts: i32| {
        eventually(name, async || {
            let pod = space.api::<Pod>().get(name).await.ok()?;
            waiting(&pod).filter(|(_, _, count)| *count >= restarts)
        })
        .await
    };
    let (reason, message, _) = of("imagepullbackoff", 0).await;
    assert_eq!(reason, "ImagePullBackOff");
    assert!(message.starts_with("Back-off pulling image \"registry/app:2\": ErrImagePull: "));
    assert!(message.ends_with("registry/app:2: not found"));
    let (reason, message, _) = of("createcontainerconfigerror", 0).await;
    assert_eq!(reason, "CreateContainerConfigError");
    assert_eq!(message, "configmap \"app-config\" not found");
    let (reason, message, _) = of("crashloopbackoff", 1).await;
    assert_eq!(reason, "CrashLoopBackOff");
    assert!(
        message.starts_with("back-off 10s restarting failed container=app pod="),
        "{message}"
    );
}

#[tokio::test]
async fn a_pod_is_never_ready_until_its_annotation_is_taken_away() {
    let space = Space::new().await;
    space
        .create_pod("never", json!({"devcluster.tidegate.dev/ready": "never"}))
        .await;
    // Made later, ready earlier: by then the first one would have been ready too.
    eventually("the pod to run", async || {
        let pod = space.api::<Pod>().get("never").await.ok()?;
        (pod.status?.phase? == "Running").then_some(())
    })
    .await;
    space
        .create_pod(
            "other",
            json!({"devcluster.tidegate.dev/ready-delay": "2s"}),
        )
        .await;
    eventually("the other pod", async || {
        is_ready(&space.api::<Pod>().get("other").await.ok()?).then_some(())
    })
    .await;
    assert!(!is_ready(&space.api::<Pod>().get("never").await.unwrap()));
    let key = "devcluster.tidegate.dev/ready";
    for (value, ready) in [(json!(null), true), (json!("never"), false)] {
        let patch = json!({"metadata": {"annotations": {key: value}}});
        let patch = Patch::Merge(patch);
        space
            .api::<Pod>()
            .patch("never", &PatchParams::default(), &patch)
            .await
            .unwrap();
        eventually("the change of readiness", async || {
            (is_ready(&space.api::<Pod>().get("never").await.ok()?) == ready).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn jobs_complete_or_fail() {
    let space = Space::new().await;
    for (name, annotations) in [
        ("good", json!({})),
        ("bad", json!({"devcluster.tidegate.dev/job": "fail"})),
    ] {
        space
            .create::<Job>(json!({
                "metadata": {"name": name},
                "spec": {"backoffLimit": 0, "template": {
                    "metadata": {"annotations": annotations},
                    "spec": {"restartPolicy": "Never", "containers": [container("job")]},
                }},
            }))
            .await;
    }
    for (name, condition) in [("good", "Complete"), ("bad", "Failed")] {
        eventually(condition, async || {
            let job = space.api::<Job>().get(name).await.ok()?;
            let conditions = job.status?.conditions?;
            conditions
                .into_iter()
                .find(|found| found.type_ == condition && found.status == "True")
        })
        .await;
    }
    let history = audit::read(SHARED.get().await.unwrap().audit_log()).unwrap();
    let lives = oracle::lives(&history, &space.namespace);
    assert!(
        lives.iter().all(|life| life.gone.is_some()),
        "finished pods are gone"
    );
    space
        .api::<Job>()
        .delete("good", &DeleteParams::background())
        .await
        .unwrap();
    eventually("the finished pod to go, finalizer or not", async || {
        let pods = space.pods().await;
        pods.iter()
            .all(|pod| !pod.metadata.name.as_ref().unwrap().starts_with("good"))
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_api_server_can_go_and_come_back_and_a_stopped_cluster_leaves_nothing() {
    let cluster = devcluster::start(Options::default(), &Progress::lines())
        .await
        .unwrap();
    let folder = cluster.data_folder().to_path_buf();
    let client = Client::try_from(cluster.config().await.unwrap()).unwrap();
    // etcd, three of Kubernetes, KWOK, and the supervisor.
    assert_eq!(processes_in(&folder).len(), 6);
    cluster.pause_api_server().unwrap();
    assert_eq!(processes_in(&folder).len(), 5);
    cluster.resume_api_server().await.unwrap();
    // All the others find their way back to it.
    let space = Space {
        client,
        namespace: "default".to_owned(),
    };
    space.create_pod("after", json!({})).await;
    eventually("a pod after the pause", async || {
        is_ready(&space.api::<Pod>().get("after").await.ok()?).then_some(())
    })
    .await;
    let pids = cluster.pids();
    cluster.stop().await.unwrap();
    assert_eq!(processes_in(&folder), BTreeMap::new());
    assert!(
        pids.values()
            .all(|pid| !Path::new(&format!("/proc/{pid}")).exists())
    );
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_killed_owner_leaves_no_process_and_no_file() {
    let mut owner = Command::new(env!("CARGO_BIN_EXE_devcluster"))
        .args(["up", "--nodes", "1"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(owner.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let kubeconfig = PathBuf::from(line.trim().strip_prefix("export KUBECONFIG=").unwrap());
    let folder = kubeconfig.parent().unwrap();
    assert_eq!(processes_in(folder).len(), 6);
    // `Child::kill` is SIGKILL: nothing of the owner's own code runs any more.
    owner.kill().unwrap();
    owner.wait().unwrap();
    eventually("the processes to end", async || {
        processes_in(folder).is_empty().then_some(())
    })
    .await;
    eventually("the folder to go", async || {
        (!folder.exists()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_argo_controller_rolls_and_marks_its_revisions() {
    let options = Options {
        extras: Extras {
            argo_rollouts: true,
            ..Extras::default()
        },
        nodes: 1,
        ..Options::default()
    };
    let cluster = devcluster::start(options, &Progress::lines())
        .await
        .unwrap();
    let client = Client::try_from(cluster.config().await.unwrap()).unwrap();
    let kind = ApiResource {
        group: "argoproj.io".to_owned(),
        version: "v1alpha1".to_owned(),
        api_version: "argoproj.io/v1alpha1".to_owned(),
        kind: "Rollout".to_owned(),
        plural: "rollouts".to_owned(),
    };
    let rollouts: Api<DynamicObject> = Api::default_namespaced_with(client, &kind);
    let since = Timestamp::now();
    for version in ["1", "2"] {
        let rollout = json!({
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Rollout",
            "metadata": {"name": "web"},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": {"app": "web"}},
                "strategy": {"canary": {}},
                "template": {
                    "metadata": {"labels": {"app": "web"}, "annotations": {"version": version}},
                    "spec": {"containers": [container("web")]},
                },
            },
        });
        let parameters = PatchParams::apply("test-manager");
        let applied = rollouts
            .patch("web", &parameters, &Patch::Apply(rollout))
            .await
            .unwrap();
        eventually("the rollout to be healthy", async || {
            let seen = rollouts.get("web").await.ok()?;
            let status = seen.data.get("status")?;
            let observed: i64 = status.get("observedGeneration")?.as_str()?.parse().ok()?;
            let is_new = observed >= applied.metadata.generation?;
            (is_new && status.get("phase")?.as_str()? == "Healthy").then_some(())
        })
        .await;
    }
    let history = audit::read(cluster.audit_log()).unwrap();
    let rolls = oracle::rolls(&history, "default", since);
    assert_eq!(rolls.len(), 1);
    let lives = oracle::lives(&history, "default");
    let revisions: BTreeSet<&str> = lives.iter().map(|life| life.revision.as_str()).collect();
    assert_eq!(revisions.len(), 2);
    assert_eq!(lives[0].owners.last().unwrap().kind, "Rollout");
    cluster.stop().await.unwrap();
}
