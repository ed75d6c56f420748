//! Public systems (tests/data/graphs) in the worst case: every contract moves from 1 to 1 and 2, and
//! every client from 1 to 2.

use std::collections::BTreeSet;

use super::system_of;
use crate::graph::System;
use crate::plan::{Plan, check, plan, split_with};
use tidegate_spec::ServiceName;

fn additive(yaml: &str) -> System {
    let mut names: Vec<&str> = Vec::new();
    let mut calls: Vec<(&str, &str)> = Vec::new();
    for line in yaml.lines().filter_map(|line| line.strip_prefix("  - ")) {
        match line
            .strip_prefix("{from: ")
            .and_then(|rest| rest.split_once(", to: "))
        {
            Some((from, rest)) => calls.push((from, rest.split([',', '}']).next().unwrap())),
            None => names.push(line),
        }
    }
    let clauses = |name: &str| -> String {
        let called = calls.iter().filter(|(from, _)| *from == name);
        called.fold(String::new(), |text, (_, to)| {
            text + &format!("; calls {to} 1 -> 2")
        })
    };
    let parts: Vec<String> = names
        .iter()
        .map(|name| format!("{name}: serves 1 -> 1,2{}", clauses(name)))
        .collect();
    system_of(&parts.join(" | "))
}

fn widths(waves: &[Vec<String>]) -> Vec<usize> {
    waves.iter().map(Vec::len).collect()
}

fn lines(waves: &[Vec<String>]) -> String {
    waves
        .iter()
        .map(|wave| wave.join(" "))
        .collect::<Vec<_>>()
        .join("\n")
}

fn planned(yaml: &str) -> Plan {
    let system = additive(yaml);
    let plan = plan(&system);
    if plan.refusal.is_none() {
        assert_eq!(check(&system, &plan), Ok(()));
    }
    plan
}

fn names(names: &[&str]) -> Vec<ServiceName> {
    names
        .iter()
        .map(|name| ServiceName::parse(name).unwrap())
        .collect()
}

#[test]
fn online_boutique_has_three_waves() {
    let plan = planned(include_str!(
        "../../../../../tests/data/graphs/online-boutique.yaml"
    ));
    assert_eq!(widths(&plan.waves), [7, 2, 1]);
    assert_eq!(plan.precedences.len(), 14);
    assert_eq!(
        plan.steps
            .iter()
            .map(|step| step.after.len())
            .sum::<usize>(),
        10
    );
    insta::assert_snapshot!(lines(&plan.waves), @r"
    ad cart currency email payment productcatalog shipping
    checkout recommendation
    frontend
    ");
}

#[test]
fn the_opentelemetry_demo_has_five_waves() {
    let plan = planned(include_str!(
        "../../../../../tests/data/graphs/otel-demo.yaml"
    ));
    assert_eq!(widths(&plan.waves), [10, 2, 1, 1, 1]);
    assert_eq!(plan.precedences.len(), 19);
    assert_eq!(
        plan.steps
            .iter()
            .map(|step| step.after.len())
            .sum::<usize>(),
        15
    );
    insta::assert_snapshot!(lines(&plan.waves), @r"
    accounting ad cart currency email fraud-detection image-provider payment product-catalog quote
    recommendation shipping
    checkout
    frontend
    frontend-proxy
    ");
}

#[test]
fn bookinfo_has_three_waves() {
    let plan = planned(include_str!(
        "../../../../../tests/data/graphs/bookinfo.yaml"
    ));
    assert_eq!(widths(&plan.waves), [2, 1, 1]);
    assert_eq!(
        plan.steps
            .iter()
            .map(|step| step.after.len())
            .sum::<usize>(),
        3
    );
    insta::assert_snapshot!(lines(&plan.waves), @r"
    details ratings
    reviews
    productpage
    ");
}

#[test]
fn the_social_network_is_refused_and_needs_one_split() {
    let yaml = include_str!("../../../../../tests/data/graphs/social-network.yaml");
    let refusal = planned(yaml).refusal.unwrap();
    assert_eq!(refusal.cycle, names(&["social-graph", "user"]));
    // Both have three callers, so the name decides; it happens to give one wave less.
    let proposal = refusal.proposal.unwrap();
    assert_eq!(proposal.split, names(&["social-graph"]));
    assert_eq!(refusal.alternatives, [names(&["user"])]);
    insta::assert_snapshot!(lines(&proposal.waves), @r"
    media post-storage social-graph/expand unique-id url-shorten user-mention
    home-timeline text user user-timeline
    compose-post social-graph/flip
    nginx
    ");
    let user: BTreeSet<ServiceName> = names(&["user"]).into_iter().collect();
    let (other, _) = split_with(&additive(yaml), &user).unwrap();
    assert_eq!(widths(&other.waves), [6, 3, 2, 1, 1]);
}

#[test]
fn train_ticket_is_refused_and_needs_seat_split() {
    let refusal = planned(include_str!(
        "../../../../../tests/data/graphs/train-ticket.yaml"
    ))
    .refusal
    .unwrap();
    assert_eq!(refusal.cycle, names(&["seat", "travel", "travel2"]));
    let proposal = refusal.proposal.unwrap();
    assert_eq!(proposal.split, names(&["seat"]));
    assert_eq!(refusal.alternatives, Vec::<Vec<ServiceName>>::new());
    assert_eq!(widths(&proposal.waves), [16, 7, 7, 4, 5, 3, 1]);
    insta::assert_snapshot!(lines(&proposal.waves), @r"
    assurance avatar config consign-price contacts food-map news notification payment price route seat/expand station ticket-office train verification-code
    admin-basic-info admin-route auth basic consign order order-other
    admin-order execute inside-payment security ticketinfo user voucher
    admin-user cancel travel travel2
    admin-travel food rebook route-plan seat/flip
    preserve preserve-other travel-plan
    ui-dashboard
    ");
}

#[test]
fn bookinfo_with_three_live_revisions_of_reviews_puts_ratings_first() {
    insta::assert_snapshot!(super::plan_of(
        "ratings: serves 1 -> 1,2 | reviews: serves 1; calls ratings - + 1 + 1 -> 2 \
         | productpage: calls reviews 1; image"
    ), @r"
    Safe: yes. 2 waves. Longest path ratings → reviews.
    Wave 1   may start at once
      ~ productpage
      ~ ratings
          serves ratings: 1 → 1, 2
    Wave 2   after wave 1 is done
      ~ reviews
          calls ratings: - | 1 → 2
          because ratings must answer 2 everywhere first: reviews@target calls ratings 2, ratings@live serves 1
    ");
}
