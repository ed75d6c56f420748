//! Relatives of the scenarios of planning.md §10: what came out of each was worked out by hand first.

use super::plan_of;

#[test]
fn two_contracts_of_one_pair_can_want_opposite_orders() {
    insta::assert_snapshot!(plan_of(
        "a: serves x 1 -> 1,2; serves y 1,2 -> 2 | b: calls a/x 1 -> 2; calls a/y 1 -> 2"
    ), @r"
    Refused [TG0203]: no safe order exists between a, b
      each would have to be done before the next: a → b → a
      if b goes before a: b@target calls a/x 2, a@live serves 1
      if a goes before b: b@live calls a/y 1, a@target serves 2
    Way out: split in two releases, with a revision between for a
      a/expand serves x 1, 2; y 1, 2, calls nothing
      Wave 1: a/expand
      Wave 2: b
      Wave 3: a/contract
    Splitting b does not help: its one change comes both too early and too late
    ");
    // The same order for both is one precedence each, and one wait.
    insta::assert_snapshot!(plan_of(
        "a: serves x 1 -> 1,2; serves y 1 -> 1,2 | b: calls a/x 1 -> 2; calls a/y 1 -> 2"
    ), @r"
    Safe: yes. 2 waves. Longest path a → b.
    Wave 1   may start at once
      ~ a
          serves a/x: 1 → 1, 2
          serves a/y: 1 → 1, 2
    Wave 2   after wave 1 is done
      ~ b
          calls a/x: 1 → 2
          calls a/y: 1 → 2
          because a must answer x 2 everywhere first: b@target calls a/x 2, a@live serves 1
          because a must answer y 2 everywhere first: b@target calls a/y 2, a@live serves 1
    ");
}

#[test]
fn of_three_live_revisions_one_is_enough_to_hold_a_caller() {
    insta::assert_snapshot!(plan_of("s: serves 1 + 1,2 + 2 -> 2 | c: calls s any 1,2 -> 2"), @r"
    Safe: yes. 2 waves. Longest path s → c.
    Wave 1   may start at once
      ~ s
          serves s: 1 | 1, 2 | 2 → 2
    Wave 2   after wave 1 is done
      ~ c
          calls s: any of 1, 2 → 2
          because s must answer 2 everywhere first: c@target calls s 2, s@live0 serves 1
    ");
    insta::assert_snapshot!(plan_of("s: serves 1 + 1,2 + 2 -> 2 | c: calls s 1 -> 2"), @r"
    Refused [TG0204]: what runs now is already unsafe
      c@live calls s 1, s@live2 serves 2; repair c or s first
    ");
    // Each live caller counts: one of them holds the server.
    insta::assert_snapshot!(plan_of("s: serves 1,2 -> 2 | c: calls s 1 + 2 + any 1,2 -> 2"), @r"
    Safe: yes. 2 waves. Longest path c → s.
    Wave 1   may start at once
      ~ c
          calls s: 1 | 2 | any of 1, 2 → 2
    Wave 2   after wave 1 is done
      ~ s
          serves s: 1, 2 → 2
          because c must stop calling s 1 everywhere first: c@live0 calls s 1, s@target serves 2
    ");
}

#[test]
fn what_goes_and_what_comes_stand_on_both_sides_of_a_server_that_changes() {
    insta::assert_snapshot!(plan_of(
        "before: calls api 1; deleted | api: serves 1 -> 2 | later: calls api 2; new"
    ), @r"
    Safe: yes. 3 waves. Longest path before → api → later.
    Wave 1   may start at once
      - before   deleted
          calls api: 1 → -
    Wave 2   after wave 1 is done
      ~ api
          serves api: 1 → 2
          because before must stop calling api 1 everywhere first: before@live calls api 1, api@target serves 2
    Wave 3   after wave 2 is done
      + later   new
          calls api: - → 2
          because api must answer 2 everywhere first: later@target calls api 2, api@live serves 1
    ");
    insta::assert_snapshot!(plan_of(
        "legacy: serves 1; deleted | web: calls legacy 1 -> - | job: calls legacy 1; deleted"
    ), @r"
    Safe: yes. 2 waves. Longest path job → legacy.
    Wave 1   may start at once
      - job   deleted
          calls legacy: 1 → -
      ~ web
          calls legacy: 1 → -
    Wave 2   after wave 1 is done
      - legacy   deleted
          serves legacy: 1 → -
          because job must stop calling legacy everywhere first: job@live calls legacy 1, and no legacy will run
          because web must stop calling legacy everywhere first: web@live calls legacy 1, and no legacy will run
    ");
    // One takes the place of the other.
    insta::assert_snapshot!(plan_of(
        "legacy: serves 1; deleted | fresh: serves 1; new | web: calls legacy 1 -> -; calls fresh - -> 1"
    ), @r"
    Safe: yes. 3 waves. Longest path fresh → web → legacy.
    Wave 1   may start at once
      + fresh   new
          serves fresh: - → 1
    Wave 2   after wave 1 is done
      ~ web
          calls fresh: - → 1
          calls legacy: 1 → -
          because fresh must be there first: web@target calls fresh 1, and no fresh runs
    Wave 3   after wave 2 is done
      - legacy   deleted
          serves legacy: 1 → -
          because web must stop calling legacy everywhere first: web@live calls legacy 1, and no legacy will run
    ");
}

#[test]
fn calls_that_find_their_version_and_callers_that_speak_two() {
    insta::assert_snapshot!(plan_of("s: versioned; serves 1 -> 2 | c: calls s 1 -> any 1,2"), @r"
    Safe: yes. 2 waves. Longest path c → s.
    Wave 1   may start at once
      ~ c
          calls s: 1 → any of 1, 2
    Wave 2   after wave 1 is done
      ~ s
          serves s: 1 → 2
          because c must stop calling s 1 everywhere first: c@live calls s 1, s@target serves 2
    ");
    insta::assert_snapshot!(plan_of("s: versioned; serves 1 -> 2 | c: calls s any 1,2; image"), @r"
    Safe: yes. 1 wave.
    Wave 1   may start at once
      ~ c
      ~ s
          serves s: 1 → 2
    ");
    // One that remembers is not helped by them.
    insta::assert_snapshot!(plan_of("s: versioned; serves 1 -> 1,2 | c: calls s cached 1,2; image"), @r"
    Refused [TG0203]: no safe order exists between c, s
      each would have to be done before the next: c → s → c
      if c goes before s: c@target calls s any of 1, 2 and keeps what it agreed on first, s@target serves other versions of them than the pods beside it
      if s goes before c: c@live calls s any of 1, 2 and keeps what it agreed on first, s@target serves other versions of them than the pods beside it
      no split of these services was found that is safe at every moment; let c choose for every call, or pin it to s 1 while s rolls, or take a change out of this release
    ");
    insta::assert_snapshot!(plan_of("s: versioned; serves 1 -> 2 | c: calls s cached 1 -> cached 2"), @r"
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
    insta::assert_snapshot!(plan_of("s: versioned; serves 1 -> 2 | c: calls s all 1 -> all 2 | d: calls s 1 -> 2"), @r"
    Safe: yes. 3 waves. Longest path s/expand → c → s/contract.
    Wave 1   may start at once
      ~ s/expand
          new pods beside the old ones
          serves s: 1 → 2
    Wave 2   after wave 1 is done
      ~ c
          calls s: all of 1 → all of 2
          because s must answer 2 everywhere first: c@target calls s all of 2, s@live serves 1
      ~ d
          calls s: 1 → 2
          because s must answer 2 everywhere first: d@target calls s 2, s@live serves 1
    Wave 3   after wave 2 is done
      ~ s/contract
          its old pods go
          because c must stop calling s 1 everywhere first: c@live calls s all of 1, s@target serves 2
          because d must stop calling s 1 everywhere first: d@live calls s 1, s@target serves 2
    ");
}

#[test]
fn groups_and_orders_by_hand() {
    insta::assert_snapshot!(plan_of(
        "a: exclusive db; image | b: exclusive db; image; after a | c: exclusive db; image"
    ), @r"
    Safe: yes. 3 waves. Longest path a → c → b.
    Wave 1   may start at once
      ~ a
    Wave 2   after wave 1 is done
      ~ c
          because a and c never move at the same time: both are `exclusive: db`
    Wave 3   after wave 2 is done
      ~ b
          because b declares `after: [a]`
          because c and b never move at the same time: both are `exclusive: db`
    ");
    insta::assert_snapshot!(plan_of("a: exclusive db; image; after b | b: exclusive db; image"), @r"
    Safe: yes. 2 waves. Longest path b → a.
    Wave 1   may start at once
      ~ b
    Wave 2   after wave 1 is done
      ~ a
          because a declares `after: [b]`
          because b and a never move at the same time: both are `exclusive: db`
    ");
    // A contract and a group agree, an order by hand and a contract do not.
    insta::assert_snapshot!(plan_of(
        "a: exclusive db; serves 1 -> 1,2 | b: exclusive db; calls a 1 -> 2"
    ), @r"
    Safe: yes. 2 waves. Longest path a → b.
    Wave 1   may start at once
      ~ a
          serves a: 1 → 1, 2
    Wave 2   after wave 1 is done
      ~ b
          calls a: 1 → 2
          because a must answer 2 everywhere first: b@target calls a 2, a@live serves 1
          because a and b never move at the same time: both are `exclusive: db`
    ");
    insta::assert_snapshot!(plan_of("a: serves 1 -> 1,2; after b | b: calls a 1 -> 2"), @r"
    Refused [TG0201]: no safe order exists between a, b
      each would have to be done before the next: a → b → a
      if b goes before a: b@target calls a 2, a@live serves 1
      a declares `after: [b]`
      `after: [b]` of a alone closes the cycle; without it the contracts have an order
    ");
}

#[test]
fn what_outlives_its_writer_on_the_way_back() {
    insta::assert_snapshot!(plan_of(
        "consumer: serves 1,2 -> 1 | one: calls consumer durable 7d 2 -> 1 | two: calls consumer durable manual 2 -> 1"
    ), @r"
    Safe: yes. 3 waves. Longest path one → consumer/drain → consumer.
    Wave 1   may start at once
      ~ one
          calls consumer: 2 → 1
      ~ two
          calls consumer: 2 → 1
    Wave 2   after wave 1 is done
      ~ consumer/drain   drain
          what was written for consumer in versions that it will not read must be gone: after 7d and once somebody says so
    Wave 3   after wave 2 is done
      ~ consumer
          serves consumer: 1, 2 → 1
          because one must stop calling consumer 2 everywhere first, and what it wrote must be gone (after 7d): one@live calls consumer 2, consumer@target serves 1
          because two must stop calling consumer 2 everywhere first, and what it wrote must be gone (once somebody says so): two@live calls consumer 2, consumer@target serves 1
    ");
    insta::assert_snapshot!(plan_of(
        "consumer: serves 1,2 -> 1 | one: calls consumer durable 7d 2 -> 1 | two: calls consumer durable 7d all 1,2; image"
    ), @r"
    Refused [TG0202]: the release would end unsafe, whatever the order
      two@target calls consumer all of 1, 2, consumer@target serves 1; no release of consumer serves 2 in this plan: let it, or release a two that does not need it
    ");
    // A cache that its own service reads and writes.
    insta::assert_snapshot!(plan_of("s: serves cache 1 -> 2; calls s/cache durable 7d 1 -> 2"), @r"
    Refused [TG0205]: a service cannot run beside its own new revision
      s@target calls s/cache 2, s@live serves 1; pods of both revisions of s run while it rolls: first release one that serves both
      s@live calls s/cache 1, s@target serves 2; pods of both revisions of s run while it rolls: first release one that serves both
    Way out: split in three releases, with a revision between for s
      s/expand serves cache 1, 2, calls s/cache 1
      s/flip serves cache 1, 2, calls s/cache 2
      Wave 1: s/expand
      Wave 2: s/flip
      Wave 3: s/drain
      Wave 4: s/contract
    ");
    insta::assert_snapshot!(plan_of("s: serves cache 1 -> 1,2; calls s/cache durable 7d 1 -> 2"), @r"
    Refused [TG0205]: a service cannot run beside its own new revision
      s@target calls s/cache 2, s@live serves 1; pods of both revisions of s run while it rolls: first release one that serves both
    Way out: split in two releases, with a revision between for s
      s/expand serves cache 1, 2, calls s/cache 1
      Wave 1: s/expand
      Wave 2: s/flip
    ");
}

#[test]
fn ranges_of_versions() {
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
    insta::assert_snapshot!(plan_of("s: serves 1.4 -> 1.5 | c: calls s ^1.2 -> ^1.3"), @r"
    Safe: yes. 1 wave.
    Wave 1   may start at once
      ~ c
          calls s: ^1.2 → ^1.3
      ~ s
          serves s: 1.4 → 1.5
    ");
    insta::assert_snapshot!(plan_of("s: serves 1.4 -> 2.0 | c: calls s ^1.2 -> any ^1.2,^2"), @r"
    Safe: yes. 2 waves. Longest path c → s.
    Wave 1   may start at once
      ~ c
          calls s: ^1.2 → any of ^1.2, ^2
    Wave 2   after wave 1 is done
      ~ s
          serves s: 1.4 → 2.0
          because c must stop calling s ^1.2 everywhere first: c@live calls s ^1.2, s@target serves 2.0
    ");
    insta::assert_snapshot!(plan_of("s: serves 1.4 -> 2.0 | c: calls s ^1.2 -> ^2"), @r"
    Refused [TG0203]: no safe order exists between c, s
      each would have to be done before the next: c → s → c
      if c goes before s: c@target calls s ^2, s@live serves 1.4
      if s goes before c: c@live calls s ^1.2, s@target serves 2.0
    Way out: split in two releases, with a revision between for s
      s/expand serves s 1.4, 2.0, calls nothing
      Wave 1: s/expand
      Wave 2: c
      Wave 3: s/contract
    Splitting c does not help: its one change comes both too early and too late
    ");
}

#[test]
fn what_nobody_declared_where_nothing_may_be_assumed() {
    insta::assert_snapshot!(plan_of("strict | a: calls b ?; image | b: serves 1; image"), @r"
    Refused [TG0206]: a contract is not declared, and nothing may be assumed
      nobody declared in which versions a calls b, or what b serves: declare it, or set `assume: serverFirst`
    ");
    insta::assert_snapshot!(plan_of("strict | a: calls b ? | b: serves 1 | c: image"), @r"
    Safe: yes. 1 wave.
    Wave 1   may start at once
      ~ c
    ");
    insta::assert_snapshot!(plan_of("strict | a: calls b optional ?; image | b: serves 1; image"), @r"
    Safe as far as contracts are declared; 1 edge is assumed. 1 wave.
    Wave 1   may start at once
      ~ a
      ~ b
    warning: assumed, not proved, for want of a declared contract: a → b [TG0207]
    ");
    insta::assert_snapshot!(plan_of("strict | a: calls b 1; image | b: undeclared; image"), @r"
    Refused [TG0206]: a contract is not declared, and nothing may be assumed
      nobody declared in which versions a calls b, or what b serves: declare it, or set `assume: serverFirst`
    ");
}

#[test]
fn orders_that_may_be_given_up() {
    insta::assert_snapshot!(plan_of(
        "a: serves 1 -> 1,2; calls b optional weight 5 1 -> 2 | b: serves 1 -> 1,2; calls a optional weight 1 1 -> 2"
    ), @r"
    Safe: yes. 2 waves. Longest path b → a.
    Wave 1   may start at once
      ~ b
          serves b: 1 → 1, 2
          calls a: 1 → 2
    Wave 2   after wave 1 is done
      ~ a
          serves a: 1 → 1, 2
          calls b: 1 → 2
          because b must answer 2 everywhere first: a@target calls b 2, b@live serves 1
    warning: optional calls fail from the first new pod of b to the last old pod of a: a must answer 2 everywhere first: b@target calls a 2, a@live serves 1 [TG0208]
    ");
    insta::assert_snapshot!(plan_of(
        "a: serves 1 -> 1,2; calls b optional weight 9 1 -> 2 | b: serves 1 -> 1,2; calls a 1 -> 2"
    ), @r"
    Safe: yes. 2 waves. Longest path a → b.
    Wave 1   may start at once
      ~ a
          serves a: 1 → 1, 2
          calls b: 1 → 2
    Wave 2   after wave 1 is done
      ~ b
          serves b: 1 → 1, 2
          calls a: 1 → 2
          because a must answer 2 everywhere first: b@target calls a 2, a@live serves 1
    warning: optional calls fail from the first new pod of a to the last old pod of b: b must answer 2 everywhere first: a@target calls b 2, b@live serves 1 [TG0208]
    ");
    insta::assert_snapshot!(plan_of("s: serves 1 -> 2 | c: calls s optional 1 -> 2"), @r"
    Safe: yes. 2 waves. Longest path s → c.
    Wave 1   may start at once
      ~ s
          serves s: 1 → 2
    Wave 2   after wave 1 is done
      ~ c
          calls s: 1 → 2
          because s must answer 2 everywhere first: c@target calls s 2, s@live serves 1
    warning: optional calls fail from the first new pod of s until c is done: c must stop calling s 1 everywhere first: c@live calls s 1, s@target serves 2 [TG0208]
    ");
}

#[test]
fn rings_with_a_service_that_does_not_change_its_side() {
    insta::assert_snapshot!(plan_of(
        "a: serves 1 -> 1,2; calls b 1 -> 2 | b: serves 1 -> 1,2; calls c 1; image | c: serves 1; calls a 1 -> 2"
    ), @r"
    Safe: yes. 3 waves. Longest path b → a → c.
    Wave 1   may start at once
      ~ b
          serves b: 1 → 1, 2
    Wave 2   after wave 1 is done
      ~ a
          serves a: 1 → 1, 2
          calls b: 1 → 2
          because b must answer 2 everywhere first: a@target calls b 2, b@live serves 1
    Wave 3   after wave 2 is done
      ~ c
          calls a: 1 → 2
          because a must answer 2 everywhere first: c@target calls a 2, a@live serves 1
    ");
    // Two rings that share a service: one split is enough.
    insta::assert_snapshot!(plan_of(
        "m: serves 1 -> 1,2; calls a 1 -> 2; calls b 1 -> 2 | a: serves 1 -> 1,2; calls m 1 -> 2 \
         | b: serves 1 -> 1,2; calls m 1 -> 2"
    ), @r"
    Refused [TG0201]: no safe order exists between a, b, m
      each would have to be done before the next: a → m → a
      if a goes before m: a@target calls m 2, m@live serves 1
      if b goes before m: b@target calls m 2, m@live serves 1
      if m goes before a: m@target calls a 2, a@live serves 1
      if m goes before b: m@target calls b 2, b@live serves 1
    Way out: split in two releases, with a revision between for m
      m/expand serves m 1, 2, calls a 1; b 1
      Wave 1: m/expand
      Wave 2: a, b
      Wave 3: m/flip
    ");
    // Two rings that share nothing: one split for each.
    insta::assert_snapshot!(plan_of(
        "a: serves 1 -> 1,2; calls b 1 -> 2 | b: serves 1 -> 1,2; calls a 1 -> 2 \
         | c: serves 1 -> 2; calls d 1 | d: serves 1; calls c 1 -> 2"
    ), @r"
    Refused [TG0203]: no safe order exists between a, b, c, d
      each would have to be done before the next: a → b → a
      each would have to be done before the next: c → d → c
      if a goes before b: a@target calls b 2, b@live serves 1
      if b goes before a: b@target calls a 2, a@live serves 1
      if d goes before c: d@target calls c 2, c@live serves 1
      if c goes before d: d@live calls c 1, c@target serves 2
    Way out: split in two releases, with a revision between for a, c
      a/expand serves a 1, 2, calls b 1
      c/expand serves c 1, 2, calls d 1
      Wave 1: a/expand, c/expand
      Wave 2: b, d
      Wave 3: a/flip, c/contract
    Or split b, c instead
    ");
}

#[test]
fn jobs_that_cannot_be_undone_and_callers_from_outside() {
    insta::assert_snapshot!(plan_of(
        "schema: job; serves 1,2 -> 2 | app: calls schema 1 -> 2 | mobile: external; calls app/api 1 | app: serves api 1; calls schema 1 -> 2"
    ), @r"
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
    insta::assert_snapshot!(plan_of(
        "gateway: serves 1,2 -> 2 | mobile: external; calls gateway 1; ended no calls since May | web: calls gateway 1 -> 2"
    ), @r"
    Safe: yes. 2 waves. Longest path web → gateway.
    Wave 1   may start at once
      ~ web
          calls gateway: 1 → 2
    Wave 2   after wave 1 is done
      ~ gateway
          serves gateway: 1, 2 → 2
          because web must stop calling gateway 1 everywhere first: web@live calls gateway 1, gateway@target serves 2
    warning: mobile counts as ended: no calls since May [TG0212]
    ");
    insta::assert_snapshot!(plan_of("gateway: serves 1 -> 2 | mobile: external; calls gateway any 1,2"), @r"
    Safe: yes. 1 wave.
    Wave 1   may start at once
      ~ gateway
          serves gateway: 1 → 2
    ");
}
