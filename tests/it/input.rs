//! Files that are wrong in several ways at once, and what stands in none of them: every problem is told in one run.

use super::cli::run_with;

/// A graph with these services.
fn graph(services: &str) -> String {
    format!(
        "apiVersion: tidegate.dev/v1alpha1\nkind: ServiceGraph\nmetadata: {{name: g}}\nspec:\n  services:\n{services}"
    )
}

/// Live sets with these revisions.
fn live(revisions: &str) -> String {
    format!("apiVersion: tidegate.dev/v1alpha1\nkind: LiveSets\nservices:\n{revisions}")
}

const ORDERS_1: &str = "  - {name: orders, serves: [{versions: ['1']}]}\n  - {name: web, calls: [{service: orders, version: '1'}]}\n";
const ORDERS_2: &str = "  - {name: orders, serves: [{versions: ['1', '2']}]}\n  - {name: web, calls: [{service: orders, version: '2'}]}\n";

/// What is planned from one graph to another, with live sets if there are any.
fn planned(old: &str, new: &str, sets: Option<&str>) -> String {
    let mut files = vec![("old.yaml", old), ("new.yaml", new)];
    files.extend(sets.map(|sets| ("live.yaml", sets)));
    let mut arguments = vec!["plan", "--from", "old.yaml", "--to", "new.yaml"];
    if sets.is_some() {
        arguments.extend(["--live", "live.yaml"]);
    }
    run_with(&files, &arguments)
}

#[test]
fn problems_of_both_graphs_and_of_the_live_sets_are_told_at_once() {
    let old = graph("  - {name: orders, serves: [{versions: ['1', '1']}], drain: pods}\n");
    let new = graph("  - {name: orders}\n  - {name: web, calls: [{service: ordes, version: 1}]}\n");
    let sets = live("- {name: nope, revision: a}\n");
    insta::assert_snapshot!(planned(&old, &new, Some(&sets)));
}

#[test]
fn a_key_that_is_written_twice_hides_nothing() {
    let new = graph(
        "  - name: orders\n    name: orders2\n    serves: []\n  - name: Web_X\n    calls: [{service: nope, version: '1'}, {service: orders, version: '1'}]\n    after: [nope, Web_X]\n  - {}\n",
    );
    insta::assert_snapshot!(run_with(&[("new.yaml", &new)], &["lint", "new.yaml"]));
}

#[test]
fn live_sets_are_checked_as_graphs_are() {
    let sets = live(
        "- {name: nope, revision: a}
- {name: Web_, revision: a}
- {name: web, revision: b, calls: [{service: orders, versions: ['1']}]}
- {name: web, revision: c, call: []}
- {name: web, revision: c, calls: [{service: orders, version: '1', all: ['1']}]}
- {name: orders, revision: target, serves: [{versions: [1, 1.10]}]}
- {name: orders, revision: \"\\e[31mred\"}
- {name: orders, revision: ''}
",
    );
    insta::assert_snapshot!(planned(&graph(ORDERS_1), &graph(ORDERS_2), Some(&sets)));
}

#[test]
fn a_file_of_live_sets_holds_one_document_of_them() {
    let sets = format!(
        "{}---\n{}---\n{}---\napiVersion: foo/v9\nkind: LiveSets\nservices: []\n",
        live("- {name: web, revision: a}\n"),
        live("- {name: web, revision: a}\n"),
        graph("  - {name: a}\n")
    );
    insta::assert_snapshot!(planned(&graph(ORDERS_1), &graph(ORDERS_2), Some(&sets)));
    let twice = "apiVersion: t\napiVersion: u\n";
    insta::assert_snapshot!(planned(&graph(ORDERS_1), &graph(ORDERS_2), Some(twice)));
}

#[test]
fn a_revision_that_is_only_retained_leaves_the_live_one_where_it_is() {
    let sets =
        live("- {name: orders, revision: r0, serves: [{versions: ['1']}], retained: true}\n");
    let sets = sets.replace("services:", "metadata: {name: now}\nservices:");
    let with = planned(&graph(ORDERS_1), &graph(ORDERS_2), Some(&sets));
    assert_eq!(with, planned(&graph(ORDERS_1), &graph(ORDERS_2), None));
}

#[test]
fn what_is_not_there_is_told_with_its_file() {
    let new = graph(ORDERS_1);
    insta::assert_snapshot!(planned("", &new, None));
    insta::assert_snapshot!(planned(
        &new,
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
        None
    ));
}

#[test]
fn manifests_on_one_side_alone_are_not_compared_and_that_is_told() {
    let deployment = |name: &str| {
        format!(
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  selector: {{matchLabels: {{app: {name}}}}}\n  template: {{metadata: {{labels: {{app: {name}}}}}, spec: {{containers: [{{name: c, image: a}}]}}}}\n"
        )
    };
    let bare = graph(ORDERS_1);
    let full = format!("{bare}{}{}", deployment("orders"), deployment("web"));
    insta::assert_snapshot!(planned(&bare, &full, None));
    insta::assert_snapshot!(planned(&full, &full, None));
}

#[test]
fn a_new_image_of_a_cron_job_moves_it_and_so_does_a_workload_under_another_name() {
    let nightly = |name: &str, image: &str| {
        let graph = graph(&format!(
            "  - {{name: nightly, serves: [{{versions: ['1']}}], workloads: [{{apiVersion: batch/v1, kind: CronJob, name: {name}}}]}}\n"
        ));
        format!(
            "{graph}---\napiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: {name}}}\nspec:\n  schedule: '0 3 * * *'\n  jobTemplate: {{spec: {{template: {{spec: {{restartPolicy: Never, containers: [{{name: c, image: '{image}'}}]}}}}}}}}\n"
        )
    };
    let old = nightly("nightly", "n:1");
    let moves = |new: &str| planned(&old, new, None).contains("~ nightly");
    assert!(moves(&nightly("nightly", "n:2")));
    assert!(moves(&nightly("every-night", "n:1")));
    assert!(!moves(&old));
}

#[test]
fn a_service_that_is_deleted_and_still_called_is_told_as_that() {
    let new = graph("  - {name: web, calls: [{service: orders, version: '1'}]}\n");
    insta::assert_snapshot!(planned(&graph(ORDERS_1), &new, None));
}

#[test]
fn a_queue_is_ordered_from_both_ends() {
    let with = |produced: &str, consumed: &str| {
        graph(&format!(
            "  - {{name: checkout, produces: [{{contract: orders-event, versions: ['{produced}']}}]}}\n  - {{name: accounting, consumes: [{{contract: orders-event, versions: {consumed}}}]}}\n"
        ))
    };
    insta::assert_snapshot!(planned(&with("1", "['1']"), &with("2", "['1', '2']"), None));
    // The parts of a refused release say it as calls.
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("old.yaml"), with("1", "['1']")).expect("written");
    std::fs::write(folder.path().join("new.yaml"), with("2", "['2']")).expect("written");
    let arguments = [
        "plan", "--from", "old.yaml", "--to", "new.yaml", "--split", "--out", "parts",
    ];
    insta::assert_snapshot!(super::cli::run_in(folder.path(), &arguments, ""));
    let part = std::fs::read_to_string(folder.path().join("parts/1-expand.yaml")).expect("written");
    insta::assert_snapshot!(part);
}

