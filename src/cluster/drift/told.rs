//! What people see of foreign changes: the condition `Drifted` of the plan, Events on it, and whoever listens. Written only
//! where it changes; a plan that nobody ever changed has no such condition.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::api::{Patch, PatchParams};
use kube::runtime::events::{Event as KubeEvent, EventType, Recorder, Reporter};
use kube::{Api, Client, Resource, ResourceExt};
use serde_json::json;

use super::DriftListener;
use crate::cluster::declared::{MESSAGE_CHARACTERS_MAX, with_condition};
use crate::cluster::error::ClusterError;
use crate::drift::DriftEvent;
use crate::spec::crd::{DRIFTED, ReleasePlan};

/// How often a write is tried again when somebody else wrote the plan in between.
const CONFLICTS_MAX: usize = 5;
/// How long a note of an Event may be: the API server takes 1024 bytes.
const NOTE_CHARACTERS_MAX: usize = 900;

/// Tells of one plan's objects.
pub(super) struct Told {
    client: Client,
    recorder: Recorder,
    listeners: Vec<Arc<dyn DriftListener>>,
    last: Option<DriftEvent>,
    /// Whether the plan may say that something was changed.
    is_said: bool,
}

impl Told {
    pub(super) fn new(
        client: Client,
        plan: &ReleasePlan,
        listeners: Vec<Arc<dyn DriftListener>>,
    ) -> Self {
        let mut conditions = plan.status.iter().flat_map(|status| &status.conditions);
        let is_said = conditions.any(|one| one.type_ == DRIFTED && one.status != "False");
        let reporter = Reporter {
            controller: "tidegate".to_owned(),
            instance: Some(crate::cluster::identity()),
        };
        Self {
            recorder: Recorder::new(client.clone(), reporter),
            client,
            listeners,
            last: None,
            is_said,
        }
    }

    /// Tells that something was changed, with the condition; or that nothing is any more, where that is news.
    pub(super) async fn stands(
        &mut self,
        plan: &ReleasePlan,
        event: &DriftEvent,
    ) -> Result<(), ClusterError> {
        let is_drifted = matches!(event, DriftEvent::Found { .. });
        if !is_drifted && !self.is_said {
            return Ok(());
        }
        let is_news = self.write(plan, event).await?;
        self.is_said = is_drifted;
        if is_news || is_drifted {
            self.tell(plan, event).await;
        }
        Ok(())
    }

    /// Tells of an event, once while it stays the same.
    pub(super) async fn tell(&mut self, plan: &ReleasePlan, event: &DriftEvent) {
        if self.last.as_ref() == Some(event) {
            return;
        }
        self.last = Some(event.clone());
        for listener in &self.listeners {
            listener.hear(plan, event);
        }
        let note = event.message().chars().take(NOTE_CHARACTERS_MAX).collect();
        let event = KubeEvent {
            type_: if event.is_warning() {
                EventType::Warning
            } else {
                EventType::Normal
            },
            reason: event.reason().to_owned(),
            note: Some(note),
            action: "Drift".to_owned(),
            secondary: None,
        };
        if let Err(error) = self.recorder.publish(&event, &plan.object_ref(&())).await {
            tracing::debug!(%error, "an Event was not taken");
        }
    }

    /// Writes the condition; whether it was another one before.
    async fn write(&self, plan: &ReleasePlan, event: &DriftEvent) -> Result<bool, ClusterError> {
        let is_drifted = matches!(event, DriftEvent::Found { .. });
        let what = || format!("plan `{}`", plan.name_any());
        let api: Api<ReleasePlan> =
            Api::namespaced(self.client.clone(), &plan.namespace().unwrap_or_default());
        for _ in 0..CONFLICTS_MAX {
            let found = api.get(&plan.name_any()).await;
            let newest = found.map_err(|error| ClusterError::of(error, what()))?;
            let before = newest.status.unwrap_or_default().conditions;
            let known = before.iter().find(|one| one.type_ == DRIFTED);
            if !is_drifted && known.is_none_or(|known| known.status == "False") {
                return Ok(false);
            }
            let wanted = Condition {
                type_: DRIFTED.to_owned(),
                status: if is_drifted { "True" } else { "False" }.to_owned(),
                reason: event.reason().to_owned(),
                message: event
                    .message()
                    .chars()
                    .take(MESSAGE_CHARACTERS_MAX)
                    .collect(),
                observed_generation: newest.metadata.generation,
                last_transition_time: Time(Timestamp::now()),
            };
            let conditions = with_condition(&before, wanted);
            if conditions == before {
                return Ok(false);
            }
            // The version makes it fail if the conditions were written by somebody else meanwhile.
            let patch = json!({
                "metadata": {"resourceVersion": newest.metadata.resource_version},
                "status": {"conditions": conditions},
            });
            let parameters = PatchParams::default();
            let written = api
                .patch_status(&plan.name_any(), &parameters, &Patch::Merge(&patch))
                .await;
            match written {
                Ok(_) => return Ok(true),
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                Err(error) => return Err(ClusterError::of(error, what())),
            }
        }
        Err(ClusterError::Conflict { what: what() })
    }
}
