//! What is generated and committed is current.

use std::path::Path;
use std::process::Command;

#[test]
fn the_custom_resource_definitions_in_crds_are_current() {
    let printed = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .arg("crds")
        .output()
        .expect("it runs");
    let printed = String::from_utf8(printed.stdout).expect("text");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds/tidegate.yaml");
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == printed,
        "crds/tidegate.yaml is stale: run `make generate`"
    );
}
