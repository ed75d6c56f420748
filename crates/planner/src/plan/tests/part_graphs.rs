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

/// What each part writes of these services and callers.
fn written_of(names: &[&str], told: &str) -> String {
    let mut is_wanted = false;
    let mut lines = Vec::new();
    for line in told.lines() {
        if let Some(name) = line.strip_prefix("- name: ") {
            is_wanted = names.contains(&name);
        } else if !line.starts_with(' ') {
            is_wanted = line.starts_with('#');
        }
        lines.extend(is_wanted.then_some(line));
    }
    lines.join("\n")
}

#[test]
fn a_part_names_nobody_who_comes_later_and_calls_nothing_that_is_served_later() {
    let old = r#"
services:
- name: a
  serves: [{versions: ["1"]}]
  calls: [{service: b, version: "1"}]
- name: b
  serves: [{versions: ["1"]}]
  calls: [{service: a, version: "1"}]
- name: idle
- name: late
  serves: [{versions: ["1"]}]
external:
- name: phone
  calls: [{service: late, version: "1"}]
- name: watch
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
- name: fresh
  after: [a]
- name: idle
  after: [fresh]
- name: late
  serves: [{versions: ["1", "2"]}]
  after: [a]
external:
- name: phone
  calls: [{service: late, version: "2"}]
- name: watch
  calls: [{service: a, version: "1"}]
"#;
    let told = graphs_between(old, new);
    insta::assert_snapshot!(written_of(&["fresh", "idle", "phone", "watch"], &told), @r#"
    # expand
    - name: idle
    - name: phone
      calls:
      - service: late
        version: "1"
    - name: watch
      calls:
      - service: a
        version: "1"
    # flip
    - name: fresh
      after:
      - a
    - name: idle
      after:
      - fresh
    - name: phone
      calls:
      - service: late
        version: "2"
    - name: watch
      calls:
      - service: a
        version: "1"
    "#);
}

/// Which Jobs each part of a release has in which a new schema replaces the old one, and its reader calls itself.
fn jobs_of_parts(job: &str) -> String {
    let graph = |job: &str, version: u8| {
        format!(
            "services:
- name: app
  serves: [{{versions: ['{version}']}}]
  calls: [{{service: app, version: '{version}'}}, {{service: schema, version: '{version}'}}]
- name: schema
  workloads: [{{apiVersion: batch/v1, kind: Job, name: {job}}}]
  serves: [{{versions: ['{version}']}}]
"
        )
    };
    let told = graphs_between(&graph("migrate-41", 1), &graph(job, 2));
    let lines: Vec<&str> = told.lines().map(str::trim).collect();
    let jobs = lines.windows(2).filter(|pair| pair[0] == "kind: Job");
    let jobs = jobs.map(|pair| pair[1]);
    let parts = lines.iter().filter(|line| line.starts_with('#')).copied();
    let told = parts.zip(jobs).map(|(part, job)| format!("{part}: {job}"));
    told.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_job_that_runs_in_two_parts_has_a_name_for_each() {
    insta::assert_snapshot!(jobs_of_parts("migrate-42"), @r"
    # expand: name: migrate-42-expand
    # flip: name: migrate-42-expand
    # contract: name: migrate-42
    ");
    // It is cut where it would be too long for the label that its pods have.
    let long = format!("{}-{}", "m".repeat(55), "n".repeat(7));
    let told = jobs_of_parts(&long);
    let first = told.lines().next().unwrap();
    assert_eq!(first, format!("# expand: name: {}-expand", "m".repeat(55)));
}
