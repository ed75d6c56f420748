//! A small notation for systems: `orders: serves 1 -> 1,2 | web: calls orders 1 -> 2`.
//!
//! Services are parted by `|`, their clauses by `;`. A clause is `serves V,V`, `serves NAME V,V`,
//! `calls SERVICE NEED`, `calls SERVICE/CONTRACT NEED`, or a word: `image` (the template changes),
//! `new`, `deleted`, `job`, `external`, `undeclared`, `versioned`, `reversible`, `irreversible`,
//! `after x,y`, `switch ENV`, `exclusive GROUP`, `ended EVIDENCE`, `retained` (the first live
//! revision has no pod any more). `A -> B` is old and new; several live revisions are `A + B -> C`.
//! A need is `1`, `all 1,2`, `any 1,2`, `connection 1,2`, `cached 1,2`, `?` (not declared) or `-`
//! (no call); `optional`, `weight N` and `durable RETENTION` may follow the callee. The parts
//! `strict`, `repair` and `back` (a way back to an earlier release) are said of the whole.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{Member, Moves, Outside, Revision, System};
use crate::plan::{explain, plan};
use tidegate_spec::crd::Routing;
use tidegate_spec::{
    Assume, ContractName, Interface, Manner, Need, Negotiate, Requirement, Retention, ServiceName,
    Version,
};

/// The plan of a system in the notation, as people read it.
pub(super) fn plan_of(text: &str) -> String {
    let system = system_of(text);
    explain(&system, &plan(&system)).join("\n")
}

/// The system itself.
pub(super) fn system_of(text: &str) -> System {
    let mut system = System::default();
    let mut is_back = false;
    for part in text
        .split('|')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        match part {
            "strict" => system.assume = Assume::Strict,
            "repair" => system.repair = true,
            "back" => is_back = true,
            _ => add(&mut system, part),
        }
    }
    if is_back { back(system) } else { system }
}

fn back(system: System) -> System {
    let all = system.services.clone();
    system.going_back(|name| all[name].manner.reversible == Some(true))
}

fn add(system: &mut System, part: &str) {
    let (name, rest) = part.split_once(':').unwrap_or((part, ""));
    let draft = Draft::parse(name.trim(), rest);
    let name = service(name.trim());
    if draft.words.contains("external") {
        let live = draft.revisions(draft.live());
        let coming =
            (draft.target != draft.old[0]).then(|| draft.revision("target", &draft.target));
        let ended = draft.ended;
        let outside = Outside {
            live,
            coming,
            ended,
        };
        system.external.insert(name, outside);
    } else {
        system.services.insert(name, draft.member());
    }
}

#[derive(Default)]
struct Draft<'t> {
    words: BTreeSet<&'t str>,
    after: BTreeSet<ServiceName>,
    manner: Manner,
    ended: Option<String>,
    old: Vec<Interface>,
    target: Interface,
}

impl<'t> Draft<'t> {
    fn parse(name: &str, text: &'t str) -> Self {
        let mut draft = Self {
            old: vec![Interface::default()],
            ..Self::default()
        };
        draft.old[0].serves = Some(BTreeMap::new());
        draft.target.serves = Some(BTreeMap::new());
        for clause in text
            .split(';')
            .map(str::trim)
            .filter(|clause| !clause.is_empty())
        {
            let (word, rest) = clause.split_once(' ').unwrap_or((clause, ""));
            match word {
                "serves" => draft.serves(name, rest),
                "calls" => draft.calls(rest),
                "after" => draft.after = rest.split(',').map(|name| service(name.trim())).collect(),
                "switch" => draft.manner.switch = Some(rest.to_owned()),
                "exclusive" => draft.manner.exclusive = Some(rest.to_owned()),
                "ended" => draft.ended = Some(rest.to_owned()),
                "versioned" => draft.manner.routing = Routing::Versioned,
                "reversible" => draft.manner.reversible = Some(true),
                "irreversible" => draft.manner.reversible = Some(false),
                _ => drop(draft.words.insert(word)),
            }
        }
        draft
    }

    /// The interfaces of the live revisions and then the target's, one for each text.
    fn sides(&mut self, text: &'t str) -> Vec<(usize, &'t str)> {
        let (old, new) = text.split_once("->").unwrap_or((text, text));
        let old: Vec<&str> = if text.contains("->") {
            old.split('+').collect()
        } else {
            vec![old]
        };
        while self.old.len() < old.len() {
            self.old.push(self.old[0].clone());
        }
        let last = old.len() - 1;
        let each = (0..self.old.len()).map(|at| (at, old[at.min(last)].trim()));
        each.chain([(usize::MAX, new.trim())]).collect()
    }

