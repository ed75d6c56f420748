//! Tests of the planner: text in, text out.

mod counts;
mod durable;
mod estimate;
mod explorer;
mod flips;
mod guards;
mod laws;
mod mixed;
mod notation;
mod only;
mod part_graphs;
mod parts;
mod properties;
mod random;
mod real_graphs;
mod saved;
mod scenarios;
mod size;
mod splits;
mod stages;
mod still;
mod strategies;
mod together;
mod unusual;
mod variants;
mod verified;

use guards::faults_of;
use notation::{plan_of, system_of};
