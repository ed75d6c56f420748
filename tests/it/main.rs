//! Fast tests of the whole: the code's own shape, the command line, the examples, generated files.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops where its ground is missing"
)]

mod cli;
mod discover;
mod examples;
mod generated;
mod pact;
mod tidy;
