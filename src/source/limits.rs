//! What a repository may cost.

use std::time::Duration;

/// The limits of one look at a repository; each is named in the error that it makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many bytes a server may send for one commit. The files of a system take a few megabytes; the rest is for
    /// repositories that also hold the code.
    pub received_bytes: usize,
    /// How long a fetch may take, over all its requests.
    pub fetch: Duration,
    /// How many branches and tags a server may tell of.
    pub references: usize,
    /// How many entries the trees below the path may have.
    pub entries: usize,
    /// How deep they may nest: a few trees that hold each other's digests are a tree without end.
    pub depth: usize,
    /// How large the files may be together.
    pub total_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            received_bytes: 512 << 20,
            fetch: Duration::from_mins(2),
            references: 200_000,
            entries: 100_000,
            depth: 64,
            total_bytes: 64 << 20,
        }
    }
}

/// A time that many who wait equally long do not share: up to a tenth shorter or longer. `chance` is from 0 to 1.
pub fn jittered(interval: Duration, chance: f64) -> Duration {
    interval.mul_f64(0.9 + 0.2 * chance.clamp(0.0, 1.0))
}
