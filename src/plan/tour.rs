//! A system on its way through waves, as the checker sees it: who can meet whom.
//!
//! In: the journey of every service. Out: the faults. Knows nothing of precedences.

use std::collections::{BTreeMap, BTreeSet};

use super::broken::{broken, fails, is_refuted};
use super::check::Fault;
use super::journey::{Journey, Live, Position};
use super::waiting::{AFTER_ALL, Wanted};
use crate::graph::{Outside, Revision, System};
use crate::spec::{Assume, ContractName, Need, Negotiate, ServiceName};

type Key = (ServiceName, ContractName);

/// Who calls whom, in any revision; no callee where nobody has that name.
#[derive(Clone, Copy)]
struct Call<'a> {
    caller: usize,
    callee: Option<usize>,
    key: &'a Key,
}

/// Who can talk to whom on one edge, by the numbers of their revisions.
struct Table<'j, 'a> {
    client: &'j Journey<'a>,
    server: &'j Journey<'a>,
    client_at: &'j [Position],
    server_at: &'j [Position],
    name: &'a ServiceName,
    key: &'a Key,
    unknown_is_bad: bool,
    /// A row for each caller.
    bad: Vec<bool>,
    /// Whether some caller remembers what it agreed on, so that pairs do not tell all.
    remembers: bool,
}

/// A system on its way.
pub(super) struct Tour<'a> {
    names: Vec<&'a ServiceName>,
    journeys: Vec<Journey<'a>>,
    /// The positions of each journey.
    positions: Vec<Vec<Position>>,
    calls: Vec<Call<'a>>,
    strict: bool,
    repair: bool,
    /// What answers under a name that nobody has: nothing.
    nowhere: Journey<'a>,
    nothing: Vec<Position>,
}

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
        for (
            name,
            Outside {
                live,
                coming,
                ended,
            },
        ) in &system.external
        {
            if ended.is_some() {
                continue;
            }
            let live: Vec<Live<'_>> = live.iter().map(Some).collect();
            let mut journey = Journey::new(&live, false);
            if let Some(coming) = coming {
                journey.leg((waves, AFTER_ALL), Some(coming), true);
            }
            names.push(name);
            journeys.push(journey);
        }
        let mut calls = Vec::new();
        for (caller, journey) in journeys.iter().enumerate() {
            let revisions = journey.revisions.iter().flatten();
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
        let nowhere = Journey::new(&[None], false);
        Self {
            names,
            positions: journeys.iter().map(Journey::at_positions).collect(),
            journeys,
            calls,
            strict: system.assume == Assume::Strict,
            repair: system.repair,
            nothing: nowhere.at_positions(),
            nowhere,
        }
    }

    fn table(&self, call: Call<'a>) -> Option<Table<'_, 'a>> {
        let name = self.names.get(call.caller).copied()?;
        let client = self.journeys.get(call.caller)?;
        let server = call
            .callee
            .and_then(|at| self.journeys.get(at))
            .unwrap_or(&self.nowhere);
        let server_at = call
            .callee
            .and_then(|at| self.positions.get(at))
            .unwrap_or(&self.nothing);
        let unknown_is_bad = self.strict && !(client.legs.is_empty() && server.legs.is_empty());
        let is_itself = *name == call.key.0;
        let is_bad = |caller: &Live<'a>, callee: &Live<'a>| {
            caller.is_some_and(|caller| fails(caller, is_itself, call.key, *callee, unknown_is_bad))
        };
        let pairs = client
            .revisions
            .iter()
            .flat_map(|caller| server.revisions.iter().map(move |callee| (caller, callee)));
        let mut table = Table {
            client,
            server,
            client_at: self.positions.get(call.caller)?,
            server_at,
            name,
            key: call.key,
            unknown_is_bad,
            bad: pairs
                .map(|(caller, callee)| is_bad(caller, callee))
                .collect(),
            remembers: client
                .revisions
                .iter()
                .flatten()
                .any(|one| remembers(one, call.key)),
        };
        if self.repair {
            table.excuse();
        }
        Some(table)
    }

    /// Every call that can fail at some moment: before the first wave, or while one of its ends
    /// moves. And what the steps' own lists must say so that nobody meets whom it must not, also
    /// where each service starts as soon as its own predecessors are done.
    pub(super) fn examine(&self) -> (Vec<Fault>, Vec<Wanted>) {
        let (mut faults, mut wanted) = (Vec::new(), Vec::new());
        for table in self.calls.iter().filter_map(|call| self.table(*call)) {
            if !table.is_harmless() {
                table.meet_in_waves(&mut faults);
                table.keep_apart(&mut wanted);
                table.wait_out(&mut wanted);
            }
        }
        (faults, wanted)
    }
}

