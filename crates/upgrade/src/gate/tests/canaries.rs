//! Flagger: rows 55 to 59 of completion.md §8, and C1 to C12.

use super::files::{check_recorded, first, rows};

/// Promoted and at rest: the target has no pods, the primary runs its template.
pub(super) const PROMOTED: &str = "
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: web, namespace: shop, uid: u-canary, generation: 1}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  analysis: {interval: 30s, maxWeight: 50, stepWeight: 10}
status:
  phase: Succeeded
  canaryWeight: 0
  lastAppliedSpec: '222'
  lastPromotedSpec: '222'
  conditions: [{type: Promoted, status: 'True', reason: Succeeded, lastUpdateTime: '2026-11-24T11:00:00Z', lastTransitionTime: '2026-11-24T11:00:00Z'}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, uid: u-web, generation: 4}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: server, image: 'web:2', envFrom: [{configMapRef: {name: settings}}]}]}}
status: {observedGeneration: 4}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web-primary, namespace: shop, uid: u-primary, generation: 3, ownerReferences: [{apiVersion: flagger.app/v1beta1, kind: Canary, name: web, uid: u-canary, controller: true}]}
spec:
  replicas: 1
  selector: {matchLabels: {app: web-primary}}
  template: {metadata: {labels: {app: web-primary}, annotations: {flagger-id: x}}, spec: {containers: [{name: server, image: 'web:2', envFrom: [{configMapRef: {name: settings-primary}}]}]}}
status: {observedGeneration: 3, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web-primary-a, namespace: shop, uid: rs-a, generation: 1, labels: {app: web-primary, pod-template-hash: a}, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web-primary, uid: u-primary, controller: true}]}
spec:
  replicas: 1
  selector: {matchLabels: {app: web-primary}}
  template: {metadata: {labels: {app: web-primary, pod-template-hash: a}, annotations: {flagger-id: x}}, spec: {containers: [{name: server, image: 'web:2', envFrom: [{configMapRef: {name: settings-primary}}]}]}}
