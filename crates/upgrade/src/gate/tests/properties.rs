//! What must hold for every snapshot: P1 to P4 of completion.md §8.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use proptest::prelude::*;
use proptest::sample::subsequence;

use super::world::{Case, start};
use crate::gate::{Assessment, Baseline, Drain, DrainLevel, Read, Snapshot, Verdict, Workload};

/// A rollout in any state, also in ones that no controller would leave behind.
fn any_look() -> impl Strategy<Value = String> {
    let pods = prop::collection::vec(
        prop::sample::select(vec![
            "a", "a", "a", "a:N", "a:T", "b", "b:T", "b:P", "b:F", "c:T",
        ]),
        0..6,
    );
    let count = || prop_oneof![6 => Just(3), 1 => 0..5_i64];
    let counts = prop::array::uniform6(count());
    let old = prop_oneof![5 => Just((0, 0)), 1 => (0..2_i64, 0..2_i64)];
    let kind = prop::sample::select(vec!["deployment", "deployment", "statefulSet", "daemonSet"]);
    let observed = prop_oneof![8 => Just(2), 1 => Just(1)];
    let paused = prop::bool::weighted(0.1);
    (pods, counts, old, kind, observed, paused).prop_map(
        |(pods, [u, r, av, rd, na, nr], (ow, ot), kind, observed, paused)| {
            let (paused, more) = match kind {
                "deployment" => (format!("spec: {{paused: {paused}}},"), ""),
                "daemonSet" => (String::new(), "updatedNumberScheduled: U, numberAvailable: A,"),
                _ => (String::new(), ""),
            };
            let more = more.replace('U', &u.to_string()).replace('A', &av.to_string());
            format!(
                "{{{kind}: {{{paused} status: {{{more} observedGeneration: {observed}, updatedReplicas: {u}, replicas: {r}, availableReplicas: {av}, readyReplicas: {rd}}}}}, sets: {{a: {{status: {{availableReplicas: {na}, replicas: {nr}}}}}, b: {{spec: {{replicas: {ow}}}, status: {{replicas: {ot}}}}}}}, pods: '{}'}}",
                pods.join(" ")
            )
        },
    )
}

fn judged(case: &Case) -> Assessment {
    case.assess().0
}

/// Makes one rung of the freshness ladder give way.
fn make_stale(case: &mut Case, rung: usize) {
    let snapshot = &mut case.snapshot;
    match rung {
        0 => snapshot.workload = None,
        1 => metadata(snapshot).uid = Some("other".to_owned()),
        2 => metadata(snapshot).deletion_timestamp = Some(Time(start())),
        3 => case.applied.generation = 9,
        4 => {
            snapshot.read = Read::Cached;
            case.applied.resource_version = "999".to_owned();
        }
        5 => {
            metadata(snapshot).generation = Some(9);
            case.applied.template_digest = "sha256:other".to_owned();
        }
        _ => metadata(snapshot).generation = Some(9),
    }
}

fn metadata(
    snapshot: &mut Snapshot,
) -> &mut k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
    match snapshot.workload.as_mut().unwrap() {
        Workload::Deployment(object) => &mut object.metadata,
        Workload::StatefulSet(object) => &mut object.metadata,
        Workload::DaemonSet(object) => &mut object.metadata,
        Workload::ReplicaSet(object) => &mut object.metadata,
        Workload::Job(object) => &mut object.metadata,
        Workload::Pod(object) => &mut object.metadata,
        Workload::CronJob(_)
        | Workload::ArgoRollout(_)
        | Workload::FlaggerCanary(_)
        | Workload::Plain(_) => panic!("not among these looks"),
    }
}

/// Forgets some of the optional fields of every status.
fn forget(snapshot: &mut Snapshot, fields: &[usize]) {
    for field in fields {
        match snapshot.workload.as_mut().unwrap() {
            Workload::Deployment(object) => {
                let status = object.status.get_or_insert_default();
                match field {
                    0 => status.replicas = None,
                    1 => status.updated_replicas = None,
                    2 => status.available_replicas = None,
                    3 => status.ready_replicas = None,
                    4 => status.conditions = None,
                    5 => status.observed_generation = None,
                    _ => object.status = None,
                }
            }
            Workload::StatefulSet(object) => {
                let status = object.status.get_or_insert_default();
                match field {
                    0 => status.current_revision = None,
                    1 => status.updated_replicas = None,
                    2 => status.available_replicas = None,
                    3 => status.ready_replicas = None,
                    4 => status.update_revision = None,
                    5 => status.observed_generation = None,
                    _ => object.status = None,
                }
            }
            Workload::DaemonSet(object) => {
                let status = object.status.get_or_insert_default();
                match field {
                    0 => status.updated_number_scheduled = None,
                    1 => status.number_available = None,
                    5 => status.observed_generation = None,
                    6 => object.status = None,
                    _ => status.conditions = None,
                }
            }
            Workload::ReplicaSet(_)
            | Workload::Job(_)
            | Workload::CronJob(_)
            | Workload::Pod(_)
            | Workload::ArgoRollout(_)
            | Workload::FlaggerCanary(_)
            | Workload::Plain(_) => {}
        }
        for set in &mut snapshot.replica_sets {
            if let Some(status) = set.status.as_mut() {
                match field {
                    2 => status.available_replicas = None,
                    4 => status.conditions = None,
                    5 => status.observed_generation = None,
                    _ => {}
                }
            }
            if *field == 6 {
                set.status = None;
            }
        }
    }
}

