//! Texts to the frozen input of a release, or every problem in them.

use std::collections::BTreeMap;

use kube::ResourceExt;

use super::bundle::{Bundle, Entry, OwnedEntries};
use super::completion::unknown_fields;
use super::images::check_images;
use super::namespace::place_in;
use super::node::shorten;
use super::owner::{Ownership, assign};
use super::read::{Declared, Manifests, Text, read};
use super::rules::{beyond, broken_rules};
use super::unending::unending;
use tidegate_spec::crd::{ReleasePlanSpec, ServiceGraph};
use tidegate_spec::{
    Code, Graph, ObjectRef, Place, Problem, Severity, check_graph_after, check_plan,
    too_large_for_cluster,
};

/// What was read from files, checked as a whole.
#[derive(Debug, Clone)]
pub struct Assembled {
    /// The graph.
    pub graph: Graph,
    /// The frozen input.
    pub bundle: Bundle,
    /// The plan's name, if the files have a ReleasePlan.
    pub plan_name: Option<String>,
    /// Where each object stands.
    pub places: BTreeMap<ObjectRef, Place>,
    /// Why the graph cannot be written into a cluster, if it is too large for that.
    pub too_large: Vec<Problem>,
}

/// Puts texts together.
///
/// In: the texts, the namespace where the objects go, and the plan of the cluster, which counts where the files
/// have none. Out: the whole, if nothing is an error, and every problem.
pub fn assemble(
    texts: &[Text],
    namespace: &str,
    plan: Option<&ReleasePlanSpec>,
) -> (Option<Assembled>, Vec<Problem>) {
    assemble_after(texts, namespace, plan, None)
}

/// The same for what takes the place of another graph.
pub fn assemble_after(
    texts: &[Text],
    namespace: &str,
    plan: Option<&ReleasePlanSpec>,
    before: Option<&Graph>,
) -> (Option<Assembled>, Vec<Problem>) {
    let (mut manifests, mut problems) = read(texts);
    let mut objects = std::mem::take(&mut manifests.objects);
    let graph = the_graph(texts, &manifests, before, &mut problems);
    let (plan_name, plan) = the_plan(&manifests, plan, &mut problems);
    // Kinds that are not built in are asked of the cluster later; until then they get the namespace.
    problems.extend(place_in(&mut objects, namespace, |_| None));
    let Some((graph, declared)) = graph else {
        return (None, problems);
    };
    let (ownership, owner_problems) = assign(&graph, &objects, namespace);
    let rules = &declared.value.spec.completion;
    let rule_problems = unknown_fields(rules, &objects);
    for problem in owner_problems.into_iter().chain(rule_problems) {
        match problem.place {
            Some(_) => problems.push(problem),
            None => problems.extend(declared.beyond_refused(vec![problem])),
        }
    }
    problems.extend(unending(&objects, &ownership));
    let of_builds = check_images(&plan, &objects, &ownership);
    match manifests.plans.first() {
        Some(declared) => problems.extend(declared.beyond_refused(of_builds)),
        None => problems.extend(of_builds),
    }
    if problems
        .iter()
        .any(|problem| problem.severity == Severity::Error)
    {
        return (None, problems);
    }
    let places = objects
        .iter()
        .map(|object| (object.reference.clone(), object.place.clone()));
    let places = places.collect();
    let too_large = declared
        .beyond_refused(too_large_for_cluster(&declared.value.spec))
        .collect();
    let bundle = Bundle {
        graph_name: graph.name.clone(),
        graph: declared.value.spec.clone(),
        plan,
        namespace: namespace.to_owned(),
        services: owned(&ownership),
        shared: ownership.shared,
        builds: BTreeMap::new(),
        objects: objects
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
            too_large,
        }),
        problems,
    )
}

fn owned(ownership: &Ownership) -> BTreeMap<tidegate_spec::ServiceName, OwnedEntries> {
    let services = ownership.services.iter().map(|(name, owned)| {
        let entries = OwnedEntries {
            workloads: owned.workloads.clone(),
            objects: owned.objects.clone(),
        };
        (name.clone(), entries)
    });
    services.collect()
}

/// The one graph of the files, checked, and as it was read.
pub fn the_graph<'a>(
    texts: &[Text],
    manifests: &'a Manifests,
    before: Option<&Graph>,
    problems: &mut Vec<Problem>,
) -> Option<(Graph, &'a Declared<ServiceGraph>)> {
    let Some(declared) = manifests.graphs.first() else {
        let unreadable = problems
            .iter()
            .any(|problem| problem.severity == Severity::Error);
        if !unreadable {
            let of = match texts {
                [text] => format!("in `{}`", shorten(&text.file)),
                texts => format!("among the manifests of {} files", texts.len()),
            };
            problems.push(
                Problem::error(Code::NoGraph, "", format!("there is no ServiceGraph {of}"))
                    .hint("add a document of `kind: ServiceGraph`, or give the file that has it"),
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
    let (graph, mut found) = check_graph_after(&name, &declared.value.spec, before);
    let broken = broken_rules("ServiceGraph", &declared.node.to_json());
    found.extend(beyond(broken, &found));
    problems.extend(declared.beyond_refused(found));
    Some((graph, declared))
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
    problems.extend(declared.beyond_refused(found));
    (Some(declared.value.name_any()), declared.value.spec.clone())
}
