//! Pact.

use insta::assert_snapshot;

use super::{samples, text, told};
use crate::discover::pact;

fn rows_of(content: &str) -> String {
    let (matrix, problems) = pact(&text("m.json", content));
    let mut lines: Vec<String> = matrix
        .rows
        .iter()
        .map(|(row, (success, place))| {
            format!(
                "{} {} → {} {}: {success} at {place}",
                row.consumer, row.consumer_version, row.provider, row.provider_version
            )
        })
        .collect();
    lines.extend(told(&problems));
    lines.join("\n")
}

#[test]
fn what_was_verified_is_a_pair_of_versions_and_a_result() {
    assert_snapshot!(rows_of(samples::PACT), @r"
    web 1.4.0 → orders 2.0.0: true at m.json:4:5
    web 1.5.0 → orders 2.0.0: false at m.json:8:5
    ");
}

#[test]
fn a_pair_with_both_results_counts_as_failed() {
    let row = |success: bool| {
        format!(
            r#"{{"consumer": {{"name": "web", "version": {{"number": "1"}}}}, "provider": {{"name": "orders", "version": {{"number": "2"}}}}, "verificationResult": {{"success": {success}}}}}"#
        )
    };
    let matrix = format!("{{\"matrix\": [{}, {}]}}", row(false), row(true));
    assert_snapshot!(rows_of(&matrix), @r"
    web 1 → orders 2: false at m.json:1:174
    m.json:1:174: matrix[1]: web 1 and orders 2 were verified with both results: taken as failed [TG0404]; ask the broker with `latestby=cvpv` for the newest result of each pair
    ");
}

#[test]
fn rows_of_another_shape_are_told() {
    let matrix = r#"{"matrix": [{}, {"consumer": {"name": "web"}, "provider": {"name": 3}, "verificationResult": {}}, 7]}"#;
    assert_snapshot!(rows_of(matrix), @r"
    m.json:1:13: matrix[0].consumer: `consumer` is missing [TG0103]
    m.json:1:13: matrix[0].provider: `provider` is missing [TG0103]
    m.json:1:68: matrix[1].provider.name: expected text, found the number `3` [TG0102]
    m.json:1:94: matrix[1].verificationResult: `success` must be true or false [TG0102]
    m.json:1:99: matrix[2]: expected a mapping with `consumer`, found the number `7` [TG0102]
    m.json:1:99: matrix[2]: expected a mapping with `provider`, found the number `7` [TG0102]
    ");
    assert_snapshot!(rows_of("{}"), @"m.json:1:1: matrix: `matrix` is missing [TG0103]");
}
