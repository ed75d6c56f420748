//! Releases that have a word.

use maud::html;

use super::{Content, Frame, Section, plan::runs};
use crate::web::view::Found;

/// The page.
pub(in crate::web) fn search(frame: &Frame, view: &Found) -> Content {
    let w = frame.words;
    let found = html! {
        h1 { (w.search) }
        form.large action="/search" method="get" {
            label for="words" { (w.search_for) }
            input #words name="q" type="search" value=(view.query) maxlength="200" autocomplete="off";
            button type="submit" { (w.search) }
        }
        @if view.releases.is_empty() {
            div.empty { h2 { (w.nothing_found) } p { (w.search_teach) } }
        } @else {
            p.soft { (view.releases.len()) @if view.is_cut { "+" } " " (w.runs) }
            (runs(frame, &view.releases))
        }
    };
    Content {
        title: w.search.to_owned(),
        class: "search",
        sections: vec![Section::new("found", &found)],
    }
}
