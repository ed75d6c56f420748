//! Namespaces; completion.md §4.14. In one that goes away nothing can be created.

use serde::Deserialize;

use super::Plain;
use crate::gate::Judgement;
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
    phase: String,
}

pub(super) fn judge(object: &Plain) -> Option<Judgement> {
    let View { status } = object.view()?;
    let verdict = match status.phase.as_str() {
        "Active" => Verdict::Complete,
        "Terminating" => terminating(),
        "" => Verdict::progressing(Reason::Pending, 0, 1),
        _ => return None,
    };
    Some(verdict.into())
}

/// What is said of one that goes away.
pub(in crate::gate) fn terminating() -> Verdict {
    let detail = "it is being deleted: nothing can be created in it";
    Verdict::failed(Reason::NamespaceTerminating, Class::Terminal, detail)
}
