//! [`State`] to `.status`: what is written is all that is needed to go on after a crash.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::agenda::{Agenda, Before, Change, Member};
use super::gate::Recorded;
pub use super::restore::{StatusError, from_status, removed, unmoved};
use super::state::{Course, Ending, Record, ServiceState, Standing, State};
use super::step_id::StepId;
use super::{regress, room, why};
use tidegate_spec::ObjectRef;
use tidegate_spec::crd::{
    FreezeStatus, Held, PlanDigest, ReleaseStatus, ServiceStatus, WaveStatus,
};

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
    let (planned, leftover): (&[Vec<StepId>], _) = match &state.course {
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
        builds: super::kept_builds::to_status(&state.builds),
        waves: planned
            .iter()
            .enumerate()
            .map(|(index, wave)| wave_status(agenda, state, index, wave))
            .collect(),
        held_out: match &state.course {
            Course::Pending => Vec::new(),
            Course::Preparing | Course::Moving | Course::Publishing | Course::Ended(_) => {
                agenda.held_out.iter().map(ToString::to_string).collect()
            }
        },
        leftover,
        outcome: match &state.course {
            Course::Ended(ending) => Some(ending.word().to_owned()),
            Course::Pending | Course::Preparing | Course::Moving | Course::Publishing => None,
        },
        freeze: freeze(state),
        archive: None,
    };
    room::fit(&mut status);
    status
}

fn freeze(state: &State) -> Option<FreezeStatus> {
    if state.frozen.is_none() && state.thawed.is_none() {
        return None;
    }
    let frozen = state.frozen.as_ref();
    Some(FreezeStatus {
        until: frozen.and_then(|held| held.until).map(Time),
        message: frozen.map(|held| held.why.clone()).unwrap_or_default(),
        overridden: state.thawed.clone(),
    })
}

fn wave_status(agenda: &Agenda, state: &State, index: usize, wave: &[StepId]) -> WaveStatus {
    let times = state.waves.get(index).cloned().unwrap_or_default();
    WaveStatus {
        index: u32::try_from(index + 1).unwrap_or(u32::MAX),
        start_time: times.started.map(Time),
        end_time: times.ended.map(Time),
        needs_approval: agenda.strategy.asked_before.contains(&Before::Wave(index)),
        approval: times.approval,
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
    (name, member, service): (&StepId, &Member, &ServiceState),
) -> ServiceStatus {
    let (reason, message) = why::of(agenda, state, name);
    ServiceStatus {
        name: name.to_string(),
        state: service.standing.word().to_owned(),
        action: member.change.word().to_owned(),
        after: member.after.iter().map(StepId::to_string).collect(),
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
        is_final: member.is_final,
        retentions: member.retentions.iter().map(ToString::to_string).collect(),
        needs_approval: agenda.is_asked_for(name),
        approval: service.approval.clone(),
        forced: service.forced.clone(),
        regressed: service.regressed.clone().unwrap_or_default(),
        paused_for: service
            .paused_for
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        retries: service.retries,
        held: (!member.held.is_empty()).then(|| Held {
            contract: member.belongings.stamp.clone(),
            variables: member.held.clone(),
        }),
        objects: match member.change {
            Change::Delete => member.belongings.objects.clone(),
            Change::Create | Change::Roll | Change::Flip | Change::Job | Change::Drain => {
                member.dropped.clone()
            }
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
        memory: record.memory.clone(),
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
        Course::Moving if state.superseded_by.is_some() => "Superseded",
        Course::Pending | Course::Preparing | Course::Moving if state.frozen.is_some() => {
            why::FROZEN
        }
        Course::Pending => "Pending",
        Course::Ended(ending) => ending.word(),
        Course::Preparing | Course::Moving | Course::Publishing if state.paused => "Paused",
        Course::Preparing | Course::Publishing => "Applying",
        Course::Moving if why::is_awaiting(state) => why::AWAITING,
        Course::Moving if why::only_builds(state) => "Building",
        Course::Moving => {
            let draining = agenda
                .members
                .keys()
                .filter_map(|name| state.services.get(name))
                .any(|service| {
                    service.standing == Standing::Draining
                        || service.standing == Standing::Moving
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
        Course::Ended(
            Ending::Failed { .. }
            | Ending::Refused { .. }
            | Ending::Aborted { .. }
            | Ending::Superseded { .. },
        ) => ("False", "False", "True"),
        Course::Pending | Course::Preparing | Course::Moving | Course::Publishing => {
            ("Unknown", "True", "False")
        }
    };
    let own = [
        ("Ready", ready),
        ("Reconciling", reconciling),
        ("Stalled", stalled),
    ];
    let own = own.map(|(kind, status)| (kind, status, reason.clone(), message.clone()));
    let alarm = regress::condition(agenda, state, before);
    own.into_iter()
        .chain(alarm)
        .map(|(kind, status, reason, message)| {
            let kept = before
                .iter()
                .find(|c| c.type_ == kind && c.status == status);
            Condition {
                type_: kind.to_owned(),
                status: status.to_owned(),
                reason,
                message,
                observed_generation: Some(generation),
                last_transition_time: kept.map_or_else(
                    || Time(now),
                    |condition| condition.last_transition_time.clone(),
                ),
            }
        })
        .collect()
}
