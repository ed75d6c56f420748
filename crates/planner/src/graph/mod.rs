//! Who must move before whom, and why.
//!
//! In: a [`System`], that is what runs now and what shall run. Out: a [`Derivation`]: the pairs of
//! revisions that can never meet, and per edge the order that keeps a bad pair from meeting.
//! Makes no waves and judges no cycle: that is `plan`. Does no I/O.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]
#![expect(
    clippy::similar_names,
    reason = "caller and callee are the words of the domain"
)]

mod build;
mod compat;
mod cycle;
mod edge;
mod meetings;
mod system;
#[cfg(test)]
mod tests;
mod together;
mod verified;

pub use build::derive;
pub use compat::{Compat, compat, satisfies};
pub use cycle::{components, levels, shortest_cycle};
pub use edge::{
    Between, Clash, Derivation, Drain, EdgeCounts, Kind, Link, Node, Pair, Precedence, Strength,
};
pub use system::{Member, Moves, OnlyError, Outside, Revision, System};
pub use verified::{Difference, Disagreement, Match, Verifications, Verified};
