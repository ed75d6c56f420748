//! Live sets, checked against the graphs that they are about.

use std::collections::BTreeMap;

use super::Checker;
use crate::crd::LiveSetsSpec;
use crate::{Code, Graph, Interface, Problem, ServiceName, did_you_mean};

/// One revision that runs, or that is gone and may have left something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveRevision {
    /// Whose.
    pub service: ServiceName,
    /// Its name.
    pub revision: String,
    /// What it serves and calls.
    pub interface: Interface,
    /// It has no pod any more, and something durable that it wrote may be left.
    pub retained: bool,
}

/// The names that a plan itself gives to revisions.
const OWN_NAMES: [&str; 4] = ["live", "target", "absent", "unknown"];
/// What is longer than a label's value is no name of a revision.
const REVISION_CHARACTERS_MAX: usize = 63;

/// Checks live sets.
///
/// In: the sets as written, and the graphs between which is planned. Out: what could be read of them, and every problem;
/// paths begin at the document.
pub fn check_live(spec: &LiveSetsSpec, graphs: [&Graph; 2]) -> (Vec<LiveRevision>, Vec<Problem>) {
    let services = graphs.iter().flat_map(|graph| graph.services.keys());
    let mut checker = Checker {
        names: services.map(ToString::to_string).collect(),
        ..Checker::default()
    };
    let known = checker.names.clone();
    let mut first_at: BTreeMap<(&str, &str), String> = BTreeMap::new();
    let mut revisions = Vec::new();
    for (index, live) in spec.services.iter().enumerate() {
        let path = format!("services[{index}]");
        checker.revision(&path, &live.revision);
        let key = (live.name.as_str(), live.revision.as_str());
        if let Some(first) = first_at.get(&key) {
            let wrong = format!(
                "revision `{}` of `{}` is written twice; the first is {first}",
                live.revision, live.name
            );
            checker.report(
                Problem::error(Code::InvalidValue, format!("{path}.revision"), wrong)
                    .hint("give each live revision a name of its own, or remove one"),
            );
        } else {
            first_at.insert(key, path.clone());
        }
        let name = match ServiceName::parse(&live.name) {
            Ok(name) => name,
            Err(error) => {
                let path = format!("{path}.name");
                checker.invalid_name(path, "a service's name", &live.name, &error);
                continue;
            }
        };
        if !known.contains(name.as_str()) {
            let hint = match did_you_mean(&live.name, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "a live set is of a service of one of the two graphs".to_owned(),
            };
            let wrong = format!("there is no service `{name}` in either graph");
            checker.report(
                Problem::error(Code::UnknownService, format!("{path}.name"), wrong).hint(hint),
            );
        }
        let serves = live.serves.as_ref();
        let interface = Interface {
            serves: serves.map(|serves| checker.serves(&path, &name, serves)),
            calls: checker.calls(&path, &live.calls),
        };
        revisions.push(LiveRevision {
            service: name,
            revision: live.revision.clone(),
            interface,
            retained: live.retained,
        });
    }
    (revisions, checker.problems)
}

impl Checker {
    fn revision(&mut self, path: &str, name: &str) {
        let wrong = if name.is_empty() {
            "a revision's name is empty".to_owned()
        } else if name.chars().count() > REVISION_CHARACTERS_MAX {
            format!("a revision's name has at most {REVISION_CHARACTERS_MAX} characters")
        } else if name.chars().any(|c| c.is_control() || c.is_whitespace()) {
            "a revision's name has no white space and no control characters".to_owned()
        } else if OWN_NAMES.contains(&name) {
            format!("`{name}` is what the plan itself calls a revision")
        } else {
            return;
        };
        self.report(
            Problem::error(Code::InvalidValue, format!("{path}.revision"), wrong).hint(
                "write for instance the hash of the pod template, or the version of the image",
            ),
        );
    }
}
