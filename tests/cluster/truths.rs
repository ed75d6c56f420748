//! Real rollouts, written down for the simulator, which must do the same: `crates/controller/src/sim/truths/`.
//!
//! In: how a workload is set up, and what is changed in it. Out: for each a file of lines ([`super::stored`]).

use std::path::Path;
use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};

use crate::files::{STEER, service, workload};
use crate::histories::Recorder;
use crate::looks::kinds;
use crate::stored::lines;
use crate::support::{Space, eventually};

/// Nothing more comes of a change once so long nothing has happened: more than a pod takes to become ready, or to end.
const QUIET: Duration = Duration::from_secs(6);
/// In the middle of a rollout.
const MIDDLE: Duration = Duration::from_millis(1_200);

/// A name, a kind, what runs, and what is applied one after the other. Of Deployments what runs has replicas, surge and
/// unavailable pods; no surge at all is `Recreate`. `never`: its pods do not become ready.
const ROLLOUTS: &str = "
deployment-one-pod: Deployment replicas=1 surge=25% unavailable=25% | tag=2
deployment-three-pods: Deployment replicas=3 surge=25% unavailable=25% | tag=2
deployment-ten-pods: Deployment replicas=10 surge=25% unavailable=25% | tag=2
deployment-surge-2-unavailable-1: Deployment replicas=5 surge=2 unavailable=1 | tag=2
deployment-unavailable-1: Deployment replicas=4 surge=0 unavailable=1 | tag=2
deployment-unavailable-2: Deployment replicas=4 surge=0 unavailable=2 | tag=2
deployment-all-at-once: Deployment replicas=3 surge=100% unavailable=0 | tag=2
deployment-recreate: Deployment replicas=3 | tag=2
deployment-recreate-back-in-the-middle: Deployment replicas=2 | tag=2 | tag=1
deployment-scaled-up: Deployment replicas=2 surge=25% unavailable=25% | replicas=5
deployment-scaled-down: Deployment replicas=5 surge=25% unavailable=25% | replicas=2
deployment-rolled-and-scaled-up: Deployment replicas=2 surge=1 unavailable=0 | tag=2 replicas=4
deployment-rolled-and-scaled-down: Deployment replicas=4 surge=1 unavailable=0 | tag=2 replicas=2
deployment-scaled-in-the-middle: Deployment replicas=4 surge=1 unavailable=0 | tag=2 | tag=2 replicas=6
deployment-back-in-the-middle: Deployment replicas=3 surge=25% unavailable=25% | tag=2 | tag=1
deployment-a-third-in-the-middle: Deployment replicas=3 surge=25% unavailable=25% | tag=2 | tag=3
deployment-never-ready: Deployment replicas=3 surge=25% unavailable=25% | tag=2 never=true
deployment-never-ready-then-mended: Deployment replicas=3 surge=25% unavailable=25% | tag=2 never=true | tag=3
stateful-set-one-pod: StatefulSet replicas=1 | tag=2
stateful-set-three-pods: StatefulSet replicas=3 | tag=2
stateful-set-scaled-up: StatefulSet replicas=2 | replicas=4
stateful-set-scaled-down: StatefulSet replicas=4 | replicas=2
stateful-set-rolled-and-scaled-up: StatefulSet replicas=2 | tag=2 replicas=3
stateful-set-back-in-the-middle: StatefulSet replicas=3 | tag=2 | tag=1
stateful-set-never-ready: StatefulSet replicas=3 | tag=2 never=true
daemon-set-rolled: DaemonSet | tag=2
daemon-set-back-in-the-middle: DaemonSet | tag=2 | tag=1
daemon-set-never-ready: DaemonSet | tag=2 never=true
job: Job
";

