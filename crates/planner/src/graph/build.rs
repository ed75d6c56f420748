//! From contracts to precedences: the rules of planning.md §4 T3, edge by edge, in linear time.

use std::collections::BTreeSet;

use super::meetings::{Callers, Meetings, calls};
use super::together::together;
use super::{Clash, Derivation, Kind, Link, Node, Pair, Precedence, Strength};
use super::{Moves, System};
use crate::by_name::ByName;
use tidegate_spec::{Assume, Code, ServiceName};

/// Derives everything that the contracts of a system force.
pub fn derive(system: &System) -> Derivation<'_> {
    let nodes = nodes(system);
    let index: ByName<&ServiceName, usize> = nodes
        .iter()
        .take(system.services.len())
        .enumerate()
        .map(|(at, node)| (node.name, at))
        .collect();
    let mut found = Derivation::default();
    for (at, caller) in nodes.iter().enumerate() {
        for callers in calls(caller) {
            let key = callers.key;
            let callee_at = index.get(&key.0).copied();
            // A callee that nobody declared is a service that is not there.
            let nowhere = Node {
                name: &key.0,
                before: vec![None],
                at_end: vec![None],
                moves: Moves::Stays,
                retained: Vec::new(),
                manner: None,
                is_irreversible: false,
            };
            let callee = callee_at
                .and_then(|callee| nodes.get(callee))
                .unwrap_or(&nowhere);
            let link = Link {
                caller: caller.name,
                callee: callee.name,
                contract: &key.1,
            };
            let meetings = Meetings::of(link, &callers, caller, callee);
            let case = Case {
                callers,
                caller,
                callee,
                meetings,
                repair: system.repair,
            };
            let ends = callee_at.map(|callee| (at, callee));
            judge(&case, link, ends, system.assume, &mut found);
        }
    }
    manual(system, &index, &mut found);
    found.notes.extend(ended(system));
    found.together = together(&nodes, &mut found.precedences);
    found.nodes = nodes;
    found
}

fn nodes(system: &System) -> Vec<Node<'_>> {
    let services = system.services.iter().map(|(name, member)| Node {
        name,
        before: member.before(),
        at_end: member.at_end(),
        moves: member.moves,
        retained: member.retained.iter().map(Some).collect(),
        manner: Some(&member.manner),
        is_irreversible: member.is_irreversible(),
    });
    let outside = system.external.iter().map(|(name, caller)| {
        let live = || caller.live.iter().map(Some);
        // One that has ended calls nobody any more, and what it wrote may still be there.
        let (before, at_end, retained) = match caller.ended {
            None => (
                live().collect(),
                live().chain(caller.coming.iter().map(Some)).collect(),
                Vec::new(),
            ),
            Some(_) => (Vec::new(), Vec::new(), live().collect()),
        };
        Node {
            name,
            before,
            at_end,
            moves: Moves::Stays,
            retained,
            manner: None,
            is_irreversible: false,
        }
    });
    services.chain(outside).collect()
}

/// The callers from outside that count no more, with what shows it.
fn ended(system: &System) -> impl Iterator<Item = (Code, String)> {
    system.external.iter().filter_map(|(name, caller)| {
        let evidence = caller.ended.as_ref()?;
        let text = format!("{name} counts as ended: {evidence}");
        Some((Code::EndedCaller, text))
    })
}

fn is_hard(pair: &Pair<'_>) -> bool {
    !pair.is_optional() && pair.clash != Clash::Undeclared
}

fn is_soft(pair: &Pair<'_>) -> bool {
    pair.is_optional() && pair.clash != Clash::Undeclared
}

/// One edge while it is judged.
struct Case<'n, 'a> {
    callers: Callers<'a>,
    caller: &'n Node<'a>,
    callee: &'n Node<'a>,
    meetings: Meetings<'a>,
    /// Whether what fails already may go on failing.
    repair: bool,
}

