//! A cluster in memory: its objects, its clock, and everything that happens in it by itself.
//!
//! In: what runs, and a stream of chance. Out: whoever asks sees it through [`super::api`]. Time passes only in
//! [`Cluster::pass_to`], from one thing that happens to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::chance::Chance;
use super::controllers::{Deed, sync, sync_set};
use super::facts::{Endpoint, Kind, Pod, Workload};
use super::fairness::Turns;
use super::journal::Journal;
use super::judge::Judge;
use super::pace::{Pace, node};
use super::render::GRACE_S;
use tidegate_spec::{Graph, ObjectRef, ServiceName};

/// Everything that a watch can show.
#[derive(Debug, Clone, Default)]
pub(super) struct View {
    pub(super) workloads: BTreeMap<ObjectRef, Workload>,
    /// What each Service's slice says.
    pub(super) endpoints: BTreeMap<ServiceName, Vec<Endpoint>>,
}

/// What is going to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Happening {
    /// A workload's controller has a look.
    Sync(ObjectRef),
    /// The controller of the ReplicaSet of a revision has a look.
    SyncSet(ObjectRef, usize),
    /// A pod becomes ready.
    Ready(ObjectRef, String),
    /// A pod's process has ended.
    Gone(ObjectRef, String),
    /// A Job's pod has done its work.
    Finished(ObjectRef, String),
    /// A Service's slice is written anew.
    Slice(ServiceName),
    /// A node comes back.
    NodeBack(u32),
    /// A watch of a process shows what there is now.
    Shown(usize),
    /// A watch that said nothing any more was cut and is begun anew.
    Rewatched(usize),
    /// As many pods may be made as anybody wants.
    PodsFree,
}

/// One process that watches.
#[derive(Debug, Default)]
pub(super) struct Watcher {
    /// What its caches hold.
    pub(super) view: Arc<View>,
    /// Whether its watches say nothing for now.
    is_stalled: bool,
    is_due: bool,
}

/// The cluster.
pub(super) struct Cluster {
    pub(super) now: Timestamp,
    pub(super) view: View,
    /// Everything that is no workload, with its resourceVersion.
    pub(super) others: BTreeMap<ObjectRef, u64>,
    pub(super) watchers: Vec<Watcher>,
    /// When each process wants to go on; by its number.
    pub(super) wakes: BTreeMap<usize, Timestamp>,
    /// The processes whose pause ends when something is shown to them.
    pub(super) watching: BTreeSet<usize>,
    pub(super) judge: Judge,
    pub(super) journal: Journal,
    pub(super) turns: Turns,
    pub(super) chance: Chance,
    pub(super) pace: Pace,
    /// The releases that have ended, so that they may write nothing any more.
    pub(super) over: BTreeSet<usize>,
    /// Whether whoever calls now has stood still in the middle of it.
    pub(super) is_late_call: bool,
    /// The service whose new pods never become ready.
    pub(super) broken: Option<ServiceName>,
    /// The service whose objects may not be written.
    pub(super) denied: Option<ServiceName>,
    /// What releases have brought, by service.
    pub(super) brought: BTreeMap<ServiceName, BTreeSet<ObjectRef>>,
    /// The graph that the last release which succeeded has written.
    pub(super) declared: Option<Graph>,
    pub(super) lost_nodes: BTreeSet<u32>,
    /// How many pods there may be.
    pub(super) pods_max: Option<usize>,
    calendar: BTreeMap<(Timestamp, u64), Happening>,
    entries: u64,
    versions: u64,
    pods: usize,
}

/// How long a watch can be silent: kube's client begins each anew before five minutes have passed.
const SILENT_MS: u64 = 295_000;

/// When every simulated run begins.
pub(super) const START: Timestamp = Timestamp::UNIX_EPOCH;

/// The moment so long after the beginning.
pub(super) fn moment(passed: SignedDuration) -> Timestamp {
    START.saturating_add(passed).unwrap_or(START)
}

