//! `tidegate plan --pact` as people and scripts meet it.

use std::path::Path;

use crate::cli::run_in;

/// A Deployment of a version, and the graph.
fn side(orders: &str, web: &str, graph: &str) -> String {
    let deployment = |name: &str, version: &str| {
        format!(
            "---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}{version}}}}}
    spec: {{containers: [{{name: a, image: '{name}:{version}'}}]}}
"
        )
    };
    let label = |version: &str| match version {
        "" => String::new(),
        _ => format!(", app.kubernetes.io/version: {version}"),
    };
    [
        graph,
        &deployment("orders", &label(orders)),
        &deployment("web", &label(web)),
    ]
    .concat()
}

const UNDECLARED: &str = "apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec:
  services:
  - {name: orders}
  - {name: web, calls: [{service: orders}]}
";

const DECLARED: &str = "apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec:
  services:
  - {name: orders, serves: [{versions: ['1']}]}
  - {name: web, calls: [{service: orders, version: '1'}]}
";

/// A matrix with rows `web 1.5.0 orders 2.0.0 true`.
fn matrix(rows: &[&str]) -> String {
    let rows = rows.iter().map(|row| {
        let words: Vec<&str> = row.split(' ').collect();
        let [consumer, consumer_version, provider, provider_version, success] = words[..] else {
            panic!("five words");
        };
        format!(
            r#"{{"consumer": {{"name": "{consumer}", "version": {{"number": "{consumer_version}"}}}},
  "provider": {{"name": "{provider}", "version": {{"number": "{provider_version}"}}}},
  "verificationResult": {{"success": {success}}}}}"#
        )
    });
    let rows: Vec<String> = rows.collect();
    format!("{{\"matrix\": [\n{}\n]}}\n", rows.join(",\n"))
}

fn plan(sides: [&str; 2], matrix: &str, more: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("written");
    };
    write("old.yaml", sides[0]);
    write("new.yaml", sides[1]);
    write("matrix.json", matrix);
    let arguments = [
        &[
            "plan",
            "--from",
            "old.yaml",
            "--to",
            "new.yaml",
            "--pact",
            "matrix.json",
        ],
        more,
    ];
    run_in(folder.path(), &arguments.concat(), "")
}

#[test]
fn a_matrix_orders_what_nobody_declared() {
    let old = side("1.0.0", "1.4.0", UNDECLARED);
    let new = side("2.0.0", "1.5.0", UNDECLARED);
    let matrix = matrix(&[
        "web 1.4.0 orders 1.0.0 true",
        "web 1.4.0 orders 2.0.0 false",
        "web 1.5.0 orders 1.0.0 true",
        "web 1.5.0 orders 2.0.0 true",
    ]);
    insta::assert_snapshot!(plan([&old, &new], &matrix, &[]));
}

#[test]
fn a_matrix_that_contradicts_the_graph_is_told_with_the_line_of_the_row() {
    let old = side("1.0.0", "1.4.0", DECLARED);
    let new = side("2.0.0", "1.5.0", DECLARED);
    let matrix = matrix(
        &["web 1.5.0 orders 1.0.0 false", "shop orders-api x 1 true"]
            .map(|row| row.replace("shop orders-api x 1", "shop 1 orders 1.0.0"))
            .each_ref()
            .map(String::as_str),
    );
    insta::assert_snapshot!(plan([&old, &new], &matrix, &[]));
}

#[test]
fn revisions_without_a_version_are_told_and_can_be_named() {
    let old = side("", "", UNDECLARED);
    let new = side("", "2", UNDECLARED);
    let matrix = matrix(&["web 1.5.0 orders 1.0.0 false"]);
    insta::assert_snapshot!(plan([&old, &new], &matrix, &[]));
    let named = [
        "--revision",
        "web@target=1.5.0",
        "--revision",
        "orders@live=1.0.0",
        "--revision",
        "orders@target=1.0.0",
        "--revision",
        "web@live=1.4.0",
    ];
    insta::assert_snapshot!(plan([&old, &new], &matrix, &named));
    insta::assert_snapshot!(plan([&old, &new], &matrix, &["--revision", "web@v7=1.5.0"]));
}

#[test]
fn the_sample_is_read() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/discover/pact-matrix.json");
    let sample = std::fs::read_to_string(sample).expect("text");
    let old = side("2.0.0", "1.4.0", DECLARED);
    let new = side("2.0.0", "1.5.0", DECLARED);
    let told = plan([&old, &new], &sample, &[]);
    assert!(told.contains("Refused [TG0202]"), "{told}");
    assert!(told.ends_with("exit 4"), "{told}");
}
