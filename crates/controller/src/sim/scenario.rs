//! What is simulated: what runs, and a release of manifests that are made up for a graph.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::chance::Chance;
use super::cluster::View;
use super::facts::{Kind, Pod, Rollout, Set, Status, Template, Workload};
use super::judge::Judge;
use super::pace::node;
use super::render::NAMESPACE;
use super::sequel::Next;
use tidegate_manifest::{Bundle, Entry, OwnedEntries};
use tidegate_planner::graph::{Member, Moves, Revision, System};
use tidegate_planner::plan::Plan;
use tidegate_spec::crd::{ReleasePlanSpec, Routing, ServiceGraphSpec};
use tidegate_spec::{ContractName, Edge, Graph, ObjectRef, ServiceName, check_graph, stamp};

/// The name of every graph.
const GRAPH: &str = "simulated";

/// What runs, and what is released.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The planner's input.
    pub(super) system: System,
    /// What is declared of what runs.
    pub(super) declared: Graph,
    /// What the release declares.
    pub(super) released: Graph,
    /// The release.
    pub(super) bundle: Bundle,
    /// The objects of services that go away.
    pub(super) leaving: BTreeMap<ServiceName, Vec<ObjectRef>>,
    /// What the release gives the pods of each of its workloads.
    pub(super) targets: BTreeMap<ObjectRef, Template>,
    replicas: u32,
    /// The newer release that is made in the middle of this one.
    pub(super) next: Option<Box<Next>>,
    /// The release that brings back what ran before.
    pub(super) back: Option<Box<Self>>,
}

impl Scenario {
    /// In: the system with the plan's input, the graph of what runs, the graph of the release as written, and how many
    /// pods each workload has.
    pub fn of(system: System, declared: Graph, released: &ServiceGraphSpec, replicas: u32) -> Self {
        let (graph, _) = check_graph(GRAPH, released);
        let mut bundle = Bundle {
            graph_name: GRAPH.to_owned(),
            graph: released.clone(),
            plan: ReleasePlanSpec::default(),
            namespace: NAMESPACE.to_owned(),
            objects: Vec::new(),
            services: BTreeMap::new(),
            shared: Vec::new(),
            builds: BTreeMap::new(),
        };
        let mut targets = BTreeMap::new();
        for (name, service) in &graph.services {
            let member = system.services.get(name);
            let moves = member.is_none_or(|member| member.moves.is_moving());
            let image = image(name, if moves { TARGET } else { RUNNING });
            let speaks = member.and_then(|member| target_of(member).cloned());
            let target = Template {
                image: image.clone(),
                stamp: None,
                speaks: Arc::new(speaks.unwrap_or_else(|| Revision::undeclared(TARGET))),
                is_target: true,
                is_broken: false,
            };
            let first = bundle.objects.len();
            bundle
                .objects
                .push(entry(service_object(name), Value::Null));
            for workload in workloads(name, &service.workloads, moves) {
                targets.insert(workload.clone(), target.clone());
                bundle.objects.push(entry(workload, manifest(&image)));
            }
            let objects: Vec<usize> = (first..bundle.objects.len()).collect();
            let owned = OwnedEntries {
                workloads: objects.iter().skip(1).copied().collect(),
                objects,
            };
            bundle.services.insert(name.clone(), owned);
        }
        let going = system
            .services
            .iter()
            .filter(|(name, _)| !graph.services.contains_key(*name));
        let leaving = going.map(|(name, _)| {
            let known = declared
                .services
                .get(name)
                .map(|service| service.workloads.clone());
            let mut objects = workloads(name, &known.unwrap_or_default(), false);
            objects.push(service_object(name));
            (name.clone(), objects)
        });
        Self {
            leaving: leaving.collect(),
            targets,
            system,
            declared,
            released: graph,
            bundle,
            replicas,
            next: None,
            back: None,
        }
    }

    /// The same release under a ReleasePlan that says how it rolls.
    #[must_use]
    pub fn under(mut self, plan: ReleasePlanSpec) -> Self {
        self.bundle.plan = plan;
        self
    }

    /// How many services move.
    pub fn moving(&self) -> usize {
        self.system
            .services
            .values()
            .filter(|member| member.moves.is_moving())
            .count()
    }

    /// The planner's input.
    pub fn system(&self) -> &System {
        &self.system
    }

    /// The Services of what runs.
    pub(super) fn old_services(&self) -> impl Iterator<Item = ObjectRef> {
        let running = self
            .system
            .services
            .iter()
            .filter(|(_, member)| !member.live.is_empty());
        running.map(|(name, _)| service_object(name))
    }

    /// The ServiceGraph that is written in the end.
    pub(super) fn graph_object() -> ObjectRef {
        object("tidegate.dev/v1alpha1", "ServiceGraph", GRAPH)
    }

