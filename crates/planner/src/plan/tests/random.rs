//! Random systems, the same ones in every run.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::explorer::{Draft, Part, Wish};
use crate::graph::{Member, Moves, Revision, System};
use tidegate_spec::{ContractName, Interface, Manner, ServiceName};

/// So many systems are compared with the explorer, unless `TIDEGATE_LONG` asks for more.
const MANY: u32 = 4000;
/// So many are enough where the explorer is not asked for a verdict.
pub(super) const SOME: u32 = 1000;

/// `TIDEGATE_LONG=50000 cargo test --release` compares as many.
#[expect(
    clippy::disallowed_methods,
    reason = "how much is tested is no input of a plan"
)]
pub(super) fn many() -> u32 {
    let long = std::env::var("TIDEGATE_LONG").ok();
    long.map_or(MANY, |text| {
        text.parse().expect("TIDEGATE_LONG is a number")
    })
}

/// `TIDEGATE_SHARE=8` tries an eighth of everything: for mutation testing, where a test is run a thousand times.
#[expect(
    clippy::disallowed_methods,
    reason = "how much is tested is no input of a plan"
)]
pub(super) fn share() -> u32 {
    let share = std::env::var("TIDEGATE_SHARE").ok();
    share.map_or(1, |text| text.parse().expect("TIDEGATE_SHARE is a number"))
}

/// What has been met so often, of all that is tried, is met often enough.
pub(super) fn enough(often: usize) -> usize {
    often / usize::try_from(share()).unwrap()
}

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
    (2_usize..=6).prop_flat_map(|services| {
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

pub(super) fn runs(cases: u32, check: impl Fn(&[Draft]) -> Result<(), TestCaseError>) {
    let config = Config {
        cases: cases / share(),
        failure_persistence: None,
        ..Config::default()
    };
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(config, random)
        .run(&drafts(), |drafts| check(&drafts))
        .unwrap();
}

pub(super) fn name(at: usize) -> ServiceName {
    ServiceName::parse(&format!("s{at}")).unwrap()
}

/// The drafts as the planner sees them, under names of choice.
pub(super) fn system(drafts: &[Draft], name: impl Fn(usize) -> ServiceName) -> System {
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

/// The number of a service.
pub(super) fn at(id: &str) -> usize {
    id[1..].parse().unwrap()
}
