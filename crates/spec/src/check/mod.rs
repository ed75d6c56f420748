//! From the objects as written to the checked ones, or every problem.

mod build;
mod buildkit;
mod channels;
mod circles;
mod completion;
mod contracts;
mod limits;
mod live;
mod plan;
mod source;
mod switch;

use std::collections::{BTreeMap, BTreeSet};

pub use build::OWN_PARAMETERS;
pub use channels::plain;
use channels::{Consumers, consumers};
use contracts::Called;
pub(super) use contracts::negotiate;
pub use limits::{
    CLUSTER_CALLS_MAX, CLUSTER_SERVICES_MAX, FILE_CALLS_MAX, FILE_SERVICES_MAX,
    too_large_for_cluster,
};
pub use live::{LiveRevision, check_live};
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
    check_graph_after(name, spec, None)
}

/// The same for a graph that takes the place of another: a service that is called and was there before has been
/// deleted, and is no misspelt name.
pub fn check_graph_after(
    name: &str,
    spec: &ServiceGraphSpec,
    before: Option<&Graph>,
) -> (Graph, Vec<Problem>) {
    let former = before.into_iter().flat_map(|before| before.services.keys());
    let mut checker = Checker {
        former: former.map(ToString::to_string).collect(),
        consumers: consumers(spec),
        ..Checker::default()
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
    checker.ends(spec);
    checker.size(spec);
    checker.circles(spec);
    checker
        .problems
        .extend(completion::check_rules(&spec.completion));
    (graph, checker.problems)
}

/// The kinds that `upgrade::gate` judges.
const JUDGED: [(&str, &str); 9] = [
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "Job"),
    ("apps/v1", "ReplicaSet"),
    ("v1", "Pod"),
    ("batch/v1", "CronJob"),
    ("argoproj.io/v1alpha1", "Rollout"),
    ("flagger.app/v1beta1", "Canary"),
];

#[derive(Default)]
struct Checker {
    /// Every name that some entry gives, so that a call to a service whose own entry is wrong is not
    /// reported as unknown too.
    names: BTreeSet<String>,
    /// Those of them that are names, so that all who call one share its text.
    shared: BTreeSet<ServiceName>,
    /// The names that the graph before had.
    former: BTreeSet<String>,
    consumers: Consumers,
    /// Every call that was read, for what can be judged only once all services are known.
    called: Vec<Called>,
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
        let parsed = self.names.iter().map(|name| ServiceName::parse(name));
        self.shared = parsed.flatten().collect();
    }

    fn service(
        &mut self,
        path: &str,
        declaration: &ServiceDeclaration,
    ) -> Option<(ServiceName, Service)> {
        let parsed = ServiceName::parse(&declaration.name);
        if let Err(error) = &parsed {
            let path = format!("{path}.name");
            self.invalid_name(path, "a service's name", &declaration.name, error);
        }
        // The rest is checked too.
        let is_named = parsed.is_ok();
        let name = parsed.unwrap_or_else(|_| ServiceName::of_nobody());
        let serves = declaration
            .serves
            .as_ref()
            .map(|serves| self.serves(path, &name, serves));
        let serves = self.consumes(path, &name, declaration, serves);
        let mut calls = self.calls(path, &declaration.calls);
        self.produces(path, &name, &declaration.produces, &mut calls);
        if let Some(switch) = &declaration.switch {
            self.switch(&format!("{path}.switch"), switch, &calls);
        }
        let after = self.after(path, &declaration.name, &declaration.after);
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
        is_named.then_some((name, service))
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
        self.until(path, caller);
        Some((
            name,
            External {
                path: path.to_owned(),
                calls,
                ended: caller.ended.clone(),
            },
        ))
    }

    /// What a caller says of its end. The plan has no clock and measures nothing: only `ended` ends it.
    fn until(&mut self, path: &str, caller: &ExternalCaller) {
        let Some(until) = &caller.until else { return };
        let path = format!("{path}.until");
        let is_day = |text: &str| text.parse::<jiff::civil::Date>().is_ok();
        match (until.as_str(), &caller.ended) {
            ("never", None) => {}
            ("never", Some(_)) => self.report(
                Problem::error(
                    Code::InvalidValue,
                    path,
                    "`until: never` and `ended` contradict each other",
                )
                .hint("keep the one that is true"),
            ),
            (text, _)
                if text.starts_with(|c: char| c.is_ascii_digit())
                    && text.chars().all(|c| c.is_ascii_digit() || c == '-')
                    && !is_day(text) =>
            {
                let wrong = format!("`{text}` is no day");
                self.report(
                    Problem::error(Code::InvalidValue, path, wrong)
                        .hint("write it as `2027-06-30`"),
                );
            }
            (_, Some(_)) => {}
            (text, None) => {
                let name = &caller.name;
                let wrong = format!(
                    "`{text}` ends nothing by itself: `{name}` counts as a caller until somebody has seen that its calls have stopped"
                );
                self.report(
                    Problem::error(Code::NotSupported, path, wrong)
                        .warning()
                        .hint("once they have, write what shows it: `ended: no call in 30 days`"),
                );
            }
        }
    }

    fn after(&mut self, path: &str, own: &str, after: &[String]) -> BTreeSet<ServiceName> {
        let mut checked = BTreeSet::new();
        for (index, text) in after.iter().enumerate() {
            let path = format!("{path}.after[{index}]");
            if text == own {
                self.report(Problem::error(
                    Code::InvalidValue,
                    path,
                    format!("`{own}` cannot come after itself"),
                ));
            } else if let Some(name) = self.callee(&path, text, Some(own)) {
                checked.insert(name);
            }
        }
        checked
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
