//! What was found in the cluster to a plan, checked by the independent checker, to an agenda.

use std::collections::{BTreeMap, BTreeSet};

use super::asked::{held_out, planned};
use super::before::Orders;
use super::charter::{charter, graph_of};
use super::found::system;
use super::survey::{Survey, Surveyed, TemplateChange};
use super::switch;
use tidegate_build::Build;
use tidegate_manifest::Bundle;
use tidegate_planner::graph::{Revision, System};
use tidegate_planner::plan::{self, Plan, Verdict};
use tidegate_spec::crd::{DrainLevel, Held, Planning};
use tidegate_spec::words::short_image;
use tidegate_spec::{Interface, ObjectRef, Retention, ServiceName, stamp};
use tidegate_upgrade::{
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
    /// What it was made for: what runs and what shall run, as far as it is asked for.
    pub system: System,
}

impl Planned {
    /// Why nothing may be written, if so.
    pub fn refusal(&self) -> Option<&str> {
        match &self.state.course {
            Course::Ended(Ending::Refused { message }) => Some(message),
            Course::Ended(_)
            | Course::Pending
            | Course::Preparing
            | Course::Moving
            | Course::Publishing => None,
        }
    }

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

/// Makes the plan of a release from what was found and what is asked for.
pub fn make_plan(bundle: &Bundle, survey: &Survey, planning: &Planning) -> Planned {
    make_plan_with(bundle, survey, planning, &BTreeMap::new())
}

/// The same where images are built for it. Whose image is not there yet counts as changed: what it will be is not known.
pub(super) fn make_plan_with(
    bundle: &Bundle,
    survey: &Survey,
    planning: &Planning,
    builds: &BTreeMap<ServiceName, Build>,
) -> Planned {
    let survey = &changed_by_builds(bundle, survey, planning, builds);
    let mut planned = planned_from(bundle, survey, planning);
    // What nobody moves for is not built.
    let members = planned.agenda.members.values();
    let needed: BTreeSet<&ServiceName> = members
        .flat_map(|member| &member.belongings.builds)
        .collect();
    let builds = builds.iter();
    let builds = builds.filter(|(name, build)| build.image.is_some() || needed.contains(name));
    planned.state.builds = builds
        .map(|(name, build)| (name.clone(), build.clone()))
        .collect();
    planned
}

fn changed_by_builds(
    bundle: &Bundle,
    survey: &Survey,
    planning: &Planning,
    builds: &BTreeMap<ServiceName, Build>,
) -> Survey {
    let mut survey = survey.clone();
    let is_open = |name: &ServiceName| builds.get(name).is_some_and(|it| it.image.is_none());
    for (name, owned) in &bundle.services {
        if planning.moves(name)
            && bundle.builds_of(owned).iter().any(is_open)
            && let Some(surveyed) = survey.services.get_mut(name)
        {
            surveyed.change = surveyed.change.max(TemplateChange::Changes);
        }
    }
    survey
}

fn planned_from(bundle: &Bundle, survey: &Survey, planning: &Planning) -> Planned {
    let whole = system(&graph_of(bundle), survey);
    let order = planning.order.or(bundle.plan.strategy.order);
    let asked = planned(whole.clone(), planning, survey.declared.as_ref(), order);
    let (plan, system) = match asked {
        Ok(asked) => asked,
        Err(error) => {
            let plan = plan::plan(&whole);
            return refused(&charter(bundle), survey, (plan, whole), error.to_string());
        }
    };
    let charter = charter(bundle);
    let switches = switches(bundle, survey, (&plan, &system));
    let switches = match (refusal(&system, &plan, survey), switches) {
        (None, Ok(switches)) => switches,
        (Some(message), _) | (None, Err(message)) => {
            return refused(&charter, survey, (plan, system), message);
        }
    };
    let mut agenda = Agenda::new(&charter);
    let mut state = State::pending();
    for wave in &plan.waves {
        let ids = wave.iter().filter_map(|id| StepId::parse(id).ok());
        agenda.waves.push(ids.collect());
    }
    agenda.held_out = held_out(&system, planning);
    let orders = Orders::of(&plan);
    let given = Given {
        bundle,
        charter: &charter,
        survey,
        plan: &plan,
        switches,
    };
    for step in &plan.steps {
        let Ok(id) = StepId::parse(&step.id) else {
            continue;
        };
        let member = given.member(step, orders.before(step));
        agenda.members.insert(id.clone(), member);
        state.services.insert(id, ServiceState::waiting());
    }
    agenda.shared.extend(status::unmoved(&charter, &agenda));
    if planning.only.is_empty() {
        agenda.leftover = leftover(survey, &agenda);
    }
    state.course = Course::Preparing;
    state.waves = vec![WaveTimes::default(); agenda.waves.len()];
    state.plan_digest.clone_from(&plan.digest);
    state.started = Some(survey.now);
    Planned {
        agenda,
        state,
        plan,
        system,
    }
}

/// A release that ends before its first write.
fn refused(
    charter: &Charter,
    survey: &Survey,
    (plan, system): (Plan, System),
    message: String,
) -> Planned {
    let mut state = State::pending();
    state.course = Course::Ended(Ending::Refused { message });
    state.ended = Some(survey.now);
    Planned {
        agenda: Agenda::new(charter),
        state,
        plan,
        system,
    }
}

/// What each service with two moves keeps in the first of them, with the stamp that its pods have then.
fn switches(
    bundle: &Bundle,
    survey: &Survey,
    (plan, system): (&Plan, &System),
) -> Result<BTreeMap<ServiceName, Held>, String> {
    let flips = plan.steps.iter();
    let flips = flips.filter(|step| step.action == plan::Action::Flip);
    let mut switches = BTreeMap::new();
    for service in flips.map(|step| &step.service) {
        let (Some(member), Some(surveyed)) =
            (system.services.get(service), survey.services.get(service))
        else {
            continue;
        };
        let name = member.manner.switch.as_deref().unwrap_or_default();
        let variables = switch::held(bundle, (service, name), &surveyed.switched)?;
        let spoken = |revision: Option<&Revision>| revision.and_then(|one| one.interface.clone());
        let old = spoken(member.live.first()).unwrap_or_default();
        let new = spoken(member.target.as_ref()).unwrap_or_default();
        let between = Interface {
            serves: new.serves,
            calls: old.calls,
        };
        let contract = stamp::write(&between);
        let held = Held {
            contract,
            variables,
        };
        switches.insert(service.clone(), held);
    }
    Ok(switches)
}

/// What is deleted when every service is done: also the dropped workloads without a pod, whose service does not move.
fn leftover(survey: &Survey, agenda: &Agenda) -> Vec<ObjectRef> {
    let unmoved = survey
        .dropped
        .iter()
        .filter(|(name, _)| !agenda.moves(name) && !agenda.held_out.contains(*name));
    let workloads = unmoved.flat_map(|(_, workloads)| workloads);
    workloads.chain(&survey.leftover).cloned().collect()
}

/// What the steps of an agenda are made of.
struct Given<'a> {
    bundle: &'a Bundle,
    charter: &'a Charter,
    survey: &'a Survey,
    plan: &'a Plan,
    switches: BTreeMap<ServiceName, Held>,
}

