//! HTTPRoutes and the other routes of the Gateway API; completion.md §4.13. Every parent must have accepted it.

use serde::Deserialize;

use super::Plain;
use super::gateway::refusal;
use crate::gate::Judgement;
use crate::gate::condition::{self, Condition};
use crate::gate::reason::Reason;
use crate::gate::snapshot::{has_seen, length};
use crate::gate::verdict::{Class, Verdict};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct View {
    spec: Spec,
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    parent_refs: Vec<ParentRef>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    parents: Vec<Parent>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Parent {
    parent_ref: ParentRef,
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ParentRef {
    group: Option<String>,
    kind: Option<String>,
    namespace: Option<String>,
    name: String,
    section_name: Option<String>,
    port: Option<i64>,
}

impl ParentRef {
    /// Whether two name the same parent; what is left out has the API's defaults.
    fn is(&self, other: &Self, own_namespace: &str) -> bool {
        let full = |it: &Self| {
            (
                it.group
                    .clone()
                    .unwrap_or_else(|| "gateway.networking.k8s.io".to_owned()),
                it.kind.clone().unwrap_or_else(|| "Gateway".to_owned()),
                it.namespace
                    .clone()
                    .unwrap_or_else(|| own_namespace.to_owned()),
                it.name.clone(),
                it.section_name.clone(),
                it.port,
            )
        };
        full(self) == full(other)
    }
}

pub(super) fn judge(object: &Plain) -> Option<Judgement> {
    let View { spec, status } = object.view()?;
    let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
    let total = length(spec.parent_refs.len());
    if total == 0 {
        let verdict = Verdict::progressing(Reason::NotAccepted, 0, 0);
        return Some(
            verdict
                .with("it names no parent, so nobody takes it")
                .into(),
        );
    }
    let mut waits = false;
    for wanted in &spec.parent_refs {
        let entries: Vec<_> = status
            .parents
            .iter()
            .filter(|entry| entry.parent_ref.is(wanted, namespace))
            .collect();
        let is_fresh = |entry: &&&Parent| {
            let conditions = entry.conditions.iter();
            let mut decisive = conditions.filter(|it| {
                matches!(
                    it.type_.as_str(),
                    "Accepted" | "ResolvedRefs" | "PartiallyInvalid"
                )
            });
            decisive.all(|it| has_seen(&object.metadata, it.observed_generation))
        };
        let fresh: Vec<_> = entries.iter().filter(is_fresh).collect();
        if fresh.is_empty() || fresh.len() < entries.len() {
            waits = true;
            continue;
        }
        for entry in fresh {
            if let Some((reason, words)) = refusal(&entry.conditions) {
                let detail = format!("parent {}: {words}", wanted.name);
                return Some(Verdict::failed(reason, Class::Retryable, detail).into());
            }
            let says = |type_| condition::with(&entry.conditions, type_, "True").is_some();
            waits |= !says("Accepted") || !says("ResolvedRefs");
        }
    }
    let verdict = if waits {
        Verdict::progressing(Reason::NotObserved, 0, total)
    } else {
        Verdict::Complete
    };
    Some(verdict.into())
}
