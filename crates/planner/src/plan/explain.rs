//! A plan in lines of text. The CLI, the UI and the tests show the same words.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::document::{
    Action, Cost, Costs, Intermediate, Ordering, Plan, Refusal, RefusalKind, Step, Strategy,
};
use super::words::{holds_nobody, label, listed, need_text, waited_out};
use crate::graph::System;
use tidegate_spec::crd::Routing;
use tidegate_spec::words::{count, waits_for};
use tidegate_spec::{Code, Interface, Retention, ServiceName};

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
    let mut lines = vec![ordered_headline(system, plan)];
    let steps: BTreeMap<&str, &Step> = plan
        .steps
        .iter()
        .map(|step| (step.id.as_str(), step))
        .collect();
    let words = step_words(system, plan);
    for (at, wave) in plan.waves.iter().enumerate() {
        let when = match at {
            0 => "may start at once".to_owned(),
            _ => format!("after wave {at} is done"),
        };
        lines.push(format!("Wave {}   {when}", at + 1));
        for step in wave.iter().filter_map(|id| steps.get(id.as_str())) {
            lines.push(step_line(step));
            let told = words.get(step.id.as_str()).into_iter();
            let told = told.flat_map(|StepWords { changes, because }| {
                let because = because.iter().map(|line| format!("because {line}"));
                changes.iter().cloned().chain(shortened(because.collect()))
            });
            lines.extend(told.map(|line| format!("      {line}")));
        }
    }
    lines.extend(plan.strategies.as_ref().map(costs).into_iter().flatten());
    lines.extend(
        plan.warnings
            .iter()
            .map(|warning| format!("warning: {warning}")),
    );
    lines
}

/// What is said of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepWords {
    /// What it does, and what its service serves and calls differently by it.
    pub changes: Vec<String>,
    /// Why it is not earlier.
    pub because: Vec<String>,
}

/// What is said of each step, by its id. A service that moves more than once has each reason at the step that it
/// holds back.
pub fn step_words<'p>(system: &System, plan: &'p Plan) -> BTreeMap<&'p str, StepWords> {
    let reasons = reasons(plan);
    let words = plan.steps.iter().map(|step| {
        let all = reasons.get(&step.service).into_iter().flatten();
        let here = all.filter(|(kind, _)| is_held_by(system, step, *kind));
        let words = StepWords {
            changes: done_by(system, step),
            because: here.map(|(_, because)| (*because).to_owned()).collect(),
        };
        (step.id.as_str(), words)
    });
    words.collect()
}

fn is_held_by(system: &System, step: &Step, kind: Ordering) -> bool {
    let is_part = step.id != step.service.as_str();
    match (step.action, is_part) {
        (Action::Drain, _) => false,
        (Action::Flip, _) => kind == Ordering::ServerFirst,
        (_, true) if is_contract(step) => kind == Ordering::ClientFirst,
        (_, true) if keeps_old_calls(system, step) => kind != Ordering::ServerFirst,
        (_, true) => kind != Ordering::ClientFirst,
        (_, false) => true,
    }
}

fn done_by(system: &System, step: &Step) -> Vec<String> {
    let is_part = step.id != step.service.as_str();
    let with_changes = |own: &str, is_here: fn(&str) -> bool| {
        let changes = changes(system, &step.service).into_iter();
        let changes = changes.filter(|line| is_here(line));
        [own.to_owned()].into_iter().chain(changes).collect()
    };
    match (step.action, is_part) {
        (Action::Drain, _) => {
            let until = step.drain.iter().filter_map(|text| Retention::parse(text));
            let until: Vec<String> = until.map(|retention| waited_out(&retention)).collect();
            vec![format!(
                "what was written for {} in versions that it will not read must be gone: {}",
                step.service,
                until.join(" and ")
            )]
        }
        (Action::Flip, _) => {
            let switch = system.services.get(&step.service);
            let switch = switch.and_then(|member| member.manner.switch.as_deref());
            vec![format!(
                "sets {} to its new value",
                switch.unwrap_or("its switch")
            )]
        }
        (_, true) if is_contract(step) => vec!["its old pods go".to_owned()],
        (_, true) if keeps_old_calls(system, step) => {
            with_changes("its new image, which calls as the old one did", |line| {
                line.starts_with("serves ")
            })
        }
        (_, true) => with_changes("new pods beside the old ones", |_| true),
        (_, false) => changes(system, &step.service),
    }
}

