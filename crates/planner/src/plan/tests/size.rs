//! The planner's time grows with the edges. Measured in release mode it is far below a second; here the
//! tests' usual build plans a tenth of the largest known system.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{Member, Moves, Revision, System};
use crate::plan::{check, plan};
use tidegate_spec::{ContractName, Interface, Manner, Need, Requirement, ServiceName, Version};

/// Services in layers, all additive: each calls some of those in the layers below.
fn layered(services: usize, edges: usize, layers: usize) -> System {
    let name = |at: usize| ServiceName::parse(&format!("s{at:05}")).unwrap();
    let versions = |texts: &[&str]| -> BTreeSet<Version> {
        texts
            .iter()
            .map(|text| Version::parse(text).unwrap())
            .collect()
    };
    let mut calls: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    let mut state: u64 = 42;
    for _ in 0..edges {
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap()
        };
        let caller = next() % services;
        let layer = caller % layers;
        // Squared, so that few services take most calls, as in real systems.
        let callee = (next() % services) * (next() % services) / services;
        if layer > 0 && callee % layers < layer {
            calls.entry(caller).or_default().insert(callee);
        }
    }
    let mut system = System::default();
    for at in 0..services {
        let interface = |served: &[&str], called: &str| Interface {
            serves: Some([(ContractName::from(&name(at)), versions(served))].into()),
            calls: calls
                .get(&at)
                .into_iter()
                .flatten()
                .map(|callee| {
                    let need = Need::Version(Version::parse(called).unwrap());
                    let key = (name(*callee), ContractName::from(&name(*callee)));
                    (key, Requirement::plain(need))
                })
                .collect(),
        };
        let member = Member {
            live: vec![Revision::declared("live", interface(&["1"], "1"))],
            target: Some(Revision::declared("target", interface(&["1", "2"], "2"))),
            moves: Moves::Roll,
            after: BTreeSet::new(),
            retained: Vec::new(),
            manner: Manner::default(),
        };
        system.services.insert(name(at), member);
    }
    system
}

#[test]
fn a_system_of_many_thousand_edges_is_planned_and_proved() {
    // A debug build is some thirty times slower.
    let (services, edges) = if cfg!(debug_assertions) {
        (1_860, 40_000)
    } else {
        (18_600, 400_000)
    };
    let system = layered(services, edges, 12);
    let edges: usize = system
        .services
        .values()
        .map(|member| member.live[0].interface.as_ref().unwrap().calls.len())
        .sum();
    assert!(edges > services * 8, "{edges}");
    let plan = plan(&system);
    assert_eq!(plan.waves.len(), 12);
    assert_eq!(plan.precedences.len(), edges);
    assert_eq!(check(&system, &plan), Ok(()));
}
