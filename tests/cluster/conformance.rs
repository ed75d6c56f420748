//! A real rollout of each kind, judged at every look by tidegate's gate and by what others would say.
//!
//! Each test drives one rollout on the real controllers, with pods that end slowly, and asserts the verdicts in their
//! order. `make side-by-side` runs them all and prints the table of docs/side-by-side.md.

use std::slice::from_ref;
use std::time::Duration;

use devcluster::{Extras, Options, Shared};
use k8s_openapi::api::core::v1::Service;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use tidegate::upgrade::gate::Gate;

use crate::files::{STEER, service, workload};
use crate::histories::{History, Recorder, judged};
use crate::looks::{PATIENCE, Rollout, Watched, alive};
use crate::support::Space;

/// A version of a workload whose pods take their time.
pub(crate) fn version(kind: &str, tag: &str) -> Value {
    let mut object = workload(kind, "web", tag);
    if kind != "DaemonSet" {
        object["spec"]["replicas"] = json!(3);
    }
    if kind == "StatefulSet" {
        object["spec"]["serviceName"] = json!("web");
    }
    object["spec"]["template"]["metadata"]["annotations"] = json!({
        format!("{STEER}/ready-delay"): "500ms",
        format!("{STEER}/termination-delay"): "3s",
    });
    object
}

/// Rolls a workload that runs to its next version; `change` is done to both.
async fn roll(
    (space, situation): (&Space, &str),
    kind: &'static str,
    change: impl Fn(&mut Value),
    at_most: Duration,
) -> Watched {
    let rollout = Rollout::of(space, kind);
    let [old, new] = ["1", "2"].map(|tag| {
        let mut object = version(kind, tag);
        change(&mut object);
        object
    });
    space.create::<Service>(service("web")).await;
    begin(&rollout, from_ref(&old), PATIENCE).await;
    follow((space, situation), &rollout, from_ref(&new), at_most).await
}

/// Brings the first version until its gate is open.
pub(crate) async fn begin(rollout: &Rollout<'_>, first: &[Value], at_most: Duration) {
    let first = rollout.watch(first, at_most).await;
    assert!(
        first.looks.iter().any(|(_, look)| look.is_open),
        "{:?}",
        first.verdicts()
    );
}

/// Brings the next version, and keeps what the API server told of it.
pub(crate) async fn follow(
    (space, situation): (&Space, &str),
    rollout: &Rollout<'_>,
    next: &[Value],
    at_most: Duration,
) -> Watched {
    let recorder = Recorder::start(space, &rollout.kinds).await;
    let watched = rollout.watch(next, at_most).await;
    println!("{}", watched.row(situation));
    let history = recorder.end().since(watched.applied_at());
    never_open_at_any_state(&history, &watched, &rollout.name());
    keep(&history, &watched, situation);
    watched
}

/// The same at every state that the API server has stored, also between two looks.
#[track_caller]
fn never_open_at_any_state(history: &History, watched: &Watched, workload: &str) {
    history.replay(|state, change| {
        let told = judged(state.values(), &watched.records, workload);
        let is_open = told.is_some_and(|told| told.gate() == Gate::Open);
        let values: Vec<Value> = state.values().cloned().collect();
        let old = alive(&values).intersection(&watched.old).count();
        assert!(!is_open || old == 0, "{old} old pods: {change:?}");
    });
}

/// Writes the history down for the gate's own tests, where somebody asks for that: `TIDEGATE_HISTORIES=folder`.
fn keep(history: &History, watched: &Watched, situation: &str) {
    let Ok(folder) = std::env::var("TIDEGATE_HISTORIES") else {
        return;
    };
    let words = situation.to_lowercase();
    let words = words.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let file = words.join("-");
    let path = std::path::Path::new(&folder).join(format!("{file}.jsonl"));
    std::fs::write(path, history.scrubbed(&watched.records)).unwrap();
}

#[tokio::test]
async fn a_deployment_is_complete_long_before_its_old_pods_are_gone() {
    let space = Space::new("deployment").await;
    let watched = roll(
        (&space, "Deployment, rolling"),
        "Deployment",
        |_| {},
        PATIENCE,
    )
    .await;
    watched.never_open_beside_an_old_pod();
    let verdicts = watched.verdicts();
    assert!(verdicts.contains(&"Progressing Updating"), "{verdicts:?}");
    assert!(verdicts.contains(&"Complete, Draining"), "{verdicts:?}");
    assert_eq!(verdicts.last(), Some(&"Complete, Drained"));
    for other in 0..3 {
        let early = watched
            .first(|look| look.others[other] == Some(true))
            .unwrap();
        assert!(early.1 > 0, "nobody is early any more: {early:?}");
    }
}

