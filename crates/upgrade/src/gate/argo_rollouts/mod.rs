//! How far an Argo Rollouts Rollout is; completion.md §4.6.
//!
//! Its `Healthy` leaves old pods aside on purpose, and a return to the stable template is healthy at once: only the
//! hashes and counts prove that it is done.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

mod view;

pub use view::ArgoRollout;
pub(super) use view::Target;
use view::{PauseCondition, Step, Weight, Weights};

use super::assessment::Note;
use super::condition::{self, Condition};
use super::failure::Scan;
use super::reason::Reason;
use super::snapshot::{Snapshot, count, has_seen, length, replicas};
use super::verdict::{Class, Verdict};
use super::workload::Observed;
use super::{Judgement, Look};

/// The label by which the pods and ReplicaSets of a Rollout name their revision.
pub(super) const HASH_LABEL: &str = "rollouts-pod-template-hash";
/// When an old ReplicaSet is to be scaled down.
pub(super) const SCALE_DOWN_DEADLINE: &str = "scale-down-deadline";

/// A generation as text, or as the number that some write.
fn number(value: Option<&Value>) -> Option<Result<i64, String>> {
    match value? {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.parse().map_err(|_| text.clone())),
        Value::Number(number) => Some(number.as_i64().ok_or_else(|| number.to_string())),
        other @ (Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
            Some(Err(other.to_string()))
        }
    }
}

impl ArgoRollout {
    /// F8: the generation stands there as text. Old controllers wrote a hash, which proves nothing.
    pub(super) fn observed(&self) -> Observed {
        match (
            number(self.status.observed_generation.as_ref()),
            self.metadata.generation,
        ) {
            (None, _) | (Some(Ok(_)), None) => Observed::NotYet,
            (Some(Ok(seen)), Some(live)) if seen < live => Observed::NotYet,
            (Some(Ok(seen)), Some(live)) if seen == live => Observed::Yes,
            (Some(Ok(seen)), Some(_)) => Observed::Unsupported(seen.to_string()),
            (Some(Err(text)), _) => Observed::Unsupported(text),
        }
    }

    /// Its pods by the hash of their template, and that of the new ones; `None` while nobody can say which are new.
    pub(super) fn new_hash(&self, snapshot: &Snapshot) -> Option<&str> {
        let is_known =
            self.observed() == Observed::Yes && self.reference_behind(snapshot).is_none();
        let hash = self.status.current_pod_hash.as_str();
        (is_known && !hash.is_empty()).then_some(hash)
    }

    /// Rows AR1 and AR2.
    fn reference_behind(&self, snapshot: &Snapshot) -> Option<Verdict> {
        let target = self.spec.workload_ref.as_ref()?;
        let Some(referenced) = snapshot.other(target.key()) else {
            let detail = format!(
                "{} {}, its `workloadRef`, is not there",
                target.kind, target.name
            );
            return Some(Verdict::failed(
                Reason::WorkloadRefMissing,
                Class::Terminal,
                detail,
            ));
        };
        let seen = number(self.status.workload_observed_generation.as_ref());
        let is_seen = has_seen(referenced.metadata(), seen.and_then(Result::ok));
        (!is_seen).then(|| {
            Verdict::progressing(
                Reason::WorkloadRefNotObserved,
                0,
                replicas(self.spec.replicas),
            )
        })
    }

    /// Whether old pods are kept for a while after the switch.
    pub(super) fn delays_scale_down(&self) -> bool {
        let is_routed = self
            .spec
            .strategy
            .canary
            .as_ref()
            .is_some_and(|canary| canary.traffic_routing.is_some());
        (is_routed || self.spec.strategy.blue_green.is_some())
            && self.status.stable_rs == self.status.current_pod_hash
    }

    fn steps(&self) -> &[Step] {
        let canary = self.spec.strategy.canary.as_ref();
        canary
            .map(|canary| canary.steps.as_slice())
            .unwrap_or_default()
    }

    fn step(&self) -> (u32, u32) {
        let total = length(self.steps().len());
        (count(self.status.current_step_index).min(total), total)
    }
}

/// Rows AR1 to AR23.
pub(super) fn judge(look: &Look<'_>, rollout: &ArgoRollout, scan: &Scan) -> Judgement {
    if let Some(verdict) = rollout.reference_behind(look.snapshot) {
        return verdict.into();
    }
    if let Some(failed) = failed(look, rollout) {
        return failed.into();
    }
    if let Some(failed) = &scan.failure {
        return failed.clone().into();
    }
    let verdict = paused(rollout)
        .or_else(|| counted(rollout))
        .or_else(|| switched(rollout))
        .or_else(|| promoted(rollout))
        .unwrap_or(Verdict::Complete);
    let is_zero = verdict == Verdict::Complete && replicas(rollout.spec.replicas) == 0;
    Judgement {
        verdict,
        notes: is_zero.then_some(Note::ZeroReplicas).into_iter().collect(),
    }
}