    fn side(&mut self, at: usize) -> &mut Interface {
        if at == usize::MAX {
            &mut self.target
        } else {
            &mut self.old[at]
        }
    }

    fn serves(&mut self, service: &str, text: &'t str) {
        let is_named = text.split_once(' ').is_some_and(|(word, rest)| {
            word.starts_with(|c: char| c.is_ascii_alphabetic()) && !rest.starts_with(['-', '+'])
        });
        let (contract, text) = if is_named {
            text.split_once(' ').unwrap()
        } else {
            (service, text)
        };
        for (at, versions) in self.sides(text) {
            if versions != "-" {
                let served = self.side(at).serves.as_mut().unwrap();
                served.insert(
                    ContractName::parse(contract).unwrap(),
                    versions_of(versions),
                );
            }
        }
    }

    fn calls(&mut self, text: &'t str) {
        let (callee, text) = text.split_once(' ').unwrap();
        let (callee, contract) = callee.split_once('/').unwrap_or((callee, callee));
        let key = (service(callee), ContractName::parse(contract).unwrap());
        let mut like = Requirement::plain(Need::Unknown);
        let mut text = text;
        while let Some((word, rest)) = text.split_once(' ') {
            let (value, after_value) = rest.split_once(' ').unwrap_or((rest, ""));
            text = match word {
                "optional" => rest,
                "weight" | "durable" => after_value,
                _ => break,
            };
            match word {
                "optional" => like.optional = true,
                "weight" => like.weight = value.parse().unwrap(),
                _ => like.durable = Some(Retention::parse(value).unwrap()),
            }
        }
        for (at, need) in self.sides(text) {
            if let Some(need) = need_of(need) {
                let requirement = Requirement {
                    need,
                    ..like.clone()
                };
                self.side(at).calls.insert(key.clone(), requirement);
            }
        }
    }

    fn live(&self) -> &[Interface] {
        if self.words.contains("new") {
            &[]
        } else {
            &self.old
        }
    }

    fn revision(&self, name: &str, interface: &Interface) -> Revision {
        if self.words.contains("undeclared") {
            return Revision::undeclared(name);
        }
        Revision::declared(name, interface.clone())
    }

    fn revisions(&self, live: &[Interface]) -> Vec<Revision> {
        let name = |at| {
            if live.len() == 1 {
                "live".to_owned()
            } else {
                format!("live{at}")
            }
        };
        live.iter()
            .enumerate()
            .map(|(at, one)| self.revision(&name(at), one))
            .collect()
    }

    fn member(self) -> Member {
        let mut live = self.revisions(self.live());
        let retained = self.words.contains("retained").then(|| live.remove(0));
        let is_changed = live
            .iter()
            .any(|one| one.interface.as_ref() != Some(&self.target));
        let moves = match () {
            () if self.words.contains("deleted") => Moves::Delete,
            () if self.words.contains("job") => Moves::Job,
            () if self.words.contains("new") => Moves::Create,
            () if is_changed || self.words.contains("image") => Moves::Roll,
            () => Moves::Stays,
        };
        let target = self.revision("target", &self.target);
        let target = (moves != Moves::Delete).then_some(target);
        Member {
            live,
            retained: retained.into_iter().collect(),
            target,
            moves,
            after: self.after,
            manner: self.manner,
        }
    }
}

fn service(name: &str) -> ServiceName {
    ServiceName::parse(name).unwrap()
}

fn versions_of(text: &str) -> BTreeSet<Version> {
    text.split(',')
        .map(|version| Version::parse(version.trim()).unwrap())
        .collect()
}

fn need_of(text: &str) -> Option<Need> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    Some(match word {
        "-" => return None,
        "?" => Need::Unknown,
        "all" => Need::All(versions_of(rest)),
        "any" => Need::Any(versions_of(rest), Negotiate::PerCall),
        "connection" => Need::Any(versions_of(rest), Negotiate::PerConnection),
        "cached" => Need::Any(versions_of(rest), Negotiate::Cached),
        _ => Need::Version(Version::parse(text).unwrap()),
    })
}
