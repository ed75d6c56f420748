//! Pages: who asks, what they may see, and the view of it as a document.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::Markup;

use super::cookies::{self, cookie};
use super::place::Place;
use super::problem::Problem;
use super::sessions::form_token;
use super::{App, Door};
use crate::spec::crd::{Release, ServiceGraph, ServiceGraphSpec};
use crate::web::backend::{Person, Right};
use crate::web::page::{self, Content, Frame, GraphPage, ReleasePage, Show, Side};
use crate::web::view::{self, Sight};

/// The revision of a graph that is declared now, as addresses call it.
const DECLARED: &str = "declared";
/// Files of ours that never change under one address.
const KEPT: &str = "public, max-age=31536000, immutable";

/// Who asks, and how they have signed in.
pub(super) struct Visitor {
    /// Who.
    pub person: Person,
    /// The token that their forms carry; none where every request brings a token of its own.
    pub token: Option<String>,
}

/// Finds out who asks: by a token of the request itself, else by the session.
pub(super) async fn visitor(app: &App, headers: &HeaderMap) -> Result<Visitor, Problem> {
    if let Door::Open(person) = &app.door {
        return Ok(Visitor {
            person: person.clone(),
            token: Some(app.open_token.clone()),
        });
    }
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let token = value
            .to_str()
            .ok()
            .and_then(|text| text.strip_prefix("Bearer "));
        let person = app.access.recognise(token.unwrap_or_default().trim()).await;
        let person = person.map_err(|refused| Problem::cluster(&refused))?;
        return person
            .map(|person| Visitor {
                person,
                token: None,
            })
            .ok_or_else(Problem::unknown_person);
    }
    let name = cookie(headers, cookies::SESSION).unwrap_or_default();
    let session = app
        .sessions
        .find(name)
        .ok_or_else(Problem::unknown_person)?;
    Ok(Visitor {
        person: session.person,
        token: Some(form_token(name)),
    })
}

/// What all pages need to know.
pub(super) fn frame(app: &App, headers: &HeaderMap, address: &str) -> Frame {
    Frame {
        words: cookies::language(headers).words(),
        theme: cookies::theme(headers),
        person: None,
        token: String::new(),
        address: address.to_owned(),
        now: app.backend.now(),
        awaited: 0,
        is_simulated: app.crank.is_some(),
        notice: None,
    }
}

/// The same with who looks.
pub(super) fn frame_for(app: &App, headers: &HeaderMap, address: &str, who: &Visitor) -> Frame {
    Frame {
        person: Some(who.person.name.clone()),
        token: who.token.clone().unwrap_or_default(),
        ..frame(app, headers, address)
    }
}

/// Any page.
pub(super) async fn page(State(app): State<Arc<App>>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Problem::new(StatusCode::METHOD_NOT_ALLOWED, "a page can only be read")
            .into_response();
    }
    let headers = request.headers();
    let uri = request.uri();
    let address = uri.path_and_query().map_or("/", |all| all.as_str());
    let who = match visitor(&app, headers).await {
        Ok(who) => who,
        Err(problem) if problem.status == 401 => {
            let back = page::escaped(address);
            return Redirect::to(&format!("/login?back={back}")).into_response();
        }
        Err(problem) => return said(&frame(&app, headers, address), &problem),
    };
    let mut frame = frame_for(&app, headers, address, &who);
    let place = Place::parse(uri.path(), uri.query().unwrap_or_default());
    let content = match place {
        Some(place) => content(&app, &who.person, &place, &mut frame).await,
        None => Err(Problem::missing("page of this address")),
    };
    if uri
        .query()
        .is_some_and(|query| query.split('&').any(|part| part == "asked=1"))
    {
        frame.notice = Some(frame.words.was_asked.to_owned());
    }
    match content {
        Ok(content) => html(page::document(&frame, &content)),
        Err(problem) => said(&frame, &problem),
    }
}

/// A "no" as a page.
pub(super) fn said(frame: &Frame, problem: &Problem) -> Response {
    let title = match problem.status {
        404 => frame.words.missing,
        _ => frame.words.not_done,
    };
    let sentence = match problem.status {
        404 => frame.words.missing_says,
        _ => &problem.detail,
    };
    let content = page::refused(frame, title, sentence);
    let mut response = html(page::document(frame, &content));
    *response.status_mut() = problem.code();
    response
}

pub(super) fn html(markup: Markup) -> Response {
    markup.into_response()
}

