//! The command line as people and scripts meet it: words, streams and exit codes. No cluster.

use std::path::Path;
use std::process::{Command, Stdio};

use std::io::Write;

/// Runs the program in a folder; stdout, stderr and the exit code as one text.
pub(crate) fn run_in(folder: &Path, arguments: &[&str], stdin: &str) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .current_dir(folder)
        .env_remove("KUBECONFIG")
        .env("HOME", folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(stdin.as_bytes())
        .unwrap_or_default();
    let output = child.wait_with_output().expect("it ends");
    let part = |name: &str, bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).trim_end().to_owned();
        if text.is_empty() {
            String::new()
        } else {
            format!("{name}:\n{text}\n")
        }
    };
    format!(
        "{}{}exit {}",
        part("stdout", &output.stdout),
        part("stderr", &output.stderr),
        output.status.code().unwrap_or(-1)
    )
}

/// Runs the program in a folder of its own that holds the given files.
pub(crate) fn run_with(files: &[(&str, &str)], arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("written");
    }
    run_in(folder.path(), arguments, "")
}

const GRAPH: &str = "apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec:
  services:
  - {name: orders, serves: [{versions: ['1']}]}
  - {name: web, calls: [{service: ordres, version: '1'}]}
";

#[test]
fn an_edge_to_an_unknown_service_is_told_with_its_place_and_the_nearest_name() {
    insta::assert_snapshot!(run_with(&[("graph.yaml", GRAPH)], &["lint", "graph.yaml"]));
}

#[test]
fn a_misspelt_key_is_told_with_its_place_and_the_nearest_key() {
    let text = GRAPH
        .replace("ordres", "orders")
        .replace("serves:", "serve:");
    insta::assert_snapshot!(run_with(&[("graph.yaml", &text)], &["lint", "graph.yaml"]));
}

#[test]
fn a_service_without_a_workload_is_told() {
    let text = GRAPH.replace("ordres", "orders");
    let deployment = "apiVersion: apps/v1
kind: Deployment
metadata: {name: order}
spec:
  selector: {matchLabels: {app: order}}
  template:
    metadata: {labels: {app: order}}
    spec: {containers: [{name: a, image: a}]}
";
    insta::assert_snapshot!(run_with(
        &[("graph.yaml", &text), ("order.yaml", deployment)],
        &["lint", "."]
    ));
}

#[test]
fn a_workload_that_two_services_claim_is_told() {
    let text = "apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec:
  services:
  - {name: a, workloads: [{name: app}]}
  - {name: b, workloads: [{name: app}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec: {containers: [{name: a, image: a}]}
";
    insta::assert_snapshot!(run_with(&[("all.yaml", text)], &["lint", "all.yaml"]));
}

#[test]
fn an_empty_folder_is_told_with_what_was_looked_for() {
    insta::assert_snapshot!(run_with(&[("notes.txt", "nothing")], &["run", "-f", "."]));
}

#[test]
fn a_missing_file_is_told() {
    insta::assert_snapshot!(run_with(&[], &["lint", "absent.yaml"]));
}

#[test]
fn a_binary_file_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.yaml"), b"kind: \0\x01\x02").expect("written");
    insta::assert_snapshot!(run_in(folder.path(), &["lint", "a.yaml"], ""));
}

#[test]
fn a_file_of_20_mb_is_told_with_the_limit() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.yaml"), vec![b'#'; 20 << 20]).expect("written");
    insta::assert_snapshot!(run_in(folder.path(), &["lint", "a.yaml"], ""));
}

#[test]
fn without_a_kubeconfig_a_command_for_a_cluster_says_how_to_name_one() {
    let told = run_with(&[], &["status"]);
    assert!(told.contains("no cluster is configured"), "{told}");
    assert!(told.contains("--kubeconfig"), "{told}");
    assert!(told.ends_with("exit 3"), "{told}");
}

#[test]
fn a_context_that_does_not_exist_is_told() {
    let kubeconfig = "apiVersion: v1\nkind: Config\nclusters: []\nusers: []\ncontexts: []\n";
    let told = run_with(
        &[("config", kubeconfig)],
        &["status", "--kubeconfig", "config", "--context", "nowhere"],
    );
    assert!(told.contains("nowhere"), "{told}");
    assert!(told.ends_with("exit 3"), "{told}");
}

#[test]
fn a_plan_of_equal_graphs_moves_nothing() {
    let text = GRAPH.replace("ordres", "orders");
    insta::assert_snapshot!(run_with(
        &[("graph.yaml", &text)],
        &["plan", "--from", "graph.yaml", "--to", "graph.yaml"]
    ));
}

