//! Who watches a simulated run from outside: whether two pods are ever alive that cannot talk, and how many calls fail.
//!
//! Knows nothing of tidegate's state, gates or waits: it sees pods and what they really speak. The rule is S1 of
//! reliability.md in its external form: no pod is made while another one is alive that it could not talk to.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::cluster::View;
use super::facts::{Endpoint, Kind, Pod, Template, Workload};
use tidegate_planner::graph::{Clash, Compat, Revision, compat};
use tidegate_spec::{ContractName, Edge, ObjectRef, ServiceName};

/// The calls of a run, of all edges, one call a second for each.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Traffic {
    /// How many were made.
    pub calls: f64,
    /// How many of them failed since the two ends did not speak the same version.
    pub failed: f64,
}

/// Two revisions of one edge.
type Met = (Edge, String, String);

/// Whoever watches.
pub(super) struct Judge {
    edges: Vec<Edge>,
    /// The callers from outside, which are always there.
    outside: BTreeMap<ServiceName, Revision>,
    /// Who must be done before whom, as the plan says.
    precedences: Vec<(ServiceName, ServiceName)>,
    /// What was there before anything was done.
    from_start: BTreeSet<Met>,
    /// What should never happen.
    pub(super) wrong: Vec<String>,
    pub(super) traffic: Traffic,
    /// The calls of one second, as long as no pod changes.
    each_second: Option<Traffic>,
}

impl Judge {
    /// For a system as it stands.
    pub(super) fn of(
        view: &View,
        edges: BTreeSet<Edge>,
        outside: BTreeMap<ServiceName, Revision>,
        precedences: Vec<(ServiceName, ServiceName)>,
    ) -> Self {
        let mut judge = Self {
            edges: edges.into_iter().collect(),
            outside,
            precedences,
            from_start: BTreeSet::new(),
            wrong: Vec::new(),
            traffic: Traffic::default(),
            each_second: None,
        };
        judge.from_start = judge
            .edges
            .iter()
            .flat_map(|edge| judge.clashes(view, edge))
            .collect();
        judge
    }

    /// Looks whether a new pod may be there.
    pub(super) fn pod_was_made(&mut self, view: &View, object: &ObjectRef, uid: &str) {
        let Some(workload) = view.workloads.get(object) else {
            return;
        };
        let Some(pod) = workload.pods.iter().find(|pod| pod.uid == uid) else {
            return;
        };
        let service = &workload.service;
        let mut wrong = Vec::new();
        for edge in self
            .edges
            .iter()
            .filter(|edge| edge.caller == *service || edge.callee == *service)
        {
            if is_disturbed(view, edge) {
                continue;
            }
            for met in self.clashes(view, edge) {
                if !self.from_start.contains(&met) {
                    let (edge, client, server) = met;
                    wrong.push(format!(
                        "pod {} was made, and now {} ({client}) can reach {} ({server}), which do not agree on {}",
                        pod.name, edge.caller, edge.callee, edge.contract
                    ));
                }
            }
        }
        let is_target = workload
            .template_of(pod)
            .is_some_and(|template| template.is_target);
        if is_target {
            for (first, _) in self.precedences.iter().filter(|(_, then)| then == service) {
                wrong.extend(
                    view.workloads
                        .values()
                        .filter(|other| other.service == *first && !other.is_disturbed)
                        .filter_map(|other| {
                            let why = unfinished(other)?;
                            Some(format!("pod {} was made while {why}", pod.name))
                        }),
                );
            }
        }
        self.wrong.extend(wrong);
    }

    /// Pods came, went, or changed.
    pub(super) fn pods_changed(&mut self) {
        self.each_second = None;
    }

    /// Time passes with the pods as they are.
    pub(super) fn traffic(&mut self, view: &View, passed: SignedDuration) {
        let each_second = self.each_second.unwrap_or_else(|| self.calls(view));
        self.each_second = Some(each_second);
        let seconds = passed.as_secs_f64();
        self.traffic.calls += each_second.calls * seconds;
        self.traffic.failed += each_second.failed * seconds;
    }

    /// The pairs of live revisions of an edge that cannot talk.
    fn clashes(&self, view: &View, edge: &Edge) -> BTreeSet<Met> {
        let mut met = BTreeSet::new();
        let servers = revisions(view, &edge.callee, Pod::is_live);
        let mut callers = revisions(view, &edge.caller, Pod::is_live);
        callers.extend(self.outside.get(&edge.caller));
        let key = (edge.callee.clone(), edge.contract.clone());
        for caller in &callers {
            for server in &servers {
                if breaks(&key, caller, server) {
                    met.insert((edge.clone(), caller.name.clone(), server.name.clone()));
                }
            }
        }
        met
    }

