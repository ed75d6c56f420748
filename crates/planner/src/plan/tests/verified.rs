//! What was verified of two revisions, beside what is declared of them.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{faults_of, system_of};
use crate::graph::{Difference, Match, Member, Moves, Revision, System, Verifications};
use crate::plan::{Verdict, check, explain, plan};
use tidegate_spec::{ContractName, Interface, Manner, Need, Requirement, ServiceName};

fn service(name: &str) -> ServiceName {
    ServiceName::parse(name).unwrap()
}

/// A system with results, each `web@target orders@live works` or `… fails`; a revision's version is its name.
fn verified(system: &str, results: &[&str]) -> System {
    let mut known = Verifications::default();
    for result in results {
        let words: Vec<&str> = result.split_whitespace().collect();
        let side = |at: usize| words[at].split_once('@').unwrap();
        let ((caller, caller_version), (callee, callee_version)) = (side(0), side(1));
        for (name, version) in [side(0), side(1)] {
            let key = (service(name), version.to_owned());
            known.versions.insert(key, version.to_owned());
        }
        let pair = Match {
            caller: service(caller),
            caller_version: caller_version.to_owned(),
            callee: service(callee),
            callee_version: callee_version.to_owned(),
        };
        known.results.insert(pair, words[2] == "works");
    }
    system_of(system).verified_by(&known)
}

/// The plan, which the checker must confirm, and then where results and declarations differ.
fn plan_of(system: &str, results: &[&str]) -> String {
    let system = verified(system, results);
    let plan = plan(&system);
    if plan.verdict == Verdict::Ordered {
        assert_eq!(check(&system, &plan), Ok(()));
    }
    let mut lines = explain(&system, &plan);
    for Difference {
        caller,
        callee,
        disagreement,
    } in system.differences()
    {
        let told = format!("{}@{} → {}@{}", caller.0, caller.1, callee.0, callee.1);
        lines.push(format!("{disagreement:?}: {told}"));
    }
    lines.join("\n")
}

