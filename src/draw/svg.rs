//! The picture as an SVG that stands alone: light and dark, readable by a screen reader, all text escaped.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::layout::{Layout, Placed, Size, columns, ring};
use super::{Arrow, Card, Picture};

const MARGIN: f64 = 24.0;
/// Above the columns: the title and the names of the waves.
const HEAD: f64 = 84.0;
/// An estimate of how wide a character of a name is; no font is known here.
const CHARACTER: f64 = 7.6;
const SMALL_CHARACTER: f64 = 6.1;
const TITLE_CHARACTER: f64 = 9.4;
const LINE: f64 = 15.0;
/// A longer title or note is cut; the description has it whole.
const TITLE_CHARACTERS_MAX: usize = 110;
/// So many notes are written below the boxes; the others are counted.
const NOTES_MAX: usize = 8;
/// So many changes of a service are written into its box; the others are counted.
const CHANGES_MAX: usize = 4;
/// A longer line of a box is cut; its tooltip has it whole.
const LINE_CHARACTERS_MAX: usize = 44;

const STYLE: &str = "\
.back{fill:#fff}.wave{fill:#f6f8fa;stroke:#d1d9e0}.box{fill:#fff;stroke:#59636e}\
.name{fill:#1f2328;font-weight:600;font-size:13px}.line,.head{fill:#59636e;font-size:11px}\
.head{font-size:12px;font-weight:600}.title{fill:#1f2328;font-size:15px;font-weight:600}\
.arrow{fill:none;stroke:#59636e;stroke-width:1.4}.tip{fill:#59636e}.assumed{stroke-dasharray:5 4}\
.refused{stroke:#cf222e}.tip.refused{fill:#cf222e;stroke:none}.title.refused{fill:#cf222e;stroke:none}\
@media (prefers-color-scheme:dark){.back{fill:#0d1117}.wave{fill:#151b23;stroke:#3d444d}\
.box{fill:#0d1117;stroke:#9198a1}.name,.title{fill:#f0f6fc}.line,.head{fill:#9198a1}\
.arrow{stroke:#9198a1}.tip{fill:#9198a1}.refused{stroke:#f85149}\
.tip.refused,.title.refused{fill:#f85149;stroke:none}}";

/// The picture as an SVG document.
pub fn svg(picture: &Picture) -> String {
    let sizes: BTreeMap<&str, Size> = picture
        .cards()
        .map(|card| (card.id.as_str(), size_of(card)))
        .collect();
    let size = |id: &str| sizes.get(id).copied().unwrap_or_default();
    let layout = if picture.refused {
        ring(picture, size)
    } else {
        columns(picture, size)
    };
    let notes = notes_of(picture);
    let written = notes.iter().map(|note| width_of(note, SMALL_CHARACTER));
    let written = written.fold(
        width_of(&cut(&picture.title, TITLE_CHARACTERS_MAX), TITLE_CHARACTER),
        f64::max,
    );
    let width = layout.width.max(written) + 2.0 * MARGIN;
    let foot = HEAD + layout.height + 2.0 * MARGIN;
    let height = notes.iter().fold(foot, |height, _| height + LINE);
    let mut text = String::new();
    // Writing into a String cannot fail.
    head(&mut text, picture, (width, height)).unwrap_or_default();
    waves(&mut text, picture, &layout).unwrap_or_default();
    for (arrow, route) in picture.arrows.iter().zip(&layout.routes) {
        draw_arrow(&mut text, picture, arrow, route).unwrap_or_default();
    }
    for card in picture.cards() {
        if let Some(placed) = layout.boxes.get(&card.id) {
            draw_box(&mut text, card, placed).unwrap_or_default();
        }
    }
    let mut y = foot;
    for note in notes {
        writeln!(
            text,
            "<text class=\"line\" x=\"{MARGIN:.0}\" y=\"{y:.0}\">{}</text>",
            escaped(&note)
        )
        .unwrap_or_default();
        y += LINE;
    }
    text.push_str("</svg>");
    text
}

