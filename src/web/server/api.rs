//! The same as the pages, as JSON. Each route stands in the document of [`super::schema`], and a test holds the two
//! together.
#![expect(
    unused_qualifications,
    reason = "utoipa names the types of queries by a path of its own"
)]

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::Stream;
use serde::Deserialize;
use utoipa::IntoParams;

use super::App;
use super::acts::{Act, perform};
use super::front::{Visitor, visitor, what_if as worked_out};
use super::problem::Problem;
use super::schema::document;
use crate::spec::crd::Release;
use crate::web::view::{
    self, Approvals, Found, GraphView, Overview, PlanView, ReleaseView, Sight, WhatIf,
};

type Answer<T> = Result<Json<T>, Problem>;
type Named = Path<(String, String)>;

/// Every route; the same addresses as in the document.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/openapi.json", get(openapi))
        .route("/overview", get(overview))
        .route("/approvals", get(approvals))
        .route("/search", get(search))
        .route("/plans/{namespace}/{name}", get(plan))
        .route("/releases/{namespace}/{name}", get(release))
        .route("/releases/{namespace}/{name}/object", get(object))
        .route("/releases/{namespace}/{name}/acts", post(act))
        .route("/releases/{namespace}/{name}/events", get(events))
        .route("/namespaces/{namespace}/releases", get(objects))
        .route("/graphs/{namespace}/{name}", get(graph))
        .route("/graphs/{namespace}/{name}/what-if", get(what_if))
        .fallback(|| async { Problem::missing("such address; /api/v1/openapi.json has them all") })
}

/// The document itself; everybody may read it.
async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(document())
}

/// Who asks, and what they may see.
async fn seen(app: &App, headers: &HeaderMap) -> Result<(Visitor, Sight), Problem> {
    let who = visitor(app, headers).await?;
    let sight = app.access.sight(&who.person).await;
    Ok((who, sight.map_err(|refused| Problem::cluster(&refused))?))
}

fn release_of<'s>(
    sight: &'s Sight,
    namespace: &str,
    name: &str,
) -> Result<&'s Arc<Release>, Problem> {
    let release = sight.release(namespace, name);
    release.ok_or_else(|| Problem::missing(&format!("release `{name}` in `{namespace}`")))
}

/// Every plan with its last runs, and what needs somebody
#[utoipa::path(get, path = "/overview", responses((status = 200, body = Overview), (status = 401, body = Problem)))]
pub(super) async fn overview(State(app): State<Arc<App>>, headers: HeaderMap) -> Answer<Overview> {
    let (_, sight) = seen(&app, &headers).await?;
    Ok(Json(view::overview(&sight, app.backend.now())))
}

/// What waits for somebody's word
#[utoipa::path(get, path = "/approvals", responses((status = 200, body = Approvals), (status = 401, body = Problem)))]
pub(super) async fn approvals(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Answer<Approvals> {
    let (_, sight) = seen(&app, &headers).await?;
    Ok(Json(view::approvals(&sight, app.backend.now())))
}

/// What is looked for.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct Looked {
    /// Words, all of which a release has in its name, revision, reason, result or services.
    #[serde(default)]
    q: String,
}

/// Releases that have some words
#[utoipa::path(get, path = "/search", params(Looked), responses((status = 200, body = Found), (status = 401, body = Problem)))]
pub(super) async fn search(
    State(app): State<Arc<App>>,
    Query(Looked { q }): Query<Looked>,
    headers: HeaderMap,
) -> Answer<Found> {
    let (_, sight) = seen(&app, &headers).await?;
    Ok(Json(view::search(&sight, &q, app.backend.now())))
}

/// A plan with its runs
#[utoipa::path(
    get, path = "/plans/{namespace}/{name}",
    params(("namespace" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = PlanView), (status = 401, body = Problem), (status = 404, body = Problem))
)]
pub(super) async fn plan(
    State(app): State<Arc<App>>,
    Path((namespace, name)): Named,
    headers: HeaderMap,
) -> Answer<PlanView> {
    let (_, sight) = seen(&app, &headers).await?;
    let view = view::plan_view(&sight, &namespace, &name, app.backend.now());
    let missing = || Problem::missing(&format!("plan `{name}` in `{namespace}`"));
    Ok(Json(view.ok_or_else(missing)?))
}

/// A release with its waves, and for each service why it is here and why it is not further
#[utoipa::path(
    get, path = "/releases/{namespace}/{name}",
    params(("namespace" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = ReleaseView), (status = 401, body = Problem), (status = 404, body = Problem))
)]
pub(super) async fn release(
    State(app): State<Arc<App>>,
    Path((namespace, name)): Named,
    headers: HeaderMap,
) -> Answer<ReleaseView> {
    let (_, sight) = seen(&app, &headers).await?;
    let release = release_of(&sight, &namespace, &name)?;
    Ok(Json(explained(&app, release).await))
}

async fn explained(app: &App, release: &Release) -> ReleaseView {
    let mut view = view::release_view(release, app.backend.now());
    if let Some(known) = app.backend.explain(release).await {
        for step in view.waves.iter_mut().flat_map(|wave| &mut wave.services) {
            step.changes = known.changes.get(&step.name).cloned().unwrap_or_default();
            step.why_here = known
                .why_here
                .get(&step.service)
                .cloned()
                .unwrap_or_default();
        }
    }
    view
}

/// A release as the object that it is, without the machine's notes
#[utoipa::path(
    get, path = "/releases/{namespace}/{name}/object",
    params(("namespace" = String, Path), ("name" = String, Path)),
    responses(
        (status = 200, body = Object, description = "a Release of tidegate.dev/v1alpha1"),
        (status = 401, body = Problem), (status = 404, body = Problem)
    )
)]
pub(super) async fn object(
    State(app): State<Arc<App>>,
    Path((namespace, name)): Named,
    headers: HeaderMap,
) -> Answer<Release> {
    let (_, sight) = seen(&app, &headers).await?;
    let release = release_of(&sight, &namespace, &name)?;
    Ok(Json(view::without_records(release)))
}

