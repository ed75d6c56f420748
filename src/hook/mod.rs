//! Webhooks: from whom a delivery is, what it means, and whether one was lost.
//!
//! In: the headers and the bytes of a request, the secret of a plan, times. Out: an [`Outcome`] in words and a status. What a
//! delivery says is never believed: an authentic one leads to a look at the plan's repository and to nothing else. Does no
//! I/O and knows no clock.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod claim;
mod door;
mod judge;
mod lost;
mod meaning;
mod outcome;
mod received;
#[cfg(test)]
mod tests;

pub use claim::{Claim, Proof};
pub use door::{Door, DoorError};
pub use judge::Judge;
pub use lost::{Announcement, GRACE, Unannounced, announcement};
pub use meaning::{Meaning, Unreadable, meaning};
pub use outcome::Outcome;
pub use received::Received;
