//! What is written down, and what is read for the planner.

use serde_json::{Value, json};

use super::world::Case;
use crate::gate::{Applied, Baseline, revisions, template_digest};
use tidegate_spec::ObjectRef;

fn pretty<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

fn digest(template: &Value) -> String {
    template_digest(template)
}

#[test]
fn a_baseline_is_readable_json() {
    let mut baseline = Case::of("").baseline;
    baseline.pods.truncate(1);
    insta::assert_snapshot!(pretty(&baseline), @r#"
    {
      "workload": {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "namespace": "shop",
        "name": "web"
      },
      "uid": "uid-web",
      "generation": 1,
      "templateDigest": "sha256:89b0f29023eda992518c74adbb417ccfcaed4eb33273a29f8bfe15427121c49a",
      "revisions": [
        "b"
      ],
      "selector": {
        "matchLabels": {
          "app": "web"
        }
      },
      "pods": [
        {
          "uid": "uid-b-1",
          "name": "web-b-1",
          "revision": "b",
          "node": "node-1",
          "graceS": 30
        }
      ],
      "services": {
        "svc": {
          "app": "web"
        }
      }
    }
    "#);
}

#[test]
fn the_baseline_of_a_creation_is_small() {
    let reference = ObjectRef {
        api_version: "apps/v1".to_owned(),
        kind: "Deployment".to_owned(),
        namespace: "shop".to_owned(),
        name: "web".to_owned(),
    };
    let absent = Baseline::absent(reference.clone());
    insta::assert_snapshot!(serde_json::to_string(&absent).unwrap(), @r#"{"workload":{"apiVersion":"apps/v1","kind":"Deployment","namespace":"shop","name":"web"},"generation":0}"#);
    let nothing = Case::of("gone: true").snapshot;
    assert_eq!(Baseline::capture(&reference, &nothing), absent);
}

#[test]
fn an_apply_is_readable_json_and_knows_whether_it_changed_anything() {
    let case = Case::of("");
    insta::assert_snapshot!(pretty(&case.applied), @r#"
    {
      "workload": {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "namespace": "shop",
        "name": "web"
      },
      "uid": "uid-web",
      "generation": 2,
      "resourceVersion": "200",
      "templateDigest": "sha256:9673556de22f6f25e996408ee0c05d631e70a842a813d4cc4ca2ab4b2bfad265",
      "changed": true
    }
    "#);
    let live = case.snapshot.workload.as_ref().unwrap();
    assert!(!Applied::from_response(live, Some(live)).changed);
    assert!(Applied::from_response(live, None).changed);
}

#[test]
fn a_memory_is_readable_json() {
    let (_, memory) = Case::of("pods: a a a b:T").assess();
    insta::assert_snapshot!(pretty(&memory), @r#"
    {
      "apply": "uid-web sha256:9673556de22f6f25e996408ee0c05d631e70a842a813d4cc4ca2ab4b2bfad265",
      "isSeen": true,
      "isLatched": true,
      "wasReady": true,
      "waiting": {
        "state": "Done",
        "since": "2026-11-24T12:00:00Z"
      },
      "progress": {
        "state": "Complete Draining(1) Serving 3 1",
        "since": "2026-11-24T12:00:00Z"
      },
      "drain": {
        "state": "1",
        "since": "2026-11-24T12:00:00Z"
      },
      "births": {
        "uid-a-1": {
          "at": "2026-11-24T12:00:00Z"
        },
        "uid-a-2": {
          "at": "2026-11-24T12:00:00Z"
        },
        "uid-a-3": {
          "at": "2026-11-24T12:00:00Z"
        }
      },
      "pods": {
        "uid-b-1": {
          "name": "web-b-1",
          "node": "node-1",
          "graceS": 30
        },
        "uid-b-2": {
          "name": "",
          "graceS": 30,
          "isDead": true
        },
        "uid-b-3": {
          "name": "",
          "graceS": 30,
          "isDead": true
        }
      }
    }
    "#);
}

#[test]
fn equal_templates_have_equal_digests() {
    let plain = json!({"metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "server", "image": "web:1"}]}});
    let same = json!({"spec": {"containers": [{"image": "web:1", "name": "server", "resources": {}, "env": []}]},
        "metadata": {"labels": {"pod-template-hash": "6d9c", "app": "web"}, "annotations": {}}});
    let other = json!({"metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "server", "image": "web:2"}]}});
    assert_eq!(digest(&plain), digest(&same));
    assert_ne!(digest(&plain), digest(&other));
}

#[test]
fn the_digest_of_a_template_is_pinned() {
    // It is written into baselines: another digest for the same template would read as a change.
    let template = json!({"metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "server", "image": "web:1"}]}});
    insta::assert_snapshot!(digest(&template), @"sha256:89b0f29023eda992518c74adbb417ccfcaed4eb33273a29f8bfe15427121c49a");
}

#[test]
fn live_revisions_are_told_apart_with_what_they_speak() {
    let stamped = "patch: {web-a-1: {metadata: {annotations: {tidegate.dev/contract: '{}'}}}}";
    let snapshot = Case::of(&format!("{{pods: 'a a b:T b:F', {stamped}}}")).snapshot;
    let told: Vec<_> = revisions(&snapshot)
        .iter()
        .map(|revision| {
            format!(
                "{} {} current={} contract={:?} pods={}",
                revision.hash,
                revision.images,
                revision.is_current,
                revision.contract,
                revision.pods.join(",")
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    a web:2 current=true contract=Some("{}") pods=web-a-1,web-a-2
    b web:1 current=false contract=None pods=web-b-1
    "#);
}

#[test]
fn live_revisions_of_the_other_kinds_are_found_by_their_own_hash() {
    let hashes = |yaml: &str| -> Vec<String> {
        let snapshot = Case::of(yaml).snapshot;
        revisions(&snapshot)
            .into_iter()
            .map(|revision| {
                format!(
                    "{}{}",
                    revision.hash,
                    if revision.is_current { "*" } else { "" }
                )
            })
            .collect()
    };
    assert_eq!(
        hashes("{statefulSet: {}, pods: b b a}"),
        ["web-a*", "web-b"]
    );
    assert_eq!(hashes("{daemonSet: {}, pods: b b a}"), ["a*", "b"]);
    assert_eq!(hashes("{job: {}, pods: a}"), ["uid-job-a*"]);
    assert_eq!(hashes("{pod: {}}"), ["uid-pod-a*"]);
    assert!(hashes("gone: true").is_empty());
}
