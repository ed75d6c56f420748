//! What a service serves and calls, checked.

use std::collections::{BTreeMap, BTreeSet};

use super::Checker;
use crate::crd::{Call, Durable, Negotiation, Serves};
use crate::{
    Code, ContractName, Fix, Graph, Need, Negotiate, Problem, Requirement, Retention, ServiceName,
    Version, did_you_mean,
};

/// A call as it was read.
pub(super) struct Called {
    /// Where its entry stands.
    path: String,
    pub callee: ServiceName,
    pub contract: ContractName,
    /// The versions that it wants, where one of them is a range, and the field that they stand in.
    ranges: Option<(BTreeSet<Version>, &'static str)>,
}

impl Checker {
    pub(super) fn serves(
        &mut self,
        path: &str,
        service: &ServiceName,
        serves: &[Serves],
    ) -> BTreeMap<ContractName, BTreeSet<Version>> {
        let mut checked = BTreeMap::new();
        for (index, served) in serves.iter().enumerate() {
            let path = format!("{path}.serves[{index}]");
            let Some(contract) = self.contract(&path, served.contract.as_deref(), service) else {
                continue;
            };
            let versions = self.served_versions(&format!("{path}.versions"), &served.versions);
            if checked.insert(contract.clone(), versions).is_some() {
                self.report(
                    Problem::error(
                        Code::InvalidValue,
                        path,
                        format!("the contract `{contract}` is served twice"),
                    )
                    .hint("write all of its versions in one entry"),
                );
            }
        }
        checked
    }

    pub(super) fn contract(
        &mut self,
        path: &str,
        written: Option<&str>,
        service: &ServiceName,
    ) -> Option<ContractName> {
        match written {
            None => Some(ContractName::from(service)),
            Some(text) => match ContractName::parse(text) {
                Ok(contract) => Some(contract),
                Err(error) => {
                    self.invalid_name(
                        format!("{path}.contract"),
                        "a contract's name",
                        text,
                        &error,
                    );
                    None
                }
            },
        }
    }

    pub(super) fn versions(&mut self, path: &str, versions: &[String]) -> BTreeSet<Version> {
        let mut checked = BTreeSet::new();
        for (index, text) in versions.iter().enumerate() {
            match Version::parse(text) {
                Ok(version) => {
                    if !checked.insert(version) {
                        let problem = Problem::error(
                            Code::InvalidValue,
                            format!("{path}[{index}]"),
                            format!("version `{text}` is written twice"),
                        );
                        let text = text.clone();
                        self.report(problem.fix(Some(Fix::RemoveEntry { text })));
                    }
                }
                Err(error) => {
                    self.invalid_name(format!("{path}[{index}]"), "a version", text, &error);
                }
            }
        }
        checked
    }

    /// Versions that are served or written: a range of them says nothing that a caller could be held against.
    pub(super) fn served_versions(&mut self, path: &str, versions: &[String]) -> BTreeSet<Version> {
        for (index, text) in versions.iter().enumerate() {
            if Version::parse(text).is_ok_and(|version| version.is_range()) {
                self.report(
                    Problem::error(
                        Code::InvalidValue,
                        format!("{path}[{index}]"),
                        format!("`{text}` is a range, and what is served is a list of versions"),
                    )
                    .hint("write each version that it serves, for instance `1.4`; callers write ranges"),
                );
            }
        }
        self.versions(path, versions)
    }

    pub(super) fn calls(
        &mut self,
        path: &str,
        calls: &[Call],
    ) -> BTreeMap<(ServiceName, ContractName), Requirement> {
        let mut checked = BTreeMap::new();
        for (index, call) in calls.iter().enumerate() {
            let path = format!("{path}.calls[{index}]");
            let Some(callee) = self.callee(&format!("{path}.service"), &call.service, None) else {
                continue;
            };
            let Some(contract) = self.contract(&path, call.contract.as_deref(), &callee) else {
                continue;
            };
            self.companions(&path, call);
            let requirement = Requirement {
                need: self.need(&path, call),
                optional: call.optional,
                weight: call.weight.unwrap_or(1),
                durable: self.retention(&path, call.durable.as_ref()),
            };
            self.called.push(Called {
                ranges: ranges(&requirement.need),
                path: path.clone(),
                callee: callee.clone(),
                contract: contract.clone(),
            });
            if checked
                .insert((callee.clone(), contract.clone()), requirement)
                .is_some()
            {
                self.report(
                    Problem::error(
                        Code::InvalidValue,
                        path,
                        format!("`{contract}` of `{callee}` is called in two entries"),
                    )
                    .hint("write one entry; several versions go into `all` or `any`"),
                );
            }
        }
        checked
    }

    /// In: the name of a service that is called or waited for, and that of the service which may not be meant.
    pub(super) fn callee(
        &mut self,
        path: &str,
        text: &str,
        but: Option<&str>,
    ) -> Option<ServiceName> {
        if self.names.contains(text) {
            let shared = self.shared.get(text).cloned();
            return shared.or_else(|| ServiceName::parse(text).ok());
        }
        let known = self.names.iter().map(String::as_str);
        let near = did_you_mean(text, known.filter(|name| Some(*name) != but));
        let (wrong, hint) = match near {
            _ if self.former.contains(text) => (
                format!(
                    "`{text}` runs today and the new graph deletes it, but it is still named here"
                ),
                format!("remove what refers to it, or keep `{text}` under `spec.services`"),
            ),
            Some(near) => (
                format!("there is no service `{text}`"),
                format!("did you mean `{near}`?"),
            ),
            None => (
                format!("there is no service `{text}`"),
                "declare it under `spec.services`".to_owned(),
            ),
        };
        self.report(Problem::error(Code::UnknownService, path, wrong).hint(hint));
        None
    }

