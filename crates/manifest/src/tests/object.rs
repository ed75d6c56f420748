//! What is an object, and in which namespace.

use super::super::{place_in, read};
use super::{manifests_of, objects_of, problems_of, text};
use insta::assert_snapshot;

#[test]
fn a_list_is_unfolded() {
    let yaml = "
apiVersion: v1
kind: List
metadata: {resourceVersion: ''}
items:
- {apiVersion: v1, kind: A, metadata: {name: a}}
- apiVersion: v1
  kind: List
  items:
  - {apiVersion: v1, kind: A, metadata: {name: b}}
---
apiVersion: apps/v1
kind: DeploymentList
items: [{metadata: {name: c}}]
---
{apiVersion: v1, kind: List, items: []}
---
{apiVersion: x.io/v1, kind: AllowList, metadata: {name: d}, items: [1]}
";
    assert_snapshot!(objects_of(yaml), @r#"
    a.yaml:6:46 A/a {"apiVersion":"v1","kind":"A","metadata":{"name":"a"}}
    a.yaml:10:48 A/b {"apiVersion":"v1","kind":"A","metadata":{"name":"b"}}
    a.yaml:14:27 Deployment/c {"metadata":{"name":"c"},"kind":"Deployment","apiVersion":"apps/v1"}
    a.yaml:18:57 AllowList/d {"apiVersion":"x.io/v1","kind":"AllowList","metadata":{"name":"d"},"items":[1]}
    "#);
}

#[test]
fn every_problem_of_an_object_is_told() {
    let yaml = "
- a list
---
just text
---
kind: A
metadata: {name: a}
---
apiVersion: v1
metadata: {name: a}
---
apiVersion: v1
kind: A
---
apiVersion: v1
kind: A
metadata: [1]
---
apiVersion: v1
kind: A
metadata: {labels: {app: x}}
---
apiVersion: 1
kind: true
metadata: {name: 123, namespace: 1.50, labels: {a: 1, b/c: yes, d: ~}, annotations: x}
---
apiVersion: v1
kind: ''
metadata: {name: ''}
---
apiVersion: v1
kind: A
metadata: {generateName: a-}
---
replicas: 3
---
apiVersion: v1
kind: List
items: [{apiVersion: v1, kind: A}, 3, {metadata: {name: a}}]
";
    assert_snapshot!(problems_of(yaml), @r#"
    a.yaml:2:1: expected a Kubernetes object, found a list [TG0113]; each document is a mapping with `apiVersion`, `kind` and `metadata`
    a.yaml:4:1: expected a Kubernetes object, found the text `just text` [TG0113]; each document is a mapping with `apiVersion`, `kind` and `metadata`
    a.yaml:6:1: apiVersion: `apiVersion` is missing [TG0103]; write for instance `apiVersion: apps/v1`
    a.yaml:9:1: kind: `kind` is missing [TG0103]; write for instance `kind: Deployment`
    a.yaml:12:1: metadata: `metadata` is missing [TG0103]; write `metadata: {name: …}`
    a.yaml:17:11: metadata: expected a mapping, found a list [TG0102]
    a.yaml:21:11: metadata.name: `name` is missing [TG0103]; give the object a name
    a.yaml:23:13: apiVersion: expected text, found the number `1` [TG0102]; write "1"
    a.yaml:24:7: kind: expected text, found the truth value `true` [TG0102]; write "true"
    a.yaml:25:52: metadata.labels.a: expected text, found the number `1` [TG0102]; write "1"
    a.yaml:25:60: metadata.labels["b/c"]: expected text, found the truth value `true` (written `yes`) [TG0102]; write "yes"
    a.yaml:25:85: metadata.annotations: expected a mapping, found the text `x` [TG0102]
    a.yaml:25:34: metadata.namespace: expected text, found the number `1.50` [TG0102]; write "1.50"
    a.yaml:25:18: metadata.name: expected text, found the number `123` [TG0102]; write "123"
    a.yaml:28:7: kind: `kind` is empty [TG0103]; write for instance `kind: Deployment`
    a.yaml:29:18: metadata.name: `name` is empty [TG0103]; give the object a name
    a.yaml:33:12: metadata.generateName: the server would make up a new name at each apply [TG0114]; write `name` instead, so that a second apply finds the object again
    a.yaml:35:1: `apiVersion` and `kind` are missing: no Kubernetes object [TG0113]; keep other files (values, settings) out of the folder of manifests
    a.yaml:39:9: items[0].metadata: `metadata` is missing [TG0103]; write `metadata: {name: …}`
    a.yaml:39:36: items[1]: expected a Kubernetes object, found the number `3` [TG0113]; each document is a mapping with `apiVersion`, `kind` and `metadata`
    a.yaml:39:39: items[2]: `apiVersion` and `kind` are missing: no Kubernetes object [TG0113]; keep other files (values, settings) out of the folder of manifests
    "#);
}

#[test]
fn what_must_be_rendered_first_is_named() {
    let yaml = "
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [a.yaml]
---
apiVersion: v2
name: shop
version: 0.1.0
";
    assert_snapshot!(problems_of(yaml), @r"
    a.yaml:2:1: a Kustomization is not applied, it must be rendered first [TG0116]; `kubectl kustomize DIR | tidegate run -f -`, and keep the file out of the folder
    a.yaml:6:1: a Helm chart is not applied, it must be rendered first [TG0116]; `helm template NAME DIR | tidegate run -f -`, and keep the chart out of the folder
    ");
    let (_, problems) = read(&[text("x/kustomization.yaml", "resources: [a.yaml]")]);
    assert_snapshot!(problems[0], @"x/kustomization.yaml:1:1: a Kustomization is not applied, it must be rendered first [TG0116]; `kubectl kustomize DIR | tidegate run -f -`, and keep the file out of the folder");
}

#[test]
fn the_same_object_twice_is_refused_whatever_its_version() {
    let yaml = "
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {name: a}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: a}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: a, namespace: other}
";
    assert_snapshot!(problems_of(yaml), @"a.yaml:8:18: metadata.name: HorizontalPodAutoscaler/a is written twice, first at a.yaml:4:18 [TG0112]; remove one of the two");
}

#[test]
fn the_same_object_in_two_files_is_refused() {
    let object = "apiVersion: v1\nkind: A\nmetadata:\n  name: a\n";
    let (_, problems) = read(&[text("a.yaml", object), text("b.yaml", object)]);
    assert_snapshot!(problems[0], @"b.yaml:4:9: metadata.name: A/a is written twice, first at a.yaml:4:9 [TG0112]; remove one of the two");
}

#[test]
fn objects_get_the_namespace_of_the_plan() {
    let yaml = "
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: b, namespace: shop}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop, namespace: shop}
---
apiVersion: x.io/v1
kind: Everywhere
metadata: {name: d}
---
apiVersion: x.io/v1
kind: Unknown
metadata: {name: e}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: f
  namespace: elsewhere
