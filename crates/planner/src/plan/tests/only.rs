//! A part of a release: what it cannot do without, and what must be finished before it.

use super::system_of;
use crate::graph::OnlyError;
use crate::plan::{explain, plan, unfinished};
use tidegate_spec::ServiceName;

/// The plan of some services of a system in the notation.
fn only(text: &str, names: &[&str]) -> String {
    let whole = system_of(text);
    let names = names.iter().map(|name| ServiceName::parse(name).unwrap());
    match whole.clone().only(&names.collect()) {
        Ok(part) => explain(&part, &plan(&part)).join("\n"),
        Err(OnlyError::Mixed(mixed)) => explain(&whole, &unfinished(&whole, &mixed)).join("\n"),
        Err(error @ OnlyError::Unknown(_)) => error.to_string(),
    }
}

/// Scenario 6 when all is done, on its way back.
const BACK: &str = "store: serves 1,2 -> 1 | cart: serves 1,2 -> 1; calls store 2 -> 1 \
    | user: serves 1,2 -> 1; calls store 2 -> 1 | web: calls cart 2 -> 1; calls user 2 -> 1";

#[test]
fn s25_a_way_back_of_one_names_those_that_must_go_along() {
    insta::assert_snapshot!(only(BACK, &["cart"]), @r"
    Refused [TG0202]: the release would end unsafe, whatever the order
      web@live calls cart 2, cart@target serves 1; no release of cart serves 2 in this plan: let it, or release a web that does not need it
      web must move along: `--only cart,web` is the smallest part of this release that can end safe
    ");
    insta::assert_snapshot!(only(BACK, &["store"]), @r"
    Refused [TG0202]: the release would end unsafe, whatever the order
      cart@live calls store 2, store@target serves 1; no release of store serves 2 in this plan: let it, or release a cart that does not need it
      user@live calls store 2, store@target serves 1; no release of store serves 2 in this plan: let it, or release a user that does not need it
      cart, user, web must move along: `--only cart,store,user,web` is the smallest part of this release that can end safe
    ");
    insta::assert_snapshot!(only(BACK, &["cart", "web"]), @r"
    Safe: yes. 2 waves. Longest path web → cart.
    Wave 1   may start at once
      ~ web
          calls cart: 2 → 1
          calls user: 2 → 1
    Wave 2   after wave 1 is done
      ~ cart
          serves cart: 1, 2 → 1
          calls store: 2 → 1
          because web must stop calling cart 2 everywhere first: web@live calls cart 2, cart@target serves 1
    ");
    insta::assert_snapshot!(only(BACK, &["web"]), @r"
    Safe: yes. 1 wave.
    Wave 1   may start at once
      ~ web
          calls cart: 2 → 1
          calls user: 2 → 1
    ");
}

#[test]
fn nobody_is_named_who_would_be_no_help() {
    // Nothing in this release makes `report` stop calling 1.
    insta::assert_snapshot!(only(
        "orders: serves 1,2 -> 2 | web: calls orders 1 -> 2 | report: calls orders 1; image", &["orders"]
    ), @r"
    Refused [TG0202]: the release would end unsafe, whatever the order
      report@live calls orders 1, orders@target serves 2; no release of orders serves 1 in this plan: let it, or release a report that does not need it
      web@live calls orders 1, orders@target serves 2; no release of orders serves 1 in this plan: let it, or release a web that does not need it
    ");
}

#[test]
fn what_is_deleted_or_comes_can_be_left_out_too() {
    insta::assert_snapshot!(only("tax: serves 1; new | checkout: calls tax - -> 1", &["checkout"]), @r"
    Refused [TG0202]: the release would end unsafe, whatever the order
      checkout@target calls tax 1, and no tax will run; keep tax, or take the call out of checkout
      tax must move along: `--only checkout,tax` is the smallest part of this release that can end safe
    ");
    insta::assert_snapshot!(only("legacy: serves 1; deleted | web: calls legacy 1 -> -", &["legacy"]), @r"
    Refused [TG0202]: the release would end unsafe, whatever the order
      web@live calls legacy 1, and no legacy will run; keep legacy, or take the call out of web
      web must move along: `--only legacy,web` is the smallest part of this release that can end safe
    ");
}

#[test]
fn a_part_beside_rollouts_that_are_not_finished_is_refused() {
    insta::assert_snapshot!(only(
        "orders: serves 1 + 1,2 -> 1,2 | users: serves 1 + 1,2 -> 1,2 | web: calls orders 1 -> 2", &["web"]
    ), @r"
    Refused [TG0215]: a service outside this part is in the middle of a rollout
      orders runs in more than one revision: finish it first, or let it be part of this release
      users runs in more than one revision: finish it first, or let it be part of this release
    ");
}

#[test]
fn all_that_must_be_finished_first_are_named() {
    let mixed = ["orders", "users"].map(|name| ServiceName::parse(name).unwrap());
    insta::assert_snapshot!(OnlyError::Mixed(mixed.to_vec()), @"orders, users runs in more than one revision: it must be finished first, or be part of this release");
}
