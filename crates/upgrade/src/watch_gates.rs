//! Looks at the gate of every service that moves; two live reads in a row open it (completion.md §6).

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};

use super::agenda::{Change, Member};
use super::event::Event;
use super::gate::{self, Assessment, Baseline, Gate, Memory, Read, Reason, Snapshot, Verdict};
use super::regress;
use super::state::{Progress, ServiceState, Standing};
use super::step_id::StepId;
use super::turn::{TRY_AGAIN_MS, Turn, later, whole_second};
use super::why::REGRESSED;
use tidegate_spec::ObjectRef;

/// How soon a service that shows signs of failure is looked at again, though nothing happened.
const FAILING_MS: i64 = 1_000;
/// The same for one that just moves.
const MOVING_MS: i64 = 5_000;

/// How long a cache may be behind our own apply before the API server is asked in its place (F2, F5).
const BEHIND_MAX: SignedDuration = SignedDuration::from_secs(30);

/// One look at all workloads of a service.
pub(super) struct Look {
    /// Each workload's verdict with what the gate wants to remember.
    pub(super) assessed: Vec<(ObjectRef, Assessment, Memory)>,
    /// Whether all of it was read live.
    pub(super) live: bool,
}

impl Look {
    /// The gate of the service: its worst workload's.
    pub(super) fn gate(&self) -> Gate {
        let gates = self
            .assessed
            .iter()
            .map(|(_, assessment, _)| assessment.gate());
        gates
            .max_by_key(|gate| severity(*gate))
            .unwrap_or(Gate::Shut)
    }

    /// Whether only a live look can tell: what a cache lacks may be there, and a cache whose watch has gone silent shows
    /// for minutes what has long been mended.
    fn needs_live(&self) -> bool {
        !self.live && (self.waits_for(Reason::NotVisibleYet) || self.gate() == Gate::Failed)
    }

    /// Whether a cache has not even seen the apply.
    fn is_behind(&self) -> bool {
        !self.live && self.waits_for(Reason::StaleRead)
    }

    fn waits_for(&self, wanted: Reason) -> bool {
        self.assessed
            .iter()
            .any(|(_, seen, _)| match &seen.rollout {
                Verdict::Progressing { reason, .. } => *reason == wanted,
                Verdict::Complete | Verdict::Paused { .. } | Verdict::Failed { .. } => false,
            })
    }

    /// The workload that decides, for words.
    fn worst(&self) -> Option<&Assessment> {
        let assessments = self.assessed.iter().map(|(_, assessment, _)| assessment);
        assessments.max_by_key(|assessment| severity(assessment.gate()))
    }
}

fn severity(gate: Gate) -> u8 {
    match gate {
        Gate::Open => 0,
        Gate::Shut => 1,
        Gate::Failed => 2,
    }
}

/// Judges a service by what was seen of it; `None` if the observation does not show it.
pub(super) fn look(
    turn: &Turn<'_>,
    name: &StepId,
    member: &Member,
    service: &ServiceState,
) -> Option<Look> {
    let snapshots = turn.seen.snapshots.get(name)?;
    if !shows_all(snapshots, member) {
        return None;
    }
    let policy = turn.agenda.policy(member);
    let mut assessed = Vec::with_capacity(snapshots.len());
    let mut live = true;
    let there = snapshots
        .iter()
        .filter_map(|(_, snapshot)| snapshot.workload.as_ref());
    let parts: Vec<ObjectRef> = there.flat_map(gate::references).collect();
    for (workload, snapshot) in snapshots {
        let is_part = parts
            .iter()
            .any(|part| part.identity() == workload.identity());
        let goes = goes(member, workload);
        if goes && is_kept_for_now(member, service.standing) {
            continue;
        }
        live &= snapshot.read == Read::Live;
        let memory = turn
            .state
            .fleeting
            .memory
            .get(workload)
            .cloned()
            .unwrap_or_default();
        let record = service.records.get(workload);
        let baseline = record.and_then(|record| record.baseline.as_ref());
        let applied = record.and_then(|record| record.applied.as_ref());
        let (assessment, memory) = match (goes, baseline, applied) {
            (true, Some(baseline), _) => gate::assess_removed(baseline, snapshot, &policy, &memory),
            (false, Some(baseline), Some(applied)) => {
                let baseline = with_parts(baseline, snapshot, service);
                gate::assess(&baseline, applied, snapshot, &policy, &memory)
            }
            (_, None, _) | (false, Some(_), None) => {
                // A state without its records cannot be judged, so it stays shut.
                return None;
            }
        };
        // A Canary's target, or what a Rollout takes its template from, is judged with that one, as long as it is what
        // was applied.
        if !is_part || !assessment.is_of_the_applied() {
            assessed.push((workload.clone(), assessment, memory));
        }
    }
    Some(Look { assessed, live })
}

