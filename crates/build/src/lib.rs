//! What is built for a release: from which input, under which name, and what becomes of it.
//!
//! In: recipes (the declarations of a plan, frozen with a commit), what earlier releases built, what the engine shows. Out:
//! what is skipped, made, let go, cancelled; the image by its digest. Decides and does nothing else: no client, no clock.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod begin;
mod decide;
mod image;
mod name;
mod recipe;
mod state;
#[cfg(test)]
mod tests;

pub use begin::{Built, begin};
pub use decide::{Found, Next, Progress, Seen, next};
pub use image::{is_digest, pinned, repository};
pub use name::object_name;
pub use recipe::Recipe;
pub use state::{Build, Stand};
