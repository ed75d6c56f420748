//! In which order the services of a system move, and why that order is safe.
//!
//! ```text
//! tidegate_spec ─▶ graph (who before whom, and why) ─▶ plan (steps in waves, proved; or a refusal with a way out)
//! ```
//!
//! In: a [`graph::System`], that is what runs and what shall run. Out: a [`plan::Plan`] or a [`plan::Refusal`].
//! No I/O, no clock, no async.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod by_name;
pub mod graph;
pub mod plan;
