//! Plans in files: written, checked, split, and refused where they do not hold. No cluster.

use std::fs;
use std::path::Path;

use super::cli::run_in;

const OLD: &str = "apiVersion: tidegate.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop}
spec:
  services:
  - {name: orders, serves: [{versions: ['1']}]}
  - {name: web, calls: [{service: orders, version: '1'}]}
";

/// A folder with the old graph, one that adds a version and one that swaps it.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write =
        |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
    write("old.yaml", OLD);
    write(
        "added.yaml",
        &OLD.replace("['1']", "['1', '2']")
            .replace("version: '1'", "version: '2'"),
    );
    write("swapped.yaml", &OLD.replace("'1'", "'2'"));
    folder
}

fn plan(folder: &Path, to: &str, more: &[&str]) -> String {
    let mut arguments = vec!["plan", "--from", "old.yaml", "--to", to];
    arguments.extend(more);
    run_in(folder, &arguments, "")
}

/// Checks a plan; its digest, which depends on all of it, is left out of what is told.
fn verify(folder: &Path, more: &[&str]) -> String {
    let mut arguments = vec!["plan", "--verify"];
    arguments.extend(more);
    let told = run_in(folder, &arguments, "");
    match told.split_once("sha256:") {
        Some((before, after)) => format!("{before}sha256:…{}", &after[64..]),
        None => told,
    }
}

