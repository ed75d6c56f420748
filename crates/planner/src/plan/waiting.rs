//! Whether the lists of a plan's steps make one wait for another, also through others.

use std::collections::BTreeMap;

use super::check::Fault;
use super::document::Plan;
use crate::by_name::ByName;
use tidegate_spec::ServiceName;

/// What must follow from the lists, by the numbers of steps in the plan's waves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// Which wait.
    pub wait: Wait,
    /// What is wrong if it does not follow.
    pub lack: Lack,
    /// Of whom: caller and callee, or the two of a group.
    pub ends: (&'a ServiceName, &'a ServiceName),
}

/// Who waits for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// What must be done and what may start then; any one of them will do.
    OneOf([Option<(usize, usize)>; 2]),
    /// The first starts no later than the second: it waits for nothing else.
    NoLater(usize, usize),
}

/// What is wrong where nobody waits.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lack {
    /// See [`Fault::Unordered`].
    Unordered,
    /// See [`Fault::Undrained`].
    Undrained,
    /// See [`Fault::Together`].
    Together,
}

impl Wanted<'_> {
    fn fault(&self) -> Fault {
        let (one, other) = (self.ends.0.clone(), self.ends.1.clone());
        match self.lack {
            Lack::Unordered => Fault::Unordered {
                caller: one,
                callee: other,
            },
            Lack::Undrained => Fault::Undrained {
                caller: one,
                callee: other,
            },
            Lack::Together => Fault::Together {
                first: one,
                then: other,
            },
        }
    }
}

/// The number of what nobody does here and what comes only when all steps are done.
pub(super) const AFTER_ALL: usize = usize::MAX;

/// The number of each step: its place in the waves, read one after the other.
pub(super) fn numbers(plan: &Plan) -> ByName<&str, usize> {
    let ids = plan.waves.iter().flatten().enumerate();
    ids.map(|(at, id)| (id.as_str(), at)).collect()
}

/// The faults of those wants that the steps' own lists do not meet.
pub(super) fn not_waiting(
    plan: &Plan,
    number: &ByName<&str, usize>,
    wanted: &[Wanted<'_>],
) -> Vec<Fault> {
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
    // Which pairs each want asks for, and where those of the next one begin.
    let mut asked: Vec<(usize, usize)> = Vec::new();
    let mut ends: Vec<usize> = Vec::with_capacity(wanted.len());
    for want in wanted {
        match want.wait {
            Wait::OneOf(waits) => asked.extend(waits.into_iter().flatten()),
            Wait::NoLater(one, other) => {
                asked.extend(list(&lists, one).iter().map(|first| (*first, other)));
            }
        }
        ends.push(asked.len());
    }
    let follows = follows(&lists, &asked);
    let mut faults: Vec<Fault> = Vec::new();
    let mut begin = 0;
    for (want, end) in wanted.iter().zip(ends) {
        let own = follows.get(begin..end).unwrap_or_default();
        let is_met = match want.wait {
            Wait::OneOf(_) => own.contains(&true),
            Wait::NoLater(..) => !own.contains(&false),
        };
        if !is_met {
            faults.push(want.fault());
        }
        begin = end;
    }
    faults.dedup();
    faults
}

/// What a step's own list names. In a sound plan each step stands at its number.
fn list(lists: &[(usize, Vec<usize>)], step: usize) -> &[usize] {
    let own = lists.get(step).filter(|(own, _)| *own == step);
    let own = own.or_else(|| {
        let at = lists.binary_search_by_key(&step, |(step, _)| *step);
        lists.get(at.ok()?)
    });
    own.map_or(&[], |(_, after)| after)
}

/// Of each pair, whether the lists make the second wait for the first.
fn follows(lists: &[(usize, Vec<usize>)], asked: &[(usize, usize)]) -> Vec<bool> {
    let is_last = |(first, then): (usize, usize)| then == AFTER_ALL && first < lists.len();
    let is_named = |(first, then)| list(lists, then).contains(&first);
    let named = asked.iter().map(|ask| is_last(*ask) || is_named(*ask));
    let mut follows: Vec<bool> = named.collect();
    // Only what no list names itself must be searched for.
    let mut by_block: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, ((first, _), follows)) in asked.iter().zip(&follows).enumerate() {
        if !follows {
            by_block.entry(first / BLOCK).or_default().push(at);
        }
    }
    for (block, open) in by_block {
        let done = done_before(lists, block);
        for at in open {
            if let Some(((first, then), slot)) = asked.get(at).zip(follows.get_mut(at)) {
                *slot = done.get(*then).is_some_and(|row| has(row, first % BLOCK));
            }
        }
    }
    follows
}

/// One bit for each of so many steps.
type Row = [u64; 64];
const BLOCK: usize = 4096;
const EMPTY: Row = [0; 64];

fn has(row: &Row, bit: usize) -> bool {
    row.get(bit / 64)
        .is_some_and(|word| word >> (bit % 64) & 1 == 1)
}

/// For each step one bit for each step of a block: whether that is done before this one may start.
fn done_before(lists: &[(usize, Vec<usize>)], block: usize) -> Vec<Row> {
    let mut done = vec![EMPTY; lists.len()];
    // Who comes before the block waits for nobody in it.
    let begin = block * BLOCK;
    for (step, after) in lists.iter().filter(|(step, _)| *step > begin) {
        let mut all = EMPTY;
        for first in after.iter().filter(|first| **first >= begin) {
            let more = done.get(*first).into_iter().flatten();
            for (word, more) in all.iter_mut().zip(more) {
                *word |= more;
            }
            let bit = first % BLOCK;
            if let Some(word) = all.get_mut(bit / 64).filter(|_| first / BLOCK == block) {
                *word |= 1 << (bit % 64);
            }
        }
        if let Some(slot) = done.get_mut(*step) {
            *slot = all;
        }
    }
    done
}