    /// What the release gives the pods of a workload.
    pub(super) fn target(&self, object: &ObjectRef) -> Option<&Template> {
        self.targets.get(object)
    }

    /// Makes what runs: the pods of each live revision.
    pub(super) fn running(&self, chance: &mut Chance) -> View {
        let mut view = View::default();
        let mut pods = 0;
        for (name, member) in self
            .system
            .services
            .iter()
            .filter(|(_, member)| !member.live.is_empty())
        {
            let before = self
                .declared
                .services
                .get(name)
                .map(|service| service.workloads.clone());
            let objects = workloads(name, &before.unwrap_or_default(), false);
            for object in objects {
                let Some(kind) = Kind::of(&object) else {
                    continue;
                };
                let mut workload = Workload::steady(object.clone(), kind, name.clone());
                workload.replicas = self.replicas;
                workload.templates = templates(name, member);
                workload.wanted = workload.templates.len().saturating_sub(1);
                workload.rollout = rollout(chance);
                fill(&mut workload, &mut pods, chance);
                view.workloads.insert(object, workload);
            }
        }
        view
    }

    /// A workload that the release makes anew.
    pub(super) fn created(&self, object: &ObjectRef, chance: &mut Chance) -> Option<Workload> {
        let service = self.bundle.owner(object)?;
        let mut workload = Workload::steady(object.clone(), Kind::of(object)?, service.clone());
        workload.replicas = self.replicas;
        workload.rollout = rollout(chance);
        Some(workload)
    }

    /// Whoever watches a run of it.
    pub(super) fn judge(&self, view: &View, plan: Option<&Plan>) -> Judge {
        let precedences = plan.into_iter().flat_map(|plan| &plan.precedences);
        let precedences =
            precedences.map(|precedence| (precedence.first.clone(), precedence.then.clone()));
        Judge::of(view, self.edges(), self.outside(), precedences.collect())
    }

    /// The callers from outside that stay.
    fn outside(&self) -> BTreeMap<ServiceName, Revision> {
        let callers = self.system.external.iter();
        callers
            .filter(|(_, caller)| caller.ended.is_none())
            .filter_map(|(name, caller)| Some((name.clone(), caller.live.first()?.clone())))
            .collect()
    }

    /// Who calls whom, before and after.
    pub(super) fn edges(&self) -> BTreeSet<Edge> {
        let mut edges = BTreeSet::new();
        for (caller, member) in &self.system.services {
            let revisions = member.live.iter().chain(&member.target);
            edges.extend(revisions.flat_map(|revision| calls(caller, revision)));
        }
        let outside = self.outside();
        edges.extend(
            outside
                .iter()
                .flat_map(|(caller, revision)| calls(caller, revision)),
        );
        // Where calls find a pod of their own version, pods that do not agree never meet.
        edges.retain(|edge| {
            let callee = self.system.services.get(&edge.callee);
            callee.is_none_or(|callee| callee.manner.routing == Routing::Blind)
        });
        edges
    }
}

/// The tag of what runs.
const RUNNING: &str = "running";
/// The tag of what the release brings.
const TARGET: &str = "target";
pub(super) fn image(name: &ServiceName, tag: &str) -> String {
    format!("{name}:{tag}")
}

fn target_of(member: &Member) -> Option<&Revision> {
    match member.moves {
        Moves::Stays | Moves::Kept => member.live.last(),
        Moves::Create | Moves::Roll | Moves::Job | Moves::Delete => member.target.as_ref(),
    }
}

fn calls(caller: &ServiceName, revision: &Revision) -> Vec<Edge> {
    let calls = revision
        .interface
        .iter()
        .flat_map(|interface| interface.calls.keys());
    let edge = |(callee, contract): &(ServiceName, ContractName)| Edge {
        caller: caller.clone(),
        callee: callee.clone(),
        contract: contract.clone(),
    };
    calls.map(edge).collect()
}

fn object(api_version: &str, kind: &str, name: &str) -> ObjectRef {
    ObjectRef {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: NAMESPACE.to_owned(),
        name: name.to_owned(),
    }
}

fn service_object(name: &ServiceName) -> ObjectRef {
    object("v1", "Service", name.as_str())
}

/// The workloads of a service: those that it declares and that have a controller here, or one Deployment. A Job that
/// moves is another one, since no Job is ever changed.
fn workloads(name: &ServiceName, declared: &[ObjectRef], moves: bool) -> Vec<ObjectRef> {
    let known = declared
        .iter()
        .filter(|workload| Kind::of(workload).is_some());
    let mut known: Vec<ObjectRef> = known
        .map(|workload| {
            let is_new_job = moves && Kind::of(workload) == Some(Kind::Job);
            let suffix = if is_new_job { "-target" } else { "" };
            object(
                &workload.api_version,
                &workload.kind,
                &format!("{}{suffix}", workload.name),
            )
        })
        .collect();
    if known.is_empty() {
        known.push(ObjectRef {
            namespace: NAMESPACE.to_owned(),
            ..ObjectRef::deployment_of(name)
        });
    }
    known
}

