//! Small things that many pages show.

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use crate::spec::duration::describe;
use crate::web::view::{Mark, ReleaseLine};
use crate::web::words::Words;

/// A sign with its word.
pub(super) fn pill(w: &Words, mark: Mark) -> Markup {
    html! {
        span class={ "pill " (mark.class()) } {
            span.sign aria-hidden="true" { (mark.sign()) } " " (w.mark(mark))
        }
    }
}

/// A sign whose word stands beside it only for those who do not see it.
pub(super) fn sign(w: &Words, mark: Mark) -> Markup {
    html! {
        span class={ "sign " (mark.class()) } title=(w.mark(mark)) {
            span aria-hidden="true" { (mark.sign()) } span.hidden { (w.mark(mark)) }
        }
    }
}

/// How long ago, with the moment itself on hover and for machines.
pub(super) fn ago(w: &Words, moment: Option<Timestamp>, now: Timestamp) -> Markup {
    match moment {
        None => html! { span.none { "–" } },
        Some(moment) => html! {
            time datetime=(moment) title=(moment) data-ago=(moment.as_millisecond()) {
                (w.ago(&describe(now.duration_since(moment))))
            }
        },
    }
}

/// How long it has lasted, or did.
pub(super) fn lasted(from: Option<Timestamp>, to: Option<Timestamp>, now: Timestamp) -> Markup {
    match (from, to) {
        (None, _) => html! { span.none { "–" } },
        (Some(from), Some(to)) => html! { span.num { (describe(to.duration_since(from))) } },
        (Some(from), None) => html! {
            span.num data-since=(from.as_millisecond()) { (describe(now.duration_since(from))) }
        },
    }
}

/// Seconds as people say them.
pub(super) fn seconds(seconds: i64) -> String {
    describe(SignedDuration::from_secs(seconds))
}

/// The address of a release.
pub(super) fn release_address(namespace: &str, name: &str) -> String {
    format!("/releases/{}/{}", escaped(namespace), escaped(name))
}

/// The address of a plan.
pub(super) fn plan_address(namespace: &str, name: &str) -> String {
    format!("/plans/{}/{}", escaped(namespace), escaped(name))
}

/// The address of a graph.
pub(super) fn graph_address(namespace: &str, name: &str) -> String {
    format!("/graphs/{}/{}", escaped(namespace), escaped(name))
}

/// A text for an address: names of objects are plain, but nothing here depends on it.
pub(in crate::web) fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let parts = text.bytes().map(|byte| {
        if plain(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    });
    parts.collect()
}

/// A release by plan and number.
pub(super) fn release_link(line: &ReleaseLine) -> Markup {
    html! { a href=(release_address(&line.namespace, &line.name)) { (line.plan) " #" (line.number) } }
}

/// How many waves are done, as a row of boxes and in numbers.
pub(super) fn waves(w: &Words, line: &ReleaseLine) -> Markup {
    if line.waves == 0 {
        return html! { span.none { "–" } };
    }
    let current = line.waves_done + 1;
    html! {
        span.waves aria-hidden="true" {
            @for wave in 1..=line.waves.min(12) {
                span class=(if wave <= line.waves_done { "full" } else if wave == current && !line.mark.has_ended() { "now" } else { "" }) {}
            }
        }
        span.num { (line.waves_done) "/" (line.waves) span.hidden { " " (w.waves) } }
    }
}

/// Runs as small bars, the newest at the right: a bar's height is what it took, its colour how it ended.
pub(super) fn bars(w: &Words, runs: &[ReleaseLine], height: u32) -> Markup {
    const WIDTH: usize = 7;
    const GAP: usize = 3;
    let longest = runs
        .iter()
        .filter_map(|run| run.took_s)
        .max()
        .unwrap_or(1)
        .max(1);
    let width = (runs.len() * (WIDTH + GAP)).max(1);
    let label = runs
        .iter()
        .map(|run| format!("#{} {}", run.number, w.mark(run.mark)));
    let label: Vec<String> = label.collect();
    html! {
        svg.bars width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) }
            role="img" aria-label=(label.join(", ")) {
            @for (at, run) in runs.iter().enumerate() {
                @let tall = bar_height(run.took_s.unwrap_or(0), longest, height);
                path class=(run.mark.class())
                    d={ "M" (at * (WIDTH + GAP)) " " (height) "v-" (tall) "h" (WIDTH) "v" (tall) "z" } {}
            }
        }
    }
}

/// At least four pixels, so that a short run is seen too.
fn bar_height(took: i64, longest: i64, height: u32) -> u32 {
    let most = i64::from(height);
    let tall = (took.max(0) * most / longest).clamp(4.min(most), most);
    u32::try_from(tall).unwrap_or(height)
}
