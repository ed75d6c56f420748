//! A refused release as releases that can be carried out one after the other: the proposal of its refusal, cut into
//! parts in which no service moves twice.
//!
//! In: the system and its refused plan. Out: for each part what runs before and after it, with its own plan, which
//! has stood the independent check; and the graph that declares it.

use std::collections::{BTreeMap, BTreeSet};

use super::check::check;
use super::document::{Plan, Verdict};
use super::split::{Way, way_with};
use super::waves::plan;
use crate::graph::{Member, Moves, Outside, Revision, System, derive};
use tidegate_spec::crd::{ServiceDeclaration, ServiceGraphSpec, Switch, WorkloadRef};
use tidegate_spec::stamp::Stamp;
use tidegate_spec::{ContractName, Graph, Manner, ServiceName};

/// One of the releases that take the place of one that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What its split services do in it: `expand`, `flip`, `contract`, or two of them.
    pub name: String,
    /// What runs before it and what it brings.
    pub system: System,
    /// Its order, proved.
    pub plan: Plan,
    /// The services that it brings to a revision that nobody has yet, and that somebody must write.
    pub unwritten: Vec<ServiceName>,
    /// The services that are at a revision between when it is done, and the step that brought it.
    between: BTreeMap<ServiceName, Act>,
}

/// Why there are no parts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// The plan is ordered.
    #[error("the release needs no split: its order is safe as it is")]
    NotRefused,
    /// Only flips are refused.
    #[error("the release needs no split: without flips its order is safe as it is")]
    InOrder,
    /// No split was found.
    #[error("no split of services makes an order safe")]
    NoWay,
    /// A live revision of which nobody said what it speaks.
    #[error(
        "what the live revision of {0} serves and calls is not declared, so no graph can say what stays"
    )]
    Undeclared(ServiceName),
}

/// The parts of a refused release, as few as are safe.
pub fn parts(system: &System, refused: &Plan) -> Result<Vec<Part>, PartError> {
    let Some(refusal) = &refused.refusal else {
        return Err(PartError::NotRefused);
    };
    // A refusal of flips has no proposal where each service may move once, in order.
    let in_order = refused
        .strategies
        .as_ref()
        .and_then(|costs| costs.ordered.as_ref());
    let lacking = in_order.map_or(PartError::NoWay, |_| PartError::InOrder);
    let proposal = refusal.proposal.as_ref().ok_or(lacking)?;
    let split: BTreeSet<ServiceName> = proposal.split.iter().cloned().collect();
    let way = way_with(system, &split).ok_or(PartError::NoWay)?;
    let mut course = Course {
        system,
        way: &way,
        between: BTreeMap::new(),
        live: system
            .services
            .iter()
            .map(|(name, member)| (name, member.live.clone()))
            .collect(),
        retained: system
            .services
            .iter()
            .map(|(name, member)| (name, member.retained.clone()))
            .collect(),
    };
    let mut found = Vec::new();
    let mut at = 0;
    while at < way.proposal.waves.len() {
        // The longest run of waves that is one safe release; one wave alone always is.
        let mut ends = (at + 1..=way.proposal.waves.len()).rev();
        let (end, part) = ends
            .find_map(|end| Some((end, course.part(at, end)?)))
            .ok_or(PartError::NoWay)?;
        course.pass(&part);
        found.push(part);
        at = end;
    }
    Ok(found)
}

/// The way through the waves of a proposal, and what is live and what is left unread where it stands.
struct Course<'a> {
    system: &'a System,
    way: &'a Way,
    /// The services that are at a revision between, and the step that brought it.
    between: BTreeMap<ServiceName, Act>,
    live: BTreeMap<&'a ServiceName, Vec<Revision>>,
    retained: BTreeMap<&'a ServiceName, Vec<Revision>>,
}

