//! Services with a switch: what the new image keeps, and when it cannot be kept.

use super::objects::deployment;
use super::planning::{declared_by, survey, told};
use super::scenario::{bundle, name};
use crate::controller::{Planned, make_plan};
use tidegate_manifest::Bundle;
use tidegate_spec::crd::{HeldVariable, Order, Planning};
use tidegate_upgrade::StepId;

const BEFORE: &str = "services:
- {name: store, serves: [{versions: ['1']}]}
- {name: cart, switch: {env: PROTO}, serves: [], calls: [{service: store, version: '1'}]}
";
const AFTER: &str = "services:
- {name: store, serves: [{versions: ['1', '2']}]}
- {name: cart, switch: {env: PROTO}, serves: [], calls: [{service: store, version: '2'}]}
";

/// The plan by switches, where cart runs with that value of its switch.
fn planned(bundle: &Bundle, running: Option<&str>) -> Planned {
    let found = "store: changes serves=store:1 | cart: changes calls=store:1";
    let mut survey = survey(bundle, Some(&declared_by(BEFORE)), found);
    let variable = running.map(|value| HeldVariable {
        workload: deployment("cart"),
        container: "main".to_owned(),
        name: "PROTO".to_owned(),
        value: value.to_owned(),
    });
    let cart = survey.services.get_mut(&name("cart")).expect("it");
    cart.switched = variable.into_iter().collect();
    let planning = Planning {
        order: Some(Order::Flip),
        ..Planning::default()
    };
    make_plan(bundle, &survey, &planning)
}

#[test]
fn the_new_image_keeps_the_value_that_runs_and_is_stamped_with_what_it_calls_then() {
    let planned = planned(&bundle(AFTER, "2"), Some("1"));
    insta::assert_snapshot!(told(&planned), @r"
    1: roll cart/expand (cart:0 -> cart:new)
    1: roll store (store:0 -> store:new)
    2: flip cart/flip after cart/expand,store (PROTO=1 -> PROTO=2)
    shared: ConfigMap/shop/shared
    ");
    let member = |step: &str| &planned.agenda.members[&StepId::parse(step).expect("a step")];
    let (expand, flip) = (member("cart/expand"), member("cart/flip"));
    assert_eq!(expand.held[0].value, "1");
    assert!(flip.held.is_empty());
    insta::assert_snapshot!(expand.belongings.stamp, @r#"{"serves":[],"calls":[{"service":"store","contract":"store","version":"1"}]}"#);
    insta::assert_snapshot!(flip.belongings.stamp, @r#"{"serves":[],"calls":[{"service":"store","contract":"store","version":"2"}]}"#);
}

#[test]
fn a_switch_that_cannot_be_kept_is_refused_before_the_first_write() {
    let after = bundle(AFTER, "2");
    insta::assert_snapshot!(told(&planned(&after, None)), @"refused: the switch PROTO of cart has no plain value in what runs as Deployment/shop/cart, so the new image cannot be given it: release it once with the value of now, or let it move in order");
    insta::assert_snapshot!(told(&planned(&after, Some("2"))), @"refused: the switch PROTO of cart has the same value in what runs and in what shall run, so it does not select what cart calls: give it its new value, or let it move in order");
    let mut by_reference = after;
    let cart = by_reference.objects.iter_mut();
    for entry in cart.filter(|entry| entry.reference == deployment("cart")) {
        let env = entry
            .value
            .pointer_mut("/spec/template/spec/containers/0/env/0");
        *env.expect("a variable") = serde_json::json!({"name": "PROTO", "valueFrom": {}});
    }
    insta::assert_snapshot!(told(&planned(&by_reference, Some("1"))), @"refused: the switch PROTO of cart is not set as a plain value in Deployment/shop/cart, so nothing here can keep what runs: write `{name: PROTO, value: …}`, or let it move in order");
}

#[test]
fn who_has_no_switch_is_named() {
    let without = AFTER.replace("switch: {env: PROTO}, ", "");
    insta::assert_snapshot!(told(&planned(&bundle(&without, "2"), Some("1"))), @"refused: cart would have to wait for what it calls: declare its `switch: {env: NAME}`, or let it move in order");
}
