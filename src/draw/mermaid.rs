//! A picture for Mermaid, which GitHub, GitLab and many wikis draw.

use std::collections::BTreeMap;

use super::{Arrow, Group, Picture};

/// The picture as a Mermaid flowchart.
pub fn mermaid(picture: &Picture) -> String {
    let Picture {
        title,
        groups,
        arrows,
        notes: _,
        refused,
    } = picture;
    // Names of services may be words of the language, `end` for instance: numbers are none.
    let number: BTreeMap<&str, usize> = picture
        .cards()
        .enumerate()
        .map(|(at, card)| (card.id.as_str(), at))
        .collect();
    let mut lines = vec![format!("%% {}", escaped(title)), "flowchart LR".to_owned()];
    for (at, Group { name, boxes }) in groups.iter().enumerate() {
        let indent = if name.is_empty() { "  " } else { "    " };
        if !name.is_empty() {
            lines.push(format!("  subgraph wave{}[\"{}\"]", at + 1, escaped(name)));
        }
        for card in boxes {
            let number = number.get(card.id.as_str()).copied().unwrap_or_default();
            let label = if card.action.is_empty() {
                escaped(&card.id)
            } else {
                format!("{}<br/>{}", escaped(&card.id), card.action)
            };
            lines.push(format!("{indent}s{number}[\"{label}\"]"));
        }
        if !name.is_empty() {
            lines.push("  end".to_owned());
        }
    }
    for Arrow {
        from,
        to,
        assumed,
        label,
    } in arrows
    {
        let Some((from, to)) = number.get(from.as_str()).zip(number.get(to.as_str())) else {
            continue;
        };
        let line = if *assumed { "-.->" } else { "-->" };
        let label = if label.is_empty() {
            String::new()
        } else {
            format!("|\"{}\"|", escaped(label))
        };
        lines.push(format!("  s{from} {line}{label} s{to}"));
    }
    if *refused && !arrows.is_empty() {
        lines.push("  linkStyle default stroke:#cf222e".to_owned());
    }
    lines.join("\n")
}

fn escaped(text: &str) -> String {
    let text = text.replace('#', "#35;").replace('"', "#quot;");
    // A backtick could end the block of Markdown that the picture may stand in.
    let text = text
        .replace('<', "#lt;")
        .replace('>', "#gt;")
        .replace('`', "#96;");
    text.replace(['\n', '\r'], " ")
}