impl<'a> Case<'_, 'a> {
    /// Whether a caller of now fails at every callee of now: nothing can make that worse.
    fn is_lost_caller(&self, pair: &Pair<'a>) -> bool {
        let fails = |callee: &Option<_>| {
            let now = self.meetings.now.iter().filter(|now| is_hard(now));
            now.into_iter()
                .any(|now| now.caller == pair.caller && now.callee == *callee)
        };
        self.repair
            && self.caller.before.contains(&pair.caller)
            && self.callee.before.iter().all(fails)
    }

    /// Whether every caller of now fails at a callee of now.
    fn is_lost_callee(&self, pair: &Pair<'a>) -> bool {
        let fails = |caller: &Option<_>| {
            let now = self.meetings.now.iter().filter(|now| is_hard(now));
            now.into_iter()
                .any(|now| now.callee == pair.callee && now.caller == *caller)
        };
        self.repair
            && self.callee.before.contains(&pair.callee)
            && self.caller.before.iter().all(fails)
    }

    /// The pairs that fail at the end and did not fail before.
    fn unsafe_at_end(&self) -> impl Iterator<Item = &Pair<'a>> {
        let all = self.meetings.at_end.iter().filter(|pair| is_hard(pair));
        all.filter(|pair| self.caller.is_moving() || !self.is_lost_caller(pair))
    }

    /// What breaks while the callee is mixed, whichever way it is ordered: a caller that remembers, and does not move.
    fn unsettled(&self) -> impl Iterator<Item = &Pair<'a>> {
        let is_between = !self.caller.is_moving() && self.callee.is_moving();
        let late = self.meetings.late.iter().filter(move |_| is_between);
        let late = late.filter(|pair| matches!(pair.clash, Clash::Unsettled(_)) && is_hard(pair));
        late.filter(|pair| !self.is_lost_caller(pair) && !self.is_lost_callee(pair))
    }

    /// The order that keeps new callers from old callees.
    fn server_first(&self, caller: usize, callee: usize) -> Option<Precedence<'a>> {
        let fails_already = |now: &Pair<'a>, pair: &Pair<'a>| now.callee == pair.callee;
        let is_lost = |pair: &Pair<'a>| self.is_lost_callee(pair);
        let pairs = self.decisive(&self.meetings.early, fails_already, is_lost)?;
        Some(precedence((callee, caller), Kind::ServerFirst, pairs))
    }

    /// The order that keeps old callers from new callees.
    fn client_first(&self, caller: usize, callee: usize) -> Option<Precedence<'a>> {
        let fails_already = |now: &Pair<'a>, pair: &Pair<'a>| now.caller == pair.caller;
        let is_lost = |pair: &Pair<'a>| self.is_lost_caller(pair);
        let pairs = self.decisive(&self.meetings.late, fails_already, is_lost)?;
        Some(precedence((caller, callee), Kind::ClientFirst, pairs))
    }

    /// The hard pairs if there is one, else those that an order would help and may fail.
    fn decisive(
        &self,
        met: &[Pair<'a>],
        is_same_meeting: impl Fn(&Pair<'a>, &Pair<'a>) -> bool,
        is_lost: impl Fn(&Pair<'a>) -> bool,
    ) -> Option<Decisive<'a>> {
        // Where only one of them moves, every pair is one of now or of the end, or `unsettled`.
        if !self.caller.is_moving() || !self.callee.is_moving() {
            return None;
        }
        let of_hard = |lost: bool| {
            let hard = met.iter().filter(|pair| is_hard(pair));
            hard.filter(|pair| is_lost(pair) == lost)
                .copied()
                .collect::<Vec<_>>()
        };
        let hard = of_hard(false);
        if !hard.is_empty() {
            return Some(Decisive {
                pairs: hard,
                weight: None,
            });
        }
        let lost = of_hard(true);
        if !lost.is_empty() {
            return Some(Decisive {
                pairs: lost,
                weight: Some(u32::MAX),
            });
        }
        let Meetings { now, at_end, .. } = &self.meetings;
        if at_end.iter().any(is_soft) {
            return None;
        }
        let fails_already = |pair: &Pair<'a>| {
            now.iter()
                .any(|now| is_soft(now) && is_same_meeting(now, pair))
        };
        let pairs: Vec<_> = met
            .iter()
            .filter(|pair| is_soft(pair) && !fails_already(pair))
            .copied()
            .collect();
        let weight = pairs
            .iter()
            .filter_map(|pair| pair.requirement)
            .map(|one| one.weight)
            .max();
        weight.map(|weight| Decisive {
            pairs,
            weight: Some(weight),
        })
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
        let pairs = Decisive {
            pairs,
            weight: None,
        };
        (!pairs.pairs.is_empty()).then(|| precedence((callee, caller), Kind::ServerFirst, pairs))
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
            left: _,
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
        let Meetings { at_end, early, .. } = &self.meetings;
        let (caller, callee) = (self.caller.name, self.callee.name);
        let mut notes = Vec::new();
        if at_end.iter().any(is_soft) {
            let text =
                format!("the optional calls of {caller} to {callee} fail when all is done too");
            notes.push((Code::SoftEdgeDropped, text));
        }
        if self.left_behind().any(is_soft) {
            let lost = self.callers.retentions().into_iter().map(|until| {
                let text = format!(
                    "what {caller} wrote for {callee} is not waited out ({until}), since its calls are optional: the new \
                     {callee} cannot read it"
                );
                (Code::SoftEdgeDropped, text)
            });
            notes.extend(lost);
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
        if self.repair {
            let until = match (self.caller.is_moving(), self.callee.is_moving()) {
                (false, false) => "neither moves, so they fail when all is done too".to_owned(),
                (false, true) if at_end.iter().any(is_hard) => {
                    format!("{caller} does not move, so they fail when all is done too")
                }
                (false, true) => format!("they may go on failing until {callee} is done"),
                (true, false) => format!("they may go on failing until {caller} is done"),
                (true, true) => "they may go on failing until both are done".to_owned(),
            };
            let now = self.meetings.now.iter().filter(|pair| is_hard(pair));
            notes.extend(now.map(|pair| {
                let caller_revision = pair.caller.map_or("absent", |one| one.name.as_str());
                let callee_revision = pair.callee.map_or("absent", |one| one.name.as_str());
                let on = if callee.as_str() == pair.link.contract.as_str() {
                    String::new()
                } else {
                    format!(" on {}", pair.link.contract)
                };
                let text = format!(
                    "calls of {caller}@{caller_revision} to {callee}@{callee_revision}{on} fail already; {until}"
                );
                (Code::Repaired, text)
            }));
        }
        notes
    }

    /// What old callers leave for a callee that will not read it.
    fn left_behind(&self) -> impl Iterator<Item = &Pair<'a>> {
        let Meetings { late, left, .. } = &self.meetings;
        let late = late.iter().filter(|_| self.caller.is_moving());
        late.chain(left).filter(|_| self.callee.is_moving())
    }
}

