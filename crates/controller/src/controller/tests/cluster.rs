//! A cluster in memory: Deployments that roll, pods that take their time, one release, and who watches that
//! nobody starts too early.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::objects::{Deployed, PodFacts, Template, deployment, snapshot};
use super::scenario::{Scenario, image, running, switched, template};
use crate::controller::{Rival, Survey, Surveyed, TemplateChange, graph_of};
use tidegate_manifest::Bundle;
use tidegate_spec::crd::{Control, HeldVariable, Planning, ReleaseStatus};
use tidegate_spec::{ObjectRef, ServiceName};
use tidegate_upgrade::gate::{Applied, Read, Snapshot, revisions};
use tidegate_upgrade::{ActFailure, Precondition, Prepared, Write};

/// How long a controller takes to see a change.
const OBSERVE_MS: i64 = 100;
/// How long a new pod takes to be ready.
const READY_MS: i64 = 3_000;
/// How long an old pod takes to end.
const END_MS: i64 = 5_000;

pub(super) struct Cluster {
    pub(super) now: Timestamp,
    pub(super) deployed: BTreeMap<String, Deployed>,
    /// What a cache shows: it is behind.
    cached: BTreeMap<String, Deployed>,
    /// Everything that is no Deployment, with its resourceVersion.
    pub(super) others: BTreeMap<ObjectRef, u64>,
    pub(super) scenario: Scenario,
    pub(super) status: ReleaseStatus,
    pub(super) release_version: u64,
    pub(super) control: Control,
    /// Which plan is asked for.
    pub(super) planning: Planning,
    /// The services of which nothing was declared anew at the end.
    pub(super) held_out: BTreeSet<ServiceName>,
    /// The digest of the one plan that may be carried out.
    pub(super) plan_digest: Option<String>,
    /// Another release of the plan.
    pub(super) rival: Option<Rival>,
    pub(super) is_published: bool,
    /// What was written, in order.
    pub(super) writes: Vec<String>,
    /// When the last old pod of each Deployment ended.
    old_gone: BTreeMap<String, Timestamp>,
    /// What should never happen.
    pub(super) wrong: Vec<String>,
    pub(super) told: Vec<String>,
    pub(super) saves: usize,
    version: u64,
    pods: usize,
    ready_at: BTreeMap<String, Timestamp>,
    observe_at: BTreeMap<String, Timestamp>,
}

pub(super) fn start() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().expect("a time")
}

impl Cluster {
    pub(super) fn of(scenario: Scenario) -> Self {
        let deployed = running(&scenario);
        let objects = scenario.before.objects.iter().map(|entry| &entry.reference);
        let others = objects.filter(|object| object.kind != "Deployment");
        Self {
            now: start(),
            cached: deployed.clone(),
            deployed,
            others: others.map(|object| (object.clone(), 7)).collect(),
            scenario,
            status: ReleaseStatus::default(),
            release_version: 1,
            control: Control::default(),
            planning: Planning::default(),
            held_out: BTreeSet::new(),
            plan_digest: None,
            rival: None,
            is_published: false,
            writes: Vec::new(),
            old_gone: BTreeMap::new(),
            wrong: Vec::new(),
            told: Vec::new(),
            saves: 0,
            version: 100,
            pods: 0,
            ready_at: BTreeMap::new(),
            observe_at: BTreeMap::new(),
        }
    }

    pub(super) fn bundle(&self) -> &Bundle {
        &self.scenario.bundle
    }

    pub(super) fn after(&self, milliseconds: i64) -> Timestamp {
        let passed = SignedDuration::from_millis(milliseconds);
        self.now.checked_add(passed).expect("a time")
    }

    fn bump(&mut self) -> u64 {
        self.version += 1;
        self.version
    }

    /// Lets time pass, with all that happens in it.
    pub(super) fn pass_to(&mut self, time: Timestamp) {
        while let Some(next) = self.next_change().filter(|next| *next <= time) {
            self.now = self.now.max(next);
            self.run_controllers();
        }
        self.now = self.now.max(time);
    }

    /// Lets time pass to a time, or to the first thing that changes before; then caches show what was before.
    pub(super) fn wait(&mut self, until: Timestamp) {
        self.cached = self.deployed.clone();
        let next = self.next_change().map_or(until, |next| next.min(until));
        self.pass_to(next.max(self.now));
    }

    fn next_change(&self) -> Option<Timestamp> {
        let pods = self.deployed.values().flat_map(|deployed| &deployed.pods);
        let ends = pods.filter_map(|pod| pod.gone_by);
        let times = self.ready_at.values().chain(self.observe_at.values());
        times.copied().chain(ends).min()
    }

    fn run_controllers(&mut self) {
        let names: Vec<String> = self.deployed.keys().cloned().collect();
        for name in names {
            while self.run_controller(&name) {
                let version = self.bump();
                self.deployed.get_mut(&name).expect("it").version = version;
            }
        }
    }

