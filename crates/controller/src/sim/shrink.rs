//! A run that went wrong, with as few faults as it takes.

use super::faults::Faults;
use super::run::{Outcome, run};
use super::scenario::Scenario;
use tidegate_planner::plan::Plan;

/// Leaves out one fault after the other, as long as something still goes wrong.
///
/// In: an outcome with something wrong. Out: the faults that are enough for the same seed to go wrong.
pub fn shrink(scenario: &Scenario, plan: &Plan, outcome: &Outcome) -> Faults {
    let mut faults = outcome.faults.clone();
    for fault in outcome.faults.iter() {
        let fewer = faults.without(fault);
        if !run(scenario, plan, outcome.seed, &fewer, false)
            .wrong
            .is_empty()
        {
            faults = fewer;
        }
    }
    faults
}
