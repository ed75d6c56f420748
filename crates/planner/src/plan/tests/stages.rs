//! The explorer for services that move in more than one way: switches, and calls that find their
//! version. Each service walks through stages; every vector of stages is looked at.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::explorer::{Draft, Part, Wish};
use super::random::{SOME, enough, many, name, runs, system};
use crate::plan::{Choice, Plan, RefusalKind, Verdict, check, plan, plan_with};
use tidegate_spec::crd::Routing;

/// One stage of a service: whose calls are made, and who may answer.
struct Stage {
    live: Vec<Option<Part>>,
    answers: Vec<Option<Part>>,
}

struct Way {
    stages: Vec<Stage>,
    is_versioned: bool,
}

impl Stage {
    fn of(live: Vec<Option<Part>>) -> Self {
        let answers = live.clone();
        Self { live, answers }
    }
}

fn before(draft: &Draft) -> Vec<Option<Part>> {
    if draft.live.is_empty() {
        vec![None]
    } else {
        draft.live.iter().cloned().map(Some).collect()
    }
}

fn joined(one: &[Option<Part>], other: &[Option<Part>]) -> Vec<Option<Part>> {
    one.iter().chain(other).cloned().collect()
}

/// Before, mixed, after.
fn whole(draft: &Draft) -> Way {
    let (old, new) = (before(draft), vec![draft.target.clone()]);
    let mut stages = vec![Stage::of(old.clone())];
    if draft.is_moving() {
        stages.push(Stage::of(joined(&old, &new)));
        stages.push(Stage::of(new));
    }
    Way {
        stages,
        is_versioned: false,
    }
}

/// New pods come up, are ready beside the old ones, and then the old ones go; a call finds a pod
/// that suits it among those that can be counted on.
fn beside(draft: &Draft) -> Way {
    let (old, new) = (before(draft), vec![draft.target.clone()]);
    let all = joined(&old, &new);
    let mut stages = vec![Stage::of(old.clone())];
    if draft.is_moving() {
        for answers in [old, all.clone(), new.clone()] {
            stages.push(Stage {
                live: all.clone(),
                answers,
            });
        }
        stages.push(Stage::of(new));
    }
    Way {
        stages,
        is_versioned: true,
    }
}

/// The new image with the old calls, then the switch.
fn switched(draft: &Draft) -> Way {
    let (Some(old), Some(new)) = (draft.live.first(), &draft.target) else {
        return whole(draft);
    };
    let image = Part {
        serves: new.serves,
        calls: old.calls.clone(),
    };
    let (old, image, new) = (before(draft), vec![Some(image)], vec![Some(new.clone())]);
    let stages = vec![
        Stage::of(old.clone()),
        Stage::of(joined(&old, &image)),
        Stage::of(image.clone()),
        Stage::of(joined(&image, &new)),
        Stage::of(new),
    ];
    Way {
        stages,
        is_versioned: false,
    }
}

fn is_safe(ways: &[Way], state: &[usize]) -> bool {
    let stage = |service: usize| &ways[service].stages[state[service]];
    let served = |parts: &[Option<Part>]| -> Vec<Option<u8>> {
        parts
            .iter()
            .map(|part| part.as_ref().map(|part| part.serves))
            .collect()
    };
    let works = |caller: usize, part: &Part, callee: usize, wish: Wish| {
        let mut answers = served(&stage(callee).answers);
        if caller == callee {
            // A pod that calls its own service is there itself, and misses nobody where there is no other.
            answers.retain(Option::is_some);
            if answers.is_empty() {
                answers.push(Some(part.serves));
            }
        }
        let remembers = matches!(wish, Wish::Cached(_));
        if ways[callee].is_versioned && !remembers {
            return answers.iter().any(|one| wish.works(&[*one]));
        }
        wish.works(&answers)
    };
    (0..ways.len()).all(|caller| {
        stage(caller).live.iter().flatten().all(|part| {
            let wishes = part.calls.iter().enumerate();
            let wishes = wishes.filter_map(|(callee, wish)| Some((callee, (*wish)?)));
            wishes
                .into_iter()
                .all(|(callee, wish)| works(caller, part, callee, wish))
        })
    })
}

