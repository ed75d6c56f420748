//! Runs many seeds of many systems, with every fault: `make simulate-seeds`.
//!
//! In: `TIDEGATE_SEEDS` (how many runs), `SEED` (the first; 1), and to run one again `SYSTEM` and `FAULTS` (`JOURNAL=1` prints
//! every line of it). Out: how releases ended. The exit code is 1 if something went wrong that must never go wrong, if the
//! same seed gave two different runs, or if something was met by no run that has to be met by some.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test stops where its ground is missing, and says what it did"
)]

mod points;
mod random;
mod suite;
mod systems;

use std::process::ExitCode;

use tidegate_controller::sim::{Fault, Faults, run};

use suite::{Suite, Wrong};
use systems::System;

fn main() -> ExitCode {
    // `cargo test` runs this too; what takes so long is only meant by its name.
    let Ok(seeds) = std::env::var("TIDEGATE_SEEDS") else {
        return ExitCode::SUCCESS;
    };
    let seeds: u64 = seeds.parse().expect("TIDEGATE_SEEDS is a number");
    let first = asked("SEED").map_or(1, |seed| seed.parse().expect("SEED is a number"));
    if let Some(name) = asked("SYSTEM") {
        return again(&name, first, asked("FAULTS"));
    }
    report(&Suite::of(seeds, first).run())
}

/// What the environment asks for; what is empty is not asked.
fn asked(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Runs one seed again, as the line that a failing suite prints.
fn again(name: &str, seed: u64, faults: Option<String>) -> ExitCode {
    let System { scenario, plan } = systems::named(name);
    let faults = faults.map_or_else(
        || Faults::of_all_by_chance(seed),
        |list| {
            let words = list.split(',').filter(|word| *word != "none");
            Faults::of(words.map(|word| word.parse::<Fault>().expect("a fault")))
        },
    );
    let outcome = run(&scenario, &plan, seed, &faults, true);
    if asked("JOURNAL").is_some() {
        for line in &outcome.lines {
            println!("{line}");
        }
    }
    println!(
        "{name}, seed {seed}, faults {faults}: {} {}; digest {}",
        outcome.ending, outcome.message, outcome.digest
    );
    for wrong in &outcome.wrong {
        println!("wrong: {wrong}");
    }
    ExitCode::from(u8::from(!outcome.wrong.is_empty()))
}

/// How many runs that went wrong are shown, each with the faults that it takes.
const SHOWN_MAX: usize = 5;

fn report(ran: &suite::Ran) -> ExitCode {
    println!(
        "{} runs of {} systems, seeds from {}, {} of them twice, in {:.0} s ({:.0} a second): {}",
        ran.runs,
        ran.systems,
        ran.first,
        ran.twice,
        ran.took.as_secs_f64(),
        f64::from(u32::try_from(ran.runs).unwrap_or(u32::MAX)) / ran.took.as_secs_f64(),
        ran.endings
            .iter()
            .map(|(ending, count)| format!("{count} {ending}"))
            .collect::<Vec<_>>()
            .join(", ")
    );
    println!("digest of all runs: {}", ran.digest);
    if asked("JOURNAL").is_some() {
        let reached: Vec<&str> = ran.reached.iter().map(String::as_str).collect();
        println!("met: {}", reached.join(" "));
    }
    for wrong in ran.wrong.iter().take(SHOWN_MAX) {
        println!("{}", told(wrong));
    }
    if !ran.wrong.is_empty() {
        println!("{} runs went wrong", ran.wrong.len());
        return ExitCode::FAILURE;
    }
    let missed = points::missed(&ran.reached);
    if !missed.is_empty() {
        println!("no run has met: {}", missed.join(", "));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// What went wrong in a run, and the line that does it again.
fn told(wrong: &Wrong) -> String {
    let Wrong {
        system,
        seed,
        faults,
        problems,
    } = wrong;
    format!(
        "make simulate-seeds SYSTEM={system} SEED={seed} FAULTS={faults} JOURNAL=1\n  {}",
        problems.join("\n  ")
    )
}
