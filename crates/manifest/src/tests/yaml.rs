//! What YAML means.

use super::{objects_of, problem_in, problems_of, value_of};
use insta::assert_snapshot;

#[test]
fn scalars_mean_what_kubectl_reads() {
    let words = r#"
        ~ | null | Null | yes | No | on | OFF | y | N | True | nUll | 0644 | 0o17 | 0x1F | -0x1f
        | 0b101 | 1_000 | +12 | -12 | 0 | 089 | 1.5 | 1.0 | 1e3 | .5 | -.5 | 1. | 1e400 | .
        | + | 1.2.3 | 12:30 | 2024-01-31 | 2024-01-31T10:00:00Z | 9223372036854775807
        | 18446744073709551615 | -9223372036854775808 | 123456789012345678901 | 100m | 1Gi | 0x |
        --1 | 0x+1 | nan | inf | 'yes' | "1" | !!str 12 | !!int "3" | !!float 2.5 | !!bool yes |
        !!null '' | !!binary aGk= | ! 12 | !!timestamp 2024-01-31
    "#;
    let table: Vec<String> = words
        .split('|')
        .map(str::trim)
        .map(|it| format!("{it} = {}", value_of(it)))
        .collect();
    assert_snapshot!(table.join("\n"), @r#"
    ~ = null
    null = null
    Null = null
    yes = true
    No = false
    on = true
    OFF = false
    y = true
    N = false
    True = true
    nUll = "nUll"
    0644 = 420
    0o17 = 15
    0x1F = 31
    -0x1f = -31
    0b101 = 5
    1_000 = 1000
    +12 = 12
    -12 = -12
    0 = 0
    089 = 89
    1.5 = 1.5
    1.0 = 1
    1e3 = 1000
    .5 = 0.5
    -.5 = -0.5
    1. = 1
    1e400 = "1e400"
    . = "."
    + = "+"
    1.2.3 = "1.2.3"
    12:30 = "12:30"
    2024-01-31 = "2024-01-31"
    2024-01-31T10:00:00Z = "2024-01-31T10:00:00Z"
    9223372036854775807 = 9223372036854775807
    18446744073709551615 = 18446744073709551615
    -9223372036854775808 = -9223372036854775808
    123456789012345678901 = 1.2345678901234568e+20
    100m = "100m"
    1Gi = "1Gi"
    0x = "0x"
    --1 = "--1"
    0x+1 = "0x+1"
    nan = "nan"
    inf = "inf"
    'yes' = "yes"
    "1" = "1"
    !!str 12 = "12"
    !!int "3" = 3
    !!float 2.5 = 2.5
    !!bool yes = true
    !!null '' = null
    !!binary aGk= = "aGk="
    ! 12 = "12"
    !!timestamp 2024-01-31 = "2024-01-31"
    "#);
}

#[test]
fn block_text_is_text() {
    assert_snapshot!(value_of("\n  a: |\n    yes\n    12\n  b: >-\n    0644\n  c: |2\n      x"), @r#"{"a":"yes\n12\n","b":"0644","c":"  x"}"#);
}

#[test]
fn a_value_without_a_form_in_json_is_refused() {
    let words = ".inf|-.Inf|.nan|!!int x|!!bool 1|!!null 0|!vault abc|!!set {a, b}|!foo [1]";
    let table: Vec<String> = words.split('|').map(problem_in).collect();
    assert_snapshot!(table.join("\n"), @r#"
    a.yaml:4:7: data: `.inf` is no number that JSON has [TG0104]; write ".inf" if text is meant
    a.yaml:4:7: data: `-.Inf` is no number that JSON has [TG0104]; write "-.Inf" if text is meant
    a.yaml:4:7: data: `.nan` is no number that JSON has [TG0104]; write ".nan" if text is meant
    a.yaml:4:13: data: `x` is no `!!int` [TG0104]; remove the tag, or change the value
    a.yaml:4:14: data: `1` is no `!!bool` [TG0104]; remove the tag, or change the value
    a.yaml:4:14: data: `0` is no `!!null` [TG0104]; remove the tag, or change the value
    a.yaml:4:14: data: the tag `!vault` means nothing to Kubernetes [TG0104]; render the file with the tool that knows the tag, or remove the tag
    a.yaml:4:13: data: the tag `!!set` means nothing to Kubernetes [TG0104]; render the file with the tool that knows the tag, or remove the tag
    a.yaml:4:12: data: the tag `!foo` means nothing to Kubernetes [TG0104]; render the file with the tool that knows the tag, or remove the tag
    "#);
}

#[test]
fn keys_become_text() {
    assert_snapshot!(value_of("{1: a, 0x10: b, on: c, 1.5: e, 'x y': f, 1e21: g, 1.0e-7: h}"), @r#"{"1":"a","16":"b","true":"c","1.5":"e","x y":"f","1e+21":"g","1e-07":"h"}"#);
}

#[test]
fn keys_that_are_no_text_are_refused() {
    assert_snapshot!(problem_in("\n  ? [a, b]\n  : 1\n  ? {a: b}\n  : [2]\n  ~: 3\n  : 4\n  {{ x }}: y\n  ok: 5"), @r"
    a.yaml:5:5: data: a list stands where a key should [TG0104]; this looks like a template; render it first, for instance `helm template … | tidegate run -f -`
    a.yaml:7:5: data: a mapping stands where a key should [TG0104]; this looks like a template; render it first, for instance `helm template … | tidegate run -f -`
    a.yaml:9:3: data: a key is empty [TG0104]; write a key before the `:`
    a.yaml:10:3: data: a key is empty [TG0104]; write a key before the `:`
    a.yaml:11:4: data: a mapping stands where a key should [TG0104]; this looks like a template; render it first, for instance `helm template … | tidegate run -f -`
    ");
}

#[test]
fn a_key_written_twice_is_refused_with_both_lines() {
    assert_snapshot!(problem_in("\n  a: 1\n  b: {c: 1, c: 2, 'c': 3}\n  a: 2\n  1: x\n  '1': y"), @r"
    a.yaml:6:13: data.b.c: `c` is written twice in one mapping, first at column 7 of the same line [TG0105]; keep one of the two
    a.yaml:6:19: data.b.c: `c` is written twice in one mapping, first at column 7 of the same line [TG0105]; keep one of the two
    a.yaml:7:3: data.a: `a` is written twice in one mapping, first on line 5 [TG0105]; keep one of the two
    a.yaml:9:3: data.1: `1` is written twice in one mapping, first on line 8 [TG0105]; keep one of the two
    ");
}

#[test]
fn aliases_repeat_and_merges_give_way() {
    assert_snapshot!(value_of("\n  base: &base {a: 1, b: 2}\n  more: &more {b: 3, c: 4}\n  same: *base\n  one: {<<: *base, b: 9}\n  two: {b: 9, <<: [*more, *base], d: 5}\n  name: &n x\n  list: [*n, *n]\n  *n : key\n  '<<': quoted"), @r#"{"base":{"a":1,"b":2},"more":{"b":3,"c":4},"same":{"a":1,"b":2},"one":{"b":9,"a":1},"two":{"b":9,"d":5,"c":4,"a":1},"name":"x","list":["x","x"],"x":"key","<<":"quoted"}"#);
}

#[test]
fn a_merge_of_no_mapping_is_refused() {
    assert_snapshot!(problem_in("\n  a: {<<: 1}\n  b: {<<: [{x: 1}, 2]}"), @r#"
    a.yaml:5:7: data.a["<<"]: `<<` merges mappings, and this is the number `1` [TG0102]
    a.yaml:6:7: data.b["<<"]: `<<` merges mappings, and this is the number `2` [TG0102]
    "#);
}

#[test]
fn an_anchor_ends_with_its_document() {
    let yaml = "apiVersion: v1\nkind: A\nmetadata: {name: &x a}\n---\napiVersion: v1\nkind: A\nmetadata: {name: *x}\n";
    assert_snapshot!(problems_of(yaml), @"a.yaml:7:18: not YAML: while parsing node, found unknown anchor [TG0106]; quote a value that begins with `*`; an anchor must stand before its alias, in the same document");
}

#[test]
fn documents_are_told_apart() {
    let one = |name: &str| format!("apiVersion: v1\nkind: A\nmetadata: {{name: {name}}}\n");
    let yaml = format!(
        "\u{feff}# licence\n\n---\n# only a comment\n---\n{}---\n---\n%YAML 1.1\n---\n{}...\n# c\n%TAG !e! tag:e,1:\n--- # mark\n{}\n... # end\n---\n~\n--- {{apiVersion: v1, kind: A, metadata: {{name: d}}}}\n---\n",
        one("a"),
        one("b"),
        one("c")
    );
    // A directive after content needs `...` before it.
    let yaml = yaml.replace("---\n---\n%YAML", "---\n...\n%YAML");
    assert_snapshot!(objects_of(&yaml), @r#"
    a.yaml:8:18 A/a {"apiVersion":"v1","kind":"A","metadata":{"name":"a"}}
    a.yaml:15:18 A/b {"apiVersion":"v1","kind":"A","metadata":{"name":"b"}}
    a.yaml:22:18 A/c {"apiVersion":"v1","kind":"A","metadata":{"name":"c"}}
    a.yaml:27:48 A/d {"apiVersion":"v1","kind":"A","metadata":{"name":"d"}}
    "#);
    assert_snapshot!(objects_of(&yaml.replace('\n', "\r\n")), @r#"
    a.yaml:8:18 A/a {"apiVersion":"v1","kind":"A","metadata":{"name":"a"}}
    a.yaml:15:18 A/b {"apiVersion":"v1","kind":"A","metadata":{"name":"b"}}
    a.yaml:22:18 A/c {"apiVersion":"v1","kind":"A","metadata":{"name":"c"}}
    a.yaml:27:48 A/d {"apiVersion":"v1","kind":"A","metadata":{"name":"d"}}
    "#);
}

#[test]
fn a_syntax_error_hides_nothing_in_the_next_document() {
    let yaml = "a: [1, 2\n---\nb: 'x\n---\n\tc: 1\n---\nkind: A\n  x: y: z\n---\nd: @x\n---\nlist:\n- a\n b: 1\n---\nkind: A\n---\n{{ if .Values.x }}\nkind: B\n{{ end }}\n---\nx: *nobody\n---\n\"abc\n";
    assert_snapshot!(problems_of(yaml), @r"
    a.yaml:1:9: not YAML: while parsing a flow sequence, expected ',' or ']' [TG0106]; check indentation, quotes and brackets on this line and the one above
    a.yaml:3:4: not YAML: while scanning a quoted scalar, found unexpected end of stream [TG0106]; check indentation, quotes and brackets on this line and the one above
    a.yaml:5:2: `apiVersion` and `kind` are missing: no Kubernetes object [TG0113]; keep other files (values, settings) out of the folder of manifests
    a.yaml:8:4: not YAML: mapping values are not allowed in this context [TG0106]; quote a value that has `: ` in it, or check the indentation
    a.yaml:10:4: not YAML: unexpected character: `@' [TG0106]; quote a value that begins with `@`, `%` or a backtick
    a.yaml:14:3: not YAML: mapping values are not allowed in this context [TG0106]; quote a value that has `: ` in it, or check the indentation
    a.yaml:16:1: apiVersion: `apiVersion` is missing [TG0103]; write for instance `apiVersion: apps/v1`
    a.yaml:16:1: metadata: `metadata` is missing [TG0103]; write `metadata: {name: …}`
    a.yaml:18:2: a mapping stands where a key should [TG0104]; this looks like a template; render it first, for instance `helm template … | tidegate run -f -`
    a.yaml:19:5: not YAML: did not find expected <document start> [TG0106]; this looks like a template; render it first, for instance `helm template … | tidegate run -f -`
    a.yaml:22:4: not YAML: while parsing node, found unknown anchor [TG0106]; quote a value that begins with `*`; an anchor must stand before its alias, in the same document
    a.yaml:24:1: not YAML: while scanning a quoted scalar, found unexpected end of stream [TG0106]; check indentation, quotes and brackets on this line and the one above
    ");
}

#[test]
fn json_is_read_too() {
    let json = "{\n\t\"apiVersion\": \"v1\", \"kind\":\"A\",\n\t\"metadata\":{\"name\":\"a\\/b\\u0020c\"},\"x\":[1,2.50,true,null,\"\\ud83d\\ude00\"]}";
    assert_snapshot!(objects_of(json), @r#"a.yaml:3:21 A/a/b c {"apiVersion":"v1","kind":"A","metadata":{"name":"a/b c"},"x":[1,2.5,true,null,"😀"]}"#);
}

#[test]
fn columns_count_characters() {
    assert_snapshot!(problem_in("{größe: 1, größe: 2}"), @r#"a.yaml:4:18: data["größe"]: `größe` is written twice in one mapping, first at column 8 of the same line [TG0105]; keep one of the two"#);
}

#[test]
fn json_objects_may_follow_one_another() {
    let one = |name: &str| {
        format!("{{\"apiVersion\":\"v1\",\"kind\":\"A\",\"metadata\":{{\"name\":\"{name}\"}}}}\n")
    };
    let pretty = "{\n  \"apiVersion\": \"v1\", \"kind\": \"A\",\n  \"metadata\":\n{\n\"name\": \"d\"\n}\n}\n";
    let yaml = format!(
        "{}{}\n{pretty}{}---\n{}",
        one("a"),
        one("b"),
        one("c"),
        one("e")
    );
    assert_snapshot!(objects_of(&yaml), @r#"
    a.yaml:1:50 A/a {"apiVersion":"v1","kind":"A","metadata":{"name":"a"}}
    a.yaml:2:50 A/b {"apiVersion":"v1","kind":"A","metadata":{"name":"b"}}
    a.yaml:8:9 A/d {"apiVersion":"v1","kind":"A","metadata":{"name":"d"}}
    a.yaml:11:50 A/c {"apiVersion":"v1","kind":"A","metadata":{"name":"c"}}
    a.yaml:13:50 A/e {"apiVersion":"v1","kind":"A","metadata":{"name":"e"}}
    "#);
}

#[test]
fn block_text_at_the_end_of_a_file_gets_no_line_break() {
    let last = |text: &str| value_of(&format!("\n  a: {text}")).replace("\\n\"}", "…\"}");
    let table = [
        "|\n    x",
        "|\n    x\n# c",
        ">\n    x\n    y",
        "|+\n    x",
        "|-\n    x",
    ]
    .map(last);
    assert_snapshot!(table.join(" "), @r#"{"a":"x"} {"a":"x…"} {"a":"x y"} {"a":"x"} {"a":"x"}"#);
}

#[test]
fn tabs_are_refused_where_yaml_forbids_them() {
    let words = [
        "\n\ta: 1",
        "\n  a: 1\n\tb: 2",
        "\n  a:\tb",
        "|\n\tx",
        "\n  a: x\n\ty",
        "*.example.com",
    ];
    let said: Vec<String> = words.iter().map(|it| problem_in(it)).collect();
    assert_snapshot!(said.join("\n"), @r"
    a.yaml:5:2: not YAML: tabs disallowed within this context (block indentation) [TG0106]; indent with spaces: YAML forbids tabs there
    a.yaml:5:6: not YAML: while scanning a plain scalar, found a tab [TG0106]; indent with spaces: YAML forbids tabs there
    a.yaml:5:6: not YAML: ':' must be followed by a valid YAML whitespace [TG0106]; write a space after `:`, not a tab
    a.yaml:4:7: not YAML: a block scalar content cannot start with a tab [TG0106]; indent with spaces: YAML forbids tabs there
    a.yaml:5:6: not YAML: while scanning a plain scalar, found a tab [TG0106]; indent with spaces: YAML forbids tabs there
    a.yaml:4:7: not YAML: while parsing node, found unknown anchor [TG0106]; quote a value that begins with `*`; an anchor must stand before its alias, in the same document
    ");
    assert_snapshot!(value_of("[1,\n\t2]\t# c"), @"[1,2]");
}
