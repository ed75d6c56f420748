//! What of each kind of router says where calls go.
//!
//! In: an object as its API writes it. Out: its rules. A field of another type makes the whole object unreadable.

use serde::Deserialize;
use serde_json::Value;

use super::{Backend, Way, or_all};

/// Whether a backend gets calls: a weight that is not said is one.
fn takes_calls(weight: Option<&Value>) -> bool {
    weight.and_then(Value::as_f64) != Some(0.0)
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Ingress {
    spec: IngressSpec,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct IngressSpec {
    default_backend: Option<IngressBackend>,
    rules: Vec<IngressRule>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct IngressRule {
    host: String,
    http: Paths,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Paths {
    paths: Vec<IngressPath>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct IngressPath {
    path: String,
    backend: IngressBackend,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct IngressBackend {
    service: Option<Named>,
    resource: Named,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    kind: String,
    name: String,
}

impl Ingress {
    pub(super) fn ways(self, namespace: &str) -> Vec<Way> {
        let way = |host: String, path: String, backend: IngressBackend| Way {
            hosts: vec![host],
            paths: vec![path],
            to: vec![match backend {
                IngressBackend {
                    service: Some(service),
                    resource: _,
                } => Backend::Service(namespace.to_owned(), service.name),
                IngressBackend {
                    service: None,
                    resource,
                } => Backend::Other(format!("{} {}", resource.kind, resource.name)),
            }],
        };
        let usual = self.spec.default_backend;
        let usual = usual.map(|backend| way(String::new(), "default".to_owned(), backend));
        let rules = self.spec.rules.into_iter().flat_map(|rule| {
            let IngressRule { host, http } = rule;
            let paths = http.paths.into_iter();
            paths.map(move |it| way(host.clone(), it.path, it.backend))
        });
        usual.into_iter().chain(rules).collect()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Route {
    spec: RouteSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RouteSpec {
    hostnames: Vec<String>,
    rules: Vec<RouteRule>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RouteRule {
    matches: Vec<RouteMatch>,
    backend_refs: Vec<BackendRef>,
    filters: Vec<Filter>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RouteMatch {
    path: Option<PathMatch>,
    /// A verb of HTTP, or a service and method of gRPC.
    method: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PathMatch {
    value: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct BackendRef {
    group: String,
    kind: Option<String>,
    namespace: Option<String>,
    name: String,
    weight: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Filter {
    request_mirror: Option<Mirror>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Mirror {
    backend_ref: BackendRef,
}

impl RouteMatch {
    /// Which calls it is about; headers and the like choose among those who answer the same calls.
    fn what(self) -> String {
        match (self.path, self.method) {
            (Some(path), _) => path.value,
            (None, Some(method)) => {
                let text = |key: &str| method.get(key).and_then(Value::as_str).unwrap_or_default();
                format!("{}/{}", text("service"), text("method"))
            }
            (None, None) => "/".to_owned(),
        }
    }
}

impl Route {
    pub(super) fn ways(self, namespace: &str) -> Vec<Way> {
        let hosts = or_all(self.spec.hostnames);
        let backend = |to: BackendRef| {
            let kind = to.kind.unwrap_or_else(|| "Service".to_owned());
            if to.group.is_empty() && kind == "Service" {
                let namespace = to.namespace.unwrap_or_else(|| namespace.to_owned());
                Backend::Service(namespace, to.name)
            } else {
                Backend::Other(format!("{kind} {}", to.name))
            }
        };
        let way = |rule: RouteRule| {
            let paths: Vec<String> = rule.matches.into_iter().map(RouteMatch::what).collect();
            let named = rule.backend_refs.into_iter();
            let named = named.filter(|to| takes_calls(to.weight.as_ref()));
            let mirrors = rule.filters.into_iter();
            let mirrors = mirrors.filter_map(|filter| Some(filter.request_mirror?.backend_ref));
            Way {
                hosts: hosts.clone(),
                paths: if paths.is_empty() {
                    vec!["/".to_owned()]
                } else {
                    paths
                },
                to: named.chain(mirrors).map(backend).collect(),
            }
        };
        self.spec.rules.into_iter().map(way).collect()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct VirtualService {
    spec: VirtualServiceSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct VirtualServiceSpec {
    hosts: Vec<String>,
    http: Vec<MeshRule>,
    tls: Vec<MeshRule>,
    tcp: Vec<MeshRule>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct MeshRule {
    #[serde(rename = "match")]
    matches: Vec<MeshMatch>,
    route: Vec<Destination>,
    mirror: Option<Destination>,
    mirrors: Vec<Destination>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct MeshMatch {
    uri: Option<Value>,
}

/// Where calls go: a route and one of several mirrors wrap the host, a single mirror does not.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Destination {
    #[serde(rename = "destination")]
    wrapped: Host,
    host: String,
    weight: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Host {
    host: String,
}

impl Destination {
    fn host(self) -> String {
        if self.host.is_empty() {
            self.wrapped.host
        } else {
            self.host
        }
    }
}

impl VirtualService {
    pub(super) fn ways(self, namespace: &str) -> Vec<Way> {
        let VirtualServiceSpec {
            hosts,
            http,
            tls,
            tcp,
        } = self.spec;
        let hosts = or_all(hosts);
        let way = |rule: MeshRule| {
            let uri = |one: MeshMatch| one.uri.map(|uri| uri.to_string()).unwrap_or_default();
            let uris = rule.matches.into_iter().map(uri);
            let routes = rule.route.into_iter();
            let routes = routes.filter(|to| takes_calls(to.weight.as_ref()));
            let to = routes.chain(rule.mirrors).chain(rule.mirror);
            Way {
                hosts: hosts.clone(),
                paths: or_all(uris.collect()),
                to: to.map(|to| of_mesh(&to.host(), namespace)).collect(),
            }
        };
        http.into_iter().chain(tls).chain(tcp).map(way).collect()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct TrafficSplit {
    spec: Split,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Split {
    service: String,
    backends: Vec<Share>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Share {
    service: String,
    weight: Option<Value>,
}

impl TrafficSplit {
    pub(super) fn ways(self, namespace: &str) -> Vec<Way> {
        let backends = self.spec.backends.into_iter();
        let backends = backends.filter(|to| takes_calls(to.weight.as_ref()));
        let names = backends.map(|to| to.service);
        let names = names.chain([self.spec.service.clone()]);
        vec![Way {
            to: names.map(|name| of_mesh(&name, namespace)).collect(),
            hosts: vec![self.spec.service],
            paths: vec![String::new()],
        }]
    }
}

/// A host of a mesh: a Service by a short or a whole name, or something outside.
fn of_mesh(host: &str, namespace: &str) -> Backend {
    let parts: Vec<&str> = host.split('.').collect();
    match parts.as_slice() {
        [name] => Backend::Service(namespace.to_owned(), (*name).to_owned()),
        [name, namespace] | [name, namespace, "svc", ..] => {
            Backend::Service((*namespace).to_owned(), (*name).to_owned())
        }
        _ => Backend::Other(format!("host {host}")),
    }
}