/// Every release of a namespace as the object that it is
#[utoipa::path(
    get, path = "/namespaces/{namespace}/releases",
    params(("namespace" = String, Path)),
    responses(
        (status = 200, body = Vec<Object>, description = "Releases of tidegate.dev/v1alpha1, by plan and number"),
        (status = 401, body = Problem)
    )
)]
pub(super) async fn objects(
    State(app): State<Arc<App>>,
    Path(namespace): Path<String>,
    headers: HeaderMap,
) -> Answer<Vec<Release>> {
    let (_, sight) = seen(&app, &headers).await?;
    let own = sight.releases().iter();
    let own = own.filter(|release| release.metadata.namespace.as_deref() == Some(&namespace));
    Ok(Json(
        own.map(|release| view::without_records(release)).collect(),
    ))
}

/// Asks something of a release: approve, pause, resume, abort
#[utoipa::path(
    post, path = "/releases/{namespace}/{name}/acts", request_body = Act,
    params(("namespace" = String, Path), ("name" = String, Path)),
    responses(
        (status = 202, description = "asked; the release shows it as soon as its controller has seen it"),
        (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)
    )
)]
pub(super) async fn act(
    State(app): State<Arc<App>>,
    Path((namespace, name)): Named,
    headers: HeaderMap,
    body: Result<Json<Act>, JsonRejection>,
) -> Result<StatusCode, Problem> {
    let who = visitor(&app, &headers).await?;
    if who.token.is_some()
        && headers.get("x-tidegate-token").map(HeaderValue::as_bytes)
            != who.token.as_ref().map(String::as_bytes)
    {
        let words = "with a session, the header `X-Tidegate-Token` must be the page's form token; with a Kubernetes token \
                     it need not be there";
        return Err(Problem::new(StatusCode::FORBIDDEN, words));
    }
    let Json(act) = body.map_err(|error| Problem::new(error.status(), error.body_text()))?;
    perform(&app, &who, &namespace, &name, act).await?;
    Ok(StatusCode::ACCEPTED)
}

/// A release as it goes: an event `release` with the view whenever it has changed, until it has ended
#[utoipa::path(
    get, path = "/releases/{namespace}/{name}/events",
    params(("namespace" = String, Path), ("name" = String, Path)),
    responses(
        (status = 200, content_type = "text/event-stream", body = ReleaseView),
        (status = 401, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)
    )
)]
pub(super) async fn events(
    State(app): State<Arc<App>>,
    Path((namespace, name)): Named,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let (_, sight) = seen(&app, &headers).await?;
    release_of(&sight, &namespace, &name)?;
    let place = app.seats.take();
    let place = place.ok_or_else(|| {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many watch already; ask for the release itself",
        )
    })?;
    let mut changes = app.backend.changes();
    changes.mark_changed();
    let state = (app, headers, changes, String::new(), false, place);
    let stream = futures::stream::unfold(state, move |state| {
        let (namespace, name) = (namespace.clone(), name.clone());
        async move {
            let (app, headers, mut changes, mut told, is_over, place) = state;
            if is_over {
                return None;
            }
            loop {
                changes.changed().await.ok()?;
                let (_, sight) = seen(&app, &headers).await.ok()?;
                let release = release_of(&sight, &namespace, &name).ok()?;
                let view = explained(&app, release).await;
                let has_ended = view.line.mark.has_ended();
                let text = serde_json::to_string(&view).ok()?;
                if text != told || has_ended {
                    told.clone_from(&text);
                    let event = Event::default().event("release").data(text);
                    return Some((Ok(event), (app, headers, changes, told, has_ended, place)));
                }
            }
        }
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::default()))
}

/// A graph as declared
#[utoipa::path(
    get, path = "/graphs/{namespace}/{name}",
    params(("namespace" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = GraphView), (status = 401, body = Problem), (status = 404, body = Problem))
)]
pub(super) async fn graph(
    State(app): State<Arc<App>>,
    Path((namespace, name)): Named,
    headers: HeaderMap,
) -> Answer<GraphView> {
    let (_, sight) = seen(&app, &headers).await?;
    let graph = sight.graph(&namespace, &name);
    let missing = || Problem::missing(&format!("graph `{name}` in `{namespace}`"));
    let graph = graph.ok_or_else(missing)?;
    Ok(Json(view::graph_view(&name, &graph.spec)))
}

/// The two revisions of a what-if.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct Between {
    /// `declared`, or the name of a release in the namespace.
    from: String,
    /// `declared`, or the name of a release in the namespace.
    to: String,
}

/// What a release from one revision of a graph to another would do; writes nothing
#[utoipa::path(
    get, path = "/graphs/{namespace}/{name}/what-if",
    params(("namespace" = String, Path), ("name" = String, Path), Between),
    responses(
        (status = 200, body = WhatIf), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)
    )
)]
pub(super) async fn what_if(
    State(app): State<Arc<App>>,
    Path((namespace, name)): Named,
    Query(Between { from, to }): Query<Between>,
    headers: HeaderMap,
) -> Answer<WhatIf> {
    let (_, sight) = seen(&app, &headers).await?;
    let graph = sight.graph(&namespace, &name);
    let missing = || Problem::missing(&format!("graph `{name}` in `{namespace}`"));
    let graph = graph.ok_or_else(missing)?;
    let found = worked_out(&app, &sight, graph, (&from, &to)).await;
    found
        .map(Json)
        .map_err(|words| Problem::new(StatusCode::CONFLICT, words))
}
