//! From the objects as written to the checked ones, or every problem.

use super::crd::{ReleasePlanSpec, ServiceGraphSpec};
use super::{Graph, Problem};

/// TODO
pub fn check_graph(_name: &str, _spec: &ServiceGraphSpec) -> (Graph, Vec<Problem>) {
    (Graph::default(), Vec::new())
}

/// TODO
pub fn check_plan(_spec: &ReleasePlanSpec) -> Vec<Problem> {
    Vec::new()
}
