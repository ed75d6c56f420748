//! The scenarios of planning.md §10 that the planner covers, by their numbers.

use super::plan_of;

#[test]
fn s01_an_added_version_makes_the_server_go_first() {
    insta::assert_snapshot!(plan_of("orders: serves 1 -> 1,2 | web: calls orders 1 -> 2"), @r"
    Safe: yes. 2 waves. Longest path orders → web.
    Wave 1   may start at once
      ~ orders
          serves orders: 1 → 1, 2
    Wave 2   after wave 1 is done
      ~ web
          calls orders: 1 → 2
          because orders must answer 2 everywhere first: web@target calls orders 2, orders@live serves 1
    ");
}

#[test]
fn s02_a_removed_version_makes_the_client_go_first() {
    insta::assert_snapshot!(plan_of("orders: serves 1,2 -> 2 | web: calls orders 1 -> 2"), @r"
    Safe: yes. 2 waves. Longest path web → orders.
    Wave 1   may start at once
      ~ web
          calls orders: 1 → 2
    Wave 2   after wave 1 is done
      ~ orders
          serves orders: 1, 2 → 2
          because web must stop calling orders 1 everywhere first: web@live calls orders 1, orders@target serves 2
    ");
}

#[test]
fn s03_a_replaced_version_has_no_order_and_only_the_server_can_be_split() {
    insta::assert_snapshot!(plan_of("orders: serves 1 -> 2 | web: calls orders 1 -> 2"), @r"
    Refused [TG0203]: no safe order exists between orders, web
      each would have to be done before the next: orders → web → orders
      if web goes before orders: web@target calls orders 2, orders@live serves 1
      if orders goes before web: web@live calls orders 1, orders@target serves 2
    Way out: split in two releases, with a revision between for orders
      orders/expand serves orders 1, 2, calls nothing
      Wave 1: orders/expand
      Wave 2: web
      Wave 3: orders/contract
    Splitting web does not help: its one change comes both too early and too late
    ");
}

#[test]
fn s04_equal_contracts_need_no_order() {
    insta::assert_snapshot!(plan_of(
        "a: serves 1; calls b 1; image | b: serves 1; calls a 1; image | c: calls a 1; calls b 1; image"
    ), @r"
    Safe: yes. 1 wave.
    Wave 1   may start at once
      ~ a
      ~ b
      ~ c
    ");
}

#[test]
fn s05_a_chain_goes_from_its_end() {
    insta::assert_snapshot!(plan_of(
        "a: calls b 1 -> 2 | b: serves 1 -> 1,2; calls c 1 -> 2 | c: serves 1 -> 1,2"
    ), @r"
    Safe: yes. 3 waves. Longest path c → b → a.
    Wave 1   may start at once
      ~ c
          serves c: 1 → 1, 2
    Wave 2   after wave 1 is done
      ~ b
          serves b: 1 → 1, 2
          calls c: 1 → 2
          because c must answer 2 everywhere first: b@target calls c 2, c@live serves 1
    Wave 3   after wave 2 is done
      ~ a
          calls b: 1 → 2
          because b must answer 2 everywhere first: a@target calls b 2, b@live serves 1
    ");
}

#[test]
fn s06_a_diamond_has_three_waves() {
    insta::assert_snapshot!(plan_of(DIAMOND), @r"
    Safe: yes. 3 waves. Longest path store → cart → web.
    Wave 1   may start at once
      ~ store
          serves store: 1 → 1, 2
    Wave 2   after wave 1 is done
      ~ cart
          serves cart: 1 → 1, 2
          calls store: 1 → 2
          because store must answer 2 everywhere first: cart@target calls store 2, store@live serves 1
      ~ user
          serves user: 1 → 1, 2
          calls store: 1 → 2
          because store must answer 2 everywhere first: user@target calls store 2, store@live serves 1
    Wave 3   after wave 2 is done
      ~ web
          calls cart: 1 → 2
          calls user: 1 → 2
          because cart must answer 2 everywhere first: web@target calls cart 2, cart@live serves 1
          because user must answer 2 everywhere first: web@target calls user 2, user@live serves 1
    ");
}

const DIAMOND: &str = "store: serves 1 -> 1,2 | cart: serves 1 -> 1,2; calls store 1 -> 2 \
    | user: serves 1 -> 1,2; calls store 1 -> 2 | web: calls cart 1 -> 2; calls user 1 -> 2";

#[test]
fn s06_the_document_is_the_one_that_scripts_read() {
    let system = super::system_of(DIAMOND);
    let plan = crate::plan::plan(&system);
    insta::assert_snapshot!(plan.to_json().unwrap());
    let read: crate::plan::Plan = serde_json::from_str(&plan.to_json().unwrap()).unwrap();
    assert_eq!(read, plan);
}

#[test]
fn s03_the_document_of_a_refusal_can_be_read_back() {
    let system = super::system_of("orders: serves 1 -> 2 | web: calls orders 1 -> 2");
    let plan = crate::plan::plan(&system);
    insta::assert_snapshot!(plan.to_json().unwrap());
    let read: crate::plan::Plan = serde_json::from_str(&plan.to_json().unwrap()).unwrap();
    assert_eq!(read, plan);
}

#[test]
fn s07_two_that_call_each_other_are_refused_with_one_split() {
    insta::assert_snapshot!(plan_of(
        "a: serves 1 -> 1,2; calls b 1 -> 2 | b: serves 1 -> 1,2; calls a 1 -> 2"
    ), @r"
    Refused [TG0201]: no safe order exists between a, b
      each would have to be done before the next: a → b → a
      if a goes before b: a@target calls b 2, b@live serves 1
      if b goes before a: b@target calls a 2, a@live serves 1
    Way out: split in two releases, with a revision between for a
      a/expand serves a 1, 2, calls b 1
      Wave 1: a/expand
      Wave 2: b
      Wave 3: a/flip
    Or split b instead
    ");
}

#[test]
fn s08_a_call_cycle_is_no_cycle_of_precedences() {
    insta::assert_snapshot!(plan_of(
        "a: serves 1; calls b 1 -> 2 | b: serves 1 -> 1,2; calls a 1"
    ), @r"
    Safe: yes. 2 waves. Longest path b → a.
    Wave 1   may start at once
      ~ b
          serves b: 1 → 1, 2
    Wave 2   after wave 1 is done
      ~ a
          calls b: 1 → 2
          because b must answer 2 everywhere first: a@target calls b 2, b@live serves 1
    ");
}

#[test]
fn s09_a_ring_needs_one_split_and_four_waves() {
    insta::assert_snapshot!(plan_of(
        "a: serves 1 -> 1,2; calls b 1 -> 2 | b: serves 1 -> 1,2; calls c 1 -> 2 \
         | c: serves 1 -> 1,2; calls a 1 -> 2"
    ), @r"
    Refused [TG0201]: no safe order exists between a, b, c
      each would have to be done before the next: a → c → b → a
      if a goes before b: a@target calls b 2, b@live serves 1
      if b goes before c: b@target calls c 2, c@live serves 1
      if c goes before a: c@target calls a 2, a@live serves 1
    Way out: split in two releases, with a revision between for a
      a/expand serves a 1, 2, calls b 1
      Wave 1: a/expand
      Wave 2: c
      Wave 3: b
      Wave 4: a/flip
    Or split b instead
    Or split c instead
    ");
}

#[test]
fn s10_a_client_that_learns_both_versions_goes_before_a_replaced_one() {
    insta::assert_snapshot!(plan_of("s: serves 1 -> 2 | c: calls s 1 -> any 1,2"), @r"
    Safe: yes. 2 waves. Longest path c → s.
    Wave 1   may start at once
      ~ c
          calls s: 1 → any of 1, 2
    Wave 2   after wave 1 is done
      ~ s
          serves s: 1 → 2
          because c must stop calling s 1 everywhere first: c@live calls s 1, s@target serves 2
    ");
}

#[test]
fn s11_a_client_that_speaks_both_needs_no_order() {
    insta::assert_snapshot!(plan_of("s: serves 1 -> 2 | c: calls s any 1,2; image"), @r"
    Safe: yes. 1 wave.
    Wave 1   may start at once
      ~ c
      ~ s
          serves s: 1 → 2
    ");
}

#[test]
fn s12_a_new_callee_is_there_first() {
    insta::assert_snapshot!(plan_of("tax: new; serves 1 | checkout: calls tax - -> 1"), @r"
    Safe: yes. 2 waves. Longest path tax → checkout.
    Wave 1   may start at once
      + tax   new
          serves tax: - → 1
    Wave 2   after wave 1 is done
      ~ checkout
          calls tax: - → 1
          because tax must be there first: checkout@target calls tax 1, and no tax runs
    ");
}

#[test]
fn s13_a_deleted_callee_goes_last() {
    insta::assert_snapshot!(plan_of("legacy: deleted; serves 1 | web: calls legacy 1 -> -"), @r"
    Safe: yes. 2 waves. Longest path web → legacy.
    Wave 1   may start at once
      ~ web
          calls legacy: 1 → -
    Wave 2   after wave 1 is done
      - legacy   deleted
          serves legacy: 1 → -
          because web must stop calling legacy everywhere first: web@live calls legacy 1, and no legacy will run
    ");
}

#[test]
fn s14_a_version_that_nobody_will_serve_is_refused() {
    insta::assert_snapshot!(plan_of("orders: serves 1 | web: calls orders 1 -> 2"), @r"
    Refused [TG0202]: the release would end unsafe, whatever the order
      web@target calls orders 2, orders@live serves 1; no release of orders serves 2 in this plan: let it, or release a web that does not need it
    ");
}

#[test]
fn s15_only_the_caller_that_stays_behind_is_named() {
    insta::assert_snapshot!(plan_of(
        "orders: serves 1,2 -> 2 | web: calls orders 1 -> 2 | report: calls orders 1"
    ), @r"
    Refused [TG0202]: the release would end unsafe, whatever the order
      report@live calls orders 1, orders@target serves 2; no release of orders serves 1 in this plan: let it, or release a report that does not need it
    ");
}

#[test]
fn s16_what_is_broken_already_is_refused() {
    insta::assert_snapshot!(plan_of("orders: serves 1 -> 1,2 | web: calls orders 2; image"), @r"
    Refused [TG0204]: what runs now is already unsafe
      web@live calls orders 2, orders@live serves 1; repair web or orders first
    ");
}

#[test]
fn s17_an_optional_order_is_given_up_rather_than_refused() {
    insta::assert_snapshot!(plan_of(
        "web: serves 1 -> 1,2; calls reco optional 1 -> 2 | reco: serves 1 -> 1,2; calls web optional 1 -> 2"
    ), @r"
    Safe: yes. 2 waves. Longest path web → reco.
    Wave 1   may start at once
      ~ web
          serves web: 1 → 1, 2
          calls reco: 1 → 2
    Wave 2   after wave 1 is done
      ~ reco
          serves reco: 1 → 1, 2
          calls web: 1 → 2
          because web must answer 2 everywhere first: reco@target calls web 2, web@live serves 1
    warning: optional calls fail from the first new pod of web to the last old pod of reco: reco must answer 2 everywhere first: web@target calls reco 2, reco@live serves 1 [TG0208]
    ");
}

#[test]
fn s18_an_external_caller_is_never_finished() {
    insta::assert_snapshot!(plan_of("mobile: external; calls gateway 1 | gateway: serves 1 -> 2"), @r"
    Refused [TG0202]: the release would end unsafe, whatever the order
      mobile@live calls gateway 1, gateway@target serves 2; mobile is deployed elsewhere and never finished: keep 1 in gateway until its calls are seen to have stopped, then write what shows it as `ended` of mobile
    ");
    insta::assert_snapshot!(plan_of("mobile: external; calls gateway 1 | gateway: serves 1 -> 1,2"), @r"
    Safe: yes. 1 wave.
    Wave 1   may start at once
      ~ gateway
          serves gateway: 1 → 1, 2
    ");
    insta::assert_snapshot!(plan_of("mobile: external; calls gateway 1 -> 2 | gateway: serves 1 -> 1,2"), @r"
    Safe: yes. 1 wave.
    Wave 1   may start at once
      ~ gateway
          serves gateway: 1 → 1, 2
    warning: mobile is deployed elsewhere: what it is declared to call from now on works only once gateway is done [TG0208]
    ");
    insta::assert_snapshot!(plan_of("mobile: external; calls gateway 1 -> 2 | gateway: serves 1,2 -> 2"), @r"
    Refused [TG0202]: the release would end unsafe, whatever the order
      mobile@live calls gateway 1, gateway@target serves 2; mobile is deployed elsewhere and never finished: keep 1 in gateway until its calls are seen to have stopped, then write what shows it as `ended` of mobile
    ");
}

#[test]
fn s19_consumers_go_before_their_producer() {
    insta::assert_snapshot!(plan_of(
        "accounting: serves events 1 -> 1,2 | fraud: serves events 1 -> 1,2 \
         | checkout: calls accounting/events all 1 -> all 2; calls fraud/events all 1 -> all 2"
    ), @r"
    Safe: yes. 2 waves. Longest path accounting → checkout.
    Wave 1   may start at once
      ~ accounting
          serves accounting/events: 1 → 1, 2
      ~ fraud
          serves fraud/events: 1 → 1, 2
    Wave 2   after wave 1 is done
      ~ checkout
          calls accounting/events: all of 1 → all of 2
          calls fraud/events: all of 1 → all of 2
          because accounting must answer events 2 everywhere first: checkout@target calls accounting/events all of 2, accounting@live serves 1
          because fraud must answer events 2 everywhere first: checkout@target calls fraud/events all of 2, fraud@live serves 1
    ");
}

#[test]
fn s21_a_schema_job_that_adds_goes_first() {
    insta::assert_snapshot!(plan_of("schema: job; serves 1 -> 1,2 | app: calls schema 1 -> 2"), @r"
    Safe: yes. 2 waves. Longest path schema → app.
    Wave 1   may start at once
      ~ schema   job
          serves schema: 1 → 1, 2
    Wave 2   after wave 1 is done
      ~ app
          calls schema: 1 → 2
          because schema must answer 2 everywhere first: app@target calls schema 2, schema@live serves 1
    ");
}

#[test]
fn s22_a_schema_job_that_drops_goes_last() {
    insta::assert_snapshot!(plan_of("schema: job; serves 1,2 -> 2 | app: calls schema 1 -> 2"), @r"
    Safe: yes. 2 waves. Longest path app → schema.
    Wave 1   may start at once
      ~ app
          calls schema: 1 → 2
    Wave 2   after wave 1 is done
      ~ schema   job
          serves schema: 1, 2 → 2
          because app must stop calling schema 1 everywhere first: app@live calls schema 1, schema@target serves 2
    warning: point of no return before schema: its Job takes away schema 1, and no way back brings that again [TG0209]
    ");
}

#[test]
fn s30_a_client_that_may_use_both_versions_needs_both_everywhere() {
    insta::assert_snapshot!(plan_of("s: serves 1 -> 1,2 | c: calls s 1 -> all 1,2"), @r"
    Safe: yes. 2 waves. Longest path s → c.
    Wave 1   may start at once
      ~ s
          serves s: 1 → 1, 2
    Wave 2   after wave 1 is done
      ~ c
          calls s: 1 → all of 1, 2
          because s must answer 2 everywhere first: c@target calls s all of 1, 2, s@live serves 1
    ");
}

#[test]
fn s31_a_downgrade_takes_its_direction_from_the_contracts() {
    insta::assert_snapshot!(plan_of("s: serves 1,2 -> 1 | c: calls s 2 -> 1"), @r"
    Safe: yes. 2 waves. Longest path c → s.
    Wave 1   may start at once
      ~ c
          calls s: 2 → 1
    Wave 2   after wave 1 is done
      ~ s
          serves s: 1, 2 → 1
          because c must stop calling s 2 everywhere first: c@live calls s 2, s@target serves 1
    ");
}
