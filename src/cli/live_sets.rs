//! `--live FILE`: what runs, where a service has more than one live revision.

use std::collections::BTreeMap;

use crate::graph::Revision;
use crate::manifest::{Manifests, Text, read, shorten};
use crate::spec::{Code, Graph, Problem, ServiceName, check_live};

/// What runs of one service, and what is gone and has left something.
#[derive(Default)]
pub(super) struct LiveSet {
    /// The revisions that have a pod. None: as the graph of before says.
    pub live: Vec<Revision>,
    /// Those that have none and of which something durable may be left.
    pub retained: Vec<Revision>,
}

/// Reads live sets.
///
/// In: the file, and the graphs between which is planned. Out: the revisions by service, and every problem.
pub(super) fn live_sets(
    texts: &[Text],
    graphs: [&Graph; 2],
) -> (BTreeMap<ServiceName, LiveSet>, Vec<Problem>) {
    let (manifests, mut problems) = read(texts);
    let Manifests {
        graphs: strangers,
        plans,
        live,
        objects,
    } = manifests;
    let strangers = strangers.iter().map(|one| one.place_of(""));
    let strangers = strangers.chain(plans.iter().map(|one| one.place_of("")));
    for place in strangers.chain(objects.into_iter().map(|object| object.place)) {
        let wrong = "a file of live sets holds nothing else";
        problems.push(
            Problem::error(Code::NotAnObject, "", wrong)
                .hint("give the file whose `kind` is `LiveSets`")
                .at(place),
        );
    }
    if let Some(second) = live.get(1) {
        problems.push(
            Problem::error(Code::InvalidValue, "", "a second document of live sets")
                .hint("write all revisions into one")
                .at(second.place_of("")),
        );
    }
    let mut sets: BTreeMap<ServiceName, LiveSet> = BTreeMap::new();
    let Some(declared) = live.first() else {
        if problems.is_empty() {
            let file = texts.first().map_or("", |text| text.file.as_str());
            let wrong = format!("there are no live sets in `{}`", shorten(file));
            problems.push(Problem::error(Code::NothingFound, "", wrong));
        }
        return (sets, problems);
    };
    let (revisions, found) = check_live(&declared.value, graphs);
    problems.extend(declared.beyond_refused(found));
    for one in revisions {
        let set = sets.entry(one.service).or_default();
        let revision = Revision::declared(one.revision, one.interface);
        if one.retained {
            set.retained.push(revision);
        } else {
            set.live.push(revision);
        }
    }
    (sets, problems)
}
