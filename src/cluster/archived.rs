//! On a release: whether the archive has it. Until it says so, nobody deletes it where there is an archive.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::ResourceExt;
use kube::api::PostParams;

use super::error::ClusterError;
use super::releases::Releases;
use crate::spec::crd::{Archived, Release};

/// The condition that says it.
const ARCHIVED: &str = "Archived";
/// How long a message of a condition is at the most.
const MESSAGE_CHARACTERS_MAX: usize = 1_000;

impl Releases {
    /// Says on a release that the archive has it.
    pub async fn mark_archived(&self, release: &Release) -> Result<(), ClusterError> {
        let now = Timestamp::now();
        let mut marked = release.clone();
        let status = marked.status.get_or_insert_default();
        status.archive = Some(Archived { time: Time(now) });
        let words = "it can be found in the archive, also when it is deleted here";
        set(
            &mut status.conditions,
            condition("True", "Archived", words, now),
        );
        self.replace(&marked).await
    }

    /// Says on a release that has ended why the archive does not have it yet.
    pub async fn mark_unarchived(&self, name: &str, why: &str) -> Result<(), ClusterError> {
        let mut marked = self.get(name).await?;
        let status = marked.status.get_or_insert_default();
        let words = format!("{why}; nothing is lost, it is tried again");
        set(
            &mut status.conditions,
            condition("False", "ArchiveUnavailable", &words, Timestamp::now()),
        );
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

fn condition(status: &str, reason: &str, message: &str, now: Timestamp) -> Condition {
    Condition {
        type_: ARCHIVED.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: message.chars().take(MESSAGE_CHARACTERS_MAX).collect(),
        observed_generation: None,
        last_transition_time: Time(now),
    }
}

fn set(conditions: &mut Vec<Condition>, condition: Condition) {
    conditions.retain(|other| other.type_ != ARCHIVED);
    conditions.push(condition);
}
