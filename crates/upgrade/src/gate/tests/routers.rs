//! Routers above Services, where an old pod may live on: completion.md §5.8.

use super::files::{documents, rows, told};
use super::world::start;
use crate::gate::{Absent, DrainLevel, Objects, Policy, judge_all};

/// Version 2 of `web` is complete and serves behind its Service; `legacy` answers behind another one.
const BASE: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, uid: u-web, generation: 1}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: server, image: 'web:2'}]}}
status: {observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web-a, namespace: shop, uid: rs-a, generation: 1, labels: {app: web, pod-template-hash: a}, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: u-web, controller: true}]}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web, pod-template-hash: a}}, spec: {containers: [{name: server, image: 'web:2'}]}}
status: {observedGeneration: 1, replicas: 1, readyReplicas: 1, availableReplicas: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: web-a-1, namespace: shop, uid: p-1, labels: {app: web, pod-template-hash: a}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-a, uid: rs-a, controller: true}]}
spec: {nodeName: n1, containers: [{name: server, image: 'web:2'}]}
status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}
---
apiVersion: v1
kind: Pod
metadata: {name: legacy-1, namespace: shop, uid: p-2, labels: {app: legacy}, ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: legacy, uid: u-legacy, controller: true}]}
spec: {nodeName: n1, containers: [{name: server, image: 'web:1'}]}
status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop, uid: s-1}
spec: {clusterIP: 10.0.0.1, selector: {app: web}}
---
apiVersion: v1
kind: Service
metadata: {name: legacy, namespace: shop, uid: s-2}
spec: {clusterIP: 10.0.0.2, selector: {app: legacy}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
addressType: IPv4
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
endpoints: [{addresses: [10.1.0.1], targetRef: {kind: Pod, name: web-a-1, uid: p-1}}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
addressType: IPv4
metadata: {name: legacy-1, namespace: shop, labels: {kubernetes.io/service-name: legacy}}
endpoints: [{addresses: [10.1.0.2], targetRef: {kind: Pod, name: legacy-1, uid: p-2}}]
---
";

/// What is said of `web` beside one router, which `spec` makes up.
fn with(drain: DrainLevel, (api_version, kind): (&str, &str), spec: &str) -> String {
    let router = format!(
        "apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: front, namespace: shop, uid: u-r, generation: 1}}\nspec: {spec}\n"
    );
    let policy = Policy {
        drain,
        ..Policy::default()
    };
    let told = told(&documents(&format!("{BASE}{router}")), "", &policy);
    let own = told
        .into_iter()
        .find(|line| line.starts_with("Deployment/"));
    let own = own.unwrap_or_default();
    own.split_once(": ")
        .map_or_else(String::new, |(_, said)| said.to_owned())
}

const ROUTE: (&str, &str) = ("gateway.networking.k8s.io/v1", "HTTPRoute");

#[track_caller]
fn check(kind: (&str, &str), table: &str) {
    for (name, spec, expected) in rows(table) {
        let found = with(DrainLevel::Endpoints, kind, spec);
        assert!(
            found.starts_with(expected),
            "{name}: expected {expected}\n   found {found}"
        );
        // What is shut at `Endpoints` is shut at `Pods`.
        let stricter = with(DrainLevel::Pods, kind, spec);
        assert_eq!(stricter, found, "{name}");
        let found = with(DrainLevel::None, kind, spec);
        assert!(found.starts_with("Complete / NotNeeded"), "{name}: {found}");
    }
}

#[test]
fn a_route_that_splits_the_same_calls_blocks_by_what_else_answers_them() {
    check(ROUTE, "
        all to it | {rules: [{backendRefs: [{name: web}]}]} | Complete / Drained / Serving
        a part elsewhere | {rules: [{backendRefs: [{name: web, weight: 90}, {name: legacy, weight: 10}]}]} | Complete / Draining(1)
        none elsewhere any more | {rules: [{backendRefs: [{name: web, weight: 1}, {name: legacy, weight: 0}]}]} | Complete / Drained
        by a header | {rules: [{matches: [{path: {value: /}}], backendRefs: [{name: web}]}, {matches: [{path: {value: /}, headers: [{name: beta, value: y}]}], backendRefs: [{name: legacy}]}]} | Complete / Draining(1)
        a copy of each call | {rules: [{backendRefs: [{name: web}], filters: [{type: RequestMirror, requestMirror: {backendRef: {name: legacy}}}]}]} | Complete / Draining(1)
        other calls | {rules: [{matches: [{path: {value: /web}}], backendRefs: [{name: web}]}, {matches: [{path: {value: /old}}], backendRefs: [{name: legacy}]}]} | Complete / Drained
        a Service without anybody | {rules: [{backendRefs: [{name: web}, {name: empty}]}]} | Complete / Drained
        what is no Service | {rules: [{backendRefs: [{name: web}, {group: x.example, kind: Pool, name: models}]}]} | Complete / Unprovable(UnknownEndpoint)
        a Service of another namespace | {rules: [{backendRefs: [{name: web}, {name: web, namespace: other}]}]} | Complete / Unprovable(UnknownEndpoint)
        that leads elsewhere only | {rules: [{backendRefs: [{name: legacy}]}]} | Complete / Drained
    ");
}

#[test]
fn other_routers_are_read_the_same_way() {
    check(("gateway.networking.k8s.io/v1", "GRPCRoute"), "
        one method | {rules: [{matches: [{method: {service: shop.Web}}], backendRefs: [{name: web}, {name: legacy}]}]} | Complete / Draining(1)
        another method | {rules: [{matches: [{method: {service: shop.Web}}], backendRefs: [{name: web}]}, {matches: [{method: {service: shop.Old}}], backendRefs: [{name: legacy}]}]} | Complete / Drained
    ");
    check(("networking.k8s.io/v1", "Ingress"), "
        one path | {rules: [{host: a, http: {paths: [{path: /, backend: {service: {name: web}}}]}}]} | Complete / Drained
        the same path twice | {rules: [{host: a, http: {paths: [{path: /, backend: {service: {name: web}}}, {path: /, backend: {service: {name: legacy}}}]}}]} | Complete / Draining(1)
        two paths | {rules: [{host: a, http: {paths: [{path: /, backend: {service: {name: web}}}, {path: /old, backend: {service: {name: legacy}}}]}}]} | Complete / Drained
        two hosts | {rules: [{host: a, http: {paths: [{path: /, backend: {service: {name: web}}}]}}, {host: b, http: {paths: [{path: /, backend: {service: {name: legacy}}}]}}]} | Complete / Drained
        a resource beside it | {rules: [{http: {paths: [{path: /, backend: {service: {name: web}}}, {path: /, backend: {resource: {kind: Bucket, name: x}}}]}}]} | Complete / Unprovable(UnknownEndpoint)
    ");
    check(("networking.istio.io/v1", "VirtualService"), "
        a part elsewhere | {hosts: [web], http: [{route: [{destination: {host: web}, weight: 90}, {destination: {host: legacy.shop.svc.cluster.local}, weight: 10}]}]} | Complete / Draining(1)
        a copy | {hosts: [web], http: [{route: [{destination: {host: web}}], mirror: {host: legacy}}]} | Complete / Draining(1)
        outside | {hosts: [web], http: [{route: [{destination: {host: web}}, {destination: {host: api.shop.example.com}}]}]} | Complete / Unprovable(UnknownEndpoint)
        by TCP | {hosts: [web], tcp: [{route: [{destination: {host: web}}, {destination: {host: legacy}}]}]} | Complete / Draining(1)
    ");
    check(("split.smi-spec.io/v1alpha2", "TrafficSplit"), "
        a part elsewhere | {service: web, backends: [{service: web, weight: 50}, {service: legacy, weight: 50}]} | Complete / Draining(1)
        none elsewhere | {service: web, backends: [{service: web, weight: 100}, {service: legacy, weight: 0}]} | Complete / Drained
    ");
}

#[test]
fn a_router_that_cannot_be_read_may_lead_to_old_pods() {
    let unreadable = "Complete / Unprovable(UnreadableRouter)";
    let ingress = ("networking.k8s.io/v1", "Ingress");
    let mesh = ("networking.istio.io/v1", "VirtualService");
    let split = ("split.smi-spec.io/v1alpha2", "TrafficSplit");
    let rows = [
        (ROUTE, "{rules: x}"),
        (ROUTE, "{rules: [{backendRefs: {name: web}}]}"),
        (ROUTE, "{hostnames: [1]}"),
        (ROUTE, "[]"),
        (ingress, "{rules: [{http: {paths: [{backend: web}]}}]}"),
        (mesh, "{http: [{route: [{destination: web}]}]}"),
        (split, "{service: web, backends: legacy}"),
    ];
    for (kind, spec) in rows {
        for drain in [DrainLevel::Endpoints, DrainLevel::Pods] {
            let found = with(drain, kind, spec);
            assert!(found.starts_with(unreadable), "{spec}: {found}");
        }
    }
}

#[test]
fn what_is_no_service_is_named() {
    let spec =
        "{rules: [{backendRefs: [{name: web}, {group: x.example, kind: Pool, name: models}]}]}";
    let policy = Policy {
        drain: DrainLevel::Endpoints,
        ..Policy::default()
    };
    let router = format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: front, namespace: shop}}\nspec: {spec}\n"
    );
    let mut objects = Objects::default();
    for object in documents(&format!("{BASE}{router}")) {
        objects.take(&object).unwrap();
    }
    let told = judge_all(&objects, (&[], Absent::Removed), &policy, start());
    let own = told.iter().find(|it| it.workload.kind == "Deployment");
    insta::assert_snapshot!(own.unwrap().sentence(), @"Deployment web: Pool models of HTTPRoute front, which gets a part of its calls, is no Service here: nobody can say what version answers there; remove that endpoint");
}
