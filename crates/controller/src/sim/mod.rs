//! A release in a simulated cluster, seeded: level A of reliability.md §3.
//!
//! In: a [`Scenario`] (what runs, what is released), a seed and the [`Faults`] that may strike. Out: an [`Outcome`]: how
//! the release ended, and everything that should never have happened. The loop of [`crate::controller`] and the whole
//! pure core run unchanged; only what is behind the seam [`crate::controller::World`] is made up: API server,
//! controllers, pods, caches, the clock. No I/O, and no time passes.

mod acting;
mod api;
mod chance;
mod cluster;
mod controllers;
mod crank;
mod dry;
mod facts;
mod fairness;
mod faults;
mod journal;
mod judge;
mod mischief;
mod naive;
mod neighbour;
mod oracle;
mod outside;
mod pace;
mod process;
mod remains;
mod render;
mod run;
mod scenario;
mod sequel;
mod shrink;
mod sight;
#[cfg(test)]
mod tests;
mod timeline;
#[cfg(test)]
mod truth;
mod verdict;

pub use crank::{Cranked, ERA};
pub use faults::{Fault, Faults};
pub use journal::Pods;
pub use judge::Traffic;
pub use naive::{Way, run_naively};
pub use run::{Outcome, plan_of, run};
pub use scenario::Scenario;
pub use shrink::shrink;
pub use timeline::timeline;