#[tokio::test]
async fn a_deployment_that_recreates_its_pods_is_open_once_the_new_ones_serve() {
    let space = Space::new("recreate").await;
    let recreate = |object: &mut Value| object["spec"]["strategy"] = json!({"type": "Recreate"});
    let watched = roll(
        (&space, "Deployment, `Recreate`"),
        "Deployment",
        recreate,
        PATIENCE,
    )
    .await;
    watched.never_open_beside_an_old_pod();
    assert_eq!(watched.verdicts().last(), Some(&"Complete, Drained"));
}

#[tokio::test]
async fn a_paused_deployment_is_never_open() {
    let space = Space::new("paused").await;
    let rollout = Rollout::of(&space, "Deployment");
    roll(
        (&space, "Deployment, rolling again"),
        "Deployment",
        |_| {},
        PATIENCE,
    )
    .await;
    let mut paused = version("Deployment", "3");
    paused["spec"]["paused"] = json!(true);
    let watched = rollout.watch(&[paused], Duration::from_secs(5)).await;
    println!("{}", watched.row("Deployment, paused before the change"));
    assert_eq!(watched.verdicts().last(), Some(&"Paused Paused"));
    assert_eq!(watched.first(|look| look.is_open), None);
}

#[tokio::test]
async fn a_stateful_set_moves_one_by_one_and_is_open_after_the_last_old_pod() {
    let space = Space::new("stateful-set").await;
    let watched = roll(
        (&space, "StatefulSet, rolling"),
        "StatefulSet",
        |_| {},
        PATIENCE,
    )
    .await;
    watched.never_open_beside_an_old_pod();
    let verdicts = watched.verdicts();
    assert!(verdicts.contains(&"Progressing Updating"), "{verdicts:?}");
    assert_eq!(verdicts.last(), Some(&"Complete, Drained"));
}

#[tokio::test]
async fn a_stateful_set_with_a_partition_is_paused_where_others_call_it_done() {
    let space = Space::new("partition").await;
    let partition = |object: &mut Value| {
        object["spec"]["updateStrategy"] = json!({"rollingUpdate": {"partition": 2}});
    };
    let watched = roll(
        (&space, "StatefulSet, partition 2 of 3"),
        "StatefulSet",
        partition,
        Duration::from_secs(15),
    )
    .await;
    assert_eq!(watched.verdicts().last(), Some(&"Paused Partition"));
    assert_eq!(watched.first(|look| look.is_open), None);
    for other in 0..3 {
        assert!(
            watched
                .first(|look| look.others[other] == Some(true))
                .is_some()
        );
    }
}

