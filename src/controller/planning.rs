//! What was found in the cluster to a plan, checked by the independent checker, to an agenda.

use std::collections::BTreeSet;

use super::before::Orders;
use super::charter::{charter, graph_of};
use super::found::system;
use super::survey::{Survey, Surveyed};
use crate::graph::System;
use crate::manifest::Bundle;
use crate::plan::{self, Plan, Verdict};
use crate::spec::crd::DrainLevel;
use crate::spec::words::short_image;
use crate::spec::{ObjectRef, Retention};
use crate::upgrade::{
    Agenda, Belongings, Change, Charter, Course, Ending, Member, ServiceState, State, StepId,
    WaveTimes, status,
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
        let ids = wave.iter().filter_map(|id| StepId::parse(id).ok());
        agenda.waves.push(ids.collect());
    }
    let orders = Orders::of(&plan);
    for step in &plan.steps {
        let Ok(id) = StepId::parse(&step.id) else {
            continue;
        };
        let member = member(&charter, survey, (&plan, step), orders.before(step));
        agenda.members.insert(id.clone(), member);
        state.services.insert(id, ServiceState::waiting());
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
        .filter(|(name, _)| !agenda.moves(name));
    let workloads = unmoved.flat_map(|(_, workloads)| workloads);
    workloads.chain(&survey.leftover).cloned().collect()
}

/// One step as it is carried out.
fn member(
    charter: &Charter,
    survey: &Survey,
    (plan, step): (&Plan, &plan::Step),
    after: BTreeSet<StepId>,
) -> Member {
    let service = &step.service;
    let change = change(step.action);
    let mut belongings = match (change, survey.leaving.get(service)) {
        (Change::Drain, _) => Belongings::default(),
        (_, Some(objects)) => status::removed(objects),
        (_, None) => charter.services.get(service).cloned().unwrap_or_default(),
    };
    if must_end_as_a_client(plan, step) {
        belongings.drain = DrainLevel::Pods;
    }
    let retentions = step.drain.iter();
    let dropped = survey
        .dropped
        .get(service)
        .filter(|_| change != Change::Drain);
    let surveyed = survey.services.get(service);
    let surveyed = surveyed.filter(|_| change != Change::Drain);
    Member {
        change,
        after,
        belongings,
        is_final: plan.points_of_no_return.contains(&step.id),
        retentions: retentions
            .filter_map(|text| Retention::parse(text))
            .collect(),
        held: Vec::new(),
        dropped: dropped.cloned().unwrap_or_default(),
        from: surveyed.map(running).unwrap_or_default(),
        to: surveyed
            .map(|surveyed| surveyed.to.clone())
            .unwrap_or_default(),
    }
}

/// Whether others wait until no old pod of it calls any more. A terminating client still calls, so nothing less than
/// its end will do (completion.md §5).
fn must_end_as_a_client(plan: &Plan, step: &plan::Step) -> bool {
    let is_before_clients = plan.precedences.iter().any(|precedence| {
        precedence.first == step.service && precedence.kind == plan::Ordering::ClientFirst
    });
    let drains = plan
        .steps
        .iter()
        .filter(|other| other.action == plan::Action::Drain);
    is_before_clients
        || drains
            .into_iter()
            .any(|drain| drain.after.contains(&step.id))
}

fn change(action: plan::Action) -> Change {
    match action {
        plan::Action::Create => Change::Create,
        plan::Action::Roll => Change::Roll,
        plan::Action::Flip => Change::Flip,
        plan::Action::Drain => Change::Drain,
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
        .find(|step| step.action != plan::Action::Drain && step.id != step.service.as_str())
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
        plan::Action::Flip => format!(
            "{service} would have to flip its switch in a step of its own, and this version of tidegate does not carry \
             that out: release the new image with the old value first"
        ),
        plan::Action::Create
        | plan::Action::Roll
        | plan::Action::Delete
        | plan::Action::Job
        | plan::Action::Drain => {
            format!(
                "{service} would have to keep its old pods beside the new ones until its callers have moved, and this \
                 version of tidegate does not carry that out: release a {service} that serves the old and the new \
                 first"
            )
        }
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
                .map(short_image)
                .collect::<Vec<_>>()
                .join(", ")
        })
        .filter(|images| !images.is_empty())
        .collect();
    images.into_iter().collect::<Vec<_>>().join(" and ")
}
