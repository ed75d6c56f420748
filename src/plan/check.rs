//! Proves a finished plan once more, from the system alone, before anything is written.
//!
//! In: a system and a plan. Out: nothing, or every fault. On purpose it shares no code with what
//! derives plans: it has its own idea of what two revisions can say to each other, and it looks at
//! mixed states, not at precedences. One state per wave is enough: the one in which all its
//! services are mixed; every other moment has fewer revisions alive (planning.md §4 T2).

use std::collections::{BTreeMap, BTreeSet};

use super::broken::broken;
use super::document::{Plan, Verdict};
use crate::graph::{Member, Moves, Outside, Revision, System};
use crate::spec::{Assume, ContractName, ServiceName};

type Key = (ServiceName, ContractName);
/// The live revisions of a caller and of a callee.
type Meeting<'l> = (&'l [Option<&'l Revision>], &'l [Option<&'l Revision>]);

/// What is wrong with a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It says itself that there is no order.
    #[error("the plan is a refusal")]
    Refused,
    /// It was made for another system, or somebody changed it.
    #[error("the digest does not match the plan and the system")]
    Digest,
    /// A service that moves has no step.
    #[error("{0} moves and is in no wave")]
    Missing(ServiceName),
    /// Something is in the waves that should not be.
    #[error("`{0}` is in the waves and does not move, or is there twice, or has no step")]
    Surplus(String),
    /// A step may start before one that its own list names.
    #[error("`{step}` is not in a later wave than `{after}`")]
    Early {
        /// The step.
        step: String,
        /// The one that it waits for.
        after: String,
    },
    /// Two revisions that cannot talk would be live together.
    #[error("wave {wave}: {caller} may call {callee} ({contract}) and fail")]
    Unsafe {
        /// The wave from 1; 0 is before the first one.
        wave: usize,
        /// The client, with its revision.
        caller: String,
        /// The server, with its revision.
        callee: String,
        /// What they speak.
        contract: ContractName,
    },
    /// Two services must not move together, and their steps do not wait for each other.
    #[error(
        "nothing keeps {caller} and {callee} from moving together when services advance one by one"
    )]
    Unordered {
        /// The client.
        caller: ServiceName,
        /// The server.
        callee: ServiceName,
    },
}

/// Who is live of one service, from wave to wave.
#[derive(Debug, Clone, Default)]
pub(super) struct Journey<'a> {
    /// Before anything moves; `None` stands for "nothing runs".
    pub start: Vec<Option<&'a Revision>>,
    /// In which wave what replaces everything else.
    pub legs: Vec<(usize, Option<&'a Revision>)>,
    /// Whether what ran before stays beside what comes.
    pub is_outside: bool,
}

impl<'a> Journey<'a> {
    /// Everything that may be live at some moment of a wave.
    fn live_in(&self, wave: usize) -> Vec<Option<&'a Revision>> {
        let mut live = self.start.clone();
        for (at, revision) in self.legs.iter().filter(|(at, _)| *at <= wave) {
            if *at < wave && !self.is_outside {
                live.clear();
            }
            live.push(*revision);
        }
        live
    }

    /// Everything that may be live while it moves.
    fn mixed(&self) -> Vec<Option<&'a Revision>> {
        self.start.iter().copied().chain(self.settled()).collect()
    }

    /// What is live when it has moved.
    fn settled(&self) -> Vec<Option<&'a Revision>> {
        self.legs.iter().map(|(_, to)| *to).collect()
    }
}

/// Proves that no moment of the plan has two live revisions that cannot talk, whether its services
/// advance wave by wave or each as soon as its own predecessors are done.
pub fn check(system: &System, plan: &Plan) -> Result<(), Vec<Fault>> {
    if plan.verdict == Verdict::Refused {
        return Err(vec![Fault::Refused]);
    }
    let mut faults = Vec::new();
    if plan.digest != plan.digest_for(system) {
        faults.push(Fault::Digest);
    }
    let wave_of = structure(system, plan, &mut faults);
    let mut journeys: BTreeMap<&ServiceName, Journey<'_>> = BTreeMap::new();
    for (name, member) in &system.services {
        journeys.insert(name, journey(member, wave_of.get(name.as_str()).copied()));
    }
    let tour = Tour::new(system, journeys, plan.waves.len());
    faults.extend(tour.faults());
    faults.extend(tour.unordered(plan));
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

fn journey(member: &Member, wave: Option<usize>) -> Journey<'_> {
    let mut start: Vec<Option<&Revision>> = member.live.iter().map(Some).collect();
    if start.is_empty() {
        start.push(None);
    }
    let legs = wave.map(|wave| (wave, member.target.as_ref()));
    Journey {
        start,
        legs: legs.into_iter().collect(),
        is_outside: false,
    }
}

