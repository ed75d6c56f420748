//! Parts of a scene: its waves, and builds as scripts name them.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_build::{Build, Found, Progress, Seen};
use tidegate_spec::ServiceName;

use crate::{Agenda, Member, Observation, StepId};

/// The builds of an agenda, none of which has begun.
pub(super) fn waiting_builds(agenda: &Agenda) -> BTreeMap<ServiceName, Build> {
    let of_one = |service: &ServiceName| Build::waiting(&format!("sha256:{service}"));
    let services = agenda.images.keys();
    services
        .map(|service| (service.clone(), of_one(service)))
        .collect()
}

/// Reads `build:web=going` into an observation; false where a word is none of these.
pub(super) fn read_build(word: &str, seen: &mut Observation) -> bool {
    let build = word.strip_prefix("build:");
    let Some((service, how)) = build.and_then(|word| word.split_once('=')) else {
        return false;
    };
    let service = ServiceName::parse(service).expect("a name");
    let shown = seen_build(&service, how);
    seen.builds.insert(service, shown);
    true
}

/// What the engine shows of a build: `absent`, `held`, `going`, `stuck`, `done`, `failed`, or `strange` for one of another uid.
fn seen_build(service: &ServiceName, how: &str) -> Seen {
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
        waits: (how == "stuck").then(|| "ErrImagePull: no such image".to_owned()),
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

pub(super) fn waves(members: &BTreeMap<StepId, Member>) -> Vec<Vec<StepId>> {
    let mut waves: Vec<Vec<StepId>> = Vec::new();
    let mut placed: BTreeSet<&StepId> = BTreeSet::new();
    while placed.len() < members.len() {
        let free: Vec<&StepId> = members
            .iter()
            .filter(|(name, member)| {
                !placed.contains(name) && member.after.iter().all(|first| placed.contains(first))
            })
            .map(|(name, _)| name)
            .collect();
        assert!(!free.is_empty(), "a cycle");
        waves.push(free.iter().map(|name| (*name).clone()).collect());
        placed.extend(free);
    }
    waves
}
