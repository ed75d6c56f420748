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
    ");
}

#[test]
fn a_called_contract_that_the_callee_does_not_serve_names_the_nearest() {
    insta::assert_snapshot!(problems_of(
        "services:\n- {name: orders, serves: [{contract: order-api, versions: ['1']}]}\n- {name: web, calls: [{service: orders, contract: order-ap, version: '1'}]}"
    ), @"spec.services[1].calls: `orders` does not serve a contract `order-ap` [TG0121]; did you mean `contract: order-api`?");
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
        "services:\n- {name: a, workloads: [{apiVersion: batch/v1, kind: CronJob, name: a}]}\n- {name: b, workloads: [{kind: Job, name: b}]}"
    ), @r"
    spec.services[0].workloads[0]: the gate cannot tell when a CronJob of `batch/v1` is done [TG0116]; a service runs as one of Deployment, StatefulSet, DaemonSet, Job, ReplicaSet, Pod
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
    spec.services[0].reversible: `reversible` is said of a service that runs as a Job [TG0104]; remove it: what is not a Job goes back by rolling back
    spec.services[0].switch.env: `NO WORD` is no name of an environment variable [TG0104]
    spec.services[1].calls[0].durable.drain: `a week` does not say when nothing of the old writer is left [TG0104]; write a time such as `7d` or `36h`, or `lag`, or `manual`
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