/// What is written below the boxes.
fn notes_of(picture: &Picture) -> Vec<String> {
    let mut notes: Vec<String> = picture
        .notes
        .iter()
        .take(NOTES_MAX)
        .map(|note| cut(note, TITLE_CHARACTERS_MAX))
        .collect();
    let more = picture.notes.len().saturating_sub(NOTES_MAX);
    if more > 0 {
        notes.push(format!("and {more} more"));
    }
    if picture.arrows.iter().any(|arrow| arrow.assumed) {
        notes.push("dashed: assumed, not proved".to_owned());
    }
    notes
}

fn head(text: &mut String, picture: &Picture, (width, height): Size) -> std::fmt::Result {
    writeln!(
        text,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-labelledby=\"plan-title plan-desc\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" \
         font-family=\"system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif\">"
    )?;
    writeln!(
        text,
        "<title id=\"plan-title\">{}</title>",
        escaped(&picture.title)
    )?;
    writeln!(
        text,
        "<desc id=\"plan-desc\">{}</desc>",
        escaped(&described(picture))
    )?;
    writeln!(text, "<style>{STYLE}</style>")?;
    writeln!(
        text,
        "<rect class=\"back\" width=\"100%\" height=\"100%\"/>"
    )?;
    let refused = if picture.refused { " refused" } else { "" };
    writeln!(
        text,
        "<text class=\"title{refused}\" x=\"{MARGIN:.0}\" y=\"34\">{}</text>",
        escaped(&cut(&picture.title, TITLE_CHARACTERS_MAX))
    )
}

/// The whole picture in words, for those who do not see it: the waves in order, and who waits for whom.
fn described(picture: &Picture) -> String {
    let mut sentences = Vec::new();
    let mut before: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for arrow in &picture.arrows {
        before.entry(&arrow.to).or_default().push(&arrow.from);
    }
    for group in &picture.groups {
        let boxes = group
            .boxes
            .iter()
            .map(|card| match before.get(card.id.as_str()) {
                Some(before) if !picture.refused => {
                    format!("{} after {}", card.id, before.join(" and "))
                }
                Some(_) | None => card.id.clone(),
            });
        let boxes = boxes.collect::<Vec<_>>().join(", ");
        sentences.push(if group.name.is_empty() {
            boxes
        } else {
            format!("{}: {boxes}", group.name)
        });
    }
    sentences.extend(picture.notes.iter().cloned());
    sentences.iter().fold(String::new(), |text, sentence| {
        let space = if text.is_empty() { "" } else { " " };
        text + space + sentence.trim_end_matches('.') + "."
    })
}

fn waves(text: &mut String, picture: &Picture, layout: &Layout) -> std::fmt::Result {
    for (group, (x, width)) in picture.groups.iter().zip(&layout.columns) {
        writeln!(
            text,
            "<rect class=\"wave\" x=\"{:.0}\" y=\"{:.0}\" width=\"{:.0}\" height=\"{:.0}\" rx=\"8\"/>",
            x + MARGIN - 10.0,
            HEAD - 34.0,
            width + 20.0,
            layout.height + 46.0
        )?;
        writeln!(
            text,
            "<text class=\"head\" x=\"{:.0}\" y=\"{:.0}\">{}</text>",
            x + MARGIN,
            HEAD - 14.0,
            escaped(&group.name)
        )?;
    }
    Ok(())
}

fn lines_of(card: &Card) -> Vec<String> {
    let mut lines: Vec<String> = card
        .changes
        .iter()
        .take(CHANGES_MAX)
        .map(|line| cut(line, LINE_CHARACTERS_MAX))
        .collect();
    let more = card.changes.len().saturating_sub(CHANGES_MAX);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}

fn label_of(card: &Card) -> String {
    if card.action.is_empty() {
        card.id.clone()
    } else {
        format!("{} · {}", card.id, card.action)
    }
}

fn size_of(card: &Card) -> Size {
    let lines = lines_of(card);
    let widest = lines
        .iter()
        .map(|line| width_of(line, SMALL_CHARACTER))
        .fold(0.0, f64::max);
    let width = widest.max(width_of(&label_of(card), CHARACTER)) + 24.0;
    let height = 32.0 + lines.iter().map(|_| LINE).sum::<f64>();
    (width.max(96.0), height)
}

