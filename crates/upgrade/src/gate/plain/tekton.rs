//! Tekton PipelineRuns and TaskRuns; completion.md §4.9. One condition says it all.

use serde::Deserialize;

use super::{Plain, argo_workflow};
use crate::gate::condition::{self, Condition};
use crate::gate::reason::Reason;
use crate::gate::verdict::{Class, Verdict};
use crate::gate::{Judgement, Look};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct View {
    spec: Spec,
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    status: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    conditions: Vec<Condition>,
}

/// Reasons of a failure that may not come again.
const PASSING: [&str; 6] = [
    "PipelineRunTimeout",
    "TaskRunTimeout",
    "CouldntGetPipeline",
    "CouldntGetTask",
    "TaskRunResolutionFailed",
    "PipelineRunResolutionFailed",
];

pub(super) fn judge(look: &Look<'_>, object: &Plain) -> Option<Judgement> {
    let View { spec, status } = object.view()?;
    if condition::differs(&status.conditions, "Succeeded") {
        return None;
    }
    let Some(succeeded) = condition::find(&status.conditions, "Succeeded") else {
        let absent = argo_workflow::absent_controller(look, object);
        return Some(
            absent
                .unwrap_or_else(|| Verdict::progressing(Reason::Pending, 0, 1))
                .into(),
        );
    };
    let reason = succeeded.reason.as_deref().unwrap_or_default();
    let verdict = match succeeded.status.as_str() {
        "True" => Verdict::Complete,
        "False" => {
            let class = if PASSING.contains(&reason) {
                Class::Retryable
            } else {
                Class::Terminal
            };
            Verdict::failed(Reason::RunFailed, class, succeeded.words())
        }
        "Unknown" if reason == "PipelineRunPending" || spec.status == "PipelineRunPending" => {
            Verdict::paused(Reason::Pending, 0, 1).with("`spec.status` says that it is to wait")
        }
        "Unknown" => Verdict::progressing(Reason::Running, 0, 1).with(succeeded.words()),
        other => Verdict::progressing(Reason::UnknownStatus, 0, 1)
            .with(format!("its condition is `{other}`")),
    };
    Some(verdict.into())
}
