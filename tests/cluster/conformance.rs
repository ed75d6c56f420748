//! A real rollout of each kind, judged at every look by tidegate's gate and by what others would say.
//!
//! Each test drives one rollout on the real controllers, with pods that end slowly, and asserts the verdicts in their
//! order. `make side-by-side` runs them all and prints the table of docs/side-by-side.md.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use devcluster::{Options, Shared};
use jiff::Timestamp;
use kube::api::{Api, ApiResource, DynamicObject, ListParams, Patch, PatchParams};
use serde_json::{Value, json};
use tidegate::upgrade::gate::{Applied, Gate, Objects, Policy, Recorded, Workload, judge_all};

use crate::files::{STEER, service, workload};
use crate::peers::{argo_cd, kstatus, kubectl};
use crate::support::Space;

/// How often everything is read.
const LOOK_EVERY: Duration = Duration::from_millis(40);
/// How long a rollout may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// One look.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Look {
    /// `Progressing Updating, Draining` and the like.
    verdict: String,
    is_open: bool,
    /// Pods of before that are alive.
    old_alive: usize,
    /// Whether each of the others says that it is done.
    others: [Option<bool>; 3],
}

/// All looks at a rollout, each with when it was made.
struct Watched {
    looks: Vec<(Duration, Look)>,
}

impl Watched {
    /// The verdicts in their order, each once in a row.
    fn verdicts(&self) -> Vec<&str> {
        let mut verdicts: Vec<&str> = self
            .looks
            .iter()
            .map(|(_, look)| look.verdict.as_str())
            .collect();
        verdicts.dedup();
        verdicts
    }

    /// When something was first so, and how many old pods were alive then.
    fn first(&self, is_it: impl Fn(&Look) -> bool) -> Option<(Duration, usize)> {
        let found = self.looks.iter().find(|(_, look)| is_it(look));
        found.map(|(at, look)| (*at, look.old_alive))
    }

    /// The row of the table: what the others and tidegate say.
    fn row(&self, situation: &str) -> String {
        let told = |first: Option<(Duration, usize)>, has_answer: bool| match first {
            _ if !has_answer => "no answer".to_owned(),
            None => "not yet".to_owned(),
            Some((at, 0)) => format!("{:.1} s", at.as_secs_f64()),
            Some((at, old)) => format!("{:.1} s, **{old} old**", at.as_secs_f64()),
        };
        let other = |index: usize| {
            let answers = |look: &Look| look.others.get(index).copied().flatten();
            let has_answer = self.looks.iter().any(|(_, look)| answers(look).is_some());
            told(self.first(|look| answers(look) == Some(true)), has_answer)
        };
        let ours = told(self.first(|look| look.is_open), true);
        format!(
            "| {situation} | {} | {} | {} | {ours} |",
            other(0),
            other(1),
            other(2)
        )
    }

    /// What holds for every kind and situation: the gate is never open beside an old pod, and once open stays so.
    #[track_caller]
    fn never_open_beside_an_old_pod(&self) {
        let wrong = self
            .looks
            .iter()
            .find(|(_, look)| look.is_open && look.old_alive > 0);
        assert_eq!(wrong, None);
        let mut is_open = self.looks.iter().map(|(_, look)| look.is_open);
        let is_steady = is_open
            .by_ref()
            .skip_while(|is_open| !is_open)
            .all(|is_open| is_open);
        assert!(is_steady, "{:?}", self.verdicts());
    }
}

/// The kinds that are read at each look.
fn kinds() -> Vec<ApiResource> {
    let resource = |group: &str, kind: &str, plural: &str| ApiResource {
        group: group.to_owned(),
        version: "v1".to_owned(),
        api_version: if group.is_empty() {
            "v1".to_owned()
        } else {
            format!("{group}/v1")
        },
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    };
    vec![
        resource("apps", "Deployment", "deployments"),
        resource("apps", "StatefulSet", "statefulsets"),
        resource("apps", "DaemonSet", "daemonsets"),
        resource("apps", "ReplicaSet", "replicasets"),
        resource("apps", "ControllerRevision", "controllerrevisions"),
        resource("batch", "Job", "jobs"),
        resource("", "Pod", "pods"),
        resource("", "Service", "services"),
        resource("discovery.k8s.io", "EndpointSlice", "endpointslices"),
    ]
}

/// The kind of Argo Rollouts.
fn argo_rollout() -> ApiResource {
    ApiResource {
        group: "argoproj.io".to_owned(),
        version: "v1alpha1".to_owned(),
        api_version: "argoproj.io/v1alpha1".to_owned(),
        kind: "Rollout".to_owned(),
        plural: "rollouts".to_owned(),
    }
}

/// Everything of a namespace, the workloads first: what is read later is newer.
async fn read(space: &Space, kinds: &[ApiResource]) -> Vec<Value> {
    let mut all = Vec::new();
    for resource in kinds {
        let api: Api<DynamicObject> =
            Api::namespaced_with(space.client.clone(), &space.namespace, resource);
        let found = api.list(&ListParams::default()).await.unwrap();
        all.extend(found.items.into_iter().map(|object| {
            let mut value = serde_json::to_value(object).unwrap();
            value["apiVersion"] = json!(resource.api_version);
            value["kind"] = json!(resource.kind);
            value
        }));
    }
    all
}

