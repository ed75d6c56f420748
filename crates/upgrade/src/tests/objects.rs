//! Deployments with their ReplicaSets, pods, Services and slices, as the API server would show them.
//!
//! In: [`Deployed`], a few plain facts. Out: the [`Snapshot`] that a gate judges. Also the controller's tests
//! show their world with it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use tidegate_spec::ObjectRef;
use tidegate_spec::crd::CONTRACT_ANNOTATION;
use tidegate_upgrade::gate::{Digested, Read, Snapshot, Workload};

/// What a revision is made of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Template {
    pub(crate) image: String,
    pub(crate) stamp: Option<String>,
}

impl Template {
    pub(crate) fn of(image: &str) -> Self {
        Self {
            image: image.to_owned(),
            stamp: None,
        }
    }
}

/// One pod.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PodFacts {
    pub(crate) name: String,
    /// Which of the templates it is made of.
    pub(crate) revision: usize,
    pub(crate) is_ready: bool,
    /// Set while it is Terminating.
    pub(crate) gone_by: Option<Timestamp>,
}

/// A Deployment and everything that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Deployed {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) exists: bool,
    pub(crate) generation: i64,
    pub(crate) observed: i64,
    pub(crate) version: u64,
    pub(crate) replicas: usize,
    /// Every revision there ever was, one ReplicaSet each.
    pub(crate) templates: Vec<Template>,
    pub(crate) wanted: usize,
    pub(crate) pods: Vec<PodFacts>,
}

impl Deployed {
    /// A Deployment that has run for long.
    pub(crate) fn steady(name: &str, replicas: usize, template: Template) -> Self {
        let pods = (1..=replicas).map(|number| PodFacts {
            name: format!("{name}-0-{number}"),
            revision: 0,
            is_ready: true,
            gone_by: None,
        });
        Self {
            name: name.to_owned(),
            uid: format!("uid-{name}"),
            exists: true,
            generation: 1,
            observed: 1,
            version: 7,
            replicas,
            templates: vec![template],
            wanted: 0,
            pods: pods.collect(),
        }
    }

    /// The same after its template was set to another one, before its controller has seen it.
    pub(crate) fn set(&mut self, template: Template) {
        let known = self.templates.iter().position(|known| *known == template);
        self.wanted = known.unwrap_or(self.templates.len());
        if known.is_none() {
            self.templates.push(template);
        }
        self.generation += 1;
    }

    pub(crate) fn reference(&self) -> ObjectRef {
        deployment(&self.name)
    }

    /// Pods that are not Terminating.
    pub(crate) fn staying(&self) -> impl Iterator<Item = &PodFacts> {
        self.pods.iter().filter(|pod| pod.gone_by.is_none())
    }

    /// The Deployment as an object.
    pub(crate) fn workload(&self) -> Workload {
        let template = self.templates.get(self.wanted).expect("a template");
        let count = |count: &dyn Fn(&&PodFacts) -> bool| self.staying().filter(count).count();
        let is_new = |pod: &&PodFacts| pod.revision == self.wanted;
        let ready = count(&|pod| pod.is_ready);
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": self.name, "namespace": "shop", "uid": self.uid,
                "generation": self.generation, "resourceVersion": self.version.to_string()},
            "spec": {"replicas": self.replicas, "progressDeadlineSeconds": 600,
                "selector": {"matchLabels": {"app": self.name}},
                "template": self.template(template, None)},
            "status": {"observedGeneration": self.observed, "replicas": count(&|_| true),
                "updatedReplicas": if self.is_observed() { count(&is_new) } else { 0 },
                "readyReplicas": ready, "availableReplicas": ready}});
        Workload::from_object(object)
            .expect("a Deployment")
            .expect("a kind that can be judged")
    }

    fn is_observed(&self) -> bool {
        self.observed == self.generation
    }

    fn template(&self, template: &Template, hash: Option<&str>) -> Value {
        let mut labels = json!({"app": self.name});
        if let Some(hash) = hash {
            labels["pod-template-hash"] = json!(hash);
        }
        let mut metadata = json!({"labels": labels});
        if let Some(stamp) = &template.stamp {
            metadata["annotations"] = json!({CONTRACT_ANNOTATION: stamp});
        }
        json!({"metadata": metadata, "spec": {"terminationGracePeriodSeconds": 30,
            "containers": [{"name": "server", "image": template.image}]}})
    }

    fn replica_sets(&self) -> Vec<Value> {
        let sets = self.templates.iter().enumerate();
        let seen = sets.filter(|(index, _)| *index != self.wanted || self.is_observed());
        seen.map(|(index, template)| {
            let size = self.staying().filter(|pod| pod.revision == index).count();
            let ready = self
                .staying()
                .filter(|pod| pod.revision == index && pod.is_ready);
            let hash = format!("h{index}");
            json!({"metadata": {"name": format!("{}-{index}", self.name), "namespace": "shop",
                "uid": format!("{}-set-{index}", self.uid), "generation": 1,
                "labels": {"app": self.name, "pod-template-hash": hash},
                "ownerReferences": [owner("Deployment", &self.name, &self.uid)]},
                "spec": {"replicas": size, "selector": {"matchLabels":
                    {"app": self.name, "pod-template-hash": hash}},
                    "template": self.template(template, Some(&hash))},
                "status": {"observedGeneration": 1, "replicas": size,
                    "availableReplicas": ready.count()}})
        })
        .collect()
    }

    fn pods(&self) -> Vec<Value> {
        self.pods
            .iter()
            .map(|pod| {
                let template = self.templates.get(pod.revision).expect("a template");
                let hash = format!("h{}", pod.revision);
                let set = (
                    format!("{}-{}", self.name, pod.revision),
                    format!("{}-set-{}", self.uid, pod.revision),
                );
                let mut object = self.template(template, Some(&hash));
                object["metadata"]["name"] = json!(pod.name);
                object["metadata"]["namespace"] = json!("shop");
                object["metadata"]["uid"] = json!(format!("uid-{}", pod.name));
                object["metadata"]["ownerReferences"] =
                    json!([owner("ReplicaSet", &set.0, &set.1)]);
                if let Some(gone_by) = pod.gone_by {
                    object["metadata"]["deletionTimestamp"] = json!(gone_by.to_string());
                    object["metadata"]["deletionGracePeriodSeconds"] = json!(30);
                }
                object["spec"]["nodeName"] = json!("node-1");
                let ready = if pod.is_ready { "True" } else { "False" };
                object["status"] = json!({"phase": "Running",
                    "conditions": [{"type": "Ready", "status": ready}]});
                object
            })
            .collect()
    }

    fn service(&self) -> Value {
        json!({"metadata": {"name": self.name, "namespace": "shop"},
            "spec": {"selector": {"app": self.name}}})
    }

    fn slice(&self) -> Value {
        let endpoints = self.pods.iter().map(|pod| {
            let is_going = pod.gone_by.is_some();
            json!({"addresses": [format!("10.1.{}", pod.name)],
                "conditions": {"ready": pod.is_ready && !is_going, "serving": pod.is_ready,
                    "terminating": is_going},
                "targetRef": {"kind": "Pod", "namespace": "shop", "name": pod.name,
                    "uid": format!("uid-{}", pod.name)}})
        });
        json!({"addressType": "IPv4", "metadata": {"name": format!("{}-1", self.name),
            "namespace": "shop", "labels": {"kubernetes.io/service-name": self.name}},
            "endpoints": endpoints.collect::<Vec<_>>()})
    }
}

