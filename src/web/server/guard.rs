//! What holds for every request: whose pages may send it, under which name the server is called, and what browsers may do
//! with the answer.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::App;
use super::problem::Problem;

/// Nothing but our own files, and nobody frames us.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Refuses what comes from elsewhere, and marks what goes out.
pub(super) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let refused = refusal(&app, &request);
    let mut response = match refused {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

fn refusal(app: &App, request: &Request) -> Option<Problem> {
    let headers = request.headers();
    let host = text(headers, &header::HOST);
    if app.is_loopback && !is_this_machine(host) {
        // A name of somebody else's that leads here would let their pages read ours.
        return Some(Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "this server is for this machine alone: call it localhost, 127.0.0.1 or [::1]",
        ));
    }
    let is_read = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    let has_own_token = headers.contains_key(header::AUTHORIZATION);
    if is_read || has_own_token || is_same_origin(headers, host) {
        return None;
    }
    Some(Problem::new(
        StatusCode::FORBIDDEN,
        "this request does not come from a page of this server, so nothing was done",
    ))
}

fn text<'h>(headers: &'h HeaderMap, name: &header::HeaderName) -> &'h str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => host.split(':').next(),
    };
    matches!(name.unwrap_or_default(), "localhost" | "127.0.0.1" | "::1")
}

/// Whether a browser says that one of our own pages sends it. A request without either header comes from no browser that
/// is made today, and has to bring a token of its own.
fn is_same_origin(headers: &HeaderMap, host: &str) -> bool {
    let site = text(headers, &header::HeaderName::from_static("sec-fetch-site"));
    if !matches!(site, "" | "same-origin") {
        return false;
    }
    match text(headers, &header::ORIGIN) {
        "" => site == "same-origin",
        origin => {
            let bare = origin.split_once("://").map(|(_, rest)| rest);
            !host.is_empty() && bare == Some(host)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_s_own_names_lead_to_a_loopback_server() {
        for host in ["localhost", "localhost:8090", "127.0.0.1:1", "[::1]:8090"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in [
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example:80",
            "",
        ] {
            assert!(!is_this_machine(host), "{host}");
        }
    }

    #[test]
    fn a_write_comes_from_our_own_origin() {
        let ask = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            is_same_origin(&headers, "tide.example:8443")
        };
        assert!(ask(&[("origin", "https://tide.example:8443")]));
        assert!(ask(&[("sec-fetch-site", "same-origin")]));
        assert!(!ask(&[]));
        assert!(!ask(&[("origin", "null")]));
        assert!(!ask(&[("origin", "https://tide.example")]));
        assert!(!ask(&[
            ("origin", "https://evil.example"),
            ("sec-fetch-site", "cross-site")
        ]));
        assert!(!ask(&[
            ("origin", "https://tide.example:8443"),
            ("sec-fetch-site", "same-site")
        ]));
    }
}
