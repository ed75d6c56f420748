//! A release over time: a bar for each service from its start to its gate.

use jiff::Timestamp;
use maud::{Markup, html};

use super::board::{cut, px};
use super::{Frame, parts::seconds};
use crate::web::view::{ReleaseView, ServiceView};

const NAMES: f64 = 190.0;
const BARS: f64 = 780.0;
const ROW: f64 = 26.0;
const HEAD: f64 = 30.0;
/// Marks of time, at round seconds.
const ROUND_S: [i64; 14] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 21_600, 86_400,
];
const MARKS_MAX: i64 = 9;
const NAME_MAX: usize = 24;

/// The drawing, and `None` before anything started.
pub(super) fn timeline(frame: &Frame, view: &ReleaseView) -> Option<Markup> {
    let begin = view.line.started?;
    let end = view.line.ended.unwrap_or(frame.now);
    let total = end.duration_since(begin).as_secs_f64().max(1.0);
    let at = |moment: Timestamp| {
        let passed = moment.duration_since(begin).as_secs_f64();
        NAMES + (passed / total).clamp(0.0, 1.0) * BARS
    };
    let rows: Vec<&ServiceView> = view.waves.iter().flat_map(|wave| &wave.services).collect();
    let count = u32::try_from(rows.len()).map_or(0.0, f64::from);
    let (width, height) = (NAMES + BARS + 70.0, HEAD + count * ROW + 12.0);
    Some(html! {
        div.wide tabindex="0" role="group" aria-label=(frame.words.timeline) {
            svg.time role="img" width=(px(width)) height=(px(height))
                viewBox={ "0 0 " (px(width)) " " (px(height)) }
                aria-label={ (frame.words.timeline) ": " (view.line.summary) } {
                @for mark in marks(total) {
                    @let x = NAMES + BARS * seconds_f64(mark) / total;
                    line.grid x1=(px(x)) x2=(px(x)) y1=(px(HEAD - 6.0)) y2=(px(height)) {}
                    text.mark x=(px(x)) y=(px(HEAD - 12.0)) { (seconds(mark)) }
                }
                @for (row, service) in rows.iter().enumerate() {
                    @let y = HEAD + ROW * u32::try_from(row).map_or(0.0, f64::from);
                    text.name x=(px(NAMES - 12.0)) y=(px(y + 16.0)) { (cut(&service.name, NAME_MAX)) }
                    @if let Some(started) = service.started {
                        @let from = at(started);
                        @let to = at(service.ended.unwrap_or(end)).max(from + 3.0);
                        rect class={ "stretch " (service.mark.class()) } x=(px(from)) y=(px(y + 4.0))
                            width=(px(to - from)) height="16" rx="4" {
                            title { (service.name) ": " (frame.words.mark(service.mark)) }
                        }
                        text.took x=(px(to + 6.0)) y=(px(y + 16.0)) {
                            (seconds(service.ended.unwrap_or(end).duration_since(started).as_secs()))
                        }
                    }
                }
            }
        }
    })
}

fn seconds_f64(seconds: i64) -> f64 {
    f64::from(i32::try_from(seconds).unwrap_or(i32::MAX))
}

/// Round moments, as many as can be read.
fn marks(total_s: f64) -> Vec<i64> {
    let fits = |step: &&i64| total_s / seconds_f64(**step) <= seconds_f64(MARKS_MAX);
    let step = ROUND_S.iter().find(fits).copied().unwrap_or(604_800);
    let mut marks = Vec::new();
    let mut at = 0;
    while seconds_f64(at) <= total_s {
        marks.push(at);
        at += step;
    }
    marks
}
