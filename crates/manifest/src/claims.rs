//! What two systems of one namespace both have, from their files.

use std::collections::BTreeMap;

use super::assemble::Assembled;
use tidegate_spec::{Code, Identity, ObjectRef, Problem};

/// Every object of a service that another system has too: each of the two plans would undo what the other one releases.
///
/// In: two systems. Out: a problem an object, at its place in the first. What belongs to no service both may bring.
pub fn claimed_twice(ours: &Assembled, theirs: &Assembled) -> Vec<Problem> {
    let (own, other) = (plan_name(ours), plan_name(theirs));
    if own == other {
        return Vec::new();
    }
    let known: BTreeMap<Identity, &ObjectRef> = theirs
        .bundle
        .objects
        .iter()
        .map(|entry| (entry.reference.identity(), &entry.reference))
        .collect();
    let is_of_service = |object: &ObjectRef, same: &ObjectRef| {
        ours.bundle.owner(object).is_some() || theirs.bundle.owner(same).is_some()
    };
    let objects = ours.bundle.objects.iter().map(|entry| &entry.reference);
    let objects = objects.filter(|object| !object.namespace.is_empty());
    let twice = objects.filter_map(|object| Some((object, known.get(&object.identity())?)));
    let twice = twice.filter(|(object, same)| is_of_service(object, same));
    let problems = twice.map(|(object, same)| {
        let place = theirs.places.get(*same);
        let there = place.map_or_else(String::new, |place| format!(", at {place}"));
        let problem = Problem::error(
            Code::Claimed,
            "",
            format!("{object} is in plan `{own}` and in plan `{other}`{there}"),
        )
        .hint("take it out of the files of one of them, or join the two systems");
        match ours.places.get(object) {
            Some(place) => problem.at(place.clone()),
            None => problem,
        }
    });
    problems.collect()
}

/// The plan that files are released as.
fn plan_name(assembled: &Assembled) -> &str {
    let declared = assembled.plan_name.as_deref();
    declared.unwrap_or(&assembled.bundle.graph_name)
}
