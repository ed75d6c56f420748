//! The release that puts back what somebody else has changed: an ordinary one, of the input of the release that brought it,
//! planned and proved from what runs.

use std::collections::BTreeSet;

use kube::ResourceExt;

use crate::cluster::error::ClusterError;
use crate::cluster::releases::{NewRelease, Releases};
use crate::cluster::write::OUR_MANAGERS;
use crate::drift::{Change, told};
use crate::manifest::Bundle;
use crate::spec::crd::{Planning, Release, ReleasePlan, Trigger};

/// How long a reason may be.
const REASON_CHARACTERS_MAX: usize = 1000;
/// How many managers a plan may take over.
const MANAGERS_MAX: usize = 20;

/// Makes it, unless a newer release than the one that was seen last has come meanwhile. Out: its name, or that one's.
pub(super) async fn heal(
    releases: &Releases,
    (plan, seen): (&ReleasePlan, Option<&Release>),
    (source, mut bundle): (&str, Bundle),
    changes: &[Change],
) -> Result<String, ClusterError> {
    let revision = releases.get(source).await?.spec.revision;
    let planning = Planning {
        only: only(&bundle, changes),
        // What runs may be unsafe already, by what somebody else did.
        repair: true,
        ..Planning::default()
    };
    // How things roll is said by the plan of today.
    bundle.plan = plan.spec.clone();
    bundle.plan.take_over = taken(&bundle.plan.take_over, changes);
    let new = NewRelease {
        plan: plan.name_any(),
        revision,
        trigger: Trigger::Drift,
        reason: Some(
            format!("puts back: {}", told(changes))
                .chars()
                .take(REASON_CHARACTERS_MAX)
                .collect(),
        ),
        plan_digest: None,
        planning,
        concurrency: plan.spec.concurrency,
        approvals: Vec::new(),
        forces: Vec::new(),
        rollback_of: None,
        retry_of: Some(source.to_owned()),
    };
    let last = seen.map(ResourceExt::name_any);
    let has_come = |newest: Option<&Release>| newest.map(ResourceExt::name_any) != last;
    let made = releases
        .create_unless(plan, &new, &bundle, has_come)
        .await?;
    Ok(made.name_any())
}

/// The services that are put back. What belongs to none is applied with any of them; a Job is not, since one that is done and
/// was tidied away would run again.
fn only(bundle: &Bundle, changes: &[Change]) -> Vec<String> {
    let owners = changes
        .iter()
        .filter_map(|change| bundle.owner(&change.object));
    let owners: BTreeSet<String> = owners.map(ToString::to_string).collect();
    if !owners.is_empty() {
        return owners.into_iter().collect();
    }
    let has_job = |owned: &[usize]| {
        let workloads = bundle.references(owned);
        workloads.iter().any(|workload| workload.group() == "batch")
    };
    let mut lasting = bundle
        .services
        .iter()
        .filter(|(_, owned)| !has_job(&owned.workloads));
    lasting
        .next()
        .map(|(name, _)| name.to_string())
        .into_iter()
        .collect()
}

/// The managers from which fields are taken back, beside those that the plan names.
fn taken(of_plan: &[String], changes: &[Change]) -> Vec<String> {
    let is_foreign = |by: &&String| !of_plan.contains(by) && !OUR_MANAGERS.contains(&by.as_str());
    let others = changes.iter().filter_map(|change| change.by.as_ref());
    let others: BTreeSet<String> = others.filter(is_foreign).cloned().collect();
    let all = of_plan.iter().cloned().chain(others);
    all.take(MANAGERS_MAX).collect()
}
