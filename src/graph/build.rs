//! From contracts to precedences: the rules of planning.md §4 T3, edge by edge, in linear time.

use std::collections::BTreeMap;

use super::compat::{judged, unsettled};
use super::{Clash, Compat, Derivation, Kind, Link, Node, Pair, Precedence, Revision, Strength};
use super::{Moves, System};
use crate::spec::{Assume, Code, ContractName, ServiceName};

type Key = (ServiceName, ContractName);
type Live<'a> = [Option<&'a Revision>];

/// Derives everything that the contracts of a system force.
pub fn derive(system: &System) -> Derivation<'_> {
    let nodes = nodes(system);
    let index: BTreeMap<&ServiceName, usize> = nodes
        .iter()
        .take(system.services.len())
        .enumerate()
        .map(|(at, node)| (node.name, at))
        .collect();
    let mut found = Derivation::default();
    for (at, caller) in nodes.iter().enumerate() {
        for key in called(caller) {
            let callee_at = index.get(&key.0).copied();
            // A callee that nobody declared is a service that is not there.
            let nowhere = Node {
                name: &key.0,
                before: vec![None],
                at_end: vec![None],
                moves: Moves::Stays,
                is_outside: false,
            };
            let callee = callee_at
                .and_then(|callee| nodes.get(callee))
                .unwrap_or(&nowhere);
            let link = Link {
                caller: caller.name,
                callee: callee.name,
                contract: &key.1,
            };
            let meetings = Meetings::of(link, key, caller, callee);
            let case = Case {
                caller,
                callee,
                meetings,
            };
            judge(
                &case,
                link,
                callee_at.map(|callee| (at, callee)),
                system.assume,
                &mut found,
            );
        }
    }
    manual(system, &index, &mut found);
    found.nodes = nodes;
    found
}

fn nodes(system: &System) -> Vec<Node<'_>> {
    let services = system.services.iter().map(|(name, member)| Node {
        name,
        before: member.before(),
        at_end: member.at_end(),
        moves: member.moves,
        is_outside: false,
    });
    let outside = system.external.iter().map(|(name, caller)| Node {
        name,
        before: caller.live.iter().map(Some).collect(),
        at_end: caller.live.iter().chain(&caller.coming).map(Some).collect(),
        moves: Moves::Stays,
        is_outside: true,
    });
    services.chain(outside).collect()
}

/// Whom any revision of a caller calls.
fn called<'a>(caller: &Node<'a>) -> Vec<&'a Key> {
    let revisions = caller
        .before
        .iter()
        .chain(&caller.at_end)
        .copied()
        .flatten();
    let mut keys: Vec<&Key> = revisions
        .filter_map(|revision| revision.interface.as_ref())
        .flat_map(|known| known.calls.keys())
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The clashes of one edge, by when the two revisions would be live together.
#[derive(Default)]
struct Meetings<'a> {
    now: Vec<Pair<'a>>,
    at_end: Vec<Pair<'a>>,
    /// New callers and old callees.
    early: Vec<Pair<'a>>,
    /// Old callers and new callees.
    late: Vec<Pair<'a>>,
}

impl<'a> Meetings<'a> {
    fn of(link: Link<'a>, key: &Key, caller: &Node<'a>, callee: &Node<'a>) -> Self {
        let pairs = |callers: &Live<'a>, callees: &Live<'a>, mixed: [&Live<'a>; 2]| {
            clashes(link, key, (callers, callees), mixed)
        };
        let now = pairs(&caller.before, &callee.before, [&callee.before, &[]]);
        if !caller.is_moving() && !callee.is_moving() && caller.before == caller.at_end {
            return Self {
                now,
                ..Self::default()
            };
        }
        let mixed: [&Live<'a>; 2] = [&callee.before, &callee.at_end];
        Self {
            now,
            at_end: pairs(&caller.at_end, &callee.at_end, [&callee.at_end, &[]]),
            early: pairs(&caller.at_end, &callee.before, mixed),
            late: pairs(&caller.before, &callee.at_end, mixed),
        }
    }
}

/// Every pair that clashes, and every caller that would break between two of the `mixed` callees.
fn clashes<'a>(
    link: Link<'a>,
    key: &Key,
    (callers, callees): (&Live<'a>, &Live<'a>),
    mixed: [&Live<'a>; 2],
) -> Vec<Pair<'a>> {
    let mut found = Vec::new();
    // A pod that calls its own service is there itself, so the service is never absent for it.
    let is_self = link.caller == link.callee;
    for &caller in callers {
        let Some(revision) = caller else { continue };
        let requirement = match &revision.interface {
            None => None,
            Some(interface) => match interface.calls.get(key) {
                None => continue,
                requirement @ Some(_) => requirement,
            },
        };
        let need = requirement.map(|requirement| &requirement.need);
        let optional = requirement.is_some_and(|requirement| requirement.optional);
        for &callee in callees.iter().filter(|callee| !is_self || callee.is_some()) {
            let clash = match judged(revision, need, key, callee) {
                Compat::Yes => continue,
                Compat::No(clash) => clash,
                Compat::Unknown => Clash::Undeclared,
            };
            found.push(Pair {
                link,
                caller,
                callee,
                need,
                clash,
                optional,
            });
        }
        if let Some(callee) = need.and_then(|need| unsettled(need, link.contract, mixed)) {
            let (callee, clash) = (Some(callee), Clash::Unsettled);
            found.push(Pair {
                link,
                caller,
                callee,
                need,
                clash,
                optional,
            });
        }
    }
    found
}

