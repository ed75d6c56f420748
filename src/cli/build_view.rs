//! The builds of a release on the screen.

use jiff::Timestamp;

use super::release_view::Line;
use crate::spec::crd::{BuildStatus, ReleaseStatus};
use crate::spec::duration::describe;

/// The builds as lines of the tree, below a head of their own; none where nothing is built.
pub(super) fn lines(status: &ReleaseStatus, now: Timestamp) -> Vec<Line> {
    if status.builds.is_empty() {
        return Vec::new();
    }
    let is_done = |build: &&BuildStatus| build.image.is_some();
    let done = status.builds.iter().filter(is_done).count();
    let width = status.builds.iter();
    let width = width
        .map(|build| build.service.chars().count())
        .max()
        .unwrap_or(0);
    let has_failed = status.builds.iter().any(|build| mark(build) == "✕");
    let head = match (has_failed, done == status.builds.len()) {
        (true, _) => "✕",
        (false, true) => "✔",
        (false, false) => "◑",
    };
    let mut lines = vec![Line {
        text: format!("{head} Images  {done}/{} there", status.builds.len()),
        done: false,
    }];
    lines.extend(status.builds.iter().map(|build| Line {
        text: format!(
            "│ {} {:width$}  {}",
            mark(build),
            build.service,
            words(build, now)
        ),
        done: build.image.is_some(),
    }));
    lines
}

fn mark(build: &BuildStatus) -> &'static str {
    match build.state.as_str() {
        "Succeeded" | "Skipped" => "●",
        "Failed" | "Cancelled" => "✕",
        "Waiting" => "○",
        "Creating" | "Beginning" => "◔",
        _ => "◑",
    }
}

fn words(build: &BuildStatus, now: Timestamp) -> String {
    let took = match (&build.start_time, &build.end_time) {
        (Some(from), Some(to)) => format!("  {}", describe(to.0.duration_since(from.0))),
        (Some(from), None) => format!("  {}", describe(now.duration_since(from.0))),
        (None, _) => String::new(),
    };
    let image = build.image.as_deref().unwrap_or_default();
    let place = build.object.as_deref().unwrap_or_default();
    match build.state.as_str() {
        "Succeeded" => format!("built{took}  {image}"),
        "Skipped" => format!("{}  {image}", build.message),
        "Failed" => format!("failed{took}  {}: {}  {place}", build.reason, build.message),
        "Cancelled" | "Cancelling" => format!("cancelled{took}  {}", build.message),
        "Waiting" => "waits for room".to_owned(),
        _ if !build.message.is_empty() => {
            format!("is being built{took}  {place}  it waits: {}", build.message)
        }
        _ => format!("is being built{took}  {place}"),
    }
}

/// What changed of the builds between two states, as lines for a log.
pub(super) fn changes(before: &ReleaseStatus, after: &ReleaseStatus) -> Vec<String> {
    let news = after.builds.iter().filter_map(|build| {
        let mut known = before.builds.iter();
        let known = known.find(|one| one.service == build.service);
        let (old, new) = (known.map_or("", |it| shown(&it.state)), shown(&build.state));
        let is_news = !new.is_empty() && old != new;
        is_news.then(|| {
            let end = build.end_time.as_ref().map(|time| time.0);
            format!(
                "image of {}: {}",
                build.service,
                words(build, end.unwrap_or_else(Timestamp::now))
            )
        })
    });
    news.collect()
}

/// Steps on the way are nothing to people.
fn shown(state: &str) -> &str {
    match state {
        "Waiting" | "Creating" | "Beginning" | "Cancelling" => "",
        other => other,
    }
}
