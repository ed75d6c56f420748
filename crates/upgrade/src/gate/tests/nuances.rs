//! Kinds, records and words at their edges: each of these had a mutant that nothing noticed.

use serde_json::{Value, json};

use super::cron_jobs::UPDATED;
use super::files::{documents, first, over_looks, told};
use super::looks_done::is;
use super::world::{Case, line, looks, start};
use crate::gate::{
    Absent, Applied, Assessment, Memory, Objects, Policy, Read, Recorded, Workload, is_router,
    judge_all, references, revisions, worst,
};
use tidegate_spec::ObjectRef;
use tidegate_spec::crd::CompletionRule;

fn read(yaml: &str) -> Workload {
    let object = documents(yaml).remove(0);
    Workload::from_object(object).unwrap().unwrap()
}

fn judged(yaml: &str) -> Vec<Assessment> {
    let mut all = Objects::default();
    for object in documents(yaml) {
        all.take(&object).unwrap();
    }
    judge_all(&all, (&[], Absent::Removed), &Policy::default(), start())
}

fn said(yaml: &str) -> String {
    judged(yaml)[0].sentence()
}

#[test]
fn a_pod_is_told_from_another_by_its_labels_and_containers() {
    let pod = |labels: &str, spec: &str| {
        read(&format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: p, labels: {{{labels}}}}}, spec: {{{spec}}}}}"
        ))
        .digest()
    };
    let one = "containers: [{name: c, image: a}]";
    let usual = pod("app: a", one);
    assert_eq!(usual, pod("app: a", &format!("nodeName: n1, {one}")));
    assert_ne!(usual, pod("app: b", one));
    assert_ne!(usual, pod("app: a", "containers: [{name: c, image: b}]"));
    let init = format!("{one}, initContainers: [{{name: i, image: a}}]");
    assert_ne!(usual, pod("app: a", &init));
}

#[test]
fn a_canary_is_told_from_another_by_its_target() {
    let canary = |name: &str| {
        read(&format!(
            "{{apiVersion: flagger.app/v1beta1, kind: Canary, metadata: {{name: c}}, spec: {{targetRef: {{apiVersion: apps/v1, kind: Deployment, name: {name}}}}}}}"
        ))
        .digest()
    };
    assert_eq!(canary("web"), canary("web"));
    assert_ne!(canary("web"), canary("other"));
}

#[test]
fn what_has_no_kind_is_nothing_and_what_says_nothing_is_no_record() {
    assert_eq!(Workload::from_object(json!({})), Ok(None));
    let all_in = |value: Value| Recorded::all_in(&value).map(|found| found.len());
    assert_eq!(all_in(json!({"a": {"b": [1]}})), Ok(0));
    assert_eq!(all_in(json!({"object": {"name": "x"}})), Ok(0));
    assert_eq!(all_in(json!({"baseline": {"generation": 1}})), Ok(0));
    let object = json!({"apiVersion": "v1", "kind": "Pod", "namespace": "n", "name": "x"});
    for part in ["baseline", "applied"] {
        assert_eq!(all_in(json!({"object": object, part: {}})), Ok(1));
        assert!(all_in(json!({"object": object, part: {"x": 1}})).is_err());
    }
}

#[test]
fn a_record_that_leaves_something_out_is_taken_for_the_usual() {
    let record = json!([{"object": {"apiVersion": "v1", "kind": "Pod", "namespace": "n", "name": "x"},
        "baseline": {"pods": [{"uid": "u", "name": "p"}]}, "applied": {}}]);
    let record = Recorded::all_in(&record).unwrap().remove(0);
    let applied: Applied = record.applied.unwrap();
    assert!(applied.changed, "who does not know waits as for a change");
    assert_eq!(record.baseline.unwrap().pods[0].grace_s, 30);
}

#[test]
fn a_pod_that_may_end_serves_only_if_it_says_so() {
    let pod = |value: &str| {
        line(&[&format!(
            "pod: {{metadata: {{annotations: {{tidegate.dev/service-pod: '{value}'}}}}, spec: {{restartPolicy: Never}}}}"
        )])
    };
    assert!(pod("true").starts_with("Complete"));
    assert!(pod("false").starts_with("Progressing(RunningToCompletion"));
}

#[test]
fn a_pod_of_a_bare_replica_set_with_another_image_is_not_of_its_template() {
    let set = |image: &str| {
        line(&[&format!(
            "{{replicaSet: {{}}, patch: {{web-a-1: {{spec: {{containers: [{{name: server, image: '{image}'}}]}}}}, web-a-2: {{spec: {{containers: [{{name: server, image: '{image}'}}]}}}}, web-a-3: {{spec: {{containers: [{{name: server, image: '{image}'}}]}}}}}}}}"
        )])
    };
    assert!(set("web:1").starts_with("Complete / Drained"));
    assert!(set("web:0").starts_with("Complete / Unprovable(PatchedPod)"));
    let mirrored = set("mirror.example.com/x/web:1");
    assert!(
        mirrored.starts_with("Complete / Drained"),
        "a webhook's mirror: {mirrored}"
    );
}

