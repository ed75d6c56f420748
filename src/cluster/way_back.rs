//! The release that brings back what a failed one has moved: made once, under a name that follows from the failed one's, so
//! that whoever goes on after a crash finds it instead of making a second one.

use std::collections::BTreeSet;

use kube::{Resource, ResourceExt};

use super::error::ClusterError;
use super::history::way_back;
use super::releases::{NewRelease, Releases};
use crate::manifest::Bundle;
use crate::spec::crd::{API_VERSION, Concurrency, Planning, Release, Trigger};
use crate::spec::{Code, ObjectRef, ServiceName};
use crate::upgrade::ActFailure;

/// Makes it, or finds it.
///
/// In: the release that has failed and its frozen input, and the services that moved and are not done. A way back is not
/// brought back itself, and where a newer release came it is that one's turn.
pub(super) async fn bring_back(
    releases: &Releases,
    failed: &Release,
    bundle: &Bundle,
    services: &BTreeSet<ServiceName>,
) -> Result<(), ActFailure> {
    let refused = |message: String| ActFailure::Refused {
        object: reference(failed),
        code: Code::Irreversible,
        message,
    };
    let judged = |error: ClusterError| {
        let message = super::describe(&error);
        if error.is_passing() {
            ActFailure::Unreachable {
                object: reference(failed),
                message,
            }
        } else {
            refused(message)
        }
    };
    if failed.spec.rollback_of.is_some() {
        return Err(refused("it is a way back itself".to_owned()));
    }
    if failed.spec.trigger == Trigger::Drift.word() {
        let words = "it was to put back what somebody else had changed, and brought nothing new";
        return Err(refused(words.to_owned()));
    }
    let plan = &failed.spec.plan;
    let all = releases.list(Some(plan)).await.map_err(judged)?;
    let is_ours = |other: &Release| other.spec.rollback_of.as_ref() == Some(&failed.name_any());
    let newer = all
        .iter()
        .find(|other| other.spec.number > failed.spec.number);
    if let Some(newer) = newer.filter(|newer| !is_ours(newer)) {
        let words = format!("`{}` came after it", newer.name_any());
        return Err(refused(words));
    }
    let Some(target) = way_back(failed, &all) else {
        let words = "no release before it has succeeded".to_owned();
        return Err(refused(words));
    };
    let mut input = releases.bundle(target).await.map_err(judged)?;
    // How things roll is said by the plan as the failed release knew it: frozen, so that a second try makes the same.
    input.plan = bundle.plan.clone();
    if let Some(made) = newer {
        return releases.complete(made, &input).await.map_err(judged);
    }
    let new = new_release(failed, target, services);
    let owner = failed.owner_references().to_vec();
    match releases
        .create_numbered(owner, &new, &input, failed.spec.number + 1)
        .await
        .map_err(judged)?
    {
        Some(_) => Ok(()),
        // Somebody took the number in between: whose it is, the next try sees.
        None => Err(ActFailure::Moved {
            object: reference(failed),
        }),
    }
}

fn new_release(failed: &Release, target: &Release, services: &BTreeSet<ServiceName>) -> NewRelease {
    NewRelease {
        plan: failed.spec.plan.clone(),
        revision: target.spec.revision.clone(),
        trigger: Trigger::Rollback,
        reason: Some(format!(
            "`{}` has failed, and the plan says `onFailure: Rollback`; back to `{}`",
            failed.name_any(),
            target.name_any()
        )),
        plan_digest: None,
        planning: Planning {
            only: services.iter().map(ToString::to_string).collect(),
            rollback: true,
            ..Planning::default()
        },
        // The failed one ends as soon as this one is there.
        concurrency: Concurrency::Queue,
        approvals: Vec::new(),
        forces: Vec::new(),
        rollback_of: Some(failed.name_any()),
        retry_of: None,
    }
}

fn reference(release: &Release) -> ObjectRef {
    ObjectRef {
        api_version: API_VERSION.to_owned(),
        kind: Release::kind(&()).into_owned(),
        namespace: release.namespace().unwrap_or_default(),
        name: release.name_any(),
    }
}
