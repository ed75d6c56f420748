//! Switches: all images at once, then all flips.

use super::{faults_of, system_of};
use crate::plan::{Choice, PartError, Plan, check, explain, parts, plan, plan_with};

const CHAIN: &str = "a: switch B_PROTO; calls b 1 -> 2 | b: switch C_PROTO; serves 1 -> 1,2; calls c 1 -> 2 \
    | c: switch D_PROTO; serves 1 -> 1,2; calls d 1 -> 2 | d: serves 1 -> 1,2";

fn strategy(text: &str, choice: Choice) -> Plan {
    let system = system_of(text);
    let plan = plan_with(&system, choice);
    if plan.refusal.is_none() {
        assert_eq!(check(&system, &plan), Ok(()));
    }
    plan
}

fn told(text: &str, choice: Choice) -> String {
    explain(&system_of(text), &strategy(text, choice)).join("\n")
}

#[test]
fn s28_a_chain_of_switches_is_flipped_in_two_waves() {
    insta::assert_snapshot!(told(CHAIN, Choice::Flip), @r"
    Safe: yes. 2 waves. Longest path a/expand → a/flip.
    Wave 1   may start at once
      ~ a/expand
          its new image, which calls as the old one did
      ~ b/expand
          its new image, which calls as the old one did
          serves b: 1 → 1, 2
      ~ c/expand
          its new image, which calls as the old one did
          serves c: 1 → 1, 2
      ~ d
          serves d: 1 → 1, 2
    Wave 2   after wave 1 is done
      ~ a/flip   flip
          sets B_PROTO to its new value
          because b must answer 2 everywhere first: a@target calls b 2, b@live serves 1
      ~ b/flip   flip
          sets C_PROTO to its new value
          because c must answer 2 everywhere first: b@target calls c 2, c@live serves 1
      ~ c/flip   flip
          sets D_PROTO to its new value
          because d must answer 2 everywhere first: c@target calls d 2, d@live serves 1
    Strategies
      ordered   4 waves, 4 restarts
    * flip      2 waves, 7 restarts
    ");
    let ordered = strategy(CHAIN, Choice::Ordered);
    assert_eq!(ordered.waves.len(), 4);
    assert_eq!(
        ordered.strategies,
        strategy(CHAIN, Choice::Flip).strategies.map(|mut both| {
            both.chosen = crate::plan::Strategy::Ordered;
            both
        })
    );
    assert_eq!(strategy(CHAIN, Choice::Auto), strategy(CHAIN, Choice::Flip));
}

#[test]
fn two_waves_are_not_worth_twice_the_restarts() {
    let text = "a: switch B_PROTO; calls b 1 -> 2 | b: serves 1 -> 1,2";
    insta::assert_snapshot!(told(text, Choice::Auto), @r"
    Safe: yes. 2 waves. Longest path b → a.
    Wave 1   may start at once
      ~ b
          serves b: 1 → 1, 2
    Wave 2   after wave 1 is done
      ~ a
          calls b: 1 → 2
          because b must answer 2 everywhere first: a@target calls b 2, b@live serves 1
    Strategies
    * ordered   2 waves, 2 restarts
      flip      2 waves, 3 restarts
    ");
}

#[test]
fn a_caller_without_a_switch_is_named() {
    let text = CHAIN.replace("switch C_PROTO; ", "");
    insta::assert_snapshot!(told(&text, Choice::Flip), @r"
    Refused [TG0214]: a caller that would have to wait has no switch
      b would have to wait for what it calls: declare its `switch: {env: NAME}`, or let it move in order
    ");
    assert_eq!(strategy(&text, Choice::Auto).waves.len(), 4);
}

#[test]
fn a_caller_without_a_switch_is_split_from_what_it_calls_where_no_order_is_safe_either() {
    let swapped = "a: calls b 1 -> 2 | b: serves 1 -> 2";
    insta::assert_snapshot!(told(swapped, Choice::Flip), @r"
    Refused [TG0214]: a caller that would have to wait has no switch
      a would have to wait for what it calls, and no order is safe: declare its `switch: {env: NAME}`, or split the release
    Way out: split in two releases, with a revision between for b
      b/expand serves b 1, 2, calls nothing
      Wave 1: b/expand
      Wave 2: a
      Wave 3: b/contract
    ");
    let parts_of = |text, choice| parts(&system_of(text), &strategy(text, choice));
    assert_eq!(
        parts_of(swapped, Choice::Flip),
        parts_of(swapped, Choice::Ordered)
    );
    let added = "a: calls b 1 -> 2 | b: serves 1 -> 1,2";
    assert_eq!(parts_of(added, Choice::Flip), Err(PartError::InOrder));
}

#[test]
fn a_cycle_is_no_obstacle_for_switches() {
    insta::assert_snapshot!(told(
        "a: switch B_PROTO; serves 1 -> 1,2; calls b 1 -> 2 | b: switch A_PROTO; serves 1 -> 1,2; calls a 1 -> 2",
        Choice::Auto
    ), @r"
    Safe: yes. 2 waves. Longest path a/expand → a/flip.
    Wave 1   may start at once
      ~ a/expand
          its new image, which calls as the old one did
          serves a: 1 → 1, 2
      ~ b/expand
          its new image, which calls as the old one did
          serves b: 1 → 1, 2
    Wave 2   after wave 1 is done
      ~ a/flip   flip
          sets B_PROTO to its new value
          because b must answer 2 everywhere first: a@target calls b 2, b@live serves 1
      ~ b/flip   flip
          sets A_PROTO to its new value
          because a must answer 2 everywhere first: b@target calls a 2, a@live serves 1
    Strategies
      ordered   not possible
    * flip      2 waves, 4 restarts
    ");
}

#[test]
fn a_version_that_is_dropped_waits_for_the_flip() {
    insta::assert_snapshot!(told(
        "a: switch B_PROTO; calls b 1 -> 2 | b: serves 1 -> 1,2 | c: serves 1,2 -> 2 | d: calls c 1 -> 2",
        Choice::Flip
    ), @r"
    Safe: yes. 2 waves. Longest path a/expand → a/flip.
    Wave 1   may start at once
      ~ a/expand
          its new image, which calls as the old one did
      ~ b
          serves b: 1 → 1, 2
      ~ d
          calls c: 1 → 2
    Wave 2   after wave 1 is done
      ~ a/flip   flip
          sets B_PROTO to its new value
          because b must answer 2 everywhere first: a@target calls b 2, b@live serves 1
      ~ c
          serves c: 1, 2 → 2
          because d must stop calling c 1 everywhere first: d@live calls c 1, c@target serves 2
    Strategies
      ordered   2 waves, 4 restarts
    * flip      2 waves, 5 restarts
    ");
}

#[test]
fn a_flip_before_its_server_does_not_stand_the_check() {
    let system = system_of(CHAIN);
    let plan = plan_with(&system, Choice::Flip);
    insta::assert_snapshot!(faults_of(&system, plan, |plan| {
        plan.waves.insert(0, vec!["d".to_owned()]);
        plan.waves[1].retain(|id| id != "d");
        plan.waves.swap(0, 2);
        plan.waves.swap(0, 1);
    }), @r"
    `c/flip` is not in a later wave than `d`
    wave 2: c@target may call d@live (d) and fail
    wave 3: c@target may call d@live (d) and fail
    ");
}

#[test]
fn a_split_prefers_a_service_that_has_a_switch() {
    let plan = plan(&system_of(
        "a: serves 1 -> 1,2; calls b 1 -> 2 | b: switch A_PROTO; serves 1 -> 1,2; calls a 1 -> 2",
    ));
    let split = plan.refusal.unwrap().proposal.unwrap().split;
    assert_eq!(
        split.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["b"]
    );
}

#[test]
fn old_pods_are_kept_beside_new_ones_for_a_flip_too() {
    let text = "o: versioned; serves 1 -> 2 | w: calls o 1 -> 2; switch PROTO";
    insta::assert_snapshot!(told(text, Choice::Flip), @r"
    Safe: yes. 3 waves. Longest path o/expand → w/flip → o/contract.
    Wave 1   may start at once
      ~ o/expand
          new pods beside the old ones
          serves o: 1 → 2
      ~ w/expand
          its new image, which calls as the old one did
    Wave 2   after wave 1 is done
      ~ w/flip   flip
          sets PROTO to its new value
          because o must answer 2 everywhere first: w@target calls o 2, o@live serves 1
    Wave 3   after wave 2 is done
      ~ o/contract
          its old pods go
          because w must stop calling o 1 everywhere first: w@live calls o 1, o@target serves 2
    Strategies
      ordered   3 waves, 3 restarts
    * flip      3 waves, 4 restarts
    ");
}

#[test]
fn a_service_that_calls_itself_in_a_new_version_flips_when_all_its_pods_serve_that() {
    let text = "a: serves 1 -> 1,2; calls a 1 -> 2; switch PROTO";
    insta::assert_snapshot!(told(text, Choice::Auto), @r"
    Safe: yes. 2 waves. Longest path a/expand → a/flip.
    Wave 1   may start at once
      ~ a/expand
          its new image, which calls as the old one did
          serves a: 1 → 1, 2
    Wave 2   after wave 1 is done
      ~ a/flip   flip
          sets PROTO to its new value
    Strategies
      ordered   not possible
    * flip      2 waves, 2 restarts
    ");
    // Its new image would call what it does not serve any more.
    let dropping = told(&text.replace("1,2", "2"), Choice::Flip);
    assert!(dropping.starts_with("Refused [TG0205]"), "{dropping}");
}

#[test]
fn a_caller_that_has_a_switch_and_cannot_flip_is_told_why() {
    let because = |text: &str| {
        let refusal = strategy(text, Choice::Flip).refusal.unwrap();
        refusal.because.join("\n")
    };
    insta::assert_snapshot!(because("o: serves 1 -> 1,2 | w: calls o 1 + - -> 2; switch PROTO"), @"w would have to wait for what it calls: it runs in several revisions, and its switch can keep only one of them: finish it first, or let it move in order");
    insta::assert_snapshot!(because("o: serves 1 -> 1,2 | w: job; calls o 1 -> 2; switch PROTO"), @"w would have to wait for what it calls: its switch is of no use, as it does not roll: take what it calls out of this release, or let it move in order");
}
