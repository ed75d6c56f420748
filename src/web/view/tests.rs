//! Objects in, what is shown out.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::spec::crd::{Release, ReleasePlan, ServiceGraphSpec};

/// The time of every test.
pub(in crate::web) fn now() -> Timestamp {
    "2026-11-30T12:00:00Z".parse().expect("a time")
}

fn object<T: serde::de::DeserializeOwned>(value: Value) -> Arc<T> {
    Arc::new(serde_json::from_value(value).expect("an object"))
}

/// A release of plan `shop` with a status.
pub(in crate::web) fn release(namespace: &str, number: u64, status: &Value) -> Arc<Release> {
    object(json!({
        "apiVersion": "tidegate.dev/v1alpha1",
        "kind": "Release",
        "metadata": {
            "name": format!("shop-{number}"),
            "namespace": namespace,
            "uid": format!("{namespace}-{number}"),
            "creationTimestamp": "2026-11-30T11:50:00Z"
        },
        "spec": {
            "plan": "shop",
            "number": number,
            "revision": "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "trigger": "manual",
            "bundle": {"digest": "sha256:00", "parts": 1}
        },
        "status": status
    }))
}

/// A plan, with annotations.
pub(in crate::web) fn plan(namespace: &str, name: &str, annotations: &Value) -> Arc<ReleasePlan> {
    object(json!({
        "apiVersion": "tidegate.dev/v1alpha1",
        "kind": "ReleasePlan",
        "metadata": {"name": name, "namespace": namespace, "annotations": annotations},
        "spec": {}
    }))
}

/// A run that waits in its second of two waves.
pub(in crate::web) fn draining() -> Value {
    json!({
        "phase": "Draining",
        "summary": "wave 1/2, 0/2 services",
        "startTime": "2026-11-30T11:58:00Z",
        "conditions": [{
            "type": "Ready", "status": "Unknown", "reason": "Moving",
            "message": "wave 1/2, 0/2 services; store: 1 old pod is alive: Pod/shop/store-old",
            "lastTransitionTime": "2026-11-30T11:58:00Z"
        }],
        "waves": [
            {"index": 1, "startTime": "2026-11-30T11:58:00Z", "services": [{
                "name": "store", "state": "Moving", "action": "roll", "from": "store:1", "to": "store:2",
                "newReady": 3, "newWanted": 3, "oldAlive": 1, "reason": "OldPods",
                "message": "1 old pod is alive: Pod/shop/store-old",
                "since": "2026-11-30T11:59:00Z", "startTime": "2026-11-30T11:58:00Z"
            }]},
            {"index": 2, "services": [{
                "name": "cart", "state": "Waiting", "action": "roll", "after": ["store"],
                "from": "cart:1", "to": "cart:2", "reason": "WaitsForOthers", "message": "waits for store"
            }]}
        ]
    })
}

/// A run that waits for a person.
pub(in crate::web) fn awaiting() -> Value {
    let mut status = draining();
    status["phase"] = json!("AwaitingApproval");
    let step = &mut status["waves"][0]["services"][0];
    step["state"] = json!("Waiting");
    step["reason"] = json!("AwaitingApproval");
    step["isFinal"] = json!(true);
    step["message"] = json!("waits for somebody: nothing undoes it");
    status
}

/// A run that went well.
pub(in crate::web) fn succeeded() -> Value {
    json!({
        "phase": "Succeeded", "outcome": "Succeeded", "summary": "1/1 waves, 1/1 services",
        "startTime": "2026-11-30T11:00:00Z", "completionTime": "2026-11-30T11:03:00Z",
        "waves": [{"index": 1, "startTime": "2026-11-30T11:00:00Z", "endTime": "2026-11-30T11:03:00Z", "services": [
            {"name": "store", "state": "Done", "action": "roll", "startTime": "2026-11-30T11:00:00Z", "endTime": "2026-11-30T11:03:00Z"}
        ]}]
    })
}

fn shop(status: &Value) -> Sight {
    Sight::new(
        vec![release("shop", 2, status), release("shop", 1, &succeeded())],
        vec![plan("shop", "shop", &json!({}))],
        Vec::new(),
        true,
    )
}

