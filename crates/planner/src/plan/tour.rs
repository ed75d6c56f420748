//! A system on its way through waves, as the checker sees it: who can meet whom.
//!
//! In: the journey of every service. Out: the faults. Knows nothing of precedences.

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::aside::both;
use super::broken::{Client, Server, Terms};
use super::check::Fault;
use super::journey::{Journey, Live, Passage, Position, Several};
use super::waiting::{AFTER_ALL, Lack, Wait, Wanted};
use crate::by_name::ByName;
use crate::graph::{Outside, System};
use tidegate_spec::{Assume, ContractName, Requirement, ServiceName};

type Key = (ServiceName, ContractName);

/// Who can talk to whom on one edge, by the numbers of their revisions.
struct Table<'j, 'a> {
    client: &'j Journey<'a>,
    server: &'j Journey<'a>,
    name: &'a ServiceName,
    terms: Terms<'a>,
    /// The revisions of the client; none where nothing runs.
    clients: Vec<Option<Client<'a>>>,
    /// The revisions of the server.
    servers: Vec<Server<'a>>,
    /// A row for each caller.
    bad: Vec<bool>,
    /// Whether some caller remembers what it agreed on, so that pairs do not tell all.
    remembers: bool,
    /// Whether what callers write stays: it does if any of them says so of the channel.
    is_durable: bool,
    /// How both come or go, if they call each other and so have to do it together.
    together: Passage,
}

/// A system on its way.
pub(super) struct Tour<'a> {
    names: Vec<&'a ServiceName>,
    journeys: Vec<Journey<'a>>,
    /// The group of those that come or go together, for each journey that is in one.
    together: Vec<Option<usize>>,
    /// The number of each service.
    number: ByName<&'a ServiceName, usize>,
    strict: bool,
    repair: bool,
    /// What answers under a name that nobody has: nothing.
    nowhere: Journey<'a>,
}

impl<'a> Tour<'a> {
    /// The journeys of the services; the callers from outside are added here. They may call what
    /// they are declared to call from now on once all waves are done. Those that have ended are gone, and what they wrote
    /// may not be.
    pub(super) fn new(
        system: &'a System,
        services: impl IntoIterator<Item = (&'a ServiceName, Journey<'a>)>,
        waves: usize,
    ) -> Self {
        let (mut names, mut journeys): (Vec<_>, Vec<_>) = services.into_iter().unzip();
        let number: ByName<&ServiceName, usize> = names
            .iter()
            .enumerate()
            .map(|(at, name)| (*name, at))
            .collect();
        for (
            name,
            Outside {
                live,
                coming,
                ended,
            },
        ) in &system.external
        {
            let live: Vec<Live<'_>> = live.iter().map(Some).collect();
            let journey = match (ended, coming) {
                (Some(_), _) => Journey::new(&live, &[], false),
                (None, None) => Journey::new(&[], &live, false),
                (None, Some(coming)) => {
                    let mut journey = Journey::new(&[], &live, false);
                    journey.leg((waves, AFTER_ALL), Some(coming), true);
                    journey
                }
            };
            names.push(name);
            journeys.push(journey);
        }
        Self {
            together: together(&journeys, &number),
            names,
            journeys,
            number,
            strict: system.assume == Assume::Strict,
            repair: system.repair,
            nowhere: Journey::new(&[], &[None], false),
        }
    }

