//! How tidegate itself is.

use maud::html;

use super::{Content, Frame, Section};
use crate::web::backend::Fact;

/// The page.
pub(in crate::web) fn system(frame: &Frame, facts: &[Fact]) -> Content {
    let w = frame.words;
    let table = html! {
        h1 { (w.system) }
        table.system {
            tbody { @for fact in facts {
                tr class=(if fact.is_trouble { "failed" } else { "" }) {
                    th scope="row" { (fact.about) }
                    td { @if fact.is_trouble { span.sign.failed aria-hidden="true" { "✕" } " " } (fact.is) }
                }
            } }
        }
    };
    Content {
        title: w.system.to_owned(),
        class: "system",
        sections: vec![Section::new("facts", &table)],
    }
}