fn width_of(text: &str, character: f64) -> f64 {
    text.chars().map(|_| character).sum()
}

fn draw_box(text: &mut String, card: &Card, placed: &Placed) -> std::fmt::Result {
    let (x, y) = (placed.x + MARGIN, placed.y + HEAD);
    writeln!(text, "<g>")?;
    let mut told = vec![label_of(card)];
    told.extend(card.changes.iter().cloned());
    told.extend(
        card.because
            .iter()
            .map(|reason| format!("because {reason}")),
    );
    writeln!(text, "<title>{}</title>", escaped(&told.join("\n")))?;
    writeln!(
        text,
        "<rect class=\"box\" x=\"{x:.0}\" y=\"{y:.0}\" width=\"{:.0}\" height=\"{:.0}\" rx=\"6\"/>",
        placed.width, placed.height
    )?;
    writeln!(
        text,
        "<text class=\"name\" x=\"{:.0}\" y=\"{:.0}\">{}</text>",
        x + 12.0,
        y + 21.0,
        escaped(&label_of(card))
    )?;
    let mut line_y = y + 21.0;
    for line in lines_of(card) {
        line_y += LINE;
        writeln!(
            text,
            "<text class=\"line\" x=\"{:.0}\" y=\"{line_y:.0}\">{}</text>",
            x + 12.0,
            escaped(&line)
        )?;
    }
    writeln!(text, "</g>")
}

fn draw_arrow(
    text: &mut String,
    picture: &Picture,
    arrow: &Arrow,
    route: &[(f64, f64)],
) -> std::fmt::Result {
    let (Some(first), Some(last)) = (route.first(), route.last()) else {
        return Ok(());
    };
    let mut path = format!("M{:.1} {:.1}", first.0 + MARGIN, first.1 + HEAD);
    for pair in route.windows(2) {
        let [(from_x, from_y), (to_x, to_y)] = pair else {
            continue;
        };
        if picture.refused {
            write!(path, "L{:.1} {:.1}", to_x + MARGIN, to_y + HEAD)?;
        } else {
            // Level at both ends, so that pieces meet smoothly.
            let bend = from_x + (to_x - from_x) / 2.0 + MARGIN;
            write!(
                path,
                "C{bend:.1} {:.1} {bend:.1} {:.1} {:.1} {:.1}",
                from_y + HEAD,
                to_y + HEAD,
                to_x + MARGIN,
                to_y + HEAD
            )?;
        }
    }
    let assumed = if arrow.assumed { " assumed" } else { "" };
    let refused = if picture.refused { " refused" } else { "" };
    writeln!(
        text,
        "<path class=\"arrow{assumed}{refused}\" d=\"{path}\"/>"
    )?;
    let angle = match route {
        [.., before, _] if picture.refused => {
            (last.1 - before.1).atan2(last.0 - before.0).to_degrees()
        }
        _ => 0.0,
    };
    writeln!(
        text,
        "<path class=\"tip{refused}\" d=\"M0 0L-9 -4.5L-9 4.5Z\" transform=\"translate({:.1} {:.1}) rotate({angle:.1})\"/>",
        last.0 + MARGIN,
        last.1 + HEAD
    )?;
    if arrow.label.is_empty() {
        return Ok(());
    }
    let middle = (
        first.0.midpoint(last.0) + MARGIN,
        first.1.midpoint(last.1) + HEAD - 6.0,
    );
    writeln!(
        text,
        "<text class=\"line\" x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"middle\">{}</text>",
        middle.0,
        middle.1,
        escaped(&arrow.label)
    )
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars()
        .take(most.saturating_sub(1))
        .chain(['…'])
        .collect()
}

/// Text that is nothing but text in XML; characters that XML does not have at all are replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(character),
            _ if character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}') => {
                escaped.push('\u{fffd}');
            }
            _ => escaped.push(character),
        }
    }
    escaped
}
