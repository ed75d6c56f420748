//! What `plan -o …` draws of the examples.

use std::process::Command;

fn drawn(format: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "plan",
            "--from",
            "examples/online-boutique/v1",
            "--to",
            "examples/online-boutique/v2",
            "-o",
            format,
        ])
        .output()
        .expect("it runs");
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn online_boutique_as_dot() {
    insta::assert_snapshot!(drawn("dot"));
}

#[test]
fn online_boutique_as_mermaid() {
    insta::assert_snapshot!(drawn("mermaid"));
}

#[test]
fn online_boutique_as_markdown() {
    insta::assert_snapshot!(drawn("markdown"));
}

#[test]
fn online_boutique_as_svg() {
    insta::assert_snapshot!(drawn("svg"));
}
