//! Whose an object is: what two plans want, only one of them has.
//!
//! In: a live object and the plan that wants to write it. Out: the other plan that has it, by its label. A plan that is not
//! there any more has nothing.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::api::{DynamicObject, Patch, PatchParams};
use serde_json::json;

use super::declared::{MESSAGE_CHARACTERS_MAX, with_condition};
use super::error::ClusterError;
use super::releases::Releases;
use crate::spec::crd::{CONFLICTED, PLAN_LABEL};
use crate::spec::{Code, ObjectRef, Problem};

/// The plan that has an object, if that is another one and is still there.
pub(super) async fn claimant(
    releases: &Releases,
    live: &DynamicObject,
    plan: &str,
) -> Result<Option<String>, ClusterError> {
    let labels = live.metadata.labels.as_ref();
    let Some(other) = labels.and_then(|labels| labels.get(PLAN_LABEL)) else {
        return Ok(None);
    };
    if other == plan {
        return Ok(None);
    }
    match releases.plan(other).await {
        Ok(found) => Ok(found.map(|_| other.clone())),
        // Without our kinds there is no plan at all.
        Err(ClusterError::NotInstalled | ClusterError::NotFound { .. }) => Ok(None),
        // Who may not look at plans cannot say that it is gone.
        Err(ClusterError::Forbidden { .. }) => Ok(Some(other.clone())),
        Err(error) => Err(error),
    }
}

/// That another plan has an object, with the ways out.
pub(super) fn claimed(object: &ObjectRef, other: &str, plan: &str) -> Problem {
    let kind = object.kind.to_lowercase();
    Problem::error(
        Code::Claimed,
        object.to_string(),
        format!("belongs to plan `{other}`, and plan `{plan}` wants to release it too"),
    )
    .hint(format!(
        "take it out of the files of one of them; `kubectl label {kind} {} {PLAN_LABEL}={plan} --overwrite` gives it to \
         `{plan}`; a plan that is not used any more has nothing once it is deleted: `kubectl delete tgp {other}`",
        object.name
    ))
}

impl Releases {
    /// Says on a plan whether another plan has what it wants; writes only where that changes.
    pub(super) async fn tell_claims(
        &self,
        plan: &str,
        problems: &[Problem],
    ) -> Result<(), ClusterError> {
        let of_claims = problems.iter().filter(|one| one.code == Code::Claimed);
        let words: Vec<String> = of_claims.map(ToString::to_string).collect();
        let Some(known) = self.plan(plan).await? else {
            return Ok(());
        };
        let status = known.status.unwrap_or_default();
        let is_known = |one: &Condition| one.type_ == CONFLICTED && one.status == "True";
        if words.is_empty() && !status.conditions.iter().any(is_known) {
            return Ok(());
        }
        let (value, reason, message) = if words.is_empty() {
            let message = "nothing that it wants belongs to another plan".to_owned();
            ("False", "NothingClaimed", message)
        } else {
            let message = words.join("; ");
            let message = message.chars().take(MESSAGE_CHARACTERS_MAX).collect();
            ("True", "ClaimedByAnotherPlan", message)
        };
        let wanted = Condition {
            type_: CONFLICTED.to_owned(),
            status: value.to_owned(),
            reason: reason.to_owned(),
            message,
            observed_generation: known.metadata.generation,
            last_transition_time: Time(Timestamp::now()),
        };
        let all = with_condition(&status.conditions, wanted);
        if all == status.conditions {
            return Ok(());
        }
        // The version makes it fail where somebody else wrote the conditions meanwhile.
        let patch = json!({
            "metadata": {"resourceVersion": known.metadata.resource_version},
            "status": {"conditions": all},
        });
        self.plans()
            .patch_status(plan, &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .map_err(|error| ClusterError::of(error, format!("plan `{plan}`")))?;
        Ok(())
    }
}
