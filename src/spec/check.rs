//! From the objects as written to the checked ones, or every problem.

use std::collections::{BTreeMap, BTreeSet};

use super::crd::{
    AssumePolicy, Call, Channel, ExternalCaller, Negotiation, ReleasePlanSpec, Routing, Serves,
    ServiceDeclaration, ServiceGraphSpec, WorkloadRef,
};
use super::{
    Assume, Code, ContractName, External, Graph, Interface, NameError, Need, Negotiate, ObjectRef,
    Problem, Requirement, Service, ServiceName, Version, did_you_mean,
};

/// Checks a graph as a whole.
///
/// In: the object's name and spec, as read from a file or the cluster. Out: the checked graph with all that
/// was good, and every problem; the graph may be used only if none of them is an error.
pub fn check_graph(name: &str, spec: &ServiceGraphSpec) -> (Graph, Vec<Problem>) {
    let mut checker = Checker {
        names: BTreeSet::new(),
        problems: Vec::new(),
    };
    let mut graph = Graph {
        name: name.to_owned(),
        ..Graph::default()
    };
    graph.assume = match spec.assume {
        AssumePolicy::ServerFirst => Assume::ServerFirst,
        AssumePolicy::Strict => Assume::Strict,
    };
    checker.collect_names(spec);
    for (index, declaration) in spec.services.iter().enumerate() {
        let path = format!("spec.services[{index}]");
        if let Some((name, service)) = checker.service(&path, declaration) {
            graph.services.insert(name, service);
        }
    }
    for (index, caller) in spec.external.iter().enumerate() {
        let path = format!("spec.external[{index}]");
        if let Some((name, external)) = checker.external(&path, caller) {
            graph.external.insert(name, external);
        }
    }
    checker.edges(&graph);
    (graph, checker.problems)
}

struct Checker {
    /// Every name that some entry gives, so that a call to a service whose own entry is wrong is not
    /// reported as unknown too.
    names: BTreeSet<String>,
    problems: Vec<Problem>,
}

