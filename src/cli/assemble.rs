//! Texts to the frozen input of a release, or every problem in them.

use std::collections::BTreeMap;

use kube::ResourceExt;

use super::diagnostics;
use super::failure::{Exit, Failure};
use super::output::Output;
use crate::manifest::{
    Bundle, Entry, Manifests, OwnedEntries, Ownership, Text, assign, beyond, broken_rules,
    place_in, read, unending, unknown_fields,
};
use crate::spec::crd::ReleasePlanSpec;
use crate::spec::{Code, Graph, ObjectRef, Place, Problem, Severity, check_graph, check_plan};

/// What was read from files, checked as a whole.
#[derive(Debug, Clone)]
pub(super) struct Assembled {
    /// The graph.
    pub graph: Graph,
    /// The frozen input.
    pub bundle: Bundle,
    /// The plan's name, if the files have a ReleasePlan.
    pub plan_name: Option<String>,
    /// Where each object stands.
    pub places: BTreeMap<ObjectRef, Place>,
}

/// Puts texts together.
///
/// In: the texts, the namespace where the objects go, and the plan of the cluster, which counts where the files
/// have none. Out: the whole, if nothing is an error, and every problem.
pub(super) fn assemble(
    texts: &[Text],
    namespace: &str,
    plan: Option<&ReleasePlanSpec>,
) -> (Option<Assembled>, Vec<Problem>) {
    let (mut manifests, mut problems) = read(texts);
    let graph = the_graph(&manifests, &mut problems);
    let (plan_name, plan) = the_plan(&manifests, plan, &mut problems);
    // Kinds that are not built in are asked of the cluster later; until then they get the namespace.
    problems.extend(place_in(&mut manifests.objects, namespace, |_| None));
    let Some((name, spec, graph, declared_at)) = graph else {
        return (None, problems);
    };
    let (ownership, owner_problems) = assign(&graph, &manifests.objects, namespace);
    let rule_problems = unknown_fields(&spec.completion, &manifests.objects);
    problems.extend(
        owner_problems
            .into_iter()
            .chain(rule_problems)
            .map(|problem| {
                if problem.place.is_some() {
                    return problem;
                }
                let place = declared_at(&problem.path);
                problem.at(place)
            }),
    );
    problems.extend(unending(&manifests.objects, &ownership));
    if problems
        .iter()
        .any(|problem| problem.severity == Severity::Error)
    {
        return (None, problems);
    }
    let places = manifests
        .objects
        .iter()
        .map(|object| (object.reference.clone(), object.place.clone()));
    let places = places.collect();
    let bundle = Bundle {
        graph_name: name,
        graph: spec,
        plan,
        namespace: namespace.to_owned(),
        services: owned(&ownership),
        shared: ownership.shared,
        objects: manifests
            .objects
            .into_iter()
            .map(|object| Entry {
                reference: object.reference,
                value: object.value,
            })
            .collect(),
    };
    (
        Some(Assembled {
            graph,
            bundle,
            plan_name,
            places,
        }),
        problems,
    )
}

fn owned(ownership: &Ownership) -> BTreeMap<crate::spec::ServiceName, OwnedEntries> {
    let services = ownership.services.iter().map(|(name, owned)| {
        let entries = OwnedEntries {
            workloads: owned.workloads.clone(),
            objects: owned.objects.clone(),
        };
        (name.clone(), entries)
    });
    services.collect()
}

type TheGraph<'a> = (
    String,
    crate::spec::crd::ServiceGraphSpec,
    Graph,
    Box<dyn Fn(&str) -> Place + 'a>,
);

/// The one graph of the files, checked.
pub(super) fn the_graph<'a>(
    manifests: &Manifests,
    problems: &mut Vec<Problem>,
) -> Option<TheGraph<'a>> {
    let Some(declared) = manifests.graphs.first() else {
        let unreadable = problems
            .iter()
            .any(|problem| problem.severity == Severity::Error);
        if !unreadable {
            problems.push(
                Problem::error(
                    Code::NoGraph,
                    "",
                    "there is no ServiceGraph among the manifests",
                )
                .hint("add a document of `kind: ServiceGraph`, or name its file with another `-f`"),
            );
        }
        return None;
    };
    if let Some(second) = manifests.graphs.get(1) {
        problems.push(
            Problem::error(
                Code::MoreThanOneGraph,
                "",
                format!(
                    "a second ServiceGraph; the first is at {}",
                    declared.place_of("")
                ),
            )
            .hint("a release has one graph: join the two")
            .at(second.place_of("")),
        );
    }
    let name = declared.value.name_any();
    let (graph, mut found) = check_graph(&name, &declared.value.spec);
    let broken = broken_rules("ServiceGraph", &declared.node.to_json());
    found.extend(beyond(broken, &found));
    problems.extend(found.into_iter().map(|problem| {
        let place = declared.place_of(&problem.path);
        problem.at(place)
    }));
    let positions = declared.clone();
    let place_of = move |path: &str| positions.place_of(path);
    Some((name, declared.value.spec.clone(), graph, Box::new(place_of)))
}

fn the_plan(
    manifests: &Manifests,
    known: Option<&ReleasePlanSpec>,
    problems: &mut Vec<Problem>,
) -> (Option<String>, ReleasePlanSpec) {
    let Some(declared) = manifests.plans.first() else {
        return (None, known.cloned().unwrap_or_default());
    };
    if let Some(second) = manifests.plans.get(1) {
        problems.push(
            Problem::error(Code::InvalidValue, "", "a second ReleasePlan")
                .hint("a release is a run of one plan")
                .at(second.place_of("")),
        );
    }
    let mut found = check_plan(&declared.value.spec);
    let broken = broken_rules("ReleasePlan", &declared.node.to_json());
    found.extend(beyond(broken, &found));
    problems.extend(found.into_iter().map(|problem| {
        let place = declared.place_of(&problem.path);
        problem.at(place)
    }));
    (Some(declared.value.name_any()), declared.value.spec.clone())
}

/// Says what is wrong, if something is; an error among it ends the command.
pub(super) fn tell_problems(
    output: &Output,
    problems: &[Problem],
    texts: &[Text],
) -> Result<(), Failure> {
    if problems.is_empty() {
        return Ok(());
    }
    output.say(diagnostics::render(problems, texts, output.colours()).trim_end());
    let errors = problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .count();
    match errors {
        0 => Ok(()),
        1 => Err(Failure::new(
            Exit::Usage,
            "1 problem must be mended first; nothing was done",
        )),
        errors => Err(Failure::new(
            Exit::Usage,
            format!("{errors} problems must be mended first; nothing was done"),
        )),
    }
}
