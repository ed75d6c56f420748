//! Whether the completion rules of a graph can be evaluated at all: a rule that is no CEL never holds.

use kube_cel::cel::Program;

use crate::crd::CompletionRule;
use crate::{Code, Problem};

/// A problem for each text that is no CEL.
pub(super) fn check_rules(rules: &[CompletionRule]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let texts = [
            ("complete", Some(&rule.complete)),
            ("failed", rule.failed.as_ref()),
            ("paused", rule.paused.as_ref()),
        ];
        for (field, text) in texts {
            let Some(Err(error)) = text.map(|text| Program::compile(text)) else {
                continue;
            };
            let path = format!("spec.completion[{index}].{field}");
            let words = error.to_string();
            let first = words.lines().next().unwrap_or_default();
            let wrong = format!("the rule of {} is no CEL: {first}", rule.kind);
            let problem = Problem::error(Code::InvalidValue, path, wrong);
            problems.push(
                problem
                    .hint("write an expression over `object`, for instance `object.status.ready`"),
            );
        }
    }
    problems
}