#[test]
fn a_graph_in_a_file_may_be_larger_than_one_in_the_cluster() {
    let calls: Vec<String> = (0..150)
        .map(|s| format!("{{service: s{s}, version: '1'}}"))
        .collect();
    let hub = format!("  - {{name: hub, calls: [{}]}}\n", calls.join(", "));
    let services: String = (0..600)
        .map(|service| format!("  - {{name: s{service}, serves: [{{versions: ['1']}}]}}\n"))
        .chain([hub])
        .collect();
    let told = run_with(&[("big.yaml", &graph(&services))], &["lint", "big.yaml"]);
    assert!(told.contains("0 errors"), "{told}");
}

#[test]
fn what_a_file_says_does_not_steer_the_terminal() {
    let new =
        graph("  - {name: orders, serves: [{versions: [\"\\e[31m\u{9b}2J\"]}], \"\\e[2J\": 1}\n");
    let told = run_with(
        &[("\u{1b}[1m.yaml", &new)],
        &["lint", "--color", "always", "."],
    );
    // What is left are the colours of the program itself.
    let own = ["\u{1b}[0m", "\u{1b}[1m\u{1b}[9", "\u{1b}[9", "\u{1b}[3"];
    for (at, _) in told.match_indices('\u{1b}') {
        let rest = &told[at..];
        assert!(
            own.iter().any(|own| rest.starts_with(own)) || rest.starts_with("\u{1b}[1m"),
            "{rest:?}"
        );
    }
    assert!(
        !told.contains("\u{1b}[2J") && !told.contains('\u{9b}'),
        "{told:?}"
    );
    let plain = run_with(&[("\u{1b}[1m.yaml", &new)], &["lint", "."]);
    assert!(
        !plain.contains('\u{1b}') && plain.contains("\\u001b[1m.yaml"),
        "{plain:?}"
    );
    for form in ["json", "yaml", "sarif", "github"] {
        let data = run_with(&[("\u{1b}[1m.yaml", &new)], &["lint", "-o", form, "."]);
        assert!(!data.contains(['\u{1b}', '\u{9b}']), "{data:?}");
    }
}

