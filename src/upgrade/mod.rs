//! The upgrade itself: what to do next, from a plan, a remembered state and what was just seen.
//!
//! In: values. Out: values. Does no I/O, reads no clock, is not async.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod gate;
