//! Tests of the planner: text in, text out.

mod durable;
mod explorer;
mod guards;
mod laws;
mod notation;
mod properties;
mod random;
mod real_graphs;
mod scenarios;
mod size;
mod stages;
mod strategies;
mod unusual;

use guards::faults_of;
use notation::{plan_of, system_of};