fn is_contract(step: &Step) -> bool {
    step.id.ends_with("/contract")
}

/// Whether a first step brings an image whose switch has its old value.
fn keeps_old_calls(system: &System, step: &Step) -> bool {
    let member = system.services.get(&step.service);
    member.is_some_and(|member| member.manner.routing == Routing::Blind)
}

/// A plan or a refusal in one line.
pub fn headline(system: &System, plan: &Plan) -> String {
    match &plan.refusal {
        Some(refusal) => refused_headline(refusal),
        None => ordered_headline(system, plan),
    }
}

/// Never says "safe" of what is only assumed, or fails already.
fn ordered_headline(system: &System, plan: &Plan) -> String {
    let waves = match plan.waves.len() {
        0 if system.repair => return "Nothing moves, so nothing is repaired.".to_owned(),
        0 => return "Nothing moves.".to_owned(),
        1 => "1 wave".to_owned(),
        count => format!("{count} waves"),
    };
    let verdict = match plan.edges.assumed {
        _ if system.repair => "A repair: nothing breaks that works now.".to_owned(),
        0 => "Safe: yes.".to_owned(),
        1 => "Safe as far as contracts are declared; 1 edge is assumed.".to_owned(),
        count => format!("Safe as far as contracts are declared; {count} edges are assumed."),
    };
    match plan.critical_path.as_slice() {
        [] | [_] => format!("{verdict} {waves}."),
        path => format!("{verdict} {waves}. Longest path {}.", path.join(" → ")),
    }
}

