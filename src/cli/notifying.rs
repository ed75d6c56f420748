//! Tells those whom a plan names under `notify` what becomes of its releases, off the loop.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use super::failure::{Exit, Failure};
use crate::cluster::{Connection, Listener, Releases, SourceListener, describe};
use crate::notify::{News, SendError, Sender, concerns, request, secret_of};
use crate::source::SourceEvent;
use crate::spec::crd::{Notify, Release, ReleasePlan};
use crate::telemetry::Metrics;
use crate::upgrade::Event;

/// How many news may wait to be sent; more are dropped and counted.
const WAITING_MAX: usize = 1_024;
/// How many are sent at once: a slow receiver must not keep the others waiting.
const SENT_AT_ONCE_MAX: usize = 16;

/// News that is not told yet; dropped when it is, or given up.
struct Untold(watch::Sender<usize>);

impl Untold {
    fn new(count: &watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count.clone())
    }
}

impl Drop for Untold {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

/// Sends news in the background.
pub(super) struct Notifier {
    queue: mpsc::Sender<(News, Untold)>,
    untold: watch::Sender<usize>,
    /// What was told of releases that have not ended: a process tells each of them once.
    told: Mutex<BTreeSet<String>>,
    metrics: Metrics,
    /// Dropped with it, which ends the sending.
    _sender: JoinSet<()>,
}

impl Notifier {
    /// Starts the sender. Errors: no HTTP client can be made.
    pub(super) fn start(connection: &Connection, metrics: &Metrics) -> Result<Self, SendError> {
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        let teller = Teller {
            connection: connection.clone(),
            sender: Sender::new()?,
            metrics: metrics.clone(),
        };
        let mut sender = JoinSet::new();
        sender.spawn(teller.tell_all(waiting));
        Ok(Self {
            queue,
            untold: watch::Sender::new(0),
            told: Mutex::default(),
            metrics: metrics.clone(),
            _sender: sender,
        })
    }

    /// One for a command: nobody reads its metrics.
    pub(super) fn of_command(connection: &Connection) -> Result<Self, Failure> {
        let bug = |words: String| Failure::new(Exit::Bug, words);
        let metrics = Metrics::new().map_err(|error| bug(error.to_string()))?;
        Self::start(connection, &metrics).map_err(|error| bug(describe(&error)))
    }

    /// Waits until everybody was told, or given up.
    pub(super) async fn settled(&self, within: Duration) {
        let mut count = self.untold.subscribe();
        let settled = count.wait_for(|count| *count == 0);
        if tokio::time::timeout(within, settled).await.is_err() {
            tracing::warn!("not everybody whom the plan names under `notify` was told in time");
        }
    }

    fn queue(&self, news: News) {
        let untold = Untold::new(&self.untold);
        if self.queue.try_send((news, untold)).is_err() {
            self.metrics.count_notification("dropped");
        }
    }

    /// Whether some news is news; what has ended is forgotten.
    fn is_new(&self, news: &News, ends: bool) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if ends {
            told.retain(|id| !id.starts_with(&format!("{}/", news.uid)));
            return true;
        }
        told.insert(news.id())
    }
}

impl Listener for Notifier {
    fn hear(&self, release: &Release, events: &[Event]) {
        for event in events {
            let Some(news) = News::of(release, event) else {
                continue;
            };
            let ends = matches!(event, Event::Ended { .. });
            if self.is_new(&news, ends) {
                self.queue(news);
            }
        }
    }
}

impl SourceListener for Notifier {
    fn hear(&self, plan: &ReleasePlan, event: &SourceEvent) {
        if let Some(news) = News::of_source(plan, event) {
            self.queue(news);
        }
    }
}

#[derive(Clone)]
struct Teller {
    connection: Connection,
    sender: Sender,
    metrics: Metrics,
}

impl Teller {
    async fn tell_all(self, mut waiting: mpsc::Receiver<(News, Untold)>) {
        let room = Arc::new(Semaphore::new(SENT_AT_ONCE_MAX));
        let mut sent: JoinSet<()> = JoinSet::new();
        while let Some((news, untold)) = waiting.recv().await {
            let untold = Arc::new(untold);
            let releases = Releases::new(self.connection.client(), &news.namespace);
            let receivers = match releases.plan(&news.plan).await {
                Ok(plan) => plan.map(|plan| plan.spec.notify).unwrap_or_default(),
                Err(error) => {
                    tracing::warn!(release = %news.subject(), "nobody is told: {}", describe(&error));
                    self.metrics.count_notification("failed");
                    continue;
                }
            };
            for (index, notify) in receivers.into_iter().enumerate() {
                if !concerns(&notify, &news) {
                    continue;
                }
                let (teller, news, room) = (self.clone(), news.clone(), room.clone());
                let untold = untold.clone();
                sent.spawn(async move {
                    let _one = room.acquire().await;
                    teller.tell(&notify, &news, index).await;
                    drop(untold);
                });
            }
            while sent.try_join_next().is_some() {}
        }
    }

    async fn tell(&self, notify: &Notify, news: &News, index: usize) {
        let told = self.try_to_tell(notify, news).await;
        let result = if told.is_ok() { "sent" } else { "failed" };
        self.metrics.count_notification(result);
        if let Err(why) = told {
            tracing::warn!(
                release = %news.subject(),
                "plan `{}`, `spec.notify[{index}]` was not told of {}: {why}",
                news.plan,
                news.word()
            );
        }
    }

    async fn try_to_tell(&self, notify: &Notify, news: &News) -> Result<(), String> {
        let releases = Releases::new(self.connection.client(), &news.namespace);
        let secret = match secret_of(notify) {
            Some((secret, key)) => {
                let value = releases.secret_value(&secret.name, key).await;
                value.map_err(|error| describe(&error))?
            }
            None => None,
        };
        let request =
            request(notify, news, secret.as_deref()).map_err(|error| error.to_string())?;
        let sent = self.sender.send(&request).await;
        sent.map_err(|error| describe(&error))
    }
}
