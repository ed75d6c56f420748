//! Every plan in its folder, with its last runs, and what needs somebody.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use serde::Serialize;
use utoipa::ToSchema;

use super::mark::{Mark, mark_of_release};
use super::release::{ReleaseLine, moment, release_line};
use super::sight::{FOLDER_ANNOTATION, Sight};
use crate::spec::crd::{CONFLICTED, DRIFTED, Release, ReleasePlan};
use crate::upgrade::why::AWAITING;

/// How many runs a plan shows.
const RUNS_MAX: usize = 10;

/// Everything at a glance.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// What waits for somebody, the oldest first.
    pub needs: Vec<Need>,
    /// The folders by name.
    pub folders: Vec<Folder>,
}

/// Something that does not go on without a person.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Need {
    /// Why: a step that waits, a failed run, a plan that cannot be used.
    pub mark: Mark,
    /// The namespace.
    pub namespace: String,
    /// The plan.
    pub plan: String,
    /// The release; `None` where the plan itself is meant.
    pub release: Option<String>,
    /// The sentence.
    pub message: String,
    /// Since when.
    pub since: Option<Timestamp>,
}

/// Plans that somebody put together.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Folder {
    /// Its path, for instance `team/shop`.
    pub path: String,
    /// The plans by name.
    pub plans: Vec<PlanLine>,
}

/// A plan in a list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanLine {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Whether no new release is started.
    pub is_suspended: bool,
    /// What is wrong with it, if anything is.
    pub problem: Option<String>,
    /// The last runs, the oldest first.
    pub runs: Vec<ReleaseLine>,
}

impl PlanLine {
    /// The newest run.
    pub fn newest(&self) -> Option<&ReleaseLine> {
        self.runs.last()
    }
}

/// Makes the overview.
pub fn overview(sight: &Sight, now: Timestamp) -> Overview {
    let mut folders: BTreeMap<String, Vec<PlanLine>> = BTreeMap::new();
    let mut needs = Vec::new();
    let mut known = std::collections::BTreeSet::new();
    for plan in sight.plans() {
        let namespace = plan.namespace().unwrap_or_default();
        let name = plan.name_any();
        let runs = sight.releases_of(&namespace, &name);
        let line = plan_line(Some(plan), &namespace, &name, runs, now);
        needs.extend(plan_in_need(plan));
        needs.extend(newest_in_need(runs, now));
        known.insert((namespace, name));
        folders.entry(folder_of(plan)).or_default().push(line);
    }
    for release in sight.releases() {
        let namespace = release.namespace().unwrap_or_default();
        let key = (namespace, release.spec.plan.clone());
        if !known.insert(key.clone()) {
            continue;
        }
        let runs = sight.releases_of(&key.0, &key.1);
        needs.extend(newest_in_need(runs, now));
        let line = plan_line(None, &key.0, &key.1, runs, now);
        folders.entry(key.0).or_default().push(line);
    }
    needs.sort_by_key(|need| need.since);
    let folders = folders.into_iter();
    let folder = |(path, plans)| Folder { path, plans };
    Overview {
        needs,
        folders: folders.map(folder).collect(),
    }
}

/// Its folder: as the annotation says, or its namespace.
fn folder_of(plan: &ReleasePlan) -> String {
    let annotated = plan.annotations().get(FOLDER_ANNOTATION);
    let parts = annotated.into_iter().flat_map(|path| path.split('/'));
    let parts: Vec<&str> = parts
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    if parts.is_empty() {
        plan.namespace().unwrap_or_default()
    } else {
        parts.join("/")
    }
}

fn plan_line(
    plan: Option<&Arc<ReleasePlan>>,
    namespace: &str,
    name: &str,
    runs: &[Arc<Release>],
    now: Timestamp,
) -> PlanLine {
    let skipped = runs.len().saturating_sub(RUNS_MAX);
    let last = runs.iter().skip(skipped);
    PlanLine {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        is_suspended: plan.is_some_and(|plan| plan.spec.suspend),
        problem: plan.and_then(|plan| {
            let status = plan.status.as_ref()?;
            stalled(&status.conditions).map(|condition| condition.message.clone())
        }),
        runs: last.map(|release| release_line(release, now)).collect(),
    }
}

fn stalled(conditions: &[Condition]) -> Option<&Condition> {
    conditions
        .iter()
        .find(|condition| condition.type_ == "Stalled" && condition.status == "True")
}

/// What is wrong with a plan itself: it cannot be used, it wants what another one has, or somebody else has changed what it
/// released.
fn plan_in_need(plan: &ReleasePlan) -> impl Iterator<Item = Need> {
    let conditions = plan.status.iter().flat_map(|status| &status.conditions);
    let wrong = conditions.filter(|condition| {
        let kinds = ["Stalled", CONFLICTED, DRIFTED];
        kinds.contains(&condition.type_.as_str()) && condition.status == "True"
    });
    wrong.map(|condition| Need {
        mark: Mark::Failed,
        namespace: plan.namespace().unwrap_or_default(),
        plan: plan.name_any(),
        release: None,
        message: condition.message.clone(),
        since: Some(condition.last_transition_time.0),
    })
}

/// The newest run, where it waits for somebody or went wrong.
fn newest_in_need(runs: &[Arc<Release>], now: Timestamp) -> Vec<Need> {
    let Some(newest) = runs.last() else {
        return Vec::new();
    };
    let mark = mark_of_release(newest);
    let line = release_line(newest, now);
    let need = |message: String, since| Need {
        mark,
        namespace: line.namespace.clone(),
        plan: line.plan.clone(),
        release: Some(line.name.clone()),
        message,
        since,
    };
    match mark {
        Mark::Failed | Mark::Refused => vec![need(line.message.clone(), line.ended)],
        Mark::Paused | Mark::Frozen => vec![need(line.message.clone(), None)],
        Mark::Done | Mark::Stopped => Vec::new(),
        Mark::Planned | Mark::Starting | Mark::Rolling | Mark::Draining | Mark::Awaiting => {
            let waves = newest.status.iter().flat_map(|status| &status.waves);
            let services = waves.flat_map(|wave| &wave.services);
            let awaiting = services.filter(|service| service.reason == AWAITING);
            awaiting
                .map(|service| Need {
                    mark: Mark::Awaiting,
                    ..need(
                        format!("{}: {}", service.name, service.message),
                        moment(service.since.as_ref()),
                    )
                })
                .collect()
        }
    }
}
