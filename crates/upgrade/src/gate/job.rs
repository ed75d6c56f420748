//! How far a Job is; completion.md §4.7.
//!
//! A Job has no observed generation; it is known by its uid, and its template never changes.

use k8s_openapi::api::batch::v1::{Job, JobCondition, JobStatus};

use super::assessment::Note;
use super::failure::Scan;
use super::reason::Reason;
use super::snapshot::count;
use super::verdict::{Class, Verdict};
use super::{Judgement, Look};

/// Rows J1 to J5 and J7 to J9; J6 is the freshness ladder's.
pub(super) fn judge(look: &Look<'_>, job: &Job, scan: &Scan) -> Judgement {
    let status = job.status.clone().unwrap_or_default();
    let is_true = |type_: &str| true_condition(job, type_);
    let spec = job.spec.clone().unwrap_or_default();
    let wanted = wanted(job);
    let succeeded = count(status.succeeded).min(wanted);
    if let Some(failed) = is_true("Failed").or_else(|| is_true("FailureTarget")) {
        return Verdict::failed(Reason::JobFailed, Class::Terminal, why(failed)).into();
    }
    if has_succeeded(job) {
        let again = (!look.applied.changed).then_some(Note::AlreadyRan);
        return Judgement {
            verdict: Verdict::Complete,
            notes: again.into_iter().collect(),
        };
    }
    if is_true("SuccessCriteriaMet").is_some() {
        return Verdict::progressing(Reason::Finishing, succeeded, wanted).into();
    }
    // The spec, not the condition: that one lags.
    if spec.suspend == Some(true) {
        return Verdict::paused(Reason::Suspended, succeeded, wanted).into();
    }
    if let Some(failed) = &scan.failure {
        return failed.clone().into();
    }
    let is_untouched = job
        .status
        .as_ref()
        .is_none_or(|status| *status == JobStatus::default());
    if spec.managed_by.is_some() && is_untouched {
        return Verdict::progressing(Reason::ExternalController, 0, wanted).into();
    }
    Verdict::progressing(Reason::Running, succeeded, wanted).into()
}

/// Whether its controller says that it has succeeded.
pub(super) fn has_succeeded(job: &Job) -> bool {
    true_condition(job, "Complete").is_some()
}

/// A condition that is true; one that stands there with another status as well says nothing.
fn true_condition<'a>(job: &'a Job, type_: &str) -> Option<&'a JobCondition> {
    let conditions = job.status.as_ref()?.conditions.as_ref()?;
    let mut of_type = conditions.iter().filter(|it| it.type_ == type_);
    let all = of_type.clone().all(|condition| condition.status == "True");
    of_type.next().filter(|_| all)
}

/// How many pods must succeed: without `completions` any one is enough.
pub(super) fn wanted(job: &Job) -> u32 {
    let completions = job.spec.as_ref().and_then(|spec| spec.completions);
    count(completions).max(1)
}

/// Whether a pod of it runs: then it is not idle, however long it takes.
pub(super) fn is_running(job: &Job) -> bool {
    job.status
        .as_ref()
        .is_some_and(|status| count(status.ready) > 0)
}

fn why(condition: &JobCondition) -> String {
    let reason = condition.reason.as_deref().unwrap_or("no reason given");
    match condition.message.as_deref() {
        Some(message) if !message.is_empty() => format!("{reason}: {message}"),
        Some(_) | None => reason.to_owned(),
    }
}
