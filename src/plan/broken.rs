//! The checker's own idea of what two revisions can say to each other; see
//! [`check`](super::check()).
//!
//! In: a caller's revision and everything that is live of its callee. Out: where its calls fail.

use std::collections::BTreeSet;

use semver::{Version as Number, VersionReq};

use crate::graph::Revision;
use crate::spec::{ContractName, Need, Negotiate, Requirement, ServiceName, Version};

type Key = (ServiceName, ContractName);

/// The callees at which one caller's calls fail.
pub(super) fn broken<'a>(
    caller: &Revision,
    name: &ServiceName,
    key: &Key,
    callees: &[Option<&'a Revision>],
    unknown_is_bad: bool,
) -> Vec<Option<&'a Revision>> {
    let is_itself = *name == key.0;
    let all = callees.iter().copied();
    let bad = all.filter(|callee| fails(caller, is_itself, key, *callee, unknown_is_bad));
    let mut bad: Vec<Option<&'a Revision>> = bad.collect();
    let known = caller.interface.as_ref();
    let requirement = known.and_then(|interface| interface.calls.get(key));
    if let Some(Requirement {
        need: Need::Any(wanted, Negotiate::Cached),
        optional: false,
        ..
    }) = requirement
    {
        let menus: Vec<&BTreeSet<Version>> = callees
            .iter()
            .flatten()
            .filter_map(|callee| menu(callee, key))
            .collect();
        if !agrees_once(wanted, &menus) {
            bad.extend(callees.last());
        }
    }
    bad
}

/// Whether one caller's calls fail at one callee, by what is declared of them and what was verified.
pub(super) fn fails(
    caller: &Revision,
    is_itself: bool,
    key: &Key,
    callee: Option<&Revision>,
    unknown_is_bad: bool,
) -> bool {
    match verified(caller, key, callee) {
        None => is_declared_to_fail(caller, is_itself, key, callee, unknown_is_bad),
        // What worked is proof where nobody declared enough, and not where a failure is declared.
        Some(true) => is_declared_to_fail(caller, is_itself, key, callee, false),
        Some(false) => is_called(caller, key),
    }
}

/// Whether what is declared sends the calls to a callee at which they were seen to fail. One that finds a pod of its
/// version finds this one too.
pub(super) fn is_refuted(
    caller: &Revision,
    is_itself: bool,
    key: &Key,
    callee: Option<&Revision>,
) -> bool {
    verified(caller, key, callee) == Some(false)
        && is_called(caller, key)
        && !is_declared_to_fail(caller, is_itself, key, callee, false)
}

fn verified(caller: &Revision, key: &Key, callee: Option<&Revision>) -> Option<bool> {
    caller.verified.get(&key.0)?.get(&callee?.name).copied()
}

/// Whether a caller may call, and cannot do without.
fn is_called(caller: &Revision, key: &Key) -> bool {
    match &caller.interface {
        None => true,
        Some(interface) => interface
            .calls
            .get(key)
            .is_some_and(|requirement| !requirement.optional),
    }
}

fn is_declared_to_fail(
    caller: &Revision,
    is_itself: bool,
    key: &Key,
    callee: Option<&Revision>,
    unknown_is_bad: bool,
) -> bool {
    let Some(interface) = &caller.interface else {
        return unknown_is_bad;
    };
    let requirement = interface.calls.get(key);
    let Some(requirement) = requirement.filter(|requirement| !requirement.optional) else {
        return false;
    };
    let Some(callee) = callee else {
        return !is_itself;
    };
    let Some(menu) = menu(callee, key) else {
        return unknown_is_bad;
    };
    match &requirement.need {
        Need::Unknown => menu.is_empty() || unknown_is_bad,
        Need::Version(version) => !offers(menu, version),
        Need::All(wanted) => !wanted.iter().all(|one| offers(menu, one)),
        Need::Any(wanted, _) => !wanted.iter().any(|one| offers(menu, one)),
    }
}

/// What a callee offers; `None` if nobody said.
fn menu<'a>(callee: &'a Revision, key: &Key) -> Option<&'a BTreeSet<Version>> {
    static NOTHING: BTreeSet<Version> = BTreeSet::new();
    let serves = callee.interface.as_ref()?.serves.as_ref()?;
    Some(serves.get(&key.1).unwrap_or(&NOTHING))
}

/// Whether whatever a caller agrees on with one pod is spoken by all of them.
fn agrees_once(wanted: &BTreeSet<Version>, menus: &[&BTreeSet<Version>]) -> bool {
    let all: BTreeSet<&Version> = menus.iter().copied().flatten().collect();
    let chosen = |version: &&Version| {
        wanted
            .iter()
            .any(|one| offers(&BTreeSet::from([(*version).clone()]), one))
    };
    all.into_iter()
        .filter(chosen)
        .all(|version| menus.iter().all(|menu| menu.contains(version)))
}

/// Whether a version, or one inside a range, is on the menu.
fn offers(menu: &BTreeSet<Version>, wanted: &Version) -> bool {
    if menu.contains(wanted) {
        return true;
    }
    let text = wanted.as_str();
    if !(text.contains('*') || text.starts_with(|sign| "^~<>=".contains(sign))) {
        return false;
    }
    let Ok(range) = text.parse::<VersionReq>() else {
        return false;
    };
    menu.iter().any(|version| {
        let mut numbers = version.as_str().to_owned();
        while numbers.matches('.').count() < 2 {
            numbers.push_str(".0");
        }
        numbers
            .parse::<Number>()
            .is_ok_and(|number| range.matches(&number))
    })
}