    /// One small change of one Deployment; false if there is none to make now.
    fn run_controller(&mut self, name: &str) -> bool {
        let now = self.now;
        let ended = self.after(END_MS);
        let deployed = self.deployed.get_mut(name).expect("it");
        let is_due = |time: Option<&Timestamp>| time.is_some_and(|time| *time <= now);
        if is_due(self.observe_at.get(name)) {
            self.observe_at.remove(name);
            deployed.observed = deployed.generation;
            return true;
        }
        let ready = deployed
            .pods
            .iter_mut()
            .find(|pod| is_due(self.ready_at.get(&pod.name)));
        if let Some(pod) = ready {
            self.ready_at.remove(&pod.name);
            pod.is_ready = true;
            return true;
        }
        if let Some(at) = deployed
            .pods
            .iter()
            .position(|pod| is_due(pod.gone_by.as_ref()))
        {
            let pod = deployed.pods.remove(at);
            if !deployed.templates[pod.revision].image.ends_with(":2") {
                self.old_gone.insert(name.to_owned(), now);
            }
            return true;
        }
        if !deployed.exists {
            let staying = deployed.pods.iter_mut().find(|pod| pod.gone_by.is_none());
            return staying.is_some_and(|pod| {
                pod.gone_by = Some(ended);
                true
            });
        }
        deployed.observed == deployed.generation && self.roll(name)
    }

    /// One pod more than wanted, none less.
    fn roll(&mut self, name: &str) -> bool {
        let ended = self.after(END_MS);
        let deployed = self.deployed.get_mut(name).expect("it");
        let (wanted, replicas) = (deployed.wanted, deployed.replicas);
        let staying = deployed.staying().count();
        let new = deployed
            .staying()
            .filter(|pod| pod.revision == wanted)
            .count();
        let ready = deployed.staying().filter(|pod| pod.is_ready).count();
        if new < replicas && staying <= replicas {
            self.create_pod(name);
            return true;
        }
        let mut pods = deployed.pods.iter_mut();
        let old = pods.find(|pod| pod.gone_by.is_none() && pod.revision != wanted);
        match old {
            Some(old) if ready > replicas || !old.is_ready => {
                self.ready_at.remove(&old.name);
                old.gone_by = Some(ended);
                true
            }
            Some(_) | None => false,
        }
    }

    fn create_pod(&mut self, name: &str) {
        self.judge(name, "a pod of", false);
        self.pods += 1;
        let ready_at = self.after(READY_MS);
        let deployed = self.deployed.get_mut(name).expect("it");
        let pod = PodFacts {
            name: format!("{name}-{}-n{}", deployed.wanted, self.pods),
            revision: deployed.wanted,
            is_ready: false,
            gone_by: None,
        };
        self.ready_at.insert(pod.name.clone(), ready_at);
        deployed.pods.push(pod);
    }

    /// Whoever must be done before has no pod of another revision, Terminating ones included; at a write they
    /// are also all ready.
    fn judge(&mut self, name: &str, what: &str, is_write: bool) {
        let is_new = self.is_target(name, self.deployed[name].wanted);
        let goes = !self.deployed[name].exists;
        if !is_new && !goes {
            return;
        }
        for (writer, seconds) in self.scenario.waited.get(name).into_iter().flatten() {
            let gone = self.old_gone.get(writer);
            let over = gone.map(|gone| self.now.duration_since(*gone).as_secs());
            if over.is_none_or(|over| over < *seconds) {
                self.wrong.push(format!(
                    "{what} {name} {over:?} s after the last old pod of {writer} was gone"
                ));
            }
        }
        for first in self.scenario.first.get(name).cloned().unwrap_or_default() {
            let server = &self.deployed[&first];
            let is_old = |pod: &&PodFacts| {
                let image = &server.templates[pod.revision].image;
                !image.ends_with(":2")
            };
            let old = server.pods.iter().filter(is_old).count();
            if old > 0 {
                self.wrong.push(format!(
                    "{what} {name} while {old} old pods of {first} are alive"
                ));
            }
            let ready = server.staying().filter(|pod| pod.is_ready).count();
            if is_write && ready < server.replicas {
                self.wrong.push(format!(
                    "{what} {name} while {ready} pods of {first} are ready"
                ));
            }
        }
    }

    /// Whether a revision of a Deployment is what it shall be in the end.
    fn is_target(&self, name: &str, revision: usize) -> bool {
        let target = image(self.bundle(), &deployment(name), &[]);
        Some(&self.deployed[name].templates[revision].image) == target.as_ref()
    }

    /// A user or another controller touches an object: its resourceVersion changes.
    pub(super) fn touch(&mut self, object: &ObjectRef) {
        let version = self.bump();
        if object.kind == "Deployment" {
            if let Some(deployed) = self.deployed.get_mut(&object.name) {
                deployed.version = version;
            }
        } else if let Some(known) = self.others.get_mut(object) {
            *known = version;
        }
    }

    /// A user sets a Deployment back to what it was before.
    pub(super) fn undo(&mut self, service: &str) {
        let version = self.bump();
        let observe_at = self.after(OBSERVE_MS);
        let before = template(&self.scenario.before, service);
        let deployed = self.deployed.get_mut(service).expect("it");
        deployed.set(before);
        deployed.version = version;
        self.observe_at.insert(service.to_owned(), observe_at);
    }

