//! `tidegate explain`, and that the examples in it are examples of what they say.

use tidegate::spec::{Code, Example, explanation};

use super::cli::run_in;

fn explain(arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let mut all = vec!["explain"];
    all.extend(arguments);
    run_in(folder.path(), &all, "")
}

#[test]
fn a_code_is_told_with_an_example_and_what_to_do() {
    insta::assert_snapshot!(explain(&["TG0101"]), @r#"
    stdout:
    TG0101: a field that does not exist

    A key that no field has. It is an error and not a warning: a key that is silently ignored is an upgrade in another order than written.

    For instance, `tidegate lint` says it of this:

        apiVersion: tidegate.dev/v1alpha1
        kind: ServiceGraph
        metadata: {name: shop}
        spec:
          services:
          - {name: orders, serve: [{versions: ["1"]}]}

    What to do: Take the field that `did you mean` names; `tidegate lint --fix` writes it where only one is near. All fields are in `crds/tidegate.yaml`, and `kubectl explain tgg.spec` lists them.
    exit 0
    "#);
    insta::assert_snapshot!(explain(&["tg0203", "-o", "yaml"]), @r#"
    stdout:
    code: TG0203
    title: no safe order exists between two services
    means: "Two services would each have to be done before the other: the new client does not work with the old server, and the old client not with the new server. Or one of them does not move and remembers what it agreed on (`negotiate: cached`): then no order helps while the other one is mixed."
    example: "`orders` swaps version 1 for 2, and `web` calls 2 in place of 1, in one release"
    remedy: "Expand, then the client, then contract: first an `orders` that serves 1 and 2, then `web`, then the `orders` that serves 2 alone. `tidegate plan … --split --out FOLDER` writes these releases. A client that remembers must choose for every call, or have its version pinned, before `orders` rolls."
    exit 0
    "#);
}

#[test]
fn without_a_code_all_are_listed() {
    let told = explain(&[]);
    for code in Code::ALL {
        assert!(
            told.contains(&format!("{code}  {}", code.title())),
            "{code}"
        );
    }
    assert!(told.ends_with("exit 0"));
}

#[test]
fn an_unknown_code_is_told_with_the_nearest() {
    insta::assert_snapshot!(explain(&["TG0223"]), @r"
    stderr:
    error: there is no code `TG0223`
    hint: did you mean `TG0123`?
    exit 2
    ");
    insta::assert_snapshot!(explain(&["nonsense"]), @r"
    stderr:
    error: there is no code `nonsense`
    hint: `tidegate explain` lists all codes
    exit 2
    ");
}

#[test]
fn every_file_among_the_examples_has_the_problem_that_it_shows() {
    for code in Code::ALL {
        let Some(Example::File(text)) = explanation(*code).map(|found| found.example) else {
            continue;
        };
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("example.yaml"), text).expect("written");
        let told = run_in(folder.path(), &["lint", "example.yaml"], "");
        assert!(
            told.contains(&format!("[{code}]")),
            "{code}:\n{text}\n{told}"
        );
    }
}

#[test]
fn the_guide_has_every_code() {
    let guide = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide/errors.md");
    let guide = std::fs::read_to_string(guide).expect("the guide");
    for code in Code::ALL {
        assert!(
            guide.contains(&format!("| {code} |")),
            "docs/guide/errors.md lacks {code}"
        );
    }
}
