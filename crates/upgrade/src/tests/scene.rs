//! Plays a script to [`step`], one line a turn, and tells what came of it: text in, text out.
//!
//! A system: `store | cart after store | old delete after cart | parallel 1`. The words after a name are
//! `create`, `delete`, `job`, `final`, `build` (its image is built), `drops` (it had a Deployment `<name>/old` that it does not have any more),
//! `after x,y`, `swells 2` (so many pods more while it rolls); `<name>/flip` and `<name>/drain` are steps of their own, the latter with `until 60s,lag`; a part that begins with `advance`, `builds`, `rollback`, `continue`, `pauses`, `soak`, `ask`, `wave-deadline`, `parallel`, `surge`, `shared`, `leftover`, `deadline` or
//! `release-deadline` is a setting.
//!
//! A line: `12s store=mid cart~old +web ok(store) pause`. `store=mid` is a live look at a service, `store~mid` a
//! cached one, and the word how it stands: `old`, `unseen` (applied, its controller has not looked), `mid` (new
//! and old pods), `drain` (complete, an old pod is Terminating), `new` (all done), `undone` (somebody set the
//! old template), `ending` (deleted, an old pod is Terminating), `gone`. `+web` looks at its objects before
//! they are written; `+web:9` at resourceVersion 9, `+web:same` if the template would stay, `+web:absent` if
//! there are none, `+web:claimed` if another plan has them; `+shared`, and `+shared:starts` if it has a workload that would start pods. `ok(web)`, `moved(web)`, `lost(web)`, `refused(web)` is what came of its last
//! action; `approve(web)` is somebody's word, `retry(web)` and `force(web)` other words of hers, `newer(shop-3)` the release that takes its place, `freeze(10,60)` a freeze window between two seconds; the names `shared`, `rollback` and `publish` are no services'. `pause` and `abort` are what people want,
//! `build:web=going` is how the build of an image is seen (`absent`, `held`, `going`, `done`, `failed`, `strange`), and `ok(build:web)` what came of it.
//! `crash` forgets all but `.status` before the turn, a final `?` tells the wish too.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::objects::{Deployed, PodFacts, Template, deployment, object, snapshot};
use super::parts::{read_build, waiting_builds, waves};
use crate::gate::{Applied, Read};
use crate::{
    ActFailure, Action, Agenda, Before, Belongings, Change, Charter, Course, Member, Observation,
    Outcome, Precondition, Prepared, ServiceState, State, StepId, Strategy, Surge, Swell, Wanted,
    WaveTimes, status, step, why,
};
use tidegate_spec::crd::{Advance, Approval, DrainLevel, FreezeWindow, OnFailure, OnRegression};
use tidegate_spec::{Code, ObjectRef, Retention, ServiceName};

/// When every script starts.
pub(super) fn start() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().expect("a time")
}

/// So many seconds into the script.
pub(super) fn at(seconds: f64) -> Timestamp {
    let passed = SignedDuration::try_from_secs_f64(seconds).expect("a duration");
    start().checked_add(passed).expect("a time")
}

pub(super) fn name(text: &str) -> StepId {
    StepId::parse(text).expect("a name")
}

/// A release in the middle of a script.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) agenda: Agenda,
    pub(super) state: State,
    charter: Charter,
    acted: Vec<Action>,
}

/// What a whole script tells, a line a turn.
pub(super) fn play(system: &str, script: &str) -> String {
    let mut scene = Scene::of(system);
    let lines = script
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    lines
        .map(|line| scene.turn(line))
        .collect::<Vec<_>>()
        .join("\n")
}

