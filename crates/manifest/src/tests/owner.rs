//! Who owns what, in which order.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Object, assign, deletion_order};
use super::manifests_of;
use insta::assert_snapshot;
use tidegate_spec::crd::DrainLevel;
use tidegate_spec::{Graph, Interface, ObjectRef, Service, ServiceName};

/// `cart | redis: StatefulSet/redis, Job/seed`: services with the workloads that they name.
pub(super) fn graph(text: &str) -> Graph {
    let services = text.split(" | ").enumerate().map(|(index, service)| {
        let (name, workloads) = service.split_once(": ").unwrap_or((service, ""));
        let workloads = workloads.split(", ").filter(|it| !it.is_empty()).map(|it| {
            let (kind, name) = it.split_once('/').unwrap();
            let api_version = if kind == "Job" { "batch/v1" } else { "apps/v1" };
            ObjectRef {
                api_version: api_version.to_owned(),
                kind: kind.to_owned(),
                namespace: String::new(),
                name: name.to_owned(),
            }
        });
        let service = Service {
            path: format!("spec.services[{index}]"),
            workloads: workloads.collect(),
            interface: Interface::default(),
            after: BTreeSet::new(),
            drain: DrainLevel::default(),
            manner: tidegate_spec::Manner::default(),
        };
        (ServiceName::parse(name).unwrap(), service)
    });
    Graph {
        services: services.collect::<BTreeMap<_, _>>(),
        ..Graph::default()
    }
}

/// A line a service: its objects in order, `*` for workloads; then what is shared; then the problems.
fn ownership_of(services: &str, yaml: &str) -> String {
    let objects: Vec<Object> = manifests_of(yaml).objects;
    let (ownership, problems) = assign(&graph(services), &objects, "shop");
    let mut lines = Vec::new();
    for (service, owned) in &ownership.services {
        let shown = owned.objects.iter().map(|index| {
            let mark = if owned.workloads.contains(index) {
                "*"
            } else {
                ""
            };
            format!("{}{mark}", objects[*index].reference)
        });
        lines.push(format!(
            "{service}: {}",
            shown.collect::<Vec<_>>().join(", ")
        ));
    }
    let shared = ownership
        .shared
        .iter()
        .map(|index| objects[*index].reference.to_string());
    lines.push(format!("shared: {}", shared.collect::<Vec<_>>().join(", ")));
    lines.extend(problems.iter().map(ToString::to_string));
    lines.join("\n")
}

fn object(api_version: &str, kind: &str, name: &str, rest: &str) -> String {
    format!("---\napiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: {name}}}\n{rest}\n")
}

/// A Deployment whose pods have the label `run` and a pod spec.
fn deployment(name: &str, pod_spec: &str) -> String {
    let spec = format!(
        "spec: {{template: {{metadata: {{labels: {{run: {name}}}}}, spec: {{{pod_spec}}}}}}}"
    );
    object("apps/v1", "Deployment", name, &spec)
}

