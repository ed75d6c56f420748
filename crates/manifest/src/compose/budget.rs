//! How much a file may ask for.
//!
//! In: what is counted while a document is composed. Out: a [`Fault`] as soon as it is too much.

/// How deep values may be nested. Kubernetes' own kinds stay below 30; recursion over values is bounded by this.
pub(super) const DEPTH_MAX: usize = 100;
/// How many values a file may hold, aliases expanded: a file of the largest size with 8 bytes for each, which a graph of
/// 20,000 services with 200,000 calls does not reach.
pub(super) const VALUES_MAX: usize = 2_000_000;
/// How many of them aliases may make.
const EXPANDED_MAX: usize = 1_000_000;
/// How many times larger than written a document may grow by its aliases.
const EXPANSION_MAX: usize = 100;
/// What aliases may always add, so that a short file with a few large anchors is no bomb.
const EXPANSION_FREE: usize = 10_000;
/// A text counts as one more value for each of these bytes, or a few long texts could be expanded without end.
pub(super) const BYTES_PER_VALUE: usize = 64;

/// How many values a file may still make.
#[derive(Debug)]
pub(crate) struct Budget {
    written: usize,
    expanded: usize,
}

impl Budget {
    /// The budget of one file.
    pub(crate) fn new() -> Self {
        Self {
            written: 0,
            expanded: 0,
        }
    }

    /// What was counted so far.
    pub(super) fn counted(&self) -> usize {
        self.written + self.expanded
    }

    /// Counts a value of the file.
    pub(super) fn write(&mut self, weight: usize) -> Result<(), Fault> {
        self.written += weight;
        if self.counted() > VALUES_MAX {
            Err(Fault::TooMany)
        } else {
            Ok(())
        }
    }

    /// Counts what an alias repeats, and what is kept for one.
    pub(super) fn expand(&mut self, weight: usize) -> Result<(), Fault> {
        self.expanded += weight;
        let most = (self.written * EXPANSION_MAX).clamp(EXPANSION_FREE, EXPANDED_MAX);
        if self.expanded > most {
            Err(Fault::Bomb { most })
        } else {
            Ok(())
        }
    }
}

/// How many problems are told at most; whoever made more has one cause for them all.
pub(crate) const PROBLEMS_MAX: usize = 1_000;

/// Why the rest of a document is not read.
pub(super) enum Fault {
    /// More values than a file may have.
    TooMany,
    /// Nested too deep.
    TooDeep,
    /// Aliases expand to more than this many values.
    Bomb {
        /// The limit for a file of this size.
        most: usize,
    },
    /// An alias of what it stands in.
    Recursion,
}
