//! The stamp on a pod template: what this revision serves and calls, as one line of JSON.
//!
//! Written only in an apply that changes the template anyway (completion.md §5.9), read from live pods.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::crd::{Call, Durable, Negotiation, Serves};
use super::{
    ContractName, Interface, Need, Negotiate, Requirement, Retention, ServiceName, Version,
};

/// A text that is no stamp.
#[derive(Debug, thiserror::Error)]
#[error("the annotation `tidegate.dev/contract` is not what tidegate writes: {0}")]
pub struct StampError(String);

/// What a revision serves and calls, as it is written in stamps, saved plans and graphs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stamp {
    /// The contracts that it serves; `None` where nobody declared it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serves: Option<Vec<Serves>>,
    /// What it calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Call>,
}

impl From<&Interface> for Stamp {
    fn from(interface: &Interface) -> Self {
        let serves = interface.serves.as_ref().map(|serves| {
            serves
                .iter()
                .map(|(contract, versions)| Serves {
                    contract: Some(contract.to_string()),
                    versions: texts(versions),
                })
                .collect()
        });
        let calls = interface
            .calls
            .iter()
            .map(|((callee, contract), requirement)| call(callee, contract, requirement));
        Self {
            serves,
            calls: calls.collect(),
        }
    }
}

impl TryFrom<Stamp> for Interface {
    type Error = StampError;

    /// Names and versions are checked again: what was written elsewhere is foreign data.
    fn try_from(stamp: Stamp) -> Result<Self, StampError> {
        let serves = match stamp.serves {
            None => None,
            Some(serves) => Some(
                serves
                    .into_iter()
                    .map(served)
                    .collect::<Result<BTreeMap<_, _>, _>>()?,
            ),
        };
        let calls = stamp
            .calls
            .iter()
            .map(called)
            .collect::<Result<BTreeMap<_, _>, _>>()?;
        Ok(Self { serves, calls })
    }
}

/// The stamp of an interface. Equal interfaces give equal bytes.
pub fn write(interface: &Interface) -> String {
    // A struct of texts always has a JSON form.
    serde_json::to_string(&Stamp::from(interface)).unwrap_or_default()
}

fn texts(versions: &BTreeSet<Version>) -> Vec<String> {
    versions.iter().map(Version::to_string).collect()
}

fn call(callee: &ServiceName, contract: &ContractName, requirement: &Requirement) -> Call {
    let mut call = Call {
        service: callee.to_string(),
        contract: Some(contract.to_string()),
        optional: requirement.optional,
        weight: (requirement.weight != 1).then_some(requirement.weight),
        durable: requirement.durable.as_ref().map(|retention| Durable {
            drain: retention.to_string(),
        }),
        ..Call::default()
    };
    match &requirement.need {
        Need::Unknown => {}
        Need::Version(version) => call.version = Some(version.to_string()),
        Need::All(versions) => call.all = Some(texts(versions)),
        Need::Any(versions, negotiate) => {
            call.any = Some(texts(versions));
            call.negotiate = match negotiate {
                Negotiate::PerCall => None,
                Negotiate::PerConnection => Some(Negotiation::PerConnection),
                Negotiate::Cached => Some(Negotiation::Cached),
            };
        }
    }
    call
}

/// Reads a stamp back.
pub fn read(text: &str) -> Result<Interface, StampError> {
    let stamp: Stamp = serde_json::from_str(text).map_err(|error| StampError(error.to_string()))?;
    Interface::try_from(stamp)
}

fn served(serves: Serves) -> Result<(ContractName, BTreeSet<Version>), StampError> {
    let contract = serves
        .contract
        .ok_or_else(|| StampError("a contract without a name".to_owned()))?;
    Ok((contract_name(&contract)?, versions(&serves.versions)?))
}

fn called(call: &Call) -> Result<((ServiceName, ContractName), Requirement), StampError> {
    let callee = ServiceName::parse(&call.service)
        .map_err(|error| StampError(format!("`{}` {error}", call.service)))?;
    let contract = match &call.contract {
        Some(text) => contract_name(text)?,
        None => ContractName::from(&callee),
    };
    let need = match (&call.version, &call.all, &call.any) {
        (Some(text), _, _) => Need::Version(version(text)?),
        (None, Some(all), _) => Need::All(versions(all)?),
        (None, None, Some(any)) => {
            Need::Any(versions(any)?, super::check::negotiate(call.negotiate))
        }
        (None, None, None) => Need::Unknown,
    };
    let durable = match &call.durable {
        None => None,
        Some(Durable { drain }) => Some(
            Retention::parse(drain)
                .ok_or_else(|| StampError(format!("`{drain}` is no retention")))?,
        ),
    };
    Ok((
        (callee, contract),
        Requirement {
            need,
            optional: call.optional,
            weight: call.weight.unwrap_or(1),
            durable,
        },
    ))
}

fn contract_name(text: &str) -> Result<ContractName, StampError> {
    ContractName::parse(text).map_err(|error| StampError(format!("`{text}` {error}")))
}

fn version(text: &str) -> Result<Version, StampError> {
    Version::parse(text).map_err(|error| StampError(format!("`{text}` {error}")))
}

fn versions(texts: &[String]) -> Result<BTreeSet<Version>, StampError> {
    texts.iter().map(|text| version(text)).collect()
}
