use super::*;
use serde_json::json;

/// One line of a log; `more` replaces what is said here.
fn line(id: &str, verb: &str, at: &str, more: &Value) -> String {
    let mut event = json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse",
        "auditID": id, "stage": "ResponseComplete", "requestURI": "/api/v1/namespaces/shop/pods",
        "verb": verb, "user": {"username": "admin"}, "userAgent": "tidegate/0.1.0",
        "objectRef": {"resource": "pods", "namespace": "shop", "name": "web-1"},
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": format!("2026-01-01T00:00:{at}00000Z"),
        "stageTimestamp": format!("2026-01-01T00:00:{at}10000Z"),
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        event[key] = value.clone();
    }
    format!("{event}\n")
}

fn at(text: &str) -> Timestamp {
    format!("2026-01-01T00:00:{text}Z").parse().unwrap()
}

#[test]
fn writes_come_in_the_order_of_their_end() {
    let log = line("2", "patch", "02.0", &json!({})) + &line("1", "create", "01.0", &json!({}));
    let history = parse(&log).unwrap();
    let verbs: Vec<&str> = history
        .writes
        .iter()
        .map(|write| write.verb.as_str())
        .collect();
    assert_eq!(verbs, ["create", "patch"]);
}

#[test]
fn a_line_that_is_being_written_is_left_for_the_next_time() {
    let log = line("1", "create", "01.0", &json!({})) + r#"{"kind": "Event", "audi"#;
    assert_eq!(parse(&log).unwrap().writes.len(), 1);
    assert_eq!(parse(r#"{"kind""#).unwrap().writes.len(), 0);
}

#[test]
fn a_broken_line_elsewhere_is_an_error_that_names_it() {
    let log = line("1", "create", "01.0", &json!({})) + "nonsense\n";
    assert_eq!(
        parse(&log).unwrap_err().to_string(),
        "line 2 of the audit log is not an event"
    );
}

#[test]
fn names_that_the_server_chose_come_from_its_answer() {
    let more = json!({
        "objectRef": {"resource": "pods", "namespace": "shop"},
        "responseStatus": {"code": 201},
        "responseObject": {"kind": "Pod", "metadata": {"name": "web-x7f", "uid": "u1"}},
    });
    let history = parse(&line("1", "create", "01.0", &more)).unwrap();
    assert_eq!(history.writes[0].name.as_deref(), Some("web-x7f"));
    assert_eq!(history.writes[0].uid.as_deref(), Some("u1"));
}

#[test]
fn a_refused_or_tried_write_is_not_a_successful_one() {
    let refused = json!({"responseStatus": {"code": 409}});
    let tried = json!({"requestURI": "/apis/apps/v1/x?dryRun=All&fieldManager=tidegate"});
    let tried_delete = json!({"requestObject": {"kind": "DeleteOptions", "dryRun": ["All"]}});
    let log = line("1", "create", "01.0", &refused)
        + &line("2", "patch", "02.0", &tried)
        + &line("3", "delete", "03.0", &tried_delete)
        + &line("4", "patch", "04.0", &json!({}));
    let history = parse(&log).unwrap();
    assert_eq!(history.writes.len(), 4);
    assert_eq!(history.successful().count(), 1);
    assert_eq!(history.writes[1].field_manager.as_deref(), Some("tidegate"));
}

#[test]
fn requests_are_counted_by_program_and_verb_and_a_watch_once() {
    let begun = json!({"stage": "ResponseStarted"});
    let impersonated = json!({"impersonatedUser": {"username": "system:serviceaccount:shop:x"}});
    let log = line("1", "watch", "01.0", &begun)
        + &line("1", "watch", "09.0", &json!({}))
        + &line("2", "patch", "02.0", &impersonated)
        + &line(
            "3",
            "patch",
            "03.0",
            &json!({"userAgent": "kubectl/v1.37.2 (linux)"}),
        );
    let history = parse(&log).unwrap();
    let counts = history.request_counts(at("00"));
    assert_eq!(counts[&("tidegate".to_owned(), "watch".to_owned())], 1);
    assert_eq!(counts[&("tidegate".to_owned(), "patch".to_owned())], 1);
    assert_eq!(counts[&("kubectl".to_owned(), "patch".to_owned())], 1);
    assert!(history.request_counts(at("10")).is_empty());
    assert_eq!(history.writes_by("tidegate", at("00")).count(), 1);
    assert_eq!(history.writes_by("tidegate", at("03")).count(), 0);
    let user = history.writes[0].impersonated_user.as_deref();
    assert_eq!(user, Some("system:serviceaccount:shop:x"));
}
