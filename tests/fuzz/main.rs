//! Throws changed files at everything that reads files, for a given time: `make fuzz SECONDS=600`.
//!
//! A stable stand-in for cargo-fuzz, which needs a nightly compiler. It does not see which code ran; it keeps an input
//! whose answer (problems and results, without names and numbers) is one that no input gave before, and changes that on.
//! The same `FUZZ_SEED` throws the same inputs. An input that panics, breaks a promise or takes too long is written
//! to `target/fuzz/`, and the exit code is 1. With `FUZZ_KEEP=1` each input is written before it is tried, for what
//! ends the whole process (a stack that overflows).

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops where its ground is missing, and says what it did"
)]

mod deliveries;
mod mutate;
mod targets;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use mutate::{Dice, change};
use targets::Target;

/// No input of the sizes that are tried may take longer.
const TOO_LONG: Duration = Duration::from_secs(10);
/// How large an input may grow: what is slow is not what is looked for here.
const BYTES_MAX: usize = 32 * 1024;
/// How many inputs are kept to be changed on.
const KEPT_MAX: usize = 4_000;
/// How many failures of a target are enough.
const FAILURES_MAX: usize = 5;

thread_local! {
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What became of one target.
struct Tally {
    name: &'static str,
    inputs: u64,
    kept: usize,
    slowest: Duration,
    failures: Vec<String>,
}

fn setting(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().expect("a whole number"),
        Err(_) => default,
    }
}

fn main() {
    let seconds = setting("FUZZ_SECONDS", 1);
    let seed = setting("FUZZ_SEED", 1);
    let wanted = std::env::var("FUZZ_TARGETS").unwrap_or_default();
    let chosen: Vec<Target> = targets::all()
        .into_iter()
        .filter(|target| wanted.is_empty() || wanted.split(',').any(|name| name == target.name))
        .collect();
    assert!(!chosen.is_empty(), "FUZZ_TARGETS names no target");
    set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        PANIC.with(|words| *words.borrow_mut() = format!("{place}: {info}"));
    }));
    let threads: Vec<_> = chosen
        .into_iter()
        .map(|target| std::thread::spawn(move || run(&target, Duration::from_secs(seconds), seed)))
        .collect();
    let mut failed = 0;
    for thread in threads {
        let Tally {
            name,
            inputs,
            kept,
            slowest,
            failures,
        } = thread.join().expect("the thread ends");
        println!(
            "{name:<12} {inputs:>9} inputs in {seconds} s, {kept} kept, slowest {} ms, {} failures",
            slowest.as_millis(),
            failures.len()
        );
        for failure in &failures {
            println!("  {failure}");
        }
        failed += failures.len();
    }
    println!(
        "seed {seed}: {} passed, {failed} failed",
        u8::from(failed == 0)
    );
    assert!(failed == 0, "inputs that fail are in target/fuzz");
}

fn run(target: &Target, time: Duration, seed: u64) -> Tally {
    let mut dice = Dice::new(seed);
    let mut kept = target.seeds.clone();
    let mut answers: BTreeSet<String> = BTreeSet::new();
    let mut tally = Tally {
        name: target.name,
        inputs: 0,
        kept: 0,
        slowest: Duration::ZERO,
        failures: Vec::new(),
    };
    let keeps = std::env::var_os("FUZZ_KEEP").is_some();
    let start = Instant::now();
    while start.elapsed() < time && tally.failures.len() < FAILURES_MAX {
        // The seeds themselves first.
        let first = usize::try_from(tally.inputs)
            .ok()
            .and_then(|n| target.seeds.get(n));
        let input = match first {
            Some(seed) => seed.clone(),
            None => change(&kept, target.words, &mut dice, BYTES_MAX),
        };
        if keeps {
            write(target.name, "current", &input);
        }
        tally.inputs += 1;
        let before = Instant::now();
        let answer = catch_unwind(AssertUnwindSafe(|| (target.run)(&input)));
        let took = before.elapsed();
        tally.slowest = tally.slowest.max(took);
        let failure = match answer {
            Ok(_) if took > TOO_LONG => Some(format!("took {} s", took.as_secs())),
            Ok(answer) => {
                if answers.insert(answer) && kept.len() < KEPT_MAX {
                    kept.push(input.clone());
                }
                None
            }
            Err(_) => Some(PANIC.with(|words| words.borrow().clone())),
        };
        if let Some(words) = failure {
            let name = format!("failure-{}", tally.failures.len());
            let file = write(target.name, &name, &input);
            tally.failures.push(format!("{}: {words}", file.display()));
        }
    }
    tally.kept = kept.len() - target.seeds.len();
    tally
}

fn write(target: &str, name: &str, input: &[u8]) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("target/fuzz")
        .join(target);
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join(name);
    std::fs::write(&file, input).expect("written");
    file
}
