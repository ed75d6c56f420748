//! One release: a sentence of truth, its waves, and for each service why it is here and why it is not further.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use serde::Serialize;
use utoipa::ToSchema;

use super::mark::{Mark, mark_of_release, mark_of_service};
use crate::spec::crd::{Approval, Release, ServiceStatus, WaveStatus};
use crate::upgrade::unblocked_by;
use crate::upgrade::why::AWAITING;

/// A release in a list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseLine {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The plan that it is a run of.
    pub plan: String,
    /// Its number within the plan.
    pub number: u64,
    /// What is released.
    pub revision: String,
    /// What started it.
    pub trigger: String,
    /// Why, in the words of whoever started it.
    pub reason: Option<String>,
    /// Where it stands.
    pub mark: Mark,
    /// Where it stands, in the words of `.status.phase`; for people.
    pub phase: String,
    /// One line, for instance `wave 2/3, 4/7 services`.
    pub summary: String,
    /// The sentence of its condition `Ready`.
    pub message: String,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// When its first wave could start.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// From start to end in seconds, or until now.
    pub took_s: Option<i64>,
    /// How many waves are done.
    pub waves_done: usize,
    /// How many waves there are.
    pub waves: usize,
}

/// A release with all that is known of it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseView {
    /// What a list shows of it.
    pub line: ReleaseLine,
    /// The digest of the plan that is carried out.
    pub plan_digest: Option<String>,
    /// The waves in order.
    pub waves: Vec<WaveView>,
    /// Services that stay as they are.
    pub held_out: Vec<String>,
    /// What is deleted in the end, since nobody has it any more.
    pub leftover: Vec<String>,
    /// What people asked of it, with who and why.
    pub acts: Vec<ActLine>,
}

/// Services that may move at the same time.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaveView {
    /// From 1.
    pub index: u32,
    /// Where it stands.
    pub mark: Mark,
    /// When its first service started.
    pub started: Option<Timestamp>,
    /// When its last service was done.
    pub ended: Option<Timestamp>,
    /// The services.
    pub services: Vec<ServiceView>,
}

/// Where one service stands, and why.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceView {
    /// The service, with a suffix where it moves more than once.
    pub name: String,
    /// The service.
    pub service: String,
    /// Where it stands.
    pub mark: Mark,
    /// The word in `.status`.
    pub state: String,
    /// What is done to it.
    pub action: String,
    /// What ran before.
    pub from: String,
    /// What runs afterwards.
    pub to: String,
    /// New pods that are ready.
    pub new_ready: u32,
    /// New pods that are wanted.
    pub new_wanted: u32,
    /// Live pods of other revisions.
    pub old_alive: u32,
    /// Why it is not further, as one word.
    pub reason: String,
    /// Why it is not further, as a sentence.
    pub message: String,
    /// What would unblock it.
    pub unblocked_by: Option<String>,
    /// Since when it waits for that reason.
    pub since: Option<Timestamp>,
    /// When its apply was decided.
    pub started: Option<Timestamp>,
    /// When its gate opened.
    pub ended: Option<Timestamp>,
    /// The steps that must be done before it.
    pub after: Vec<String>,
    /// The steps that wait for it.
    pub before: Vec<String>,
    /// Whether it waits for somebody's word.
    pub is_awaiting: bool,
    /// Whether nothing undoes it.
    pub is_final: bool,
    /// Where it is a drain: what shows that nothing is left.
    pub retentions: Vec<String>,
    /// What it serves and calls differently; empty until its plan was read.
    pub changes: Vec<String>,
    /// Why it is in its wave and in no earlier one; empty until its plan was read.
    pub why_here: Vec<String>,
}

/// Something that somebody asked.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActLine {
    /// What: `approve`, `pause`, `abort`.
    pub what: String,
    /// The step, if it is about one.
    pub step: Option<String>,
    /// Who, where it is known.
    pub by: Option<String>,
    /// When, where it is known.
    pub at: Option<Timestamp>,
    /// Why, in their words.
    pub reason: Option<String>,
}

/// What a list shows of a release.
pub fn release_line(release: &Release, now: Timestamp) -> ReleaseLine {
    let status = release.status.as_ref();
    let started = status.and_then(|status| moment(status.start_time.as_ref()));
    let ended = status.and_then(|status| moment(status.completion_time.as_ref()));
    let conditions = status.map_or(&[][..], |status| &status.conditions);
    let ready = conditions.iter().find(|one| one.type_ == "Ready");
    let waves = status.map_or(&[][..], |status| &status.waves);
    ReleaseLine {
        namespace: release.namespace().unwrap_or_default(),
        name: release.name_any(),
        plan: release.spec.plan.clone(),
        number: release.spec.number,
        revision: release.spec.revision.clone(),
        trigger: release.spec.trigger.clone(),
        reason: release.spec.reason.clone(),
        mark: mark_of_release(release),
        phase: status.map_or_else(|| "Pending".to_owned(), |status| status.phase.clone()),
        summary: status
            .map(|status| status.summary.clone())
            .unwrap_or_default(),
        message: ready.map(|ready| ready.message.clone()).unwrap_or_default(),
        created: moment(release.metadata.creation_timestamp.as_ref()),
        started,
        ended,
        took_s: started.map(|from| ended.unwrap_or(now).duration_since(from).as_secs().max(0)),
        waves_done: waves.iter().filter(|wave| wave.end_time.is_some()).count(),
        waves: waves.len(),
    }
}

