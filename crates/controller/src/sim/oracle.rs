//! What must hold whenever a release is saved: S2, S4, S7, L2 and L7 of reliability.md, and what the plan's strategy promises.
//!
//! In: the release before and after, and the cluster at that very moment. Out: what is wrong, told to the judge.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::cluster::Cluster;
use super::facts::Workload;
use super::judge::UNDER_WAY;
use super::process::Filed;
use super::scenario::Scenario;
use tidegate_spec::crd::{Advance, DrainLevel, OnFailure, ReleaseStatus, ServiceStatus};
use tidegate_spec::{ServiceName, duration};
use tidegate_upgrade::{Standing, StepId};

/// By then the longest silence of a watch is over.
const KNOWN_AFTER: SignedDuration = SignedDuration::from_mins(6);

/// Looks at a release that was just saved.
pub(super) fn was_saved(
    cluster: &mut Cluster,
    scenario: &Scenario,
    filed: &Filed,
    before: &ReleaseStatus,
) {
    cluster.journal.ways(before, &filed.status);
    let mut wrong = Vec::new();
    if let Some(outcome) = &before.outcome {
        wrong.push(format!(
            "S7: it had ended as {outcome} and was saved once more"
        ));
    }
    let known: BTreeMap<&str, &ServiceStatus> = services(before)
        .map(|service| (service.name.as_str(), service))
        .collect();
    let mut has_begun = false;
    for service in services(&filed.status) {
        let was = known.get(service.name.as_str());
        match (
            was.map_or("Waiting", |was| was.state.as_str()),
            service.state.as_str(),
        ) {
            ("Waiting", "Starting") => {
                has_begun = true;
                wrong.extend(began(cluster, scenario, filed, service));
            }
            ("Moving" | "Retiring" | "Removing", "Done" | "Clearing") => {
                if let Some(name) = that_moves(scenario, service) {
                    let goes = service.action == "delete";
                    let seen = (&cluster.view, cluster.now);
                    cluster.judge.service_was_done(seen, &name, goes);
                }
            }
            (_, "Failed") => wrong.extend(hides_its_cause(cluster, service)),
            _ => {}
        }
    }
    if has_begun {
        wrong.extend(crowded(scenario, &filed.status));
    }
    cluster.judge.wrong.extend(wrong);
}

fn services(status: &ReleaseStatus) -> impl Iterator<Item = &ServiceStatus> {
    status.waves.iter().flat_map(|wave| &wave.services)
}

/// What a service leaves unsaid that fails long after somebody has deleted its workload.
fn hides_its_cause(cluster: &Cluster, service: &ServiceStatus) -> Option<String> {
    let step = StepId::parse(&service.name).ok()?;
    let workloads = cluster.view.workloads.values();
    let mut own = workloads.filter(|one| one.service == step.service);
    let is_long_gone = |one: &&Workload| {
        let since = one.disturbed_at.map(|at| cluster.now.duration_since(at));
        !one.exists && since.is_some_and(|since| since > KNOWN_AFTER)
    };
    let gone = own.find(is_long_gone)?;
    // What is refused was not waited for.
    let causes = ["DeletedDuringWait", "OutcomeUnknown", "ApplyRefused"];
    let names_it = causes.contains(&service.reason.as_str());
    (!names_it).then(|| {
        format!(
            "L2: {} failed for {:?}, and does not say that {} was deleted",
            service.name, service.reason, gone.reference
        )
    })
}

/// What is wrong with a start that was just decided.
fn began(
    cluster: &Cluster,
    scenario: &Scenario,
    filed: &Filed,
    service: &ServiceStatus,
) -> Vec<String> {
    let name = &service.name;
    let mut wrong = Vec::new();
    if let Some(stopped_at) = filed.stopped_at {
        let since = duration::describe(cluster.now.duration_since(stopped_at));
        wrong.push(format!(
            "L7: {name} starts {since} after somebody had stopped the release"
        ));
    }
    let is_late = |at| !cluster.judge.is_slow && cluster.now.duration_since(at) > UNDER_WAY;
    if filed.superseded_at.is_some_and(is_late) {
        wrong.push(format!(
            "S4: {name} starts though a newer release takes the place"
        ));
    }
    let strategy = &scenario.bundle.plan.strategy;
    let index = wave_of(&filed.status, name);
    let own = StepId::parse(name)
        .ok()
        .map(|step| step.service.to_string());
    for gate in &strategy.approvals {
        let is_about = Some(&gate.before) == own.as_ref() || gate.before == format!("wave/{index}");
        let is_given = |one: &tidegate_spec::crd::Approval| one.step == gate.before;
        if is_about && !filed.control.approvals.iter().any(is_given) {
            wrong.push(format!(
                "S4: {name} starts without the word that the plan wants"
            ));
        }
    }
    let soak = strategy.soak.as_deref().and_then(duration::parse);
    for first in services(&filed.status).filter(|first| service.after.contains(&first.name)) {
        let soaked = first.end_time.as_ref().zip(soak).map(|(end, soak)| {
            // The API server keeps whole seconds.
            cluster.now.duration_since(end.0) >= soak
        });
        if first.state != "Done" || soaked == Some(false) {
            wrong.push(format!(
                "S1: {name} starts and {} is not done for long enough",
                first.name
            ));
        }
    }
    if strategy.advance == Advance::Wave && strategy.on_failure != OnFailure::Continue {
        let mut earlier = filed.status.waves.iter().filter(|wave| wave.index < index);
        if earlier.any(|wave| wave.services.iter().any(|one| one.state != "Done")) {
            wrong.push(format!("S1: {name} starts before an earlier wave is done"));
        }
    }
    wrong
}

/// The wave of a step, from 1; 0 if it has none.
fn wave_of(status: &ReleaseStatus, step: &str) -> u32 {
    let mut waves = status.waves.iter();
    let wave = waves.find(|wave| wave.services.iter().any(|one| one.name == step));
    wave.map_or(0, |wave| wave.index)
}

/// Whether more moves at once than the plan wants.
fn crowded(scenario: &Scenario, status: &ReleaseStatus) -> Option<String> {
    let most = scenario.bundle.plan.strategy.max_parallel?;
    let moving: BTreeSet<&str> = services(status)
        .filter(|one| Standing::from_word(&one.state).is_some_and(Standing::moves))
        .map(|one| one.name.as_str())
        .collect();
    let is_crowded = u32::try_from(moving.len()).is_ok_and(|count| count > most);
    is_crowded.then(|| format!("S4: {moving:?} move at once, and the plan wants at most {most}"))
}

/// The service of a step whose old pods must be gone in the end.
fn that_moves(scenario: &Scenario, service: &ServiceStatus) -> Option<ServiceName> {
    let step = StepId::parse(&service.name).ok()?;
    let declared = scenario.released.services.get(&step.service);
    let drain = declared.map_or(DrainLevel::Pods, |declared| declared.drain);
    let moves_whole = matches!(service.action.as_str(), "roll" | "create" | "delete");
    (moves_whole && drain == DrainLevel::Pods).then_some(step.service)
}
