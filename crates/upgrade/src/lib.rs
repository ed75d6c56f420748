//! One run of a plan: where it stands, what was seen, what comes next.
//!
//! In: an [`Agenda`], a [`State`] and an [`Observation`]. Out: the next state, actions and events. Decides and
//! does nothing else: no client, no clock, no async. [`gate`] says when a service is done.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

#[cfg(test)]
extern crate self as tidegate_upgrade; // `tests/objects.rs` is also the controller's, under this name

mod action;
mod agenda;
mod approve;
mod builds;
mod event;
mod failed;
mod freeze;
pub mod gate;
mod kept_builds;
mod observation;
mod people;
mod progress;
mod publish;
mod recheck;
mod regress;
mod restore;
mod room;
mod start;
mod state;
pub mod status;
mod step;
mod step_id;
mod supersede;
mod surge;
#[cfg(test)]
mod tests;
mod turn;
mod unblock;
mod wait_out;
mod watch_gates;
pub mod why;
mod written;

pub use action::{ActFailure, Action, Outcome, Precondition, Write};
pub use agenda::{Agenda, BUILDS_MAX, Before, Belongings, Change, Charter, Member, Strategy};
pub use event::Event;
pub use freeze::{THAW, frozen};
pub use kept_builds::from_status as builds_of;
pub use observation::{Asked, Observation, Prepared, Wanted, Wish};
pub use state::{
    Course, Ending, Fleeting, Progress, Record, ServiceState, Standing, State, WaveTimes,
};
pub use step::{Step, step};
pub use step_id::{Part, StepId};
pub use surge::{Surge, Swell};
pub use unblock::unblocked_by;
