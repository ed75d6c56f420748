//! The checker's own idea of what two revisions can say to each other; see
//! [`check`](super::check()).
//!
//! In: a caller's revision and those of its callee. Out: where its calls fail.

use std::collections::BTreeSet;

use semver::{Version as Number, VersionReq};

use crate::graph::Revision;
use tidegate_spec::{ContractName, Need, Negotiate, Requirement, ServiceName, Version};

type Key = (ServiceName, ContractName);

/// A caller's revision, with what it requires on one edge.
#[derive(Clone, Copy)]
pub(super) struct Client<'a> {
    revision: &'a Revision,
    requirement: Option<&'a Requirement>,
}

/// A callee's revision, with what it offers on one edge.
#[derive(Clone, Copy)]
pub(super) struct Server<'a> {
    pub revision: Option<&'a Revision>,
    /// `None` if nobody said.
    menu: Option<&'a BTreeSet<Version>>,
}

/// What is true of one edge, whoever meets on it.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    pub key: &'a Key,
    /// Whether the service calls itself.
    pub is_itself: bool,
    pub unknown_is_bad: bool,
}

impl<'a> Client<'a> {
    /// In: what the revision requires on the edge, if that is declared.
    pub(super) fn new(revision: &'a Revision, requirement: Option<&'a Requirement>) -> Self {
        Self {
            revision,
            requirement,
        }
    }

    /// What it requires, if that is declared.
    pub(super) fn requirement(self) -> Option<&'a Requirement> {
        self.requirement
    }

    /// Whether it keeps what it agreed on with one pod.
    pub(super) fn remembers(self) -> bool {
        let need = self.requirement.map(|one| &one.need);
        matches!(need, Some(Need::Any(_, Negotiate::Cached)))
    }

    /// Whether it remembers and would break between these callees.
    pub(super) fn is_unsettled(self, servers: &[Server<'_>]) -> bool {
        let Some(Requirement {
            need: Need::Any(wanted, Negotiate::Cached),
            optional: false,
            ..
        }) = self.requirement
        else {
            return false;
        };
        let menus: Vec<&BTreeSet<Version>> = servers.iter().filter_map(|one| one.menu).collect();
        !agrees_once(wanted, &menus)
    }

    /// Whether it may call, and cannot do without.
    fn is_calling(self) -> bool {
        match (&self.revision.interface, self.requirement) {
            (None, _) => true,
            (Some(_), requirement) => requirement.is_some_and(|one| !one.optional),
        }
    }

    fn verified(self, key: &Key, server: Server<'_>) -> Option<bool> {
        let results = self.revision.verified.get(&key.0)?;
        results.get(&server.revision?.name).copied()
    }
}

impl<'a> Server<'a> {
    pub(super) fn of(revision: Option<&'a Revision>, key: &Key) -> Self {
        static NOTHING: BTreeSet<Version> = BTreeSet::new();
        let known = revision.and_then(|revision| revision.interface.as_ref());
        let serves = known.and_then(|interface| interface.serves.as_ref());
        Self {
            revision,
            menu: serves.map(|serves| serves.get(&key.1).unwrap_or(&NOTHING)),
        }
    }
}

impl Terms<'_> {
    /// Whether one caller's calls fail at one callee, by what is declared of them and what was verified.
    pub(super) fn fails(self, client: Client<'_>, server: Server<'_>) -> bool {
        match client.verified(self.key, server) {
            None => self.is_declared_to_fail(client, server),
            // What worked is proof where nobody declared enough, and not where a failure is declared.
            Some(true) => self.lenient().is_declared_to_fail(client, server),
            Some(false) => client.is_calling(),
        }
    }

    /// Whether what is declared sends the calls to a callee at which they were seen to fail. One that finds a pod of its
    /// version finds this one too.
    pub(super) fn is_refuted(self, client: Client<'_>, server: Server<'_>) -> bool {
        client.verified(self.key, server) == Some(false)
            && client.is_calling()
            && !self.lenient().is_declared_to_fail(client, server)
    }

    fn lenient(self) -> Self {
        Self {
            unknown_is_bad: false,
            ..self
        }
    }

    fn is_declared_to_fail(self, client: Client<'_>, server: Server<'_>) -> bool {
        if client.revision.interface.is_none() {
            return self.unknown_is_bad;
        }
        let Some(requirement) = client.requirement.filter(|one| !one.optional) else {
            return false;
        };
        if server.revision.is_none() {
            return !self.is_itself;
        }
        let Some(menu) = server.menu else {
            return self.unknown_is_bad;
        };
        match &requirement.need {
            Need::Unknown => menu.is_empty() || self.unknown_is_bad,
            Need::Version(version) => !offers(menu, version),
            Need::All(wanted) => !wanted.iter().all(|one| offers(menu, one)),
            Need::Any(wanted, _) => !wanted.iter().any(|one| offers(menu, one)),
        }
    }
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
