//! The graphs that the parts of a refused release declare: what runs when each is done, as people would write it.

use crate::graph::System;
use crate::plan::{parts, plan};
use tidegate_spec::check_graph;
use tidegate_spec::crd::ServiceGraphSpec;

/// The graph of each part of the release from one graph to another.
fn graphs_between(old: &str, new: &str) -> String {
    let read = |yaml: &str| -> ServiceGraphSpec { serde_saphyr::from_str(yaml).unwrap() };
    let (whole, (old, _)) = (read(new), check_graph("shop", &read(old)));
    let (new, problems) = check_graph("shop", &whole);
    // A call of what goes away with the release is no misspelt name here.
    assert!(problems.is_empty(), "{problems:?}");
    let system = System::between(&old, &new, None);
    let found = parts(&system, &plan(&system)).unwrap();
    let told = found.iter().map(|part| {
        let graph = part.graph((&whole, &new), Some(&old)).unwrap();
        let yaml = serde_saphyr::to_string(&graph).unwrap();
        format!("# {}\n{yaml}", part.name)
    });
    told.collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "whole graphs as they are written")]
fn a_part_declares_what_runs_when_it_is_done_and_leaves_out_names_that_are_obvious() {
    let old = r#"
services:
- name: orders
  serves: [{versions: ["1"]}, {contract: audit, versions: ["1"]}]
- name: web
  calls: [{service: orders, version: "1"}, {service: orders, contract: audit, version: "1"}]
external:
- name: phone
  calls: [{service: web, version: "1"}]
"#;
    let new = r#"
services:
- name: orders
  serves: [{versions: ["2"]}, {contract: audit, versions: ["1"]}]
- name: web
  serves: [{versions: ["1"]}]
  calls: [{service: orders, version: "2"}, {service: orders, contract: audit, version: "1"}]
external:
- name: phone
  calls: [{service: web, version: "1"}]
"#;
    insta::assert_snapshot!(graphs_between(&old.replace("- name: web\n", "- name: web\n  serves: [{versions: [\"1\"]}]\n"), new), @r#"
    # expand
    services:
    - name: orders
      serves:
      - contract: audit
        versions:
        - "1"
      - versions:
        - "1"
        - "2"
    - name: web
      serves:
      - versions:
        - "1"
      calls:
      - service: orders
        version: "2"
      - service: orders
        contract: audit
        version: "1"
    external:
    - name: phone
      calls:
      - service: web
        version: "1"
    # contract
    services:
    - name: orders
      serves:
      - versions:
        - "2"
      - contract: audit
        versions:
        - "1"
    - name: web
      serves:
      - versions:
        - "1"
      calls:
      - service: orders
        version: "2"
      - service: orders
        contract: audit
        version: "1"
    external:
    - name: phone
      calls:
      - service: web
        version: "1"
    "#);
}

#[test]
#[expect(clippy::too_many_lines, reason = "whole graphs as they are written")]
fn a_service_that_goes_away_in_a_later_part_is_declared_until_then_as_it_was() {
    let old = r#"
services:
- name: a
  serves: [{versions: ["1"]}]
  calls: [{service: b, version: "1"}, {service: legacy, version: "1"}]
- name: b
  serves: [{versions: ["1"]}]
  calls: [{service: a, version: "1"}]
- name: legacy
  workloads: [{apiVersion: apps/v1, kind: StatefulSet, name: old-legacy}]
  serves: [{versions: ["1"]}]
  drain: Endpoints
  routing: versioned
  switch: {env: PROTO}
  exclusive: group
  reversible: true
- name: user
  calls: [{service: a, version: "1"}]
"#;
    let new = r#"
services:
- name: a
  serves: [{versions: ["1", "2"]}]
  calls: [{service: b, version: "2"}]
- name: b
  serves: [{versions: ["1", "2"]}]
  calls: [{service: a, version: "2"}]
  after: [user]
- name: user
  calls: [{service: a, version: "2"}]
"#;
    insta::assert_snapshot!(graphs_between(old, new), @r#"
    # expand
    services:
    - name: a
      serves:
      - versions:
        - "1"
        - "2"
      calls:
      - service: b
        version: "1"
      - service: legacy
        version: "1"
    - name: b
      serves:
      - versions:
        - "1"
        - "2"
      calls:
      - service: a
        version: "2"
      after:
      - user
    - name: legacy
      workloads:
      - apiVersion: apps/v1
        kind: StatefulSet
        name: old-legacy
      serves:
      - versions:
        - "1"
      drain: Endpoints
      routing: versioned
      switch:
        env: PROTO
      exclusive: group
      reversible: true
    - name: user
      calls:
      - service: a
        version: "2"
    # flip
    services:
    - name: a
      serves:
      - versions:
        - "1"
        - "2"
      calls:
      - service: b
        version: "2"
    - name: b
      serves:
      - versions:
        - "1"
        - "2"
      calls:
      - service: a
        version: "2"
      after:
      - user
    - name: user
      calls:
      - service: a
        version: "2"
    "#);
}
