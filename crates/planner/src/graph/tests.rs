//! What a system is made of, from two graphs or from what runs.

use std::collections::{BTreeMap, BTreeSet};

use super::{Member, Moves, Revision, System, derive, shortest_cycle};
use tidegate_spec::crd::{DrainLevel, Routing};
use tidegate_spec::{
    ContractName, External, Graph, Interface, Manner, Need, ObjectRef, Requirement, Service,
    ServiceName, Version,
};

fn name(text: &str) -> ServiceName {
    ServiceName::parse(text).unwrap()
}

fn calls(callee: &str, version: &str) -> BTreeMap<(ServiceName, ContractName), Requirement> {
    let need = Need::Version(Version::parse(version).unwrap());
    let key = (name(callee), ContractName::from(&name(callee)));
    [(key, Requirement::plain(need))].into()
}

fn serves(service: &str, version: &str) -> Interface {
    let versions: BTreeSet<Version> = [Version::parse(version).unwrap()].into();
    let serves = Some([(ContractName::from(&name(service)), versions)].into());
    Interface {
        serves,
        calls: BTreeMap::new(),
    }
}

/// `a 1, b 2`: services with the version that they serve; `a 1 Job` is a Job.
fn graph(text: &str) -> Graph {
    let mut graph = Graph::default();
    for part in text.split(", ").filter(|part| !part.is_empty()) {
        let words: Vec<&str> = part.split(' ').collect();
        let workloads = words.get(2).map(|kind| ObjectRef {
            api_version: "batch/v1".to_owned(),
            kind: (*kind).to_owned(),
            namespace: String::new(),
            name: words[0].to_owned(),
        });
        let service = Service {
            path: String::new(),
            workloads: workloads.into_iter().collect(),
            interface: serves(words[0], words[1]),
            after: BTreeSet::new(),
            drain: DrainLevel::default(),
            manner: Manner::default(),
        };
        graph.services.insert(name(words[0]), service);
    }
    graph
}

fn moves(system: &System) -> String {
    let each = system
        .services
        .iter()
        .map(|(name, member)| format!("{name} {:?}", member.moves));
    each.collect::<Vec<_>>().join(", ")
}

#[test]
fn a_service_moves_iff_what_it_declares_differs_or_its_template_does() {
    let old = graph("a 1, b 1, c 1, d 1 Job, e 1 Job");
    let new = graph("a 1, b 2, d 2 Job, e 1 Job, f 1, g 1 Job");
    let system = System::between(&old, &new, None);
    let expected = "a Stays, b Roll, c Delete, d Job, e Stays, f Create, g Job";
    assert_eq!(moves(&system), expected);
    let templates: BTreeMap<ServiceName, bool> = [(name("a"), true), (name("e"), false)].into();
    let system = System::between(&old, &new, Some(&templates));
    assert_eq!(moves(&system), expected.replace("a Stays", "a Roll"));
}

#[test]
fn the_first_install_creates_everything() {
    assert_eq!(
        moves(&System::between(
            &Graph::default(),
            &graph("a 1, b 1"),
            None
        )),
        "a Create, b Create"
    );
}

#[test]
fn several_live_revisions_must_come_down_to_one() {
    let system = System::between(&graph("a 1, b 1"), &graph("a 1, b 1"), None);
    let revision = |version| Revision::declared(version, serves("a", version));
    let one = system
        .clone()
        .with_live(&name("a"), vec![revision("1")], vec![])
        .unwrap();
    assert_eq!(moves(&one), "a Stays, b Stays");
    let mixed = system
        .clone()
        .with_live(&name("a"), vec![revision("1"), revision("2")], vec![])
        .unwrap();
    assert_eq!(moves(&mixed), "a Roll, b Stays");
    let absent = system
        .clone()
        .with_live(&name("a"), vec![], vec![])
        .unwrap();
    assert_eq!(moves(&absent), "a Create, b Stays");
    let other = system
        .clone()
        .with_live(&name("a"), vec![Revision::undeclared("x")], vec![])
        .unwrap();
    assert_eq!(moves(&other), "a Roll, b Stays");
    assert_eq!(system.with_live(&name("nobody"), vec![], vec![]), None);
}

#[test]
fn an_undeclared_live_revision_moves_only_if_its_template_does() {
    let live = || BTreeMap::from([(name("a"), vec![Revision::undeclared("5d9f")])]);
    let new = graph("a 1");
    assert_eq!(moves(&System::from_live(live(), &new, None)), "a Roll");
    let same = BTreeMap::from([(name("a"), false)]);
    assert_eq!(
        moves(&System::from_live(live(), &new, Some(&same))),
        "a Stays"
    );
}

