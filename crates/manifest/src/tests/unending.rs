//! What holds a gate shut until somebody comes.

use insta::assert_snapshot;

use super::super::{assign, unending};
use super::manifests_of;
use super::owner::graph;

/// The warnings about objects of one line each: `kind, name, spec`.
fn warnings_of(services: &str, objects: &[(&str, &str, &str)]) -> String {
    let documents = objects.iter().map(|(kind, name, spec)| {
        let api_version = match *kind {
            "Service" => "v1",
            "Job" => "batch/v1",
            _ => "apps/v1",
        };
        format!("{{apiVersion: {api_version}, kind: {kind}, metadata: {{name: {name}}}, spec: {{{spec}}}}}\n")
    });
    let objects = manifests_of(&documents.collect::<Vec<_>>().join("---\n")).objects;
    let (ownership, problems) = assign(&graph(services), &objects, "shop");
    assert_eq!(problems, Vec::new());
    let warnings = unending(&objects, &ownership);
    warnings
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

const PODS: &str = "template: {metadata: {labels: {app: cart, part: shop}}, spec: {}}";

#[test]
fn what_a_person_must_set_free_is_named_with_its_field() {
    let held = |kind: &str, spec: &str| {
        let spec = format!("{spec}, {PODS}");
        warnings_of(&format!("cart: {kind}/cart"), &[(kind, "cart", &spec)])
    };
    assert_snapshot!(held("Deployment", "paused: true"), @"a.yaml:1:58: spec.paused: Deployment/cart is paused, so its rollout never begins [TG0128]; remove `paused`, or resume it by hand while the release waits");
    assert_snapshot!(held("StatefulSet", "updateStrategy: {type: OnDelete}"), @"a.yaml:1:59: spec.updateStrategy.type: StatefulSet/cart replaces a pod only when somebody deletes it [TG0128]; write `RollingUpdate`, or delete the old pods by hand while the release waits");
    assert_snapshot!(held("StatefulSet", "updateStrategy: {rollingUpdate: {partition: 2}}"), @"a.yaml:1:59: spec.updateStrategy.rollingUpdate.partition: StatefulSet/cart leaves the pods below number 2 in their old revision [TG0128]; remove `partition`, or lower it by hand while the release waits");
    assert_snapshot!(held("DaemonSet", "updateStrategy: {type: OnDelete}"), @"a.yaml:1:57: spec.updateStrategy.type: DaemonSet/cart replaces a pod only when somebody deletes it [TG0128]; write `RollingUpdate`, or delete the old pods by hand while the release waits");
    assert_snapshot!(held("Job", "suspend: true"), @"a.yaml:1:52: spec.suspend: Job/cart is suspended, so it never runs [TG0128]; remove `suspend`, or set it to false by hand while the release waits");
    for (kind, spec) in [
        ("Deployment", "paused: false"),
        (
            "StatefulSet",
            "updateStrategy: {rollingUpdate: {partition: 0}}",
        ),
        ("Job", "suspend: false"),
    ] {
        assert_eq!(held(kind, spec), "");
    }
}

#[test]
fn no_pods_behind_a_service_are_told_and_no_pods_of_a_worker_are_not() {
    let cart = |replicas: u32, selector: &str| {
        let deployment = format!("replicas: {replicas}, {PODS}");
        let service = format!("selector: {{app: {selector}}}");
        warnings_of(
            "cart",
            &[
                ("Deployment", "cart", &deployment),
                ("Service", "cart", &service),
            ],
        )
    };
    assert_snapshot!(cart(0, "cart"), @"a.yaml:1:58: spec.replicas: Deployment/cart has no pods, so nothing ever serves behind Service/cart [TG0128]; scale it up, or leave `replicas` out where an autoscaler sets it");
    assert_eq!(cart(1, "cart"), "");
    assert_eq!(cart(0, "other"), "");
}

#[test]
fn a_service_in_front_of_two_services_is_told() {
    let second = PODS.replace("app: cart", "app: user");
    let objects = |selector: &str| {
        let selector = format!("selector: {{{selector}}}");
        warnings_of(
            "cart | user",
            &[
                ("Deployment", "cart", PODS),
                ("Deployment", "user", &second),
                ("Service", "front", &selector),
            ],
        )
    };
    assert_snapshot!(objects("part: shop"), @"a.yaml:5:50: spec.selector: Service/front leads to pods of cart and user, so a call may reach either and no gate of theirs opens [TG0128]; let it select the pods of one service, or make them one service with several workloads");
    assert_eq!(objects("app: cart"), "");
}
