//! The endpoints behind the Services of a workload.
//!
//! In: a snapshot and the names of Services. Out: each endpoint with the pod that it leads to.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::baseline::{Baseline, is_in_front_of};
use super::lineage::{Lineage, Standing};
use super::routers::{self, Shares};
use super::snapshot::{self, Snapshot};
use super::workload::Workload;
use tidegate_spec::crd::DrainLevel;

/// The label by which an EndpointSlice names its Service.
pub(super) const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// The Services in front of a workload, now or before the apply.
pub(super) struct Fronts<'a> {
    /// Those that exist.
    pub(super) services: Vec<&'a Service>,
    /// All names, those of deleted Services included: their slices may outlive them.
    pub(super) names: BTreeSet<&'a str>,
    /// Those that are known by their endpoints alone: not shown, or without a selector.
    pub(super) unselecting: BTreeSet<&'a str>,
    /// What routers send a part of the same calls to, where an old pod may live on.
    pub(super) shares: Shares,
    /// All selectors, old ones included: a changed selector is a rollout of its own.
    selectors: Vec<&'a BTreeMap<String, String>>,
}

impl<'a> Fronts<'a> {
    pub(super) fn of(
        baseline: &'a Baseline,
        snapshot: &'a Snapshot,
        lineage: &Lineage<'_>,
        drain: DrainLevel,
    ) -> Self {
        let was_in_front = |service: &Service| {
            is_in(&service.metadata, &baseline.workload.namespace)
                && baseline
                    .services
                    .contains_key(snapshot::name(&service.metadata))
        };
        let live = snapshot.workload.as_ref();
        // Controllers and webhooks label pods beyond their template.
        let own = own_pods(snapshot, lineage);
        let picks_own = |service: &Service| {
            let selector = service
                .spec
                .as_ref()
                .and_then(|spec| spec.selector.as_ref());
            is_in(&service.metadata, &baseline.workload.namespace)
                && selector.is_some_and(|selector| {
                    let mut own = own.iter();
                    own.any(|pod| snapshot::service_selects(selector, &pod.metadata))
                })
        };
        let is_in_front = |service: &Service, live: &Workload| {
            is_in_front_of(service, live, &snapshot.others)
                || (!live.is_never_called() && picks_own(service))
        };
        let mut services: Vec<_> = snapshot
            .services
            .iter()
            .filter(|service| {
                was_in_front(service) || live.is_some_and(|live| is_in_front(service, live))
            })
            .collect();
        services.sort_by_key(|service| snapshot::name(&service.metadata));
        let now = services
            .iter()
            .filter_map(|service| service.spec.as_ref()?.selector.as_ref());
        let names = services
            .iter()
            .map(|service| snapshot::name(&service.metadata));
        let listed = listed(baseline, snapshot, lineage);
        let names: BTreeSet<&str> = names
            .chain(baseline.services.keys().map(String::as_str))
            .chain(listed.iter().copied())
            .collect();
        // One that is switched to the workload has led to others before.
        let switched: Vec<_> = names
            .iter()
            .filter_map(|name| baseline.elsewhere.get(*name))
            .collect();
        let shares = match drain {
            DrainLevel::Pods | DrainLevel::Endpoints => {
                routers::shares(&snapshot.others, &names, &baseline.workload.namespace)
            }
            DrainLevel::None => Shares::default(),
        };
        Self {
            names,
            shares,
            unselecting: listed
                .into_iter()
                .filter(|name| !selects(snapshot, &baseline.workload.namespace, name))
                .collect(),
            selectors: now
                .chain(baseline.services.values())
                .chain(switched)
                .collect(),
            services,
        }
    }

    /// Whether one of the Services selects a pod as they are now.
    pub(super) fn select_now(&self, pod: &Pod) -> bool {
        let selectors = self.services.iter();
        let mut selectors =
            selectors.filter_map(|service| service.spec.as_ref()?.selector.as_ref());
        selectors.any(|selector| snapshot::service_selects(selector, &pod.metadata))
    }

    /// Whether one of the Services selects a pod.
    pub(super) fn select(&self, pod: &Pod) -> bool {
        self.selectors
            .iter()
            .any(|selector| snapshot::service_selects(selector, &pod.metadata))
    }
}

/// The pods of a workload, of whatever revision.
fn own_pods<'a>(snapshot: &'a Snapshot, lineage: &Lineage<'_>) -> Vec<&'a Pod> {
    let is_own = |pod: &&Pod| match lineage.standing(pod) {
        Standing::Current | Standing::Old => true,
        Standing::Foreign(_) | Standing::Orphan => false,
    };
    snapshot.pods.iter().filter(is_own).collect()
}

/// The Services whose endpoints name a pod of the workload, or its address, whatever they select.
fn listed<'a>(
    baseline: &Baseline,
    snapshot: &'a Snapshot,
    lineage: &Lineage<'_>,
) -> BTreeSet<&'a str> {
    let own_pods = own_pods(snapshot, lineage);
    let own: BTreeSet<&str> = own_pods
        .iter()
        .map(|pod| snapshot::uid(&pod.metadata))
        .chain(baseline.pods.iter().map(|pod| pod.uid.as_str()))
        .collect();
    // Those of a node's network are not theirs alone.
    let addresses: BTreeSet<&str> = own_pods
        .iter()
        .filter(|pod| pod.spec.as_ref().and_then(|spec| spec.host_network) != Some(true))
        .flat_map(|pod| addresses(pod))
        .collect();
    let is_own = |endpoint: &Endpoint| match &endpoint.target_ref {
        Some(target) => target.uid.as_deref().is_some_and(|uid| own.contains(uid)),
        None => endpoint
            .addresses
            .iter()
            .any(|it| addresses.contains(it.as_str())),
    };
    let names_own = |slice: &&EndpointSlice| slice.endpoints.iter().flatten().any(is_own);
    snapshot
        .endpoint_slices
        .iter()
        .filter(|slice| is_in(&slice.metadata, &baseline.workload.namespace))
        .filter(names_own)
        .filter_map(|slice| snapshot::label(&slice.metadata, SERVICE_NAME))
        .collect()
}

