//! Channels written from both ends: `produces` and `consumes`, brought to `calls` and `serves` (planning.md §3.4).
//!
//! Every service that consumes a contract serves it, and every service that produces it calls all of those, in all of
//! its versions.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::Checker;
use crate::crd::{Call, Channel, Produces, Serves, ServiceDeclaration, ServiceGraphSpec};
use crate::{Code, ContractName, Need, Problem, Requirement, ServiceName, Version, did_you_mean};

/// Who consumes each contract, in the order of the file.
pub(super) type Consumers = BTreeMap<String, Vec<String>>;

/// Who consumes which contract, as written.
pub(super) fn consumers(spec: &ServiceGraphSpec) -> Consumers {
    let mut consumers = Consumers::new();
    for service in &spec.services {
        for consumed in &service.consumes {
            let names = consumers.entry(consumed.contract.clone()).or_default();
            if !names.contains(&service.name) {
                names.push(service.name.clone());
            }
        }
    }
    consumers
}

/// The same graph with `calls` and `serves` alone: no `produces`, no `consumes`, and no values of switches, which say
/// nothing that `calls` does not.
///
/// In: a graph without errors. Out: one that is checked to the same.
pub fn plain(spec: &ServiceGraphSpec) -> ServiceGraphSpec {
    let consumers = consumers(spec);
    let mut plain = spec.clone();
    for service in &mut plain.services {
        let written = std::mem::take(&mut service.produces);
        for produced in &written {
            let readers = consumers.get(&produced.contract).into_iter().flatten();
            service
                .calls
                .extend(readers.map(|reader| call(produced, reader)));
        }
        let read = std::mem::take(&mut service.consumes);
        if !read.is_empty() {
            let serves = service.serves.get_or_insert_default();
            serves.extend(read.into_iter().map(|consumed| Serves {
                contract: Some(consumed.contract),
                versions: consumed.versions,
            }));
        }
        if let Some(switch) = &mut service.switch {
            switch.values.clear();
        }
    }
    plain
}

fn call(produced: &Produces, reader: &str) -> Call {
    Call {
        service: reader.to_owned(),
        contract: Some(produced.contract.clone()),
        all: Some(produced.versions.clone()),
        channel: produced.channel,
        durable: produced.durable.clone(),
        ..Call::default()
    }
}

impl Checker {
    /// What a service consumes, as what it serves beside.
    pub(super) fn consumes(
        &mut self,
        path: &str,
        service: &ServiceName,
        declaration: &ServiceDeclaration,
        serves: Option<BTreeMap<ContractName, BTreeSet<Version>>>,
    ) -> Option<BTreeMap<ContractName, BTreeSet<Version>>> {
        if declaration.consumes.is_empty() {
            return serves;
        }
        let mut serves = serves.unwrap_or_default();
        for (index, consumed) in declaration.consumes.iter().enumerate() {
            let path = format!("{path}.consumes[{index}]");
            let Some(contract) = self.contract(&path, Some(&consumed.contract), service) else {
                continue;
            };
            let versions = self.served_versions(&format!("{path}.versions"), &consumed.versions);
            if serves.insert(contract.clone(), versions).is_some() {
                let wrong = format!("the contract `{contract}` is served or consumed twice");
                self.report(
                    Problem::error(Code::InvalidValue, path, wrong)
                        .hint("write all of its versions in one entry"),
                );
            }
        }
        Some(serves)
    }

    /// What a service produces, as calls to all who consume it.
    pub(super) fn produces(
        &mut self,
        path: &str,
        service: &ServiceName,
        produces: &[Produces],
        calls: &mut BTreeMap<(ServiceName, ContractName), Requirement>,
    ) {
        for (index, produced) in produces.iter().enumerate() {
            let path = format!("{path}.produces[{index}]");
            if produced.channel == Channel::Rpc {
                self.report(
                    Problem::error(
                        Code::InvalidValue,
                        format!("{path}.channel"),
                        "what is called by `rpc` is written under `calls`",
                    )
                    .hint("write `queue`, `cache`, `schema`, `token` or `rows`, or a call"),
                );
            }
            let Some(contract) = self.contract(&path, Some(&produced.contract), service) else {
                continue;
            };
            let versions = self.served_versions(&format!("{path}.versions"), &produced.versions);
            let requirement = Requirement {
                durable: self.retention(&path, produced.durable.as_ref()),
                ..Requirement::plain(Need::All(versions))
            };
            let readers = self.consumers.get(&produced.contract).cloned();
            for reader in readers.unwrap_or_default() {
                // A reader whose own name is wrong is told there.
                let Ok(reader) = ServiceName::parse(&reader) else {
                    continue;
                };
                match calls.entry((reader, contract.clone())) {
                    Entry::Vacant(place) => {
                        place.insert(requirement.clone());
                    }
                    Entry::Occupied(place) => {
                        let (reader, contract) = place.key();
                        let wrong = format!(
                            "`{contract}` for `{reader}` is written in two entries of `{service}`"
                        );
                        self.report(
                            Problem::error(Code::InvalidValue, path.clone(), wrong).hint(
                                "keep one entry of `calls` and `produces`, with all versions",
                            ),
                        );
                    }
                }
            }
        }
    }

    /// A channel with one end orders nothing: mostly its name is written in two ways.
    pub(super) fn ends(&mut self, spec: &ServiceGraphSpec) {
        let produced: BTreeSet<&str> = spec
            .services
            .iter()
            .flat_map(|service| &service.produces)
            .map(|produced| produced.contract.as_str())
            .collect();
        for (index, service) in spec.services.iter().enumerate() {
            for (at, one) in service.produces.iter().enumerate() {
                if !self.consumers.contains_key(&one.contract) {
                    let path = format!("spec.services[{index}].produces[{at}].contract");
                    let wrong = format!(
                        "no service consumes `{}`, so this orders nothing",
                        one.contract
                    );
                    let near =
                        did_you_mean(&one.contract, self.consumers.keys().map(String::as_str));
                    let hint = hint(near, "write `consumes` of each service that reads it");
                    self.problems.push(
                        Problem::error(Code::OneEnd, path, wrong)
                            .warning()
                            .hint(hint),
                    );
                }
            }
            for (at, one) in service.consumes.iter().enumerate() {
                let is_called = || {
                    self.called.iter().any(|call| {
                        call.callee.as_str() == service.name
                            && call.contract.as_str() == one.contract
                    })
                };
                if produced.contains(one.contract.as_str()) || is_called() {
                    continue;
                }
                let path = format!("spec.services[{index}].consumes[{at}].contract");
                let wrong = format!(
                    "no service produces `{}`, so this orders nothing",
                    one.contract
                );
                let near = did_you_mean(&one.contract, produced.iter().copied());
                let hint = hint(near, "write `produces` of each service that writes it");
                self.problems.push(
                    Problem::error(Code::OneEnd, path, wrong)
                        .warning()
                        .hint(hint),
                );
            }
        }
    }
}

fn hint(near: Option<&str>, otherwise: &str) -> String {
    near.map_or_else(
        || otherwise.to_owned(),
        |near| format!("did you mean `{near}`?"),
    )
}
