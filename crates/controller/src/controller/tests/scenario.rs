//! What a release is about: graphs as YAML, one Deployment and one Service for each service.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::objects::{Deployed, Template, deployment, object};
use crate::controller::graph_of;
use tidegate_manifest::{Bundle, Entry, OwnedEntries};
use tidegate_spec::crd::{HeldVariable, Order, ReleasePlanSpec, ServiceGraphSpec};
use tidegate_spec::{Graph, ObjectRef, ServiceName, stamp};

/// What ran before, and what is released.
#[derive(Clone)]
pub(super) struct Scenario {
    pub(super) before: Bundle,
    pub(super) bundle: Bundle,
    /// Who must be done before whom, as people would say.
    pub(super) first: BTreeMap<String, BTreeSet<String>>,
    /// For how many seconds who must wait out what others wrote.
    pub(super) waited: BTreeMap<String, Vec<(String, i64)>>,
    /// How many pods each Deployment has.
    pub(super) replicas: usize,
    /// Services that run what is released already.
    pub(super) already: BTreeSet<String>,
}

pub(super) fn name(text: &str) -> ServiceName {
    ServiceName::parse(text).expect("a name")
}

/// A bundle of a graph whose services run an image of that tag.
pub(super) fn bundle(graph: &str, tag: &str) -> Bundle {
    let graph: ServiceGraphSpec = serde_saphyr::from_str(graph).expect("a graph");
    let mut bundle = Bundle {
        graph_name: "shop".to_owned(),
        graph,
        plan: ReleasePlanSpec::default(),
        namespace: "shop".to_owned(),
        objects: vec![Entry {
            reference: object("v1", "ConfigMap", "shared"),
            value: json!({}),
        }],
        services: BTreeMap::new(),
        shared: vec![0],
        builds: BTreeMap::new(),
    };
    for (name, service) in &graph_of(&bundle).services {
        let is_job = service
            .workloads
            .iter()
            .any(|workload| workload.kind == "Job");
        let workload = if is_job {
            object("batch/v1", "Job", name.as_str())
        } else {
            deployment(name.as_str())
        };
        let at = bundle.objects.len();
        bundle.objects.push(Entry {
            reference: object("v1", "Service", name.as_str()),
            value: json!({}),
        });
        bundle.objects.push(Entry {
            reference: workload,
            value: manifest(name.as_str(), tag, service.manner.switch.as_deref()),
        });
        let owned = OwnedEntries {
            workloads: vec![at + 1],
            objects: vec![at, at + 1],
        };
        bundle.services.insert(name.clone(), owned);
    }
    bundle
}

fn manifest(name: &str, tag: &str, switch: Option<&str>) -> Value {
    let mut container = json!({"name": "main", "image": format!("{name}:{tag}")});
    if let Some(switch) = switch {
        container["env"] = json!([{"name": switch, "value": tag}]);
    }
    json!({"spec": {"template": {"spec": {"containers": [container]}}}})
}

/// The image of a Deployment's manifest, with the value of its switch in front where it has one: `1@orders:2`.
pub(super) fn image(
    bundle: &Bundle,
    workload: &ObjectRef,
    held: &[HeldVariable],
) -> Option<String> {
    let container = bundle
        .manifest(workload)?
        .pointer("/spec/template/spec/containers/0")?;
    let image = container["image"].as_str()?;
    let kept = held.iter().find(|one| one.workload == *workload);
    let kept = kept.map(|one| one.value.as_str());
    let switch = kept.or_else(|| container["env"][0]["value"].as_str());
    Some(match switch {
        Some(value) => format!("{value}@{image}"),
        None => image.to_owned(),
    })
}

/// The value that the switch of a Deployment has in what runs.
pub(super) fn switched(deployed: &Deployed) -> Vec<HeldVariable> {
    let image = &deployed.templates[deployed.wanted].image;
    let value = image.split_once('@').map(|(value, _)| HeldVariable {
        workload: deployment(&deployed.name),
        container: "main".to_owned(),
        name: "PROTO".to_owned(),
        value: value.to_owned(),
    });
    value.into_iter().collect()
}

/// The stamp of a declared service.
pub(super) fn stamp_of(graph: &Graph, service: &str) -> String {
    stamp::write(&graph.services[&name(service)].interface)
}

/// What runs when a bundle was released long ago.
pub(super) fn running(scenario: &Scenario) -> BTreeMap<String, Deployed> {
    let services = graph_of(&scenario.before).services;
    services
        .keys()
        .map(|service| {
            let service = service.as_str();
            let bundle = if scenario.already.contains(service) {
                &scenario.bundle
            } else {
                &scenario.before
            };
            let deployed = Deployed::steady(service, scenario.replicas, template(bundle, service));
            (service.to_owned(), deployed)
        })
        .collect()
}

