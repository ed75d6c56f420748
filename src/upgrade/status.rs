//! [`State`] to `.status` and back: what is written is all that is needed to go on after a crash.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::agenda::{Agenda, Belongings, Change, Charter, Member};
use super::gate::Recorded;
use super::state::{
    Course, Ending, Fleeting, Progress, Record, ServiceState, Standing, State, WaveTimes,
};
use super::{room, why};
use crate::spec::crd::{PlanDigest, ReleaseStatus, ServiceStatus, WaveStatus};
use crate::spec::{ObjectRef, ServiceName};

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

/// What a release shows and remembers.
///
/// In: the generation that was observed, the state, and the conditions as they were (their transition times are
/// kept where nothing changed). Out: the whole `.status`.
pub fn to_status(
    agenda: &Agenda,
    state: &State,
    generation: i64,
    before: &[Condition],
    now: Timestamp,
) -> ReleaseStatus {
    // The plan that is to be made anew says nothing any more.
    let (planned, leftover): (&[Vec<ServiceName>], _) = match &state.course {
        Course::Pending => (&[], Vec::new()),
        Course::Preparing | Course::Moving | Course::Publishing | Course::Ended(_) => {
            (&agenda.waves, agenda.leftover.clone())
        }
    };
    let mut status = ReleaseStatus {
        observed_generation: Some(generation),
        conditions: conditions(agenda, state, generation, before, now),
        phase: phase(agenda, state).to_owned(),
        summary: why::summary(agenda, state),
        start_time: state.started.map(Time),
        completion_time: state.ended.map(Time),
        plan: (!state.plan_digest.is_empty()).then(|| PlanDigest {
            digest: state.plan_digest.clone(),
            services: u32::try_from(agenda.members.len()).unwrap_or(u32::MAX),
        }),
        waves: planned
            .iter()
            .enumerate()
            .map(|(index, wave)| wave_status(agenda, state, index, wave))
            .collect(),
        leftover,
        outcome: match &state.course {
            Course::Ended(ending) => Some(ending.word().to_owned()),
            Course::Pending | Course::Preparing | Course::Moving | Course::Publishing => None,
        },
    };
    room::fit(&mut status);
    status
}

fn wave_status(agenda: &Agenda, state: &State, index: usize, wave: &[ServiceName]) -> WaveStatus {
    let times = state.waves.get(index).cloned().unwrap_or_default();
    WaveStatus {
        index: u32::try_from(index + 1).unwrap_or(u32::MAX),
        start_time: times.started.map(Time),
        end_time: times.ended.map(Time),
        services: wave
            .iter()
            .filter_map(|name| Some((name, agenda.members.get(name)?, state.services.get(name)?)))
            .map(|(name, member, service)| service_status(agenda, state, (name, member, service)))
            .collect(),
    }
}

fn service_status(
    agenda: &Agenda,
    state: &State,
    (name, member, service): (&ServiceName, &Member, &ServiceState),
) -> ServiceStatus {
    let (reason, message) = why::of(agenda, state, name);
    ServiceStatus {
        name: name.to_string(),
        state: service.standing.word().to_owned(),
        action: member.change.word().to_owned(),
        after: member.after.iter().map(ServiceName::to_string).collect(),
        drain: member.belongings.drain,
        from: member.from.clone(),
        to: member.to.clone(),
        new_ready: service.progress.new_ready,
        new_wanted: service.progress.new_wanted,
        old_alive: service.progress.old_alive,
        reason,
        message,
        since: service.progress.since.map(Time),
        start_time: service.started.map(Time),
        end_time: service.ended.map(Time),
        objects: match member.change {
            Change::Delete => member.belongings.objects.clone(),
            Change::Create | Change::Roll | Change::Job => member.dropped.clone(),
        },
        records: service
            .records
            .iter()
            .map(|(object, record)| entry(object, record))
            .collect(),
    }
}

fn entry(object: &ObjectRef, record: &Record) -> (String, serde_json::Value) {
    let entry = Recorded {
        object: object.clone(),
        baseline: record.baseline.clone(),
        applied: record.applied.clone(),
    };
    // Plain data of texts and numbers always has a JSON form.
    (
        object.to_string(),
        serde_json::to_value(entry).unwrap_or_default(),
    )
}