impl Scene {
    pub(super) fn of(system: &str) -> Self {
        let mut strategy = Strategy::usual();
        let mut members = BTreeMap::new();
        let mut shared = Vec::new();
        let mut leftover = Vec::new();
        for part in system.split('|').map(str::trim).filter(|p| !p.is_empty()) {
            let words: Vec<&str> = part.split_whitespace().collect();
            match words[0] {
                "advance" => strategy.advance = Advance::Service,
                "parallel" => strategy.parallel_max = Some(words[1].parse().expect("a number")),
                "surge" => strategy.surge_pods_max = Some(words[1].parse().expect("a number")),
                "shared" => shared.push(object("v1", "ConfigMap", "shared")),
                "leftover" => leftover.push(object("v1", "ConfigMap", "leftover")),
                "soak" => strategy.soak = Some(seconds(words[1])),
                "ask" => drop(
                    strategy
                        .asked_before
                        .insert(Before::parse(words[1]).expect("a wave or a service")),
                ),
                "wave-deadline" => strategy.wave_deadline = Some(seconds(words[1])),
                "rollback" => strategy.on_failure = OnFailure::Rollback,
                "continue" => strategy.on_failure = OnFailure::Continue,
                "pauses" => strategy.on_regression = OnRegression::Pause,
                "builds" => strategy.builds_max = words[1].parse().expect("a number"),
                "deadline" => strategy.service_deadline = Some(seconds(words[1])),
                "release-deadline" => strategy.release_deadline = Some(seconds(words[1])),
                service => drop(members.insert(name(service), member(service, &words))),
            }
        }
        let built = members
            .values()
            .flat_map(|member: &Member| &member.belongings.builds);
        let images: BTreeMap<ServiceName, String> = built
            .map(|service| (service.clone(), format!("registry/{service}")))
            .collect();
        let agenda = Agenda {
            waves: waves(&members),
            members,
            shared: shared.clone(),
            held_out: BTreeSet::new(),
            leftover,
            images: images.clone(),
            strategy: strategy.clone(),
        };
        let there = |member: &Member| !matches!(member.change, Change::Delete | Change::Drain);
        let declared = agenda.members.iter().filter(|(_, member)| there(member));
        let charter = Charter {
            services: declared
                .map(|(name, member)| (name.service.clone(), member.belongings.clone()))
                .collect(),
            shared,
            images,
            strategy,
        };
        let mut state = State::pending();
        state.course = Course::Preparing;
        state.plan_digest = "sha256:plan".to_owned();
        state.started = Some(start());
        state.builds = waiting_builds(&agenda);
        state.waves = vec![WaveTimes::default(); agenda.waves.len()];
        let names = agenda.members.keys().cloned();
        state.services = names.map(|name| (name, ServiceState::waiting())).collect();
        Self {
            agenda,
            state,
            charter,
            acted: Vec::new(),
        }
    }

    /// Takes one turn and tells what came of it.
    pub(super) fn turn(&mut self, line: &str) -> String {
        let (line, tell_wish) = match line.strip_suffix('?') {
            Some(line) => (line, true),
            None => (line, false),
        };
        let mut words = line.split_whitespace();
        let time = words.next().expect("a time");
        let mut seen = Observation {
            now: start().checked_add(seconds(time)).expect("a time"),
            wanted: Wanted::default(),
            snapshots: BTreeMap::new(),
            prepared: BTreeMap::new(),
            builds: BTreeMap::new(),
            outcomes: Vec::new(),
        };
        for word in words {
            self.read(word, &mut seen);
        }
        let before = self.state.clone();
        let next = step(&self.agenda, before.clone(), &seen);
        self.state = next.state.clone();
        self.acted.extend(next.actions.iter().cloned());
        let told = super::told::told(&self.agenda, &before, &next, tell_wish);
        format!("{time} {told}").trim_end().to_owned()
    }

    fn read(&mut self, word: &str, seen: &mut Observation) {
        if let Some(rest) = word.strip_prefix('+') {
            let (service, how) = rest.split_once(':').unwrap_or((rest, "7"));
            self.prepare(service, how, seen);
        } else if read_build(word, seen) {
        } else if let Some((service, look)) = word.split_once('=') {
            see(service, look, Read::Live, seen);
        } else if let Some((service, look)) = word.split_once('~') {
            see(service, look, Read::Cached, seen);
        } else if let Some(step) = word
            .strip_prefix("approve(")
            .and_then(|rest| rest.strip_suffix(')'))
        {
            seen.wanted.approvals.push(Approval {
                step: step.to_owned(),
                by: "ann".to_owned(),
                time: None,
                reason: None,
            });
        } else if let Some((word, step)) = word
            .strip_suffix(')')
            .and_then(|word| word.split_once('('))
            .filter(|(word, _)| matches!(*word, "retry" | "force"))
        {
            let said = Approval {
                step: step.to_owned(),
                by: "ann".to_owned(),
                time: None,
                reason: Some("so it is".to_owned()),
            };
            if word == "retry" {
                seen.wanted.retries.push(said);
            } else {
                seen.wanted.forces.push(said);
            }
        } else if let Some(times) = word
            .strip_prefix("freeze(")
            .and_then(|rest| rest.strip_suffix(')'))
        {
            let (from, until) = times.split_once(',').expect("two times");
            let time = |text: &str| Some(Time(at(text.parse().expect("a number"))));
            seen.wanted.freeze.push(FreezeWindow {
                reason: Some("night".to_owned()),
                from: time(from),
                until: time(until),
                ..FreezeWindow::default()
            });
        } else if let Some(newer) = word
            .strip_prefix("newer(")
            .and_then(|rest| rest.strip_suffix(')'))
        {
            seen.wanted.superseded_by = Some(newer.to_owned());
        } else if let Some((how, about)) = word.strip_suffix(')').and_then(|w| w.split_once('(')) {
            let outcome = self.outcome(how, about);
            seen.outcomes.push(outcome);
        } else {
            match word {
                "pause" => seen.wanted.pause = true,
                "abort" => {
                    seen.wanted.abort = true;
                    seen.wanted.reason = Some("enough".to_owned());
                }
                "crash" => self.crash(),
                _ => panic!("no word `{word}`"),
            }
        }
    }