#[test]
fn what_failed_is_kept_apart_whatever_is_declared() {
    let system = "orders: serves 1; image | web: calls orders 1; image";
    insta::assert_snapshot!(plan_of(system, &["web@target orders@live fails"]), @r"
    Safe: yes. 2 waves. Longest path orders → web.
    Wave 1   may start at once
      ~ orders
    Wave 2   after wave 1 is done
      ~ web
          because orders must be replaced everywhere first: web@target was verified against orders@live, and that failed (orders)
    Failed: web@target → orders@live
    ");
    insta::assert_snapshot!(plan_of(system, &["web@live orders@target fails"]), @r"
    Safe: yes. 2 waves. Longest path web → orders.
    Wave 1   may start at once
      ~ web
    Wave 2   after wave 1 is done
      ~ orders
          because web must be replaced everywhere first: web@live was verified against orders@target, and that failed (orders)
    Failed: web@live → orders@target
    ");
    insta::assert_snapshot!(plan_of(system, &["web@target orders@target fails"]), @r"
    Refused [TG0202]: the release would end unsafe, whatever the order
      web@target was verified against orders@target, and that failed (orders); release another web or orders, or have them verified again
    Failed: web@target → orders@target
    ");
    insta::assert_snapshot!(plan_of(system, &["web@target orders@live fails", "web@live orders@target fails"]), @r"
    Refused [TG0203]: no safe order exists between orders, web
      each would have to be done before the next: orders → web → orders
      if web goes before orders: web@target was verified against orders@live, and that failed (orders)
      if orders goes before web: web@live was verified against orders@target, and that failed (orders)
      no split of these services was found that is safe at every moment; pin the versions that clients use while servers roll, or take a change out of this release
    Failed: web@live → orders@target
    Failed: web@target → orders@live
    ");
}

#[test]
fn what_worked_proves_an_edge_that_nobody_declared() {
    let system = "orders: undeclared; image | web: calls orders ?; image";
    let all = [
        "web@live orders@live works",
        "web@live orders@target works",
        "web@target orders@live works",
        "web@target orders@target works",
    ];
    insta::assert_snapshot!(plan_of(system, &all), @r"
    Safe: yes. 1 wave.
    Wave 1   may start at once
      ~ orders
      ~ web
    ");
    // One pair that nobody verified leaves the edge assumed.
    insta::assert_snapshot!(plan_of(system, &all[..2]), @r"
    Safe as far as contracts are declared; 1 edge is assumed. 2 waves. Longest path orders → web.
    Wave 1   may start at once
      ~ orders
    Wave 2   after wave 1 is done
      ~ web
          because orders is assumed to go first: nobody declared what web@target and orders@live speak (orders)
    warning: assumed, not proved, for want of a declared contract: web → orders [TG0207]
    ");
    let strict = ["strict | ", system].concat();
    insta::assert_snapshot!(plan_of(&strict, &all), @r"
    Safe: yes. 1 wave.
    Wave 1   may start at once
      ~ orders
      ~ web
    ");
}

#[test]
fn what_failed_orders_an_edge_that_nobody_declared() {
    let system = "orders: undeclared; image | web: calls orders ?; image";
    let results = [
        "web@live orders@live works",
        "web@live orders@target fails",
        "web@target orders@live works",
        "web@target orders@target works",
    ];
    insta::assert_snapshot!(plan_of(system, &results), @r"
    Safe: yes. 2 waves. Longest path web → orders.
    Wave 1   may start at once
      ~ web
    Wave 2   after wave 1 is done
      ~ orders
          because web must be replaced everywhere first: web@live was verified against orders@target, and that failed (orders)
    ");
}

#[test]
fn a_declared_clash_stays_one_and_a_call_that_nobody_declared_is_told() {
    let system = "orders: serves 1 -> 1,2 | web: calls orders 1 -> 2 | other: serves other 1";
    let results = [
        "web@target orders@live works",
        "web@target other@live works",
    ];
    insta::assert_snapshot!(plan_of(system, &results), @r"
    Safe: yes. 2 waves. Longest path orders → web.
    Wave 1   may start at once
      ~ orders
          serves orders: 1 → 1, 2
    Wave 2   after wave 1 is done
      ~ web
          calls orders: 1 → 2
          because orders must answer 2 everywhere first: web@target calls orders 2, orders@live serves 1
    Worked: web@target → orders@live
    Uncalled: web@target → other@live
    ");
}

#[test]
fn calls_that_find_their_version_find_the_pod_that_failed_too() {
    let both = [
        "web@live orders@target fails",
        "web@target orders@live fails",
    ];
    // Old and new pods side by side would cure a cycle of versions, and cannot cure this one.
    insta::assert_snapshot!(plan_of("orders: serves 1; versioned; image | web: calls orders 1; image", &both), @r"
    Refused [TG0203]: no safe order exists between orders, web
      each would have to be done before the next: orders → web → orders
      if web goes before orders: web@target was verified against orders@live, and that failed (orders)
      if orders goes before web: web@live was verified against orders@target, and that failed (orders)
      no split of these services was found that is safe at every moment; pin the versions that clients use while servers roll, or take a change out of this release
    Failed: web@live → orders@target
    Failed: web@target → orders@live
    ");
    insta::assert_snapshot!(plan_of("orders: serves 1 -> 2; versioned | web: calls orders 1 -> 2", &[]), @r"
    Safe: yes. 3 waves. Longest path orders/expand → web → orders/contract.
    Wave 1   may start at once
      ~ orders/expand
          new pods beside the old ones
          serves orders: 1 → 2
    Wave 2   after wave 1 is done
      ~ web
          calls orders: 1 → 2
          because orders must answer 2 everywhere first: web@target calls orders 2, orders@live serves 1
    Wave 3   after wave 2 is done
      ~ orders/contract
          its old pods go
          because web must stop calling orders 1 everywhere first: web@live calls orders 1, orders@target serves 2
    ");
    insta::assert_snapshot!(plan_of("orders: serves 1 -> 1,2; versioned | web: calls orders 1; image", &both[..1]), @r"
    Safe: yes. 2 waves. Longest path web → orders.
    Wave 1   may start at once
      ~ web
    Wave 2   after wave 1 is done
      ~ orders
          serves orders: 1 → 1, 2
          because web must be replaced everywhere first: web@live was verified against orders@target, and that failed (orders)
    Failed: web@live → orders@target
    ");
}

#[test]
fn a_switch_does_not_hide_an_image_that_failed() {
    let system = "orders: serves 1 -> 1,2 | web: serves 1; calls orders 1 -> 2; switch PROTO | app: calls web 1; image | pay: serves 1; image";
    let system = system.replace("calls orders", "calls pay 1; calls orders");
    // That of `orders` is no surprise: `web` calls there what is not served, and does not before its switch.
    let results = [
        "app@live web@target fails",
        "web@target orders@live fails",
        "web@target pay@live fails",
    ];
    let system = verified(&system, &results);
    let plan = crate::plan::plan_with(&system, crate::plan::Choice::Flip);
    assert_eq!(check(&system, &plan), Ok(()));
    insta::assert_snapshot!(explain(&system, &plan).join("\n"), @r"
    Safe: yes. 3 waves. Longest path app → web/expand → web/flip.
    Wave 1   may start at once
      ~ app
      ~ orders
          serves orders: 1 → 1, 2
      ~ pay
    Wave 2   after wave 1 is done
      ~ web/expand
          its new image, which calls as the old one did
          because app must be replaced everywhere first: app@live was verified against web@target, and that failed (web)
    Wave 3   after wave 2 is done
      ~ web/flip   flip
          sets PROTO to its new value
          because pay must be replaced everywhere first: web@target was verified against pay@live, and that failed (pay)
          because orders must answer 2 everywhere first: web@target calls orders 2, orders@live serves 1
    Strategies
      ordered   2 waves, 4 restarts
    * flip      3 waves, 5 restarts
    ");
    // The checker sees it without the planner's help.
    let mut early = plan;
    early.waves = vec![
        vec![
            "app".into(),
            "orders".into(),
            "pay".into(),
            "web/expand".into(),
        ],
        vec!["web/flip".into()],
    ];
    for step in &mut early.steps {
        step.after.retain(|first| first == "web/expand");
    }
    early.digest = early.digest_for(&system);
    let faults = check(&system, &early).unwrap_err();
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(faults.join("\n"), @r"
    wave 1: app@live may call web@target (web) and fail
    wave 1: web@target may call pay@live (pay) and fail
    nothing keeps app and web from moving together when services advance one by one
    nothing keeps web and orders from moving together when services advance one by one
    nothing keeps web and pay from moving together when services advance one by one
    ");
}

#[test]
fn what_callers_that_are_gone_were_verified_with_counts() {
    insta::assert_snapshot!(plan_of(
        "consumer: serves 1; image | producer: retained; calls consumer durable lag 1 + 1 -> 1",
        &["producer@live0 consumer@target fails"],
    ), @r"
    Safe: yes. 2 waves. Longest path consumer/drain → consumer.
    Wave 1   may start at once
      ~ consumer/drain   drain
          what was written for consumer in versions that it will not read must be gone: once the reader has no lag
    Wave 2   after wave 1 is done
      ~ consumer
    Failed: producer@live0 → consumer@target
    ");
}

/// Whether each revision of each service (old, new) can talk to each of each other one.
type Table = Vec<Vec<[[bool; 2]; 2]>>;

fn tables() -> impl Strategy<Value = Table> {
    (2_usize..=4).prop_flat_map(|services| {
        // What runs, and what shall run, mostly works.
        let cell = (
            prop::bool::weighted(0.98),
            prop::bool::weighted(0.75),
            prop::bool::weighted(0.75),
            prop::bool::weighted(0.98),
        )
            .prop_map(|(now, early, late, end)| [[now, late], [early, end]]);
        prop::collection::vec(prop::collection::vec(cell, services), services)
    })
}

/// Services of which nothing is declared and everything verified.
fn undeclared(table: &Table) -> System {
    let name = |at: usize| service(&format!("s{at}"));
    let mut known = Verifications::default();
    let mut system = System::default();
    for (caller, row) in table.iter().enumerate() {
        let mut interface = Interface::default();
        for (callee, cells) in row
            .iter()
            .enumerate()
            .filter(|(callee, _)| *callee != caller)
        {
            let key = (name(callee), ContractName::from(&name(callee)));
            let requirement = Requirement::plain(Need::Unknown);
            interface.calls.insert(key, requirement);
            for (from, caller_version) in ["live", "target"].into_iter().enumerate() {
                for (to, callee_version) in ["live", "target"].into_iter().enumerate() {
                    let pair = Match {
                        caller: name(caller),
                        caller_version: caller_version.to_owned(),
                        callee: name(callee),
                        callee_version: callee_version.to_owned(),
                    };
                    known.results.insert(pair, cells[from][to]);
                }
            }
        }
        for revision in ["live", "target"] {
            let key = (name(caller), revision.to_owned());
            known.versions.insert(key, revision.to_owned());
        }
        let member = Member {
            live: vec![Revision::declared("live", interface.clone())],
            retained: Vec::new(),
            target: Some(Revision::declared("target", interface)),
            moves: Moves::Roll,
            after: BTreeSet::new(),
            manner: Manner::default(),
        };
        system.services.insert(name(caller), member);
    }
    system.verified_by(&known)
}

/// Whether all services can come from old to new, one start or finish at a time, with no pair live that cannot talk.
fn can_finish(table: &Table) -> bool {
    // 0: old, 1: both, 2: new.
    let live = |state: u8| match state {
        0 => 0..=0,
        1 => 0..=1,
        _ => 1..=1,
    };
    let is_safe = |states: &[u8]| {
        table.iter().enumerate().all(|(caller, row)| {
            row.iter().enumerate().all(|(callee, cells)| {
                caller == callee
                    || live(states[caller]).all(|from| {
                        live(states[callee]).all(|to: usize| {
                            let from: usize = from;
                            cells[from][to]
                        })
                    })
            })
        })
    };
    let start = vec![0_u8; table.len()];
    if !is_safe(&start) {
        return false;
    }
    let mut seen: BTreeSet<Vec<u8>> = BTreeSet::from([start.clone()]);
    let mut open = vec![start];
    while let Some(states) = open.pop() {
        if states.iter().all(|state| *state == 2) {
            return true;
        }
        for at in 0..states.len() {
            let mut next = states.clone();
            next[at] += 1;
            if next[at] <= 2 && is_safe(&next) && seen.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    false
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_from_results_alone_is_what_a_walk_through_all_states_finds(table in tables()) {
        let system = undeclared(&table);
        let plan = plan(&system);
        prop_assert_eq!(plan.verdict == Verdict::Ordered, can_finish(&table));
        if plan.verdict == Verdict::Ordered {
            prop_assert_eq!(check(&system, &plan), Ok(()));
            prop_assert_eq!(plan.edges.assumed, 0);
        }
    }
}

#[test]
fn a_failure_that_was_declared_too_is_none_where_calls_find_their_version() {
    let system = "orders: serves 1 -> 2; versioned | web: calls orders 1 -> 2";
    let told = plan_of(
        system,
        &[
            "web@target orders@live fails",
            "web@live orders@target fails",
        ],
    );
    assert_eq!(told, plan_of(system, &[]));
}

#[test]
fn a_cycle_that_a_verification_closes_gets_no_proposal_that_would_only_be_hoped() {
    let ring = "a: serves 1 -> 1,2; calls c 1 -> 2 | b: serves 1; calls a 1 -> 2 | c: serves 1 -> 1,2; calls b 1";
    insta::assert_snapshot!(plan_of(ring, &["c@target b@live fails"]), @r"
    Refused [TG0201]: no safe order exists between a, b, c
      each would have to be done before the next: a → b → c → a
      if a goes before c: a@target calls c 2, c@live serves 1
      if b goes before a: b@target calls a 2, a@live serves 1
      if c goes before b: c@target was verified against b@live, and that failed (b)
      no split of these services was found that is safe at every moment; pin the versions that clients use while servers roll, or take a change out of this release
    Failed: c@target → b@live
    ");
}

#[test]
fn a_call_that_may_fail_may_fail_where_it_was_seen_to() {
    let system = verified(
        "orders: serves 1; image | web: calls orders optional 1; image",
        &["web@target orders@live fails"],
    );
    insta::assert_snapshot!(faults_of(&system, plan(&system), |plan| {
        plan.waves = vec![plan.waves.concat()];
        plan.steps.iter_mut().for_each(|step| step.after.clear());
    }), @"no fault");
}
