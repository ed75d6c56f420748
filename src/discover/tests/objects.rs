//! Kubernetes manifests.

use insta::assert_snapshot;

use super::{edges_of, manifests, proposed, samples, text};

#[test]
fn an_address_in_the_environment_is_a_guess() {
    assert_snapshot!(edges_of(manifests(&[text("m", samples::MANIFESTS)])), @r"
    orders → db [-] guess: from manifests (DATABASE_URL)
    web → kafka [-] guess: from manifests (BUS_BROKERS)
    web → orders [-] guess: from manifests (ORDERS_ADDR)
    web → db [-] guess: from manifests (WAIT_FOR_ADDRESS)
    nightly → orders [-] guess: from manifests (SOURCE_URLS)
    ");
}

#[test]
fn a_proposal_names_what_is_no_deployment_and_puts_cron_jobs_outside() {
    assert_snapshot!(proposed(vec![manifests(&[text("m", samples::MANIFESTS)])]), @r"
    apiVersion: tidegate.dev/v1alpha1
    kind: ServiceGraph
    metadata:
      name: shop
    spec:
      services:
      - name: db # no workload of this name in the manifests
      - name: kafka # no workload of this name in the manifests
      - name: orders
        workloads:
        - apiVersion: apps/v1
          kind: StatefulSet
          name: orders
        calls:
        - service: db # guess: from manifests (DATABASE_URL)
      - name: web
        calls:
        - service: db # guess: from manifests (WAIT_FOR_ADDRESS)
        - service: kafka # guess: from manifests (BUS_BROKERS)
        - service: orders # guess: from manifests (ORDERS_ADDR)
      external:
      - name: nightly # a CronJob
        calls:
        - service: orders # guess: from manifests (SOURCE_URLS)
    ");
}

#[test]
fn a_service_with_two_workloads_behind_it_is_an_edge_to_each() {
    let workload = |name: &str| {
        format!(
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec: {{template: {{metadata: {{labels: {{app: reviews, v: {name}}}}}, spec: {{containers: []}}}}}}\n"
        )
    };
    let page = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: page}\nspec: {containers: [{env: [{name: REVIEWS_HOSTNAME, value: reviews}]}]}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: reviews}\nspec: {selector: {app: reviews}}\n";
    let all = format!("{}{}{page}", workload("reviews-v1"), workload("reviews-v2"));
    assert_snapshot!(edges_of(manifests(&[text("m", &all)])), @r"
    page → reviews-v1 [-] guess: from manifests (REVIEWS_HOSTNAME)
    page → reviews-v2 [-] guess: from manifests (REVIEWS_HOSTNAME)
    ");
}
