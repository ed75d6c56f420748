//! The planner against an explorer that knows nothing of precedences: it walks through every vector
//! of {before, mixed, after} and looks at who could meet whom. Also what must not change a plan.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::explorer::{AFTER, BEFORE, Draft, MIXED, Part, Wish};
use super::random::{SOME, at, enough, many, name, runs, system};
use crate::plan::{Fault, Intermediate, Plan, RefusalKind, Verdict, check, path, plan, prove};

#[test]
fn the_verdict_is_the_explorers() {
    let seen: RefCell<BTreeMap<String, usize>> = RefCell::default();
    runs(many(), |drafts| {
        let plan = plan(&system(drafts, name));
        let kind = plan
            .refusal
            .as_ref()
            .map(|refusal| format!("{:?}", refusal.kind));
        *seen
            .borrow_mut()
            .entry(kind.unwrap_or_default())
            .or_default() += 1;
        prop_assert_eq!(plan.verdict == Verdict::Ordered, Draft::can_finish(drafts));
        Ok(())
    });
    // The comparison is worth something only if every verdict is met often.
    let seen = seen.into_inner();
    assert!(seen[""] > enough(1000), "{seen:?}");
    assert!(seen["Cycle"] > enough(100), "{seen:?}");
    assert!(
        seen.contains_key("CurrentUnsafe") && seen.contains_key("TargetUnsafe"),
        "{seen:?}"
    );
}

#[test]
fn every_wave_is_safe_with_all_its_services_mixed() {
    runs(SOME, |drafts| {
        let plan = plan(&system(drafts, name));
        let mut state = vec![BEFORE; drafts.len()];
        for wave in &plan.waves {
            for id in wave {
                state[at(id)] = MIXED;
            }
            prop_assert!(Draft::is_safe(drafts, &state));
            for id in wave {
                state[at(id)] = AFTER;
            }
        }
        Ok(())
    });
}

#[test]
fn every_precedence_that_does_not_follow_from_others_is_necessary() {
    runs(SOME, |drafts| {
        let plan = plan(&system(drafts, name));
        for step in &plan.steps {
            for first in &step.after {
                // Everything that must come before either of the two is done, and they overlap.
                let state: Vec<u8> = (0..drafts.len())
                    .map(|other| match name(other).as_str() {
                        id if id == first || id == step.id => MIXED,
                        id if path(&plan, id, first).is_some() => AFTER,
                        id if path(&plan, id, &step.id).is_some() => AFTER,
                        _ => BEFORE,
                    })
                    .collect();
                prop_assert!(
                    !Draft::is_safe(drafts, &state),
                    "{} before {}",
                    first,
                    step.id
                );
            }
        }
        Ok(())
    });
}

#[test]
fn every_bad_pair_has_a_certificate_with_a_path() {
    runs(SOME, |drafts| {
        let system = system(drafts, name);
        let plan = plan(&system);
        for certificate in prove(&crate::graph::derive(&system), &plan) {
            prop_assert!(certificate.waves.0 < certificate.waves.1);
            prop_assert!(path(&plan, certificate.first, certificate.then).is_some());
        }
        Ok(())
    });
}

#[test]
fn names_change_nothing_but_names() {
    runs(SOME, |drafts| {
        let count = drafts.len();
        let renamed = |at: usize| name(count - 1 - at);
        let (one, other) = (plan(&system(drafts, name)), plan(&system(drafts, renamed)));
        let back = |id: &str| renamed(at(id)).to_string();
        let waves = |plan: &Plan, back: &dyn Fn(&str) -> String| -> Vec<BTreeSet<String>> {
            plan.waves
                .iter()
                .map(|wave| wave.iter().map(|id| back(id)).collect())
                .collect()
        };
        prop_assert_eq!(waves(&one, &str::to_owned), waves(&other, &back));
        let pairs = |plan: &Plan, back: &dyn Fn(&str) -> String| -> BTreeSet<_> {
            let ends = plan
                .precedences
                .iter()
                .map(|one| (back(one.first.as_str()), back(one.then.as_str()), one.kind));
            ends.collect()
        };
        prop_assert_eq!(pairs(&one, &str::to_owned), pairs(&other, &back));
        let kind = |plan: &Plan| {
            plan.refusal
                .as_ref()
                .map(|refusal| (refusal.kind, refusal.code))
        };
        prop_assert_eq!(kind(&one), kind(&other));
        Ok(())
    });
}

#[test]
fn the_order_of_live_revisions_changes_nothing() {
    runs(SOME, |drafts| {
        let mut turned = drafts.to_vec();
        for draft in &mut turned {
            draft.live.reverse();
        }
        let (one, other) = (plan(&system(drafts, name)), plan(&system(&turned, name)));
        prop_assert_eq!(one.waves, other.waves);
        prop_assert_eq!(one.steps, other.steps);
        prop_assert_eq!(one.edges, other.edges);
        Ok(())
    });
}

