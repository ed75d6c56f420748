//! Who else is given a part of a workload's calls: what a router sends the same calls to; completion.md §5.8.
//!
//! In: Ingresses, routes of the Gateway API, `VirtualServices` and `TrafficSplits`, and the Services in front of a workload.
//! Out: the other Services that a call may reach by the same rule, and what of it is no Service of the namespace, so that
//! nobody can say who answers there. Where all old pods have to be gone a router leads to none, and is not asked.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::plain::Plain;
use super::snapshot;
use super::workload::Workload;
use tidegate_spec::ObjectRef;

/// Whether objects of a kind send calls to Services by rules.
pub fn is_router(object: &ObjectRef) -> bool {
    Kind::of(object.group(), &object.kind).is_some()
}

/// What calls of a workload may reach beside its own Services.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shares {
    /// Services of the same namespace.
    pub services: BTreeSet<String>,
    /// What is none, in words.
    pub elsewhere: BTreeSet<String>,
}

/// A kind with rules.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Ingress,
    Route,
    VirtualService,
    TrafficSplit,
}

impl Kind {
    fn of(group: &str, kind: &str) -> Option<Self> {
        match (group, kind) {
            ("networking.k8s.io", "Ingress") => Some(Self::Ingress),
            ("gateway.networking.k8s.io", kind) if kind.ends_with("Route") => Some(Self::Route),
            ("networking.istio.io", "VirtualService") => Some(Self::VirtualService),
            ("split.smi-spec.io", "TrafficSplit") => Some(Self::TrafficSplit),
            _ => None,
        }
    }
}

/// What calls lead to by one rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Backend {
    /// Namespace and name.
    Service(String, String),
    /// What it is, in words.
    Other(String),
}

/// Where calls of one kind go: all rules of all routers that are about the same hosts and paths, whatever headers they
/// ask for.
type Ways = BTreeMap<(String, String), BTreeSet<Backend>>;

/// What else the routers among some objects send the calls to that they send to one of the Services of a workload.
pub fn shares(others: &[Workload], fronts: &BTreeSet<&str>, namespace: &str) -> Shares {
    let mut ways = Ways::new();
    for router in others.iter().filter_map(Workload::plain) {
        add(&mut ways, router);
    }
    let mut shares = Shares::default();
    let is_front = |backend: &Backend| match backend {
        Backend::Service(of, name) => of == namespace && fronts.contains(name.as_str()),
        Backend::Other(_) => false,
    };
    let own = ways.values().filter(|way| way.iter().any(is_front));
    for backend in own.flatten().filter(|backend| !is_front(backend)) {
        let (list, item) = match backend {
            Backend::Service(of, name) if of == namespace => (&mut shares.services, name.clone()),
            Backend::Service(of, name) => (&mut shares.elsewhere, format!("Service {of}/{name}")),
            Backend::Other(words) => (&mut shares.elsewhere, words.clone()),
        };
        list.insert(item);
    }
    shares
}

fn add(ways: &mut Ways, router: &Plain) {
    let group = router
        .api_version
        .split_once('/')
        .map_or("", |(group, _)| group);
    let Some(kind) = Kind::of(group, &router.kind) else {
        return;
    };
    let router = Router {
        namespace: router.metadata.namespace.clone().unwrap_or_default(),
        name: format!("{} {}", router.kind, snapshot::name(&router.metadata)),
        spec: router.said().get("spec").cloned().unwrap_or_default(),
    };
    match kind {
        Kind::Ingress => router.ingress(ways),
        Kind::Route => router.route(ways),
        Kind::VirtualService => router.virtual_service(ways),
        Kind::TrafficSplit => router.traffic_split(ways),
    }
}

struct Router {
    namespace: String,
    /// For words.
    name: String,
    spec: Value,
}

fn items<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The texts of a list, or one empty text where there is none: that means all.
fn texts(value: &Value, key: &str) -> Vec<String> {
    let found: Vec<String> = items(value, key)
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    if found.is_empty() {
        vec![String::new()]
    } else {
        found
    }
}

/// Whether a backend gets calls: a weight that is not said is one.
fn takes_calls(backend: &Value) -> bool {
    backend.get("weight").and_then(Value::as_f64) != Some(0.0)
}

fn put(ways: &mut Ways, hosts: &[String], paths: &[String], backends: &[Backend]) {
    for host in hosts {
        for path in paths {
            let way = ways.entry((host.clone(), path.clone())).or_default();
            way.extend(backends.iter().cloned());
        }
    }
}