#[test]
fn a_job_that_had_ended_when_it_was_last_seen_may_be_collected() {
    let job = |ttl: &str, condition: &str| {
        format!(
            "
apiVersion: batch/v1
kind: Job
metadata: {{name: mig, namespace: shop, uid: u, generation: 1}}
spec: {{{ttl}template: {{spec: {{containers: [{{name: c, image: a}}]}}}}}}
status: {{conditions: [{{type: {condition}, status: 'True'}}]}}
"
        )
    };
    let after = |ttl: &str, condition: &str| {
        let mut before = Objects::default();
        before.take(&documents(&job(ttl, condition))[0]).unwrap();
        let recorded = before.as_before(start());
        let none = Objects::default();
        let found = judge_all(
            &none,
            (&recorded, Absent::Deleted),
            &Policy::default(),
            start(),
        );
        found[0].rollout.to_string()
    };
    let ttl = "ttlSecondsAfterFinished: 0, ";
    assert_eq!(after(ttl, "Complete"), "Complete", "63");
    assert_eq!(after("", "Complete"), "Failed(Retryable, OutcomeUnknown)");
    assert_eq!(after(ttl, "Suspended"), "Failed(Retryable, OutcomeUnknown)");
    let going = |ttl: &str, condition: &str| {
        let going = "generation: 1, deletionTimestamp: '2026-11-24T12:00:00Z'";
        let yaml = job(ttl, condition).replace("generation: 1", going);
        judged(&yaml)[0].rollout.to_string()
    };
    assert_eq!(going(ttl, "Complete"), "Complete");
    let deleted = "Failed(Terminal, DeletionInProgress)";
    assert_eq!(going("", "Complete"), deleted);
    assert_eq!(going(ttl, "Failed"), deleted);
    let failed = |message: &str| {
        let job = job("", "Failed").replace(
            "status: 'True'",
            &format!("status: 'True', reason: DeadlineExceeded{message}"),
        );
        said(&job)
    };
    assert_eq!(failed(", message: ''"), "Job mig: DeadlineExceeded");
    assert_eq!(failed(", message: late"), "Job mig: DeadlineExceeded: late");
}

#[test]
fn a_cron_job_that_was_made_anew_waits_for_jobs_of_the_one_before() {
    let recorded = "[{object: {apiVersion: batch/v1, kind: CronJob, namespace: shop, name: nightly}, baseline: {uid: u-before, generation: 1}, applied: {uid: u-cron, generation: 2}}]";
    let of = |uid: &str| {
        let over = format!(
            "{{Job/nightly-1: {{metadata: {{ownerReferences: [{{apiVersion: batch/v1, kind: CronJob, name: other, uid: {uid}, controller: true}}]}}}}, Pod/nightly-1-x: null}}"
        );
        first(UPDATED, &over, recorded)
    };
    assert!(of("u-before").contains("Complete / Draining(1)"));
    assert!(of("u-cron").contains("Complete / Draining(1)"));
    assert!(of("u-other").contains("Complete / Drained"));
    insta::assert_snapshot!(judged(UPDATED)[0].sentence(), @"CronJob nightly: 1 old pod still alive: nightly-1-x (Running)");
    let none = UPDATED.rsplit_once("---").unwrap().0;
    insta::assert_snapshot!(said(none), @"CronJob nightly: 1 old pod still alive: Job nightly-1 (not ended)");
}

#[test]
fn a_claim_refers_to_the_class_that_it_names() {
    let names = |kind: &str| {
        let object = read(&format!(
            "{{apiVersion: v1, kind: {kind}, metadata: {{name: data, namespace: shop}}, spec: {{storageClassName: fast}}}}"
        ));
        references(&object)
            .iter()
            .map(|it| format!("{}/{}", it.kind, it.name))
            .collect::<Vec<_>>()
    };
    assert_eq!(names("PersistentVolumeClaim"), ["StorageClass/fast"]);
    assert!(names("Service").is_empty());
}

