//! A picture for Graphviz: `tidegate plan … -o dot | dot -Tsvg`.

use super::{Arrow, Card, Group, Picture};

/// The picture in the DOT language.
pub fn dot(picture: &Picture) -> String {
    let Picture {
        title,
        groups,
        arrows,
        notes: _,
        refused,
    } = picture;
    let mut lines = vec![
        "digraph plan {".to_owned(),
        format!("  label={}; labelloc=t; rankdir=LR;", quoted(title)),
        "  node [shape=box, style=rounded, fontname=\"sans-serif\"];".to_owned(),
        format!(
            "  edge [color={}];",
            if *refused {
                "\"#cf222e\""
            } else {
                "\"#59636e\""
            }
        ),
    ];
    for (at, Group { name, boxes }) in groups.iter().enumerate() {
        let indent = if name.is_empty() { "  " } else { "    " };
        if !name.is_empty() {
            lines.push(format!("  subgraph cluster_{} {{", at + 1));
            lines.push(format!("    label={}; style=dotted;", quoted(name)));
        }
        lines.extend(boxes.iter().map(|card| format!("{indent}{}", node(card))));
        if !name.is_empty() {
            lines.push("  }".to_owned());
        }
    }
    lines.extend(arrows.iter().map(arrow));
    lines.push("}".to_owned());
    lines.join("\n")
}

fn node(card: &Card) -> String {
    let Card {
        id,
        action,
        changes,
        because: _,
    } = card;
    let mut label = vec![id.clone()];
    label.extend((!action.is_empty()).then(|| (*action).to_owned()));
    label.extend(changes.iter().cloned());
    format!("{} [label={}];", quoted(id), quoted(&label.join("\n")))
}

fn arrow(arrow: &Arrow) -> String {
    let Arrow {
        from,
        to,
        assumed,
        label,
    } = arrow;
    let mut attributes = Vec::new();
    attributes.extend(assumed.then(|| "style=dashed".to_owned()));
    attributes.extend((!label.is_empty()).then(|| format!("label={}", quoted(label))));
    let attributes = if attributes.is_empty() {
        String::new()
    } else {
        format!(" [{}]", attributes.join(", "))
    };
    format!("  {} -> {}{attributes};", quoted(from), quoted(to))
}

fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace('\n', "\\n"))
}