impl Cluster {
    pub(super) fn of(
        view: View,
        others: BTreeMap<ObjectRef, u64>,
        judge: Judge,
        chance: Chance,
        pace: Pace,
    ) -> Self {
        let mut cluster = Self {
            now: START,
            view,
            others,
            watchers: Vec::new(),
            wakes: BTreeMap::new(),
            watching: BTreeSet::new(),
            judge,
            journal: Journal::default(),
            turns: Turns::default(),
            chance,
            pace,
            over: BTreeSet::new(),
            is_late_call: false,
            broken: None,
            denied: None,
            brought: BTreeMap::new(),
            declared: None,
            lost_nodes: BTreeSet::new(),
            pods_max: None,
            calendar: BTreeMap::new(),
            entries: 0,
            versions: 100,
            pods: 0,
        };
        let services: Vec<ServiceName> = cluster
            .view
            .workloads
            .values()
            .map(|workload| workload.service.clone())
            .collect();
        for service in services {
            cluster.write_slice(&service);
        }
        let all: Vec<ObjectRef> = cluster.view.workloads.keys().cloned().collect();
        for object in all {
            cluster.changed(&object);
        }
        cluster
    }

    /// The next number of the store.
    pub(super) fn bump(&mut self) -> u64 {
        self.versions += 1;
        self.versions
    }

    /// The newest number of the store.
    pub(super) fn newest(&self) -> u64 {
        self.versions
    }

    pub(super) fn after(&self, pause: SignedDuration) -> Timestamp {
        self.now.saturating_add(pause).unwrap_or(self.now)
    }

