//! What looks done in files and is not.

use super::files::{documents, told};
use crate::gate::Policy;

pub(super) const WEB: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, uid: u, generation: 2}
spec: {replicas: 1, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: "app:2"}]}}}
status: {observedGeneration: 2, replicas: 1, updatedReplicas: 1, availableReplicas: 1}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web-a, namespace: shop, uid: ua, generation: 1, labels: {pod-template-hash: a}, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: u, controller: true}]}
spec: {replicas: 1, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web, pod-template-hash: a}}, spec: {containers: [{name: c, image: "app:2"}]}}}
status: {observedGeneration: 1, replicas: 1, availableReplicas: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: web-a-1, namespace: shop, uid: pa, labels: {app: web, pod-template-hash: a}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-a, uid: ua, controller: true}]}
spec: {nodeName: n1, containers: [{name: c, image: "app:2"}]}
status: {phase: Running, podIP: 10.0.0.1, conditions: [{type: Ready, status: "True"}]}
"#;

/// A Service that selects nothing, and what somebody has listed behind it.
fn by_hand(endpoints: &str) -> String {
    format!(
        "---
apiVersion: v1
kind: Service
metadata: {{name: web, namespace: shop, uid: s}}
spec: {{clusterIP: 10.1.1.1}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: web-1, namespace: shop, uid: e, labels: {{kubernetes.io/service-name: web}}}}
addressType: IPv4
endpoints: [{endpoints}]
"
    )
}

/// The verdict of the first object.
fn judged(yaml: &str) -> String {
    let line = told(&documents(yaml), "", &Policy::default()).remove(0);
    line.split_once(": ").unwrap().1.to_owned()
}

#[track_caller]
pub(super) fn is(yaml: &str, expected: &str) {
    let found = judged(yaml);
    assert!(found.starts_with(expected), "{found}");
}

#[test]
fn a_list_is_no_map_whose_fields_stand_in_order() {
    let unknown = "Progressing(UnknownStatus 0/1)";
    let of = |head: &str, rest: &str| {
        format!("{head}\nmetadata: {{name: it, namespace: shop, uid: u, generation: 1}}\n{rest}")
    };
    let claim = "apiVersion: v1\nkind: PersistentVolumeClaim";
    is(&of(claim, "status: [Bound]"), unknown);
    let widget = "apiVersion: example.com/v1\nkind: Widget";
    is(
        &of(widget, "status: {conditions: [[Ready, 'True']]}"),
        unknown,
    );
    is(
        &of(
            widget,
            "status: {conditions: [{type: Ready, status: 'True'}]}",
        ),
        "Complete",
    );
    let rollout = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout";
    is(&of(rollout, "spec: {strategy: []}"), unknown);
}

#[test]
fn pods_behind_a_service_without_a_selector_count_by_their_addresses() {
    let foreign = "---
apiVersion: v1
kind: Pod
metadata: {name: legacy-0, namespace: shop, uid: pl, labels: {app: legacy}}
spec: {nodeName: n1, containers: [{name: c, image: 'app:1'}]}
status: {phase: Running, podIP: 10.0.0.9, conditions: [{type: Ready, status: 'True'}]}
";
    let own = "{addresses: [10.0.0.1], conditions: {ready: true}}";
    let other = "{addresses: [10.0.0.9], conditions: {ready: true}}";
    let alone = [WEB, foreign, &by_hand(own)].concat();
    is(&alone, "Complete / Drained / Serving");
    let beside = [WEB, foreign, &by_hand(&format!("{own}, {other}"))].concat();
    is(&beside, "Complete / Draining(1) / Serving");
}

#[test]
fn a_service_without_a_selector_has_to_serve_too() {
    let unready = "{addresses: [10.0.0.1], conditions: {ready: false, serving: false}, targetRef: {kind: Pod, name: web-a-1, namespace: shop, uid: pa}}";
    is(
        &[WEB, &by_hand(unready)].concat(),
        "Complete / Drained / Waiting(NotServing 0/1)",
    );
}

#[test]
fn an_old_pod_of_which_nothing_but_its_name_is_shown_may_still_answer() {
    let nameless = "---
apiVersion: v1
kind: Pod
metadata: {name: web-b-1, namespace: shop, uid: pb, deletionTimestamp: '2026-11-24T12:00:10Z', labels: {app: web, pod-template-hash: b}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-b, uid: ub, controller: true}]}
";
    is(&[WEB, nameless].concat(), "Complete / Draining(1)");
    let unbound = format!("{nameless}spec: {{containers: []}}\n");
    is(&[WEB, &unbound].concat(), "Complete / Drained");
}

#[test]
fn an_old_replica_set_of_a_rollout_that_wants_pods_is_about_to_start_them() {
    let rollout = |wants: u32| {
        format!(
            "
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {{name: web, namespace: shop, uid: r, generation: 2}}
spec: {{replicas: 1, selector: {{matchLabels: {{app: web}}}}, template: {{metadata: {{labels: {{app: web}}}}, spec: {{containers: [{{name: c, image: 'app:2'}}]}}}}, strategy: {{canary: {{}}}}}}
status: {{observedGeneration: '2', currentPodHash: h, stableRS: h, replicas: 1, updatedReplicas: 1, availableReplicas: 1, phase: Healthy}}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {{name: web-b, namespace: shop, uid: ub, generation: 5, labels: {{rollouts-pod-template-hash: b}}, ownerReferences: [{{apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: web, uid: r, controller: true}}]}}
spec: {{replicas: {wants}, selector: {{matchLabels: {{app: web}}}}, template: {{metadata: {{labels: {{app: web}}}}, spec: {{containers: [{{name: c, image: 'app:1'}}]}}}}}}
status: {{observedGeneration: 4, replicas: 0}}
"
        )
    };
    is(&rollout(0), "Complete / Drained");
    is(&rollout(3), "Complete / Draining(1)");
}

