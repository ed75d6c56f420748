//! Proves a finished plan once more, from the system alone, before anything is written.
//!
//! In: a system and a plan. Out: nothing, or every fault. On purpose it shares no code with what
//! derives plans: it has its own idea of what two revisions can say to each other, and it looks at
//! mixed states, not at precedences. One state per wave is enough: the one in which all its
//! services are mixed; every other moment has fewer revisions alive (planning.md §4 T2).

use std::collections::BTreeMap;

use super::aside::both;
use super::broken::{Client, Server, Terms};
use super::document::{Action, Plan, Step, Verdict};
use super::journey::{Journey, Passage};
use super::tour::Tour;
use super::waiting::{Lack, Wait, Wanted, not_waiting, numbers};
use crate::by_name::ByName;
use crate::graph::{Member, Moves, Revision, System, Verified};
use tidegate_spec::crd::Routing;
use tidegate_spec::{ContractName, Interface, ServiceName};

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
    /// What one leaves for another is not waited out.
    #[error(
        "nothing waits until what {caller} left for {callee} is gone before {callee} cannot read it"
    )]
    Undrained {
        /// Who wrote.
        caller: ServiceName,
        /// Who reads.
        callee: ServiceName,
    },
    /// Two services of an exclusive group may move at the same time.
    #[error("nothing keeps {first} and {then} of one exclusive group from moving at the same time")]
    Together {
        /// The one.
        first: ServiceName,
        /// The other.
        then: ServiceName,
    },
}

/// Proves that no moment of the plan has two live revisions that cannot talk, whether its services
/// advance wave by wave or each as soon as its own predecessors are done.
pub fn check(system: &System, plan: &Plan) -> Result<(), Vec<Fault>> {
    if plan.verdict == Verdict::Refused {
        return Err(vec![Fault::Refused]);
    }
    let services = system.services.len();
    let (digest, faults) = both(
        services,
        || plan.digest_for(system),
        || faults_of_steps(system, plan),
    );
    let is_changed = plan.digest != digest;
    let faults: Vec<Fault> = is_changed
        .then_some(Fault::Digest)
        .into_iter()
        .chain(faults)
        .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

/// Everything that is wrong with the steps and waves of a plan.
fn faults_of_steps(system: &System, plan: &Plan) -> Vec<Fault> {
    let mut faults = Vec::new();
    let number = numbers(plan);
    let places = places(plan, &number, &mut faults);
    let between: BTreeMap<&ServiceName, Revision> = system
        .services
        .iter()
        .filter_map(|(name, member)| Some((name, image_with_old_calls(system, name, member)?)))
        .collect();
    let mut journeys: Vec<(&ServiceName, Journey<'_>)> = Vec::with_capacity(system.services.len());
    for (name, member) in &system.services {
        let found = places.get(name).cloned().unwrap_or_default();
        match journey(member, &found, between.get(name)) {
            Some(journey) => journeys.push((name, journey)),
            None if found.moves.is_empty() => faults.push(Fault::Missing(name.clone())),
            None => faults.extend(
                found
                    .moves
                    .iter()
                    .map(|one| Fault::Surplus(one.id.to_owned())),
            ),
        }
    }
    let strangers = places
        .iter()
        .filter(|(name, _)| !system.services.contains_key::<ServiceName>(name));
    let strangers = strangers.flat_map(|(_, places)| &places.moves);
    faults.extend(strangers.map(|one| Fault::Surplus(one.id.to_owned())));
    let tour = Tour::new(system, journeys, plan.waves.len());
    let (unsafe_pairs, mut wanted) = tour.examine();
    faults.extend(unsafe_pairs);
    wanted.extend(apart(system, &places));
    faults.extend(not_waiting(plan, &number, &wanted));
    faults
}

/// One step in the waves.
#[derive(Debug, Clone, Copy)]
struct Place<'p> {
    id: &'p str,
    action: Action,
    wave: usize,
    number: usize,
}

/// The steps of one service, in the order of the waves.
#[derive(Debug, Clone, Default)]
struct Places<'p> {
    moves: Vec<Place<'p>>,
    drain: Option<Place<'p>>,
}

/// Where the steps of each service stand, as far as the lists agree with each other.
fn places<'p>(
    plan: &'p Plan,
    number: &ByName<&'p str, usize>,
    faults: &mut Vec<Fault>,
) -> ByName<&'p ServiceName, Places<'p>> {
    let steps: ByName<&str, &Step> = plan
        .steps
        .iter()
        .map(|step| (step.id.as_str(), step))
        .collect();
    let mut wave_of: ByName<&str, usize> = ByName::default();
    let mut places: ByName<&ServiceName, Places<'_>> = ByName::default();
    for (wave, ids) in plan.waves.iter().enumerate() {
        for id in ids {
            let step = steps.get(id.as_str());
            let is_first = wave_of.insert(id, wave).is_none();
            let Some((step, number)) = step.zip(number.get(id.as_str())).filter(|_| is_first)
            else {
                faults.push(Fault::Surplus(id.clone()));
                continue;
            };
            let place = Place {
                id,
                action: step.action,
                wave,
                number: *number,
            };
            let of_service = places.entry(&step.service).or_default();
            match step.action {
                Action::Drain => of_service.drain = Some(place),
                Action::Create | Action::Roll | Action::Delete | Action::Job | Action::Flip => {
                    of_service.moves.push(place);
                }
            }
        }
    }
    for step in &plan.steps {
        let own = wave_of.get(step.id.as_str());
        let is_own = step.id.split('/').next() == Some(step.service.as_str());
        if own.is_none() || !is_own {
            faults.push(Fault::Surplus(step.id.clone()));
        }
        for after in &step.after {
            let ends = wave_of.get(after.as_str()).zip(own);
            if ends.is_none_or(|(first, then)| first >= then) {
                faults.push(Fault::Early {
                    step: step.id.clone(),
                    after: after.clone(),
                });
            }
        }
    }
    places
}

