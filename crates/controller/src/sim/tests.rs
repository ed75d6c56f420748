//! Releases in the simulated cluster, whatever fails.

use std::collections::BTreeSet;

use super::{Fault, Faults, Outcome, Scenario, Way, plan_of, run, run_naively, timeline};
use tidegate_planner::graph::System;
use tidegate_planner::plan::Plan;
use tidegate_spec::crd::ServiceGraphSpec;
use tidegate_spec::{Graph, ServiceName, check_graph};

const BEFORE: &str = "services:
- {name: store, serves: [{versions: ['1']}]}
- {name: cart, serves: [{versions: ['1']}], calls: [{service: store, version: '1'}]}
- {name: web, calls: [{service: cart, version: '1'}]}
";
const AFTER: &str = "services:
- {name: store, serves: [{versions: ['1', '2']}]}
- {name: cart, serves: [{versions: ['1', '2']}], calls: [{service: store, version: '2'}]}
- {name: web, calls: [{service: cart, version: '2'}]}
";
const MIXED_BEFORE: &str = "services:
- {name: db, workloads: [{kind: StatefulSet, name: db}], serves: [{versions: ['1']}]}
- {name: agent, workloads: [{kind: DaemonSet, name: agent}], serves: [{versions: ['1']}], calls: [{service: db, version: '1'}]}
- {name: web, calls: [{service: agent, version: '1'}, {service: legacy, version: '1'}]}
- {name: legacy, serves: [{versions: ['1']}]}
- {name: steady, serves: [{versions: ['1']}]}
";
const MIXED_AFTER: &str = "services:
- {name: db, workloads: [{kind: StatefulSet, name: db}], serves: [{versions: ['1', '2']}]}
- {name: agent, workloads: [{kind: DaemonSet, name: agent}], serves: [{versions: ['1', '2']}], calls: [{service: db, version: '2'}]}
- {name: web, calls: [{service: agent, version: '2'}, {service: fresh, version: '1'}]}
- {name: fresh, serves: [{versions: ['1']}]}
- {name: steady, serves: [{versions: ['1']}]}
";

fn graph(text: &str) -> (ServiceGraphSpec, Graph) {
    let spec: ServiceGraphSpec = serde_saphyr::from_str(text).expect("a graph");
    let (graph, problems) = check_graph("test", &spec);
    assert_eq!(problems, Vec::new());
    (spec, graph)
}

fn scenario(before: &str, after: &str) -> (Scenario, Plan) {
    let (_, old) = graph(before);
    let (spec, new) = graph(after);
    let scenario = Scenario::of(System::between(&old, &new, None), old, &spec, 3);
    let (plan, refused) = plan_of(&scenario);
    assert_eq!(refused, None);
    (scenario, plan)
}

pub(super) fn row() -> (Scenario, Plan) {
    scenario(BEFORE, AFTER)
}

fn mixed() -> (Scenario, Plan) {
    scenario(MIXED_BEFORE, MIXED_AFTER)
}

/// Runs some seeds; every one of them is right.
fn all_right(
    (scenario, plan): &(Scenario, Plan),
    faults: impl Fn(u64) -> Faults,
    seeds: std::ops::Range<u64>,
) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for seed in seeds {
        let outcome = run(scenario, plan, seed, &faults(seed), false);
        let Outcome { faults, wrong, .. } = &outcome;
        assert_eq!(*wrong, Vec::<String>::new(), "seed {seed}, faults {faults}");
        outcomes.push(outcome);
    }
    outcomes
}

#[test]
fn a_release_without_faults_succeeds_and_no_call_fails() {
    for system in [row(), mixed()] {
        for outcome in all_right(&system, |_| Faults::none(), 0..20) {
            assert_eq!(outcome.ending, "Succeeded");
            assert!(outcome.traffic.failed <= 0.0);
            assert!(outcome.traffic.calls > 0.0);
        }
    }
}

