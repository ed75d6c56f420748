//! A release as rows. Pure.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use super::acts::Act;
use super::error::ArchiveError;
use super::statement::{ms, number, text};
use crate::spec::crd::{Release, ServiceStatus};

/// What the tables have of a release.
pub(super) struct Rows {
    pub uid: String,
    pub namespace: String,
    pub name: String,
    pub outcome: String,
    pub message: String,
    pub created_ms: i64,
    pub started_ms: Option<i64>,
    pub ended_ms: Option<i64>,
    pub document: String,
    pub waves: Vec<WaveRow>,
    pub services: Vec<ServiceRow>,
    pub acts: Vec<Act>,
}

/// A wave.
pub(super) struct WaveRow {
    pub wave: i64,
    pub started_ms: Option<i64>,
    pub ended_ms: Option<i64>,
}

/// A step of a wave.
pub(super) struct ServiceRow {
    pub wave: i64,
    pub service: String,
    pub status: ServiceStatus,
}

pub(super) fn time_ms(time: Option<&Time>) -> Option<i64> {
    time.map(|time| ms(time.0))
}

impl Rows {
    /// Takes a release apart that has ended.
    pub(super) fn of(release: &Release) -> Result<Self, ArchiveError> {
        let not_kept = |message: &str| ArchiveError::NotKept {
            release: release.name_any(),
            message: message.to_owned(),
        };
        let status = release.status.clone().unwrap_or_default();
        let uid = release
            .uid()
            .ok_or_else(|| not_kept("it has no uid, so it is not the cluster's"))?;
        let outcome = status
            .outcome
            .clone()
            .ok_or_else(|| not_kept("it has not ended"))?;
        let ready = status
            .conditions
            .iter()
            .find(|condition| condition.type_ == "Ready");
        let created = time_ms(release.metadata.creation_timestamp.as_ref());
        let document =
            serde_json::to_string(release).map_err(|error| not_kept(&error.to_string()))?;
        Ok(Self {
            namespace: release.namespace().unwrap_or_default(),
            name: release.name_any(),
            outcome,
            message: text(&ready.map(|ready| ready.message.clone()).unwrap_or_default()),
            created_ms: created
                .or_else(|| time_ms(status.completion_time.as_ref()))
                .unwrap_or_default(),
            started_ms: time_ms(status.start_time.as_ref()),
            ended_ms: time_ms(status.completion_time.as_ref()),
            document,
            waves: status
                .waves
                .iter()
                .map(|wave| WaveRow {
                    wave: i64::from(wave.index),
                    started_ms: time_ms(wave.start_time.as_ref()),
                    ended_ms: time_ms(wave.end_time.as_ref()),
                })
                .collect(),
            services: status
                .waves
                .iter()
                .flat_map(|wave| {
                    wave.services
                        .iter()
                        .map(move |service| (wave.index, service))
                })
                .map(|(wave, service)| ServiceRow {
                    wave: i64::from(wave),
                    service: service
                        .name
                        .split('/')
                        .next()
                        .unwrap_or_default()
                        .to_owned(),
                    status: service.clone(),
                })
                .collect(),
            acts: acts(release, &uid),
            uid,
        })
    }
}

/// What people approved, as the release has it; the rest of what they do is told at once, when they do it.
fn acts(release: &Release, uid: &str) -> Vec<Act> {
    let control = release.spec.control.clone().unwrap_or_default();
    let approvals = control.approvals.into_iter();
    approvals
        .map(|approval| Act {
            release_uid: uid.to_owned(),
            namespace: release.namespace().unwrap_or_default(),
            release: release.name_any(),
            at: approval.time.map(|time| time.0).unwrap_or_default(),
            person: approval.by,
            act: "approve".to_owned(),
            target: approval.step,
            why: approval.reason.unwrap_or_default(),
        })
        .collect()
}

/// The number of a release, as the tables have it.
pub(super) fn release_number(release: &Release) -> i64 {
    number(release.spec.number)
}
