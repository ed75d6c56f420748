//! Which releases say what should run while none of a plan is under way.
//!
//! In: the releases of a plan. Out: for each of its parts the release that last brought it; `None` where that is not known:
//! one is under way, or the last one that wrote something has not succeeded, so what runs is neither old nor new.

use std::collections::BTreeSet;

use kube::ResourceExt;

use crate::spec::crd::Release;

/// A plan at rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resting {
    /// Newest first: the releases that brought what should run now.
    pub parts: Vec<Part>,
}

/// What one release brought that no later one has brought anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The release.
    pub release: String,
    /// Its uid, since a name may come again.
    pub uid: String,
    /// The services that no later one has brought anew; `None`: every one, and what belongs to no service.
    pub only: Option<BTreeSet<String>>,
    /// The services that it left as they were.
    pub without: BTreeSet<String>,
}

impl Part {
    /// Whether what belongs to a service (`None`: to no service) is of this release.
    pub fn brought(&self, service: Option<&str>) -> bool {
        match (service, &self.only) {
            (Some(service), Some(only)) => {
                only.contains(service) && !self.without.contains(service)
            }
            (Some(service), None) => !self.without.contains(service),
            (None, only) => only.is_none(),
        }
    }
}

/// Reads it from the releases of one plan, in the order of their numbers.
pub fn resting(releases: &[Release]) -> Option<Resting> {
    let outcome = |release: &Release| release.status.as_ref()?.outcome.clone();
    if releases.iter().any(|release| outcome(release).is_none()) {
        return None;
    }
    let mut parts: Vec<Part> = Vec::new();
    // `None`: every service.
    let mut open: Option<BTreeSet<String>> = None;
    for release in releases.iter().rev().filter(|release| has_written(release)) {
        if outcome(release).as_deref() != Some("Succeeded") {
            break;
        }
        let held_out = release.status.as_ref().map(|status| &status.held_out);
        let held_out: BTreeSet<String> = held_out.into_iter().flatten().cloned().collect();
        parts.push(Part {
            release: release.name_any(),
            uid: release.uid().unwrap_or_default(),
            only: open.clone(),
            without: held_out.clone(),
        });
        let left = match open {
            None => held_out,
            Some(open) => open.intersection(&held_out).cloned().collect(),
        };
        if left.is_empty() {
            break;
        }
        open = Some(left);
    }
    (!parts.is_empty()).then_some(Resting { parts })
}

/// Whether an ended release got as far as its first write.
fn has_written(release: &Release) -> bool {
    let status = release.status.as_ref();
    status.is_some_and(|status| {
        status.start_time.is_some() && status.outcome.as_deref() != Some("Refused")
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::{Release, resting};
    use crate::spec::crd::{ReleaseSpec, ReleaseStatus};

    /// `1 Succeeded, 2 Succeeded web db, 3 Failed`: number, outcome, the services that it left as they were. Out: who
    /// brought what, newest first.
    fn brought(text: &str) -> String {
        let one = |words: &str| {
            let mut words = words.split_whitespace();
            let number = words.next().unwrap();
            let outcome = words.next().unwrap();
            let mut release = Release::new(number, ReleaseSpec::default());
            release.status = Some(ReleaseStatus {
                outcome: (outcome != "running").then(|| outcome.to_owned()),
                start_time: Some(Time(Timestamp::UNIX_EPOCH)),
                held_out: words.map(ToOwned::to_owned).collect(),
                ..ReleaseStatus::default()
            });
            release
        };
        let releases: Vec<Release> = text.split(',').map(one).collect();
        let Some(resting) = resting(&releases) else {
            return "not at rest".to_owned();
        };
        let all = [Some("cart"), Some("db"), Some("web"), None];
        let parts = resting.parts.iter().map(|part| {
            let own = all.iter().filter(|service| part.brought(**service));
            let own: Vec<&str> = own.map(|service| service.unwrap_or("shared")).collect();
            format!("{}: {}", part.release, own.join(" "))
        });
        parts.collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn the_newest_whole_release_says_it_and_those_after_it_say_their_part() {
        assert_eq!(brought("1 Succeeded, 2 Succeeded"), "2: cart db web shared");
        assert_eq!(
            brought("1 Succeeded, 2 Succeeded db cart, 3 Succeeded web"),
            "3: cart db shared; 2: web"
        );
        assert_eq!(
            brought("1 Succeeded, 2 Succeeded db cart, 3 Succeeded db web"),
            "3: cart shared; 2: web; 1: db"
        );
        assert_eq!(brought("1 Succeeded, 2 Refused"), "1: cart db web shared");
    }

    #[test]
    fn beside_or_after_what_has_not_succeeded_nothing_is_known() {
        assert_eq!(brought("1 Succeeded, 2 running"), "not at rest");
        assert_eq!(brought("1 Succeeded, 2 Failed"), "not at rest");
        assert_eq!(
            brought("1 Succeeded, 2 Failed, 3 Succeeded db"),
            "3: cart web shared"
        );
    }
}
