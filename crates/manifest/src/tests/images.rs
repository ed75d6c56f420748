//! Images that are built: who runs them, and what becomes of them in pod templates.

use std::collections::BTreeMap;

use insta::assert_snapshot;

use super::text;
use crate::{Bundle, assemble};
use tidegate_build::Recipe;
use tidegate_spec::ServiceName;

const SYSTEM: &str = "
apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec: {services: [{name: orders}, {name: worker, workloads: [{apiVersion: batch/v1, kind: CronJob, name: worker}]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders, labels: {app: orders}}
spec:
  selector: {matchLabels: {app: orders}}
  template:
    metadata: {labels: {app: orders}}
    spec:
      initContainers: [{name: migrate, image: 'registry:5000/orders'}]
      containers: [{name: main, image: 'registry:5000/orders:v1'}, {name: side, image: 'registry:5000/orders-proxy:v1'}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: worker}
spec: {schedule: '0 0 * * *', jobTemplate: {spec: {template: {spec: {containers: [{name: main, image: 'registry:5000/orders@sha256:ab'}]}}}}}
";

fn plan(builds: &str) -> String {
    format!(
        "---
apiVersion: tidegate.dev/v1alpha1
kind: ReleasePlan
metadata: {{name: shop}}
spec:
  source: {{git: {{url: 'https://example.org/shop', ref: {{branch: main}}}}}}
  builds:{builds}
"
    )
}

const ENGINE: &str = "engine: {argoWorkflow: {templateRef: {name: t}}}";

/// The frozen input of the system with one build.
fn bundle() -> Bundle {
    let plan = plan(&format!(
        "\n  - {{service: orders, image: 'registry:5000/orders', {ENGINE}}}"
    ));
    let (assembled, problems) =
        assemble(&[text("a.yaml", &format!("{SYSTEM}{plan}"))], "shop", None);
    assert_eq!(problems, Vec::new());
    let mut bundle = assembled.expect("a bundle").bundle;
    let commit = ("https://example.org/shop", "0123");
    let recipe = Recipe::new(&bundle.plan.builds[0], commit, "tree");
    bundle.builds.insert(orders(), recipe);
    bundle
}

fn orders() -> ServiceName {
    ServiceName::parse("orders").expect("a name")
}

fn images(bundle: &Bundle) -> String {
    let objects = bundle.objects.iter();
    let lines = objects.map(|entry| {
        let named: Vec<&str> =
            super::super::images::images(&entry.reference.kind, &entry.value).collect();
        let unbuilt = bundle.unbuilt(&entry.reference.kind, &entry.value);
        format!(
            "{}: {} | {}",
            entry.reference.kind,
            named.join(" "),
            unbuilt.unwrap_or_else(|| "-".to_owned())
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_pod_template_that_names_a_built_image_waits_for_it_and_gets_its_digest() {
    let bundle = bundle();
    for service in bundle.services.values() {
        assert_eq!(bundle.builds_of(service), [orders()].into());
    }
    assert_snapshot!(images(&bundle), @r"
    Deployment: registry:5000/orders registry:5000/orders:v1 registry:5000/orders-proxy:v1 | registry:5000/orders
    CronJob: registry:5000/orders@sha256:ab | registry:5000/orders@sha256:ab
    ");
    let image = format!("registry:5000/orders@sha256:{}", "a".repeat(64));
    let known = BTreeMap::from([(orders(), image)]);
    assert_snapshot!(images(&bundle.with_images(&known)), @r"
    Deployment: registry:5000/orders@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa registry:5000/orders@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa registry:5000/orders-proxy:v1 | -
    CronJob: registry:5000/orders@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | -
    ");
}

#[test]
fn builds_that_nobody_runs_and_services_that_nobody_has_are_told_with_their_place() {
    let plan = plan(&format!(
        "
  - {{service: order, image: 'registry:5000/orders', {ENGINE}}}
  - {{service: worker, image: 'registry:5000/worker', {ENGINE}}}"
    ));
    let free = "---
apiVersion: batch/v1
kind: CronJob
metadata: {name: report}
spec: {schedule: '0 0 * * *', jobTemplate: {spec: {template: {spec: {containers: [{name: main, image: 'registry:5000/worker'}]}}}}}
";
    let all = format!("{SYSTEM}{free}{plan}");
    let (_, problems) = assemble(&[text("a.yaml", &all)], "shop", None);
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_snapshot!(told.join("\n"), @r"
    a.yaml:34:15: spec.builds[0].service: the graph has no service `order` [TG0120]; did you mean `orders`?
    a.yaml:35:30: spec.builds[1].image: `registry:5000/worker` is run by CronJob/shop/report, which belongs to no service, so nothing waits until it is built [TG0104]; label it with `app: SERVICE`, or add it to a service's `workloads`
    a.yaml:35:30: spec.builds[1].image: no pod template of `worker` runs `registry:5000/worker`, so what is built would go nowhere [TG0104]; write the image as the manifests have it, without its tag
    ");
}
