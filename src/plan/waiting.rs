//! Whether the lists of a plan's steps make one wait for another, also through others.

use std::collections::{BTreeMap, BTreeSet};

use super::check::Fault;
use super::document::Plan;

/// "One of these waits must follow from the lists", by the numbers of steps in the plan's waves.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// Pairs of what must be done and what may start then; any one will do.
    pub any: Vec<(usize, usize)>,
    /// What is wrong if none holds.
    pub fault: Fault,
}

/// The number of what nobody does here and what comes only when all steps are done.
pub(super) const AFTER_ALL: usize = usize::MAX;

/// The number of each step: its place in the waves, read one after the other.
pub(super) fn numbers(plan: &Plan) -> BTreeMap<&str, usize> {
    let ids = plan.waves.iter().flatten().enumerate();
    ids.map(|(at, id)| (id.as_str(), at)).collect()
}

/// The faults of those wants that the steps' own lists do not meet.
pub(super) fn not_waiting(plan: &Plan, wanted: Vec<Wanted>) -> Vec<Fault> {
    let number = numbers(plan);
    let numbered = |id: &str| number.get(id).copied().unwrap_or(usize::MAX);
    let mut lists: Vec<(usize, Vec<usize>)> = plan
        .steps
        .iter()
        .map(|step| {
            let after = step.after.iter().map(|id| numbered(id));
            (numbered(&step.id), after.collect())
        })
        .collect();
    lists.sort_unstable();
    let mut by_block: BTreeMap<usize, Vec<(usize, usize, usize)>> = BTreeMap::new();
    for (at, Wanted { any, fault: _ }) in wanted.iter().enumerate() {
        for (first, then) in any {
            let block = by_block.entry(first / 64).or_default();
            block.push((first % 64, *then, at));
        }
    }
    let mut met: BTreeSet<usize> = BTreeSet::new();
    for (block, asked) in by_block {
        let done = done_before(&lists, block);
        let waits =
            |bit: &usize, then: &usize| done.get(*then).is_some_and(|bits| bits >> bit & 1 == 1);
        let is_step = |bit: &usize| block * 64 + bit < lists.len();
        let yes = asked
            .iter()
            .filter(|(bit, then, _)| waits(bit, then) || (*then == AFTER_ALL && is_step(bit)));
        met.extend(yes.map(|(.., at)| *at));
    }
    let all = wanted.into_iter().enumerate();
    let unmet = all.filter(|(at, _)| !met.contains(at));
    let mut faults: Vec<Fault> = unmet.map(|(_, wanted)| wanted.fault).collect();
    faults.dedup();
    faults
}

/// For each step one bit for each of 64 others: whether that is done before this one may start.
fn done_before(lists: &[(usize, Vec<usize>)], block: usize) -> Vec<u64> {
    let mut done = vec![0_u64; lists.len()];
    for (step, after) in lists {
        let own = |first: usize| {
            if first / 64 == block {
                1_u64 << (first % 64)
            } else {
                0
            }
        };
        let before = |first: &usize| own(*first) | done.get(*first).copied().unwrap_or_default();
        let all = after.iter().map(before).fold(0, |bits, more| bits | more);
        if let Some(slot) = done.get_mut(*step) {
            *slot = all;
        }
    }
    done
}
