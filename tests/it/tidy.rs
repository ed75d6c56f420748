//! The rules that a compiler does not know: who may import whom, purity, the size of files, files that nobody
//! compiles. `ARCHITECTURE.md` shows the same table.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A module and the modules that it may import.
const IMPORTS: &[(&str, &[&str])] = &[
    ("spec", &[]),
    ("build", &["spec"]),
    ("manifest", &["spec", "build"]),
    ("discover", &["spec", "manifest"]),
    ("graph", &["spec"]),
    ("plan", &["spec", "graph"]),
    ("draw", &["spec", "plan"]),
    ("upgrade", &["spec", "build"]),
    ("drift", &["spec"]),
    ("hook", &["spec"]),
    ("source", &["spec", "manifest"]),
    (
        "controller",
        &["spec", "build", "manifest", "graph", "plan", "upgrade"],
    ),
    (
        "sim",
        &["spec", "manifest", "graph", "plan", "upgrade", "controller"],
    ),
    (
        "cluster",
        &[
            "spec",
            "build",
            "manifest",
            "upgrade",
            "drift",
            "hook",
            "source",
            "controller",
        ],
    ),
    ("archive", &["spec"]),
    ("install", &["spec"]),
    ("notify", &["spec", "upgrade", "source"]),
    ("telemetry", &["plan", "upgrade", "drift", "hook", "source"]),
    (
        "web",
        &[
            "spec",
            "graph",
            "plan",
            "draw",
            "upgrade",
            "hook",
            "controller",
            "cluster",
        ],
    ),
    (
        "cli",
        &[
            "spec",
            "build",
            "manifest",
            "discover",
            "graph",
            "plan",
            "draw",
            "upgrade",
            "drift",
            "hook",
            "source",
            "controller",
            "sim",
            "cluster",
            "archive",
            "install",
            "notify",
            "telemetry",
            "web",
        ],
    ),
];

/// Modules that decide: no I/O, no clock, no async, no client.
const PURE: &[&str] = &[
    "spec", "build", "manifest", "discover", "graph", "plan", "draw", "upgrade", "drift", "hook",
    "install",
];
/// The line with which each of them begins its `mod.rs`, so that clippy keeps the rule.
const PURE_LINE: &str = "#![deny(clippy::disallowed_methods, clippy::disallowed_types)]";
/// What pure modules never name.
const IMPURE: &[&str] = &[
    "tokio::",
    "kube::Client",
    "kube::Api",
    "kube::api",
    "std::fs",
    "async fn",
    "std::env",
];

const FILE_LINES_MAX: usize = 500;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                files.extend(rust_files(&path));
            }
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Where a module stands, and the file in which it begins: the core is in crates of its own, all else in `src`.
fn place_of(module: &str) -> (PathBuf, &'static str) {
    match module {
        "spec" | "build" | "manifest" | "upgrade" => {
            (root().join("crates").join(module).join("src"), "lib.rs")
        }
        "graph" | "plan" => (root().join("crates/planner/src").join(module), "mod.rs"),
        "controller" | "sim" => (root().join("crates/controller/src").join(module), "mod.rs"),
        _ => (root().join("src").join(module), "mod.rs"),
    }
}

/// All code of the product.
fn product_files() -> Vec<PathBuf> {
    [
        "src",
        "crates/spec/src",
        "crates/build/src",
        "crates/controller/src",
        "crates/manifest/src",
        "crates/planner/src",
        "crates/upgrade/src",
    ]
    .iter()
    .flat_map(|folder| rust_files(&root().join(folder)))
    .collect()
}

fn module_of(file: &Path) -> Option<String> {
    let inside = file.strip_prefix(root()).ok()?;
    let parts: Vec<&str> = inside.iter().filter_map(|part| part.to_str()).collect();
    let module = match parts.as_slice() {
        ["crates", "planner" | "controller", "src", module, ..]
        | ["crates" | "src", module, ..] => *module,
        _ => return None,
    };
    (!module.contains('.')).then(|| module.to_owned())
}

fn is_test(file: &Path) -> bool {
    file.components()
        .any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs")))
}

/// The modules that a text names after `crate::`, in plain paths and in groups, and those in crates of their own.
fn imported(text: &str, module: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (name, path) in [
        ("spec", "tidegate_spec::"),
        ("build", "tidegate_build::"),
        ("manifest", "tidegate_manifest::"),
        ("graph", "tidegate_planner::graph"),
        ("plan", "tidegate_planner::plan"),
        ("upgrade", "tidegate_upgrade::"),
    ] {
        if text.contains(path) {
            names.insert(name.to_owned());
        }
    }
    if matches!(module, "spec" | "manifest" | "upgrade") {
        return names; // after `crate::` stand their own parts
    }
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let group = group.split('}').next().unwrap_or_default();
            names.extend(group.split(',').map(first_word));
        } else {
            names.insert(first_word(rest));
        }
    }
    names.remove("");
    names
}

