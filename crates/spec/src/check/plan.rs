//! What the schema of a plan cannot say.

use crate::crd::ReleasePlanSpec;
use crate::{Code, Problem};

/// Checks what the schema of a plan cannot say.
///
/// In: the spec as read. Out: every problem.
pub fn check_plan(spec: &ReleasePlanSpec) -> Vec<Problem> {
    let mut problems = super::source::check_source(spec);
    problems.extend(crate::freeze::check_windows(&spec.freeze));
    problems.extend(super::build::check_builds(spec));
    let gate = &spec.strategy.gate;
    let durations = [
        ("spec.strategy.settle", &spec.strategy.settle),
        ("spec.strategy.soak", &spec.strategy.soak),
        (
            "spec.strategy.deadlines.wave",
            &spec.strategy.deadlines.wave,
        ),
        (
            "spec.strategy.deadlines.service",
            &spec.strategy.deadlines.service,
        ),
        (
            "spec.strategy.deadlines.release",
            &spec.strategy.deadlines.release,
        ),
        ("spec.strategy.gate.failAfter", &gate.fail_after),
        ("spec.strategy.gate.notReady", &gate.not_ready),
        ("spec.strategy.gate.drainDeadline", &gate.drain_deadline),
        (
            "spec.strategy.gate.controllerDeadline",
            &gate.controller_deadline,
        ),
        ("spec.strategy.gate.unknownDeadline", &gate.unknown_deadline),
    ];
    for (path, text) in durations {
        let Some(text) = text else { continue };
        if crate::duration::parse(text).is_none() {
            problems.push(
                Problem::error(Code::InvalidValue, path, format!("`{text}` is no duration"))
                    .hint("write it as `90s`, `10m` or `1h30m`"),
            );
        }
    }
    problems
}