fn is_hard(pair: &Pair<'_>) -> bool {
    !pair.optional && pair.clash != Clash::Undeclared
}

fn is_soft(pair: &Pair<'_>) -> bool {
    pair.optional && pair.clash != Clash::Undeclared
}

/// One edge while it is judged.
struct Case<'n, 'a> {
    caller: &'n Node<'a>,
    callee: &'n Node<'a>,
    meetings: Meetings<'a>,
}

impl<'a> Case<'_, 'a> {
    /// The order that keeps new callers from old callees.
    fn server_first(&self, caller: usize, callee: usize) -> Option<Precedence<'a>> {
        let pairs = self.decisive(&self.meetings.early, |now, pair| now.callee == pair.callee)?;
        Some(precedence((callee, caller), Kind::ServerFirst, pairs))
    }

    /// The order that keeps old callers from new callees.
    fn client_first(&self, caller: usize, callee: usize) -> Option<Precedence<'a>> {
        let pairs = self.decisive(&self.meetings.late, |now, pair| now.caller == pair.caller)?;
        Some(precedence((caller, callee), Kind::ClientFirst, pairs))
    }

    /// The hard pairs if there is one, else the optional ones that an order would help.
    fn decisive(
        &self,
        met: &[Pair<'a>],
        is_same_meeting: impl Fn(&Pair<'a>, &Pair<'a>) -> bool,
    ) -> Option<Vec<Pair<'a>>> {
        if !self.callee.is_moving() {
            return None;
        }
        // Where only the callee moves, every pair is one of now or of the end, but for a caller
        // that remembers: it breaks while the callee is mixed, and then no order helps.
        let moving = self.caller.is_moving();
        let is_stuck = |pair: &Pair<'a>| {
            pair.clash == Clash::Unsettled && self.caller.before.contains(&pair.caller)
        };
        let hard: Vec<_> = met
            .iter()
            .filter(|pair| is_hard(pair) && (moving || is_stuck(pair)))
            .copied()
            .collect();
        if !hard.is_empty() {
            return Some(hard);
        }
        let Meetings {
            now,
            at_end,
            early: _,
            late: _,
        } = &self.meetings;
        if !moving || at_end.iter().any(is_soft) {
            return None;
        }
        let fails_already = |pair: &Pair<'a>| {
            now.iter()
                .any(|now| is_soft(now) && is_same_meeting(now, pair))
        };
        let soft: Vec<_> = met
            .iter()
            .filter(|pair| is_soft(pair) && !fails_already(pair))
            .copied()
            .collect();
        (!soft.is_empty()).then_some(soft)
    }

    /// The order of an edge of which nothing is known: the server is taken to add, never to drop.
    fn assumed(&self, caller: usize, callee: usize) -> Option<Precedence<'a>> {
        if !self.caller.is_moving() || !self.callee.is_moving() {
            return None;
        }
        let unknown = |pair: &&Pair<'a>| pair.clash == Clash::Undeclared;
        let pairs: Vec<_> = self
            .meetings
            .early
            .iter()
            .filter(unknown)
            .copied()
            .collect();
        (!pairs.is_empty()).then(|| precedence((callee, caller), Kind::ServerFirst, pairs))
    }

    fn undeclared(&self) -> Vec<Pair<'a>> {
        if !self.caller.is_moving() && !self.callee.is_moving() {
            return Vec::new();
        }
        let Meetings {
            now,
            at_end,
            early,
            late,
        } = &self.meetings;
        let all = now.iter().chain(at_end).chain(early).chain(late);
        let mut undeclared: Vec<Pair<'a>> = Vec::new();
        for pair in all.filter(|pair| pair.clash == Clash::Undeclared) {
            if !undeclared.contains(pair) {
                undeclared.push(*pair);
            }
        }
        undeclared
    }

    /// What stops nothing and should be known all the same.
    fn notes(&self) -> Vec<(Code, String)> {
        let Meetings {
            now: _,
            at_end,
            early,
            late: _,
        } = &self.meetings;
        let (caller, callee) = (self.caller.name, self.callee.name);
        let mut notes = Vec::new();
        if at_end.iter().any(is_soft) {
            let text =
                format!("the optional calls of {caller} to {callee} fail when all is done too");
            notes.push((Code::SoftEdgeDropped, text));
        }
        let is_coming = |pair: &Pair<'_>| {
            pair.clash != Clash::Undeclared && !self.caller.before.contains(&pair.caller)
        };
        if !self.caller.is_moving() && self.callee.is_moving() && early.iter().any(is_coming) {
            let text = format!(
                "{caller} is deployed elsewhere: what it is declared to call from now on works only \
                 once {callee} is done"
            );
            notes.push((Code::SoftEdgeDropped, text));
        }
        notes
    }
}