/// A word for people. Never read back.
fn phase(agenda: &Agenda, state: &State) -> &'static str {
    match &state.course {
        Course::Pending => "Pending",
        Course::Ended(ending) => ending.word(),
        Course::Preparing | Course::Moving | Course::Publishing if state.paused => "Paused",
        Course::Preparing | Course::Publishing => "Applying",
        Course::Moving => {
            let draining = agenda
                .members
                .keys()
                .filter_map(|name| state.services.get(name))
                .any(|service| {
                    service.standing == Standing::Moving
                        && service.progress.old_alive > 0
                        && service.progress.new_ready >= service.progress.new_wanted
                });
            if draining { "Draining" } else { "Rolling" }
        }
    }
}

/// The kstatus conditions: `Reconciling` while it runs, `Stalled` when it ended badly, `Ready` when well.
fn conditions(
    agenda: &Agenda,
    state: &State,
    generation: i64,
    before: &[Condition],
    now: Timestamp,
) -> Vec<Condition> {
    let (reason, message) = why::release(agenda, state);
    let (ready, reconciling, stalled) = match &state.course {
        Course::Ended(Ending::Succeeded) => ("True", "False", "False"),
        Course::Ended(Ending::Failed { .. } | Ending::Refused { .. } | Ending::Aborted { .. }) => {
            ("False", "False", "True")
        }
        Course::Pending | Course::Preparing | Course::Moving | Course::Publishing => {
            ("Unknown", "True", "False")
        }
    };
    [
        ("Ready", ready),
        ("Reconciling", reconciling),
        ("Stalled", stalled),
    ]
    .into_iter()
    .map(|(kind, status)| {
        let kept = before
            .iter()
            .find(|c| c.type_ == kind && c.status == status);
        Condition {
            type_: kind.to_owned(),
            status: status.to_owned(),
            reason: reason.clone(),
            message: message.clone(),
            observed_generation: Some(generation),
            last_transition_time: kept.map_or_else(
                || Time(now),
                |condition| condition.last_transition_time.clone(),
            ),
        }
    })
    .collect()
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
    let mut state = State::pending();
    state.started = status.start_time.as_ref().map(|time| time.0);
    state.ended = status.completion_time.as_ref().map(|time| time.0);
    state.plan_digest = status
        .plan
        .as_ref()
        .map(|plan| plan.digest.clone())
        .unwrap_or_default();
    state.fleeting = Fleeting::default();
    for wave in &status.waves {
        let mut names = Vec::new();
        let before: BTreeSet<ServiceName> = agenda.members.keys().cloned().collect();
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
            state.services.insert(name, kept);
        }
        agenda.waves.push(names);
        state.waves.push(WaveTimes {
            started: wave.start_time.as_ref().map(|time| time.0),
            ended: wave.end_time.as_ref().map(|time| time.0),
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
        .filter(|(name, _)| !agenda.members.contains_key(*name))
        .flat_map(|(_, belongings)| belongings.objects.iter().cloned())
        .collect()
}

fn read_service(
    status: &ServiceStatus,
    charter: &Charter,
) -> Result<(ServiceName, Member, ServiceState), StatusError> {
    let name = ServiceName::parse(&status.name)
        .map_err(|error| strange(format!("service `{}` {error}", status.name)))?;
    let change = Change::from_word(&status.action)
        .ok_or_else(|| strange(format!("{name}: no action `{}`", status.action)))?;
    let standing = Standing::from_word(&status.state)
        .ok_or_else(|| strange(format!("{name}: no state `{}`", status.state)))?;
    let mut after = BTreeSet::new();
    for text in &status.after {
        after.insert(
            ServiceName::parse(text)
                .map_err(|error| strange(format!("service `{text}` {error}")))?,
        );
    }
    let mut records = BTreeMap::new();
    for value in status.records.values() {
        let entry = Recorded::from_value(value.clone())
            .map_err(|error| strange(format!("{name}: a record: {error}")))?;
        records.insert(
            entry.object,
            Record {
                baseline: entry.baseline,
                applied: entry.applied,
            },
        );
    }
    let belongings = match change {
        Change::Delete => removed(&status.objects),
        Change::Create | Change::Roll | Change::Job => charter
            .services
            .get(&name)
            .cloned()
            .ok_or_else(|| strange(format!("the release's bundle has no service `{name}`")))?,
    };
    let dropped = match change {
        Change::Delete => Vec::new(),
        Change::Create | Change::Roll | Change::Job => status.objects.clone(),
    };
    let member = Member {
        change,
        after,
        belongings: Belongings {
            drain: status.drain,
            ..belongings
        },
        dropped,
        from: status.from.clone(),
        to: status.to.clone(),
    };
    let kept = ServiceState {
        standing,
        records,
        started: status.start_time.as_ref().map(|time| time.0),
        ended: status.end_time.as_ref().map(|time| time.0),
        progress: progress(status, standing),
    };
    Ok((name, member, kept))
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
