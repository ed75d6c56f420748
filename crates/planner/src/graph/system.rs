//! What runs now and what shall run: the planner's whole input.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Verified;
use tidegate_spec::crd::Routing;
use tidegate_spec::{Assume, External, Graph, Interface, Manner, Service, ServiceName};

/// The name of the one live revision where two graphs are compared.
const LIVE: &str = "live";
/// The name of the revision that a release brings.
const TARGET: &str = "target";
/// What shows that a caller has ended that only the graph of before has.
const NOT_DECLARED: &str = "the new graph does not have it any more";

/// One version of a service: what it speaks, under a name that people are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// For instance `live`, `target`, `v1` or a template hash.
    pub name: String,
    /// What it serves and calls; `None` where nobody declared it.
    pub interface: Option<Interface>,
    /// With which revisions of others it was verified as a caller; counts more than what is declared.
    pub verified: Verified,
}

impl Revision {
    /// A revision whose contracts are declared.
    pub fn declared(name: impl Into<String>, interface: Interface) -> Self {
        Self {
            name: name.into(),
            interface: Some(interface),
            verified: Verified::new(),
        }
    }

    /// A revision of which nobody said what it speaks.
    pub fn undeclared(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            interface: None,
            verified: Verified::new(),
        }
    }
}

/// What happens to a service in this release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Moves {
    /// Nothing of it runs yet.
    Create,
    /// Its pods are replaced.
    Roll,
    /// It is a Job that runs once to its end.
    Job,
    /// It goes away.
    Delete,
    /// Its template does not change.
    Stays,
    /// It is a Job that going back does not undo.
    Kept,
}

impl Moves {
    /// Whether the release changes anything in such a service.
    pub fn is_moving(self) -> bool {
        match self {
            Self::Create | Self::Roll | Self::Job | Self::Delete => true,
            Self::Stays | Self::Kept => false,
        }
    }
}

/// One service of the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Every revision that has a live pod; empty where nothing runs.
    pub live: Vec<Revision>,
    /// Every revision that has no pod any more and of which something durable may be left unread.
    pub retained: Vec<Revision>,
    /// What shall run; `None` where the service is deleted. Ignored where the service stays.
    pub target: Option<Revision>,
    /// What happens to it.
    pub moves: Moves,
    /// Services that must be done before this one starts, by hand.
    pub after: BTreeSet<ServiceName>,
    /// How it may move.
    pub manner: Manner,
}

/// A caller that nobody deploys here. It is never finished: what it calls now it calls to the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    /// What it calls now.
    pub live: Vec<Revision>,
    /// What it may call in addition once the release is done, where its declaration changed.
    pub coming: Option<Revision>,
    /// What shows that its calls have ended; with it they count no more.
    pub ended: Option<String>,
}

/// What runs now and what shall run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct System {
    /// The services by name.
    pub services: BTreeMap<ServiceName, Member>,
    /// The callers from outside by name.
    pub external: BTreeMap<ServiceName, Outside>,
    /// What unknown contracts mean.
    pub assume: Assume,
    /// Whether what runs may be unsafe already: then only nothing else may break.
    pub repair: bool,
}

fn names(services: &[ServiceName]) -> String {
    let names: Vec<&str> = services.iter().map(ServiceName::as_str).collect();
    names.join(", ")
}

/// Why a part of a release cannot be planned by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OnlyError {
    /// Nobody has that name.
    #[error("there is no service `{0}` in either graph")]
    Unknown(ServiceName),
    /// Other services are in the middle of a rollout of their own.
    #[error(
        "{} runs in more than one revision: it must be finished first, or be part of this release",
        names(.0)
    )]
    Mixed(Vec<ServiceName>),
}

