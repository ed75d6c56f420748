//! `tidegate lint` for people, for other programs, and with `--fix`.

use std::fs;

use super::cli::run_in;

const GRAPH: &str = "# the shop
apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec:
  services:
  - name: orders   # the ledger
    serve:
    - versions: [1.10, \"2\", '2']   # two generations
    drain: pods
  - name: web
    calls: [{service: orders, version: 2, optionl: \"true\"}]
    after:
      - orders
  - {name: a, \"serves\": [{version: ['1']}]}
";

fn lint_all(files: &[(&str, &str)], arguments: &[&str]) -> (String, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("written");
    }
    let mut all = vec!["lint"];
    all.extend(arguments);
    let told = run_in(folder.path(), &all, "");
    let after = files
        .iter()
        .map(|(name, _)| fs::read_to_string(folder.path().join(name)).expect("text"));
    (told, after.collect())
}

#[test]
fn what_can_only_be_meant_in_one_way_is_mended_and_nothing_else_is_touched() {
    let (told, after) = lint_all(&[("graph.yaml", GRAPH)], &["--fix", "graph.yaml"]);
    insta::assert_snapshot!(after[0], @r#"
    # the shop
    apiVersion: tidegate.dev/v1alpha1
    kind: ServiceGraph
    metadata: {name: shop}
    spec:
      services:
      - name: orders   # the ledger
        serves:
        - versions: ["1.10", "2"]   # two generations
        drain: Pods
      - name: web
        calls: [{service: orders, version: "2", optional: true}]
        after:
          - orders
      - {name: a, "serves": [{versions: ['1']}]}
    "#);
    insta::assert_snapshot!(told);
    let (told, again) = lint_all(&[("graph.yaml", &after[0])], &["--fix", "graph.yaml"]);
    assert_eq!(again, after, "a second time changes nothing");
    assert!(told.contains("nothing can be mended for certain"), "{told}");
}

#[test]
fn a_dry_run_shows_and_does_not_write() {
    let (told, after) = lint_all(
        &[("graph.yaml", GRAPH)],
        &["--fix", "--dry-run", "graph.yaml"],
    );
    assert_eq!(after[0], GRAPH);
    assert!(
        told.contains("1 file would change; nothing was written"),
        "{told}"
    );
    assert!(
        told.contains("-    serve:\n") && told.contains("+    serves:\n"),
        "{told}"
    );
}

#[test]
fn a_file_that_cannot_be_read_whole_is_left_as_it_is() {
    let broken = format!("{GRAPH}---\nkind: [ConfigMap\n");
    let (told, after) = lint_all(&[("graph.yaml", &broken)], &["--fix", "graph.yaml"]);
    assert_eq!(after[0], broken);
    assert!(told.contains("nothing can be mended for certain"), "{told}");
}

#[test]
fn two_keys_that_would_become_one_are_left_as_they_are() {
    let text = GRAPH.replace("    drain: pods\n", "    srves: []\n");
    let (_, after) = lint_all(&[("graph.yaml", &text)], &["--fix", "graph.yaml"]);
    assert_eq!(after[0], text);
}

#[test]
fn a_secret_beside_the_graph_is_never_shown() {
    let text = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {{a: hidden}}\n---\n{GRAPH}"
    );
    let (told, _) = lint_all(&[("all.yaml", &text)], &["--fix", "all.yaml"]);
    assert!(!told.contains("hidden"), "{told}");
}

#[test]
fn entries_of_lists_in_block_style_are_removed_with_their_line() {
    let text = "apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec:
  services:
  - name: orders
    serves:
    - versions:
      - \"1\"   # the first
      - \"2\"
      - \"2\"
      - 2   # stays: a comment may be about more
";
    let (_, after) = lint_all(&[("graph.yaml", text)], &["--fix", "graph.yaml"]);
    insta::assert_snapshot!(after[0], @r#"
    apiVersion: tidegate.dev/v1alpha1
    kind: ServiceGraph
    metadata: {name: shop}
    spec:
      services:
      - name: orders
        serves:
        - versions:
          - "1"   # the first
          - "2"
          - "2"   # stays: a comment may be about more
    "#);
}

#[test]
fn standard_input_is_not_mended() {
    let folder = tempfile::tempdir().expect("a folder");
    let told = run_in(folder.path(), &["lint", "--fix", "-"], GRAPH);
    assert!(
        told.contains("standard input cannot be mended; give the file"),
        "{told}"
    );
    assert!(told.ends_with("exit 2"), "{told}");
}

#[test]
fn findings_for_github_are_one_command_a_line() {
    let (told, _) = lint_all(&[("graph.yaml", GRAPH)], &["-o", "github", "graph.yaml"]);
    insta::assert_snapshot!(told, @r#"
    stdout:
    ::error file=graph.yaml,line=8,col=5,endColumn=10,title=TG0101 a field that does not exist::there is no field `serve` here; did you mean `serves`?
    ::error file=graph.yaml,line=9,col=18,endColumn=22,title=TG0102 a value of another type than the field has::expected text, found the number `1.10`; write "1.10"
    ::error file=graph.yaml,line=10,col=12,endColumn=16,title=TG0104 a value that the field does not allow::`pods` is none of `Pods`, `Endpoints`, `None`; did you mean `Pods`?
    ::error file=graph.yaml,line=12,col=40,endColumn=41,title=TG0102 a value of another type than the field has::expected text, found the number `2`; write "2"
    ::error file=graph.yaml,line=12,col=43,endColumn=50,title=TG0101 a field that does not exist::there is no field `optionl` here; did you mean `optional`?
    ::error file=graph.yaml,line=12,col=52,endColumn=58,title=TG0102 a value of another type than the field has::expected `true` or `false`, found the text `true`; remove the quotes
    ::error file=graph.yaml,line=15,col=27,endColumn=34,title=TG0101 a field that does not exist::there is no field `version` here; did you mean `versions`?
    ::error file=graph.yaml,line=9,col=29,endColumn=32,title=TG0104 a value that the field does not allow::version `2` is written twice
    exit 1
    "#);
}

#[test]
fn findings_as_sarif_are_one_log() {
    let (told, _) = lint_all(&[("graph.yaml", GRAPH)], &["-o", "sarif", "graph.yaml"]);
    let json = told
        .strip_prefix("stdout:\n")
        .and_then(|rest| rest.strip_suffix("\nexit 1"))
        .expect("only data");
    let log: serde_json::Value = serde_json::from_str(json).expect("JSON");
    let first = &log["runs"][0]["results"][0];
    insta::assert_snapshot!(serde_json::to_string_pretty(first).expect("text"), @r#"
    {
      "ruleId": "TG0101",
      "ruleIndex": 0,
      "level": "error",
      "message": {
        "text": "there is no field `serve` here; did you mean `serves`?"
      },
      "locations": [
        {
          "physicalLocation": {
            "artifactLocation": {
              "uri": "graph.yaml"
            },
            "region": {
              "startLine": 8,
              "startColumn": 5,
              "endColumn": 10
            }
          },
          "logicalLocations": [
            {
              "fullyQualifiedName": "spec.services[0].serve"
            }
          ]
        }
      ]
    }
    "#);
}

/// A system of one service.
fn system(plan: &str, service: &str, workload: &str) -> String {
    format!(
        "apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {{name: {plan}}}
spec:
  services:
  - {{name: {service}, workloads: [{{apiVersion: apps/v1, kind: Deployment, name: {workload}}}]}}
---
apiVersion: v1
kind: Namespace
metadata: {{name: default}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {workload}}}
spec:
  selector: {{matchLabels: {{app: {workload}}}}}
  template:
    metadata: {{labels: {{app: {workload}}}}}
    spec: {{containers: [{{name: main, image: example.org/web:1}}]}}
"
    )
}

#[test]
fn a_workload_that_another_system_of_the_namespace_has_too_is_told_with_both_places() {
    let (shop, crm) = (system("shop", "web", "web"), system("crm", "front", "web"));
    let bank = system("bank", "web", "teller");
    let files = [
        ("shop.yaml", shop.as_str()),
        ("crm.yaml", &crm),
        ("bank.yaml", &bank),
    ];
    let all = ["--beside", "bank.yaml", "--beside", "crm.yaml", "shop.yaml"];
    insta::assert_snapshot!(lint_all(&files, &all).0, @r"
    stdout:
    error[TG0308]: Deployment/default/web is in plan `shop` and in plan `crm`, at crm.yaml:14:18
      --> shop.yaml:14:18
       |
    14 | metadata: {name: web}
       |                  ^^^
       |
       = help: take it out of the files of one of them, or join the two systems

    1 services, 2 objects, 1 error, 0 warnings
    exit 1
    ");
    let same = lint_all(&files, &["--beside", "shop.yaml", "shop.yaml"]).0;
    assert!(same.ends_with("exit 0"), "{same}");
    let broken = [("shop.yaml", shop.as_str()), ("broken.yaml", "kind: [")];
    insta::assert_snapshot!(lint_all(&broken, &["--beside", "broken.yaml", "shop.yaml"]).0, @r"
    stderr:
    error: `broken.yaml` is not usable itself
    hint: `tidegate lint broken.yaml` tells what is wrong with it
    exit 2
    ");
}