/// What was recorded of a workload, with the pods of what is judged with it.
fn with_parts<'b>(
    baseline: &'b Baseline,
    snapshot: &Snapshot,
    service: &ServiceState,
) -> Cow<'b, Baseline> {
    let live = snapshot.workload.as_ref();
    let parts = live.map(gate::references).unwrap_or_default();
    if parts.is_empty() {
        return Cow::Borrowed(baseline);
    }
    let parts = parts.iter().filter_map(|part| service.records.get(part));
    let parts = parts.filter_map(|record| record.baseline.as_ref());
    Cow::Owned(baseline.clone().with_pods_of(parts))
}

/// Whether a workload of a service is to be gone in the end.
fn goes(member: &Member, workload: &ObjectRef) -> bool {
    member.change == Change::Delete || member.dropped.contains(workload)
}

/// Whether what is to be gone still has to serve: until the new workloads of its service do.
fn is_kept_for_now(member: &Member, standing: Standing) -> bool {
    let is_before = match standing {
        Standing::Waiting | Standing::Starting | Standing::Moving | Standing::Retiring => true,
        Standing::Removing
        | Standing::Clearing
        | Standing::Draining
        | Standing::Done
        | Standing::Failed => false,
    };
    member.change != Change::Delete && is_before
}

/// Whether every workload of a service is shown: a gate that some of them open proves nothing.
pub(super) fn shows_all(snapshots: &[(ObjectRef, Snapshot)], member: &Member) -> bool {
    member
        .judged()
        .all(|workload| snapshots.iter().any(|(shown, _)| shown == workload))
}

/// Looks at every service that moves.
pub(super) fn watch_gates(turn: &mut Turn<'_>) {
    let agenda = turn.agenda;
    for (name, member) in &agenda.members {
        let Some(service) = turn.state.services.get(name) else {
            continue;
        };
        match service.standing {
            Standing::Moving | Standing::Removing => {}
            Standing::Waiting
            | Standing::Starting
            | Standing::Retiring
            | Standing::Clearing
            | Standing::Draining
            | Standing::Done
            | Standing::Failed => continue,
        }
        let Some(look) = look(turn, name, member, service) else {
            turn.wish.wake(later(turn.now(), TRY_AGAIN_MS));
            continue;
        };
        if look.needs_live() || is_behind_for_long(turn, name, &look) {
            // Once a second does.
            if turn.may_try(Some(name)) {
                turn.put_off(Some(name), TRY_AGAIN_MS);
                turn.wish.live_from(name, turn.seen.now);
            }
            continue;
        }
        let gate = look.gate();
        note(turn, name, &look);
        match gate {
            Gate::Open => open(turn, name, member, look.live),
            Gate::Shut => {
                turn.state.fleeting.first_open.remove(name);
                stop_standing_still(turn, name, &look);
            }
            Gate::Failed => fail(turn, name, &look),
        }
    }
}

/// Whether the caches have stayed behind the apply for so long that they are asked no more until they have caught up (F5).
fn is_behind_for_long(turn: &mut Turn<'_>, name: &StepId, look: &Look) -> bool {
    let behind = &mut turn.state.fleeting.behind_since;
    match (look.live, look.is_behind()) {
        (false, true) => {
            let since = *behind.entry(name.clone()).or_insert(turn.seen.now);
            turn.seen.now.duration_since(since) >= BEHIND_MAX
        }
        (false, false) => {
            behind.remove(name);
            false
        }
        (true, _) => false,
    }
}

/// Keeps what the look said, for people and for the next look.
fn note(turn: &mut Turn<'_>, name: &StepId, look: &Look) {
    let mut progress = Progress::default();
    for (workload, assessment, memory) in &look.assessed {
        // Time alone may turn a bad sign into a failure.
        let pause_ms = if assessment.failing_since.is_some() {
            FAILING_MS
        } else {
            MOVING_MS
        };
        turn.wish.wake(later(turn.seen.now, pause_ms));
        turn.state
            .fleeting
            .memory
            .insert(workload.clone(), memory.clone());
        progress.new_ready += assessment.new_ready;
        progress.new_wanted += assessment.new_wanted;
        progress.old_alive += assessment.old_alive;
    }
    if let Some(worst) = look.worst() {
        worst.reason().clone_into(&mut progress.reason);
        progress.message = worst.sentence();
    }
    let service = turn.state.services.get(name);
    if let Some(words) = service.and_then(|service| regress::words(&turn.state, service)) {
        REGRESSED.clone_into(&mut progress.reason);
        progress.message = words;
    }
    let kept = turn.state.fleeting.progress.get(name);
    let known = kept.or_else(|| {
        turn.state
            .services
            .get(name)
            .map(|service| &service.progress)
    });
    progress.since = match known {
        Some(known) if known.reason == progress.reason && known.since.is_some() => known.since,
        Some(_) | None => Some(turn.seen.now),
    };
    if known.is_none_or(|known| known.reason != progress.reason) {
        turn.events.push(Event::Waits {
            service: name.clone(),
            reason: progress.reason.clone(),
            message: progress.message.clone(),
        });
    }
    turn.state.fleeting.progress.insert(name.clone(), progress);
}

