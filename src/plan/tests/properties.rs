//! The planner against an explorer that knows nothing of precedences: it walks through every vector
//! of {before, mixed, after} and looks at who could meet whom. Also what must not change a plan.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::explorer::{AFTER, BEFORE, Draft, MIXED, Part, Wish};
use crate::graph::{Member, Moves, Revision, System};
use crate::plan::{Fault, Intermediate, Plan, RefusalKind, Verdict, check, path, plan, prove};
use crate::spec::{ContractName, Interface, Manner, ServiceName};

const MANY: u32 = 4000;
const SOME: u32 = 1000;

fn wish(is_new: bool) -> impl Strategy<Value = Option<Wish>> {
    let (one, two) = if is_new { (2, 5) } else { (5, 1) };
    prop_oneof![
        10 => Just(None),
        one => Just(Some(Wish::Version(1))),
        two => Just(Some(Wish::Version(2))),
        1 => Just(Some(Wish::All(3))),
        2 => Just(Some(Wish::Any(3))),
        1 => Just(Some(Wish::Cached(3))),
    ]
}

/// What is served is a set of bits: 1 and 2.
fn part(is_new: bool, services: usize) -> impl Strategy<Value = Part> {
    let (one, both, two) = if is_new { (2, 6, 3) } else { (6, 4, 1) };
    let serves = prop_oneof![one => Just(1_u8), both => Just(3_u8), two => Just(2_u8)];
    (serves, prop::collection::vec(wish(is_new), services))
        .prop_map(|(serves, calls)| Part { serves, calls })
}

/// Old, middle and new, then which of them are live and which one is the target.
type Raw = (Part, Part, Part, u8, u8);

/// Most systems are safe now and at the end, so that most verdicts are about the order.
fn drafts() -> impl Strategy<Value = Vec<Draft>> {
    (2_usize..=5).prop_flat_map(|services| {
        let parts = (
            part(false, services),
            part(true, services),
            part(true, services),
        );
        let raw = (parts, 0_u8..20, 0_u8..20)
            .prop_map(|((old, mid, new), live, target)| (old, mid, new, live, target));
        let raws = prop::collection::vec(raw, services);
        (raws, prop::bool::weighted(0.9), prop::bool::weighted(0.8)).prop_map(built)
    })
}

fn built((raws, is_calm_now, is_calm_at_end): (Vec<Raw>, bool, bool)) -> Vec<Draft> {
    let live = raws.iter().map(|(old, mid, new, live, _)| match live {
        0 | 1 => vec![],
        2 => vec![old.clone(), mid.clone()],
        3 => vec![old.clone(), new.clone()],
        4 => vec![old.clone(), mid.clone(), new.clone()],
        _ => vec![old.clone()],
    });
    let mut drafts: Vec<Draft> = live.map(|live| Draft { live, target: None }).collect();
    if is_calm_now {
        Draft::calm_now(&mut drafts);
    }
    for (draft, (_, _, new, live, target)) in drafts.iter_mut().zip(&raws) {
        draft.target = match target {
            0 | 1 => None,
            2..=6 => draft.live.first().cloned(),
            // The new revision that is live already is the one that was calmed.
            _ if matches!(live, 3 | 4) => draft.live.last().cloned(),
            _ => Some(new.clone()),
        };
    }
    if is_calm_at_end {
        Draft::calm_at_end(&mut drafts);
    }
    drafts
}

fn runs(cases: u32, check: impl Fn(&[Draft]) -> Result<(), TestCaseError>) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(config, random)
        .run(&drafts(), |drafts| check(&drafts))
        .unwrap();
}

fn name(at: usize) -> ServiceName {
    ServiceName::parse(&format!("s{at}")).unwrap()
}

/// The drafts as the planner sees them, under names of choice.
fn system(drafts: &[Draft], name: impl Fn(usize) -> ServiceName) -> System {
    let interface = |at: usize, part: &Part| Interface {
        serves: Some([(ContractName::from(&name(at)), Wish::versions(part.serves))].into()),
        calls: part
            .calls
            .iter()
            .enumerate()
            .filter_map(|(callee, wish)| {
                let key = (name(callee), ContractName::from(&name(callee)));
                Some((key, (*wish)?.requirement()))
            })
            .collect(),
    };
    let mut system = System::default();
    for (at, draft) in drafts.iter().enumerate() {
        let revision = |label: &str, part: &Part| Revision::declared(label, interface(at, part));
        let live = draft
            .live
            .iter()
            .map(|part| revision("live", part))
            .collect();
        let target = draft.target.as_ref().map(|part| revision("target", part));
        let moves = match (draft.is_moving(), draft.live.is_empty(), &target) {
            (false, _, _) => Moves::Stays,
            (true, _, None) => Moves::Delete,
            (true, true, Some(_)) => Moves::Create,
            (true, false, Some(_)) => Moves::Roll,
        };
        system.services.insert(
            name(at),
            Member {
                live,
                target,
                moves,
                after: BTreeSet::new(),
                retained: Vec::new(),
                manner: Manner::default(),
            },
        );
    }
    system
}

fn at(id: &str) -> usize {
    id[1..].parse().unwrap()
}

#[test]
fn the_verdict_is_the_explorers() {
    let seen: RefCell<BTreeMap<String, usize>> = RefCell::default();
    runs(MANY, |drafts| {
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
    assert!(seen[""] > 1000, "{seen:?}");
    assert!(seen["Cycle"] > 100, "{seen:?}");
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
        for certificate in prove(&system, &plan) {
            prop_assert!(certificate.waves.0 < certificate.waves.1);
            prop_assert!(path(&plan, &certificate.first, &certificate.then).is_some());
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
        let remembers = |part: &Part| {
            part.calls
                .iter()
                .any(|wish| matches!(wish, Some(Wish::Cached(_))))
        };
        let parts = |draft: &Draft| draft.live.iter().chain(&draft.target).any(remembers);
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