/// The pod template that a bundle gives a service.
pub(super) fn template(bundle: &Bundle, service: &str) -> Template {
    Template {
        image: image(bundle, &deployment(service), &[]).expect("an image"),
        stamp: Some(stamp_of(&graph_of(bundle), service)),
    }
}

const BEFORE: &str = "services:
- {name: store, serves: [{versions: ['1']}]}
- {name: cart, serves: [{versions: ['1']}], calls: [{service: store, version: '1'}]}
- {name: web, calls: [{service: cart, version: '1'}]}
";
const AFTER: &str = "services:
- {name: store, serves: [{versions: ['1', '2']}]}
- {name: cart, serves: [{versions: ['1', '2']}], calls: [{service: store, version: '2'}]}
- {name: web, calls: [{service: cart, version: '2'}]}
";
const BEFORE_REMOVAL: &str = "services:
- {name: store, serves: [{versions: ['1']}]}
- {name: web, calls: [{service: store, version: '1'}, {service: legacy, version: '1'}]}
- {name: legacy, serves: [{versions: ['1']}]}
";
const AFTER_REMOVAL: &str = "services:
- {name: store, serves: [{versions: ['1', '2']}]}
- {name: web, calls: [{service: store, version: '2'}]}
";

const BEFORE_DRAIN: &str = "services:
- {name: producer, calls: [{service: consumer, version: '1', channel: queue, durable: {drain: 60s}}]}
- {name: consumer, serves: [{versions: ['1', '2']}]}
- {name: web, after: [consumer]}
";
const AFTER_DRAIN: &str = "services:
- {name: producer, calls: [{service: consumer, version: '2', channel: queue, durable: {drain: 60s}}]}
- {name: consumer, serves: [{versions: ['2']}]}
- {name: web, after: [consumer]}
";

const BEFORE_FLIP: &str = "services:
- {name: store, serves: [{versions: ['1']}]}
- {name: cart, switch: {env: PROTO}, serves: [{versions: ['1']}], calls: [{service: store, version: '1'}]}
- {name: web, switch: {env: PROTO}, calls: [{service: cart, version: '1'}]}
";
const AFTER_FLIP: &str = "services:
- {name: store, serves: [{versions: ['1', '2']}]}
- {name: cart, switch: {env: PROTO}, serves: [{versions: ['1', '2']}], calls: [{service: store, version: '2'}]}
- {name: web, switch: {env: PROTO}, calls: [{service: cart, version: '2'}]}
";

impl Scenario {
    fn of(before: &str, after: &str, first: &[(&str, &str)]) -> Self {
        let mut required: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (first, then) in first {
            let before = required.entry((*then).to_owned()).or_default();
            before.insert((*first).to_owned());
        }
        Self {
            before: bundle(before, "1"),
            bundle: bundle(after, "2"),
            first: required,
            waited: BTreeMap::new(),
            replicas: 1,
            already: BTreeSet::new(),
        }
    }

    /// The same, where a service runs what is released already.
    pub(super) fn with_already(mut self, service: &str) -> Self {
        self.already.insert(service.to_owned());
        self
    }

    /// Three services in a row, each of which calls the one before in a new version.
    pub(super) fn three_in_a_row() -> Self {
        Self::of(BEFORE, AFTER, &[("store", "cart"), ("cart", "web")])
    }

    /// All images first, with the value of the switch that runs; then all switches.
    pub(super) fn all_images_then_all_switches() -> Self {
        let order = [("store", "cart"), ("cart", "web")];
        let mut scenario = Self::of(BEFORE_FLIP, AFTER_FLIP, &order);
        scenario.bundle.plan.strategy.order = Some(Order::Flip);
        scenario
    }

    /// A consumer drops a version that its producer wrote into a queue, which keeps it for a minute.
    pub(super) fn one_waits_out() -> Self {
        let waited = vec![("producer".to_owned(), 60)];
        Self {
            waited: BTreeMap::from([("consumer".to_owned(), waited)]),
            ..Self::of(
                BEFORE_DRAIN,
                AFTER_DRAIN,
                &[("producer", "consumer"), ("consumer", "web")],
            )
        }
    }

    /// A server adds a version, its client takes it up and calls an old service no more, which goes away.
    pub(super) fn one_goes_away() -> Self {
        let order = [("store", "web"), ("web", "legacy")];
        Self::of(BEFORE_REMOVAL, AFTER_REMOVAL, &order)
    }
}
