//! Graphs as YAML in, problems or facts as text out.

use super::crd::ServiceGraphSpec;
use super::*;

fn graph_of(yaml: &str) -> (Graph, Vec<Problem>) {
    let spec: ServiceGraphSpec = serde_saphyr::from_str(yaml).expect("the test's YAML is a graph");
    check_graph("shop", &spec)
}

fn problems_of(yaml: &str) -> String {
    graph_of(yaml)
        .1
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn contracts_default_to_the_name_of_the_service_that_serves_them() {
    let (graph, problems) = graph_of(
        "services:\n- {name: orders, serves: [{versions: ['1']}]}\n- {name: web, calls: [{service: orders, version: '1'}]}",
    );
    assert_eq!(problems, []);
    let web = &graph.services[&ServiceName::parse("web").expect("a name")];
    let (callee, contract) = web.interface.calls.keys().next().expect("one call");
    assert_eq!((callee.as_str(), contract.as_str()), ("orders", "orders"));
}

#[test]
fn every_problem_is_reported_with_its_field_and_what_to_write() {
    insta::assert_snapshot!(problems_of(
        "services:
- {name: orders, serves: [{versions: ['1', '1']}], routing: versioned}
- {name: Orders}
- {name: web, calls: [{service: ordres, version: '1'}, {service: orders, contract: ordrs, version: '1'}], after: [web]}
- {name: web}
external:
- {name: mobile, calls: [{service: orders, version: '1', any: ['1']}]}
"
    ), @r"
    spec.services[3].name: `web` is declared twice; the first is spec.services[2].name [TG0122]; keep one of the two, or rename one
    spec.services[0].serves[0].versions[1]: version `1` is written twice [TG0104]
    spec.services[1].name: a service's name `Orders` must be made of a-z, 0-9, `-` and `.`, and begin and end with a letter or digit [TG0104]
    spec.services[2].calls[0].service: there is no service `ordres` [TG0120]; did you mean `orders`?
    spec.services[2].after[0]: `web` cannot come after itself [TG0104]
    spec.external[0].calls[0]: more than one of `version`, `all` and `any` [TG0123]; write `version` (exactly this), `all` (may use any of these at any time) or `any` (adapts call by call)
    spec.services[2].calls[1].contract: `orders` does not serve a contract `ordrs` [TG0121]; did you mean `contract: orders`?
    ");
}

#[test]
fn a_called_contract_that_the_callee_does_not_serve_names_the_nearest() {
    insta::assert_snapshot!(problems_of(
        "services:\n- {name: orders, serves: [{contract: order-api, versions: ['1']}]}\n- {name: web, calls: [{service: orders, contract: order-ap, version: '1'}]}"
    ), @"spec.services[1].calls[0].contract: `orders` does not serve a contract `order-ap` [TG0121]; did you mean `contract: order-api`?");
}

#[test]
fn a_stamp_read_back_is_the_interface_that_was_written() {
    let (graph, problems) = graph_of(
        "services:
- {name: orders, serves: [{versions: ['1', '2']}, {contract: admin, versions: ['a']}]}
- name: web
  serves: []
  calls: [{service: orders, any: ['1', '2'], negotiate: cached}, {service: orders, contract: admin, all: ['a'], optional: true}]
- {name: job, calls: [{service: orders}]}
- {name: writer, calls: [{service: orders, version: '1', channel: queue, durable: {drain: 7d}}]}
- {name: hinter, calls: [{service: orders, version: '1', optional: true, weight: 3, durable: {drain: lag}}]}
",
    );
    assert_eq!(problems, []);
    for service in graph.services.values() {
        let text = stamp::write(&service.interface);
        assert_eq!(
            stamp::read(&text).expect("our own stamp"),
            service.interface,
            "{text}"
        );
    }
}

#[test]
fn a_foreign_stamp_is_an_error_and_no_panic() {
    for text in [
        "",
        "null",
        "{}x",
        r#"{"serves":[{"versions":["1"]}]}"#,
        r#"{"calls":[{"service":"A"}]}"#,
    ] {
        assert!(stamp::read(text).is_err(), "{text}");
    }
}

#[test]
fn durations_are_read_as_kubernetes_writes_them() {
    let seconds = |text| duration::parse(text).map(|d| d.as_secs_f64());
    assert_eq!(seconds("1h30m"), Some(5400.0));
    assert_eq!(seconds("1.5s"), Some(1.5));
    assert_eq!(seconds("250ms"), Some(0.25));
    for wrong in [
        "",
        "5",
        "s",
        "5 s",
        "5d",
        "-1s",
        "1..2s",
        "99999999999999999999h",
    ] {
        assert_eq!(seconds(wrong), None, "{wrong}");
    }
}

#[test]
fn the_nearest_word_is_meant_and_a_far_one_is_not() {
    assert_eq!(
        did_you_mean("stategy", ["strategy", "source"]),
        Some("strategy")
    );
    assert_eq!(did_you_mean("banana", ["strategy", "source"]), None);
}

#[test]
fn a_workload_that_the_gate_cannot_judge_is_refused() {
    insta::assert_snapshot!(problems_of(
        "services:\n- {name: a, workloads: [{apiVersion: v1, kind: ReplicationController, name: a}]}\n- {name: b, workloads: [{kind: Job, name: b}]}"
    ), @r"
    spec.services[0].workloads[0]: the gate cannot tell when a ReplicationController of `v1` is done [TG0116]; a service runs as one of Deployment, StatefulSet, DaemonSet, Job, ReplicaSet, Pod, CronJob, Rollout, Canary
    spec.services[1].workloads[0]: the gate cannot tell when a Job of `apps/v1` is done [TG0116]; write `apiVersion: batch/v1`
    ");
}

#[test]
fn what_does_not_go_together_is_told_with_what_to_write() {
    insta::assert_snapshot!(problems_of(
        "services:
- {name: a, reversible: true, switch: {env: 'NO WORD'}, calls: [{service: b, version: '1', weight: 2}]}
- {name: b, calls: [{service: a, version: '1', durable: {drain: a week}}, {service: c, version: '1', durable: {drain: 36h}}]}
- {name: c, reversible: false, workloads: [{apiVersion: batch/v1, kind: Job, name: c}]}
"
    ), @r"
    spec.services[0].calls[0].weight: `weight` goes with `optional` [TG0104]; remove it: a call that must succeed is always kept
    spec.services[0].switch.env: `NO WORD` is no name of an environment variable [TG0104]
    spec.services[0].reversible: `reversible` is said of a service that runs as a Job [TG0104]; remove it: what is not a Job goes back by rolling back
    spec.services[1].calls[0].durable.drain: `a week` does not say when nothing of the old writer is left [TG0104]; write a time such as `7d` or `36h`, or `lag`, or `manual`
    ");
}

#[test]
fn a_contract_that_is_not_served_is_told_at_the_call_that_names_it() {
    insta::assert_snapshot!(problems_of(
        "services:
- {name: o, serves: [{versions: ['1']}]}
- {name: p, serves: [{versions: ['1']}]}
- name: w
  calls:
  - {service: p, version: '1'}
  - {service: o, contract: xed, version: '1'}
  - {service: o, version: '1'}
  - {service: p, contract: zed, version: '1'}
"
    ), @r"
    spec.services[2].calls[1].contract: `o` does not serve a contract `xed` [TG0121]; `o` serves `o`
    spec.services[2].calls[3].contract: `p` does not serve a contract `zed` [TG0121]; `p` serves `p`
    ");
}

#[test]
fn versions_that_would_match_nothing_in_silence_are_refused() {
    insta::assert_snapshot!(problems_of(
        "services:
- {name: a, serves: [{versions: ['^1.2', '1.*', '1.x', '1.2.X', ' 1', '1,2', '^a.b']}]}
- {name: b, serves: [{versions: ['v1.4']}]}
- {name: c, serves: [{versions: ['1.4', 'x']}]}
- name: web
  calls:
  - {service: b, version: '^1.2'}
  - {service: c, all: ['^1.2', 'x']}
  - {service: b, contract: b, any: ['1,2', '>=1.2, <2']}
"
    ), @r"
    spec.services[0].serves[0].versions[0]: `^1.2` is a range, and what is served is a list of versions [TG0104]; write each version that it serves, for instance `1.4`; callers write ranges
    spec.services[0].serves[0].versions[1]: `1.*` is a range, and what is served is a list of versions [TG0104]; write each version that it serves, for instance `1.4`; callers write ranges
    spec.services[0].serves[0].versions[2]: a version `1.x` is no semver range: write `1.*` [TG0104]
    spec.services[0].serves[0].versions[3]: a version `1.2.X` is no semver range: write `1.2.*` [TG0104]
    spec.services[0].serves[0].versions[4]: a version ` 1` begins or ends with white space [TG0104]
    spec.services[0].serves[0].versions[5]: a version `1,2` has a comma in it and is no semver range such as `>=1.2, <2`: write each version as an entry of its own [TG0104]
    spec.services[0].serves[0].versions[6]: a version `^a.b` begins as a semver range does, and is none [TG0104]
    spec.services[3].calls[2].any[0]: a version `1,2` has a comma in it and is no semver range such as `>=1.2, <2`: write each version as an entry of its own [TG0104]
    spec.services[3].calls[2]: `b` of `b` is called in two entries [TG0104]; write one entry; several versions go into `all` or `any`
    spec.services[3].calls[0].version: `^1.2` never matches what `b` serves: `v1.4` is no version that semver can compare [TG0104]; serve `1.4`, or call `v1.4`
    spec.services[3].calls[2].any: `>=1.2, <2` never matches what `b` serves: `v1.4` is no version that semver can compare [TG0104]; serve `1.4`, or call `v1.4`
    ");
}

#[test]
fn services_that_wait_for_each_other_are_told_with_the_shortest_way_round() {
    insta::assert_snapshot!(problems_of(
        "services:
- {name: a, after: [b]}
- {name: b, after: [x, c, a]}
- {name: c, after: [a]}
- {name: x}
- {name: p, after: [q, a]}
- {name: q, after: [r]}
- {name: r, after: [p]}
"
    ), @r"
    spec.services[0].after[0]: `after` closes a circle, so none of these could ever start: `a` waits for `b`, `b` waits for `c`, `c` waits for `a` [TG0201]; remove one of spec.services[0].after[0], spec.services[1].after[1], spec.services[2].after[0]
    spec.services[4].after[0]: `after` closes a circle, so none of these could ever start: `p` waits for `q`, `q` waits for `r`, `r` waits for `p` [TG0201]; remove one of spec.services[4].after[0], spec.services[5].after[0], spec.services[6].after[0]
    ");
}

#[test]
fn a_deleted_service_that_is_still_called_is_no_misspelt_name() {
    let (before, _) = graph_of("services: [{name: legacy}, {name: w}]");
    let spec = "services: [{name: web, calls: [{service: legacy}, {service: w}, {service: x}], after: [we]}]";
    let spec: ServiceGraphSpec = serde_saphyr::from_str(spec).expect("a graph");
    let (_, problems) = check_graph_after("shop", &spec, Some(&before));
    let words: Vec<String> = problems.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(words.join("\n"), @r"
    spec.services[0].calls[0].service: `legacy` runs today and the new graph deletes it, but it is still named here [TG0120]; remove what refers to it, or keep `legacy` under `spec.services`
    spec.services[0].calls[1].service: `w` runs today and the new graph deletes it, but it is still named here [TG0120]; remove what refers to it, or keep `w` under `spec.services`
    spec.services[0].calls[2].service: there is no service `x` [TG0120]; declare it under `spec.services`
    spec.services[0].after[0]: there is no service `we` [TG0120]; declare it under `spec.services`
    ");
}

/// The graph from both ends, and the same as calls.
const CHANNEL: [&str; 2] = [
    "services:
- name: checkout
  produces: [{contract: orders-event, versions: ['2'], durable: {drain: 7d}}]
- name: accounting
  consumes: [{contract: orders-event, versions: ['1', '2']}]
- name: fraud
  serves: [{versions: ['1']}]
  consumes: [{contract: orders-event, versions: ['1']}]
",
    "services:
- name: checkout
  calls:
  - {service: accounting, contract: orders-event, all: ['2'], channel: queue, durable: {drain: 7d}}
  - {service: fraud, contract: orders-event, all: ['2'], channel: queue, durable: {drain: 7d}}
- name: accounting
  serves: [{contract: orders-event, versions: ['1', '2']}]
- name: fraud
  serves: [{versions: ['1']}, {contract: orders-event, versions: ['1']}]
",
];

#[test]
fn a_channel_written_from_both_ends_is_a_call_to_each_consumer() {
    let [ends, calls] = CHANNEL.map(graph_of);
    assert_eq!((ends.1.as_slice(), calls.1.as_slice()), (&[][..], &[][..]));
    assert_eq!(ends.0, calls.0);
    let [ends, calls] =
        CHANNEL.map(|yaml| serde_saphyr::from_str::<ServiceGraphSpec>(yaml).expect("a graph"));
    assert_eq!(plain(&ends), calls);
    assert_eq!(plain(&calls), calls);
}

#[test]
fn channels_are_checked_at_both_ends() {
    insta::assert_snapshot!(problems_of(
        "services:
- name: a
  produces: [{contract: evnt, versions: ['1']}, {contract: t, versions: ['^1'], channel: rpc, durable: {drain: soon}}]
  calls: [{service: b, contract: t, version: '1'}, {service: b, version: '1'}]
- name: b
  consumes: [{contract: event, versions: ['1']}, {contract: t, versions: ['1', '1']}, {contract: t, versions: ['2']}]
- name: c
  consumes: [{contract: called, versions: ['1']}]
- {name: d, calls: [{service: c, contract: called, channel: queue, version: '1'}]}
"
    ), @r"
    spec.services[0].produces[1].channel: what is called by `rpc` is written under `calls` [TG0104]; write `queue`, `cache`, `schema`, `token` or `rows`, or a call
    spec.services[0].produces[1].versions[0]: `^1` is a range, and what is served is a list of versions [TG0104]; write each version that it serves, for instance `1.4`; callers write ranges
    spec.services[0].produces[1].durable.drain: `soon` does not say when nothing of the old writer is left [TG0104]; write a time such as `7d` or `36h`, or `lag`, or `manual`
    spec.services[0].produces[1]: `t` for `b` is written in two entries of `a` [TG0104]; keep one entry of `calls` and `produces`, with all versions
    spec.services[1].consumes[1].versions[1]: version `1` is written twice [TG0104]
    spec.services[1].consumes[2]: the contract `t` is served or consumed twice [TG0104]; write all of its versions in one entry
    spec.services[0].calls[1].contract: `b` does not serve a contract `b` [TG0121]; `b` serves `event`, `t`
    spec.services[0].produces[0].contract: no service consumes `evnt`, so this orders nothing [TG0129]; did you mean `event`?
    spec.services[1].consumes[0].contract: no service produces `event`, so this orders nothing [TG0129]; did you mean `evnt`?
    ");
}

#[test]
fn a_switch_with_values_calls_what_one_of_them_says() {
    let switched = |calls: &str, values: &str| {
        problems_of(&format!(
            "services:
- {{name: orders, serves: [{{versions: ['1', '2']}}]}}
- {{name: web, calls: [{calls}], switch: {{env: P, values: {{{values}}}}}}}
"
        ))
    };
    let two = "v1: {calls: [{service: orders, version: '1'}]}, 'v 2': {calls: [{service: orders, version: '2'}]}";
    assert_eq!(switched("{service: orders, version: '2'}", two), "");
    insta::assert_snapshot!(switched("{service: orders, version: '3'}", two), @"spec.services[1].switch.values: what `calls` says is what no value of `P` calls: `v 2`, `v1` [TG0104]; write into `calls` the calls of the value that the manifest of this release sets");
    insta::assert_snapshot!(
        switched("{service: orders, version: '2'}", "'v 2': {calls: [{service: order}, {service: orders}]}"),
        @r#"
    spec.services[1].switch.values["v 2"].calls[0]: a call that a switch decides says in which version [TG0103]; write `version`, `all` or `any`
    spec.services[1].switch.values["v 2"].calls[1]: a call that a switch decides says in which version [TG0103]; write `version`, `all` or `any`
    spec.services[1].switch.values["v 2"].calls[0].service: there is no service `order` [TG0120]; did you mean `orders`?
    "#
    );
}

#[test]
fn what_ends_a_caller_from_outside_is_seen_and_not_foretold() {
    insta::assert_snapshot!(problems_of(
        "services: [{name: gateway, serves: [{versions: ['1']}]}]
external:
- {name: a, calls: [{service: gateway, version: '1'}], until: never}
- {name: b, calls: [{service: gateway, version: '1'}], until: '2027-06-30'}
- {name: c, calls: [{service: gateway, version: '1'}], until: 'rate(calls[30d]) == 0', ended: dashboard/42}
- {name: d, calls: [{service: gateway, version: '1'}], until: never, ended: dashboard/42}
- {name: e, calls: [{service: gateway, version: '1'}], until: '2027-06-31'}
- {name: f, calls: [{service: gateway, version: '1'}], until: metric}
"
    ), @r"
    spec.external[1].until: `2027-06-30` ends nothing by itself: `b` counts as a caller until somebody has seen that its calls have stopped [TG0116]; once they have, write what shows it: `ended: no call in 30 days`
    spec.external[3].until: `until: never` and `ended` contradict each other [TG0104]; keep the one that is true
    spec.external[4].until: `2027-06-31` is no day [TG0104]; write it as `2027-06-30`
    spec.external[5].until: `metric` ends nothing by itself: `f` counts as a caller until somebody has seen that its calls have stopped [TG0116]; once they have, write what shows it: `ended: no call in 30 days`
    ");
}

#[test]
fn a_completion_rule_that_nobody_would_ask_is_told() {
    let told = problems_of(
        "services: [{name: a}]\ncompletion:\n- {apiVersion: apps/v1, kind: Deployment, complete: 'true'}\n- {apiVersion: example.com/v1, kind: Widget, complete: 'true'}\n- {apiVersion: example.com/v2, kind: Widget, complete: 'true'}\n- {apiVersion: other.com/v1, kind: Widget, complete: 'true'}",
    );
    insta::assert_snapshot!(told, @r"
    spec.completion[0].kind: a rule of Deployment, which is judged by its pods [TG0104]; leave the rule out: nobody would ask it
    spec.completion[2].kind: a second rule of Widget [TG0104]; write one rule for a kind, with `||` or `&&` in it
    ");
}

#[test]
fn a_completion_rule_that_is_no_cel_is_told() {
    let told = problems_of(
        "services: [{name: a}]\ncompletion:\n- {apiVersion: example.com/v1, kind: Widget, complete: 'object.status.ready'}\n- {apiVersion: example.com/v1, kind: Gadget, complete: 'object..', failed: '1 +'}",
    );
    insta::assert_snapshot!(told, @r"
    spec.completion[1].complete: the rule of Gadget is no CEL: ERROR: <input>:1:8: Syntax error: no viable alternative at input '..' [TG0104]; write an expression over `object`, for instance `object.status.ready`
    spec.completion[1].failed: the rule of Gadget is no CEL: ERROR: <input>:1:4: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER} [TG0104]; write an expression over `object`, for instance `object.status.ready`
    ");
}

#[test]
fn a_live_revision_calls_what_one_of_the_two_graphs_has() {
    let (old, _) = graph_of("services: [{name: legacy, serves: [{versions: ['1']}]}]");
    let (new, _) = graph_of("services: [{name: orders, serves: [{versions: ['1']}]}, {name: web}]");
    let sets = "services:
- {name: web, revision: a, calls: [{service: legacy, version: '1'}, {service: orders, version: '1'}]}
- {name: web, revision: b, calls: [{service: ordres, version: '1'}, {service: payments, version: '1'}], retained: true}
";
    let sets: crd::LiveSetsSpec = serde_saphyr::from_str(sets).expect("live sets");
    let (_, problems) = check_live(&sets, [&old, &new]);
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    services[1].calls[0].service: there is no service `ordres` [TG0120]; did you mean `orders`?
    services[1].calls[1].service: there is no service `payments` [TG0120]; declare it under `spec.services`
    ");
}
