//! What somebody else has changed of a system at rest, and what is done about it.
//!
//! In: the managed fields of objects, what the API server says of a conflict, the releases of a plan. Out: what was changed by
//! whom and when, in words; and whether it is put back now. Does no I/O.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod change;
mod event;
mod heal;
mod rest;
mod writers;

pub use change::{Change, What, told};
pub use event::DriftEvent;
pub use heal::{Decision, decide};
pub use rest::{Part, Resting, resting};
pub use writers::{Writer, later_writers};