impl System {
    /// Compares two declared graphs. Without `templates_changed` a service moves if what it
    /// declares differs; with it, also if its template does (a service that is not named there has
    /// the same).
    ///
    /// An external caller calls what `old` says to the end, and may call what `new` says as soon as that
    /// is served. One that only `new` has comes with the release; one that only `old` has counts as ended,
    /// since whoever took it out said so.
    pub fn between(
        old: &Graph,
        new: &Graph,
        templates_changed: Option<&BTreeMap<ServiceName, bool>>,
    ) -> Self {
        let live = old.services.iter().map(|(name, service)| {
            (
                name.clone(),
                vec![Revision::declared(LIVE, service.interface.clone())],
            )
        });
        let mut system = Self::from_live(live.collect(), new, templates_changed);
        for (name, outside) in &mut system.external {
            let calls = new.external.get(name).map(|caller| &caller.calls);
            let before = old.external.get(name);
            if before.map(|before| &before.calls) != calls {
                outside.coming = outside
                    .coming
                    .take()
                    .or_else(|| outside.live.pop())
                    .map(|now| Revision {
                        name: TARGET.to_owned(),
                        ..now
                    });
                outside.live = before.map(outside_revision).into_iter().collect();
            }
        }
        for (name, before) in &old.external {
            let outside = || Outside {
                live: vec![outside_revision(before)],
                coming: None,
                ended: Some(
                    before
                        .ended
                        .clone()
                        .unwrap_or_else(|| NOT_DECLARED.to_owned()),
                ),
            };
            system.external.entry(name.clone()).or_insert_with(outside);
        }
        for (name, member) in &mut system.services {
            let before = old.services.get(name);
            if let (Moves::Delete, Some(before)) = (member.moves, before) {
                member.manner = before.manner.clone();
            }
            member.was_routed(before.map_or(member.manner.routing, |one| one.manner.routing));
        }
        system
    }

    /// Plans from what really runs: the live revisions of each service. A service without any is
    /// absent; one with several must come down to one, so it moves. One that `new` does not have is
    /// deleted.
    pub fn from_live(
        mut live: BTreeMap<ServiceName, Vec<Revision>>,
        new: &Graph,
        templates_changed: Option<&BTreeMap<ServiceName, bool>>,
    ) -> Self {
        let mut services = BTreeMap::new();
        for (name, service) in &new.services {
            let live = live.remove(name).unwrap_or_default();
            let changed = templates_changed.map(|known| known.get(name).copied().unwrap_or(false));
            services.insert(name.clone(), Member::new(live, service, changed));
        }
        for (name, live) in live {
            if !live.is_empty() {
                services.insert(name, Member::deleted(live));
            }
        }
        let runs = |callee: &ServiceName| {
            let member: Option<&Member> = services.get(callee);
            member.is_some_and(|member| !member.live.is_empty())
        };
        let external = new.external.iter().map(|(name, caller)| {
            // What does not run yet nobody can have called.
            let mut known = caller.clone();
            known.calls.retain(|(callee, _), _| runs(callee));
            let is_all = known.calls.len() == caller.calls.len();
            let outside = Outside {
                live: vec![outside_revision(&known)],
                coming: (!is_all).then(|| Revision {
                    name: TARGET.to_owned(),
                    ..outside_revision(caller)
                }),
                ended: caller.ended.clone(),
            };
            (name.clone(), outside)
        });
        let external = external.collect();
        Self {
            services,
            external,
            assume: new.assume,
            repair: false,
        }
    }

    /// The same with the revisions of one service replaced, for `--live`: those that are live, and
    /// those that are gone and have left something durable. `None` if there is no such service.
    ///
    /// A service with several live ones must come down to one, so it moves. One that runs what the
    /// graph of before did not have and the target has is done.
    #[must_use]
    pub fn with_live(
        mut self,
        name: &ServiceName,
        live: Vec<Revision>,
        retained: Vec<Revision>,
    ) -> Option<Self> {
        let member = self.services.get_mut(name)?;
        let is_target = |one: &Revision, target: &Revision| one.interface == target.interface;
        let was_target = |target: &Revision| member.live.iter().any(|one| is_target(one, target));
        member.moves = match (live.as_slice(), &member.target, member.moves) {
            (_, _, Moves::Kept) => Moves::Kept,
            ([], None, _) => Moves::Stays,
            ([_, ..], None, _) => Moves::Delete,
            ([one], Some(target), Moves::Stays) if is_target(one, target) => Moves::Stays,
            ([one], Some(target), _) if is_target(one, target) && !was_target(target) => {
                Moves::Stays
            }
            (_, Some(_), Moves::Job) => Moves::Job,
            ([], Some(_), _) => Moves::Create,
            ([_, ..], Some(_), _) => Moves::Roll,
        };
        member.live = live;
        member.retained = retained;
        Some(self)
    }

    /// The same as a way back to an earlier release: what Jobs did stays, but for those of which
    /// the release that ran them says that it can be undone.
    #[must_use]
    pub fn going_back(mut self, can_be_undone: impl Fn(&ServiceName) -> bool) -> Self {
        for (name, member) in &mut self.services {
            if member.moves == Moves::Job && !can_be_undone(name) {
                member.moves = Moves::Kept;
            }
        }
        self
    }

