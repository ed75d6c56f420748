//! Starts what may start: everything before it is done, seen done once more in this very observation, and its own
//! objects were just looked at.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::action::{Action, Write};
use super::agenda::{Change, Member};
use super::approve::is_approved;
use super::builds::are_known;
use super::event::Event;
use super::failed::barrier;
use super::freeze::holds;
use super::gate::{Baseline, Gate};
use super::recheck::{newest_begun, still_done};
use super::state::{Record, ServiceState, Standing};
use super::step_id::StepId;
use super::surge::Taken;
use super::turn::Turn;
use super::wait_out;
use super::watch_gates::{finish, look, second_read, shows_all};
use super::written::fail;
use tidegate_spec::ObjectRef;
use tidegate_spec::crd::HeldVariable;

/// The reason of what ends since another plan has an object of it.
pub(super) const CLAIMED: &str = "Claimed";

/// Starts every service that may start; asks for what the rest needs.
pub(super) fn start_ready(turn: &mut Turn<'_>) {
    let agenda = turn.agenda;
    wake_when_soaked(turn);
    let mut taken = Taken::by_all(turn);
    for (name, member) in agenda
        .waves
        .iter()
        .flatten()
        .filter_map(|n| agenda.members.get_key_value(n))
    {
        let Some(standing) = turn
            .state
            .services
            .get(name)
            .map(|service| service.standing)
        else {
            continue;
        };
        match standing {
            Standing::Waiting => {
                let is_drain = member.change == Change::Drain;
                let room = is_drain || taken.has_room(turn, name);
                if turn.state.paused
                    || turn.state.superseded_by.is_some()
                    || !room
                    || !turn.may_try(Some(name))
                    || !is_approved(turn, name, member)
                    || holds(agenda, &turn.state, name).is_some()
                    || !may_start(turn, name, member)
                {
                    continue;
                }
                if is_drain {
                    wait_out::begin(turn, name, member);
                } else {
                    begin(turn, name, member);
                    taken = taken.with(turn, name);
                }
            }
            // Saved as started, and nothing is known of its write: the same again.
            Standing::Starting => {
                if turn.may_try(Some(name)) && may_start(turn, name, member) {
                    write(turn, name, member);
                }
            }
            Standing::Draining => wait_out::wait_out(turn, name, member),
            Standing::Retiring if turn.may_try(Some(name)) => retire(turn, name, member),
            Standing::Clearing if turn.may_try(Some(name)) => clear(turn, name, member),
            Standing::Retiring
            | Standing::Clearing
            | Standing::Moving
            | Standing::Removing
            | Standing::Done
            | Standing::Failed => {}
        }
    }
}

/// Whether everything that must be done before it is done, now.
fn may_start(turn: &mut Turn<'_>, name: &StepId, member: &Member) -> bool {
    if !are_known(turn, member) {
        return false;
    }
    let barrier = barrier(turn.agenda, &turn.state, name);
    let Some(ready_at) = ready_at(turn, &barrier) else {
        return false;
    };
    let may = all_done(turn, name) && prepared(turn, member) && still_done(turn, name, member);
    // Unless one of them fell back, and the next try was put off: ask early for what the start will need, so that
    // the gate's second read and the start are one observation.
    if turn.may_try(Some(name)) {
        turn.wish.prepare_from(name, ready_at);
        for server in &member.after {
            turn.wish.live_from(server, ready_at);
            let newest = newest_begun(turn, server, name);
            turn.wish.live_from(&newest, ready_at);
        }
    }
    may
}

/// Whether everything that must be done before it was seen done.
pub(super) fn all_done(turn: &Turn<'_>, name: &StepId) -> bool {
    let barrier = barrier(turn.agenda, &turn.state, name);
    barrier.iter().all(|before| {
        let service = turn.state.services.get(before);
        service.is_some_and(|service| {
            service.standing == Standing::Done && soaked_at(turn, service) <= turn.now()
        })
    })
}

/// When what comes after a service that is done may start: the plan may want it to have run for a while.
fn soaked_at(turn: &Turn<'_>, service: &ServiceState) -> Timestamp {
    let ended = service.ended.unwrap_or(turn.seen.now);
    let soak = turn.agenda.strategy.soak.unwrap_or_default();
    ended.saturating_add(soak).unwrap_or(ended)
}

/// Asks to be woken when the next service has run for as long as the plan wants.
fn wake_when_soaked(turn: &mut Turn<'_>) {
    if turn.agenda.strategy.soak.is_none() {
        return;
    }
    let services = turn.state.services.values();
    let done = services.filter(|service| service.standing == Standing::Done);
    let next = done.map(|service| soaked_at(turn, service));
    if let Some(next) = next.filter(|at| *at > turn.now()).min() {
        turn.wish.wake(next);
    }
}

/// When the last of them can be done at the earliest; `None` if one of them is not near.
fn ready_at(turn: &Turn<'_>, barrier: &BTreeSet<StepId>) -> Option<Timestamp> {
    let mut latest = turn.now();
    for before in barrier {
        let service = turn.state.services.get(before)?;
        let soak = turn.agenda.strategy.soak.unwrap_or_default();
        let done_at = if service.standing == Standing::Done {
            soaked_at(turn, service)
        } else {
            let first = turn.state.fleeting.first_open.get(before)?;
            let second = second_read(turn, before, *first);
            second.saturating_add(soak).unwrap_or(second)
        };
        latest = latest.max(done_at);
    }
    Some(latest)
}

/// Whether each of its objects was looked at, and each workload read live.
fn prepared(turn: &Turn<'_>, member: &Member) -> bool {
    member
        .belongings
        .objects
        .iter()
        .all(|object| turn.seen.prepared.contains_key(object))
}

