//! Why there is no order, with every pair that forces it and the smallest way out.

use std::collections::BTreeSet;

use super::along::along;
use super::document::{PairOf, Refusal, RefusalKind};
use super::flip::hindrance;
use super::layout::Cycles;
use super::split::{Way, entangled, way_out};
use super::waves::{in_order, told};
use super::words::{
    ABSENT, Hopeless, When, all_wait, finish_first, hopeless, meeting, move_along, no_flip,
    no_flip_nor_order, no_split, undeclared, unsettled,
};
use crate::graph::{self, Clash, Derivation, Kind, Moves, Node, Pair, Strength, System, derive};
use tidegate_spec::{Code, ServiceName};

/// The refusals that no order could cure, worst first.
pub(super) fn refuse_unsafe(system: &System, derived: &Derivation<'_>) -> Option<Refusal> {
    let outside = derived.nodes.iter().filter(|node| node.is_outside());
    let outside: BTreeSet<&ServiceName> = outside.map(|node| node.name).collect();
    let kept = derived
        .nodes
        .iter()
        .filter(|node| node.moves == Moves::Kept);
    let kept: BTreeSet<&ServiceName> = kept.map(|node| node.name).collect();
    let is_kept = |pair: &&Pair<'_>| kept.contains(pair.link.callee);
    let (code, kind, pairs) = ground(
        derived,
        derived.unsafe_at_end.iter().any(|one| is_kept(&one)),
    )?;
    let because: Vec<String> = match kind {
        RefusalKind::CurrentUnsafe => pairs
            .iter()
            .map(|pair| hopeless(pair, Hopeless::Now))
            .collect(),
        RefusalKind::Irreversible => {
            let undone = pairs.iter().filter(is_kept);
            undone.map(|pair| hopeless(pair, Hopeless::Kept)).collect()
        }
        RefusalKind::TargetUnsafe
        | RefusalKind::Cycle
        | RefusalKind::NoSwitch
        | RefusalKind::Unfinished => pairs
            .iter()
            .map(|pair| {
                if outside.contains(pair.link.caller) {
                    hopeless(pair, Hopeless::AtEndOutside)
                } else {
                    hopeless(pair, Hopeless::AtEnd)
                }
            })
            .collect(),
        RefusalKind::SelfConflict => pairs
            .iter()
            .map(|pair| self_conflict(pair, derived))
            .collect(),
        RefusalKind::Unsettled => pairs.iter().map(unsettled).collect(),
        RefusalKind::UnknownContract => {
            let links: BTreeSet<_> = pairs.iter().map(|pair| pair.link).collect();
            links.into_iter().map(undeclared).collect()
        }
    };
    let mut refusal = Refusal::new(code, kind);
    refusal.pairs = pairs_of(pairs.iter());
    refusal.because = because;
    if kind == RefusalKind::TargetUnsafe {
        refusal
            .because
            .extend(along(system, derived).as_ref().map(move_along));
    }
    if kind == RefusalKind::SelfConflict {
        if let Err(cycles) = in_order(derived) {
            refusal.name_cycles(derived, &cycles);
        }
        refusal.find_way_out(system, derived);
    }
    Some(refusal)
}

/// On what ground a system is refused, and the pairs that show it.
fn ground<'d, 'a>(
    derived: &'d Derivation<'a>,
    is_undoing: bool,
) -> Option<(Code, RefusalKind, &'d [Pair<'a>])> {
    let at_end = if is_undoing {
        (Code::Irreversible, RefusalKind::Irreversible)
    } else {
        (Code::TargetUnsafe, RefusalKind::TargetUnsafe)
    };
    let grounds = [
        (
            Code::CurrentUnsafe,
            RefusalKind::CurrentUnsafe,
            &derived.unsafe_now,
        ),
        (at_end.0, at_end.1, &derived.unsafe_at_end),
        (Code::BothWays, RefusalKind::Unsettled, &derived.unsettled),
        (
            Code::SelfConflict,
            RefusalKind::SelfConflict,
            &derived.self_conflicts,
        ),
        (
            Code::UnknownInterface,
            RefusalKind::UnknownContract,
            &derived.unknown,
        ),
    ];
    let mut found = grounds.into_iter().filter(|(.., pairs)| !pairs.is_empty());
    found
        .next()
        .map(|(code, kind, pairs)| (code, kind, pairs.as_slice()))
}