impl Course<'_> {
    /// Some waves as one release, if that is safe and no service moves in it twice.
    fn part(&self, from: usize, to: usize) -> Option<Part> {
        let waves = self.way.proposal.waves.get(from..to)?;
        let mut brought: BTreeMap<&ServiceName, &str> = BTreeMap::new();
        let mut acts: BTreeSet<Act> = BTreeSet::new();
        for id in waves.iter().flatten() {
            let (name, act) = taken_apart(id);
            // A wait moves nothing; the plan of the part has it again where it is needed.
            if act == Some(DRAIN) {
                continue;
            }
            let (name, _) = self
                .system
                .services
                .get_key_value(&ServiceName::parse(name).ok()?)?;
            // New pods beside the old ones, and then without them, are one move.
            let earlier = brought.insert(name, id);
            let is_between = |id: &str| self.brings(id).is_some();
            if earlier.is_some_and(|earlier| is_between(earlier) || is_between(id)) {
                return None;
            }
            acts.extend(act.and_then(Act::parse));
        }
        let is_last = to == self.way.proposal.waves.len();
        let system = self.system_of(&brought, is_last);
        let plan = plan(&system);
        if plan.verdict == Verdict::Refused || check(&system, &plan).is_err() {
            return None;
        }
        let unwritten = brought
            .iter()
            .filter(|(_, id)| self.brings(id).is_some())
            .map(|(name, _)| (*name).clone());
        let name: Vec<&str> = acts.iter().map(|act| act.word()).collect();
        let mut between = self.between.clone();
        for (name, id) in &brought {
            match taken_apart(id).1.and_then(Act::parse) {
                Some(act) if self.brings(id).is_some() => between.insert((*name).clone(), act),
                Some(_) | None => between.remove(*name),
            };
        }
        Some(Part {
            name: if name.is_empty() {
                "move".to_owned()
            } else {
                name.join("-")
            },
            unwritten: unwritten.collect(),
            between,
            system,
            plan,
        })
    }

    /// The revision that a step brings, if it is one between.
    fn brings(&self, id: &str) -> Option<&Revision> {
        self.way.between.get(id)
    }

    fn system_of(&self, brought: &BTreeMap<&ServiceName, &str>, is_last: bool) -> System {
        let mut services: BTreeMap<ServiceName, Member> = BTreeMap::new();
        for (name, member) in &self.system.services {
            let live = self.live.get(name).cloned().unwrap_or_default();
            let between = brought.get(name).map(|id| self.brings(id));
            let is_there = |target: &Option<Revision>| live.as_slice() == target.as_slice();
            let (moves, target) = match between {
                None if live.is_empty() => continue,
                None if member.moves == Moves::Kept => (Moves::Kept, live.last().cloned()),
                None => (Moves::Stays, live.last().cloned()),
                // Its old pods have gone with the part before.
                Some(None) if is_there(&member.target) => (Moves::Stays, live.last().cloned()),
                Some(between) => {
                    let target = between.cloned().or_else(|| member.target.clone());
                    let moves = match (live.is_empty(), &target, member.moves) {
                        (_, None, _) => Moves::Delete,
                        (_, Some(_), Moves::Job) => Moves::Job,
                        (true, Some(_), _) => Moves::Create,
                        (false, Some(_), _) => Moves::Roll,
                    };
                    (moves, target)
                }
            };
            let after = member.after.clone();
            let manner = member.manner.clone();
            let retained = self.retained.get(name).cloned().unwrap_or_default();
            let part = Member {
                live,
                retained,
                target,
                moves,
                after,
                manner,
            };
            services.insert(name.clone(), part);
        }
        let known: BTreeSet<ServiceName> = services.keys().cloned().collect();
        for member in services.values_mut() {
            member.after.retain(|name| known.contains(name));
        }
        let external = self.system.external.iter().map(|(name, outside)| {
            let Outside {
                live,
                coming,
                ended,
            } = outside;
            // What they may call once all is done is served only then.
            let coming = if is_last { coming.clone() } else { None };
            (
                name.clone(),
                Outside {
                    live: live.clone(),
                    coming,
                    ended: ended.clone(),
                },
            )
        });
        System {
            services,
            external: external.collect(),
            assume: self.system.assume,
            repair: self.system.repair,
        }
    }

    /// Goes on to where a part ends.
    fn pass(&mut self, part: &Part) {
        self.between.clone_from(&part.between);
        for (name, live) in &mut self.live {
            let Some(member) = part.system.services.get(*name) else {
                continue;
            };
            match member.moves {
                Moves::Stays | Moves::Kept => {}
                Moves::Create | Moves::Roll | Moves::Job | Moves::Delete => {
                    let gone = std::mem::replace(live, member.target.iter().cloned().collect());
                    self.retained.entry(*name).or_default().extend(gone);
                }
            }
        }
        let derived = derive(&part.system);
        let drained: BTreeSet<(&ServiceName, &str, &ServiceName)> = derived
            .drains
            .values()
            .flat_map(|drain| &drain.pairs)
            .filter_map(|pair| {
                Some((
                    pair.link.caller,
                    pair.caller?.name.as_str(),
                    pair.link.callee,
                ))
            })
            .collect();
        for (name, retained) in &mut self.retained {
            let member = self.system.services.get(*name);
            for revision in retained.iter_mut() {
                let Some(interface) = &mut revision.interface else {
                    continue;
                };
                interface.calls.retain(|key, _| {
                    let is_read = drained.contains(&(*name, revision.name.as_str(), &key.0));
                    !is_read && member.is_some_and(|member| is_durable(member, key))
                });
            }
            retained.retain(|one| {
                one.interface
                    .as_ref()
                    .is_none_or(|one| !one.calls.is_empty())
            });
        }
    }
}

/// Whether what a service writes there stays, whichever of its revisions says so.
fn is_durable(member: &Member, key: &(ServiceName, ContractName)) -> bool {
    let all = member.live.iter().chain(&member.retained);
    let all = all.chain(&member.target);
    let mut known = all.filter_map(|revision| revision.interface.as_ref()?.calls.get(key));
    known.any(|requirement| requirement.durable.is_some())
}

/// What stands behind the service in the id of a wait.
const DRAIN: &str = "drain";

