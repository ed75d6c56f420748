//! What webhooks stand on.

use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;

use crate::cluster::Webhooks;
use crate::hook::{Door, Outcome, Received};

/// Whose deliveries are taken, and who waits for them.
pub trait Doors: Send + Sync {
    /// The door of a plan, if it has one that is open.
    fn door(&self, namespace: &str, plan: &str) -> Option<Arc<Door>>;

    /// Lets the source of a plan be looked at.
    fn ring(&self, namespace: &str, plan: &str, at: Timestamp);
}

impl Doors for Webhooks {
    fn door(&self, namespace: &str, plan: &str) -> Option<Arc<Door>> {
        self.door(namespace, plan)
    }

    fn ring(&self, namespace: &str, plan: &str, at: Timestamp) {
        self.ring(namespace, plan, at);
    }
}

/// Why a delivery is not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotKept {
    /// Too many wait to be kept.
    #[error("too many deliveries wait to be kept")]
    Busy,
    /// The place where they are kept does not take it.
    #[error("{0}")]
    Down(String),
}

/// Where deliveries are kept, so that a replay is known.
pub trait Deliveries: Send + Sync {
    /// Keeps a delivery. Out, once it is kept: whether it is new.
    fn keep(&self, received: Received) -> BoxFuture<'_, Result<bool, NotKept>>;
}

/// Hears what becomes of each request.
pub type Counter = Arc<dyn Fn(&Outcome) + Send + Sync>;
