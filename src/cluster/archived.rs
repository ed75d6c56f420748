//! On a release: whether the archive has it. Until it says so, nobody deletes it where there is an archive.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use kube::api::PostParams;

use super::conditions::{condition, set_condition};
use super::error::ClusterError;
use super::releases::Releases;
use crate::spec::crd::{Archived, Release};

/// The condition that says it.
const ARCHIVED: &str = "Archived";

impl Releases {
    /// Says on a release that the archive has it.
    pub async fn mark_archived(&self, release: &Release) -> Result<(), ClusterError> {
        let mut marked = release.clone();
        let status = marked.status.get_or_insert_default();
        status.archive = Some(Archived {
            time: Time(Timestamp::now()),
        });
        let words = "it can be found in the archive, also when it is deleted here";
        let said = condition(ARCHIVED, ("True", "Archived", words), None);
        set_condition(&mut status.conditions, said);
        self.replace(&marked).await
    }

    /// Says on a release that has ended why the archive does not have it yet.
    pub async fn mark_unarchived(&self, name: &str, why: &str) -> Result<(), ClusterError> {
        let mut marked = self.get(name).await?;
        let status = marked.status.get_or_insert_default();
        let words = format!("{why}; nothing is lost, it is tried again");
        let said = condition(ARCHIVED, ("False", "ArchiveUnavailable", &words), None);
        set_condition(&mut status.conditions, said);
        self.replace(&marked).await
    }

    async fn replace(&self, marked: &Release) -> Result<(), ClusterError> {
        let name = marked.name_any();
        self.api()
            .replace_status(&name, &PostParams::default(), marked)
            .await
            .map(|_| ())
            .map_err(|error| ClusterError::of(error, format!("release `{name}`")))
    }
}