#[tokio::test]
async fn a_stateful_set_on_delete_is_paused() {
    let space = Space::new("sts-on-delete").await;
    let on_delete =
        |object: &mut Value| object["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
    let watched = roll(
        (&space, "StatefulSet, `OnDelete`"),
        "StatefulSet",
        on_delete,
        Duration::from_secs(5),
    )
    .await;
    assert_eq!(watched.verdicts().last(), Some(&"Paused OnDelete"));
    assert_eq!(watched.first(|look| look.is_open), None);
}

#[tokio::test]
async fn a_daemon_set_is_open_after_the_last_old_pod() {
    let space = Space::new("daemon-set").await;
    let watched = roll(
        (&space, "DaemonSet, rolling"),
        "DaemonSet",
        |_| {},
        PATIENCE,
    )
    .await;
    watched.never_open_beside_an_old_pod();
    assert_eq!(watched.verdicts().last(), Some(&"Complete, Drained"));
}

#[tokio::test]
async fn a_daemon_set_on_delete_is_paused() {
    let space = Space::new("ds-on-delete").await;
    let on_delete =
        |object: &mut Value| object["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
    let watched = roll(
        (&space, "DaemonSet, `OnDelete`"),
        "DaemonSet",
        on_delete,
        Duration::from_secs(5),
    )
    .await;
    assert_eq!(watched.verdicts().last(), Some(&"Paused OnDelete"));
    assert_eq!(watched.first(|look| look.is_open), None);
}

#[tokio::test]
async fn a_job_is_open_once_it_has_succeeded() {
    let space = Space::new("job").await;
    let rollout = Rollout::of(&space, "Job");
    let mut job = version("Job", "1");
    job["apiVersion"] = json!("batch/v1");
    job["spec"]["template"]["spec"]["restartPolicy"] = json!("Never");
    let spec = job["spec"].as_object_mut().unwrap();
    spec.remove("replicas");
    spec.remove("selector");
    let recorder = Recorder::start(&space, &rollout.kinds).await;
    let watched = rollout.watch(&[job], PATIENCE).await;
    let title = "Job";
    println!("{}", watched.row(title));
    keep(&recorder.end(), &watched, title);
    watched.never_open_beside_an_old_pod();
    assert_eq!(watched.verdicts().last(), Some(&"Complete, Drained"));
    let running = watched.first(|look| look.others[1] == Some(true)).unwrap();
    let open = watched.first(|look| look.is_open).unwrap();
    assert!(running.0 < open.0, "kstatus calls a Job that runs current");
}

/// The control plane with the controller of Argo Rollouts.
static WITH_ARGO: Shared = Shared::new(|| Options {
    extras: Extras {
        argo_rollouts: true,
        ..Extras::default()
    },
    ..Options::default()
});

async fn argo_space(name: &str) -> Space {
    let space = Space::on(WITH_ARGO.get().await.unwrap(), name).await;
    let mut preview = service("web");
    preview["metadata"]["name"] = json!("web-preview");
    space.create::<Service>(preview).await;
    space
}

/// A version of an Argo Rollout with a strategy.
fn argo(strategy: Value) -> impl Fn(&mut Value) {
    move |object| {
        object["apiVersion"] = json!("argoproj.io/v1alpha1");
        object["spec"]["strategy"] = strategy.clone();
    }
}

#[tokio::test]
async fn a_canary_with_a_timed_step_is_open_after_its_last_old_pod() {
    let space = argo_space("canary").await;
    let steps = json!({"canary": {"steps": [{"setWeight": 34}, {"pause": {"duration": "3s"}}]}});
    let title = "Argo Rollout, canary with a pause of 3 s";
    let watched = roll((&space, title), "Rollout", argo(steps), PATIENCE).await;
    watched.never_open_beside_an_old_pod();
    let verdicts = watched.verdicts();
    assert!(verdicts.contains(&"Progressing TimedPause"), "{verdicts:?}");
    assert_eq!(verdicts.last(), Some(&"Complete, Drained"));
}

#[tokio::test]
async fn a_canary_that_waits_for_a_person_is_paused_and_an_abort_fails_it() {
    let space = argo_space("canary-stop").await;
    let steps = json!({"canary": {"steps": [{"setWeight": 34}, {"pause": {}}]}});
    let change = argo(steps);
    let title = "Argo Rollout, canary that waits for a person";
    let watched = roll((&space, title), "Rollout", &change, Duration::from_secs(8)).await;
    assert_eq!(watched.verdicts().last(), Some(&"Paused CanaryPauseStep"));
    assert_eq!(watched.first(|look| look.is_open), None);

    let rollout = Rollout::of(&space, "Rollout");
    let (_, api) = rollout.api();
    let abort = Patch::Merge(json!({"status": {"abort": true}}));
    api.patch_status("web", &PatchParams::default(), &abort)
        .await
        .unwrap();
    let mut same = version("Rollout", "2");
    change(&mut same);
    let watched = rollout.watch(&[same], Duration::from_secs(5)).await;
    assert_eq!(watched.verdicts().last(), Some(&"Failed Aborted"));
}

#[tokio::test]
async fn a_blue_green_rollout_is_healthy_while_its_old_pods_are_kept() {
    let space = argo_space("blue-green").await;
    let strategy = json!({"blueGreen": {
        "activeService": "web",
        "previewService": "web-preview",
        "scaleDownDelaySeconds": 4,
    }});
    let title = "Argo Rollout, blue-green with a scale-down delay of 4 s";
    let watched = roll((&space, title), "Rollout", argo(strategy), PATIENCE).await;
    watched.never_open_beside_an_old_pod();
    let verdicts = watched.verdicts();
    assert!(verdicts.contains(&"Complete, Draining"), "{verdicts:?}");
    assert_eq!(verdicts.last(), Some(&"Complete, Drained"));
    let healthy = watched.first(|look| look.others[2] == Some(true)).unwrap();
    assert!(healthy.1 > 0, "{healthy:?}");
}
