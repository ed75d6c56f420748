//! Waves as columns and services as boxes: a release on its way, the order of a what-if, or a graph of calls.

use maud::{Markup, html};

use crate::draw::{Spot, place};
use crate::web::view::Mark;

const WIDTH: f64 = 196.0;
const HEIGHT: f64 = 62.0;
/// A box with a name alone.
const LOW: f64 = 34.0;
const MARGIN: f64 = 14.0;
/// Above the columns, for their names.
const HEAD: f64 = 34.0;
/// Beside the columns, within the band of a wave.
const PAD: f64 = 12.0;
/// How far a line swings out before it bends.
const BEND: f64 = 30.0;
/// A longer text is cut: its box is no wider. The whole stands in the tooltip and in the list.
const NAME_MAX: usize = 22;
const LINE_MAX: usize = 31;

/// A box.
pub(super) struct Tile {
    /// What arrows call it.
    pub id: String,
    /// Where it leads.
    pub address: String,
    /// Where it stands, with the word for it; `None`: it stands nowhere.
    pub mark: Option<(Mark, &'static str)>,
    /// Lines below its name.
    pub lines: Vec<String>,
    /// All of it in words.
    pub title: String,
    /// Whether it is the one that is looked at.
    pub is_chosen: bool,
}

/// A column of boxes.
pub(super) struct Column {
    /// What stands above it.
    pub name: String,
    /// The style of its band.
    pub class: &'static str,
    /// Its boxes.
    pub tiles: Vec<Tile>,
}

/// The drawing. In: what it shows in one sentence, for those who do not see it, the columns, and arrows between boxes.
pub(super) fn board(label: &str, columns: &[Column], arrows: &[(String, String)]) -> Markup {
    let has_lines = |column: &Column| column.tiles.iter().any(|tile| !tile.lines.is_empty());
    let size = (
        WIDTH,
        if columns.iter().any(has_lines) {
            HEIGHT
        } else {
            LOW
        },
    );
    let ids: Vec<Vec<String>> = columns
        .iter()
        .map(|column| column.tiles.iter().map(|tile| tile.id.clone()).collect())
        .collect();
    let places = place(&ids, arrows, size);
    let width = places.width + 2.0 * (MARGIN + PAD);
    let height = places.height + HEAD + 2.0 * MARGIN + PAD;
    let chosen = columns.iter().flat_map(|column| &column.tiles);
    let chosen = chosen
        .filter(|tile| tile.is_chosen)
        .map(|tile| tile.id.as_str());
    let chosen: Vec<&str> = chosen.collect();
    let touches = |(from, to): &(String, String)| {
        chosen.contains(&from.as_str()) || chosen.contains(&to.as_str())
    };
    html! {
        svg.board role="group" aria-label=(label) width=(px(width)) height=(px(height))
            viewBox={ "0 0 " (px(width)) " " (px(height)) } {
            @for (column, (x, wide)) in columns.iter().zip(&places.columns) {
                g class={ "band " (column.class) } {
                    rect x=(px(x + MARGIN)) y=(px(MARGIN)) rx="10"
                        width=(px(wide + 2.0 * PAD)) height=(px(height - 2.0 * MARGIN)) {}
                    text x=(px(x + MARGIN + PAD)) y=(px(MARGIN + 22.0)) { (column.name) }
                }
            }
            g.arrows aria-hidden="true" {
                @for (arrow, route) in arrows.iter().zip(&places.routes) {
                    @if let Some(tip) = route.last() {
                        path class=(if touches(arrow) { "line near" } else { "line" }) d=(curve(route)) {}
                        path class=(if touches(arrow) { "tip near" } else { "tip" }) d=(arrow_head(*tip)) {}
                    }
                }
            }
            @for tile in columns.iter().flat_map(|column| &column.tiles) {
                @if let Some(spot) = places.boxes.get(&tile.id) { (draw(tile, *spot)) }
            }
        }
    }
}

fn draw(tile: &Tile, spot: Spot) -> Markup {
    let (x, y) = (spot.x + MARGIN + PAD, spot.y + HEAD + MARGIN);
    let class = tile.mark.map_or("", |(mark, _)| mark.class());
    let indent = if tile.mark.is_some() { 32.0 } else { 14.0 };
    html! {
        a class={ "tile " (class) } href=(tile.address) aria-current=[tile.is_chosen.then_some("true")] {
            title { (tile.title) }
            rect.box x=(px(x)) y=(px(y)) width=(px(spot.width)) height=(px(spot.height)) rx="7" {}
            @if let Some((mark, _)) = tile.mark {
                rect.edge x=(px(x)) y=(px(y)) width="5" height=(px(spot.height)) rx="2" {}
                text.sign x=(px(x + 14.0)) y=(px(y + 22.0)) aria-hidden="true" { (mark.sign()) }
            }
            text.name x=(px(x + indent)) y=(px(y + 22.0)) { (cut(&tile.id, NAME_MAX)) }
            @for (at, line) in tile.lines.iter().take(2).enumerate() {
                text.detail x=(px(x + 14.0)) y=(px(y + 39.0 + 14.0 * if at == 0 { 0.0 } else { 1.0 })) { (cut(line, LINE_MAX)) }
            }
        }
    }
}

/// A soft line through the points.
fn curve(route: &[(f64, f64)]) -> String {
    let mut before: Option<(f64, f64)> = None;
    let mut parts = Vec::new();
    for (x, y) in route {
        let (x, y) = (x + MARGIN + PAD, y + HEAD + MARGIN);
        parts.push(match before {
            None => format!("M{} {}", px(x), px(y)),
            Some((_, from_y)) if (from_y - y).abs() < 0.5 => format!("L{} {}", px(x), px(from_y)),
            Some((from_x, from_y)) => format!(
                "C{} {} {} {} {} {}",
                px(from_x + BEND),
                px(from_y),
                px(x - BEND),
                px(y),
                px(x),
                px(y)
            ),
        });
        before = Some((x, y));
    }
    parts.concat()
}

fn arrow_head((x, y): (f64, f64)) -> String {
    let (x, y) = (x + MARGIN + PAD, y + HEAD + MARGIN);
    format!("M{} {}l-7 -4v8z", px(x), px(y))
}

/// A number with at most one place after the point.
pub(super) fn px(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0")
        .map_or_else(|| text.clone(), ToOwned::to_owned)
}

/// The beginning of a text.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{kept}…")
}
