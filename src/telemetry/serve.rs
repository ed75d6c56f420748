//! `/metrics`, `/healthz` and `/readyz` over HTTP.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;

use super::metrics::Metrics;

/// Whether the process can do its work.
#[derive(Debug, Clone, Default)]
pub struct Health {
    ready: Arc<AtomicBool>,
    /// What does not work and keeps nothing from going on, by part.
    notes: Arc<Mutex<BTreeMap<&'static str, String>>>,
}

impl Health {
    /// Says whether it can do its work now.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    /// Says what is wrong with a part without which releases go on, or that nothing is: it is shown, and the process stays
    /// ready.
    pub fn set_note(&self, part: &'static str, note: Option<String>) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        match note {
            Some(note) => notes.insert(part, note),
            None => notes.remove(part),
        };
    }

    /// `ok`, and a line for each part that does not work.
    fn text(&self) -> String {
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes
            .iter()
            .fold("ok\n".to_owned(), |mut text, (part, note)| {
                writeln!(text, "{part}: {note}").unwrap_or_default();
                text
            })
    }

    fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }
}

/// Serves health and metrics until the process ends.
///
/// Errors: the address is taken or may not be used.
pub async fn serve(address: SocketAddr, metrics: Metrics, health: Health) -> std::io::Result<()> {
    let router = Router::new()
        .route(
            "/metrics",
            get(|State((metrics, _)): State<(Metrics, Health)>| async move {
                (
                    [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
                    metrics.text(),
                )
            }),
        )
        .route("/healthz", get(|| async { "ok\n" }))
        .route(
            "/readyz",
            get(|State((_, health)): State<(Metrics, Health)>| async move {
                if health.is_ready() {
                    (StatusCode::OK, health.text()).into_response()
                } else {
                    (
                        StatusCode::SERVICE_UNAVAILABLE,
                        "not connected to the API server yet\n",
                    )
                        .into_response()
                }
            }),
        )
        .with_state((metrics, health));
    let listener = tokio::net::TcpListener::bind(address).await?;
    tracing::info!(
        "health and metrics are at http://{}",
        listener.local_addr()?
    );
    axum::serve(listener, router).await
}