#[test]
fn what_holds_a_stateful_set_back_is_told_also_where_no_pod_is_shown() {
    let set = |strategy: &str, updated: u32| {
        format!(
            "
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: web, namespace: shop, uid: u, generation: 2}}
spec: {{replicas: 3, serviceName: web, updateStrategy: {strategy}, selector: {{matchLabels: {{app: web}}}}, template: {{metadata: {{labels: {{app: web}}}}, spec: {{containers: [{{name: c, image: a}}]}}}}}}
status: {{observedGeneration: 2, replicas: 3, readyReplicas: 3, availableReplicas: 3, updatedReplicas: {updated}, currentRevision: web-1, updateRevision: web-2}}
"
        )
    };
    let partition = "{type: RollingUpdate, rollingUpdate: {partition: 2}}";
    is(&set(partition, 1), "Paused(Partition 1/3)");
    is(&set(partition, 0), "Progressing(Updating 0/3)");
    is(&set("{type: OnDelete}", 0), "Paused(OnDelete 0/3)");
    is(
        &set("{type: RollingUpdate}", 1),
        "Progressing(Updating 1/3)",
    );
}

#[test]
fn a_kind_nobody_knows_that_makes_pods_is_not_done_by_a_word() {
    let object = |template: &str| {
        format!(
            "
apiVersion: serving.example.com/v1
kind: CloneSet
metadata: {{name: web, namespace: shop, uid: u, generation: 1}}
spec: {{{template}}}
status: {{observedGeneration: 1, conditions: [{{type: Ready, status: 'True'}}]}}
"
        )
    };
    is(&object(""), "Complete");
    is(
        &object("template: {spec: {containers: [{name: c, image: a}]}}"),
        "Progressing(NoRule 0/1)",
    );
}

#[test]
fn a_route_that_names_no_parent_is_accepted_by_nobody() {
    is(
        "
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop, uid: u, generation: 1}
spec: {}
",
        "Progressing(NotAccepted 0/0)",
    );
}

#[test]
fn conditions_that_contradict_each_other_or_are_of_before_say_nothing() {
    let widget = |conditions: &str| {
        format!(
            "
apiVersion: example.com/v1
kind: Widget
metadata: {{name: it, namespace: shop, uid: u, generation: 2}}
status: {{observedGeneration: 2, conditions: [{conditions}]}}
"
        )
    };
    let ready = "{type: Ready, status: 'True', observedGeneration: 2}";
    is(
        &widget(&format!("{ready}, {{type: Ready, status: 'False'}}")),
        "Progressing(UnknownStatus 0/1)",
    );
    for of_before in ["Stalled", "Reconciling"] {
        let stale = format!("{{type: {of_before}, status: 'True', observedGeneration: 1}}");
        is(&widget(&format!("{stale}, {ready}")), "Complete");
    }
}

#[test]
fn a_job_whose_controller_has_written_an_empty_status_waits_for_that_controller() {
    is(
        "
apiVersion: batch/v1
kind: Job
metadata: {name: j, namespace: shop, uid: u}
spec: {managedBy: kueue.x-k8s.io/multikueue, template: {spec: {containers: [{name: c, image: a}]}}}
status: {}
",
        "Progressing(ExternalController 0/1)",
    );
}

#[test]
fn what_the_kubelet_or_the_api_server_has_not_seen_is_not_done() {
    let pod = |seen: &str| {
        format!(
            "
apiVersion: v1
kind: Pod
metadata: {{name: solo, namespace: shop, uid: u, generation: 3}}
spec: {{nodeName: n1, containers: [{{name: c, image: 'web:2'}}]}}
status: {{{seen}phase: Running, conditions: [{{type: Ready, status: 'True'}}]}}
"
        )
    };
    is(&pod("observedGeneration: 2, "), "Progressing(NotObserved");
    is(&pod("observedGeneration: 3, "), "Complete");
    is(&pod(""), "Complete");
    let definition = |of_status: &str, of_condition: &str| {
        format!(
            "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: widgets.example.com, uid: u, generation: 5}}
status: {{{of_status}conditions: [{{type: NamesAccepted, status: 'True'}}, {{type: Established, status: 'True'{of_condition}}}]}}
"
        )
    };
    is(&definition("", ""), "Complete");
    is(
        &definition("observedGeneration: 4, ", ""),
        "Progressing(NotObserved",
    );
    is(
        &definition("", ", observedGeneration: 4"),
        "Progressing(NotObserved",
    );
    is(
        &definition("observedGeneration: 5, ", ", observedGeneration: 5"),
        "Complete",
    );
}

#[test]
fn numbers_as_large_as_they_come_are_reckoned_with() {
    let events: Vec<String> = (0..3)
        .map(|number| {
            format!(
                "---
apiVersion: v1
kind: Event
metadata: {{name: e{number}, namespace: shop}}
involvedObject: {{kind: StatefulSet, name: web, namespace: shop, uid: u}}
reason: FailedCreate
type: Warning
count: 2147483647
message: forbidden
"
            )
        })
        .collect();
    let set = "
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web, namespace: shop, uid: u, generation: 1}
spec: {replicas: 1, serviceName: web, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: a}]}}}
status: {observedGeneration: 1, replicas: 0, updateRevision: web-1}
";
    is(
        &[set, &events.concat()].concat(),
        "Failed(Retryable, CreateRejected)",
    );
}
