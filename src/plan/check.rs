//! Proves a finished plan once more, from the system alone, before anything is written.
//!
//! In: a system and a plan. Out: nothing, or every fault. On purpose it shares no code with what
//! derives plans: it has its own idea of what two revisions can say to each other, and it looks at
//! mixed states, not at precedences. One state per wave is enough: the one in which all its services
//! are mixed; every other moment has fewer revisions alive (planning.md §4 T2).

use std::collections::{BTreeMap, BTreeSet};

use semver::{Version as Number, VersionReq};

use super::document::{Plan, Verdict};
use crate::graph::{Member, Moves, Outside, Revision, System};
use crate::spec::{Assume, ContractName, Need, Negotiate, ServiceName, Version};

type Key = (ServiceName, ContractName);

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
    journeys: BTreeMap<&'a ServiceName, Journey<'a>>,
    /// Who calls whom by which key, in any revision.
    callers: BTreeMap<&'a ServiceName, BTreeSet<(&'a ServiceName, &'a Key)>>,
    strict: bool,
    waves: usize,
}

impl<'a> Tour<'a> {
    /// The journeys of the services; the callers from outside are added here.
    pub(super) fn new(
        system: &'a System,
        mut journeys: BTreeMap<&'a ServiceName, Journey<'a>>,
        waves: usize,
    ) -> Self {
        for (name, Outside { live, coming }) in &system.external {
            let start = live.iter().map(Some).collect();
            let legs = coming.iter().map(|coming| (waves, Some(coming))).collect();
            journeys.insert(
                name,
                Journey {
                    start,
                    legs,
                    is_outside: true,
                },
            );
        }
        let mut callers: BTreeMap<&ServiceName, BTreeSet<(&ServiceName, &Key)>> = BTreeMap::new();
        for (name, journey) in &journeys {
            let revisions = journey
                .start
                .iter()
                .chain(journey.legs.iter().map(|(_, to)| to))
                .flatten();
            for interface in revisions.filter_map(|revision| revision.interface.as_ref()) {
                for key in interface.calls.keys() {
                    callers.entry(&key.0).or_default().insert((name, key));
                }
            }
        }
        Self {
            journeys,
            callers,
            strict: system.assume == Assume::Strict,
            waves,
        }
    }

    /// Every call that can fail at some moment.
    pub(super) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut at_wave: BTreeMap<usize, BTreeSet<&ServiceName>> = BTreeMap::new();
        for (name, journey) in &self.journeys {
            for (wave, _) in &journey.legs {
                at_wave.entry(*wave).or_default().insert(name);
            }
        }
        for edges in self.callers.values() {
            for (caller, key) in edges {
                let live = |name| {
                    self.journeys
                        .get(name)
                        .map_or(vec![None], |journey| journey.start.clone())
                };
                self.meet(
                    (caller, key),
                    (&live(*caller), &live(&key.0)),
                    0,
                    &mut faults,
                );
            }
        }
        let mut edges_of: BTreeMap<&ServiceName, Vec<(&ServiceName, &Key)>> = BTreeMap::new();
        for (caller, key) in self.callers.values().flatten() {
            edges_of.entry(caller).or_default().push((caller, key));
        }
        for (wave, touched) in at_wave {
            let mut edges: BTreeSet<(&ServiceName, &Key)> = BTreeSet::new();
            for name in touched {
                edges.extend(edges_of.get(name).into_iter().flatten());
                edges.extend(self.callers.get(name).into_iter().flatten());
            }
            for (caller, key) in edges {
                let live = |name| {
                    self.journeys
                        .get(name)
                        .map_or(vec![None], |journey| journey.live_in(wave))
                };
                self.meet(
                    (caller, key),
                    (&live(caller), &live(&key.0)),
                    wave + 1,
                    &mut faults,
                );
            }
        }
        faults
    }

    /// Lets every live caller meet every live callee.
    fn meet(
        &self,
        (name, key): (&ServiceName, &Key),
        (callers, callees): (&[Option<&Revision>], &[Option<&Revision>]),
        wave: usize,
        faults: &mut Vec<Fault>,
    ) {
        let shown = |name: &ServiceName, revision: Option<&Revision>| {
            format!(
                "{name}@{}",
                revision.map_or("absent", |revision| revision.name.as_str())
            )
        };
        let moves = |name: &ServiceName| {
            self.journeys
                .get(name)
                .is_some_and(|journey| !journey.legs.is_empty())
        };
        let unknown_is_bad = self.strict && (moves(name) || moves(&key.0));
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

    /// Whether an edge is safe with these revisions alive.
    fn is_safe(
        &self,
        edge: (&ServiceName, &Key),
        live: (&[Option<&Revision>], &[Option<&Revision>]),
    ) -> bool {
        let mut faults = Vec::new();
        self.meet(edge, live, self.waves, &mut faults);
        faults.is_empty()
    }

    /// Pairs of services that must not move together, and whose steps do not wait for each other.
    fn unordered(&self, plan: &Plan) -> Vec<Fault> {
        let mut wanted: BTreeMap<&ServiceName, BTreeMap<&ServiceName, Fault>> = BTreeMap::new();
        for (caller, key) in self.callers.values().flatten() {
            let (Some(client), Some(server)) =
                (self.journeys.get(caller), self.journeys.get(&key.0))
            else {
                continue;
            };
            if client.legs.is_empty() || server.legs.is_empty() || client.is_outside {
                continue;
            }
            let (old, mixed, new) = (0, self.waves, self.waves + 1);
            let sets = |journey: &Journey<'a>, when: usize| {
                let legs = journey.legs.iter().map(|(_, to)| (mixed, *to)).collect();
                let moved = Journey {
                    start: journey.start.clone(),
                    legs,
                    is_outside: false,
                };
                if when == old {
                    moved.start
                } else {
                    moved.live_in(when)
                }
            };
            let safe = |client_when: usize, server_when: usize| {
                self.is_safe(
                    (caller, key),
                    (&sets(client, client_when), &sets(server, server_when)),
                )
            };
            if safe(mixed, mixed) {
                continue;
            }
            let fault = Fault::Unordered {
                caller: (*caller).clone(),
                callee: key.0.clone(),
            };
            if safe(mixed, new) && safe(old, mixed) {
                wanted.entry(caller).or_default().insert(&key.0, fault);
            } else {
                wanted.entry(&key.0).or_default().insert(caller, fault);
            }
        }
        let steps: BTreeMap<&str, &[String]> = plan
            .steps
            .iter()
            .map(|step| (step.id.as_str(), step.after.as_slice()))
            .collect();
        let mut faults = Vec::new();
        for (then, firsts) in wanted {
            let earlier = earlier(
                then.as_str(),
                &steps,
                firsts.keys().map(|first| first.as_str()).collect(),
            );
            let missing = firsts
                .into_iter()
                .filter(|(first, _)| !earlier.contains(first.as_str()));
            faults.extend(missing.map(|(_, fault)| fault));
        }
        faults
    }
}