status: {observedGeneration: 1, replicas: 1, readyReplicas: 1, availableReplicas: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: web-primary-a-1, namespace: shop, uid: p-1, labels: {app: web-primary, pod-template-hash: a}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-primary-a, uid: rs-a, controller: true}]}
spec: {nodeName: n1, containers: [{name: server, image: 'web:2'}]}
status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop, uid: s-1}
spec: {clusterIP: 10.0.0.1, selector: {app: web-primary}}
---
apiVersion: v1
kind: Service
metadata: {name: web-canary, namespace: shop, uid: s-2}
spec: {clusterIP: 10.0.0.2, selector: {app: web}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
addressType: IPv4
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
endpoints: [{addresses: [10.1.0.1], targetRef: {kind: Pod, name: web-primary-a-1, uid: p-1}}]
";

/// What tidegate wrote down before it applied version 2 to the target.
const BEFORE: &str = "
- object: {apiVersion: flagger.app/v1beta1, kind: Canary, namespace: shop, name: web}
  baseline:
    uid: u-canary
    generation: 1
    canary: {phase: Succeeded, lastAppliedSpec: '111', lastPromotedSpec: '111'}
    conditions: [{type: Promoted, status: 'True', reason: Succeeded, lastUpdateTime: '2026-11-24T10:00:00Z', lastTransitionTime: '2026-11-24T10:00:00Z'}]
";
/// The same after a run that had failed.
const FAILED_BEFORE: &str = "
- object: {apiVersion: flagger.app/v1beta1, kind: Canary, namespace: shop, name: web}
  baseline:
    uid: u-canary
    generation: 1
    canary: {phase: Failed, lastAppliedSpec: '111', lastPromotedSpec: '111'}
    conditions: [{type: Promoted, status: 'False', reason: Failed, lastUpdateTime: '2026-11-24T10:00:00Z', lastTransitionTime: '2026-11-24T10:00:00Z'}]
";

/// The primary still runs version 1.
const OLD_PRIMARY: &str = "Deployment/web-primary: {spec: {template: {spec: {containers: [{name: server, image: 'web:1', envFrom: [{configMapRef: {name: settings-primary}}]}]}}}}, ReplicaSet/web-primary-a: {spec: {template: {spec: {containers: [{name: server, image: 'web:1', envFrom: [{configMapRef: {name: settings-primary}}]}]}}}}";

fn canary(status: &str, more: &str) -> String {
    format!("{{Canary/web: {{status: {status}}}, {more}}}")
}

/// A table of what is put over the Canary's status, with the primary as it is or still of version 1.
fn check_status(recorded: &str, primary: &str, table: &str) {
    let over: Vec<_> = rows(table)
        .into_iter()
        .map(|(name, status, expected)| (name, canary(status, primary), expected))
        .collect();
    let over: Vec<_> = over
        .iter()
        .map(|(name, over, expected)| (*name, over.as_str(), recorded, *expected))
        .collect();
    check_recorded(PROMOTED, &over);
}

#[test]
fn a_target_that_is_being_deleted_is_as_good_as_gone() {
    let deleted = "{Deployment/web: {metadata: {deletionTimestamp: '2026-11-24T12:00:00Z'}}}";
    let row = ("C2", deleted, BEFORE, "Failed(Terminal, TargetMissing)");
    check_recorded(PROMOTED, &[row]);
}

#[test]
fn a_canary_is_done_when_its_primary_has_the_new_template_and_runs_it() {
    check_status(
        "",
        "",
        "
        C12 nothing recorded | {} | Complete / Drained / Serving
        C5 | {phase: null} | Progressing(Initializing 0/1)
        C5 says so | {phase: Initializing} | Progressing(Initializing 0/1)
    ",
    );
    check_status(
        BEFORE,
        "",
        "
        C12 | {} | Complete / Drained / Serving
        C12 initialized | {phase: Initialized} | Complete / Drained / Serving
        C2 going | {phase: Terminating} | Failed(Terminal, CanaryDeleting)
        C8 | {phase: Promoting} | Progressing(Promoting 0/1)
        C8 last | {phase: Finalising} | Progressing(Promoting 0/1)
        a phase that we do not know | {phase: Dreaming} | Progressing(UnknownStatus 0/1)
    ",
    );
    check_status(
        BEFORE,
        OLD_PRIMARY,
        "
        55 C4 | {lastAppliedSpec: '111'} | Progressing(AwaitDetection 0/1) / Draining(1)
        C9 | {phase: Initialized} | Progressing(AwaitDetection 0/1)
        58 C6 | {phase: WaitingPromotion} | Paused(Approval 0/1)
        C6 | {phase: Waiting} | Paused(Approval 0/1)
        59 C7 | {phase: Progressing, canaryWeight: 30} | Progressing(Analysis 30/50) / Draining(1)
    ",
    );
    check_recorded(
        PROMOTED,
        &[
            (
                "C7 by checks, the last of which counts one more",
                "{Canary/web: {spec: {analysis: {maxWeight: null, iterations: 2}}, status: {phase: Progressing, iterations: 3}}}",
                BEFORE,
                "Progressing(Analysis 2/2)",
            ),
            (
                "C1",
                "{Canary/web: {spec: {suspend: true}}}",
                BEFORE,
                "Paused(Suspended 0/1)",
            ),
            (
                "C2",
                "{Deployment/web: null}",
                BEFORE,
                "Failed(Terminal, TargetMissing)",
            ),
            (
                "C10",
                "{Deployment/web-primary: {status: {updatedReplicas: 0}}}",
                BEFORE,
                "Progressing(Updating 0/1)",
            ),
            (
                "C11",
                "{Deployment/web: {spec: {replicas: 2}}}",
                BEFORE,
                "Progressing(CanaryScaleDown 0/1)",
            ),
        ],
    );
}

#[test]
fn only_a_failure_that_is_newer_than_the_apply_is_one() {
    let then = "{phase: Failed, lastAppliedSpec: '222', conditions: [{type: Promoted, status: 'False', reason: Failed, lastUpdateTime: '2026-11-24T10:00:00Z', lastTransitionTime: '2026-11-24T10:00:00Z'}]}";
    let now = |more: &str| {
        format!(
            "{{phase: Failed, {more} conditions: [{{type: Promoted, status: 'False', reason: Failed, lastUpdateTime: '2026-11-24T11:59:00Z', lastTransitionTime: '2026-11-24T11:59:00Z'}}]}}"
        )
    };
    let check = |name: &str, status: &str, primary: &str, expected: &str| {
        check_recorded(
            PROMOTED,
            &[(name, &canary(status, primary), FAILED_BEFORE, expected)],
        );
    };
    check("56", then, OLD_PRIMARY, "Progressing(AwaitDetection 0/1)");
    check(
        "R11 a return to what was promoted",
        then,
        "",
        "Complete / Drained",
    );
    check(
        "57 C3",
        &now(""),
        OLD_PRIMARY,
        "Failed(Terminal, AnalysisFailed)",
    );
    check(
        "C3 while it was promoted",
        &now("canaryWeight: 100,"),
        OLD_PRIMARY,
        "Failed(Terminal, PromotionFailed)",
    );
}

#[test]
fn a_primary_with_another_stamp_is_not_promoted() {
    let stamped =
        |key: &str| format!("{{spec: {{template: {{metadata: {{annotations: {{{key}: x}}}}}}}}}}");
    let of_both = |target: &str, primary: &str| {
        format!(
            "{{Deployment/web: {}, Deployment/web-primary: {}, ReplicaSet/web-primary-a: {}}}",
            stamped(target),
            stamped(primary),
            stamped(primary)
        )
    };
    for stamp in ["tidegate.dev/contract", "tidegate.dev/template-digest"] {
        let rows = [
            (
                stamp,
                "example.com/of-the-mesh",
                "Progressing(AwaitDetection",
            ),
            (
                "example.com/of-the-mesh",
                stamp,
                "Progressing(AwaitDetection",
            ),
            (stamp, stamp, "Complete"),
            ("example.com/of-the-mesh", "sidecar", "Complete"),
        ];
        for (target, primary, expected) in rows {
            let over = of_both(target, primary);
            check_recorded(PROMOTED, &[(stamp, &over, "", expected)]);
        }
    }
}

#[test]
fn the_whole_of_the_pods_spec_is_copied_to_the_primary() {
    let target = |spec: &str| {
        first(
            PROMOTED,
            &format!("{{Deployment/web: {{spec: {{template: {{spec: {spec}}}}}}}}}"),
            "",
        )
    };
    for other in [
        "{serviceAccountName: web}",
        "{securityContext: {runAsUser: 1}}",
        "{volumes: [{name: cache, emptyDir: {}}]}",
        "{terminationGracePeriodSeconds: 5}",
    ] {
        let found = target(other);
        assert!(found.contains("AwaitDetection"), "{other}: {found}");
    }
    // Flagger writes its own names into these.
    for rewritten in [
        "{affinity: {podAntiAffinity: {}}}",
        "{topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}]}",
    ] {
        let found = target(rewritten);
        assert!(found.contains(": Complete"), "{rewritten}: {found}");
    }
}

#[test]
fn hashes_prove_a_promotion_only_where_there_is_no_copy_of_the_template() {
    let spec = |kind: &str, promoted: &str| {
        format!(
            "{{Canary/web: {{spec: {{targetRef: {{apiVersion: v1, kind: {kind}}}}}, status: {{lastPromotedSpec: {promoted}}}}}, Deployment/web-primary: null}}"
        )
    };
    check_recorded(
        PROMOTED,
        &[
            ("promoted", &spec("Service", "'222'"), BEFORE, "Complete"),
            (
                "promoted, and perhaps before the apply",
                &spec("Service", "'222'"),
                "",
                "Progressing(AwaitDetection",
            ),
            (
                "as before the apply",
                "{Canary/web: {spec: {targetRef: {apiVersion: v1, kind: Service}}, status: {lastPromotedSpec: '111', lastAppliedSpec: '111'}}, Deployment/web-primary: null}",
                BEFORE,
                "Progressing(AwaitDetection",
            ),
            (
                "not yet",
                &spec("Service", "'111'"),
                BEFORE,
                "Progressing(AwaitDetection",
            ),
            (
                "never",
                "{Canary/web: {spec: {targetRef: {apiVersion: v1, kind: Service}}, status: {lastPromotedSpec: '', lastAppliedSpec: ''}}}",
                "",
                "Progressing(AwaitDetection",
            ),
            (
                "its primary is not there",
                "{Deployment/web-primary: null}",
                "",
                "Progressing(AwaitDetection",
            ),
        ],
    );
}

#[test]
fn the_canarys_target_and_primary_have_no_verdict_of_their_own() {
    let found = super::files::all_told(PROMOTED, "");
    assert_eq!(found, ["Canary/shop/web: Complete / Drained / Serving"]);
    let unreadable = super::files::all_told(PROMOTED, &canary("{canaryWeight: much}", ""));
    let of_canary = unreadable
        .iter()
        .find(|line| line.starts_with("Canary/shop/web"));
    assert_eq!(
        of_canary.unwrap(),
        "Canary/shop/web: Progressing(UnknownStatus 0/1) / NotNeeded / NotNeeded"
    );
}

#[test]
fn flagger_is_given_three_of_its_looks_and_a_minute() {
    let awaiting = canary("{lastAppliedSpec: '111'}", OLD_PRIMARY);
    let at = |seconds: &[i64]| super::files::over_time(PROMOTED, &awaiting, seconds);
    assert!(
        at(&[0, 149]).starts_with("Progressing(AwaitDetection 0/1)"),
        "{}",
        at(&[0, 149])
    );
    assert!(
        at(&[0, 150]).starts_with("Failed(Retryable, NotDetected)"),
        "{}",
        at(&[0, 150])
    );
    assert!(at(&[0, 150, 151]).starts_with("Failed(Retryable, NotDetected)"));
    // It looks every 10 s at most.
    let often = format!(
        "{{Canary/web: {{spec: {{analysis: {{interval: 1s}}}}, status: {{lastAppliedSpec: '111'}}}}, {OLD_PRIMARY}}}"
    );
    let at = |seconds: &[i64]| super::files::over_time(PROMOTED, &often, seconds);
    assert!(at(&[0, 89]).starts_with("Progressing(AwaitDetection 0/1)"));
    assert!(at(&[0, 90]).starts_with("Failed(Retryable, NotDetected)"));
    let kept = canary("{}", "Deployment/web: {spec: {replicas: 2}}");
    let at = |seconds: &[i64]| super::files::over_time(PROMOTED, &kept, seconds);
    assert!(at(&[0, 59]).starts_with("Progressing(CanaryScaleDown 0/1)"));
    assert!(
        at(&[0, 60]).ends_with("+CanaryNotScaled"),
        "{}",
        at(&[0, 60])
    );
    assert!(
        at(&[0, 60, 61]).ends_with("+CanaryNotScaled"),
        "{}",
        at(&[0, 60, 61])
    );
}
