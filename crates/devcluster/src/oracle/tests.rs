use super::*;
use crate::audit::parse;
use serde_json::{Value, json};

/// A history from text, one write a line: `SECOND VERB POD SERVICE REVISION`, where the verb is
/// `create`, `delete` (asks), `remove` (with no grace), `finish` (a Job's pod succeeds).
fn history(text: &str) -> History {
    let mut log = String::new();
    for (version, line) in text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .enumerate()
    {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [second, verb, name, service, revision] = words[..] else {
            panic!("{line}")
        };
        let mut pod = json!({
            "kind": "Pod",
            "metadata": {"name": name, "uid": name, "resourceVersion": version.to_string(),
                "labels": {"app": service, "pod-template-hash": revision}},
            "status": {"phase": "Running"},
        });
        let (verb, code, subresource) = match verb {
            "create" => ("create", 201, None),
            "delete" => {
                pod["metadata"]["deletionGracePeriodSeconds"] = json!(30);
                ("delete", 200, None)
            }
            "remove" => {
                pod["metadata"]["deletionGracePeriodSeconds"] = json!(0);
                ("delete", 200, None)
            }
            "finish" => {
                pod["status"]["phase"] = json!("Succeeded");
                ("patch", 200, Some("status"))
            }
            other => panic!("{other}"),
        };
        log += &event(second, verb, code, subresource, &pod);
    }
    parse(&log).unwrap()
}

fn event(second: &str, verb: &str, code: u16, subresource: Option<&str>, object: &Value) -> String {
    let time = format!("2026-01-01T00:00:{second}Z");
    let mut reference = json!({"resource": "pods", "namespace": "shop"});
    if let Some(subresource) = subresource {
        reference["subresource"] = json!(subresource);
    }
    let event = json!({
        "auditID": "x", "stage": "ResponseComplete", "requestURI": "/", "verb": verb,
        "user": {"username": "u"}, "objectRef": reference, "responseStatus": {"code": code},
        "requestReceivedTimestamp": time, "stageTimestamp": time, "responseObject": object,
    });
    format!("{event}\n")
}

fn at(second: u8) -> Timestamp {
    format!("2026-01-01T00:00:{second:02}Z").parse().unwrap()
}

fn early(history: &History, precedences: &[(&str, &str)]) -> Vec<String> {
    early_starts(history, "shop", at(10), precedences)
        .iter()
        .map(ToString::to_string)
        .collect()
}

const ORDERED: &str = "
    00 create db-1 db 1
    00 create web-1 web 1
    11 create db-2 db 2
    13 delete db-1 db 1
    20 remove db-1 db 1
    21 create web-2 web 2
    22 delete web-1 web 1
    23 remove web-1 web 1
";

#[test]
fn an_ordered_upgrade_has_no_early_start() {
    assert_eq!(
        early(&history(ORDERED), &[("db", "web")]),
        Vec::<String>::new()
    );
}

#[test]
fn the_same_history_is_wrong_for_the_other_order() {
    assert_eq!(
        early(&history(ORDERED), &[("web", "db")]),
        ["db-2 was created at 2026-01-01T00:00:11Z, 12.000 s before the old pod web-1 was gone"]
    );
}

#[test]
fn a_start_while_an_old_pod_is_terminating_is_early() {
    let history = history(
        "00 create db-1 db 1
         11 create db-2 db 2
         13 delete db-1 db 1
         15 create web-2 web 2
         20 remove db-1 db 1",
    );
    assert_eq!(
        early(&history, &[("db", "web")]),
        ["web-2 was created at 2026-01-01T00:00:15Z, 5.000 s before the old pod db-1 was gone"]
    );
}

#[test]
fn an_old_pod_that_never_goes_is_said_to_live() {
    let history = history(
        "00 create db-1 db 1
         11 create db-2 db 2
         15 create web-2 web 2
         18 create other-1 other 1",
    );
    assert_eq!(
        early(&history, &[("db", "web")]),
        [
            "web-2 was created at 2026-01-01T00:00:15Z, 3.000 s before the old pod db-1 was gone \
          (it still lives)"
        ]
    );
}

#[test]
fn an_old_pod_that_comes_back_in_the_middle_counts() {
    let history = history(
        "00 create db-1 db 1
         11 create db-2 db 2
         12 remove db-1 db 1
         13 create db-3 db 1
         14 create web-2 web 2
         15 remove db-3 db 1
         16 create db-4 db 2",
    );
    assert_eq!(early(&history, &[("db", "web")]).len(), 1);
}

