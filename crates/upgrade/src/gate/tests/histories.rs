//! Whole rollouts, look by look.

use super::world::{Case, short};
use crate::gate::{Gate, Memory};

/// One look: seconds, what the Deployment's status says has been observed, wanted/there/available of
/// the new ReplicaSet, the same of the old one, the pods.
type Moment = (i64, u8, Option<[u8; 3]>, [u8; 3], &'static str);

/// A roll of three pods, one at a time, made up after what the controllers' sources do, not recorded: the
/// old pods take their time to end, and are in none of the counts while they do.
const ROLL: &[Moment] = &[
    (0, 1, None, [3, 3, 3], "b b b"),
    (1, 2, None, [3, 3, 3], "b b b"),
    (2, 2, Some([1, 0, 0]), [3, 3, 3], "b b b"),
    (3, 2, Some([1, 1, 0]), [3, 3, 3], "b b b a:P"),
    (5, 2, Some([1, 1, 0]), [3, 3, 3], "b b b a:N"),
    (8, 2, Some([1, 1, 1]), [2, 3, 3], "b b b a"),
    (9, 2, Some([2, 2, 1]), [2, 2, 2], "b b b:T a a:N"),
    (14, 2, Some([3, 3, 2]), [1, 1, 1], "b b:T b:T a a a:N"),
    (18, 2, Some([3, 3, 3]), [0, 1, 1], "b b:T b:T a a a"),
    (19, 2, Some([3, 3, 3]), [0, 0, 0], "b:T b:T b:T a a a"),
    (31, 2, Some([3, 3, 3]), [0, 0, 0], "b:T a a a"),
    (35, 2, Some([3, 3, 3]), [0, 0, 0], "a a a"),
];

fn yaml((at, observed, new, old, pods): &Moment) -> String {
    let set = |[wanted, there, available]: [u8; 3]| {
        format!(
            "{{spec: {{replicas: {wanted}}}, status: {{replicas: {there}, availableReplicas: {available}}}}}"
        )
    };
    let [_, updated, _] = new.unwrap_or_default();
    let new = new.map_or("null".to_owned(), set);
    format!(
        "{{at: {at}, deployment: {{status: {{observedGeneration: {observed}, updatedReplicas: {updated}, replicas: {}}}}}, sets: {{a: {new}, b: {}}}, pods: '{pods}'}}",
        updated + old[1],
        set(*old),
    )
}

fn tell(moments: &[Moment]) -> Vec<(Gate, String)> {
    let mut memory = Memory::default();
    let mut told = Vec::new();
    for moment in moments {
        let (assessment, next) = Case {
            memory,
            ..Case::of(&yaml(moment))
        }
        .assess();
        memory = next;
        let gate = assessment.gate();
        told.push((
            gate,
            format!("{:>2} s {gate:?}: {}", moment.0, short(&assessment)),
        ));
    }
    told
}

#[test]
fn a_whole_roll_opens_the_gate_with_the_last_old_pod_gone() {
    let told: Vec<_> = tell(ROLL).into_iter().map(|(_, line)| line).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
     0 s Shut: Progressing(NotObserved 0/0) / Draining(3) / Waiting(NotServing 0/1)
     1 s Shut: Progressing(ReplicaSetNotCreated 0/3) / Draining(3) / Waiting(NotServing 0/1)
     2 s Shut: Progressing(Updating 0/3) / Draining(3) / Waiting(NotServing 0/1)
     3 s Shut: Progressing(Updating 1/3) / Draining(3) / Waiting(NotServing 0/1)
     5 s Shut: Progressing(Updating 1/3) / Draining(3) / Waiting(NotServing 0/1)
     8 s Shut: Progressing(Updating 1/3) / Draining(3) / Serving
     9 s Shut: Progressing(Updating 2/3) / Draining(3) / Serving
    14 s Shut: Progressing(OldReplicas 3/4) / Draining(3) / Serving
    18 s Shut: Progressing(OldReplicas 3/4) / Draining(3) / Serving
    19 s Shut: Complete / Draining(3) / Serving
    31 s Shut: Complete / Draining(1) / Serving
    35 s Open: Complete / Drained / Serving
    ");
}

#[test]
fn no_prefix_of_a_roll_opens_the_gate() {
    let told = tell(ROLL);
    let (last, before) = told.split_last().unwrap();
    assert!(before.iter().all(|(gate, _)| *gate == Gate::Shut));
    assert_eq!(last.0, Gate::Open);
}

#[test]
fn losing_the_memory_between_two_looks_opens_nothing() {
    for moment in ROLL.iter().take(ROLL.len() - 1) {
        let (assessment, _) = Case::of(&yaml(moment)).assess();
        assert_eq!(assessment.gate(), Gate::Shut, "{}", short(&assessment));
    }
}

#[test]
fn losing_the_baseline_opens_nothing() {
    for moment in ROLL.iter().take(ROLL.len() - 1) {
        let mut case = Case::of(&yaml(moment));
        case.baseline = crate::gate::Baseline::capture(&case.applied.workload, &case.snapshot);
        let (assessment, _) = case.assess();
        assert_eq!(assessment.gate(), Gate::Shut, "R48: {}", short(&assessment));
    }
}
