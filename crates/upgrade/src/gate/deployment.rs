//! How far a Deployment is; completion.md §4.1.
//!
//! Counts and templates decide. The conditions are kept for failure only: they outlive their rollout.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::assessment::Note;
use super::baseline::BaselineCondition;
use super::digested::Digested;
use super::failure::Scan;
use super::lineage::{new_replica_sets, owned_replica_sets};
use super::reason::Reason;
use super::snapshot::{self, Read, count, replicas};
use super::verdict::{Class, Verdict};
use super::{Capacity, Judgement, Look};

/// Rows D1 to D13. What is complete by its counts is complete whatever a condition still says.
pub(super) fn judge(look: &Look<'_>, deployment: &Digested<Deployment>, scan: &Scan) -> Judgement {
    let wanted = replicas(deployment.spec.replicas);
    let is_paused = deployment.spec.paused == Some(true);
    if snapshot::is_empty(&deployment.spec.selector) {
        let detail = "its selector is empty: the controller refuses to act on it";
        return Verdict::failed(Reason::SelectsAll, Class::Terminal, detail).into();
    }
    let sets = new_replica_sets(deployment, &look.snapshot.replica_sets);
    let counted = match sets.first() {
        None => Verdict::progressing(Reason::ReplicaSetNotCreated, 0, wanted),
        Some(new) => counted(look, deployment, new),
    };
    if let Some(failed) = scan.beside(&counted) {
        return failed.clone().into();
    }
    let timeout = timed_out(look, deployment, sets.first().map(|set| &***set));
    if counted == Verdict::Complete {
        let paused = is_paused.then_some(Note::Paused);
        let zero = (wanted == 0).then_some(Note::ZeroReplicas);
        // Its next look takes the condition back.
        let timeout = match timeout {
            Timeout::Ours(_) | Timeout::Stale => Some(Note::StaleTimeout),
            Timeout::No => None,
        };
        return Judgement {
            verdict: counted,
            notes: paused.into_iter().chain(zero).chain(timeout).collect(),
        };
    }
    let verdict = match (&timeout, is_paused) {
        (Timeout::Ours(message), _) if !look.memory.is_latched => Verdict::failed(
            Reason::ProgressDeadlineExceeded,
            Class::Retryable,
            message.as_str(),
        ),
        (Timeout::Ours(_) | Timeout::Stale | Timeout::No, true) => {
            let updated = if sets.is_empty() {
                0
            } else {
                updated(deployment)
            };
            Verdict::paused(Reason::Paused, updated, wanted)
        }
        (Timeout::Ours(_) | Timeout::Stale | Timeout::No, false) => counted,
    };
    let stale = matches!(timeout, Timeout::Stale).then_some(Note::StaleTimeout);
    Judgement {
        verdict,
        notes: stale.into_iter().collect(),
    }
}

fn updated(deployment: &Deployment) -> u32 {
    count(
        deployment
            .status
            .as_ref()
            .and_then(|status| status.updated_replicas),
    )
}

/// Rows D8 to D13.
fn counted(look: &Look<'_>, deployment: &Deployment, new: &ReplicaSet) -> Verdict {
    let wanted = replicas(deployment.spec.replicas);
    let status = deployment.status.clone().unwrap_or_default();
    let updated = count(status.updated_replicas);
    // The two controllers write their status one after the other: both must agree with what is wanted.
    if updated != wanted {
        return Verdict::progressing(Reason::Updating, updated.min(wanted), wanted);
    }
    if !has_size(new, wanted) || !is_observed(new) {
        let words = format!(
            "ReplicaSet {} does not say so yet",
            snapshot::name(&new.metadata)
        );
        return Verdict::progressing(Reason::Updating, updated, wanted).with(words);
    }
    let mut others = owned_replica_sets(deployment, &look.snapshot.replica_sets)
        .filter(|set| snapshot::uid(&set.metadata) != snapshot::uid(&new.metadata));
    let other = others.find(|set| !has_size(set, 0));
    let all = count(status.replicas);
    if all != updated || other.is_some() {
        let words = other.map(|set| {
            let name = snapshot::name(&set.metadata);
            format!("ReplicaSet {name} still has or wants pods")
        });
        return Verdict::progressing(Reason::OldReplicas, updated, all.max(updated))
            .with(words.unwrap_or_default());
    }
    let available = count(
        new.status
            .as_ref()
            .and_then(|status| status.available_replicas),
    );
    if available < enough(look, deployment, wanted) {
        return Verdict::progressing(Reason::Available, available, wanted);
    }
    Verdict::Complete
}

