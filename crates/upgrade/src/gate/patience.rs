//! How long to wait: for a failure to be believed, for anything to move, for a stuck pod to go.
//!
//! In: what this look says and what earlier looks left in memory. Out: the final say, and the next memory.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::Look;
use super::assessment::{Assessment, Gate, Note};
use super::baseline::Applied;
use super::failure::Scan;
use super::job;
use super::memory::{Mark, Memory, Movement, Trace};
use super::reason::Reason;
use super::snapshot::{self, Read};
use super::verdict::{Class, Drain, Leaving, Verdict};
use super::workload::Workload;

/// Something must move within this, whatever the kind says.
const DEADLINE_MIN: SignedDuration = SignedDuration::from_mins(10);
/// What a kind's own deadline is given on top, so that its own words are reported first.
const DEADLINE_MARGIN: SignedDuration = SignedDuration::from_secs(60);
/// What an old pod is given after its grace period.
const DRAIN_MARGIN: SignedDuration = SignedDuration::from_secs(120);
/// What Kubernetes gives a Deployment that says nothing.
const PROGRESS_DEADLINE_DEFAULT_S: i32 = 600;

impl Memory {
    /// The memory of this apply; that of another one says nothing about it.
    pub(super) fn of(&self, applied: &Applied) -> Self {
        let apply = format!("{} {}", applied.uid, applied.template_digest);
        if self.apply == apply {
            self.clone()
        } else {
            Self {
                apply,
                ..Self::default()
            }
        }
    }
}

pub(super) fn weigh(
    look: &Look<'_>,
    mut assessment: Assessment,
    scan: Scan,
    traces: BTreeMap<String, Trace>,
) -> (Assessment, Memory) {
    let memory = look.memory;
    let now = look.snapshot.now;
    if scan.is_degraded {
        assessment.notes.push(Note::Degraded);
    }
    name_gates(&mut assessment, &scan);
    let is_complete = assessment.rollout == Verdict::Complete;
    let is_behind = is_behind(&assessment.rollout);
    let progress = progress(look, &assessment);
    let drain = is_complete.then(|| drain_mark(look, &assessment));
    if let Some(failed) = drain_stuck(look, &assessment, drain.as_ref())
        .or_else(|| no_progress(look, &assessment, &progress))
    {
        assessment.rollout = failed;
    }
    if let Verdict::Failed {
        reason: _,
        class,
        detail: _,
        objects: _,
    } = &assessment.rollout
    {
        let since = memory.failing_since.unwrap_or(now);
        assessment.failing_since = Some(since);
        assessment.has_failed = match class {
            Class::Terminal => true,
            Class::Retryable => now.duration_since(since) >= look.policy.fail_after,
        };
    }
    let live = look.snapshot.workload.as_ref();
    let mut next = Memory {
        apply: memory.apply.clone(),
        is_seen: memory.is_seen
            || live.is_some_and(|live| snapshot::uid(live.metadata()) == look.applied.uid),
        is_latched: memory.is_latched || is_complete,
        was_ready: memory.was_ready || assessment.new_ready > 0,
        failing_since: assessment.failing_since,
        waiting: Some(waiting(look, &assessment)),
        progress: Some(progress),
        drain,
        births: scan.births,
        sightings: scan.sightings,
        pods: traces,
    };
    if is_behind {
        next.failing_since = next.failing_since.or(memory.failing_since);
        next.waiting = memory.waiting.clone().or(next.waiting);
        next.drain.clone_from(&memory.drain);
    }
    (assessment, next)
}

/// Whether the look did not even see the apply. It says nothing of the rollout, and ends no wait of it: a live look has
/// perhaps seen more before.
fn is_behind(rollout: &Verdict) -> bool {
    match rollout {
        Verdict::Progressing { reason, .. } => *reason == Reason::StaleRead,
        Verdict::Complete | Verdict::Paused { .. } | Verdict::Failed { .. } => false,
    }
}

/// What it waits for. A wait whose end is only noted goes on, so that the note stays.
fn waiting(look: &Look<'_>, assessment: &Assessment) -> Mark {
    let reason = if assessment.notes.contains(&Note::CanaryNotScaled) {
        Reason::CanaryScaleDown
    } else {
        assessment.waits_for
    };
    Mark::next(
        look.memory.waiting.as_ref(),
        reason.label().to_owned(),
        look.snapshot.now,
    )
}

/// A pod that waits for its gates explains why a rollout does not move.
fn name_gates(assessment: &mut Assessment, scan: &Scan) {
    if let Verdict::Progressing {
        reason,
        done: _,
        total: _,
        detail: _,
    } = &mut assessment.rollout
        && scan.is_gated
    {
        *reason = Reason::SchedulingGated;
    }
}

/// When something last moved. A failure is no movement, so that one that comes and goes does not
/// wind the clock back; neither is a cache that is behind.
fn progress(look: &Look<'_>, assessment: &Assessment) -> Movement {
    let now = look.snapshot.now;
    let before = look.memory.progress.as_ref();
    let is_failed = matches!(assessment.rollout, Verdict::Failed { .. });
    if let Some(before) = before
        && (is_failed || is_behind(&assessment.rollout))
    {
        return before.clone();
    }
    let Assessment {
        rollout,
        drain,
        serving,
        new_ready,
        old_alive,
        ..
    } = assessment;
    let state = format!("{rollout} {drain} {serving} {new_ready} {old_alive}");
    Movement::next(before, state, now)
}