/// The wave of each step, where the lists agree with each other and with the system.
fn structure<'p>(
    system: &System,
    plan: &'p Plan,
    faults: &mut Vec<Fault>,
) -> BTreeMap<&'p str, usize> {
    let mut wave_of: BTreeMap<&str, usize> = BTreeMap::new();
    let moving = |id: &str| {
        let parsed = ServiceName::parse(id).ok();
        let member = parsed.and_then(|name| system.services.get(&name));
        member.is_some_and(|member| member.moves != Moves::Stays)
    };
    let steps: BTreeSet<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    for (wave, ids) in plan.waves.iter().enumerate() {
        for id in ids {
            if wave_of.insert(id, wave).is_some() || !moving(id) || !steps.contains(id.as_str()) {
                faults.push(Fault::Surplus(id.clone()));
            }
        }
    }
    for (name, _) in system
        .services
        .iter()
        .filter(|(name, _)| moving(name.as_str()))
    {
        if !wave_of.contains_key(name.as_str()) {
            faults.push(Fault::Missing(name.clone()));
        }
    }
    for step in &plan.steps {
        if step.id != step.service.as_str() || !wave_of.contains_key(step.id.as_str()) {
            faults.push(Fault::Surplus(step.id.clone()));
        }
        for after in &step.after {
            let ends = wave_of
                .get(after.as_str())
                .zip(wave_of.get(step.id.as_str()));
            if ends.is_none_or(|(first, then)| first >= then) {
                faults.push(Fault::Early {
                    step: step.id.clone(),
                    after: after.clone(),
                });
            }
        }
    }
    wave_of
}

/// A system on its way through waves.
pub(super) struct Tour<'a> {
    names: Vec<&'a ServiceName>,
    journeys: Vec<Journey<'a>>,
    calls: Vec<Call<'a>>,
    strict: bool,
}

/// Who calls whom, in any revision; no callee where nobody has that name.
#[derive(Clone, Copy)]
struct Call<'a> {
    caller: usize,
    callee: Option<usize>,
    key: &'a Key,
}

const NOWHERE: &Journey<'static> = &Journey {
    start: Vec::new(),
    legs: Vec::new(),
    is_outside: false,
};

impl<'a> Tour<'a> {
    /// The journeys of the services; the callers from outside are added here. They may call what
    /// they are declared to call from now on once all waves are done.
    pub(super) fn new(
        system: &'a System,
        services: BTreeMap<&'a ServiceName, Journey<'a>>,
        waves: usize,
    ) -> Self {
        let number: BTreeMap<&ServiceName, usize> = services
            .keys()
            .enumerate()
            .map(|(at, name)| (*name, at))
            .collect();
        let (mut names, mut journeys): (Vec<_>, Vec<_>) = services.into_iter().unzip();
        for (name, Outside { live, coming }) in &system.external {
            let start = live.iter().map(Some).collect();
            let legs = coming.iter().map(|coming| (waves, Some(coming))).collect();
            names.push(name);
            journeys.push(Journey {
                start,
                legs,
                is_outside: true,
            });
        }
        let mut calls = Vec::new();
        for (caller, journey) in journeys.iter().enumerate() {
            let revisions = journey
                .start
                .iter()
                .chain(journey.legs.iter().map(|(_, to)| to))
                .flatten();
            let interfaces = revisions.filter_map(|revision| revision.interface.as_ref());
            let mut keys: Vec<&Key> = interfaces.flat_map(|one| one.calls.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            let callee = |key: &Key| number.get(&key.0).copied();
            calls.extend(keys.into_iter().map(|key| Call {
                caller,
                callee: callee(key),
                key,
            }));
        }
        Self {
            names,
            journeys,
            calls,
            strict: system.assume == Assume::Strict,
        }
    }

    fn ends(&self, call: Call<'a>) -> (&Journey<'a>, &Journey<'a>) {
        let journey = |at: usize| self.journeys.get(at).unwrap_or(NOWHERE);
        (journey(call.caller), call.callee.map_or(NOWHERE, journey))
    }

    /// Every call that can fail at some moment: before the first wave, or while one of its ends
    /// moves.
    pub(super) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for call in &self.calls {
            let (caller, callee) = self.ends(*call);
            self.meet(*call, (&caller.start, &callee.start), 0, &mut faults);
            let waves: BTreeSet<usize> = caller
                .legs
                .iter()
                .chain(&callee.legs)
                .map(|(wave, _)| *wave)
                .collect();
            for wave in waves {
                let live = (caller.live_in(wave), callee.live_in(wave));
                self.meet(*call, (&live.0, &live.1), wave + 1, &mut faults);
            }
        }
        faults
    }

