//! Objects without pods: rows 68 to 70 of completion.md §8, and §4.11 to §4.16.

use super::files::{all_told, check_over, check_recorded, rows};

/// Judges one object of a kind, `Kind apiVersion` and what else it says.
fn check_one(rows: &[(&str, &str, &str)]) {
    for (name, object, expected) in rows {
        let found = super::files::first(object, "", "");
        let verdict = found.split_once(": ").map_or("", |(_, verdict)| verdict);
        assert!(
            verdict.starts_with(expected),
            "{name}: expected {expected}\n   found {found}"
        );
    }
}

/// An object of `Kind apiVersion` that says so much.
pub(super) fn object(kind: &str, rest: &str) -> String {
    let (kind, version) = kind.split_once(' ').unwrap();
    format!(
        "{{apiVersion: {version}, kind: {kind}, metadata: {{name: it, namespace: shop, uid: u, generation: 3}}, {rest}}}"
    )
}

fn check_kind(kind: &str, table: &str) {
    check_kind_rows(kind, &rows(table));
}

fn check_kind_rows(kind: &str, rows: &[(&str, &str, &str)]) {
    let rows: Vec<_> = rows
        .iter()
        .map(|(name, rest, expected)| (*name, object(kind, rest), *expected))
        .collect();
    let rows: Vec<_> = rows
        .iter()
        .map(|(name, object, expected)| (*name, object.as_str(), *expected))
        .collect();
    check_one(&rows);
}

const CLAIM: &str = "
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shop, uid: u}
spec: {storageClassName: fast}
status: {phase: Pending}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast, annotations: {storageclass.kubernetes.io/is-default-class: 'true'}}
volumeBindingMode: WaitForFirstConsumer
";

#[test]
fn a_claim_is_bound_or_waits_for_its_pod() {
    let claim = "PersistentVolumeClaim/data";
    let rows = [
        (
            "68",
            String::new(),
            "Complete / NotNeeded / NotNeeded +AwaitsConsumer",
        ),
        (
            "of the default class",
            format!("{{{claim}: {{spec: {{storageClassName: null}}}}}}"),
            "Complete / NotNeeded / NotNeeded +AwaitsConsumer",
        ),
        (
            "at once",
            "{StorageClass/fast: {volumeBindingMode: Immediate}}".to_owned(),
            "Progressing(Pending 0/1)",
        ),
        (
            "of a class that nobody shows",
            "{StorageClass/fast: null}".to_owned(),
            "Progressing(Pending 0/1)",
        ),
        (
            "bound",
            format!("{{{claim}: {{status: {{phase: Bound}}}}}}"),
            "Complete / NotNeeded / NotNeeded",
        ),
        (
            "grows",
            format!(
                "{{{claim}: {{status: {{phase: Bound, conditions: [{{type: FileSystemResizePending, status: 'True'}}]}}}}}}"
            ),
            "Progressing(Resizing 0/1)",
        ),
        (
            "lost",
            format!("{{{claim}: {{status: {{phase: Lost}}}}}}"),
            "Failed(Terminal, ClaimLost)",
        ),
        (
            "a phase that we do not know",
            format!("{{{claim}: {{status: {{phase: Dreaming}}}}}}"),
            "Progressing(UnknownStatus 0/1)",
        ),
    ];
    let rows: Vec<_> = rows
        .iter()
        .map(|(name, over, expected)| (*name, over.as_str(), *expected))
        .collect();
    check_over(CLAIM, &rows);
}

