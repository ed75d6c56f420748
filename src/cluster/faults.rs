//! One fault between tidegate and the API server, for tests that try each place of a release in turn: compiled with
//! the feature `cluster-tests` only. `TIDEGATE_FAULT=lost@7` strikes at the seventh write, and says so on stderr.
//!
//! Only what a release writes counts: no dry run, no lease, no question about rights.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body as Answer, to_bytes};
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{Method, Request, Response, StatusCode};
use kube::client::{Body, DynBody};
use serde_json::json;
use tower::{BoxError, Layer, Service};

/// Where the fault is said.
const VARIABLE: &str = "TIDEGATE_FAULT";
/// Longer than the lease of a release lasts.
const LATE: Duration = Duration::from_secs(20);

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// The process dies before the request is sent.
    CrashBefore,
    /// The process dies when the answer is there.
    CrashAfter,
    /// The request is done, and its answer gets lost with the connection.
    Lost,
    /// The request is done, and its answer takes longer than the lease.
    Late,
    /// The request is done, and the answer says that it took too long.
    TimedOut,
    /// The request is done twice, as by something between that tries again.
    Twice,
    /// The request is not done: 500.
    Broken,
    /// The request is not done: 409.
    Conflict,
    /// A read shows what the same read showed before.
    Old,
}

impl Mode {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "crash-before" => Self::CrashBefore,
            "crash-after" => Self::CrashAfter,
            "lost" => Self::Lost,
            "late" => Self::Late,
            "timed-out" => Self::TimedOut,
            "twice" => Self::Twice,
            "broken" => Self::Broken,
            "conflict" => Self::Conflict,
            "old" => Self::Old,
            _ => return None,
        })
    }
}

/// One fault, at one request of this process.
pub(super) struct Fault {
    mode: Mode,
    /// At which of the requests that count, from one.
    at: usize,
    counted: AtomicUsize,
    /// The last answer to each read.
    read: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl Fault {
    fn from_environment() -> Option<Arc<Self>> {
        let said = std::env::var(VARIABLE).ok()?;
        let (word, at) = said.split_once('@')?;
        Some(Arc::new(Self {
            mode: Mode::of(word)?,
            at: at.parse().ok()?,
            counted: AtomicUsize::new(0),
            read: Mutex::new(BTreeMap::new()),
        }))
    }

    /// Whether this request, which counts, is the one.
    fn strikes(&self, request: &str) -> bool {
        let number = self.counted.fetch_add(1, Ordering::SeqCst) + 1;
        let strikes = number == self.at;
        if strikes {
            tracing::error!("fault {:?} at {number}: {request}", self.mode);
        }
        strikes
    }

    /// What the same read showed before; what it shows now is kept.
    fn before(&self, request: &str, now: &[u8]) -> Option<Vec<u8>> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.insert(request.to_owned(), now.to_owned())
            .filter(|before| before != now)
    }
}

/// The fault that the environment asks for, if any: one for all clients, which count together.
pub(super) fn of_this_process() -> Option<Arc<Fault>> {
    static FAULT: OnceLock<Option<Arc<Fault>>> = OnceLock::new();
    FAULT.get_or_init(Fault::from_environment).clone()
}

fn is_counted_write<B>(request: &Request<B>) -> bool {
    let uri = request.uri();
    let is_write = ![Method::GET, Method::HEAD].contains(request.method());
    let is_question = ["/leases", "authorization.k8s.io", "authentication.k8s.io"]
        .iter()
        .any(|part| uri.path().contains(part));
    let is_dry = uri.query().is_some_and(|query| query.contains("dryRun"));
    is_write && !is_question && !is_dry
}

fn is_plain_read<B>(request: &Request<B>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    request.method() == Method::GET
        && !query.contains("watch=")
        && !query.contains("follow=")
        && !request.uri().path().contains("/leases")
}

/// The layer for a client.
#[derive(Clone)]
pub(super) struct Faults(pub(super) Arc<Fault>);

