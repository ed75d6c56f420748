//! One simulated run of a release: chaos, then quiet, then what must hold.
//!
//! In: a scenario, a seed, the faults that may strike. Out: an [`Outcome`]. The same input gives the same run, event
//! for event.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use jiff::{SignedDuration, Timestamp};

use super::chance::Chance;
use super::cluster::{Cluster, START, moment};
use super::facts::Workload;
use super::faults::{Fault, Faults};
use super::journal::Pods;
use super::judge::Traffic;
use super::pace::{NODES, Pace};
use super::process::{Filed, Process, Shared, hold};
use super::scenario::Scenario;
use crate::controller::{WorldError, drive, make_plan};
use tidegate_planner::plan::{Action, Plan};
use tidegate_spec::crd::{Approval, Planning};
use tidegate_spec::{ObjectRef, ServiceName};
use tidegate_upgrade::Ending;

/// After this no fault strikes any more.
const HEALED_AFTER: SignedDuration = SignedDuration::from_mins(3);
/// After this somebody ends a release that is held by what others have undone.
const GIVEN_UP_AFTER: SignedDuration = SignedDuration::from_mins(45);
/// A run that is not over after this never ends.
const ENDLESS_AFTER: SignedDuration = SignedDuration::from_hours(12);
/// How long nothing may be written once all is over.
const QUIET: SignedDuration = SignedDuration::from_mins(10);
/// More turns than these are a hot loop.
const TURNS_MAX: usize = 30_000;

/// How a run went.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// The faults that could strike.
    pub faults: Faults,
    /// How the release ended, as in `.status.outcome`; empty if it did not.
    pub ending: String,
    /// The words that go with it.
    pub message: String,
    /// From the first call to the end of the release.
    pub took: SignedDuration,
    /// What should never have happened.
    pub wrong: Vec<String>,
    /// The calls between the services.
    pub traffic: Traffic,
    /// The same for the same run.
    pub digest: String,
    /// Which events, faults and endings were met.
    pub reached: BTreeSet<String>,
    /// How many writes were made.
    pub writes: usize,
    /// By service, what pods it had from when on.
    pub pods: BTreeMap<ServiceName, Vec<(Timestamp, Pods)>>,
    /// Every line of the journal, if it was asked for.
    pub lines: Vec<String>,
}

/// The plan that the release has at the start of a run.
pub fn plan_of(scenario: &Scenario) -> (Plan, Option<Ending>) {
    let mut chance = Chance::of(0);
    let (cluster, _) = cluster_of(scenario, &mut chance, Pace::USUAL, None);
    let planned = make_plan(
        &scenario.bundle,
        &cluster.survey(scenario),
        &Planning::default(),
    );
    let refused = match planned.state.course {
        tidegate_upgrade::Course::Ended(ending) => Some(ending),
        tidegate_upgrade::Course::Pending
        | tidegate_upgrade::Course::Preparing
        | tidegate_upgrade::Course::Moving
        | tidegate_upgrade::Course::Publishing => None,
    };
    (planned.plan, refused)
}

/// A cluster in which the old runs; and which service is to break, if one.
pub(super) fn cluster_of(
    scenario: &Scenario,
    chance: &mut Chance,
    pace: Pace,
    plan: Option<&Plan>,
) -> (Cluster, Vec<ObjectRef>) {
    let view = scenario.running(chance);
    let judge = scenario.judge(&view, plan);
    let others = scenario.old_services().map(|object| (object, 1)).collect();
    let workloads = view.workloads.keys().cloned().collect();
    (
        Cluster::of(view, others, judge, chance.fork(), pace),
        workloads,
    )
}

/// What is done to the cluster from outside, and when.
pub(super) enum Mischief {
    Undo(ObjectRef),
    LoseNode(u32),
    Start,
    /// Somebody approves what the release asks for: points of no return, and that drains are over.
    Approve(Vec<String>),
    /// Somebody ends a release that waits for what was undone, since it may do so for ever.
    GiveUp,
}

type Driven = Pin<Box<dyn Future<Output = Result<Ending, WorldError>> + Send>>;

/// A run in the making.
pub(super) struct Run {
    pub(super) shared: Arc<Mutex<Shared>>,
    living: BTreeMap<usize, Driven>,
    pub(super) mischief: BTreeMap<(Timestamp, usize), Mischief>,
    chance: Chance,
    endings: Vec<Result<Ending, WorldError>>,
    resume_at: Option<Timestamp>,
    /// Whether pauses are left to whoever made them.
    pub(super) leaves_pauses: bool,
    turns: usize,
    /// The calls up to the end.
    traffic: Traffic,
}

