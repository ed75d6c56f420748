//! The part of a node that the API server asks for logs: a test says what the containers of pods have said.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::certificates::Authority;
use crate::tls::{TlsListener, acceptor};

/// What was said, by namespace and pod.
type Texts = Arc<Mutex<BTreeMap<(String, String), String>>>;

/// A server on loopback; it ends when it is dropped.
#[derive(Debug)]
pub struct LogServer {
    texts: Texts,
    port: u16,
    serving: JoinHandle<()>,
}

impl LogServer {
    /// Starts it on a free port.
    pub async fn start() -> io::Result<Self> {
        let identity = Authority::new().and_then(|it| it.api_server(Ipv4Addr::LOCALHOST));
        let identity = identity.map_err(io::Error::other)?;
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = tcp.local_addr()?.port();
        let acceptor = acceptor(&identity).map_err(io::Error::other)?;
        let texts = Texts::default();
        let router = Router::new()
            .route("/containerLogs/{namespace}/{pod}/{container}", get(answer))
            .with_state(Arc::clone(&texts));
        let listener = TlsListener { tcp, acceptor };
        let serving = tokio::spawn(async move {
            // It only ends with its task.
            axum::serve(listener, router).await.unwrap_or_default();
        });
        Ok(Self {
            texts,
            port,
            serving,
        })
    }

    /// Where it listens: the kubelet's port of the node.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on this is all that a pod has said.
    pub fn say(&self, (namespace, pod): (&str, &str), text: &str) {
        let key = (namespace.to_owned(), pod.to_owned());
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        texts.insert(key, text.to_owned());
    }

    /// All that was said.
    pub fn said(&self) -> String {
        let texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        texts.values().map(String::as_str).collect()
    }
}

impl Drop for LogServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    limit_bytes: Option<usize>,
}

/// What a pod has said up to now. Who wants to follow it has to ask again.
async fn answer(
    State(texts): State<Texts>,
    Path((namespace, pod, _)): Path<(String, String, String)>,
    Query(wanted): Query<Wanted>,
) -> Result<Vec<u8>, StatusCode> {
    let texts = texts.lock().unwrap_or_else(PoisonError::into_inner);
    let text = texts.get(&(namespace, pod)).ok_or(StatusCode::NOT_FOUND)?;
    let bytes = text.as_bytes();
    let end = wanted.limit_bytes.unwrap_or(bytes.len()).min(bytes.len());
    Ok(bytes.get(..end).unwrap_or_default().to_vec())
}
