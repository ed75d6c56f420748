//! Inputs that want to break something.

use std::fmt::Write;

use super::super::{Text, read};
use super::{problem_in, problems_of, problems_of_bytes, text};
use insta::assert_snapshot;
use proptest::prelude::{ProptestConfig, any, proptest};

#[test]
fn an_alias_bomb_is_refused() {
    let mut yaml = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..9 {
        let below = format!("*a{}", level - 1);
        writeln!(yaml, "a{level}: &a{level} [{}]", vec![below; 9].join(", ")).unwrap();
    }
    assert_snapshot!(problems_of(&yaml), @"a.yaml:4:53: the aliases (`*name`) expand to more than 10000 values [TG0107]; write the values out, or repeat less of them");
}

#[test]
fn a_bomb_of_long_texts_is_refused() {
    let long = "x".repeat(1_000_000);
    let aliases = vec!["*a"; 10_000].join(",");
    let yaml = format!("a: &a {long}\nb: [{aliases}]\n");
    assert_snapshot!(problems_of(&yaml), @"a.yaml:2:191: the aliases (`*name`) expand to more than 1000000 values [TG0107]; write the values out, or repeat less of them");
}

#[test]
fn an_alias_of_what_it_stands_in_is_refused() {
    assert_snapshot!(problem_in("&a {x: [1, *a]}"), @"a.yaml:4:18: the alias stands inside what it repeats, which never ends [TG0107]; write the value out");
}

#[test]
fn aliases_do_not_pass_the_depth() {
    let nested = format!("{}{}", "[".repeat(60), "]".repeat(60));
    let yaml = format!("a: &a {nested}\nb: {}*a{}", "[".repeat(60), "]".repeat(60));
    assert_snapshot!(problems_of(&yaml), @"a.yaml:2:64: nested more than 100 levels deep [TG0108]; no Kubernetes object is nested that deep; look for a bracket too many");
}

