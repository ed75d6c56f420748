//! The doors at which webhooks for plans knock, and the bells behind them that wake up whoever keeps the source.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::Key;
use crate::hook::Door;

/// The shortest time between two looks that webhooks ask for: however many come, a repository is not asked more often.
const RUNG_EVERY: Duration = Duration::from_secs(1);

/// The doors of all plans that are kept here. Cheap to clone.
#[derive(Clone, Default)]
pub struct Webhooks(Arc<Mutex<BTreeMap<Key, Place>>>);

struct Place {
    door: Option<Arc<Door>>,
    bell: watch::Sender<Option<Timestamp>>,
}

impl Webhooks {
    /// The door of a plan, if it has one that is open.
    pub fn door(&self, namespace: &str, plan: &str) -> Option<Arc<Door>> {
        let key = (namespace.to_owned(), plan.to_owned());
        self.places().get(&key)?.door.clone()
    }

    /// Lets the source of a plan be looked at, for a webhook that came then.
    pub fn ring(&self, namespace: &str, plan: &str, at: Timestamp) {
        let key = (namespace.to_owned(), plan.to_owned());
        if let Some(place) = self.places().get(&key) {
            place.bell.send_replace(Some(at));
        }
    }

    /// The bell of a plan, which has no door yet.
    pub(super) fn bell(&self, key: &Key) -> Bell {
        let (sender, rung) = watch::channel(None);
        let place = Place {
            door: None,
            bell: sender,
        };
        self.places().insert(key.clone(), place);
        Bell {
            rung,
            next: None,
            key: key.clone(),
            all: self.clone(),
        }
    }

    pub(super) fn forget(&self, key: &Key) {
        self.places().remove(key);
    }

    fn places(&self) -> MutexGuard<'_, BTreeMap<Key, Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What whoever keeps one source has of its door.
pub(super) struct Bell {
    rung: watch::Receiver<Option<Timestamp>>,
    /// When the next look for a webhook may be.
    next: Option<tokio::time::Instant>,
    key: Key,
    all: Webhooks,
}

impl Bell {
    /// Opens the door as it is to be now, or shuts it.
    pub(super) fn set_door(&self, door: Option<Door>) {
        if let Some(place) = self.all.places().get_mut(&self.key) {
            place.door = door.map(Arc::new);
        }
    }

    /// Notes that a look begins: what has rung is heard with it, what rings from now on asks for another one. Out: when a
    /// webhook came last, and whether one came since the look before.
    pub(super) fn hear(&mut self) -> (Option<Timestamp>, bool) {
        let is_new = self.rung.has_changed().unwrap_or(false);
        if is_new {
            self.next = Some(tokio::time::Instant::now() + RUNG_EVERY);
        }
        (*self.rung.borrow_and_update(), is_new)
    }

    /// Waits until a webhook asks for another look.
    pub(super) async fn ring(&mut self) {
        if self.rung.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        // Heard by the next look, not by this wait.
        self.rung.mark_changed();
        if let Some(next) = self.next {
            tokio::time::sleep_until(next).await;
        }
    }

    /// When a webhook came last.
    pub(super) fn last(&self) -> Option<Timestamp> {
        *self.rung.borrow()
    }
}
