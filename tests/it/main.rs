//! Fast tests of the whole: the code's own shape, the command line, the examples, generated files.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops where its ground is missing"
)]

mod cli;
mod discover;
mod drawings;
mod examples;
mod explain;
mod generated;
mod input;
mod lint;
mod monitoring;
mod mutants;
mod pact;
mod refusals;
mod saved;
mod simulate;
mod tidy;