    /// When the next thing happens.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.calendar.keys().next().map(|(at, _)| *at)
    }

    /// Lets time pass, with all that happens in it.
    pub(super) fn pass_to(&mut self, time: Timestamp) {
        while let Some(entry) = self
            .calendar
            .first_entry()
            .filter(|entry| entry.key().0 <= time)
        {
            let ((at, _), happening) = entry.remove_entry();
            self.move_clock(at);
            self.happen(happening);
        }
        self.move_clock(time);
    }

    fn move_clock(&mut self, time: Timestamp) {
        if time > self.now {
            self.judge
                .traffic(&self.view, time.duration_since(self.now));
            self.now = time;
        }
    }

    pub(super) fn plan(&mut self, pause: SignedDuration, happening: Happening) {
        let at = self.after(pause);
        self.entries += 1;
        self.calendar.insert((at, self.entries), happening);
    }

    /// The same, unless it is planned already.
    pub(super) fn plan_once(&mut self, pause: SignedDuration, happening: Happening) {
        if !self.calendar.values().any(|planned| *planned == happening) {
            self.plan(pause, happening);
        }
    }

    /// Something of a workload was changed: whoever looks after it will have a look, and whoever watches will see it.
    pub(super) fn changed(&mut self, object: &ObjectRef) {
        let version = self.bump();
        let Some(workload) = self.view.workloads.get_mut(object) else {
            return;
        };
        workload.version = version;
        self.judge.look_whether_whole(workload);
        let service = workload.service.clone();
        let controller = self.pace.controller(&mut self.chance);
        self.plan(controller, Happening::Sync(object.clone()));
        let slices = self.pace.slices(&mut self.chance);
        self.plan(slices, Happening::Slice(service));
        self.show();
    }

    /// Lets every watch show, after a while, what there is then.
    pub(super) fn show(&mut self) {
        for watcher in 0..self.watchers.len() {
            let Some(known) = self.watchers.get_mut(watcher).filter(|known| !known.is_due) else {
                continue;
            };
            known.is_due = true;
            let pause = self.pace.watches(&mut self.chance);
            self.plan(pause, Happening::Shown(watcher));
        }
    }

    /// A new process, which sees everything as it is now. Out: its number.
    pub(super) fn join(&mut self) -> usize {
        self.watchers.push(Watcher {
            view: Arc::new(self.view.clone()),
            ..Watcher::default()
        });
        self.watchers.len() - 1
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Sync(object) => self.sync(&object),
            Happening::SyncSet(object, revision) => self.sync_set(&object, revision),
            Happening::Ready(object, pod) => self.ready(&object, &pod),
            Happening::Gone(object, pod) => self.gone(object, pod),
            Happening::Finished(object, pod) => self.finished(&object, &pod),
            Happening::Slice(service) => self.write_slice(&service),
            Happening::NodeBack(node) => {
                self.lost_nodes.remove(&node);
                self.journal.note(self.now, &format!("node {node} is back"));
            }
            Happening::Shown(watcher) => self.shown(watcher),
            Happening::PodsFree => self.pods_max = None,
            Happening::Rewatched(watcher) => {
                if let Some(known) = self.watchers.get_mut(watcher) {
                    known.is_stalled = false;
                }
                self.shown(watcher);
            }
        }
    }

    /// The watches of a process say nothing for a while, and do not say so.
    pub(super) fn stall(&mut self, watcher: usize) {
        let silent = self.chance.between_ms(1_000, SILENT_MS);
        if let Some(known) = self.watchers.get_mut(watcher) {
            known.is_stalled = true;
            self.plan(silent, Happening::Rewatched(watcher));
        }
    }

    fn shown(&mut self, watcher: usize) {
        let now = self.now;
        let Some(known) = self.watchers.get_mut(watcher) else {
            return;
        };
        known.is_due = false;
        if known.is_stalled {
            return;
        }
        known.view = Arc::new(self.view.clone());
        if self.watching.remove(&watcher) {
            self.wakes.insert(watcher, now);
        }
    }

    fn sync(&mut self, object: &ObjectRef) {
        let Some(workload) = self.view.workloads.get_mut(object) else {
            return;
        };
        let before = (workload.status.clone(), workload.sets.clone());
        let deeds = sync(workload);
        let is_same = before == (workload.status.clone(), workload.sets.clone());
        self.carry_out(object, deeds);
        if !is_same {
            self.touched(object);
        }
    }

    fn sync_set(&mut self, object: &ObjectRef, revision: usize) {
        let Some(workload) = self.view.workloads.get_mut(object) else {
            return;
        };
        let before = workload.sets.get(&revision).cloned();
        let deeds = sync_set(workload, revision);
        let is_same = before == workload.sets.get(&revision).cloned();
        self.carry_out(object, deeds);
        if !is_same {
            self.changed(object);
        }
    }

    /// A controller wrote a status.
    fn touched(&mut self, object: &ObjectRef) {
        let version = self.bump();
        if let Some(workload) = self.view.workloads.get_mut(object) {
            workload.version = version;
        }
        self.show();
    }

    fn carry_out(&mut self, object: &ObjectRef, deeds: Vec<Deed>) {
        for deed in deeds {
            match deed {
                Deed::Create {
                    revision,
                    owner,
                    ordinal,
                } => {
                    self.create_pod(object, revision, owner, ordinal);
                }
                Deed::End(pod) => self.end_pod(object, &pod),
                Deed::Resized(revision) => {
                    let pause = self.pace.controller(&mut self.chance);
                    self.plan(pause, Happening::SyncSet(object.clone(), revision));
                }
            }
        }
    }

    fn create_pod(&mut self, object: &ObjectRef, revision: usize, owner: String, ordinal: u32) {
        if self.is_refused(object, revision) {
            return;
        }
        self.pods += 1;
        let number = self.pods;
        let uid = format!("pod-{number}");
        let ready = self.pace.ready(&mut self.chance);
        let Some(workload) = self.view.workloads.get_mut(object) else {
            return;
        };
        let node = node(&mut self.chance, workload.kind, ordinal);
        let name = match workload.kind {
            Kind::StatefulSet => format!("{}-{ordinal}", object.name),
            Kind::Deployment | Kind::DaemonSet | Kind::Job => {
                format!("{}-h{revision}-{number}", object.name)
            }
        };
        let template = workload.templates.get(revision);
        let is_broken = template.is_none_or(|template| template.is_broken);
        let is_job = workload.kind == Kind::Job;
        workload.pods.push(Pod {
            name: name.clone(),
            uid: uid.clone(),
            revision,
            owner,
            ordinal,
            node,
            is_ready: false,
            gone_by: None,
            has_succeeded: false,
        });
        self.journal.note(self.now, &format!("pod {name} is made"));
        self.judge.pod_was_made(&self.view, object, &uid);
        match (is_broken, is_job) {
            (true, _) => {}
            (false, true) => self.plan(ready, Happening::Finished(object.clone(), uid)),
            (false, false) => self.plan(ready, Happening::Ready(object.clone(), uid)),
        }
        self.pods_changed(object, revision);
    }

    pub(super) fn end_pod(&mut self, object: &ObjectRef, uid: &str) {
        let gone_by = self.after(SignedDuration::from_secs(GRACE_S));
        let ending = self.pace.ending(&mut self.chance);
        self.plan(ending, Happening::Gone(object.clone(), uid.to_owned()));
        self.change_pod(object, uid, "is told to end", |pod| {
            pod.gone_by = Some(pod.gone_by.unwrap_or(gone_by));
        });
    }

    fn ready(&mut self, object: &ObjectRef, uid: &str) {
        self.change_pod(object, uid, "is ready", |pod| {
            pod.is_ready = pod.gone_by.is_none();
        });
    }

    fn finished(&mut self, object: &ObjectRef, uid: &str) {
        self.change_pod(object, uid, "has done its work", |pod| {
            pod.has_succeeded = true;
        });
    }

    fn gone(&mut self, object: ObjectRef, uid: String) {
        let Some(workload) = self.view.workloads.get_mut(&object) else {
            return;
        };
        let Some(at) = workload.pods.iter().position(|pod| pod.uid == uid) else {
            return;
        };
        let node = workload.pods.get(at).map(|pod| pod.node);
        if node.is_some_and(|node| self.lost_nodes.contains(&node)) {
            // Nobody hears from its node whether it still runs.
            return self.plan(SignedDuration::from_secs(1), Happening::Gone(object, uid));
        }
        let pod = workload.pods.remove(at);
        self.journal
            .note(self.now, &format!("pod {} is gone", pod.name));
        self.pods_changed(&object, pod.revision);
    }

    pub(super) fn change_pod(
        &mut self,
        object: &ObjectRef,
        uid: &str,
        words: &str,
        what: impl FnOnce(&mut Pod),
    ) {
        let workload = self.view.workloads.get_mut(object);
        let pods = workload.map(|workload| workload.pods.iter_mut());
        let Some(pod) = pods.and_then(|mut pods| pods.find(|pod| pod.uid == uid)) else {
            return;
        };
        what(pod);
        let (revision, name) = (pod.revision, pod.name.clone());
        self.journal.note(self.now, &format!("pod {name} {words}"));
        self.pods_changed(object, revision);
    }

    fn pods_changed(&mut self, object: &ObjectRef, revision: usize) {
        self.judge.pods_changed();
        let pause = self.pace.controller(&mut self.chance);
        self.plan(pause, Happening::SyncSet(object.clone(), revision));
        self.changed(object);
        self.journal.pods(self.now, &self.view, object);
    }

    fn write_slice(&mut self, service: &ServiceName) {
        let workloads = self
            .view
            .workloads
            .values()
            .filter(|workload| workload.service == *service && workload.kind != Kind::Job);
        let pods = workloads.flat_map(Workload::live);
        let endpoints: Vec<Endpoint> = pods
            .map(|pod| Endpoint {
                pod: pod.name.clone(),
                uid: pod.uid.clone(),
                is_ready: pod.is_ready && pod.gone_by.is_none(),
                is_serving: pod.is_ready,
                is_terminating: pod.gone_by.is_some(),
            })
            .collect();
        if self.view.endpoints.get(service) != Some(&endpoints) {
            self.view.endpoints.insert(service.clone(), endpoints);
            self.judge.pods_changed();
            self.show();
        }
    }
}