/// Whether a ReplicaSet wants and has so many pods.
fn has_size(set: &ReplicaSet, size: u32) -> bool {
    let there = set.status.as_ref().map(|status| status.replicas);
    replicas(set.spec.replicas) == size && count(there) == size
}

/// Whether its controller does not lag behind what is wanted of it (D9). The API server gives every ReplicaSet a generation;
/// where a file leaves it out there is nothing to lag behind.
fn is_observed(set: &ReplicaSet) -> bool {
    let status = set.status.as_ref();
    let observed = status.and_then(|status| status.observed_generation);
    observed.unwrap_or_default() >= snapshot::generation(&set.metadata)
}

/// How many new pods must be available.
pub(super) fn enough(look: &Look<'_>, deployment: &Deployment, wanted: u32) -> u32 {
    match look.policy.capacity {
        Capacity::Full => wanted,
        Capacity::Min => wanted - max_unavailable(deployment, wanted).min(wanted),
    }
}

/// How many pods the strategy may take away, as the controller reckons: percentages are rounded down,
/// and if neither surge nor absence is allowed, one pod may be absent.
fn max_unavailable(deployment: &Deployment, wanted: u32) -> u32 {
    let strategy = deployment.spec.strategy.as_ref();
    let Some(rolling) = strategy.and_then(|strategy| strategy.rolling_update.as_ref()) else {
        return 0;
    };
    let part = |value: Option<&IntOrString>, round_up: u32| match value {
        Some(IntOrString::Int(number)) => count(Some(*number)),
        Some(IntOrString::String(text)) => {
            let percent = text
                .trim_end_matches('%')
                .parse::<u32>()
                .unwrap_or_default();
            percent.saturating_mul(wanted).saturating_add(round_up) / 100
        }
        None => 25_u32.saturating_mul(wanted).saturating_add(round_up) / 100,
    };
    let unavailable = part(rolling.max_unavailable.as_ref(), 0);
    let surge = part(rolling.max_surge.as_ref(), 99);
    if unavailable == 0 && surge == 0 {
        1
    } else {
        unavailable
    }
}

/// What the Deployment says about its progress deadline.
enum Timeout {
    No,
    Ours(String),
    /// It speaks of an earlier rollout: on a return to an existing ReplicaSet nobody resets it.
    Stale,
}

/// Rows D5 and D6.
fn timed_out(look: &Look<'_>, deployment: &Deployment, new: Option<&ReplicaSet>) -> Timeout {
    let Some(condition) = progressing(deployment.status.as_ref()) else {
        return Timeout::No;
    };
    if condition.reason.as_deref() != Some("ProgressDeadlineExceeded") {
        return Timeout::No;
    }
    let message = condition.message.clone().unwrap_or_default();
    let new_name = new.map_or("", |new| snapshot::name(&new.metadata));
    let names_new = !new_name.is_empty() && message.contains(&format!("\"{new_name}\""));
    // Of files without a record nobody knows what was there before.
    let is_unrecorded = look.snapshot.read == Read::File && look.baseline.uid.is_none();
    if names_new || !(is_unrecorded || is_in_baseline(look, condition)) {
        Timeout::Ours(message)
    } else {
        Timeout::Stale
    }
}

pub(super) fn progressing(status: Option<&DeploymentStatus>) -> Option<&DeploymentCondition> {
    let mut conditions = status?.conditions.as_ref()?.iter();
    conditions.find(|condition| condition.type_.as_deref() == Some("Progressing"))
}

pub(super) fn is_in_baseline(look: &Look<'_>, condition: &DeploymentCondition) -> bool {
    let condition = BaselineCondition::from(condition);
    look.baseline.conditions.iter().any(|before| {
        before.type_ == condition.type_
            && before.message == condition.message
            && before.last_update_time == condition.last_update_time
            && before.last_transition_time == condition.last_transition_time
    })
}
