//! A "no" over HTTP: a page for people, `application/problem+json` (RFC 9457) for programs.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// Why something is not done or not shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Problem {
    /// The status code.
    pub status: u16,
    /// The status in words.
    pub title: String,
    /// A sentence that names the thing, the reason and the next move.
    pub detail: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status: status.as_u16(),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            detail: detail.into(),
        }
    }

    /// The status code.
    pub(super) fn code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Nobody has signed in.
    pub(super) fn unknown_person() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "nobody has signed in: send a Kubernetes token as `Authorization: Bearer …`, or sign in at /login",
        )
    }

    /// It is not there, or may not be seen: the two are not told apart.
    pub(super) fn missing(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            format!("there is no {what}, or you may not see it"),
        )
    }

    /// The cluster does not answer.
    pub(super) fn cluster(refused: &crate::web::backend::Refused) -> Self {
        use crate::web::backend::Refused;
        let code = match refused {
            Refused::NotNow(_) => StatusCode::CONFLICT,
            Refused::Cluster(_) => StatusCode::BAD_GATEWAY,
        };
        Self::new(code, refused.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let code = self.code();
        let body = serde_json::to_string(&self).unwrap_or_default();
        (
            code,
            [(header::CONTENT_TYPE, "application/problem+json")],
            body,
        )
            .into_response()
    }
}