/// The workload with what some words say of it, the later ones first.
fn with(kind: &str, words: &str) -> Value {
    let said = |key: &str| {
        let mut pairs = words
            .split(' ')
            .rev()
            .filter_map(|word| word.split_once('='));
        pairs
            .find(|(known, _)| *known == key)
            .map(|(_, value)| value)
    };
    let number = |text: &str| {
        text.parse::<u32>()
            .map_or_else(|_| json!(text), |it| json!(it))
    };
    let mut object = workload(kind, "web", said("tag").unwrap_or("1"));
    let mut steers = json!({
        format!("{STEER}/ready-delay"): "600ms",
        format!("{STEER}/termination-delay"): "2s",
    });
    if said("never").is_some() {
        steers[format!("{STEER}/ready")] = json!("never");
    }
    object["spec"]["template"]["metadata"]["annotations"] = steers;
    if let Some(replicas) = said("replicas") {
        object["spec"]["replicas"] = number(replicas);
    }
    match kind {
        "Deployment" => {
            object["spec"]["strategy"] = match said("surge").zip(said("unavailable")) {
                Some((surge, unavailable)) => json!({"rollingUpdate": {
                    "maxSurge": number(surge),
                    "maxUnavailable": number(unavailable),
                }}),
                None => json!({"type": "Recreate"}),
            };
        }
        "StatefulSet" => object["spec"]["serviceName"] = json!("web"),
        "Job" => {
            object["apiVersion"] = json!("batch/v1");
            object["spec"]["template"]["spec"]["restartPolicy"] = json!("Never");
            let spec = object["spec"].as_object_mut().unwrap();
            spec.remove("replicas");
            spec.remove("selector");
        }
        _ => {}
    }
    object
}

async fn apply(space: &Space, object: &Value) {
    let kinds = kinds();
    let mut kinds = kinds.iter();
    let resource = kinds.find(|kind| object["kind"] == kind.kind).unwrap();
    let api: Api<DynamicObject> =
        Api::namespaced_with(space.client.clone(), &space.namespace, resource);
    let parameters = PatchParams::apply("tidegate");
    let patch = Patch::Apply(object);
    api.patch("web", &parameters, &patch).await.unwrap();
}

async fn at_rest(recorder: &Recorder) {
    eventually("nothing happens any more", async || {
        (recorder.silent_for() > QUIET).then_some(())
    })
    .await;
}

/// Drives one rollout to its end. Out: its name and its lines.
async fn record(rollout: &str) -> (String, String) {
    let (name, rest) = rollout.split_once(": ").unwrap();
    let mut steps = rest.split(" | ");
    let before = steps.next().unwrap();
    let kind = before.split(' ').next().unwrap();
    let space = Space::new(name).await;
    space.create::<Service>(service("web")).await;
    let mut recorder = Recorder::start(&space, &kinds()).await;
    apply(&space, &with(kind, before)).await;
    at_rest(&recorder).await;
    let changes: Vec<&str> = steps.collect();
    if !changes.is_empty() {
        recorder = Recorder::start(&space, &kinds()).await;
    }
    for (index, change) in changes.iter().enumerate() {
        if index > 0 {
            tokio::time::sleep(MIDDLE).await;
        }
        apply(&space, &with(kind, &format!("{before} {change}"))).await;
    }
    at_rest(&recorder).await;
    (name.to_owned(), lines(&recorder.end()))
}

/// All at once; kept where somebody asks for that: `TIDEGATE_TRUTHS=crates/controller/src/sim/truths`.
#[tokio::test]
async fn what_real_controllers_do_is_written_down_for_the_simulator() {
    let folder = std::env::var("TIDEGATE_TRUTHS").ok();
    let rollouts = ROLLOUTS.trim().lines().map(record);
    for (name, lines) in futures::future::join_all(rollouts).await {
        assert!(
            lines.lines().any(|line| line.starts_with("then ")),
            "{name}"
        );
        if let Some(folder) = &folder {
            std::fs::write(Path::new(folder).join(format!("{name}.txt")), lines).unwrap();
        }
    }
}
