//! Kubernetes manifests: which pods are told the address of which Service.
//!
//! A guess, and marked as one: the address may be of no use to the code, may be passed on, or may be missing where the
//! code makes it up (planning.md §8). Secrets are not looked into.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::seen::{Confidence, Found, Role, SeenEdge, SeenService, Sighting, Source};
use crate::manifest::{Labels, Object, Text, labels, matches_plain, pod_template, read};
use crate::spec::crd::{Channel, WorkloadRef};
use crate::spec::{Code, Problem};

/// How the name of an environment variable ends that holds an address; a plural `S` may follow.
const ENDINGS: [&str; 10] = [
    "_ADDR",
    "_ADDRESS",
    "_HOST",
    "_HOSTNAME",
    "_URL",
    "_URI",
    "_ENDPOINT",
    "_SERVER",
    "_BROKER",
    "_TARGET",
];

/// Reads manifests.
///
/// In: YAML or JSON, any number of documents. Out: every workload as a service, an edge for each address in its
/// environment that names a Service of the manifests, and every problem.
pub fn manifests(texts: &[Text]) -> (Found, Vec<Problem>) {
    let (manifests, problems) = read(texts);
    let objects: Vec<&Object> = manifests
        .objects
        .iter()
        .filter(|object| !super::backstage::is_entity(object))
        .collect();
    let workloads: Vec<Workload<'_>> = objects.iter().filter_map(|it| workload(it)).collect();
    let cluster = Cluster {
        addresses: addresses(&objects, &workloads),
        settings: settings(&objects),
    };
    let mut found = Found::from(Source::Manifests);
    for workload in &workloads {
        found.services.push(seen(workload));
        found.edges.extend(cluster.edges(workload));
    }
    (found, as_hints(problems))
}

/// Problems of a document that others will tell, or that is none of Kubernetes' own.
const HINTS: [Code; 8] = [
    Code::NotAnObject,
    Code::NotSupported,
    Code::GenerateName,
    Code::DuplicateObject,
    Code::MissingField,
    Code::WrongType,
    Code::UnknownField,
    Code::InvalidValue,
];

/// What is wrong with a document that `discover` only looks into is no reason to stop, unless it could not be read.
pub(super) fn as_hints(problems: Vec<Problem>) -> Vec<Problem> {
    let hint = |problem: Problem| {
        if HINTS.contains(&problem.code) {
            problem.warning()
        } else {
            problem
        }
    };
    problems.into_iter().map(hint).collect()
}

struct Workload<'a> {
    object: &'a Object,
    template: &'a Value,
    labels: Labels,
}

fn workload(object: &Object) -> Option<Workload<'_>> {
    let template = pod_template(object)?;
    Some(Workload {
        object,
        template,
        labels: labels(template.pointer("/metadata/labels")),
    })
}

fn seen(workload: &Workload<'_>) -> SeenService {
    let reference = &workload.object.reference;
    let kind = (reference.api_version.as_str(), reference.kind.as_str());
    let (role, runs_as, note) = match kind {
        ("apps/v1", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
        | ("batch/v1", "Job")
        | ("v1", "Pod") => {
            let runs_as = WorkloadRef {
                api_version: reference.api_version.clone(),
                kind: reference.kind.clone(),
                name: reference.name.clone(),
            };
            (Role::Service, Some(runs_as), String::new())
        }
        // It calls now and then, and no gate can tell that it is done: like a caller from outside.
        (_, "CronJob") => (Role::Outside, None, "a CronJob".to_owned()),
        (_, other) => {
            let note = format!("runs as a {other}, which no gate judges yet");
            (Role::Service, None, note)
        }
    };
    SeenService {
        name: reference.name.clone(),
        role,
        source: Source::Manifests,
        workload: runs_as,
        note,
        place: Some(workload.object.place.clone()),
    }
}

/// A Service: its namespace, and the workloads behind it.
struct Address {
    namespace: String,
    workloads: BTreeSet<String>,
}

fn addresses(objects: &[&Object], workloads: &[Workload<'_>]) -> BTreeMap<String, Vec<Address>> {
    let mut addresses: BTreeMap<String, Vec<Address>> = BTreeMap::new();
    for object in objects {
        let reference = &object.reference;
        if reference.api_version != "v1" || reference.kind != "Service" {
            continue;
        }
        let selector = object.value.pointer("/spec/selector");
        let mut behind: BTreeSet<String> = workloads
            .iter()
            .filter(|it| it.object.reference.namespace == reference.namespace)
            .filter(|it| selector.is_some_and(|selector| matches_plain(selector, &it.labels)))
            .map(|it| it.object.reference.name.clone())
            .collect();
        if behind.is_empty() {
            behind.insert(reference.name.clone());
        }
        let address = Address {
            namespace: reference.namespace.clone(),
            workloads: behind,
        };
        addresses
            .entry(reference.name.clone())
            .or_default()
            .push(address);
    }
    addresses
}

/// The data of each ConfigMap, by namespace and name.
type Settings<'a> = BTreeMap<(&'a str, &'a str), &'a Value>;

fn settings<'a>(objects: &[&'a Object]) -> Settings<'a> {
    let maps = objects.iter().filter(|it| it.reference.kind == "ConfigMap");
    maps.filter_map(|object| {
        let reference = &object.reference;
        let data = object.value.get("data")?;
        Some((
            (reference.namespace.as_str(), reference.name.as_str()),
            data,
        ))
    })
    .collect()
}

