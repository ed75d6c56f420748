//! Views as HTML: what a page says stands in its own file, what all pages share in `frame`.
//!
//! In: a view and a [`Frame`]. Out: a [`Content`], whose sections are also what the live stream sends, each whole.

mod approvals;
mod board;
mod frame;
mod graph;
mod login;
mod overview;
mod parts;
mod plan;
mod release;
mod search;
mod service;
mod system;
#[cfg(test)]
mod tests;
mod timeline;

use maud::Markup;

pub(super) use approvals::approvals;
pub(super) use frame::{Frame, Theme, document};
pub(super) use graph::{GraphPage, Side, graph};
pub(super) use login::{login, refused};
pub(super) use overview::overview;
pub(super) use parts::escaped;
pub(super) use plan::plan;
pub(super) use release::{ReleasePage, Show, release};
pub(super) use search::search;
pub(super) use system::system;

/// What a page says.
pub(super) struct Content {
    /// The title of the window.
    pub title: String,
    /// The word by which the style sheet arranges it.
    pub class: &'static str,
    /// Its sections, from top to bottom.
    pub sections: Vec<Section>,
}

/// A part of a page that is replaced as a whole.
pub(super) struct Section {
    /// Its id in the document; the same for as long as the page is open.
    pub id: String,
    /// The element, with that id.
    pub markup: Markup,
}

impl Section {
    /// A section of the page under an id.
    pub(super) fn new(id: &str, inner: &Markup) -> Self {
        Self {
            id: id.to_owned(),
            markup: maud::html! { section id=(id) { (inner) } },
        }
    }
}
