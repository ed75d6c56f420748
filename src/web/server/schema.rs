//! The API's own description.

use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};

use super::api;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "tidegate",
        description = "What the page shows, as JSON. Every read and act is judged by the RBAC of the cluster, as the person \
                       whose Kubernetes token the request brings."
    ),
    servers((url = "/api/v1")),
    security(("token" = [])),
    paths(
        api::overview,
        api::approvals,
        api::search,
        api::plan,
        api::release,
        api::object,
        api::objects,
        api::act,
        api::events,
        api::graph,
        api::what_if
    )
)]
struct Document;

/// The document.
pub(super) fn document() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme(
        "token",
        SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)),
    );
    document
}
