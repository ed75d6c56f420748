//! Who watches a simulated run from outside: whether two pods are ever alive that cannot talk, and how many calls fail.
//!
//! Knows nothing of tidegate's state, gates or waits: it sees pods and what they really speak. The rule is S1 of
//! reliability.md in its external form: no pod is made while another one is alive that it could not talk to.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::cluster::View;
use super::facts::{Endpoint, Kind, Pod, Template, Workload};
use tidegate_planner::graph::{Clash, Compat, Revision, compat};
use tidegate_planner::plan::Plan;
use tidegate_spec::crd::{Advance, FreezeWindow};
use tidegate_spec::{ContractName, Edge, ObjectRef, ServiceName};

/// The calls of a run, of all edges, one call a second for each.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Traffic {
    /// How many were made.
    pub calls: f64,
    /// How many of them failed since the two ends did not speak the same version.
    pub failed: f64,
}

/// How long a look and the save that rests on it may take, where nothing stands still.
const AT_ONCE: SignedDuration = SignedDuration::from_secs(1);

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
    /// When nothing new may start, if there is such a time.
    frozen: Option<Frozen>,
    /// When each service was first written.
    written: BTreeMap<ServiceName, Timestamp>,
    /// Whether what was decided may take effect long afterwards.
    pub(super) is_slow: bool,
    /// The workloads of which, since this release began, all pods were new and ready at once.
    whole: BTreeSet<ObjectRef>,
}

/// A time in which nothing new may start.
struct Frozen {
    from: Timestamp,
    until: Timestamp,
    /// The services that may start together; one for each where each may start for itself.
    waves: Vec<BTreeSet<ServiceName>>,
}

/// How long after a decision its last write may have its effect: one call after the other, each of which may get no answer.
pub(super) const UNDER_WAY: SignedDuration = SignedDuration::from_secs(30);

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
            frozen: None,
            written: BTreeMap::new(),
            is_slow: false,
            whole: BTreeSet::new(),
        };
        judge.from_start = judge
            .edges
            .iter()
            .flat_map(|edge| judge.clashes(view, edge))
            .collect();
        judge
    }

    /// A time in which nothing new may start, by the waves of a plan.
    pub(super) fn freeze(&mut self, plan: &Plan, window: &FreezeWindow, advance: Advance) {
        let of_step = |id: &String| {
            let step = plan.steps.iter().find(|step| step.id == *id);
            step.map(|step| step.service.clone())
        };
        let waves = plan.waves.iter();
        let waves = waves.map(|wave| wave.iter().filter_map(of_step).collect::<BTreeSet<_>>());
        let waves = match advance {
            Advance::Wave => waves.collect(),
            Advance::Service => waves.flatten().map(|one| BTreeSet::from([one])).collect(),
        };
        let (Some(from), Some(until)) = (&window.from, &window.until) else {
            return;
        };
        self.frozen = Some(Frozen {
            from: from.0,
            until: until.0,
            waves,
        });
    }

    /// A newer release begins: who calls whom in it, too. What order its plan has is not known here.
    pub(super) fn turn_to(&mut self, release: usize, edges: BTreeSet<Edge>, view: &View) {
        if release == 0 {
            return;
        }
        let known = std::mem::take(&mut self.edges);
        let all: BTreeSet<Edge> = known.into_iter().chain(edges).collect();
        self.edges = all.into_iter().collect();
        self.precedences.clear();
        self.frozen = None;
        self.whole.clear();
        let met = self.edges.iter().flat_map(|edge| self.clashes(view, edge));
        let met: Vec<Met> = met.collect();
        self.from_start.extend(met);
        self.each_second = None;
    }

    /// An object of a service is written: may it move now?
    pub(super) fn service_was_written(
        &mut self,
        view: &View,
        service: &ServiceName,
        now: Timestamp,
    ) {
        if self.written.contains_key(service) {
            return;
        }
        self.written.insert(service.clone(), now);
        if self.is_slow {
            return;
        }
        let before = now.saturating_sub(UNDER_WAY).unwrap_or(now);
        if let Some(frozen) = &self.frozen {
            let has_begun = |wave: &&BTreeSet<ServiceName>| {
                let mut times = wave.iter().filter_map(|one| self.written.get(one));
                times.any(|first| *first <= frozen.from.saturating_add(UNDER_WAY).unwrap_or(now))
            };
            let wave = frozen.waves.iter().find(|wave| wave.contains(service));
            let is_new = wave.is_some_and(|wave| !has_begun(&wave));
            if is_new && frozen.from < before && now < frozen.until {
                self.wrong
                    .push(format!("S4: {service} starts in a freeze window"));
            }
        }
        for (first, _) in self.precedences.iter().filter(|(_, then)| then == service) {
            let undone = view.workloads.values().find(|other| {
                other.service == *first && other.disturbed_at.is_some_and(|at| at < before)
            });
            if let Some(why) = undone.and_then(unfinished) {
                self.wrong.push(format!("S5: {service} starts while {why}"));
            }
        }
    }

    /// A service is called done: nothing old of it may be alive, and nothing at all of one that goes.
    pub(super) fn service_was_done(
        &mut self,
        (view, now): (&View, Timestamp),
        service: &ServiceName,
        goes: bool,
    ) {
        let workloads = view.workloads.values();
        let own = workloads.filter(|one| one.service == *service && one.disturbed_at.is_none());
        let why = own.filter(|one| one.exists != goes).find_map(unfinished);
        if let Some(why) = why {
            self.wrong
                .push(format!("S2: {service} is called done while {why}"));
        }
        let is_gone = |one: &&Workload| {
            let since = one.disturbed_at.map(|at| now.duration_since(at));
            !one.exists && since.is_some_and(|since| since > AT_ONCE) && !self.is_slow
        };
        let mut of_service = view
            .workloads
            .values()
            .filter(|one| one.service == *service);
        if let (Some(gone), false) = (of_service.find(is_gone), goes) {
            let words = format!(
                "S2: {service} is called done, and {} was deleted",
                gone.reference
            );
            self.wrong.push(words);
        }
        let workloads = view.workloads.values();
        let mut own = workloads.filter(|one| one.service == *service && one.kind != Kind::Job);
        let is_partial = |one: &Workload| one.replicas > 0 && !self.whole.contains(&one.reference);
        let partial = own.find(|one| one.disturbed_at.is_none() && is_partial(one));
        if let (Some(partial), false) = (partial, goes) {
            let words = format!(
                "S2: {service} is called done, and {} was never whole",
                partial.reference
            );
            self.wrong.push(words);
        }
    }

    /// Something of a workload was changed: is all of it new and ready?
    pub(super) fn look_whether_whole(&mut self, workload: &Workload) {
        let is_target = workload
            .template()
            .is_some_and(|template| template.is_target);
        if !is_target || !workload.exists || self.whole.contains(&workload.reference) {
            return;
        }
        let is_new = |pod: &Pod| pod.is_ready && pod.revision == workload.wanted;
        if workload.count(is_new) >= workload.replicas {
            self.whole.insert(workload.reference.clone());
        }
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
                        "S1: pod {} was made, and now {} ({client}) can reach {} ({server}), which do not agree on {}",
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
                        .filter(|other| other.service == *first && other.disturbed_at.is_none())
                        .filter_map(|other| {
                            let why = unfinished(other)?;
                            Some(format!("S1: pod {} was made while {why}", pod.name))
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
    let mut ends = ends.map(|workload| workload.disturbed_at.is_some());
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
