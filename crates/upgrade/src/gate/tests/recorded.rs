//! Real rollouts, replayed: what the API server stored, change by change, recorded by the conformance tests
//! (`TIDEGATE_HISTORIES=src/upgrade/gate/tests/recorded make side-by-side`, see docs/guide/assess.md).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::narrowed::judge;
use super::world::start;
use crate::gate::{
    Absent, Applied, Assessment, Baseline, Gate, Memory, Objects, Policy, Read, Recorded, Verdict,
    Workload, judge_all,
};

const DEPLOYMENT: &str = include_str!("recorded/deployment-rolling.jsonl");
const STATEFUL_SET: &str = include_str!("recorded/statefulset-rolling.jsonl");
const DAEMON_SET: &str = include_str!("recorded/daemonset-rolling.jsonl");
const JOB: &str = include_str!("recorded/job.jsonl");
const CANARY: &str = include_str!("recorded/argo-rollout-canary-with-a-pause-of-3-s.jsonl");
const BLUE_GREEN: &str =
    include_str!("recorded/argo-rollout-blue-green-with-a-scale-down-delay-of-4-s.jsonl");
const FLAGGER: &str = include_str!("recorded/flagger-canary-one-check-then-promoted.jsonl");
const UNQUESTIONED: &str = include_str!("recorded/flagger-canary-skipanalysis.jsonl");
const FAILED: &str = include_str!("recorded/flagger-canary-its-check-fails.jsonl");

/// The objects by kind and name.
type State = BTreeMap<(String, String), Value>;

struct History {
    before: State,
    records: Vec<Recorded>,
    /// When, of what, and which parts of it are new; without those it is gone.
    changes: Vec<Value>,
}

fn name(object: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&object["kind"]), text(&object["metadata"]["name"]))
}

fn read(text: &str) -> History {
    let mut lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let first = lines.next().unwrap();
    let before = first["before"].as_array().unwrap().iter();
    let mut history = History {
        before: before
            .map(|object| (name(object), object.clone()))
            .collect(),
        records: Recorded::all_in(&first["records"]).unwrap(),
        changes: lines.collect(),
    };
    history.digest_what_is_shown();
    history
}

impl History {
    /// What the API server fills in was left out of the objects, so what was applied has the digest of what is left.
    fn digest_what_is_shown(&mut self) {
        let states = self.states();
        for applied in self.records.iter_mut().filter_map(|it| it.applied.as_mut()) {
            let of = (applied.workload.kind.clone(), applied.workload.name.clone());
            let mut shown = states.iter().filter_map(|(_, state)| state.get(&of));
            let generation = applied.generation;
            let now = shown.find(|object| object["metadata"]["generation"] == generation);
            if let Some(now) = now {
                let live = Workload::from_object(now.clone()).unwrap().unwrap();
                applied.template_digest = live.digest();
            }
        }
    }

    /// The workload that was rolled. Of a Canary and its target the target is judged with it.
    fn record(&self) -> &Recorded {
        let applied = self.records.iter().filter(|it| it.applied.is_some());
        applied.min_by_key(|it| it.object.kind != "Canary").unwrap()
    }

    fn states(&self) -> Vec<(i64, State)> {
        let mut state = self.before.clone();
        let after = |change: &Value| {
            let part = |index: usize| change["of"][index].as_str().unwrap().to_owned();
            let of = (part(0), part(1));
            if change["set"].is_null() {
                state.remove(&of);
            } else {
                let before = state.remove(&of).unwrap_or_else(|| serde_json::json!({}));
                state.insert(of, merged_parts(before, &change["set"]));
            }
            (change["ms"].as_i64().unwrap(), state.clone())
        };
        self.changes.iter().map(after).collect()
    }

    /// What the gate says at each state, as of a file.
    fn told(&self) -> Vec<(State, Assessment)> {
        let of = |state: State| {
            let told = judge_all(
                &taken(&state),
                (&self.records, Absent::Removed),
                &Policy::default(),
                start(),
            );
            let own = &self.record().object;
            let told = told.into_iter().find(|told| told.workload == *own).unwrap();
            (state, told)
        };
        self.states()
            .into_iter()
            .map(|(_, state)| of(state))
            .collect()
    }

    /// The same as of live reads, with all that a gate remembers between them.
    fn told_live(&self) -> Vec<(State, Assessment)> {
        let Recorded {
            object,
            baseline,
            applied,
            memory: _,
        } = self.record();
        let absent = Baseline::absent(object.clone());
        let baseline = baseline.as_ref().unwrap_or(&absent);
        let applied: &Applied = applied.as_ref().unwrap();
        let mut memory = Memory::default();
        let mut told = Vec::new();
        for (ms, state) in self.states() {
            let now = start() + jiff::SignedDuration::from_millis(ms);
            let mut snapshot = taken(&state).snapshot(object, now);
            snapshot.read = Read::Live;
            let (assessment, next) =
                judge((baseline, applied), &snapshot, &Policy::default(), &memory);
            memory = next;
            told.push((state, assessment));
        }
        told
    }

    fn old(&self) -> BTreeSet<String> {
        alive(&self.before)
    }
}