struct Cluster<'a> {
    addresses: BTreeMap<String, Vec<Address>>,
    settings: Settings<'a>,
}

impl Cluster<'_> {
    fn edges(&self, workload: &Workload<'_>) -> Vec<SeenEdge> {
        let caller = &workload.object.reference.name;
        let mut edges = Vec::new();
        for (variable, value) in self.environment(workload) {
            if !is_address(&variable) {
                continue;
            }
            let callees: BTreeSet<&String> =
                hosts(&value).flat_map(|host| self.behind(host)).collect();
            // Its own address is what it tells others, not what it calls.
            for callee in callees.into_iter().filter(|callee| *callee != caller) {
                edges.push(SeenEdge {
                    caller: caller.clone(),
                    callee: callee.clone(),
                    contract: None,
                    channel: Channel::Rpc,
                    sighting: Sighting {
                        because: crate::manifest::shorten(&variable),
                        ..Sighting::new(
                            Source::Manifests,
                            &workload.object.place.file,
                            Confidence::Guess,
                        )
                    },
                    place: Some(workload.object.place.clone()),
                });
            }
        }
        edges
    }

    /// Names and values, from the template itself and from the ConfigMaps that it names.
    fn environment(&self, workload: &Workload<'_>) -> BTreeMap<String, String> {
        let mut environment = BTreeMap::new();
        let namespace = workload.object.reference.namespace.as_str();
        let map = |name: Option<&Value>| {
            let name = name.and_then(Value::as_str)?;
            self.settings.get(&(namespace, name)).copied()
        };
        for container in containers(workload.template) {
            for from in list(container, "envFrom") {
                let prefix = from
                    .get("prefix")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                let data = map(from.pointer("/configMapRef/name"));
                for (key, value) in data.and_then(Value::as_object).into_iter().flatten() {
                    if let Some(value) = value.as_str() {
                        environment.insert(format!("{prefix}{key}"), value.to_owned());
                    }
                }
            }
            for variable in list(container, "env") {
                let Some(name) = variable.get("name").and_then(Value::as_str) else {
                    continue;
                };
                let from_map = || {
                    let reference = variable.pointer("/valueFrom/configMapKeyRef")?;
                    let key = reference.get("key")?.as_str()?;
                    map(reference.get("name"))?.get(key)?.as_str()
                };
                let value = variable
                    .get("value")
                    .and_then(Value::as_str)
                    .or_else(from_map);
                if let Some(value) = value {
                    environment.insert(name.to_owned(), value.to_owned());
                }
            }
        }
        environment
    }

    /// The workloads behind a host: `orders`, `orders.shop`, `orders.shop.svc.cluster.local`.
    fn behind(&self, host: &str) -> Vec<&String> {
        let mut parts = host.split('.');
        let name = parts.next().unwrap_or_default();
        let namespace = parts.next();
        if parts.next().is_some_and(|part| part != "svc") {
            return Vec::new();
        }
        let known = self.addresses.get(name).into_iter().flatten();
        known
            .filter(|address| match namespace {
                None => true,
                Some(named) => address.namespace.is_empty() || address.namespace == named,
            })
            .flat_map(|address| &address.workloads)
            .collect()
    }
}

fn containers(template: &Value) -> impl Iterator<Item = &Value> {
    ["initContainers", "containers"]
        .into_iter()
        .filter_map(|key| template.get("spec")?.get(key)?.as_array())
        .flatten()
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    let items = value.get(key).and_then(Value::as_array);
    items.map(Vec::as_slice).unwrap_or_default()
}

fn is_address(variable: &str) -> bool {
    let upper = variable.to_ascii_uppercase();
    let singular = upper.strip_suffix('S').unwrap_or(&upper);
    ENDINGS
        .iter()
        .any(|ending| upper.ends_with(ending) || singular.ends_with(ending))
}

/// The hosts of an address, a URL, or a list of them with commas between.
fn hosts(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(|one| {
        let one = one.trim();
        let address = one.split_once("://").map_or(one, |(_, rest)| rest);
        let authority = address.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        host.split(':').next().unwrap_or_default()
    })
}