impl Given<'_> {
    /// One step as it is carried out.
    fn member(&self, step: &plan::Step, after: BTreeSet<StepId>) -> Member {
        let service = &step.service;
        let change = change(step.action);
        let mut belongings = match (change, self.survey.leaving.get(service)) {
            (Change::Drain, _) => Belongings::default(),
            (_, Some(objects)) => status::removed(objects),
            (_, None) => {
                let declared = self.charter.services.get(service);
                declared.cloned().unwrap_or_default()
            }
        };
        if must_end_as_a_client(self.plan, step) {
            belongings.drain = DrainLevel::Pods;
        }
        // What a service does not have any more goes with its first move.
        let is_first = !matches!(change, Change::Drain | Change::Flip);
        let dropped = self.survey.dropped.get(service).filter(|_| is_first);
        let held = self.switches.get(service).filter(|_| is_first);
        if let Some(held) = held {
            belongings.stamp.clone_from(&held.contract);
        }
        let retentions = step.drain.iter();
        let (from, to) = self.words(step);
        Member {
            change,
            after,
            belongings,
            is_final: self.plan.points_of_no_return.contains(&step.id),
            retentions: retentions
                .filter_map(|text| Retention::parse(text))
                .collect(),
            held: held.map(|held| held.variables.clone()).unwrap_or_default(),
            dropped: dropped.cloned().unwrap_or_default(),
            from,
            to,
        }
    }

    /// What runs before a step and after it, for people.
    fn words(&self, step: &plan::Step) -> (String, String) {
        let held = self.switches.get(&step.service);
        let surveyed = self.survey.services.get(&step.service);
        match (change(step.action), held, surveyed) {
            (Change::Drain, _, _) | (_, _, None) => (String::new(), String::new()),
            (Change::Flip, Some(held), _) => {
                let wanted = switch::wanted(self.bundle, &held.variables);
                (switch::told(&held.variables), switch::told(&wanted))
            }
            (_, _, Some(surveyed)) => (running(surveyed), surveyed.to.clone()),
        }
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
    if let Some(service) = beside(plan) {
        return Some(keeps_old_pods(service));
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

/// A service that would have to keep its old pods beside the new ones: it has two moves, and none of them is a flip.
fn beside(plan: &Plan) -> Option<&ServiceName> {
    let mut moves: BTreeMap<&ServiceName, (usize, bool)> = BTreeMap::new();
    for step in plan
        .steps
        .iter()
        .filter(|step| step.action != plan::Action::Drain)
    {
        let (count, flips) = moves.entry(&step.service).or_default();
        *count += 1;
        *flips |= step.action == plan::Action::Flip;
    }
    let mut moves = moves.into_iter();
    let beside = moves.find(|(_, (count, flips))| *count > 1 && !flips);
    beside.map(|(service, _)| service)
}

/// Said before the first write, with what a person can do (ADR 13).
fn keeps_old_pods(service: &ServiceName) -> String {
    format!(
        "{service} would have to keep its old pods beside the new ones until its callers have moved, and tidegate does \
         not keep two revisions of one workload: give the new version a workload of its own beside the old one (a \
         Deployment `{service}-next` that is listed under `workloads` of {service}, which then serves both), release \
         the callers, and take the old workload out of the graph in a last release; or release a {service} that \
         serves the old and the new first"
    )
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