fn remembers(caller: &Revision, key: &Key) -> bool {
    let known = caller.interface.as_ref();
    let requirement = known.and_then(|interface| interface.calls.get(key));
    requirement.is_some_and(|one| matches!(one.need, Need::Any(_, Negotiate::Cached)))
}

impl<'a> Table<'_, 'a> {
    fn is_harmless(&self) -> bool {
        !self.remembers && !self.bad.contains(&true)
    }

    fn is_bad(&self, caller: usize, callee: usize) -> bool {
        let row = caller * self.server.revisions.len();
        self.bad.get(row + callee).copied().unwrap_or(false)
    }

    /// In a repair, what fails already may go on failing, and who fails everywhere may fail
    /// elsewhere too.
    fn excuse(&mut self) {
        let (callers, callees) = (&self.client.start, &self.server.start);
        let lost_caller: Vec<bool> = (0..self.client.revisions.len())
            .map(|caller| {
                callers.contains(&caller) && callees.iter().all(|one| self.is_bad(caller, *one))
            })
            .collect();
        let lost_callee: Vec<bool> = (0..self.server.revisions.len())
            .map(|callee| {
                callees.contains(&callee) && callers.iter().all(|one| self.is_bad(*one, callee))
            })
            .collect();
        let width = self.server.revisions.len().max(1);
        for (at, bad) in self.bad.iter_mut().enumerate() {
            let (caller, callee) = (at / width, at % width);
            let is_now = callers.contains(&caller) && callees.contains(&callee);
            let is_lost = |lost: &[bool], at: usize| lost.get(at).copied().unwrap_or(false);
            let is_excused = is_lost(&lost_caller, caller) || is_lost(&lost_callee, callee);
            *bad = *bad && !is_now && !is_excused;
        }
    }

    /// Whether a revision of the caller writes what stays: it does if any of them says so of the
    /// channel, and it uses that.
    fn is_durable(&self, caller: usize) -> bool {
        let requirement = |revision: &Live<'a>| {
            let known = revision.and_then(|revision| revision.interface.as_ref());
            known.and_then(|interface| interface.calls.get(self.key))
        };
        let is_using = self
            .client
            .revisions
            .get(caller)
            .and_then(requirement)
            .is_some();
        let mut all = self.client.revisions.iter().filter_map(requirement);
        is_using && all.any(|one| one.durable.is_some())
    }

    /// The callees at which one caller fails, while all of these are live.
    fn fails_at(&self, caller: usize, callees: &BTreeSet<usize>) -> Vec<usize> {
        let bad: Vec<usize> = callees
            .iter()
            .copied()
            .filter(|callee| self.is_bad(caller, *callee))
            .collect();
        let revision = self.client.revisions.get(caller).copied().flatten();
        let Some(revision) = revision.filter(|one| remembers(one, self.key)) else {
            // A pod that calls its own service finds itself at least.
            let finds_itself = *self.name == self.key.0 && !self.is_bad(caller, caller);
            let is_served = self.server.is_versioned && (bad.len() < callees.len() || finds_itself);
            if !is_served {
                return bad;
            }
            let is_itself = *self.name == self.key.0;
            let is_found = |callee: &usize| {
                let callee = self.server.revisions.get(*callee).copied().flatten();
                let caller = self.client.revisions.get(caller).copied().flatten();
                caller.is_some_and(|caller| is_refuted(caller, is_itself, self.key, callee))
            };
            return bad.into_iter().filter(is_found).collect();
        };
        let all: Vec<Live<'_>> = callees
            .iter()
            .filter_map(|one| self.server.revisions.get(*one))
            .copied()
            .collect();
        let together = broken(revision, self.name, self.key, &all, self.unknown_is_bad);
        match (together.is_empty(), bad.is_empty()) {
            (false, true) => callees.last().copied().into_iter().collect(),
            (true | false, _) => bad,
        }
    }

    /// Whether no caller fails.
    fn is_safe(&self, callers: &BTreeSet<usize>, answers: &[BTreeSet<usize>]) -> bool {
        let fails = |caller: &usize| {
            answers
                .iter()
                .any(|set| !self.fails_at(*caller, set).is_empty())
        };
        !callers.iter().any(fails)
    }

    /// Before the first wave, and in each in which one of the ends moves.
    fn meet_in_waves(&self, faults: &mut Vec<Fault>) {
        let (client, server) = (self.client, self.server);
        self.meet((0, 0), 0, faults);
        let legs = client.legs.iter().chain(&server.legs);
        let mut waves: Vec<usize> = legs.map(|leg| leg.wave).collect();
        waves.sort_unstable();
        waves.dedup();
        for wave in waves {
            let at = (client.position_in(wave), server.position_in(wave));
            self.meet(at, wave + 1, faults);
        }
    }

    /// Lets every live caller meet what answers at these positions, in a wave counted from 1; 0 is
    /// before the first.
    fn meet(&self, (client, server): (usize, usize), wave: usize, faults: &mut Vec<Fault>) {
        let ends = self.client_at.get(client).zip(self.server_at.get(server));
        let Some((Position { live: callers, .. }, Position { answers, .. })) = ends else {
            return;
        };
        let wrote = (0..self.client.revisions.len()).filter(|caller| {
            !callers.contains(caller)
                && self.is_durable(*caller)
                && self
                    .client
                    .has_left(*caller, wave.saturating_sub(1), self.server)
        });
        let callers: Vec<usize> = callers.iter().copied().chain(wrote).collect();
        let shown = |name: &ServiceName, revision: Option<&Live<'_>>| {
            let revision = revision.copied().flatten();
            format!(
                "{name}@{}",
                revision.map_or("absent", |revision| revision.name.as_str())
            )
        };
        for set in answers {
            for caller in &callers {
                faults.extend(self.fails_at(*caller, set).into_iter().map(|callee| {
                    Fault::Unsafe {
                        wave,
                        caller: shown(self.name, self.client.revisions.get(*caller)),
                        callee: shown(&self.key.0, self.server.revisions.get(callee)),
                        contract: self.key.1.clone(),
                    }
                }));
            }
        }
    }

    /// Every two positions at which the ends must not be together: one of them is left before the
    /// other is reached.
    fn keep_apart(&self, wanted: &mut Vec<Wanted>) {
        let (client, server) = (self.client, self.server);
        let mut asked: Vec<Vec<(usize, usize)>> = Vec::new();
        for (caller, at_caller) in self.client_at.iter().enumerate() {
            for (callee, at_callee) in self.server_at.iter().enumerate() {
                if self.is_safe(&at_caller.live, &at_callee.answers) {
                    continue;
                }
                let waits = [
                    server.out_of(callee).zip(client.into(caller)),
                    client.out_of(caller).zip(server.into(callee)),
                ];
                let waits: Vec<(usize, usize)> = waits.into_iter().flatten().collect();
                // Where neither is possible the waves are unsafe too, and that has been said.
                if !waits.is_empty() && !asked.contains(&waits) {
                    asked.push(waits.clone());
                    let fault = Fault::Unordered {
                        caller: self.name.clone(),
                        callee: self.key.0.clone(),
                    };
                    wanted.push(Wanted { any: waits, fault });
                }
            }
        }
    }

    /// What a caller leaves is waited out after it is gone and before somebody comes who cannot
    /// read it.
    fn wait_out(&self, wanted: &mut Vec<Wanted>) {
        let (client, server) = (self.client, self.server);
        for caller in (0..client.revisions.len()).filter(|caller| self.is_durable(*caller)) {
            let gone = client
                .leaves_with(caller)
                .and_then(|leg| client.legs.get(leg));
            if gone.is_none() && !client.retained.contains(&caller) {
                continue;
            }
            let unread = server
                .legs
                .iter()
                .filter(|leg| !self.fails_at(caller, &leg.to).is_empty());
            for leg in unread {
                let fault = || Fault::Undrained {
                    caller: self.name.clone(),
                    callee: self.key.0.clone(),
                };
                let Some((_, drain)) = server.drain else {
                    wanted.push(Wanted {
                        any: Vec::new(),
                        fault: fault(),
                    });
                    continue;
                };
                let waits = [
                    gone.map(|gone| (gone.number, drain)),
                    Some((drain, leg.number)),
                ];
                wanted.extend(waits.into_iter().flatten().map(|wait| Wanted {
                    any: vec![wait],
                    fault: fault(),
                }));
            }
        }
    }
}