fn taken(values: &[Value]) -> Objects {
    let mut objects = Objects::default();
    for value in values {
        objects.take(value).unwrap();
    }
    objects
}

/// The pods that are alive, by uid.
fn alive(values: &[Value]) -> BTreeSet<String> {
    let pods = values.iter().filter(|value| value["kind"] == "Pod");
    let live = pods.filter(|pod| {
        !matches!(
            pod["status"]["phase"].as_str(),
            Some("Succeeded" | "Failed")
        )
    });
    live.map(|pod| pod["metadata"]["uid"].as_str().unwrap().to_owned())
        .collect()
}

/// One rollout under observation.
struct Rollout<'s> {
    space: &'s Space,
    /// Kind and name.
    of: (&'static str, &'static str),
    kinds: Vec<ApiResource>,
}

impl<'s> Rollout<'s> {
    fn of(space: &'s Space, kind: &'static str) -> Self {
        let mut all = kinds();
        if kind == "Rollout" {
            all.insert(0, argo_rollout());
        }
        Self {
            space,
            of: (kind, "web"),
            kinds: all,
        }
    }

    fn api(&self) -> (ApiResource, Api<DynamicObject>) {
        let mut kinds = self.kinds.iter();
        let resource = kinds.find(|resource| resource.kind == self.of.0).unwrap();
        let client = self.space.client.clone();
        let api = Api::namespaced_with(client, &self.space.namespace, resource);
        (resource.clone(), api)
    }

    async fn apply(&self, object: &Value) -> Value {
        let (resource, api) = self.api();
        let parameters = PatchParams::apply("tidegate");
        let applied = api
            .patch(self.of.1, &parameters, &Patch::Apply(object))
            .await
            .unwrap();
        let mut value = serde_json::to_value(applied).unwrap();
        value["apiVersion"] = json!(resource.api_version);
        value["kind"] = json!(resource.kind);
        value
    }

    fn itself<'v>(&self, values: &'v [Value]) -> Option<&'v Value> {
        let mut all = values.iter();
        all.find(|value| value["kind"] == self.of.0 && value["metadata"]["name"] == self.of.1)
    }

    fn look(&self, values: &[Value], recorded: &[Recorded], old: &BTreeSet<String>) -> Look {
        let objects = taken(values);
        let seen = judge_all(&objects, recorded, &Policy::default(), Timestamp::now());
        let name = format!("{}/{}/{}", self.of.0, self.space.namespace, self.of.1);
        let assessment = seen
            .iter()
            .find(|seen| seen.report().workload == name)
            .unwrap();
        let report = assessment.report();
        let others = match self.itself(values) {
            None => [None; 3],
            Some(object) => [kubectl(object), kstatus(object), argo_cd(object)],
        };
        Look {
            verdict: match report.rollout {
                "Complete" => format!("Complete, {}", report.drain),
                rollout => format!("{rollout} {}", report.reason),
            },
            is_open: assessment.gate() == Gate::Open,
            old_alive: alive(values).intersection(old).count(),
            others,
        }
    }

    /// Applies the new version over the old one and looks until the gate has been open for a second, or for as long as
    /// a rollout that cannot end is worth looking at.
    async fn watch(&self, new: &Value, at_most: Duration) -> Watched {
        let before = read(self.space, &self.kinds).await;
        let old = alive(&before);
        let mut recorded = taken(&before).as_before(Timestamp::now());
        let was = self
            .itself(&before)
            .map(|object| Workload::from_object(object.clone()).unwrap().unwrap());
        let began = Instant::now();
        let response = Workload::from_object(self.apply(new).await)
            .unwrap()
            .unwrap();
        for record in &mut recorded {
            if record.object == response.reference() {
                record.applied = Some(Applied::from_response(&response, was.as_ref()));
            }
        }
        let mut looks: Vec<(Duration, Look)> = Vec::new();
        let mut open_since: Option<Instant> = None;
        while began.elapsed() < at_most {
            let values = read(self.space, &self.kinds).await;
            let look = self.look(&values, &recorded, &old);
            if !look.is_open {
                open_since = None;
            } else if open_since.get_or_insert_with(Instant::now).elapsed() > Duration::from_secs(1)
            {
                break;
            }
            looks.push((began.elapsed(), look));
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Watched { looks }
    }
}

/// A version of a workload whose pods take their time.
fn version(kind: &str, tag: &str) -> Value {
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
    space
        .create::<k8s_openapi::api::core::v1::Service>(service("web"))
        .await;
    let first = rollout.watch(&old, PATIENCE).await;
    assert!(
        first.looks.iter().any(|(_, look)| look.is_open),
        "{:?}",
        first.verdicts()
    );
    let watched = rollout.watch(&new, at_most).await;
    println!("{}", watched.row(situation));
    watched
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
    let watched = rollout.watch(&paused, Duration::from_secs(5)).await;
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

/// The control plane with the controller of Argo Rollouts.
static WITH_ARGO: Shared = Shared::new(|| Options {
    with_argo_rollouts: true,
    ..Options::default()
});

async fn argo_space(name: &str) -> Space {
    let space = Space::on(WITH_ARGO.get().await.unwrap(), name).await;
    let mut preview = service("web");
    preview["metadata"]["name"] = json!("web-preview");
    space
        .create::<k8s_openapi::api::core::v1::Service>(preview)
        .await;
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
    let watched = rollout.watch(&same, Duration::from_secs(5)).await;
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
