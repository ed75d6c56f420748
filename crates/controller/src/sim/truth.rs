//! Whether the simulated controllers do what real ones do: recorded rollouts, replayed beside them.
//!
//! In: the files of `truths/`, which `tests/cluster/truths.rs` has written down beside a real control plane: every state of
//! every object, in the order in which it was stored. What we, kubelets and nodes do is taken from there. Each step of a controller
//! (a status, the size of a ReplicaSet, a pod made or told to end) must be what the simulated one does in the same state or in
//! one that is a few changes older, as real ones see the world through caches. In the end the simulated one must rest as well.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::controllers::{Deed, sync, sync_set};
use super::facts::{Kind, Pod, Rollout, Set, Status, Template, Workload};
use tidegate_planner::graph::Revision;
use tidegate_spec::{ObjectRef, ServiceName};

/// So many changes may be missing from what a controller has seen.
const LAG: usize = 12;

/// What is known of an object.
type Fields = BTreeMap<String, String>;
/// All objects, by kind and name.
type State = BTreeMap<String, Fields>;

/// A rollout: the states one after the other, each with the object that changed.
struct History {
    states: Vec<(String, State)>,
    /// By pod, the node that it comes to.
    nodes: BTreeMap<String, u32>,
}

impl History {
    fn read(text: &str) -> Self {
        let mut states = vec![(String::new(), State::new())];
        let mut nodes = BTreeMap::new();
        for line in text.lines() {
            let (when, rest) = line.split_once(' ').expect("when");
            let words: Vec<&str> = rest.split(' ').collect();
            let is_name = |word: &&&str| !word.contains('=') && **word != "gone";
            let name: Vec<&str> = words.iter().filter(is_name).copied().collect();
            let name = name.join(" ");
            let mut state = states.last().expect("a state").1.clone();
            if words.contains(&"gone") {
                state.remove(&name);
            } else {
                let fields = words.iter().filter_map(|word| word.split_once('='));
                let mut fields: Fields = fields
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .collect();
                if let Some(node) = fields
                    .get("node")
                    .and_then(|node| node.strip_prefix("node-"))
                {
                    nodes.insert(name.clone(), node.parse().expect("a number"));
                }
                // For how many pods its ReplicaSets were sized: what it wanted when its controller last looked.
                let known = state.get(&name).and_then(|known| known.get("seen"));
                let is_seen = fields.get("observed") == fields.get("generation");
                let seen = known
                    .filter(|_| !is_seen)
                    .or_else(|| fields.get("wants"))
                    .cloned();
                fields.extend(seen.map(|seen| ("seen".to_owned(), seen)));
                state.insert(name.clone(), fields);
            }
            if when == "before" {
                states.clear();
            }
            states.push((name, state));
        }
        Self { states, nodes }
    }

    /// The workload of a state, as the simulator has it; `None` before it is made.
    fn workload(&self, state: &State) -> Option<Workload> {
        let kinds = ["Deployment", "StatefulSet", "DaemonSet", "Job"];
        let (kind, own) = kinds
            .iter()
            .find_map(|kind| Some((*kind, state.get(*kind)?)))?;
        let api_version = if kind == "Job" { "batch/v1" } else { "apps/v1" };
        let reference = ObjectRef {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: String::new(),
            name: "web".to_owned(),
        };
        let service = ServiceName::parse("web").expect("a name");
        let kind = Kind::of(&reference).expect("a kind");
        let mut workload = Workload::steady(reference, kind, service);
        workload.templates = (1..=3).map(template).collect();
        workload.wanted = revision(own);
        workload.generation = i64::from(number(own, "generation"));
        workload.replicas = match kind {
            Kind::DaemonSet => number(own, "desired"),
            Kind::Deployment | Kind::StatefulSet | Kind::Job => number(own, "wants"),
        };
        workload.rollout = rollout(own, workload.replicas);
        workload.status = status(own);
        if kind == Kind::Job {
            // Jobs do not say which generation was seen; the simulated one does not show it.
            workload.status.observed = workload.generation;
        }
        let desired = number(own, "seen");
        for (name, fields) in state {
            if name.starts_with("ReplicaSet") {
                workload.sets.insert(revision(fields), set(fields, desired));
            }
            if name.starts_with("Pod") {
                let pod = self.pod(&workload, name, fields);
                workload.pods.push(pod);
            }
        }
        Some(workload)
    }

    fn pod(&self, workload: &Workload, name: &str, fields: &Fields) -> Pod {
        let revision = revision(fields);
        let is = |key: &str| fields.get(key).is_some_and(|value| value == "true");
        let node = self.nodes.get(name).copied().unwrap_or_default();
        let ordinal = match workload.kind {
            Kind::StatefulSet => number(fields, "place"),
            Kind::DaemonSet => node,
            Kind::Deployment | Kind::Job => 0,
        };
        // A pod of a StatefulSet keeps its place until it is gone from the API.
        let has_run = fields
            .get("phase")
            .is_some_and(|phase| phase == "Succeeded");
        Pod {
            name: name.to_owned(),
            uid: name.to_owned(),
            revision,
            owner: match workload.kind {
                Kind::Deployment => workload.set_uid(revision),
                Kind::StatefulSet | Kind::DaemonSet | Kind::Job => workload.uid.clone(),
            },
            ordinal,
            node,
            is_ready: is("ready"),
            gone_by: is("ends").then_some(Timestamp::UNIX_EPOCH),
            has_succeeded: has_run && workload.kind != Kind::StatefulSet,
        }
    }
}