#[test]
fn deep_nesting_is_refused() {
    let flow = |depth: usize| problems_of(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
    assert_snapshot!(flow(99), @"a.yaml:1:1: expected a Kubernetes object, found a list [TG0113]; each document is a mapping with `apiVersion`, `kind` and `metadata`");
    assert_snapshot!(flow(101), @"a.yaml:1:101: nested more than 100 levels deep [TG0108]; no Kubernetes object is nested that deep; look for a bracket too many");
    assert_snapshot!(flow(10_000), @"a.yaml:1:256: nested more than 100 levels deep [TG0108]; no Kubernetes object is nested that deep; look for a bracket too many");
    assert_snapshot!(problems_of(&"[".repeat(100_000)), @"a.yaml:1:256: nested more than 100 levels deep [TG0108]; no Kubernetes object is nested that deep; look for a bracket too many");
    assert_snapshot!(problems_of(&"{a: ".repeat(100_000)), @"a.yaml:1:1021: nested more than 100 levels deep [TG0108]; no Kubernetes object is nested that deep; look for a bracket too many");
    assert_snapshot!(problems_of(&"- ".repeat(100_000)), @"a.yaml:1:201: nested more than 100 levels deep [TG0108]; no Kubernetes object is nested that deep; look for a bracket too many");
    assert_snapshot!(problems_of(&"? ".repeat(100_000)), @"a.yaml:1:201: nested more than 100 levels deep [TG0108]; no Kubernetes object is nested that deep; look for a bracket too many");
    assert_snapshot!(problems_of(&"[\n".repeat(100_000)), @"a.yaml:256:1: nested more than 100 levels deep [TG0108]; no Kubernetes object is nested that deep; look for a bracket too many");
    let blocks: Vec<String> = (0..2_000)
        .map(|depth| format!("{}a:", " ".repeat(depth)))
        .collect();
    assert_snapshot!(problems_of(&blocks.join("\n")), @"a.yaml:101:102: nested more than 100 levels deep [TG0108]; no Kubernetes object is nested that deep; look for a bracket too many");
}

#[test]
fn a_file_of_20_megabytes_is_refused() {
    assert_snapshot!(problems_of(&"# padding\n".repeat(2_000_000)), @"a.yaml:1:1: the file takes more than the limit of 16 MiB [TG0109]; split it, or leave out what is no manifest");
}

#[test]
fn files_that_are_too_large_together_are_refused_once() {
    let bytes = vec![0xff; 15_000_000];
    let texts: Vec<Text> = (0..6)
        .map(|n| Text {
            file: format!("{n}.yaml"),
            bytes: bytes.clone(),
        })
        .collect();
    let (_, problems) = read(&texts);
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_snapshot!(said.join("\n"), @r"
    0.yaml:1:1: a byte here is not UTF-8 [TG0110]; save the file as UTF-8
    1.yaml:1:1: a byte here is not UTF-8 [TG0110]; save the file as UTF-8
    2.yaml:1:1: a byte here is not UTF-8 [TG0110]; save the file as UTF-8
    3.yaml:1:1: a byte here is not UTF-8 [TG0110]; save the file as UTF-8
    4.yaml:1:1: the files up to this one take more than the limit of 64 MiB [TG0109]; split it, or leave out what is no manifest
    ");
}

#[test]
fn more_values_than_the_limit_are_refused() {
    assert_snapshot!(problems_of(&"- 1\n".repeat(2_100_000)), @"a.yaml:2000000:3: the file holds more than 2000000 values [TG0109]; split it into several files");
}

#[test]
fn problems_without_end_are_not_all_told() {
    let last_of = |yaml: &str| {
        let (_, problems) = read(&[text("a.yaml", yaml)]);
        assert_eq!(problems.len(), 1_001);
        problems[1_000].to_string()
    };
    assert_snapshot!(last_of(&"a: 1\n".repeat(5_000)), @"more than 1000 problems: the rest is not told [TG0109]");
    let labels: Vec<String> = (0..5_000).map(|n| format!("    k{n}: 1")).collect();
    let object = format!(
        "apiVersion: v1\nkind: A\nmetadata:\n  name: a\n  labels:\n{}",
        labels.join("\n")
    );
    assert_snapshot!(last_of(&object), @"more than 1000 problems: the rest is not told [TG0109]");
    assert_snapshot!(last_of(&"---\n[\n".repeat(5_000)), @"more than 1000 problems: the rest is not told [TG0109]");
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    assert_snapshot!(problems_of_bytes(b"a: 1\nb: \xff\xfe\n"), @"a.yaml:2:4: a byte here is not UTF-8 [TG0110]; save the file as UTF-8");
    assert_snapshot!(problems_of_bytes(b"\xff\xfea\0:\0"), @"a.yaml:1:1: the file is UTF-16, not UTF-8 [TG0110]; save the file as UTF-8");
    assert_snapshot!(problems_of_bytes(b"a: 1\r\nb: \0\n"), @"a.yaml:2:4: a NUL byte, which no text has [TG0110]; this looks like a binary file; keep it out of the folder of manifests");
    assert_snapshot!(problems_of_bytes(b"\x7fELF\x02\x01\x01\0\0"), @"a.yaml:1:8: a NUL byte, which no text has [TG0110]; this looks like a binary file; keep it out of the folder of manifests");
}

#[test]
fn only_comments_are_nothing() {
    assert_snapshot!(problems_of("# a\n\n  # b\n---\n# c\n"), @"a.yaml:1:1: there is no object in `a.yaml`: nothing but comments and white space [TG0111]; give a folder with `.yaml`, `.yml` or `.json` files, or `-` for standard input");
    assert_snapshot!(problems_of(""), @"a.yaml:1:1: there is no object in `a.yaml`: nothing but comments and white space [TG0111]; give a folder with `.yaml`, `.yml` or `.json` files, or `-` for standard input");
}

#[test]
fn an_empty_file_beside_others_is_fine() {
    let object = "apiVersion: v1\nkind: A\nmetadata: {name: a}\n";
    let (manifests, problems) = read(&[text("a", ""), text("b", object), text("c", "---\n")]);
    assert_eq!((manifests.objects.len(), problems.len()), (1, 0));
}

#[test]
fn long_texts_and_many_documents_take_no_quadratic_time() {
    let long = "y".repeat(100_000);
    for yaml in [
        format!("a: {long}"),
        format!("a: \"{long}\""),
        format!("a: |\n  {long}"),
        format!("a: \"{long}"),
        "---\n[\n".repeat(20_000),
        "---\n'\n".repeat(20_000),
        format!(
            "{{{}}}",
            (0..20_000)
                .map(|n| format!("k{n}: v"))
                .collect::<Vec<_>>()
                .join(",")
        ),
        (0..20_000)
            .map(|n| format!("k{n}: v"))
            .collect::<Vec<_>>()
            .join(
                "
",
            ),
        "a: &a b\n".repeat(20_000),
        "#\n".repeat(30_000),
        "\n".repeat(200_000),
        "? a\n".repeat(30_000),
        "- \n".repeat(30_000),
        "!".repeat(200_000),
        "&".repeat(200_000),
        "%".repeat(200_000),
        "a: ".repeat(30_000),
        "{a: [".repeat(30_000),
    ] {
        let (_, problems) = read(&[text("a.yaml", &yaml)]);
        assert!(!problems.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        read(&[Text { file: String::new(), bytes }]);
    }

    #[test]
    fn no_text_makes_it_panic(words in proptest::collection::vec(word(), 0..60)) {
        read(&[Text { file: String::new(), bytes: words.concat().into_bytes() }]);
    }
}

/// The pieces that YAML is made of, in any order.
fn word() -> impl proptest::strategy::Strategy<Value = &'static str> {
    proptest::sample::select(WORDS)
}

#[rustfmt::skip]
const WORDS: &[&str] = &[
    "a", "b: ", ": ", "- ", "? ", "\n", "\n  ", "\n    ", "\r\n", "\t", "[", "]", "{", "}", ",",
    "&a ", "*a ", "!", "!!str ", "!<x> ", "!e!x ", "%TAG !e! x\n", "%YAML 1.2\n", "---\n", "--- ",
    "...\n", "|\n", ">-\n", "|2\n", "'", "\"", "\\", "\\u12", "#c", " #", "<<: ", "<<: *a",
    "apiVersion: v1\n", "kind: List\n", "items:\n", "metadata: {name: a}\n", "1", "~", "é",
    "\u{feff}", "\u{85}", "\u{2028}", "kind: ServiceGraph\n", "apiVersion: tidegate.dev/v1alpha1\n",
    "spec:\n", "services:\n", "calls: ", "version: ",
];