/// Which of the wanted steps come before one; stops as soon as it has met all of them.
fn earlier<'p>(
    then: &'p str,
    steps: &BTreeMap<&'p str, &'p [String]>,
    mut wanted: BTreeSet<&str>,
) -> BTreeSet<&'p str> {
    let mut seen = BTreeSet::new();
    let mut open = std::collections::VecDeque::from([then]);
    while let Some(step) = open.pop_front() {
        for before in steps.get(step).copied().unwrap_or_default() {
            if seen.insert(before.as_str()) {
                wanted.remove(before.as_str());
                open.push_back(before);
            }
        }
        if wanted.is_empty() {
            break;
        }
    }
    seen
}

/// The callees at which one caller's calls fail.
fn broken<'a>(
    caller: &Revision,
    name: &ServiceName,
    key: &Key,
    callees: &[Option<&'a Revision>],
    unknown_is_bad: bool,
) -> Vec<Option<&'a Revision>> {
    let Some(interface) = &caller.interface else {
        return if unknown_is_bad {
            callees.to_vec()
        } else {
            Vec::new()
        };
    };
    let Some(requirement) = interface
        .calls
        .get(key)
        .filter(|requirement| !requirement.optional)
    else {
        return Vec::new();
    };
    let mut bad = Vec::new();
    let mut menus: Vec<BTreeSet<&Version>> = Vec::new();
    for callee in callees {
        let Some(revision) = callee else {
            if *name != key.0 {
                bad.push(None);
            }
            continue;
        };
        let serves = revision
            .interface
            .as_ref()
            .and_then(|interface| interface.serves.as_ref());
        let Some(menu) = serves.map(|serves| serves.get(&key.1)) else {
            bad.extend(unknown_is_bad.then_some(*callee));
            continue;
        };
        let menu: BTreeSet<&Version> = menu.into_iter().flatten().collect();
        let count =
            |wanted: &BTreeSet<Version>| wanted.iter().filter(|one| offers(&menu, one)).count();
        let works = match &requirement.need {
            Need::Unknown => !menu.is_empty() && !unknown_is_bad,
            Need::Version(version) => offers(&menu, version),
            Need::All(wanted) => count(wanted) == wanted.len(),
            Need::Any(wanted, _) => count(wanted) > 0,
        };
        if !works {
            bad.push(*callee);
        }
        menus.push(menu);
    }
    if let Need::Any(wanted, Negotiate::Cached) = &requirement.need
        && !agrees_once(wanted, &menus)
    {
        bad.extend(callees.last());
    }
    bad
}

/// Whether whatever a caller agrees on with one pod is spoken by all of them.
fn agrees_once(wanted: &BTreeSet<Version>, menus: &[BTreeSet<&Version>]) -> bool {
    let all: BTreeSet<&Version> = menus.iter().flatten().copied().collect();
    let chosen = |version: &&Version| {
        wanted
            .iter()
            .any(|one| offers(&BTreeSet::from([*version]), one))
    };
    all.into_iter()
        .filter(chosen)
        .all(|version| menus.iter().all(|menu| menu.contains(version)))
}

/// Whether a version, or one inside a range, is on the menu.
fn offers(menu: &BTreeSet<&Version>, wanted: &Version) -> bool {
    if menu.contains(wanted) {
        return true;
    }
    let text = wanted.as_str();
    if !(text.contains('*') || text.starts_with(|sign| "^~<>=".contains(sign))) {
        return false;
    }
    let Ok(range) = text.parse::<VersionReq>() else {
        return false;
    };
    menu.iter().any(|version| {
        let mut numbers = version.as_str().to_owned();
        while numbers.matches('.').count() < 2 {
            numbers.push_str(".0");
        }
        numbers
            .parse::<Number>()
            .is_ok_and(|number| range.matches(&number))
    })
}