#[test]
fn a_service_that_stays_changes_nothing() {
    runs(SOME, |drafts| {
        let calls = drafts.iter().map(|draft| {
            let is_there = !draft.live.is_empty() && draft.target.is_some();
            is_there.then_some(Wish::Any(3))
        });
        let part = Part {
            serves: 1,
            calls: calls.collect(),
        };
        let mut more = drafts.to_vec();
        more.push(Draft {
            live: vec![part.clone()],
            target: Some(part),
        });
        let (one, other) = (plan(&system(drafts, name)), plan(&system(&more, name)));
        prop_assert_eq!(&one.waves, &other.waves);
        prop_assert_eq!(&one.steps, &other.steps);
        prop_assert_eq!(&one.precedences, &other.precedences);
        // Not the proposal: that prefers to split what has few callers, and here is one more.
        let told = |plan: Plan| {
            plan.refusal
                .map(|one| (one.code, one.kind, one.cycle, one.pairs))
        };
        prop_assert_eq!(told(one), told(other));
        Ok(())
    });
}

/// What a proposal tells people to build, read from its text.
fn part_of(one: &Intermediate, services: usize) -> Part {
    let bits = |text: &str| {
        text.split(", ")
            .map(|version| version.parse::<u8>().unwrap())
            .sum::<u8>()
    };
    let mut calls = vec![None; services];
    for call in &one.calls {
        let (callee, need) = call.split_once(' ').unwrap();
        calls[at(callee)] = Some(
            match (need.strip_prefix("all of "), need.strip_prefix("any of ")) {
                (Some(versions), _) => Wish::All(bits(versions)),
                (_, Some(versions)) => Wish::Any(bits(versions)),
                _ => Wish::Version(bits(need)),
            },
        );
    }
    let serves = one
        .serves
        .values()
        .flatten()
        .map(|version| bits(version.as_str()))
        .sum();
    Part { serves, calls }
}

#[test]
fn a_cycle_always_has_a_way_out_that_is_safe_at_every_moment() {
    runs(SOME, |drafts| {
        let parts = |draft: &Draft| draft.live.iter().chain(&draft.target).any(Part::remembers);
        let Some(refusal) = plan(&system(drafts, name)).refusal else {
            return Ok(());
        };
        if refusal.kind == RefusalKind::Cycle && !drafts.iter().any(parts) {
            let proposal = refusal.proposal;
            prop_assert!(proposal.is_some());
            let proposal = proposal.unwrap();
            let between = refusal.intermediate.iter();
            let between = between
                .map(|one| (one.id.clone(), part_of(one, drafts.len())))
                .collect();
            prop_assert!(
                Draft::is_way_out_safe(drafts, &proposal.waves, &between),
                "{:?}",
                proposal
            );
        }
        Ok(())
    });
}

#[test]
fn a_way_out_is_proposed_iff_there_is_one() {
    let seen: RefCell<BTreeMap<bool, usize>> = RefCell::default();
    runs(many(), |drafts| {
        let remembers = |draft: &Draft| draft.live.iter().chain(&draft.target).any(Part::remembers);
        // Where live revisions call differently, one of them may be a way out that no proposal is made of.
        let calls = |draft: &Draft| {
            draft
                .live
                .windows(2)
                .any(|two| two[0].calls != two[1].calls)
        };
        if drafts.len() > 4 || Draft::are_together(drafts) || drafts.iter().any(calls) {
            return Ok(());
        }
        if !drafts.iter().any(remembers) {
            return Ok(());
        }
        let Some(refusal) = plan(&system(drafts, name)).refusal else {
            return Ok(());
        };
        if !matches!(refusal.kind, RefusalKind::Cycle | RefusalKind::SelfConflict) {
            return Ok(());
        }
        let is_possible = Draft::can_finish_in_steps(drafts);
        *seen.borrow_mut().entry(is_possible).or_default() += 1;
        prop_assert_eq!(refusal.proposal.is_some(), is_possible, "{:?}", refusal);
        Ok(())
    });
    let seen = seen.into_inner();
    assert!(
        seen[&true] > enough(20) && seen[&false] > enough(20),
        "{seen:?}"
    );
}

#[test]
fn the_checker_takes_every_plan_and_refuses_merged_and_swapped_waves() {
    let is_unsafe = |fault: &Fault| matches!(fault, Fault::Unsafe { .. });
    runs(SOME, |drafts| {
        let system = system(drafts, name);
        let good = plan(&system);
        if good.verdict == Verdict::Refused {
            return Ok(());
        }
        prop_assert_eq!(check(&system, &good), Ok(()));
        for wave in 1..good.waves.len() {
            let mut merged = good.clone();
            let mut later = merged.waves.remove(wave);
            merged.waves[wave - 1].append(&mut later);
            merged.digest = merged.digest_for(&system);
            let faults = check(&system, &merged).unwrap_err();
            prop_assert!(faults.iter().any(is_unsafe), "{:?}", faults);
            let mut swapped = good.clone();
            swapped.waves.swap(wave - 1, wave);
            swapped.digest = swapped.digest_for(&system);
            let faults = check(&system, &swapped).unwrap_err();
            prop_assert!(faults.iter().any(is_unsafe), "{:?}", faults);
        }
        Ok(())
    });
}
