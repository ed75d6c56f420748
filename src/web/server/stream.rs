//! The live stream of a page: whole sections, whenever they have changed. A missed one is healed by the next, and a new
//! stream begins with all of them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tokio::time::Interval;

use super::App;
use super::front::{content, frame_for, visitor};
use super::login::own_address;
use super::place::Place;
use super::problem::Problem;

/// Changes that come together are sent together.
const TOGETHER: Duration = Duration::from_millis(150);
/// How often the stream says that it is alive, and what time it is.
const BEAT: Duration = Duration::from_secs(4);
/// How often it is asked whether the person may still see it: with what is remembered, well under a minute.
const CHECK: Duration = Duration::from_secs(15);
/// More than these at once are somebody's mistake.
const SEATS_MAX: usize = 1_000;

/// How many watch.
#[derive(Debug, Clone, Default)]
pub(super) struct Seats(Arc<AtomicUsize>);

/// One that watches; gives its place back when it goes.
pub(super) struct Seat(Arc<AtomicUsize>);

impl Seats {
    pub(super) fn take(&self) -> Option<Seat> {
        let before = self.0.fetch_add(1, Ordering::Relaxed);
        let seat = Seat(Arc::clone(&self.0));
        (before < SEATS_MAX).then_some(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Which page.
#[derive(Deserialize)]
pub(super) struct Live {
    page: String,
}

/// One browser that watches.
struct Watcher {
    app: Arc<App>,
    headers: HeaderMap,
    address: String,
    place: Place,
    changes: watch::Receiver<u64>,
    beat: Interval,
    check: Interval,
    /// What was sent of each section.
    sent: BTreeMap<String, [u8; 32]>,
    is_over: bool,
    _seat: Seat,
}

/// The stream of one page.
pub(super) async fn live(
    State(app): State<Arc<App>>,
    Query(Live { page }): Query<Live>,
    headers: HeaderMap,
) -> Response {
    if let Err(problem) = visitor(&app, &headers).await {
        return problem.into_response();
    }
    let address = own_address(&page).to_owned();
    let (path, query) = address.split_once('?').unwrap_or((&address, ""));
    let Some(place) = Place::parse(path, query) else {
        return Problem::missing("page of this address").into_response();
    };
    let Some(seat) = app.seats.take() else {
        let words =
            format!("{SEATS_MAX} browsers watch already; reload the page to see what is new");
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, words).into_response();
    };
    let mut changes = app.backend.changes();
    changes.mark_changed();
    let watcher = Watcher {
        changes,
        app,
        headers,
        place,
        address,
        beat: tokio::time::interval(BEAT),
        check: tokio::time::interval(CHECK),
        sent: BTreeMap::new(),
        is_over: false,
        _seat: seat,
    };
    Sse::new(events(watcher)).into_response()
}

fn events(watcher: Watcher) -> impl Stream<Item = Result<Event, Infallible>> {
    futures::stream::unfold(watcher, |mut watcher| async move {
        let event = watcher.next().await?;
        Some((Ok(event), watcher))
    })
}

impl Watcher {
    /// What is sent next; `None`: nothing more.
    async fn next(&mut self) -> Option<Event> {
        if self.is_over {
            return None;
        }
        loop {
            tokio::select! {
                changed = self.changes.changed() => {
                    changed.ok()?;
                    tokio::time::sleep(TOGETHER).await;
                    self.changes.mark_unchanged();
                    if let Some(event) = self.news().await {
                        return Some(event);
                    }
                }
                _ = self.beat.tick() => {
                    let now = self.app.backend.now().as_millisecond();
                    return Some(Event::default().event("clock").data(now.to_string()));
                }
                _ = self.check.tick() => {
                    if let Some(event) = self.news().await {
                        return Some(event);
                    }
                }
            }
        }
    }

    /// The sections that are not as they were sent, if there are any; the end, where they may not be seen any more.
    async fn news(&mut self) -> Option<Event> {
        let Ok(who) = visitor(&self.app, &self.headers).await else {
            return Some(self.over());
        };
        let mut frame = frame_for(&self.app, &self.headers, &self.address, &who);
        let content = match content(&self.app, &who.person, &self.place, &mut frame).await {
            Ok(content) => content,
            // The cluster does not answer: what was seen stays, and the page says how old it is.
            Err(problem) if problem.status == 502 => return None,
            Err(_) => return Some(self.over()),
        };
        let known: Vec<&String> = self.sent.keys().collect();
        let mut ids: Vec<&String> = content.sections.iter().map(|section| &section.id).collect();
        ids.sort();
        let is_whole = known != ids;
        let mut html = String::new();
        let mut sent = BTreeMap::new();
        for section in &content.sections {
            let digest: [u8; 32] = Sha256::digest(section.markup.0.as_bytes()).into();
            if is_whole || self.sent.get(&section.id) != Some(&digest) {
                html.push_str(&section.markup.0);
            }
            sent.insert(section.id.clone(), digest);
        }
        self.sent = sent;
        if html.is_empty() {
            return None;
        }
        let kind = if is_whole { "whole" } else { "sections" };
        // A carriage return would end the field.
        Some(
            Event::default()
                .event(kind)
                .data(html.replace('\r', "&#13;")),
        )
    }

    fn over(&mut self) -> Event {
        self.is_over = true;
        // Browsers leave out an event without data.
        Event::default().event("over").data("over")
    }
}