fn drain_mark(look: &Look<'_>, assessment: &Assessment) -> Mark {
    let blockers = match &assessment.drain {
        Drain::Draining(blockers) | Drain::Stuck(blockers, _) => blockers.pods.len(),
        Drain::NotNeeded | Drain::Drained | Drain::Unprovable(..) => 0,
    };
    let since = match look.snapshot.read {
        Read::Live | Read::Cached => look.snapshot.now,
        // Looked at once: the pods themselves say when the last of them was told to go.
        Read::File => last_told_to_go(assessment).unwrap_or(look.snapshot.now),
    };
    Mark::next(look.memory.drain.as_ref(), blockers.to_string(), since)
}

fn last_told_to_go(assessment: &Assessment) -> Option<Timestamp> {
    let (Drain::Draining(blockers) | Drain::Stuck(blockers, _)) = &assessment.drain else {
        return None;
    };
    let told = blockers.pods.iter().filter_map(|pod| match &pod.leaving {
        Leaving::By {
            gone_by,
            finalizers: _,
        } => gone_by
            .checked_sub(SignedDuration::from_secs(pod.grace_s))
            .ok(),
        Leaving::No { phase: _ }
        | Leaving::Kept { until: _ }
        | Leaving::Vanished { dead_by: _ } => None,
    });
    told.max()
}

fn drain_stuck(look: &Look<'_>, assessment: &Assessment, mark: Option<&Mark>) -> Option<Verdict> {
    let (Drain::Stuck(blockers, _), Some(mark)) = (&assessment.drain, mark) else {
        return None;
    };
    let grace_s = blockers
        .pods
        .iter()
        .map(|pod| pod.grace_s)
        .max()
        .unwrap_or_default();
    let default = SignedDuration::from_secs(grace_s).saturating_add(DRAIN_MARGIN);
    let deadline = look.policy.drain_deadline.unwrap_or(default);
    let is_over = look.snapshot.now.duration_since(mark.since) >= deadline;
    is_over.then(|| Verdict::Failed {
        reason: Reason::DrainStuck,
        class: Class::Retryable,
        detail: assessment.matter(),
        objects: blockers.pods.iter().map(|pod| pod.pod.clone()).collect(),
    })
}

fn no_progress(look: &Look<'_>, assessment: &Assessment, progress: &Movement) -> Option<Verdict> {
    let is_waiting = match &assessment.rollout {
        Verdict::Progressing { .. } => true,
        Verdict::Complete => assessment.gate() == Gate::Shut,
        // Someone has to act, or has been told already.
        Verdict::Paused { .. } | Verdict::Failed { .. } => false,
    };
    let still = look.snapshot.now.duration_since(progress.since);
    if let Some(never) = never_known(look, assessment, still) {
        return Some(never);
    }
    let deadline = deadline(look)?;
    (is_waiting && still >= deadline).then(|| {
        let detail = format!(
            "nothing has moved for {deadline:#}: {}",
            assessment.matter()
        );
        Verdict::failed(Reason::NoProgress, Class::Retryable, detail)
    })
}

/// What nobody can tell the state of will hardly tell it later.
fn never_known(look: &Look<'_>, assessment: &Assessment, still: SignedDuration) -> Option<Verdict> {
    let Verdict::Progressing {
        reason: reason @ (Reason::UnknownStatus | Reason::NoRule),
        done: _,
        total: _,
        detail: _,
    } = &assessment.rollout
    else {
        return None;
    };
    let bound = look.policy.unknown_deadline.or_else(|| deadline(look))?;
    (still >= bound).then(|| Verdict::failed(*reason, Class::Retryable, assessment.matter()))
}

/// How long nothing may move; `None` while that is the workload's own business.
fn deadline(look: &Look<'_>) -> Option<SignedDuration> {
    if look.policy.deadline.is_some() {
        return look.policy.deadline;
    }
    let own_s = match look.snapshot.workload.as_ref() {
        Some(Workload::Deployment(deployment)) => {
            let own_s = deployment.spec.progress_deadline_seconds;
            // The largest number means "never": then ours must do.
            Some(i64::from(own_s.unwrap_or(PROGRESS_DEADLINE_DEFAULT_S)))
                .filter(|own_s| *own_s < i64::from(i32::MAX))
        }
        Some(Workload::ArgoRollout(rollout)) => {
            let own_s = rollout.spec.progress_deadline_seconds;
            Some(i64::from(own_s.unwrap_or(PROGRESS_DEADLINE_DEFAULT_S)))
        }
        Some(Workload::Job(job)) => {
            let own_s = job
                .spec
                .as_ref()
                .and_then(|spec| spec.active_deadline_seconds);
            if own_s.is_none() && job::is_running(job) {
                // A migration may take hours without a counter moving.
                return None;
            }
            own_s
        }
        Some(
            Workload::StatefulSet(_)
            | Workload::DaemonSet(_)
            | Workload::ReplicaSet(_)
            | Workload::CronJob(_)
            | Workload::FlaggerCanary(_)
            | Workload::Plain(_)
            | Workload::Pod(_),
        )
        | None => None,
    };
    let own = own_s.map(SignedDuration::from_secs).unwrap_or_default();
    Some(own.saturating_add(DEADLINE_MARGIN).max(DEADLINE_MIN))
}
