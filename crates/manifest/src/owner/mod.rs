//! Which object belongs to which service.
//!
//! In: the checked graph and the objects. Out: an [`Ownership`]: each object belongs to one service, or to none
//! and is then applied before the first wave. The rules, first match wins: a workload that the graph names; the
//! label `app.kubernetes.io/name` or `app`; what it selects, scales or leads to; who refers to it.

mod refers;
mod selects;

use std::collections::{BTreeMap, BTreeSet};

use super::object::Object;
use super::order::{apply_order, is_foundation};
use tidegate_spec::{Code, Graph, ObjectRef, Problem, ServiceName, did_you_mean};

/// The objects of one service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owned {
    /// What a gate waits for, in the order of applying.
    pub workloads: Vec<usize>,
    /// All, workloads included, in the order of applying.
    pub objects: Vec<usize>,
}

/// Who owns what; numbers are indexes of the objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ownership {
    /// By service: every one of the graph, even without objects.
    pub services: BTreeMap<ServiceName, Owned>,
    /// What belongs to no service, in the order of applying.
    pub shared: Vec<usize>,
}

/// Divides the objects among the services of the graph. `namespace` is the plan's.
pub fn assign(graph: &Graph, objects: &[Object], namespace: &str) -> (Ownership, Vec<Problem>) {
    let mut assigning = Assigning::new(graph, objects, namespace);
    let absent = assigning.by_name();
    assigning.by_label();
    assigning.by_selection();
    assigning.by_reference();
    for absent in &absent {
        assigning.report_absent(absent);
    }
    assigning.report_unclaimed();
    assigning.finish()
}

/// Group, kind and name of an object in the plan's namespace.
type Identity<'a> = (&'a str, &'a str, &'a str);

struct Assigning<'a> {
    graph: &'a Graph,
    objects: &'a [Object],
    namespace: &'a str,
    index: BTreeMap<Identity<'a>, usize>,
    owners: Vec<Option<&'a ServiceName>>,
    workloads: BTreeMap<usize, String>,
    problems: Vec<Problem>,
}

/// A workload that the graph names and the manifests lack.
struct Absent<'a> {
    service: &'a ServiceName,
    path: String,
    reference: ObjectRef,
    /// Named by the graph, not by default.
    explicit: bool,
}

impl<'a> Assigning<'a> {
    fn new(graph: &'a Graph, objects: &'a [Object], namespace: &'a str) -> Self {
        let here = |object: &Object| {
            object.reference.namespace.is_empty() || object.reference.namespace == namespace
        };
        let index = objects
            .iter()
            .enumerate()
            .filter(|(_, object)| here(object))
            .map(|(number, object)| (identity(&object.reference), number))
            .collect();
        Self {
            graph,
            objects,
            namespace,
            index,
            owners: vec![None; objects.len()],
            workloads: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    fn owner(&self, number: usize) -> Option<&'a ServiceName> {
        self.owners.get(number).copied().flatten()
    }

    fn set_owner(&mut self, number: usize, owner: Option<&'a ServiceName>) {
        if let Some(slot) = self.owners.get_mut(number) {
            *slot = owner;
        }
    }

    /// The service of a name, if the graph has it.
    fn service(&self, name: &str) -> Option<&'a ServiceName> {
        let name = ServiceName::parse(name).ok()?;
        self.graph
            .services
            .get_key_value(&name)
            .map(|(name, _)| name)
    }

    /// The objects that nobody owns yet.
    fn unowned(&self) -> Vec<(usize, &'a Object)> {
        let objects: &'a [Object] = self.objects;
        objects
            .iter()
            .enumerate()
            .filter(|(number, _)| self.owner(*number).is_none())
            .collect()
    }

