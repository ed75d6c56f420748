//! Calls that find their version, groups of which one moves at a time, and repair.

use super::{faults_of, plan_of, system_of};
use crate::plan::{check, plan};

const DUBBO: &str =
    "provider: versioned; serves 1.0.0 -> 2.0.0 | consumer: calls provider 1.0.0 -> 2.0.0";

#[test]
fn s29_calls_that_find_their_version_let_old_and_new_stand_side_by_side() {
    insta::assert_snapshot!(plan_of(DUBBO), @r"
    Safe: yes. 3 waves. Longest path provider/expand → consumer → provider/contract.
    Wave 1   may start at once
      ~ provider/expand
          new pods beside the old ones
          serves provider: 1.0.0 → 2.0.0
    Wave 2   after wave 1 is done
      ~ consumer
          calls provider: 1.0.0 → 2.0.0
          because provider must answer 2.0.0 everywhere first: consumer@target calls provider 2.0.0, provider@live serves 1.0.0
    Wave 3   after wave 2 is done
      ~ provider/contract
          its old pods go
          because consumer must stop calling provider 1.0.0 everywhere first: consumer@live calls provider 1.0.0, provider@target serves 2.0.0
    ");
    let system = system_of(DUBBO);
    assert_eq!(check(&system, &plan(&system)), Ok(()));
    assert!(plan_of(&DUBBO.replace("versioned; ", "")).contains("TG0203"));
}

#[test]
fn s29_old_pods_are_kept_only_where_that_is_needed() {
    insta::assert_snapshot!(plan_of(
        "provider: versioned; serves 1 -> 2 | early: calls provider 1 -> - | late: calls provider - -> 2"
    ), @r"
    Safe: yes. 3 waves. Longest path early → provider → late.
    Wave 1   may start at once
      ~ early
          calls provider: 1 → -
    Wave 2   after wave 1 is done
      ~ provider
          serves provider: 1 → 2
          because early must stop calling provider 1 everywhere first: early@live calls provider 1, provider@target serves 2
    Wave 3   after wave 2 is done
      ~ late
          calls provider: - → 2
          because provider must answer 2 everywhere first: late@target calls provider 2, provider@live serves 1
    ");
}

#[test]
fn s29_old_pods_that_go_too_early_do_not_stand_the_check() {
    let system = system_of(DUBBO);
    insta::assert_snapshot!(faults_of(&system, plan(&system), |plan| plan.waves.swap(1, 2)), @r"
    `provider/contract` is not in a later wave than `consumer`
    wave 2: consumer@live may call provider@target (provider) and fail
    wave 3: consumer@live may call provider@target (provider) and fail
    ");
    insta::assert_snapshot!(faults_of(&system, plan(&system), |plan| plan.waves.swap(0, 1)), @r"
    `consumer` is not in a later wave than `provider/expand`
    wave 1: consumer@target may call provider@live (provider) and fail
    wave 2: consumer@target may call provider@live (provider) and fail
    ");
    insta::assert_snapshot!(faults_of(&system, plan(&system), |plan| plan.steps[2].after.clear()), @"nothing keeps consumer and provider from moving together when services advance one by one");
    insta::assert_snapshot!(faults_of(&system, plan(&system), |plan| plan.steps[1].after.clear()), @"nothing keeps consumer and provider from moving together when services advance one by one");
}

#[test]
fn s33_an_exclusive_group_moves_one_after_the_other() {
    insta::assert_snapshot!(plan_of("db-a: exclusive db; image | db-b: exclusive db; image | x: image"), @r"
    Safe: yes. 2 waves. Longest path db-a → db-b.
    Wave 1   may start at once
      ~ db-a
      ~ x
    Wave 2   after wave 1 is done
      ~ db-b
          because db-a and db-b never move at the same time: both are `exclusive: db`
    ");
    // The one with more waiting behind it goes first.
    insta::assert_snapshot!(plan_of(
        "db-a: exclusive db; image | db-b: exclusive db; serves 1 -> 1,2 | web: calls db-b 1 -> 2"
    ), @r"
    Safe: yes. 2 waves. Longest path db-b → db-a.
    Wave 1   may start at once
      ~ db-b
          serves db-b: 1 → 1, 2
    Wave 2   after wave 1 is done
      ~ db-a
          because db-b and db-a never move at the same time: both are `exclusive: db`
      ~ web
          calls db-b: 1 → 2
          because db-b must answer 2 everywhere first: web@target calls db-b 2, db-b@live serves 1
    ");
}

#[test]
fn s33_an_exclusive_group_that_moves_together_does_not_stand_the_check() {
    let system = system_of("db-a: exclusive db; image | db-b: exclusive db; image");
    insta::assert_snapshot!(faults_of(&system, plan(&system), |plan| {
        let last = plan.waves.pop().unwrap();
        plan.waves[0].extend(last);
        plan.steps[1].after.clear();
    }), @"nothing keeps db-a and db-b of one exclusive group from moving at the same time");
}

#[test]
fn s16_a_repair_lets_nothing_else_break() {
    insta::assert_snapshot!(plan_of("repair | orders: serves 1 -> 1,2 | web: calls orders 2; image"), @r"
    A repair: nothing breaks that works now. 2 waves. Longest path orders → web.
    Wave 1   may start at once
      ~ orders
          serves orders: 1 → 1, 2
    Wave 2   after wave 1 is done
      ~ web
          because orders must answer 2 everywhere first: web@target calls orders 2, orders@live serves 1
    warning: calls of web@live to orders@live fail already; they may go on failing until both are done [TG0211]
    ");
    // Both ends are wrong: the caller that fails everywhere loses nothing.
    insta::assert_snapshot!(plan_of("repair | orders: serves 1 -> 1,2 | web: calls orders 3 -> 2"), @r"
    A repair: nothing breaks that works now. 2 waves. Longest path orders → web.
    Wave 1   may start at once
      ~ orders
          serves orders: 1 → 1, 2
    Wave 2   after wave 1 is done
      ~ web
          calls orders: 3 → 2
          because orders must answer 2 everywhere first: web@target calls orders 2, orders@live serves 1
    warning: calls go on failing from the first new pod of orders until web is done: web must stop calling orders 3 everywhere first: web@live calls orders 3, orders@target serves 1, 2 [TG0211]
    warning: calls of web@live to orders@live fail already; they may go on failing until both are done [TG0211]
    ");
    // What is broken and stays is no reason to refuse the rest.
    insta::assert_snapshot!(plan_of(
        "repair | orders: serves 1 -> 1,2 | report: calls orders 3 | web: calls orders 1 -> 2"
    ), @r"
    A repair: nothing breaks that works now. 2 waves. Longest path orders → web.
    Wave 1   may start at once
      ~ orders
          serves orders: 1 → 1, 2
    Wave 2   after wave 1 is done
      ~ web
          calls orders: 1 → 2
          because orders must answer 2 everywhere first: web@target calls orders 2, orders@live serves 1
    warning: calls of report@live to orders@live fail already; report does not move, so they fail when all is done too [TG0211]
    ");
    // A pair that works now may not break.
    insta::assert_snapshot!(plan_of(
        "repair | orders: serves 1 -> 2 | bad: calls orders 3 -> 2 | web: calls orders 1"
    ), @r"
    Refused [TG0202]: the release would end unsafe, whatever the order
      web@live calls orders 1, orders@target serves 2; no release of orders serves 1 in this plan: let it, or release a web that does not need it
    ");
}

#[test]
fn s16_where_both_fail_already_the_order_is_given_up_rather_than_refused() {
    insta::assert_snapshot!(plan_of(
        "repair | a: serves 1 -> 1,2; calls b 2; image | b: serves 1 -> 1,2; calls a 2; image"
    ), @r"
    A repair: nothing breaks that works now. 2 waves. Longest path b → a.
    Wave 1   may start at once
      ~ b
          serves b: 1 → 1, 2
    Wave 2   after wave 1 is done
      ~ a
          serves a: 1 → 1, 2
          because b must answer 2 everywhere first: a@target calls b 2, b@live serves 1
    warning: calls go on failing from the first new pod of b to the last old pod of a: a must answer 2 everywhere first: b@target calls a 2, a@live serves 1 [TG0211]
    warning: calls of a@live to b@live fail already; they may go on failing until both are done [TG0211]
    warning: calls of b@live to a@live fail already; they may go on failing until both are done [TG0211]
    ");
}

#[test]
fn s18_an_external_caller_that_has_ended_counts_no_more() {
    insta::assert_snapshot!(plan_of(
        "mobile: external; ended no call in 30 days; calls gateway 1 | gateway: serves 1 -> 2"
    ), @r"
    Safe: yes. 1 wave.
    Wave 1   may start at once
      ~ gateway
          serves gateway: 1 → 2
    warning: mobile counts as ended: no call in 30 days [TG0212]
    ");
}

#[test]
fn s24_an_abort_takes_back_what_has_moved_and_touches_nothing_else() {
    insta::assert_snapshot!(plan_of(
        "a: calls b 1 | b: serves 1 + 1,2 -> 1; calls c 1 + 2 -> 1 | c: serves 1,2 -> 1"
    ), @r"
    Safe: yes. 2 waves. Longest path b → c.
    Wave 1   may start at once
      ~ b
          serves b: 1 | 1, 2 → 1
          calls c: 1 | 2 → 1
    Wave 2   after wave 1 is done
      ~ c
          serves c: 1, 2 → 1
          because b must stop calling c 2 everywhere first: b@live1 calls c 2, c@target serves 1
    ");
}

const BACK: &str = "web: calls cart 2 -> 1; calls user 2 -> 1";

#[test]
fn s25_the_way_back_is_the_dual_order_of_what_comes_after() {
    let waves = |text: &str| -> Vec<String> {
        plan(&system_of(text))
            .waves
            .iter()
            .map(|wave| wave.join(","))
            .collect()
    };
    let all = format!(
        "{BACK} | cart: serves 1,2 -> 1; calls store 2 -> 1 | user: serves 1,2 -> 1; calls store 2 -> 1 | store: serves 1,2 -> 1"
    );
    assert_eq!(waves(&all), ["web", "cart,user", "store"]);
    let cart = format!(
        "{BACK} | cart: serves 1,2 -> 1; calls store 2 -> 1 | user: serves 1,2; calls store 2 | store: serves 1,2"
    );
    assert_eq!(waves(&cart), ["web", "cart"]);
    let web = format!("{BACK} | cart: serves 1,2 | user: serves 1,2 | store: serves 1,2");
    assert_eq!(waves(&web), ["web"]);
}

#[test]
fn of_optional_orders_that_exclude_each_other_the_heavier_is_kept() {
    let text = "web: serves 1 -> 1,2; calls reco optional 1 -> 2 \
        | reco: serves 1 -> 1,2; calls web optional 1 -> 2";
    let first = |text: &str| plan(&system_of(text)).waves[0].join(",");
    assert_eq!(first(text), "web");
    assert_eq!(
        first(&text.replace("reco optional", "reco optional weight 5")),
        "reco"
    );
}

#[test]
fn a_cycle_that_calls_which_find_their_version_cure_is_not_named() {
    insta::assert_snapshot!(plan_of(
        "orders: versioned; serves 1 -> 2 | web: calls orders 1 -> 2 \
         | a: serves 1 -> 1,2; calls b 1 -> 2 | b: serves 1 -> 1,2; calls a 1 -> 2"
    ), @r"
    Refused [TG0201]: no safe order exists between a, b
      each would have to be done before the next: a → b → a
      if a goes before b: a@target calls b 2, b@live serves 1
      if b goes before a: b@target calls a 2, a@live serves 1
    Way out: split in two releases, with a revision between for a
      a/expand serves a 1, 2, calls b 1
      Wave 1: a/expand, orders/expand
      Wave 2: b, web
      Wave 3: a/flip, orders/contract
    Or split b instead
    ");
    // Also where both are on one cycle: only what is left is named.
    insta::assert_snapshot!(plan_of(
        "orders: versioned; serves 1 -> 2; calls a 1 -> 2 | web: serves 1 -> 1,2; calls orders 1 -> 2 \
         | a: serves 1 -> 1,2; calls web 1 -> 2"
    ), @r"
    Refused [TG0201]: no safe order exists between a, orders, web
      each would have to be done before the next: a → orders → web → a
      if a goes before web: a@target calls web 2, web@live serves 1
      if orders goes before a: orders@target calls a 2, a@live serves 1
      if web goes before orders: web@target calls orders 2, orders@live serves 1
    Way out: split in two releases, with a revision between for a
      a/expand serves a 1, 2, calls web 1
      Wave 1: a/expand
      Wave 2: orders/expand
      Wave 3: web
      Wave 4: a/flip, orders/contract
    Or split orders instead
    Or split web instead
    ");
}