/// The pairs that force an order, and how much it matters if it may be given up.
struct Decisive<'a> {
    pairs: Vec<Pair<'a>>,
    weight: Option<u32>,
}

fn precedence((first, then): (usize, usize), kind: Kind, decisive: Decisive<'_>) -> Precedence<'_> {
    let Decisive { pairs, weight } = decisive;
    let assumed = pairs.iter().all(|pair| pair.clash == Clash::Undeclared);
    let strength = match (weight, assumed) {
        (Some(_), _) => Strength::Soft,
        (None, true) if pairs.iter().all(Pair::is_optional) => Strength::Soft,
        (None, true) => Strength::Assumed,
        (None, false) => Strength::Hard,
    };
    Precedence {
        first,
        then,
        kind,
        strength,
        weight: weight.unwrap_or(1),
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
        left: _,
    } = &case.meetings;
    let unsafe_now = now.iter().filter(|pair| is_hard(pair) && !case.repair);
    found.unsafe_now.extend(unsafe_now);
    found.unsafe_at_end.extend(case.unsafe_at_end());
    found.notes.extend(case.notes());
    let first_unsettled = found.unsettled.len();
    found.unsettled.extend(case.unsettled());
    let is_unsettled = found.unsettled.len() > first_unsettled;
    let undeclared = case.undeclared();
    let first_torn = found.self_conflicts.len();
    let mut precedences: Vec<Precedence<'a>> = Vec::new();
    if let Some((caller, callee)) = ends {
        wait_out(case, (caller, callee), found);
        if caller == callee {
            // Also where calls find their version: the first new pod finds no other one, nor does the last old pod.
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
    let is_torn = found.self_conflicts.len() > first_torn;
    if !undeclared.is_empty() {
        found.edges.assumed += 1;
        found.assumed.push(link);
    } else if !precedences.is_empty() || is_unsettled || is_torn {
        found.edges.proved += 1;
    } else if now.iter().chain(at_end).next().is_some() {
        found.edges.given_up += 1;
    } else if !case.caller.before.is_empty() || !case.caller.at_end.is_empty() {
        found.edges.free += 1;
    }
    found.precedences.append(&mut precedences);
    if assume == Assume::Strict {
        found
            .unknown
            .extend(undeclared.iter().filter(|pair| !pair.is_optional()));
    }
}

/// Adds what one edge leaves behind to what its reader has to wait out.
fn wait_out<'a>(case: &Case<'_, 'a>, (caller, callee): (usize, usize), found: &mut Derivation<'a>) {
    let left: Vec<_> = case.left_behind().copied().filter(is_hard).collect();
    let retentions = if left.is_empty() {
        BTreeSet::new()
    } else {
        case.callers.retentions()
    };
    if retentions.is_empty() {
        return;
    }
    let drain = found.drains.entry(callee).or_default();
    drain.retentions.extend(retentions);
    for pair in left {
        let is_writing = case.caller.is_moving() && case.caller.before.contains(&pair.caller);
        if is_writing {
            drain.writers.insert(caller);
        }
        drain.pairs.push(pair);
    }
}

fn manual<'a>(system: &'a System, index: &ByName<&ServiceName, usize>, found: &mut Derivation<'a>) {
    let moves = |name: &ServiceName| {
        system
            .services
            .get(name)
            .is_some_and(|member| member.moves.is_moving())
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
                    weight: 1,
                    assumed: false,
                    pairs: Vec::new(),
                }));
        }
    }
}
