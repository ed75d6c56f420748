//! Who else is given a part of a workload's calls: what a router sends the same calls to; completion.md §5.8.
//!
//! In: Ingresses, routes of the Gateway API, `VirtualServices` and `TrafficSplits`, and the Services in front of a workload.
//! Out: the other Services that a call may reach by the same rule; what of it is no Service of the namespace, so that
//! nobody can say who answers there; and routers that cannot be read, which may lead anywhere.
//!
//! They are asked wherever old pods matter. §5.8 lets level `pods` do without, since nothing old lives then; but a
//! stranger's pod behind such a Service answers the same calls, and §5.3 asks for it at that level too. What opens at
//! `pods` must open at `endpoints`, so the stricter of the two holds (ADR 4).

use std::collections::{BTreeMap, BTreeSet};

use super::plain::Plain;
use super::workload::Workload;
use tidegate_spec::ObjectRef;

mod views;

use views::{Ingress, Route, TrafficSplit, VirtualService};

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
    /// Routers that are not as their kind is, with the fault.
    pub unreadable: BTreeSet<String>,
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
    let mut shares = Shares::default();
    if fronts.is_empty() {
        return shares;
    }
    let mut ways = Ways::new();
    for router in others.iter().filter_map(Workload::plain) {
        if let Err(fault) = add(&mut ways, router) {
            shares.unreadable.insert(fault);
        }
    }
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

/// Error: in words, why it cannot be read.
fn add(ways: &mut Ways, router: &Plain) -> Result<(), String> {
    let reference = router.reference();
    let Some(kind) = Kind::of(reference.group(), &reference.kind) else {
        return Ok(());
    };
    let name = format!("{} {}", reference.kind, reference.name);
    let namespace = reference.namespace.as_str();
    let read = match kind {
        Kind::Ingress => router.read::<Ingress>().map(|it| it.ways(namespace)),
        Kind::Route => router.read::<Route>().map(|it| it.ways(namespace)),
        Kind::VirtualService => router.read::<VirtualService>().map(|it| it.ways(namespace)),
        Kind::TrafficSplit => router.read::<TrafficSplit>().map(|it| it.ways(namespace)),
    };
    for way in read.map_err(|fault| format!("{name}: {fault}"))? {
        let to = way.to.into_iter().map(|backend| backend.of(&name));
        let to: BTreeSet<Backend> = to.collect();
        for host in &way.hosts {
            for path in &way.paths {
                let known = ways.entry((host.clone(), path.clone())).or_default();
                known.extend(to.iter().cloned());
            }
        }
    }
    Ok(())
}

/// One rule of a router.
struct Way {
    hosts: Vec<String>,
    paths: Vec<String>,
    to: Vec<Backend>,
}

impl Backend {
    /// The same, with the router that names it where it is no Service.
    fn of(self, router: &str) -> Self {
        match self {
            Self::Service(namespace, name) => Self::Service(namespace, name),
            Self::Other(words) => Self::Other(format!("{words} of {router}")),
        }
    }
}

/// The texts, or one empty text where there is none: that means all.
fn or_all(texts: Vec<String>) -> Vec<String> {
    if texts.is_empty() {
        vec![String::new()]
    } else {
        texts
    }
}
