//! Which Services stand in front of a workload.

use super::files::documents;
use super::files::told;
use crate::gate::Policy;

const SET: &str = "
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop, uid: u, generation: 2}
spec: {replicas: 1, serviceName: db, selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c, image: 'db:2'}]}}}
status: {observedGeneration: 2, replicas: 1, readyReplicas: 1, availableReplicas: 1, updatedReplicas: 1, currentRevision: db-2, updateRevision: db-2}
---
apiVersion: v1
kind: Pod
metadata: {name: db-0, namespace: shop, uid: p, labels: {app: db, controller-revision-hash: db-2, role: primary}, ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: db, uid: u, controller: true}]}
spec: {nodeName: n1, containers: [{name: c, image: 'db:2'}]}
status: {phase: Running, podIP: 10.0.0.1, conditions: [{type: Ready, status: 'True'}]}
---
apiVersion: v1
kind: Service
metadata: {name: db-rw, namespace: shop, uid: s}
spec: {clusterIP: 10.1.1.1, selector: {role: primary}}
";

/// What is said of the set beside endpoints of the Service, and more.
fn with(endpoints: &str, more: &str) -> String {
    let slice = format!(
        "---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: db-rw-1, namespace: shop, uid: e, labels: {{kubernetes.io/service-name: db-rw}}}}
addressType: IPv4
endpoints: [{endpoints}]
"
    );
    let line = told(
        &documents(&[SET, &slice, more].concat()),
        "",
        &Policy::default(),
    )
    .remove(0);
    line.split_once(": ").unwrap().1.to_owned()
}

#[test]
fn a_service_that_selects_by_a_label_which_only_the_pods_have_is_in_front() {
    let own = "{addresses: [10.0.0.1], targetRef: {kind: Pod, name: db-0, uid: p}}";
    assert_eq!(with(own, ""), "Complete / Drained / Serving");
    assert_eq!(with("", ""), "Complete / Drained / Waiting(NotServing 0/1)");
    let before = "{addresses: [10.0.0.9], targetRef: {kind: Pod, name: db-0, uid: before}}";
    let both = format!("{own}, {before}");
    assert_eq!(with(&both, ""), "Complete / Draining(1) / Serving");
    let stray = "---
apiVersion: v1
kind: Pod
metadata: {name: stray, namespace: shop, uid: x, labels: {role: primary}}
spec: {nodeName: n1, containers: []}
status: {phase: Running}
";
    assert_eq!(with(own, stray), "Complete / Draining(1) / Serving");
}
