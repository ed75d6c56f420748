//! Whether one revision can call another. Everything else in the planner follows from this answer.

use std::collections::BTreeSet;

use semver::VersionReq;

use super::{Between, Clash, Revision};
use tidegate_spec::{ContractName, Need, Negotiate, Requirement, ServiceName, Version};

/// Whether calls from one revision to another succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compat {
    /// They do, or there are none.
    Yes,
    /// They fail.
    No(Clash),
    /// Nobody declared enough to tell.
    Unknown,
}

/// Judges a caller's revision against a callee's; `None` is the absent revision, which calls
/// nothing and serves nothing.
pub fn compat(
    key: &(ServiceName, ContractName),
    caller: Option<&Revision>,
    callee: Option<&Revision>,
) -> Compat {
    let Some(caller) = caller else {
        return Compat::Yes;
    };
    let served = (callee, Served::by(callee, &key.1));
    let Some(interface) = &caller.interface else {
        return judged(caller, None, &key.0, served);
    };
    match interface.calls.get(key) {
        None => Compat::Yes,
        Some(Requirement { need, .. }) => judged(caller, Some(need), &key.0, served),
    }
}

/// What a callee's revision serves of one contract.
#[derive(Debug, Clone, Copy)]
pub(super) enum Served<'a> {
    /// Nothing of the callee runs.
    Absent,
    /// Nobody declared what it serves.
    Undeclared,
    /// Not this contract.
    Nothing,
    /// These versions.
    Versions(&'a BTreeSet<Version>),
}

impl<'a> Served<'a> {
    pub(super) fn by(callee: Option<&'a Revision>, contract: &ContractName) -> Self {
        let Some(callee) = callee else {
            return Self::Absent;
        };
        let known = callee
            .interface
            .as_ref()
            .and_then(|interface| interface.serves.as_ref());
        match known.map(|known| known.get(contract)) {
            None => Self::Undeclared,
            Some(None) => Self::Nothing,
            Some(Some(versions)) => Self::Versions(versions),
        }
    }
}

/// What becomes of the calls of a revision; no need: nobody declared it. What was verified of the two counts more than what
/// is declared, but for one thing: it proves no call that is declared to fail.
pub(super) fn judged(
    caller: &Revision,
    need: Option<&Need>,
    to: &ServiceName,
    (callee, served): (Option<&Revision>, Served<'_>),
) -> Compat {
    let declared = need.map_or(Compat::Unknown, |need| answer(need, served));
    let results = caller.verified.get(to);
    let verified = results.and_then(|results| results.get(&callee?.name).copied());
    match (declared, verified) {
        (declared, None) | (declared @ Compat::No(_), Some(_)) => declared,
        (Compat::Yes | Compat::Unknown, Some(false)) => Compat::No(Clash::Refuted),
        (Compat::Yes | Compat::Unknown, Some(true)) => Compat::Yes,
    }
}

/// What becomes of calls that need this.
pub(super) fn answer(need: &Need, served: Served<'_>) -> Compat {
    let served = match served {
        Served::Absent => return Compat::No(Clash::Absent),
        Served::Undeclared => return Compat::Unknown,
        Served::Nothing => return Compat::No(Clash::NotServed),
        Served::Versions(versions) => versions,
    };
    let met = match need {
        Need::Unknown => return Compat::Unknown,
        Need::Version(version) => satisfies(version, served),
        Need::All(versions) => versions.iter().all(|version| satisfies(version, served)),
        Need::Any(versions, _) => versions.iter().any(|version| satisfies(version, served)),
    };
    if met {
        Compat::Yes
    } else {
        Compat::No(Clash::Versions)
    }
}

/// Whether what is served contains what is wanted: by equal text, or as a semver range over
/// versions.
pub fn satisfies(wanted: &Version, served: &BTreeSet<Version>) -> bool {
    served.contains(wanted)
        || range(wanted).is_some_and(|range| served.iter().any(|version| within(&range, version)))
}

/// A range says so: a bare `1.2` is an opaque name and means itself alone.
fn range(wanted: &Version) -> Option<VersionReq> {
    let text = wanted.as_str();
    let is_range = text.starts_with(['^', '~', '>', '<', '=']) || text.contains('*');
    is_range.then(|| VersionReq::parse(text).ok()).flatten()
}

fn within(range: &VersionReq, version: &Version) -> bool {
    let text = version.as_str();
    // `1` and `1.4` are served versions too; semver itself wants all three numbers.
    let zeros = match text.matches('.').count() {
        0 => ".0.0",
        1 => ".0",
        _ => "",
    };
    semver::Version::parse(&format!("{text}{zeros}")).is_ok_and(|version| range.matches(&version))
}

/// The callee's revision at which a caller that remembers what it agreed on would break: it may agree with one pod and then
/// call another (planning.md §3.2). And whether it would also break beside a revision between.
///
/// In: all revisions of the callee that may be live together, and those of them beside which the caller runs anyway.
pub(super) fn unsettled<'a>(
    need: &Need,
    contract: &ContractName,
    (mixed, own): ([&[Option<&'a Revision>]; 2], &[Option<&'a Revision>]),
) -> Option<(&'a Revision, Between)> {
    let wanted = match need {
        Need::Any(wanted, Negotiate::Cached) => wanted,
        Need::Any(_, Negotiate::PerCall | Negotiate::PerConnection)
        | Need::Unknown
        | Need::Version(_)
        | Need::All(_) => return None,
    };
    let chosen = |callee: &'a Revision| -> Option<BTreeSet<&'a Version>> {
        let served = callee.interface.as_ref()?.serves.as_ref()?.get(contract)?;
        let fits = |version: &&Version| {
            wanted.contains(*version)
                || wanted
                    .iter()
                    .filter_map(range)
                    .any(|range| within(&range, version))
        };
        Some(served.iter().filter(fits).collect())
    };
    let known = mixed.into_iter().flatten().flatten();
    let known: Vec<_> = known
        .filter_map(|callee| Some((*callee, chosen(callee)?)))
        .collect();
    let (_, first) = known.first()?;
    let (callee, _) = known.iter().find(|(_, other)| other != first)?;
    let all: BTreeSet<&Version> = known
        .iter()
        .flat_map(|(_, chosen)| chosen)
        .copied()
        .collect();
    let mut own = own.iter().flatten().filter_map(|callee| chosen(callee));
    let between = if own.all(|chosen| chosen == all) {
        Between::Helps
    } else {
        Between::Breaks
    };
    Some((callee, between))
}
