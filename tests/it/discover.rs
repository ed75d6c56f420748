//! `tidegate discover` as people and scripts meet it.

use std::path::{Path, PathBuf};

use crate::cli::run_in;

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/discover")
}

/// Runs the program among the samples.
fn run(arguments: &[&str]) -> String {
    run_in(&samples(), arguments, "")
}

/// What went to stdout, without the rest.
fn stdout_of(told: &str) -> &str {
    let data = told.strip_prefix("stdout:\n").unwrap_or_default();
    let end = data.find("\nstderr:").or_else(|| data.rfind("\nexit"));
    data.get(..end.unwrap_or(data.len())).unwrap_or_default()
}

#[test]
fn a_proposal_says_who_saw_each_edge() {
    insta::assert_snapshot!(run(&[
        "discover",
        "--name",
        "shop",
        "jaeger.json",
        "manifests.yaml"
    ]));
}

#[test]
fn a_proposal_of_all_samples_passes_lint_and_differs_in_nothing() {
    let told = run(&["discover", "."]);
    // A Pact matrix is among the samples, and says nothing of who calls whom.
    assert!(told.ends_with("exit 2"), "{told}");
    let files = [
        "jaeger.json",
        "zipkin.json",
        "service-graph.json",
        "istio.json",
        "backstage.yaml",
        "manifests.yaml",
    ];
    let told = run(&[&["discover"], &files[..]].concat());
    assert!(told.ends_with("exit 0"), "{told}");
    let graph = stdout_of(&told);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("graph.yaml");
    std::fs::write(&file, graph).expect("written");
    let file = file.display().to_string();
    let told = run(&["lint", "--strict", &file]);
    assert!(told.ends_with("exit 0"), "{told}");
    let told = run(&[&["discover", "--compare", &file], &files[..]].concat());
    assert!(told.ends_with("exit 0"), "{told}");
}

#[test]
fn the_format_can_be_said_and_the_file_can_be_stdin() {
    let links = r#"[{"parent": "Web Shop", "child": "orders", "callCount": 7}]"#;
    let arguments = [
        "discover",
        "--zipkin",
        "-",
        "--rename",
        "Web Shop=web",
        "-o",
        "json",
    ];
    insta::assert_snapshot!(run_in(&samples(), &arguments, links));
}

#[test]
fn differences_end_with_1_and_name_both_sides() {
    let graph = "apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec:
  services:
  - {name: catalogue}
  - {name: orders, calls: [{service: catalogue}]}
  - {name: web, calls: [{service: orders}]}
";
    insta::assert_snapshot!(run_in(
        &samples(),
        &["discover", "jaeger.json", "--compare", "-"],
        graph
    ));
    insta::assert_snapshot!(run_in(
        &samples(),
        &["discover", "jaeger.json", "--compare", "-", "-o", "json"],
        graph
    ));
}

#[test]
fn every_problem_is_told_with_its_line() {
    let links =
        "{\"data\": [\n  {\"parent\": \"web\"},\n  {\"parent\": \"web\", \"child\": 3}\n]}\n";
    insta::assert_snapshot!(run_in(&samples(), &["discover", "-"], links));
}

#[test]
fn what_cannot_be_recognised_is_told_by_what_it_looks_like() {
    insta::assert_snapshot!(run_in(
        &samples(),
        &["discover", "-"],
        "services: {web: {}}\n"
    ));
}

#[test]
fn without_a_file_it_says_what_to_type() {
    insta::assert_snapshot!(run(&["discover"]));
}