#[test]
fn a_release_tells_what_each_service_waits_for_and_what_would_unblock_it() {
    let view = release_view(&release("shop", 2, &draining()), now());
    assert_eq!(view.line.mark, Mark::Draining);
    assert_eq!(view.line.took_s, Some(120));
    let told: Vec<String> = view
        .waves
        .iter()
        .flat_map(|wave| &wave.services)
        .map(|step| {
            let unblocked_by = step.unblocked_by.clone().unwrap_or_default();
            format!(
                "{} {} | {} | {unblocked_by}",
                step.mark.sign(),
                step.name,
                step.message
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    ◕ store | 1 old pod is alive: Pod/shop/store-old | 1 old pod has ended
    ○ cart | waits for store | store is done
    ");
    let store = &view.waves[0].services[0];
    assert_eq!(store.before, ["cart"], "who waits for it");
}

#[test]
fn what_needs_somebody_is_what_waits_for_a_word_and_what_went_wrong() {
    let needs = |status: &Value| {
        let needs = overview(&shop(status), now()).needs;
        let told = needs
            .iter()
            .map(|need| format!("{} {}", need.mark.sign(), need.message));
        told.collect::<Vec<_>>()
    };
    assert_eq!(
        needs(&draining()),
        Vec::<String>::new(),
        "it goes on by itself"
    );
    assert_eq!(
        needs(&awaiting()),
        ["⚑ store: waits for somebody: nothing undoes it"]
    );
    let mut failed = succeeded();
    failed["outcome"] = json!("Failed");
    failed["conditions"] = json!([{
        "type": "Ready", "status": "False", "reason": "ImagePull", "message": "store: the image cannot be pulled",
        "lastTransitionTime": "2026-11-30T11:03:00Z"
    }]);
    assert_eq!(needs(&failed), ["✕ store: the image cannot be pulled"]);
}

#[test]
fn a_plan_stands_in_the_folder_of_its_annotation_and_otherwise_under_its_namespace() {
    let folder = |path: &str| json!({"tidegate.dev/folder": path});
    let sight = Sight::new(
        vec![release("orphans", 1, &succeeded())],
        vec![
            plan("a", "one", &json!({})),
            plan("a", "two", &folder("/team//shop/ ")),
            plan("b", "three", &folder("team/shop")),
            plan("b", "four", &folder(" / ")),
        ],
        Vec::new(),
        true,
    );
    let folders = overview(&sight, now()).folders;
    let told: Vec<String> = folders
        .iter()
        .map(|folder| {
            let plans: Vec<&str> = folder.plans.iter().map(|plan| plan.name.as_str()).collect();
            format!("{}: {}", folder.path, plans.join(", "))
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    a: one
    b: four
    orphans: shop
    team/shop: two, three
    ");
}

#[test]
fn a_plan_has_its_runs_the_newest_first_and_the_median_of_those_that_succeeded() {
    let view = plan_view(&shop(&draining()), "shop", "shop", now()).expect("a plan");
    let numbers: Vec<u64> = view.runs.iter().map(|run| run.number).collect();
    assert_eq!(numbers, [2, 1]);
    assert_eq!((view.median_s, view.succeeded), (Some(180), (1, 1)));
    assert_eq!(plan_view(&shop(&draining()), "shop", "other", now()), None);
    assert_eq!(plan_view(&shop(&draining()), "other", "shop", now()), None);
}

#[test]
fn a_search_finds_releases_that_have_every_word() {
    let sight = shop(&draining());
    let found = |query: &str| {
        let found = search(&sight, query, now()).releases;
        found.iter().map(|line| line.number).collect::<Vec<_>>()
    };
    assert_eq!(found("CART"), [2], "a service of it");
    assert_eq!(found("succeeded store"), [1]);
    assert_eq!(found("store:2"), [2], "an image");
    assert_eq!(found("nowhere"), Vec::<u64>::new());
    assert_eq!(found("").len(), 2);
}

#[test]
fn what_may_not_be_seen_is_not_in_the_sight() {
    let sight = shop(&draining()).within(|namespace| namespace == "other", |_| true, |_| true);
    assert!(sight.release("shop", "shop-2").is_none());
    assert!(sight.releases_of("shop", "shop").is_empty());
    assert!(sight.plan("shop", "shop").is_some());
    assert!(approvals(&shop(&awaiting()), now()).awaited.len() == 1);
}

fn graph(text: &str) -> ServiceGraphSpec {
    serde_saphyr::from_str(text).expect("a graph")
}

#[test]
fn a_graph_tells_who_calls_what_and_which_version_nobody_calls() {
    let view = graph_view(
        "shop",
        &graph(
            "services:
- {name: store, serves: [{versions: ['1', '2']}]}
- {name: cart, calls: [{service: store, version: '2'}]}
- {name: web, calls: [{service: cart}, {service: store, version: '3', optional: true}]}
external:
- {name: mobile, calls: [{service: web, version: '1'}]}",
        ),
    );
    assert_eq!(view.columns, [vec!["web"], vec!["cart"], vec!["store"]]);
    let told: Vec<String> = view
        .contracts
        .iter()
        .map(|line| {
            let callers: Vec<String> = line
                .callers
                .iter()
                .map(|caller| format!("{} {} {:?}", caller.caller, caller.needs, caller.succeeds))
                .collect();
            format!("{} {:?}: {}", line.service, line.served, callers.join(", "))
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    cart None: web undeclared None
    store Some(ServedBy { versions: ["1", "2"], uncalled: ["1"] }): cart 2 Some(true), web 3 Some(false)
    web None: mobile 1 None
    "#);
}

#[test]
fn calls_that_close_a_circle_are_drawn_too() {
    let view = graph_view(
        "circle",
        &graph(
            "services:
- {name: a, serves: [{versions: ['1']}], calls: [{service: b, version: '1'}]}
- {name: b, serves: [{versions: ['1']}], calls: [{service: a, version: '1'}]}
- {name: c, calls: [{service: a, version: '1'}]}",
        ),
    );
    let drawn: usize = view.columns.iter().map(Vec::len).sum();
    assert_eq!(drawn, 3, "{:?}", view.columns);
}

#[test]
fn a_what_if_has_the_planner_s_waves_and_the_pairs_that_force_them() {
    let old = graph(
        "services:
- {name: store, serves: [{versions: ['1']}]}
- {name: cart, calls: [{service: store, version: '1'}]}",
    );
    let new = graph(
        "services:
- {name: store, serves: [{versions: ['1', '2']}]}
- {name: cart, calls: [{service: store, version: '2'}]}",
    );
    let found = what_if("shop", &old, &new);
    assert_eq!(found.waves, [["store"], ["cart"]]);
    assert_eq!(found.arrows, [("store".to_owned(), "cart".to_owned())]);
    let pair = &found.pairings[0];
    let cells = [pair.old_old, pair.old_new, pair.new_old, pair.new_new];
    assert_eq!(cells, [Some(true), Some(true), Some(false), Some(true)]);
    assert!(!found.is_refused);
    assert!(
        what_if("shop", &old, &old).waves.is_empty(),
        "nothing moves"
    );
}

#[test]
fn times_are_told_by_the_time_that_is_given() {
    let later = now() + SignedDuration::from_hours(1);
    let view = release_view(&release("shop", 2, &draining()), later);
    assert_eq!(view.line.took_s, Some(3720));
}
