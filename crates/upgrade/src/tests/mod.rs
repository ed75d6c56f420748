//! The state machine, played as scripts. [`scene`] alone touches [`super::step`], [`objects`] alone builds objects.

mod approvals;
mod builds;
mod control;
mod drains;
mod failed;
mod freeze;
mod gates;
pub(crate) mod objects;
mod parts;
mod people;
mod regress;
mod removal;
mod saved;
mod scene;
mod size;
mod starts;
mod steps;
mod supersede;
mod told;
mod words;
mod writes;
