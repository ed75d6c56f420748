//! Half-done releases, undeclared contracts, orders by hand, ranges and callers that remember.

use super::{faults_of, plan_of, system_of};
use crate::plan::{check, plan};

#[test]
fn s26_a_half_done_release_and_a_hotfix_that_drops_are_refused() {
    insta::assert_snapshot!(plan_of("orders: serves 1 + 1,2 -> 2 | web: calls orders 1 -> 2"), @r"
    Refused [TG0203]: no safe order exists between orders, web
      each would have to be done before the next: orders → web → orders
      if web goes before orders: web@target calls orders 2, orders@live0 serves 1
      if orders goes before web: web@live calls orders 1, orders@target serves 2
    Way out: split in two releases, with a revision between for orders
      orders/expand serves orders 1, 2, calls nothing
      Wave 1: orders/expand
      Wave 2: web
      Wave 3: orders/contract
    Splitting web does not help: its one change comes both too early and too late
    ");
    insta::assert_snapshot!(plan_of("orders: serves 1 + 1,2 -> 1,2 | web: calls orders 1 -> 2"), @r"
    Safe: yes. 2 waves. Longest path orders → web.
    Wave 1   may start at once
      ~ orders
          serves orders: 1 | 1, 2 → 1, 2
    Wave 2   after wave 1 is done
      ~ web
          calls orders: 1 → 2
          because orders must answer 2 everywhere first: web@target calls orders 2, orders@live0 serves 1
    ");
}

#[test]
fn s27_an_undeclared_contract_is_assumed_or_refused() {
    insta::assert_snapshot!(plan_of("a: calls b ?; image | b: undeclared; image"), @r"
    Safe as far as contracts are declared; 1 edge is assumed. 2 waves. Longest path b → a.
    Wave 1   may start at once
      ~ b
    Wave 2   after wave 1 is done
      ~ a
          because b is assumed to go first: nobody declared what a@target and b@live speak (b)
    warning: assumed, not proved, for want of a declared contract: a → b [TG0207]
    ");
    insta::assert_snapshot!(plan_of("strict | a: calls b ?; image | b: undeclared; image"), @r"
    Refused [TG0206]: a contract is not declared, and nothing may be assumed
      nobody declared in which versions a calls b, or what b serves: declare it, or set `assume: serverFirst`
    ");
}

#[test]
fn s27_assumed_cycles_share_a_wave_unproven() {
    insta::assert_snapshot!(plan_of(
        "a: serves a 1; calls b ?; image | b: serves b 1; calls a ?; calls c ?; image \
         | c: serves c 1; image | d: calls a ?; image"
    ), @r"
    Safe as far as contracts are declared; 4 edges are assumed. 3 waves. Longest path a → d.
    Wave 1   may start at once
      ~ c
    Wave 2   after wave 1 is done
      ~ a
      ~ b
          because c is assumed to go first: nobody declared what b@target and c@live speak (c)
    Wave 3   after wave 2 is done
      ~ d
          because a is assumed to go first: nobody declared what d@target and a@live speak (a)
    warning: assumed, not proved, for want of a declared contract: a → b, b → a, b → c, d → a [TG0207]
    warning: unproven: a, b call each other by undeclared contracts and move in one wave [TG0207]
    ");
}

#[test]
fn s27_what_is_declared_wins_over_what_is_assumed() {
    insta::assert_snapshot!(plan_of(
        "a: serves 1 -> 1,2; calls b ? | b: serves 1; calls a 1 -> 2"
    ), @r"
    Safe as far as contracts are declared; 1 edge is assumed. 2 waves. Longest path a → b.
    Wave 1   may start at once
      ~ a
          serves a: 1 → 1, 2
    Wave 2   after wave 1 is done
      ~ b
          calls a: 1 → 2
          because a must answer 2 everywhere first: b@target calls a 2, a@live serves 1
    warning: assumed, not proved, for want of a declared contract: a → b [TG0207]
    warning: unproven: b is not held before a, what is declared forbids it [TG0207]
    ");
}

#[test]
fn a_service_that_cannot_read_its_own_old_data_is_a_self_conflict() {
    insta::assert_snapshot!(plan_of("cache: serves 1 -> 2; calls cache 1 -> 2"), @r"
    Refused [TG0205]: a service cannot run beside its own new revision
      cache@target calls cache 2, cache@live serves 1; pods of both revisions of cache run while it rolls: first release one that serves both
      cache@live calls cache 1, cache@target serves 2; pods of both revisions of cache run while it rolls: first release one that serves both
    Way out: split in three releases, with a revision between for cache
      cache/expand serves cache 1, 2, calls cache 1
      cache/flip serves cache 1, 2, calls cache 2
      Wave 1: cache/expand
      Wave 2: cache/flip
      Wave 3: cache/contract
    ");
    insta::assert_snapshot!(plan_of("cache: new; serves 1; calls cache 1"), @r"
    Safe: yes. 1 wave.
    Wave 1   may start at once
      + cache   new
          serves cache: - → 1
          calls cache: - → 1
    ");
}

#[test]
fn a_manual_order_is_kept_and_blamed_alone() {
    insta::assert_snapshot!(plan_of("orders: serves 1; image | web: image; after orders"), @r"
    Safe: yes. 2 waves. Longest path orders → web.
    Wave 1   may start at once
      ~ orders
    Wave 2   after wave 1 is done
      ~ web
          because web declares `after: [orders]`
    ");
    insta::assert_snapshot!(plan_of("orders: serves 1 -> 1,2; after web | web: calls orders 1 -> 2"), @r"
    Refused [TG0201]: no safe order exists between orders, web
      each would have to be done before the next: orders → web → orders
      if web goes before orders: web@target calls orders 2, orders@live serves 1
      orders declares `after: [web]`
      `after: [web]` of orders alone closes the cycle; without it the contracts have an order
    ");
}

#[test]
fn semver_ranges_need_an_order_only_where_they_leave_what_is_served() {
    insta::assert_snapshot!(plan_of("s: serves 1.4 -> 1.5 | c: calls s ^1.2 -> ^1.5"), @r"
    Safe: yes. 2 waves. Longest path s → c.
    Wave 1   may start at once
      ~ s
          serves s: 1.4 → 1.5
    Wave 2   after wave 1 is done
      ~ c
          calls s: ^1.2 → ^1.5
          because s must answer ^1.5 everywhere first: c@target calls s ^1.5, s@live serves 1.4
    ");
    insta::assert_snapshot!(plan_of("s: serves 1.4 -> 1.5 | c: calls s ^1.2 -> >=1.3,<2"), @r"
    Safe: yes. 1 wave.
    Wave 1   may start at once
      ~ c
          calls s: ^1.2 → >=1.3,<2
      ~ s
          serves s: 1.4 → 1.5
    ");
}

#[test]
fn a_client_that_remembers_what_it_agreed_on_cannot_live_with_a_mixed_server() {
    insta::assert_snapshot!(plan_of("s: serves 1 -> 1,2 | c: calls s cached 1,2"), @r"
    Refused [TG0203]: a caller that does not move remembers what it agreed on
      c@live calls s any of 1, 2 and keeps what it agreed on first, s@target serves other versions of them than the pods beside it; c does not move, so no order of the two helps: let c choose for every call, or pin its version while s rolls
    ");
    insta::assert_snapshot!(plan_of("s: serves 1 -> 1,2 | c: calls s 1 -> cached 1,2"), @r"
    Safe: yes. 2 waves. Longest path s → c.
    Wave 1   may start at once
      ~ s
          serves s: 1 → 1, 2
    Wave 2   after wave 1 is done
      ~ c
          calls s: 1 → any of 1, 2
          because s must be of one revision first: c@target calls s any of 1, 2 and keeps what it agreed on first, s@target serves other versions of them than the pods beside it
    ");
}

#[test]
fn a_service_that_calls_itself_in_a_new_version_is_split_in_two_steps_and_in_three_where_it_drops()
{
    insta::assert_snapshot!(plan_of("a: serves 1 -> 1,2; calls a 1 -> 2"), @r"
    Refused [TG0205]: a service cannot run beside its own new revision
      a@target calls a 2, a@live serves 1; pods of both revisions of a run while it rolls: first release one that serves both
    Way out: split in two releases, with a revision between for a
      a/expand serves a 1, 2, calls a 1
      Wave 1: a/expand
      Wave 2: a/flip
    ");
    insta::assert_snapshot!(plan_of("a: serves 1 -> 2; calls a 1 -> 2"), @r"
    Refused [TG0205]: a service cannot run beside its own new revision
      a@target calls a 2, a@live serves 1; pods of both revisions of a run while it rolls: first release one that serves both
      a@live calls a 1, a@target serves 2; pods of both revisions of a run while it rolls: first release one that serves both
    Way out: split in three releases, with a revision between for a
      a/expand serves a 1, 2, calls a 1
      a/flip serves a 1, 2, calls a 2
      Wave 1: a/expand
      Wave 2: a/flip
      Wave 3: a/contract
    ");
}

#[test]
fn a_service_that_calls_itself_on_a_cycle_is_split_whatever_else_is() {
    insta::assert_snapshot!(plan_of(
        "a: serves 1 -> 2; calls a 1 -> 2; calls b 1 -> 2 | b: serves 1 -> 2; calls a 1 -> 2"
    ), @r"
    Refused [TG0205]: a service cannot run beside its own new revision
      a@target calls a 2, a@live serves 1; pods of both revisions of a run while it rolls: first release one that serves both
      a@live calls a 1, a@target serves 2; pods of both revisions of a run while it rolls: first release one that serves both
      each would have to be done before the next: a → b → a
    Way out: split in three releases, with a revision between for a, b
      a/expand serves a 1, 2, calls a 1; b 1
      b/expand serves b 1, 2, calls a 1
      a/flip serves a 1, 2, calls a 2; b 2
      Wave 1: a/expand, b/expand
      Wave 2: a/flip
      Wave 3: b/flip
      Wave 4: a/contract
    ");
}

#[test]
fn each_alternative_of_two_cycles_is_a_whole_set() {
    insta::assert_snapshot!(plan_of(
        "a: serves 1 -> 1,2; calls b 1 -> 2 | b: serves 1 -> 1,2; calls a 1 -> 2 \
         | x: serves 1 -> 2 | y: calls x 1 -> 2"
    ), @r"
    Refused [TG0203]: no safe order exists between a, b, x, y
      each would have to be done before the next: a → b → a
      each would have to be done before the next: x → y → x
      if a goes before b: a@target calls b 2, b@live serves 1
      if b goes before a: b@target calls a 2, a@live serves 1
      if y goes before x: y@target calls x 2, x@live serves 1
      if x goes before y: y@live calls x 1, x@target serves 2
    Way out: split in two releases, with a revision between for a, x
      a/expand serves a 1, 2, calls b 1
      x/expand serves x 1, 2, calls nothing
      Wave 1: a/expand, x/expand
      Wave 2: b, y
      Wave 3: a/flip, x/contract
    Or split b, x instead
    ");
}

#[test]
fn a_repair_that_leaves_a_caller_broken_says_so() {
    insta::assert_snapshot!(plan_of("repair | orders: serves 1 -> 1,3 | web: calls orders 2"), @r"
    A repair: nothing breaks that works now. 1 wave.
    Wave 1   may start at once
      ~ orders
          serves orders: 1 → 1, 3
    warning: calls of web@live to orders@live fail already; web does not move, so they fail when all is done too [TG0211]
    ");
}

#[test]
fn a_caller_that_remembers_hides_no_split_that_it_can_bear() {
    insta::assert_snapshot!(plan_of("s: serves 1 -> 2 | c: calls s cached 1 -> cached 2"), @r"
    Refused [TG0203]: no safe order exists between c, s
      each would have to be done before the next: c → s → c
      if c goes before s: c@target calls s any of 2, s@live serves 1
      if s goes before c: c@live calls s any of 1, s@target serves 2
    Way out: split in two releases, with a revision between for s
      s/expand serves s 1, 2, calls nothing
      Wave 1: s/expand
      Wave 2: c
      Wave 3: s/contract
    Splitting c does not help: its one change comes both too early and too late
    ");
}

#[test]
fn a_caller_that_remembers_may_go_on_while_a_version_is_added_that_it_does_not_speak() {
    insta::assert_snapshot!(plan_of(
        "s: serves 1,2 -> 2,3 | c: calls s cached 1,2 -> cached 2,3"
    ), @r"
    Refused [TG0203]: no safe order exists between c, s
      each would have to be done before the next: c → s → c
      if c goes before s: c@target calls s any of 2, 3 and keeps what it agreed on first, s@target serves other versions of them than the pods beside it
      if s goes before c: c@live calls s any of 1, 2 and keeps what it agreed on first, s@target serves other versions of them than the pods beside it
    Way out: split in two releases, with a revision between for s
      s/expand serves s 1, 2, 3, calls nothing
      Wave 1: s/expand
      Wave 2: c
      Wave 3: s/contract
    Splitting c does not help: its one change comes both too early and too late
    ");
}

#[test]
fn what_goes_is_told_apart_from_what_is_not_there() {
    insta::assert_snapshot!(plan_of("web: calls legacy 1 -> - | legacy: serves 1; deleted"), @r"
    Safe: yes. 2 waves. Longest path web → legacy.
    Wave 1   may start at once
      ~ web
          calls legacy: 1 → -
    Wave 2   after wave 1 is done
      - legacy   deleted
          serves legacy: 1 → -
          because web must stop calling legacy everywhere first: web@live calls legacy 1, and no legacy will run
    ");
    insta::assert_snapshot!(plan_of("web: calls legacy 1; image | legacy: serves 1; deleted"), @r"
    Refused [TG0202]: the release would end unsafe, whatever the order
      web@target calls legacy 1, and no legacy will run; keep legacy, or take the call out of web
    ");
    insta::assert_snapshot!(plan_of("web: calls legacy - -> 1"), @r"
    Refused [TG0202]: the release would end unsafe, whatever the order
      web@target calls legacy 1, and no legacy will run; keep legacy, or take the call out of web
    ");
}

#[test]
fn who_still_works_somewhere_is_not_given_up_in_a_repair() {
    insta::assert_snapshot!(plan_of("repair | s: serves 1 + 2 -> 2 | c: calls s 1 -> 2"), @r"
    Refused [TG0203]: no safe order exists between c, s
      each would have to be done before the next: c → s → c
      if c goes before s: c@target calls s 2, s@live0 serves 1
      if s goes before c: c@live calls s 1, s@target serves 2
    Way out: split in two releases, with a revision between for s
      s/expand serves s 1, 2, calls nothing
      Wave 1: s/expand
      Wave 2: c
      Wave 3: s/contract
    Splitting c does not help: its one change comes both too early and too late
    ");
}

#[test]
fn an_optional_call_that_fails_already_holds_nobody() {
    insta::assert_snapshot!(plan_of("s: serves 1 + 2 -> 2 | c: calls s optional 1 -> 2"), @r"
    Safe: yes. 2 waves. Longest path s → c.
    Wave 1   may start at once
      ~ s
          serves s: 1 | 2 → 2
    Wave 2   after wave 1 is done
      ~ c
          calls s: 1 → 2
          because s must answer 2 everywhere first: c@target calls s 2, s@live0 serves 1
    ");
    insta::assert_snapshot!(plan_of("s: serves 1,2 -> 2 | c: calls s optional 1 -> 2"), @r"
    Safe: yes. 2 waves. Longest path c → s.
    Wave 1   may start at once
      ~ c
          calls s: 1 → 2
    Wave 2   after wave 1 is done
      ~ s
          serves s: 1, 2 → 2
          because c must stop calling s 1 everywhere first: c@live calls s 1, s@target serves 2
    ");
}

#[test]
fn undeclared_optional_calls_both_ways_are_ordered_one_way_rather_than_not_at_all() {
    insta::assert_snapshot!(plan_of(
        "a: undeclared; image | b: serves b 1; calls a optional ?; image | c: calls b optional ?; serves c 1; image"
    ), @r"
    Safe as far as contracts are declared; 2 edges are assumed. 3 waves. Longest path a → b → c.
    Wave 1   may start at once
      ~ a
    Wave 2   after wave 1 is done
      ~ b
          because a is assumed to go first: nobody declared what b@target and a@live speak (a)
    Wave 3   after wave 2 is done
      ~ c
          because b is assumed to go first: nobody declared what c@target and b@live speak (b)
    warning: assumed, not proved, for want of a declared contract: b → a, c → b [TG0207]
    ");
    insta::assert_snapshot!(plan_of(
        "a: serves a 1; calls b optional ?; image | b: serves b 1; calls a optional ?; image"
    ), @r"
    Safe as far as contracts are declared; 2 edges are assumed. 2 waves. Longest path b → a.
    Wave 1   may start at once
      ~ b
    Wave 2   after wave 1 is done
      ~ a
          because b is assumed to go first: nobody declared what a@target and b@live speak (b)
    warning: assumed, not proved, for want of a declared contract: a → b, b → a [TG0207]
    warning: optional calls fail from the first new pod of b to the last old pod of a: a is assumed to go first: nobody declared what b@target and a@live speak (a) [TG0208]
    ");
}

#[test]
fn a_service_that_calls_itself_finds_no_pod_of_its_version_beside_its_first_new_and_its_last_old_one()
 {
    insta::assert_snapshot!(plan_of("a: serves 1 -> 2; calls a 1 -> 2; versioned"), @r"
    Refused [TG0205]: a service cannot run beside its own new revision
      a@target calls a 2, a@live serves 1; the first new pod of a and the last old one find no other of their version: first release one that serves both
      a@live calls a 1, a@target serves 2; the first new pod of a and the last old one find no other of their version: first release one that serves both
    Way out: split in three releases, with a revision between for a
      a/expand serves a 1, 2, calls a 1
      a/flip serves a 1, 2, calls a 2
      Wave 1: a/expand
      Wave 2: a/flip
      Wave 3: a/contract
    ");
    for text in [
        "a: serves 1 -> 1,2; calls a 1; versioned",
        "a: new; serves 1; calls a 1; versioned",
        "a: serves 1 + 1,2 -> 1,2; calls a 1 -> 2; versioned",
    ] {
        let system = system_of(text);
        assert_eq!(check(&system, &plan(&system)), Ok(()), "{text}");
    }
    let system = system_of("a: serves 1 -> 2; calls a 1 -> 2; versioned");
    let blind = system_of("a: serves 1 -> 1,2; calls a 1; versioned");
    insta::assert_snapshot!(faults_of(&system, plan(&blind), |_| ()), @r"
    wave 1: a@target may call a@live (a) and fail
    wave 1: a@live may call a@target (a) and fail
    nothing keeps a and a from moving together when services advance one by one
    ");
    insta::assert_snapshot!(plan_of("a: serves 1 -> 1,2; calls a cached 1,2; versioned"), @r"
    Refused [TG0205]: a service cannot run beside its own new revision
      a@target calls a any of 1, 2 and keeps what it agreed on first, a@target serves other versions of them than the pods beside it; pods of both revisions of a run while it rolls: first release one that serves both
      a@live calls a any of 1, 2 and keeps what it agreed on first, a@target serves other versions of them than the pods beside it; pods of both revisions of a run while it rolls: first release one that serves both
    Way out: split in two releases, with a revision between for a
      a/expand serves a 1, 2, calls a any of 1, 2
      Wave 1: a/expand
      Wave 2: a/contract
    ");
}

#[test]
fn a_split_service_that_serves_both_already_flips_and_then_contracts() {
    insta::assert_snapshot!(plan_of(
        "a: serves 1,2 -> 2; calls b 1 -> 2 | b: serves 1,2 -> 2; calls a 1 -> 2"
    ), @r"
    Refused [TG0201]: no safe order exists between a, b
      each would have to be done before the next: a → b → a
      if b goes before a: a@live calls b 1, b@target serves 2
      if a goes before b: b@live calls a 1, a@target serves 2
    Way out: split in two releases, with a revision between for a
      a/flip serves a 1, 2, calls b 2
      Wave 1: a/flip
      Wave 2: b
      Wave 3: a/contract
    Or split b instead
    ");
}

#[test]
fn a_caller_that_remembers_is_told_to_what_it_can_be_pinned() {
    insta::assert_snapshot!(plan_of("o: serves 1 -> 1,2 | w: calls o cached 1,2 -> 2"), @r"
    Refused [TG0203]: no safe order exists between o, w
      each would have to be done before the next: o → w → o
      if w goes before o: w@target calls o 2, o@live serves 1
      if o goes before w: w@live calls o any of 1, 2 and keeps what it agreed on first, o@target serves other versions of them than the pods beside it
      no split of these services was found that is safe at every moment; let w choose for every call, or pin it to o 1 while o rolls, or take a change out of this release
    ");
}

#[test]
fn an_order_by_hand_that_keeps_every_split_from_working_is_blamed() {
    insta::assert_snapshot!(plan_of("a: serves 1 -> 2; after z | b: calls a 1 -> 2 | z: serves 1 -> 1,2; after b"), @r"
    Refused [TG0203]: no safe order exists between a, b, z
      each would have to be done before the next: a → b → a
      if b goes before a: b@target calls a 2, a@live serves 1
      if a goes before b: b@live calls a 1, a@target serves 2
      a declares `after: [z]`
      z declares `after: [b]`
      no split is safe beside `after: [b]` of z and `after: [z]` of a; without that there is one
    ");
}
