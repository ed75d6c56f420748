//! What a Deployment does first when another number of pods is wanted: its ReplicaSets grow or shrink as they are, each by its
//! share (`kubernetes:pkg/controller/deployment/sync.go`).

use crate::sim::facts::{Rollout, Workload};

/// Whether a ReplicaSet with pods was sized for another number.
pub(super) fn is_due(workload: &Workload) -> bool {
    let mut sets = workload.sets.values();
    sets.any(|set| set.size > 0 && set.desired != workload.replicas)
}

/// The sizes that ReplicaSets are to have, by revision.
pub(super) fn sizes(workload: &Workload) -> Vec<(usize, u32)> {
    let wanted = workload.replicas;
    let active = workload.sets.iter().filter(|(_, set)| set.size > 0);
    let mut active: Vec<(usize, u32, u32)> = active
        .map(|(revision, set)| (*revision, set.size, set.desired))
        .collect();
    if let [(only, ..)] = active.as_slice() {
        return vec![(*only, wanted)];
    }
    let new = workload.sets.get(&workload.wanted);
    if new.is_some_and(|new| new.size == wanted && new.ready == wanted) {
        let old = active.into_iter();
        let old = old.filter(|(revision, ..)| *revision != workload.wanted);
        return old.map(|(revision, ..)| (revision, 0)).collect();
    }
    let Rollout::Rolling { surge, .. } = workload.rollout else {
        return Vec::new();
    };
    let room = i64::from(wanted + surge);
    let all: i64 = active.iter().map(|(_, size, _)| i64::from(*size)).sum();
    let missing = room - all;
    // The largest first; of two of one size the newer one grows, the older one shrinks.
    active.sort_by_key(|(revision, size, _)| (std::cmp::Reverse(*size), *revision));
    if missing > 0 {
        active.sort_by_key(|(revision, size, _)| std::cmp::Reverse((*size, *revision)));
    }
    let mut given = 0;
    let mut sizes: Vec<(usize, i64)> = Vec::new();
    for (revision, size, desired) in active {
        let before = i64::from(desired + surge).max(1);
        let size = i64::from(size);
        let grown = (2 * size * room + before) / (2 * before) - size;
        let left = missing - given;
        let share = if missing > 0 {
            grown.min(left)
        } else {
            grown.max(left)
        };
        given += share;
        sizes.push((revision, size + share));
    }
    if let Some((_, largest)) = sizes.first_mut() {
        *largest += missing - given;
    }
    let sizes = sizes.into_iter();
    sizes
        .map(|(revision, size)| (revision, u32::try_from(size).unwrap_or(0)))
        .collect()
}
