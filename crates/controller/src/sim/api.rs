//! What the API server of a simulated cluster answers: reads, dry runs, writes with preconditions.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::cluster::{Cluster, View};
use super::facts::{Kind, Template, Workload};
use super::faults::Fault;
use super::remains::is_half;
use super::render::{shown, snapshot};
use super::scenario::Scenario;
use crate::controller::{Survey, Surveyed, TemplateChange};
use tidegate_spec::{Code, ObjectRef, ServiceName};
use tidegate_upgrade::gate::{Applied, Read, Snapshot, revisions};
use tidegate_upgrade::{ActFailure, Precondition, Prepared, Write};

impl View {
    /// What a look at a workload shows.
    pub(super) fn look(&self, workload: &ObjectRef, read: Read, now: Timestamp) -> Snapshot {
        let known = self.workloads.get(workload);
        let endpoints = known.and_then(|known| self.endpoints.get(&known.service));
        snapshot(known, endpoints.map_or(&[], Vec::as_slice), read, now)
    }
}

impl Cluster {
    /// Looks at an object and rehearses its write.
    pub(super) fn rehearse(&self, scenario: &Scenario, object: &ObjectRef) -> Prepared {
        let unchanged = |uid: &str, version: u64| Precondition::Unchanged {
            uid: uid.to_owned(),
            resource_version: version.to_string(),
        };
        let target = scenario.target(object);
        let known = self.view.workloads.get(object).filter(|known| known.exists);
        let (precondition, live) = match (known, self.others.get(object)) {
            (Some(known), _) => (unchanged(&known.uid, known.version), known.template()),
            (None, Some(version)) => (unchanged("uid", *version), None),
            (None, None) => (Precondition::Absent, None),
        };
        Prepared {
            precondition,
            starts_pods: Kind::of(object).is_some()
                && live.map(|live| &live.image) != target.map(|target| &target.image),
            live_stamp: live.and_then(|live| live.stamp.clone()),
            claimed_by: None,
        }
    }

    /// Applies one object, if what was looked at is still so.
    pub(super) fn apply(
        &mut self,
        scenario: &Scenario,
        write: &Write,
        release: usize,
    ) -> Result<Option<(ObjectRef, Applied)>, ActFailure> {
        let object = &write.object;
        let owner = scenario.bundle.owner(object);
        if owner.is_some() && self.denied.as_ref() == owner {
            self.journal.reach(Fault::Denied.word());
            return Err(ActFailure::Refused {
                object: object.clone(),
                code: Code::Forbidden,
                message: "the plan's account may not patch it".to_owned(),
            });
        }
        if self.rehearse(scenario, object).precondition != write.precondition {
            return Err(ActFailure::Moved {
                object: object.clone(),
            });
        }
        self.wrote("apply", object, release);
        if let Some(owner) = owner {
            self.judge.service_was_written(&self.view, owner, self.now);
        }
        if scenario.bundle.manifest(object).is_none() {
            let words = format!("S3: {object} was applied, which is not in the release");
            self.judge.wrong.push(words);
        }
        let Some(target) = scenario
            .target(object)
            .filter(|_| Kind::of(object).is_some())
        else {
            let version = self.bump();
            self.others.insert(object.clone(), version);
            return Ok(None);
        };
        let template = Template {
            stamp: write.stamp.clone(),
            // A newer release is what mends it.
            is_broken: release == 0 && self.broken.is_some() && self.broken.as_ref() == owner,
            ..target.clone()
        };
        let before = self
            .view
            .workloads
            .get(object)
            .filter(|known| known.exists)
            .map(shown);
        if before.is_none() {
            self.create(scenario, object);
        }
        self.bring(object, template, target);
        let response = self.view.workloads.get(object).map(shown);
        Ok(response.map(|response| {
            (
                object.clone(),
                Applied::from_response(&response, before.as_ref()),
            )
        }))
    }

    /// Gives a workload the template that a release brings; a pause that was put on it is over.
    fn bring(&mut self, object: &ObjectRef, template: Template, target: &Template) {
        let Some(workload) = self.view.workloads.get_mut(object) else {
            return;
        };
        let brought = self.brought.entry(workload.service.clone());
        brought.or_default().insert(object.clone());
        let known = workload.template();
        let is_new = known.is_none_or(|known| !known.is_same(&template));
        let goes_on = std::mem::take(&mut workload.is_paused);
        if is_new {
            self.judge.wrong.extend(is_half(object, &template, target));
            workload.set(template);
            self.changed(object);
        } else if goes_on {
            workload.generation += 1;
            self.changed(object);
        }
    }

    /// A workload without a template; what is left of one that was deleted goes on ending beside it.
    fn create(&mut self, scenario: &Scenario, object: &ObjectRef) {
        let number = self.bump();
        let created = scenario.created(object, &mut self.chance);
        match self.view.workloads.get_mut(object) {
            Some(gone) => {
                gone.exists = true;
                gone.uid = format!("{}-{number}", gone.uid);
                gone.sets.clear();
                gone.wanted = usize::MAX;
                gone.generation = 0;
            }
            None => self
                .view
                .workloads
                .extend(created.map(|created| (object.clone(), created))),
        }
    }

