//! How long a plan is likely to take, from how long its services took before.
//!
//! In: a plan, and for each service how long it took in earlier releases, in seconds. Out: an estimate for each wave
//! and for the path that takes longest; nothing of services that never moved before.

use std::collections::BTreeMap;

use serde::Serialize;

use super::document::{Action, Plan, Step};
use tidegate_spec::ServiceName;

/// How long a plan is likely to take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Estimate {
    /// Wave by wave.
    pub waves: Vec<WaveEstimate>,
    /// The sum of the waves, which wait for one another.
    pub seconds: u64,
    /// The steps, each waiting for the one before, that take longest together.
    pub critical_path: Vec<String>,
    /// How long those take.
    pub critical_path_seconds: u64,
    /// Steps of which nothing is known; the plan takes longer by what they take.
    pub unknown: Vec<String>,
}

/// One wave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WaveEstimate {
    /// How long its slowest known step takes; none where no step is known.
    pub seconds: Option<u64>,
    /// That step.
    pub slowest: Option<String>,
}

/// Estimates a plan; `None` where nothing is known of any of its steps.
pub fn estimate(plan: &Plan, earlier: &BTreeMap<ServiceName, Vec<u64>>) -> Option<Estimate> {
    let known: BTreeMap<&str, u64> = plan
        .steps
        .iter()
        // How long a wait takes has nothing to do with how long its service takes to move.
        .filter(|step| step.action != Action::Drain)
        .filter_map(|step| Some((step.id.as_str(), median(earlier.get(&step.service)?)?)))
        .collect();
    if known.is_empty() {
        return None;
    }
    let waves: Vec<WaveEstimate> = plan
        .waves
        .iter()
        .map(|wave| {
            let times = wave
                .iter()
                .filter_map(|id| Some((*known.get(id.as_str())?, id)));
            // Of several the first by name.
            let slowest = times.max_by_key(|(seconds, id)| (*seconds, std::cmp::Reverse(*id)));
            WaveEstimate {
                seconds: slowest.map(|(seconds, _)| seconds),
                slowest: slowest.map(|(_, id)| id.clone()),
            }
        })
        .collect();
    let (critical_path, critical_path_seconds) = longest(&plan.steps, &known);
    let unknown = plan
        .steps
        .iter()
        .filter(|step| !known.contains_key(step.id.as_str()));
    Some(Estimate {
        seconds: waves.iter().filter_map(|wave| wave.seconds).sum(),
        waves,
        critical_path,
        critical_path_seconds,
        unknown: unknown.map(|step| step.id.clone()).collect(),
    })
}

/// The middle one; of two middles the longer, so that an estimate is rather too long.
fn median(seconds: &[u64]) -> Option<u64> {
    let mut sorted = seconds.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

/// The chain of steps that takes longest; steps stand in the order of the waves, so each comes after what it waits for.
fn longest(steps: &[Step], known: &BTreeMap<&str, u64>) -> (Vec<String>, u64) {
    let mut ends: BTreeMap<&str, (u64, Option<&str>)> = BTreeMap::new();
    for step in steps {
        let own = known.get(step.id.as_str()).copied().unwrap_or_default();
        let before = step
            .after
            .iter()
            .filter_map(|id| Some((ends.get(id.as_str())?.0, id.as_str())))
            .max_by_key(|(seconds, id)| (*seconds, std::cmp::Reverse(*id)));
        let total = own + before.map_or(0, |(seconds, _)| seconds);
        ends.insert(&step.id, (total, before.map(|(_, id)| id)));
    }
    let last = ends
        .iter()
        .max_by_key(|(id, (total, _))| (*total, std::cmp::Reverse(*id)));
    let total = last.map_or(0, |(_, (total, _))| *total);
    let mut path = Vec::new();
    let mut at = last.map(|(id, _)| *id);
    while let Some(id) = at {
        path.push(id.to_owned());
        at = ends.get(id).and_then(|(_, before)| *before);
    }
    path.reverse();
    (path, total)
}
