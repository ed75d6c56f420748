//! What the schema of a plan cannot say.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::crd::{GateSettings, ReleasePlanSpec};
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
    problems.extend(failed_nodes(gate));
    problems
}

fn failed_nodes(gate: &GateSettings) -> Option<Problem> {
    let is_right = match gate.allow_failed_nodes.as_ref()? {
        IntOrString::Int(number) => *number >= 0,
        IntOrString::String(share) => {
            let share = share.strip_suffix('%').map(str::parse);
            share.is_some_and(|share| share.is_ok_and(|share: u8| share <= 100))
        }
    };
    (!is_right).then(|| {
        let path = "spec.strategy.gate.allowFailedNodes";
        let wrong = "is neither a number of nodes nor a share of them";
        Problem::error(Code::InvalidValue, path, wrong).hint("write it as `2` or `10%`")
    })
}

#[cfg(test)]
mod tests {
    use crate::check_plan;
    use crate::crd::ReleasePlanSpec;

    fn problems(nodes: &str) -> Vec<String> {
        let text = format!("{{strategy: {{gate: {{allowFailedNodes: {nodes}}}}}}}");
        let spec: ReleasePlanSpec = serde_saphyr::from_str(&text).unwrap();
        check_plan(&spec).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn failed_nodes_are_a_number_or_a_share() {
        for right in ["0", "2", "0%", "10%", "100%"] {
            assert!(problems(right).is_empty(), "{right}");
        }
        for wrong in ["-1", "'2'", "101%", "x%", "'%'"] {
            let found = problems(wrong);
            assert_eq!(found.len(), 1, "{wrong}: {found:?}");
        }
        insta::assert_snapshot!(problems("some")[0], @"spec.strategy.gate.allowFailedNodes: is neither a number of nodes nor a share of them [TG0104]; write it as `2` or `10%`");
    }
}
