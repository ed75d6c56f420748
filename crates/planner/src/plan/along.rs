//! Who must move along with a part of a release that cannot do without them.
//!
//! In: a system of which a part is asked for. Out: the services that are left out and must not be. Says nothing of their order.

use std::collections::BTreeSet;

use crate::graph::{Derivation, Member, Moves, System, derive};
use tidegate_spec::ServiceName;

/// What a part of a release lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Along {
    /// The services that must move too, the fewest that will do.
    pub lacking: BTreeSet<ServiceName>,
    /// All that move then.
    pub all: BTreeSet<ServiceName>,
}

/// The services that are left out and without which the part would end unsafe; `None` if they are no help.
///
/// A pair that clashes at the end has an end that was asked for, so the other one must move or there is no such part:
/// whatever is added is needed.
pub(super) fn along(system: &System, derived: &Derivation<'_>) -> Option<Along> {
    let mut lacking = left_out(system, derived);
    let mut more = lacking.clone();
    let mut whole = system.clone();
    while !more.is_empty() {
        for (name, member) in &mut whole.services {
            if more.contains(name) {
                member.moves = match (member.live.is_empty(), &member.target) {
                    (true, _) => Moves::Create,
                    (false, Some(_)) => Moves::Roll,
                    (false, None) => Moves::Delete,
                };
            }
        }
        let derived = derive(&whole);
        if derived.unsafe_at_end.is_empty() {
            let moving = whole.services.iter();
            let moving = moving.filter(|(_, member)| member.moves.is_moving());
            return Some(Along {
                lacking,
                all: moving.map(|(name, _)| name.clone()).collect(),
            });
        }
        more = left_out(&whole, &derived);
        lacking.extend(more.iter().cloned());
    }
    None
}

/// Of the pairs that clash at the end, those services that would be another revision if they were not left out.
fn left_out(system: &System, derived: &Derivation<'_>) -> BTreeSet<ServiceName> {
    let pairs = derived.unsafe_at_end.iter();
    let ends = pairs.flat_map(|pair| [pair.link.caller, pair.link.callee]);
    let is_left_out = |name: &&ServiceName| {
        let member = system.services.get(*name);
        member.is_some_and(Member::is_left_out)
    };
    ends.filter(is_left_out).cloned().collect()
}
