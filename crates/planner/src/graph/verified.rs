//! What was verified of two revisions, beside what is declared of them.
//!
//! In: a [`System`], the version by which a verification knows each revision, and the results. Out: the same system, whose
//! revisions know with whom they were verified; and where results and declarations differ. What a result means for an
//! edge is decided in [`judged`](super::compat::judged).

use std::collections::BTreeMap;

use super::compat::{Compat, Served, answer};
use super::{Revision, System};
use tidegate_spec::ServiceName;

/// The results of one caller's revision: by callee and its revision's name, whether they can talk.
pub type Verified = BTreeMap<ServiceName, BTreeMap<String, bool>>;

/// Two versions of two services.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Match {
    /// The client.
    pub caller: ServiceName,
    /// Its version.
    pub caller_version: String,
    /// The server.
    pub callee: ServiceName,
    /// Its version.
    pub callee_version: String,
}

/// What is known from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verifications {
    /// The version of each revision, by service and the revision's name.
    pub versions: BTreeMap<(ServiceName, String), String>,
    /// Whether two versions can talk.
    pub results: BTreeMap<Match, bool>,
}

/// How a result differs from what is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Disagreement {
    /// They are declared to work together, and failed.
    Failed,
    /// They are declared not to work together, and did.
    Worked,
    /// No call is declared between them, and they were verified.
    Uncalled,
}

/// One result that differs from what is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The client and its revision's name.
    pub caller: (ServiceName, String),
    /// The server and its revision's name.
    pub callee: (ServiceName, String),
    /// How.
    pub disagreement: Disagreement,
}

impl System {
    /// The same system with what was verified. A revision whose version nobody knows is left with what is declared.
    #[must_use]
    pub fn verified_by(mut self, known: &Verifications) -> Self {
        let mut names: BTreeMap<(&ServiceName, &str), Vec<&String>> = BTreeMap::new();
        for ((service, revision), version) in &known.versions {
            names.entry((service, version)).or_default().push(revision);
        }
        let none = Vec::new();
        let mut all: BTreeMap<(ServiceName, String), Verified> = BTreeMap::new();
        for (pair, works) in &known.results {
            let named = |service, version| names.get(&(service, version)).unwrap_or(&none);
            for caller in named(&pair.caller, pair.caller_version.as_str()) {
                for callee in named(&pair.callee, pair.callee_version.as_str()) {
                    let of_caller = all
                        .entry((pair.caller.clone(), (*caller).clone()))
                        .or_default();
                    let of_callee = of_caller.entry(pair.callee.clone()).or_default();
                    of_callee.insert((*callee).clone(), *works);
                }
            }
        }
        let mut set = |service: &ServiceName, revision: &mut Revision| {
            let verified = all.remove(&(service.clone(), revision.name.clone()));
            revision.verified = verified.unwrap_or_default();
        };
        for (name, member) in &mut self.services {
            let all = member.live.iter_mut().chain(&mut member.retained);
            for revision in all.chain(&mut member.target) {
                set(name, revision);
            }
        }
        for (name, outside) in &mut self.external {
            for revision in outside.live.iter_mut().chain(&mut outside.coming) {
                set(name, revision);
            }
        }
        self
    }

    /// The revisions of every service and external caller that run before, during or after the release, or have left
    /// something.
    pub fn running(&self) -> BTreeMap<&ServiceName, Vec<&Revision>> {
        let mut running: BTreeMap<&ServiceName, Vec<&Revision>> = BTreeMap::new();
        for (name, member) in &self.services {
            let known = running.entry(name).or_default();
            let live = member.before().into_iter().chain(member.at_end());
            for revision in live.flatten().chain(&member.retained) {
                if !known.iter().any(|one| one.name == revision.name) {
                    known.push(revision);
                }
            }
        }
        for (name, outside) in &self.external {
            let known = running.entry(name).or_default();
            known.extend(outside.live.iter().chain(&outside.coming));
        }
        running
    }

    /// Where results differ from what is declared.
    pub fn differences(&self) -> Vec<Difference> {
        let running = self.running();
        let mut differences = Vec::new();
        for (name, callers) in &running {
            for caller in callers {
                for (callee_name, results) in &caller.verified {
                    for callee in running.get(callee_name).into_iter().flatten() {
                        let disagreement = results
                            .get(&callee.name)
                            .and_then(|works| differs(caller, callee_name, callee, *works));
                        differences.extend(disagreement.map(|disagreement| Difference {
                            caller: ((*name).clone(), caller.name.clone()),
                            callee: (callee_name.clone(), callee.name.clone()),
                            disagreement,
                        }));
                    }
                }
            }
        }
        differences
    }
}

/// A result is of all contracts between two services together.
fn differs(
    caller: &Revision,
    callee_name: &ServiceName,
    callee: &Revision,
    works: bool,
) -> Option<Disagreement> {
    let interface = caller.interface.as_ref()?;
    let calls = interface
        .calls
        .iter()
        .filter(|((to, _), _)| to == callee_name);
    let declared: Vec<Compat> = calls
        .map(|((_, contract), requirement)| {
            answer(&requirement.need, Served::by(Some(callee), contract))
        })
        .collect();
    let is_refused = declared.iter().any(|one| matches!(one, Compat::No(_)));
    let is_known = declared.iter().all(|one| *one == Compat::Yes);
    match (declared.is_empty(), works) {
        (true, _) => Some(Disagreement::Uncalled),
        (false, false) => is_known.then_some(Disagreement::Failed),
        (false, true) => is_refused.then_some(Disagreement::Worked),
    }
}