#[test]
fn equal_input_writes_equal_bytes_that_verify() {
    let folder = folder();
    let told = plan(folder.path(), "added.yaml", &["--out", "a.plan"]);
    assert!(
        told.contains("wrote `a.plan`; run exactly this with `tidegate run --plan a.plan -f …`"),
        "{told}"
    );
    plan(folder.path(), "added.yaml", &["--out", "b.plan"]);
    let read = |name: &str| fs::read(folder.path().join(name)).expect("a file");
    assert_eq!(read("a.plan"), read("b.plan"));
    insta::assert_snapshot!(verify(folder.path(), &["a.plan"]), @r"
    stdout:
    `a.plan` holds: 2 waves, 2 steps; made offline, from declared graphs
    edges: 1 proved (1 certificate), 0 assumed, 0 free
    plan sha256:…
    exit 0
    ");
    insta::assert_snapshot!(verify(folder.path(), &["a.plan", "-o", "yaml"]), @r"
    stdout:
    file: a.plan
    holds: true
    planDigest: sha256:…
    waves:
    - - orders
    - - web
    edges:
      proved: 1
      assumed: 0
      free: 0
    certificates: 1
    faults: []
    exit 0
    ");
}

#[test]
fn an_edited_plan_is_told_fault_by_fault_and_never_run() {
    let folder = folder();
    plan(folder.path(), "added.yaml", &["--out", "a.plan"]);
    let path = folder.path().join("a.plan");
    let text = fs::read_to_string(&path).expect("text");
    fs::write(
        &path,
        text.replace(
            "\"after\": [\n          \"orders\"\n        ]",
            "\"after\": []",
        ),
    )
    .expect("written");
    insta::assert_snapshot!(verify(folder.path(), &["a.plan"]), @r"
    stdout:
    `a.plan` does not hold: 4 faults
      the file was changed after it was written: its digest does not match
      the digest does not match the plan and the system
      nothing keeps web and orders from moving together when services advance one by one
      the certificate for web@target and orders@live says that `web` waits for `orders`, and it does not
    exit 4
    ");
    insta::assert_snapshot!(run_in(folder.path(), &["run", "--plan", "a.plan", "-f", "added.yaml"], ""), @r"
    stderr:
      the file was changed after it was written: its digest does not match
      the digest does not match the plan and the system
      nothing keeps web and orders from moving together when services advance one by one
      the certificate for web@target and orders@live says that `web` waits for `orders`, and it does not
    error: the plan in `a.plan` does not hold; nothing was written
    exit 4
    ");
    fs::write(&path, &text[..100]).expect("written");
    insta::assert_snapshot!(verify(folder.path(), &["a.plan"]), @r"
    stderr:
    error: `a.plan`: it is damaged, or no saved plan: EOF while parsing a string at line 4 column 34
    hint: `tidegate plan … --out FILE` writes a saved plan
    exit 4
    ");
    insta::assert_snapshot!(run_in(folder.path(), &["plan", "--verify", "none.plan"], ""), @r"
    stderr:
    error: cannot read `none.plan`: No such file or directory (os error 2)
    exit 2
    ");
}

#[test]
fn a_refusal_is_not_written_as_a_plan() {
    let folder = folder();
    let told = plan(folder.path(), "swapped.yaml", &["--out", "a.plan"]);
    assert!(
        told.contains("no order is safe; `a.plan` was not written"),
        "{told}"
    );
    assert!(told.ends_with("exit 4"), "{told}");
    assert!(!folder.path().join("a.plan").exists());
}

#[test]
fn a_split_writes_releases_of_which_each_plans_from_the_one_before() {
    let folder = folder();
    insta::assert_snapshot!(plan(
        folder.path(),
        "swapped.yaml",
        &["--split", "--out", "releases"]
    ));
    let graph = fs::read_to_string(folder.path().join("releases/1-expand.yaml")).expect("a graph");
    insta::assert_snapshot!(graph, @r#"
    # Release 1 of 2 (expand): what is declared once it is done. Written by `tidegate plan --split`.
    # orders needs a revision that serves and calls what stands here; build it, and put its image into the manifests.
    apiVersion: tidegate.dev/v1alpha1
    kind: ServiceGraph
    metadata:
      name: shop
    spec:
      services:
      - name: orders
        serves:
        - versions:
          - "1"
          - "2"
      - name: web
        calls:
        - service: orders
          version: "2"
    "#);
    let releases = [
        "old.yaml",
        "releases/1-expand.yaml",
        "releases/2-contract.yaml",
    ];
    for (from, to) in releases.iter().zip(&releases[1..]) {
        let told = run_in(folder.path(), &["plan", "--from", from, "--to", to], "");
        assert!(told.ends_with("exit 0"), "{told}");
        let saved = to.replace(".yaml", ".plan");
        let told = run_in(folder.path(), &["plan", "--verify", &saved], "");
        assert!(told.ends_with("exit 0"), "{told}");
    }
    let last = run_in(
        folder.path(),
        &[
            "plan",
            "--from",
            "releases/2-contract.yaml",
            "--to",
            "swapped.yaml",
        ],
        "",
    );
    assert!(
        last.contains("Nothing moves."),
        "the last release ends where the whole one would: {last}"
    );
}

#[test]
fn an_ordered_release_is_not_split() {
    let folder = folder();
    let told = plan(
        folder.path(),
        "added.yaml",
        &["--split", "--out", "releases"],
    );
    insta::assert_snapshot!(told, @r"
    stderr:
    error: the release needs no split: its order is safe as it is
    hint: write this plan with `--out FILE` and without `--split`
    exit 1
    ");
    assert!(!folder.path().join("releases").exists());
}

#[test]
fn a_split_begins_with_what_runs_and_not_with_what_is_declared() {
    let folder = folder();
    let live = "apiVersion: tidegate.dev/v1alpha1
kind: LiveSets
services:
- {name: orders, revision: '0', serves: [{versions: ['1']}]}
- {name: orders, revision: '1', serves: [{versions: ['1', '3']}]}
";
    fs::write(folder.path().join("live.yaml"), live).expect("written");
    let more = ["--live", "live.yaml", "--split", "--out", "releases"];
    let told = plan(folder.path(), "swapped.yaml", &more);
    assert!(told.ends_with("exit 0"), "{told}");
    for part in ["releases/1-expand.plan", "releases/2-contract.plan"] {
        let told = run_in(folder.path(), &["plan", "--verify", part], "");
        assert!(told.ends_with("exit 0"), "{told}");
    }
}

#[test]
fn a_job_that_moves_twice_is_told_what_it_is_named_each_time() {
    let folder = folder();
    let job = "name: orders, workloads: [{apiVersion: batch/v1, kind: Job, name: migrate}]";
    for (file, version) in [("old.yaml", "'1'"), ("swapped.yaml", "'2'")] {
        let text = OLD.replace("name: orders", job).replace("'1'", version);
        fs::write(folder.path().join(file), text).expect("written");
    }
    let told = plan(
        folder.path(),
        "swapped.yaml",
        &["--split", "--out", "releases"],
    );
    let named = "the Job of orders is named `migrate-expand` in this release: one that has run is not changed";
    assert_eq!(told.matches(named).count(), 1, "{told}");
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("a graph");
    let first = read("releases/1-expand.yaml");
    assert!(first.contains(&format!("# {named}\n")), "{first}");
    let last = read("releases/2-contract.yaml");
    assert!(last.contains("name: migrate\n"), "{last}");
}

#[test]
fn flips_that_are_refused_are_split_as_the_release_itself_is() {
    let folder = folder();
    let flip = ["--strategy", "flip", "--split", "--out", "releases"];
    let told = plan(folder.path(), "swapped.yaml", &flip);
    assert!(told.ends_with("exit 0"), "{told}");
    assert!(folder.path().join("releases/2-contract.plan").exists());
    insta::assert_snapshot!(plan(folder.path(), "added.yaml", &flip), @r"
    stderr:
    error: the release needs no split: without flips its order is safe as it is
    hint: leave out `--strategy flip` and `--split`
    exit 1
    ");
}
