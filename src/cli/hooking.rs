//! What `tidegate controller` needs to take webhooks: an address of their own, a thread of their own, and the archive.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::archive::{Archive, Delivery};
use crate::cluster::{Webhooks, describe};
use crate::hook::{Outcome, Received};
use crate::telemetry::Metrics;
use crate::web::hooks::{Bounds, Deliveries, Doors, NotKept, Porter, Remembered, serve};

/// How many deliveries may wait to be written; more are turned away.
const WAITING_MAX: usize = 1_024;
/// How many are written at once: a disk takes many together as fast as one.
const BATCH_MAX: usize = 256;

/// How long a sender may wait for it: GitHub gives up after 10 s.
const KEPT_WITHIN: Duration = Duration::from_secs(5);

type Waiting = (Received, oneshot::Sender<Result<bool, NotKept>>);

/// Keeps deliveries in the archive.
struct ArchivedDeliveries {
    queue: mpsc::Sender<Waiting>,
    /// Dropped with it, which ends the writing.
    _writer: JoinSet<()>,
}

impl ArchivedDeliveries {
    fn start(archive: Archive) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        let mut writer = JoinSet::new();
        writer.spawn(write_all(archive, waiting));
        Self {
            queue,
            _writer: writer,
        }
    }
}

impl Deliveries for ArchivedDeliveries {
    fn keep(&self, received: Received) -> BoxFuture<'_, Result<bool, NotKept>> {
        async move {
            let (answer, is_kept) = oneshot::channel();
            let queued = self.queue.try_send((received, answer));
            queued.map_err(|_| NotKept::Busy)?;
            let down = |words: &str| Err(NotKept::Down(words.to_owned()));
            match tokio::time::timeout(KEPT_WITHIN, is_kept).await {
                Ok(Ok(kept)) => kept,
                Ok(Err(_)) => down("nobody writes to the archive any more"),
                Err(_) => down("the archive does not answer in time"),
            }
        }
        .boxed()
    }
}

async fn write_all(archive: Archive, mut waiting: mpsc::Receiver<Waiting>) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let (received, answers): (Vec<Received>, Vec<_>) = batch.drain(..).unzip();
        let rows: Vec<Delivery> = received.into_iter().map(row).collect();
        let stored = archive.store_deliveries(&rows).await;
        let stored = stored.map_err(|error| NotKept::Down(describe(&error)));
        for (index, answer) in answers.into_iter().enumerate() {
            let one = stored.as_ref().map_err(Clone::clone);
            let one = one.map(|stored| stored.get(index).copied().unwrap_or(false));
            // Whoever has gone away asks again, and finds it known.
            answer.send(one).unwrap_or_default();
        }
    }
}

fn row(received: Received) -> Delivery {
    let Received {
        source,
        delivery,
        at,
        provider,
        event,
        name,
        commit,
        verdict,
    } = received;
    Delivery {
        source,
        delivery,
        received: at,
        provider: provider.to_owned(),
        event,
        revision: commit,
        verdict: match name {
            Some(name) => format!("{verdict}; its sender calls it {name}"),
            None => verdict,
        },
        body: String::new(),
    }
}

/// Takes webhooks until the process ends. Where that cannot be, releases go on: the repositories are looked at anyway.
pub(super) async fn keep_hooks(
    address: SocketAddr,
    webhooks: Webhooks,
    stands_on: (Option<Archive>, Metrics),
) {
    match take_hooks(address, webhooks, stands_on) {
        Ok(bound) => {
            tracing::info!("webhooks are taken at http://{bound}/hooks/NAMESPACE/PLAN");
        }
        Err(error) => tracing::error!(
            "webhooks are not taken at {address}: {error}; choose another address with `--hooks`"
        ),
    }
    std::future::pending::<()>().await;
}

/// Begins to take webhooks. Out: where.
pub(super) fn take_hooks(
    address: SocketAddr,
    webhooks: Webhooks,
    (archive, metrics): (Option<Archive>, Metrics),
) -> std::io::Result<SocketAddr> {
    let deliveries: Arc<dyn Deliveries> = match archive {
        Some(archive) => {
            let archived = ArchivedDeliveries::start(archive);
            Arc::new(Remembered::before(Arc::new(archived)))
        }
        None => Arc::new(Remembered::default()),
    };
    let doors: Arc<dyn Doors> = Arc::new(webhooks);
    let counter = Arc::new(move |outcome: &Outcome| metrics.count_webhook(outcome));
    let porter = Porter::new(doors, deliveries, Bounds::default(), counter);
    start(address, porter)
}

/// A thread of its own: a flood of requests takes one processor and keeps no release waiting for a thread.
fn start(address: SocketAddr, porter: Porter) -> std::io::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let bound = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("webhooks".to_owned())
        .spawn(move || {
            runtime.block_on(async move {
                match tokio::net::TcpListener::from_std(listener) {
                    Ok(listener) => serve(listener, Arc::new(porter)).await,
                    Err(error) => tracing::error!("webhooks are not taken: {error}"),
                }
            });
        })?;
    Ok(bound)
}
