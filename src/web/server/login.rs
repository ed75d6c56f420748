//! Signing in and out.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use serde::Deserialize;

use super::cookies::{self, cookie, set_session};
use super::front::{frame, html, said};
use super::problem::Problem;
use super::sessions::LASTS;
use super::{App, Door};
use crate::web::page;

/// Where somebody wanted to go.
#[derive(Deserialize)]
pub(super) struct Back {
    #[serde(default)]
    back: String,
}

/// An address of ours; anything else leads to the first page, so that no link signs people in to somewhere else.
pub(super) fn own_address(back: &str) -> &str {
    let is_own =
        back.starts_with('/') && !back.starts_with("//") && !back.contains(['\\', '\n', '\r']);
    if is_own { back } else { "/" }
}

/// The page to sign in.
pub(super) async fn page(
    State(app): State<Arc<App>>,
    Query(Back { back }): Query<Back>,
    headers: HeaderMap,
) -> Response {
    if matches!(app.door, Door::Open(_)) {
        return Redirect::to("/").into_response();
    }
    let frame = frame(&app, &headers, "/login");
    html(page::document(
        &frame,
        &page::login(&frame, own_address(&back), None),
    ))
}

/// What the form sends.
#[derive(Deserialize)]
pub(super) struct Signing {
    kubernetes: String,
    #[serde(default)]
    back: String,
}

/// Takes a Kubernetes token and begins a session.
pub(super) async fn sign_in(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Form(form): Form<Signing>,
) -> Response {
    let frame = frame(&app, &headers, "/login");
    let back = own_address(&form.back);
    let token = form.kubernetes.trim();
    let person = match app.access.recognise(token).await {
        Ok(Some(person)) => person,
        Ok(None) => {
            let problem = frame.words.token_refused;
            let mut response = html(page::document(
                &frame,
                &page::login(&frame, back, Some(problem)),
            ));
            *response.status_mut() = StatusCode::FORBIDDEN;
            return response;
        }
        Err(refused) => return said(&frame, &Problem::cluster(&refused)),
    };
    let latest = Timestamp::now()
        .saturating_add(LASTS)
        .unwrap_or(Timestamp::MAX);
    let until = expiry(token).map_or(latest, |expiry| expiry.min(latest));
    let name = app.sessions.begin(person, until);
    let seconds = until.duration_since(Timestamp::now()).as_secs().max(0);
    with_cookie(
        Redirect::to(back).into_response(),
        set_session(&name, seconds),
    )
}

/// When a token ends, as it says itself (RFC 7519, `exp`). The API server has accepted it; this only makes a session
/// shorter.
fn expiry(token: &str) -> Option<Timestamp> {
    use base64::Engine as _;
    let payload = token.split('.').nth(1)?;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(payload)
        .ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    Timestamp::from_second(claims.get("exp")?.as_i64()?).ok()
}

/// Ends a session.
pub(super) async fn sign_out(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    if let Some(name) = cookie(&headers, cookies::SESSION) {
        app.sessions.end(name);
    }
    with_cookie(Redirect::to("/login").into_response(), set_session("", 0))
}

pub(super) fn with_cookie(mut response: Response, value: Option<HeaderValue>) -> Response {
    if let Some(value) = value {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere_after_signing_in() {
        assert_eq!(own_address("/plans/a/b?x=1"), "/plans/a/b?x=1");
        for address in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "",
            "/a\r\nb",
        ] {
            assert_eq!(own_address(address), "/", "{address:?}");
        }
    }

    #[test]
    fn a_session_is_no_longer_than_its_token() {
        // {"alg":"none"} . {"exp":1700000000}
        let token = "eyJhbGciOiJub25lIn0.eyJleHAiOjE3MDAwMDAwMDB9.x";
        assert_eq!(expiry(token), Timestamp::from_second(1_700_000_000).ok());
        assert_eq!(expiry("no token"), None);
        assert_eq!(expiry("a.%%%.b"), None);
    }
}
