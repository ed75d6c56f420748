//! Tests of the planner: text in, text out.

mod explorer;
mod guards;
mod notation;
mod properties;
mod real_graphs;
mod scenarios;
mod size;
mod unusual;
mod verified;

use notation::{plan_of, system_of};
