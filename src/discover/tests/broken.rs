//! Files that are not what they should be: every problem, with its place.

use insta::assert_snapshot;

use super::{edges_of, jaeger, prometheus, samples, text, told, zipkin};
use crate::discover::{Format, recognise};
use crate::manifest::Text;

#[test]
fn every_problem_of_a_file_is_told_with_line_and_path() {
    let links = "[\n  {\"parent\": \"web\", \"callCount\": -1},\n  {\"parent\": 7, \"child\": \"\"},\n  {\"parent\": \"web\", \"child\": \"orders\", \"callCount\": \"many\"},\n  3\n]";
    assert_snapshot!(edges_of(zipkin(&text("z.json", links))), @r"
    web → orders [-] seen by zipkin
    z.json:2:3: [0].child: `child` is missing [TG0103]
    z.json:2:34: [0].callCount: expected a number of calls, found the number `-1` [TG0102]
    z.json:3:14: [1].parent: expected text, found the number `7` [TG0102]
    z.json:3:26: [1].child: `child` is empty [TG0104]
    z.json:4:53: [2].callCount: expected a number of calls, found the text `many` [TG0102]
    z.json:5:3: [3]: expected a link, found the number `3` [TG0102]
    ");
}

#[test]
fn the_servers_own_errors_are_quoted() {
    let answer = r#"{"data": null, "errors": [{"code": 500, "msg": "storage is gone"}]}"#;
    assert_snapshot!(edges_of(jaeger(&text("j.json", answer))), @"j.json:1:27: errors[0]: Jaeger answered with an error: storage is gone [TG0104]");
    let answer = r#"{"status": "error", "errorType": "bad_data", "error": "parse error"}"#;
    assert_snapshot!(edges_of(prometheus(&text("p.json", answer))), @"p.json:1:1: Prometheus answered with an error: parse error [TG0104]");
}

#[test]
fn an_answer_of_another_shape_is_told() {
    assert_snapshot!(edges_of(zipkin(&text("z.json", "{\"a\": 1}"))), @"z.json:1:1: expected a list of links, found a mapping [TG0102]");
    assert_snapshot!(edges_of(jaeger(&text("j.json", "{\"data\": {}}"))), @"j.json:1:10: data: expected a list, found a mapping [TG0102]");
    assert_snapshot!(edges_of(jaeger(&text("j.json", "[]"))), @"j.json:1:1: expected a mapping with `data`, found a list [TG0102]");
    assert_snapshot!(edges_of(prometheus(&text("p.json", "{}"))), @"p.json:1:1: data: `data` is missing [TG0103]");
    assert_snapshot!(edges_of(prometheus(&text("p.json", r#"{"data": {"resultType": "matrix", "result": []}}"#))), @"p.json:1:10: data.resultType: the result is a matrix, not a vector [TG0116]; save the answer of `/api/v1/query`, not of `/api/v1/query_range`");
    assert_snapshot!(edges_of(prometheus(&text("p.json", r#"{"data": {"result": [{"value": [1, "1"]}, {"metric": {}, "value": [1, 1]}, {"metric": {}}]}}"#))), @r"
    p.json:1:22: data.result[0].metric: `metric` is missing [TG0103]
    p.json:1:1: data.result: 2 samples of no metric that names a caller and a callee [TG0403]; ask for `traces_service_graph_request_total` or `istio_requests_total`; a sum must keep `client, server`, or the workload labels
    ");
    assert_snapshot!(edges_of(prometheus(&text("p.json", r#"{"data": {"result": []}}"#))), @"p.json:1:1: data.result: the answer has no sample [TG0403]; ask for `traces_service_graph_request_total` or `istio_requests_total`; a sum must keep `client, server`, or the workload labels");
    assert_snapshot!(edges_of(prometheus(&text("p.json", r#"{"data": {"result": [{"metric": {"client": "a", "server": "b"}, "value": [1, 1]}, {"metric": {"client": "a", "server": "b", "connection_type": "odd"}, "value": [1, "1"]}, {"metric": {"client": "a", "server": ""}}]}}"#))), @r"
    a → b [-] seen by service graph metrics (1 call)
    p.json:1:78: data.result[0].value[1]: expected a number in quotes, found the number `1` [TG0102]
    p.json:1:94: data.result[1].metric: `connection_type` is `odd`, which tidegate does not know; taken as a call [TG0104]
    p.json:1:172: data.result[2].value: `value` is missing [TG0103]
    ");
    assert_snapshot!(edges_of(zipkin(&text("z.json", ""))), @"z.json:1:1: the file is empty [TG0111]");
    assert_snapshot!(edges_of(zipkin(&text("z.json", "[]\n---\n[]"))), @"z.json:1:1: the file holds more than one value; give one file for each answer of a server [TG0111]");
    assert_snapshot!(edges_of(zipkin(&text("z.json", "[{"))), @"z.json:1:3: not YAML: while parsing a node, did not find expected node content [TG0106]; check indentation, quotes and brackets on this line and the one above");
}

#[test]
fn problems_without_end_are_not_all_told() {
    let links = vec!["{}"; 1_000].join(",");
    let (_, problems) = zipkin(&text("z.json", &format!("[{links}]")));
    assert_eq!(problems.len(), 101);
    assert_snapshot!(problems[100].to_string(), @"1900 more problems in z.json: they are not told [TG0109]");
}

#[test]
fn each_sample_is_recognised() {
    let format = |content: &str| recognise(&text("f", content)).unwrap();
    assert_eq!(format(samples::JAEGER), [Format::Jaeger].into());
    assert_eq!(format(samples::ZIPKIN), [Format::Zipkin].into());
    assert_eq!(format("[]"), [Format::Zipkin].into());
    assert_eq!(format(samples::SERVICE_GRAPH), [Format::Prometheus].into());
    assert_eq!(format(samples::ISTIO), [Format::Prometheus].into());
    assert_eq!(format(samples::BACKSTAGE), [Format::Backstage].into());
    assert_eq!(format(samples::MANIFESTS), [Format::Manifests].into());
    assert_eq!(format(samples::PACT), [Format::Pact].into());
    let both = format!("{}\n---\n{}", samples::BACKSTAGE, samples::MANIFESTS);
    assert_eq!(format(&both), [Format::Backstage, Format::Manifests].into());
}

#[test]
fn what_is_not_recognised_is_told_by_what_it_looks_like() {
    let problems = |content: &str| told(&recognise(&text("f", content)).unwrap_err()).join("\n");
    assert_snapshot!(problems("services: {web: {depends_on: [db]}}"), @"f:1:1: no format that discover knows: it holds a mapping with `services` [TG0401]; it reads the JSON of Jaeger, Zipkin, Prometheus and a Pact broker, Backstage catalogs and Kubernetes manifests");
    assert_snapshot!(problems("[1, 2]"), @"f:1:1: no format that discover knows: it holds a list [TG0401]; it reads the JSON of Jaeger, Zipkin, Prometheus and a Pact broker, Backstage catalogs and Kubernetes manifests");
    assert_snapshot!(problems("hello"), @"f:1:1: no format that discover knows: it holds the text `hello` [TG0401]; it reads the JSON of Jaeger, Zipkin, Prometheus and a Pact broker, Backstage catalogs and Kubernetes manifests");
    assert_snapshot!(problems(""), @"f:1:1: no format that discover knows: it holds nothing [TG0401]; it reads the JSON of Jaeger, Zipkin, Prometheus and a Pact broker, Backstage catalogs and Kubernetes manifests");
    let binary = Text {
        file: "orders.pb".to_owned(),
        bytes: vec![0x0a, 0x00, 0xff],
    };
    assert_snapshot!(told(&recognise(&binary).unwrap_err()).join("\n"), @"orders.pb:1:1: a binary file, no text [TG0110]; a gRPC descriptor set is given with the service that it is of: `--descriptors NAME=FILE`");
}
