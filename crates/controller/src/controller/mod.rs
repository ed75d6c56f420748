//! Joins the parts: the loop that drives a release, over the one seam to everything outside.
//!
//! In: a [`World`]. Out: how the release ended. Knows neither the cluster nor the simulator; it gets one of them.

mod asked;
mod before;
mod charter;
mod found;
mod planning;
mod presence;
mod reconcile;
mod survey;
mod swell;
mod switch;
#[cfg(test)]
mod tests;
mod world;

pub use asked::{NameError, asked_names, planned};
pub use charter::{charter, graph_of};
pub use found::system;
pub use planning::{Planned, make_plan};
pub use presence::{Question, missing};
pub use reconcile::{drive, with_images};
pub use survey::{Survey, Surveyed, TemplateChange};
pub use world::{Loaded, Rival, Saved, World, WorldError};
