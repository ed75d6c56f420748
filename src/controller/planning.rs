//! What was found in the cluster to a plan, checked by the independent checker, to an agenda.

use std::collections::{BTreeMap, BTreeSet};

use super::charter::{charter, graph_of};
use super::survey::{Survey, Surveyed, TemplateChange};
use crate::graph::{Member as Placed, Moves, Revision, System, Verified};
use crate::manifest::Bundle;
use crate::plan::{self, Plan, Verdict};
use crate::spec::crd::{DrainLevel, Routing};
use crate::spec::{Graph, Interface, ObjectRef, ServiceName, stamp};
use crate::upgrade::gate::LiveRevision;
use crate::upgrade::{
    Agenda, Change, Course, Ending, Member, ServiceState, State, WaveTimes, status,
};

/// How many refused objects a message names.
const REFUSED_NAMED_MAX: usize = 5;

/// A release with its plan, or with the reason why there is none.
#[derive(Debug, Clone)]
pub struct Planned {
    /// What is to be done; empty if refused.
    pub agenda: Agenda,
    /// The first state to save: ready to move, or ended.
    pub state: State,
    /// The plan as people see it.
    pub plan: Plan,
}

impl Planned {
    /// The same if it is the one plan that may be carried out, or a refusal that says why not.
    ///
    /// In: the digest of the plan that somebody saw and asked for; `None`: whatever the world asks for now.
    #[must_use]
    pub fn only(mut self, wanted: Option<&str>) -> Self {
        let Some(wanted) = wanted.filter(|wanted| *wanted != self.plan.digest) else {
            return self;
        };
        // Refused already: its own reason says more.
        if matches!(self.state.course, Course::Ended(_)) {
            return self;
        }
        let message = format!(
            "the release asks for the plan {wanted}, and what runs and what is declared now make it {}: \
             something moved in between; make a new one with `tidegate plan -f … --out FILE`, then \
             `tidegate run --plan FILE -f …`",
            self.plan.digest
        );
        self.agenda.waves.clear();
        self.agenda.members.clear();
        let mut state = State::pending();
        state.ended = self.state.started;
        state.course = Course::Ended(Ending::Refused { message });
        self.state = state;
        self
    }
}

/// Makes the plan of a release from what was found.
pub fn make_plan(bundle: &Bundle, survey: &Survey) -> Planned {
    let graph = graph_of(bundle);
    let system = system(&graph, survey);
    let plan = plan::plan(&system);
    let charter = charter(bundle);
    let mut agenda = Agenda::new(&charter);
    let mut state = State::pending();
    if let Some(message) = refusal(&system, &plan, survey) {
        state.course = Course::Ended(Ending::Refused { message });
        state.ended = Some(survey.now);
        return Planned {
            agenda,
            state,
            plan,
        };
    }
    for wave in &plan.waves {
        let names = wave.iter().filter_map(|id| ServiceName::parse(id).ok());
        agenda.waves.push(names.collect());
    }
    for step in &plan.steps {
        let mut belongings = match survey.leaving.get(&step.service) {
            Some(objects) => status::removed(objects),
            None => charter
                .services
                .get(&step.service)
                .cloned()
                .unwrap_or_default(),
        };
        if must_end_as_a_client(&plan, &step.service) {
            belongings.drain = DrainLevel::Pods;
        }
        let surveyed = survey.services.get(&step.service);
        let member = Member {
            change: change(step.action),
            after: before(&plan, &step.service),
            belongings,
            dropped: survey
                .dropped
                .get(&step.service)
                .cloned()
                .unwrap_or_default(),
            from: surveyed.map(running).unwrap_or_default(),
            to: surveyed
                .map(|surveyed| surveyed.to.clone())
                .unwrap_or_default(),
        };
        agenda.members.insert(step.service.clone(), member);
        state
            .services
            .insert(step.service.clone(), ServiceState::waiting());
    }
    agenda.shared.extend(status::unmoved(&charter, &agenda));
    agenda.leftover = leftover(survey, &agenda);
    state.course = Course::Preparing;
    state.waves = vec![WaveTimes::default(); agenda.waves.len()];
    state.plan_digest.clone_from(&plan.digest);
    state.started = Some(survey.now);
    Planned {
        agenda,
        state,
        plan,
    }
}

/// What is deleted when every service is done: also the dropped workloads without a pod, whose service does not move.
fn leftover(survey: &Survey, agenda: &Agenda) -> Vec<ObjectRef> {
    let unmoved = survey
        .dropped
        .iter()
        .filter(|(name, _)| !agenda.members.contains_key(*name));
    let workloads = unmoved.flat_map(|(_, workloads)| workloads);
    workloads.chain(&survey.leftover).cloned().collect()
}