/// Decides the start: the baseline is taken now, before the write.
fn begin(turn: &mut Turn<'_>, name: &StepId, member: &Member) {
    let now = turn.now();
    let snapshots = turn.seen.snapshots.get(name).map_or(&[][..], Vec::as_slice);
    if !shows_all(snapshots, member) {
        turn.wish.live_from(name, now);
        return;
    }
    if is_claimed(turn, name, member) {
        return;
    }
    let Some(service) = turn.state.services.get_mut(name) else {
        return;
    };
    for (workload, snapshot) in snapshots {
        // What an earlier step of the service has to remember is not about this one.
        turn.state.fleeting.memory.remove(workload);
        let record = Record {
            baseline: Some(Baseline::capture(workload, snapshot)),
            applied: None,
            memory: None,
        };
        service.records.insert(workload.clone(), record);
    }
    service.standing = Standing::Starting;
    service.started = Some(now);
    // Its apply takes back what pause an earlier try has left.
    service.paused_for = None;
    service.progress = super::state::Progress::default();
    turn.events.push(Event::ServiceStarted {
        service: name.clone(),
    });
    start_wave(turn, name);
    write(turn, name, member);
}

pub(super) fn start_wave(turn: &mut Turn<'_>, name: &StepId) {
    let Some(index) = turn.agenda.wave_of(name) else {
        return;
    };
    let Some(times) = turn.state.waves.get_mut(index) else {
        return;
    };
    if times.started.is_none() {
        times.started = Some(turn.seen.now);
        let services = turn.agenda.waves.get(index).cloned().unwrap_or_default();
        turn.events.push(Event::WaveStarted {
            wave: index + 1,
            services,
        });
    }
}

/// An object that another plan has, in words.
pub(super) fn claimed<'o>(
    turn: &Turn<'_>,
    mut objects: impl Iterator<Item = &'o ObjectRef>,
) -> Option<String> {
    objects.find_map(|object| {
        let other = turn.seen.prepared.get(object)?.claimed_by.as_ref()?;
        Some(format!(
            "{object} belongs to plan `{other}` now; take it out of the files of one of the two plans"
        ))
    })
}

/// Ends a service of which another plan has an object.
fn is_claimed(turn: &mut Turn<'_>, name: &StepId, member: &Member) -> bool {
    let Some(message) = claimed(turn, member.belongings.objects.iter()) else {
        return false;
    };
    fail(turn, name, CLAIMED, message);
    turn.wish.wake(turn.now());
    true
}

/// Asks for the write of a service's objects.
fn write(turn: &mut Turn<'_>, name: &StepId, member: &Member) {
    if is_claimed(turn, name, member) {
        return;
    }
    if member.change == Change::Delete && member.belongings.workloads.is_empty() {
        // Another service has taken them over, so no pod of this one is left to wait for.
        if let Some(service) = turn.state.services.get_mut(name) {
            service.standing = Standing::Clearing;
        }
        return clear(turn, name, member);
    }
    if member.change == Change::Delete {
        turn.actions.push(Action::RemoveWorkloads {
            service: name.clone(),
            objects: member.belongings.workloads.clone(),
        });
        return;
    }
    let writes = member.belongings.objects.iter().filter_map(|object| {
        let prepared = turn.seen.prepared.get(object)?;
        let workload = member.belongings.workloads.contains(object);
        // The stamp goes along only where pods start anyway, so that adopting tidegate restarts nothing.
        let stamp = if workload && prepared.starts_pods {
            Some(member.belongings.stamp.clone())
        } else {
            prepared.live_stamp.clone()
        };
        Some(Write {
            object: object.clone(),
            precondition: prepared.precondition.clone(),
            stamp,
            held: held(member, object),
        })
    });
    let action = Action::Apply {
        service: name.clone(),
        writes: writes.collect(),
    };
    turn.actions.push(action);
}

/// What a workload of it keeps of what ran before.
fn held(member: &Member, workload: &ObjectRef) -> Vec<HeldVariable> {
    let of_workload = member.held.iter().filter(|one| one.workload == *workload);
    of_workload.cloned().collect()
}

/// Asks for the deletion of the workloads that a service does not have any more, if its new ones serve in this very
/// observation: since that was last seen somebody may have undone them.
fn retire(turn: &mut Turn<'_>, name: &StepId, member: &Member) {
    let seen = turn.state.services.get(name);
    if seen.is_some_and(|service| service.forced.is_some()) {
        turn.actions.push(Action::RemoveWorkloads {
            service: name.clone(),
            objects: member.dropped.clone(),
        });
        return;
    }
    let look = seen.and_then(|service| look(turn, name, member, service));
    match look.map(|look| (look.gate(), look.live)) {
        Some((Gate::Open, true)) => {}
        Some((Gate::Shut | Gate::Failed, true)) => {
            if let Some(service) = turn.state.services.get_mut(name) {
                service.standing = Standing::Moving;
            }
            return;
        }
        Some((_, false)) | None => return turn.wish.live_from(name, turn.seen.now),
    }
    turn.actions.push(Action::RemoveWorkloads {
        service: name.clone(),
        objects: member.dropped.clone(),
    });
}

/// Asks for the deletion of what is left of a service whose pods are gone.
fn clear(turn: &mut Turn<'_>, name: &StepId, member: &Member) {
    let rest = member.belongings.objects.iter().rev();
    let objects: Vec<_> = rest
        .filter(|object| !member.belongings.workloads.contains(object))
        .cloned()
        .collect();
    if objects.is_empty() {
        return finish(turn, name);
    }
    turn.actions.push(Action::RemoveRest {
        service: name.clone(),
        objects,
    });
}