    fn prepare(&self, service: &str, how: &str, seen: &mut Observation) {
        let (objects, workloads) = if service == "shared" {
            (&self.agenda.shared, &Vec::new())
        } else {
            let belongings = &self.agenda.members[&name(service)].belongings;
            (&belongings.objects, &belongings.workloads)
        };
        for object in objects {
            let is_workload = workloads.contains(object);
            let uid = format!("uid-{service}");
            let prepared = Prepared {
                precondition: match how {
                    "absent" => Precondition::Absent,
                    _ => Precondition::Unchanged {
                        uid,
                        resource_version: match how {
                            "same" | "starts" => "7".to_owned(),
                            version => version.to_owned(),
                        },
                    },
                },
                starts_pods: (is_workload && how != "same") || how == "starts",
                live_stamp: (is_workload && how != "absent").then(|| "before".to_owned()),
                claimed_by: (how == "claimed").then(|| "crm".to_owned()),
            };
            seen.prepared.insert(object.clone(), prepared);
        }
    }

    fn outcome(&self, how: &str, about: &str) -> Outcome {
        let is_it = |action: &&Action| match (about, action) {
            ("shared", Action::ApplyShared { .. })
            | ("leftover", Action::RemoveLeftover { .. })
            | ("rollback", Action::RollBack { .. })
            | ("publish", Action::Publish { .. }) => true,
            (
                _,
                Action::Build { service, .. }
                | Action::BeginBuild { service, .. }
                | Action::CancelBuild { service, .. },
            ) => about.strip_prefix("build:") == Some(service.as_str()),
            _ => action
                .service()
                .is_some_and(|service| service.to_string() == about),
        };
        let action = self.acted.iter().rev().find(is_it).expect("an action");
        let object = deployment(about.split('/').next().expect("a name"));
        let result = match how {
            "ok" => Ok(match action {
                Action::Apply { service, .. } => {
                    let workloads = &self.agenda.members[service].belongings.workloads;
                    let answered = workloads.iter().map(|w| (w.clone(), applied(&w.name)));
                    answered.collect()
                }
                Action::ApplyShared { .. }
                | Action::Pause { .. }
                | Action::RemoveWorkloads { .. }
                | Action::RemoveRest { .. }
                | Action::RemoveLeftover { .. }
                | Action::RollBack { .. }
                | Action::Build { .. }
                | Action::BeginBuild { .. }
                | Action::CancelBuild { .. }
                | Action::Publish { .. } => Vec::new(),
            }),
            "moved" => Err(ActFailure::Moved { object }),
            "lost" => Err(ActFailure::Unreachable {
                object,
                message: "no answer".to_owned(),
            }),
            "refused" => Err(ActFailure::Refused {
                object,
                code: Code::Forbidden,
                message: "may not be written".to_owned(),
            }),
            _ => panic!("no outcome `{how}`"),
        };
        Outcome {
            action: action.clone(),
            result,
        }
    }

    /// All that is left is `.status` and the frozen input.
    pub(super) fn crash(&mut self) {
        let status = status::to_status(&self.agenda, &self.state, 1, &[], start());
        let (agenda, state) = status::from_status(&status, &self.charter).expect("our status");
        assert_eq!(agenda, self.agenda, "the agenda is the same after a crash");
        self.state = state;
    }

    /// The frozen input.
    pub(super) fn charter(&self) -> &Charter {
        &self.charter
    }

    /// Gives a service a second Deployment, `<service>/2` in scripts.
    pub(super) fn second_workload(&mut self, service: &str) {
        let second = deployment(&format!("{service}-2"));
        let member = self.agenda.members.get_mut(&name(service)).expect("it");
        member.belongings.workloads.push(second.clone());
        member.belongings.objects.push(second);
    }

    /// Leaves a service that goes away nothing but its other objects.
    pub(super) fn without_workloads(&mut self, service: &str) {
        let member = self.agenda.members.get_mut(&name(service)).expect("it");
        let workloads = std::mem::take(&mut member.belongings.workloads);
        member
            .belongings
            .objects
            .retain(|object| !workloads.contains(object));
    }

    /// Why a service is not further: `Reason: sentence`.
    pub(super) fn why(&self, service: &str) -> String {
        let (reason, message) = why::of(&self.agenda, &self.state, &name(service));
        format!("{reason}: {message}")
    }
}

