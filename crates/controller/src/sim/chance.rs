//! Everything that is left to chance in a simulated run, from one seed.

use jiff::SignedDuration;

/// A stream of numbers that is the same for the same seed.
#[derive(Debug)]
pub(super) struct Chance(fastrand::Rng);

impl Chance {
    pub(super) fn of(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// Another stream, so that what is drawn from this one does not depend on what is drawn from that one.
    pub(super) fn fork(&mut self) -> Self {
        Self(self.0.fork())
    }

    /// True once in so many times; never for 0.
    pub(super) fn once_in(&mut self, times: u32) -> bool {
        times > 0 && self.0.u32(0..times) == 0
    }

    /// A time between two numbers of milliseconds, both included.
    pub(super) fn between_ms(&mut self, least: u64, most: u64) -> SignedDuration {
        let drawn = self.0.u64(least..=most.max(least));
        SignedDuration::from_millis(i64::try_from(drawn).unwrap_or(i64::MAX))
    }

    /// A number below another one; 0 for 0.
    pub(super) fn below(&mut self, end: u32) -> u32 {
        self.0.u32(0..end.max(1))
    }

    /// One of some things.
    pub(super) fn one_of<'a, T>(&mut self, things: &'a [T]) -> Option<&'a T> {
        if things.is_empty() {
            return None;
        }
        things.get(self.0.usize(0..things.len()))
    }
}