#[test]
fn an_object_that_somebody_changed_after_the_apply_is_superseded_unless_its_controller_may_write_it()
 {
    let after = |head: &str, spec: &str| {
        let base = format!(
            "{head}\nmetadata: {{name: it, namespace: shop, uid: u, generation: 1}}\nspec: {{a: 1}}\n"
        );
        let kind = head.rsplit_once(": ").unwrap().1;
        let over = format!("{{{kind}/it: {{metadata: {{generation: 2}}, spec: {spec}}}}}");
        over_looks(&base, &[(0, Read::Live, ""), (1, Read::Live, &over)])
    };
    let ingress = "apiVersion: networking.k8s.io/v1\nkind: Ingress";
    assert!(after(ingress, "{a: 2}").starts_with("Failed(Terminal, Superseded)"));
    assert!(after(ingress, "{a: 1}").starts_with("Complete"));
    let widget = "apiVersion: example.com/v1\nkind: Widget";
    assert!(after(widget, "{a: 2}").starts_with("Progressing(NoRule"));
}

#[test]
fn what_will_make_pods_is_a_revision_though_none_is_there() {
    let hashes = |yaml: &str| {
        let found = revisions(&Case::of(yaml).snapshot);
        found.into_iter().map(|it| it.hash).collect::<Vec<_>>()
    };
    assert_eq!(hashes("pods: b b b"), ["b", "template"]);
    assert_eq!(hashes("pods: a b"), ["a", "b"]);
}

#[test]
fn a_gateway_is_no_router_and_its_routes_are() {
    let is = |api_version: &str, kind: &str| {
        is_router(&ObjectRef {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: "shop".to_owned(),
            name: "it".to_owned(),
        })
    };
    let gateway = "gateway.networking.k8s.io/v1";
    assert!(is(gateway, "HTTPRoute") && is(gateway, "GRPCRoute"));
    assert!(!is(gateway, "Gateway") && !is("v1", "Service") && !is("example.com/v1", "HTTPRoute"));
}

#[test]
fn a_rule_may_look_at_as_many_items_as_it_may_and_no_more() {
    let widget = |items: usize| {
        format!(
            "apiVersion: example.com/v1\nkind: Widget\nmetadata: {{name: it, namespace: shop, uid: u}}\nspec: {{many: [{}]}}\n",
            "0,".repeat(items)
        )
    };
    let policy = Policy {
        rules: vec![CompletionRule {
            api_version: "example.com/v1".to_owned(),
            kind: "Widget".to_owned(),
            complete: "object.spec.many.exists(a, object.spec.many.exists(b, true))".to_owned(),
            ..CompletionRule::default()
        }],
        ..Policy::default()
    };
    let found = |items| told(&documents(&widget(items)), "", &policy).remove(0);
    assert!(found(1_000).contains(": Complete"));
    assert!(found(1_001).contains("Progressing(UnknownStatus"));
}

#[test]
fn three_pods_are_named_and_of_more_the_number() {
    let said = |pods: &str| looks(&[&format!("pods: {pods}")], &Policy::default()).sentence();
    insta::assert_snapshot!(said("a a a b b b"), @"Deployment web: 3 old pods still alive: web-b-1 (Running), web-b-2 (Running), web-b-3 (Running)");
    insta::assert_snapshot!(said("a a a b b b b"), @"Deployment web: 4 old pods still alive: web-b-1 (Running), web-b-2 (Running), web-b-3 (Running), and 1 more");
}

#[test]
fn a_failure_that_says_nothing_is_told_by_its_name_and_no_line_of_another_begins_one_of_ours() {
    let workflow = |status: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{name: w, namespace: shop, uid: u}}\nstatus: {{{status}}}\n"
        )
    };
    assert_eq!(said(&workflow("phase: Error")), "Workflow w: WorkflowError");
    let lines = said(&workflow(
        "phase: Failed, message: \"late\\nDeployment/shop/api  Open\"",
    ));
    assert_eq!(lines, "Workflow w: late Deployment/shop/api  Open");
}

#[test]
fn of_several_workloads_the_one_that_fails_speaks() {
    let claim = |phase: &str| {
        judged(&format!(
            "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: {phase}, namespace: shop, uid: u}}\nstatus: {{phase: {phase}}}\n"
        ))
        .remove(0)
    };
    let all = ["Bound", "Pending", "Lost", "Pending"].map(claim);
    let name = |all: &[Assessment]| worst(all).map(|it| it.workload.name.clone());
    assert_eq!(name(&all).as_deref(), Some("Lost"));
    assert_eq!(name(&all[..2]).as_deref(), Some("Pending"));
    assert_eq!(name(&[]), None);
}

const WORKFLOW: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: w, namespace: shop, uid: u}
spec: {templates: [{name: wait, suspend: {}}, {name: rest, suspend: {duration: '20'}}]}
status: {phase: Running, progress: 1/2, nodes: {n: {type: Suspend, phase: Running, displayName: wait-1, templateName: wait}}}
";

