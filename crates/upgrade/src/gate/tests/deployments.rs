//! Deployments: rows 1 to 20, 71, 72 and 74 of completion.md §8.

use super::world::{Case, check, line, looks, short};
use crate::gate::{Baseline, Gate, Memory, Policy, Read, Workload};

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn a_deployment_is_complete_only_when_every_count_says_so() {
    check(&[
        ("finished", &[""], "Complete / Drained / Serving"),
        (
            "1 not observed, whatever the condition says",
            &[
                "deployment: {status: {observedGeneration: 1, conditions: [{type: Progressing, status: 'True', reason: NewReplicaSetAvailable}]}}",
            ],
            "Progressing(NotObserved 0/0) / Drained",
        ),
        (
            "1 never observed",
            &["deployment: {status: {observedGeneration: null}}"],
            "Progressing(NotObserved 0/0)",
        ),
        (
            "2 a cache older than the apply",
            &["{read: Cached, deployment: {metadata: {generation: 1}}}"],
            "Progressing(StaleRead 0/0)",
        ),
        (
            "2 a cache with the generation but an older resource version",
            &["{read: Cached, deployment: {metadata: {resourceVersion: '199'}}}"],
            "Progressing(StaleRead 0/0)",
        ),
        (
            "3 no ReplicaSet has the template",
            &["{sets: {a: null, b: {spec: {replicas: 3}, status: {replicas: 3}}}, pods: b b b}"],
            "Progressing(ReplicaSetNotCreated 0/3) / Draining(3)",
        ),
        (
            "4 one of three updated",
            &["{deployment: {status: {updatedReplicas: 1, replicas: 4}}, pods: a b b b}"],
            "Progressing(Updating 1/3) / Draining(3)",
        ),
        (
            "R3 one of three updated, and a condition of the rollout before",
            &[
                "{deployment: {status: {updatedReplicas: 1, replicas: 4, conditions: [{type: Progressing, status: 'True', reason: NewReplicaSetAvailable}]}}, pods: a b b b}",
            ],
            "Progressing(Updating 1/3) / Draining(3)",
        ),
        (
            "between two pods of a surge: one is ready, the next is not there yet, nothing is unavailable",
            &[
                "{deployment: {status: {updatedReplicas: 1, replicas: 4, readyReplicas: 4, availableReplicas: 4, unavailableReplicas: 0}}, sets: {a: {spec: {replicas: 1}, status: {replicas: 1, availableReplicas: 1}}, b: {spec: {replicas: 3}, status: {replicas: 3, availableReplicas: 3}}}, pods: a b b b}",
            ],
            "Progressing(Updating 1/3) / Draining(3) / Serving",
        ),
        (
            "5 an old one is still counted",
            &["{deployment: {status: {replicas: 4}}, pods: a a a b}"],
            "Progressing(OldReplicas 3/4) / Draining(1)",
        ),
        (
            "5 an old ReplicaSet still wants one",
            &["sets: {b: {spec: {replicas: 1}}}"],
            "Progressing(OldReplicas 3/3)",
        ),
        (
            "6 one is not available for long enough",
            &[
                "{deployment: {spec: {minReadySeconds: 30}, status: {availableReplicas: 2}}, sets: {a: {status: {availableReplicas: 2}}}}",
            ],
            "Progressing(Available 2/3)",
        ),
        (
            "D9 the Deployment's status is ahead of its ReplicaSet's",
            &["sets: {a: {status: {replicas: 2}}}"],
            "Progressing(Updating 3/3)",
        ),
        (
            "D9 the ReplicaSet has not been observed",
            &["sets: {a: {metadata: {generation: 2}}}"],
            "Progressing(Updating 3/3)",
        ),
    ]);
}