/// An object with some of its parts new, and without those that are null.
fn merged_parts(mut object: Value, set: &Value) -> Value {
    for (key, part) in set.as_object().unwrap() {
        object[key] = part.clone();
    }
    object
        .as_object_mut()
        .unwrap()
        .retain(|_, part| !part.is_null());
    object
}

fn taken(state: &State) -> Objects {
    let mut objects = Objects::default();
    for object in state.values() {
        objects.take(object).unwrap();
    }
    objects
}

fn alive(state: &State) -> BTreeSet<String> {
    let pods = state.values().filter(|object| object["kind"] == "Pod");
    let live = pods.filter(|pod| {
        !matches!(
            pod["status"]["phase"].as_str(),
            Some("Succeeded" | "Failed")
        )
    });
    live.map(|pod| pod["metadata"]["uid"].as_str().unwrap().to_owned())
        .collect()
}

/// P5: the gate is shut at every state with an old pod alive, and open at the last one. Its verdicts in their order.
fn verdicts(text: &str) -> String {
    verdicts_until(text, Gate::Open)
}

/// The same of a rollout that ends in another way.
fn verdicts_until(text: &str, end: Gate) -> String {
    let history = read(text);
    let old = history.old();
    for told in [history.told(), history.told_live()] {
        for (state, told) in &told {
            let alive = alive(state);
            let beside = alive.intersection(&old).collect::<Vec<_>>();
            assert!(
                told.gate() != Gate::Open || beside.is_empty(),
                "{beside:?}: {}",
                told.sentence()
            );
        }
        assert_eq!(told.last().unwrap().1.gate(), end);
    }
    let told = history.told_live();
    let mut verdicts: Vec<_> = told
        .iter()
        .map(|(_, told)| match told.gate() {
            Gate::Open => "Open".to_owned(),
            Gate::Shut | Gate::Failed => told.reason().to_owned(),
        })
        .collect();
    verdicts.dedup();
    verdicts.join(" ")
}

#[test]
fn a_real_deployment() {
    insta::assert_snapshot!(verdicts(DEPLOYMENT), @"NotObserved Updating OldReplicas OldPods OldEndpoints Open");
}

#[test]
fn a_real_stateful_set() {
    insta::assert_snapshot!(verdicts(STATEFUL_SET), @"NotObserved Updating Available Open");
}

#[test]
fn a_real_daemon_set() {
    insta::assert_snapshot!(verdicts(DAEMON_SET), @"NotObserved Updating Available Open");
}

#[test]
fn a_real_job() {
    insta::assert_snapshot!(verdicts(JOB), @"Running Finishing Open");
}

#[test]
fn a_real_canary() {
    insta::assert_snapshot!(verdicts(CANARY), @"NotObserved Step TimedPause Updating AwaitPromotion OldReplicas OldPods OldEndpoints Open");
}

#[test]
fn a_real_blue_green_switch() {
    insta::assert_snapshot!(verdicts(BLUE_GREEN), @"NotObserved Updating Cutover ScaleDownDelay OldPods Open");
}

#[test]
fn a_real_canary_of_flagger() {
    insta::assert_snapshot!(verdicts(FLAGGER), @"AwaitDetection Analysis Promoting Open");
}

#[test]
fn a_real_canary_of_flagger_without_an_analysis() {
    insta::assert_snapshot!(verdicts(UNQUESTIONED), @"AwaitDetection Analysis NotObserved Updating OldReplicas OldPods OldEndpoints Open");
}

/// Flagger says `Succeeded` of the run before until it has looked, and `Succeeded` of this one before its primary rolls.
#[test]
fn a_canary_that_says_that_it_succeeded_may_have_all_its_old_pods() {
    let canary = ("Canary".to_owned(), "web".to_owned());
    for text in [FLAGGER, UNQUESTIONED] {
        let history = read(text);
        let old = history.old();
        let says_so = |state: &State| {
            let phase = state[&canary]["status"]["phase"].as_str();
            matches!(phase, Some("Succeeded" | "Initialized"))
        };
        let told = history.told();
        let early = told
            .iter()
            .filter(|(state, _)| says_so(state) && alive(state).intersection(&old).count() >= 3);
        assert!(early.count() > 0);
    }
}

#[test]
fn a_real_canary_of_flagger_that_fails() {
    insta::assert_snapshot!(verdicts_until(FAILED, Gate::Failed), @"AwaitDetection Analysis AnalysisFailed");
}

/// The window in which `updatedReplicas` is less than `replicas` and nothing is unavailable: a pod of the surge is
/// ready, and the next one is not there yet. Who looks at the counters loosely calls that done.
#[test]
fn between_two_pods_of_a_surge_nothing_is_complete() {
    let history = read(DEPLOYMENT);
    let deployment = ("Deployment".to_owned(), "web".to_owned());
    let mut windows = 0;
    for (state, told) in history.told() {
        let status = &state[&deployment]["status"];
        let number = |key: &str| status[key].as_i64().unwrap_or_default();
        let is_seen = number("observedGeneration") == 2;
        if is_seen
            && number("updatedReplicas") < number("replicas")
            && number("unavailableReplicas") == 0
        {
            windows += 1;
            assert_ne!(told.rollout, Verdict::Complete, "{status}");
        }
    }
    assert!(windows >= 2, "{windows}: the history does not show it");
}
