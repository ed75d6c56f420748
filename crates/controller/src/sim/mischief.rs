//! What is done to a simulated cluster from outside, and when: people, other writers, nodes, a newer release.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::chance::Chance;
use super::cluster::{START, moment};
use super::dry::only_look;
use super::faults::{Fault, Faults};
use super::pace::NODES;
use super::process::{Kept, hold};
use super::run::Run;
use super::scenario::Scenario;
use crate::controller::make_plan;
use tidegate_planner::plan::{Action, Plan};
use tidegate_spec::ObjectRef;
use tidegate_spec::crd::{Approval, Concurrency, FreezeWindow, Planning};

/// One thing that is done.
pub(super) enum Mischief {
    /// A controller begins to drive a release, by its place among those of the run.
    Start(usize),
    Undo(ObjectRef),
    Delete(ObjectRef),
    LoseNode(u32),
    /// A pod of a workload is told to go.
    Evict(ObjectRef),
    /// A pod of a workload is not ready for a while.
    Flap(ObjectRef),
    /// A workload is to have another number of pods.
    Scale(ObjectRef),
    /// No more pods than there are may be made, for a while.
    LimitPods,
    /// Somebody approves what the release asks for.
    Approve(Vec<String>),
    /// Somebody ends the first release.
    Abort,
    /// A newer release is made.
    Newer,
    /// Somebody asks what the newest release would do.
    DryRun,
    /// The controller is taken away for good.
    Uninstall,
}

/// How many pods are evicted, how many are not ready for a while, how often a workload is scaled.
const TIMES: [usize; 3] = [1, 2, 4];
/// After this somebody ends a release that is held by what others have changed.
const GIVEN_UP_AFTER: SignedDuration = SignedDuration::from_mins(45);
/// Most of what is done is done before this.
const MOST_MS: u64 = 120_000;

impl Run {
    /// Decides what is done from outside, and when.
    pub(super) fn plot(&mut self, faults: &Faults, workloads: &[ObjectRef], asked: Vec<String>) {
        self.mischief.insert((START, 0), Mischief::Start(0));
        if !asked.is_empty() {
            self.later(90_000, Mischief::Approve(asked));
        }
        if faults.has(Fault::Twin) {
            self.later(60_000, Mischief::Start(0));
        }
        if faults.has(Fault::NodeLost) {
            let nodes: Vec<u32> = (0..NODES).collect();
            let node = self.chance.one_of(&nodes).copied().unwrap_or(0);
            self.later(60_000, Mischief::LoseNode(node));
        }
        if faults.has(Fault::Quota) {
            self.later(MOST_MS, Mischief::LimitPods);
        }
        if faults.has(Fault::DryRun) {
            self.later(MOST_MS, Mischief::DryRun);
        }
        if faults.has(Fault::Uninstalled) {
            self.later(MOST_MS, Mischief::Uninstall);
        }
        if faults.has(Fault::Aborted) {
            self.later(MOST_MS, Mischief::Abort);
        }
        if faults.has(Fault::Undone) || faults.has(Fault::Deleted) {
            // What such a change holds waits for a person.
            self.at(moment(GIVEN_UP_AFTER), Mischief::Abort);
        }
        if faults.has(Fault::Newer) || hold(&self.shared).next.is_some() {
            self.later(MOST_MS, Mischief::Newer);
        }
        for (fault, what) in [
            (Fault::Undone, Mischief::Undo as fn(ObjectRef) -> Mischief),
            (Fault::Deleted, Mischief::Delete),
            (Fault::Evicted, Mischief::Evict),
            (Fault::Flapping, Mischief::Flap),
            (Fault::Scaled, Mischief::Scale),
        ] {
            if !faults.has(fault) {
                continue;
            }
            let times = if matches!(fault, Fault::Undone | Fault::Deleted) {
                1
            } else {
                self.chance.one_of(&TIMES).copied().unwrap_or(1)
            };
            for _ in 0..times {
                if let Some(object) = self.chance.one_of(workloads).cloned() {
                    self.later(MOST_MS, what(object));
                }
            }
        }
    }

    fn later(&mut self, most_ms: u64, what: Mischief) {
        let at = moment(self.chance.between_ms(500, most_ms));
        self.at(at, what);
    }

    pub(super) fn at(&mut self, at: Timestamp, what: Mischief) {
        self.entries += 1;
        self.mischief.insert((at, self.entries), what);
    }

    /// Does everything whose time has come.
    pub(super) fn do_mischief(&mut self, now: Timestamp) {
        while let Some(entry) = self
            .mischief
            .first_entry()
            .filter(|entry| entry.key().0 <= now)
        {
            let what = entry.remove();
            match what {
                Mischief::Start(release) => self.start(release, now),
                Mischief::Approve(steps) => self.approve(steps),
                Mischief::Newer => self.newer(),
                Mischief::Abort => self.abort(now),
                Mischief::DryRun => self.dry_run(),
                Mischief::Uninstall => self.uninstall(),
                Mischief::LoseNode(node) => {
                    let back_after = self.chance.between_ms(1_000, 60_000);
                    self.reach(Fault::NodeLost);
                    hold(&self.shared).cluster.lose_node(node, back_after);
                }
                Mischief::LimitPods => {
                    let over_after = self.chance.between_ms(5_000, 90_000);
                    self.reach(Fault::Quota);
                    hold(&self.shared).cluster.limit_pods(over_after);
                }
                Mischief::Undo(object) => {
                    self.reach(Fault::Undone);
                    hold(&self.shared).cluster.undo(&object);
                }
                Mischief::Delete(object) => {
                    self.reach(Fault::Deleted);
                    hold(&self.shared).cluster.delete(&object);
                }
                Mischief::Evict(object) => {
                    self.reach(Fault::Evicted);
                    hold(&self.shared).cluster.evict(&object);
                }
                Mischief::Flap(object) => {
                    self.reach(Fault::Flapping);
                    hold(&self.shared).cluster.flap(&object);
                }
                Mischief::Scale(object) => {
                    self.reach(Fault::Scaled);
                    hold(&self.shared).cluster.scale(&object);
                }
            }
        }
    }