#[test]
fn old_pods_count_until_they_are_gone() {
    check(&[
        (
            "7 terminating and running",
            &["pods: a a a b:T"],
            "Complete / Draining(1) / Serving",
        ),
        (
            "8 its ReplicaSet is gone",
            &["{pods: a a a b:T, sets: {b: null}}"],
            "Complete / Draining(1)",
        ),
        (
            "9 the status does not say how many terminate",
            &["{pods: a a a b:T, deployment: {status: {terminatingReplicas: null}}}"],
            "Complete / Draining(1)",
        ),
        (
            "9 it says one",
            &["{pods: a a a b:T, deployment: {status: {terminatingReplicas: 1}}}"],
            "Complete / Draining(1)",
        ),
        (
            "10 the status says that none terminates, and no endpoint tells of it",
            &["{pods: 'a a a b:TN', deployment: {status: {terminatingReplicas: 0}}}"],
            "Complete / Draining(1)",
        ),
        (
            "11 scaled to zero",
            &[
                "{pods: '', deployment: {spec: {replicas: 0}, status: {replicas: 0, updatedReplicas: 0, availableReplicas: 0}}, sets: {a: {spec: {replicas: 0}, status: {replicas: 0, availableReplicas: 0}}}}",
            ],
            "Complete / Drained / Waiting(ZeroReplicas 0/1) +ZeroReplicas",
        ),
        (
            "12 scaled to zero, an old pod terminating",
            &[
                "{pods: 'b:T', deployment: {spec: {replicas: 0}, status: {replicas: 0, updatedReplicas: 0, availableReplicas: 0}}, sets: {a: {spec: {replicas: 0}, status: {replicas: 0, availableReplicas: 0}}}}",
            ],
            "Complete / Draining(1)",
        ),
        (
            "37 pending old pods may still start",
            &["pods: a a a b:P"],
            "Complete / Draining(1)",
        ),
        (
            "36 deleted before it was ever bound",
            &["pods: a a a b:PT"],
            "Complete / Drained",
        ),
        (
            "one that runs was bound, though nobody says where",
            &["{pods: a a a b:T, patch: {web-b-1: {spec: {nodeName: null}}}}"],
            "Complete / Draining(1)",
        ),
        (
            "ended old pods are dead",
            &["pods: a a a b:F b:S"],
            "Complete / Drained",
        ),
    ]);
}

#[test]
fn zero_replicas_open_the_gate_only_where_the_plan_allows_it() {
    let zero = "{pods: '', deployment: {spec: {replicas: 0}, status: {replicas: 0, updatedReplicas: 0, availableReplicas: 0}}, sets: {a: {spec: {replicas: 0}, status: {replicas: 0, availableReplicas: 0}}}}";
    let gate = |allow_zero| {
        looks(
            &[zero],
            &Policy {
                allow_zero,
                ..Policy::default()
            },
        )
        .gate()
    };
    assert_eq!((gate(false), gate(true)), (Gate::Shut, Gate::Open));
}

#[test]
fn a_paused_deployment_is_paused_unless_it_is_done() {
    check(&[
        (
            "13 paused before it began",
            &[
                "{deployment: {spec: {paused: true}}, sets: {a: null, b: {spec: {replicas: 3}, status: {replicas: 3}}}, pods: b b b}",
            ],
            "Paused(Paused 0/3) / Draining(3)",
        ),
        (
            "14 paused when done",
            &["deployment: {spec: {paused: true}}"],
            "Complete / Drained / Serving +Paused",
        ),
        (
            "paused half-way",
            &[
                "{deployment: {spec: {paused: true}, status: {updatedReplicas: 1, replicas: 4}}, pods: a b b b}",
            ],
            "Paused(Paused 1/3) / Draining(3)",
        ),
    ]);
}

#[test]
fn a_progress_deadline_counts_only_for_this_rollout() {
    let timeout = |name: &str| {
        format!(
            "{{deployment: {{status: {{updatedReplicas: 1, conditions: [{{type: Progressing, status: 'False', reason: ProgressDeadlineExceeded, lastUpdateTime: '2026-11-24T11:00:00Z', message: 'ReplicaSet \"{name}\" has timed out progressing.'}}]}}}}, pods: a b b b}}"
        )
    };
    assert!(
        line(&[&timeout("web-a")]).starts_with("Failed(Retryable, ProgressDeadlineExceeded)"),
        "15"
    );
    assert!(line(&[&timeout("web-b")]).starts_with("Failed(Retryable, ProgressDeadlineExceeded)"));

    let mut stale = Case::of(&timeout("web-b"));
    let Some(Workload::Deployment(live)) = &stale.snapshot.workload else {
        panic!("a Deployment")
    };
    let conditions = live.status.as_ref().unwrap().conditions.as_ref().unwrap();
    stale.baseline.conditions = conditions.iter().map(Into::into).collect();
    let (assessment, _) = stale.assess();
    assert_eq!(
        short(&assessment),
        "Progressing(Updating 1/3) / Draining(3) / Serving +StaleTimeout",
        "R4: it was there before the apply and names another ReplicaSet"
    );
    for condition in &mut stale.baseline.conditions {
        condition.last_update_time = None;
    }
    let (assessment, _) = stale.assess();
    assert!(
        short(&assessment).starts_with("Failed(Retryable, ProgressDeadlineExceeded)"),
        "R13: the same words of another time are another timeout"
    );

    let never = "deployment: {spec: {progressDeadlineSeconds: 2147483647}}";
    assert!(
        line(&[never]).starts_with("Complete"),
        "16: no Progressing condition at all"
    );
}

