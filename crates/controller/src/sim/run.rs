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
use super::fairness::sleeps;
use super::faults::{Fault, Faults};
use super::journal::Pods;
use super::judge::Traffic;
use super::mischief::{Mischief, asked, freeze};
use super::neighbour::{NEIGHBOUR, Neighbour};
use super::pace::Pace;
use super::process::{Kept, Process, Shared, hold};
use super::scenario::Scenario;
use crate::controller::{WorldError, drive, make_plan};
use tidegate_planner::plan::Plan;
use tidegate_spec::crd::Planning;
use tidegate_spec::{ObjectRef, ServiceName};
use tidegate_upgrade::Ending;

/// After this no fault strikes any more.
const HEALED_AFTER: SignedDuration = SignedDuration::from_mins(3);
/// A run that is not over after this never ends.
const ENDLESS_AFTER: SignedDuration = SignedDuration::from_hours(12);
/// More turns than these are a hot loop.
const TURNS_MAX: usize = 30_000;

/// How a run went.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// The faults that could strike.
    pub faults: Faults,
    /// How the release ended, as in `.status.outcome`, and where a newer one followed, that one; empty if it did not.
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

pub(super) type Driven = Pin<Box<dyn Future<Output = Result<Ending, WorldError>> + Send>>;

/// A run in the making.
pub(super) struct Run {
    pub(super) shared: Arc<Mutex<Shared>>,
    /// The processes, each with the release that it drives.
    pub(super) living: BTreeMap<usize, (usize, Driven)>,
    /// A release of another plan beside it, which must not matter.
    pub(super) neighbour: Option<Neighbour>,
    /// Whether its controllers were taken away for good.
    pub(super) is_uninstalled: bool,
    pub(super) mischief: BTreeMap<(Timestamp, usize), Mischief>,
    /// How many things were plotted.
    pub(super) entries: usize,
    pub(super) chance: Chance,
    /// How processes ended, each with its release.
    pub(super) endings: Vec<(usize, Result<Ending, WorldError>)>,
    /// How many releases have begun.
    pub(super) begun: usize,
    resume_at: Option<Timestamp>,
    /// Whether pauses are left to whoever made them.
    pub(super) leaves_pauses: bool,
    turns: usize,
    /// The calls up to the end.
    pub(super) traffic: Traffic,
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
    if faults.has(Fault::Poisoned) {
        run.move_in(scenario, seed);
    }
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
        let moving: Vec<ServiceName> = plan.steps.iter().map(|step| step.service.clone()).collect();
        if faults.has(Fault::Broken) {
            cluster.broken = chance.one_of(&moving).cloned();
        }
        if faults.has(Fault::Denied) {
            cluster.denied = chance.one_of(&moving).cloned();
        }
        cluster.judge.is_slow = faults.has(Fault::Frozen);
        let mut first = Kept::of(scenario.clone());
        if faults.has(Fault::Freeze) {
            let window = freeze(&mut chance);
            let advance = scenario.bundle.plan.strategy.advance;
            cluster.judge.freeze(plan, &window, advance);
            first.scenario.bundle.plan.freeze.push(window);
        }
        let run = Self {
            shared: Arc::new(Mutex::new(Shared {
                cluster,
                releases: vec![first],
                next: scenario.next.clone(),
                faults: faults.clone(),
                dead: BTreeSet::new(),
            })),
            living: BTreeMap::new(),
            neighbour: None,
            is_uninstalled: false,
            mischief: BTreeMap::new(),
            entries: 0,
            chance,
            endings: Vec::new(),
            begun: 1,
            resume_at: None,
            leaves_pauses: false,
            turns: 0,
            traffic: Traffic::default(),
        };
        (run, workloads)
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
        self.go_over(now);
        self.look_who_sleeps(now);
    }

    /// A release of another plan is driven, too.
    fn move_in(&mut self, scenario: &Scenario, seed: u64) {
        let neighbour = Neighbour::of(&self.shared, scenario, seed);
        self.neighbour = Some(neighbour);
        hold(&self.shared).cluster.wakes.insert(NEIGHBOUR, START);
    }

    fn look_who_sleeps(&self, now: Timestamp) {
        let mut shared = hold(&self.shared);
        let cluster = &mut shared.cluster;
        let wakes = &cluster.wakes;
        let mut sleeping = self.living.keys();
        let sleeping = sleeping.find_map(|number| sleeps(*number, wakes.get(number).copied(), now));
        if let Some(words) = sleeping.filter(|words| !cluster.judge.wrong.contains(words)) {
            cluster.judge.wrong.push(words);
        }
    }

    /// No fault strikes any more, and of two controllers of a release the older one hears that it has lost its lease.
    fn heal(&mut self) {
        let mut shared = hold(&self.shared);
        shared.faults = Faults::none();
        let newest: BTreeMap<usize, usize> = self
            .living
            .iter()
            .map(|(number, (release, _))| (*release, *number))
            .collect();
        self.living.retain(|number, (release, _)| {
            let is_newest = newest.get(release) == Some(number);
            if !is_newest {
                shared.cluster.wakes.remove(number);
                shared.cluster.watching.remove(number);
            }
            is_newest
        });
    }

    /// A controller begins to drive a release.
    pub(super) fn start(&mut self, release: usize, now: Timestamp) {
        if self.is_uninstalled {
            return;
        }
        {
            let mut shared = hold(&self.shared);
            if release > 0 {
                let Shared {
                    cluster, releases, ..
                } = &mut *shared;
                // One that another one forbids changes nothing.
                let kept = releases.get(release);
                if let Some(kept) = kept.filter(|kept| kept.filed.rival.is_none()) {
                    cluster.turn_to(release, &kept.scenario);
                }
            }
        }
        let mut process = Process::start(&self.shared, release);
        let number = process.number();
        hold(&self.shared).cluster.wakes.insert(number, now);
        let driven = Box::pin(async move { drive(&mut process).await });
        self.living.insert(number, (release, driven));
    }

    /// Whoever paused a release resumes it after a while.
    fn resume(&mut self, now: Timestamp) {
        let mut shared = hold(&self.shared);
        let is_paused = shared.releases.iter().any(|kept| kept.filed.control.pause);
        match self.resume_at {
            None if is_paused && !self.leaves_pauses => {
                let pause = self.chance.between_ms(1_000, 40_000);
                self.resume_at = Some(shared.cluster.after(pause));
            }
            Some(at) if at <= now => {
                for kept in &mut shared.releases {
                    kept.filed.control.pause = false;
                    kept.filed.stopped_at =
                        kept.filed.stopped_at.filter(|_| kept.filed.control.abort);
                    kept.filed.version += 1;
                }
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
            if let Some(neighbour) = self.neighbour.as_mut().filter(|_| number == NEIGHBOUR) {
                let wrong = neighbour.go_on();
                hold(&self.shared).cluster.judge.wrong.extend(wrong);
                continue;
            }
            let Some((release, driven)) = self.living.get_mut(&number) else {
                continue;
            };
            let mut context = Context::from_waker(Waker::noop());
            if let std::task::Poll::Ready(ending) = driven.as_mut().poll(&mut context) {
                self.endings.push((*release, ending));
                self.living.remove(&number);
            }
        }
    }

    /// Takes away what is left of processes that have died, and starts another one in their place.
    fn bury(&mut self, now: Timestamp) {
        let dead = std::mem::take(&mut hold(&self.shared).dead);
        for number in dead {
            let Some((release, _)) = self.living.remove(&number) else {
                continue;
            };
            let mut shared = hold(&self.shared);
            shared.cluster.wakes.remove(&number);
            let pause = self.chance.between_ms(200, 10_000);
            let at = shared.cluster.after(pause).max(now);
            drop(shared);
            self.at(at, Mischief::Start(release));
        }
    }

    fn outcome(self, seed: u64, faults: Faults, wrong: Vec<String>) -> Outcome {
        let mut shared = hold(&self.shared);
        let newest = shared.releases.len() - 1;
        let mut of_newest = self.endings.into_iter().filter(|(of, _)| *of == newest);
        let ending = of_newest.find_map(|(_, ending)| ending.ok());
        let (word, message) = match &ending {
            None if self.is_uninstalled => ("Uninstalled".to_owned(), String::new()),
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
        let status = shared.releases.last().map(|kept| &kept.filed.status);
        let ended = status.and_then(|status| status.completion_time.as_ref());
        let ended = ended.map_or(shared.cluster.now, |time| time.0);
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
