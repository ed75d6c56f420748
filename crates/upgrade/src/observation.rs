//! What the world showed, and when; and what the next look should show.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::action::{Outcome, Precondition};
use super::agenda::Agenda;
use super::gate::Snapshot;
use super::regress::grounds;
use super::state::{Standing, State};
use super::step_id::StepId;
use tidegate_build::Seen;
use tidegate_spec::crd::Approval;
use tidegate_spec::crd::{FreezeWindow, HeldVariable};
use tidegate_spec::{ObjectRef, ServiceName};

/// What people ask of the release now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Start nothing more for now.
    pub pause: bool,
    /// Start nothing more ever.
    pub abort: bool,
    /// Why, in their words.
    pub reason: Option<String>,
    /// What they have approved.
    pub approvals: Vec<Approval>,
    /// The services that they want tried again.
    pub retries: Vec<Approval>,
    /// The steps whose gate counts as open on their word.
    pub forces: Vec<Approval>,
    /// The freeze windows of its plan, as far as they hold this release.
    pub freeze: Vec<FreezeWindow>,
    /// The newer release of the plan that is to take its place.
    pub superseded_by: Option<String>,
}

/// An object looked at right before it is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// What the write will demand.
    pub precondition: Precondition,
    /// Whether the write would start pods: of a workload that does not exist, or whose pod template it changes by a
    /// server dry-run. False for other objects.
    pub starts_pods: bool,
    /// The stamp on the live pod template.
    pub live_stamp: Option<String>,
    /// Another plan that has it.
    pub claimed_by: Option<String>,
}

impl Prepared {
    /// An object that does not exist.
    pub fn absent() -> Self {
        Self {
            precondition: Precondition::Absent,
            starts_pods: false,
            live_stamp: None,
            claimed_by: None,
        }
    }
}

/// What the world showed at one moment.
#[derive(Debug, Clone)]
pub struct Observation {
    /// When. The only clock there is.
    pub now: Timestamp,
    /// What people ask.
    pub wanted: Wanted,
    /// The workloads of each service that was asked for, each with everything its gate needs.
    pub snapshots: BTreeMap<StepId, Vec<(ObjectRef, Snapshot)>>,
    /// The objects that may be written next.
    pub prepared: BTreeMap<ObjectRef, Prepared>,
    /// What the engines show of the builds that are under way.
    pub builds: BTreeMap<ServiceName, Seen>,
    /// What came of the last actions. Empty after a restart: nothing may rest on them.
    pub outcomes: Vec<Outcome>,
}

/// What one observation has to show.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// The steps to be read live.
    pub live: BTreeSet<StepId>,
    /// The steps for which caches are enough.
    pub cached: BTreeSet<StepId>,
    /// The objects to be looked at, since they may be written next.
    pub objects: BTreeSet<ObjectRef>,
    /// The variables that workloads among them keep in that write.
    pub held: Vec<HeldVariable>,
}

impl Asked {
    /// What is wished and due, and what every observation shows.
    pub fn of(agenda: &Agenda, state: &State, wish: &Wish, now: Timestamp) -> Self {
        let due = |wishes: &BTreeMap<StepId, Timestamp>| -> BTreeSet<StepId> {
            let due = wishes
                .iter()
                .filter(|(step, at)| **at <= now && agenda.members.contains_key(*step));
            due.map(|(step, _)| step.clone()).collect()
        };
        let prepare = due(&wish.prepare);
        let mut objects = BTreeSet::new();
        let mut held = Vec::new();
        for member in prepare.iter().filter_map(|step| agenda.members.get(step)) {
            objects.extend(member.belongings.objects.iter().cloned());
            held.extend(member.held.iter().cloned());
        }
        if wish.prepare_shared {
            objects.extend(agenda.shared.iter().cloned());
        }
        let mut live = due(&wish.live);
        live.extend(prepare);
        let mut cached = always_shown(agenda, state);
        cached.retain(|step| !live.contains(step));
        Self {
            live,
            cached,
            objects,
            held,
        }
    }
}

/// The steps that every observation shows, from the caches where nobody wishes more: those whose pods move, and
/// those whose old pods must stay away while a drain waits, or while others move that rest on that.
fn always_shown(agenda: &Agenda, state: &State) -> BTreeSet<StepId> {
    let mut shown = grounds(agenda, state);
    for (step, service) in &state.services {
        match service.standing {
            Standing::Moving | Standing::Removing => drop(shown.insert(step.clone())),
            Standing::Draining => {
                let member = agenda.members.get(step);
                let writers = member.into_iter().flat_map(|member| &member.after);
                shown.extend(writers.cloned());
            }
            Standing::Waiting
            | Standing::Starting
            | Standing::Retiring
            | Standing::Clearing
            | Standing::Done
            | Standing::Failed => {}
        }
    }
    shown
}

/// What the next observation should show. Not saved: without it a look shows what the caches hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wish {
    /// Services to be read live, from the given time on.
    pub live: BTreeMap<StepId, Timestamp>,
    /// Services whose objects are to be looked at before they are written, from the given time on.
    pub prepare: BTreeMap<StepId, Timestamp>,
    /// The same for what belongs to nobody.
    pub prepare_shared: bool,
    /// When to look again though nothing happened.
    pub wake_at: Option<Timestamp>,
}

impl Wish {
    /// Asks for a live read of a service from a time on; the earlier of two wishes counts.
    pub fn live_from(&mut self, service: &StepId, at: Timestamp) {
        keep_earlier(&mut self.live, service, at);
        self.wake(at);
    }

    /// Asks for a look at a service's objects.
    pub fn prepare_from(&mut self, service: &StepId, at: Timestamp) {
        keep_earlier(&mut self.prepare, service, at);
        self.wake(at);
    }

    /// Asks to be woken.
    pub fn wake(&mut self, at: Timestamp) {
        self.wake_at = Some(self.wake_at.map_or(at, |earlier| earlier.min(at)));
    }
}

fn keep_earlier(wishes: &mut BTreeMap<StepId, Timestamp>, service: &StepId, at: Timestamp) {
    wishes
        .entry(service.clone())
        .and_modify(|earlier| *earlier = at.min(*earlier))
        .or_insert(at);
}
