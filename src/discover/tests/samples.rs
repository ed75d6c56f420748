//! Small samples of every format, written by hand after its documentation.

pub(super) const JAEGER: &str = r#"{
  "data": [
    {"parent": "web", "child": "orders", "callCount": 1234},
    {"parent": "orders", "child": "catalog", "callCount": 1}
  ],
  "total": 0, "limit": 0, "offset": 0, "errors": null
}"#;

pub(super) const ZIPKIN: &str = r#"[
  {"parent": "web", "child": "orders", "callCount": 12, "errorCount": 2},
  {"parent": "web", "child": "cart"}
]"#;

pub(super) const SERVICE_GRAPH: &str = r#"{"status": "success", "data": {"resultType": "vector", "result": [
  {"metric": {"__name__": "traces_service_graph_request_total", "client": "web", "server": "orders"}, "value": [1700000000.1, "88"]},
  {"metric": {"client": "orders", "server": "audit", "connection_type": "messaging_system"}, "value": [1700000000.1, "7.4"]},
  {"metric": {"client": "orders", "server": "postgres", "connection_type": "database"}, "value": [1700000000.1, "0.2"]},
  {"metric": {"client": "user", "server": "web", "connection_type": "virtual_node"}, "value": [1700000000.1, "3"]},
  {"metric": {"client": "partner", "server": "web", "connection_type": "virtual_node", "virtual_node": "client"}, "value": [1700000000.1, "3"]},
  {"metric": {"client": "web", "server": "idle"}, "value": [1700000000.1, "0"]},
  {"metric": {"client": "web", "server": "stale"}, "value": [1700000000.1, "NaN"]}
]}}"#;

pub(super) const ISTIO: &str = r#"{"status": "success", "data": {"resultType": "vector", "result": [
  {"metric": {"__name__": "istio_requests_total", "reporter": "source", "source_workload": "web", "source_version": "v1",
    "destination_workload": "orders", "destination_version": "v1", "response_code": "200"}, "value": [1700000000, "80"]},
  {"metric": {"__name__": "istio_requests_total", "reporter": "destination", "source_workload": "web", "source_version": "v1",
    "destination_workload": "orders", "destination_version": "v1", "response_code": "200"}, "value": [1700000000, "79"]},
  {"metric": {"__name__": "istio_requests_total", "reporter": "destination", "source_workload": "web", "source_version": "v2",
    "destination_workload": "orders", "destination_version": "v1", "response_code": "200", "grpc_response_status": "12"}, "value": [1700000000, "3"]},
  {"metric": {"__name__": "istio_requests_total", "reporter": "source", "source_canonical_service": "orders", "source_workload": "orders-v1",
    "source_canonical_revision": "latest", "destination_service_name": "catalog", "destination_workload": "unknown"}, "value": [1700000000, "5"]}
]}}"#;

pub(super) const BACKSTAGE: &str = "
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: web}
spec:
  type: service
  owner: team-a
  consumesApis: [orders-api]
  dependsOn: [component:catalog, resource:db]
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: orders}
spec:
  type: service
  owner: team-b
  providesApis: [orders-api]
  consumesApis: [API:default/changes]
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: catalog}
spec: {type: service, owner: team-c, providesApis: changes, dependencyOf: ['Component:Default/Audit']}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: orders-api}
spec: {type: grpc, owner: team-b, definition: {$text: ./orders.proto}}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: changes}
spec: {type: asyncapi, owner: team-c, definition: ''}
";

pub(super) const MANIFESTS: &str = r#"
apiVersion: v1
kind: Service
metadata: {name: orders-service}
spec: {selector: {app: orders}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: orders}
spec:
  selector: {matchLabels: {app: orders}}
  template:
    metadata: {labels: {app: orders}}
    spec:
      containers:
      - name: server
        image: orders
        env:
        - {name: ADVERTISED_HOST, value: orders-service}
        - {name: DATABASE_URL, value: "jdbc:postgresql://user:secret@db.shop.svc.cluster.local:5432/orders"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers: [{name: wait, image: wait, env: [{name: WAIT_FOR_ADDRESS, valueFrom: {configMapKeyRef: {name: web, key: wait}}}]}]
      containers:
      - name: server
        image: web
        env:
        - {name: ORDERS_ADDR, value: "http://orders-service:80/v1"}
        - {name: ELSEWHERE_URL, value: "https://orders-service.example.com"}
        - {name: GREETING, value: orders-service}
        envFrom: [{prefix: BUS_, configMapRef: {name: bus}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {wait: db}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: bus}
data: {BROKERS: "kafka-0:9092, kafka:9092"}
---
apiVersion: v1
kind: Service
metadata: {name: kafka}
spec: {}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {selector: {app: db}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "@daily"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{name: report, image: report, env: [{name: SOURCE_URLS, value: "orders-service.other,orders-service:2"}]}]
"#;

pub(super) const PACT: &str = r#"{
  "summary": {"deployable": false, "reason": "", "success": 1, "failed": 1, "unknown": 1},
  "matrix": [
    {"consumer": {"name": "web", "version": {"number": "1.4.0", "branch": "main", "tags": []}},
     "provider": {"name": "orders", "version": {"number": "2.0.0", "branch": "main", "tags": []}},
     "pact": {"createdAt": "2026-01-01T00:00:00+00:00"},
     "verificationResult": {"success": true, "verifiedAt": "2026-01-01T00:00:00+00:00"}},
    {"consumer": {"name": "web", "version": {"number": "1.5.0"}},
     "provider": {"name": "orders", "version": {"number": "2.0.0"}},
     "verificationResult": {"success": false}},
    {"consumer": {"name": "web", "version": {"number": "1.6.0"}},
     "provider": {"name": "orders", "version": null},
     "verificationResult": null}
  ]
}"#;