fn self_conflict(pair: &Pair<'_>, derived: &Derivation<'_>) -> String {
    let name = pair.link.callee;
    let node = derived.nodes.iter().find(|node| node.name == name);
    let is_alone = match pair.clash {
        // It has no other pod of its version to call.
        Clash::Absent | Clash::NotServed | Clash::Versions | Clash::Undeclared => {
            node.is_some_and(Node::is_versioned)
        }
        Clash::Unsettled(_) | Clash::Refuted => false,
    };
    let why = if is_alone {
        format!("the first new pod of {name} and the last old one find no other of their version")
    } else {
        format!("pods of both revisions of {name} run while it rolls")
    };
    let met = meeting(pair, When::After);
    format!("{met}; {why}: first release one that serves both")
}

/// The refusal of precedences that close a cycle.
pub(super) fn refuse_cycle(system: &System, derived: &Derivation<'_>, cycles: &Cycles) -> Refusal {
    let forcing = cycles.forcing(derived);
    let forcing: Vec<&graph::Precedence<'_>> = forcing
        .filter(|one| one.strength == Strength::Hard)
        .collect();
    let ends: BTreeSet<(usize, usize, Kind)> = forcing
        .iter()
        .map(|one| (one.first, one.then, one.kind))
        .collect();
    // The kinds differ and the ends are swapped, so caller and callee are the same two.
    let is_both_ways = forcing.iter().any(|one| {
        one.kind == Kind::ServerFirst && ends.contains(&(one.then, one.first, Kind::ClientFirst))
    });
    let code = if is_both_ways {
        Code::BothWays
    } else {
        Code::Cycle
    };
    let mut refusal = Refusal::new(code, RefusalKind::Cycle);
    refusal.pairs = pairs_of(forcing.iter().flat_map(|precedence| &precedence.pairs));
    refusal.name_cycles(derived, cycles);
    refusal.because.extend(
        forcing
            .iter()
            .filter_map(|precedence| sentence(precedence, derived)),
    );
    refusal.because.extend(behind_together(&forcing, derived));
    match blame(system, &forcing, derived) {
        Some(sentence) => refusal.because.push(sentence),
        None => refusal.find_way_out(system, derived),
    }
    refusal
}

