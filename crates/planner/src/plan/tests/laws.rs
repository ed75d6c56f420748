//! Laws of plans: what a plan has to do with that of a changed, reversed, half-done or finished
//! release; and the explorer for what outlives its writer and for what is unsafe already.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::explorer::{Draft, Part};
use super::random::{SOME, at, enough, name, runs, system};
use crate::graph::System;
use crate::plan::{Action, Ordering, Plan, Verdict, check, plan};
use tidegate_spec::Retention;

type Ends = BTreeSet<(String, String)>;

fn ends(plan: &Plan) -> Ends {
    let all = plan.precedences.iter();
    all.map(|one| (one.first.to_string(), one.then.to_string()))
        .collect()
}

fn remembers(drafts: &[Draft]) -> bool {
    let mut parts = drafts
        .iter()
        .flat_map(|draft| draft.live.iter().chain(&draft.target));
    parts.any(Part::remembers)
}

/// A target that serves more.
fn more_served(drafts: &[Draft], service: usize) -> Vec<Draft> {
    let mut more = drafts.to_vec();
    if let Some(target) = &mut more[service].target {
        target.serves = 3;
    }
    more
}

#[test]
fn serving_one_version_more_at_the_end_adds_no_precedence() {
    runs(SOME, |drafts| {
        if remembers(drafts) {
            return Ok(());
        }
        for service in 0..drafts.len() {
            let more = more_served(drafts, service);
            // One that moves only now is another release.
            if more[service].is_moving() != drafts[service].is_moving() {
                continue;
            }
            let (one, other) = (plan(&system(drafts, name)), plan(&system(&more, name)));
            if one.verdict == Verdict::Ordered {
                prop_assert_eq!(other.verdict, Verdict::Ordered);
                prop_assert!(ends(&other).is_subset(&ends(&one)));
            }
        }
        Ok(())
    });
}

/// The release that goes back where one that begins with single revisions came from.
fn reversed(drafts: &[Draft]) -> Option<Vec<Draft>> {
    let back = drafts.iter().map(|draft| {
        let live = if draft.is_moving() {
            &draft.target
        } else {
            &draft.live.first().cloned()
        };
        let target = match draft.live.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            _ => return None,
        };
        Some(Draft {
            live: live.iter().cloned().collect(),
            target,
        })
    });
    back.collect()
}

#[test]
fn the_way_back_is_the_plan_the_other_way_round() {
    runs(SOME, |drafts| {
        let Some(back) = reversed(drafts) else {
            return Ok(());
        };
        let (there, back) = (plan(&system(drafts, name)), plan(&system(&back, name)));
        if there.verdict == Verdict::Refused {
            return Ok(());
        }
        prop_assert_eq!(back.verdict, Verdict::Ordered);
        let turned: Ends = ends(&back)
            .into_iter()
            .map(|(first, then)| (then, first))
            .collect();
        prop_assert_eq!(&turned, &ends(&there));
        let kinds = |plan: &Plan, kind| {
            plan.precedences
                .iter()
                .filter(|one| one.kind == kind)
                .count()
        };
        let server_first = kinds(&there, Ordering::ServerFirst);
        prop_assert_eq!(server_first, kinds(&back, Ordering::ClientFirst));
        Ok(())
    });
}

/// The same after some services are done and others have begun.
fn underway(drafts: &[Draft], done: &BTreeSet<usize>, begun: &BTreeSet<usize>) -> Vec<Draft> {
    let mut now = drafts.to_vec();
    for (at, draft) in now.iter_mut().enumerate() {
        if done.contains(&at) {
            draft.live = draft.target.iter().cloned().collect();
        } else if begun.contains(&at) && !draft.live.is_empty() {
            // Where nothing ran, what has begun is not there yet.
            draft.live.extend(draft.target.clone());
        }
    }
    now
}