#[test]
fn a_definition_is_served_when_it_is_established_under_its_names() {
    check_kind(
        "CustomResourceDefinition apiextensions.k8s.io/v1",
        "
        served | status: {conditions: [{type: NamesAccepted, status: 'True'}, {type: Established, status: 'True'}]} | Complete
        69 | status: {conditions: [{type: NamesAccepted, status: 'False', reason: MultipleNamesInUse}, {type: Established, status: 'False', reason: NotAccepted}]} | Failed(Terminal, NamesNotAccepted)
        on its way | status: {conditions: [{type: NamesAccepted, status: 'True'}, {type: Established, status: 'False', reason: Installing}]} | Progressing(Installing 0/1)
        refused | status: {conditions: [{type: NamesAccepted, status: 'True'}, {type: Established, status: 'False', reason: NotAccepted}]} | Failed(Retryable, NotEstablished)
        its schema | status: {conditions: [{type: NonStructuralSchema, status: 'True'}, {type: Established, status: 'True'}, {type: NamesAccepted, status: 'True'}]} | Failed(Terminal, NonStructuralSchema)
        going | status: {conditions: [{type: Terminating, status: 'True'}, {type: Established, status: 'True'}, {type: NamesAccepted, status: 'True'}]} | Failed(Terminal, DeletionInProgress)
        new | spec: {} | Progressing(Installing 0/1)
        ");
}

#[test]
fn an_api_service_is_there_when_its_server_answers() {
    let remote = "spec: {service: {name: x}}, status: {conditions: [{type: Available,";
    let says = |rest: &str| format!("{remote} {rest}}}]}}");
    let rows = [
        (
            "answers",
            says("status: 'True', reason: Passed"),
            "Complete",
        ),
        (
            "local",
            "spec: {}, status: {conditions: [{type: Available, status: 'True', reason: Local}]}"
                .to_owned(),
            "Complete",
        ),
        (
            "for a moment",
            says(
                "status: 'False', reason: MissingEndpoints, lastTransitionTime: '2026-11-24T11:59:30Z'",
            ),
            "Progressing(Unavailable 0/1)",
        ),
        (
            "for long",
            says(
                "status: 'False', reason: MissingEndpoints, lastTransitionTime: '2026-11-24T11:59:00Z'",
            ),
            "Failed(Retryable, Unavailable)",
        ),
        (
            "nothing said",
            "spec: {}".to_owned(),
            "Progressing(Unavailable 0/1)",
        ),
    ];
    let rows: Vec<_> = rows
        .iter()
        .map(|(name, rest, expected)| (*name, rest.as_str(), *expected))
        .collect();
    check_kind_rows("APIService apiregistration.k8s.io/v1", &rows);
}

#[test]
fn small_kinds_say_it_in_one_field() {
    check_kind(
        "Namespace v1",
        "
        active | status: {phase: Active} | Complete / NotNeeded / NotNeeded
        going | status: {phase: Terminating} | Failed(Terminal, NamespaceTerminating)
        new | spec: {} | Progressing(Pending 0/1)
        ",
    );
    check_over(
        &object("Namespace v1", "status: {phase: Active}"),
        &[(
            "deleted",
            "{Namespace/it: {metadata: {deletionTimestamp: '2026-11-24T11:00:00Z'}}}",
            "Failed(Terminal, NamespaceTerminating)",
        )],
    );
    check_kind(
        "PodDisruptionBudget policy/v1",
        "
        seen | status: {observedGeneration: 3} | Complete / NotNeeded / NotNeeded
        not seen | status: {observedGeneration: 2} | Progressing(NotObserved 0/0)
        never seen | spec: {} | Progressing(NotObserved 0/0)
        no eviction | status: {observedGeneration: 3, conditions: [{type: DisruptionAllowed, status: 'False', reason: InsufficientPods}]} | Complete / NotNeeded / NotNeeded +DisruptionNotAllowed
        cannot count | status: {observedGeneration: 3, conditions: [{type: DisruptionAllowed, status: 'False', reason: SyncFailed}]} | Complete / NotNeeded / NotNeeded +SyncFailed
        ");
    check_kind_rows(
        "Ingress networking.k8s.io/v1",
        &[("there", "spec: {}", "Complete")],
    );
    check_kind(
        "HorizontalPodAutoscaler autoscaling/v2",
        "
        there | spec: {} | Complete / NotNeeded / NotNeeded
        cannot read | status: {conditions: [{type: ScalingActive, status: 'False', reason: FailedGetResourceMetric}]} | Complete / NotNeeded / NotNeeded +CannotScale
        switched off | status: {conditions: [{type: ScalingActive, status: 'False', reason: ScalingDisabled}]} | Complete / NotNeeded / NotNeeded
        ");
    check_kind_rows(
        "ScaledObject keda.sh/v1alpha1",
        &[("there", "spec: {}", "Complete")],
    );
}

#[test]
fn a_service_has_an_address() {
    check_kind(
        "Service v1",
        "
        cluster | spec: {type: ClusterIP, clusterIP: 10.0.0.1} | Complete
        headless | spec: {clusterIP: None} | Complete
        another name | spec: {type: ExternalName, externalName: x.example} | Complete
        no address yet | spec: {type: ClusterIP} | Progressing(AddressPending 0/1)
        balanced | spec: {type: LoadBalancer, clusterIP: 10.0.0.1}, status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}} | Complete
        by name | spec: {type: LoadBalancer, clusterIP: 10.0.0.1}, status: {loadBalancer: {ingress: [{hostname: x.example}]}} | Complete
        not balanced yet | spec: {type: LoadBalancer, clusterIP: 10.0.0.1}, status: {loadBalancer: {}} | Progressing(LoadBalancerPending 0/1)
        an empty address | spec: {type: LoadBalancer, clusterIP: 10.0.0.1}, status: {loadBalancer: {ingress: [{}]}} | Progressing(LoadBalancerPending 0/1)
        on its own node only | spec: {clusterIP: 10.0.0.1, internalTrafficPolicy: Local} | Complete / NotNeeded / NotNeeded +LocalTraffic
        ");
}

#[test]
fn a_gateway_is_done_when_each_condition_of_this_generation_says_so() {
    let says = |conditions: &[(&str, &str, i64)], listener: &str| {
        let list: Vec<_> = conditions
            .iter()
            .map(|(type_, status, seen)| {
                format!(
                    "{{type: {type_}, status: '{status}', observedGeneration: {seen}, reason: r}}"
                )
            })
            .collect();
        format!(
            "status: {{conditions: [{}], listeners: [{listener}]}}",
            list.join(", ")
        )
    };
    let good = [("Accepted", "True", 3), ("Programmed", "True", 3)];
    let listener = |status: &str, seen: i64| {
        format!(
            "{{name: http, conditions: [{{type: Programmed, status: '{status}', observedGeneration: {seen}}}, {{type: ResolvedRefs, status: 'True', observedGeneration: {seen}}}]}}"
        )
    };
    let rows = [
        ("done", says(&good, &listener("True", 3)), "Complete"),
        (
            "70",
            says(&[("Accepted", "True", 3), ("Programmed", "True", 2)], ""),
            "Progressing(NotObserved 0/1)",
        ),
        (
            "a listener of before",
            says(&good, &listener("True", 2)),
            "Progressing(NotObserved 0/1)",
        ),
        (
            "a listener is not in force",
            says(&good, &listener("False", 3)),
            "Progressing(NotProgrammed 1/2)",
        ),
        (
            "not accepted",
            says(&[("Accepted", "False", 3), ("Programmed", "False", 3)], ""),
            "Failed(Retryable, NotAccepted)",
        ),
        (
            "not in force",
            says(&[("Accepted", "True", 3), ("Programmed", "Unknown", 3)], ""),
            "Progressing(NotProgrammed 0/1)",
        ),
        (
            "refers to nothing",
            says(
                &good,
                "{name: tls, conditions: [{type: ResolvedRefs, status: 'False', observedGeneration: 3, reason: InvalidCertificateRef}]}",
            ),
            "Failed(Retryable, RefsNotResolved)",
        ),
        (
            "nothing said",
            "spec: {}".to_owned(),
            "Progressing(NotObserved 0/1)",
        ),
    ];
    let rows: Vec<_> = rows
        .iter()
        .map(|(name, rest, expected)| (*name, rest.as_str(), *expected))
        .collect();
    check_kind_rows("Gateway gateway.networking.k8s.io/v1", &rows);
}

#[test]
fn a_route_is_done_when_every_parent_has_accepted_it() {
    let parent = |name: &str, accepted: &str, seen: i64| {
        format!(
            "{{parentRef: {{group: gateway.networking.k8s.io, kind: Gateway, name: {name}}}, controllerName: x, conditions: [{{type: Accepted, status: '{accepted}', observedGeneration: {seen}, reason: NoMatchingParent}}, {{type: ResolvedRefs, status: 'True', observedGeneration: {seen}}}]}}"
        )
    };
    let says = |parents: &[String]| {
        format!(
            "spec: {{parentRefs: [{{name: a}}, {{name: b}}]}}, status: {{parents: [{}]}}",
            parents.join(", ")
        )
    };
    let rows = [
        (
            "both",
            says(&[parent("a", "True", 3), parent("b", "True", 3)]),
            "Complete",
        ),
        (
            "one is missing",
            says(&[parent("a", "True", 3)]),
            "Progressing(NotObserved 0/2)",
        ),
        (
            "one is of before",
            says(&[parent("a", "True", 3), parent("b", "True", 2)]),
            "Progressing(NotObserved 0/2)",
        ),
        (
            "one refuses",
            says(&[parent("a", "True", 3), parent("b", "False", 3)]),
            "Failed(Retryable, NotAccepted)",
        ),
        (
            "nothing said",
            "spec: {parentRefs: [{name: a}]}".to_owned(),
            "Progressing(NotObserved 0/1)",
        ),
    ];
    let rows: Vec<_> = rows
        .iter()
        .map(|(name, rest, expected)| (*name, rest.as_str(), *expected))
        .collect();
    check_kind_rows("HTTPRoute gateway.networking.k8s.io/v1", &rows);
    check_kind_rows("GRPCRoute gateway.networking.k8s.io/v1", &rows);
}

#[test]
fn what_does_nothing_by_itself_is_done_when_it_is_stored() {
    for kind in [
        "ConfigMap v1",
        "Secret v1",
        "ServiceAccount v1",
        "Role rbac.authorization.k8s.io/v1",
        "NetworkPolicy networking.k8s.io/v1",
        "AnalysisTemplate argoproj.io/v1alpha1",
        "PriorityClass scheduling.k8s.io/v1",
        "StorageClass storage.k8s.io/v1",
        "MutatingAdmissionPolicy admissionregistration.k8s.io/v1",
        "RuntimeClass node.k8s.io/v1",
        "MetricTemplate flagger.app/v1beta1",
        "Pipeline tekton.dev/v1",
        "ReferenceGrant gateway.networking.k8s.io/v1",
    ] {
        check_kind_rows(
            kind,
            &[(kind, "data: {}", "Complete / NotNeeded / NotNeeded")],
        );
    }
    for kind in [
        "PodGroup scheduling.k8s.io/v1",
        "Other node.k8s.io/v1",
        "BackendTLSPolicy gateway.networking.k8s.io/v1",
    ] {
        check_kind_rows(kind, &[(kind, "data: {}", "Progressing(NoRule 0/1)")]);
    }
    check_recorded(
        &object("ConfigMap v1", "data: {}"),
        &[(
            "replaced",
            "",
            "[{object: {apiVersion: v1, kind: ConfigMap, namespace: shop, name: it}, applied: {uid: before, generation: 0, templateDigest: x, changed: true}}]",
            "Failed(Terminal, ReplacedDuringWait)",
        )],
    );
}

#[test]
fn pods_come_first_and_what_stands_in_front_of_them_is_judged_with_them() {
    let all = "
{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: shop, uid: c}}
---
{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop, uid: s}, spec: {selector: {app: web}}}
---
{apiVersion: v1, kind: Service, metadata: {name: public, namespace: shop, uid: s2}, spec: {clusterIP: 10.0.0.1, type: LoadBalancer, selector: {app: web}}}
---
{apiVersion: v1, kind: Node, metadata: {name: n1}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, uid: p, labels: {app: web}}, spec: {nodeName: n1, containers: []}, status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}}
";
    let found = all_told(all, "");
    let names: Vec<_> = found
        .iter()
        .map(|line| line.split(": ").next().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "Pod/shop/web",
            "Service/shop/public",
            "ConfigMap/shop/settings"
        ]
    );
}

