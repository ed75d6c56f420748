//! What `.status` keeps: round trips, conditions, edits by others.

use proptest::prelude::*;
use serde_json::Value;

use super::scene::{Scene, at, name, standing};
use crate::gate::{Applied, Baseline, Memory, Read};
use crate::{Course, Ending, Fleeting, Progress, Record, ServiceState, Standing, State, status};
use tidegate_spec::crd::ReleaseStatus;

const SYSTEM: &str =
    "store | mail | cart after store | web after store,cart | old delete after web | shared";

pub(super) fn saved(scene: &Scene) -> ReleaseStatus {
    status::to_status(&scene.agenda, &scene.state, 3, &[], at(0.0))
}

/// The state as it is after a crash, and through JSON, as the API server keeps it.
pub(super) fn loaded(scene: &Scene) -> Result<State, String> {
    let json = serde_json::to_string(&saved(scene)).expect("JSON");
    let kept: ReleaseStatus = serde_json::from_str(&json).expect("a status");
    let (agenda, state) = status::from_status(&kept, scene.charter()).map_err(|e| e.to_string())?;
    assert_eq!(agenda, scene.agenda);
    Ok(state)
}

/// What a crash may change: the small steps that are done again, words that are worked out anew, and what is
/// fleeting.
fn as_loaded(mut state: State) -> State {
    state.fleeting = Fleeting::default();
    // What of the gates' memory must last is in the records.
    let records = state.services.values().flat_map(|service| &service.records);
    let kept = records.filter_map(|(workload, record)| {
        let memory = record.memory.clone()?;
        Some((workload.clone(), memory))
    });
    state.fleeting.memory = kept.collect();
    // Told again: nothing is decided by it.
    state.paused = false;
    let mut standings = state.services.values().map(|s| s.standing);
    let untouched = standings.all(|standing| standing == Standing::Waiting);
    match state.course {
        Course::Preparing | Course::Moving | Course::Publishing => {
            state.course = if untouched {
                Course::Preparing
            } else {
                Course::Moving
            };
        }
        Course::Pending | Course::Ended(_) => {}
    }
    for service in state.services.values_mut() {
        let progress = &mut service.progress;
        let own = match service.standing {
            Standing::Waiting => {
                matches!(progress.reason.as_str(), "Regressed" | "AwaitingApproval")
            }
            Standing::Starting => !progress.reason.is_empty(),
            Standing::Moving | Standing::Removing | Standing::Draining | Standing::Failed => true,
            Standing::Retiring | Standing::Clearing | Standing::Done => false,
        };
        if !own {
            progress.reason.clear();
            progress.message.clear();
        }
    }
    state
}

fn standings() -> impl Strategy<Value = Standing> {
    prop::sample::select(vec![
        Standing::Waiting,
        Standing::Starting,
        Standing::Retiring,
        Standing::Moving,
        Standing::Removing,
        Standing::Clearing,
        Standing::Draining,
        Standing::Done,
        Standing::Failed,
    ])
}

fn times() -> impl Strategy<Value = Option<jiff::Timestamp>> {
    // The API server keeps whole seconds.
    prop::option::of((0..9_000_u32).prop_map(|seconds| at(f64::from(seconds))))
}

fn records(service: &str) -> impl Strategy<Value = Record> + use<> {
    let deployed = standing(service, "old");
    let workload = deployed.reference();
    let shown = std::collections::BTreeMap::from([(service.to_owned(), deployed)]);
    let snapshot = super::objects::snapshot(service, &shown, Read::Live, at(0.0));
    let captured = Baseline::capture(&workload, &snapshot);
    let response = standing(service, "unseen").workload();
    let baselines = vec![None, Some(Baseline::absent(workload)), Some(captured)];
    let answers = vec![None, Some(Applied::from_response(&response, None))];
    let memories = vec![None, Some(Memory::default())];
    (
        prop::sample::select(baselines),
        prop::sample::select(answers),
        prop::sample::select(memories),
    )
        .prop_map(|(baseline, applied, memory)| Record {
            baseline,
            applied,
            memory,
        })
}

