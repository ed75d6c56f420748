//! What `.status` leaves out where there is no room.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::saved::{loaded, saved};
use super::scene::{Scene, at, name, standing};
use crate::gate::{Applied, Baseline, BaselineCondition, Read};
use crate::{Progress, Record, ServiceState, Standing};

#[test]
fn a_status_of_three_hundred_moving_services_stays_under_its_limit() {
    let parts: Vec<String> = (0..300)
        .map(|number| format!("service-number-{number}"))
        .collect();
    let mut scene = Scene::of(&parts.join(" | "));
    for (number, part) in parts.iter().enumerate() {
        let service = scene.state.services.get_mut(&name(part)).expect("it");
        *service = big(part, number);
    }
    let bytes = serde_json::to_vec(&saved(&scene)).expect("JSON").len();
    assert!(bytes < 300_000, "{bytes} bytes");
    // Some pods and words are left out of what is saved; everything that a gate needs comes back.
    let found = loaded(&scene).expect("our own status");
    for (name, service) in &scene.state.services {
        let kept = &found.services[name];
        assert_eq!(kept.standing, service.standing);
        for (workload, record) in &service.records {
            let kept = &kept.records[workload];
            assert_eq!(kept.applied, record.applied);
            let parts = (kept.baseline.clone(), record.baseline.clone());
            let (mut kept, mut full) = (parts.0.expect("one"), parts.1.expect("one"));
            assert!(full.pods.starts_with(&kept.pods), "{name}");
            full.pods.clear();
            kept.pods.clear();
            full.conditions
                .retain(|condition| condition.status != "True");
            assert_eq!(kept, full);
        }
    }
}

#[test]
fn the_longest_lists_of_pods_are_cut_first() {
    let parts: Vec<String> = (0..60)
        .map(|number| format!("service-{number:02}"))
        .collect();
    let mut scene = Scene::of(&parts.join(" | "));
    for (number, part) in parts.iter().enumerate() {
        let mut service = big(part, number);
        let record = service.records.values_mut().next().expect("one");
        let pods = &mut record.baseline.as_mut().expect("one").pods;
        if number == 7 {
            let one = pods[0].clone();
            *pods = (0..900).map(|_| one.clone()).collect();
        }
        scene.state.services.insert(name(part), service);
    }
    let found = loaded(&scene).expect("our own status");
    let kept = |service: &ServiceState| {
        let baseline = service
            .records
            .values()
            .next()
            .expect("one")
            .baseline
            .clone();
        baseline.expect("one").pods.len()
    };
    let counts: Vec<usize> = found.services.values().map(kept).collect();
    let others = counts.iter().enumerate().filter(|(number, _)| *number != 7);
    assert!(others.clone().all(|(_, count)| *count == 20), "{counts:?}");
    assert!((20..900).contains(&counts[7]), "{counts:?}");
}

#[test]
fn a_status_of_an_ordinary_release_keeps_every_pod() {
    let parts: Vec<String> = (0..40)
        .map(|number| format!("service-number-{number}"))
        .collect();
    let mut scene = Scene::of(&parts.join(" | "));
    for (number, part) in parts.iter().enumerate() {
        let service = scene.state.services.get_mut(&name(part)).expect("it");
        *service = big(part, number);
    }
    let found = loaded(&scene).expect("our own status");
    assert_eq!(found.services, scene.state.services);
}

/// A service in the middle of its move, with twenty old pods and names as long as they are in a cluster.
fn big(service: &str, number: usize) -> ServiceState {
    let mut deployed = standing(service, "old");
    deployed.uid = format!("7c0f9e1c-6a52-4b0e-9d57-{number:012}");
    let workload = deployed.reference();
    let shown = std::collections::BTreeMap::from([(service.to_owned(), deployed)]);
    let snapshot = super::objects::snapshot(service, &shown, Read::Live, at(0.0));
    let mut baseline = Baseline::capture(&workload, &snapshot);
    let pod = baseline.pods[0].clone();
    baseline.pods = (0..20)
        .map(|pod_number| crate::gate::BaselinePod {
            uid: format!("2b1d5e0a-93b7-4c1f-8e0d-{:012}", number * 100 + pod_number),
            name: format!("{service}-6f7c9d8b5d-x{pod_number:04}"),
            revision: "6f7c9d8b5d".to_owned(),
            node: format!("ip-10-0-{number}-{pod_number}.eu-central-1.compute.internal"),
            ..pod.clone()
        })
        .collect();
    // What every Deployment says of itself, and one that something was wrong with.
    let condition = |type_: &str, status: &str, reason: &str| BaselineCondition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(format!(
            "ReplicaSet \"{service}-6f7c9d8b5d\" has successfully progressed."
        )),
        last_update_time: Some(Time(at(0.0))),
        last_transition_time: Some(Time(at(0.0))),
    };
    baseline.conditions = vec![condition("Available", "True", "MinimumReplicasAvailable")];
    baseline.conditions.push(match number {
        0 => condition("Progressing", "False", "ProgressDeadlineExceeded"),
        _ => condition("Progressing", "True", "NewReplicaSetAvailable"),
    });
    let applied = Applied::from_response(&standing(service, "unseen").workload(), None);
    ServiceState {
        standing: Standing::Moving,
        records: std::iter::once((
            workload,
            Record {
                baseline: Some(baseline),
                applied: Some(applied),
                memory: None,
            },
        ))
        .collect(),
        started: Some(at(0.0)),
        ended: None,
        approval: None,
        forced: None,
        regressed: None,
        paused_for: None,
        retries: 0,
        progress: Progress {
            new_ready: 3,
            new_wanted: 20,
            old_alive: 17,
            reason: "OldPods".to_owned(),
            message: format!(
                "Deployment {service}: 17 old pods still alive: {service}-6f7c9d8b5d-x0001, \
                {service}-6f7c9d8b5d-x0002, {service}-6f7c9d8b5d-x0003, and 14 more"
            ),
            since: Some(at(0.0)),
        },
    }
}