/// The service of a step, and what it does where it moves more than once.
fn taken_apart(id: &str) -> (&str, Option<&str>) {
    match id.split_once('/') {
        Some((name, act)) => (name, Some(act)),
        None => (id, None),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Expand,
    Flip,
    Contract,
}

impl Act {
    fn parse(word: &str) -> Option<Self> {
        let all = [Self::Expand, Self::Flip, Self::Contract];
        all.into_iter().find(|act| act.word() == word)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Expand => "expand",
            Self::Flip => "flip",
            Self::Contract => "contract",
        }
    }
}

impl Part {
    /// The Jobs of the services that somebody must write for it, by the names that its graph gives them.
    pub fn new_jobs<'g>(
        &self,
        graph: &'g ServiceGraphSpec,
    ) -> impl Iterator<Item = (&'g str, &'g str)> {
        let is_unwritten = |service: &&ServiceDeclaration| {
            let mut unwritten = self.unwritten.iter();
            unwritten.any(|name| name.as_str() == service.name)
        };
        let services = graph.services.iter().filter(is_unwritten);
        services.flat_map(|service| {
            let jobs = service.workloads.iter().filter(|one| one.kind == "Job");
            jobs.map(|job| (service.name.as_str(), job.name.as_str()))
        })
    }

    /// The graph that declares what runs when the part is done.
    ///
    /// In: the graph of the whole release as written, which has what is no contract, and checked; and the old graph,
    /// if it is known, for services that go away in a later part.
    pub fn graph(
        &self,
        (whole, checked): (&ServiceGraphSpec, &Graph),
        old: Option<&Graph>,
    ) -> Result<ServiceGraphSpec, PartError> {
        let mut services = Vec::new();
        for (name, member) in &self.system.services {
            let Some(runs) = member.at_end().into_iter().flatten().next_back() else {
                continue;
            };
            let written = whole
                .services
                .iter()
                .find(|service| service.name == name.as_str());
            let mut service = written.cloned().unwrap_or_else(|| gone(name, old));
            let interface = runs.interface.as_ref();
            let interface = interface.ok_or_else(|| PartError::Undeclared(name.clone()))?;
            let at_target = checked
                .services
                .get(name)
                .is_some_and(|target| target.interface == *interface);
            if !at_target {
                let Stamp { serves, calls } = shortened(Stamp::from(interface), name);
                service.serves = serves;
                service.calls = calls;
            }
            if let Some(act) = self.between.get(name) {
                let workloads = service.workloads.iter_mut();
                for job in workloads.filter(|one| one.kind == "Job") {
                    job.name = job_between(&job.name, *act);
                }
            }
            service.after.retain(|first| {
                self.system
                    .services
                    .keys()
                    .any(|known| known.as_str() == first)
            });
            services.push(service);
        }
        let mut external = whole.external.clone();
        for caller in &mut external {
            let known = self
                .system
                .external
                .iter()
                .find(|(name, _)| name.as_str() == caller.name);
            let Some((name, outside)) = known else {
                continue;
            };
            let speaks = outside.coming.as_ref().or_else(|| outside.live.last());
            if let Some(interface) = speaks.and_then(|revision| revision.interface.as_ref()) {
                caller.calls = shortened(Stamp::from(interface), name).calls;
            }
        }
        Ok(ServiceGraphSpec {
            services,
            external,
            ..whole.clone()
        })
    }
}

/// The longest name of a Job that its pods can have in a label.
const JOB_NAME_MAX: usize = 63;

/// A Job that has run is not changed any more, so each revision of its service has one with a name of its own.
fn job_between(name: &str, act: Act) -> String {
    let room = JOB_NAME_MAX - 1 - act.word().len();
    let kept: String = name.chars().take(room).collect();
    format!("{}-{}", kept.trim_end_matches(['-', '.']), act.word())
}

/// A service that the new graph does not have any more.
fn gone(name: &ServiceName, old: Option<&Graph>) -> ServiceDeclaration {
    let known = old.and_then(|graph| graph.services.get(name));
    let workloads = known.into_iter().flat_map(|service| &service.workloads);
    let Manner {
        routing,
        switch,
        exclusive,
        reversible,
    } = known
        .map(|service| service.manner.clone())
        .unwrap_or_default();
    ServiceDeclaration {
        name: name.to_string(),
        workloads: workloads
            .map(|workload| WorkloadRef {
                api_version: workload.api_version.clone(),
                kind: workload.kind.clone(),
                name: workload.name.clone(),
            })
            .collect(),
        drain: known.map(|service| service.drain).unwrap_or_default(),
        routing,
        switch: switch.map(|env| Switch {
            env,
            ..Switch::default()
        }),
        exclusive,
        reversible,
        ..ServiceDeclaration::default()
    }
}

/// Without the names of contracts that are those of their service, as people write them.
fn shortened(mut stamp: Stamp, own: &ServiceName) -> Stamp {
    for served in stamp.serves.iter_mut().flatten() {
        if served.contract.as_deref() == Some(own.as_str()) {
            served.contract = None;
        }
    }
    for call in &mut stamp.calls {
        if call.contract.as_deref() == Some(call.service.as_str()) {
            call.contract = None;
        }
    }
    stamp
}