/// Every service that must be done before one, those included that follow from others: each of them is looked at
/// once more right before the start.
fn before(plan: &Plan, service: &ServiceName) -> BTreeSet<ServiceName> {
    let precedences = plan
        .precedences
        .iter()
        .filter(|precedence| precedence.then == *service);
    precedences
        .map(|precedence| precedence.first.clone())
        .collect()
}

/// Whether others wait until no old pod of it calls any more. A terminating client still calls, so nothing less than
/// its end will do (completion.md §5).
fn must_end_as_a_client(plan: &Plan, service: &ServiceName) -> bool {
    plan.precedences.iter().any(|precedence| {
        precedence.first == *service && precedence.kind == plan::Ordering::ClientFirst
    })
}

fn change(action: plan::Action) -> Change {
    match action {
        plan::Action::Create => Change::Create,
        plan::Action::Roll | plan::Action::Flip | plan::Action::Drain => Change::Roll,
        plan::Action::Job => Change::Job,
        plan::Action::Delete => Change::Delete,
    }
}

/// Why nothing may be written, in sentences with the way out.
fn refusal(system: &System, plan: &Plan, survey: &Survey) -> Option<String> {
    if !survey.problems.is_empty() {
        let mut named: Vec<String> = survey
            .problems
            .iter()
            .take(REFUSED_NAMED_MAX)
            .map(ToString::to_string)
            .collect();
        if survey.problems.len() > REFUSED_NAMED_MAX {
            named.push(format!(
                "and {} more",
                survey.problems.len() - REFUSED_NAMED_MAX
            ));
        }
        return Some(format!("the API server would refuse: {}", named.join("; ")));
    }
    if plan.verdict == Verdict::Refused {
        let because = plan
            .refusal
            .as_ref()
            .map(|refusal| refusal.because.join("; "));
        return Some(because.unwrap_or_else(|| "no order is safe".to_owned()));
    }
    if let Some(step) = plan
        .steps
        .iter()
        .find(|step| step.id != step.service.as_str())
    {
        return Some(not_carried_out(step));
    }
    match plan::check(system, plan) {
        Ok(()) => None,
        Err(faults) => {
            let words: Vec<String> = faults.iter().map(ToString::to_string).collect();
            Some(format!(
                "the plan does not stand the independent check: {}",
                words.join("; ")
            ))
        }
    }
}

/// A step that can be planned and that nothing here can carry out yet: said before the first write, and never skipped.
fn not_carried_out(step: &plan::Step) -> String {
    let service = &step.service;
    match step.action {
        plan::Action::Drain => format!(
            "before {service} moves, what was written for it in versions that it will not read must be gone ({}), and \
             this version of tidegate does not wait for that: release the writers first, and {service} in a release of \
             its own once nothing is left",
            step.drain.join(", ")
        ),
        plan::Action::Flip => format!(
            "{service} would have to flip its switch in a step of its own, and this version of tidegate does not carry \
             that out: release the new image with the old value first"
        ),
        plan::Action::Create | plan::Action::Roll | plan::Action::Delete | plan::Action::Job => {
            format!(
                "{service} would have to keep its old pods beside the new ones until its callers have moved, and this \
                 version of tidegate does not carry that out: release a {service} that serves the old and the new \
                 first"
            )
        }
    }
}

/// The planner's input: what runs, what shall run, and what would move.
pub fn system(graph: &Graph, survey: &Survey) -> System {
    let mut system = System::from_live(BTreeMap::new(), graph, None);
    for (name, member) in &mut system.services {
        let (Some(surveyed), Some(service)) = (survey.services.get(name), graph.services.get(name))
        else {
            continue;
        };
        let is_job = !service.workloads.is_empty()
            && service
                .workloads
                .iter()
                .all(|workload| workload.kind == "Job");
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
        member.moves = moves(surveyed, is_job);
        member.live = reader.live(surveyed, member.moves);
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
fn spoken(
    revision: &LiveRevision,
    recorded: impl FnOnce() -> Option<Interface>,
) -> Option<Interface> {
    match revision.contract.as_deref() {
        Some(text) => stamp::read(text).ok(),
        None => recorded(),
    }
}

/// What runs, for people: the images of each revision, without their registries, which say nothing about a change.
fn running(surveyed: &Surveyed) -> String {
    let images: BTreeSet<String> = surveyed
        .live
        .iter()
        .map(|revision| {
            revision
                .images
                .split(", ")
                .map(short)
                .collect::<Vec<_>>()
                .join(", ")
        })
        .filter(|images| !images.is_empty())
        .collect();
    images.into_iter().collect::<Vec<_>>().join(" and ")
}

fn short(image: &str) -> &str {
    image.rsplit('/').next().unwrap_or(image)
}
