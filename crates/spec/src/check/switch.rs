//! What a switch says of each of its values.

use std::collections::{BTreeMap, BTreeSet};

use super::Checker;
use crate::crd::{Call, Switch, SwitchCall};
use crate::{Code, ContractName, Need, Problem, Requirement, ServiceName};

type Calls = BTreeMap<(ServiceName, ContractName), Requirement>;

impl Checker {
    /// In: the switch of a service, and what its declared revision calls. That must be what one of the values says, or
    /// the plan would be of a revision that no value gives.
    pub(super) fn switch(&mut self, path: &str, switch: &Switch, declared: &Calls) {
        if !is_variable(&switch.env) {
            self.report(Problem::error(
                Code::InvalidValue,
                format!("{path}.env"),
                format!("`{}` is no name of an environment variable", switch.env),
            ));
        }
        let known = self.problems.len();
        let values: Vec<(&str, Calls)> = switch
            .values
            .iter()
            .map(|(value, decided)| {
                let path = value_path(path, value);
                let calls: Vec<Call> = decided.calls.iter().map(call).collect();
                for (index, call) in decided.calls.iter().enumerate() {
                    if call.version.is_none() && call.all.is_none() && call.any.is_none() {
                        let path = format!("{path}.calls[{index}]");
                        let wrong = "a call that a switch decides says in which version";
                        self.report(
                            Problem::error(Code::MissingField, path, wrong)
                                .hint("write `version`, `all` or `any`"),
                        );
                    }
                }
                (value.as_str(), self.calls(&path, &calls))
            })
            .collect();
        // What is wrong in a value is told already, and would make it differ.
        if values.is_empty() || self.problems.len() > known {
            return;
        }
        let decided: BTreeSet<_> = values.iter().flat_map(|(_, calls)| calls.keys()).collect();
        let need = |calls: &Calls, edge: &(ServiceName, ContractName)| -> Option<Need> {
            calls.get(edge).map(|requirement| requirement.need.clone())
        };
        let agrees = |calls: &Calls| {
            decided
                .iter()
                .all(|edge| need(calls, edge) == need(declared, edge))
        };
        if !values.iter().any(|(_, calls)| agrees(calls)) {
            let wrong = format!(
                "what `calls` says is what no value of `{}` calls: {}",
                switch.env,
                values
                    .iter()
                    .map(|(value, _)| format!("`{value}`"))
                    .collect::<Vec<_>>()
                    .join(", ")
            );
            self.report(
                Problem::error(Code::InvalidValue, format!("{path}.values"), wrong).hint(
                    "write into `calls` the calls of the value that the manifest of this release sets",
                ),
            );
        }
    }
}

fn call(written: &SwitchCall) -> Call {
    Call {
        service: written.service.clone(),
        contract: written.contract.clone(),
        version: written.version.clone(),
        all: written.all.clone(),
        any: written.any.clone(),
        ..Call::default()
    }
}

/// The path of a value, as it is written where fields are shown.
fn value_path(path: &str, value: &str) -> String {
    let simple = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '$');
    if !value.is_empty() && value.chars().all(simple) {
        format!("{path}.values.{value}")
    } else {
        format!("{path}.values[\"{value}\"]")
    }
}

/// What the API server takes as the name of a variable that a shell can read too.
fn is_variable(text: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    !text.is_empty()
        && text.chars().all(is_letter)
        && !text.starts_with(|c: char| c.is_ascii_digit())
}