    /// Rule 1: the workloads that the graph names.
    fn by_name(&mut self) -> Vec<Absent<'a>> {
        let mut absent = Vec::new();
        let graph: &'a Graph = self.graph;
        for (name, service) in &graph.services {
            let explicit = !service.workloads.is_empty();
            let default = [ObjectRef::deployment_of(name)];
            let named = if explicit {
                service.workloads.as_slice()
            } else {
                &default
            };
            for (number, reference) in named.iter().enumerate() {
                let path = if explicit {
                    format!("{}.workloads[{number}]", service.path)
                } else {
                    service.path.clone()
                };
                match self.index.get(&identity(reference)).copied() {
                    Some(found) => self.claim(name, path, found),
                    None => absent.push(Absent {
                        service: name,
                        path,
                        reference: reference.clone(),
                        explicit,
                    }),
                }
            }
        }
        absent
    }

    fn claim(&mut self, service: &'a ServiceName, path: String, number: usize) {
        let first = self.owner(number).zip(self.workloads.get(&number));
        if let Some((other, first_path)) = first.filter(|(other, _)| *other != service) {
            let what = self.objects.get(number).map(|it| it.reference.to_string());
            let wrong = format!(
                "{} is a workload of `{other}` ({first_path}) and of `{service}`",
                what.unwrap_or_default()
            );
            let problem = Problem::error(Code::SharedWorkload, path, wrong);
            self.problems
                .push(problem.hint("name it in one service only, or make the two one"));
            return;
        }
        self.set_owner(number, Some(service));
        self.workloads.insert(number, path);
    }

    /// Rule 2: the labels by which people group what belongs together.
    fn by_label(&mut self) {
        for (number, object) in self.unowned() {
            if is_foundation(&object.reference) {
                continue;
            }
            let label = |name: &str| {
                object
                    .value
                    .get("metadata")?
                    .get("labels")?
                    .get(name)?
                    .as_str()
            };
            let owner = ["app.kubernetes.io/name", "app"]
                .into_iter()
                .find_map(|name| self.service(label(name)?));
            let Some(owner) = owner else { continue };
            self.set_owner(number, Some(owner));
            // It stands behind the same name as the service's own workload, so it takes the same calls.
            if is_workload(&object.reference) {
                self.workloads.insert(number, String::new());
            }
        }
    }

    fn report_absent(&mut self, absent: &Absent<'a>) {
        let Absent {
            service,
            path,
            reference,
            explicit,
        } = absent;
        let waited_for = self
            .workloads
            .keys()
            .any(|number| self.owner(*number) == Some(service));
        if !explicit && waited_for {
            return;
        }
        let wrong = format!("`{service}` has no workload: the manifests have no {reference}");
        let hint = match self.near_workload(reference) {
            Some(near) => {
                let short = if near.api_version == "apps/v1" {
                    String::new()
                } else {
                    format!("apiVersion: {}, ", near.api_version)
                };
                let (kind, name) = (&near.kind, &near.name);
                format!(
                    "did you mean {near}? write `workloads: [{{{short}kind: {kind}, name: {name}}}]`"
                )
            }
            None => format!(
                "add {reference} to the manifests, or set `workloads` to what `{service}` runs as"
            ),
        };
        self.problems
            .push(Problem::error(Code::NoWorkload, path.clone(), wrong).hint(hint));
    }

    /// The unclaimed workload that was probably meant: the same name first, then a similar one.
    fn near_workload(&self, wanted: &ObjectRef) -> Option<&'a ObjectRef> {
        let free: Vec<&ObjectRef> = self
            .unowned()
            .into_iter()
            .map(|(_, object)| &object.reference)
            .filter(|it| is_workload(it) && self.index.contains_key(&identity(it)))
            .collect();
        let name = free
            .iter()
            .find(|reference| reference.name == wanted.name)
            .map(|reference| reference.name.as_str())
            .or_else(|| did_you_mean(&wanted.name, free.iter().map(|it| it.name.as_str())))?;
        free.iter()
            .copied()
            .find(|reference| reference.name == name)
    }

    fn report_unclaimed(&mut self) {
        for (_, object) in self.unowned() {
            if is_workload(&object.reference) {
                let wrong = format!("{} belongs to no service of the graph", object.reference);
                let problem = Problem::error(Code::UnknownService, "", wrong)
                    .warning()
                    .hint("declare it in the graph, or it is applied before wave 1 with no wait")
                    .at(object.place.clone());
                self.problems.push(problem);
            }
        }
    }

    fn finish(self) -> (Ownership, Vec<Problem>) {
        let mut ownership = Ownership::default();
        ownership.services.extend(
            self.graph
                .services
                .keys()
                .map(|it| (it.clone(), Owned::default())),
        );
        for number in apply_order(self.objects.iter().map(|object| &object.reference)) {
            let service = self.owner(number);
            let Some(owned) = service.and_then(|name| ownership.services.get_mut(name)) else {
                ownership.shared.push(number);
                continue;
            };
            owned.objects.push(number);
            if self.workloads.contains_key(&number) {
                owned.workloads.push(number);
            }
        }
        (ownership, self.problems)
    }
}

fn identity(reference: &ObjectRef) -> Identity<'_> {
    (reference.group(), &reference.kind, &reference.name)
}

/// The kinds that a gate can wait for without being told.
fn is_workload(reference: &ObjectRef) -> bool {
    matches!(
        (reference.group(), reference.kind.as_str()),
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet") | ("batch", "Job")
    )
}

/// The one owner in a set.
fn only<T: Copy + Ord>(owners: &BTreeSet<T>) -> Option<T> {
    match owners.len() {
        1 => owners.first().copied(),
        _ => None,
    }
}
