//! A hundred real rollouts, many at once, judged at every change that the API server has stored.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Service;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};
use tidegate::upgrade::gate::{Applied, Gate, Recorded, Verdict, Workload};

use crate::files::{STEER, service, workload};
use crate::histories::{History, Recorder, State, judged};
use crate::looks::{alive, kinds, taken};
use crate::support::{Space, eventually};

const ROLLOUTS: usize = 100;
/// So many at once: more would only make each of them wait.
const AT_ONCE: usize = 20;

fn version(name: &str, tag: &str) -> Value {
    let mut object = workload("Deployment", name, tag);
    object["spec"]["replicas"] = json!(2);
    object["spec"]["template"]["metadata"]["annotations"] = json!({
        format!("{STEER}/ready-delay"): "300ms",
        format!("{STEER}/termination-delay"): "1s",
    });
    object
}

async fn apply(space: &Space, object: &Value) -> Value {
    let api: Api<Deployment> = Api::namespaced(space.client.clone(), &space.namespace);
    let parameters = PatchParams::apply("tidegate");
    let name = object["metadata"]["name"].as_str().unwrap();
    let stored = api
        .patch(name, &parameters, &Patch::Apply(object))
        .await
        .unwrap();
    serde_json::to_value(stored).unwrap()
}

/// Whose an object is: that of the workload whose name it has as a label, or its Service's.
fn whose(object: &Value) -> &str {
    let labels = &object["metadata"]["labels"];
    let text = |value: &'static str| labels[value].as_str();
    text("kubernetes.io/service-name")
        .or_else(|| text("app"))
        .or_else(|| object["metadata"]["name"].as_str())
        .unwrap_or_default()
}

/// What the judge has counted.
#[derive(Debug, Default)]
struct Tally {
    states: usize,
    /// States in which a pod of the surge is ready, the next one is not there yet, and nothing is unavailable.
    between_two_surges: usize,
    opened: BTreeSet<String>,
}

/// What was recorded of each workload, and its old pods.
type Known = BTreeMap<String, (Vec<Recorded>, BTreeSet<String>)>;

impl Tally {
    fn count(&mut self, history: &History, known: &Known, namespace: &str) {
        let mut groups: BTreeMap<String, State> = BTreeMap::new();
        history.replay(|state, change| {
            let name = whose(&change.object).to_owned();
            let Some((records, old)) = known.get(&name) else {
                return;
            };
            let group = groups.entry(name.clone()).or_default();
            *group = state
                .iter()
                .filter(|(_, object)| whose(object) == name)
                .map(|(key, object)| (key.clone(), object.clone()))
                .collect();
            let workload = format!("Deployment/{namespace}/{name}");
            let told = judged(group.values(), records, &workload).unwrap();
            let values: Vec<Value> = group.values().cloned().collect();
            let old = alive(&values).intersection(old).count();
            self.states += 1;
            let is_between = is_between_two_surges(group, &name);
            self.between_two_surges += usize::from(is_between);
            assert!(
                !is_between || told.rollout != Verdict::Complete,
                "{change:?}"
            );
            if told.gate() == Gate::Open {
                assert_eq!(old, 0, "{}: {change:?}", told.sentence());
                self.opened.insert(name);
            }
        });
    }
}

/// The window in which others call a rollout done that has only begun.
fn is_between_two_surges(group: &State, name: &str) -> bool {
    let deployment = group.get(&("Deployment".to_owned(), name.to_owned()));
    let Some(status) = deployment.map(|deployment| &deployment["status"]) else {
        return false;
    };
    let number = |key: &str| status[key].as_i64().unwrap_or_default();
    let seen = number("observedGeneration") == 2;
    seen && number("updatedReplicas") < number("replicas") && number("unavailableReplicas") == 0
}

#[tokio::test]
async fn a_hundred_rollouts_are_never_open_beside_an_old_pod_at_any_state() {
    let space = Space::new("hundred").await;
    let names: Vec<String> = (0..ROLLOUTS)
        .map(|number| format!("app-{number:03}"))
        .collect();
    for name in &names {
        space.create::<Service>(service(name)).await;
        apply(&space, &version(name, "1")).await;
    }
    let mut tally = Tally::default();
    for batch in names.chunks(AT_ONCE) {
        settled(&space, batch).await;
        let recorder = Recorder::start(&space, &kinds()).await;
        let before = recorder.before();
        let mut known = Known::new();
        for name in batch {
            let own: Vec<Value> = before
                .iter()
                .filter(|object| whose(object) == name)
                .cloned()
                .collect();
            known.insert(name.clone(), rolled(&space, name, &own).await);
        }
        settled(&space, batch).await;
        // What was stored last has to arrive here too.
        eventually("the watches have brought the end", async || {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some(())
        })
        .await;
        tally.count(&recorder.end(), &known, &space.namespace);
    }
    println!(
        "{} rollouts, {} states, {} of them between two pods of a surge",
        tally.opened.len(),
        tally.states,
        tally.between_two_surges
    );
    assert_eq!(tally.opened.len(), ROLLOUTS, "each has opened in the end");
    assert!(tally.between_two_surges >= ROLLOUTS / 2, "{tally:?}");
}

/// Applies the next version; what was recorded, and the old pods.
async fn rolled(space: &Space, name: &str, before: &[Value]) -> (Vec<Recorded>, BTreeSet<String>) {
    let mut recorded = taken(before).as_before(Timestamp::now());
    let is_it = |object: &&Value| object["kind"] == "Deployment";
    let was = before.iter().find(is_it).unwrap().clone();
    let was = Workload::from_object(was).unwrap().unwrap();
    let mut stored = apply(space, &version(name, "2")).await;
    stored["apiVersion"] = json!("apps/v1");
    stored["kind"] = json!("Deployment");
    let stored = Workload::from_object(stored).unwrap().unwrap();
    for record in &mut recorded {
        if record.object == stored.reference() {
            record.applied = Some(Applied::from_response(&stored, Some(&was)));
        }
    }
    (recorded, alive(before))
}

/// Waits until all of them are as their specs say, and no pod is left that ends.
async fn settled(space: &Space, names: &[String]) {
    let deployments: Api<Deployment> = Api::namespaced(space.client.clone(), &space.namespace);
    eventually("the Deployments are at rest", async || {
        let found = deployments
            .list(&kube::api::ListParams::default())
            .await
            .unwrap();
        let is_done = |deployment: &Deployment| {
            let status = deployment.status.clone().unwrap_or_default();
            status.observed_generation == deployment.metadata.generation
                && status.updated_replicas == Some(2)
                && status.replicas == Some(2)
                && status.available_replicas == Some(2)
        };
        let own = found.items.iter().filter(|deployment| {
            let name = deployment.metadata.name.as_ref();
            name.is_some_and(|name| names.contains(name))
        });
        (own.filter(|deployment| is_done(deployment)).count() == names.len()).then_some(())
    })
    .await;
    let pods: Api<k8s_openapi::api::core::v1::Pod> =
        Api::namespaced(space.client.clone(), &space.namespace);
    eventually("no pod ends any more", async || {
        let found = pods.list(&kube::api::ListParams::default()).await.unwrap();
        let ends = found
            .items
            .iter()
            .filter(|pod| pod.metadata.deletion_timestamp.is_some());
        (ends.count() == 0).then_some(())
    })
    .await;
}
