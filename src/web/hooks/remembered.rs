//! Deliveries in memory: where there is no archive, and in front of one, so that a flood of replays asks nobody else.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::ports::{Deliveries, NotKept};
use crate::hook::Received;

/// How many names are remembered. A provider sends a replay soon, or at a person's wish; an older one costs a look at a
/// repository that has nothing new.
const REMEMBERED_MAX: usize = 10_000;

/// The names of the newest deliveries.
#[derive(Default)]
pub struct Remembered {
    names: Mutex<Names>,
    behind: Option<Arc<dyn Deliveries>>,
}

#[derive(Default)]
struct Names {
    known: BTreeSet<(String, String)>,
    in_order: VecDeque<(String, String)>,
}

impl Names {
    /// Out: whether it is new.
    fn note(&mut self, name: (String, String)) -> bool {
        if !self.known.insert(name.clone()) {
            return false;
        }
        self.in_order.push_back(name);
        if self.in_order.len() > REMEMBERED_MAX
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

impl Remembered {
    /// In front of a place that keeps them for longer.
    pub fn before(behind: Arc<dyn Deliveries>) -> Self {
        Self {
            names: Mutex::default(),
            behind: Some(behind),
        }
    }

    fn with_names<T>(&self, work: impl FnOnce(&mut Names) -> T) -> T {
        work(&mut self.names.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Deliveries for Remembered {
    fn keep(&self, received: Received) -> BoxFuture<'_, Result<bool, NotKept>> {
        let name = (received.source.clone(), received.delivery.clone());
        let kept = async move {
            let Some(behind) = &self.behind else {
                return Ok(self.with_names(|names| names.note(name)));
            };
            if self.with_names(|names| names.known.contains(&name)) {
                return Ok(false);
            }
            let is_new = behind.keep(received).await?;
            // Known from here on, and not before: what is not kept is not acknowledged, the next time neither.
            self.with_names(|names| names.note(name));
            Ok(is_new)
        };
        kept.boxed()
    }
}
