//! Which services are split, of many that could be.

use std::collections::{BTreeMap, BTreeSet};

use super::{plan_of, system_of};
use crate::plan::{Refusal, plan};
use tidegate_spec::ServiceName;

/// Who calls whom in a new version, as `a-b` where both do and `a>b` where only `a` does. All of them add that version.
fn refused(edges: &[String]) -> Refusal {
    let mut calls: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for edge in edges {
        let (caller, callee) = edge.split_once(['-', '>']).unwrap();
        calls.entry(caller).or_default().insert(callee);
        let back = calls.entry(callee).or_default();
        if edge.contains('-') {
            back.insert(caller);
        }
    }
    let parts = calls.iter().map(|(caller, callees)| {
        let calls = callees
            .iter()
            .map(|callee| format!("; calls {callee} 1 -> 2"));
        format!("{caller}: serves 1 -> 1,2{}", calls.collect::<String>())
    });
    let system = system_of(&parts.collect::<Vec<_>>().join(" | "));
    plan(&system).refusal.unwrap()
}

fn split(refusal: &Refusal) -> Vec<&str> {
    let proposal = refusal.proposal.as_ref().unwrap();
    proposal.split.iter().map(ServiceName::as_str).collect()
}

/// `a-b` for each of so many.
fn each(from: &str, to: &str, count: usize) -> impl Iterator<Item = String> {
    (0..count).map(move |at| format!("{from}-{to}{at}"))
}

#[test]
fn in_a_small_knot_no_smaller_set_and_none_with_fewer_callers_would_do() {
    // The most entangled ones, `s1 s2 s4`, would do too.
    let path: Vec<String> = (0..5).map(|at| format!("s{at}-s{}", at + 1)).collect();
    assert_eq!(split(&refused(&path)), ["s0", "s2", "s4"]);
}

#[test]
fn in_a_knot_of_up_to_three_hundred_pairs_are_still_tried_by_how_many_call_them() {
    let edges = each("hub", "leaf", 14).chain(["hub-x", "x-y"].map(String::from));
    let refusal = refused(&edges.collect::<Vec<_>>());
    assert_eq!(refusal.cycle.len(), 17);
    // `x` would do as well as `y`, and has more callers.
    assert_eq!(split(&refusal), ["hub", "y"]);
}

#[test]
fn of_a_large_knot_that_needs_one_split_others_are_named() {
    let ring: Vec<String> = (0..20)
        .map(|at| format!("s{at}>s{}", (at + 1) % 20))
        .collect();
    let refusal = refused(&ring);
    assert_eq!(split(&refusal).len(), 1);
    assert_eq!(refusal.alternatives.len(), 8);
}

#[test]
fn in_a_large_knot_a_service_is_called_entangled_by_what_goes_in_and_out() {
    let mut edges: Vec<String> = ["hub0-hub1", "hub1-hub2", "u-hub0", "u-hub1", "u-v"]
        .map(String::from)
        .into();
    for hub in ["hub0", "hub1", "hub2"] {
        edges.extend(each(hub, &format!("{hub}leaf"), 6));
    }
    // `v` has more neighbours than `u`. Most of them only call it, so that fewer ways lead through it.
    edges.extend((0..5).map(|at| format!("v>hub0leaf{at}")));
    assert_eq!(split(&refused(&edges)), ["hub0", "hub1", "hub2", "u"]);
}

#[test]
fn in_a_large_knot_the_most_entangled_service_is_left_whole_if_all_around_it_are_split_anyway() {
    let mut edges: Vec<String> = each("hub", "x", 5).collect();
    for at in 0..5 {
        edges.extend(each(&format!("x{at}"), &format!("x{at}leaf"), 3));
    }
    assert_eq!(split(&refused(&edges)), ["x0", "x1", "x2", "x3", "x4"]);
}

#[test]
fn a_service_with_a_live_revision_that_nobody_declared_is_not_split() {
    let mut system =
        system_of("a: serves 1 + 1 -> 1,2; calls b 1 -> 2 | b: serves 1 -> 1,2; calls a 1 -> 2");
    let refusal = plan(&system).refusal.unwrap();
    assert_eq!(
        (split(&refusal), refusal.alternatives.len()),
        (vec!["a"], 1)
    );
    let a = ServiceName::parse("a").unwrap();
    system.services.get_mut(&a).unwrap().live[1].interface = None;
    let refusal = plan(&system).refusal.unwrap();
    assert_eq!(
        (split(&refusal), refusal.alternatives.len()),
        (vec!["b"], 0)
    );
}

#[test]
fn beside_a_split_old_pods_are_kept_only_where_that_is_needed() {
    insta::assert_snapshot!(plan_of(
        "a: serves 1 -> 1,2; calls b 1 -> 2 | b: versioned; serves 1 -> 1,2; calls a 1 -> 2"
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
