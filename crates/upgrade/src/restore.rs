//! `.status` to [`State`]: where a release stood when its last driver saved it.

use std::collections::{BTreeMap, BTreeSet};

use super::agenda::{Agenda, Belongings, Change, Charter, Member};
use super::gate::Recorded;
use super::state::{
    Course, Ending, Fleeting, Progress, Record, ServiceState, Standing, State, WaveTimes,
};
use super::step_id::StepId;
use super::why;
use tidegate_spec::crd::{ReleaseStatus, ServiceStatus};
use tidegate_spec::freeze::Held;
use tidegate_spec::{ObjectRef, Retention, ServiceName};

/// A `.status` that tidegate did not write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the release's status was changed by somebody else: {what}")]
pub struct StatusError {
    /// What is wrong with it.
    pub what: String,
}

fn strange(what: impl Into<String>) -> StatusError {
    StatusError { what: what.into() }
}

/// Reads a state back, with its agenda.
///
/// In: `.status` and the frozen input. Out: where the release stood; a status without waves is one that nobody
/// has planned yet.
pub fn from_status(
    status: &ReleaseStatus,
    charter: &Charter,
) -> Result<(Agenda, State), StatusError> {
    let mut agenda = Agenda::new(charter);
    agenda.leftover.clone_from(&status.leftover);
    for text in &status.held_out {
        let name = ServiceName::parse(text);
        let name = name.map_err(|error| strange(format!("service `{text}` {error}")))?;
        agenda.held_out.insert(name);
    }
    let mut state = State::pending();
    state.started = status.start_time.as_ref().map(|time| time.0);
    state.ended = status.completion_time.as_ref().map(|time| time.0);
    state.plan_digest = status
        .plan
        .as_ref()
        .map(|plan| plan.digest.clone())
        .unwrap_or_default();
    if let Some(freeze) = &status.freeze {
        state.frozen = (!freeze.message.is_empty()).then(|| Held {
            until: freeze.until.as_ref().map(|time| time.0),
            why: freeze.message.clone(),
        });
        state.thawed.clone_from(&freeze.overridden);
    }
    state.fleeting = Fleeting::default();
    state.builds = super::kept_builds::from_status(&status.builds).map_err(strange)?;
    for wave in &status.waves {
        let mut names = Vec::new();
        let before: BTreeSet<StepId> = agenda.members.keys().cloned().collect();
        for service in &wave.services {
            let (name, member, kept) = read_service(service, charter)?;
            if let Some(unknown) = member.after.iter().find(|first| !before.contains(*first)) {
                let what = format!("{name} comes after {unknown}, which is in no earlier wave");
                return Err(strange(what));
            }
            if agenda.members.contains_key(&name) {
                return Err(strange(format!("{name} is there twice")));
            }
            names.push(name.clone());
            agenda.members.insert(name.clone(), member);
            let remembered = kept.records.iter().filter_map(|(workload, record)| {
                let memory = record.memory.clone()?;
                Some((workload.clone(), memory))
            });
            state.fleeting.memory.extend(remembered);
            state.services.insert(name, kept);
        }
        agenda.waves.push(names);
        state.waves.push(WaveTimes {
            started: wave.start_time.as_ref().map(|time| time.0),
            ended: wave.end_time.as_ref().map(|time| time.0),
            approval: wave.approval.clone(),
        });
    }
    let planned = status.plan.as_ref().map_or(0, |plan| plan.services);
    if usize::try_from(planned).ok() != Some(agenda.members.len()) {
        // Otherwise what is missing would count as not moving, and be applied before wave 1.
        let found = agenda.members.len();
        return Err(strange(format!(
            "it had {planned} services, and has {found}"
        )));
    }
    agenda.shared.extend(unmoved(charter, &agenda));
    state.course = course(status, &state)?;
    Ok((agenda, state))
}

/// The objects of services that do not move: applied with what belongs to nobody.
pub fn unmoved(charter: &Charter, agenda: &Agenda) -> Vec<ObjectRef> {
    charter
        .services
        .iter()
        .filter(|(name, _)| !agenda.moves(name) && !agenda.held_out.contains(*name))
        .flat_map(|(_, belongings)| belongings.objects.iter().cloned())
        .collect()
}