/// The gate was seen open: once is not enough, and a cache does not count.
fn open(turn: &mut Turn<'_>, name: &StepId, member: &Member, live: bool) {
    let now = turn.now();
    let first = turn.state.fleeting.first_open.get(name).copied();
    match (first, live) {
        (None, false) => turn.wish.live_from(name, now),
        (None, true) => {
            turn.state.fleeting.first_open.insert(name.clone(), now);
            turn.wish.live_from(name, second_read(turn, name, now));
        }
        (Some(first), false) => turn.wish.live_from(name, second_read(turn, name, first)),
        (Some(first), true) => {
            let second = second_read(turn, name, first);
            if now < second {
                turn.wish.live_from(name, second);
            } else {
                pass(turn, name, member);
            }
        }
    }
}

/// When the second read may be made.
pub(super) fn second_read(turn: &Turn<'_>, name: &StepId, first: Timestamp) -> Timestamp {
    first
        .saturating_add(turn.agenda.settle(name))
        .unwrap_or(first)
}

pub(super) fn pass(turn: &mut Turn<'_>, name: &StepId, member: &Member) {
    turn.state.fleeting.first_open.remove(name);
    let progress = turn.state.fleeting.progress.remove(name);
    let Some(service) = turn.state.services.get_mut(name) else {
        return;
    };
    if let Some(progress) = progress {
        service.progress = progress;
    }
    match (member.change, service.standing) {
        (Change::Delete, _) => service.standing = Standing::Clearing,
        (
            Change::Create | Change::Roll | Change::Flip | Change::Job | Change::Drain,
            Standing::Moving,
        ) if !member.dropped.is_empty() => {
            service.standing = Standing::Retiring;
        }
        (Change::Create | Change::Roll | Change::Flip | Change::Job | Change::Drain, _) => {
            finish(turn, name);
        }
    }
}

/// Ends the wait for a workload that somebody has paused, at the deadline that the plan sets: the gate itself waits for such a
/// one without end, since somebody has to act.
fn stop_standing_still(turn: &mut Turn<'_>, name: &StepId, look: &Look) {
    let Some(deadline) = turn.agenda.strategy.service_deadline else {
        return;
    };
    let paused = look.assessed.iter().find_map(|(_, assessment, memory)| {
        let is_paused = match &assessment.rollout {
            Verdict::Paused { .. } => true,
            Verdict::Progressing { .. } | Verdict::Complete | Verdict::Failed { .. } => false,
        };
        let since = memory.still_since().filter(|_| is_paused)?;
        Some((since, assessment.sentence()))
    });
    let Some((since, sentence)) = paused else {
        return;
    };
    let over_at = since.saturating_add(deadline).unwrap_or(since);
    if turn.now() < over_at {
        turn.wish.wake(over_at);
        turn.wish.live_from(name, over_at);
        return;
    }
    if !look.live {
        turn.wish.live_from(name, turn.seen.now);
        return;
    }
    let deadline = tidegate_spec::duration::describe(deadline);
    let message = format!("nothing has moved for {deadline}: {sentence}");
    turn.state.fleeting.progress.remove(name);
    super::written::fail(turn, name, "ServiceDeadline", message);
}

/// The service is done.
pub(super) fn finish(turn: &mut Turn<'_>, name: &StepId) {
    // What waits for a time after it must not wait less after a restart.
    let now = if turn.agenda.strategy.soak.is_some() {
        whole_second(turn.seen.now)
    } else {
        turn.seen.now
    };
    let Some(service) = turn.state.services.get_mut(name) else {
        return;
    };
    service.standing = Standing::Done;
    service.ended = Some(now);
    forget(service);
    let took = service
        .started
        .map(|started| now.duration_since(started))
        .unwrap_or_default();
    turn.events.push(Event::ServiceDone {
        service: name.clone(),
        took,
    });
}

/// Nobody waits any more.
fn forget(service: &mut ServiceState) {
    for record in service.records.values_mut() {
        record.memory = None;
    }
}

fn fail(turn: &mut Turn<'_>, name: &StepId, look: &Look) {
    let now = turn.now();
    let progress = turn.state.fleeting.progress.remove(name);
    let Some(service) = turn.state.services.get_mut(name) else {
        return;
    };
    if let Some(progress) = progress {
        service.progress = progress;
    }
    service.standing = Standing::Failed;
    service.ended = Some(now);
    forget(service);
    if let Some(worst) = look.worst() {
        turn.events.push(Event::ServiceFailed {
            service: name.clone(),
            reason: worst.reason().to_owned(),
            message: worst.sentence(),
        });
    }
}
