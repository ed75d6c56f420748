//! A plan in lines of text. The CLI, the UI and the tests show the same words.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{Action, Intermediate, Plan, Refusal, RefusalKind, Step};
use super::words::{label, listed, need_text};
use crate::graph::{Moves, System};
use crate::spec::words::{count, waits_for};
use crate::spec::{Code, Interface, ServiceName};

/// So many reasons of one service are told; the others are counted. A hub has thousands.
const REASONS_MAX: usize = 5;

/// The whole plan, or the refusal with the way out.
pub fn explain(system: &System, plan: &Plan) -> Vec<String> {
    match &plan.refusal {
        Some(refusal) => refused(refusal),
        None => ordered(system, plan),
    }
}

fn ordered(system: &System, plan: &Plan) -> Vec<String> {
    let mut lines = vec![headline(plan)];
    let steps: BTreeMap<&str, &Step> = plan
        .steps
        .iter()
        .map(|step| (step.id.as_str(), step))
        .collect();
    let reasons = reasons(plan);
    for (at, wave) in plan.waves.iter().enumerate() {
        let when = match at {
            0 => "may start at once".to_owned(),
            _ => format!("after wave {at} is done"),
        };
        lines.push(format!("Wave {}   {when}", at + 1));
        for step in wave.iter().filter_map(|id| steps.get(id.as_str())) {
            lines.push(step_line(step));
            let changes = changes(system, &step.service).into_iter();
            let because = reasons.get(&step.service).cloned().unwrap_or_default();
            lines.extend(
                changes
                    .chain(shortened(because))
                    .map(|line| format!("      {line}")),
            );
        }
    }
    lines.extend(
        plan.warnings
            .iter()
            .map(|warning| format!("warning: {warning}")),
    );
    lines
}

/// A plan or a refusal in one line.
pub fn headline(plan: &Plan) -> String {
    match &plan.refusal {
        Some(refusal) => refused_headline(refusal),
        None => ordered_headline(plan),
    }
}

/// Never says "safe" of what is only assumed.
fn ordered_headline(plan: &Plan) -> String {
    let waves = match plan.waves.len() {
        0 => return "Nothing moves.".to_owned(),
        1 => "1 wave".to_owned(),
        count => format!("{count} waves"),
    };
    let verdict = match plan.edges.assumed {
        0 => "Safe: yes.".to_owned(),
        1 => "Safe as far as contracts are declared; 1 edge is assumed.".to_owned(),
        count => format!("Safe as far as contracts are declared; {count} edges are assumed."),
    };
    match plan.critical_path.as_slice() {
        [] | [_] => format!("{verdict} {waves}."),
        path => format!("{verdict} {waves}. Longest path {}.", path.join(" → ")),
    }
}

fn step_line(step: &Step) -> String {
    let (sign, what) = match step.action {
        Action::Create => ('+', "   new"),
        Action::Delete => ('-', "   deleted"),
        Action::Roll => ('~', ""),
        Action::Job => ('~', "   job"),
        Action::Flip => ('~', "   flip"),
        Action::Drain => ('~', "   drain"),
    };
    format!("  {sign} {}{what}", step.id)
}

fn reasons(plan: &Plan) -> BTreeMap<&ServiceName, Vec<String>> {
    let mut reasons: BTreeMap<&ServiceName, Vec<String>> = BTreeMap::new();
    for precedence in &plan.precedences {
        let line = format!("because {}", precedence.because);
        reasons.entry(&precedence.then).or_default().push(line);
    }
    reasons
}

fn shortened(mut reasons: Vec<String>) -> Vec<String> {
    let more = reasons.len().saturating_sub(REASONS_MAX);
    reasons.truncate(REASONS_MAX);
    if more > 0 {
        reasons.push(format!("and {}", count(more, "more reason")));
    }
    reasons
}

/// Why a service is in its wave, why in no earlier one, and what waits for it. `None` if it does not
/// move.
pub fn why_here(plan: &Plan, service: &ServiceName) -> Option<Vec<String>> {
    let wave = plan.wave_of(service.as_str())?;
    let mut lines = vec![format!(
        "{service} moves in wave {} of {}",
        wave + 1,
        plan.waves.len()
    )];
    let mut because = reasons(plan).remove(service).unwrap_or_default();
    if because.is_empty() {
        because.push("nothing must go before it".to_owned());
    }
    lines.extend(because);
    lines.extend(why_not_earlier(plan, service.as_str(), wave));
    let waiting: BTreeSet<&str> = plan
        .precedences
        .iter()
        .filter(|precedence| precedence.first == *service)
        .map(|precedence| precedence.then.as_str())
        .collect();
    if !waiting.is_empty() {
        let names: Vec<&str> = waiting.into_iter().collect();
        lines.push(format!("waiting for it: {}", names.join(", ")));
    }
    Some(lines)
}

/// The chain that holds a step where it is, down to the first wave: each of it is in the wave before the next.
fn why_not_earlier(plan: &Plan, id: &str, wave: usize) -> Option<String> {
    let mut chain = Vec::new();
    let mut at = id;
    for before in (0..wave).rev() {
        let step = plan.steps.iter().find(|step| step.id == at)?;
        at = step
            .after
            .iter()
            .find(|first| plan.wave_of(first) == Some(before))?;
        chain.push(waits_for(&[format!("{at} (wave {})", before + 1)]));
    }
    (!chain.is_empty()).then(|| format!("not earlier: it {}", chain.join(", which ")))
}

