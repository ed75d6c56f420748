//! What is counted and not shown, and what is shown and not counted: of the two the one that keeps the gate shut.

use super::files::{documents, told};
use super::looks_done::{WEB, is};
use crate::gate::{Absent, Objects, Policy, judge_all};

/// The same Deployment with something else in a line.
fn with(line: &str, other: &str) -> String {
    assert!(WEB.contains(line), "{line}");
    WEB.replacen(line, other, 1)
}

/// An old ReplicaSet at zero with one pod on its way out.
const OLD: &str = r#"
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web-b, namespace: shop, uid: ub, generation: 1, labels: {pod-template-hash: b}, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: u, controller: true}]}
spec: {replicas: 0, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web, pod-template-hash: b}}, spec: {containers: [{name: c, image: "app:2"}]}}}
status: {observedGeneration: 1, replicas: 0}
---
apiVersion: v1
kind: Pod
metadata: {name: web-b-1, namespace: shop, uid: pb, deletionTimestamp: "2026-11-24T12:00:10Z", labels: {app: web, pod-template-hash: b}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-b, uid: ub, controller: true}]}
spec: {nodeName: n1, containers: [{name: c, image: "app:2"}]}
status: {phase: Running, podIP: 10.0.0.2, conditions: [{type: Ready, status: "True"}]}
"#;

#[test]
fn a_field_of_the_template_that_no_type_of_ours_knows_tells_two_revisions_apart() {
    // As they are written: the image of both is the same, and only the new one has the field.
    let newer = WEB.replace(
        r#"image: "app:2"}]}}}"#,
        r#"image: "app:2", fromTomorrow: x}]}}}"#,
    );
    is(&[newer.as_str(), OLD].concat(), "Complete / Draining(1)");
    // Nothing tells them apart: then both are new.
    is(&[WEB, OLD].concat(), "Complete / Drained");
}

#[test]
fn terminating_pods_that_are_counted_and_not_in_the_files_still_drain() {
    let counts = |pods: u32| {
        let counted = format!("availableReplicas: 1, terminatingReplicas: {pods}}}\n---");
        with("availableReplicas: 1}\n---", &counted)
    };
    is(&counts(0), "Complete / Drained");
    is(&counts(2), "Complete / Draining(1)");
    // One that is shown says more than the count.
    is(&[&counts(2), OLD].concat(), "Complete / Drained");
}

#[test]
fn fewer_new_pods_than_are_counted_are_fewer() {
    let unready = WEB.replace(
        r#"{type: Ready, status: "True"}"#,
        r#"{type: Ready, status: "False"}"#,
    );
    is(&unready, "Progressing(Pods 0/1)");
    // Of one that says nothing of it the counter is believed.
    is(
        &WEB.replace(r#", conditions: [{type: Ready, status: "True"}]"#, ""),
        "Complete",
    );
    let none = WEB.rsplit_once("---").unwrap().0;
    is(none, "Complete / Drained / NotNeeded +PodsNotShown");
}

#[test]
fn of_pods_that_no_file_shows_nothing_is_said() {
    let none = WEB.rsplit_once("---").unwrap().0;
    let mut all = Objects::default();
    for object in documents(none) {
        all.take(&object).unwrap();
    }
    let found = judge_all(
        &all,
        (&[], Absent::Removed),
        &Policy::default(),
        super::world::start(),
    );
    insta::assert_snapshot!(found[0].sentence(), @"Deployment web: complete as it counts; its pods are not shown, so no old one would be seen");
}

#[test]
fn what_a_rollout_takes_its_template_from_runs_old_pods_as_long_as_it_counts_or_wants_them() {
    let rollout = |kind: &str, replicas: u32, counted: u32| {
        format!(
            "
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {{name: web, namespace: shop, uid: r, generation: 2}}
spec: {{replicas: 1, selector: {{matchLabels: {{app: web}}}}, workloadRef: {{apiVersion: apps/v1, kind: {kind}, name: web}}, strategy: {{canary: {{}}}}}}
status: {{observedGeneration: '2', workloadObservedGeneration: '2', currentPodHash: h, stableRS: h, replicas: 1, updatedReplicas: 1, availableReplicas: 1, phase: Healthy}}
---
apiVersion: apps/v1
kind: {kind}
metadata: {{name: web, namespace: shop, uid: u, generation: 2}}
spec: {{replicas: {replicas}, selector: {{matchLabels: {{app: web}}}}, template: {{metadata: {{labels: {{app: web}}}}, spec: {{containers: [{{name: c, image: 'app:2'}}]}}}}}}
status: {{observedGeneration: 2, replicas: {counted}}}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {{name: web-a, namespace: shop, uid: ua, generation: 1, ownerReferences: [{{apiVersion: apps/v1, kind: {kind}, name: web, uid: u, controller: true}}]}}
spec: {{replicas: {replicas}, selector: {{matchLabels: {{app: web}}}}}}
"
        )
    };
    for kind in ["Deployment", "ReplicaSet", "StatefulSet"] {
        is(&rollout(kind, 0, 0), "Complete / Drained");
        is(&rollout(kind, 3, 0), "Complete / Draining(1)");
        is(&rollout(kind, 0, 1), "Complete / Draining(1)");
    }
    let pod = "---
apiVersion: v1
kind: Pod
metadata: {name: web-a-1, namespace: shop, uid: p, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-a, uid: ua, controller: true}]}
spec: {nodeName: n1, containers: []}
status: {phase: Running}
";
    // Shown, it stands for itself.
    let shown = [rollout("Deployment", 1, 1).as_str(), pod].concat();
    let line = told(&documents(&shown), "", &Policy::default()).remove(0);
    assert!(line.contains("Draining(1)"), "{line}");
}

