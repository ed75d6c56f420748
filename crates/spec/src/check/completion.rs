//! Whether the completion rules of a graph can be evaluated at all: a rule that is no CEL never holds. And whether there
//! is one for each kind: of two nobody can say which one counts.

use crate::cel_rule::with_cel_rule;
use crate::crd::CompletionRule;
use crate::{Code, Problem};

/// Whether the gate has a table of its own for a kind, by whose pods it judges: a rule would not be asked.
fn is_judged_by_its_pods(rule: &CompletionRule) -> bool {
    matches!(
        (rule.group(), rule.kind.as_str()),
        (
            "apps",
            "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet"
        ) | ("batch", "Job" | "CronJob")
            | ("", "Pod")
            | ("argoproj.io", "Rollout")
            | ("flagger.app", "Canary")
    )
}

/// A problem for each text that is no CEL, and each rule that nobody would ask.
pub(super) fn check_rules(rules: &[CompletionRule]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let at = |field: &str| format!("spec.completion[{index}].{field}");
        let wrong = |field, wrong: String, hint: &str| {
            Problem::error(Code::InvalidValue, at(field), wrong).hint(hint)
        };
        let mut earlier = rules.iter().take(index);
        if earlier.any(|earlier| earlier.is_for(&rule.api_version, &rule.kind)) {
            problems.push(wrong(
                "kind",
                format!("a second rule of {}", rule.kind),
                "write one rule for a kind, with `||` or `&&` in it",
            ));
        }
        if is_judged_by_its_pods(rule) {
            problems.push(wrong(
                "kind",
                format!("a rule of {}, which is judged by its pods", rule.kind),
                "leave the rule out: nobody would ask it",
            ));
        }
        let texts = [
            ("complete", Some(&rule.complete)),
            ("failed", rule.failed.as_ref()),
            ("paused", rule.paused.as_ref()),
        ];
        for (field, text) in texts {
            if let Some(Err(fault)) = text.map(|text| with_cel_rule(text, |_| ())) {
                problems.push(wrong(
                    field,
                    format!("the rule of {} {fault}", rule.kind),
                    "write an expression over `object`, for instance `object.status.ready`",
                ));
            }
        }
    }
    problems
}
