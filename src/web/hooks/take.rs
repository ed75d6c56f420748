//! One request: its path, its headers, its body as it comes, and what becomes of it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, header};
use futures::StreamExt as _;
use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::ports::NotKept;
use super::serve::Porter;
use crate::hook::{Claim, Door, Judge, Meaning, Outcome, Received, meaning};
use crate::spec::crd::WebhookProvider;

/// What all requests together may cost.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How large a body may be. A push of 2,048 commits, the most that GitHub tells of, has some 500 kB.
    pub body_bytes_max: usize,
    /// How long a request may take to come, head and body each. Providers give up after 10 s themselves.
    pub within: Duration,
    /// How many bytes of bodies may be in memory at once.
    pub bytes_at_once: usize,
    /// How many connections there may be.
    pub connections_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            body_bytes_max: 1 << 20,
            within: Duration::from_secs(10),
            bytes_at_once: 32 << 20,
            connections_max: 512,
        }
    }
}

/// In which pieces memory is reckoned.
pub(super) const PIECE_BYTES: usize = 4096;

/// A body that was read, and its share of the memory.
struct Read {
    bytes: Vec<u8>,
    judge: Judge,
    _share: Vec<OwnedSemaphorePermit>,
}

/// Takes a delivery for a plan.
pub(super) async fn take(
    porter: &Porter,
    (namespace, plan): (&str, &str),
    headers: &HeaderMap,
    body: Body,
) -> Outcome {
    let door = porter.doors.door(namespace, plan);
    let header = |name: &'static str| headers.get(name).map(HeaderValue::as_bytes);
    let provider = match &door {
        Some(door) => door.provider(),
        // Whether there is such a plan shows in nothing: what comes is read and judged as for one.
        None if headers.contains_key("x-gitea-signature") => WebhookProvider::Gitea,
        None => WebhookProvider::GitHub,
    };
    let claim = Claim::of(provider, header);
    let judge = Judge::begin(door.as_deref(), &claim);
    let reading = read(porter, declared_length(headers), body, judge);
    let read = match tokio::time::timeout(porter.bounds.within, reading).await {
        Ok(Ok(read)) => read,
        Ok(Err(outcome)) => return outcome,
        Err(_) => {
            return Outcome::TooSlow {
                seconds_max: porter.bounds.within.as_secs(),
            };
        }
    };
    let Read {
        bytes,
        judge,
        _share,
    } = read;
    match (judge.end(&porter.fresh()), door) {
        (Some(delivery), Some(door)) => {
            let key = (namespace, plan);
            authentic(porter, key, (&door, claim, delivery), &bytes).await
        }
        (Some(_) | None, _) => Outcome::Refused,
    }
}

/// Keeps what is authentic, and rings where it is new.
async fn authentic(
    porter: &Porter,
    (namespace, plan): (&str, &str),
    (door, claim, delivery): (&Door, Claim, String),
    body: &[u8],
) -> Outcome {
    let means = match meaning(door, &claim, body) {
        Ok(means) => means,
        Err(unreadable) => return Outcome::Unreadable(unreadable),
    };
    let outcome = Outcome::of(&means);
    let at = Timestamp::now();
    let asks_for_look = matches!(means, Meaning::Push { .. });
    let commit = match means {
        Meaning::Push { commit } => commit,
        Meaning::Ping | Meaning::Other | Meaning::Elsewhere => None,
    };
    let received = Received {
        source: format!("{namespace}/{plan}"),
        delivery,
        at,
        provider: door.provider().word(),
        event: claim.event,
        name: claim.name,
        commit,
        verdict: outcome.sentence(),
    };
    let kept = porter.deliveries.keep(received).await;
    // What cannot be kept is not acknowledged, but a release need not wait for that.
    if asks_for_look && kept != Ok(false) {
        porter.doors.ring(namespace, plan, at);
    }
    match kept {
        Ok(true) => outcome,
        Ok(false) => Outcome::Known,
        Err(NotKept::Busy) => Outcome::Busy,
        Err(NotKept::Down(why)) => {
            tracing::warn!(namespace, plan, "a webhook could not be kept: {why}");
            Outcome::NotKept
        }
    }
}

fn declared_length(headers: &HeaderMap) -> Option<usize> {
    let value = headers.get(header::CONTENT_LENGTH)?;
    value.to_str().ok()?.parse().ok()
}

async fn read(
    porter: &Porter,
    declared: Option<usize>,
    body: Body,
    mut judge: Judge,
) -> Result<Read, Outcome> {
    let bytes_max = porter.bounds.body_bytes_max;
    let too_large = Outcome::TooLarge { bytes_max };
    if declared.is_some_and(|bytes| bytes > bytes_max) {
        return Err(too_large);
    }
    let mut share = Vec::new();
    let mut bytes = Vec::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk: Bytes = chunk.map_err(|_| Outcome::Broken)?;
        if bytes.len() + chunk.len() > bytes_max {
            return Err(too_large);
        }
        let wanted = (bytes.len() + chunk.len()).div_ceil(PIECE_BYTES);
        while share.len() < wanted {
            share.push(piece(&porter.memory)?);
        }
        judge.hear(&chunk);
        bytes.extend_from_slice(&chunk);
    }
    Ok(Read {
        bytes,
        judge,
        _share: share,
    })
}

fn piece(memory: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Outcome> {
    Arc::clone(memory)
        .try_acquire_owned()
        .map_err(|_| Outcome::Busy)
}