#[test]
fn a_daemon_set_of_which_nobody_says_how_many_nodes_want_it_was_not_looked_at() {
    let set = |status: &str| {
        format!(
            "
apiVersion: apps/v1
kind: DaemonSet
metadata: {{name: web, namespace: shop, uid: u, generation: 1}}
spec: {{selector: {{matchLabels: {{app: web}}}}, template: {{metadata: {{labels: {{app: web}}}}, spec: {{containers: [{{name: c, image: a}}]}}}}}}
status: {{observedGeneration: 1{status}}}
---
apiVersion: apps/v1
kind: ControllerRevision
metadata: {{name: web-1, namespace: shop, uid: c, labels: {{controller-revision-hash: '1'}}, ownerReferences: [{{apiVersion: apps/v1, kind: DaemonSet, name: web, uid: u, controller: true}}]}}
revision: 1
"
        )
    };
    is(&set(""), "Progressing(NotObserved 0/0)");
    is(
        &set(", desiredNumberScheduled: null"),
        "Progressing(NotObserved 0/0)",
    );
    is(
        &set(", desiredNumberScheduled: 0"),
        "Complete / Drained / NotNeeded +NoNodes",
    );
}

#[test]
fn a_count_below_zero_says_nothing() {
    let unknown = "Progressing(UnknownStatus 0/1)";
    is(&WEB.replace("replicas: 1", "replicas: -1"), unknown);
    is(&with("updatedReplicas: 1", "updatedReplicas: -1"), unknown);
    let fault = |yaml: &str| {
        let mut all = Objects::default();
        all.take(&documents(yaml)[0]).unwrap_err().to_string()
    };
    let below = fault(&with("replicas: 1,", "replicas: -2,"));
    assert_eq!(below, "`spec.replicas`: -2 is below zero");
}

#[test]
fn a_kind_nobody_knows_whose_pods_are_there_is_done_by_a_rule_alone_and_drains() {
    let set = "
apiVersion: apps.example.com/v1
kind: CloneSet
metadata: {name: web, namespace: shop, uid: u, generation: 1}
status: {observedGeneration: 1, conditions: [{type: Ready, status: 'True'}]}
";
    let pod = |of: &str, told: &str| {
        format!(
            "---
apiVersion: v1
kind: Pod
metadata: {{name: web-1, namespace: shop, uid: p, {told}ownerReferences: [{{apiVersion: apps.example.com/v1, kind: CloneSet, name: web, uid: {of}, controller: true}}]}}
spec: {{nodeName: n1, containers: [{{name: c, image: 'app:1'}}]}}
status: {{phase: Running}}
"
        )
    };
    let going = "deletionTimestamp: '2026-11-24T12:00:10Z', ";
    is(&[set, &pod("other", "")].concat(), "Complete / NotNeeded");
    is(
        &[set, &pod("u", "")].concat(),
        "Progressing(NoRule 0/1) / Drained",
    );
    is(
        &[set, &pod("u", going)].concat(),
        "Progressing(NoRule 0/1) / Draining(1)",
    );
    let policy = Policy {
        rules: vec![tidegate_spec::crd::CompletionRule {
            api_version: "apps.example.com/v1".to_owned(),
            kind: "CloneSet".to_owned(),
            complete: "true".to_owned(),
            ..Default::default()
        }],
        ..Policy::default()
    };
    let by_rule = |yaml: &str| told(&documents(yaml), "", &policy).remove(0);
    assert!(by_rule(&[set, &pod("u", "")].concat()).contains(": Complete / Drained"));
    assert!(by_rule(&[set, &pod("u", going)].concat()).contains(": Complete / Draining(1)"));
}

#[test]
fn a_template_of_pods_is_one_wherever_it_stands() {
    let object = |spec: &str| {
        format!(
            "
apiVersion: example.com/v1
kind: Cluster
metadata: {{name: web, namespace: shop, uid: u, generation: 1}}
spec: {spec}
status: {{observedGeneration: 1, conditions: [{{type: Ready, status: 'True'}}]}}
"
        )
    };
    let template = "{spec: {containers: [{name: c, image: a}]}}";
    for spec in [
        format!("{{podTemplate: {template}}}"),
        format!("{{groups: [{{size: 3, template: {template}}}]}}"),
        format!("{{jobs: [{{template: {{spec: {{template: {template}}}}}}}]}}"),
    ] {
        is(&object(&spec), "Progressing(NoRule 0/1)");
    }
    is(&object("{spec: {containers: 3}}"), "Complete");
}
