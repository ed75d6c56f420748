//! A Deployment moves pods from old ReplicaSets to a new one (`kubernetes:pkg/controller/deployment/rolling.go`,
//! `recreate.go`, `sync.go`).

use super::{Deed, scaling};
use crate::sim::facts::{Rollout, Workload};

/// One pass.
pub(super) fn sync(workload: &mut Workload) -> Vec<Deed> {
    let wanted = workload.wanted;
    let deeds = if scaling::is_due(workload) {
        write(workload, scaling::sizes(workload))
    } else if workload.is_paused {
        Vec::new()
    } else {
        roll(workload)
    };
    let sets = workload.sets.values();
    let status = &mut workload.status;
    status.observed = workload.generation;
    status.newest = wanted;
    status.replicas = sets.clone().map(|set| set.replicas).sum();
    status.ready = sets.map(|set| set.ready).sum();
    status.updated = workload.sets.get(&wanted).map_or(0, |set| set.replicas);
    deeds
}

/// Moves pods from the old ReplicaSets to the new one.
fn roll(workload: &mut Workload) -> Vec<Deed> {
    workload.set_of(workload.wanted);
    let mut sizes = Sizes::of(workload);
    match workload.rollout {
        Rollout::Rolling { surge, unavailable } => {
            sizes.grow(surge);
            sizes.shrink(unavailable);
        }
        Rollout::Recreate => sizes.recreate(workload),
    }
    let new = (workload.wanted, sizes.new);
    let old = sizes.old.into_iter();
    let old = old.map(|(revision, size, _)| (revision, size));
    write(workload, old.chain([new]).collect())
}

/// Tells ReplicaSets their sizes.
fn write(workload: &mut Workload, sizes: Vec<(usize, u32)>) -> Vec<Deed> {
    let mut deeds = Vec::new();
    for (revision, size) in sizes {
        let set = workload.set_of(revision);
        if set.size != size {
            set.size = size;
            set.generation += 1;
            deeds.push(Deed::Resized(revision));
        }
    }
    for set in workload.sets.values_mut() {
        set.desired = workload.replicas;
    }
    deeds
}

/// The sizes that the ReplicaSets are to have.
struct Sizes {
    replicas: u32,
    new: u32,
    new_ready: u32,
    /// Revision, size and ready pods, the oldest first.
    old: Vec<(usize, u32, u32)>,
}

impl Sizes {
    fn of(workload: &Workload) -> Self {
        let old = workload
            .sets
            .iter()
            .filter(|(revision, _)| **revision != workload.wanted);
        let new = workload.sets.get(&workload.wanted);
        Self {
            replicas: workload.replicas,
            new: new.map_or(0, |set| set.size),
            new_ready: new.map_or(0, |set| set.ready),
            old: old
                .map(|(revision, set)| (*revision, set.size, set.ready))
                .collect(),
        }
    }

    fn total(&self) -> u32 {
        self.new + self.old.iter().map(|(_, size, _)| size).sum::<u32>()
    }

    fn grow(&mut self, surge: u32) {
        let room = (self.replicas + surge).saturating_sub(self.total());
        self.new = if self.new < self.replicas {
            self.new + room.min(self.replicas - self.new)
        } else {
            self.replicas
        };
    }

    fn shrink(&mut self, unavailable: u32) {
        let least = self.replicas.saturating_sub(unavailable);
        let new_missing = self.new.saturating_sub(self.new_ready);
        let mut surplus = self.total().saturating_sub(least + new_missing);
        for (_, size, ready) in &mut self.old {
            let taken = size.saturating_sub(*ready).min(surplus);
            *size -= taken;
            surplus -= taken;
        }
        let ready: u32 = self.new_ready + self.old.iter().map(|(_, _, ready)| ready).sum::<u32>();
        let mut surplus = ready.saturating_sub(least).min(surplus);
        for (_, size, _) in &mut self.old {
            let taken = (*size).min(surplus);
            *size -= taken;
            surplus -= taken;
        }
    }

    fn recreate(&mut self, workload: &Workload) {
        for (_, size, _) in &mut self.old {
            *size = 0;
        }
        let old_run = workload.live().any(|pod| pod.revision != workload.wanted);
        if !old_run {
            self.new = self.replicas;
        }
    }
}