/// All that is known of a release.
pub fn release_view(release: &Release, now: Timestamp) -> ReleaseView {
    let status = release.status.clone().unwrap_or_default();
    let mut before: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for service in status.waves.iter().flat_map(|wave| &wave.services) {
        for first in &service.after {
            let waiting = before.entry(first).or_default();
            waiting.push(service.name.clone());
        }
    }
    let has_ended = status.outcome.is_some();
    let waves = status.waves.iter();
    ReleaseView {
        line: release_line(release, now),
        plan_digest: status.plan.as_ref().map(|plan| plan.digest.clone()),
        waves: waves
            .map(|wave| wave_view(wave, &before, has_ended))
            .collect(),
        held_out: status.held_out.clone(),
        leftover: status.leftover.iter().map(ToString::to_string).collect(),
        acts: acts(release),
    }
}

fn wave_view(wave: &WaveStatus, before: &BTreeMap<&str, Vec<String>>, has_ended: bool) -> WaveView {
    let view = |service: &ServiceStatus| {
        let waiting = before.get(service.name.as_str()).cloned();
        service_view(service, waiting.unwrap_or_default(), has_ended)
    };
    let services: Vec<ServiceView> = wave.services.iter().map(view).collect();
    WaveView {
        index: wave.index,
        mark: mark_of_wave(wave, &services),
        started: moment(wave.start_time.as_ref()),
        ended: moment(wave.end_time.as_ref()),
        services,
    }
}

/// The one that needs a look most; done only if all are.
fn mark_of_wave(wave: &WaveStatus, services: &[ServiceView]) -> Mark {
    let has = |mark: Mark| services.iter().any(|service| service.mark == mark);
    if wave.end_time.is_some() {
        return Mark::Done;
    }
    let order = [
        Mark::Failed,
        Mark::Awaiting,
        Mark::Rolling,
        Mark::Draining,
        Mark::Starting,
    ];
    let worst = order.into_iter().find(|mark| has(*mark));
    worst.unwrap_or(match wave.start_time {
        Some(_) => Mark::Rolling,
        None => Mark::Planned,
    })
}

fn service_view(service: &ServiceStatus, before: Vec<String>, has_ended: bool) -> ServiceView {
    let of_service = service.name.split('/').next().unwrap_or_default();
    ServiceView {
        name: service.name.clone(),
        service: of_service.to_owned(),
        mark: mark_of_service(service),
        state: service.state.clone(),
        action: service.action.clone(),
        from: service.from.clone(),
        to: service.to.clone(),
        new_ready: service.new_ready,
        new_wanted: service.new_wanted,
        old_alive: service.old_alive,
        reason: service.reason.clone(),
        message: service.message.clone(),
        unblocked_by: unblocked_by(service).filter(|_| !has_ended),
        since: moment(service.since.as_ref()),
        started: moment(service.start_time.as_ref()),
        ended: moment(service.end_time.as_ref()),
        after: service.after.clone(),
        before,
        is_awaiting: service.reason == AWAITING && !has_ended,
        is_final: service.is_final,
        retentions: service.retentions.clone(),
        changes: Vec::new(),
        why_here: Vec::new(),
    }
}

/// What people asked, as far as the release itself remembers it.
fn acts(release: &Release) -> Vec<ActLine> {
    let control = release.spec.control.clone().unwrap_or_default();
    let approved = |approval: &Approval| ActLine {
        what: "approve".to_owned(),
        step: Some(approval.step.clone()),
        by: Some(approval.by.clone()),
        at: moment(approval.time.as_ref()),
        reason: approval.reason.clone(),
    };
    let mut acts: Vec<ActLine> = control.approvals.iter().map(approved).collect();
    let held = |what: &str| ActLine {
        what: what.to_owned(),
        step: None,
        by: None,
        at: None,
        reason: control.reason.clone(),
    };
    acts.extend(control.pause.then(|| held("pause")));
    acts.extend(control.abort.then(|| held("abort")));
    acts
}

/// A release without the machine's notes, which nobody reads.
pub fn without_records(release: &Release) -> Release {
    let mut bare = release.clone();
    bare.metadata.managed_fields = None;
    let waves = bare.status.iter_mut().flat_map(|status| &mut status.waves);
    for service in waves.flat_map(|wave| &mut wave.services) {
        service.records.clear();
    }
    bare
}

pub(super) fn moment(time: Option<&Time>) -> Option<Timestamp> {
    time.map(|time| time.0)
}