pub(super) fn manifest(image: &str) -> Value {
    json!({"spec": {"template": {"spec": {"containers": [{"name": "server", "image": image}]}}}})
}

fn entry(reference: ObjectRef, value: Value) -> Entry {
    Entry { reference, value }
}

/// As Deployments are written: mostly the default, some with another strategy.
fn rollout(chance: &mut Chance) -> Rollout {
    let usual = Rollout::Rolling {
        surge: 1,
        unavailable: 0,
    };
    let all = [
        usual,
        usual,
        usual,
        Rollout::Rolling {
            surge: 0,
            unavailable: 1,
        },
        Rollout::Rolling {
            surge: 2,
            unavailable: 1,
        },
        Rollout::Recreate,
    ];
    chance.one_of(&all).copied().unwrap_or(usual)
}

impl Workload {
    /// One that wants its only revision and has no pods yet.
    pub(super) fn steady(reference: ObjectRef, kind: Kind, service: ServiceName) -> Self {
        let uid = format!("{}-{}", kind_word(kind), reference.name);
        Self {
            reference,
            kind,
            service,
            uid,
            exists: true,
            generation: 1,
            version: 1,
            replicas: 1,
            rollout: Rollout::Recreate,
            is_paused: false,
            templates: Vec::new(),
            wanted: 0,
            sets: BTreeMap::new(),
            pods: Vec::new(),
            status: Status::default(),
            disturbed_at: None,
            refused: BTreeSet::new(),
        }
    }
}

fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Deployment => "deployment",
        Kind::StatefulSet => "stateful-set",
        Kind::DaemonSet => "daemon-set",
        Kind::Job => "job",
    }
}

/// Gives a workload that has run for long its pods, shared out among its revisions, and the status that goes with them.
fn fill(workload: &mut Workload, pods: &mut u32, chance: &mut Chance) {
    let revisions = workload.templates.len().max(1);
    let is_job = workload.kind == Kind::Job;
    let count = if is_job { 1 } else { workload.replicas };
    for ordinal in 0..count {
        *pods += 1;
        // A StatefulSet that is half done has replaced its highest ordinals.
        let revision = usize::try_from(ordinal).unwrap_or(0).min(revisions - 1);
        let owner = match workload.kind {
            Kind::Deployment => workload.set_uid(revision),
            Kind::StatefulSet | Kind::DaemonSet | Kind::Job => workload.uid.clone(),
        };
        let name = match workload.kind {
            Kind::StatefulSet => format!("{}-{ordinal}", workload.reference.name),
            Kind::Deployment | Kind::DaemonSet | Kind::Job => {
                format!("{}-h{revision}-old{ordinal}", workload.reference.name)
            }
        };
        workload.pods.push(Pod {
            name,
            uid: format!("first-{pods}"),
            revision,
            owner,
            ordinal,
            node: node(chance, workload.kind, ordinal),
            is_ready: !is_job,
            gone_by: None,
            has_succeeded: is_job,
        });
    }
    if workload.kind == Kind::Deployment {
        for revision in 0..revisions {
            let owner = workload.set_uid(revision);
            let own = workload
                .pods
                .iter()
                .filter(|pod| pod.owner == owner)
                .count();
            let size = super::facts::number(own);
            workload.sets.insert(
                revision,
                Set {
                    size,
                    desired: workload.replicas,
                    generation: 1,
                    observed: 1,
                    replicas: size,
                    ready: size,
                },
            );
        }
    }
    let is_new = |pod: &&Pod| pod.revision == workload.wanted;
    workload.status = Status {
        observed: 1,
        replicas: count,
        updated: super::facts::number(workload.pods.iter().filter(is_new).count()),
        ready: count,
        current: 0,
        newest: workload.wanted,
        is_complete: is_job,
    };
}

/// The templates of what runs; where nothing moves, what the release brings is the same.
fn templates(name: &ServiceName, member: &Member) -> Vec<Template> {
    let many = member.live.len() > 1;
    let live = member.live.iter().map(|revision| Template {
        image: image(name, if many { &revision.name } else { RUNNING }),
        stamp: revision.interface.as_ref().map(stamp::write),
        speaks: Arc::new(revision.clone()),
        is_target: !member.moves.is_moving(),
        is_broken: false,
    });
    live.collect()
}
