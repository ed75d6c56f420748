//! A graph: contracts and versions, who can talk to whom, and the order between two revisions.

use maud::{Markup, html};

use super::board::{Column, Tile, board};
use super::parts::graph_address;
use super::{Content, Frame, Section};
use crate::web::view::{ContractLine, GraphView, Pairing, WhatIf};

/// One of the revisions that can be chosen.
pub(in crate::web) struct Side {
    /// What the address calls it.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// What the page shows of a graph.
pub(in crate::web) struct GraphPage<'p> {
    /// The namespace.
    pub namespace: &'p str,
    /// The graph.
    pub name: &'p str,
    /// As declared now.
    pub view: &'p GraphView,
    /// The revisions that can be chosen.
    pub sides: &'p [Side],
    /// The two that are.
    pub chosen: (String, String),
    /// What a release between the two would do, or why that cannot be told.
    pub what_if: Option<Result<WhatIf, String>>,
}

/// The page.
pub(in crate::web) fn graph(frame: &Frame, page: &GraphPage<'_>) -> Content {
    let w = frame.words;
    let head = html! {
        p.crumbs { a href="/" { (w.overview) } " / " (page.namespace) }
        h1 { (page.name) }
        dl.facts {
            div { dt { (w.services) } dd.num { (page.view.services) } }
            div { dt { (w.calls) } dd.num { (page.view.calls) } }
            div { dt { (w.contracts) } dd.num { (page.view.contracts.len()) } }
        }
        @for problem in &page.view.problems { p.trouble { (problem) } }
    };
    Content {
        title: format!("{}/{}", page.namespace, page.name),
        class: "graph",
        sections: vec![
            Section::new("head", &head),
            Section::new("calls", &calls(frame, page)),
            Section::new("what-if", &what_if(frame, page)),
            Section::new("contracts", &contracts(frame, page.view)),
        ],
    }
}

fn calls(frame: &Frame, page: &GraphPage<'_>) -> Markup {
    let w = frame.words;
    let tile = |name: &String| Tile {
        id: name.clone(),
        address: format!("#contract-{name}"),
        mark: None,
        lines: Vec::new(),
        title: name.clone(),
        is_chosen: false,
    };
    let column = |names: &Vec<String>| Column {
        name: String::new(),
        class: "plain",
        tiles: names.iter().map(tile).collect(),
    };
    let columns: Vec<Column> = page.view.columns.iter().map(column).collect();
    let arrows: Vec<(String, String)> = page
        .view
        .contracts
        .iter()
        .flat_map(|line| {
            let inside = line.callers.iter().filter(|caller| !caller.is_outside);
            inside.map(|caller| (caller.caller.clone(), line.service.clone()))
        })
        .collect();
    html! {
        h2 { (w.who_calls_whom) }
        div.wide tabindex="0" role="group" aria-label=(w.who_calls_whom) { (board(w.who_calls_whom, &columns, &arrows)) }
    }
}

fn what_if(frame: &Frame, page: &GraphPage<'_>) -> Markup {
    let w = frame.words;
    let select = |name: &str, label: &str, chosen: &str| {
        html! {
            label { (label) select name=(name) {
                @for side in page.sides {
                    option value=(side.id) selected[side.id == chosen] { (side.name) }
                }
            } }
        }
    };
    html! {
        h2 { (w.what_if) }
        form.choose action=(graph_address(page.namespace, page.name)) method="get" {
            (select("from", w.from, &page.chosen.0))
            (select("to", w.to, &page.chosen.1))
            button type="submit" { (w.work_out) }
        }
        @match &page.what_if {
            None => p.none { (w.choose_two) },
            Some(Err(problem)) => p.trouble { (problem) },
            Some(Ok(found)) => (order(frame, found)),
        }
    }
}