fn seconds(text: &str) -> SignedDuration {
    let number = text.trim_end_matches('s').parse().expect("seconds");
    SignedDuration::try_from_secs_f64(number).expect("a duration")
}

fn member(service: &str, words: &[&str]) -> Member {
    let has = |word: &str| words.contains(&word);
    let change = match () {
        () if has("create") => Change::Create,
        () if has("delete") => Change::Delete,
        () if has("job") => Change::Job,
        () if service.ends_with("/flip") => Change::Flip,
        () if service.ends_with("/drain") => Change::Drain,
        () => Change::Roll,
    };
    let after = words.iter().position(|word| *word == "after");
    let after = after.map_or("", |at| words[at + 1]).split(',');
    let until = words.iter().position(|word| *word == "until");
    let until = until.map_or("", |at| words[at + 1]).split(',');
    let swells = words.iter().position(|word| *word == "swells");
    let swells = swells.map(|at| words[at + 1].parse().expect("a number"));
    let is_drain = change == Change::Drain;
    let step = service;
    let service = service.split('/').next().expect("a name");
    let workload = deployment(service);
    let mut objects = vec![object("v1", "Service", service), workload.clone()];
    if change == Change::Delete {
        objects.insert(0, object("v1", "ConfigMap", service));
    }
    Member {
        change,
        after: after.filter(|s| !s.is_empty()).map(name).collect(),
        is_final: has("final"),
        retentions: until.filter_map(Retention::parse).collect(),
        held: Vec::new(),
        belongings: if is_drain {
            Belongings::default()
        } else {
            Belongings {
                swells: swells
                    .map(|pods| swell(&workload, pods))
                    .into_iter()
                    .collect(),
                workloads: vec![workload],
                gates: Vec::new(),
                objects,
                builds: has("build")
                    .then(|| name(service).service)
                    .into_iter()
                    .collect(),
                drain: DrainLevel::Pods,
                stamp: match change {
                    // What is not declared any more has none.
                    Change::Delete => String::new(),
                    Change::Create | Change::Roll | Change::Flip | Change::Job => {
                        format!("new-{service}")
                    }
                    Change::Drain => panic!("{step} has no objects"),
                },
            }
        },
        dropped: has("drops")
            .then(|| deployment(&format!("{service}-old")))
            .into_iter()
            .collect(),
        from: format!("{service}:1"),
        to: format!("{service}:2"),
    }
}

/// So many pods more while it rolls.
fn swell(workload: &ObjectRef, pods: u32) -> Swell {
    Swell {
        workload: workload.clone(),
        replicas: 3,
        surge: Surge::Pods(pods),
    }
}

/// A service that stands so; see the module's words.
pub(super) fn standing(service: &str, look: &str) -> Deployed {
    let mut deployed = Deployed::steady(service, 2, Template::of("app:1"));
    let pod = |revision: usize, number: usize| PodFacts {
        name: format!("{service}-{revision}-{number}"),
        revision,
        is_ready: true,
        gone_by: None,
    };
    let going = |mut pod: PodFacts| {
        pod.gone_by = Some(at(3_600.0));
        pod
    };
    if !matches!(look, "old" | "ending" | "gone") {
        deployed.set(Template::of("app:2"));
        deployed.version = 8;
    }
    if !matches!(look, "old" | "unseen") {
        deployed.observed = deployed.generation;
    }
    match look {
        "old" | "unseen" => {}
        "mid" => deployed.pods = vec![pod(1, 1), pod(0, 2)],
        "drain" => deployed.pods = vec![pod(1, 1), pod(1, 2), going(pod(0, 2))],
        "new" => deployed.pods = vec![pod(1, 1), pod(1, 2)],
        "undone" => deployed.set(Template::of("app:1")),
        "ending" => {
            deployed.exists = false;
            deployed.pods = vec![going(pod(0, 2))];
        }
        "gone" => {
            deployed.exists = false;
            deployed.pods.clear();
        }
        _ => panic!("nothing stands `{look}`"),
    }
    deployed
}

fn applied(service: &str) -> Applied {
    let response = standing(service, "unseen").workload();
    Applied::from_response(&response, None)
}

fn see(shown: &str, look: &str, read: Read, seen: &mut Observation) {
    let (service, workload) = match shown.split_once('/') {
        Some((service, number @ ("2" | "old"))) => (service, format!("{service}-{number}")),
        Some((service, _)) => (shown, service.to_owned()),
        None => (shown, shown.to_owned()),
    };
    let all = BTreeMap::from([(workload.clone(), standing(&workload, look))]);
    let snapshot = snapshot(&workload, &all, read, seen.now);
    let of_service = seen.snapshots.entry(name(service)).or_default();
    of_service.push((deployment(&workload), snapshot));
}
