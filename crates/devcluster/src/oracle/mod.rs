//! The external safety check: did a pod start while one that had to be gone first still lived?
//!
//! In: the history that the API server recorded. Out: the life of every pod, and every start that
//! came too early. Knows nothing of tidegate's code, its plan, or what it thinks it did.

mod lives;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::audit::History;
pub use lives::{Moment, Owner, PodLife, lives};

/// Two pods that must not have lived at the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlyStart {
    /// The old pod of the service that had to be finished first.
    pub first: PodLife,
    /// The new pod of the service that had to wait.
    pub then: PodLife,
    /// How long both lived, as far as the history goes.
    pub overlap: SignedDuration,
}

impl fmt::Display for EarlyStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            first,
            then,
            overlap,
        } = self;
        write!(
            f,
            "{} was created at {}, {:.3} s before the old pod {} was gone{}",
            then.name,
            then.created.at,
            overlap.as_secs_f64(),
            first.name,
            if first.gone.is_some() {
                ""
            } else {
                " (it still lives)"
            },
        )
    }
}

/// How one service went from its old revisions to its last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roll {
    /// Which service.
    pub service: String,
    /// The revision of its last created pod.
    pub target: String,
    /// When the first pod of that revision was created.
    pub first_new_created: Timestamp,
    /// When the last pod of another revision was gone; None while one lives, or if there was none.
    pub last_old_gone: Option<Timestamp>,
    /// How many pods of other revisions live at the end of the history.
    pub old_alive: usize,
}

/// Every pod of a target revision that was created, since then, while a pod of another revision
/// than the target of the service that goes first was alive. The target of a service is the revision
/// of its last created pod. A precedence is the name of the first service, and of the one that waits.
pub fn early_starts(
    history: &History,
    namespace: &str,
    since: Timestamp,
    precedences: &[(&str, &str)],
) -> Vec<EarlyStart> {
    let services = by_service(lives(history, namespace));
    let end = end_of(history);
    let mut found = Vec::new();
    for (first, then) in precedences {
        let (Some(first), Some(then)) = (services.get(*first), services.get(*then)) else {
            continue;
        };
        for waiting in then.new_pods().filter(|pod| pod.created.at >= since) {
            for old in first
                .old_pods()
                .filter(|pod| pod.is_alive_at(&waiting.created))
            {
                let until = old.gone.as_ref().map_or(end, |gone| gone.at);
                found.push(EarlyStart {
                    first: old.clone(),
                    then: waiting.clone(),
                    overlap: until.duration_since(waiting.created.at),
                });
            }
        }
    }
    found
}

/// The services that got pods of their target revision since then, in the order in which they began.
pub fn rolls(history: &History, namespace: &str, since: Timestamp) -> Vec<Roll> {
    let services = by_service(lives(history, namespace));
    let mut rolls: Vec<Roll> = services
        .into_iter()
        .filter_map(|(service, pods)| {
            let created = pods
                .new_pods()
                .map(|pod| pod.created.at)
                .filter(|at| *at >= since);
            Some(Roll {
                first_new_created: created.min()?,
                last_old_gone: pods.last_old_gone(since),
                old_alive: pods.old_pods().filter(|pod| pod.gone.is_none()).count(),
                target: pods.target,
                service,
            })
        })
        .collect();
    rolls.sort_by_key(|roll| roll.first_new_created);
    rolls
}

/// The pods of one service, never none.
#[derive(Debug)]
struct Service {
    pods: Vec<PodLife>,
    target: String,
}

impl Service {
    fn new_pods(&self) -> impl Iterator<Item = &PodLife> {
        self.pods.iter().filter(|pod| pod.revision == self.target)
    }

    fn old_pods(&self) -> impl Iterator<Item = &PodLife> {
        self.pods.iter().filter(|pod| pod.revision != self.target)
    }

    fn last_old_gone(&self, since: Timestamp) -> Option<Timestamp> {
        let ends: Option<Vec<Timestamp>> = self
            .old_pods()
            .map(|pod| pod.gone.as_ref().map(|gone| gone.at))
            .collect();
        ends?.into_iter().filter(|gone| *gone >= since).max()
    }
}

/// The lives come in the order of their begin, so the last pod of a service has its target revision.
fn by_service(lives: Vec<PodLife>) -> BTreeMap<String, Service> {
    let mut services: BTreeMap<String, Service> = BTreeMap::new();
    for pod in lives {
        let service = services
            .entry(pod.service.clone())
            .or_insert_with(|| Service {
                pods: Vec::new(),
                target: String::new(),
            });
        service.target.clone_from(&pod.revision);
        service.pods.push(pod);
    }
    services
}

fn end_of(history: &History) -> Timestamp {
    history
        .writes
        .last()
        .map_or(Timestamp::UNIX_EPOCH, |write| write.at)
}