impl<S> Layer<S> for Faults {
    type Service = Faulty<S>;

    fn layer(&self, inner: S) -> Faulty<S> {
        Faulty {
            inner,
            fault: Arc::clone(&self.0),
        }
    }
}

/// A service with a fault before it.
#[derive(Clone)]
pub(super) struct Faulty<S> {
    inner: S,
    fault: Arc<Fault>,
}

impl<S> Service<Request<Body>> for Faulty<S>
where
    S: Service<Request<Body>, Response = Response<Box<DynBody>>, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response<Answer>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let fault = Arc::clone(&self.fault);
        let name = format!("{} {}", request.method(), request.uri());
        if fault.mode == Mode::Old {
            let is_read = is_plain_read(&request);
            let answer = self.inner.call(request);
            return async move {
                let answer = answer.await?.map(Answer::new);
                if is_read {
                    older(&fault, &name, answer).await
                } else {
                    Ok(answer)
                }
            }
            .boxed();
        }
        if !is_counted_write(&request) || !fault.strikes(&name) {
            return self
                .inner
                .call(request)
                .map(|answer| Ok(answer?.map(Answer::new)))
                .boxed();
        }
        match fault.mode {
            Mode::CrashBefore => std::process::abort(),
            Mode::Broken => {
                std::future::ready(status(StatusCode::INTERNAL_SERVER_ERROR, "InternalError"))
                    .boxed()
            }
            Mode::Conflict => std::future::ready(status(StatusCode::CONFLICT, "Conflict")).boxed(),
            Mode::Twice => {
                let again = copy(&request).map(|again| self.inner.call(again));
                let answer = self.inner.call(request);
                async move {
                    let first = answer.await?;
                    match again {
                        Some(again) => Ok(again.await?.map(Answer::new)),
                        None => Ok(first.map(Answer::new)),
                    }
                }
                .boxed()
            }
            Mode::CrashAfter | Mode::Lost | Mode::Late | Mode::TimedOut | Mode::Old => {
                let answer = self.inner.call(request);
                async move { after(fault.mode, answer.await?.map(Answer::new)).await }.boxed()
            }
        }
    }
}

/// What comes of the answer to a request that was done.
async fn after(mode: Mode, answer: Response<Answer>) -> Result<Response<Answer>, BoxError> {
    match mode {
        Mode::CrashAfter => std::process::abort(),
        Mode::Lost => Err(io::Error::from(io::ErrorKind::ConnectionReset).into()),
        Mode::TimedOut => status(StatusCode::GATEWAY_TIMEOUT, "Timeout"),
        Mode::Late => {
            tokio::time::sleep(LATE).await;
            Ok(answer)
        }
        Mode::CrashBefore | Mode::Twice | Mode::Broken | Mode::Conflict | Mode::Old => Ok(answer),
    }
}

/// The answer to a read, or at the one that counts what the same read showed before.
async fn older(
    fault: &Fault,
    name: &str,
    answer: Response<Answer>,
) -> Result<Response<Answer>, BoxError> {
    let (head, body) = answer.into_parts();
    let now = to_bytes(body, usize::MAX).await?;
    let before = fault.before(name, &now);
    let shown = match before {
        Some(before) if fault.strikes(name) => before.into(),
        Some(_) | None => now,
    };
    Ok(Response::from_parts(head, Answer::from(shown)))
}

fn copy(request: &Request<Body>) -> Option<Request<Body>> {
    let mut copy = Request::builder()
        .method(request.method().clone())
        .uri(request.uri().clone())
        .body(request.body().try_clone()?)
        .ok()?;
    *copy.headers_mut() = request.headers().clone();
    Some(copy)
}

/// An answer without any effect.
fn status(code: StatusCode, reason: &str) -> Result<Response<Answer>, BoxError> {
    let body = json!({
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": "a fault of a test",
        "reason": reason,
        "code": code.as_u16(),
    });
    Ok(Response::builder()
        .status(code)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(Answer::from(body.to_string()))?)
}
