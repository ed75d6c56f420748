//! What a service serves and calls, checked.

use std::collections::{BTreeMap, BTreeSet};

use super::Checker;
use crate::spec::crd::{Call, Durable, Negotiation, Serves};
use crate::spec::{
    Code, ContractName, Fix, Graph, Need, Negotiate, Problem, Requirement, Retention, ServiceName,
    Version, did_you_mean,
};

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
            let versions = self.versions(&format!("{path}.versions"), &served.versions);
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

    pub(super) fn calls(
        &mut self,
        path: &str,
        calls: &[Call],
    ) -> BTreeMap<(ServiceName, ContractName), Requirement> {
        let mut checked = BTreeMap::new();
        for (index, call) in calls.iter().enumerate() {
            let path = format!("{path}.calls[{index}]");
            let Some(callee) = self.callee(&format!("{path}.service"), &call.service) else {
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
                durable: self.retention(&path, call),
            };
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

    pub(super) fn callee(&mut self, path: &str, text: &str) -> Option<ServiceName> {
        if !self.names.contains(text) {
            let hint = match did_you_mean(text, self.names.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "declare it under `spec.services`".to_owned(),
            };
            self.report(
                Problem::error(
                    Code::UnknownService,
                    path,
                    format!("there is no service `{text}`"),
                )
                .hint(hint),
            );
            return None;
        }
        ServiceName::parse(text).ok()
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

    fn retention(&mut self, path: &str, call: &Call) -> Option<Retention> {
        let Durable { drain } = call.durable.as_ref()?;
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

    /// A called contract must be served, where the callee says what it serves.
    pub(super) fn edges(&mut self, graph: &Graph) {
        let services = graph
            .services
            .values()
            .map(|service| (&service.path, &service.interface.calls));
        let external = graph
            .external
            .values()
            .map(|caller| (&caller.path, &caller.calls));
        for (path, calls) in services.chain(external) {
            for (callee, contract) in calls.keys() {
                let Some(served) = graph
                    .services
                    .get(callee)
                    .and_then(|s| s.interface.serves.as_ref())
                else {
                    continue;
                };
                if served.contains_key(contract) {
                    continue;
                }
                let hint = match did_you_mean(
                    contract.as_str(),
                    served.keys().map(ContractName::as_str),
                ) {
                    Some(near) => format!("did you mean `contract: {near}`?"),
                    None if served.is_empty() => {
                        format!("add it to what `{callee}` serves, or remove the call")
                    }
                    None => format!("`{callee}` serves {}", list(served.keys())),
                };
                self.problems.push(
                    Problem::error(
                        Code::UnknownContract,
                        format!("{path}.calls"),
                        format!("`{callee}` does not serve a contract `{contract}`"),
                    )
                    .hint(hint),
                );
            }
        }
    }
}

pub(in crate::spec) fn negotiate(written: Option<Negotiation>) -> Negotiate {
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