#[test]
fn a_workflow_waits_for_somebody_only_where_a_suspended_node_runs_without_a_duration() {
    let with = |node: &str| {
        first(
            WORKFLOW,
            &format!("{{Workflow/w: {{status: {{nodes: {{n: {node}}}}}}}}}"),
            "",
        )
    };
    let paused = "Paused(Suspend 1/2)";
    let timed = "Progressing(TimedPause 1/2)";
    let runs = "Progressing(Running 1/2)";
    for (node, expected) in [
        ("{}", paused),
        ("{phase: Succeeded}", runs),
        ("{type: Pod}", runs),
        ("{templateName: rest}", timed),
        ("{templateName: other}", paused),
        ("{inputs: {parameters: [{name: duration}]}}", timed),
        ("{inputs: {parameters: [{name: approver}]}}", paused),
    ] {
        let found = with(node);
        assert!(found.contains(expected), "{node}: {found}");
    }
    let stopped = |spec: &str| {
        let status = format!("spec: {spec}\nstatus: {{phase: Failed, message: m}}\n");
        let head = WORKFLOW.split_once("spec:").unwrap().0;
        said(&format!("{head}{status}"))
    };
    assert_eq!(stopped("{}"), "Workflow w: m");
    assert_eq!(
        stopped("{shutdown: Terminate}"),
        "Workflow w: somebody terminated it: m"
    );
}

#[test]
fn a_post_promotion_analysis_that_runs_is_waited_for_whatever_is_stable() {
    let rollout = |run: &str| {
        format!(
            "
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {{name: web, namespace: shop, uid: r, generation: 2}}
spec: {{replicas: 1, selector: {{matchLabels: {{app: web}}}}, template: {{metadata: {{labels: {{app: web}}}}}}, strategy: {{blueGreen: {{postPromotionAnalysis: {{templates: []}}}}}}}}
status: {{observedGeneration: '2', currentPodHash: h, stableRS: h, replicas: 1, updatedReplicas: 1, availableReplicas: 1, phase: Healthy, blueGreen: {{activeSelector: h{run}}}}}
"
        )
    };
    is(&rollout(""), "Complete");
    is(
        &rollout(", postPromotionAnalysisRunStatus: {status: Successful}"),
        "Complete",
    );
    is(
        &rollout(", postPromotionAnalysisRunStatus: {status: Running}"),
        "Progressing(Analysis 0/1)",
    );
}

#[test]
fn a_canary_says_what_flagger_has_not_done() {
    let base = super::canaries::PROMOTED;
    let recorded = |applied_spec: &str| {
        format!(
            "[{{object: {{apiVersion: flagger.app/v1beta1, kind: Canary, namespace: shop, name: web}}, baseline: {{uid: u-canary, generation: 1, canary: {{phase: Succeeded, lastAppliedSpec: '{applied_spec}', lastPromotedSpec: '111'}}}}, applied: {{uid: u-canary, generation: 1}}}}]"
        )
    };
    let objects = base.replace(
        "image: 'web:2', envFrom: [{configMapRef: {name: settings-primary",
        "image: 'web:1', envFrom: [{configMapRef: {name: settings-primary",
    );
    let late = |record: &str| {
        let mut all = Objects::default();
        for object in documents(&objects) {
            all.take(&object).unwrap();
        }
        let record = Recorded::all_in(&serde_saphyr::from_str::<Value>(record).unwrap())
            .unwrap()
            .remove(0);
        let (baseline, applied) = (record.baseline.unwrap(), record.applied.unwrap());
        let mut memory = Memory::default();
        let mut words = String::new();
        for seconds in [0, 200] {
            let now = start() + jiff::SignedDuration::from_secs(seconds);
            let mut snapshot = all.snapshot(&record.object, now);
            snapshot.read = Read::Live;
            let mut applied = applied.clone();
            applied.template_digest = snapshot.workload.as_ref().unwrap().digest();
            let (found, next) =
                crate::gate::assess(&baseline, &applied, &snapshot, &Policy::default(), &memory);
            memory = next;
            words = found.sentence();
        }
        words
    };
    insta::assert_snapshot!(late(&recorded("222")), @"Canary web: Flagger has not seen the new template for 3m 20s: is it running, and does the Canary name this workload?");
    insta::assert_snapshot!(late(&recorded("111")), @"Canary web: Flagger has not promoted the new template for 3m 20s: is it running, and does the Canary name this workload?");
    let phase = recorded("222").replace("phase: Succeeded", "phase: Failed");
    assert!(late(&phase).contains("has not promoted"));
    let two = base
        .replace("replicas: 1", "replicas: 2")
        .replace("Replicas: 1", "Replicas: 2");
    assert_eq!(judged(&two)[0].new_wanted, 2);
    let none = objects.replace("name: web-primary, namespace", "name: other, namespace");
    insta::assert_snapshot!(said(&none), @"Canary web: Flagger has not taken the new template to the primary yet: Deployment web-primary is not there");
}