prop_compose! {
    fn services(service: &'static str)(
        standing in standings(),
        record in prop::option::of(records(service)),
        started in times(),
        ended in times(),
        since in times(),
        (new_ready, new_wanted, old_alive) in (0..9_u32, 0..9_u32, 0..9_u32),
        reason in prop::sample::select(vec!["", "OldPods", "Regressed", "WriteRepeated"]),
        regressed in prop::option::of("[a-z ]{1,20}"),
        paused_for in prop::option::of(Just(name("store"))),
    ) -> ServiceState {
        let workload = standing_reference(service);
        ServiceState {
            standing,
            records: record.map(|record| (workload, record)).into_iter().collect(),
            started,
            ended,
            approval: None,
            forced: None,
            regressed,
            paused_for,
            retries: 0,
            progress: Progress {
                new_ready, new_wanted, old_alive, since,
                reason: reason.to_owned(),
                message: if reason.is_empty() { String::new() } else { "so it is".to_owned() },
            },
        }
    }
}

fn standing_reference(service: &str) -> tidegate_spec::ObjectRef {
    standing(service, "old").reference()
}

fn courses() -> impl Strategy<Value = Course> {
    let words = || "[ -~]{0,40}";
    prop_oneof![
        Just(Course::Preparing),
        Just(Course::Moving),
        Just(Course::Publishing),
        Just(Course::Ended(Ending::Succeeded)),
        ("[A-Z][a-z]{1,9}", words())
            .prop_map(|(reason, message)| Course::Ended(Ending::Failed { reason, message })),
        words().prop_map(|message| Course::Ended(Ending::Refused { message })),
        words().prop_map(|message| Course::Ended(Ending::Aborted { message })),
    ]
}

prop_compose! {
    fn scenes()(
        course in courses(),
        paused in any::<bool>(),
        ended in times(),
        store in services("store"), mail in services("mail"), cart in services("cart"),
        web in services("web"), old in services("old"),
        waves in prop::collection::vec((times(), times()), 4),
    ) -> Scene {
        let mut scene = Scene::of(SYSTEM);
        let state = &mut scene.state;
        (state.course, state.paused, state.ended) = (course, paused, ended);
        let all = [("store", store), ("mail", mail), ("cart", cart), ("web", web), ("old", old)];
        state.services = all.map(|(service, state)| (name(service), state)).into();
        for (wave, (started, ended)) in state.waves.iter_mut().zip(waves) {
            (wave.started, wave.ended) = (started, ended);
        }
        scene
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_state_survives_a_crash(scene in scenes()) {
        prop_assert_eq!(loaded(&scene).expect("our own status"), as_loaded(scene.state));
    }

    #[test]
    fn what_is_loaded_is_saved_as_it_was(scene in scenes()) {
        let mut again = Scene::of(SYSTEM);
        again.state = loaded(&scene).expect("our own status");
        prop_assert_eq!(loaded(&again).expect("our own status"), again.state);
    }

    /// Somebody sets any one field of the status to something else: an answer, never a panic.
    #[test]
    fn an_edited_status_is_read_or_refused(scene in scenes(), which in any::<prop::sample::Index>(),
        how in prop::sample::select(vec!["null", "\"x\"", "[]", "{}", "-1", "true", "\"2026-01-01T00:00:00Z\""])) {
        let mut json = serde_json::to_value(saved(&scene)).expect("JSON");
        let paths = paths(&json, "");
        let path = &paths[which.index(paths.len())];
        *json.pointer_mut(path).expect("it is there") = serde_json::from_str(how).expect("JSON");
        if let Ok(status) = serde_json::from_value::<ReleaseStatus>(json)
            && let Ok((agenda, state)) = status::from_status(&status, scene.charter())
        {
            drop(status::to_status(&agenda, &state, 4, &status.conditions, at(1.0)));
        }
    }
}

/// Where every value is, as JSON pointers.
fn paths(value: &Value, at: &str) -> Vec<String> {
    let below: Vec<String> = match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(index, item)| paths(item, &format!("{at}/{index}")))
            .collect(),
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(key, field)| {
                let key = key.replace('~', "~0").replace('/', "~1");
                paths(field, &format!("{at}/{key}"))
            })
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    std::iter::once(at.to_owned()).chain(below).collect()
}

