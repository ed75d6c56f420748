//! Objects that nobody's pods belong to: conditions of before the apply, as it stands in a file, rules of people.

use super::files::{check_recorded, over_time};
use super::plain::object;
use crate::gate::is_waited_for;
use tidegate_spec::ObjectRef;
use tidegate_spec::crd::CompletionRule;

/// What was recorded before the apply of `it`: its uid, its generation, one condition since 11:00:00.
fn recorded(kind: &str, (uid, generation): (&str, u8), (type_, status): (&str, &str)) -> String {
    let (kind, version) = kind.split_once(' ').unwrap();
    format!(
        "[{{object: {{apiVersion: {version}, kind: {kind}, namespace: shop, name: it}}, baseline: {{uid: {uid}, generation: {generation}, conditions: [{{type: {type_}, status: '{status}', lastTransitionTime: '2026-11-24T11:00:00Z'}}]}}}}]"
    )
}

#[test]
fn an_api_service_that_was_not_there_must_have_been_asked_again() {
    let kind = "APIService apiregistration.k8s.io/v1";
    let says = |spec: &str, status: &str, at: &str| {
        object(
            kind,
            &format!(
                "spec: {spec}, status: {{conditions: [{{type: Available, status: '{status}', reason: Passed, lastTransitionTime: '2026-11-24T{at}:00Z'}}]}}"
            ),
        )
    };
    let remote = "{service: {name: x}}";
    let was_false = ("Available", "False");
    for (object, before, expected) in [
        (
            says(remote, "True", "11:00"),
            was_false,
            "Progressing(Unavailable 0/1)",
        ),
        (says(remote, "True", "11:30"), was_false, "Complete"),
        (
            says(remote, "True", "11:00"),
            ("Available", "True"),
            "Complete",
        ),
        (
            says(remote, "True", "11:00"),
            ("Known", "False"),
            "Complete",
        ),
        (says("{}", "True", "11:00"), was_false, "Complete"),
        (
            says(remote, "Unknown", "11:30"),
            was_false,
            "Progressing(Unavailable 0/1)",
        ),
        (
            says(remote, "Perhaps", "11:30"),
            was_false,
            "Progressing(UnknownStatus 0/1)",
        ),
    ] {
        let recorded = recorded(kind, ("u", 3), before);
        check_recorded(&object, &[(&object, "", &recorded, expected)]);
    }
}

#[test]
fn an_object_in_a_file_counts_as_changed_unless_it_is_as_it_was_recorded() {
    let kind = "Widget example.com/v1";
    let ready =
        "conditions: [{type: Ready, status: 'True', lastTransitionTime: '2026-11-24T11:00:00Z'}]";
    let undated = object(kind, &format!("status: {{{ready}}}"));
    let null = object(
        kind,
        &format!("status: {{observedGeneration: null, {ready}}}"),
    );
    let dated = object(kind, &format!("status: {{observedGeneration: 3, {ready}}}"));
    for (object, before, expected) in [
        (&undated, ("u", 3), "Complete"),
        (&undated, ("u", 2), "Progressing(NotObserved 0/1)"),
        (&undated, ("other", 3), "Progressing(NotObserved 0/1)"),
        (&null, ("u", 2), "Progressing(NotObserved 0/1)"),
        (&dated, ("u", 2), "Complete"),
    ] {
        let recorded = recorded(kind, before, ("Ready", "True"));
        check_recorded(object, &[(object, "", &recorded, expected)]);
    }
}

#[test]
fn only_a_reason_that_speaks_of_a_failure_fails_what_is_not_ready() {
    let says = |reason: &str| {
        object(
            "Widget example.com/v1",
            &format!(
                "status: {{conditions: [{{type: Ready, status: 'False', reason: {reason}}}]}}"
            ),
        )
    };
    let begins = |reason: &str, last: i64, expected: &str| {
        let found = over_time(&says(reason), "", &[0, last]);
        assert!(found.starts_with(expected), "{reason}, {last}: {found}");
    };
    begins("WaitsForDisk", 599, "Progressing(NotReady 0/1)");
    begins("UpdateFailed", 60, "Progressing(NotReady 0/1)");
    begins("UpdateFailed", 61, "Failed(Retryable, ReportedFailure)");
}

#[test]
fn a_route_waits_for_all_that_speak_for_a_parent() {
    let kind = "HTTPRoute gateway.networking.k8s.io/v1";
    let entry = |controller: &str, conditions: &str, seen: u8| {
        let conditions: Vec<_> = conditions
            .split(' ')
            .map(|type_| format!("{{type: {type_}, status: 'True', observedGeneration: {seen}}}"))
            .collect();
        format!(
            "{{parentRef: {{name: a}}, controllerName: {controller}, conditions: [{}]}}",
            conditions.join(", ")
        )
    };
    let both = "Accepted ResolvedRefs";
    for (entries, expected) in [
        (vec![entry("x", both, 3), entry("y", both, 3)], "Complete"),
        (
            vec![entry("x", both, 3), entry("y", both, 2)],
            "Progressing(NotObserved 0/1)",
        ),
        (
            vec![entry("x", "Accepted", 3)],
            "Progressing(NotObserved 0/1)",
        ),
        (
            vec![entry("x", "ResolvedRefs", 3)],
            "Progressing(NotObserved 0/1)",
        ),
        (
            vec![entry("x", "Accepted", 3), entry("y", both, 3)],
            "Progressing(NotObserved 0/1)",
        ),
    ] {
        let object = object(
            kind,
            &format!(
                "spec: {{parentRefs: [{{name: a}}]}}, status: {{parents: [{}]}}",
                entries.join(", ")
            ),
        );
        check_recorded(&object, &[(&object, "", "", expected)]);
    }
}

#[test]
fn a_release_waits_for_what_says_itself_when_it_is_done_or_a_rule_is_about() {
    let rule = |api_version: &str, kind: &str| {
        [CompletionRule {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            complete: "true".to_owned(),
            failed: None,
            paused: None,
        }]
    };
    let is_waited_for = |kind: &str, rules: &[CompletionRule]| {
        let (kind, api_version) = kind.split_once(' ').unwrap();
        let object = ObjectRef {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: "shop".to_owned(),
            name: "it".to_owned(),
        };
        is_waited_for(&object, rules)
    };
    for kind in [
        "PersistentVolumeClaim v1",
        "CustomResourceDefinition apiextensions.k8s.io/v1",
        "Namespace v1",
        "Gateway gateway.networking.k8s.io/v1",
        "GRPCRoute gateway.networking.k8s.io/v1",
    ] {
        assert!(is_waited_for(kind, &[]), "{kind}");
    }
    for kind in ["Workflow argoproj.io/v1alpha1", "TaskRun tekton.dev/v1"] {
        assert!(!is_waited_for(kind, &[]), "{kind}: a workload");
    }
    let ingress = "Ingress networking.k8s.io/v1";
    assert!(!is_waited_for(ingress, &[]));
    assert!(is_waited_for(
        ingress,
        &rule("networking.k8s.io/v1beta1", "Ingress")
    ));
    assert!(!is_waited_for(
        ingress,
        &rule("extensions/v1beta1", "Ingress")
    ));
    assert!(!is_waited_for(
        ingress,
        &rule("networking.k8s.io/v1", "IngressClass")
    ));
}