    /// Only some services of the release: the others stay as they are.
    ///
    /// In: the names of those that may move. Errors: nobody has such a name, or another service is
    /// mixed and must come down to one revision first.
    pub fn only(mut self, names: &BTreeSet<ServiceName>) -> Result<Self, OnlyError> {
        if let Some(unknown) = names.iter().find(|name| !self.services.contains_key(*name)) {
            return Err(OnlyError::Unknown(unknown.clone()));
        }
        let mut mixed = Vec::new();
        let others = self
            .services
            .iter_mut()
            .filter(|(name, _)| !names.contains(*name));
        for (name, member) in others {
            if member.live.len() > 1 {
                mixed.push(name.clone());
            }
            member.moves = Moves::Stays;
        }
        if mixed.is_empty() {
            Ok(self)
        } else {
            Err(OnlyError::Mixed(mixed))
        }
    }
}

fn outside_revision(caller: &External) -> Revision {
    let interface = Interface {
        serves: Some(BTreeMap::new()),
        calls: caller.calls.clone(),
    };
    Revision::declared(LIVE, interface)
}

impl Member {
    /// `template_changed` is `None` where nobody compared the manifests.
    fn new(live: Vec<Revision>, service: &Service, template_changed: Option<bool>) -> Self {
        let is_job = service.is_job();
        let changed = match live.as_slice() {
            [one] => match (&one.interface, template_changed) {
                (Some(interface), changed) => {
                    *interface != service.interface || changed.unwrap_or(false)
                }
                (None, changed) => changed.unwrap_or(true),
            },
            [] | [_, _, ..] => true,
        };
        let moves = match (changed, live.is_empty()) {
            (false, _) => Moves::Stays,
            (true, _) if is_job => Moves::Job,
            (true, true) => Moves::Create,
            (true, false) => Moves::Roll,
        };
        let target = Some(Revision::declared(TARGET, service.interface.clone()));
        Self {
            live,
            retained: Vec::new(),
            target,
            moves,
            after: service.after.clone(),
            manner: service.manner.clone(),
        }
    }

    /// A service that goes away.
    pub fn deleted(live: Vec<Revision>) -> Self {
        Self {
            live,
            retained: Vec::new(),
            target: None,
            moves: Moves::Delete,
            after: BTreeSet::new(),
            manner: Manner::default(),
        }
    }

    /// Whether it stays though another revision of it is declared: it is no part of what is asked for.
    pub fn is_left_out(&self) -> bool {
        let is_target = |one: &Revision| {
            one.interface.is_none()
                || self
                    .target
                    .as_ref()
                    .is_some_and(|target| target.interface == one.interface)
        };
        match self.moves {
            Moves::Stays if self.live.is_empty() => self.target.is_some(),
            Moves::Stays => !self.live.iter().any(is_target),
            Moves::Create | Moves::Roll | Moves::Job | Moves::Delete | Moves::Kept => false,
        }
    }

    /// Tells how calls find it now: they find its version from the start only if they do so now.
    pub fn was_routed(&mut self, routing: Routing) {
        if routing == Routing::Blind {
            self.manner.routing = Routing::Blind;
        }
    }

    /// Whether nothing brings back what its Job takes away.
    pub fn is_irreversible(&self) -> bool {
        self.moves == Moves::Job
            && match self.manner.reversible {
                Some(reversible) => !reversible,
                None => self.is_dropping(),
            }
    }

    fn is_dropping(&self) -> bool {
        let serves = |revision: &Revision| revision.interface.as_ref()?.serves.clone();
        let new = self.target.as_ref().and_then(serves).unwrap_or_default();
        let old = self.live.iter().filter_map(serves).flatten();
        old.into_iter().any(|(contract, versions)| {
            let kept = new.get(&contract);
            versions
                .iter()
                .any(|one| kept.is_none_or(|kept| !kept.contains(one)))
        })
    }

    /// Who may be live before the release: `None` stands for "nothing runs".
    pub fn before(&self) -> Vec<Option<&Revision>> {
        if self.live.is_empty() {
            vec![None]
        } else {
            self.live.iter().map(Some).collect()
        }
    }

    /// Who is live once it is done. A service that stays is left as it is, mixed or not.
    pub fn at_end(&self) -> Vec<Option<&Revision>> {
        match self.moves {
            Moves::Stays | Moves::Kept => self.before(),
            Moves::Create | Moves::Roll | Moves::Job | Moves::Delete => vec![self.target.as_ref()],
        }
    }
}