fn number(fields: &Fields, key: &str) -> u32 {
    fields
        .get(key)
        .map_or(0, |value| value.parse().expect("a number"))
}

fn revision(fields: &Fields) -> usize {
    let tag: usize = fields.get("tag").expect("a tag").parse().expect("a number");
    tag - 1
}

fn template(tag: usize) -> Template {
    Template {
        image: tag.to_string(),
        stamp: None,
        speaks: Revision::undeclared("web").into(),
        is_target: false,
        is_broken: false,
    }
}

/// Shares are rounded up for pods that are more, and down for pods that are fewer.
fn rollout(own: &Fields, replicas: u32) -> Rollout {
    let share = |key: &str, rounded: fn(u32) -> u32| {
        let text = own.get(key).map_or("0", String::as_str);
        let Some(percent) = text.strip_suffix('%') else {
            return text.parse().expect("a number");
        };
        let percent: u32 = percent.parse().expect("a number");
        rounded(percent * replicas)
    };
    let surge = share("surge", |hundredths| hundredths.div_ceil(100));
    let unavailable = share("unavailable", |hundredths| hundredths / 100);
    match (surge, unavailable) {
        // The API server lets nobody have neither.
        (0, 0) => Rollout::Recreate,
        (surge, unavailable) => Rollout::Rolling { surge, unavailable },
    }
}

fn set(fields: &Fields, desired: u32) -> Set {
    Set {
        size: number(fields, "wants"),
        desired,
        generation: i64::from(number(fields, "generation")),
        observed: i64::from(number(fields, "observed")),
        replicas: number(fields, "replicas"),
        ready: number(fields, "ready"),
    }
}

fn status(own: &Fields) -> Status {
    Status {
        observed: i64::from(number(own, "observed")),
        replicas: number(own, "replicas"),
        updated: number(own, "updated"),
        ready: number(own, "ready"),
        current: 0,
        newest: revision(own),
        is_complete: own.get("complete").is_some_and(|value| value == "true"),
    }
}

/// What of a status a gate distinguishes.
fn told(status: &Status) -> [i64; 5] {
    let Status {
        observed,
        replicas,
        updated,
        ready,
        current: _,
        newest: _,
        is_complete,
    } = status;
    let counts = [*replicas, *updated, *ready].map(i64::from);
    [
        *observed,
        counts[0],
        counts[1],
        counts[2],
        i64::from(*is_complete),
    ]
}

/// One step of a real controller.
#[derive(Debug, PartialEq)]
enum Step {
    Status([i64; 5]),
    Size(usize, u32),
    SetStatus(usize, [i64; 3]),
    Makes {
        revision: usize,
        place: u32,
    },
    Ends {
        revision: usize,
        is_ready: bool,
        place: u32,
    },
}

impl History {
    /// What a controller did from one state to the next; `None` for what others did.
    fn step(&self, before: &State, (name, after): &(String, State)) -> Option<Step> {
        let was = before.get(name);
        let now = after.get(name)?;
        let workload = self.workload(after)?;
        let is_same = |key: &str| was.and_then(|was| was.get(key)) == now.get(key);
        if name.starts_with("Pod") {
            let pod = self.pod(&workload, name, now);
            let place = place(workload.kind, &pod);
            let (revision, is_ready) = (pod.revision, pod.is_ready);
            return match (was, pod.gone_by) {
                (None, _) => Some(Step::Makes { revision, place }),
                (Some(_), Some(_)) if !is_same("ends") => Some(Step::Ends {
                    revision,
                    is_ready,
                    place,
                }),
                (Some(_), Some(_) | None) => None,
            };
        }
        if name.starts_with("ReplicaSet") {
            let set = set(now, 0);
            if was.is_none() || !is_same("wants") {
                return Some(Step::Size(revision(now), set.size));
            }
            let counts = [set.replicas, set.ready].map(i64::from);
            return Some(Step::SetStatus(
                revision(now),
                [set.observed, counts[0], counts[1]],
            ));
        }
        (was.is_some() && is_same("generation")).then(|| Step::Status(told(&workload.status)))
    }

