//! What does not move, what is outside and what is gone: it waits for nobody, and is told.

use super::{plan_of, system_of};
use crate::plan::{Verdict, check, idle_after, plan};
use tidegate_spec::ServiceName;

#[test]
fn an_undeclared_edge_of_which_one_end_moves_is_assumed_and_holds_nobody() {
    for text in [
        "a: calls b ? | b: undeclared; image",
        "a: calls b ?; image | b: serves 1",
    ] {
        let system = system_of(text);
        let plan = plan(&system);
        assert_eq!(plan.verdict, Verdict::Ordered);
        assert_eq!(
            (plan.edges.assumed, plan.precedences.len()),
            (1, 0),
            "{text}"
        );
        assert_eq!(check(&system, &plan), Ok(()));
    }
}

#[test]
fn an_order_by_hand_with_what_does_not_move_holds_nobody() {
    insta::assert_snapshot!(plan_of("orders: serves 1 | web: image; after orders | ads: after web"), @r"
    Safe: yes. 1 wave.
    Wave 1   may start at once
      ~ web
    ");
}

#[test]
fn a_caller_from_outside_that_fails_already_is_not_told_that_it_calls_something_new() {
    insta::assert_snapshot!(plan_of("repair | s: serves 1 -> 1,3 | p: external; calls s 2"), @r"
    A repair: nothing breaks that works now. 1 wave.
    Wave 1   may start at once
      ~ s
          serves s: 1 → 1, 3
    warning: calls of p@live to s@live fail already; p does not move, so they fail when all is done too [TG0211]
    ");
    insta::assert_snapshot!(plan_of("s: serves 1 -> 1,2 | p: external; calls s 1 -> 2"), @r"
    Safe: yes. 1 wave.
    Wave 1   may start at once
      ~ s
          serves s: 1 → 1, 2
    warning: p is deployed elsewhere: what it is declared to call from now on works only once s is done [TG0208]
    ");
}

#[test]
fn what_is_gone_is_waited_out_without_its_service() {
    insta::assert_snapshot!(plan_of(
        "consumer: serves 1,2 -> 2 | producer: retained; calls consumer durable 7d 1 + 2 -> 2; image"
    ), @r"
    Safe: yes. 2 waves. Longest path consumer/drain → consumer.
    Wave 1   may start at once
      ~ consumer/drain   drain
          what was written for consumer in versions that it will not read must be gone: after 7d
      ~ producer
    Wave 2   after wave 1 is done
      ~ consumer
          serves consumer: 1, 2 → 2
    ");
}

#[test]
fn a_large_knot_is_cut_at_its_most_entangled_services() {
    // Three that call each other, each with six more that call it and are called by it: too many for all subsets.
    let mut parts = Vec::new();
    for hub in 0..3 {
        let others = (0..3)
            .filter(|other| *other != hub)
            .map(|other| format!("hub{other}"));
        let leaves = (0..6).map(|leaf| format!("leaf{hub}{leaf}"));
        let calls = others
            .chain(leaves.clone())
            .map(|callee| format!("; calls {callee} 1 -> 2"));
        parts.push(format!(
            "hub{hub}: serves 1 -> 1,2{}",
            calls.collect::<String>()
        ));
        parts.extend(leaves.map(|leaf| format!("{leaf}: serves 1 -> 1,2; calls hub{hub} 1 -> 2")));
    }
    let plan = plan(&system_of(&parts.join(" | ")));
    let refusal = plan.refusal.unwrap();
    let split = refusal.proposal.unwrap().split;
    assert_eq!(
        split.iter().map(ServiceName::as_str).collect::<Vec<_>>(),
        ["hub0", "hub1", "hub2"]
    );
    assert_eq!(refusal.alternatives.len(), 0);
}

#[test]
fn what_fails_already_between_services_that_stay_is_told() {
    insta::assert_snapshot!(plan_of("orders: serves 2 | web: calls orders 1 | ads: image"), @r"
    Refused [TG0204]: what runs now is already unsafe
      web@live calls orders 1, orders@live serves 2; repair web or orders first
    ");
}

#[test]
fn an_order_by_hand_does_not_reach_through_a_service_that_stands_still() {
    let through = "a: image | mid: after a | z: image; after mid";
    insta::assert_snapshot!(plan_of(through), @r"
    Safe: yes. 1 wave.
    Wave 1   may start at once
      ~ a
      ~ z
    ");
    let idle = |text: &str| idle_after(&system_of(text), &ServiceName::parse("z").unwrap());
    insta::assert_snapshot!(
        idle(through).unwrap(),
        @"`after: [mid]` of z holds it back behind nobody: mid does not move in this release"
    );
    assert_eq!(idle(&through.replace("mid: after a", "mid: image")), None);
    insta::assert_snapshot!(plan_of(&through.replace("after mid", "after mid,a")), @r"
    Safe: yes. 2 waves. Longest path a → z.
    Wave 1   may start at once
      ~ a
    Wave 2   after wave 1 is done
      ~ z
          because z declares `after: [a]`
    ");
}

#[test]
fn a_repair_says_of_each_call_that_fails_how_long_it_may_go_on_failing() {
    insta::assert_snapshot!(plan_of("repair | orders: serves 2 | web: calls orders 1"), @r"
    Nothing moves, so nothing is repaired.
    warning: calls of web@live to orders@live fail already; neither moves, so they fail when all is done too [TG0211]
    ");
    insta::assert_snapshot!(plan_of("repair | orders: serves 2 -> 1,2 | web: calls orders 1"), @r"
    A repair: nothing breaks that works now. 1 wave.
    Wave 1   may start at once
      ~ orders
          serves orders: 2 → 1, 2
    warning: calls of web@live to orders@live fail already; they may go on failing until orders is done [TG0211]
    ");
    insta::assert_snapshot!(plan_of("repair | orders: serves 2 | web: calls orders 1 -> 2"), @r"
    A repair: nothing breaks that works now. 1 wave.
    Wave 1   may start at once
      ~ web
          calls orders: 1 → 2
    warning: calls of web@live to orders@live fail already; they may go on failing until web is done [TG0211]
    ");
}

#[test]
fn a_caller_that_remembers_and_stands_still_is_no_cycle_but_one_pair_that_no_order_helps() {
    let text =
        "s: serves 1 -> 1,2 | mobile: external; calls s cached 1,2 | web: calls s cached 1,2";
    insta::assert_snapshot!(plan_of(text), @r"
    Refused [TG0203]: a caller that does not move remembers what it agreed on
      web@live calls s any of 1, 2 and keeps what it agreed on first, s@target serves other versions of them than the pods beside it; web does not move, so no order of the two helps: let web choose for every call, or pin its version while s rolls
      mobile@live calls s any of 1, 2 and keeps what it agreed on first, s@target serves other versions of them than the pods beside it; mobile does not move, so no order of the two helps: let mobile choose for every call, or pin its version while s rolls
    ");
    let refusal = plan(&system_of(text)).refusal.unwrap();
    let pairs = refusal.pairs.iter();
    let pairs = pairs.map(|pair| format!("{}@{}", pair.caller, pair.caller_revision));
    assert_eq!(pairs.collect::<Vec<_>>(), ["web@live", "mobile@live"]);
    assert_eq!((refusal.cycle.len(), refusal.proposal), (0, None));
}

#[test]
fn what_is_gone_matters_only_where_what_it_wrote_stays() {
    insta::assert_snapshot!(plan_of("consumer: serves 2; image | producer: retained; calls consumer 1 + 2 -> 2"), @r"
    Safe: yes. 1 wave.
    Wave 1   may start at once
      ~ consumer
    ");
}

#[test]
fn an_optional_call_that_fails_between_services_that_stay_is_no_news() {
    insta::assert_snapshot!(plan_of("s: serves 1 | c: calls s optional 2 | x: image"), @r"
    Safe: yes. 1 wave.
    Wave 1   may start at once
      ~ x
    ");
}
