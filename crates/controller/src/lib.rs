//! The loop that drives a release, and a simulated cluster in which it can be driven.
//!
//! ```text
//! tidegate_upgrade ─▶ controller (observe, step, save, act, tell) ─▶ the trait World ◀─ sim (a cluster in memory, seeded)
//! ```
//!
//! In: a [`controller::World`], or for a simulation a [`sim::Scenario`] and a seed. Out: how the release ended. No client:
//! the real world is `cluster` in the package `tidegate`.

pub mod controller;
pub mod sim;