#[test]
fn workloads_are_found_by_name() {
    let yaml = deployment("cart", "")
        + &object("apps/v1", "StatefulSet", "redis", "")
        + &object("batch/v1", "Job", "seed", "");
    assert_snapshot!(ownership_of("cart | store: StatefulSet/redis, Job/seed", &yaml), @r"
    cart: Deployment/cart*
    store: Job/seed*, StatefulSet/redis*
    shared:
    ");
}

#[test]
fn a_service_without_a_workload_is_told_what_was_meant() {
    let yaml = deployment("carts", "")
        + &object("apps/v1", "StatefulSet", "redis", "")
        + &object("batch/v1", "Job", "seed", "");
    assert_snapshot!(ownership_of("cart | redis | seed | web | store: Deployment/store", &yaml), @r"
    cart: 
    redis: 
    seed: 
    store: 
    web: 
    shared: Job/seed, StatefulSet/redis, Deployment/carts
    spec.services[0]: `cart` has no workload: the manifests have no Deployment/cart [TG0124]; did you mean Deployment/carts? write `workloads: [{kind: Deployment, name: carts}]`
    spec.services[1]: `redis` has no workload: the manifests have no Deployment/redis [TG0124]; did you mean StatefulSet/redis? write `workloads: [{kind: StatefulSet, name: redis}]`
    spec.services[2]: `seed` has no workload: the manifests have no Deployment/seed [TG0124]; did you mean Job/seed? write `workloads: [{apiVersion: batch/v1, kind: Job, name: seed}]`
    spec.services[4].workloads[0]: `store` has no workload: the manifests have no Deployment/store [TG0124]; add Deployment/store to the manifests, or set `workloads` to what `store` runs as
    spec.services[3]: `web` has no workload: the manifests have no Deployment/web [TG0124]; add Deployment/web to the manifests, or set `workloads` to what `web` runs as
    a.yaml:4:18: Deployment/carts belongs to no service of the graph [TG0120]; declare it in the graph, or it is applied before wave 1 with no wait
    a.yaml:9:18: StatefulSet/redis belongs to no service of the graph [TG0120]; declare it in the graph, or it is applied before wave 1 with no wait
    a.yaml:14:18: Job/seed belongs to no service of the graph [TG0120]; declare it in the graph, or it is applied before wave 1 with no wait
    ");
}

#[test]
fn a_workload_of_two_services_is_refused() {
    let yaml = deployment("cart", "");
    assert_snapshot!(ownership_of("cart | web: Deployment/cart", &yaml), @r"
    cart: Deployment/cart*
    web: 
    shared: 
    spec.services[1].workloads[0]: Deployment/cart is a workload of `cart` (spec.services[0]) and of `web` [TG0125]; name it in one service only, or make the two one
    ");
}

#[test]
fn labels_decide_where_the_graph_names_nothing() {
    let yaml = deployment("cart", "")
        + "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {app: cart}}}\n"
        + "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: b, labels: {app: cart, app.kubernetes.io/name: web}}}\n"
        + "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: c, labels: {app: cart, app.kubernetes.io/name: shop}}}\n"
        + "---\n{apiVersion: v1, kind: Namespace, metadata: {name: d, labels: {app: cart}}}\n"
        + "---\n{apiVersion: apps/v1, kind: Deployment, metadata: {name: cart-canary, labels: {app: cart}}}\n"
        + "---\n{apiVersion: apps/v1, kind: Deployment, metadata: {name: web-blue, labels: {app: web}}}\n";
    assert_snapshot!(ownership_of("cart | web", &yaml), @r"
    cart: ConfigMap/a, ConfigMap/c, Deployment/cart*, Deployment/cart-canary*
    web: ConfigMap/b, Deployment/web-blue*
    shared: Namespace/d
    ");
}

#[test]
fn what_selects_scales_or_leads_goes_with_its_workload() {
    let yaml = deployment("cart", "")
        + &deployment("web", "")
        + &object(
            "networking.k8s.io/v1",
            "Ingress",
            "before",
            "spec: {defaultBackend: {service: {name: basket}}}",
        )
        + &object("v1", "Service", "basket", "spec: {selector: {run: cart}}")
        + &object("v1", "Service", "web", "spec: {type: ExternalName}")
        + &object("v1", "Service", "none", "spec: {selector: {run: nobody}}")
        + &object(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            "h",
            "spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: cart}}",
        )
        + &object(
            "keda.sh/v1alpha1",
            "ScaledObject",
            "k",
            "spec: {scaleTargetRef: {name: web}}",
        )
        + &object(
            "policy/v1",
            "PodDisruptionBudget",
            "p",
            "spec: {selector: {matchExpressions: [{key: run, operator: In, values: [cart]}]}}",
        )
        + &object(
            "policy/v1",
            "PodDisruptionBudget",
            "all",
            "spec: {selector: {matchExpressions: [{key: run, operator: Exists}]}}",
        )
        + &object(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            "np",
            "spec: {podSelector: {matchLabels: {run: web}}}",
        )
        + &object(
            "networking.k8s.io/v1",
            "Ingress",
            "i",
            "spec: {tls: [{secretName: cert}], rules: [{http: {paths: [{backend: {service: {name: basket}}}]}}]}",
        )
        + &object(
            "networking.k8s.io/v1",
            "Ingress",
            "both",
            "spec: {defaultBackend: {service: {name: web}}, rules: [{http: {paths: [{backend: {service: {name: basket}}}]}}]}",
        )
        + &object(
            "gateway.networking.k8s.io/v1",
            "HTTPRoute",
            "r",
            "spec: {rules: [{backendRefs: [{name: basket}]}]}",
        )
        + &object("v1", "Secret", "cert", "");
    assert_snapshot!(ownership_of("cart | web", &yaml), @r"
    cart: Secret/cert, Service/basket, Deployment/cart*, HorizontalPodAutoscaler/h, PodDisruptionBudget/p, Ingress/before, Ingress/i, HTTPRoute/r
    web: Service/web, NetworkPolicy/np, Deployment/web*, ScaledObject/k
    shared: Service/none, PodDisruptionBudget/all, Ingress/both
    ");
}

#[test]
fn an_empty_selector_says_nothing() {
    let yaml = deployment("cart", "")
        + &object("v1", "Service", "all", "spec: {selector: {}}")
        + &object(
            "policy/v1",
            "PodDisruptionBudget",
            "all",
            "spec: {selector: {}}",
        )
        + &object(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            "all",
            "spec: {podSelector: {matchLabels: {}}}",
        );
    assert_snapshot!(ownership_of("cart", &yaml), @r"
    cart: Deployment/cart*
    shared: Service/all, NetworkPolicy/all, PodDisruptionBudget/all
    ");
}

#[test]
fn what_one_service_needs_is_its_own_and_what_two_need_is_shared() {
    let cart = "serviceAccountName: cart, imagePullSecrets: [{name: pull}], volumes: [{configMap: {name: c1}}, {secret: {secretName: s1}}, {persistentVolumeClaim: {claimName: p1}}, {projected: {sources: [{configMap: {name: c2}}, {secret: {name: s2}}]}}], initContainers: [{envFrom: [{configMapRef: {name: c3}}, {secretRef: {name: s3}}]}], containers: [{env: [{valueFrom: {configMapKeyRef: {name: c4}}}, {valueFrom: {secretKeyRef: {name: both}}}, {value: x}]}]";
    let web =
        "containers: [{envFrom: [{secretRef: {name: both}}, {configMapRef: {name: labelled}}]}]";
    let job = "spec: {jobTemplate: {spec: {template: {spec: {containers: [{envFrom: [{secretRef: {name: s9}}]}]}}}}}";
    let mut yaml = deployment("cart", cart)
        + &deployment("web", web)
        + &object("batch/v1", "CronJob", "job", job);
    for name in ["c1", "c2", "c3", "c4"] {
        yaml += &object("v1", "ConfigMap", name, "");
    }
    for name in ["s1", "s2", "s3", "s9", "pull", "token", "both", "unused"] {
        yaml += &object("v1", "Secret", name, "");
    }
    yaml += &object("v1", "PersistentVolumeClaim", "p1", "");
    yaml += &object("v1", "ServiceAccount", "cart", "secrets: [{name: token}]");
    yaml +=
        "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: labelled, labels: {app: cart}}}\n";
    assert_snapshot!(ownership_of("cart | web", &yaml), @r"
    cart: ServiceAccount/cart, ConfigMap/c1, ConfigMap/c2, ConfigMap/c3, ConfigMap/c4, Secret/s1, Secret/s2, Secret/s3, Secret/pull, Secret/token, PersistentVolumeClaim/p1, Deployment/cart*
    web: Deployment/web*
    shared: ConfigMap/labelled, Secret/s9, Secret/both, Secret/unused, CronJob/job
    ");
}

#[test]
fn rights_go_with_their_account() {
    let rbac = "rbac.authorization.k8s.io/v1";
    let binding = |subjects: &str, kind: &str, role: &str| {
        format!(
            "subjects: [{subjects}]\nroleRef: {{apiGroup: rbac.authorization.k8s.io, kind: {kind}, name: {role}}}"
        )
    };
    let (cart, web) = (
        "{kind: ServiceAccount, name: cart}",
        "{kind: ServiceAccount, name: web, namespace: shop}",
    );
    let yaml = deployment("cart", "serviceAccountName: cart")
        + &deployment("web", "serviceAccountName: web")
        + &object("v1", "ServiceAccount", "cart", "")
        + &object("v1", "ServiceAccount", "web", "")
        + &object(rbac, "RoleBinding", "b1", &binding(cart, "Role", "r1"))
        + &object(
            rbac,
            "ClusterRoleBinding",
            "b2",
            &binding(web, "ClusterRole", "r2"),
        )
        + &object(
            rbac,
            "RoleBinding",
            "b3",
            &binding(&format!("{cart}, {web}"), "Role", "r3"),
        )
        + &object(
            rbac,
            "RoleBinding",
            "b4",
            &binding("{kind: User, name: cart}", "Role", "r3"),
        )
        + &object(
            rbac,
            "RoleBinding",
            "b5",
            &binding(
                "{kind: ServiceAccount, name: cart, namespace: other}",
                "Role",
                "r5",
            ),
        )
        + &object(rbac, "Role", "r1", "")
        + &object(rbac, "ClusterRole", "r2", "")
        + &object(rbac, "Role", "r3", "");
    assert_snapshot!(ownership_of("cart | web", &yaml), @r"
    cart: ServiceAccount/cart, Role/r1, RoleBinding/b1, Deployment/cart*
    web: ServiceAccount/web, ClusterRole/r2, ClusterRoleBinding/b2, Deployment/web*
    shared: Role/r3, RoleBinding/b3, RoleBinding/b4, RoleBinding/b5
    ");
}

#[test]
fn objects_of_another_namespace_belong_to_nobody_by_name() {
    let yaml = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: cart, namespace: other}}";
    assert_snapshot!(ownership_of("cart", yaml), @r"
    cart: 
    shared: Deployment/other/cart
    spec.services[0]: `cart` has no workload: the manifests have no Deployment/cart [TG0124]; add Deployment/cart to the manifests, or set `workloads` to what `cart` runs as
    a.yaml:1:58: Deployment/other/cart belongs to no service of the graph [TG0120]; declare it in the graph, or it is applied before wave 1 with no wait
    ");
}

const ALL_KINDS: &[(&str, &str)] = &[
    (
        "admissionregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration",
    ),
    ("networking.k8s.io/v1", "Ingress"),
    ("policy/v1", "PodDisruptionBudget"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("v1", "Pod"),
    ("apps/v1", "ReplicaSet"),
    ("batch/v1", "CronJob"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "Job"),
    ("x.io/v1", "Widget"),
    ("v1", "Service"),
    ("v1", "PersistentVolumeClaim"),
    ("v1", "Secret"),
    ("v1", "ConfigMap"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("v1", "ServiceAccount"),
    ("v1", "LimitRange"),
    ("scheduling.k8s.io/v1", "PriorityClass"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("v1", "Namespace"),
];

#[test]
fn what_others_need_is_applied_first_and_deleted_last() {
    let yaml: String = ALL_KINDS
        .iter()
        .map(|(api, kind)| object(api, kind, "x", ""))
        .collect();
    let objects = manifests_of(&yaml).objects;
    let kinds = |order: &[usize]| {
        order
            .iter()
            .map(|index| objects[*index].reference.kind.clone())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let (ownership, _) = assign(&graph("none"), &objects, "shop");
    assert_snapshot!(kinds(&ownership.shared), @"Namespace CustomResourceDefinition PriorityClass LimitRange ServiceAccount Role RoleBinding ConfigMap Secret PersistentVolumeClaim Service Widget Job DaemonSet StatefulSet Deployment CronJob ReplicaSet Pod HorizontalPodAutoscaler PodDisruptionBudget Ingress ValidatingWebhookConfiguration");
    let mut reversed = deletion_order(objects.iter().map(|it| &it.reference));
    reversed.reverse();
    assert_eq!(reversed, ownership.shared);
}

#[test]
fn objects_of_one_kind_keep_the_order_of_the_file() {
    let yaml = object("v1", "ConfigMap", "z", "")
        + &object("v1", "ConfigMap", "a", "")
        + &object("v1", "Secret", "m", "");
    assert_snapshot!(ownership_of("none: Job/x", &yaml), @r"
    none: 
    shared: ConfigMap/z, ConfigMap/a, Secret/m
    spec.services[0].workloads[0]: `none` has no workload: the manifests have no Job/x [TG0124]; add Job/x to the manifests, or set `workloads` to what `none` runs as
    ");
}