/// Rows AR3 to AR6.
fn failed(look: &Look<'_>, rollout: &ArgoRollout) -> Option<Verdict> {
    let status = &rollout.status;
    if let Some(invalid) = condition::find(&status.conditions, "InvalidSpec") {
        return Some(Verdict::failed(
            Reason::InvalidSpec,
            Class::Terminal,
            invalid.words(),
        ));
    }
    if status.current_pod_hash.is_empty() {
        return Some(Verdict::progressing(
            Reason::NotReconciled,
            0,
            replicas(rollout.spec.replicas),
        ));
    }
    let is_stable = status.stable_rs == status.current_pod_hash;
    let progressing = condition::find(&status.conditions, "Progressing");
    let says =
        |reason: &str| progressing.filter(|condition| condition.reason.as_deref() == Some(reason));
    // One that was there before the apply speaks of the rollout before.
    let has_aborted = says("RolloutAborted").is_some_and(|it| !it.is_in_baseline(look));
    if status.abort || (!is_stable && (status.aborted_at.is_some() || has_aborted)) {
        let words = says("RolloutAborted")
            .map(Condition::words)
            .unwrap_or_default();
        let words = if status.message.is_empty() {
            words
        } else {
            status.message.clone()
        };
        let detail = format!("aborted, and traffic is back on the old pods: {words}");
        let detail = detail.trim_end_matches([':', ' ']);
        return Some(Verdict::failed(Reason::Aborted, Class::Terminal, detail));
    }
    let timeout = says("ProgressDeadlineExceeded").filter(|it| !it.is_in_baseline(look))?;
    let wanted = replicas(rollout.spec.replicas);
    // A long delay of the scale-down makes the controller time out on a finished rollout.
    let is_finished = is_stable
        && count(status.updated_replicas) == wanted
        && count(status.available_replicas) == wanted;
    let class = if rollout.spec.progress_deadline_abort {
        Class::Terminal
    } else {
        Class::Retryable
    };
    (!is_finished)
        .then(|| Verdict::failed(Reason::ProgressDeadlineExceeded, class, timeout.words()))
}

/// Rows AR8 to AR13.
fn paused(rollout: &ArgoRollout) -> Option<Verdict> {
    let (done, total) = rollout.step();
    let status = &rollout.status;
    if rollout.spec.paused {
        return Some(Verdict::paused(Reason::Manual, done, total));
    }
    let says = |reason: &str| {
        status
            .pause_conditions
            .iter()
            .find(|pause| pause.reason == reason)
    };
    if says("InconclusiveAnalysisRun")
        .or_else(|| says("InconclusiveExperiment"))
        .is_some()
    {
        return Some(Verdict::paused(Reason::Inconclusive, done, total));
    }
    if let Some(pause) = says("CanaryPauseStep") {
        let index =
            usize::try_from(status.current_step_index.unwrap_or_default()).unwrap_or_default();
        let step = rollout
            .steps()
            .get(index)
            .and_then(|step| step.pause.as_ref());
        return Some(match step.and_then(|step| step.duration.as_ref()) {
            Some(duration) => timed(pause, seconds(duration), (done, total)),
            None => Verdict::paused(Reason::CanaryPauseStep, done, total),
        });
    }
    if let Some(pause) = says("BlueGreenPause") {
        let strategy = rollout.spec.strategy.blue_green.clone().unwrap_or_default();
        let by_itself = strategy
            .auto_promotion_seconds
            .filter(|_| strategy.auto_promotion_enabled != Some(false));
        let (done, total) = (
            count(status.updated_replicas),
            replicas(rollout.spec.replicas),
        );
        return Some(match by_itself {
            Some(seconds) => timed(pause, Some(seconds), (done, total)),
            None => Verdict::paused(Reason::BlueGreenPause, done, total),
        });
    }
    if let Some(other) = status.pause_conditions.first() {
        return Some(
            Verdict::progressing(Reason::UnknownStatus, done, total).with(other.reason.clone()),
        );
    }
    status
        .controller_pause
        .then(|| Verdict::progressing(Reason::Unpausing, done, total))
}

fn timed(pause: &PauseCondition, seconds: Option<i64>, (done, total): (u32, u32)) -> Verdict {
    let end: Option<Timestamp> = pause
        .start_time
        .as_ref()
        .zip(seconds)
        .and_then(|(start, seconds)| start.0.checked_add(SignedDuration::from_secs(seconds)).ok());
    let words = end.map(|end| format!("until {end}")).unwrap_or_default();
    Verdict::progressing(Reason::TimedPause, done, total).with(words)
}