#[test]
fn external_callers_keep_what_they_call_and_may_get_more() {
    let with = |versions: &[(&str, &str)]| {
        let mut graph = graph("gateway 1");
        for (caller, version) in versions {
            let external = External {
                path: format!("spec.external[{}]", graph.external.len() + versions.len()),
                calls: calls("gateway", version),
                ended: None,
            };
            graph.external.insert(name(caller), external);
        }
        graph
    };
    let old = with(&[
        ("mobile", "1"),
        ("partner", "1"),
        ("released", "1"),
        ("zoo", "1"),
    ]);
    let new = with(&[("mobile", "1"), ("partner", "2"), ("watch", "1")]);
    let system = System::between(&old, &new, None);
    let told: Vec<String> = system
        .external
        .iter()
        .map(|(name, outside)| {
            let coming = outside
                .coming
                .as_ref()
                .map(|revision| revision.name.as_str());
            format!("{name}: {} live, coming {coming:?}", outside.live.len())
        })
        .collect();
    assert_eq!(
        told,
        [
            "mobile: 1 live, coming None",
            "partner: 1 live, coming Some(\"target\")",
            "released: 1 live, coming None",
            "watch: 0 live, coming Some(\"target\")",
            "zoo: 1 live, coming None"
        ]
    );
    let partner = &system.external[&name("partner")];
    let called = |revision: &Revision| revision.interface.as_ref().unwrap().calls.clone();
    assert_eq!(called(&partner.live[0]), calls("gateway", "1"));
    assert_eq!(
        called(partner.coming.as_ref().unwrap()),
        calls("gateway", "2")
    );
}

#[test]
fn a_first_install_has_callers_from_outside_that_nobody_answered_yet() {
    let mut new = graph("gateway 1");
    let external = External {
        path: "spec.external[0]".to_owned(),
        calls: calls("gateway", "1"),
        ended: None,
    };
    new.external.insert(name("mobile"), external);
    let system = System::between(&Graph::default(), &new, None);
    let derived = derive(&system);
    assert_eq!(derived.unsafe_now.len(), 0);
    assert_eq!(derived.unsafe_at_end.len(), 0);
    // The same where a service comes to a system that runs, as a cluster shows it.
    let system = System::from_live(BTreeMap::new(), &new, None);
    assert_eq!(derive(&system).unsafe_now.len(), 0);
    let coming = system.external[&name("mobile")].coming.as_ref().unwrap();
    assert_eq!(coming.name, "target");
}

#[test]
fn calls_find_their_version_from_the_start_only_if_they_do_so_before_and_after() {
    let (blind, versioned) = (Routing::Blind, Routing::Versioned);
    let routed = |routing| {
        let mut graph = graph("a 1");
        graph.services.get_mut(&name("a")).unwrap().manner.routing = routing;
        graph
    };
    let between = |old, new| {
        let system = System::between(&routed(old), &routed(new), None);
        system.services[&name("a")].manner.routing
    };
    assert_eq!(between(versioned, versioned), versioned);
    assert_eq!(between(versioned, blind), blind);
    assert_eq!(between(blind, versioned), blind);
    let new = System::between(&Graph::default(), &routed(versioned), None);
    assert_eq!(new.services[&name("a")].manner.routing, versioned);
}

#[test]
fn what_already_runs_as_declared_is_done_unless_its_template_changes() {
    let revision = |version| vec![Revision::declared(version, serves("a", version))];
    let with = |system: System, version| {
        moves(
            &system
                .with_live(&name("a"), revision(version), vec![])
                .unwrap(),
        )
    };
    let changed = [(name("a"), true)].into();
    assert_eq!(
        with(System::between(&graph("a 1"), &graph("a 2"), None), "2"),
        "a Stays"
    );
    assert_eq!(
        with(System::between(&graph("a 1"), &graph("a 2"), None), "1"),
        "a Roll"
    );
    assert_eq!(
        with(
            System::between(&graph("a 1"), &graph("a 1"), Some(&changed)),
            "1"
        ),
        "a Roll"
    );
}

#[test]
fn a_service_is_left_out_where_it_stays_and_another_revision_is_declared() {
    let revision = |version| Revision::declared(version, serves("a", version));
    let is_left_out = |live: Vec<Revision>, target: Option<Revision>, moves| {
        let mut member = Member::deleted(live);
        (member.target, member.moves) = (target, moves);
        member.is_left_out()
    };
    let (one, two) = (revision("1"), revision("2"));
    let stays = Moves::Stays;
    assert!(is_left_out(vec![one.clone()], Some(two.clone()), stays));
    assert!(is_left_out(vec![one.clone()], None, stays));
    assert!(is_left_out(vec![], Some(two.clone()), stays));
    assert!(!is_left_out(vec![], None, stays));
    assert!(!is_left_out(vec![one.clone()], Some(one.clone()), stays));
    assert!(!is_left_out(
        vec![Revision::undeclared("x")],
        Some(two.clone()),
        stays
    ));
    assert!(!is_left_out(vec![one], Some(two), Moves::Roll));
}

#[test]
fn of_two_cycles_that_share_a_node_the_shorter_one_is_shown() {
    let arcs = [(0, 1), (1, 2), (2, 0), (2, 3), (3, 2)];
    assert_eq!(shortest_cycle(&[0, 1, 2, 3], &arcs), [2, 3]);
    assert_eq!(shortest_cycle(&[0, 1, 2], &arcs), [0, 1, 2]);
}
