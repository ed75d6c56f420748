//! Several sources together.

use std::collections::BTreeMap;

use insta::assert_snapshot;

use super::{
    backstage, discovered, jaeger, manifests, merge, prometheus, proposed, samples, text, told,
    zipkin,
};
use crate::discover::{Found, propose};
use crate::spec::{Problem, ServiceName};

fn all() -> Vec<(Found, Vec<Problem>)> {
    vec![
        jaeger(&text("j", samples::JAEGER)),
        zipkin(&text("z", samples::ZIPKIN)),
        prometheus(&text("s", samples::SERVICE_GRAPH)),
        prometheus(&text("i", samples::ISTIO)),
        backstage(&[text("c", samples::BACKSTAGE)]),
        manifests(&[text("m", samples::MANIFESTS)]),
    ]
}

#[test]
fn every_edge_says_who_saw_it_the_surest_first() {
    assert_snapshot!(proposed(all()), @r"
    apiVersion: tidegate.dev/v1alpha1
    kind: ServiceGraph
    metadata:
      name: shop
    spec:
      services:
      - name: audit # no workload of this name in the manifests
        calls:
        - service: catalog # declared in backstage (dependencyOf)
      - name: cart # no workload of this name in the manifests
      - name: catalog # provides changes (asyncapi, owned by team-c); no workload of this name in the manifests
        calls:
        - service: orders # guess: from backstage (consumesApis changes); messages
          contract: changes
          channel: queue
      - name: db # no workload of this name in the manifests
      - name: kafka # no workload of this name in the manifests
      - name: orders # provides orders-api (grpc, owned by team-b)
        workloads:
        - apiVersion: apps/v1
          kind: StatefulSet
          name: orders
        calls:
        - service: audit # seen by service graph metrics (7 calls); messages
          channel: queue
        - service: catalog # seen by jaeger (1 call), istio (5 calls)
        - service: db # guess: from manifests (DATABASE_URL)
        - service: postgres # seen by service graph metrics (a database)
      - name: postgres # no workload of this name in the manifests
      - name: web
        calls:
        - service: cart # seen by zipkin
        - service: catalog # declared in backstage (dependsOn)
        - service: db # guess: from manifests (WAIT_FOR_ADDRESS)
        - service: kafka # guess: from manifests (BUS_BROKERS)
        - service: orders # seen by jaeger (1234 calls), zipkin (12 calls, 2 failed), service graph metrics (88 calls), istio (83 calls, 3 failed, v1 → v1, v2 → v1); declared in backstage (consumesApis orders-api); guess: from manifests (ORDERS_ADDR)
          contract: orders-api
      external:
      - name: nightly # a CronJob
        calls:
        - service: orders # guess: from manifests (SOURCE_URLS)
      - name: partner
        calls:
        - service: web # seen by service graph metrics (3 calls, one side sends no spans)
      - name: user
        calls:
        - service: web # seen by service graph metrics (3 calls, one side sends no spans)
    ");
}

#[test]
fn the_order_of_the_sources_changes_nothing() {
    let forward = discovered(all());
    let mut found = all();
    found.reverse();
    assert_eq!(discovered(found), forward);
}

#[test]
fn a_name_that_a_graph_cannot_have_is_written_otherwise_or_as_the_user_says() {
    let links =
        r#"[{"parent": "Web Shop", "child": "orders_API"}, {"parent": "ÄÖ", "child": "web-shop"}]"#;
    let renames = BTreeMap::from([(
        "orders_API".to_owned(),
        ServiceName::parse("orders").unwrap(),
    )]);
    let (found, problems) = zipkin(&text("z", links));
    assert_eq!(problems, Vec::new());
    let (discovery, problems) = merge(vec![found], &renames);
    let edges: Vec<String> = discovery
        .edges
        .keys()
        .map(|(caller, callee)| format!("{caller} → {callee}"))
        .collect();
    assert_eq!(edges, ["web-shop → orders"]);
    assert_snapshot!(told(&problems).join("\n"), @r"
    z:1:2: `Web Shop` must be made of a-z, 0-9, `-` and `.`, and begin and end with a letter or digit: written `web-shop` here [TG0402]; choose a name with `--rename 'Web Shop=NAME'`
    z:1:49: `ÄÖ` must be made of a-z, 0-9, `-` and `.`, and begin and end with a letter or digit: left out [TG0402]; choose a name with `--rename 'ÄÖ=NAME'`
    ");
}

#[test]
fn names_that_yaml_takes_for_something_else_stay_names() {
    let names = [
        "true",
        "on",
        "y",
        "null",
        "1e3",
        "0x1f",
        "0o7",
        "12",
        "1.5",
        "1.5.2",
        "2026-01-01",
        "nan",
        "no",
        "off",
        "0b1",
        "1-2",
        "a.b",
        "0",
        "00",
        "inf",
    ];
    let links = names
        .iter()
        .map(|name| format!("{{\"parent\": \"{name}\", \"child\": \"x\"}}"));
    let text = text("z", &format!("[{}]", links.collect::<Vec<_>>().join(",")));
    let yaml = proposed(vec![zipkin(&text)]);
    let (manifests, _) = crate::manifest::read(&[super::text("g", &yaml)]);
    let services = &manifests.graphs[0].value.spec.services;
    let mut read: Vec<&str> = services
        .iter()
        .map(|service| service.name.as_str())
        .collect();
    read.retain(|name| *name != "x");
    let mut wanted = names.to_vec();
    wanted.sort_unstable();
    assert_eq!(read, wanted);
}

#[test]
fn more_than_a_graph_takes_is_refused_with_the_limit() {
    let links: Vec<String> = (0..600)
        .map(|n| format!("{{\"parent\": \"a\", \"child\": \"s{n}\"}}"))
        .collect();
    let discovery = discovered(vec![zipkin(&text("z", &format!("[{}]", links.join(","))))]);
    let problems = propose(&discovery, &ServiceName::parse("shop").unwrap()).unwrap_err();
    assert_snapshot!(told(&problems).join("\n"), @r"
    the services are 601, and a graph takes 500 [TG0109]; give fewer sources, or those of one system only
    the calls of `a` are 600, and a graph takes 100 [TG0109]; give fewer sources, or those of one system only
    ");
}

#[test]
fn sources_that_name_nothing_are_told() {
    let discovery = discovered(vec![zipkin(&text("z", "[]"))]);
    let problems = propose(&discovery, &ServiceName::parse("shop").unwrap()).unwrap_err();
    assert_snapshot!(told(&problems).join("\n"), @"no service and no call is named in what was given [TG0111]");
}
