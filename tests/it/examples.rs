//! The examples plan offline to exactly the waves that their READMEs tell.

use std::process::Command;

use serde_json::Value;

fn plan(from: &str, to: &str) -> (Value, i32) {
    let output = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["plan", "--from", from, "--to", to, "-o", "json"])
        .output()
        .expect("it runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let plan =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}{errors}"));
    (plan, output.status.code().unwrap_or(-1))
}

fn waves(plan: &Value) -> String {
    let waves = plan["waves"].as_array().expect("waves");
    let names = |wave: &Value| {
        let names = wave
            .as_array()
            .expect("a wave")
            .iter()
            .filter_map(Value::as_str);
        names.collect::<Vec<_>>().join(", ")
    };
    waves.iter().map(names).collect::<Vec<_>>().join(" | ")
}

#[test]
fn online_boutique_moves_in_three_waves_servers_first() {
    let (plan, exit) = plan("examples/online-boutique/v1", "examples/online-boutique/v2");
    assert_eq!(exit, 0);
    insta::assert_snapshot!(
        waves(&plan),
        @"ad, cart, currency, email, payment, productcatalog, shipping | checkout, recommendation | frontend"
    );
    let precedences = plan["precedences"].as_array().expect("precedences");
    assert_eq!(precedences.len(), 14, "one for each gRPC edge");
    assert!(
        precedences
            .iter()
            .all(|precedence| precedence["kind"] == "serverFirst")
    );
}

#[test]
fn the_smallest_case_moves_the_server_first() {
    let (plan, exit) = plan("examples/rpc-upgrade/v1", "examples/rpc-upgrade/v2");
    assert_eq!((waves(&plan).as_str(), exit), ("server | client", 0));
}

#[test]
fn a_dropped_version_moves_the_client_first() {
    let (plan, exit) = plan("examples/drop-version/v1", "examples/drop-version/v2");
    assert_eq!((waves(&plan).as_str(), exit), ("client | server", 0));
    assert_eq!(plan["precedences"][0]["kind"], "clientFirst");
}

#[test]
fn a_first_install_creates_what_is_called_first() {
    let (plan, exit) = plan("none", "examples/online-boutique/v1");
    assert_eq!(exit, 0);
    assert_eq!(plan["waves"].as_array().map(Vec::len), Some(3));
    assert_eq!(plan["steps"][0]["action"], "create");
}

#[test]
fn both_ways_at_once_are_refused_with_the_pair_and_a_split() {
    let folder = tempfile::tempdir().expect("a folder");
    let graph = |served: &str, called: &str| {
        format!(
            "apiVersion: tidegate.dev/v1alpha1\nkind: ServiceGraph\nmetadata: {{name: shop}}\nspec:\n  services:\n  - {{name: orders, serves: [{{versions: [{served}]}}]}}\n  - {{name: web, calls: [{{service: orders, version: {called}}}]}}\n"
        )
    };
    let (old, new) = (
        folder.path().join("old.yaml"),
        folder.path().join("new.yaml"),
    );
    std::fs::write(&old, graph("'1'", "'1'")).expect("written");
    std::fs::write(&new, graph("'2'", "'2'")).expect("written");
    let (plan, exit) = plan(&old.display().to_string(), &new.display().to_string());
    assert_eq!(exit, 4);
    assert_eq!(plan["verdict"], "refused");
    let refusal = &plan["refusal"];
    assert_eq!(refusal["kind"], "cycle");
    assert_eq!(refusal["pairs"].as_array().map(Vec::len), Some(2));
    assert_eq!(refusal["proposal"]["split"], serde_json::json!(["orders"]));
}
