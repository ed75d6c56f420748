//! PodDisruptionBudgets; completion.md §4.14. They do not hold back a rolling update.

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
    let not_allowed = condition::with(&status.conditions, "DisruptionAllowed", "False");
    let note = not_allowed.map(|condition| match condition.reason.as_deref() {
        Some("SyncFailed") => Note::SyncFailed,
        Some(_) | None => Note::DisruptionNotAllowed,
    });
    Some(Judgement {
        verdict: Verdict::Complete,
        notes: note.into_iter().collect(),
    })
}