#[test]
fn planning_again_in_the_midst_of_a_release_gives_the_rest_of_its_plan() {
    runs(SOME, |drafts| {
        let whole = plan(&system(drafts, name));
        let mut done: BTreeSet<usize> = BTreeSet::new();
        for wave in &whole.waves {
            let wave: BTreeSet<usize> = wave.iter().map(|id| at(id)).collect();
            let half: BTreeSet<usize> = wave.iter().copied().step_by(2).collect();
            for begun in [BTreeSet::new(), half, wave.clone()] {
                let now = underway(drafts, &done, &begun);
                let rest = plan(&system(&now, name));
                prop_assert_eq!(rest.verdict, Verdict::Ordered);
                let left: Ends = ends(&whole)
                    .into_iter()
                    .filter(|(first, then)| !done.contains(&at(first)) && !done.contains(&at(then)))
                    .collect();
                prop_assert_eq!(&ends(&rest), &left);
            }
            done.extend(wave);
        }
        let finished = plan(&system(&underway(drafts, &done, &BTreeSet::new()), name));
        if whole.verdict == Verdict::Ordered {
            prop_assert!(finished.waves.is_empty() && finished.refusal.is_none());
        }
        Ok(())
    });
}

/// Every requirement leaves something behind.
fn durable(mut system: System) -> System {
    for member in system.services.values_mut() {
        let revisions = member.live.iter_mut().chain(&mut member.target);
        for interface in revisions.filter_map(|one| one.interface.as_mut()) {
            for requirement in interface.calls.values_mut() {
                requirement.durable = Some(Retention::Lag);
            }
        }
    }
    system
}

/// Whether every writer that was ever live, and was not waited out for a reader, is read by all of
/// that reader's pods, in every wave.
fn is_all_read(drafts: &[Draft], plan: &Plan) -> bool {
    let mut live: Vec<Vec<Option<&Part>>> = drafts
        .iter()
        .map(|draft| match draft.live.as_slice() {
            [] => vec![None],
            live => live.iter().map(Some).collect(),
        })
        .collect();
    // What each service has written for each other one and is not known to be gone.
    let mut written: Vec<Vec<Vec<&Part>>> = live
        .iter()
        .map(|parts| vec![parts.iter().flatten().copied().collect(); drafts.len()])
        .collect();
    for wave in &plan.waves {
        let steps = plan.steps.iter().filter(|step| wave.contains(&step.id));
        let (drains, moves): (Vec<_>, Vec<_>) =
            steps.partition(|step| step.action == Action::Drain);
        for service in moves.iter().map(|step| at(step.service.as_str())) {
            let target = drafts[service].target.as_ref();
            live[service].push(target);
            written[service]
                .iter_mut()
                .for_each(|for_reader| for_reader.extend(target));
        }
        let is_read = |writer: usize, reader: usize| {
            let mut wishes = written[writer][reader]
                .iter()
                .filter_map(|part| part.calls[reader]);
            let answers: Vec<Option<u8>> = live[reader]
                .iter()
                .map(|part| part.map(|part| part.serves))
                .filter(|one| writer != reader || one.is_some())
                .collect();
            wishes.all(|wish| wish.works(&answers))
        };
        let all = 0..drafts.len();
        if !all
            .clone()
            .all(|writer| all.clone().all(|reader| is_read(writer, reader)))
        {
            return false;
        }
        for service in moves.iter().map(|step| at(step.service.as_str())) {
            live[service] = vec![drafts[service].target.as_ref()];
        }
        for reader in drains.iter().map(|step| at(step.service.as_str())) {
            // A wait that begins with the wave knows nothing of what the wave itself writes.
            let settled =
                |writer: usize| !moves.iter().any(|step| at(step.service.as_str()) == writer);
            for writer in (0..drafts.len()).filter(|writer| settled(*writer)) {
                written[writer][reader] = live[writer].iter().flatten().copied().collect();
            }
        }
    }
    true
}

