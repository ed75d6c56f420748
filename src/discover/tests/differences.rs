//! What was seen against what is declared.

use insta::assert_snapshot;

use super::{difference, jaeger, manifests, samples, text, zipkin};

const GRAPH: &str = "apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec:
  services:
  - {name: catalogue}
  - {name: orders, calls: [{service: catalogue}]}
  - {name: web, calls: [{service: orders}]}
  external:
  - {name: mobile, calls: [{service: web}]}
";

#[test]
fn both_kinds_of_difference_are_told_with_their_sources() {
    assert_snapshot!(difference(vec![jaeger(&text("j", samples::JAEGER))], GRAPH), @r"
    Seen and not declared: 1
      + orders → catalog   seen by jaeger (1 call); the graph has no `catalog`; if it is `catalogue`, say `--rename catalog=catalogue`
    Declared and never seen: 2
      - mobile → web   declared at graph.yaml:10:28
      - orders → catalogue   declared at graph.yaml:7:28
    1 edge in both, 1 seen and not declared, 2 declared and never seen
    ");
}

#[test]
fn a_guess_that_does_not_see_an_edge_is_told_to_mean_little() {
    let source = manifests(&[text(
        "m",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {}\n",
    )]);
    assert_snapshot!(difference(vec![source], GRAPH), @r"
    Declared and never seen: 3
      - mobile → web   declared at graph.yaml:10:28
      - orders → catalogue   declared at graph.yaml:7:28
      - web → orders   declared at graph.yaml:8:25
        (no source that was given sees calls: this means little)
    0 edges in both, 0 seen and not declared, 3 declared and never seen
    ");
}

#[test]
fn equal_graphs_do_not_differ() {
    let links = r#"[{"parent": "web", "child": "orders"}, {"parent": "orders", "child": "catalogue"}, {"parent": "mobile", "child": "web"}]"#;
    assert_snapshot!(difference(vec![zipkin(&text("z", links))], GRAPH), @"3 edges in both, 0 seen and not declared, 0 declared and never seen");
}
