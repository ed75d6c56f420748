//! How many edges need what, how many ways out there are, how much is told of many.

use std::collections::BTreeSet;

use super::{plan_of, system_of};
use crate::graph::{System, derive};
use crate::plan::settle::{Arc, Order, reduce};
use crate::plan::{Choice, Strategy, plan, plan_with, prove};
use tidegate_spec::ServiceName;

/// How many edges are proved, assumed, free and given up.
fn edges_of(text: &str) -> [usize; 4] {
    let edges = plan(&system_of(text)).edges;
    [edges.proved, edges.assumed, edges.free, edges.given_up]
}

#[test]
fn an_edge_counts_as_given_up_once_none_of_its_optional_orders_is_kept() {
    // The hard order of the other edge wins.
    let given_up =
        "a: serves 1 -> 1,2; calls b optional 1 -> 2 | b: serves 1 -> 1,2; calls a 1 -> 2";
    assert_eq!(edges_of(given_up), [1, 0, 0, 1]);
    // One of its two orders is kept.
    assert_eq!(
        edges_of("s: serves 1 -> 2 | c: calls s optional 1 -> 2"),
        [1, 0, 0, 0]
    );
    let beside = format!("{given_up} | x: calls a 1 | y: serves 1; calls a 2 -> 2; new");
    assert_eq!(edges_of(&beside), [2, 0, 1, 1]);
}

#[test]
fn an_edge_whose_calls_fail_is_never_free() {
    // They may.
    assert_eq!(
        edges_of("a: serves 1 -> 2 | b: calls a optional 1"),
        [0, 0, 0, 1]
    );
    assert_eq!(
        edges_of("a: serves 2 -> 1 | b: calls a optional 1"),
        [0, 0, 0, 1]
    );
    // They do already.
    assert_eq!(
        edges_of("repair | a: serves 2 -> 1,2 | b: calls a 1"),
        [0, 0, 0, 1]
    );
    // Neither can be there before the other.
    let both = "a: new; serves 1; calls b 1 | b: new; serves 1; calls a 1";
    assert_eq!(edges_of(both), [0, 0, 0, 2]);
}

#[test]
fn an_optional_order_that_is_kept_has_its_certificate() {
    let certificates = |text: &str| {
        let system = system_of(text);
        let plan = plan(&system);
        let proved = prove(&derive(&system), &plan).into_iter();
        let proved = proved.map(|one| format!("{} then {}", one.first, one.then));
        proved.collect::<Vec<_>>()
    };
    assert_eq!(
        certificates("s: serves 1 -> 1,2 | c: calls s optional 1 -> 2"),
        ["s then c"]
    );
    assert_eq!(
        certificates(
            "a: serves 1 -> 1,2; calls b optional 1 -> 2 | b: serves 1 -> 1,2; calls a 1 -> 2"
        ),
        ["a then b"]
    );
}

#[test]
fn the_edge_of_a_caller_from_outside_is_free_since_it_waits_for_nobody() {
    let text = "s: serves 1 -> 1,2 | p: external; calls s 1 -> cached 1,2";
    assert_eq!(edges_of(text), [0, 0, 1, 0]);
}

#[test]
fn a_job_is_a_point_of_no_return_only_if_nothing_undoes_it() {
    let points = |text: &str| plan(&system_of(text)).points_of_no_return;
    assert_eq!(points("schema: job; serves 1,2 -> 2"), ["schema"]);
    assert!(points("schema: job; reversible; serves 1,2 -> 2").is_empty());
    assert!(points("schema: job; serves 1 -> 1,2").is_empty());
    assert_eq!(
        points("schema: job; irreversible; serves 1 -> 1,2 | app: image"),
        ["schema"]
    );
}

#[test]
fn of_equal_strategies_the_ordered_one_is_chosen() {
    let plan = plan_with(
        &system_of("a: image; switch PROTO | b: image"),
        Choice::Auto,
    );
    let costs = plan.strategies.unwrap();
    assert_eq!(costs.ordered, costs.flip);
    assert_eq!(costs.chosen, Strategy::Ordered);
}

#[test]
fn of_many_other_splits_eight_are_named() {
    let ring: Vec<String> = (0..12)
        .map(|at| {
            format!(
                "s{at:02}: serves 1 -> 1,2; calls s{:02} 1 -> 2",
                (at + 1) % 12
            )
        })
        .collect();
    let refusal = plan(&system_of(&ring.join(" | "))).refusal.unwrap();
    assert_eq!(refusal.proposal.unwrap().split.len(), 1);
    let others: BTreeSet<_> = refusal.alternatives.iter().collect();
    assert_eq!((others.len(), refusal.alternatives.len()), (8, 8));
}