#[test]
fn a_name_that_only_cannot_take_is_told_with_the_option() {
    let (old, new) = (graph(ORDERS_1), graph(ORDERS_2));
    let only = |names: &str| {
        let files = [("old.yaml", old.as_str()), ("new.yaml", new.as_str())];
        run_with(
            &files,
            &[
                "plan", "--from", "old.yaml", "--to", "new.yaml", "--only", names,
            ],
        )
    };
    insta::assert_snapshot!(only(""), @r"
    stderr:
    error: `--only`: the name `` is empty
    exit 2
    ");
    assert_eq!(only("orders, web"), only("orders,web"));
}

#[test]
fn a_field_of_the_wrong_type_is_told_to_who_assesses_and_its_state_is_unknown() {
    let text = "apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {name: a}
  spec:
    containers:
    - {name: a}
    - name: b
      ports: [{containerPort: 80}, {containerPort: http}]
";
    insta::assert_snapshot!(run_with(&[("a.yaml", text)], &["assess", "-f", "a.yaml"]), @r#"
    stdout:
    Pod/a  Shut
      Pod a: its status is one that this version does not know: `spec.containers[1].ports[1].containerPort`: invalid type: string "http", expected i32
      UnknownStatus: rollout Progressing, drain NotNeeded, serving NotNeeded; 0/1
    stderr:
    warning[TG0102]: Pod/a: invalid type: string "http", expected i32
      --> a.yaml:11:52
       |
    11 |       ports: [{containerPort: 80}, {containerPort: http}]
       |                                                    ^^^^ spec.containers[1].ports[1].containerPort
       |
       = help: its state counts as unknown, so its gate is shut
    exit 1
    "#);
}

#[test]
fn a_plan_asks_things_of_the_gates_of_its_own_namespace() {
    let web = "apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web, namespace: shop, uid: u, generation: 1}
spec: {replicas: 0, serviceName: web, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: a}]}}}
status: {observedGeneration: 1, replicas: 0, updateRevision: web-1, currentRevision: web-1}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}}
";
    let with = |namespace: &str| {
        let plan = format!(
            "---
apiVersion: tidegate.dev/v1alpha1
kind: ReleasePlan
metadata: {{name: all, namespace: {namespace}}}
spec: {{strategy: {{gate: {{allowZero: true}}}}}}
"
        );
        let said = run_with(
            &[("a.yaml", &[web, &plan].concat())],
            &["assess", "-f", "a.yaml"],
        );
        said.lines().nth(1).unwrap_or_default().to_owned()
    };
    assert_eq!(with("shop"), "StatefulSet/shop/web  Open");
    assert_eq!(with("other"), "StatefulSet/shop/web  Shut");
}

#[test]
fn a_release_that_has_recorded_nothing_is_said_to_have_no_records() {
    let release = "apiVersion: tidegate.dev/v1alpha1
kind: Release
metadata: {name: shop-3}
spec: {plan: shop}
";
    let files = [
        ("a.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"),
        ("r.yaml", release),
    ];
    insta::assert_snapshot!(run_with(&files, &["assess", "-f", "a.yaml", "--baseline", "r.yaml"]), @r"
    stderr:
    error: r.yaml: the Release has no records
    hint: they are there from its first apply on; what was before it, `kubectl get -o yaml` tells as well
    exit 2
    ");
}

/// A pod that is well.
const POD: &str = "apiVersion: v1
kind: Pod
metadata: {name: a, namespace: shop, uid: u}
spec: {nodeName: node-1, containers: [{name: c, image: a}]}
status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}
";

#[test]
fn nothing_is_judged_by_files_of_which_a_part_is_missing() {
    let empty = [("a.yaml", POD), ("b.yaml", "")];
    insta::assert_snapshot!(run_with(&empty, &["assess", "-f", "a.yaml", "-f", "b.yaml"]), @r"
    stderr:
    error: b.yaml is empty
    hint: what is not in the files counts as absent: give it, or leave that `-f` out
    exit 2
    ");
    let page = "apiVersion: v1
kind: List
metadata: {continue: abc}
items: []
";
    let first_page = [("a.yaml", POD), ("b.yaml", page)];
    insta::assert_snapshot!(run_with(&first_page, &["assess", "-f", "a.yaml", "-f", "b.yaml"]), @r"
    stderr:
    error: b.yaml: a list in it goes on elsewhere (`metadata.continue`)
    hint: give all pages: `kubectl get` without `limit`
    exit 2
    ");
}

#[test]
fn of_two_rules_about_one_kind_that_differ_none_is_taken() {
    let graph = |name: &str, rule: &str| {
        format!(
            "---
apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {{name: {name}}}
spec: {{services: [], completion: [{{apiVersion: example.com/v1, kind: Widget, complete: '{rule}'}}]}}
"
        )
    };
    let assess = |rules: [&str; 2]| {
        let text = [POD, &graph("g", rules[0]), &graph("h", rules[1])].concat();
        run_with(&[("a.yaml", &text)], &["assess", "-f", "a.yaml"])
    };
    insta::assert_snapshot!(assess(["true", "false"]), @r"
    stderr:
    error: two rules of `completion` among the files are about Widget and differ
    hint: give one of them
    exit 2
    ");
    assert!(assess(["true", "true"]).contains("Pod/shop/a  Open"));
}