    fn dry_run(&self) {
        self.reach(Fault::DryRun);
        let mut shared = hold(&self.shared);
        only_look(&mut shared, "plan", |shared| {
            let newest = shared.releases.last().map(|kept| &kept.scenario);
            newest.map(|scenario| {
                let survey = shared.cluster.survey(scenario);
                make_plan(&scenario.bundle, &survey, &Planning::default())
            })
        });
    }

    /// Nobody drives anything any more.
    fn uninstall(&mut self) {
        self.reach(Fault::Uninstalled);
        self.is_uninstalled = true;
        self.living.clear();
        self.neighbour = None;
        let mut shared = hold(&self.shared);
        shared.cluster.wakes.clear();
        shared.cluster.watching.clear();
    }

    fn reach(&self, fault: Fault) {
        hold(&self.shared).cluster.journal.reach(fault.word());
    }

    /// Everything is approved in every release: words about what nobody asks for do no harm.
    fn approve(&self, steps: Vec<String>) {
        let mut shared = hold(&self.shared);
        let approval = |step| Approval {
            step,
            by: "somebody".to_owned(),
            ..Approval::default()
        };
        let approvals: Vec<Approval> = steps.into_iter().map(approval).collect();
        for kept in &mut shared.releases {
            kept.filed.control.approvals.clone_from(&approvals);
            kept.filed.version += 1;
        }
    }

    fn abort(&self, now: Timestamp) {
        let mut shared = hold(&self.shared);
        if shared.faults.has(Fault::Aborted) {
            shared.cluster.journal.reach(Fault::Aborted.word());
        }
        let is_late = moment(GIVEN_UP_AFTER) <= now;
        // Whoever gives up means everything that is under way.
        let meant = if is_late { usize::MAX } else { 1 };
        for kept in shared.releases.iter_mut().take(meant) {
            kept.filed.control.abort = true;
            kept.filed.stopped_at.get_or_insert(now);
            kept.filed.version += 1;
        }
    }

    /// A newer release of the plan is made: of the next scenario or, where there is none, of the same files once more.
    fn newer(&mut self) {
        let mut shared = hold(&self.shared);
        let Some(first) = shared.releases.first() else {
            return;
        };
        let control = first.filed.control.clone();
        let has_ended = first.filed.status.outcome.is_some();
        let same = first.scenario.clone();
        let (scenario, concurrency) = match shared.next.take() {
            Some(next) => (next.scenario, next.concurrency),
            None => (same, Concurrency::Supersede),
        };
        shared.cluster.journal.reach(Fault::Newer.word());
        let mut kept = Kept::of(scenario);
        // Somebody approves the same of it; nobody pauses or aborts it.
        kept.filed.control.approvals = control.approvals;
        match concurrency {
            Concurrency::Supersede => {
                let now = shared.cluster.now;
                if let Some(first) = shared.releases.first_mut() {
                    first.filed.superseded_by = Some("simulated-2".to_owned());
                    first.filed.superseded_at = Some(now);
                }
            }
            Concurrency::Forbid if !has_ended => {
                kept.filed.rival = Some("simulated-1".to_owned());
            }
            Concurrency::Queue | Concurrency::Forbid => {}
        }
        let begins_at_once = kept.filed.rival.is_some();
        shared.releases.push(kept);
        let now = shared.cluster.now;
        let watching = std::mem::take(&mut shared.cluster.watching);
        for process in watching {
            shared.cluster.wakes.insert(process, now);
        }
        drop(shared);
        if begins_at_once {
            self.at(now, Mischief::Start(self.begun));
            self.begun += 1;
        }
    }

    /// Lets the next release begin when the one before has ended.
    pub(super) fn go_over(&mut self, now: Timestamp) {
        let is_due = {
            let shared = hold(&self.shared);
            let last = shared.releases.get(self.begun.saturating_sub(1));
            let has_ended = last.is_some_and(|kept| kept.filed.status.outcome.is_some());
            has_ended && self.begun < shared.releases.len()
        };
        if is_due {
            let pause = self.chance.between_ms(100, 5_000);
            let at = now.saturating_add(pause).unwrap_or(now);
            self.at(at, Mischief::Start(self.begun));
            self.begun += 1;
        }
    }
}

/// A freeze window somewhere in a run; all times are drawn.
pub(super) fn freeze(chance: &mut Chance) -> FreezeWindow {
    let from = moment(chance.between_ms(0, 90_000));
    let lasts = chance.between_ms(10_000, 300_000);
    FreezeWindow {
        reason: Some("a freeze window".to_owned()),
        from: Some(Time(from)),
        until: from.checked_add(lasts).ok().map(Time),
        ..FreezeWindow::default()
    }
}

/// What people are asked about: points of no return, drains, and what the ReleasePlan says.
pub(super) fn asked(scenario: &Scenario, plan: &Plan) -> Vec<String> {
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