#[test]
fn other_splits_of_several_services_are_named_too() {
    let next = |at: usize, other: usize| {
        format!("; calls s{other} 1 -> 2").repeat(usize::from(other != at))
    };
    let path: Vec<String> = (0..4_usize)
        .map(|at| {
            let calls = next(at, at.saturating_sub(1)) + &next(at, (at + 1).min(3));
            format!("s{at}: serves 1 -> 1,2{calls}")
        })
        .collect();
    let refusal = plan(&system_of(&path.join(" | "))).refusal.unwrap();
    let named = |set: &[ServiceName]| {
        set.iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let mut all = vec![named(&refusal.proposal.unwrap().split)];
    all.extend(refusal.alternatives.iter().map(|set| named(set)));
    assert_eq!(all, ["s0 s2", "s1 s3", "s1 s2"]);
}

#[test]
fn what_is_called_in_one_version_of_several_is_told_as_one_of_them() {
    insta::assert_snapshot!(plan_of("s: serves 1 -> 1,2,3 | c: calls s 1 -> any 2,3 | d: calls s 1 -> any 2"), @r"
    Safe: yes. 2 waves. Longest path s → c.
    Wave 1   may start at once
      ~ s
          serves s: 1 → 1, 2, 3
    Wave 2   after wave 1 is done
      ~ c
          calls s: 1 → any of 2, 3
          because s must answer one of 2, 3 everywhere first: c@target calls s any of 2, 3, s@live serves 1
      ~ d
          calls s: 1 → any of 2
          because s must answer 2 everywhere first: d@target calls s any of 2, s@live serves 1
    ");
}

#[test]
fn of_many_reasons_five_are_told() {
    let callees: Vec<String> = (0..7).map(|at| format!("s{at}: serves 1 -> 1,2")).collect();
    let calls: Vec<String> = (0..7).map(|at| format!("calls s{at} 1 -> 2")).collect();
    let told = |count: usize| {
        let plan = plan_of(&format!(
            "{} | hub: {}",
            callees.join(" | "),
            calls[..count].join("; ")
        ));
        let because = plan
            .lines()
            .filter(|line| line.trim_start().starts_with("because "))
            .count();
        (because, plan.lines().last().unwrap().trim().to_owned())
    };
    assert_eq!(told(7), (5, "and 2 more reasons".to_owned()));
    assert_eq!(told(5).0, 5);
    assert!(told(5).1.starts_with("because s4 "), "{}", told(5).1);
}

#[test]
fn what_follows_from_other_steps_is_left_out_however_many_there_are() {
    // More than are looked at together.
    let nodes = 9_000;
    let arc = Arc::hard;
    let near = (1..nodes).map(|at| arc(at - 1, at));
    let far = [
        (0, 2),
        (0, 8_999),
        (4_095, 4_097),
        (4_000, 8_500),
        (70, 135),
    ]
    .map(|(first, then)| arc(first, then));
    let arcs: Vec<Arc> = near.chain(far).collect();
    let order = Order {
        level: (0..nodes).collect(),
        kept: vec![true; arcs.len()],
        collapsed: Vec::new(),
    };
    let before = reduce(&order, &arcs);
    assert!(before[0].is_empty());
    for (at, firsts) in before.iter().enumerate().skip(1) {
        assert_eq!(*firsts, [at - 1], "{at}");
    }
    // Side by side nothing follows from anything.
    let arcs: Vec<Arc> = (0..nodes - 1).map(|at| arc(at, nodes - 1)).collect();
    let level = (0..nodes).map(|at| usize::from(at == nodes - 1)).collect();
    let order = Order {
        level,
        kept: vec![true; arcs.len()],
        collapsed: Vec::new(),
    };
    assert_eq!(
        reduce(&order, &arcs)[nodes - 1],
        (0..nodes - 1).collect::<Vec<_>>()
    );
}

#[test]
fn beyond_fifty_thousand_services_steps_name_all_that_went_before_and_the_plan_says_so() {
    let before = |nodes| {
        let arcs = [(0, 1), (1, 2), (0, 2)].map(|(first, then)| Arc::hard(first, then));
        let order = Order {
            level: (0..nodes).map(|at| at.min(3)).collect(),
            kept: vec![true; arcs.len()],
            collapsed: Vec::new(),
        };
        reduce(&order, &arcs)[2].clone()
    };
    assert_eq!((before(50_000), before(50_001)), (vec![1], vec![0, 1]));
    let warnings = |services: usize| {
        let one = system_of("a: serves 1").services.pop_first().unwrap().1;
        let name = |at| ServiceName::parse(&format!("s{at:05}")).unwrap();
        let services = (0..services).map(|at| (name(at), one.clone())).collect();
        let system = System {
            services,
            ..System::default()
        };
        plan(&system).warnings
    };
    assert!(warnings(50_000).is_empty());
    assert_eq!(
        warnings(50_001),
        ["more than 50000 services: `after` lists implied steps too"]
    );
}
