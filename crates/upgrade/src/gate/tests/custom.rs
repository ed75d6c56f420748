//! Kinds that nobody knows: row 75 of completion.md §8, and §4.15.

use super::files::{check_over, check_recorded, documents, rows, told};
use crate::gate::Policy;
use tidegate_spec::crd::CompletionRule;

const WIDGET: &str = "
apiVersion: example.com/v1
kind: Widget
metadata: {name: it, namespace: shop, uid: u, generation: 3}
spec: {size: 3}
";

fn status(status: &str) -> String {
    format!("{{Widget/it: {{status: {status}}}}}")
}

fn condition(type_: &str, value: &str, more: &str) -> String {
    status(&format!(
        "{{conditions: [{{type: {type_}, status: '{value}', {more}}}]}}"
    ))
}

/// A table of the whole status.
fn check_status(table: &str) {
    let over: Vec<_> = rows(table)
        .into_iter()
        .map(|(name, shown, expected)| (name, status(shown), expected))
        .collect();
    let over: Vec<_> = over
        .iter()
        .map(|(name, over, expected)| (*name, over.as_str(), *expected))
        .collect();
    check_over(WIDGET, &over);
}

#[test]
fn an_unknown_kind_is_done_when_its_controller_says_so_of_this_generation() {
    check_status("
        75 | null | Progressing(NoRule 0/1) / NotNeeded / NotNeeded
        a generation alone says nothing | {observedGeneration: 3} | Progressing(NoRule 0/1)
        another condition says nothing | {conditions: [{type: Synced, status: 'True'}]} | Progressing(NoRule 0/1)
        ready | {observedGeneration: 3, conditions: [{type: Ready, status: 'True'}]} | Complete / NotNeeded / NotNeeded
        the generation as text | {observedGeneration: '3', conditions: [{type: Ready, status: 'True'}]} | Complete
        of before | {observedGeneration: 2, conditions: [{type: Ready, status: 'True'}]} | Progressing(NotObserved 0/0)
        of before, as text | {observedGeneration: '2', conditions: [{type: Ready, status: 'True'}]} | Progressing(NotObserved 0/0)
        no generation | {observedGeneration: soon, conditions: [{type: Ready, status: 'True'}]} | Failed(Retryable, UnsupportedController)
        a condition of before | {conditions: [{type: Ready, status: 'True', observedGeneration: 2}]} | Progressing(NotObserved 0/1)
        a condition of now | {conditions: [{type: Ready, status: 'True', observedGeneration: 3}]} | Complete
        available | {conditions: [{type: Available, status: 'True'}]} | Complete
        succeeded | {conditions: [{type: Succeeded, status: 'True'}]} | Complete
        not ready | {conditions: [{type: Ready, status: 'False', reason: Waiting}]} | Progressing(NotReady 0/1)
        failing for a moment | {conditions: [{type: Ready, status: 'False', reason: CreateFailed, lastTransitionTime: '2026-11-24T11:59:30Z'}]} | Progressing(NotReady 0/1)
        failing for long | {conditions: [{type: Ready, status: 'False', reason: CreateFailed, lastTransitionTime: '2026-11-24T11:58:30Z'}]} | Failed(Retryable, ReportedFailure)
        stalled | {conditions: [{type: Stalled, status: 'True', reason: x}, {type: Ready, status: 'True'}]} | Failed(Retryable, Stalled)
        reconciling | {conditions: [{type: Reconciling, status: 'True', reason: x}, {type: Ready, status: 'True'}]} | Progressing(Reconciling 0/1)
        a field of another type | {conditions: yes} | Progressing(UnknownStatus 0/1)
        a word that is no status | {conditions: [{type: Ready, status: Perhaps}]} | Progressing(UnknownStatus 0/1)
    ");
}

#[test]
fn without_a_generation_what_was_said_before_the_apply_says_nothing() {
    let recorded = |changed: bool| {
        format!(
            "[{{object: {{apiVersion: example.com/v1, kind: Widget, namespace: shop, name: it}}, baseline: {{uid: u, generation: 2, conditions: [{{type: Ready, status: 'True', lastTransitionTime: '2026-11-24T11:00:00Z'}}]}}, applied: {{uid: u, generation: 3, templateDigest: x, changed: {changed}}}}}]"
        )
    };
    let at = |time: &str| condition("Ready", "True", &format!("lastTransitionTime: '{time}'"));
    check_recorded(
        WIDGET,
        &[
            (
                "as before",
                &at("2026-11-24T11:00:00Z"),
                &recorded(true),
                "Progressing(NotObserved 0/1)",
            ),
            (
                "as before, and nothing was changed",
                &at("2026-11-24T11:00:00Z"),
                &recorded(false),
                "Complete",
            ),
            (
                "newer",
                &at("2026-11-24T11:59:00Z"),
                &recorded(true),
                "Complete",
            ),
        ],
    );
}

#[test]
fn a_rule_of_the_graph_decides_what_nobody_else_knows() {
    let rule = |complete: &str| CompletionRule {
        api_version: "example.com/v1".to_owned(),
        kind: "Widget".to_owned(),
        complete: complete.to_owned(),
        failed: Some("object.status.state == 'broken'".to_owned()),
        paused: Some("object.spec.size == 0".to_owned()),
    };
    let found = |complete: &str, over: &str| {
        let policy = Policy {
            rules: vec![rule(complete)],
            ..Policy::default()
        };
        let text = format!("{WIDGET}{over}");
        told(&documents(&text), "", &policy).remove(0)
    };
    let done = "has(object.status) && object.status.state == 'made'";
    let line = |found: String| found.split_once(": ").unwrap().1.to_owned();
    assert_eq!(
        line(found(done, "status: {state: made}")),
        "Complete / NotNeeded / NotNeeded"
    );
    assert!(
        line(found(done, "status: {state: making}")).starts_with("Progressing(Reconciling 0/1)")
    );
    assert!(line(found(done, "")).starts_with("Progressing(Reconciling 0/1)"));
    assert!(
        line(found(done, "status: {state: broken}"))
            .starts_with("Failed(Retryable, ReportedFailure)")
    );
    assert!(
        line(found("object.status.state == 'made'", ""))
            .starts_with("Progressing(Reconciling 0/1)")
    );
    assert!(line(found("1 + 1", "")).starts_with("Progressing(UnknownStatus 0/1)"));
    assert!(line(found("object..", "")).starts_with("Progressing(UnknownStatus 0/1)"));
}