/// Runs a release once.
///
/// In: the scenario, its plan, the seed, the faults that may strike, and whether every line of the journal is kept.
pub fn run(
    scenario: &Scenario,
    plan: &Plan,
    seed: u64,
    faults: &Faults,
    keeps_lines: bool,
) -> Outcome {
    let (mut run, workloads) = Run::new(scenario, plan, seed, faults, keeps_lines);
    run.plot(faults, &workloads, asked(scenario, plan));
    run.go_on();
    let wrong = run.verdict(faults);
    run.outcome(seed, faults.clone(), wrong)
}

impl Run {
    /// A run that has not begun, and the workloads that are there.
    pub(super) fn new(
        scenario: &Scenario,
        plan: &Plan,
        seed: u64,
        faults: &Faults,
        keeps_lines: bool,
    ) -> (Self, Vec<ObjectRef>) {
        let mut chance = Chance::of(seed);
        let pace = if faults.has(Fault::Slow) {
            Pace::SLOW
        } else {
            Pace::USUAL
        };
        let (mut cluster, workloads) = cluster_of(scenario, &mut chance, pace, Some(plan));
        cluster.journal.keeps_lines = keeps_lines;
        for fault in faults.iter().filter(|fault| fault.is_from_start()) {
            cluster.journal.reach(fault.word());
        }
        if faults.has(Fault::Broken) {
            let moving: Vec<ServiceName> =
                plan.steps.iter().map(|step| step.service.clone()).collect();
            cluster.broken = chance.one_of(&moving).cloned();
        }
        let run = Self {
            shared: Arc::new(Mutex::new(Shared {
                cluster,
                filed: Filed::default(),
                scenario: scenario.clone(),
                faults: faults.clone(),
                dead: BTreeSet::new(),
            })),
            living: BTreeMap::new(),
            mischief: BTreeMap::new(),
            chance,
            endings: Vec::new(),
            resume_at: None,
            leaves_pauses: false,
            turns: 0,
            traffic: Traffic::default(),
        };
        (run, workloads)
    }

    /// Decides what is done from outside, and when.
    fn plot(&mut self, faults: &Faults, workloads: &[ObjectRef], asked: Vec<String>) {
        self.mischief.insert((START, 0), Mischief::Start);
        let mut plot = |chance: &mut Chance, most_ms: u64, what: Mischief| {
            let at = moment(chance.between_ms(500, most_ms));
            let number = self.mischief.len();
            self.mischief.insert((at, number), what);
        };
        if !asked.is_empty() {
            plot(&mut self.chance, 90_000, Mischief::Approve(asked));
        }
        if faults.has(Fault::Twin) {
            plot(&mut self.chance, 60_000, Mischief::Start);
        }
        if faults.has(Fault::Undone)
            && let Some(object) = self.chance.one_of(workloads).cloned()
        {
            plot(&mut self.chance, 120_000, Mischief::Undo(object));
        }
        if faults.has(Fault::NodeLost) {
            let nodes: Vec<u32> = (0..NODES).collect();
            let node = self.chance.one_of(&nodes).copied().unwrap_or(0);
            plot(&mut self.chance, 60_000, Mischief::LoseNode(node));
        }
        if faults.has(Fault::Undone) {
            let at = moment(GIVEN_UP_AFTER);
            self.mischief.insert((at, usize::MAX), Mischief::GiveUp);
        }
    }

    /// Lets everything happen, one thing after the other, until nobody has anything to do.
    fn go_on(&mut self) {
        let healed_at = moment(HEALED_AFTER);
        let endless_at = moment(ENDLESS_AFTER);
        let mut is_healed = false;
        while !self.living.is_empty() || !self.mischief.is_empty() {
            let next = self.next((!is_healed).then_some(healed_at));
            let Some(next) = next.filter(|next| *next < endless_at && self.turns < TURNS_MAX)
            else {
                hold(&self.shared)
                    .cluster
                    .judge
                    .wrong
                    .push("the release never ends".to_owned());
                return;
            };
            if !is_healed && next >= healed_at {
                is_healed = true;
                hold(&self.shared).cluster.pass_to(next);
                self.heal();
            }
            self.turn(next);
        }
    }