    /// Deletes in the background: the object is gone at once, its pods end.
    pub(super) fn remove(&mut self, scenario: &Scenario, object: &ObjectRef, release: usize) {
        self.wrote("delete", object, release);
        if scenario.bundle.manifest(object).is_some() {
            let words = format!("S3: {object} was deleted, which is in the release");
            self.judge.wrong.push(words);
        }
        self.others.remove(object);
        if let Some(workload) = self.view.workloads.get_mut(object) {
            workload.exists = false;
            self.changed(object);
        }
    }

    /// Lets a Deployment stand still, or go on.
    pub(super) fn pause(&mut self, object: &ObjectRef, is_paused: bool, release: usize) {
        let verb = if is_paused { "pause" } else { "resume" };
        self.wrote(verb, object, release);
        self.journal.reach(verb);
        let Some(workload) = self.view.workloads.get_mut(object) else {
            return;
        };
        if workload.exists && workload.is_paused != is_paused {
            workload.is_paused = is_paused;
            workload.generation += 1;
            self.changed(object);
        }
    }

    fn wrote(&mut self, verb: &str, object: &ObjectRef, release: usize) {
        self.journal.writes += 1;
        self.journal.note(self.now, &format!("{verb} {object}"));
        if self.over.contains(&release) && !self.is_late_call {
            let words = format!("S7: {verb} {object} after the release had ended");
            self.judge.wrong.push(words);
        }
    }

    /// Somebody else touches an object and changes nothing that matters.
    pub(super) fn touch(&mut self, object: &ObjectRef) {
        let version = self.bump();
        if let Some(workload) = self.view.workloads.get_mut(object) {
            workload.version = version;
        } else if let Some(known) = self.others.get_mut(object) {
            *known = version;
        }
        self.show();
    }

    /// Somebody sets a workload back to what it was at the start.
    pub(super) fn undo(&mut self, object: &ObjectRef) {
        let Some(workload) = self.view.workloads.get_mut(object) else {
            return;
        };
        let Some(first) = workload.templates.first().cloned() else {
            return;
        };
        workload.disturbed_at = Some(self.now);
        workload.set(first);
        self.journal
            .note(self.now, &format!("somebody undoes {object}"));
        self.changed(object);
    }

    /// What runs, and what the manifests would change.
    pub(super) fn survey(&self, scenario: &Scenario) -> Survey {
        let mut services = BTreeMap::new();
        let live = |workloads: &[ObjectRef]| {
            let looks = workloads
                .iter()
                .map(|workload| self.view.look(workload, Read::Live, self.now));
            looks.flat_map(|look| revisions(&look)).collect()
        };
        for (name, owned) in &scenario.bundle.services {
            let workloads = scenario.bundle.references(&owned.workloads);
            let change = workloads.iter().map(|workload| {
                let prepared = self.rehearse(scenario, workload);
                match (prepared.precondition, prepared.starts_pods) {
                    (Precondition::Absent, _) => TemplateChange::Absent,
                    (Precondition::Unchanged { .. }, true) => TemplateChange::Changes,
                    (Precondition::Unchanged { .. }, false) => TemplateChange::Same,
                }
            });
            let surveyed = Surveyed {
                live: live(&workloads),
                change: change.max().unwrap_or(TemplateChange::Same),
                to: String::new(),
                switched: Vec::new(),
            };
            services.insert(name.clone(), surveyed);
        }
        let leaving = self.leaving(scenario);
        for (name, objects) in &leaving {
            let surveyed = Surveyed {
                live: live(objects),
                change: TemplateChange::Same,
                to: String::new(),
                switched: Vec::new(),
            };
            services.insert(name.clone(), surveyed);
        }
        Survey {
            now: self.now,
            services,
            declared: Some(
                self.declared
                    .clone()
                    .unwrap_or_else(|| scenario.declared.clone()),
            ),
            leaving,
            dropped: BTreeMap::new(),
            leftover: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// The objects of services that go away, as far as they are there: of what ran, and of what releases before this one have
    /// brought.
    fn leaving(&self, scenario: &Scenario) -> BTreeMap<ServiceName, Vec<ObjectRef>> {
        let mut leaving = scenario.leaving.clone();
        for (service, objects) in &self.brought {
            if !scenario.bundle.services.contains_key(service) {
                leaving
                    .entry(service.clone())
                    .or_insert_with(|| objects.iter().cloned().collect());
            }
        }
        let is_there = |object: &ObjectRef| {
            let workload = self.view.workloads.get(object);
            self.others.contains_key(object) || workload.is_some_and(Workload::is_there)
        };
        for objects in leaving.values_mut() {
            objects.retain(is_there);
        }
        leaving.retain(|_, objects| !objects.is_empty());
        leaving
    }
}