    /// In: a caller, whom any of its revisions calls, and what each of them requires, by its number.
    fn table(
        &self,
        caller: usize,
        key: &'a Key,
        required: &[(&Key, usize, &'a Requirement)],
    ) -> Option<Table<'_, 'a>> {
        let name = self.names.get(caller).copied()?;
        let client = self.journeys.get(caller)?;
        // Under a name that nobody has, nothing answers.
        let callee = self.number.get(&key.0);
        let server = callee
            .and_then(|at| self.journeys.get(*at))
            .unwrap_or(&self.nowhere);
        let terms = Terms {
            key,
            is_itself: *name == key.0,
            unknown_is_bad: self.strict && !(client.legs.is_empty() && server.legs.is_empty()),
        };
        let clients = client.revisions.iter().enumerate().map(|(at, revision)| {
            let own = required.iter().find(|(_, of, _)| *of == at);
            let requirement = own.map(|(.., requirement)| *requirement);
            revision.map(|revision| Client::new(revision, requirement))
        });
        let clients: Vec<Option<Client<'_>>> = clients.collect();
        let servers = server.revisions.iter();
        let servers: Vec<Server<'_>> = servers.map(|one| Server::of(*one, key)).collect();
        let pairs = clients
            .iter()
            .flat_map(|caller| servers.iter().map(move |callee| (caller, callee)));
        let is_bad = |(caller, callee): (&Option<Client<'_>>, &Server<'_>)| {
            caller.is_some_and(|caller| terms.fails(caller, *callee))
        };
        let mut table = Table {
            client,
            server,
            name,
            terms,
            bad: pairs.map(is_bad).collect(),
            remembers: clients.iter().flatten().any(|one| one.remembers()),
            is_durable: required.iter().any(|(.., one)| one.durable.is_some()),
            together: if self.is_together(caller, callee) {
                client.passage
            } else {
                Passage::Stays
            },
            clients,
            servers,
        };
        if client.start.is_empty() {
            table.forget();
        }
        if self.repair {
            table.excuse();
        }
        Some(table)
    }

    fn is_together(&self, caller: usize, callee: Option<&usize>) -> bool {
        let group = |at: usize| self.together.get(at).copied().flatten();
        callee.is_some_and(|callee| group(caller).is_some() && group(caller) == group(*callee))
    }

    /// Every call that can fail at some moment: before the first wave, or while one of its ends
    /// moves. And what the steps' own lists must say so that nobody meets whom it must not, also
    /// where each service starts as soon as its own predecessors are done.
    ///
    /// A large system is examined in parts at the same time: nothing that is found of one caller depends on another.
    pub(super) fn examine(&self) -> (Vec<Fault>, Vec<Wanted<'_>>) {
        let all = self.journeys.len();
        let (quarter, half) = (all / 4, all / 2);
        let of = |first: usize, end: usize| move || self.examine_some(first..end);
        let halves = both(
            all,
            || both(all, of(0, quarter), of(quarter, half)),
            || both(all, of(half, half + quarter), of(half + quarter, all)),
        );
        let ((first, second), (third, fourth)) = halves;
        let (mut faults, mut wanted) = first;
        for (more_faults, more_wanted) in [second, third, fourth] {
            faults.extend(more_faults);
            wanted.extend(more_wanted);
        }
        (faults, wanted)
    }

    fn examine_some(&self, callers: Several) -> (Vec<Fault>, Vec<Wanted<'_>>) {
        let (mut faults, mut wanted) = (Vec::new(), Vec::new());
        let journeys = self.journeys.iter().enumerate();
        for (caller, journey) in journeys.take(callers.end).skip(callers.start) {
            let required = required(journey);
            let edges = required.chunk_by(|(one, ..), (other, ..)| one == other);
            let edges = edges.filter_map(|all| Some((all.first()?.0, all)));
            let tables = edges.filter_map(|(key, all)| self.table(caller, key, all));
            for table in tables.filter(|table| !table.is_harmless()) {
                table.meet_in_waves(&mut faults);
                table.keep_apart(&mut wanted);
                table.wait_out(&mut wanted);
            }
        }
        (faults, wanted)
    }
}

/// Those that come, or go, and call each other, also through others: none can be there alone.
fn together(journeys: &[Journey<'_>], number: &ByName<&ServiceName, usize>) -> Vec<Option<usize>> {
    let passage = |at: usize| journeys.get(at).map(|one| one.passage);
    let mut graph: DiGraph<(), ()> = DiGraph::new();
    for _ in journeys {
        graph.add_node(());
    }
    let passing = journeys.iter().enumerate();
    for (caller, journey) in passing.filter(|(_, one)| one.passage != Passage::Stays) {
        let calls = required(journey)
            .into_iter()
            .filter(|(.., one)| !one.optional);
        for callee in calls.filter_map(|(key, ..)| number.get(&key.0)) {
            if passage(*callee) == Some(journey.passage) {
                graph.add_edge(NodeIndex::new(caller), NodeIndex::new(*callee), ());
            }
        }
    }
    let mut group = vec![None; journeys.len()];
    for (number, members) in kosaraju_scc(&graph).into_iter().enumerate() {
        for member in members.iter().filter(|_| members.len() > 1) {
            if let Some(slot) = group.get_mut(member.index()) {
                *slot = Some(number);
            }
        }
    }
    group
}

/// What each revision of a caller requires, edge by edge.
fn required<'a>(caller: &Journey<'a>) -> Vec<(&'a Key, usize, &'a Requirement)> {
    let revisions = caller.revisions.iter().enumerate();
    let known = revisions.filter_map(|(at, one)| Some((at, (*one)?.interface.as_ref()?)));
    let calls =
        known.flat_map(|(at, interface)| interface.calls.iter().map(move |call| (at, call)));
    let mut all: Vec<_> = calls.map(|(at, (key, one))| (key, at, one)).collect();
    // The calls of each revision are sorted already, and a stable sort makes use of that.
    all.sort_by_key(|(key, ..)| *key);
    all
}

impl<'a> Table<'_, 'a> {
    fn is_harmless(&self) -> bool {
        !self.remembers && !self.bad.contains(&true)
    }

    fn is_bad(&self, caller: usize, callee: usize) -> bool {
        let row = caller * self.server.revisions.len();
        self.bad.get(row + callee).copied().unwrap_or(false)
    }

    /// Of a caller that has ended, what somebody live cannot read was waited out before that one came.
    fn forget(&mut self) {
        let width = self.server.revisions.len();
        let callees = self.server.start.clone();
        let gone = (0..self.client.start.start)
            .filter(|caller| callees.clone().any(|callee| self.is_bad(*caller, callee)))
            .collect::<Vec<_>>();
        for caller in gone {
            let row = self.bad.iter_mut().skip(caller * width).take(width);
            row.for_each(|bad| *bad = false);
        }
    }

    /// In a repair, what fails already may go on failing, and who fails everywhere may fail
    /// elsewhere too.
    fn excuse(&mut self) {
        let (callers, callees) = (&self.client.start, &self.server.start);
        let lost_caller: Vec<bool> = (0..self.client.revisions.len())
            .map(|caller| {
                callers.contains(&caller) && callees.clone().all(|one| self.is_bad(caller, one))
            })
            .collect();
        let lost_callee: Vec<bool> = (0..self.server.revisions.len())
            .map(|callee| {
                callees.contains(&callee) && callers.clone().all(|one| self.is_bad(one, callee))
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

    /// Whether a revision of the caller writes what stays.
    fn is_durable(&self, caller: usize) -> bool {
        let is_using =
            |one: &Option<Client<'_>>| one.is_some_and(|one| one.requirement().is_some());
        self.is_durable && self.clients.get(caller).is_some_and(is_using)
    }

    /// Whether one caller fails at one callee, while all of these are live.
    fn fails_at(&self, caller: usize, callee: usize, callees: &Several) -> bool {
        let is_bad = self.is_bad(caller, callee);
        let Some(client) = self.clients.get(caller).copied().flatten() else {
            return is_bad;
        };
        let mut others = callees.clone();
        if client.remembers() {
            // Where pairs tell nothing, it is the newest that is one too many.
            let is_newest = callee + 1 == callees.end;
            let servers = self.servers.get(callees.clone()).unwrap_or_default();
            return is_bad
                || is_newest
                    && !others.any(|one| self.is_bad(caller, one))
                    && client.is_unsettled(servers);
        }
        let finds_another = self.server.is_versioned && others.any(|one| !self.is_bad(caller, one));
        let server = self.servers.get(callee).copied();
        let is_refuted = || server.is_some_and(|server| self.terms.is_refuted(client, server));
        is_bad && (!finds_another || is_refuted())
    }

    /// Whether it does at these positions. Of two that come together the callee may be on its way, of two that go together
    /// the caller.
    fn fails(
        &self,
        (caller, callee): (usize, usize),
        callees: &Several,
        (client, server): (usize, usize),
    ) -> bool {
        let is_on_its_way = match self.together {
            Passage::Stays => false,
            Passage::Comes => server > 0,
            Passage::Goes => client > 0,
        };
        let found = self.servers.get(callee);
        let is_there = || found.is_some_and(|one| one.revision.is_some());
        self.fails_at(caller, callee, callees) && (!is_on_its_way || is_there())
    }

    /// Whether no caller fails.
    fn is_safe(&self, at_caller: &Position, at_callee: &Position, at: (usize, usize)) -> bool {
        let fails = |caller: usize| {
            let mut answers = at_callee.answers.iter().flatten();
            answers.any(|set| {
                set.clone()
                    .any(|callee| self.fails((caller, callee), set, at))
            })
        };
        !at_caller.live.clone().any(fails)
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
        let callers = self.client.at_position(client).live;
        let answers = self.server.at_position(server).answers;
        let wrote = (0..self.client.revisions.len()).filter(|caller| {
            !callers.contains(caller)
                && self.is_durable(*caller)
                && self
                    .client
                    .has_left(*caller, wave.saturating_sub(1), self.server)
        });
        let callers = callers.clone().chain(wrote);
        let shown = |name: &ServiceName, revision: Option<&Live<'_>>| {
            let revision = revision.copied().flatten();
            format!(
                "{name}@{}",
                revision.map_or("absent", |revision| revision.name.as_str())
            )
        };
        for set in answers.into_iter().flatten() {
            for caller in callers.clone() {
                let fails = |callee: &usize| self.fails((caller, *callee), &set, (client, server));
                faults.extend(set.clone().filter(fails).map(|callee| Fault::Unsafe {
                    wave,
                    caller: shown(self.name, self.client.revisions.get(caller)),
                    callee: shown(&self.terms.key.0, self.server.revisions.get(callee)),
                    contract: self.terms.key.1.clone(),
                }));
            }
        }
    }

    /// Every two positions at which the ends must not be together: one of them is left before the
    /// other is reached.
    fn keep_apart(&self, wanted: &mut Vec<Wanted<'a>>) {
        let (client, server) = (self.client, self.server);
        let first = wanted.len();
        for caller in 0..client.positions() {
            let at_caller = client.at_position(caller);
            for callee in 0..server.positions() {
                if self.is_safe(&at_caller, &server.at_position(callee), (caller, callee)) {
                    continue;
                }
                let waits = [
                    server.out_of(callee).zip(client.into(caller)),
                    client.out_of(caller).zip(server.into(callee)),
                ];
                let starts = server.out_of(0).zip(client.out_of(0));
                // Where neither is possible the waves are unsafe too, and that has been said.
                let is_possible = waits.iter().any(Option::is_some);
                let wait = match (self.together, starts) {
                    (Passage::Comes, Some((server, client))) => Wait::NoLater(server, client),
                    (Passage::Goes, Some((server, client))) => Wait::NoLater(client, server),
                    (Passage::Stays, _) | (_, None) => Wait::OneOf(waits),
                };
                let mut asked = wanted.iter().skip(first);
                if is_possible && !asked.any(|one| one.wait == wait) {
                    wanted.push(Wanted {
                        wait,
                        lack: Lack::Unordered,
                        ends: (self.name, &self.terms.key.0),
                    });
                }
            }
        }
    }

    /// What a caller leaves is waited out after it is gone and before somebody comes who cannot
    /// read it.
    fn wait_out(&self, wanted: &mut Vec<Wanted<'a>>) {
        let (client, server) = (self.client, self.server);
        for caller in (0..client.revisions.len()).filter(|caller| self.is_durable(*caller)) {
            let gone = client
                .leaves_with(caller)
                .and_then(|leg| client.legs.get(leg));
            if gone.is_none() && !client.is_retained(caller) {
                continue;
            }
            let unread = server.legs.iter().filter(|leg| {
                let mut callees = leg.to.clone();
                callees.any(|callee| self.fails_at(caller, callee, &leg.to))
            });
            for leg in unread {
                let mut want = |wait: Option<(usize, usize)>| {
                    wanted.push(Wanted {
                        wait: Wait::OneOf([wait, None]),
                        lack: Lack::Undrained,
                        ends: (self.name, &self.terms.key.0),
                    });
                };
                let Some((_, drain)) = server.drain else {
                    want(None);
                    continue;
                };
                if let Some(gone) = gone {
                    want(Some((gone.number, drain)));
                }
                want(Some((drain, leg.number)));
            }
        }
    }
}
