//! What is said twice and differs, or of a generation before: nobody knows which is right.

use super::canaries::PROMOTED;
use super::files::first;
use super::looks_done::is;
use super::world::{Case, looks};
use crate::gate::Policy;

/// Both orders of a condition that is there with two statuses.
fn both(type_: &str, other: &str) -> [String; 2] {
    let one = |status: &str| format!("{{type: {type_}, status: '{status}'}}");
    [
        format!("[{}, {}]", one("True"), one(other)),
        format!("[{}, {}]", one(other), one("True")),
    ]
}

#[test]
fn a_condition_that_is_there_twice_and_differs_says_nothing() {
    let object = |head: &str, rest: &str| {
        format!("{head}\nmetadata: {{name: it, namespace: shop, uid: u, generation: 1}}\n{rest}")
    };
    for conditions in both("Ready", "False") {
        let pod = "apiVersion: v1\nkind: Pod";
        let rest = format!(
            "spec: {{containers: []}}\nstatus: {{phase: Running, conditions: {conditions}}}"
        );
        is(&object(pod, &rest), "Progressing(NotReady 0/1)");
    }
    for conditions in both("Complete", "False") {
        let job = "apiVersion: batch/v1\nkind: Job";
        is(
            &object(job, &format!("status: {{conditions: {conditions}}}")),
            "Progressing(Running 0/1)",
        );
    }
    for conditions in both("Established", "False") {
        let definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition";
        let conditions = conditions.replace(']', ", {type: NamesAccepted, status: 'True'}]");
        is(
            &object(definition, &format!("status: {{conditions: {conditions}}}")),
            "Progressing(Installing",
        );
    }
    for conditions in both("Succeeded", "False") {
        let run = "apiVersion: tekton.dev/v1\nkind: PipelineRun";
        let text = object(run, &format!("status: {{conditions: {conditions}}}"));
        assert!(
            !super::files::told(&super::files::documents(&text), "", &Policy::default())[0]
                .contains(": Complete"),
            "{text}"
        );
    }
}

#[test]
fn a_node_that_says_two_things_or_is_marked_as_unreachable_does_not_answer() {
    let with = |first: &str| {
        let other = "status: {conditions: [{type: Ready, status: 'True'}]}";
        let yaml = format!(
            "{{nodes: [{{metadata: {{name: node-1}}, {first}}}, {{metadata: {{name: node-2}}, {other}}}, {{metadata: {{name: node-3}}, {other}}}]}}"
        );
        looks(&[&yaml], &Policy::default()).drain.to_string()
    };
    let lost = "Stuck(StuckOnLostNode)";
    for conditions in both("Ready", "Unknown") {
        assert_eq!(with(&format!("status: {{conditions: {conditions}}}")), lost);
    }
    let ready = "status: {conditions: [{type: Ready, status: 'True'}]}";
    let taint =
        |key: &str| format!("spec: {{taints: [{{key: {key}, effect: NoExecute}}]}}, {ready}");
    assert_eq!(with(&taint("node.kubernetes.io/unreachable")), lost);
    assert_eq!(with(&taint("example.com/gpu")), "Drained");
    assert_eq!(with(&taint("node.kubernetes.io/out-of-service")), "Drained");
}

#[test]
fn a_pod_or_a_definition_that_was_changed_waits_until_that_was_seen() {
    let pod = |seen: &str| {
        let yaml = format!("pod: {{status: {{{seen}}}}}");
        looks(&[&yaml], &Policy::default()).rollout.to_string()
    };
    assert_eq!(pod("observedGeneration: 1"), "Progressing(NotObserved 0/0)");
    assert_eq!(pod("observedGeneration: 2"), "Complete");
    assert_eq!(pod(""), "Complete");
    let definition = |seen: &str| {
        format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: it, uid: u, generation: 2}}\nstatus: {{{seen}conditions: [{{type: Established, status: 'True'}}, {{type: NamesAccepted, status: 'True'}}]}}"
        )
    };
    is(&definition(""), "Complete");
    is(&definition("observedGeneration: 2, "), "Complete");
    is(
        &definition("observedGeneration: 1, "),
        "Progressing(NotObserved",
    );
    assert!(Case::of("pod: {}").assess().0.notes.is_empty());
}

#[test]
fn a_canary_that_somebody_keeps_scaled_up_is_noted_by_its_own_time() {
    let with = |since: &str| {
        first(
            PROMOTED,
            &format!(
                "{{Canary/web: {{status: {{lastTransitionTime: '2026-11-24T{since}Z'}}}}, Deployment/web: {{spec: {{replicas: 1}}}}}}"
            ),
            "",
        )
    };
    assert!(with("11:59:30").contains("Progressing(CanaryScaleDown"));
    assert!(
        with("11:50:00").contains("+CanaryNotScaled"),
        "{}",
        with("11:50:00")
    );
}
