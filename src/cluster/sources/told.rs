//! What people see of a source: `status.source` and `SourceReady` on the plan, Events, and whoever listens. Written only
//! where it changes.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::Client;
use kube::runtime::events::EventType;

use super::SourceListener;
use crate::cluster::conditions::{condition, set_condition};
use crate::cluster::error::ClusterError;
use crate::cluster::plan_status::PlanTeller;
use crate::source::{Commit, SourceEvent};
use crate::spec::crd::{ReleasePlan, ReleasePlanStatus, SourceStatus};

/// The condition that says how a source is.
const SOURCE_READY: &str = "SourceReady";
/// The condition that says how its webhook is.
const WEBHOOK_HEALTHY: &str = "WebhookHealthy";
/// Tells of one plan's source.
pub(super) struct Told {
    teller: PlanTeller,
    listeners: Vec<Arc<dyn SourceListener>>,
    last: Option<SourceEvent>,
}

impl Told {
    pub(super) fn new(client: Client, listeners: Vec<Arc<dyn SourceListener>>) -> Self {
        Self {
            teller: PlanTeller::new(client),
            listeners,
            last: None,
        }
    }

    /// What the plan's status says of its source, from the server and not from a cache.
    pub(super) async fn known(&self, plan: &ReleasePlan) -> Result<SourceStatus, ClusterError> {
        let status = self.teller.newest(plan).await?.status;
        Ok(status.and_then(|status| status.source).unwrap_or_default())
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
        let words = ("True", reason, message);
        self.say(plan, (SOURCE_READY, words), |_| {}).await
    }

    /// A webhook led to a look.
    pub(super) async fn delivered(
        &self,
        plan: &ReleasePlan,
        at: Timestamp,
    ) -> Result<(), ClusterError> {
        let words = ("True", "Delivered", "webhooks come");
        let delivered = |source: &mut SourceStatus| source.delivered = Some(Time(at));
        self.say(plan, (WEBHOOK_HEALTHY, words), delivered).await
    }

    /// None came for a commit.
    pub(super) async fn lost(&self, plan: &ReleasePlan, commit: &str) -> Result<(), ClusterError> {
        let event = SourceEvent::WebhookLost {
            commit: commit.to_owned(),
        };
        let message = event.message();
        let words = ("False", "CommitSeenByPollFirst", message.as_str());
        self.say(plan, (WEBHOOK_HEALTHY, words), |_| {}).await?;
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
        let written = self.teller.write(plan, |status, generation| {
            let mut known = status.conditions.iter();
            let stays = shut.is_none()
                && known.any(|one| one.type_ == WEBHOOK_HEALTHY && one.reason != "SecretUnusable");
            if !stays {
                let wanted = condition(WEBHOOK_HEALTHY, words, generation);
                set_condition(&mut status.conditions, wanted);
            }
        });
        written.await.map(drop)
    }

    /// The plan names no webhook any more.
    pub(super) async fn no_webhook(&self, plan: &ReleasePlan) -> Result<(), ClusterError> {
        let without = |status: &mut ReleasePlanStatus, _| {
            status.conditions.retain(|one| one.type_ != WEBHOOK_HEALTHY);
            if let Some(source) = &mut status.source {
                source.delivered = None;
            }
        };
        self.teller.write(plan, without).await.map(drop)
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
        let words = (ready, event.reason(), message.as_str());
        self.say(plan, (SOURCE_READY, words), change).await?;
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
        let kind = if event.is_warning() {
            EventType::Warning
        } else {
            EventType::Normal
        };
        let words = (event.reason(), &*event.message());
        self.teller.publish(plan, "Source", kind, words).await;
    }

    /// Sets a condition, and what is known of the source.
    async fn say(
        &self,
        plan: &ReleasePlan,
        (kind, words): (&str, (&str, &str, &str)),
        change: impl Fn(&mut SourceStatus),
    ) -> Result<(), ClusterError> {
        let written = self.teller.write(plan, |status, generation| {
            change(status.source.get_or_insert_default());
            set_condition(&mut status.conditions, condition(kind, words, generation));
        });
        written.await.map(drop)
    }
}

/// Whether something is said of a webhook.
pub(super) fn speaks_of_webhook(plan: &ReleasePlan) -> bool {
    let status = plan.status.iter();
    let mut conditions = status.flat_map(|status| &status.conditions);
    conditions.any(|one| one.type_ == WEBHOOK_HEALTHY)
}