/// A duration as Rollouts writes it: seconds, or a number with `s`, `m` or `h`.
fn seconds(duration: &Value) -> Option<i64> {
    if let Some(seconds) = duration.as_i64() {
        return Some(seconds);
    }
    let text = duration.as_str()?;
    let (digits, unit) = match text.chars().last()? {
        's' => (text.trim_end_matches('s'), 1),
        'm' => (text.trim_end_matches('m'), 60),
        'h' => (text.trim_end_matches('h'), 3600),
        _ => (text, 1),
    };
    digits.parse::<i64>().ok()?.checked_mul(unit)
}

/// Rows AR14 to AR16.
fn counted(rollout: &ArgoRollout) -> Option<Verdict> {
    let status = &rollout.status;
    let wanted = replicas(rollout.spec.replicas);
    let (updated, available) = (
        count(status.updated_replicas),
        count(status.available_replicas),
    );
    if rollout.spec.restart_at.is_some() && rollout.spec.restart_at != status.restarted_at {
        return Some(Verdict::progressing(
            Reason::Restarting,
            available.min(wanted),
            wanted,
        ));
    }
    if updated < wanted {
        let (done, total) = rollout.step();
        return Some(
            if done < total && status.stable_rs != status.current_pod_hash {
                Verdict::progressing(Reason::Step, done, total)
                    .with(format!("{updated} of {wanted} pods updated"))
            } else {
                Verdict::progressing(Reason::Updating, updated, wanted)
            },
        );
    }
    (available < updated).then(|| Verdict::progressing(Reason::Available, available, updated))
}

/// Rows AR17 and AR18.
fn switched(rollout: &ArgoRollout) -> Option<Verdict> {
    let status = &rollout.status;
    let wanted = replicas(rollout.spec.replicas);
    let updated = count(status.updated_replicas);
    if let Some(strategy) = &rollout.spec.strategy.blue_green {
        if status.blue_green.active_selector != status.current_pod_hash {
            return Some(Verdict::progressing(Reason::Cutover, updated, wanted));
        }
        let run = status
            .blue_green
            .post_promotion_analysis_run_status
            .as_ref();
        // Once the new hash is the stable one its analysis is over: a later look, or a first rollout, shows no trace of it.
        let is_stable = status.stable_rs == status.current_pod_hash;
        let is_done = run.map_or(is_stable, |run| run.status == "Successful");
        if strategy.post_promotion_analysis.is_some() && !is_done {
            return Some(Verdict::progressing(Reason::Analysis, 0, 1));
        }
    }
    let (done, total) = rollout.step();
    let is_stable = status.stable_rs == status.current_pod_hash;
    (!is_stable && done < total).then(|| {
        let reason = if status.promote_full {
            Reason::PromoteFull
        } else {
            Reason::Step
        };
        Verdict::progressing(reason, done, total)
    })
}

/// Rows AR19 to AR22.
fn promoted(rollout: &ArgoRollout) -> Option<Verdict> {
    let status = &rollout.status;
    let wanted = replicas(rollout.spec.replicas);
    let updated = count(status.updated_replicas);
    let hash = status.current_pod_hash.as_str();
    let canary = rollout.spec.strategy.canary.as_ref();
    let is_routed = canary.is_some_and(|canary| canary.traffic_routing.is_some());
    if status.stable_rs != hash {
        return Some(Verdict::progressing(
            Reason::AwaitPromotion,
            updated,
            wanted,
        ));
    }
    let all = count(status.replicas);
    if canary.is_some() && !is_routed && all > updated {
        return Some(Verdict::progressing(Reason::OldReplicas, updated, all));
    }
    if is_routed
        && status
            .canary
            .weights
            .as_ref()
            .is_some_and(|weights| weights.lead_elsewhere(hash))
    {
        return Some(Verdict::progressing(Reason::Weights, updated, wanted));
    }
    // Its controller calls it degraded by the condition that AR6 forgives a finished rollout.
    let timeout = condition::find(&status.conditions, "Progressing")
        .filter(|it| it.reason.as_deref() == Some("ProgressDeadlineExceeded"));
    let is_healthy = status.phase == "Healthy" || (status.phase == "Degraded" && timeout.is_some());
    let words = format!("its phase is `{}`", status.phase);
    (!is_healthy).then(|| Verdict::progressing(Reason::Phase, updated, wanted).with(words))
}

impl Weights {
    /// Whether part of the traffic is sent to another hash, or nobody has made sure of it.
    fn lead_elsewhere(&self, hash: &str) -> bool {
        let elsewhere = |weight: &Weight| weight.weight > 0 && weight.pod_template_hash != hash;
        elsewhere(&self.canary)
            || elsewhere(&self.stable)
            || self.additional.iter().any(elsewhere)
            || self.verified == Some(false)
    }
}