    /// When the next thing happens, whoever does it.
    pub(super) fn next(&self, healing: Option<Timestamp>) -> Option<Timestamp> {
        let shared = hold(&self.shared);
        let wake = shared.cluster.wakes.values().min().copied();
        let plotted = self.mischief.keys().next().map(|(at, _)| *at);
        let times = [
            shared.cluster.next(),
            wake,
            plotted,
            self.resume_at,
            healing,
        ];
        times.into_iter().flatten().min()
    }

    /// Lets everything happen that is due at a moment.
    pub(super) fn turn(&mut self, now: Timestamp) {
        hold(&self.shared).cluster.pass_to(now);
        self.do_mischief(now);
        self.resume(now);
        self.wake(now);
        self.bury(now);
    }

    /// No fault strikes any more, and of two controllers the older one hears that it has lost its lease.
    fn heal(&mut self) {
        let mut shared = hold(&self.shared);
        shared.faults = Faults::none();
        while self.living.len() > 1
            && let Some((number, _)) = self.living.pop_first()
        {
            shared.cluster.wakes.remove(&number);
            shared.cluster.watching.remove(&number);
        }
    }

    fn do_mischief(&mut self, now: Timestamp) {
        while let Some(entry) = self
            .mischief
            .first_entry()
            .filter(|entry| entry.key().0 <= now)
        {
            match entry.remove() {
                Mischief::Start => {
                    let mut process = Process::start(&self.shared);
                    let number = process.number();
                    hold(&self.shared).cluster.wakes.insert(number, now);
                    let driven = Box::pin(async move { drive(&mut process).await });
                    self.living.insert(number, driven);
                }
                Mischief::Approve(steps) => {
                    let mut shared = hold(&self.shared);
                    let approval = |step| Approval {
                        step,
                        by: "somebody".to_owned(),
                        ..Approval::default()
                    };
                    shared.filed.control.approvals = steps.into_iter().map(approval).collect();
                    shared.filed.version += 1;
                }
                Mischief::GiveUp => {
                    let mut shared = hold(&self.shared);
                    shared.filed.control.abort = true;
                    shared.filed.version += 1;
                }
                Mischief::Undo(object) => {
                    let mut shared = hold(&self.shared);
                    shared.cluster.journal.reach(Fault::Undone.word());
                    shared.cluster.undo(&object);
                }
                Mischief::LoseNode(node) => {
                    let mut shared = hold(&self.shared);
                    shared.cluster.journal.reach(Fault::NodeLost.word());
                    let back_after = self.chance.between_ms(1_000, 60_000);
                    shared.cluster.lose_node(node, back_after);
                }
            }
        }
    }

    /// Whoever paused the release resumes it after a while.
    fn resume(&mut self, now: Timestamp) {
        let mut shared = hold(&self.shared);
        match self.resume_at {
            None if shared.filed.control.pause && !self.leaves_pauses => {
                let pause = self.chance.between_ms(1_000, 40_000);
                self.resume_at = Some(shared.cluster.after(pause));
            }
            Some(at) if at <= now => {
                shared.filed.control.pause = false;
                shared.filed.version += 1;
                self.resume_at = None;
            }
            Some(_) | None => {}
        }
    }

    /// Lets every process go on whose time has come.
    fn wake(&mut self, now: Timestamp) {
        let due: Vec<usize> = {
            let wakes = &hold(&self.shared).cluster.wakes;
            wakes
                .iter()
                .filter(|(_, at)| **at <= now)
                .map(|(number, _)| *number)
                .collect()
        };
        for number in due {
            self.turns += 1;
            hold(&self.shared).cluster.wakes.remove(&number);
            let Some(driven) = self.living.get_mut(&number) else {
                continue;
            };
            let mut context = Context::from_waker(Waker::noop());
            if let std::task::Poll::Ready(ending) = driven.as_mut().poll(&mut context) {
                self.living.remove(&number);
                self.endings.push(ending);
            }
        }
    }

    /// Takes away what is left of processes that have died, and starts another one in their place.
    fn bury(&mut self, now: Timestamp) {
        let dead = std::mem::take(&mut hold(&self.shared).dead);
        for number in dead {
            self.living.remove(&number);
            let mut shared = hold(&self.shared);
            shared.cluster.wakes.remove(&number);
            let pause = self.chance.between_ms(200, 10_000);
            let at = shared.cluster.after(pause).max(now);
            let entry = self.mischief.len() + self.turns;
            self.mischief.insert((at, entry), Mischief::Start);
        }
    }