/// Whether any walk through safe states leads from all first to all last stages.
fn can_finish(ways: &[Way]) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![vec![0_usize; ways.len()]];
    while let Some(state) = open.pop() {
        if !is_safe(ways, &state) || !seen.insert(state.clone()) {
            continue;
        }
        let last = |at: usize| ways[at].stages.len() - 1;
        if (0..ways.len()).all(|at| state[at] == last(at)) {
            return true;
        }
        for at in (0..ways.len()).filter(|at| state[*at] < last(*at)) {
            let mut next = state.clone();
            next[at] += 1;
            open.push(next);
        }
    }
    false
}

/// Small systems of services with one live revision at most.
fn small(drafts: &[Draft]) -> Vec<Draft> {
    let count = drafts.len().min(4);
    let mut small = drafts[..count].to_vec();
    for draft in &mut small {
        draft.live.truncate(1);
        for part in draft.live.iter_mut().chain(&mut draft.target) {
            part.calls.truncate(count);
        }
    }
    small
}

fn stands(system: &crate::graph::System, plan: &Plan) -> Result<(), TestCaseError> {
    if plan.verdict == Verdict::Ordered {
        prop_assert_eq!(check(system, plan), Ok(()));
    }
    Ok(())
}

#[test]
fn calls_that_find_their_version_have_an_order_iff_the_explorer_finds_one() {
    let mut kept_beside = 0;
    let counted = std::cell::RefCell::new(&mut kept_beside);
    runs(many() / 2, |drafts| {
        let mut drafts = small(drafts);
        // One that calls itself seldom has an order, and then nothing is seen of the others.
        for (at, draft) in drafts.iter_mut().enumerate().filter(|(at, _)| at % 2 == 0) {
            for part in draft.live.iter_mut().chain(&mut draft.target) {
                part.calls[at] = None;
            }
        }
        if Draft::are_together(&drafts) {
            return Ok(());
        }
        let is_versioned = |at: usize| !(drafts[at].live.len() + at).is_multiple_of(4);
        let mut system = system(&drafts, name);
        for at in (0..drafts.len()).filter(|at| is_versioned(*at)) {
            system.services.get_mut(&name(at)).unwrap().manner.routing = Routing::Versioned;
        }
        let ways: Vec<Way> = (0..drafts.len())
            .map(|at| {
                if is_versioned(at) {
                    beside(&drafts[at])
                } else {
                    whole(&drafts[at])
                }
            })
            .collect();
        let plan = plan(&system);
        **counted.borrow_mut() += plan
            .steps
            .iter()
            .filter(|step| step.id.contains('/'))
            .count();
        prop_assert_eq!(plan.verdict == Verdict::Ordered, can_finish(&ways));
        stands(&system, &plan)
    });
    assert!(kept_beside > enough(10), "{kept_beside}");
}

#[test]
fn switches_have_an_order_iff_the_explorer_finds_one() {
    let mut flipped = 0;
    let counted = std::cell::RefCell::new(&mut flipped);
    runs(SOME, |drafts| {
        let drafts = small(drafts);
        let mut system = system(&drafts, name);
        for member in system.services.values_mut() {
            member.manner.switch = Some("PROTO".to_owned());
        }
        // One that calls itself cannot be mixed, which no plan by switches tries to cure.
        let calls_itself = |at: usize| {
            let parts = drafts[at].live.iter().chain(&drafts[at].target);
            parts.into_iter().any(|part| part.calls[at].is_some())
        };
        if (0..drafts.len()).any(calls_itself) || Draft::are_together(&drafts) {
            return Ok(());
        }
        let plan = plan_with(&system, Choice::Flip);
        let refusal = plan.refusal.as_ref().map(|refusal| refusal.kind);
        if refusal == Some(RefusalKind::NoSwitch) {
            return Ok(());
        }
        **counted.borrow_mut() += plan
            .steps
            .iter()
            .filter(|step| step.id.contains('/'))
            .count();
        let is_rolling = |draft: &Draft| draft.is_moving() && draft.target.is_some();
        let ways: Vec<Way> = drafts
            .iter()
            .map(|draft| {
                if is_rolling(draft) {
                    switched(draft)
                } else {
                    whole(draft)
                }
            })
            .collect();
        prop_assert_eq!(plan.verdict == Verdict::Ordered, can_finish(&ways));
        stands(&system, &plan)
    });
    assert!(flipped > enough(20), "{flipped}");
}
