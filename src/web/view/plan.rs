//! One plan: every run of it, and how it is meant to roll.

use jiff::Timestamp;
use kube::ResourceExt;
use serde::Serialize;
use utoipa::ToSchema;

use super::release::{ReleaseLine, release_line};
use super::sight::Sight;

/// A plan with its history.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanView {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Whether there is such an object; otherwise only releases name it.
    pub is_declared: bool,
    /// Whether no new release is started.
    pub is_suspended: bool,
    /// The account that reads and writes for it; `None`: whoever runs the release.
    pub service_account: Option<String>,
    /// What is wrong with it, if anything is.
    pub problem: Option<String>,
    /// The runs, the newest first.
    pub runs: Vec<ReleaseLine>,
    /// Graphs of its namespace.
    pub graphs: Vec<String>,
    /// Its spec as YAML.
    pub yaml: String,
    /// The median of what succeeded runs took, in seconds.
    pub median_s: Option<i64>,
    /// How many of the ended runs succeeded, and how many ended.
    pub succeeded: (usize, usize),
}

/// All that is known of a plan; `None` if neither it nor a release of it is there.
pub fn plan_view(sight: &Sight, namespace: &str, name: &str, now: Timestamp) -> Option<PlanView> {
    let plan = sight.plan(namespace, name);
    let runs = sight.releases_of(namespace, name);
    if plan.is_none() && runs.is_empty() {
        return None;
    }
    let lines: Vec<ReleaseLine> = runs
        .iter()
        .rev()
        .map(|one| release_line(one, now))
        .collect();
    let ended = lines.iter().filter(|line| line.mark.has_ended());
    let succeeded = lines
        .iter()
        .filter(|line| line.mark == super::Mark::Done)
        .count();
    let mut took: Vec<i64> = lines
        .iter()
        .filter(|line| line.mark == super::Mark::Done)
        .filter_map(|line| line.took_s)
        .collect();
    took.sort_unstable();
    let conditions = plan.and_then(|plan| plan.status.as_ref());
    let stalled = conditions.and_then(|status| {
        let mut all = status.conditions.iter();
        all.find(|one| one.type_ == "Stalled" && one.status == "True")
    });
    let graphs = sight.graphs().iter();
    Some(PlanView {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        is_declared: plan.is_some(),
        is_suspended: plan.is_some_and(|plan| plan.spec.suspend),
        service_account: plan.and_then(|plan| plan.spec.service_account_name.clone()),
        problem: stalled.map(|condition| condition.message.clone()),
        graphs: graphs
            .filter(|graph| graph.namespace().as_deref() == Some(namespace))
            .map(|graph| graph.name_any())
            .collect(),
        yaml: plan.map(|plan| yaml(&plan.spec)).unwrap_or_default(),
        median_s: took.get(took.len() / 2).copied(),
        succeeded: (succeeded, ended.count()),
        runs: lines,
    })
}

/// A value as YAML; what cannot be written says so.
pub(in crate::web) fn yaml(value: &impl Serialize) -> String {
    serde_saphyr::to_string(value).unwrap_or_else(|error| format!("# {error}"))
}
