//! What changed between the system that a plan was made for and the one that is there now.
//!
//! In: both. Out: one sentence for each thing that is not as it was; none means that the plan still holds.

use super::words::{label, listed, need_text};
use crate::graph::{Member, Moves, Outside, Revision, System};
use tidegate_spec::{Interface, Manner, Requirement, ServiceName};

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
        repair,
    } = then;
    let mut found = Vec::new();
    if *assume != now.assume {
        found.push("`assume` of the graph is another one".to_owned());
    }
    if *repair != now.repair {
        found.push(
            if *repair {
                "the plan was made as a repair, and this is none"
            } else {
                "the plan was made for what is safe, and this is a repair"
            }
            .to_owned(),
        );
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
        let Outside {
            live,
            coming,
            ended,
        } = outside;
        let same = now.external.get(name).is_some_and(|other| match by {
            Sameness::Named => outside == other,
            // What is safe with more callers is safe with fewer of them.
            Sameness::Declared => {
                let known: Vec<Revision> = live.iter().chain(coming).cloned().collect();
                let speak = |one: &Revision| known.iter().any(|it| it.interface == one.interface);
                let is_back = ended.is_some() && other.ended.is_none();
                !is_back && other.live.iter().chain(&other.coming).all(speak)
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
        retained,
        target,
        moves,
        after,
        manner,
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
    let is_known = match by {
        Sameness::Named => *retained == now.retained,
        // What is safe with more that is left unread is safe with less.
        Sameness::Declared => is_within(&now.retained, retained),
    };
    if !is_known {
        found.push(format!(
            "{name}: {} left something that may be unread; the plan was made for {}",
            names(&now.retained, retained),
            names(retained, &now.retained)
        ));
    }
    // What shall run is of no interest where nothing moves.
    let both_stay = !moves.is_moving() && !now.moves.is_moving();
    if !both_stay && !are_same(target.as_slice(), now.target.as_slice(), by) {
        found.push(format!(
            "{name}: the graph declares its new revision differently"
        ));
    }
    if *after != now.after {
        found.push(format!("{name}: `after` is another one"));
    }
    found.extend(
        of_manner(manner, &now.manner).map(|field| format!("{name}: `{field}` is another one")),
    );
    found
}

/// The fields that tell otherwise how a service may move.
fn of_manner(then: &Manner, now: &Manner) -> impl Iterator<Item = &'static str> {
    let Manner {
        routing,
        switch,
        exclusive,
        reversible,
    } = then;
    let fields = [
        ("routing", *routing == now.routing),
        ("switch", *switch == now.switch),
        ("exclusive", *exclusive == now.exclusive),
        ("reversible", *reversible == now.reversible),
    ];
    let other = fields.into_iter().filter(|(_, is_same)| !is_same);
    other.map(|(field, _)| field)
}

fn are_same(then: &[Revision], now: &[Revision], by: Sameness) -> bool {
    match by {
        Sameness::Named => then == now,
        Sameness::Declared => is_within(then, now) && is_within(now, then),
    }
}

/// Whether some others speak as each of these does.
fn is_within(some: &[Revision], others: &[Revision]) -> bool {
    some.iter()
        .all(|one| others.iter().any(|other| one.interface == other.interface))
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
        let label = label(callee, contract);
        let Requirement {
            need,
            optional,
            weight,
            durable,
        } = requirement;
        let mut more = Vec::new();
        more.extend(optional.then(|| "optional".to_owned()));
        more.extend((*weight != 1).then(|| format!("weight {weight}")));
        more.extend(durable.as_ref().map(|until| format!("durable {until}")));
        let more = match more.as_slice() {
            [] => String::new(),
            [..] => format!(" ({})", more.join(", ")),
        };
        format!("calls {label} {}{more}", need_text(need))
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
        Moves::Kept => "would stay as its job left it",
    }
}

fn verb(moves: Moves) -> &'static str {
    match moves {
        Moves::Create => "be created",
        Moves::Roll => "roll",
        Moves::Job => "run as a job",
        Moves::Delete => "be deleted",
        Moves::Stays => "stay as it is",
        Moves::Kept => "stay as its job left it",
    }
}
