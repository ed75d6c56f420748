//! From the objects as written to the checked ones, or every problem.

mod completion;
mod contracts;
mod plan;

use std::collections::{BTreeMap, BTreeSet};

pub(super) use contracts::negotiate;
pub use plan::check_plan;

use super::crd::{AssumePolicy, ExternalCaller, ServiceDeclaration, ServiceGraphSpec, WorkloadRef};
use super::{
    Assume, Code, External, Graph, Interface, Manner, NameError, ObjectRef, Problem, Service,
    ServiceName,
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
    checker
        .problems
        .extend(completion::check_rules(&spec.completion));
    (graph, checker.problems)
}

/// The kinds that `upgrade::gate` judges.
const JUDGED: [(&str, &str); 6] = [
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "Job"),
    ("apps/v1", "ReplicaSet"),
    ("v1", "Pod"),
];

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
        let serves = declaration
            .serves
            .as_ref()
            .map(|serves| self.serves(path, &name, serves));
        let calls = self.calls(path, &declaration.calls);
        let after = self.after(path, &name, &declaration.after);
        self.workloads(path, &declaration.workloads);
        self.manner(path, declaration);
        let service = Service {
            path: path.to_owned(),
            workloads: declaration.workloads.iter().map(workload).collect(),
            interface: Interface { serves, calls },
            after,
            drain: declaration.drain,
            manner: Manner {
                routing: declaration.routing,
                switch: declaration.switch.as_ref().map(|switch| switch.env.clone()),
                exclusive: declaration.exclusive.clone(),
                reversible: declaration.reversible,
            },
        };
        Some((name, service))
    }

    fn manner(&mut self, path: &str, declaration: &ServiceDeclaration) {
        let is_job = !declaration.workloads.is_empty()
            && declaration.workloads.iter().all(|one| one.kind == "Job");
        if declaration.reversible.is_some() && !is_job {
            self.report(
                Problem::error(
                    Code::InvalidValue,
                    format!("{path}.reversible"),
                    "`reversible` is said of a service that runs as a Job",
                )
                .hint("remove it: what is not a Job goes back by rolling back"),
            );
        }
        let switch = declaration.switch.as_ref();
        if let Some(switch) = switch.filter(|switch| !is_variable(&switch.env)) {
            self.report(Problem::error(
                Code::InvalidValue,
                format!("{path}.switch.env"),
                format!("`{}` is no name of an environment variable", switch.env),
            ));
        }
    }

    /// A workload whose rollout the gate cannot judge would never be done.
    fn workloads(&mut self, path: &str, workloads: &[WorkloadRef]) {
        for (index, workload) in workloads.iter().enumerate() {
            let kind = (workload.api_version.as_str(), workload.kind.as_str());
            if JUDGED.contains(&kind) {
                continue;
            }
            let wrong = format!(
                "the gate cannot tell when a {} of `{}` is done",
                workload.kind, workload.api_version
            );
            let hint = match JUDGED.iter().find(|(_, known)| *known == workload.kind) {
                Some((version, _)) => format!("write `apiVersion: {version}`"),
                None => format!(
                    "a service runs as one of {}",
                    JUDGED.map(|(_, k)| k).join(", ")
                ),
            };
            let path = format!("{path}.workloads[{index}]");
            self.report(Problem::error(Code::NotSupported, path, wrong).hint(hint));
        }
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
                ended: caller.ended.clone(),
            },
        ))
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
}

/// What the API server takes as the name of a variable that a shell can read too.
fn is_variable(text: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    !text.is_empty()
        && text.chars().all(is_letter)
        && !text.starts_with(|c: char| c.is_ascii_digit())
}

fn workload(written: &WorkloadRef) -> ObjectRef {
    ObjectRef {
        api_version: written.api_version.clone(),
        kind: written.kind.clone(),
        namespace: String::new(),
        name: written.name.clone(),
    }
}
