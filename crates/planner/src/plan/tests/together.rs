//! Services that come, or go, and call each other.

use super::{faults_of, plan_of, system_of};
use crate::plan::{check, plan};

const BOTH: &str = "user: new; serves 1; calls graph 1 | graph: new; serves 1; calls user 1";

#[test]
fn two_new_services_that_call_each_other_start_together() {
    insta::assert_snapshot!(plan_of(BOTH), @r"
    Safe: yes. 1 wave.
    Wave 1   may start at once
      + graph   new
          serves graph: - → 1
          calls user: - → 1
      + user   new
          serves user: - → 1
          calls graph: - → 1
    warning: graph, user call each other and are installed together: their calls may fail until all of them serve [TG0213]
    ");
}

#[test]
fn what_one_of_them_waits_for_all_of_them_wait_for() {
    let text = format!("{BOTH}; calls store 1 | store: new; serves 1 | web: calls user - -> 1");
    insta::assert_snapshot!(plan_of(&text), @r"
    Safe: yes. 3 waves. Longest path store → user → web.
    Wave 1   may start at once
      + store   new
          serves store: - → 1
    Wave 2   after wave 1 is done
      + graph   new
          serves graph: - → 1
          calls store: - → 1
          calls user: - → 1
          because store must be there first: graph@target calls store 1, and no store runs
      + user   new
          serves user: - → 1
          calls graph: - → 1
    Wave 3   after wave 2 is done
      ~ web
          calls user: - → 1
          because user must be there first: web@target calls user 1, and no user runs
    warning: graph, user call each other and are installed together: their calls may fail until all of them serve [TG0213]
    ");
}

#[test]
fn services_that_call_each_other_go_together() {
    let text = "user: deleted; serves 1; calls graph 1 | graph: deleted; serves 1; calls user 1";
    insta::assert_snapshot!(plan_of(text), @r"
    Safe: yes. 1 wave.
    Wave 1   may start at once
      - graph   deleted
          serves graph: 1 → -
          calls user: 1 → -
      - user   deleted
          serves user: 1 → -
          calls graph: 1 → -
    warning: graph, user call each other and go together: their calls may fail until all are gone [TG0213]
    ");
}

#[test]
fn new_services_of_which_one_must_go_before_the_other_by_hand_have_no_order() {
    insta::assert_snapshot!(plan_of(&format!("{BOTH}; after user")), @r"
    Refused [TG0201]: no safe order exists between graph, user
      each would have to be done before the next: graph → user → graph
      if graph goes before user: graph@target calls user 1, and no user runs
      if user goes before graph: user@target calls graph 1, and no graph runs
      graph declares `after: [user]`
      `after: [user]` of graph alone closes the cycle; without it the contracts have an order
    ");
}

#[test]
fn new_services_that_never_move_at_the_same_time_cannot_start_together() {
    let text = BOTH.replace("serves 1", "serves 1; exclusive db");
    insta::assert_snapshot!(plan_of(&text), @r"
    Refused [TG0201]: no safe order exists between graph, user
      each would have to be done before the next: graph → user → graph
      if graph goes before user: graph@target calls user 1, and no user runs
      if user goes before graph: user@target calls graph 1, and no graph runs
    Way out: split in two releases, with a revision between for graph
      graph/expand serves graph 1, calls nothing
      Wave 1: graph/expand
      Wave 2: user
      Wave 3: graph/flip
    Or split user instead
    ");
}

#[test]
fn one_that_starts_later_than_its_partner_is_found() {
    let system = system_of(BOTH);
    let later = faults_of(&system, plan(&system), |plan| {
        let last = plan.waves[0].pop().unwrap();
        plan.waves.push(vec![last]);
    });
    insta::assert_snapshot!(later, @"wave 1: graph@target may call user@absent (user) and fail");
    let text = format!("{BOTH} | store: image");
    let system = system_of(&text);
    let waiting = faults_of(&system, plan(&system), |plan| {
        let last = plan.waves[0].pop().unwrap();
        plan.waves.push(vec![last]);
        plan.steps[2].after.push("store".to_owned());
    });
    insta::assert_snapshot!(waiting, @r"
    wave 1: graph@target may call user@absent (user) and fail
    nothing keeps graph and user from moving together when services advance one by one
    ");
}

#[test]
fn of_services_that_go_together_none_goes_before_the_others() {
    let text = "user: deleted; serves 1; calls graph 1 | graph: deleted; serves 1; calls user 1";
    let system = system_of(text);
    assert_eq!(check(&system, &plan(&system)), Ok(()));
    let later = faults_of(&system, plan(&system), |plan| {
        let last = plan.waves[0].pop().unwrap();
        plan.waves.push(vec![last]);
    });
    insta::assert_snapshot!(later, @"wave 1: user@live may call graph@absent (graph) and fail");
}

#[test]
fn two_that_wait_for_each_other_in_two_ways_are_named_once() {
    // Each keeps its old pods beside the new ones, so the two go round twice: once when they come, once when they go.
    let text = "pa: versioned; serves 1 -> 2; calls pb 1 -> 2 | pb: versioned; serves 1 -> 2; calls pa 1 -> 2";
    let told = plan_of(text);
    let head: Vec<&str> = told.lines().take(3).collect();
    insta::assert_snapshot!(head.join("\n"), @r"
    Refused [TG0203]: no safe order exists between pa, pb
      each would have to be done before the next: pa → pb → pa
      if pa goes before pb: pa@target calls pb 2, pb@live serves 1
    ");
}

#[test]
fn of_two_new_services_the_one_that_can_do_without_the_other_starts_first() {
    insta::assert_snapshot!(plan_of("a: new; serves 1; calls b 1 | b: new; serves 1; calls a optional 1"), @r"
    Safe: yes. 2 waves. Longest path b → a.
    Wave 1   may start at once
      + b   new
          serves b: - → 1
          calls a: - → 1
    Wave 2   after wave 1 is done
      + a   new
          serves a: - → 1
          calls b: - → 1
          because b must be there first: a@target calls b 1, and no b runs
    warning: optional calls fail from the first new pod of b to the last old pod of a: a must be there first: b@target calls a 1, and no a runs [TG0208]
    ");
}

#[test]
fn new_services_of_which_one_waits_by_hand_for_a_third_start_together_behind_it() {
    let plan = plan(&system_of(&format!("{BOTH}; after store | store: image")));
    assert_eq!(plan.waves, [vec!["store"], vec!["graph", "user"]]);
}

#[test]
fn services_that_would_go_together_on_a_cycle_with_another_are_split_from_each_other() {
    insta::assert_snapshot!(plan_of(
        "a: serves 1 -> 2; calls b 1 -> - | b: deleted; serves 1; calls d 1 \
         | d: deleted; serves 1; calls b 1; calls a 1"
    ), @r"
    Refused [TG0201]: no safe order exists between a, d
      each would have to be done before the next: a → d → a
      if a goes before d: d@live calls a 1, a@target serves 2
      if b goes before a: a@live calls b 1, and no b will run
      b, d call each other and move together, so what one of them waits for, all wait for
    Way out: split in two releases, with a revision between for d
      d/flip serves d 1, calls nothing
      Wave 1: d/flip
      Wave 2: a
      Wave 3: b
      Wave 4: d/contract
    Or split b instead
    ");
}

#[test]
fn services_that_would_start_together_on_a_cycle_with_another_are_split_from_each_other() {
    insta::assert_snapshot!(plan_of(
        "a: serves 1 -> 2; calls b - -> 1 | b: new; serves 1; calls d 1 | d: new; serves 1; calls b 1; calls a 2"
    ), @r"
    Refused [TG0201]: no safe order exists between a, b
      each would have to be done before the next: a → b → a
      if a goes before b: a@target calls b 1, and no b runs
      if d goes before a: d@target calls a 2, a@live serves 1
      b, d call each other and move together, so what one of them waits for, all wait for
    Way out: split in two releases, with a revision between for d
      d/expand serves d 1, calls nothing
      Wave 1: d/expand
      Wave 2: b
      Wave 3: a
      Wave 4: d/flip
    Or split b instead
    ");
}

#[test]
fn a_cycle_is_split_beside_services_that_start_together() {
    let text = format!("{BOTH} | orders: serves 1 -> 2 | web: calls orders 1 -> 2");
    insta::assert_snapshot!(plan_of(&text), @r"
    Refused [TG0203]: no safe order exists between orders, web
      each would have to be done before the next: orders → web → orders
      if web goes before orders: web@target calls orders 2, orders@live serves 1
      if orders goes before web: web@live calls orders 1, orders@target serves 2
    Way out: split in two releases, with a revision between for orders
      orders/expand serves orders 1, 2, calls nothing
      Wave 1: graph, orders/expand, user
      Wave 2: web
      Wave 3: orders/contract
    Splitting web does not help: its one change comes both too early and too late
    ");
}

#[test]
fn a_service_is_split_from_callers_that_go_together() {
    let text = "b: serves 3 -> 2 | c: deleted; serves 1; calls b 3; calls d 1 | d: deleted; serves 1; calls c 1 \
        | e: calls b 3 -> 2";
    insta::assert_snapshot!(plan_of(text), @r"
    Refused [TG0203]: no safe order exists between b, e
      each would have to be done before the next: b → e → b
      if e goes before b: e@target calls b 2, b@live serves 3
      if b goes before e: e@live calls b 3, b@target serves 2
    Way out: split in two releases, with a revision between for b
      b/expand serves b 2, 3, calls nothing
      Wave 1: b/expand, c, d
      Wave 2: e
      Wave 3: b/contract
    Splitting e does not help: its one change comes both too early and too late
    ");
}