fn read_service(
    status: &ServiceStatus,
    charter: &Charter,
) -> Result<(StepId, Member, ServiceState), StatusError> {
    let name = StepId::parse(&status.name).map_err(strange)?;
    let change = Change::from_word(&status.action)
        .ok_or_else(|| strange(format!("{name}: no action `{}`", status.action)))?;
    let standing = Standing::from_word(&status.state)
        .ok_or_else(|| strange(format!("{name}: no state `{}`", status.state)))?;
    let mut after = BTreeSet::new();
    for text in &status.after {
        after.insert(StepId::parse(text).map_err(strange)?);
    }
    let records = records(&name, status)?;
    let belongings = match change {
        Change::Delete => removed(&status.objects),
        Change::Drain => Belongings::default(),
        Change::Create | Change::Roll | Change::Flip | Change::Job => charter
            .services
            .get(&name.service)
            .cloned()
            .ok_or_else(|| {
                strange(format!(
                    "the release's bundle has no service `{}`",
                    name.service
                ))
            })?,
    };
    let dropped = match change {
        Change::Delete => Vec::new(),
        Change::Create | Change::Roll | Change::Flip | Change::Job | Change::Drain => {
            status.objects.clone()
        }
    };
    let known = status.retentions.iter().map(|text| Retention::parse(text));
    let known: Option<Vec<Retention>> = known.collect();
    let retentions = known.ok_or_else(|| strange(format!("{name}: no such drain")))?;
    let held = status.held.clone();
    let (stamp, held) = match held {
        Some(held) => (held.contract, held.variables),
        None => (belongings.stamp, Vec::new()),
    };
    let member = Member {
        change,
        after,
        belongings: Belongings {
            drain: status.drain,
            stamp,
            ..belongings
        },
        is_final: status.is_final,
        retentions,
        held,
        dropped,
        from: status.from.clone(),
        to: status.to.clone(),
    };
    let paused_for = Some(status.paused_for.as_str()).filter(|text| !text.is_empty());
    let paused_for = paused_for.map(StepId::parse).transpose().map_err(strange)?;
    let kept = ServiceState {
        standing,
        records,
        started: status.start_time.as_ref().map(|time| time.0),
        ended: status.end_time.as_ref().map(|time| time.0),
        approval: status.approval.clone(),
        forced: status.forced.clone(),
        regressed: Some(status.regressed.clone()).filter(|text| !text.is_empty()),
        paused_for,
        retries: status.retries,
        progress: progress(status, standing),
    };
    Ok((name, member, kept))
}

fn records(
    name: &StepId,
    status: &ServiceStatus,
) -> Result<BTreeMap<ObjectRef, Record>, StatusError> {
    let mut records = BTreeMap::new();
    for value in status.records.values() {
        let entry = Recorded::from_value(value.clone())
            .map_err(|error| strange(format!("{name}: a record: {error}")))?;
        records.insert(
            entry.object,
            Record {
                baseline: entry.baseline,
                applied: entry.applied,
                memory: entry.memory,
            },
        );
    }
    Ok(records)
}

/// The words of a service that waits or is done are made anew from the others' at each turn; taken for its own, they
/// would be quoted in the words of those behind it, and grow from restart to restart.
fn progress(status: &ServiceStatus, standing: Standing) -> Progress {
    let is_own = why::are_own(standing, &status.reason);
    let own = |text: &str| if is_own { text } else { "" }.to_owned();
    Progress {
        new_ready: status.new_ready,
        new_wanted: status.new_wanted,
        old_alive: status.old_alive,
        reason: own(&status.reason),
        message: own(&status.message),
        since: status.since.as_ref().map(|time| time.0),
    }
}

/// The belongings of a service that goes away, from the list of its objects.
pub fn removed(objects: &[ObjectRef]) -> Belongings {
    let is_workload = |object: &&ObjectRef| match object.kind.as_str() {
        "Pod" => object.group().is_empty(),
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" => object.group() == "apps",
        "Job" | "CronJob" => object.group() == "batch",
        _ => false,
    };
    Belongings {
        workloads: objects.iter().filter(is_workload).cloned().collect(),
        objects: objects.to_vec(),
        ..Belongings::default()
    }
}

fn course(status: &ReleaseStatus, state: &State) -> Result<Course, StatusError> {
    let message = || {
        let ready = status
            .conditions
            .iter()
            .find(|condition| condition.type_ == "Ready");
        ready
            .map(|condition| condition.message.clone())
            .unwrap_or_default()
    };
    let reason = || {
        let ready = status
            .conditions
            .iter()
            .find(|condition| condition.type_ == "Ready");
        ready
            .map(|condition| condition.reason.clone())
            .unwrap_or_default()
    };
    match status.outcome.as_deref() {
        Some("Succeeded") => Ok(Course::Ended(Ending::Succeeded)),
        Some("Failed") => Ok(Course::Ended(Ending::Failed {
            reason: reason(),
            message: message(),
        })),
        Some("Refused") => Ok(Course::Ended(Ending::Refused { message: message() })),
        Some("Aborted") => Ok(Course::Ended(Ending::Aborted { message: message() })),
        Some("Superseded") => Ok(Course::Ended(Ending::Superseded { message: message() })),
        Some(other) => Err(strange(format!("no outcome `{other}`"))),
        None if state.plan_digest.is_empty() => Ok(Course::Pending),
        None => {
            // Applying what is shared, and writing the graph, can be repeated; so neither is remembered.
            let untouched = state
                .services
                .values()
                .all(|s| s.standing == Standing::Waiting);
            Ok(if untouched {
                Course::Preparing
            } else {
                Course::Moving
            })
        }
    }
}