/// The new image of a service while its parameter still has the old value: it serves what is new
/// and calls what was called.
fn image_with_old_calls(system: &System, name: &ServiceName, member: &Member) -> Option<Revision> {
    let [old] = member.live.as_slice() else {
        return None;
    };
    member.manner.switch.as_ref()?;
    let image = member.target.as_ref()?;
    let interface = Interface {
        serves: image.interface.as_ref()?.serves.clone(),
        calls: old.interface.as_ref()?.calls.clone(),
    };
    // It is the new image that calls as the old one: whatever was seen to fail with either of them counts. Its name is
    // that of the image, by which its callers know with whom they were verified.
    Some(Revision {
        name: image.name.clone(),
        interface: Some(interface),
        verified: of_both(system, name, [image, old]),
    })
}

/// What failed with either though it was declared to work, and what worked with both.
fn of_both(system: &System, name: &ServiceName, [one, other]: [&Revision; 2]) -> Verified {
    let result = |of: &Revision, callee: &ServiceName, at: &Revision| {
        let works = *of.verified.get(callee)?.get(&at.name)?;
        let calls = of.interface.as_ref()?.calls.iter();
        let mut calls = calls.filter(|(key, _)| key.0 == *callee);
        let is_unexpected = calls.any(|(key, requirement)| {
            let terms = Terms {
                key,
                is_itself: name == callee,
                unknown_is_bad: false,
            };
            terms.is_refuted(
                Client::new(of, Some(requirement)),
                Server::of(Some(at), key),
            )
        });
        (works || is_unexpected).then_some(works)
    };
    let mut both = Verified::new();
    for callee in one.verified.keys().chain(other.verified.keys()) {
        let member = system.services.get(callee);
        let known = both.entry(callee.clone()).or_default();
        for at in member
            .into_iter()
            .flat_map(|one| one.live.iter().chain(&one.target))
        {
            match (result(one, callee, at), result(other, callee, at)) {
                (Some(false), _) | (_, Some(false)) => known.insert(at.name.clone(), false),
                (Some(true), Some(true)) => known.insert(at.name.clone(), true),
                (Some(true) | None, None) | (None, Some(true)) => None,
            };
        }
    }
    both
}

/// The way of one service through the waves; `None` if its steps are not those of a service that
/// moves as this one does.
fn journey<'a>(
    member: &'a Member,
    places: &Places<'_>,
    image: Option<&'a Revision>,
) -> Option<Journey<'a>> {
    let mut live: Vec<Option<&Revision>> = member.live.iter().map(Some).collect();
    if live.is_empty() {
        live.push(None);
    }
    let retained: Vec<Option<&Revision>> = member.retained.iter().map(Some).collect();
    let is_versioned = member.manner.routing == Routing::Versioned;
    let mut journey = Journey::new(&retained, &live, is_versioned);
    journey.passage = Passage::of(member.moves);
    let at = |place: &Place<'_>| (place.wave, place.number);
    if let Some(drain) = &places.drain {
        journey.drain(at(drain));
    }
    let target = member.target.as_ref();
    let is_moving = member.moves != Moves::Stays && member.moves != Moves::Kept;
    let flips = |place: &Place<'_>| place.action == Action::Flip;
    match (is_moving, places.moves.as_slice()) {
        (false, []) => {}
        (true, [only]) if !flips(only) => journey.leg(at(only), target, false),
        // What is set by a parameter has to be there before.
        (true, [first, _]) if flips(first) => return None,
        (true, [expand, flip]) if expand.wave < flip.wave && flips(flip) => {
            journey.leg(at(expand), Some(image?), false);
            journey.leg(at(flip), target, false);
        }
        (true, [expand, contract]) if expand.wave < contract.wave && is_versioned => {
            journey.leg(at(expand), Some(target?), true);
            journey.leave(at(contract));
        }
        (_, _) => return None,
    }
    Some(journey)
}

/// Of an exclusive group, each waits for the one before.
fn apart<'a>(system: &'a System, places: &ByName<&ServiceName, Places<'_>>) -> Vec<Wanted<'a>> {
    let mut groups: BTreeMap<&str, Vec<(usize, &ServiceName)>> = BTreeMap::new();
    for (name, member) in &system.services {
        let Some(group) = &member.manner.exclusive else {
            continue;
        };
        let moves = places.get(name).map(|places| places.moves.as_slice());
        let moves = moves.unwrap_or_default().iter();
        groups
            .entry(group)
            .or_default()
            .extend(moves.map(|one| (one.number, name)));
    }
    let mut wanted = Vec::new();
    for steps in groups.values_mut() {
        steps.sort_unstable();
        for ((first, one), (then, other)) in steps.iter().zip(steps.iter().skip(1)) {
            wanted.push(Wanted {
                wait: Wait::OneOf([Some((*first, *then)), None]),
                lack: Lack::Together,
                ends: (one, other),
            });
        }
    }
    wanted
}
