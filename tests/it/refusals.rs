//! Refusals as documents: whoever asks for one gets one, whatever the plan is refused for. No cluster.

use super::cli::run_in;

/// What a refused plan says in JSON, and the exit code.
fn refused(files: &[(&str, &str)], more: &[&str]) -> (serde_json::Value, String) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, services) in files {
        let text = if services.starts_with("apiVersion") {
            (*services).to_owned()
        } else {
            format!(
                "apiVersion: tidegate.dev/v1alpha1\nkind: ServiceGraph\nmetadata: {{name: shop}}\nspec:\n  services:\n{services}"
            )
        };
        std::fs::write(folder.path().join(name), text).expect("written");
    }
    let mut arguments = vec![
        "plan", "--from", "old.yaml", "--to", "new.yaml", "-o", "json",
    ];
    arguments.extend(more);
    let told = run_in(folder.path(), &arguments, "");
    let (_, data) = told.split_once("stdout:\n").expect("data on stdout");
    let (data, exit) = data.rsplit_once("exit ").expect("an exit code");
    let data = data.split("stderr:").next().unwrap_or_default();
    let plan: serde_json::Value = serde_json::from_str(data).expect("one document");
    assert_eq!(
        plan.get("verdict").and_then(serde_json::Value::as_str),
        Some("refused")
    );
    (plan, exit.trim().to_owned())
}

const OLD: &str = "  - {name: orders, serves: [{versions: ['1']}]}
  - {name: web, calls: [{service: orders, version: '1'}]}
";
const NEW: &str = "  - {name: orders, serves: [{versions: ['1', '2']}]}
  - {name: web, calls: [{service: orders, version: '2'}]}
";

#[test]
fn flips_without_a_switch_are_refused_with_the_pairs_that_would_wait() {
    let (plan, exit) = refused(
        &[("old.yaml", OLD), ("new.yaml", NEW)],
        &["--strategy", "flip"],
    );
    assert_eq!(exit, "4");
    insta::assert_snapshot!(plan["refusal"], @r#"{"code":"TG0214","kind":"noSwitch","cycle":[],"pairs":[{"caller":"web","callerRevision":"target","callee":"orders","calleeRevision":"live","contract":"orders"}],"proposal":null,"because":["web would have to wait for what it calls: declare its `switch: {env: NAME}`, or let it move in order"],"intermediate":[],"alternatives":[]}"#);
    insta::assert_snapshot!(plan["strategies"], @r#"{"chosen":"flip","ordered":{"waves":2,"restarts":2},"flip":null}"#);
}

#[test]
fn a_part_beside_an_unfinished_rollout_is_refused_with_a_document() {
    let live = "apiVersion: tidegate.dev/v1alpha1
kind: LiveSets
services:
- {name: orders, revision: '0', serves: [{versions: ['1']}]}
- {name: orders, revision: '1', serves: [{versions: ['1', '2']}]}
";
    let files = [("old.yaml", OLD), ("new.yaml", NEW), ("live.yaml", live)];
    let (plan, exit) = refused(&files, &["--live", "live.yaml", "--only", "web"]);
    assert_eq!(exit, "4");
    insta::assert_snapshot!(plan["refusal"]["because"], @r#"["orders runs in more than one revision: finish it first, or let it be part of this release"]"#);
}
