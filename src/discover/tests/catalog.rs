//! Backstage.

use insta::assert_snapshot;

use super::{backstage, edges_of, proposed, samples, text};

#[test]
fn a_catalog_gives_who_consumes_and_who_depends() {
    assert_snapshot!(edges_of(backstage(&[text("c", samples::BACKSTAGE)])), @r"
    audit → catalog [-] declared in backstage (dependencyOf)
    catalog → orders [changes] guess: from backstage (consumesApis changes); messages
    web → orders [orders-api] declared in backstage (consumesApis orders-api)
    web → catalog [-] declared in backstage (dependsOn)
    ");
}

#[test]
fn an_api_that_nobody_provides_and_a_reference_without_a_kind_are_told() {
    let catalog = "
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: web}
spec: {consumesApis: [orders-apis, other], dependsOn: [catalog, 7]}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: orders}
spec: {providesApis: [orders-api]}
";
    assert_snapshot!(edges_of(backstage(&[text("c", catalog)])), @r#"
    c:4:18: spec.consumesApis: no component provides the API `orders-apis` [TG0403]; did you mean `orders-api`?
    c:4:18: spec.consumesApis: no component provides the API `other` [TG0403]; give the file of the component that has it in `providesApis` too
    c:4:18: spec.dependsOn[0]: `"catalog"` is no reference to an entity [TG0403]; write `component:NAME` or `resource:NAME`; there is no default kind here
    c:4:18: spec.dependsOn[1]: `7` is no reference to an entity [TG0403]; write `component:NAME` or `resource:NAME`; there is no default kind here
    "#);
}

#[test]
fn a_proposal_names_the_apis_and_their_owners() {
    assert_snapshot!(proposed(vec![backstage(&[text("c", samples::BACKSTAGE)])]), @r"
    apiVersion: tidegate.dev/v1alpha1
    kind: ServiceGraph
    metadata:
      name: shop
    spec:
      services:
      - name: audit
        calls:
        - service: catalog # declared in backstage (dependencyOf)
      - name: catalog # provides changes (asyncapi, owned by team-c)
        calls:
        - service: orders # guess: from backstage (consumesApis changes); messages
          contract: changes
          channel: queue
      - name: orders # provides orders-api (grpc, owned by team-b)
      - name: web
        calls:
        - service: catalog # declared in backstage (dependsOn)
        - service: orders # declared in backstage (consumesApis orders-api)
          contract: orders-api
    ");
}
