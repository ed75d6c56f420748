//! What is shown, as plain data: pages and the API are two forms of it.
//!
//! In: a [`Sight`], already without what the person may not see, and the time. Out: structs with every word that is
//! said. Reads no clock and does no I/O.

mod approvals;
mod graph;
mod mark;
mod overview;
mod plan;
mod release;
mod search;
mod sight;
#[cfg(test)]
pub(super) mod tests;

pub use approvals::{Approvals, Awaited, approvals};
pub use graph::{
    CallLine, ContractLine, GraphView, Pairing, ServedBy, WhatIf, graph_view, what_if,
};
pub use mark::{Mark, mark_of_release, mark_of_service};
pub use overview::{Folder, Need, Overview, PlanLine, overview};
pub(super) use plan::yaml;
pub use plan::{PlanView, plan_view};
pub use release::{
    ActLine, ReleaseLine, ReleaseView, ServiceView, WaveView, release_line, release_view,
    without_records,
};
pub use search::{Found, search};
pub use sight::{FOLDER_ANNOTATION, Sight};