/// What a page says to a person, and into the frame how much waits for somebody.
pub(super) async fn content(
    app: &App,
    person: &Person,
    place: &Place,
    frame: &mut Frame,
) -> Result<Content, Problem> {
    let sight = app.access.sight(person).await;
    let sight = sight.map_err(|refused| Problem::cluster(&refused))?;
    let waiting = view::approvals(&sight, frame.now);
    frame.awaited = waiting.awaited.len();
    Ok(match place {
        Place::Overview { folder } => {
            let view = view::overview(&sight, frame.now);
            page::overview(frame, &view, folder.as_deref())
        }
        Place::Plan { namespace, name } => {
            let view = view::plan_view(&sight, namespace, name, frame.now);
            page::plan(frame, &view.ok_or_else(|| Problem::missing("such plan"))?)
        }
        Place::Release {
            namespace,
            name,
            show,
            step,
        } => {
            let release = sight.release(namespace, name);
            let release = release.ok_or_else(|| Problem::missing("such release"))?;
            release_page(app, person, release, (*show, step.as_deref()), frame).await
        }
        Place::Graph {
            namespace,
            name,
            between,
        } => {
            let graph = sight.graph(namespace, name);
            let graph = graph.ok_or_else(|| Problem::missing("such graph"))?;
            graph_page(app, &sight, graph, between.as_ref(), frame).await
        }
        Place::Approvals => {
            let mut may = Vec::new();
            for one in &waiting.awaited {
                may.push(app.access.has(person, Right::Approve, &one.namespace).await);
            }
            page::approvals(frame, &waiting, &may)
        }
        Place::Search(query) => page::search(frame, &view::search(&sight, query, frame.now)),
        Place::System => page::system(frame, &app.backend.facts().await),
    })
}

async fn release_page(
    app: &App,
    person: &Person,
    release: &Release,
    (show, chosen): (Show, Option<&str>),
    frame: &Frame,
) -> Content {
    let namespace = release.metadata.namespace.as_deref().unwrap_or_default();
    let explained = app.backend.explain(release).await;
    let view = view::release_view(release, frame.now);
    let page = ReleasePage {
        view: &view,
        explained: explained.as_deref(),
        show,
        chosen,
        may_change: app.access.has(person, Right::Change, namespace).await,
        may_approve: app.access.has(person, Right::Approve, namespace).await,
        yaml: match show {
            Show::Yaml => view::yaml(&view::without_records(release)),
            Show::Drawing | Show::List | Show::Timeline | Show::Proof => String::new(),
        },
    };
    page::release(frame, &page)
}

async fn graph_page(
    app: &App,
    sight: &Sight,
    graph: &ServiceGraph,
    between: Option<&(String, String)>,
    frame: &Frame,
) -> Content {
    let namespace = graph.metadata.namespace.as_deref().unwrap_or_default();
    let name = graph.metadata.name.as_deref().unwrap_or_default();
    let releases = sight.releases().iter().rev();
    let releases: Vec<&Arc<Release>> = releases
        .filter(|release| release.metadata.namespace.as_deref() == Some(namespace))
        .collect();
    let mut sides = vec![Side {
        id: DECLARED.to_owned(),
        name: format!("{name}, {}", frame.words.declared_now),
    }];
    sides.extend(releases.iter().map(|release| Side {
        id: release.metadata.name.clone().unwrap_or_default(),
        name: format!("{} #{}", release.spec.plan, release.spec.number),
    }));
    let chosen = between.cloned().unwrap_or_else(|| {
        let newest = sides.get(1).map_or(DECLARED, |side| side.id.as_str());
        (DECLARED.to_owned(), newest.to_owned())
    });
    let what_if = match between {
        None => None,
        Some((from, to)) => Some(what_if(app, sight, graph, (from, to)).await),
    };
    let view = view::graph_view(name, &graph.spec);
    let page = GraphPage {
        namespace,
        name,
        view: &view,
        sides: &sides,
        chosen,
        what_if,
    };
    page::graph(frame, &page)
}

/// What a release from one revision of a graph to another would do.
pub(super) async fn what_if(
    app: &App,
    sight: &Sight,
    graph: &ServiceGraph,
    (from, to): (&str, &str),
) -> Result<view::WhatIf, String> {
    let name = graph.metadata.name.as_deref().unwrap_or_default();
    let old = revision(app, sight, graph, from).await?;
    let new = revision(app, sight, graph, to).await?;
    Ok(view::what_if(name, &old, &new))
}

async fn revision(
    app: &App,
    sight: &Sight,
    graph: &ServiceGraph,
    id: &str,
) -> Result<ServiceGraphSpec, String> {
    if id == DECLARED {
        return Ok(graph.spec.clone());
    }
    let namespace = graph.metadata.namespace.as_deref().unwrap_or_default();
    let release = sight.release(namespace, id);
    let release = release.ok_or_else(|| format!("there is no release `{id}` in `{namespace}`"))?;
    let spec = app.backend.graph_of(release).await;
    spec.map_err(|refused| refused.to_string())
}

/// The style sheet.
pub(super) async fn style() -> impl IntoResponse {
    asset(
        "text/css; charset=utf-8",
        include_str!("../assets/style.css"),
    )
}

/// The script.
pub(super) async fn script() -> impl IntoResponse {
    asset(
        "text/javascript; charset=utf-8",
        include_str!("../assets/page.js"),
    )
}

/// The sign of a window.
pub(super) async fn icon() -> impl IntoResponse {
    asset("image/svg+xml", include_str!("../assets/icon.svg"))
}

fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, KEPT)],
        text,
    )
}
