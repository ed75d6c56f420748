//! Services that come, or go, with each other and call each other.
//!
//! In: the nodes and who must be done before whom. Out: the groups that start together, and their precedences marked so.

use std::collections::BTreeSet;

use super::{Clash, Kind, Moves, Node, Precedence, Strength, components};

/// Services that come for the first time and call each other cannot each be there before the other; those that go away and
/// call each other cannot each go before the other. Nothing that works breaks when they start together.
pub(super) fn together(nodes: &[Node<'_>], precedences: &mut [Precedence<'_>]) -> Vec<Vec<usize>> {
    let moves = |at: usize| nodes.get(at).map(|node| node.moves);
    let is_mutual = |one: &Precedence<'_>| {
        let wanted = match one.kind {
            Kind::ServerFirst => Moves::Create,
            Kind::ClientFirst => Moves::Delete,
            Kind::Manual => return false,
        };
        one.strength == Strength::Hard
            && moves(one.first) == Some(wanted)
            && moves(one.then) == Some(wanted)
            && one.pairs.iter().all(|pair| pair.clash == Clash::Absent)
    };
    let mutual = precedences.iter().filter(|one| is_mutual(one));
    let mut groups = components(nodes.len(), mutual.map(|one| (one.first, one.then)));
    // Where somebody wants one before the other all the same, there is no order.
    groups.retain(|members| {
        let has = |at: usize| members.binary_search(&at).is_ok();
        let mut exclusive = members.iter().filter_map(|at| nodes.get(*at)?.exclusive());
        let mut apart = precedences.iter().filter(|one| one.kind == Kind::Manual);
        !apart.any(|one| has(one.first) && has(one.then))
            && exclusive.clone().collect::<BTreeSet<_>>().len() == exclusive.by_ref().count()
    });
    for one in precedences {
        let has_both = |members: &Vec<usize>| {
            members.binary_search(&one.first).is_ok() && members.binary_search(&one.then).is_ok()
        };
        if is_mutual(one) && groups.iter().any(has_both) {
            one.strength = Strength::Together;
        }
    }
    groups
}
