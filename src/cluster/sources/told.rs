//! What people see of a source: `status.source` and `SourceReady` on the plan, Events, and whoever listens. Written only
//! where it changes.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::api::{Patch, PatchParams};
use kube::runtime::events::{Event as KubeEvent, EventType, Recorder, Reporter};
use kube::{Api, Client, Resource, ResourceExt};
use serde_json::json;

use super::SourceListener;
use crate::cluster::declared::{MESSAGE_CHARACTERS_MAX, with_condition};
use crate::cluster::error::ClusterError;
use crate::source::{Commit, SourceEvent};
use crate::spec::crd::{ReleasePlan, SourceStatus};

/// The condition that says how a source is.
const SOURCE_READY: &str = "SourceReady";
/// The condition that says how its webhook is.
const WEBHOOK_HEALTHY: &str = "WebhookHealthy";
/// How often a write is tried again when somebody else wrote the plan in between.
const CONFLICTS_MAX: usize = 5;
/// How long a note of an Event may be: the API server takes 1024 bytes.
const NOTE_CHARACTERS_MAX: usize = 900;

/// Tells of one plan's source.
pub(super) struct Told {
    client: Client,
    recorder: Recorder,
    listeners: Vec<Arc<dyn SourceListener>>,
    last: Option<SourceEvent>,
}

impl Told {
    pub(super) fn new(client: Client, listeners: Vec<Arc<dyn SourceListener>>) -> Self {
        let reporter = Reporter {
            controller: "tidegate".to_owned(),
            instance: Some(crate::cluster::identity()),
        };
        Self {
            recorder: Recorder::new(client.clone(), reporter),
            client,
            listeners,
            last: None,
        }
    }

    /// What the plan's status says of its source, from the server and not from a cache.
    pub(super) async fn known(&self, plan: &ReleasePlan) -> Result<SourceStatus, ClusterError> {
        let plan = self.get(plan).await?;
        Ok(plan
            .status
            .and_then(|status| status.source)
            .unwrap_or_default())
    }

    /// A commit was found; told where it is a new one. Out: whether it is, after another one was known.
    pub(super) async fn found(
        &mut self,
        plan: &ReleasePlan,
        commit: &Commit,
    ) -> Result<bool, ClusterError> {
        let known = self.known(plan).await?;
        if known.commit.as_ref() == Some(&commit.id) {
            return Ok(false);
        }
        let is_next = known.commit.is_some();
        let event = SourceEvent::Found {
            commit: commit.id.clone(),
            reference: commit.reference.clone(),
            subject: commit.subject.clone(),
        };
        self.tell(plan, &event, |status| {
            status.commit = Some(commit.id.clone());
            status.reference = Some(commit.reference.clone());
            status.subject = Some(commit.subject.clone());
            status.found_at = Some(Time(Timestamp::now()));
        })
        .await?;
        Ok(is_next)
    }

    /// All is well, and there is nothing to tell.
    pub(super) async fn healthy(
        &mut self,
        plan: &ReleasePlan,
        reason: &str,
        message: &str,
    ) -> Result<(), ClusterError> {
        self.last = None;
        let said = condition(plan, SOURCE_READY, ("True", reason, message));
        self.write(plan, |before| with_condition(before, said.clone()), |_| {})
            .await
    }

    /// A webhook led to a look.
    pub(super) async fn delivered(
        &self,
        plan: &ReleasePlan,
        at: Timestamp,
    ) -> Result<(), ClusterError> {
        let words = ("True", "Delivered", "webhooks come");
        let said = condition(plan, WEBHOOK_HEALTHY, words);
        self.write(
            plan,
            |before| with_condition(before, said.clone()),
            |status| status.delivered = Some(Time(at)),
        )
        .await
    }

    /// None came for a commit.
    pub(super) async fn lost(&self, plan: &ReleasePlan, commit: &str) -> Result<(), ClusterError> {
        let event = SourceEvent::WebhookLost {
            commit: commit.to_owned(),
        };
        let message = event.message();
        let words = ("False", "CommitSeenByPollFirst", message.as_str());
        let said = condition(plan, WEBHOOK_HEALTHY, words);
        self.write(plan, |before| with_condition(before, said.clone()), |_| {})
            .await?;
        self.publish(plan, &event).await;
        Ok(())
    }