impl Router {
    fn service(&self, name: &str) -> Backend {
        Backend::Service(self.namespace.clone(), name.to_owned())
    }

    fn other(&self, kind: &str, name: &str) -> Backend {
        Backend::Other(format!("{kind} {name} of {}", self.name))
    }

    fn ingress(&self, ways: &mut Ways) {
        let backend = |backend: &Value| match text(backend, "/service/name") {
            "" => self.other(
                text(backend, "/resource/kind"),
                text(backend, "/resource/name"),
            ),
            name => self.service(name),
        };
        if let Some(usual) = self.spec.get("defaultBackend") {
            put(
                ways,
                &[String::new()],
                &["default".to_owned()],
                &[backend(usual)],
            );
        }
        for rule in items(&self.spec, "rules") {
            let paths = rule.get("http").map(|http| items(http, "paths"));
            for path in paths.into_iter().flatten() {
                let Some(to) = path.get("backend") else {
                    continue;
                };
                let at = text(path, "/path").to_owned();
                put(
                    ways,
                    &[text(rule, "/host").to_owned()],
                    &[at],
                    &[backend(to)],
                );
            }
        }
    }

    fn route(&self, ways: &mut Ways) {
        let backend = |to: &Value| {
            let namespace = to.get("namespace").and_then(Value::as_str);
            let namespace = namespace.unwrap_or(&self.namespace).to_owned();
            match (text(to, "/group"), to.get("kind").and_then(Value::as_str)) {
                ("", None | Some("Service")) => {
                    Backend::Service(namespace, text(to, "/name").to_owned())
                }
                (_, kind) => self.other(kind.unwrap_or("Service"), text(to, "/name")),
            }
        };
        let hosts = texts(&self.spec, "hostnames");
        for rule in items(&self.spec, "rules") {
            let matches: Vec<&Value> = items(rule, "matches").collect();
            // Headers and the like choose among those who answer the same calls.
            let what = |one: &Value| match (one.get("path"), one.get("method")) {
                (Some(path), _) => text(path, "/value").to_owned(),
                (None, Some(method)) => {
                    format!("{}/{}", text(method, "/service"), text(method, "/method"))
                }
                (None, None) => "/".to_owned(),
            };
            let paths: Vec<String> = if matches.is_empty() {
                vec!["/".to_owned()]
            } else {
                matches.into_iter().map(what).collect()
            };
            let to = items(rule, "backendRefs")
                .filter(|to| takes_calls(to))
                .map(backend);
            let mirrors = items(rule, "filters")
                .filter_map(|filter| filter.pointer("/requestMirror/backendRef"));
            let backends: Vec<Backend> = to.chain(mirrors.map(backend)).collect();
            put(ways, &hosts, &paths, &backends);
        }
    }

    fn virtual_service(&self, ways: &mut Ways) {
        let hosts = texts(&self.spec, "hosts");
        for protocol in ["http", "tls", "tcp"] {
            for rule in items(&self.spec, protocol) {
                let paths: Vec<String> = items(rule, "match")
                    .map(|one| one.get("uri").map(Value::to_string).unwrap_or_default())
                    .collect();
                let paths = if paths.is_empty() {
                    vec![String::new()]
                } else {
                    paths
                };
                let routes = items(rule, "route").filter(|to| takes_calls(to));
                let mirrors = items(rule, "mirrors").chain(rule.get("mirror"));
                let named = routes
                    .map(|to| text(to, "/destination/host"))
                    .chain(mirrors.map(|to| match text(to, "/destination/host") {
                        "" => text(to, "/host"),
                        host => host,
                    }));
                let backends: Vec<Backend> = named.map(|host| self.host(host)).collect();
                put(ways, &hosts, &paths, &backends);
            }
        }
    }

    /// A host of a mesh: a Service by a short or a whole name, or something outside.
    fn host(&self, host: &str) -> Backend {
        let parts: Vec<&str> = host.split('.').collect();
        match parts.as_slice() {
            [name] => self.service(name),
            [name, namespace] | [name, namespace, "svc", ..] => {
                Backend::Service((*namespace).to_owned(), (*name).to_owned())
            }
            _ => self.other("host", host),
        }
    }

    fn traffic_split(&self, ways: &mut Ways) {
        let to = items(&self.spec, "backends").filter(|to| takes_calls(to));
        let to = to.map(|to| self.host(text(to, "/service")));
        let root = text(&self.spec, "/service");
        let backends: Vec<Backend> = to.chain([self.host(root)]).collect();
        put(ways, &[root.to_owned()], &[String::new()], &backends);
    }
}