/// The name of a Deployment of the namespace.
pub(crate) fn deployment(name: &str) -> ObjectRef {
    object("apps/v1", "Deployment", name)
}

/// The name of any object of the namespace.
pub(crate) fn object(api_version: &str, kind: &str, name: &str) -> ObjectRef {
    ObjectRef {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: "shop".to_owned(),
        name: name.to_owned(),
    }
}

fn owner(kind: &str, name: &str, uid: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid, "controller": true})
}

fn typed<T: DeserializeOwned>(values: impl IntoIterator<Item = Value>) -> Vec<T> {
    values
        .into_iter()
        .map(|value| serde_json::from_value(value).expect("an object of its kind"))
        .collect()
}

/// What belongs to a Deployment, as typed objects.
#[derive(Clone)]
struct Parts {
    replica_sets: Vec<Digested<ReplicaSet>>,
    pods: Vec<Pod>,
    services: Vec<Service>,
    slices: Vec<EndpointSlice>,
}

thread_local! {
    /// Sweeps show the same facts thousands of times.
    static KNOWN: RefCell<BTreeMap<Deployed, Parts>> = const { RefCell::new(BTreeMap::new()) };
}

fn parts(deployed: &Deployed) -> Parts {
    let facts = Deployed {
        version: 0,
        ..deployed.clone()
    };
    let make = |facts: &Deployed| Parts {
        replica_sets: typed(facts.replica_sets()),
        pods: typed(facts.pods()),
        services: typed([facts.service()]),
        slices: typed([facts.slice()]),
    };
    KNOWN.with_borrow_mut(|known| {
        let parts = known.entry(facts.clone()).or_insert_with(|| make(&facts));
        parts.clone()
    })
}

/// What is seen of one Deployment of the namespace.
pub(crate) fn snapshot(
    name: &str,
    all: &BTreeMap<String, Deployed>,
    read: Read,
    now: Timestamp,
) -> Snapshot {
    let live = all.values().find(|it| it.exists && it.name == name);
    let mut snapshot = Snapshot {
        now,
        read,
        workload: live.map(Deployed::workload),
        replica_sets: Vec::new(),
        controller_revisions: Vec::new(),
        pods: Vec::new(),
        services: Vec::new(),
        endpoint_slices: Vec::new(),
        events: Vec::new(),
        nodes: None,
        jobs: Vec::new(),
        others: Vec::new(),
        departed: None,
        unreadable: Vec::new(),
        siblings: Vec::new(),
    };
    for deployed in all.values() {
        let parts = parts(deployed);
        if deployed.exists {
            snapshot.replica_sets.extend(parts.replica_sets);
        }
        snapshot.pods.extend(parts.pods);
        snapshot.services.extend(parts.services);
        snapshot.endpoint_slices.extend(parts.slices);
    }
    snapshot
}
