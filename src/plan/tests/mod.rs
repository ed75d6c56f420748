//! Tests of the planner: text in, text out.

mod estimate;
mod explorer;
mod guards;
mod notation;
mod properties;
mod real_graphs;
mod saved;
mod scenarios;
mod size;
mod unusual;
mod verified;

use notation::{plan_of, system_of};
