//! HorizontalPodAutoscalers and KEDA ScaledObjects; completion.md §4.11. They are no gates: live replicas decide.

use serde::Deserialize;

use super::Plain;
use crate::gate::Judgement;
use crate::gate::assessment::Note;
use crate::gate::condition::{self, Condition};
use crate::gate::verdict::Verdict;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct View {
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    conditions: Vec<Condition>,
}

pub(super) fn judge(object: &Plain) -> Option<Judgement> {
    let View { status } = object.view()?;
    let unable = condition::with(&status.conditions, "AbleToScale", "False");
    let inactive =
        condition::with(&status.conditions, "ScalingActive", "False").filter(|condition| {
            let reason = condition.reason.as_deref().unwrap_or_default();
            reason.starts_with("FailedGet") || reason.starts_with("Invalid")
        });
    Some(Judgement {
        verdict: Verdict::Complete,
        notes: unable
            .or(inactive)
            .map(|_| Note::CannotScale)
            .into_iter()
            .collect(),
    })
}