/// What a service serves and calls differently, one line each: `calls catalog: 1 → 2`.
pub fn changes(system: &System, service: &ServiceName) -> Vec<String> {
    let Some(member) = system.services.get(service) else {
        return Vec::new();
    };
    if member.moves == Moves::Stays {
        return Vec::new();
    }
    let old: Vec<&Interface> = member
        .live
        .iter()
        .filter_map(|revision| revision.interface.as_ref())
        .collect();
    let new = member
        .target
        .as_ref()
        .and_then(|revision| revision.interface.as_ref());
    let contracts: BTreeSet<_> = old
        .iter()
        .copied()
        .chain(new)
        .filter_map(|one| one.serves.as_ref())
        .flat_map(BTreeMap::keys)
        .collect();
    let keys: BTreeSet<_> = old
        .iter()
        .copied()
        .chain(new)
        .flat_map(|one| one.calls.keys())
        .collect();
    let served = |one: &Interface, contract| {
        one.serves
            .as_ref()
            .and_then(|serves| serves.get(contract))
            .map(listed)
    };
    let called = |one: &Interface, key| {
        one.calls
            .get(key)
            .map(|requirement| need_text(&requirement.need))
    };
    let mut lines = Vec::new();
    for contract in contracts {
        let before = joined(old.iter().map(|one| served(one, contract)));
        let after = joined(new.iter().map(|one| served(one, contract)));
        lines.extend(changed(
            &format!("serves {}", label(service, contract)),
            &before,
            &after,
        ));
    }
    for key in keys {
        let before = joined(old.iter().map(|one| called(one, key)));
        let after = joined(new.iter().map(|one| called(one, key)));
        lines.extend(changed(
            &format!("calls {}", label(&key.0, &key.1)),
            &before,
            &after,
        ));
    }
    lines
}

/// What several live revisions do: `1 | 1, 2`; `-` for one that does nothing.
fn joined(texts: impl Iterator<Item = Option<String>>) -> String {
    let mut distinct: Vec<String> = texts
        .map(|text| text.unwrap_or_else(|| "-".to_owned()))
        .collect();
    distinct.dedup();
    if distinct.is_empty() {
        "-".to_owned()
    } else {
        distinct.join(" | ")
    }
}

fn changed(what: &str, before: &str, after: &str) -> Option<String> {
    (before != after).then(|| format!("{what}: {before} → {after}"))
}

fn names(names: &[ServiceName]) -> String {
    names
        .iter()
        .map(ServiceName::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

fn refused_headline(refusal: &Refusal) -> String {
    let title = match refusal.kind {
        RefusalKind::Cycle => format!("no safe order exists between {}", names(&refusal.cycle)),
        RefusalKind::TargetUnsafe => "the release would end unsafe, whatever the order".to_owned(),
        RefusalKind::CurrentUnsafe => "what runs now is already unsafe".to_owned(),
        RefusalKind::SelfConflict => "a service cannot run beside its own new revision".to_owned(),
        RefusalKind::UnknownContract => {
            "a contract is not declared, and nothing may be assumed".to_owned()
        }
        RefusalKind::Irreversible => "a step could not be undone".to_owned(),
    };
    format!("Refused [{}]: {title}", refusal.code)
}

fn refused(refusal: &Refusal) -> Vec<String> {
    let mut lines = vec![refused_headline(refusal)];
    lines.extend(refusal.because.iter().map(|line| format!("  {line}")));
    let Some(proposal) = &refusal.proposal else {
        return lines;
    };
    let split = names(&proposal.split);
    let is_two = refusal.intermediate.len() <= proposal.split.len();
    let releases = if is_two { "two" } else { "three" };
    lines.push(format!(
        "Way out: split in {releases} releases, with a revision between for {split}"
    ));
    lines.extend(refusal.intermediate.iter().map(intermediate_line));
    for (at, wave) in proposal.waves.iter().enumerate() {
        lines.push(format!("  Phase {}: {}", at + 1, wave.join(", ")));
    }
    if refusal.code == Code::BothWays && refusal.cycle.len() == 2 {
        let other = refusal
            .cycle
            .iter()
            .find(|name| !proposal.split.contains(name));
        lines.extend(other.map(|other| {
            format!(
                "Splitting {other} does not help: its one change comes both too early and too late"
            )
        }));
    }
    for other in &refusal.alternatives {
        lines.push(format!("Or split {} instead", names(other)));
    }
    lines
}

fn intermediate_line(intermediate: &Intermediate) -> String {
    let Intermediate { id, serves, calls } = intermediate;
    let serves: Vec<String> = serves
        .iter()
        .map(|(contract, versions)| format!("{contract} {}", listed(versions)))
        .collect();
    let serves = if serves.is_empty() {
        "nothing".to_owned()
    } else {
        serves.join("; ")
    };
    let calls = if calls.is_empty() {
        "nothing".to_owned()
    } else {
        calls.join("; ")
    };
    format!("  {id} serves {serves}, calls {calls}")
}
