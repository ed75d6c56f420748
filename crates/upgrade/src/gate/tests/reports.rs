//! What is said and kept of a look: counts for machines, when the last old pod is gone, what is recorded before an apply.

use super::argo_rollouts::CANARY;
use super::canaries::PROMOTED;
use super::files::documents;
use super::plain::object;
use super::world::{Case, looks, start};
use crate::gate::{Baseline, Drain, Objects, Policy, Workload};

/// `Rollout done/total Drain Serving Gate` of one look.
fn reported(yaml: &str) -> String {
    let report = looks(&[yaml], &Policy::default()).report();
    format!(
        "{} {}/{} {} {} {}",
        report.rollout, report.done, report.total, report.drain, report.serving, report.gate
    )
}

#[test]
fn a_report_counts_what_its_reason_counts_and_else_new_pods_that_are_ready() {
    assert_eq!(
        reported("deployment: {status: {updatedReplicas: 1}}"),
        "Progressing 1/3 Drained Serving Shut"
    );
    assert_eq!(
        reported("{deployment: {status: {observedGeneration: 1}}, pods: 'a a:N a'}"),
        "Progressing 2/3 Drained Serving Shut",
        "it has not counted anything yet"
    );
    assert_eq!(
        reported("{deployment: {spec: {paused: true}, status: {updatedReplicas: 2}}, pods: a}"),
        "Paused 2/3 Drained Serving Shut"
    );
    assert_eq!(
        reported("pods: a a"),
        "Progressing 2/3 Drained Serving Shut",
        "the list is newer than the counters"
    );
    assert_eq!(
        reported("{pods: a a a b:T}"),
        "Complete 3/3 Draining Serving Shut"
    );
    assert_eq!(
        reported("{pods: a, gone: true}"),
        "Failed 0/0 Draining Waiting Shut"
    );
}

#[test]
fn the_last_old_pod_says_when_all_are_gone() {
    let gone_by = |pods: &str| {
        let found = looks(&[&format!("pods: {pods}")], &Policy::default());
        let Drain::Draining(blockers) = found.drain else {
            panic!("{}", found.drain);
        };
        blockers.gone_by()
    };
    let end = start() + jiff::SignedDuration::from_secs(30);
    assert_eq!(gone_by("a a a b:T b:T"), Some(end));
    assert_eq!(
        gone_by("a a a b:T b"),
        None,
        "nobody has told one of them to go"
    );
}

#[test]
fn a_baseline_has_the_live_pods_of_the_workload_and_no_others() {
    let debug = "extra: [{metadata: {name: debug, uid: x, labels: {app: web}}}]";
    let case = Case::of(&format!("{{pods: 'a b:T b:S', {debug}}}"));
    let baseline = Baseline::capture(&case.applied.workload, &case.snapshot);
    let names: Vec<_> = baseline.pods.iter().map(|pod| pod.name.as_str()).collect();
    assert_eq!(names, ["web-a-1", "web-b-1"]);
}

/// The conditions that are recorded of the first workload of some objects.
fn conditions(yaml: &str) -> Vec<String> {
    let mut all = Objects::default();
    for object in documents(yaml) {
        all.take(&object).unwrap();
    }
    let workload = all.workloads().next().unwrap().reference();
    let baseline = Baseline::capture(&workload, &all.snapshot(&workload, start()));
    let types = baseline.conditions.into_iter().map(|it| it.type_);
    types.collect()
}

#[test]
fn a_baseline_has_the_conditions_that_a_later_look_may_find_again() {
    let said =
        "conditions: [{type: Progressing, status: 'True'}, {type: Promoted, status: 'True'}]";
    let rollout = CANARY.replace(
        "  observedGeneration: '2'",
        &format!("  observedGeneration: '2'\n  {said}"),
    );
    assert_eq!(conditions(&rollout), ["Progressing", "Promoted"]);
    let deployment = object(
        "Deployment apps/v1",
        &format!("spec: {{selector: {{}}, template: {{}}}}, status: {{{said}}}"),
    );
    assert_eq!(conditions(&deployment), ["Progressing", "Promoted"]);
    let widget = object("Widget example.com/v1", &format!("status: {{{said}}}"));
    assert_eq!(conditions(&widget), ["Progressing", "Promoted"]);
    assert_eq!(conditions(PROMOTED), ["Promoted"]);
}

#[test]
fn two_objects_that_say_the_same_have_the_same_content() {
    let content = |yaml: &str| {
        let object = documents(yaml).remove(0);
        let workload = Workload::from_object(object).unwrap();
        workload.unwrap().content_digest()
    };
    let map = |data: &str| content(&object("ConfigMap v1", data));
    assert_eq!(
        map("data: {a: b}"),
        map("data: {a: b}, status: {seen: true}")
    );
    assert_ne!(map("data: {a: b}"), map("data: {a: c}"));
}

#[test]
fn a_workload_claims_the_pods_that_its_selector_names() {
    let case = Case::of("extra: [{metadata: {name: api, uid: x, labels: {app: api}}}]");
    let live = case.snapshot.workload.as_ref().unwrap();
    let claimed = case
        .snapshot
        .pods
        .iter()
        .filter(|pod| live.selects(&pod.metadata));
    assert_eq!(claimed.count(), 3);
}