/// What the two strategies would cost.
fn costs(strategies: &Costs) -> Vec<String> {
    let Costs {
        chosen,
        ordered,
        flip,
    } = strategies;
    let told = |strategy: Strategy, name: &str, cost: &Option<Cost>| {
        let sign = if strategy == *chosen { '*' } else { ' ' };
        match cost {
            Some(Cost { waves, restarts }) => {
                let (waves, restarts) = (count(*waves, "wave"), count(*restarts, "restart"));
                format!("{sign} {name}   {waves}, {restarts}")
            }
            None => format!("{sign} {name}   not possible"),
        }
    };
    vec![
        "Strategies".to_owned(),
        told(Strategy::Ordered, "ordered", ordered),
        told(Strategy::Flip, "flip   ", flip),
    ]
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

fn reasons(plan: &Plan) -> BTreeMap<&ServiceName, Vec<(Ordering, &str)>> {
    let mut reasons: BTreeMap<&ServiceName, Vec<(Ordering, &str)>> = BTreeMap::new();
    for precedence in &plan.precedences {
        let of_service = reasons.entry(&precedence.then).or_default();
        of_service.push((precedence.kind, &precedence.because));
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
    let own = plan.steps.iter().filter(|step| step.service == *service);
    let own: Vec<&Step> = own.filter(|step| step.action != Action::Drain).collect();
    let placed: Vec<(&Step, usize)> = own
        .into_iter()
        .filter_map(|step| Some((step, plan.wave_of(&step.id)?)))
        .collect();
    let waves: Vec<String> = placed
        .iter()
        .map(|(_, wave)| (wave + 1).to_string())
        .collect();
    if waves.is_empty() {
        return None;
    }
    let noun = if waves.len() == 1 { "wave" } else { "waves" };
    let waves = waves.join(" and ");
    let mut lines = vec![format!(
        "{service} moves in {noun} {waves} of {}",
        plan.waves.len()
    )];
    let because = reasons(plan).remove(service).unwrap_or_default();
    let mut because: Vec<String> = because
        .into_iter()
        .map(|(_, line)| format!("because {line}"))
        .collect();
    if because.is_empty() {
        because.push("nothing must go before it".to_owned());
    }
    lines.extend(because);
    lines.extend(
        placed
            .iter()
            .filter_map(|(step, wave)| why_not_earlier(plan, step, *wave)),
    );
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

/// What is written by hand and does not hold a service back, since those that it names stand still.
pub fn idle_after(system: &System, service: &ServiceName) -> Option<String> {
    let member = system.services.get(service)?;
    let is_still = |name: &&ServiceName| {
        let first = system.services.get(*name);
        first.is_some_and(|first| !first.moves.is_moving())
    };
    let still = member.after.iter().filter(is_still);
    let still: Vec<&str> = still.map(ServiceName::as_str).collect();
    (!still.is_empty()).then(|| holds_nobody(service, &still))
}

/// The chain that holds a step where it is, down to the first wave: each of it is in the wave before the next.
fn why_not_earlier(plan: &Plan, own: &Step, wave: usize) -> Option<String> {
    let mut chain = Vec::new();
    let mut at = own.id.as_str();
    for before in (0..wave).rev() {
        let step = plan.steps.iter().find(|step| step.id == at)?;
        at = step
            .after
            .iter()
            .find(|first| plan.wave_of(first) == Some(before))?;
        chain.push(waits_for(&[format!("{at} (wave {})", before + 1)]));
    }
    // A service that moves more than once says of which step it speaks.
    let what = if own.id == own.service.as_str() {
        "it"
    } else {
        own.id.as_str()
    };
    (!chain.is_empty()).then(|| format!("not earlier: {what} {}", chain.join(", which ")))
}

/// What a service serves and calls differently, one line each: `calls catalog: 1 → 2`.
pub fn changes(system: &System, service: &ServiceName) -> Vec<String> {
    let Some(member) = system.services.get(service) else {
        return Vec::new();
    };
    if !member.moves.is_moving() {
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
    let mut lines = Vec::new();
    for contract in contracts {
        let before = joined(
            old.iter()
                .map(|one| one.serves.as_ref()?.get(contract).map(listed)),
        );
        let after = joined(
            new.iter()
                .map(|one| one.serves.as_ref()?.get(contract).map(listed)),
        );
        lines.extend(changed(
            &format!("serves {}", label(service, contract)),
            &before,
            &after,
        ));
    }
    for key in keys {
        let before = joined(
            old.iter()
                .map(|one| Some(need_text(&one.calls.get(key)?.need))),
        );
        let after = joined(
            new.iter()
                .map(|one| Some(need_text(&one.calls.get(key)?.need))),
        );
        lines.extend(changed(
            &format!("calls {}", label(&key.0, &key.1)),
            &before,
            &after,
        ));
    }
    lines
}

/// What several live revisions do: `1 | 1, 2`; `-` for one that does nothing.
fn joined<'a>(texts: impl Iterator<Item = Option<Cow<'a, str>>>) -> String {
    let mut distinct: Vec<Cow<'_, str>> = texts
        .map(|text| text.unwrap_or(Cow::Borrowed("-")))
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
        RefusalKind::Unsettled => {
            "a caller that does not move remembers what it agreed on".to_owned()
        }
        RefusalKind::SelfConflict => "a service cannot run beside its own new revision".to_owned(),
        RefusalKind::UnknownContract => {
            "a contract is not declared, and nothing may be assumed".to_owned()
        }
        RefusalKind::Irreversible => "a step could not be undone".to_owned(),
        RefusalKind::NoSwitch => "a caller that would have to wait has no switch".to_owned(),
        RefusalKind::Unfinished => {
            "a service outside this part is in the middle of a rollout".to_owned()
        }
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
        lines.push(format!("  Wave {}: {}", at + 1, wave.join(", ")));
    }
    if refusal.code == Code::BothWays && refusal.cycle.len() == 2 {
        let is_helpful = |name: &ServiceName| {
            proposal.split.contains(name)
                || refusal.alternatives.iter().any(|set| set.contains(name))
        };
        let other = refusal.cycle.iter().find(|name| !is_helpful(name));
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
