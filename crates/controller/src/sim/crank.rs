//! A simulated release whose clock somebody cranks by hand: every state of it can be looked at for as long as one likes.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::cluster::START;
use super::faults::Faults;
use super::mischief::Mischief;
use super::process::hold;
use super::render::NAMESPACE;
use super::run::Run;
use super::scenario::Scenario;
use tidegate_planner::plan::Plan;
use tidegate_spec::crd::{self, Control, Release, ReleaseSpec, ServiceGraph, ServiceGraphSpec};

/// When every simulated clock begins.
pub const ERA: Timestamp = START;
/// What is asked takes this long until it is seen, done and written: calls of a simulated controller take time.
const BREATH: SignedDuration = SignedDuration::from_secs(1);
/// The plan that the release is a run of.
const PLAN: &str = "simulated";

/// The release, and the clock.
pub struct Cranked {
    run: Run,
    plan_digest: String,
    declared: ServiceGraphSpec,
}

impl Cranked {
    /// A release that has just begun. In: what runs and what is released, its plan, the graph of what runs as written,
    /// the seed, and the faults that may strike.
    pub fn start(
        scenario: &Scenario,
        plan: &Plan,
        declared: ServiceGraphSpec,
        (seed, faults): (u64, &Faults),
    ) -> Self {
        let (mut run, _) = Run::new(scenario, plan, seed, faults, false);
        run.begin();
        let mut cranked = Self {
            run,
            plan_digest: plan.digest.clone(),
            declared,
        };
        cranked.advance(BREATH);
        cranked
    }

    /// Lets time pass.
    pub fn advance(&mut self, by: SignedDuration) {
        let limit = self.now().saturating_add(by).unwrap_or(Timestamp::MAX);
        self.run.go_to(limit);
    }

    /// What the simulated clock shows.
    pub fn now(&self) -> Timestamp {
        hold(&self.run.shared).cluster.now
    }

    /// The release as it is kept.
    pub fn release(&self) -> Release {
        let shared = hold(&self.run.shared);
        let first = shared.releases.first();
        let spec = ReleaseSpec {
            plan: PLAN.to_owned(),
            number: 1,
            revision: self.plan_digest.clone(),
            trigger: "manual".to_owned(),
            reason: Some("simulated".to_owned()),
            bundle: crd::Bundle {
                digest: self.plan_digest.clone(),
                parts: 1,
            },
            control: first.map(|kept| kept.filed.control.clone()),
            ..ReleaseSpec::default()
        };
        let mut release = Release::new(&format!("{PLAN}-1"), spec);
        release.metadata.namespace = Some(NAMESPACE.to_owned());
        release.metadata.uid = Some(format!("{PLAN}-1"));
        release.metadata.creation_timestamp = Some(Time(START));
        release.status = first.map(|kept| kept.filed.status.clone());
        release
    }

    /// The graph that is declared now: the old one until the release has succeeded.
    pub fn graph(&self) -> ServiceGraph {
        let shared = hold(&self.run.shared);
        let published = shared.releases.first();
        let published = published.filter(|kept| kept.filed.is_published);
        let spec = published.map_or_else(
            || self.declared.clone(),
            |kept| kept.scenario.bundle.graph.clone(),
        );
        let mut graph = ServiceGraph::new(PLAN, spec);
        graph.metadata.namespace = Some(NAMESPACE.to_owned());
        graph
    }

    /// The graph that the release brings.
    pub fn released(&self) -> ServiceGraphSpec {
        let shared = hold(&self.run.shared);
        let first = shared.releases.first();
        first
            .map(|kept| kept.scenario.bundle.graph.clone())
            .unwrap_or_default()
    }

    /// Changes what people ask, and lets the controller see it and answer.
    pub fn control(&mut self, change: impl FnOnce(&mut Control)) {
        let mut shared = hold(&self.run.shared);
        if let Some(first) = shared.releases.first_mut() {
            change(&mut first.filed.control);
            first.filed.version += 1;
        }
        let now = shared.cluster.now;
        let watching = std::mem::take(&mut shared.cluster.watching);
        for process in watching {
            shared.cluster.wakes.insert(process, now);
        }
        drop(shared);
        self.advance(BREATH);
    }
}

impl Run {
    /// Lets a release begin that nobody but the caller interferes with.
    fn begin(&mut self) {
        self.leaves_pauses = true;
        self.at(START, Mischief::Start(0));
    }

    /// Lets everything happen up to a moment.
    fn go_to(&mut self, limit: Timestamp) {
        while let Some(next) = self.next(None).filter(|next| *next <= limit) {
            self.turn(next);
        }
        hold(&self.shared).cluster.pass_to(limit);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::row;
    use super::*;

    #[test]
    fn a_cranked_release_ends_as_the_clock_goes_on_and_stands_still_while_it_does_not() {
        let (scenario, plan) = row();
        let mut cranked = Cranked::start(
            &scenario,
            &plan,
            ServiceGraphSpec::default(),
            (1, &Faults::none()),
        );
        let first = cranked.release();
        assert_eq!(cranked.release(), first, "no time passes by itself");
        assert_eq!(first.status.expect("a status").phase, "Rolling");
        for _ in 0..120 {
            cranked.advance(SignedDuration::from_secs(5));
        }
        let status = cranked.release().status.expect("a status");
        assert_eq!(status.outcome.as_deref(), Some("Succeeded"));
        assert_eq!(cranked.now(), ERA + BREATH + SignedDuration::from_secs(600));
    }

    #[test]
    fn a_cranked_pause_lasts_until_somebody_takes_it_back() {
        let (scenario, plan) = row();
        let mut cranked = Cranked::start(
            &scenario,
            &plan,
            ServiceGraphSpec::default(),
            (1, &Faults::none()),
        );
        cranked.control(|control| control.pause = true);
        let status = cranked.release().status.expect("a status");
        assert_eq!(status.phase, "Paused", "it shows before anybody cranks");
        cranked.advance(SignedDuration::from_hours(1));
        let status = cranked.release().status.expect("a status");
        assert_eq!((status.phase.as_str(), status.outcome), ("Paused", None));
        cranked.control(|control| control.pause = false);
        cranked.advance(SignedDuration::from_mins(10));
        let status = cranked.release().status.expect("a status");
        assert_eq!(status.outcome.as_deref(), Some("Succeeded"));
    }
}
