//! The CEL rules of our kinds, evaluated here.

use kube_cel::CompiledSchema;
use serde_json::json;

use crate::rules::{beyond, broken_rules};
use tidegate_spec::crd::{self, ServiceGraphSpec};
use tidegate_spec::{Code, Problem, check_graph};

/// How many rules a schema has in all, each of which must compile.
fn compiled_rules(schema: &CompiledSchema) -> usize {
    assert!(!schema.has_errors(), "{:?}", schema.compilation_errors());
    let below = schema.properties.values().chain(schema.items.as_deref());
    let below = below.chain(schema.additional_properties.as_deref());
    schema.validations.len() + below.map(compiled_rules).sum::<usize>()
}

#[test]
fn every_rule_of_our_kinds_can_be_evaluated_here() {
    for definition in crd::definitions() {
        let schema = serde_json::to_value(&definition.spec.versions[0].schema).expect("JSON");
        let written = schema.to_string().matches("\"rule\":").count();
        let compiled = kube_cel::compile_schema(&schema["openAPIV3Schema"]);
        assert_eq!(
            compiled_rules(&compiled),
            written,
            "{}",
            definition.spec.names.kind
        );
    }
}

fn graph(call: serde_json::Value) -> serde_json::Value {
    let mut call = call;
    call["service"] = json!("orders");
    json!({
        "apiVersion": "tidegate.dev/v1alpha1", "kind": "ServiceGraph", "metadata": {"name": "shop"},
        "spec": {"services": [{"name": "orders", "serves": [{"versions": ["1"]}]}, {"name": "web", "calls": [call]}]},
    })
}

fn told(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn what_the_server_would_refuse_is_found() {
    assert_eq!(
        told(&broken_rules(
            "ServiceGraph",
            &graph(json!({"version": "1"}))
        )),
        ""
    );
    insta::assert_snapshot!(told(&broken_rules("ServiceGraph", &graph(json!({"version": "1", "any": ["1"]})))), @"spec.services[1].calls[0]: write one of `version` (exactly this), `all` (may use any of these at any time) or `any` (adapts call by call) [TG0104]");
    insta::assert_snapshot!(told(&broken_rules("ServiceGraph", &graph(json!({"version": "1", "negotiate": "cached"})))), @"spec.services[1].calls[0]: `negotiate` goes with `any` [TG0104]");
}

#[test]
fn what_was_found_already_is_not_told_twice() {
    for call in [
        json!({"version": "1", "any": ["1"]}),
        json!({"version": "1", "negotiate": "cached"}),
    ] {
        let object = graph(call);
        let broken = broken_rules("ServiceGraph", &object);
        assert_eq!(broken.len(), 1);
        let spec: ServiceGraphSpec =
            serde_json::from_value(object["spec"].clone()).expect("a graph");
        let (_, known) = check_graph("shop", &spec);
        assert_eq!(beyond(broken, &known), Vec::new(), "{}", told(&known));
    }
}

#[test]
fn another_field_far_below_is_another_problem() {
    let rule = |path: &str| vec![Problem::error(Code::InvalidValue, path, "a rule")];
    let known = [Problem::error(
        Code::InvalidValue,
        "spec.services[1].calls[0].version",
        "a fault",
    )];
    assert_eq!(beyond(rule("spec.services[1].calls[0]"), &known).len(), 0);
    assert_eq!(beyond(rule("spec"), &known).len(), 1);
    assert_eq!(beyond(rule("spec.services[1].calls[1]"), &known).len(), 1);
}
