//! The plan of a release in words, made again from the two graphs that it lies between.

use std::collections::BTreeMap;

use super::backend::Explained;
use crate::controller::planned;
use crate::graph::System;
use crate::plan::{Plan, explain, headline, step_words, why_here};
use crate::spec::crd::{Planning, ReleaseStatus, ServiceGraphSpec};
use crate::spec::{Graph, ServiceName, check_graph};

/// What a plan says of a system.
pub fn explained(system: &System, plan: &Plan) -> Explained {
    let words = step_words(system, plan);
    let services = system.services.keys();
    Explained {
        headline: headline(system, plan),
        lines: explain(system, plan),
        changes: words
            .into_iter()
            .map(|(step, words)| (step.to_owned(), words.changes))
            .collect(),
        why_here: services
            .filter_map(|name| Some((name.to_string(), why_here(plan, name)?)))
            .collect(),
    }
}

/// What the plan of a release says, from what ran before and what it brings.
///
/// `None` where that gives other waves than are carried out: the release was planned from pods that are gone by now, and
/// a reason that does not fit is worse than none.
pub(super) fn of_release(
    status: &ReleaseStatus,
    planning: &Planning,
    before: Option<&ServiceGraphSpec>,
    after: &ServiceGraphSpec,
) -> Option<Explained> {
    let old = before.map_or_else(Graph::default, |spec| check_graph("before", spec).0);
    let (new, _) = check_graph("after", after);
    let steps = status.waves.iter().flat_map(|wave| &wave.services);
    let moved: BTreeMap<ServiceName, bool> = steps
        .filter_map(|step| ServiceName::parse(step.name.split('/').next()?).ok())
        .map(|name| (name, true))
        .collect();
    let system = System::between(&old, &new, Some(&moved));
    let (plan, system) = planned(system, planning, Some(&old), planning.order).ok()?;
    let waves = status.waves.iter().map(|wave| {
        let names = wave.services.iter().map(|step| step.name.as_str());
        sorted(names)
    });
    let same = waves.eq(plan
        .waves
        .iter()
        .map(|wave| sorted(wave.iter().map(String::as_str))));
    same.then(|| explained(&system, &plan))
}

fn sorted<'n>(names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names
}