fn first_word(text: &str) -> String {
    text.trim()
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

fn without_comments(text: &str) -> String {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_import_is_one_that_the_table_allows() {
    let table: BTreeMap<&str, BTreeSet<&str>> = IMPORTS
        .iter()
        .map(|(module, allowed)| (*module, allowed.iter().copied().collect()))
        .collect();
    let mut wrong = Vec::new();
    for file in product_files() {
        let Some(module) = module_of(&file) else {
            continue;
        };
        if is_test(&file) {
            continue;
        }
        let Some(allowed) = table.get(module.as_str()) else {
            wrong.push(format!("src/{module} is not in the table"));
            continue;
        };
        let text = without_comments(&fs::read_to_string(&file).expect("text"));
        for name in imported(&text, &module) {
            let known = table.contains_key(name.as_str());
            if known && name != module && !allowed.contains(name.as_str()) {
                wrong.push(format!(
                    "{}: {module} may not import {name}",
                    file.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn modules_that_decide_do_nothing_else() {
    let mut wrong = Vec::new();
    for module in PURE {
        let (folder, first) = place_of(module);
        let head = fs::read_to_string(folder.join(first)).expect("where the module begins");
        if !head.contains(PURE_LINE) {
            wrong.push(format!("{module}/{first} lacks `{PURE_LINE}`"));
        }
        for file in rust_files(&folder) {
            if is_test(&file) {
                continue;
            }
            let text = without_comments(&fs::read_to_string(&file).expect("text"));
            let found = IMPURE.iter().filter(|word| text.contains(**word));
            wrong.extend(found.map(|word| format!("{} names `{word}`", file.display())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_cluster_holds_a_client() {
    let mut wrong = Vec::new();
    for file in product_files() {
        let module = module_of(&file).unwrap_or_default();
        let text = without_comments(&fs::read_to_string(&file).expect("text"));
        let names_api = ["kube::Api", "kube::{Api", "Api<"]
            .iter()
            .any(|word| text.contains(word));
        if module != "cluster" && names_api {
            wrong.push(file.display().to_string());
        }
    }
    assert!(
        wrong.is_empty(),
        "these talk to the API server themselves: {}",
        wrong.join(", ")
    );
}

#[test]
fn no_file_is_too_long() {
    let mut wrong = Vec::new();
    let folders = ["src", "tests", "crates"].map(|folder| root().join(folder));
    for file in folders.iter().flat_map(|folder| rust_files(folder)) {
        let text = fs::read_to_string(&file).expect("text");
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            wrong.push(format!(
                "{}: {lines} lines, at most {FILE_LINES_MAX}",
                file.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_is_compiled() {
    let mut wrong = Vec::new();
    for file in product_files() {
        let stem = file
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default();
        if matches!(stem, "lib" | "main") {
            continue;
        }
        let folder = file.parent().expect("a folder");
        let (name, parents) = if stem == "mod" {
            let name = folder
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            (
                name.to_owned(),
                parents_of(folder.parent().expect("a folder")),
            )
        } else {
            (stem.to_owned(), parents_of(folder))
        };
        let declared = parents.iter().any(|parent| {
            let text = fs::read_to_string(parent).unwrap_or_default();
            text.contains(&format!("mod {name};"))
        });
        if !declared {
            wrong.push(format!("{} is named by no `mod` line", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The files that may declare the modules of a folder.
fn parents_of(folder: &Path) -> Vec<PathBuf> {
    vec![
        folder.join("mod.rs"),
        folder.join("lib.rs"),
        folder.join("main.rs"),
        folder.with_extension("rs"),
    ]
}

#[test]
fn nothing_is_left_for_later() {
    let mut wrong = Vec::new();
    let words = [
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
        ["todo", "!("].concat(),
        ["#[", "ignore"].concat(),
    ];
    let folders = ["src", "tests", "crates"].map(|folder| root().join(folder));
    for file in folders.iter().flat_map(|folder| rust_files(folder)) {
        let text = fs::read_to_string(&file).expect("text");
        let found = words.iter().filter(|word| text.contains(word.as_str()));
        wrong.extend(found.map(|word| format!("{}: `{word}`", file.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