    /// Lets every live caller meet every live callee.
    fn meet(&self, call: Call<'a>, live: Meeting<'_>, wave: usize, faults: &mut Vec<Fault>) {
        let Call {
            caller: at,
            callee: _,
            key,
        } = call;
        let Some(name) = self.names.get(at).copied() else {
            return;
        };
        let shown = |name: &ServiceName, revision: Option<&Revision>| {
            format!(
                "{name}@{}",
                revision.map_or("absent", |revision| revision.name.as_str())
            )
        };
        let (client, server) = self.ends(call);
        let unknown_is_bad = self.strict && !(client.legs.is_empty() && server.legs.is_empty());
        // A name that nobody has is a service that does not run.
        let nobody = [None];
        let (callers, callees) = live;
        let callees = if callees.is_empty() { &nobody } else { callees };
        for caller in callers.iter().flatten() {
            for callee in broken(caller, name, key, callees, unknown_is_bad) {
                faults.push(Fault::Unsafe {
                    wave,
                    caller: shown(name, Some(caller)),
                    callee: shown(&key.0, callee),
                    contract: key.1.clone(),
                });
            }
        }
    }

    /// Whether a call is safe with these revisions alive.
    fn is_safe(&self, call: Call<'a>, live: Meeting<'_>) -> bool {
        let mut faults = Vec::new();
        self.meet(call, live, 0, &mut faults);
        faults.is_empty()
    }

    /// Pairs of services that must not move together, and whose steps do not wait for each other.
    fn unordered(&self, plan: &Plan) -> Vec<Fault> {
        let mut wanted: Vec<(&str, &str, Fault)> = Vec::new();
        for call in &self.calls {
            let (client, server) = self.ends(*call);
            if client.legs.is_empty() || server.legs.is_empty() || client.is_outside {
                continue;
            }
            let (old, mixed, new) = (&client.start, client.mixed(), client.settled());
            let (old_server, mixed_server, new_server) =
                (&server.start, server.mixed(), server.settled());
            let safe = |callers: &[_], callees: &[_]| self.is_safe(*call, (callers, callees));
            if safe(&mixed, &mixed_server) {
                continue;
            }
            let Some(caller) = self.names.get(call.caller).copied() else {
                continue;
            };
            let callee = &call.key.0;
            let fault = Fault::Unordered {
                caller: caller.clone(),
                callee: callee.clone(),
            };
            let server_first = safe(&mixed, &new_server) && safe(old, &mixed_server);
            let client_first = safe(&new, &mixed_server) && safe(&mixed, old_server);
            match (server_first, client_first) {
                (true, _) => wanted.push((callee.as_str(), caller.as_str(), fault)),
                (false, true) => wanted.push((caller.as_str(), callee.as_str(), fault)),
                // Then the waves are unsafe too, and that has been said.
                (false, false) => {}
            }
        }
        not_waiting(plan, wanted)
    }
}

/// Those of the wanted "first before then" that do not follow from the steps' own lists.
fn not_waiting(plan: &Plan, wanted: Vec<(&str, &str, Fault)>) -> Vec<Fault> {
    let number: BTreeMap<&str, usize> = plan
        .waves
        .iter()
        .flatten()
        .enumerate()
        .map(|(at, id)| (id.as_str(), at))
        .collect();
    let numbered = |id: &str| number.get(id).copied().unwrap_or(usize::MAX);
    let mut lists: Vec<(usize, Vec<usize>)> = plan
        .steps
        .iter()
        .map(|step| {
            (
                numbered(&step.id),
                step.after.iter().map(|id| numbered(id)).collect(),
            )
        })
        .collect();
    lists.sort_unstable();
    let mut by_block: BTreeMap<usize, Vec<(usize, usize, Fault)>> = BTreeMap::new();
    for (first, then, fault) in wanted {
        let (first, then) = (numbered(first), numbered(then));
        by_block
            .entry(first / 64)
            .or_default()
            .push((first % 64, then, fault));
    }
    let mut faults = Vec::new();
    for (block, wanted) in by_block {
        // One bit for each of 64 steps: whether it is done before this one may start.
        let mut done = vec![0_u64; lists.len()];
        for (step, after) in &lists {
            let own = |first: usize| {
                if first / 64 == block {
                    1_u64 << (first % 64)
                } else {
                    0
                }
            };
            let before =
                |first: &usize| own(*first) | done.get(*first).copied().unwrap_or_default();
            let all = after.iter().map(before).fold(0, |bits, more| bits | more);
            if let Some(slot) = done.get_mut(*step) {
                *slot = all;
            }
        }
        let waits =
            |bit: usize, then: usize| done.get(then).is_some_and(|bits| bits >> bit & 1 == 1);
        faults.extend(
            wanted
                .into_iter()
                .filter(|(bit, then, _)| !waits(*bit, *then))
                .map(|(.., fault)| fault),
        );
    }
    faults
}