#[test]
fn what_was_written_is_read_by_all_who_come_or_is_waited_out() {
    let mut drained = 0;
    let counted = std::cell::RefCell::new(&mut drained);
    runs(SOME, |drafts| {
        if remembers(drafts) || Draft::are_together(drafts) {
            return Ok(());
        }
        let system = durable(system(drafts, name));
        let good = plan(&system);
        if good.verdict == Verdict::Refused {
            return Ok(());
        }
        prop_assert_eq!(check(&system, &good), Ok(()));
        prop_assert!(is_all_read(drafts, &good), "{:?}", good.waves);
        let drains: Vec<&String> = good
            .steps
            .iter()
            .filter(|step| step.action == Action::Drain)
            .map(|step| &step.id)
            .collect();
        **counted.borrow_mut() += drains.len();
        for drain in drains {
            let mut without = good.clone();
            without
                .waves
                .iter_mut()
                .for_each(|wave| wave.retain(|id| id != drain));
            without.steps.retain(|step| step.id != *drain);
            for step in &mut without.steps {
                step.after.retain(|id| id != drain);
            }
            prop_assert!(!is_all_read(drafts, &without), "{} is not needed", drain);
            without.digest = without.digest_for(&system);
            prop_assert!(check(&system, &without).is_err());
        }
        Ok(())
    });
    assert!(drained > enough(30), "{drained}");
}

/// The pairs of live revisions that fail, by service and revision; a target has number `usize::MAX`.
fn failing(drafts: &[Draft], live: &[Vec<usize>]) -> BTreeSet<[usize; 4]> {
    let part = |service: usize, revision: usize| {
        let draft = &drafts[service];
        draft
            .live
            .get(revision)
            .or_else(|| draft.target.as_ref().filter(|_| revision == usize::MAX))
    };
    let mut failing = BTreeSet::new();
    for (caller, revisions) in live.iter().enumerate() {
        for revision in revisions {
            let Some(own) = part(caller, *revision) else {
                continue;
            };
            for (callee, wish) in own.calls.iter().enumerate() {
                let Some(wish) = wish else { continue };
                for other in &live[callee] {
                    let served = part(callee, *other).map(|part| part.serves);
                    if (caller != callee || served.is_some()) && !wish.works(&[served]) {
                        failing.insert([caller, *revision, callee, *other]);
                    }
                }
            }
        }
    }
    failing
}

#[test]
fn a_repair_breaks_nothing_that_works() {
    let mut repaired = 0;
    let counted = std::cell::RefCell::new(&mut repaired);
    runs(4 * SOME, |drafts| {
        if remembers(drafts) {
            return Ok(());
        }
        let plain = system(drafts, name);
        let repairing = System {
            repair: true,
            ..plain.clone()
        };
        let (plain, repair) = (plan(&plain), plan(&repairing));
        let mut live: Vec<Vec<usize>> = drafts
            .iter()
            .map(|draft| (0..draft.live.len().max(1)).collect())
            .collect();
        let now = failing(drafts, &live);
        if now.is_empty() {
            prop_assert_eq!(plain.waves, repair.waves);
            return Ok(());
        }
        if repair.verdict == Verdict::Refused {
            return Ok(());
        }
        **counted.borrow_mut() += 1;
        prop_assert_eq!(check(&repairing, &repair), Ok(()));
        let first = live.clone();
        let was_lost = |fails: &[usize; 4]| {
            let [caller, revision, callee, other] = *fails;
            let of_caller = first[callee]
                .iter()
                .all(|one| now.contains(&[caller, revision, callee, *one]));
            let of_callee = first[caller]
                .iter()
                .all(|one| now.contains(&[caller, *one, callee, other]));
            now.contains(fails) || of_caller || of_callee
        };
        for wave in &repair.waves {
            for id in wave {
                live[at(id)].push(usize::MAX);
            }
            let new: Vec<_> = failing(drafts, &live)
                .into_iter()
                .filter(|one| !was_lost(one))
                .collect();
            prop_assert!(new.is_empty(), "{:?}", new);
            for id in wave {
                live[at(id)] = vec![usize::MAX];
            }
        }
        Ok(())
    });
    assert!(repaired > enough(20), "{repaired}");
}