    pub(super) fn need(&mut self, path: &str, call: &Call) -> Need {
        match (&call.version, &call.all, &call.any) {
            (None, None, None) => Need::Unknown,
            (Some(text), None, None) => match Version::parse(text) {
                Ok(version) => Need::Version(version),
                Err(error) => {
                    self.invalid_name(format!("{path}.version"), "a version", text, &error);
                    Need::Unknown
                }
            },
            (None, Some(all), None) => Need::All(self.versions(&format!("{path}.all"), all)),
            (None, None, Some(any)) => Need::Any(
                self.versions(&format!("{path}.any"), any),
                negotiate(call.negotiate),
            ),
            (_, _, _) => {
                self.report(
                    Problem::error(
                        Code::BareVersions,
                        path,
                        "more than one of `version`, `all` and `any`",
                    )
                    .hint("write `version` (exactly this), `all` (may use any of these at any time) or `any` (adapts call by call)"),
                );
                Need::Unknown
            }
        }
    }

    /// Fields that go together.
    fn companions(&mut self, path: &str, call: &Call) {
        if call.negotiate.is_some() && call.any.is_none() {
            self.report(
                Problem::error(
                    Code::InvalidValue,
                    format!("{path}.negotiate"),
                    "`negotiate` goes with `any`",
                )
                .hint("remove it, or write the versions under `any`"),
            );
        }
        if call.weight.is_some() && !call.optional {
            self.report(
                Problem::error(
                    Code::InvalidValue,
                    format!("{path}.weight"),
                    "`weight` goes with `optional`",
                )
                .hint("remove it: a call that must succeed is always kept"),
            );
        }
    }

    pub(super) fn retention(&mut self, path: &str, durable: Option<&Durable>) -> Option<Retention> {
        let Durable { drain } = durable?;
        let retention = Retention::parse(drain);
        if retention.is_none() {
            self.report(
                Problem::error(
                    Code::InvalidValue,
                    format!("{path}.durable.drain"),
                    format!("`{drain}` does not say when nothing of the old writer is left"),
                )
                .hint("write a time such as `7d` or `36h`, or `lag`, or `manual`"),
            );
        }
        retention
    }

    /// A called contract must be served, where the callee says what it serves, and in versions that can match.
    pub(super) fn edges(&mut self, graph: &Graph) {
        for call in &self.called {
            let callee = graph.services.get(&call.callee);
            let Some(served) = callee.and_then(|callee| callee.interface.serves.as_ref()) else {
                continue;
            };
            let problem = match served.get(&call.contract) {
                None => Some(not_served(call, served.keys())),
                Some(versions) => never_matches(call, versions),
            };
            self.problems.extend(problem);
        }
    }
}

fn not_served<'a>(
    Called {
        path,
        callee,
        contract,
        ..
    }: &Called,
    served: impl Iterator<Item = &'a ContractName> + Clone,
) -> Problem {
    let hint = match did_you_mean(contract.as_str(), served.clone().map(ContractName::as_str)) {
        Some(near) => format!("did you mean `contract: {near}`?"),
        None if served.clone().next().is_none() => {
            format!("add it to what `{callee}` serves, or remove the call")
        }
        None => format!("`{callee}` serves {}", list(served)),
    };
    Problem::error(
        Code::UnknownContract,
        format!("{path}.contract"),
        format!("`{callee}` does not serve a contract `{contract}`"),
    )
    .hint(hint)
}

/// A range over texts that are no numbers: it would fail in silence, whatever is released.
fn never_matches(call: &Called, served: &BTreeSet<Version>) -> Option<Problem> {
    let (wanted, field) = call.ranges.as_ref()?;
    if served.iter().any(Version::is_number) || !wanted.is_disjoint(served) {
        return None;
    }
    let first = served.first()?;
    let wrong = format!(
        "{} never matches what `{}` serves: `{first}` is no version that semver can compare",
        wanted
            .iter()
            .filter(|version| version.is_range())
            .map(|version| format!("`{version}`"))
            .collect::<Vec<_>>()
            .join(", "),
        call.callee
    );
    let number = first.as_str().trim_start_matches(['v', 'V']);
    let hint = if Version::parse(number).is_ok_and(|version| version.is_number()) {
        format!("serve `{number}`, or call `{first}`")
    } else {
        format!("call `{first}`, or serve numbers such as `1.4`")
    };
    Some(Problem::error(Code::InvalidValue, format!("{}.{field}", call.path), wrong).hint(hint))
}

fn ranges(need: &Need) -> Option<(BTreeSet<Version>, &'static str)> {
    let (versions, field) = match need {
        Need::Unknown => return None,
        Need::Version(version) => ([version.clone()].into(), "version"),
        Need::All(versions) => (versions.clone(), "all"),
        Need::Any(versions, _) => (versions.clone(), "any"),
    };
    let has_range = versions.iter().any(Version::is_range);
    has_range.then_some((versions, field))
}

pub(crate) fn negotiate(written: Option<Negotiation>) -> Negotiate {
    match written {
        None | Some(Negotiation::PerCall) => Negotiate::PerCall,
        Some(Negotiation::PerConnection) => Negotiate::PerConnection,
        Some(Negotiation::Cached) => Negotiate::Cached,
    }
}

fn list<'a>(names: impl Iterator<Item = &'a ContractName>) -> String {
    names
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
