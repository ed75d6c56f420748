//! The server: TLS, the password, and git's CGI program for each request.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinHandle;

use super::repository::GitRepository;
use crate::certificates::Authority;
use crate::tls::{TlsListener, acceptor};

/// The largest push.
const PUSH_BYTES_MAX: usize = 64 << 20;

/// Why there is no server, or no commit.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The program is not there.
    #[error("`git` cannot be started; install it (Debian: `apt-get install git`)")]
    NoGit {
        /// Why.
        source: io::Error,
    },
    /// The program does not do it.
    #[error("`git {arguments}` failed: {message}")]
    Failed {
        /// What was asked of it.
        arguments: String,
        /// Its words.
        message: String,
    },
    /// A file or a port.
    #[error("the Git server cannot be set up")]
    Io(#[from] io::Error),
    /// A certificate.
    #[error("the Git server's certificate cannot be made: {0}")]
    Certificate(String),
}

/// A Git server on loopback; it ends when it is dropped.
#[derive(Debug)]
pub struct GitServer {
    folder: TempDir,
    address: SocketAddr,
    authority: String,
    password: String,
    serving: JoinHandle<()>,
}

/// The name that the server asks for.
const USERNAME: &str = "reader";

impl GitServer {
    /// Starts it on a free port.
    pub async fn start() -> Result<Self, GitError> {
        let folder = tempfile::tempdir()?;
        let authority =
            Authority::new().map_err(|error| GitError::Certificate(error.to_string()))?;
        let identity = authority
            .api_server(Ipv4Addr::LOCALHOST)
            .map_err(|error| GitError::Certificate(error.to_string()))?;
        let acceptor = acceptor(&identity).map_err(GitError::Certificate)?;
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = tcp.local_addr()?;
        // As hard to guess as the key that nobody else has.
        let password = STANDARD.encode(Sha256::digest(&identity.key));
        let shared = Arc::new(Shared {
            root: folder.path().join("served"),
            authorization: format!(
                "Basic {}",
                STANDARD.encode(format!("{USERNAME}:{password}"))
            ),
        });
        let router = Router::new()
            .fallback(answer)
            .layer(DefaultBodyLimit::max(PUSH_BYTES_MAX))
            .with_state(shared);
        let listener = TlsListener { tcp, acceptor };
        let serving = tokio::spawn(async move {
            // It only ends with its task.
            axum::serve(listener, router).await.unwrap_or_default();
        });
        Ok(Self {
            folder,
            address,
            authority: authority.certificate(),
            password,
            serving,
        })
    }

    /// A new repository on it.
    pub fn repository(&self, name: &str) -> Result<GitRepository, GitError> {
        let url = format!("https://{}/{name}", self.address);
        GitRepository::make(self.folder.path(), name, url)
    }

    /// The certificate of the authority that vouches for it, as PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The name that it asks for.
    pub fn username(&self) -> &str {
        USERNAME
    }

    /// The password that it asks for.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Where the files of the server are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

struct Shared {
    root: PathBuf,
    authorization: String,
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let shown = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    if shown != Some(&shared.authorization) {
        let ask = [(header::WWW_AUTHENTICATE, "Basic realm=\"devcluster\"")];
        return (StatusCode::UNAUTHORIZED, ask).into_response();
    }
    match backend(&shared.root, &method, &uri, &headers, &body).await {
        Ok(response) => response,
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Runs `git http-backend` as CGI has it.
async fn backend(
    root: &Path,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> io::Result<Response> {
    let text = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("REMOTE_USER", USERNAME)
        .env("REQUEST_METHOD", method.as_str())
        .env("PATH_INFO", uri.path())
        .env("QUERY_STRING", uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", text("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", text("content-encoding"))
        .env("HTTP_GIT_PROTOCOL", text("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let mut stdin = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let body = body.clone();
    // It may begin to answer before it has read all.
    let writing = tokio::spawn(async move { stdin.write_all(&body).await });
    let done = child.wait_with_output().await?;
    writing.await.ok();
    response(&done.stdout)
}

/// From head and body as CGI has them.
fn response(output: &[u8]) -> io::Result<Response> {
    let broken = || io::Error::other("git http-backend gave no answer");
    let end = output
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .ok_or_else(broken)?;
    let (head, body) = output.split_at(end);
    let body = body.get(4..).unwrap_or_default().to_vec();
    let mut response = Response::builder();
    for line in String::from_utf8_lossy(head).lines() {
        match line.split_once(": ") {
            Some(("Status", status)) => {
                let code = status
                    .split(' ')
                    .next()
                    .and_then(|code| code.parse::<u16>().ok());
                response = response.status(code.ok_or_else(broken)?);
            }
            Some((name, value)) => response = response.header(name, value),
            None => return Err(broken()),
        }
    }
    response.body(Body::from(body)).map_err(io::Error::other)
}