fn is_in(metadata: &ObjectMeta, namespace: &str) -> bool {
    metadata.namespace.as_deref().unwrap_or_default() == namespace
}

/// Whether a Service is shown and selects pods.
fn selects(snapshot: &Snapshot, namespace: &str, service: &str) -> bool {
    snapshot.services.iter().any(|shown| {
        let spec = shown.spec.as_ref();
        let selector = spec.and_then(|spec| spec.selector.as_ref());
        is_in(&shown.metadata, namespace)
            && snapshot::name(&shown.metadata) == service
            && selector.is_some_and(|selector| !selector.is_empty())
    })
}

/// An endpoint with what it leads to.
pub(super) struct Seen<'a> {
    pub(super) service: &'a str,
    pub(super) endpoint: &'a Endpoint,
    pub(super) target: Target<'a>,
}

/// What an endpoint leads to.
pub(super) enum Target<'a> {
    /// A pod.
    Pod(&'a Pod),
    /// A pod of this name that is not there any more.
    GonePod(&'a str),
    /// Nothing that we know.
    Unknown,
}

/// Whether an endpoint may be given a new connection. What is absent is true; `serving` counts as well as
/// `ready`, since kube-proxy falls back to draining endpoints when none is ready.
pub fn is_open(endpoint: &Endpoint) -> bool {
    let conditions = endpoint.conditions.as_ref();
    let is_not = |get: Option<bool>| get == Some(false);
    !conditions.is_some_and(|conditions| is_not(conditions.ready) && is_not(conditions.serving))
}

impl Seen<'_> {
    /// Whether it may be given a new connection.
    pub(super) fn is_open(&self) -> bool {
        is_open(self.endpoint)
    }

    /// Whether it is given new connections.
    pub(super) fn is_ready(&self) -> bool {
        let conditions = self.endpoint.conditions.as_ref();
        conditions.and_then(|conditions| conditions.ready) != Some(false)
    }

    /// Its first address, for people.
    pub(super) fn address(&self) -> &str {
        self.endpoint
            .addresses
            .first()
            .map(String::as_str)
            .unwrap_or_default()
    }
}

/// All endpoints of some Services, in the order of Service and address.
pub(super) fn seen<'a>(
    snapshot: &'a Snapshot,
    fronts: &Fronts<'a>,
    namespace: &str,
) -> Vec<Seen<'a>> {
    let pods: Vec<_> = snapshot
        .pods
        .iter()
        .filter(|pod| is_in(&pod.metadata, namespace))
        .collect();
    let mut seen: Vec<_> = snapshot
        .endpoint_slices
        .iter()
        .filter(|slice| is_in(&slice.metadata, namespace))
        .filter_map(|slice| {
            let service = snapshot::label(&slice.metadata, SERVICE_NAME)?;
            let is_asked =
                fronts.names.contains(service) || fronts.shares.services.contains(service);
            is_asked.then_some((service, slice))
        })
        .flat_map(|(service, slice)| {
            slice
                .endpoints
                .iter()
                .flatten()
                .map(move |endpoint| (service, endpoint))
        })
        .map(|(service, endpoint)| Seen {
            service,
            endpoint,
            target: target(endpoint, &pods),
        })
        .collect();
    seen.sort_by(|left, right| {
        (left.service, &left.endpoint.addresses).cmp(&(right.service, &right.endpoint.addresses))
    });
    seen
}

/// The addresses of a pod.
pub(super) fn addresses(pod: &Pod) -> impl Iterator<Item = &str> {
    let status = pod.status.as_ref();
    let all = status
        .and_then(|status| status.pod_ips.as_ref())
        .into_iter()
        .flatten();
    let first = status.and_then(|status| status.pod_ip.as_deref());
    all.map(|address| address.ip.as_str()).chain(first)
}

fn target<'a>(endpoint: &'a Endpoint, pods: &[&'a Pod]) -> Target<'a> {
    if let Some(reference) = &endpoint.target_ref
        && reference.kind.as_deref() == Some("Pod")
        && let Some(uid) = reference.uid.as_deref()
    {
        let pod = pods.iter().find(|pod| snapshot::uid(&pod.metadata) == uid);
        let name = reference.name.as_deref().unwrap_or_default();
        return pod.map_or(Target::GonePod(name), |pod| Target::Pod(pod));
    }
    let has_address = |pod: &&&Pod| {
        snapshot::is_live(pod)
            && addresses(pod).any(|address| endpoint.addresses.iter().any(|it| it == address))
    };
    // Pods of the host's network share an address: then nobody can say which of them is meant.
    let mut found = pods.iter().filter(has_address);
    match (found.next(), found.next()) {
        (Some(pod), None) => Target::Pod(pod),
        (Some(_) | None, _) => Target::Unknown,
    }
}
