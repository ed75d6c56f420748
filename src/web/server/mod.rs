//! The HTTP side: addresses, who is there, what they may, forms, the stream, and the same as JSON.

mod access;
mod acts;
mod api;
mod cookies;
mod front;
mod guard;
mod login;
mod look;
mod place;
mod problem;
mod schema;
mod sessions;
mod stream;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use tokio::net::TcpListener;

use access::Access;
use sessions::Sessions;
use stream::Seats;

use super::backend::{Backend, Person};

/// No form or body of ours is larger: a token is the largest thing that anybody sends.
const BODY_BYTES_MAX: usize = 64 << 10;

/// Whom the page lets in.
#[derive(Debug, Clone)]
pub enum Door {
    /// Whoever signs in.
    SignIn,
    /// Everybody on this machine, as this person: for a simulated cluster, where nothing can be harmed.
    Open(Person),
}

/// Everything that a request needs.
struct App {
    backend: Arc<dyn Backend>,
    access: Access,
    sessions: Sessions,
    seats: Seats,
    door: Door,
    /// What forms carry where nobody signs in.
    open_token: String,
    /// Whether only this machine can reach it, so that only its own names are right.
    is_loopback: bool,
    /// The clock, where somebody may crank it.
    crank: Option<Crank>,
}

/// Lets simulated time pass, in seconds.
pub type Crank = Arc<dyn Fn(u32) + Send + Sync>;

/// Serves page and API until the process ends.
///
/// In: where it listens, on what it stands, whom it lets in, and the crank of a simulated clock.
/// Errors: the address is taken or may not be used.
pub async fn serve(
    listener: TcpListener,
    backend: Arc<dyn Backend>,
    door: Door,
    crank: Option<Crank>,
) -> std::io::Result<()> {
    let is_loopback = listener.local_addr()?.ip().is_loopback();
    if matches!(door, Door::Open(_)) && !is_loopback {
        return Err(std::io::Error::other(
            "without signing in, the page is served on a loopback address only: 127.0.0.1 or [::1]",
        ));
    }
    let app = Arc::new(App {
        access: Access::new(Arc::clone(&backend)),
        backend,
        sessions: Sessions::default(),
        seats: Seats::default(),
        open_token: sessions::random(),
        door,
        is_loopback,
        crank,
    });
    let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).await
}

fn router(app: Arc<App>) -> Router {
    let mut router = Router::new()
        .route("/assets/style.css", get(front::style))
        .route("/assets/page.js", get(front::script))
        .route("/assets/icon.svg", get(front::icon))
        .route("/login", get(login::page).post(login::sign_in))
        .route("/logout", post(login::sign_out))
        .route("/look", post(look::look))
        .route("/live", get(stream::live))
        .route("/releases/{namespace}/{name}/acts", post(acts::from_form));
    if app.crank.is_some() {
        router = router.route("/clock/advance", post(look::advance));
    }
    router
        .nest("/api/v1", api::router())
        .fallback(front::page)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(axum::middleware::from_fn_with_state(
            Arc::clone(&app),
            guard::guard,
        ))
        .with_state(app)
}
