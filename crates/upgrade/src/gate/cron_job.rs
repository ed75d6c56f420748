//! How far a CronJob is; completion.md §4.8, and whose its Jobs are, §5.7.
//!
//! Its spec has no rollout: it is complete when it is applied. What counts are Jobs of the old template that still
//! run, perhaps for hours.

use k8s_openapi::api::batch::v1::{CronJob, Job};

use super::Judgement;
use super::assessment::Note;
use super::digested::Digested;
use super::snapshot;
use super::verdict::Verdict;

pub(super) fn judge(cron: &CronJob) -> Judgement {
    let is_suspended = cron.spec.suspend == Some(true);
    Judgement {
        verdict: Verdict::Complete,
        notes: is_suspended
            .then_some(Note::Suspended)
            .into_iter()
            .collect(),
    }
}

/// Whether a Job is of the template that it has now.
pub(super) fn is_current(cron: &Digested<CronJob>, job: &Digested<Job>) -> bool {
    job.spec.is_some() && job.digest() == cron.digest()
}

/// Whether a Job has ended, so that it starts no pod any more.
pub(super) fn has_ended(job: &Job) -> bool {
    let conditions = job
        .status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|condition| {
        matches!(condition.type_.as_str(), "Complete" | "Failed") && condition.status == "True"
    })
}

/// Its Jobs, by the uids that it has and had.
pub(super) fn jobs(
    jobs: &[Digested<Job>],
    uids: impl Fn(&str) -> bool,
) -> impl Iterator<Item = &Digested<Job>> {
    jobs.iter().filter(move |job| {
        snapshot::controller(&job.metadata).is_some_and(|owner| uids(&owner.uid))
    })
}
