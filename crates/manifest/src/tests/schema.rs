//! Our own kinds against their schemas.

use super::{manifests_of, problems_of};
use insta::assert_snapshot;

/// The problems of the `spec` of a graph.
fn graph_problems(spec: &str) -> String {
    let head =
        "apiVersion: tidegate.dev/v1alpha1\nkind: ServiceGraph\nmetadata: {name: shop}\nspec:\n";
    problems_of(&format!("{head}{spec}"))
}

const GRAPH: &str = r#"apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop, annotations: {a: b}, creationTimestamp: "2024-01-31T10:00:00Z"}
spec:
  services:
  - name: orders
    workloads: [{apiVersion: apps/v1, kind: Deployment, name: orders}]
    serves: [{contract: orders, versions: ["1", "2"]}]
    calls:
    - {service: catalog, version: "2"}
    - {service: catalog, contract: x, version: ~, any: ["1", "2"], negotiate: perCall, optional: true}
  - name: catalog
  external:
  - {name: mobile, calls: [{service: gateway, version: "1"}]}
status: {services: many}
"#;

#[test]
fn a_graph_is_read_with_the_places_of_its_fields() {
    let manifests = manifests_of(GRAPH);
    let graph = &manifests.graphs[0];
    assert_eq!(
        graph.value.spec.services[0].calls[1]
            .any
            .as_ref()
            .unwrap()
            .len(),
        2
    );
    let places: Vec<String> = [
        "",
        "spec.services",
        "spec.services[0].name",
        "spec.services[0].calls[0].version",
        "spec.services[0].calls[1].all[3]",
        "spec.services[7].name",
        "spec.external[0].calls[0].service",
        "nothing.at.all",
        "metadata.annotations[\"a\"]",
        "spec..x[",
        "spec[x]",
    ]
    .iter()
    .map(|path| format!("{path} -> {}", graph.place_of(path)))
    .collect();
    assert_snapshot!(places.join("\n"), @r#"
     -> a.yaml:1:1
    spec.services -> a.yaml:5:3
    spec.services[0].name -> a.yaml:6:11
    spec.services[0].calls[0].version -> a.yaml:10:35
    spec.services[0].calls[1].all[3] -> a.yaml:11:7
    spec.services[7].name -> a.yaml:5:3
    spec.external[0].calls[0].service -> a.yaml:14:38
    nothing.at.all -> a.yaml:1:1
    metadata.annotations["a"] -> a.yaml:3:41
    spec..x[ -> a.yaml:4:1
    spec[x] -> a.yaml:4:1
    "#);
}

#[test]
fn a_plan_is_read() {
    let yaml = "apiVersion: tidegate.dev/v1alpha1\nkind: ReleasePlan\nmetadata: {name: shop}\nspec:\n  strategy: {advance: Service, maxParallel: 8, settle: 2s}\n";
    let manifests = manifests_of(yaml);
    assert_eq!(manifests.plans[0].value.spec.strategy.max_parallel, Some(8));
}

#[test]
fn every_problem_of_a_graph_is_told() {
    let yaml = r#"
  servces: []
  services:
  - name: Orders
    calls:
    - {service: catalog, version: 2}
    - {service: catalog, version: 1.10, optional: "yes"}
    - {version: on, chanel: rpc}
    drain: pods
    serves: [{versions: []}, {versions: "1"}]
    after: [1, a]
  - nam: x
  - just text
  external:
  assume: Strict
"#;
    assert_snapshot!(graph_problems(yaml), @r#"
    a.yaml:6:3: spec.servces: there is no field `servces` here [TG0101]; did you mean `services`?
    a.yaml:8:11: spec.services[0].name: `Orders` does not match `^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$` [TG0104]; use a-z, 0-9, `-` and `.`, with a letter or digit at both ends
    a.yaml:10:35: spec.services[0].calls[0].version: expected text, found the number `2` [TG0102]; write "2"
    a.yaml:11:35: spec.services[0].calls[1].version: expected text, found the number `1.10` [TG0102]; write "1.10"
    a.yaml:11:51: spec.services[0].calls[1].optional: expected `true` or `false`, found the text `yes` [TG0102]
    a.yaml:12:17: spec.services[0].calls[2].version: expected text, found the truth value `true` (written `on`) [TG0102]; write "on"
    a.yaml:12:21: spec.services[0].calls[2].chanel: there is no field `chanel` here [TG0101]; did you mean `channel`?
    a.yaml:12:7: spec.services[0].calls[2].service: `service` is missing [TG0103]
    a.yaml:13:12: spec.services[0].drain: `pods` is none of `Pods`, `Endpoints`, `None` [TG0104]; did you mean `Pods`?
    a.yaml:14:25: spec.services[0].serves[0].versions: is empty [TG0104]
    a.yaml:14:41: spec.services[0].serves[1].versions: expected a list, found the text `1` [TG0102]; write each entry on a line of its own after `- `
    a.yaml:15:13: spec.services[0].after[0]: expected text, found the number `1` [TG0102]; write "1"
    a.yaml:16:5: spec.services[1].nam: there is no field `nam` here [TG0101]; did you mean `name`?
    a.yaml:17:5: spec.services[2]: expected a mapping, found the text `just text` [TG0102]
    a.yaml:18:3: spec.external: expected a list, found nothing [TG0102]; write `[]`, or leave the field out
    a.yaml:19:11: spec.assume: `Strict` is none of `serverFirst`, `strict` [TG0104]; did you mean `strict`?
    "#);
}

#[test]
fn every_problem_of_a_plan_is_told() {
    let yaml = r#"apiVersion: tidegate.dev/v1alpha1
kind: ReleasePlan
metadata: {name: shop}
sepc: {}
spec:
  strategy: {onFail: Halt, maxParallel: 0, settle: ten, deadlines: {service: "10"}, advance: wave}
  history: {keepSucceeded: 1.5, keepFailed: "5"}
  suspend: "false"
---
apiVersion: tidegate.dev/v1alpha1
kind: ReleasePlan
metadata: {name: other}
spec: {strategy: {maxParallel: 1001}}
"#;
    assert_snapshot!(problems_of(yaml), @r"
    a.yaml:4:1: sepc: there is no field `sepc` here [TG0101]; did you mean `spec`?
    a.yaml:6:14: spec.strategy.onFail: there is no field `onFail` here [TG0101]; did you mean `onFailure`?
    a.yaml:6:41: spec.strategy.maxParallel: 0 is below 1 [TG0104]
    a.yaml:6:52: spec.strategy.settle: `ten` does not match `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$` [TG0104]; write a duration such as `30s` or `10m`
    a.yaml:6:78: spec.strategy.deadlines.service: `10` does not match `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$` [TG0104]; write a duration such as `30s` or `10m`
    a.yaml:6:94: spec.strategy.advance: `wave` is none of `Wave`, `Service` [TG0104]; did you mean `Wave`?
    a.yaml:7:28: spec.history.keepSucceeded: expected a whole number, found the number `1.5` [TG0102]
    a.yaml:7:45: spec.history.keepFailed: expected a whole number, found the text `5` [TG0102]; remove the quotes
    a.yaml:8:12: spec.suspend: expected `true` or `false`, found the text `false` [TG0102]; remove the quotes
    a.yaml:13:32: spec.strategy.maxParallel: 1001 is above 1000 [TG0104]
    ");
}

#[test]
fn bare_versions_are_refused_with_both_ways_to_write_them() {
    let yaml = r#"
  services:
  - name: a
    calls:
    - {service: orders, version: ["1", "2"]}
    - {service: orders, versions: [1, 2]}
    - {service: orders, versions: "1"}
    - orders: [1.10, "2", "3", "4", "5", "6"]
  - name: b
    calls: {orders/grpc: [1, 2]}
  - name: c
    calls: {orders: "1"}
  external:
  - name: m
    calls: [{service: a, version: [1]}]
"#;
    assert_snapshot!(graph_problems(yaml), @r#"
    a.yaml:9:25: spec.services[0].calls[0].version: `version` does not say how the versions are used [TG0123]; write `all: ["1", "2"]` if it may use any of these at any time, or `any: ["1", "2"]` if it adapts call by call
    a.yaml:10:25: spec.services[0].calls[1].versions: `versions` does not say how the versions are used [TG0123]; write `all: ["1", "2"]` if it may use any of these at any time, or `any: ["1", "2"]` if it adapts call by call
    a.yaml:11:25: spec.services[0].calls[2].versions: `versions` does not say how the versions are used [TG0123]; write `all: ["1"]` if it may use any of these at any time, or `any: ["1"]` if it adapts call by call
    a.yaml:12:7: spec.services[0].calls[3].orders: `orders` does not say how the versions are used [TG0123]; write `all: ["1.10", "2", "3", "4", "5", …]` if it may use any of these at any time, or `any: ["1.10", "2", "3", "4", "5", …]` if it adapts call by call
    a.yaml:12:7: spec.services[0].calls[3].service: `service` is missing [TG0103]
    a.yaml:14:12: spec.services[1].calls: `calls` does not say how the versions are used [TG0123]; `calls` is a list: write `- {service: orders, contract: grpc, all: ["1", "2"]}` if it may use any of these at any time, or `- {service: orders, contract: grpc, any: ["1", "2"]}` if it adapts call by call
    a.yaml:16:12: spec.services[2].calls: expected a list, found a mapping [TG0102]; write each entry on a line of its own after `- `
    a.yaml:19:26: spec.external[0].calls[0].version: `version` does not say how the versions are used [TG0123]; write `all: ["1"]` if it may use any of these at any time, or `any: ["1"]` if it adapts call by call
    "#);
}

#[test]
fn unknown_kinds_of_ours_are_refused() {
    let yaml = "
{apiVersion: tidegate.dev/v1alpha1, kind: ServiceGraf, metadata: {name: a}}
---
{apiVersion: tidegate.dev/v1alpha1, kind: Widget, metadata: {name: a}}
---
{apiVersion: tidegate.dev/v1alpha1, kind: Release, metadata: {name: a}, spec: {}}
---
{apiVersion: tidegate.dev/v1, kind: ServiceGraph, metadata: {name: a}, spec: {services: []}}
---
{apiVersion: tidegate.dev/v1alpha1, kind: ServiceGraph, metadata: {name: a}}
---
{apiVersion: tidegate.dev/v1alpha1, kind: ServiceGraph, metadata: {name: b}, spec: ~}
---
{apiVersion: tidegate.dev/v1alpha1, kind: ServiceGraph, metadata: {name: c, generation: x}, spec: {services: []}}
";
    assert_snapshot!(problems_of(yaml), @r#"
    a.yaml:2:43: kind: tidegate.dev has no kind `ServiceGraf` [TG0104]; did you mean `ServiceGraph`?
    a.yaml:4:43: kind: tidegate.dev has no kind `Widget` [TG0104]; the kinds are ServiceGraph, ReleasePlan and, for `plan --live`, LiveSets
    a.yaml:6:43: kind: a Release is one run, it is made by tidegate and not from a file [TG0116]; remove it from the manifests; `tidegate run` starts a release
    a.yaml:8:14: apiVersion: this tidegate knows no `tidegate.dev/v1` [TG0104]; write `tidegate.dev/v1alpha1`
    a.yaml:10:74: metadata.name: ServiceGraph/a is written twice, first at a.yaml:8:68 [TG0112]; remove one of the two
    a.yaml:10:1: spec: `spec` is missing [TG0103]
    a.yaml:12:78: spec: expected a mapping, found nothing [TG0102]; give it a value, or leave the field out
    a.yaml:14:1: not a ServiceGraph: invalid type: string "x", expected i64 [TG0104]
    "#);
}

#[test]
fn every_pattern_of_our_schemas_compiles() {
    let schemas = serde_json::to_value(tidegate_spec::crd::definitions()).unwrap();
    let mut open = vec![&schemas];
    let mut patterns = 0;
    while let Some(value) = open.pop() {
        if let Some(pattern) = value.get("pattern").and_then(|it| it.as_str()) {
            regex::Regex::new(pattern).unwrap();
            patterns += 1;
        }
        open.extend(value.as_array().into_iter().flatten());
        open.extend(value.as_object().into_iter().flat_map(|it| it.values()));
    }
    assert!(patterns > 0);
}

#[test]
fn a_graph_with_a_refused_field_is_read_as_far_as_it_goes() {
    let yaml = "apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec:
  services:
  - {name: orders, serve: [{versions: [1.10, '2']}], drain: pods, reversible: 'true'}
  - {serves: 7, calls: [{version: 1}, {service: orders, weight: 0}]}
  - text
  - {name: web, name: web2, serves: [{}]}
";
    let (manifests, problems) = super::read(&[super::text("a.yaml", yaml)]);
    assert_eq!(problems.len(), 12, "{problems:#?}");
    let graph = &manifests.graphs[0];
    let read = serde_json::to_string(&graph.value.spec.services).expect("it is data");
    assert_snapshot!(read, @r#"[{"name":"orders","serves":[{"versions":["1.10","2"]}],"reversible":true},{"name":"","calls":[{"service":"","version":"1"},{"service":"orders"}]},{"name":""},{"name":"web","serves":[{"versions":[]}]}]"#);
    let found = [
        "spec.services[0].serves[0]",
        "spec.services[1].serves",
        "spec.services[3]",
    ]
    .map(|path| tidegate_spec::Problem::error(tidegate_spec::Code::InvalidValue, path, "x"));
    let told: Vec<String> = graph
        .beyond_refused(found.to_vec())
        .map(|problem| problem.to_string())
        .collect();
    assert_snapshot!(told.join("\n"), @"a.yaml:6:28: spec.services[0].serves[0]: x [TG0104]");
}

#[test]
fn a_graph_of_another_api_is_told_where_it_stands() {
    assert_snapshot!(problems_of("apiVersion: v2\nkind: ServiceGraph\nmetadata: {name: a}\nspec: {services: []}"), @"a.yaml:1:13: apiVersion: this tidegate knows no `v2` [TG0104]; write `tidegate.dev/v1alpha1`");
    // A kind of the same name of somebody else's.
    assert_snapshot!(problems_of("apiVersion: example.org/v1\nkind: ReleasePlan\nmetadata: {name: a}\n"), @"");
}

#[test]
fn the_limits_of_the_cluster_are_those_of_its_definition() {
    let definition = tidegate_spec::crd::definitions().swap_remove(0);
    let schema = serde_json::to_value(&definition.spec.versions[0].schema).expect("it is data");
    let services = &schema["openAPIV3Schema"]["properties"]["spec"]["properties"]["services"];
    let calls = &services["items"]["properties"]["calls"];
    assert_eq!(services["maxItems"], tidegate_spec::CLUSTER_SERVICES_MAX);
    assert_eq!(calls["maxItems"], tidegate_spec::CLUSTER_CALLS_MAX);
}

#[test]
fn a_graph_that_is_too_large_for_the_cluster_is_told() {
    use tidegate_spec::crd::{Call, ServiceDeclaration, ServiceGraphSpec};
    let service = ServiceDeclaration {
        name: "hub".to_owned(),
        calls: vec![Call::default(); 101],
        ..ServiceDeclaration::default()
    };
    let mut services = vec![ServiceDeclaration::default(); 500];
    services.push(service);
    let spec = ServiceGraphSpec {
        services,
        ..ServiceGraphSpec::default()
    };
    let told: Vec<String> = tidegate_spec::too_large_for_cluster(&spec)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_snapshot!(told.join("\n"), @r"
    spec.services: has 501 services, and a ServiceGraph in the cluster holds at most 500 [TG0109]; `tidegate plan --from OLD --to NEW` plans it from files; to release it, cut it into graphs that share no call
    spec.services[500].calls: `hub` has 101 calls, and a service of a ServiceGraph in the cluster has at most 100 [TG0109]; `tidegate plan --from OLD --to NEW` plans it from files; to release it, cut it into graphs that share no call
    ");
}
