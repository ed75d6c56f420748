//! What was found in the cluster, as the planner's input: which revisions are live, and what each of them speaks.

use std::collections::BTreeMap;

use super::survey::{Survey, Surveyed, TemplateChange};
use tidegate_planner::graph::{Member as Placed, Moves, Revision, System, Verified};
use tidegate_spec::crd::Routing;
use tidegate_spec::{Graph, Interface, stamp};
use tidegate_upgrade::gate::LiveRevision;

/// The planner's input: what runs, what shall run, and what would move.
pub fn system(graph: &Graph, survey: &Survey) -> System {
    let mut system = System::from_live(BTreeMap::new(), graph, None);
    for (name, member) in &mut system.services {
        let (Some(surveyed), Some(service)) = (survey.services.get(name), graph.services.get(name))
        else {
            continue;
        };
        let reader = Interfaces {
            target: &service.interface,
            declared: survey
                .declared
                .as_ref()
                .and_then(|declared| declared.services.get(name))
                .map(|s| &s.interface),
            change: surveyed.change,
        };
        let declared = survey
            .declared
            .as_ref()
            .and_then(|graph| graph.services.get(name));
        member.was_routed(declared.map_or(Routing::Blind, |before| before.manner.routing));
        member.moves = moves(surveyed, service.is_job());
        member.live = reader.live(surveyed, member.moves);
        if member.moves == Moves::Job {
            // Its pods are gone, and what it made is not: that is what others meet until it has run again.
            member.live.extend(reader.made());
        }
    }
    for name in survey.leaving.keys() {
        let Some(surveyed) = survey.services.get(name) else {
            continue;
        };
        let declared = survey
            .declared
            .as_ref()
            .and_then(|declared| declared.services.get(name));
        let live = surveyed.live.iter().map(|revision| Revision {
            name: revision.hash.clone(),
            interface: spoken(revision, || {
                declared.map(|service| service.interface.clone())
            }),
            verified: Verified::new(),
        });
        let member = Placed::deleted(live.collect());
        system.services.insert(name.clone(), member);
    }
    system
}

/// What happens to a service, by what its manifests would do and what is left of an earlier release.
fn moves(surveyed: &Surveyed, is_job: bool) -> Moves {
    let mixed = surveyed.live.iter().any(|revision| !revision.is_current);
    match (surveyed.change, is_job, surveyed.live.is_empty(), mixed) {
        (TemplateChange::Same, _, _, false) | (TemplateChange::Same, true, _, true) => Moves::Stays,
        (TemplateChange::Same, false, _, true) => Moves::Roll,
        (TemplateChange::Changes | TemplateChange::Absent, true, _, _) => Moves::Job,
        (TemplateChange::Absent, false, true, _) => Moves::Create,
        (TemplateChange::Absent, false, false, _) | (TemplateChange::Changes, false, _, _) => {
            Moves::Roll
        }
    }
}

/// Where the interface of a live revision is found (planning.md §2.1).
struct Interfaces<'a> {
    target: &'a Interface,
    declared: Option<&'a Interface>,
    change: TemplateChange,
}

impl Interfaces<'_> {
    fn live(&self, surveyed: &Surveyed, moves: Moves) -> Vec<Revision> {
        let mut live: Vec<Revision> = surveyed
            .live
            .iter()
            .map(|revision| self.revision(revision))
            .collect();
        if moves == Moves::Stays {
            let known = live
                .iter()
                .any(|revision| revision.interface.as_ref() == Some(self.target));
            // Either nothing of it runs just now; or its declaration was changed and its pods were not. Which of
            // the two it speaks cannot be known, so both count.
            if !known {
                live.push(Revision::declared("declared", self.target.clone()));
            }
        }
        live
    }

    /// What an earlier Job of the service made.
    fn made(&self) -> Option<Revision> {
        let declared = self.declared?.clone();
        Some(Revision::declared("declared", declared))
    }

    fn revision(&self, revision: &LiveRevision) -> Revision {
        let as_declared_now = revision.is_current && self.change == TemplateChange::Same;
        // What was recorded of it comes before what is said of it now: a declaration that changes alone changes no pod.
        let recorded = || {
            let declared = self.declared.cloned();
            declared.or_else(|| as_declared_now.then(|| self.target.clone()))
        };
        let interface = spoken(revision, recorded);
        Revision {
            name: revision.hash.clone(),
            interface,
            verified: Verified::new(),
        }
    }
}

/// What a revision's stamp says; what is recorded of it where it has none. A stamp that cannot be read says that
/// something else runs than what was recorded, so nobody knows.
pub(super) fn spoken(
    revision: &LiveRevision,
    recorded: impl FnOnce() -> Option<Interface>,
) -> Option<Interface> {
    match revision.contract.as_deref() {
        Some(text) => stamp::read(text).ok(),
        None => recorded(),
    }
}
