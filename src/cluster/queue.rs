//! What is written of a release that does not move: that it waits for an older one, or that it ends without being opened.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::ResourceExt;
use kube::api::PostParams;

use super::conditions::{condition, set_condition};
use super::error::ClusterError;
use super::releases::{Releases, has_ended};
use crate::spec::crd::{Release, ReleaseStatus};
use crate::upgrade::Ending;

/// The reason of a release that waits for an older one.
const QUEUED: &str = "Queued";

impl Releases {
    /// Says on a release that it waits until an older one has ended. Written once; what has begun already says more.
    pub async fn note_queued(
        &self,
        release: &Release,
        older: &Release,
    ) -> Result<(), ClusterError> {
        let release = self.get(&release.name_any()).await?;
        let before = release.status.clone().unwrap_or_default();
        let message = format!(
            "waits: `{}` of the same plan has not ended",
            older.name_any()
        );
        let is_known = before
            .conditions
            .iter()
            .any(|condition| condition.message == message);
        if is_known || before.plan.is_some() || has_ended(&release) {
            return Ok(());
        }
        let status = ReleaseStatus {
            phase: QUEUED.to_owned(),
            summary: message.clone(),
            conditions: conditions(&release, ("Unknown", "True", "False"), QUEUED, &message),
            ..before
        };
        self.replace_status(release, status).await
    }

    /// Ends a release that nobody can open any more, for instance since its bundle is damaged: where it stood stays as it
    /// was written.
    pub async fn end_unopened(&self, name: &str, ending: &Ending) -> Result<(), ClusterError> {
        let release = self.get(name).await?;
        if has_ended(&release) {
            return Ok(());
        }
        let message = ending.message();
        let status = ReleaseStatus {
            phase: ending.word().to_owned(),
            outcome: Some(ending.word().to_owned()),
            completion_time: Some(Time(Timestamp::now())),
            conditions: conditions(&release, ("False", "False", "True"), ending.word(), message),
            ..release.status.clone().unwrap_or_default()
        };
        self.replace_status(release, status).await
    }

    async fn replace_status(
        &self,
        mut release: Release,
        status: ReleaseStatus,
    ) -> Result<(), ClusterError> {
        let name = release.name_any();
        release.status = Some(ReleaseStatus {
            observed_generation: release.metadata.generation,
            ..status
        });
        self.api()
            .replace_status(&name, &PostParams::default(), &release)
            .await
            .map(|_| ())
            .map_err(|error| ClusterError::of(error, format!("release `{name}`")))
    }
}

/// The kstatus conditions, with the times of those that stay as they were.
fn conditions(
    release: &Release,
    (ready, reconciling, stalled): (&str, &str, &str),
    reason: &str,
    message: &str,
) -> Vec<Condition> {
    let status = release.status.iter();
    let mut all: Vec<Condition> = status
        .flat_map(|status| status.conditions.clone())
        .collect();
    let wanted = [
        ("Ready", ready),
        ("Reconciling", reconciling),
        ("Stalled", stalled),
    ];
    for (kind, status) in wanted {
        let said = (status, reason, message);
        set_condition(&mut all, condition(kind, said, release.metadata.generation));
    }
    all
}