#[test]
fn each_kind_says_in_a_sentence_what_it_waits_for() {
    let objects = [
        (
            "Workflow argoproj.io/v1alpha1",
            "status: {phase: Running, progress: 2/5, nodes: {a: {type: Suspend, phase: Running, displayName: approve}}}",
        ),
        (
            "Workflow argoproj.io/v1alpha1",
            "spec: {shutdown: Terminate}, status: {phase: Failed, message: stopped by an operator}",
        ),
        (
            "PipelineRun tekton.dev/v1",
            "status: {conditions: [{type: Succeeded, status: 'False', reason: Failed, message: 'Tasks Completed: 1 (Failed: 1)'}]}",
        ),
        ("PersistentVolumeClaim v1", "status: {phase: Pending}"),
        (
            "CustomResourceDefinition apiextensions.k8s.io/v1",
            "status: {conditions: [{type: NamesAccepted, status: 'False', reason: MultipleNamesInUse, message: 'the name is taken'}]}",
        ),
        (
            "APIService apiregistration.k8s.io/v1",
            "status: {conditions: [{type: Available, status: 'False', reason: MissingEndpoints, message: no endpoints, lastTransitionTime: '2026-11-24T11:59:30Z'}]}",
        ),
        ("Namespace v1", "status: {phase: Terminating}"),
        (
            "Service v1",
            "spec: {type: LoadBalancer, clusterIP: 10.0.0.1}",
        ),
        (
            "Gateway gateway.networking.k8s.io/v1",
            "status: {conditions: [{type: Accepted, status: 'False', reason: NotReconciled, message: no such class, observedGeneration: 3}]}",
        ),
        ("Widget example.com/v1", "spec: {}"),
        (
            "Widget example.com/v1",
            "status: {conditions: [{type: Stalled, status: 'True', reason: Quota, message: no more widgets}]}",
        ),
        ("ConfigMap v1", "data: {}"),
    ];
    let told: Vec<_> = objects
        .iter()
        .map(|(kind, rest)| super::files::sentence(&object(kind, rest), ""))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    Workflow it: 2 of 5 done, and a step waits for you: resume it: approve
    Workflow it: somebody terminated it: stopped by an operator
    PipelineRun it: Failed: Tasks Completed: 1 (Failed: 1)
    PersistentVolumeClaim it: it is pending: no volume is bound to it yet
    CustomResourceDefinition it: MultipleNamesInUse: the name is taken
    APIService it: the server behind it does not answer: MissingEndpoints: no endpoints
    Namespace it: it is being deleted: nothing can be created in it
    Service it: its load balancer has no address yet
    Gateway it: NotReconciled: no such class
    Widget it: nothing says when an object of this kind is done: declare a rule for it
    Widget it: Quota: no more widgets
    ConfigMap it: complete
    ");
}
