//! What people see of foreign changes: the condition `Drifted` of the plan, Events on it, and whoever listens. Written only
//! where it changes; a plan that nobody ever changed has no such condition.

use std::sync::Arc;

use kube::Client;
use kube::runtime::events::EventType;

use super::DriftListener;
use crate::cluster::conditions::{condition, set_condition};
use crate::cluster::error::ClusterError;
use crate::cluster::plan_status::PlanTeller;
use crate::drift::DriftEvent;
use crate::spec::crd::{DRIFTED, ReleasePlan};

/// Tells of one plan's objects.
pub(super) struct Told {
    teller: PlanTeller,
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
        Self {
            teller: PlanTeller::new(client),
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
        let kind = if event.is_warning() {
            EventType::Warning
        } else {
            EventType::Normal
        };
        let words = (event.reason(), &*event.message());
        self.teller.publish(plan, "Drift", kind, words).await;
    }

    /// Writes the condition; whether it was another one before.
    async fn write(&self, plan: &ReleasePlan, event: &DriftEvent) -> Result<bool, ClusterError> {
        let is_drifted = matches!(event, DriftEvent::Found { .. });
        let message = event.message();
        let value = if is_drifted { "True" } else { "False" };
        let words = (value, event.reason(), message.as_str());
        let written = self.teller.write(plan, |status, generation| {
            let mut known = status.conditions.iter().filter(|one| one.type_ == DRIFTED);
            if is_drifted || known.any(|known| known.status != "False") {
                let wanted = condition(DRIFTED, words, generation);
                set_condition(&mut status.conditions, wanted);
            }
        });
        written.await
    }
}
