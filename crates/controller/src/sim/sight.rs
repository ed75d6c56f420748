//! What a controller process sees in one look, by the rules of the real world.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cluster::Cluster;
use super::process::Kept;
use tidegate_upgrade::gate::Read;
use tidegate_upgrade::{Agenda, Asked, Observation, State, Wanted, Wish};

/// What people ask.
pub(super) fn wanted(kept: &Kept) -> Wanted {
    let control = &kept.filed.control;
    Wanted {
        pause: control.pause,
        abort: control.abort,
        reason: None,
        approvals: control.approvals.clone(),
        retries: control.retries.clone(),
        forces: control.forces.clone(),
        freeze: kept.scenario.bundle.plan.freeze.clone(),
        superseded_by: kept.filed.superseded_by.clone(),
    }
}

/// What a turn of a process sees that drives a release.
pub(super) fn look(
    (cluster, kept): (&Cluster, &Kept),
    number: usize,
    agenda: &Agenda,
    state: &State,
    wish: &Wish,
) -> Observation {
    let asked = Asked::of(agenda, state, wish, cluster.now);
    let live = asked.live.into_iter().map(|step| (step, Read::Live));
    let shown = asked.cached.into_iter().map(|step| (step, Read::Cached));
    let cached = cluster
        .watchers
        .get(number)
        .map(|watcher| Arc::clone(&watcher.view))
        .unwrap_or_default();
    Observation {
        now: cluster.now,
        wanted: wanted(kept),
        snapshots: live
            .chain(shown)
            .filter_map(|(name, read)| {
                let view = match read {
                    Read::Live | Read::File => &cluster.view,
                    Read::Cached => &*cached,
                };
                let judged = agenda.members.get(&name)?.judged();
                let looks = judged
                    .map(|workload| (workload.clone(), view.look(workload, read, cluster.now)));
                Some((name, looks.collect()))
            })
            .collect(),
        prepared: asked
            .objects
            .into_iter()
            .map(|object| {
                let prepared = cluster.rehearse(&kept.scenario, &object);
                (object, prepared)
            })
            .collect(),
        builds: BTreeMap::new(),
        outcomes: Vec::new(),
    }
}