fn precedence((first, then): (usize, usize), kind: Kind, pairs: Vec<Pair<'_>>) -> Precedence<'_> {
    let assumed = pairs.iter().all(|pair| pair.clash == Clash::Undeclared);
    let strength = match (pairs.iter().all(|pair| pair.optional), assumed) {
        (true, _) => Strength::Soft,
        (false, true) => Strength::Assumed,
        (false, false) => Strength::Hard,
    };
    Precedence {
        first,
        then,
        kind,
        strength,
        assumed,
        pairs,
    }
}

/// Files what one edge's clashes mean. `ends` are the numbers of its nodes, if the callee exists.
fn judge<'a>(
    case: &Case<'_, 'a>,
    link: Link<'a>,
    ends: Option<(usize, usize)>,
    assume: Assume,
    found: &mut Derivation<'a>,
) {
    let Meetings {
        now,
        at_end,
        early,
        late,
    } = &case.meetings;
    found
        .unsafe_now
        .extend(now.iter().filter(|pair| is_hard(pair)));
    found
        .unsafe_at_end
        .extend(at_end.iter().filter(|pair| is_hard(pair)));
    found.notes.extend(case.notes());
    let undeclared = case.undeclared();
    let mut precedences: Vec<Precedence<'a>> = Vec::new();
    if let Some((caller, callee)) = ends {
        if caller == callee {
            let cross = early.iter().chain(late).filter(|pair| is_hard(pair));
            found.self_conflicts.extend(cross);
        } else {
            precedences.extend(case.server_first(caller, callee));
            precedences.extend(case.client_first(caller, callee));
            if precedences.is_empty() && assume == Assume::ServerFirst {
                precedences.extend(case.assumed(caller, callee));
            }
        }
    }
    if !undeclared.is_empty() {
        found.edges.assumed += 1;
        found.assumed.push(link);
    } else if precedences.is_empty() {
        found.edges.free += 1;
    } else {
        found.edges.proved += 1;
    }
    found.precedences.append(&mut precedences);
    if assume == Assume::Strict {
        found
            .unknown
            .extend(undeclared.iter().filter(|pair| !pair.optional));
    }
}

fn manual<'a>(
    system: &'a System,
    index: &BTreeMap<&ServiceName, usize>,
    found: &mut Derivation<'a>,
) {
    let moves = |name: &ServiceName| {
        system
            .services
            .get(name)
            .is_some_and(|member| member.moves != Moves::Stays)
    };
    for (name, member) in &system.services {
        for before in member
            .after
            .iter()
            .filter(|before| moves(name) && moves(before))
        {
            let ends = index
                .get(before)
                .zip(index.get(name))
                .filter(|(first, then)| first != then);
            found
                .precedences
                .extend(ends.map(|(first, then)| Precedence {
                    first: *first,
                    then: *then,
                    kind: Kind::Manual,
                    strength: Strength::Hard,
                    assumed: false,
                    pairs: Vec::new(),
                }));
        }
    }
}