---
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: shop}
";
    let mut objects = manifests_of(yaml).objects;
    let problems = place_in(&mut objects, "shop", |reference| {
        match reference.kind.as_str() {
            "Everywhere" => Some(true),
            "Unknown" => None,
            _ => Some(false),
        }
    });
    let placed: Vec<String> = objects
        .iter()
        .map(|it| format!("{} {}", it.reference, it.value["metadata"]))
        .collect();
    assert_snapshot!(placed.join("\n"), @r#"
    ConfigMap/shop/a {"name":"a","namespace":"shop"}
    ConfigMap/shop/b {"name":"b","namespace":"shop"}
    Namespace/shop {"name":"shop"}
    Everywhere/d {"name":"d"}
    Unknown/shop/e {"name":"e","namespace":"shop"}
    ConfigMap/elsewhere/f {"name":"f","namespace":"elsewhere"}
    ConfigMap/shop/a {"name":"a","namespace":"shop"}
    "#);
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_snapshot!(problems.join("\n"), @r"
    a.yaml:26:14: metadata.namespace: ConfigMap/elsewhere/f is not in the plan's namespace `shop` [TG0115]; remove the namespace, or make a plan of its own in the other one
    a.yaml:30:18: metadata.name: ConfigMap/shop/a is written twice, first at a.yaml:4:18 [TG0112]; remove one of the two
    ");
}

#[test]
fn the_form_of_online_boutique_is_read() {
    let manifests = manifests_of(include_str!("boutique.yaml"));
    let read: Vec<String> = manifests
        .objects
        .iter()
        .map(|it| format!("{} {}", it.place, it.reference))
        .collect();
    assert_snapshot!(read.join("\n"), @r"
    a.yaml:13:9 Deployment/currencyservice
    a.yaml:73:9 Service/currencyservice
    a.yaml:88:9 ConfigMap/script
    a.yaml:100:9 ServiceAccount/currencyservice
    ");
    let container = &manifests.objects[0].value["spec"]["template"]["spec"]["containers"][0];
    assert_snapshot!(container, @r#"{"name":"server","securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}},"image":"registry.example/currencyservice:v0.10.3","ports":[{"name":"grpc","containerPort":7000}],"env":[{"name":"PORT","value":"7000"},{"name":"DISABLE_PROFILER","value":"1"}],"readinessProbe":{"initialDelaySeconds":10,"httpGet":{"path":"/_healthz","port":8080,"httpHeaders":[{"name":"Cookie","value":"shop_session-id=x-readiness-probe"}]}},"livenessProbe":{"grpc":{"port":7000}},"startupProbe":{"exec":{"command":["/bin/grpc_health_probe","-addr=:7000"]}},"resources":{"requests":{"cpu":"100m","memory":"64Mi"},"limits":{"cpu":"200m","memory":"128Mi"}}}"#);
}
