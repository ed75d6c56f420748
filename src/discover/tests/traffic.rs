//! Traces and metrics.

use insta::assert_snapshot;

use super::{edges_of, jaeger, prometheus, samples, text, zipkin};

#[test]
fn jaeger_gives_an_edge_for_each_link() {
    assert_snapshot!(edges_of(jaeger(&text("j", samples::JAEGER))), @r"
    web → orders [-] seen by jaeger (1234 calls)
    orders → catalog [-] seen by jaeger (1 call)
    ");
}

#[test]
fn jaeger_without_links_gives_none() {
    assert_snapshot!(edges_of(jaeger(&text("j", r#"{"data": null, "errors": null}"#))), @"");
}

#[test]
fn zipkin_counts_errors() {
    assert_snapshot!(edges_of(zipkin(&text("z", samples::ZIPKIN))), @r"
    web → orders [-] seen by zipkin (12 calls, 2 failed)
    web → cart [-] seen by zipkin
    ");
}

#[test]
fn a_service_graph_tells_calls_from_messages_and_from_virtual_nodes() {
    assert_snapshot!(edges_of(prometheus(&text("p", samples::SERVICE_GRAPH))), @r"
    web → orders [-] seen by service graph metrics (88 calls)
    orders → audit [-] seen by service graph metrics (7 calls); messages
    orders → postgres [-] seen by service graph metrics (a database)
    user → web [-] seen by service graph metrics (3 calls, one side sends no spans)
    partner → web [-] seen by service graph metrics (3 calls, one side sends no spans)
    p:8:3: data.result[6]: the value is NaN, so this pair is left out [TG0403]; ask for a longer time, for instance `increase(…[7d])`
    ");
}

#[test]
fn istio_gives_the_revisions_that_met_and_counts_each_call_once() {
    assert_snapshot!(edges_of(prometheus(&text("p", samples::ISTIO))), @r"
    orders → catalog [-] seen by istio (5 calls)
    web → orders [-] seen by istio (83 calls, 3 failed, v1 → v1, v2 → v1)
    ");
}

#[test]
fn istio_callers_without_a_sidecar_are_told() {
    let answer = r#"{"data": {"result": [
      {"metric": {"source_workload": "unknown", "destination_workload": "web"}, "value": [1, "2"]},
      {"metric": {"instance": "a:1"}, "value": [1, "2"]}
    ]}}"#;
    assert_snapshot!(edges_of(prometheus(&text("p", answer))), @r"
    p:1:1: data.result: 1 sample from or to a workload that the mesh does not know [TG0403]; a caller without a sidecar is `unknown` to Istio; declare it by hand
    p:1:1: data.result: 1 sample of no metric that names a caller and a callee [TG0403]; ask for `traces_service_graph_request_total` or `istio_requests_total`; a sum must keep `client, server`, or the workload labels
    ");
}
