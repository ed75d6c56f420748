//! What the API server of a simulated cluster answers: reads, dry runs, writes with preconditions.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::cluster::{Cluster, View};
use super::facts::Template;
use super::render::{shown, snapshot};
use super::scenario::Scenario;
use crate::controller::{Survey, Surveyed, TemplateChange};
use tidegate_spec::ObjectRef;
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
            starts_pods: known.is_some()
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
    ) -> Result<Option<(ObjectRef, Applied)>, ActFailure> {
        let object = &write.object;
        if self.rehearse(scenario, object).precondition != write.precondition {
            return Err(ActFailure::Moved {
                object: object.clone(),
            });
        }
        self.wrote("apply", object);
        if scenario.bundle.manifest(object).is_none() {
            self.judge
                .wrong
                .push(format!("{object} was applied, which is not in the release"));
        }
        let Some(target) = scenario
            .target(object)
            .filter(|_| super::facts::Kind::of(object).is_some())
        else {
            let version = self.bump();
            self.others.insert(object.clone(), version);
            return Ok(None);
        };
        let template = Template {
            stamp: write.stamp.clone(),
            is_broken: self.broken.is_some()
                && self.broken.as_ref() == scenario.bundle.owner(object),
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
        let Some(workload) = self.view.workloads.get_mut(object) else {
            return Ok(None);
        };
        let is_new = workload
            .template()
            .is_none_or(|known| !known.is_same(&template));
        if is_new {
            workload.set(template);
            self.changed(object);
        }
        let response = self.view.workloads.get(object).map(shown);
        Ok(response.map(|response| {
            (
                object.clone(),
                Applied::from_response(&response, before.as_ref()),
            )
        }))
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
    pub(super) fn remove(&mut self, object: &ObjectRef) {
        self.wrote("delete", object);
        self.others.remove(object);
        if let Some(workload) = self.view.workloads.get_mut(object) {
            workload.exists = false;
            self.changed(object);
        }
    }

    fn wrote(&mut self, verb: &str, object: &ObjectRef) {
        self.journal.writes += 1;
        self.journal.note(self.now, &format!("{verb} {object}"));
        if self.is_over {
            self.judge
                .wrong
                .push(format!("{verb} {object} after the release had ended"));
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
    }

    /// Somebody sets a workload back to what it was at the start.
    pub(super) fn undo(&mut self, object: &ObjectRef) {
        let Some(workload) = self.view.workloads.get_mut(object) else {
            return;
        };
        let Some(first) = workload.templates.first().cloned() else {
            return;
        };
        workload.is_disturbed = true;
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
        for (name, objects) in &scenario.leaving {
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
            declared: Some(scenario.declared.clone()),
            leaving: scenario.leaving.clone(),
            dropped: BTreeMap::new(),
            leftover: Vec::new(),
            problems: Vec::new(),
        }
    }
}
