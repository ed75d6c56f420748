//! The checker finds what it is there for, and each sort of fault is told.

use super::system_of;
use crate::graph::{Compat, System, compat, derive};
use crate::plan::broken::{Client, Server, Terms};
use crate::plan::{
    Action, Choice, Fault, Plan, check, explain, headline, path, plan, plan_with, prove, why_here,
};
use tidegate_spec::{ContractName, ServiceName};

const CHAIN: &str = "a: calls b 1 -> 2 | b: serves 1 -> 1,2; calls c 1 -> 2 | c: serves 1 -> 1,2";

/// What the checker says of a plan that somebody changed and sealed again.
pub(super) fn faults_of(system: &System, mut plan: Plan, change: impl Fn(&mut Plan)) -> String {
    change(&mut plan);
    plan.digest = plan.digest_for(system);
    match check(system, &plan) {
        Ok(()) => "no fault".to_owned(),
        Err(faults) => faults
            .iter()
            .map(Fault::to_string)
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

#[test]
fn merged_waves_are_found_with_the_pair_that_would_meet() {
    let system = system_of(CHAIN);
    insta::assert_snapshot!(faults_of(&system, plan(&system), |plan| {
        let last = plan.waves.pop().unwrap();
        plan.waves[1].extend(last);
        plan.steps[2].after.clear();
    }), @r"
    wave 2: a@target may call b@live (b) and fail
    nothing keeps a and b from moving together when services advance one by one
    ");
}

#[test]
fn a_step_that_does_not_wait_is_found() {
    let system = system_of(CHAIN);
    insta::assert_snapshot!(faults_of(&system, plan(&system), |plan| plan.steps[2].after.clear()), @r"
    nothing keeps a and b from moving together when services advance one by one
    ");
}

#[test]
fn a_step_that_waits_for_a_later_one_is_found() {
    let system = system_of(CHAIN);
    insta::assert_snapshot!(faults_of(&system, plan(&system), |plan| {
        plan.steps[0].after.push("a".to_owned());
    }), @r"
    `c` is not in a later wave than `a`
    ");
}

#[test]
fn missing_and_surplus_steps_are_found() {
    let system = system_of("a: serves 1; image | b: serves 1");
    insta::assert_snapshot!(faults_of(&system, plan(&system), |plan| {
        plan.waves[0] = vec!["b".to_owned()];
    }), @r"
    `b` is in the waves and does not move, or is there twice, or has no step
    `a` is in the waves and does not move, or is there twice, or has no step
    a moves and is in no wave
    ");
}

#[test]
fn a_plan_for_another_system_or_a_changed_one_is_found() {
    let system = system_of(CHAIN);
    let mut changed = plan(&system);
    changed.warnings.push("trust me".to_owned());
    assert_eq!(check(&system, &changed), Err(vec![Fault::Digest]));
    let other = system_of(&CHAIN.replace("c 1 -> 2", "c 1 -> any 1,2"));
    assert!(
        check(&other, &plan(&system))
            .unwrap_err()
            .contains(&Fault::Digest)
    );
}

#[test]
fn a_refusal_is_never_run() {
    let system = system_of("orders: serves 1 -> 2 | web: calls orders 1 -> 2");
    assert_eq!(check(&system, &plan(&system)), Err(vec![Fault::Refused]));
}

#[test]
fn what_is_unknown_is_a_fault_only_where_nothing_may_be_assumed() {
    let text = "a: calls b ?; image | b: undeclared; image";
    let mut system = system_of(text);
    let good = plan(&system);
    assert_eq!(check(&system, &good), Ok(()));
    system.assume = tidegate_spec::Assume::Strict;
    assert!(faults_of(&system, good, |_| ()).contains("a@live may call b@live"));
}

#[test]
fn the_certificate_names_the_pair_and_the_path() {
    let system = system_of(
        &format!("{CHAIN} | d: calls a 1; calls c 1 -> 2").replace("a: ", "a: serves 1; "),
    );
    let plan = plan(&system);
    let certificates = prove(&derive(&system), &plan);
    let told: Vec<String> = certificates
        .iter()
        .map(|one| {
            let path = path(&plan, one.first, one.then).unwrap().join(" > ");
            format!(
                "{}@{} never meets {}@{}: {path}, waves {:?}",
                one.link.caller,
                one.caller_revision,
                one.link.callee,
                one.callee_revision,
                one.waves
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    a@target never meets b@live: b > a, waves (1, 2)
    b@target never meets c@live: c > b, waves (0, 1)
    d@target never meets c@live: c > d, waves (0, 1)
    ");
}

#[test]
fn the_path_is_a_shortest_one() {
    let plan = plan(&system_of(
        "z: image | y: image; after z | a: image; after y | b: image; after a | d: image; after b,e \
         | c: image; after a | e: image; after c",
    ));
    assert_eq!(path(&plan, "z", "d").unwrap(), ["z", "y", "a", "b", "d"]);
}

#[test]
fn why_here_tells_both_directions() {
    let plan = plan(&system_of(CHAIN));
    let why = |name: &str| why_here(&plan, &ServiceName::parse(name).unwrap());
    insta::assert_snapshot!(why("b").unwrap().join("\n"), @r"
    b moves in wave 2 of 3
    because c must answer 2 everywhere first: b@target calls c 2, c@live serves 1
    not earlier: it waits for c (wave 1)
    waiting for it: a
    ");
    let last = why("a").unwrap().join("\n");
    assert!(
        last.contains("not earlier: it waits for b (wave 2), which waits for c (wave 1)"),
        "{last}"
    );
    assert_eq!(why("x"), None);
}

#[test]
fn implied_steps_are_left_out_of_after_and_stay_in_the_precedences() {
    let system = system_of(&CHAIN.replace("a: ", "a: calls c 1 -> 2; "));
    let plan = plan(&system);
    assert_eq!(plan.precedences.len(), 3);
    assert_eq!(plan.steps.last().unwrap().after, ["b"]);
}

#[test]
fn edges_are_counted_once_whatever_they_need() {
    let system = system_of(
        "a: serves 1 -> 1,2; serves x 1,2 -> 2; image | b: serves 1; calls a 1 -> 2; calls a/x 1 -> 2 \
         | c: calls a 1 | d: calls b ?; image",
    );
    let edges = derive(&system).edges;
    assert_eq!((edges.proved, edges.assumed, edges.free), (2, 1, 1));
}

#[test]
fn the_checker_and_the_derivation_mean_the_same_by_compatible() {
    let needs = [
        "?",
        "-",
        "1",
        "2",
        "all 1,2",
        "any 1,2",
        "any 2,3",
        "^1.2",
        "all ^1.2,^2",
        "any ~1.4,9",
        ">=1.3,<2",
        "1.*",
        "cached 1,2",
        "connection 2,3",
    ];
    let served = [
        "-",
        "1",
        "2",
        "1,2",
        "3",
        "1.4",
        "1.2,2.0.1",
        "1.4.2",
        "2",
        "x",
    ];
    let mut count = 0;
    for need in needs {
        for versions in served {
            for state in ["image", "undeclared", "deleted"] {
                let text = format!("a: calls s {need} | s: serves {versions}; {state}");
                let system = system_of(&text);
                let name = |name: &str| ServiceName::parse(name).unwrap();
                let caller = &system.services[&name("a")].live[0];
                let callee = &system.services[&name("s")];
                // A deleted one stands for the absent revision here.
                let callee = if state == "deleted" {
                    None
                } else {
                    callee.live.first()
                };
                let key = (name("s"), ContractName::from(&name("s")));
                let mine = compat(&key, Some(caller), callee);
                let works = |unknown_is_bad| {
                    let terms = Terms {
                        key: &key,
                        is_itself: false,
                        unknown_is_bad,
                    };
                    let known = caller.interface.as_ref();
                    let client = Client::new(caller, known.and_then(|one| one.calls.get(&key)));
                    !terms.fails(client, Server::of(callee, &key))
                };
                let theirs = (works(false), works(true));
                let expected = match mine {
                    Compat::Yes => (true, true),
                    Compat::No(_) => (false, false),
                    Compat::Unknown => (true, false),
                };
                assert_eq!(theirs, expected, "{text}");
                count += 1;
            }
        }
    }
    assert_eq!(count, 420);
}

#[test]
fn the_headline_is_the_first_line_of_what_is_explained() {
    for text in [
        CHAIN,
        "a: serves 1",
        "orders: serves 1 -> 2 | web: calls orders 1 -> 2",
    ] {
        let system = system_of(text);
        let plan = plan(&system);
        assert_eq!(
            Some(&headline(&system, &plan)),
            explain(&system, &plan).first()
        );
    }
}

#[test]
fn old_pods_stay_beside_new_ones_for_at_least_a_wave_and_only_where_calls_find_their_version() {
    let text = "orders: serves 1 -> 2; versioned | web: calls orders 1 -> 2";
    let system = system_of(text);
    let good = plan(&system);
    assert_eq!(
        good.waves,
        [["orders/expand"], ["web"], ["orders/contract"]]
    );
    insta::assert_snapshot!(faults_of(&system, good.clone(), |plan| {
        plan.waves = vec![vec!["orders/expand".into(), "orders/contract".into()], vec!["web".into()]];
        for step in &mut plan.steps {
            step.after.clear();
        }
    }), @r"
    `orders/expand` is in the waves and does not move, or is there twice, or has no step
    `orders/contract` is in the waves and does not move, or is there twice, or has no step
    wave 0: web@live may call orders@absent (orders) and fail
    wave 2: web@live may call orders@absent (orders) and fail
    wave 2: web@target may call orders@absent (orders) and fail
    ");
    let blind = system_of(&text.replace("; versioned", ""));
    insta::assert_snapshot!(faults_of(&blind, good, |_| ()), @r"
    `orders/expand` is in the waves and does not move, or is there twice, or has no step
    `orders/contract` is in the waves and does not move, or is there twice, or has no step
    wave 0: web@live may call orders@absent (orders) and fail
    wave 2: web@live may call orders@absent (orders) and fail
    wave 2: web@target may call orders@absent (orders) and fail
    ");
}

#[test]
fn steps_that_are_not_those_of_the_service_are_found() {
    let system = system_of(CHAIN);
    insta::assert_snapshot!(faults_of(&system, plan(&system), |plan| {
        plan.steps[0].action = Action::Flip;
    }), @r"
    `c` is in the waves and does not move, or is there twice, or has no step
    wave 0: b@live may call c@absent (c) and fail
    wave 2: b@live may call c@absent (c) and fail
    wave 2: b@target may call c@absent (c) and fail
    ");
    let switched = system_of("b: serves 1 -> 1,2 | a: calls b 1 -> 2; switch PROTO");
    let flipped = plan_with(&switched, Choice::Flip);
    assert_eq!(flipped.waves, [vec!["a/expand", "b"], vec!["a/flip"]]);
    insta::assert_snapshot!(faults_of(&switched, flipped.clone(), |plan| {
        let expand = plan.steps.iter_mut().find(|step| step.id == "a/expand");
        expand.expect("a step").action = Action::Flip;
    }), @r"
    `a/expand` is in the waves and does not move, or is there twice, or has no step
    `a/flip` is in the waves and does not move, or is there twice, or has no step
    ");
    insta::assert_snapshot!(faults_of(&switched, flipped, |plan| {
        plan.waves = vec![vec!["b".into()], vec!["a/expand".into(), "a/flip".into()]];
        for step in &mut plan.steps {
            step.after.retain(|first| first == "b");
        }
    }), @r"
    `a/expand` is in the waves and does not move, or is there twice, or has no step
    `a/flip` is in the waves and does not move, or is there twice, or has no step
    ");
}

#[test]
fn where_nothing_may_be_assumed_one_end_that_moves_is_enough() {
    for text in [
        "a: calls b ?; image | b: serves 1",
        "a: calls b ? | b: undeclared; image",
    ] {
        let mut system = system_of(text);
        let good = plan(&system);
        system.assume = tidegate_spec::Assume::Strict;
        assert!(
            faults_of(&system, good, |_| ()).contains("may call b@"),
            "{text}"
        );
    }
    let still = system_of("strict | a: calls b ? | b: serves 1 | c: image");
    assert_eq!(check(&still, &plan(&still)), Ok(()));
}

/// All steps in one wave, and none waits.
fn merged(plan: &mut Plan) {
    plan.waves = vec![plan.waves.concat()];
    for step in &mut plan.steps {
        step.after.clear();
    }
}

#[test]
fn a_repair_excuses_only_what_fails_already() {
    let faults = |text: &str| {
        let system = system_of(text);
        let good = plan(&system);
        assert_eq!(check(&system, &good), Ok(()), "{text}");
        faults_of(&system, good, merged)
    };
    insta::assert_snapshot!(faults("repair | s: serves 1 + 2 -> 1,2 | c: calls s 1 -> 2"), @r"
    wave 1: c@target may call s@live0 (s) and fail
    nothing keeps c and s from moving together when services advance one by one
    ");
    insta::assert_snapshot!(faults("repair | s: serves 1,2 -> 2 | c: calls s 1 -> 2"), @r"
    wave 1: c@live may call s@target (s) and fail
    nothing keeps c and s from moving together when services advance one by one
    ");
    insta::assert_snapshot!(faults("repair | s: serves 1 -> 1,2 | c: calls s 1 -> 2"), @r"
    wave 1: c@target may call s@live (s) and fail
    nothing keeps c and s from moving together when services advance one by one
    ");
    insta::assert_snapshot!(faults("repair | s: serves 1 -> 1,3 | c: calls s 2 -> 3"), @"no fault");
    insta::assert_snapshot!(faults("repair | s: serves 1 -> 1,2 | c: calls s 1 + 3 -> 2"), @r"
    wave 1: c@target may call s@live (s) and fail
    nothing keeps c and s from moving together when services advance one by one
    ");
}

#[test]
fn what_comes_or_goes_beside_what_it_calls_is_found() {
    let faults = |text: &str| {
        let system = system_of(text);
        faults_of(&system, plan(&system), merged)
    };
    insta::assert_snapshot!(faults("a: new; calls b 1 | b: new; serves 1"), @r"
    wave 1: a@target may call b@absent (b) and fail
    nothing keeps a and b from moving together when services advance one by one
    ");
    insta::assert_snapshot!(faults("a: deleted; calls b 1 | b: deleted; serves 1"), @r"
    wave 1: a@live may call b@absent (b) and fail
    nothing keeps a and b from moving together when services advance one by one
    ");
}

#[test]
fn each_contract_of_a_caller_is_looked_at_for_itself() {
    let system = system_of(
        "a: calls b 1 -> 2; calls c 1 -> 2; calls d 1 | b: serves 1 -> 1,2 | c: serves 1,2 -> 2 | d: serves 1; image",
    );
    insta::assert_snapshot!(faults_of(&system, plan(&system), merged), @r"
    wave 1: a@target may call b@live (b) and fail
    wave 1: a@live may call c@target (c) and fail
    nothing keeps a and b from moving together when services advance one by one
    nothing keeps a and c from moving together when services advance one by one
    ");
}

#[test]
fn a_caller_that_remembers_beside_a_mixed_server_is_found() {
    let system = system_of("s: serves 1 -> 1,2 | c: calls s 1 -> cached 1,2");
    insta::assert_snapshot!(faults_of(&system, plan(&system), merged), @r"
    wave 1: c@target may call s@target (s) and fail
    nothing keeps c and s from moving together when services advance one by one
    ");
    // What may fail may fail so too.
    let system = system_of("s: serves 1 -> 1,2 | c: calls s optional 1 -> cached 1,2");
    insta::assert_snapshot!(faults_of(&system, plan(&system), merged), @"no fault");
}
