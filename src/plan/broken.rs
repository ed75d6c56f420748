//! The checker's own idea of what two revisions can say to each other; see
//! [`check`](super::check()).
//!
//! In: a caller's revision and everything that is live of its callee. Out: where its calls fail.

use std::collections::BTreeSet;

use semver::{Version as Number, VersionReq};

use crate::graph::Revision;
use crate::spec::{ContractName, Need, Negotiate, ServiceName, Version};

type Key = (ServiceName, ContractName);

/// The callees at which one caller's calls fail.
pub(super) fn broken<'a>(
    caller: &Revision,
    name: &ServiceName,
    key: &Key,
    callees: &[Option<&'a Revision>],
    unknown_is_bad: bool,
) -> Vec<Option<&'a Revision>> {
    let verified = |callee: &Revision| caller.verified.get(&key.0)?.get(&callee.name).copied();
    let Some(interface) = &caller.interface else {
        let is_bad = |callee: Option<&'a Revision>| {
            let works = callee.and_then(verified);
            works.map_or(unknown_is_bad, |works| !works)
        };
        let all = callees.iter().copied();
        return all.filter(|callee| is_bad(*callee)).collect();
    };
    let Some(requirement) = interface
        .calls
        .get(key)
        .filter(|requirement| !requirement.optional)
    else {
        return Vec::new();
    };
    let mut bad = Vec::new();
    let mut menus: Vec<&BTreeSet<Version>> = Vec::new();
    let empty = BTreeSet::new();
    for callee in callees {
        let Some(revision) = callee else {
            if *name != key.0 {
                bad.push(None);
            }
            continue;
        };
        let serves = revision
            .interface
            .as_ref()
            .and_then(|interface| interface.serves.as_ref());
        let told = verified(revision);
        let is_trusted = told.unwrap_or(!unknown_is_bad);
        let Some(menu) = serves.map(|serves| serves.get(&key.1)) else {
            bad.extend((!is_trusted).then_some(*callee));
            continue;
        };
        let menu = menu.unwrap_or(&empty);
        let count =
            |wanted: &BTreeSet<Version>| wanted.iter().filter(|one| offers(menu, one)).count();
        let works = match &requirement.need {
            Need::Unknown => !menu.is_empty() && is_trusted,
            Need::Version(version) => offers(menu, version),
            Need::All(wanted) => count(wanted) == wanted.len(),
            Need::Any(wanted, _) => count(wanted) > 0,
        };
        if !works || told == Some(false) {
            bad.push(*callee);
        }
        menus.push(menu);
    }
    if let Need::Any(wanted, Negotiate::Cached) = &requirement.need
        && !agrees_once(wanted, &menus)
    {
        bad.extend(callees.last());
    }
    bad
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
