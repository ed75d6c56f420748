//! P1 to P4 of completion.md §8 for the kinds that are read from files, each from a state that is complete.

use serde_json::{Value, json};

use super::files::{documents, told};
use super::{argo_rollouts, canaries, cron_jobs, plain, workflows};
use crate::gate::{Applied, Policy, Recorded, Workload};

/// Objects of which the first one is complete; whether that needs a status; a live old pod of it, if it has pods.
type Complete = (Vec<Value>, bool, Option<Value>);

fn complete() -> Vec<Complete> {
    let mut all = with_pods();
    all.extend(without_pods());
    all
}

fn with_pods() -> Vec<Complete> {
    let mut workflow = documents(workflows::WORKFLOW);
    workflow[0]["status"]["phase"] = json!("Succeeded");
    let mut cron = documents(cron_jobs::UPDATED);
    let old_job_pod = cron.pop();
    cron[1]["status"] = json!({"conditions": [{"type": "Complete", "status": "True"}]});
    let old_rollout_pod = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "old", "namespace": "shop", "uid": "old",
            "labels": {"app": "web", "rollouts-pod-template-hash": "bbb"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-bbb", "uid": "rs-b", "controller": true}]},
        "spec": {"nodeName": "n1", "containers": []}, "status": {"phase": "Running"}});
    let mut old_primary_pod = documents(canaries::PROMOTED)[4].clone();
    old_primary_pod["metadata"]["uid"] = json!("old");
    old_primary_pod["metadata"]["labels"]["pod-template-hash"] = json!("z");
    let rollout = documents(argo_rollouts::CANARY);
    let canary = documents(canaries::PROMOTED);
    vec![
        (rollout, true, Some(old_rollout_pod)),
        (canary, true, Some(old_primary_pod)),
        (cron, false, old_job_pod),
        (workflow, true, None),
    ]
}

fn without_pods() -> Vec<Complete> {
    let said = |types: &[&str]| {
        let list: Vec<_> = types
            .iter()
            .map(|type_| format!("{{type: {type_}, status: 'True', observedGeneration: 3}}"))
            .collect();
        format!("conditions: [{}]", list.join(", "))
    };
    let says = |types: &[&str]| format!("status: {{{}}}", said(types));
    let accepted = format!(
        "spec: {{parentRefs: [{{name: a}}]}}, status: {{parents: [{{parentRef: {{name: a}}, {}}}]}}",
        said(&["Accepted", "ResolvedRefs"])
    );
    let kinds = [
        ("TaskRun tekton.dev/v1", says(&["Succeeded"])),
        (
            "PersistentVolumeClaim v1",
            "status: {phase: Bound}".to_owned(),
        ),
        (
            "CustomResourceDefinition apiextensions.k8s.io/v1",
            says(&["NamesAccepted", "Established"]),
        ),
        ("APIService apiregistration.k8s.io/v1", says(&["Available"])),
        ("Namespace v1", "status: {phase: Active}".to_owned()),
        (
            "PodDisruptionBudget policy/v1",
            "status: {observedGeneration: 3}".to_owned(),
        ),
        (
            "Gateway gateway.networking.k8s.io/v1",
            says(&["Accepted", "Programmed"]),
        ),
        ("HTTPRoute gateway.networking.k8s.io/v1", accepted),
        ("Widget example.com/v1", says(&["Ready"])),
        ("Service v1", "spec: {clusterIP: None}".to_owned()),
        ("Ingress networking.k8s.io/v1", "spec: {}".to_owned()),
        (
            "HorizontalPodAutoscaler autoscaling/v2",
            "spec: {}".to_owned(),
        ),
        ("ConfigMap v1", "data: {}".to_owned()),
    ];
    let of = |(kind, rest): (&str, String)| {
        let needs_status = rest.contains("status:");
        (documents(&plain::object(kind, &rest)), needs_status, None)
    };
    kinds.into_iter().map(of).collect()
}

/// What the object of some name is told.
fn of(kind: &str, objects: &[Value], recorded: &str) -> String {
    let all = told(objects, recorded, &Policy::default());
    let own = all
        .iter()
        .find(|line| line.starts_with(&format!("{kind}/")));
    own.and_then(|line| line.split_once(": "))
        .map(|(_, verdict)| verdict.to_owned())
        .unwrap_or_default()
}

fn kind(objects: &[Value]) -> String {
    objects[0]["kind"].as_str().unwrap().to_owned()
}

#[test]
fn p1_what_is_not_the_object_that_was_applied_is_never_complete() {
    for (objects, _, _) in complete() {
        let kind = kind(&objects);
        assert!(
            of(&kind, &objects, "").starts_with("Complete"),
            "{kind}: {}",
            of(&kind, &objects, "")
        );
        let live = Workload::from_object(objects[0].clone()).unwrap().unwrap();
        let recorded = serde_json::to_string(&[Recorded {
            object: live.reference(),
            baseline: None,
            applied: Some(Applied::from_response(&live, None)),
            memory: None,
        }])
        .unwrap();
        assert!(
            of(&kind, &objects, &recorded).starts_with("Complete"),
            "{kind}"
        );
        let mut replaced = objects.clone();
        replaced[0]["metadata"]["uid"] = json!("another");
        let mut deleted = objects.clone();
        deleted[0]["metadata"]["deletionTimestamp"] = json!("2026-11-24T11:00:00Z");
        let mut gone = objects.clone();
        gone.remove(0);
        let behind = recorded.replace("\"generation\":", "\"generation\":9");
        for (what, verdict) in [
            ("replaced", of(&kind, &replaced, &recorded)),
            ("deleted", of(&kind, &deleted, &recorded)),
            ("gone", of(&kind, &gone, &recorded)),
            ("older than the apply", of(&kind, &objects, &behind)),
        ] {
            assert!(
                !verdict.is_empty() && !verdict.starts_with("Complete"),
                "{kind} {what}: {verdict}"
            );
        }
    }
}

#[test]
fn p2_one_more_old_pod_never_drains() {
    for (mut objects, _, old) in complete() {
        let Some(old) = old else { continue };
        let kind = kind(&objects);
        assert!(of(&kind, &objects, "").contains("/ Drained"), "{kind}");
        objects.push(old);
        let verdict = of(&kind, &objects, "");
        assert!(verdict.contains("/ Draining(1)"), "{kind}: {verdict}");
    }
}

#[test]
fn p3_without_its_status_nothing_is_complete_that_has_one() {
    for (mut objects, needs_status, _) in complete() {
        let kind = kind(&objects);
        objects[0].as_object_mut().unwrap().remove("status");
        let verdict = of(&kind, &objects, "");
        assert_eq!(
            verdict.starts_with("Complete"),
            !needs_status,
            "{kind}: {verdict}"
        );
    }
}

#[test]
fn p4_the_order_of_the_objects_does_not_matter() {
    for (objects, _, _) in complete() {
        let kind = kind(&objects);
        let verdict = of(&kind, &objects, "");
        for by in 0..objects.len() {
            let mut turned = objects.clone();
            turned.rotate_left(by);
            assert_eq!(of(&kind, &turned, ""), verdict, "{kind}");
            turned.reverse();
            assert_eq!(of(&kind, &turned, ""), verdict, "{kind}");
        }
    }
}