#[test]
fn someone_elses_change_of_the_template_fails_the_rollout() {
    check(&[
        (
            "17 undone by someone",
            &[
                "{deployment: {metadata: {generation: 3}, spec: {template: {spec: {containers: [{name: server, image: 'web:1'}]}}}, status: {observedGeneration: 3}}}",
            ],
            "Failed(Terminal, Superseded)",
        ),
        (
            "18 scaled by an autoscaler",
            &[
                "deployment: {metadata: {generation: 3}, spec: {replicas: 5}, status: {observedGeneration: 3}}",
            ],
            "Progressing(Updating 3/5)",
        ),
        (
            "18 scaled, and not observed",
            &["deployment: {metadata: {generation: 3}, spec: {replicas: 5}}"],
            "Progressing(NotObserved",
        ),
        (
            "19 replaced",
            &["deployment: {metadata: {uid: other}}"],
            "Failed(Terminal, ReplacedDuringWait)",
        ),
        (
            "20 deleted after it was seen",
            &["", "{read: Cached, gone: true}"],
            "Failed(Terminal, DeletedDuringWait)",
        ),
        (
            "F1 deleted, asked live",
            &["gone: true"],
            "Failed(Terminal, DeletedDuringWait)",
        ),
        (
            "F2 not in the cache yet",
            &["{read: Cached, gone: true}"],
            "Progressing(NotVisibleYet",
        ),
        (
            "21 being deleted",
            &[
                "deployment: {metadata: {deletionTimestamp: '2026-11-24T12:00:00Z', finalizers: [x]}}",
            ],
            "Failed(Terminal, DeletionInProgress)",
        ),
        (
            "D1 an empty selector",
            &["deployment: {spec: {selector: {matchLabels: null}}}"],
            "Failed(Terminal, SelectsAll)",
        ),
    ]);
}

#[test]
fn who_superseded_it_is_named() {
    let undone = "{deployment: {metadata: {generation: 3, managedFields: [{manager: kubectl-rollout, operation: Update, time: '2026-11-24T11:59:00Z', fieldsType: FieldsV1, fieldsV1: {'f:spec': {'f:template': {}}}}]}, spec: {template: {spec: {containers: [{name: server, image: 'web:1'}]}}}, status: {observedGeneration: 3}}}";
    insta::assert_snapshot!(looks(&[undone], &Policy::default()).sentence(), @"Deployment web: the pod template was changed after our apply by `kubectl-rollout` at 2026-11-24T11:59:00Z");
}

#[test]
fn a_replaced_object_in_an_old_cache_is_not_yet_a_replacement() {
    let mut case = Case::of("read: Cached");
    case.applied.uid = "uid-new".to_owned();
    assert_eq!(case.assess().0.reason(), "StaleRead");
    case.snapshot.read = Read::Live;
    assert_eq!(case.assess().0.reason(), "ReplacedDuringWait");
}

#[test]
fn an_apply_that_changed_nothing_is_judged_like_any_other() {
    let mut steady = Case::of("");
    steady.applied.changed = false;
    steady.baseline = Baseline::capture(&steady.applied.workload, &steady.snapshot);
    assert_eq!(steady.assess().0.gate(), Gate::Open, "71");

    let mut moving =
        Case::of("{deployment: {status: {updatedReplicas: 1, replicas: 4}}, pods: a b b b}");
    moving.applied.changed = false;
    moving.baseline = Baseline::capture(&moving.applied.workload, &moving.snapshot);
    assert!(
        short(&moving.assess().0).starts_with("Progressing(Updating 1/3) / Draining(3)"),
        "72"
    );
}

#[test]
fn a_second_look_that_sees_another_generation_does_not_open() {
    assert_eq!(
        looks(
            &["", "{at: 2, deployment: {metadata: {generation: 3}}}"],
            &Policy::default()
        )
        .gate(),
        Gate::Shut,
        "74"
    );
}

#[test]
fn capacity_min_lets_the_strategys_share_be_absent() {
    let four_of_five = "{deployment: {spec: {replicas: 5, strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 25%, maxSurge: 25%}}}, status: {replicas: 5, updatedReplicas: 5}}, sets: {a: {spec: {replicas: 5}, status: {replicas: 5, availableReplicas: 4}}}, pods: a a a a a:N}";
    let full = looks(&[four_of_five], &Policy::default());
    let min = Policy {
        capacity: crate::gate::Capacity::Min,
        ..Policy::default()
    };
    assert!(short(&full).starts_with("Progressing(Available 4/5)"));
    assert_eq!(looks(&[four_of_five], &min).gate(), Gate::Open);
}