    /// Whether the door is open. What was said of webhooks that came or did not come stays.
    pub(super) async fn door(
        &self,
        plan: &ReleasePlan,
        shut: Option<&str>,
    ) -> Result<(), ClusterError> {
        let words = match shut {
            Some(why) => ("False", "SecretUnusable", why),
            None => ("Unknown", "NothingDelivered", "no webhook has come yet"),
        };
        let said = condition(plan, WEBHOOK_HEALTHY, words);
        let conditions = |before: &[Condition]| {
            let mut known = before.iter().filter(|one| one.type_ == WEBHOOK_HEALTHY);
            let stays = known.any(|one| one.reason != "SecretUnusable");
            if shut.is_none() && stays {
                before.to_vec()
            } else {
                with_condition(before, said.clone())
            }
        };
        self.write(plan, conditions, |_| {}).await
    }

    /// The plan names no webhook any more.
    pub(super) async fn no_webhook(&self, plan: &ReleasePlan) -> Result<(), ClusterError> {
        let without = |before: &[Condition]| {
            let others = before.iter().filter(|one| one.type_ != WEBHOOK_HEALTHY);
            others.cloned().collect()
        };
        self.write(plan, without, |status| status.delivered = None)
            .await
    }

    /// Tells of an event, once while it stays the same, and keeps what it changes.
    pub(super) async fn tell(
        &mut self,
        plan: &ReleasePlan,
        event: &SourceEvent,
        change: impl Fn(&mut SourceStatus),
    ) -> Result<(), ClusterError> {
        let ready = if event.is_warning() { "False" } else { "True" };
        let message = event.message();
        let said = condition(plan, SOURCE_READY, (ready, event.reason(), &message));
        self.write(plan, |before| with_condition(before, said.clone()), change)
            .await?;
        if self.last.as_ref() == Some(event) {
            return Ok(());
        }
        self.last = Some(event.clone());
        self.publish(plan, event).await;
        Ok(())
    }

    /// Lets everybody hear of an event.
    async fn publish(&self, plan: &ReleasePlan, event: &SourceEvent) {
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
            action: "Source".to_owned(),
            secondary: None,
        };
        if let Err(error) = self.recorder.publish(&event, &plan.object_ref(&())).await {
            tracing::debug!(%error, "an Event was not taken");
        }
    }

    async fn write(
        &self,
        plan: &ReleasePlan,
        conditions: impl Fn(&[Condition]) -> Vec<Condition>,
        change: impl Fn(&mut SourceStatus),
    ) -> Result<(), ClusterError> {
        for _ in 0..CONFLICTS_MAX {
            let newest = self.get(plan).await?;
            let before = newest.status.clone().unwrap_or_default();
            let known = before.source.clone().unwrap_or_default();
            let mut source = known.clone();
            change(&mut source);
            let conditions = conditions(&before.conditions);
            if conditions == before.conditions && source == known {
                return Ok(());
            }
            // The version makes it fail if the conditions were written by somebody else meanwhile.
            let patch = json!({
                "metadata": {"resourceVersion": newest.metadata.resource_version},
                "status": {"conditions": conditions, "source": source},
            });
            let written = self
                .api(plan)
                .patch_status(
                    &plan.name_any(),
                    &PatchParams::default(),
                    &Patch::Merge(&patch),
                )
                .await;
            match written {
                Ok(_) => return Ok(()),
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                Err(error) => return Err(ClusterError::of(error, what(plan))),
            }
        }
        Err(ClusterError::Conflict { what: what(plan) })
    }

    async fn get(&self, plan: &ReleasePlan) -> Result<ReleasePlan, ClusterError> {
        let found = self.api(plan).get(&plan.name_any()).await;
        found.map_err(|error| ClusterError::of(error, what(plan)))
    }

    fn api(&self, plan: &ReleasePlan) -> Api<ReleasePlan> {
        Api::namespaced(self.client.clone(), &plan.namespace().unwrap_or_default())
    }
}

fn condition(
    plan: &ReleasePlan,
    kind: &str,
    (status, reason, message): (&str, &str, &str),
) -> Condition {
    Condition {
        type_: kind.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: message.chars().take(MESSAGE_CHARACTERS_MAX).collect(),
        observed_generation: plan.metadata.generation,
        last_transition_time: Time(Timestamp::now()),
    }
}

/// Whether something is said of a webhook.
pub(super) fn speaks_of_webhook(plan: &ReleasePlan) -> bool {
    let status = plan.status.iter();
    let mut conditions = status.flat_map(|status| &status.conditions);
    conditions.any(|one| one.type_ == WEBHOOK_HEALTHY)
}

fn what(plan: &ReleasePlan) -> String {
    format!("plan `{}`", plan.name_any())
}