#[test]
fn words_do_not_grow_from_crash_to_crash() {
    let mut scene = Scene::of("a | b after a | c after b | d after c | e after d");
    scene.turn("0s +a a=old");
    let words = |scene: &Scene| serde_json::to_string(&saved(scene)).expect("JSON");
    let before = words(&scene);
    for _ in 0..5 {
        scene.crash();
    }
    assert_eq!(words(&scene), before);
    insta::assert_snapshot!(scene.why("d"), @"WaitsForOthers: waits for a; b; c");
}

#[test]
fn a_release_that_nobody_has_planned_is_pending() {
    let scene = Scene::of("store");
    let (agenda, state) =
        status::from_status(&ReleaseStatus::default(), scene.charter()).expect("nothing is wrong");
    assert_eq!(state, State::pending());
    assert!(agenda.waves.is_empty() && agenda.members.is_empty());
}

/// What is said of a status after an edit.
fn edited(edit: impl Fn(&mut ReleaseStatus)) -> String {
    let mut scene = Scene::of("store | web after store");
    scene.turn("0s +store store=old");
    let mut status = saved(&scene);
    edit(&mut status);
    match status::from_status(&status, scene.charter()) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn an_edit_that_makes_no_sense_is_named() {
    let store = |status: &mut ReleaseStatus| std::mem::take(&mut status.waves[0].services[0]);
    assert_eq!(edited(|_| {}), "accepted");
    let said = [
        edited(|status| status.waves[0].services[0].state = "Gone".to_owned()),
        edited(|status| status.waves[0].services[0].action = "sing".to_owned()),
        edited(|status| status.waves[0].services[0].name = "Store".to_owned()),
        edited(|status| status.waves[0].services[0].name = "stores".to_owned()),
        edited(|status| status.waves[1].services[0].after = vec!["Store!".to_owned()]),
        edited(|status| status.waves[1].services[0].after = vec!["mail".to_owned()]),
        edited(|status| status.waves[0].services[0].after = vec!["web".to_owned()]),
        edited(|status| {
            let store = store(status);
            status.waves[1].services.push(store.clone());
            status.waves[0].services[0] = store;
        }),
        edited(|status| {
            let records = &mut status.waves[0].services[0].records;
            records.insert("x".to_owned(), serde_json::json!({"baseline": 1}));
        }),
        edited(|status| status.outcome = Some("Great".to_owned())),
        edited(|status| status.waves.clear()),
    ];
    insta::assert_snapshot!(said.join("\n").replace("the release's status was changed by somebody else: ", ""), @r"
    store: no state `Gone`
    store: no action `sing`
    step `Store` must be made of a-z, 0-9, `-` and `.`, and begin and end with a letter or digit
    the release's bundle has no service `stores`
    step `Store!` must be made of a-z, 0-9, `-` and `.`, and begin and end with a letter or digit
    web comes after mail, which is in no earlier wave
    store comes after web, which is in no earlier wave
    store is there twice
    store: a record: invalid type: integer `1`, expected struct Baseline
    no outcome `Great`
    it had 2 services, and has 0
    ");
}

/// Each condition as `Type=Status Reason since`, and what it says.
fn conditions(scene: &Scene, before: &ReleaseStatus, seconds: f64) -> (ReleaseStatus, String) {
    let status = status::to_status(
        &scene.agenda,
        &scene.state,
        3,
        &before.conditions,
        at(seconds),
    );
    let each = status.conditions.iter().map(|condition| {
        let since = condition
            .last_transition_time
            .0
            .duration_since(at(0.0))
            .as_secs();
        assert_eq!(condition.observed_generation, Some(3));
        format!("{}={} {since}s", condition.type_, condition.status)
    });
    let each: Vec<_> = each.collect();
    let ready = &status.conditions[0];
    let line = format!(
        "{} {} | {}: {}",
        status.phase,
        each.join(" "),
        ready.reason,
        ready.message
    );
    (status, line)
}

#[test]
fn conditions_are_kstatus_shaped_and_keep_their_times() {
    let mut scene = Scene::of("store | web after store");
    let mut status = ReleaseStatus::default();
    let mut told = Vec::new();
    let mut tell = |scene: &Scene, seconds: f64| {
        let line;
        (status, line) = conditions(scene, &status, seconds);
        told.push(format!("{line} | {}", status.summary));
    };
    tell(&scene, 0.0);
    for (seconds, line) in [
        (1.0, "1s +store store=old"),
        (2.0, "2s ok(store) store=mid"),
        (3.0, "3s store=drain pause"),
        (4.0, "4s store=drain"),
        (5.0, "5s store=new"),
        (7.0, "7s store=new"),
        (8.0, "8s store=new web=old +web"),
        (9.0, "9s ok(web) web=new"),
        (11.0, "11s web=new"),
        (12.0, "12s ok(publish)"),
    ] {
        scene.turn(line);
        tell(&scene, seconds);
    }
    insta::assert_snapshot!(told.join("\n"), @r"
    Applying Ready=Unknown 0s Reconciling=True 0s Stalled=False 0s | Applying: applying what belongs to no service | wave 1/2, 0/2 services
    Rolling Ready=Unknown 0s Reconciling=True 0s Stalled=False 0s | Moving: wave 1/2, 0/2 services; store: its manifests are being applied | wave 1/2, 0/2 services
    Rolling Ready=Unknown 0s Reconciling=True 0s Stalled=False 0s | Moving: wave 1/2, 0/2 services; store: Deployment store: 1 of 2 pods updated | wave 1/2, 0/2 services
    Paused Ready=Unknown 0s Reconciling=True 0s Stalled=False 0s | Paused: paused: wave 1/2, 0/2 services | wave 1/2, 0/2 services
    Draining Ready=Unknown 0s Reconciling=True 0s Stalled=False 0s | Moving: wave 1/2, 0/2 services; store: Deployment store: 1 old pod still alive: store-0-2 (Terminating, gone by 13:00:00Z) | wave 1/2, 0/2 services
    Rolling Ready=Unknown 0s Reconciling=True 0s Stalled=False 0s | Moving: wave 1/2, 0/2 services; store: Deployment store: complete, 2 of 2 new pods, no old pod left | wave 1/2, 0/2 services
    Rolling Ready=Unknown 0s Reconciling=True 0s Stalled=False 0s | Moving: wave 2/2, 1/2 services | wave 2/2, 1/2 services
    Rolling Ready=Unknown 0s Reconciling=True 0s Stalled=False 0s | Moving: wave 2/2, 1/2 services; web: its manifests are being applied | wave 2/2, 1/2 services
    Rolling Ready=Unknown 0s Reconciling=True 0s Stalled=False 0s | Moving: wave 2/2, 1/2 services; web: Deployment web: complete, 2 of 2 new pods, no old pod left | wave 2/2, 1/2 services
    Applying Ready=Unknown 0s Reconciling=True 0s Stalled=False 0s | Publishing: writing the graph into the cluster | 2/2 waves, 2/2 services
    Succeeded Ready=True 12s Reconciling=False 12s Stalled=False 0s | Succeeded: 2 services are done | 2/2 waves, 2/2 services
    ");
}

#[test]
fn an_end_that_is_no_success_is_stalled() {
    let end = |script: &[&str]| {
        let mut scene = Scene::of("store");
        for line in script {
            scene.turn(line);
        }
        conditions(&scene, &ReleaseStatus::default(), 9.0).1
    };
    let refused = {
        let mut scene = Scene::of("");
        scene.state = State::pending();
        let message = "no order is safe".to_owned();
        scene.state.course = Course::Ended(Ending::Refused { message });
        conditions(&scene, &ReleaseStatus::default(), 9.0).1
    };
    let told = [
        end(&["0s +store store=old", "1s refused(store) store=old"]),
        end(&["0s abort"]),
        refused,
    ];
    insta::assert_snapshot!(told.join("\n"), @r"
    Failed Ready=False 9s Reconciling=False 9s Stalled=True 9s | ApplyRefused: store: Deployment/shop/store: may not be written (an act that the plan's account may not do)
    Aborted Ready=False 9s Reconciling=False 9s Stalled=True 9s | Aborted: enough
    Refused Ready=False 9s Reconciling=False 9s Stalled=True 9s | Refused: no order is safe
    ");
}