/// The refusal of flips for callers without a switch; with the smallest split if there is no order without flips either.
pub(super) fn refuse_flips(
    system: &System,
    derived: &Derivation<'_>,
    lacking: &[&graph::Precedence<'_>],
) -> Option<Refusal> {
    let callers: BTreeSet<usize> = lacking.iter().map(|one| one.then).collect();
    if callers.is_empty() {
        return None;
    }
    let callers = callers.iter().filter_map(|at| derived.nodes.get(*at));
    let callers = callers.filter_map(|node| Some((node.name, hindrance(node)?)));
    let mut refusal = Refusal::new(Code::NoSwitch, RefusalKind::NoSwitch);
    refusal.pairs = pairs_of(lacking.iter().flat_map(|precedence| &precedence.pairs));
    if in_order(derived).is_ok() {
        refusal.because = callers.map(|(name, why)| no_flip(name, why)).collect();
    } else {
        refusal.because = callers
            .map(|(name, why)| no_flip_nor_order(name, why))
            .collect();
        refusal.find_way_out(system, derived);
    }
    Some(refusal)
}

/// The refusal of a part of a release beside which these are in the middle of a rollout.
pub(super) fn refuse_part(mixed: &[ServiceName]) -> Refusal {
    let mut refusal = Refusal::new(Code::Unfinished, RefusalKind::Unfinished);
    refusal.because = mixed.iter().map(finish_first).collect();
    refusal
}

/// What breaks without one of the precedences: if the other one went first.
fn sentence(precedence: &graph::Precedence<'_>, derived: &Derivation<'_>) -> Option<String> {
    let told = told(precedence, derived)?;
    Some(match precedence.pairs.first() {
        Some(pair) => format!(
            "if {} goes before {}: {}",
            told.then,
            told.first,
            meeting(pair, When::without(precedence.kind))
        ),
        None => told.because,
    })
}

/// What those on a cycle wait for that start together with others: for whatever one of these waits.
fn behind_together(forcing: &[&graph::Precedence<'_>], derived: &Derivation<'_>) -> Vec<String> {
    let on_cycle: BTreeSet<usize> = forcing
        .iter()
        .flat_map(|one| [one.first, one.then])
        .collect();
    let mut found = Vec::new();
    for group in &derived.together {
        if !group.iter().any(|member| on_cycle.contains(member)) {
            continue;
        }
        let others = derived.precedences.iter().filter(|one| {
            one.strength == Strength::Hard
                && on_cycle.contains(&one.first)
                && group.contains(&one.then)
                && !forcing.contains(one)
        });
        found.extend(others.filter_map(|one| sentence(one, derived)));
        let names = group.iter().filter_map(|at| derived.nodes.get(*at));
        let names: Vec<&str> = names.map(|node| node.name.as_str()).collect();
        found.push(all_wait(&names.join(", ")));
    }
    found
}

/// What was written by hand, if there would be an order without it.
fn blame(
    system: &System,
    forcing: &[&graph::Precedence<'_>],
    derived: &Derivation<'_>,
) -> Option<String> {
    let manual = manual(forcing.iter().copied(), derived)?;
    in_order(&derive(&without_manual(system))).ok()?;
    Some(format!(
        "{manual} alone closes the cycle; without it the contracts have an order"
    ))
}

/// What was written by hand on a cycle, if there would be a split without it.
fn blame_for_no_split(system: &System, derived: &Derivation<'_>) -> Option<String> {
    let cycles = entangled(derived);
    let all = derived.precedences.iter();
    let on_cycle = all.filter(|one| {
        let mut cycles = cycles.iter();
        cycles.any(|members| members.contains(&one.first) && members.contains(&one.then))
    });
    let manual = manual(on_cycle, derived)?;
    let without = without_manual(system);
    way_out(&without, &derive(&without))?;
    Some(format!(
        "no split is safe beside {manual}; without that there is one"
    ))
}

/// The fields of the precedences that somebody wrote.
fn manual<'d, 'a: 'd>(
    precedences: impl Iterator<Item = &'d graph::Precedence<'a>>,
    derived: &Derivation<'_>,
) -> Option<String> {
    let manual = precedences.filter(|one| one.kind == Kind::Manual);
    let told = manual.filter_map(|one| told(one, derived));
    let fields: BTreeSet<String> = told
        .map(|told| format!("`after: [{}]` of {}", told.first, told.then))
        .collect();
    (!fields.is_empty()).then(|| fields.into_iter().collect::<Vec<_>>().join(" and "))
}

/// The same with nothing written by hand.
fn without_manual(system: &System) -> System {
    let mut without = system.clone();
    for member in without.services.values_mut() {
        member.after.clear();
    }
    without
}

fn pairs_of<'a>(pairs: impl Iterator<Item = &'a Pair<'a>>) -> Vec<PairOf> {
    let mut seen: BTreeSet<(ServiceName, String, ServiceName, String, String)> = BTreeSet::new();
    let mut found = Vec::new();
    for pair in pairs {
        let name = |revision: Option<&graph::Revision>| {
            revision.map_or_else(|| ABSENT.to_owned(), |revision| revision.name.clone())
        };
        let pair = PairOf {
            caller: pair.link.caller.clone(),
            caller_revision: name(pair.caller),
            callee: pair.link.callee.clone(),
            callee_revision: name(pair.callee),
            contract: pair.link.contract.clone(),
        };
        let key = (
            pair.caller.clone(),
            pair.caller_revision.clone(),
            pair.callee.clone(),
            pair.callee_revision.clone(),
            pair.contract.to_string(),
        );
        if seen.insert(key) {
            found.push(pair);
        }
    }
    found
}

impl Refusal {
    /// Adds who is on cycles, and a short way round each, told.
    fn name_cycles(&mut self, derived: &Derivation<'_>, cycles: &Cycles) {
        // A service that moves in several steps may be on several cycles, and is named once.
        let mut named = BTreeSet::new();
        let members = cycles.members().into_iter().flatten();
        let members = members.filter(|at| named.insert(*at));
        let names = members.filter_map(|at| derived.nodes.get(at));
        self.cycle.extend(names.map(|node| node.name.clone()));
        let mut gone_round = BTreeSet::new();
        let rounds = cycles.rounds().into_iter();
        let rounds = rounds.filter(|round| gone_round.insert(round.clone()));
        self.because.extend(rounds.map(|round| {
            let nodes = round.iter().chain(round.first());
            let nodes = nodes.filter_map(|at| derived.nodes.get(*at));
            let names: Vec<&str> = nodes.map(|node| node.name.as_str()).collect();
            let names = names.join(" → ");
            format!("each would have to be done before the next: {names}")
        }));
    }

    /// Adds the smallest split, or the word that there is none.
    fn find_way_out(&mut self, system: &System, derived: &Derivation<'_>) {
        match way_out(system, derived) {
            Some(Way {
                proposal,
                intermediate,
                alternatives,
                between: _,
            }) => {
                self.proposal = Some(proposal);
                self.intermediate = intermediate;
                self.alternatives = alternatives;
            }
            None => self
                .because
                .push(blame_for_no_split(system, derived).unwrap_or_else(|| no_split(derived))),
        }
    }

    fn new(code: Code, kind: RefusalKind) -> Self {
        Self {
            code,
            kind,
            cycle: Vec::new(),
            pairs: Vec::new(),
            proposal: None,
            because: Vec::new(),
            intermediate: Vec::new(),
            alternatives: Vec::new(),
        }
    }
}
