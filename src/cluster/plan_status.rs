//! Writes what people see of a plan in its status, and tells them by Events on it. Written only where it changes.

use kube::api::{Patch, PatchParams};
use kube::runtime::events::{EventType, Recorder};
use kube::{Api, Client, Resource, ResourceExt};
use serde_json::{Map, Value, json};

use super::error::ClusterError;
use super::events::{note, recorder};
use crate::spec::crd::{ReleasePlan, ReleasePlanStatus};

/// How often a write is tried again when somebody else wrote the plan in between.
const CONFLICTS_MAX: usize = 5;

/// A plan whose status is written, and on which Events are told.
pub(super) struct PlanTeller {
    client: Client,
    recorder: Recorder,
}

impl PlanTeller {
    pub(super) fn new(client: Client) -> Self {
        Self {
            recorder: recorder(client.clone(), &super::identity()),
            client,
        }
    }

    /// The plan as the server has it now.
    pub(super) async fn newest(&self, plan: &ReleasePlan) -> Result<ReleasePlan, ClusterError> {
        let found = self.api(plan).get(&plan.name_any()).await;
        found.map_err(|error| ClusterError::of(error, what(&plan.name_any())))
    }

    /// See [`write`].
    pub(super) async fn write(
        &self,
        plan: &ReleasePlan,
        change: impl Fn(&mut ReleasePlanStatus, Option<i64>),
    ) -> Result<bool, ClusterError> {
        write(&self.api(plan), &plan.name_any(), change).await
    }

    /// An Event on the plan. One that is not taken is no harm: nothing rests on it.
    pub(super) async fn publish(
        &self,
        plan: &ReleasePlan,
        action: &str,
        kind: EventType,
        (reason, message): (&str, &str),
    ) {
        let event = note(action, kind, (reason, message));
        if let Err(error) = self.recorder.publish(&event, &plan.object_ref(&())).await {
            tracing::debug!(%error, "an Event was not taken");
        }
    }

    fn api(&self, plan: &ReleasePlan) -> Api<ReleasePlan> {
        Api::namespaced(self.client.clone(), &plan.namespace().unwrap_or_default())
    }
}

/// Changes the status of a plan by what the server has of it and its generation. Out: whether that changed anything.
pub(super) async fn write(
    api: &Api<ReleasePlan>,
    plan: &str,
    change: impl Fn(&mut ReleasePlanStatus, Option<i64>),
) -> Result<bool, ClusterError> {
    for _ in 0..CONFLICTS_MAX {
        let found = api.get(plan).await;
        let newest = found.map_err(|error| ClusterError::of(error, what(plan)))?;
        let before = newest.status.unwrap_or_default();
        let mut after = before.clone();
        change(&mut after, newest.metadata.generation);
        if after == before {
            return Ok(false);
        }
        // The version makes it fail if the conditions were written by somebody else meanwhile.
        let patch = json!({
            "metadata": {"resourceVersion": newest.metadata.resource_version},
            "status": merge_patch(&json!(before), &json!(after)),
        });
        let parameters = PatchParams::default();
        let written = api
            .patch_status(plan, &parameters, &Patch::Merge(&patch))
            .await;
        match written {
            Ok(_) => return Ok(true),
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => return Err(ClusterError::of(error, what(plan))),
        }
    }
    Err(ClusterError::Conflict { what: what(plan) })
}

fn what(plan: &str) -> String {
    format!("plan `{plan}`")
}

/// What makes one object into the other (RFC 7386): what is gone must be named, as null.
fn merge_patch(before: &Value, after: &Value) -> Value {
    let (Value::Object(before), Value::Object(after)) = (before, after) else {
        return after.clone();
    };
    let mut patch = Map::new();
    for (key, value) in after
        .iter()
        .filter(|(key, value)| before.get(*key) != Some(*value))
    {
        let known = before.get(key).unwrap_or(&Value::Null);
        patch.insert(key.clone(), merge_patch(known, value));
    }
    let gone = before.keys().filter(|key| !after.contains_key(*key));
    patch.extend(gone.map(|key| (key.clone(), Value::Null)));
    Value::Object(patch)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::merge_patch;

    #[test]
    fn what_is_gone_from_a_status_is_removed_from_it() {
        let before =
            json!({"source": {"commit": "a", "delivered": "10:00"}, "conditions": [1], "same": 1});
        let after =
            json!({"source": {"commit": "b"}, "conditions": [1, 2], "same": 1, "new": {"x": 1}});
        assert_eq!(
            merge_patch(&before, &after),
            json!({"source": {"commit": "b", "delivered": null}, "conditions": [1, 2], "new": {"x": 1}})
        );
    }
}