#[test]
fn other_ways_of_applying_the_same_make_calls_fail() {
    for (scenario, plan) in [row(), mixed()] {
        let run = |way| {
            let runs = (0..20).map(|seed| run_naively(&scenario, &plan, way, seed));
            runs.fold((0.0, 0), |sum, (traffic, early)| {
                (sum.0 + traffic.failed, sum.1 + early)
            })
        };
        let (all_at_once, rollout_status) = (run(Way::AllAtOnce), run(Way::RolloutStatus));
        assert!(
            all_at_once.0 > rollout_status.0,
            "{all_at_once:?} {rollout_status:?}"
        );
        assert!(
            all_at_once.1 > rollout_status.1,
            "{all_at_once:?} {rollout_status:?}"
        );
        assert!(rollout_status.0 + f64::from(super::facts::number(rollout_status.1)) > 0.0);
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let (scenario, plan) = mixed();
    for seed in 0..10 {
        let [first, second] =
            [(); 2].map(|()| run(&scenario, &plan, seed, &Faults::by_chance(seed), true));
        assert_eq!(first, second);
    }
    let other = |seed| run(&scenario, &plan, seed, &Faults::none(), false).digest;
    assert_ne!(other(1), other(2));
}

#[test]
fn each_fault_alone_leads_to_no_early_start() {
    for fault in Fault::ALL {
        let faults = Faults::of([fault]);
        let outcomes = all_right(&mixed(), |_| faults.clone(), 0..6);
        if !fault.may_fail() && fault != Fault::Uninstalled {
            assert!(
                outcomes.iter().all(|outcome| outcome.ending == "Succeeded"),
                "{}",
                fault.word()
            );
        }
    }
}

#[test]
fn faults_together_lead_to_no_early_start_and_every_one_of_them_is_met() {
    let outcomes = all_right(&mixed(), Faults::of_all_by_chance, 100..160);
    let reached: BTreeSet<&str> = outcomes
        .iter()
        .flat_map(|outcome| &outcome.reached)
        .map(String::as_str)
        .collect();
    for fault in Fault::ALL {
        assert!(reached.contains(fault.word()), "{}", fault.word());
    }
}

#[test]
fn a_release_whose_new_pods_never_become_ready_fails_and_nobody_behind_it_starts() {
    let (scenario, plan) = row();
    let outcome = run(&scenario, &plan, 3, &Faults::of([Fault::Broken]), false);
    assert_eq!(outcome.wrong, Vec::<String>::new());
    assert_eq!(outcome.ending, "Failed");
}

#[test]
fn a_bad_release_of_another_plan_makes_no_release_last_twice_as_long() {
    let (scenario, plan) = row();
    for seed in 0..12 {
        let took = |faults| run(&scenario, &plan, seed, &faults, false).took;
        let alone = took(Faults::none());
        let beside = took(Faults::of([Fault::Poisoned]));
        assert!(
            beside <= alone * 2,
            "seed {seed}: L5: {beside} beside it, {alone} alone"
        );
    }
}

#[test]
fn a_release_whose_controller_is_taken_away_leaves_no_workload_half_done() {
    let outcomes = all_right(&mixed(), |_| Faults::of([Fault::Uninstalled]), 0..20);
    let left = outcomes
        .iter()
        .filter(|outcome| outcome.ending == "Uninstalled");
    assert!(left.count() > 3);
}

#[test]
fn a_timeline_shows_who_moved_when() {
    let (scenario, plan) = row();
    let outcome = run(&scenario, &plan, 7, &Faults::none(), false);
    let services: Vec<ServiceName> = plan.steps.iter().map(|step| step.service.clone()).collect();
    insta::assert_snapshot!(timeline(&outcome, &services).join("\n"), @r"
    store  #######################=====================================
    cart   --------------------------#######===========================
    web    #########################################################===
           0                                                       58 s
    ");
}