impl Checker {
    fn report(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    fn invalid_name(&mut self, path: String, what: &str, text: &str, error: &NameError) {
        self.report(Problem::error(
            Code::InvalidValue,
            path,
            format!("{what} `{text}` {error}"),
        ));
    }

    fn collect_names(&mut self, spec: &ServiceGraphSpec) {
        let services = spec
            .services
            .iter()
            .enumerate()
            .map(|(i, s)| (format!("spec.services[{i}].name"), &s.name));
        let external = spec
            .external
            .iter()
            .enumerate()
            .map(|(i, e)| (format!("spec.external[{i}].name"), &e.name));
        let mut first_at: BTreeMap<&str, String> = BTreeMap::new();
        for (path, name) in services.chain(external) {
            if let Some(first) = first_at.get(name.as_str()) {
                self.problems.push(
                    Problem::error(
                        Code::DuplicateService,
                        path,
                        format!("`{name}` is declared twice; the first is {first}"),
                    )
                    .hint("keep one of the two, or rename one"),
                );
            } else {
                first_at.insert(name, path);
            }
        }
        self.names = spec
            .services
            .iter()
            .map(|service| service.name.clone())
            .collect();
    }

    fn service(
        &mut self,
        path: &str,
        declaration: &ServiceDeclaration,
    ) -> Option<(ServiceName, Service)> {
        let name = match ServiceName::parse(&declaration.name) {
            Ok(name) => name,
            Err(error) => {
                self.invalid_name(
                    format!("{path}.name"),
                    "a service's name",
                    &declaration.name,
                    &error,
                );
                return None;
            }
        };
        if declaration.routing == Routing::Versioned {
            self.report(not_supported(
                format!("{path}.routing"),
                "`routing: versioned`",
                "leave it out: calls then count as reaching any version",
            ));
        }
        let serves = declaration
            .serves
            .as_ref()
            .map(|serves| self.serves(path, &name, serves));
        let calls = self.calls(path, &declaration.calls);
        let after = self.after(path, &name, &declaration.after);
        let service = Service {
            path: path.to_owned(),
            workloads: declaration.workloads.iter().map(workload).collect(),
            interface: Interface { serves, calls },
            after,
            drain: declaration.drain,
        };
        Some((name, service))
    }

    fn external(&mut self, path: &str, caller: &ExternalCaller) -> Option<(ServiceName, External)> {
        let name = match ServiceName::parse(&caller.name) {
            Ok(name) => name,
            Err(error) => {
                self.invalid_name(
                    format!("{path}.name"),
                    "a caller's name",
                    &caller.name,
                    &error,
                );
                return None;
            }
        };
        let calls = self.calls(path, &caller.calls);
        Some((
            name,
            External {
                path: path.to_owned(),
                calls,
            },
        ))
    }

    fn serves(
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

    fn contract(
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

    fn versions(&mut self, path: &str, versions: &[String]) -> BTreeSet<Version> {
        let mut checked = BTreeSet::new();
        for (index, text) in versions.iter().enumerate() {
            match Version::parse(text) {
                Ok(version) => {
                    if !checked.insert(version) {
                        self.report(Problem::error(
                            Code::InvalidValue,
                            format!("{path}[{index}]"),
                            format!("version `{text}` is written twice"),
                        ));
                    }
                }
                Err(error) => {
                    self.invalid_name(format!("{path}[{index}]"), "a version", text, &error);
                }
            }
        }
        checked
    }

    fn calls(
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
            self.unsupported(&path, call);
            let requirement = Requirement {
                need: self.need(&path, call),
                optional: call.optional,
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

    fn callee(&mut self, path: &str, text: &str) -> Option<ServiceName> {
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

    fn need(&mut self, path: &str, call: &Call) -> Need {
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

    fn unsupported(&mut self, path: &str, call: &Call) {
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
        if call.durable.is_some() {
            self.report(not_supported(
                format!("{path}.durable"),
                "`durable`",
                "what was written outlives the writer, and draining it is not planned yet; release the two services one by one",
            ));
        } else if call.channel == Channel::Schema {
            self.report(not_supported(
                format!("{path}.channel"),
                "`channel: schema`",
                "declare the schema job as a service with a Job workload, called by `rpc`",
            ));
        }
    }

    fn after(&mut self, path: &str, own: &ServiceName, after: &[String]) -> BTreeSet<ServiceName> {
        let mut checked = BTreeSet::new();
        for (index, text) in after.iter().enumerate() {
            let path = format!("{path}.after[{index}]");
            if text == own.as_str() {
                self.report(Problem::error(
                    Code::InvalidValue,
                    path,
                    format!("`{own}` cannot come after itself"),
                ));
            } else if let Some(name) = self.callee(&path, text) {
                checked.insert(name);
            }
        }
        checked
    }

    /// A called contract must be served, where the callee says what it serves.
    fn edges(&mut self, graph: &Graph) {
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

pub(super) fn negotiate(written: Option<Negotiation>) -> Negotiate {
    match written {
        None | Some(Negotiation::PerCall) => Negotiate::PerCall,
        Some(Negotiation::PerConnection) => Negotiate::PerConnection,
        Some(Negotiation::Cached) => Negotiate::Cached,
    }
}

fn workload(written: &WorkloadRef) -> ObjectRef {
    ObjectRef {
        api_version: written.api_version.clone(),
        kind: written.kind.clone(),
        namespace: String::new(),
        name: written.name.clone(),
    }
}

fn not_supported(path: String, what: &str, hint: &str) -> Problem {
    Problem::error(
        Code::NotSupported,
        path,
        format!("{what} is not carried out by this version of tidegate"),
    )
    .hint(hint)
}

fn list<'a>(names: impl Iterator<Item = &'a ContractName>) -> String {
    names
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Checks what the schema of a plan cannot say.
///
/// In: the spec as read. Out: every problem.
pub fn check_plan(spec: &ReleasePlanSpec) -> Vec<Problem> {
    let mut problems = Vec::new();
    let durations = [
        ("spec.strategy.settle", &spec.strategy.settle),
        (
            "spec.strategy.deadlines.service",
            &spec.strategy.deadlines.service,
        ),
        (
            "spec.strategy.deadlines.release",
            &spec.strategy.deadlines.release,
        ),
    ];
    for (path, text) in durations {
        let Some(text) = text else { continue };
        if super::duration::parse(text).is_none() {
            problems.push(
                Problem::error(Code::InvalidValue, path, format!("`{text}` is no duration"))
                    .hint("write it as `90s`, `10m` or `1h30m`"),
            );
        }
    }
    problems
}
