//! What is generated and committed is current.

use std::collections::BTreeMap;
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

#[test]
fn the_helm_chart_in_deploy_is_current() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = folder.path().join("chart");
    let status = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["install", "--chart"])
        .arg(&made)
        .status()
        .expect("it runs");
    assert!(status.success());
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/chart");
    assert!(
        files(&committed) == files(&made),
        "deploy/chart is stale: run `make generate`"
    );
}

/// The texts of a folder by their paths in it.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(&next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).expect("it is in there");
            let text = std::fs::read_to_string(&path).expect("a text");
            files.insert(name.display().to_string(), text);
        }
    }
    files
}
