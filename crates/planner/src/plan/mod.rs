//! The smallest safe order of a release, or why there is none.
//!
//! In: a [`System`](crate::graph::System). Out: a [`Plan`], exactly as it is printed and kept, with
//! its proof; [`check`] proves it again without sharing any code with what made it.
//! Starts nothing and does no I/O.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]
#![expect(
    clippy::similar_names,
    reason = "caller and callee are the words of the domain"
)]

mod along;
mod aside;
mod broken;
mod certificates;
mod check;
mod digest;
mod document;
mod estimate;
mod exclusive;
mod explain;
mod flip;
mod journey;
mod layout;
mod moved;
mod parts;
mod proof;
mod proposal;
mod refuse;
mod saved;
mod saved_system;
mod settle;
mod shape;
mod split;
#[cfg(test)]
mod tests;
mod tour;
mod waiting;
mod waves;
mod words;

pub use certificates::SavedCertificate;
pub use check::{Fault, check};
pub use document::{
    Action, Cost, Costs, EdgeCounts, Intermediate, Ordering, PairOf, Plan, Precedence, Proposal,
    Refusal, RefusalKind, Step, Strategy, Verdict,
};
pub use estimate::{Estimate, WaveEstimate, estimate};
pub use explain::{StepWords, changes, explain, headline, idle_after, step_words, why_here};
pub use flip::{Choice, plan_with};
pub use moved::{Sameness, moved};
pub use parts::{Part, PartError, parts};
pub use proof::{Certificate, path, prove};
pub use saved::{Manifests, SavedError, SavedPlan};
pub use saved_system::SavedSystem;
pub use split::split_with;
pub use waves::{plan, plan_derived, unfinished};