    /// What must hold now that all is over, beside what the judge saw.
    fn verdict(&mut self, faults: &Faults) -> Vec<String> {
        let mut wrong = Vec::new();
        for ending in &self.endings {
            if let Err(error) = ending {
                wrong.push(format!("a controller gave up: {error}"));
            }
        }
        let endings: BTreeSet<&str> = self.endings.iter().flatten().map(Ending::word).collect();
        if endings.len() > 1 {
            wrong.push(format!(
                "controllers do not agree on how it ended: {endings:?}"
            ));
        }
        let has_succeeded = endings.contains("Succeeded");
        let may_fail = faults.iter().any(Fault::may_fail);
        if !has_succeeded && !may_fail {
            let endings: Vec<String> = self
                .endings
                .iter()
                .flatten()
                .map(|ending| format!("{ending:?}"))
                .collect();
            wrong.push(format!("it did not succeed: {}", endings.join(", ")));
        }
        let mut shared = hold(&self.shared);
        if has_succeeded && !faults.has(Fault::Undone) {
            let Shared {
                cluster, scenario, ..
            } = &*shared;
            wrong.extend(
                cluster
                    .view
                    .workloads
                    .values()
                    .filter_map(|workload| not_as_released(scenario, workload)),
            );
        }
        let writes = shared.cluster.journal.writes;
        self.traffic = shared.cluster.judge.traffic;
        let quiet = shared.cluster.after(QUIET);
        shared.cluster.pass_to(quiet);
        if shared.cluster.journal.writes != writes {
            wrong.push("something was written after the end".to_owned());
        }
        wrong.extend(std::mem::take(&mut shared.cluster.judge.wrong));
        wrong
    }

    fn outcome(self, seed: u64, faults: Faults, wrong: Vec<String>) -> Outcome {
        let mut shared = hold(&self.shared);
        let ending = self.endings.into_iter().flatten().next();
        let (word, message) = match &ending {
            None => (String::new(), String::new()),
            Some(Ending::Succeeded) => ("Succeeded".to_owned(), String::new()),
            Some(
                ending @ (Ending::Failed { message, .. }
                | Ending::Refused { message }
                | Ending::Aborted { message }
                | Ending::Superseded { message }),
            ) => (ending.word().to_owned(), message.clone()),
        };
        if !word.is_empty() {
            shared.cluster.journal.reach(&word);
        }
        let status = &shared.filed.status;
        let ended = status
            .completion_time
            .as_ref()
            .map_or(shared.cluster.now, |time| time.0);
        let journal = &mut shared.cluster.journal;
        Outcome {
            seed,
            faults,
            ending: word,
            message,
            took: ended.duration_since(START),
            wrong,
            digest: journal.digest(),
            reached: std::mem::take(&mut journal.reached),
            writes: journal.writes,
            pods: std::mem::take(&mut journal.pods),
            lines: std::mem::take(&mut journal.lines),
            traffic: self.traffic,
        }
    }
}

/// What people are asked about: points of no return, drains, and what the ReleasePlan says.
fn asked(scenario: &Scenario, plan: &Plan) -> Vec<String> {
    let drains = plan
        .steps
        .iter()
        .filter(|step| step.action == Action::Drain);
    let drains = drains.map(|step| step.id.clone());
    let gates = scenario.bundle.plan.strategy.approvals.iter();
    drains
        .chain(plan.points_of_no_return.iter().cloned())
        .chain(gates.map(|gate| gate.before.clone()))
        .collect()
}

/// What is wrong with a workload after a release that has succeeded.
fn not_as_released(scenario: &Scenario, workload: &Workload) -> Option<String> {
    let object = &workload.reference;
    let stays = scenario.bundle.manifest(object).is_some();
    if !stays
        && scenario
            .leaving
            .values()
            .flatten()
            .any(|leaving| leaving == object)
    {
        let is_left = workload.exists || workload.live().next().is_some();
        return is_left.then(|| format!("{object} or a pod of it is left"));
    }
    let is_target = |pod: &super::facts::Pod| {
        workload
            .template_of(pod)
            .is_some_and(|template| template.is_target)
    };
    let old = workload.live().find(|pod| !is_target(pod))?;
    stays.then(|| format!("pod {} of the old revision is left", old.name))
}
