//! CustomResourceDefinitions; completion.md §4.14. That every version is served is the reader's to ask.

use serde::Deserialize;

use super::Plain;
use crate::gate::Judgement;
use crate::gate::condition::{self, Condition};
use crate::gate::reason::Reason;
use crate::gate::verdict::{Class, Verdict};

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
    let with = |type_: &str, value: &str| condition::with(&status.conditions, type_, value);
    let verdict = if with("Terminating", "True").is_some() {
        Verdict::failed(
            Reason::DeletionInProgress,
            Class::Terminal,
            "it is being deleted, with all its objects",
        )
    } else if let Some(taken) = with("NamesAccepted", "False") {
        Verdict::failed(Reason::NamesNotAccepted, Class::Terminal, taken.words())
    } else if let Some(wrong) = with("NonStructuralSchema", "True") {
        Verdict::failed(Reason::NonStructuralSchema, Class::Terminal, wrong.words())
    } else if let Some(established) = with("Established", "True")
        && with("NamesAccepted", "True").is_some()
    {
        if established.is_of_before(&object.metadata) {
            Verdict::progressing(Reason::NotObserved, 0, 1)
        } else {
            Verdict::Complete
        }
    } else {
        let refused = with("Established", "False").filter(|established| {
            !matches!(
                established.reason.as_deref(),
                Some("Installing" | "InitialNamesAccepted")
            )
        });
        match refused {
            Some(refused) => {
                Verdict::failed(Reason::NotEstablished, Class::Retryable, refused.words())
            }
            None => Verdict::progressing(Reason::Installing, 0, 1),
        }
    };
    Some(verdict.into())
}
