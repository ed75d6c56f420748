//! Whose an object is: what two plans want, only one of them has.
//!
//! In: a live object and the plan that wants to write it. Out: the other plan that has it, by its label. A plan that is not
//! there any more has nothing.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use kube::api::DynamicObject;

use super::conditions::{condition, set_condition};
use super::error::ClusterError;
use super::plan_status;
use super::releases::Releases;
use crate::spec::crd::{CONFLICTED, PLAN_LABEL};
use crate::spec::{Code, ObjectRef, Problem};

/// The plan whose label an object carries.
pub(super) fn labelled(live: &DynamicObject) -> Option<&str> {
    live.labels().get(PLAN_LABEL).map(String::as_str)
}

/// The plan that has an object, if that is another one and is still there.
pub(super) async fn claimant(
    releases: &Releases,
    live: &DynamicObject,
    plan: &str,
) -> Result<Option<String>, ClusterError> {
    let Some(other) = labelled(live).filter(|other| *other != plan) else {
        return Ok(None);
    };
    match releases.plan(other).await {
        Ok(found) => Ok(found.map(|_| other.to_owned())),
        // Without our kinds there is no plan at all.
        Err(ClusterError::NotInstalled | ClusterError::NotFound { .. }) => Ok(None),
        // Who may not look at plans cannot say that it is gone.
        Err(ClusterError::Forbidden { .. }) => Ok(Some(other.to_owned())),
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
        let message = words.join("; ");
        let words = if words.is_empty() {
            let message = "nothing that it wants belongs to another plan";
            ("False", "NothingClaimed", message)
        } else {
            ("True", "ClaimedByAnotherPlan", message.as_str())
        };
        let is_known = |one: &Condition| one.type_ == CONFLICTED && one.status == "True";
        let plans = self.plans();
        let written = plan_status::write(&plans, plan, |status, generation| {
            // Of a plan with which nobody was ever at odds nothing is said.
            if words.0 == "True" || status.conditions.iter().any(is_known) {
                let wanted = condition(CONFLICTED, words, generation);
                set_condition(&mut status.conditions, wanted);
            }
        });
        match written.await {
            Ok(_) | Err(ClusterError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