    /// Whether the simulated controller does the same in a state.
    fn does(&self, state: &State, step: &Step) -> bool {
        let Some(workload) = self.workload(state) else {
            return false;
        };
        let kind = workload.kind;
        let mut after = workload.clone();
        let mut deeds = sync(&mut after);
        for revision in workload.sets.keys() {
            let mut of_set = workload.clone();
            deeds.extend(sync_set(&mut of_set, *revision));
            if let Some(set) = of_set.sets.remove(revision) {
                let counts = [set.replicas, set.ready].map(i64::from);
                if *step == Step::SetStatus(*revision, [set.observed, counts[0], counts[1]]) {
                    return true;
                }
            }
        }
        let is_it = |deed: &Deed| match (deed, step) {
            (
                Deed::Create {
                    revision: made,
                    ordinal,
                    ..
                },
                Step::Makes { revision, place },
            ) => made == revision && ordinal == place,
            (
                Deed::End(uid),
                Step::Ends {
                    revision,
                    is_ready,
                    place: at,
                },
            ) => {
                let mut pods = workload.pods.iter();
                let pod = pods.find(|pod| pod.uid == *uid);
                pod.is_some_and(|pod| {
                    let is_there = kind != Kind::StatefulSet || place(kind, pod) == *at;
                    pod.revision == *revision && pod.is_ready == *is_ready && is_there
                })
            }
            (Deed::Create { .. } | Deed::End(_) | Deed::Resized(_), _) => false,
        };
        match step {
            Step::Status(counts) => told(&after.status) == *counts,
            Step::Size(revision, size) => after
                .sets
                .get(revision)
                .is_some_and(|set| set.size == *size),
            Step::SetStatus(..) => false,
            Step::Makes { .. } | Step::Ends { .. } => deeds.iter().any(is_it),
        }
    }

    /// What the simulated controllers do otherwise.
    fn differences(&self) -> Vec<String> {
        let mut differences = Vec::new();
        for (index, pair) in self.states.windows(2).enumerate() {
            let [(_, before), after] = pair else { continue };
            let Some(step) = self.step(before, after) else {
                continue;
            };
            let first = (index + 1).saturating_sub(LAG);
            let seen = self.states.iter().take(index + 1).skip(first).rev();
            let is_same = seen
                .map(|(_, state)| state)
                .any(|state| self.does(state, &step));
            if !is_same {
                differences.push(format!("{} {}: {step:?}", index + 1, after.0));
            }
        }
        let last = self
            .states
            .last()
            .and_then(|(_, state)| self.workload(state));
        let mut last = last.expect("a workload");
        let before = told(&last.status);
        let mut deeds = sync(&mut last);
        let sets: Vec<usize> = last.sets.keys().copied().collect();
        deeds.extend(
            sets.into_iter()
                .flat_map(|revision| sync_set(&mut last, revision)),
        );
        if !deeds.is_empty() || told(&last.status) != before {
            differences.push(format!("in the end: {deeds:?} {:?}", last.status));
        }
        differences
    }
}

/// Where a pod is, of those that have places.
fn place(kind: Kind, pod: &Pod) -> u32 {
    match kind {
        Kind::StatefulSet | Kind::DaemonSet => pod.ordinal,
        Kind::Deployment | Kind::Job => 0,
    }
}

macro_rules! truths {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("truths/", $name, ".txt")))),*]
    };
}

const TRUTHS: [(&str, &str); 29] = truths![
    "daemon-set-back-in-the-middle",
    "daemon-set-never-ready",
    "daemon-set-rolled",
    "deployment-a-third-in-the-middle",
    "deployment-all-at-once",
    "deployment-back-in-the-middle",
    "deployment-never-ready",
    "deployment-never-ready-then-mended",
    "deployment-one-pod",
    "deployment-recreate",
    "deployment-recreate-back-in-the-middle",
    "deployment-rolled-and-scaled-down",
    "deployment-rolled-and-scaled-up",
    "deployment-scaled-down",
    "deployment-scaled-in-the-middle",
    "deployment-scaled-up",
    "deployment-surge-2-unavailable-1",
    "deployment-ten-pods",
    "deployment-three-pods",
    "deployment-unavailable-1",
    "deployment-unavailable-2",
    "job",
    "stateful-set-back-in-the-middle",
    "stateful-set-never-ready",
    "stateful-set-one-pod",
    "stateful-set-rolled-and-scaled-up",
    "stateful-set-scaled-down",
    "stateful-set-scaled-up",
    "stateful-set-three-pods",
];

#[test]
fn simulated_controllers_do_what_real_ones_did() {
    let told = TRUTHS.iter().flat_map(|(name, text)| {
        let differences = History::read(text).differences().into_iter();
        differences.map(move |difference| format!("{name}: {difference}"))
    });
    let told: Vec<String> = told.collect();
    insta::assert_snapshot!(told.join("\n"), @"");
}

#[test]
fn a_controller_that_did_something_else_is_found_out() {
    let (_, text) = TRUTHS
        .iter()
        .find(|(name, _)| *name == "deployment-three-pods")
        .expect("it");
    let both_at_once = text.replacen(
        "ReplicaSet 2 tag=2 generation=1 wants=1",
        "ReplicaSet 2 tag=2 generation=1 wants=3",
        1,
    );
    assert_ne!(both_at_once, *text);
    assert_ne!(
        History::read(&both_at_once).differences(),
        Vec::<String>::new()
    );
}
