//! Changes the code as each mutant of a list says, one after the other, and runs what must notice: `make mutants-gate`,
//! `make mutants-simulator`.
//!
//! In: the list. Out: for each mutant what noticed it, or that nothing did; the exit code is 1 if one lives.
//! Only a copy is changed, in `target`: the crates that the list is about and what they stand on, so that one mutant costs
//! seconds.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test stops where its ground is missing, and says what it did"
)]

mod list;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use list::{Mutant, read};

/// A list of mutants, and what must notice them.
struct Hunt {
    name: &'static str,
    list: &'static str,
    /// The crates that are copied.
    copied: &'static [&'static str],
    /// The arguments of cargo.
    tested: &'static [&'static str],
}

const HUNTS: [Hunt; 2] = [
    Hunt {
        name: "gate",
        list: include_str!("gate.txt"),
        copied: &["crates/spec", "crates/build", "crates/upgrade"],
        tested: &["--lib", "--package", "tidegate-upgrade"],
    },
    Hunt {
        name: "simulator",
        list: include_str!("simulator.txt"),
        copied: &[
            "crates/spec",
            "crates/build",
            "crates/manifest",
            "crates/planner",
            "crates/upgrade",
            "crates/controller",
        ],
        tested: &[
            "--profile",
            "seeds",
            "--package",
            "tidegate-controller",
            "--test",
            "seeds",
        ],
    },
];
/// How many seeds must be enough to notice a mutant of the simulator's list.
const SEEDS: &str = "2000";

fn main() -> ExitCode {
    // `cargo test --all-targets` runs this too; what takes so long is only meant by its name.
    let asked = std::env::var("MUTANTS").unwrap_or_default();
    let Some(hunt) = HUNTS.iter().find(|hunt| hunt.name == asked) else {
        return ExitCode::SUCCESS;
    };
    let only = std::env::var("ONLY").unwrap_or_default();
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let copy = package
        .join("target")
        .join(format!("mutants-{}", hunt.name));
    arrange(hunt, package, &copy);
    let unchanged = run(hunt, &copy);
    assert!(
        unchanged.is_ok(),
        "the tests fail without any mutant: {unchanged:?}"
    );
    let mutants = read(hunt.list);
    let wanted: Vec<&Mutant<'_>> = mutants
        .iter()
        .filter(|mutant| mutant.name.starts_with(&only))
        .collect();
    let mut alive = 0;
    for mutant in &wanted {
        match with(&copy, mutant, || run(hunt, &copy)) {
            Ok(()) => {
                alive += 1;
                println!("LIVES   {}", mutant.name);
            }
            Err(notice) => println!("caught  {}  by {notice}", mutant.name),
        }
    }
    println!("{alive} of {} live", wanted.len());
    ExitCode::from(u8::from(alive > 0))
}

/// Makes the copy, or brings it up to date.
fn arrange(hunt: &Hunt, package: &Path, copy: &Path) {
    for member in hunt.copied {
        copied(&package.join(member), &copy.join(member));
    }
    let manifest = fs::read_to_string(package.join("Cargo.toml")).expect("the manifest");
    // With the same lints and profiles, so that what is built for the package serves here too.
    let part = |from: &str, to: &str| {
        let (_, rest) = manifest.split_once(from).expect("a part of the manifest");
        let end = rest.find(to).unwrap_or(rest.len());
        format!("{from}{}", &rest[..end])
    };
    let members: Vec<String> = hunt
        .copied
        .iter()
        .map(|member| format!("{member:?}"))
        .collect();
    let members = members.join(", ");
    written(
        &copy.join("Cargo.toml"),
        &format!(
            "[workspace]\nmembers = [{members}]\nresolver = \"3\"\n\n{}\n{}",
            part("[workspace.lints.rust]", "\n[lints]"),
            part("[profile.dev]", "\n[profile.release]"),
        ),
    );
    let lock = fs::read_to_string(package.join("Cargo.lock")).expect("the lock");
    if !copy.join("Cargo.lock").exists() {
        written(&copy.join("Cargo.lock"), &lock);
    }
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copied(&path, &target);
        } else {
            written(&target, &fs::read_to_string(&path).expect("text"));
        }
    }
}

/// What has not changed is not written, so that nothing is built for it.
fn written(path: &Path, text: &str) {
    if fs::read_to_string(path).ok().as_deref() != Some(text) {
        fs::write(path, text).expect("written");
    }
}

fn with<T>(copy: &Path, mutant: &Mutant<'_>, run: impl FnOnce() -> T) -> T {
    let mut texts = Vec::new();
    for place in &mutant.places {
        let path: PathBuf = copy.join(place.file);
        let text = fs::read_to_string(&path).expect(place.file);
        written(&path, &text.replacen(&place.was, &place.becomes, 1));
        texts.push((path, text));
    }
    let outcome = run();
    for (path, text) in texts.iter().rev() {
        written(path, text);
    }
    outcome
}

/// The tests of the copy. Error: what noticed, or that it does not compile.
fn run(hunt: &Hunt, copy: &Path) -> Result<(), String> {
    let output = Command::new(env!("CARGO"))
        .args(["test", "--quiet"])
        .args(hunt.tested)
        .current_dir(copy)
        .env("INSTA_UPDATE", "no")
        .env("CARGO_TERM_COLOR", "never")
        .env("CARGO_TARGET_DIR", copy.parent().expect("target"))
        .env("TIDEGATE_SEEDS", SEEDS)
        .output()
        .expect("cargo runs");
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let noticed = text.lines().find_map(noticed);
    Err(noticed.unwrap_or_else(|| {
        let first = errors.lines().find(|line| line.starts_with("error"));
        format!("the compiler: {}", first.unwrap_or(""))
    }))
}

/// The name of a test that failed, or what the simulator's judge says.
fn noticed(line: &str) -> Option<String> {
    let test = line
        .strip_prefix("---- ")
        .and_then(|rest| rest.strip_suffix(" stdout ----"));
    let judged = line.strip_prefix("  ").filter(|rest| {
        let oracle = rest.split(':').next().unwrap_or_default();
        oracle.len() <= 3 && oracle.starts_with(['S', 'L'])
    });
    let missed = line.strip_prefix("no run has met: ").map(|_| line);
    test.or(judged).or(missed).map(str::to_owned)
}
