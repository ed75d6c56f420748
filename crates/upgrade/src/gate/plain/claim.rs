//! PersistentVolumeClaims; completion.md §4.14.

use serde::Deserialize;

use super::Plain;
use crate::gate::assessment::Note;
use crate::gate::condition::{self, Condition};
use crate::gate::reason::Reason;
use crate::gate::snapshot;
use crate::gate::verdict::{Class, Verdict};
use crate::gate::workload::Workload;
use crate::gate::{Judgement, Look};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct View {
    spec: Spec,
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    storage_class_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    phase: String,
    conditions: Vec<Condition>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StorageClass {
    volume_binding_mode: String,
}

/// Marks the class of claims that name none.
const IS_DEFAULT: &str = "storageclass.kubernetes.io/is-default-class";

pub(super) fn judge(look: &Look<'_>, object: &Plain) -> Option<Judgement> {
    let View { spec, status } = object.view()?;
    let resizes = ["Resizing", "FileSystemResizePending"];
    let is_resizing = resizes
        .iter()
        .any(|type_| condition::with(&status.conditions, type_, "True").is_some());
    Some(match status.phase.as_str() {
        "Bound" if is_resizing => Verdict::progressing(Reason::Resizing, 0, 1).into(),
        "Bound" => Verdict::Complete.into(),
        "Lost" => Verdict::failed(
            Reason::ClaimLost,
            Class::Terminal,
            "its volume is gone, with what was on it",
        )
        .into(),
        // It is bound when a pod wants it: to wait for that would wait for oneself.
        "" | "Pending" if waits_for_consumer(look, spec.storage_class_name.as_deref())? => {
            Judgement {
                verdict: Verdict::Complete,
                notes: vec![Note::AwaitsConsumer],
            }
        }
        "" | "Pending" => Verdict::progressing(Reason::Pending, 0, 1)
            .with("no volume is bound to it yet")
            .into(),
        _ => return None,
    })
}

/// Whether claims of a class are bound only when a pod uses them. `None`: the class cannot be read.
fn waits_for_consumer(look: &Look<'_>, named: Option<&str>) -> Option<bool> {
    let mut classes = look
        .snapshot
        .others
        .iter()
        .filter_map(Workload::plain)
        .filter(|plain| plain.kind == "StorageClass");
    let is_default = |metadata: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta| {
        let annotations = metadata.annotations.as_ref();
        annotations
            .and_then(|annotations| annotations.get(IS_DEFAULT))
            .map(String::as_str)
            == Some("true")
    };
    let class = classes.find(|class| match named {
        Some(named) => snapshot::name(&class.metadata) == named,
        None => is_default(&class.metadata),
    });
    match class {
        Some(class) => {
            let class: StorageClass = class.view()?;
            Some(class.volume_binding_mode == "WaitForFirstConsumer")
        }
        None => Some(false),
    }
}
