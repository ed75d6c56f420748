//! Builds as scripts name them.

use std::collections::BTreeMap;

use tidegate_build::{Build, Found, Progress, Seen};
use tidegate_spec::ServiceName;

use crate::Agenda;

/// The builds of an agenda, none of which has begun.
pub(super) fn waiting_builds(agenda: &Agenda) -> BTreeMap<ServiceName, Build> {
    let of_one = |service: &ServiceName| Build::waiting(&format!("sha256:{service}"));
    let services = agenda.images.keys();
    services
        .map(|service| (service.clone(), of_one(service)))
        .collect()
}

/// What the engine shows of a build: `absent`, `held`, `going`, `done`, `failed`, or `strange` for one of another uid.
pub(super) fn seen_build(service: &ServiceName, how: &str) -> Seen {
    if how == "absent" {
        return Seen::Absent;
    }
    Seen::There(Found {
        uid: match how {
            "strange" => "uid-other".to_owned(),
            _ => format!("uid-{service}"),
        },
        is_own: true,
        is_held: how == "held",
        object: format!("Workflow/shop/{service}"),
        link: None,
        progress: match how {
            "done" => Progress::Succeeded(Some(format!("sha256:{}", "a".repeat(64)))),
            "failed" => Progress::Failed {
                reason: "Failed".to_owned(),
                message: "step build: exit code 1".to_owned(),
            },
            _ => Progress::Going,
        },
    })
}
