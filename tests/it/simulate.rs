//! `tidegate simulate` as people and scripts meet it.

use crate::cli::run_in;

const GRAPH: &str = "apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec:
  services:
  - {name: orders, serves: [{versions: SERVED}]}
  - {name: web, calls: [{service: orders, version: 'CALLED'}]}
";

fn side(served: &str, called: &str) -> String {
    GRAPH.replace("SERVED", served).replace("CALLED", called)
}

fn simulate(arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: String| {
        std::fs::write(folder.path().join(name), text).expect("a file");
    };
    write("old.yaml", side("['1']", "1"));
    write("new.yaml", side("['1', '2']", "2"));
    write("dropped.yaml", side("['2']", "2"));
    let mut all = vec!["simulate"];
    all.extend(arguments);
    run_in(folder.path(), &all, "")
}

#[test]
fn what_each_way_of_applying_costs_is_told_with_a_timeline() {
    let arguments = ["--from", "old.yaml", "--to", "new.yaml", "--runs", "3"];
    insta::assert_snapshot!(simulate(&arguments), @r"
    stdout:
    3 runs from seed 1, faults all: 1 Failed, 2 Succeeded
    a release that succeeds takes 43 s (simulated, median)

    without faults, of one call a second on each edge of the graph:
      all at once                    13 of       57 calls fail (23.39 %), 26 pods made too early
      waves by rollout status         0 of       97 calls fail (0.00 %), 6 pods made too early
      tidegate                        0 of      124 calls fail (0.00 %), 0 pods made too early

    one run without faults (- old pods, # old and new, = new):
      orders  #########################===================================
      web     #########################################################===
              0                                                       49 s
    exit 0
    ");
}

#[test]
fn the_result_is_data_too() {
    let arguments = "--from old.yaml --to new.yaml --runs 1 --faults none -o json";
    let arguments: Vec<&str> = arguments.split(' ').collect();
    insta::assert_snapshot!(simulate(&arguments), @r#"
    stdout:
    {
      "runs": 1,
      "firstSeed": 1,
      "faults": "none",
      "endings": {
        "Succeeded": 1
      },
      "medianS": 49.301,
      "ways": [
        {
          "way": "all at once",
          "calls": 20.0,
          "failed": 2.0,
          "failedPercent": 8.415580231001828,
          "earlyPods": 8
        },
        {
          "way": "waves by rollout status",
          "calls": 42.0,
          "failed": 0.0,
          "failedPercent": 0.0,
          "earlyPods": 0
        },
        {
          "way": "tidegate",
          "calls": 49.0,
          "failed": 0.0,
          "failedPercent": 0.0,
          "earlyPods": 0
        }
      ],
      "timeline": [
        "orders  #########################===================================",
        "web     #########################################################===",
        "        0                                                       49 s"
      ],
      "wrong": []
    }
    exit 0
    "#);
}

#[test]
fn an_unknown_fault_is_a_usage_error_that_names_the_known_ones() {
    let arguments = "--from old.yaml --to new.yaml --faults crash,fire";
    let arguments: Vec<&str> = arguments.split(' ').collect();
    insta::assert_snapshot!(simulate(&arguments), @r"
    stderr:
    error: --faults: `fire` is no fault; known are crash, lost, late, frozen, twin, stale, touched, paused, slow, node-lost, undone, broken, deleted, denied, quota, evicted, flapping, scaled, freeze, newer, aborted, dry-run, uninstalled, poisoned, or all, or none
    exit 2
    ");
}

#[test]
fn a_release_without_a_safe_order_is_refused_as_ever() {
    let arguments = ["--from", "old.yaml", "--to", "dropped.yaml"];
    insta::assert_snapshot!(simulate(&arguments), @r"
    stderr:
    error: there is nothing to run: each would have to be done before the next: orders → web → orders; if web goes before orders: web@target calls orders 2, orders@h0 serves 1; if orders goes before web: web@h0 calls orders 1, orders@target serves 2
    hint: `tidegate plan --from OLD --to NEW` shows the way out
    exit 4
    ");
}