#[test]
fn changes_in_the_same_instant_are_ordered_by_their_versions() {
    let ordered = history(
        "00 create db-1 db 1
         11 create db-2 db 2
         12 remove db-1 db 1
         12 create web-2 web 2",
    );
    let early_one = history(
        "00 create db-1 db 1
         11 create db-2 db 2
         12 create web-2 web 2
         12 remove db-1 db 1",
    );
    assert_eq!(early(&ordered, &[("db", "web")]).len(), 0);
    assert_eq!(early(&early_one, &[("db", "web")]).len(), 1);
}

#[test]
fn a_job_is_over_when_its_pod_has_succeeded() {
    let in_time = history(
        "00 create migrate-1 migrate 1
         11 create migrate-2 migrate 2
         12 finish migrate-1 migrate 1
         15 create web-2 web 2
         20 remove migrate-1 migrate 1",
    );
    let too_late = history(
        "00 create migrate-1 migrate 1
         11 create migrate-2 migrate 2
         15 create web-2 web 2
         16 finish migrate-1 migrate 1",
    );
    assert_eq!(early(&in_time, &[("migrate", "web")]).len(), 0);
    assert_eq!(early(&too_late, &[("migrate", "web")]).len(), 1);
}

#[test]
fn what_was_created_before_the_upgrade_is_not_judged() {
    let history = history(
        "00 create db-1 db 1
         01 create web-1 web 1
         11 create db-2 db 2
         12 remove db-1 db 1",
    );
    assert_eq!(early(&history, &[("db", "web")]).len(), 0);
}

#[test]
fn pods_of_other_namespaces_do_not_count() {
    assert!(lives(&history(ORDERED), "elsewhere").is_empty());
}

#[test]
fn a_roll_has_a_begin_and_an_end() {
    let rolls = rolls(&history(ORDERED), "shop", at(10));
    let seen: Vec<_> = rolls
        .iter()
        .map(|roll| {
            (
                roll.service.as_str(),
                roll.first_new_created,
                roll.last_old_gone,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [("db", at(11), Some(at(20))), ("web", at(21), Some(at(23)))]
    );
    assert_eq!(rolls[0].target, "2");
    assert_eq!(rolls[0].old_alive, 0);
}

#[test]
fn owners_are_followed_up_and_name_what_has_no_labels() {
    let set = json!({"kind": "ReplicaSet", "metadata": {"name": "web-5f", "uid": "set",
        "ownerReferences": [
            {"kind": "Deployment", "name": "web", "uid": "deployment", "controller": true}]}});
    let pod = json!({"kind": "Pod", "metadata": {"name": "web-5f-x", "uid": "pod",
        "ownerReferences": [
            {"kind": "ReplicaSet", "name": "web-5f", "uid": "set", "controller": true}]}});
    let set = event("01", "create", 201, None, &set).replace("\"pods\"", "\"replicasets\"");
    let history = parse(&(set + &event("02", "create", 201, None, &pod))).unwrap();
    let lives = lives(&history, "shop");
    let kinds: Vec<&str> = lives[0]
        .owners
        .iter()
        .map(|owner| owner.kind.as_str())
        .collect();
    assert_eq!(kinds, ["ReplicaSet", "Deployment"]);
    assert_eq!(
        (lives[0].service.as_str(), lives[0].revision.as_str()),
        ("web", "set")
    );
}

#[test]
fn a_deleted_collection_removes_what_has_no_grace_left() {
    let created = |name: &str| {
        event(
            "01",
            "create",
            201,
            None,
            &json!({"metadata": {"name": name, "uid": name}}),
        )
    };
    let list = json!({"kind": "PodList", "items": [
        {"metadata": {"name": "a", "uid": "a", "deletionGracePeriodSeconds": 0}},
        {"metadata": {"name": "b", "uid": "b", "deletionGracePeriodSeconds": 30}}]});
    let log = created("a") + &created("b") + &event("05", "deletecollection", 200, None, &list);
    let lives = lives(&parse(&log).unwrap(), "shop");
    assert_eq!(lives[0].gone.map(|gone| gone.at), Some(at(5)));
    assert_eq!(lives[1].gone, None);
    assert_eq!(lives[1].asked_to_end, Some(at(5)));
}
