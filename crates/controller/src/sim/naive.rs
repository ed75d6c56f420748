//! What other ways of applying the same manifests would have done, in the same cluster.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::chance::Chance;
use super::cluster::Cluster;
use super::facts::{Kind, Workload};
use super::judge::Traffic;
use super::pace::Pace;
use super::run::cluster_of;
use super::scenario::Scenario;
use tidegate_planner::plan::Plan;
use tidegate_spec::{ObjectRef, ServiceName};
use tidegate_upgrade::Write;

/// A way of applying manifests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Everything at once, as `kubectl apply -f` does.
    AllAtOnce,
    /// The waves of the plan, each as soon as `kubectl rollout status` says that the one before is done.
    RolloutStatus,
}

/// How long after the last write pods may still come and go.
const AFTERWARDS: SignedDuration = SignedDuration::from_mins(10);
/// How often `kubectl rollout status` is asked.
const ASKED_EVERY: SignedDuration = SignedDuration::from_secs(1);

/// The calls of one run, and how many pods were made too early.
///
/// In: the scenario with its plan, the way, a seed; without faults.
pub fn run_naively(scenario: &Scenario, plan: &Plan, way: Way, seed: u64) -> (Traffic, usize) {
    let mut chance = Chance::of(seed);
    let (mut cluster, _) = cluster_of(scenario, &mut chance, Pace::USUAL, Some(plan));
    let waves: Vec<BTreeSet<ServiceName>> = match way {
        Way::AllAtOnce => vec![plan.steps.iter().map(|step| step.service.clone()).collect()],
        Way::RolloutStatus => plan
            .waves
            .iter()
            .map(|wave| {
                plan.steps
                    .iter()
                    .filter(|step| wave.contains(&step.id))
                    .map(|step| step.service.clone())
                    .collect()
            })
            .collect(),
    };
    for wave in waves {
        for service in &wave {
            apply(&mut cluster, scenario, service);
        }
        let limit = cluster.after(AFTERWARDS);
        while cluster.now < limit
            && !wave
                .iter()
                .all(|service| says_done(&cluster, scenario, service))
        {
            let next = cluster.after(ASKED_EVERY);
            cluster.pass_to(next);
        }
    }
    let last = cluster.after(AFTERWARDS);
    while let Some(next) = cluster.next().filter(|next| *next <= last) {
        cluster.pass_to(next);
    }
    // A way that knows of no contracts leaves their stamps as they were (S12): it makes no promise about them.
    let is_early = |words: &&String| words.starts_with("S1: pod ");
    let early = cluster.judge.wrong.iter().filter(is_early).count();
    (cluster.judge.traffic, early)
}

fn apply(cluster: &mut Cluster, scenario: &Scenario, service: &ServiceName) {
    if let Some(objects) = scenario.leaving.get(service) {
        for object in objects {
            cluster.remove(scenario, object, 0);
        }
        return;
    }
    for object in objects_of(scenario, service) {
        let prepared = cluster.rehearse(scenario, &object);
        let write = Write {
            object,
            precondition: prepared.precondition,
            stamp: prepared.live_stamp,
            held: Vec::new(),
        };
        // Nobody else writes in between, so the precondition holds.
        drop(cluster.apply(scenario, &write, 0));
    }
}

fn objects_of(scenario: &Scenario, service: &ServiceName) -> Vec<ObjectRef> {
    let owned = scenario.bundle.services.get(service);
    owned
        .map(|owned| scenario.bundle.references(&owned.objects))
        .unwrap_or_default()
}

fn says_done(cluster: &Cluster, scenario: &Scenario, service: &ServiceName) -> bool {
    let objects = objects_of(scenario, service);
    let workloads = objects
        .iter()
        .filter_map(|object| cluster.view.workloads.get(object));
    let mut all = workloads.map(rollout_status);
    all.all(|is_done| is_done)
}

/// What `kubectl rollout status` says (`kubernetes/kubectl:pkg/polymorphichelpers/rollout_status.go`). It has no word on
/// Jobs; `kubectl wait --for=condition=complete` has.
fn rollout_status(workload: &Workload) -> bool {
    let status = &workload.status;
    if status.observed < workload.generation {
        return false;
    }
    match workload.kind {
        Kind::Deployment => {
            status.updated >= workload.replicas
                && status.replicas <= status.updated
                && status.ready >= status.updated
        }
        Kind::StatefulSet => status.ready >= workload.replicas && status.current == status.newest,
        Kind::DaemonSet => status.updated >= workload.replicas && status.ready >= workload.replicas,
        Kind::Job => status.is_complete,
    }
}