    pub(super) fn look_at(&self, object: &ObjectRef, held: &[HeldVariable]) -> Prepared {
        let absent = Prepared {
            precondition: Precondition::Absent,
            starts_pods: false,
            live_stamp: None,
            claimed_by: None,
        };
        let unchanged = |uid: &str, version: u64| Precondition::Unchanged {
            uid: uid.to_owned(),
            resource_version: version.to_string(),
        };
        if object.kind != "Deployment" {
            return self.others.get(object).map_or(absent, |version| Prepared {
                precondition: unchanged("uid", *version),
                starts_pods: false,
                live_stamp: None,
                claimed_by: None,
            });
        }
        match self
            .deployed
            .get(&object.name)
            .filter(|deployed| deployed.exists)
        {
            None => absent,
            Some(deployed) => {
                let template = &deployed.templates[deployed.wanted];
                Prepared {
                    precondition: unchanged(&deployed.uid, deployed.version),
                    starts_pods: Some(&template.image)
                        != image(self.bundle(), object, held).as_ref(),
                    live_stamp: template.stamp.clone(),
                    claimed_by: None,
                }
            }
        }
    }

    pub(super) fn apply(
        &mut self,
        write: &Write,
    ) -> Result<Option<(ObjectRef, Applied)>, ActFailure> {
        let object = &write.object;
        if self.look_at(object, &[]).precondition != write.precondition {
            let object = object.clone();
            return Err(ActFailure::Moved { object });
        }
        self.written(format!("apply {object}"));
        let version = self.bump();
        if object.kind != "Deployment" {
            self.others.insert(object.clone(), version);
            return Ok(None);
        }
        let template = Template {
            image: image(self.bundle(), object, &write.held).expect("an image"),
            stamp: write.stamp.clone(),
        };
        let observe_at = self.after(OBSERVE_MS);
        let replicas = self.scenario.replicas;
        let deployed = self.deployed.entry(object.name.clone()).or_insert_with(|| {
            let mut created = Deployed::steady(&object.name, replicas, template.clone());
            created.pods.clear();
            created.observed = 0;
            created
        });
        if deployed.templates[deployed.wanted] != template {
            deployed.set(template);
            deployed.version = version;
            self.observe_at.insert(object.name.clone(), observe_at);
            self.judge(&object.name, "a write of", true);
        }
        let response = self.deployed[&object.name].workload();
        Ok(Some((
            object.clone(),
            Applied::from_response(&response, None),
        )))
    }

    /// Deletes in the background: the object is gone at once, its pods end.
    pub(super) fn remove(&mut self, object: &ObjectRef) {
        self.written(format!("delete {object}"));
        self.others.remove(object);
        if object.kind == "Deployment"
            && let Some(deployed) = self.deployed.get_mut(&object.name)
        {
            deployed.exists = false;
            self.judge(&object.name, "a deletion of", true);
            self.run_controllers();
        }
    }

    fn written(&mut self, what: String) {
        if self.status.outcome.is_some() {
            self.wrong
                .push(format!("{what} after the release has ended"));
        }
        self.writes.push(what);
    }

    pub(super) fn snapshot(&self, name: &str, read: Read) -> Snapshot {
        let shown = match read {
            Read::Live => &self.deployed,
            Read::Cached | Read::File => &self.cached,
        };
        snapshot(name, shown, read, self.now)
    }

    pub(super) fn survey(&self) -> Survey {
        let surveyed = |service: &str, change: TemplateChange| Surveyed {
            live: revisions(&self.snapshot(service, Read::Live)),
            change,
            to: format!("{service}:2"),
            switched: switched(&self.deployed[service]),
        };
        let kept: BTreeSet<&ServiceName> = self.bundle().services.keys().collect();
        let mut services: BTreeMap<ServiceName, Surveyed> = BTreeMap::new();
        let mut leaving = BTreeMap::new();
        for (name, owned) in &self.bundle().services {
            let workloads = self.bundle().references(&owned.workloads);
            let prepared = self.look_at(&workloads[0], &[]);
            let change = match (&prepared.precondition, prepared.starts_pods) {
                (Precondition::Absent, _) => TemplateChange::Absent,
                (Precondition::Unchanged { .. }, true) => TemplateChange::Changes,
                (Precondition::Unchanged { .. }, false) => TemplateChange::Same,
            };
            services.insert(name.clone(), surveyed(name.as_str(), change));
        }
        let before = &self.scenario.before;
        for (name, owned) in before
            .services
            .iter()
            .filter(|(name, _)| !kept.contains(name))
        {
            services.insert(name.clone(), surveyed(name.as_str(), TemplateChange::Same));
            leaving.insert(name.clone(), before.references(&owned.objects));
        }
        Survey {
            now: self.now,
            services,
            declared: Some(graph_of(before)),
            leaving,
            dropped: BTreeMap::new(),
            leftover: Vec::new(),
            problems: Vec::new(),
        }
    }
}