fn is_drained(assessment: &Assessment) -> bool {
    matches!(assessment.drain, Drain::Drained | Drain::NotNeeded)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn p1_what_is_not_fresh_is_never_complete(look in any_look(), rung in 0_usize..7) {
        let case = Case::of(&look);
        let mut stale = case;
        make_stale(&mut stale, rung);
        prop_assert_ne!(judged(&stale).rollout, Verdict::Complete);
    }

    #[test]
    fn p2_one_more_old_pod_never_drains(look in any_look(), flags in prop::sample::select(vec!["b", "b:T", "b:P", "b:N"])) {
        let case = Case::of(&look);
        let before = judged(&case);
        let mut more = case.clone();
        let kind = match &case.snapshot.workload {
            Some(Workload::StatefulSet(_)) => "statefulSet",
            Some(Workload::DaemonSet(_)) => "daemonSet",
            _ => "deployment",
        };
        let mut old = Case::of(&format!("{{{kind}: {{}}, pods: '{flags}'}}")).snapshot.pods;
        old[0].metadata.uid = Some("one-more".to_owned());
        old[0].metadata.name = Some("web-77".to_owned());
        more.snapshot.pods.extend(old);
        let after = judged(&more);
        prop_assert!(!is_drained(&after), "{} -> {}", before.drain, after.drain);
        prop_assert!(before.old_alive < after.old_alive);
    }

    #[test]
    fn p3_less_knowledge_is_never_more_complete(
        look in any_look(),
        fields in subsequence((0..7_usize).collect::<Vec<_>>(), 1..4),
    ) {
        let case = Case::of(&look);
        let before = judged(&case);
        let mut less = case;
        forget(&mut less.snapshot, &fields);
        let after = judged(&less);
        prop_assert!(
            before.rollout == Verdict::Complete || after.rollout != Verdict::Complete,
            "{} became {} without {fields:?}", before.rollout, after.rollout
        );
    }

    #[test]
    fn p4_the_order_of_lists_does_not_matter(look in any_look(), seed in any::<u64>()) {
        let case = Case::of(&look);
        let before = case.assess();
        let mut other = case;
        let turn = |length: usize| usize::try_from(seed).unwrap_or(7) % length.max(1);
        let Snapshot { replica_sets, controller_revisions, pods, services, endpoint_slices, .. } =
            &mut other.snapshot;
        replica_sets.reverse();
        controller_revisions.reverse();
        pods.reverse();
        let by = turn(pods.len());
        pods.rotate_left(by);
        services.reverse();
        for slice in endpoint_slices {
            if let Some(endpoints) = slice.endpoints.as_mut() {
                endpoints.reverse();
                let by = turn(endpoints.len());
                endpoints.rotate_left(by);
            }
        }
        prop_assert_eq!(before.0.sentence(), other.assess().0.sentence());
        prop_assert_eq!(before, other.assess());
    }

    #[test]
    fn an_open_gate_has_no_live_old_pod(look in any_look()) {
        let case = Case::of(&look);
        let found = judged(&case);
        if found.gate() == crate::gate::Gate::Open {
            prop_assert_eq!(found.old_alive, 0);
            prop_assert!(found.blockers().is_empty());
        }
    }

    #[test]
    fn records_survive_being_written_down(look in any_look()) {
        let case = Case::of(&look);
        let baseline = Baseline::capture(&case.applied.workload, &case.snapshot);
        let text = serde_json::to_string(&baseline).unwrap();
        prop_assert_eq!(serde_json::from_str::<Baseline>(&text).unwrap(), baseline);
        let (_, memory) = case.assess();
        let text = serde_json::to_string(&memory).unwrap();
        prop_assert_eq!(serde_json::from_str::<crate::gate::Memory>(&text).unwrap(), memory);
    }

    #[test]
    fn level_endpoints_never_asks_for_more_than_level_pods(look in any_look()) {
        let case = Case::of(&look);
        let at = |drain| {
            let mut case = case.clone();
            case.policy.drain = drain;
            is_drained(&judged(&case))
        };
        prop_assert!(!at(DrainLevel::Pods) || at(DrainLevel::Endpoints));
    }
}