    /// One call a second on each edge whose caller runs: from any of its pods, since one that starts or ends calls too,
    /// to any that the slice of its Service shows.
    fn calls(&self, view: &View) -> Traffic {
        let mut traffic = Traffic::default();
        for edge in &self.edges {
            let key = (edge.callee.clone(), edge.contract.clone());
            let mut callers = revisions(view, &edge.caller, Pod::is_live);
            callers.extend(self.outside.get(&edge.caller));
            callers.retain(|caller| needs(caller, &key));
            if callers.is_empty() {
                continue;
            }
            traffic.calls += 1.0;
            let servers = reachable(view, &edge.callee);
            if servers.is_empty() {
                // One that is only not ready is a matter of its own; one that nobody runs any more, or yet, is not.
                let runs = view
                    .workloads
                    .values()
                    .any(|callee| callee.service == edge.callee && callee.exists);
                traffic.failed += if runs { 0.0 } else { 1.0 };
                continue;
            }
            let pairs = callers
                .iter()
                .flat_map(|caller| servers.iter().map(move |server| (caller, server)));
            let failing = pairs
                .filter(|(caller, server)| breaks(&key, caller, server))
                .count();
            traffic.failed += share(failing, callers.len() * servers.len());
        }
        traffic
    }
}

fn share(part: usize, whole: usize) -> f64 {
    let number = |count: usize| f64::from(super::facts::number(count));
    number(part) / number(whole).max(1.0)
}

/// Whether a call of a revision fails for its version's sake. Where nobody declared enough, nobody can tell.
fn breaks(key: &(ServiceName, ContractName), caller: &Revision, server: &Revision) -> bool {
    if !needs(caller, key) {
        return false;
    }
    match compat(key, Some(caller), Some(server)) {
        Compat::Yes | Compat::Unknown | Compat::No(Clash::Absent) => false,
        Compat::No(_) => true,
    }
}

/// Whether it calls that contract at all, and breaks where it fails.
fn needs(caller: &Revision, key: &(ServiceName, ContractName)) -> bool {
    let calls = caller.interface.as_ref().map(|interface| &interface.calls);
    calls
        .and_then(|calls| calls.get(key))
        .is_some_and(|requirement| !requirement.optional)
}

/// What the pods of a service speak, one entry a pod. Those of a Job serve nobody.
fn revisions<'v>(
    view: &'v View,
    service: &ServiceName,
    is_it: impl Fn(&Pod) -> bool,
) -> Vec<&'v Revision> {
    let workloads = view
        .workloads
        .values()
        .filter(|workload| workload.service == *service && workload.kind != Kind::Job);
    let mut found = Vec::new();
    for workload in workloads {
        let pods = workload.live().filter(|pod| is_it(pod));
        found.extend(
            pods.filter_map(|pod| workload.template_of(pod))
                .map(|template: &Template| &*template.speaks),
        );
    }
    found
}

/// What a new connection reaches: pods that the slice calls ready; where there is none, those that still serve while they
/// end, as kube-proxy does.
fn reachable<'v>(view: &'v View, service: &ServiceName) -> Vec<&'v Revision> {
    let shown = view.endpoints.get(service).map_or(&[][..], Vec::as_slice);
    let among = |is_it: fn(&Endpoint) -> bool| {
        let uids: BTreeSet<&str> = shown
            .iter()
            .filter(|one| is_it(one))
            .map(|one| one.uid.as_str())
            .collect();
        revisions(view, service, |pod| {
            pod.is_live() && uids.contains(pod.uid.as_str())
        })
    };
    let ready = among(|endpoint| endpoint.is_ready);
    if ready.is_empty() {
        return among(|endpoint| endpoint.is_serving);
    }
    ready
}

fn is_disturbed(view: &View, edge: &Edge) -> bool {
    let ends = view
        .workloads
        .values()
        .filter(|workload| workload.service == edge.caller || workload.service == edge.callee);
    let mut ends = ends.map(|workload| workload.is_disturbed);
    ends.any(|is_disturbed| is_disturbed)
}

/// Why a workload that must be done before others is not.
fn unfinished(workload: &Workload) -> Option<String> {
    let is_old = |pod: &&Pod| {
        !workload
            .template_of(pod)
            .is_some_and(|template| template.is_target)
    };
    if workload.kind == Kind::Job {
        let is_done = workload.pods.iter().any(|pod| pod.has_succeeded);
        return (!is_done).then(|| format!("{} has not run to its end", workload.reference));
    }
    let old = workload.live().find(is_old)?;
    Some(format!("pod {} of {} is alive", old.name, workload.service))
}
