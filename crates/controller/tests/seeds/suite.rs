//! The runs of the suite, side by side on all processors.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tidegate_controller::sim::{Faults, Outcome, run, shrink};

use crate::systems::{self, System};

/// How many runs of one system are done in one go.
const CHUNK: u64 = 25;
/// Every so many runs, one is done twice: it must be the same, event for event.
const TWICE_EVERY: u64 = 20;
/// Without any fault is every so many runs.
const CALM_EVERY: u64 = 25;
/// A suite that has found so many runs that went wrong looks for no more.
const WRONG_MAX: usize = 5;

/// What is to be run.
pub(crate) struct Suite {
    chunks: Vec<Chunk>,
    first: u64,
}

/// Some seeds of one system.
struct Chunk {
    system: String,
    seeds: std::ops::Range<u64>,
}

/// What was run.
pub(crate) struct Ran {
    pub(crate) first: u64,
    pub(crate) runs: u64,
    pub(crate) systems: usize,
    pub(crate) twice: u64,
    pub(crate) took: Duration,
    /// How many releases ended how.
    pub(crate) endings: BTreeMap<String, u64>,
    /// What some run has met.
    pub(crate) reached: BTreeSet<String>,
    pub(crate) wrong: Vec<Wrong>,
    /// The same for the same runs.
    pub(crate) digest: String,
}

/// A run that went wrong.
pub(crate) struct Wrong {
    pub(crate) system: String,
    pub(crate) seed: u64,
    /// As few as it takes.
    pub(crate) faults: Faults,
    pub(crate) problems: Vec<String>,
}

/// What became of a chunk.
#[derive(Default)]
struct Done {
    runs: u64,
    twice: u64,
    endings: BTreeMap<String, u64>,
    reached: BTreeSet<String>,
    wrong: Vec<Wrong>,
    digests: String,
}

impl Suite {
    /// So many runs: of the systems that are written down and of ones that are made up, in turn.
    pub(crate) fn of(seeds: u64, first: u64) -> Self {
        let written = systems::names();
        let mut chunks = Vec::new();
        let mut seed = first;
        let end = first + seeds;
        for turn in 0.. {
            if seed >= end {
                break;
            }
            let system = match written.get(turn / 2 % written.len()) {
                Some(name) if turn % 2 == 0 => (*name).to_owned(),
                Some(_) | None => systems::made_up(seed),
            };
            let seeds = seed..(seed + CHUNK).min(end);
            seed = seeds.end;
            chunks.push(Chunk { system, seeds });
        }
        Self { chunks, first }
    }

    /// Runs all.
    pub(crate) fn run(&self) -> Ran {
        let begun = Instant::now();
        let next = AtomicUsize::new(0);
        let found = AtomicUsize::new(0);
        let done: Mutex<BTreeMap<usize, Done>> = Mutex::new(BTreeMap::new());
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            for _ in 0..processors {
                scope.spawn(|| {
                    while found.load(Ordering::Relaxed) < WRONG_MAX {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(chunk) = self.chunks.get(index) else {
                            break;
                        };
                        let of_chunk = chunk.run();
                        found.fetch_add(of_chunk.wrong.len(), Ordering::Relaxed);
                        done.lock().expect("no run panics").insert(index, of_chunk);
                    }
                });
            }
        });
        let systems: BTreeSet<&str> = self.chunks.iter().map(|one| one.system.as_str()).collect();
        let mut ran = Ran {
            first: self.first,
            runs: 0,
            systems: systems.len(),
            twice: 0,
            took: begun.elapsed(),
            endings: BTreeMap::new(),
            reached: BTreeSet::new(),
            wrong: Vec::new(),
            digest: String::new(),
        };
        let mut digest = Sha256::new();
        for of_chunk in done.into_inner().expect("no run panics").into_values() {
            ran.runs += of_chunk.runs;
            ran.twice += of_chunk.twice;
            for (ending, count) in of_chunk.endings {
                *ran.endings.entry(ending).or_default() += count;
            }
            ran.reached.extend(of_chunk.reached);
            ran.wrong.extend(of_chunk.wrong);
            digest.update(of_chunk.digests);
        }
        for byte in digest.finalize().iter().take(8) {
            write!(ran.digest, "{byte:02x}").expect("a text can be written");
        }
        ran
    }
}

impl Chunk {
    fn run(&self) -> Done {
        let System { scenario, plan } = systems::named(&self.system);
        let mut done = Done::default();
        for seed in self.seeds.clone() {
            let faults = if seed % CALM_EVERY == 0 {
                Faults::none()
            } else {
                Faults::of_all_by_chance(seed)
            };
            let mut outcome = run(&scenario, &plan, seed, &faults, false);
            if seed % TWICE_EVERY == 0 {
                done.twice += 1;
                if run(&scenario, &plan, seed, &faults, false) != outcome {
                    outcome
                        .wrong
                        .push("the same seed gave two different runs".to_owned());
                }
            }
            done.runs += 1;
            *done.endings.entry(ending(&outcome)).or_default() += 1;
            done.digests.push_str(&outcome.digest);
            if !outcome.wrong.is_empty() {
                done.wrong.push(Wrong {
                    system: self.system.clone(),
                    seed,
                    faults: shrink(&scenario, &plan, &outcome),
                    problems: outcome.wrong,
                });
            }
            done.reached.extend(outcome.reached);
        }
        done
    }
}

fn ending(outcome: &Outcome) -> String {
    if outcome.ending.is_empty() {
        "Never".to_owned()
    } else {
        outcome.ending.clone()
    }
}