#[test]
fn the_strategys_share_is_reckoned_as_the_controller_does() {
    let min = Policy {
        capacity: crate::gate::Capacity::Min,
        ..Policy::default()
    };
    let is_complete = |strategy: &str, available: u8| {
        let yaml = format!(
            "{{deployment: {{spec: {{replicas: 5, strategy: {strategy}}}, status: {{replicas: 5, updatedReplicas: 5}}}}, sets: {{a: {{spec: {{replicas: 5}}, status: {{replicas: 5, availableReplicas: {available}}}}}}}, pods: a a a a a}}"
        );
        short(&looks(&[&yaml], &min)).starts_with("Complete")
    };
    // What the strategy says, and how many of five are enough.
    for (strategy, enough) in [
        ("{}", 5),
        ("{rollingUpdate: {}}", 4),
        ("{rollingUpdate: {maxUnavailable: 2}}", 3),
        ("{rollingUpdate: {maxUnavailable: 59%, maxSurge: 0}}", 3),
        ("{rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}", 5),
        ("{rollingUpdate: {maxUnavailable: 0, maxSurge: 1%}}", 5),
        ("{rollingUpdate: {maxUnavailable: 0}}", 5),
        ("{rollingUpdate: {maxUnavailable: 0, maxSurge: 0}}", 4),
        ("{rollingUpdate: {maxUnavailable: 3, maxSurge: 0}}", 2),
    ] {
        assert!(is_complete(strategy, enough), "{strategy}");
        assert!(!is_complete(strategy, enough - 1), "{strategy}");
    }
}

#[test]
fn a_rollout_that_was_complete_does_not_run_out_of_time() {
    let late = "{at: 5, deployment: {status: {availableReplicas: 2, conditions: [{type: Progressing, status: 'False', reason: ProgressDeadlineExceeded, message: 'ReplicaSet \"web-a\" has timed out progressing.'}]}}, sets: {a: {status: {availableReplicas: 2}}}}";
    check(&[
        ("D5", &[late], "Failed(Retryable, ProgressDeadlineExceeded)"),
        (
            "what came late all the same",
            &[&late.replace("availableReplicas: 2", "availableReplicas: 3")],
            "Complete / Drained / Serving +StaleTimeout",
        ),
        (
            "what breaks later",
            &["", late],
            "Progressing(Available 2/3)",
        ),
        (
            "paused in the middle",
            &["deployment: {spec: {paused: true}, status: {updatedReplicas: 2}}"],
            "Paused(Paused 2/3)",
        ),
    ]);
    let mut before = Case::of(late);
    before.baseline = Baseline::capture(&before.applied.workload, &before.snapshot);
    assert_eq!(
        before.assess().0.reason(),
        "ProgressDeadlineExceeded",
        "it names the new ReplicaSet, so it is about this rollout whenever it was written"
    );
}

#[test]
fn a_deadline_that_never_comes_leaves_ours() {
    let at = |seconds: u16| {
        format!(
            "{{at: {seconds}, deployment: {{spec: {{progressDeadlineSeconds: 2147483647}}, status: {{updatedReplicas: 1}}}}}}"
        )
    };
    let reason = |last: u16| looks(&[&at(0), &at(last)], &Policy::default()).reason();
    assert_eq!((reason(599), reason(600)), ("Updating", "NoProgress"));
    let unserved = |seconds: u16| format!("{{at: {seconds}, endpoints: []}}");
    let found = looks(&[&unserved(0), &unserved(660)], &Policy::default());
    assert_eq!(found.reason(), "NoProgress", "{}", found.sentence());
}

#[test]
fn nothing_moving_for_too_long_fails_and_progress_winds_the_clock_back() {
    let at = |seconds: i64, updated: u8| {
        format!("{{at: {seconds}, deployment: {{status: {{updatedReplicas: {updated}}}}}}}")
    };
    let policy = Policy::default();
    let reason = |looks_at: &[(i64, u8)]| {
        let yamls: Vec<_> = looks_at
            .iter()
            .map(|(seconds, updated)| at(*seconds, *updated))
            .collect();
        let yamls: Vec<_> = yamls.iter().map(String::as_str).collect();
        let last = looks(&yamls, &policy);
        (last.reason(), last.gate())
    };
    // The Deployment's own 600 s and a minute.
    assert_eq!(reason(&[(0, 1), (659, 1)]), ("Updating", Gate::Shut));
    assert_eq!(reason(&[(0, 1), (660, 1)]), ("NoProgress", Gate::Shut));
    assert_eq!(
        reason(&[(0, 1), (660, 1), (690, 1)]),
        ("NoProgress", Gate::Failed)
    );
    assert_eq!(
        reason(&[(0, 1), (600, 2), (700, 2)]),
        ("Updating", Gate::Shut)
    );
}

#[test]
fn memory_of_another_apply_is_dropped() {
    let (_, memory) = Case::of("").assess();
    let mut other = Case {
        memory,
        ..Case::of("{read: Cached, gone: true}")
    };
    other.applied.template_digest = "sha256:other".to_owned();
    assert_eq!(other.assess().0.reason(), "NotVisibleYet");
    assert_ne!(other.assess().1, Memory::default());
}