fn order(frame: &Frame, found: &WhatIf) -> Markup {
    let w = frame.words;
    let tile = |name: &String| Tile {
        id: name.clone(),
        address: "#what-if".to_owned(),
        mark: None,
        lines: Vec::new(),
        title: name.clone(),
        is_chosen: false,
    };
    let columns: Vec<Column> = found
        .waves
        .iter()
        .enumerate()
        .map(|(at, wave)| Column {
            name: format!("{} {}", w.wave, at + 1),
            class: "planned",
            tiles: wave.iter().map(tile).collect(),
        })
        .collect();
    html! {
        p class=(if found.is_refused { "trouble" } else { "sentence" }) { (found.headline) }
        @if !columns.is_empty() {
            div.wide tabindex="0" role="group" aria-label=(w.what_if) { (board(&found.headline, &columns, &found.arrows)) }
        }
        details { summary { (w.proof) } pre.plan tabindex="0" { (found.lines.join("\n")) } }
        (matrix(frame, &found.pairings))
    }
}

fn matrix(frame: &Frame, pairings: &[Pairing]) -> Markup {
    let w = frame.words;
    let moving: Vec<&Pairing> = pairings.iter().filter(|one| one.moves).collect();
    html! {
        @if !moving.is_empty() {
            h3 { (w.pairs) }
            div.wide tabindex="0" role="group" aria-label=(w.pairs) {
                table.matrix {
                    thead { tr {
                        th scope="col" { (w.call) }
                        th scope="col" { (w.contract) }
                        th scope="col" { (w.old_old) }
                        th scope="col" { (w.old_new) }
                        th scope="col" { (w.new_old) }
                        th scope="col" { (w.new_new) }
                    } }
                    tbody { @for one in moving {
                        tr {
                            th scope="row" { (one.caller) " → " (one.callee) }
                            td.code { (one.contract) }
                            (cell(frame, one.old_old)) (cell(frame, one.old_new))
                            (cell(frame, one.new_old)) (cell(frame, one.new_new))
                        }
                    } }
                }
            }
        }
    }
}

fn cell(frame: &Frame, answer: Option<bool>) -> Markup {
    let w = frame.words;
    match answer {
        Some(true) => html! { td.yes { "✓ " (w.agrees) } },
        Some(false) => html! { td.no { "✕ " (w.fails) } },
        None => html! { td.unknown { "? " (w.unknown) } },
    }
}

fn contracts(frame: &Frame, view: &GraphView) -> Markup {
    let w = frame.words;
    html! {
        h2 { (w.contracts) }
        div.wide tabindex="0" role="group" aria-label=(w.contracts) {
            table.contracts {
                thead { tr {
                    th scope="col" { (w.service) }
                    th scope="col" { (w.contract) }
                    th scope="col" { (w.serves) }
                    th scope="col" { (w.called_by) }
                } }
                tbody { @for line in &view.contracts { (contract(frame, line)) } }
            }
        }
    }
}

fn contract(frame: &Frame, line: &ContractLine) -> Markup {
    let w = frame.words;
    html! {
        tr id={ "contract-" (line.service) } {
            th scope="row" { (line.service) }
            td.code { (line.contract) }
            td { @match &line.served {
                Some(served) => @for version in &served.versions {
                    @let is_uncalled = served.uncalled.contains(version);
                    span.tag.uncalled[is_uncalled] title=[is_uncalled.then_some(w.uncalled)] { (version) @if is_uncalled { span.hidden { " " (w.uncalled) } } } " "
                },
                None => span.none { (w.undeclared) },
            } }
            td { ul.calls { @for caller in &line.callers {
                li { (caller.caller) " " span.tag.broken[caller.succeeds == Some(false)] { (caller.needs) }
                    @if caller.succeeds == Some(false) { " " span.trouble { "✕ " (w.fails) } }
                    @if caller.is_optional { " " span.soft { (w.optional) } }
                    @if caller.is_outside { " " span.soft { (w.outside) } } }
            } } }
        }
    }
}