#[test]
fn a_service_is_explained_alone() {
    let text = GRAPH.replace("ordres", "orders");
    let swapped = text.replace("'1'", "'2'");
    let files = [
        ("graph.yaml", text.as_str()),
        ("swapped.yaml", swapped.as_str()),
    ];
    let explain = |service: &str, more: &[&str]| {
        let mut arguments = vec![
            "plan",
            "--from",
            "none",
            "--to",
            "graph.yaml",
            "--explain",
            service,
        ];
        arguments.extend(more);
        run_with(&files, &arguments)
    };
    insta::assert_snapshot!(explain("web", &[]), @r"
    stdout:
    web moves in wave 2 of 2
    because orders must be there first: web@target calls orders 1, and no orders runs
    not earlier: it waits for orders (wave 1)
    exit 0
    ");
    insta::assert_snapshot!(explain("orders", &["-o", "json"]), @r#"
    stdout:
    {
      "service": "orders",
      "moves": true,
      "why": [
        "orders moves in wave 1 of 2",
        "nothing must go before it",
        "waiting for it: web"
      ]
    }
    exit 0
    "#);
    insta::assert_snapshot!(explain("oders", &[]), @r"
    stderr:
    error: there is no service `oders`
    hint: did you mean `orders`?
    exit 2
    ");
    insta::assert_snapshot!(explain("web", &["-o", "svg"]), @r"
    stderr:
    error: `--explain` has no picture
    hint: `-o text`, `-o json` or `-o yaml`
    exit 2
    ");
    let refused = [
        "plan",
        "--from",
        "graph.yaml",
        "--to",
        "swapped.yaml",
        "--explain",
        "web",
    ];
    let told = run_with(&files, &refused);
    assert!(
        told.contains("no order is safe, so `web` has no place in one") && told.ends_with("exit 4"),
        "{told}"
    );
}

#[test]
fn data_goes_to_stdout_and_nothing_else_does() {
    let text = GRAPH.replace("ordres", "orders");
    let told = run_with(
        &[("graph.yaml", &text)],
        &["plan", "--from", "none", "--to", "graph.yaml", "-o", "json"],
    );
    let json = told
        .strip_prefix("stdout:\n")
        .and_then(|rest| rest.strip_suffix("\nexit 0"))
        .expect("only data");
    let plan: serde_json::Value = serde_json::from_str(json).expect("JSON");
    assert_eq!(plan["waves"], serde_json::json!([["orders"], ["web"]]));
}

#[test]
fn a_wrong_argument_is_a_usage_error() {
    assert!(run_with(&[], &["plan", "--form", "a"]).ends_with("exit 2"));
    assert!(run_with(&[], &["plan"]).ends_with("exit 2"));
}

#[test]
fn stdin_is_read_where_a_dash_stands() {
    let folder = tempfile::tempdir().expect("a folder");
    let told = run_in(folder.path(), &["lint", "-"], GRAPH);
    assert!(told.contains("<stdin>:7"), "{told}");
}

#[test]
fn live_sets_with_two_revisions_of_a_service_plan_from_both() {
    let old = "apiVersion: tidegate.dev/v1alpha1\nkind: ServiceGraph\nmetadata: {name: shop}\nspec: {services: [{name: orders, serves: [{versions: ['1', '2']}]}, {name: web, calls: [{service: orders, version: '1'}]}]}\n";
    let new = old.replace("version: '1'", "version: '2'");
    let live = "apiVersion: tidegate.dev/v1alpha1\nkind: LiveSets\nservices:\n- {name: orders, revision: r0, serves: [{versions: ['1']}]}\n- {name: orders, revision: r1, serves: [{versions: ['1', '2']}]}\n";
    let files = [
        ("old.yaml", old),
        ("new.yaml", new.as_str()),
        ("live.yaml", live),
    ];
    insta::assert_snapshot!(run_with(
        &files,
        &[
            "plan",
            "--from",
            "old.yaml",
            "--to",
            "new.yaml",
            "--live",
            "live.yaml"
        ]
    ));
}

/// The steps of a plan from two graphs, or why there is none.
fn waves(old: &str, new: &str, arguments: &[&str]) -> String {
    let head = "apiVersion: tidegate.dev/v1alpha1\nkind: ServiceGraph\nmetadata: {name: shop}\nspec:\n  services:\n";
    let (old, new) = (format!("{head}{old}"), format!("{head}{new}"));
    let all = ["plan", "--from", "old.yaml", "--to", "new.yaml"]
        .iter()
        .chain(arguments);
    let all: Vec<&str> = all.copied().collect();
    run_with(&[("old.yaml", &old), ("new.yaml", &new)], &all)
}

const STORE: [&str; 2] = [
    "  - {name: store, serves: [{versions: ['1']}]}
  - {name: cart, serves: [{versions: ['1']}], calls: [{service: store, version: '1'}], switch: {env: STORE_PROTO}}
  - {name: web, calls: [{service: cart, version: '1'}]}
",
    "  - {name: store, serves: [{versions: ['1', '2']}]}
  - {name: cart, serves: [{versions: ['1', '2']}], calls: [{service: store, version: '2'}], switch: {env: STORE_PROTO}}
  - {name: web, calls: [{service: cart, version: '2'}]}
",
];

#[test]
fn a_part_of_a_release_leaves_the_others_as_they_are() {
    let [old, new] = STORE;
    insta::assert_snapshot!(waves(old, new, &["--only", "store,cart"]), @r"
    stdout:
    Safe: yes. 2 waves. Longest path store → cart.
    Wave 1   may start at once
      ~ store
          serves store: 1 → 1, 2
    Wave 2   after wave 1 is done
      ~ cart
          serves cart: 1 → 1, 2
          calls store: 1 → 2
          because store must answer 2 everywhere first: cart@target calls store 2, store@live serves 1
    exit 0
    ");
    insta::assert_snapshot!(waves(old, new, &["--only", "cart", "--strategy", "flip"]), @r"
    stdout:
    Refused [TG0202]: the release would end unsafe, whatever the order
      cart@target calls store 2, store@live serves 1; no release of store serves 2 in this plan: let it, or release a cart that does not need it
      store must move along: `--only cart,store` is the smallest part of this release that can end safe
    exit 4
    ");
    insta::assert_snapshot!(waves(old, new, &["--only", "nobody"]), @r"
    stderr:
    error: there is no service `nobody` in either graph
    exit 2
    ");
}

#[test]
fn a_strategy_that_needs_more_switches_says_which() {
    let [old, new] = STORE;
    insta::assert_snapshot!(waves(old, new, &["--strategy", "flip"]), @r"
    stdout:
    Refused [TG0214]: a caller that would have to wait has no switch
      web would have to wait for what it calls: declare its `switch: {env: NAME}`, or let it move in order
    exit 4
    ");
}

#[test]
fn a_way_back_past_what_a_job_took_away_is_refused() {
    let graph = |served: &str, called: &str| {
        format!(
            "  - {{name: schema, serves: [{{versions: [{served}]}}], workloads: [{{apiVersion: batch/v1, kind: Job, name: m}}]}}
  - {{name: app, calls: [{{service: schema, channel: schema, version: '{called}'}}]}}
"
        )
    };
    let (old, new) = (graph("'1', '2'", "1"), graph("'2'", "2"));
    insta::assert_snapshot!(waves(&new, &old, &["--rollback"]), @r"
    stdout:
    Refused [TG0210]: a step could not be undone
      app@target calls schema 1, schema@live serves 2; what the Job of schema took away does not come back: leave app where it is, or declare a Job that undoes it with `reversible: true`
    exit 4
    ");
}

#[test]
fn what_is_unsafe_already_is_planned_only_as_a_repair() {
    let [old, new] = STORE;
    let broken = old.replace("store, version: '1'", "store, version: '2'");
    insta::assert_snapshot!(waves(&broken, new, &[]), @r"
    stdout:
    Refused [TG0204]: what runs now is already unsafe
      cart@live calls store 2, store@live serves 1; repair cart or store first
    exit 4
    ");
    insta::assert_snapshot!(waves(&broken, new, &["--repair"]), @r"
    stdout:
    A repair: nothing breaks that works now. 3 waves. Longest path store → cart → web.
    Wave 1   may start at once
      ~ store
          serves store: 1 → 1, 2
    Wave 2   after wave 1 is done
      ~ cart
          serves cart: 1 → 1, 2
          because store must answer 2 everywhere first: cart@target calls store 2, store@live serves 1
    Wave 3   after wave 2 is done
      ~ web
          calls cart: 1 → 2
          because cart must answer 2 everywhere first: web@target calls cart 2, cart@live serves 1
    warning: calls of cart@live to store@live fail already; they may go on failing until both are done [TG0211]
    exit 0
    ");
}

#[test]
fn a_saved_plan_says_which_plan_of_the_files_it_is() {
    let [old, new] = STORE;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a.plan").display().to_string();
    let told = waves(old, new, &["--only", "store", "--repair", "--out", &file]);
    assert!(told.ends_with("exit 0"), "{told}");
    let saved = std::fs::read_to_string(&file).expect("a file");
    let saved: serde_json::Value = serde_json::from_str(&saved).expect("JSON");
    let planning = serde_json::json!({"only": ["store"], "repair": true});
    assert_eq!(saved["planning"], planning);
}

#[test]
fn a_picture_has_the_steps_of_a_service_that_moves_twice() {
    let [old, new] = STORE;
    let old = old.replace(
        "  - {name: web, calls: [{service: cart, version: '1'}]}\n",
        "",
    );
    let new = new.replace(
        "  - {name: web, calls: [{service: cart, version: '2'}]}\n",
        "",
    );
    insta::assert_snapshot!(waves(&old, &new, &["--strategy", "flip", "-o", "dot"]), @r##"
    stdout:
    digraph plan {
      label="Safe: yes. 2 waves. Longest path cart/expand → cart/flip."; labelloc=t; rankdir=LR;
      node [shape=box, style=rounded, fontname="sans-serif"];
      edge [color="#59636e"];
      subgraph cluster_1 {
        label="Wave 1"; style=dotted;
        "cart/expand" [label="cart/expand\nroll\nits new image, which calls as the old one did\nserves cart: 1 → 1, 2"];
        "store" [label="store\nroll\nserves store: 1 → 1, 2"];
      }
      subgraph cluster_2 {
        label="Wave 2"; style=dotted;
        "cart/flip" [label="cart/flip\nflip\nsets STORE_PROTO to its new value"];
      }
      "cart/expand" -> "cart/flip";
      "store" -> "cart/flip";
    }
    exit 0
    "##);
    insta::assert_snapshot!(waves(&old, &new, &["--strategy", "flip", "--explain", "cart"]), @r"
    stdout:
    cart moves in waves 1 and 2 of 2
    because store must answer 2 everywhere first: cart@target calls store 2, store@live serves 1
    not earlier: cart/flip waits for cart/expand (wave 1)
    exit 0
    ");
}

/// A Deployment in the middle of its rollout: the new pod is ready, the old one still terminates.
const ROLLING: &str = "apiVersion: v1
kind: List
items:
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web, namespace: shop, uid: d, generation: 2}
  spec: {replicas: 1, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: main, image: 'web:2'}]}}}
  status: {observedGeneration: 2, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1,
    conditions: [{type: Progressing, status: 'True', reason: NewReplicaSetAvailable}]}
- apiVersion: apps/v1
  kind: ReplicaSet
  metadata: {name: web-2, namespace: shop, uid: r2, labels: {app: web, pod-template-hash: '2'}, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: d, controller: true}]}
  spec: {replicas: 1, selector: {matchLabels: {app: web, pod-template-hash: '2'}}, template: {metadata: {labels: {app: web, pod-template-hash: '2'}}, spec: {containers: [{name: main, image: 'web:2'}]}}}
  status: {observedGeneration: 1, replicas: 1, readyReplicas: 1, availableReplicas: 1}
- apiVersion: v1
  kind: Pod
  metadata: {name: web-2-a, namespace: shop, uid: p2, labels: {app: web, pod-template-hash: '2'}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-2, uid: r2, controller: true}]}
  spec: {nodeName: node-1, containers: [{name: main, image: 'web:2'}]}
  status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}
- apiVersion: v1
  kind: Pod
  metadata: {name: web-1-a, namespace: shop, uid: p1, labels: {app: web, pod-template-hash: '1'}, deletionTimestamp: '2026-11-24T12:00:30Z', ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-1, uid: r1, controller: true}]}
  spec: {nodeName: node-1, containers: [{name: main, image: 'web:1'}]}
  status: {phase: Running}
";

#[test]
fn objects_from_files_are_judged_as_the_gate_would() {
    let assess = |objects: &str, more: &[&str]| {
        let arguments = [
            &["assess", "-f", "-", "--now", "2026-11-24T12:00:10Z"],
            more,
        ]
        .concat();
        let folder = tempfile::tempdir().expect("a folder");
        let baseline = "[{object: {apiVersion: apps/v1, kind: Deployment, namespace: shop, name: web}, \
                        applied: {uid: d, generation: 3, resourceVersion: '9', templateDigest: x, changed: true}}]";
        std::fs::write(folder.path().join("baseline.yaml"), baseline).expect("written");
        run_in(folder.path(), &arguments, objects)
    };
    insta::assert_snapshot!(assess(ROLLING, &["-o", "json"]));
    let (before, _) = ROLLING
        .split_once("- apiVersion: v1\n  kind: Pod\n  metadata: {name: web-1-a")
        .expect("it");
    insta::assert_snapshot!(assess(before, &[]));
    insta::assert_snapshot!(assess(ROLLING, &["--baseline", "baseline.yaml"]));
}
