//! The server: connections in bounds, and one address.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::ports::{Counter, Deliveries, Doors};
use super::take::{Bounds, PIECE_BYTES, take};
use crate::hook::Outcome;

/// How large the head of a request may be.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// How long to rest when no further connection can be had.
const AGAIN_AFTER: Duration = Duration::from_millis(100);
/// When a provider that was turned away may come again.
const RETRY_AFTER_S: &str = "10";

/// Takes deliveries.
pub struct Porter {
    pub(super) doors: Arc<dyn Doors>,
    pub(super) deliveries: Arc<dyn Deliveries>,
    pub(super) bounds: Bounds,
    pub(super) memory: Arc<Semaphore>,
    counter: Counter,
    count: AtomicU64,
}

impl Porter {
    /// In: the doors, where deliveries are kept, what it may cost, who counts.
    pub fn new(
        doors: Arc<dyn Doors>,
        deliveries: Arc<dyn Deliveries>,
        bounds: Bounds,
        counter: Counter,
    ) -> Self {
        Self {
            doors,
            deliveries,
            memory: Arc::new(Semaphore::new(bounds.bytes_at_once / PIECE_BYTES)),
            bounds,
            counter,
            count: AtomicU64::new(0),
        }
    }

    /// A name for a delivery that has none, unlike any other one.
    pub(super) fn fresh(&self) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        format!("{}-{count}", Timestamp::now().as_microsecond())
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let Some(key) = key_of(head.uri.path()) else {
            let words = "there is nothing here: webhooks go to /hooks/NAMESPACE/PLAN";
            return said(StatusCode::NOT_FOUND, words);
        };
        if head.method != Method::POST {
            let mut response = said(StatusCode::METHOD_NOT_ALLOWED, "send it with POST");
            let allowed = HeaderValue::from_static("POST");
            response.headers_mut().insert(header::ALLOW, allowed);
            return response;
        }
        let outcome = Box::pin(take(self, key, &head.headers, Body::new(body))).await;
        (self.counter)(&outcome);
        response(&outcome)
    }
}

/// Namespace and plan.
fn key_of(path: &str) -> Option<(&str, &str)> {
    let key = path.strip_prefix("/hooks/")?;
    let (namespace, plan) = key.split_once('/')?;
    let is_one = !namespace.is_empty() && !plan.is_empty() && !plan.contains('/');
    is_one.then_some((namespace, plan))
}

fn response(outcome: &Outcome) -> Response<Body> {
    let status =
        StatusCode::from_u16(outcome.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = said(status, &outcome.sentence());
    let headers = response.headers_mut();
    match outcome {
        Outcome::Busy | Outcome::NotKept => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
        }
        // The rest of the body is not read.
        Outcome::TooLarge { .. } | Outcome::TooSlow { .. } | Outcome::Broken => {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Outcome::Pong
        | Outcome::Taken
        | Outcome::Nothing(_)
        | Outcome::Known
        | Outcome::Refused
        | Outcome::Unreadable(_) => {}
    }
    response
}

fn said(status: StatusCode, words: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{words}\n")));
    *response.status_mut() = status;
    let fixed = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in fixed {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Serves until the process ends.
pub async fn serve(listener: TcpListener, porter: Arc<Porter>) {
    let room = Arc::new(Semaphore::new(porter.bounds.connections_max));
    // It is never closed.
    while let Ok(seat) = Arc::clone(&room).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            // No file is left to open, perhaps.
            tokio::time::sleep(AGAIN_AFTER).await;
            continue;
        };
        let porter = Arc::clone(&porter);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let porter = Arc::clone(&porter);
                async move { Ok::<_, Infallible>(porter.answer(request).await) }
            });
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(porter.bounds.within)
                .max_buf_size(HEAD_BYTES_MAX)
                .serve_connection(TokioIo::new(stream), service)
                .await;
            if let Err(error) = served {
                tracing::debug!("a connection for webhooks has ended: {error}");
            }
            drop(seat);
        });
    }
}
