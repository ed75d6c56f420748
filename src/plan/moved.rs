//! What changed between the system that a plan was made for and the one that is there now.
//!
//! In: both. Out: one sentence for each thing that is not as it was; none means that the plan still holds.

use super::words::listed;
use crate::graph::{Member, Moves, Outside, Revision, System};
use crate::spec::{Interface, ServiceName};

/// When two revisions count as the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sameness {
    /// They have one name and speak the same: for a plan that was made from what runs.
    Named,
    /// They speak the same: for a plan that was made from declared graphs, where nobody knew the names.
    Declared,
}

/// Everything that moved.
pub fn moved(then: &System, now: &System, by: Sameness) -> Vec<String> {
    let System {
        services,
        external,
        assume,
    } = then;
    let mut found = Vec::new();
    if *assume != now.assume {
        found.push("`assume` of the graph is another one".to_owned());
    }
    for (name, member) in services {
        match now.services.get(name) {
            Some(other) => found.extend(of_member(name, member, other, by)),
            None => found.push(format!("{name}: is not there any more")),
        }
    }
    let added = now
        .services
        .keys()
        .filter(|name| !services.contains_key(*name));
    found.extend(added.map(|name| format!("{name}: was not there")));
    for (name, outside) in external {
        let Outside { live, coming } = outside;
        let same = now.external.get(name).is_some_and(|other| match by {
            Sameness::Named => outside == other,
            // What is safe with more callers is safe with fewer of them.
            Sameness::Declared => {
                let known: Vec<Revision> = live.iter().chain(coming).cloned().collect();
                let speak = |one: &Revision| known.iter().any(|it| it.interface == one.interface);
                other.live.iter().chain(&other.coming).all(speak)
            }
        });
        if !same {
            found.push(format!(
                "{name}: is declared differently as a caller from outside"
            ));
        }
    }
    let added = now
        .external
        .keys()
        .filter(|name| !external.contains_key(*name));
    found.extend(added.map(|name| format!("{name}: was no caller from outside")));
    found
}

fn of_member(name: &ServiceName, then: &Member, now: &Member, by: Sameness) -> Vec<String> {
    let Member {
        live,
        target,
        moves,
        after,
    } = then;
    let mut found = Vec::new();
    if *moves != now.moves {
        found.push(format!(
            "{name}: {}; it was planned to {}",
            would(now.moves),
            verb(*moves)
        ));
    }
    if !are_same(live, &now.live, by) {
        found.push(format!(
            "{name}: runs {}; the plan was made for {}",
            names(&now.live, live),
            names(live, &now.live)
        ));
    }
    // What shall run is of no interest where nothing moves.
    let both_stay = *moves == Moves::Stays && now.moves == Moves::Stays;
    if !both_stay && !are_same(target.as_slice(), now.target.as_slice(), by) {
        found.push(format!(
            "{name}: the graph declares its new revision differently"
        ));
    }
    if *after != now.after {
        found.push(format!("{name}: `after` is another one"));
    }
    found
}

fn are_same(then: &[Revision], now: &[Revision], by: Sameness) -> bool {
    match by {
        Sameness::Named => then == now,
        Sameness::Declared => {
            let within = |some: &[Revision], others: &[Revision]| {
                some.iter()
                    .all(|one| others.iter().any(|other| one.interface == other.interface))
            };
            within(then, now) && within(now, then)
        }
    }
}

/// Revisions by name, with what they speak where the other side has one of the same name that speaks otherwise.
fn names(some: &[Revision], others: &[Revision]) -> String {
    if some.is_empty() {
        return "nothing".to_owned();
    }
    let shown: Vec<String> = some
        .iter()
        .map(|one| {
            let named = others.iter().any(|other| other.name == one.name);
            if named && !others.contains(one) {
                format!("{} ({})", one.name, speaks(one.interface.as_ref()))
            } else {
                one.name.clone()
            }
        })
        .collect();
    shown.join(", ")
}

fn speaks(interface: Option<&Interface>) -> String {
    let Some(Interface { serves, calls }) = interface else {
        return "undeclared".to_owned();
    };
    let served = serves.iter().flatten();
    let mut words: Vec<String> = served
        .map(|(contract, versions)| format!("serves {contract} {}", listed(versions)))
        .collect();
    words.extend(calls.iter().map(|((callee, contract), requirement)| {
        let label = super::words::label(callee, contract);
        format!(
            "calls {label} {}",
            super::words::need_text(&requirement.need)
        )
    }));
    if words.is_empty() {
        "neither serves nor calls".to_owned()
    } else {
        words.join(", ")
    }
}

fn would(moves: Moves) -> &'static str {
    match moves {
        Moves::Create => "would be created",
        Moves::Roll => "would roll",
        Moves::Job => "would run as a job",
        Moves::Delete => "would be deleted",
        Moves::Stays => "would not move",
    }
}

fn verb(moves: Moves) -> &'static str {
    match moves {
        Moves::Create => "be created",
        Moves::Roll => "roll",
        Moves::Job => "run as a job",
        Moves::Delete => "be deleted",
        Moves::Stays => "stay as it is",
    }
}
