//! A rollout on the real controllers, looked at again and again: what tidegate's gate and others say of it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use kube::api::{Api, ApiResource, DynamicObject, ListParams, Patch, PatchParams};
use serde_json::{Value, json};
use tidegate::upgrade::gate::{
    Absent, Applied, Gate, Objects, Policy, Recorded, Workload, judge_all,
};

use crate::peers::{argo_cd, kstatus, kubectl};
use crate::support::Space;

/// How often everything is read.
const LOOK_EVERY: Duration = Duration::from_millis(40);
/// How long a rollout may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// One look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Look {
    /// `Progressing Updating, Draining` and the like.
    pub(crate) verdict: String,
    pub(crate) is_open: bool,
    /// Pods of before that are alive.
    pub(crate) old_alive: usize,
    /// Whether each of the others says that it is done.
    pub(crate) others: [Option<bool>; 3],
}

/// All looks at a rollout, each with when it was made.
pub(crate) struct Watched {
    pub(crate) looks: Vec<(Duration, Look)>,
    /// What was recorded before and at the apply.
    pub(crate) records: Vec<Recorded>,
    /// The pods that were alive before it, by uid.
    pub(crate) old: BTreeSet<String>,
}

impl Watched {
    /// The version that the last apply has made.
    pub(crate) fn applied_at(&self) -> u64 {
        let applied = self.records.iter().filter_map(|it| it.applied.as_ref());
        let versions = applied.map(|it| it.resource_version.parse().unwrap());
        versions.max().unwrap()
    }

    /// The verdicts in their order, each once in a row.
    pub(crate) fn verdicts(&self) -> Vec<&str> {
        let mut verdicts: Vec<&str> = self
            .looks
            .iter()
            .map(|(_, look)| look.verdict.as_str())
            .collect();
        verdicts.dedup();
        verdicts
    }

    /// When something was first so, and how many old pods were alive then.
    pub(crate) fn first(&self, is_it: impl Fn(&Look) -> bool) -> Option<(Duration, usize)> {
        let found = self.looks.iter().find(|(_, look)| is_it(look));
        found.map(|(at, look)| (*at, look.old_alive))
    }

    /// The row of the table: what the others and tidegate say.
    pub(crate) fn row(&self, situation: &str) -> String {
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
    pub(crate) fn never_open_beside_an_old_pod(&self) {
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
pub(crate) fn kinds() -> Vec<ApiResource> {
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

/// The kind of Flagger.
fn flagger_canary() -> ApiResource {
    ApiResource {
        group: "flagger.app".to_owned(),
        version: "v1beta1".to_owned(),
        api_version: "flagger.app/v1beta1".to_owned(),
        kind: "Canary".to_owned(),
        plural: "canaries".to_owned(),
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

pub(crate) fn taken(values: &[Value]) -> Objects {
    let mut objects = Objects::default();
    for value in values {
        objects.take(value).unwrap();
    }
    objects
}

/// The pods that are alive, by uid.
pub(crate) fn alive(values: &[Value]) -> BTreeSet<String> {
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
pub(crate) struct Rollout<'s> {
    space: &'s Space,
    /// Kind and name.
    of: (&'static str, &'static str),
    pub(crate) kinds: Vec<ApiResource>,
}

impl<'s> Rollout<'s> {
    pub(crate) fn of(space: &'s Space, kind: &'static str) -> Self {
        let mut all = kinds();
        match kind {
            "Rollout" => all.insert(0, argo_rollout()),
            "Canary" => all.insert(0, flagger_canary()),
            _ => {}
        }
        Self {
            space,
            of: (kind, "web"),
            kinds: all,
        }
    }

    pub(crate) fn api(&self) -> (ApiResource, Api<DynamicObject>) {
        self.api_of(self.of.0)
    }

    fn api_of(&self, kind: &str) -> (ApiResource, Api<DynamicObject>) {
        let mut kinds = self.kinds.iter();
        let resource = kinds.find(|resource| resource.kind == kind).unwrap();
        let client = self.space.client.clone();
        let api = Api::namespaced_with(client, &self.space.namespace, resource);
        (resource.clone(), api)
    }

    /// Kind, namespace and name.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}/{}", self.of.0, self.space.namespace, self.of.1)
    }

    async fn apply(&self, object: &Value) -> Value {
        let (resource, api) = self.api_of(object["kind"].as_str().unwrap());
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
        self.one(self.of.0, values)
    }

    fn one<'v>(&self, kind: &str, values: &'v [Value]) -> Option<&'v Value> {
        let mut all = values.iter();
        all.find(|value| value["kind"] == kind && value["metadata"]["name"] == self.of.1)
    }

    /// Applies one object, and writes down what the server answers.
    async fn apply_recorded(&self, new: &Value, before: &[Value], recorded: &mut Vec<Recorded>) {
        let was = self
            .one(new["kind"].as_str().unwrap(), before)
            .map(|object| Workload::from_object(object.clone()).unwrap().unwrap());
        let response = Workload::from_object(self.apply(new).await)
            .unwrap()
            .unwrap();
        let applied = Applied::from_response(&response, was.as_ref());
        match recorded
            .iter_mut()
            .find(|record| record.object == response.reference())
        {
            Some(record) => record.applied = Some(applied),
            None => recorded.push(Recorded {
                object: response.reference(),
                baseline: None,
                applied: Some(applied),
                memory: None,
            }),
        }
    }

    fn look(&self, values: &[Value], recorded: &[Recorded], old: &BTreeSet<String>) -> Look {
        let objects = taken(values);
        let seen = judge_all(
            &objects,
            (recorded, Absent::Removed),
            &Policy::default(),
            Timestamp::now(),
        );
        let name = self.name();
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

    /// Applies the new version over the old one, of all objects that make it, and looks until the gate has been open for
    /// a second, or for as long as a rollout that cannot end is worth looking at.
    pub(crate) async fn watch(&self, new: &[Value], at_most: Duration) -> Watched {
        let before = read(self.space, &self.kinds).await;
        let old = alive(&before);
        let mut recorded = taken(&before).as_before(Timestamp::now());
        let began = Instant::now();
        for object in new {
            self.apply_recorded(object, &before, &mut recorded).await;
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
        Watched {
            looks,
            records: recorded,
            old,
        }
    }
}
