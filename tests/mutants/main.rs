//! Changes the gate as each mutant of `gate.txt` says, one after the other, and runs its tests: `make mutants-gate`.
//!
//! In: the list. Out: for each mutant the first test that failed, or that none did; the exit code is 1 if one lives.
//! Only a copy is changed, in `target/mutants-gate`: the crate of the gate and what it stands on, so that one mutant costs
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

/// The crates that are copied; the tests are those of the last one.
const COPIED: [&str; 3] = ["crates/spec", "crates/build", "crates/upgrade"];
const TESTED: &str = "tidegate-upgrade";

fn main() -> ExitCode {
    // `cargo test --all-targets` runs this too; what takes so long is only meant by its name.
    if std::env::var("MUTANTS").as_deref() != Ok("gate") {
        return ExitCode::SUCCESS;
    }
    let only = std::env::var("ONLY").unwrap_or_default();
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let copy = package.join("target/mutants-gate");
    arrange(package, &copy);
    let unchanged = run(&copy);
    assert!(
        unchanged.is_ok(),
        "the tests fail without any mutant: {unchanged:?}"
    );
    let mutants = read(include_str!("gate.txt"));
    let wanted = mutants
        .iter()
        .filter(|mutant| mutant.name.starts_with(&only));
    let mut alive = 0;
    for mutant in wanted {
        match with(&copy, mutant, || run(&copy)) {
            Ok(()) => {
                alive += 1;
                println!("LIVES   {}", mutant.name);
            }
            Err(test) => println!("caught  {}  by {test}", mutant.name),
        }
    }
    println!("{alive} of {} live", mutants.len());
    ExitCode::from(u8::from(alive > 0))
}

/// Makes the copy, or brings it up to date.
fn arrange(package: &Path, copy: &Path) {
    for member in COPIED {
        copied(&package.join(member), &copy.join(member));
    }
    let manifest = fs::read_to_string(package.join("Cargo.toml")).expect("the manifest");
    // With the same lints and profiles, so that what is built for the package serves here too.
    let part = |from: &str, to: &str| {
        let (_, rest) = manifest.split_once(from).expect("a part of the manifest");
        let end = rest.find(to).unwrap_or(rest.len());
        format!("{from}{}", &rest[..end])
    };
    let members = COPIED.map(|member| format!("{member:?}")).join(", ");
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
    let path: PathBuf = copy.join(mutant.file);
    let text = fs::read_to_string(&path).expect(mutant.file);
    written(&path, &text.replacen(&mutant.was, &mutant.becomes, 1));
    let outcome = run();
    written(&path, &text);
    outcome
}

/// The tests of the copy. Error: the first that failed, or that it does not compile.
fn run(copy: &Path) -> Result<(), String> {
    let output = Command::new(env!("CARGO"))
        .args(["test", "--lib", "--quiet", "--package", TESTED])
        .current_dir(copy)
        .env("INSTA_UPDATE", "no")
        .env("CARGO_TERM_COLOR", "never")
        .env("CARGO_TARGET_DIR", copy.parent().expect("target"))
        .output()
        .expect("cargo runs");
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = text.lines();
    let failed = lines.find_map(|line| line.strip_prefix("---- ")?.strip_suffix(" stdout ----"));
    let failed = failed.map(str::to_owned).ok_or_else(|| {
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        format!(
            "the compiler: {}",
            errors
                .lines()
                .find(|line| line.starts_with("error"))
                .unwrap_or("")
        )
    });
    Err(failed.unwrap_or_else(|compiler| compiler))
}
