//! A plan for a pull request or a ticket: the picture as Mermaid, and a table that says all in words.

use super::{Card, Group, Picture, mermaid};

/// More boxes than these make a picture that nobody reads; the table has them all.
const DRAWN_MAX: usize = 60;

/// The picture as Markdown in the dialect of GitHub.
pub fn markdown(picture: &Picture) -> String {
    let Picture {
        title,
        groups,
        arrows: _,
        notes,
        refused,
    } = picture;
    let mut parts = vec![format!("**{}**", escaped(title))];
    if (1..=DRAWN_MAX).contains(&picture.cards().count()) {
        parts.push(format!("```mermaid\n{}\n```", mermaid(picture)));
    }
    if !refused && !groups.is_empty() {
        let mut lines = vec![
            "| wave | service | | changes | because |".to_owned(),
            "|---|---|---|---|---|".to_owned(),
        ];
        for (at, Group { name: _, boxes }) in groups.iter().enumerate() {
            lines.extend(boxes.iter().map(|card| row(at + 1, card)));
        }
        parts.push(lines.join("\n"));
    }
    if !notes.is_empty() {
        let lines: Vec<String> = notes
            .iter()
            .map(|note| format!("* {}", escaped(note)))
            .collect();
        parts.push(lines.join("\n"));
    }
    parts.join("\n\n")
}

fn row(wave: usize, card: &Card) -> String {
    let Card {
        id,
        action,
        changes,
        because,
    } = card;
    let cell = |lines: &[String]| {
        let lines: Vec<String> = lines.iter().map(|line| escaped(line)).collect();
        lines.join("<br>")
    };
    format!(
        "| {wave} | `{id}` | {action} | {} | {} |",
        cell(changes),
        cell(because)
    )
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '|' | '*' | '_' | '`' | '[' | ']' => escaped.extend(['\\', character]),
            '\n' | '\r' => escaped.push(' '),
            _ => escaped.push(character),
        }
    }
    escaped
}
